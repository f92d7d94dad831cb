"""Messages, against enumeration in plain Python, closed forms, and what theory demands."""

import math
from dataclasses import replace

import mpmath
import numpy as np
import oracle
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from problems import KINDS, bandit, corridor, lottery, possible, problems, random_mdp, two_states

from cs_infer import (
    TabularMDP,
    action_posterior_by_enumeration,
    backward_messages,
    enumerate_trajectories,
    forward_messages,
    plan_closed_loop,
    smoothed_marginals,
    soft_values,
)
from cs_infer.log_space import logsumexp

pytestmark = pytest.mark.filterwarnings("error")

random_problems = pytest.mark.parametrize(
    "mdp",
    [
        random_mdp(seed, kind=kind, next_state=bool(seed % 2), temperature=0.5 + seed)
        for seed, kind in enumerate(KINDS * 2)
    ],
    ids=repr,
)


def same_messages(left, right, atol=1e-10):
    np.testing.assert_allclose(left.log_beta_sa, right.log_beta_sa, atol=atol)
    np.testing.assert_allclose(left.log_beta_s, right.log_beta_s, atol=atol)
    np.testing.assert_allclose(left.policy, right.policy, atol=atol)
    np.testing.assert_allclose(left.log_evidence, right.log_evidence, atol=atol)


# The oracle.


@given(problems())
def test_backward_messages_match_trajectory_enumeration(mdp):
    messages, exact = backward_messages(mdp), oracle.plain(mdp)
    assert math.exp(messages.log_evidence) == pytest.approx(oracle.evidence(exact), rel=1e-11)
    for t in range(mdp.horizon):
        after = oracle.beta(exact, t)
        for (s, a), p in after.items():
            assert np.exp(messages.log_beta_sa[t, s, a]) == pytest.approx(p, rel=1e-11)
        np.testing.assert_allclose(
            np.exp(messages.log_beta_s[t]), oracle.beta_state(exact, t), rtol=1e-11
        )


@given(problems())
def test_the_policy_is_the_action_posterior_of_enumeration(mdp):
    policy, exact = backward_messages(mdp).policy, oracle.plain(mdp)
    if oracle.evidence(exact) > 0:
        for t in range(mdp.horizon):
            for (s, a), p in oracle.action_posterior(exact, t).items():
                assert policy[t, s, a] == pytest.approx(p, abs=1e-11)


@given(problems())
def test_forward_messages_match_trajectory_enumeration(mdp):
    messages, exact = forward_messages(mdp), oracle.plain(mdp)
    for t in range(mdp.horizon):
        joint = np.array(oracle.past(exact, t), dtype=float)
        np.testing.assert_allclose(np.exp(messages.log_forward[t]), joint, rtol=1e-11)
        if joint.sum() > 0:
            np.testing.assert_allclose(messages.filtered[t], joint / joint.sum(), atol=1e-11)
        else:
            assert not messages.filtered[t].any()


@given(problems())
def test_smoothed_marginals_match_trajectory_enumeration(mdp):
    smoothed, exact = smoothed_marginals(mdp), oracle.plain(mdp)
    for t in range(mdp.horizon):
        expected = np.zeros((mdp.num_states, mdp.num_actions))
        if oracle.evidence(exact) > 0:
            for (s, a), p in oracle.visited(exact, t).items():
                expected[s, a] = p
        np.testing.assert_allclose(smoothed.state_action[t], expected, atol=1e-11)
        np.testing.assert_allclose(smoothed.state[t], expected.sum(axis=1), atol=1e-11)


def test_two_states_in_fractions():
    """Exact to the last digit: the oracle counts in fractions here."""
    exact, mdp = two_states()
    messages, smoothed = backward_messages(mdp), smoothed_marginals(mdp)
    forward = forward_messages(mdp)
    assert math.exp(messages.log_evidence) == pytest.approx(
        float(oracle.evidence(exact)), rel=1e-14
    )
    for t in range(2):
        beta, past = oracle.beta_state(exact, t), oracle.past(exact, t)
        np.testing.assert_allclose(np.exp(messages.log_beta_s[t]), np.float64(beta), rtol=1e-14)
        np.testing.assert_allclose(np.exp(forward.log_forward[t]), np.float64(past), rtol=1e-14)
        for (s, a), p in oracle.visited(exact, t).items():
            assert smoothed.state_action[t, s, a] == pytest.approx(float(p), rel=1e-14)
        for (s, a), p in oracle.action_posterior(exact, t).items():
            assert messages.policy[t, s, a] == pytest.approx(float(p), rel=1e-14)


def test_the_library_enumerates_what_the_messages_say_on_larger_problems():
    for seed, kind in enumerate(KINDS):
        mdp = random_mdp(seed, S=5, A=3, T=4, kind=kind, next_state=kind == "sparse")
        messages = backward_messages(mdp)
        assert messages.log_evidence == pytest.approx(
            enumerate_trajectories(mdp).log_evidence, abs=1e-12
        )
        by_listing = action_posterior_by_enumeration(mdp)
        visited = by_listing.sum(axis=2) > 0
        np.testing.assert_allclose(messages.policy[visited], by_listing[visited], atol=1e-12)


# Closed forms.


@given(
    st.lists(st.floats(-5, 5), min_size=1, max_size=6),
    st.integers(1, 300),
    st.sampled_from([0.5, 1.0, 4.0]),
)
def test_a_bandit_is_optimal_with_the_same_probability_at_every_step(reward, horizon, alpha):
    messages = backward_messages(bandit(reward, horizon=horizon, temperature=alpha))
    one_step = math.fsum(math.exp(r / alpha) for r in reward) / len(reward)
    assert messages.log_evidence == pytest.approx(horizon * math.log(one_step), abs=1e-9)
    expected = [math.exp(r / alpha) / len(reward) / one_step for r in reward]
    np.testing.assert_allclose(messages.policy[0, 0], expected, atol=1e-12)


@pytest.mark.parametrize(("length", "horizon", "alpha"), [(1, 1, 1.0), (3, 8, 0.5), (7, 400, 2.0)])
def test_the_corridor_counts_the_ways_to_arrive(length, horizon, alpha):
    """The walker arrives after n steps in C(n-1, length-1) ways, each of weight (e^-1/a / 2)^n."""
    with mpmath.workdps(40):
        cost = mpmath.exp(-1 / mpmath.mpf(alpha))
        arrive = [
            mpmath.binomial(n - 1, length - 1) / mpmath.mpf(2) ** n
            for n in range(length, horizon + 1)
        ]
        evidence = sum(p * cost**n for n, p in enumerate(arrive, start=length))
        evidence += (1 - sum(arrive)) * cost**horizon
        expected = float(mpmath.log(evidence))
    messages = backward_messages(corridor(length, horizon=horizon, temperature=alpha))
    assert messages.log_evidence == pytest.approx(expected, rel=1e-12)


def test_one_step_of_messages_is_one_step_of_bayes():
    mdp = random_mdp(4, T=1)
    messages = backward_messages(mdp)
    np.testing.assert_allclose(messages.log_beta_sa[0], mdp.reward[0], atol=1e-13)
    weight = mdp.action_prior * np.exp(mdp.reward[0])
    np.testing.assert_allclose(
        messages.policy[0], weight / weight.sum(axis=1, keepdims=True), atol=1e-13
    )
    np.testing.assert_allclose(
        math.exp(messages.log_evidence), np.sum(mdp.initial[:, None] * weight)
    )
    np.testing.assert_allclose(forward_messages(mdp).filtered[0], mdp.initial, atol=1e-15)


@pytest.mark.parametrize("p_win", [0.01, 0.2, 0.6])
def test_exact_messages_are_optimistic_about_luck(p_win):
    """They value the lottery at log E exp, above its mean, and buy it when that beats safety."""
    messages = backward_messages(lottery(p_win))
    value = math.log(p_win + (1 - p_win) * math.exp(-3))
    assert messages.log_beta_sa[0, 0, 1] == pytest.approx(value)
    assert value > -3 * (1 - p_win)
    assert messages.log_beta_sa[0, 0, 0] == pytest.approx(-1.0)
    assert (messages.policy[0, 0, 1] > 0.5) == (value > -1)


# Theorems.


@given(problems(), st.integers(-40, 40))
def test_a_constant_reward_shifts_the_evidence_and_no_policy(mdp, eighths):
    c = eighths / 8
    before = backward_messages(mdp)
    after = backward_messages(replace(mdp, reward=mdp.reward + c))
    shift = mdp.horizon * c / mdp.temperature
    np.testing.assert_allclose(after.log_evidence, before.log_evidence + shift, atol=1e-10)
    np.testing.assert_allclose(after.policy, before.policy, atol=1e-10)
    to_go = (mdp.horizon - np.arange(mdp.horizon))[:, None] * c / mdp.temperature
    np.testing.assert_allclose(after.log_beta_s, before.log_beta_s + to_go, atol=1e-10)


@given(problems(), st.randoms(use_true_random=False))
def test_names_of_states_and_actions_do_not_matter(mdp, random):
    s, a = np.arange(mdp.num_states), np.arange(mdp.num_actions)
    random.shuffle(s)
    random.shuffle(a)
    renamed = TabularMDP.from_arrays(
        transition=mdp.transition[np.ix_(s, a, s)],
        reward=mdp.reward[:, s][:, :, a],
        initial=mdp.initial[s],
        horizon=mdp.horizon,
        action_prior=mdp.action_prior[np.ix_(s, a)],
        temperature=mdp.temperature,
        reward_next=None if mdp.reward_next is None else mdp.reward_next[np.ix_(s, a, s)],
    )
    old, new = backward_messages(mdp), backward_messages(renamed)
    np.testing.assert_allclose(new.log_evidence, old.log_evidence, atol=1e-12)
    np.testing.assert_allclose(new.policy, old.policy[:, s][:, :, a], atol=1e-12)
    np.testing.assert_allclose(
        smoothed_marginals(renamed).state_action,
        smoothed_marginals(mdp).state_action[:, s][:, :, a],
        atol=1e-12,
    )


@given(problems())
def test_the_action_prior_folds_into_the_reward(mdp):
    """A prior rho is a uniform prior and the extra reward alpha (log rho + log A)."""
    extra = mdp.temperature * (mdp.log_action_prior + math.log(mdp.num_actions))
    folded = replace(mdp, reward=mdp.reward + extra, action_prior=None)
    before, after = backward_messages(mdp), backward_messages(folded)
    np.testing.assert_allclose(after.log_evidence, before.log_evidence, atol=1e-11)
    np.testing.assert_allclose(after.log_beta_s, before.log_beta_s, atol=1e-11)
    np.testing.assert_allclose(after.policy, before.policy, atol=1e-11)


@given(problems(kinds=("deterministic",), impossible=False))
def test_exact_messages_equal_soft_values_when_dynamics_are_deterministic(mdp):
    Q, V = oracle.soft_values(mdp)
    messages = backward_messages(mdp)
    np.testing.assert_allclose(mdp.temperature * messages.log_beta_sa, Q, atol=1e-10)
    np.testing.assert_allclose(mdp.temperature * messages.log_beta_s, V, atol=1e-10)


@given(problems(impossible=False))
def test_exact_messages_are_never_below_the_soft_values(mdp):
    """Optimism, by Jensen: ``log E exp(V) >= E[V]``, step after step."""
    Q, V = oracle.soft_values(mdp)
    messages = backward_messages(mdp)
    assert np.all(mdp.temperature * messages.log_beta_sa >= np.array(Q) - 1e-10)
    assert np.all(mdp.temperature * messages.log_beta_s >= np.array(V) - 1e-10)


@given(problems())
def test_a_reward_of_zero_is_optimal_for_certain_whatever_the_prior_and_horizon(mdp):
    free = replace(
        mdp,
        reward=np.zeros_like(mdp.reward),
        reward_next=None if mdp.reward_next is None else np.zeros_like(mdp.reward_next),
    )
    messages = backward_messages(free)
    np.testing.assert_allclose(messages.log_beta_s, 0.0, atol=1e-13)
    assert abs(messages.log_evidence) < 1e-13
    np.testing.assert_allclose(
        messages.policy, np.broadcast_to(mdp.action_prior, mdp.reward.shape), atol=1e-13
    )


@given(problems())
def test_forward_times_backward_sums_to_the_evidence_at_every_step(mdp):
    both = forward_messages(mdp).log_forward + backward_messages(mdp).log_beta_s
    log_evidence = backward_messages(mdp).log_evidence
    np.testing.assert_allclose(logsumexp(both, axis=1), log_evidence, atol=1e-11)


@given(problems())
def test_a_temperature_divides_the_reward(mdp):
    """Temperature alpha with reward r is temperature 1 with reward r / alpha."""
    divided = replace(
        mdp,
        reward=mdp.reward / mdp.temperature,
        reward_next=None if mdp.reward_next is None else mdp.reward_next / mdp.temperature,
        temperature=1.0,
    )
    same_messages(backward_messages(divided), backward_messages(mdp), atol=1e-12)


@given(problems(next_state=False))
def test_as_the_temperature_falls_the_best_trajectory_takes_all(mdp):
    """``best return + alpha log p(best) <= alpha log p(O) <= best return``."""
    assume(possible(mdp))
    cold = mdp.with_temperature(1e-3)
    table = enumerate_trajectories(mdp)
    returns = table.log_likelihood * mdp.temperature
    best = returns.max()
    free_energy = 1e-3 * backward_messages(cold).log_evidence
    weight_of_best = table.prior[np.isclose(returns, best, atol=1e-9)].sum()
    assert best + 1e-3 * math.log(weight_of_best) - 1e-9 <= free_energy <= best + 1e-9


@given(problems(kinds=("deterministic",)))
def test_as_the_temperature_falls_certain_dynamics_give_optimal_control(mdp):
    plan = plan_closed_loop(mdp)
    messages = backward_messages(mdp.with_temperature(1e-4))
    np.testing.assert_allclose(1e-4 * messages.log_beta_s, plan.V, atol=0.01)
    worse = (plan.V[:, :, None] > plan.Q) & np.isfinite(plan.V)[:, :, None]
    assert np.all(messages.policy[worse] < 1e-9)


@given(problems(), st.integers(1, 3))
def test_splitting_a_state_in_two_equal_ones_changes_nothing(mdp, quarters):
    """A copy of the last state takes a share of every way in and shares every way out."""
    q, last = quarters / 4, mdp.num_states - 1

    def share(p):
        return np.concatenate([p[..., :last], (1 - q) * p[..., last:], q * p[..., last:]], axis=-1)

    def twice(x, axis):
        return np.concatenate([x, np.take(x, [last], axis=axis)], axis=axis)

    split = TabularMDP.from_arrays(
        transition=twice(share(mdp.transition), 0),
        reward=twice(mdp.reward, 1),
        initial=share(mdp.initial),
        horizon=mdp.horizon,
        action_prior=twice(mdp.action_prior, 0),
        temperature=mdp.temperature,
        reward_next=None if mdp.reward_next is None else twice(twice(mdp.reward_next, 0), 2),
    )
    before, after = backward_messages(mdp), backward_messages(split)
    np.testing.assert_allclose(after.log_evidence, before.log_evidence, atol=1e-11)
    np.testing.assert_allclose(after.policy, twice(before.policy, 1), atol=1e-11)
    np.testing.assert_allclose(
        smoothed_marginals(split).state, share(smoothed_marginals(mdp).state), atol=1e-11
    )


@given(problems())
def test_splitting_an_action_in_two_equal_ones_changes_nothing_if_its_prior_is_shared(mdp):
    def twice(x, axis):
        return np.concatenate([x, np.take(x, [-1], axis=axis)], axis=axis)

    prior = np.concatenate([mdp.action_prior, mdp.action_prior[:, -1:] / 2], axis=1)
    prior[:, -2] /= 2
    split = TabularMDP.from_arrays(
        transition=twice(mdp.transition, 1),
        reward=twice(mdp.reward, 2),
        initial=mdp.initial,
        horizon=mdp.horizon,
        action_prior=prior,
        temperature=mdp.temperature,
        reward_next=None if mdp.reward_next is None else twice(mdp.reward_next, 1),
    )
    before, after = backward_messages(mdp), backward_messages(split)
    np.testing.assert_allclose(after.log_beta_s, before.log_beta_s, atol=1e-11)
    np.testing.assert_allclose(after.log_evidence, before.log_evidence, atol=1e-11)


@given(problems())
def test_a_reward_on_the_next_state_that_ignores_it_is_a_plain_reward(mdp):
    constant = mdp.reward[-1]
    plain = replace(mdp, reward=constant, reward_next=None)
    moved = replace(
        mdp,
        reward=np.zeros_like(constant),
        reward_next=np.repeat(constant[:, :, None], mdp.num_states, axis=2),
    )
    same_messages(backward_messages(moved), backward_messages(plain), atol=1e-11)


@given(problems())
def test_distributions_are_distributions_and_nothing_is_nan(mdp):
    backward, forward = backward_messages(mdp), forward_messages(mdp)
    smoothed = smoothed_marginals(mdp)
    messages = backward.log_beta_sa, backward.log_beta_s, backward.policy, backward.log_evidence
    for result in (*messages, *forward, smoothed.state, smoothed.state_action):
        assert not np.isnan(result).any()
        assert not np.any(np.asarray(result) == np.inf)
    alive = np.isfinite(backward.log_beta_s)
    np.testing.assert_allclose(backward.policy.sum(axis=2), alive.astype(float), atol=1e-12)
    assert not backward.policy[:, mdp.action_prior == 0].any()
    optimal = float(backward.log_evidence > -np.inf)
    np.testing.assert_allclose(smoothed.state.sum(axis=1), optimal, atol=1e-12)
    np.testing.assert_allclose(smoothed.state_action.sum(axis=2), smoothed.state, atol=1e-12)


@given(problems())
def test_the_smoothed_action_given_its_state_is_the_policy(mdp):
    smoothed, policy = smoothed_marginals(mdp), backward_messages(mdp).policy
    np.testing.assert_allclose(
        smoothed.state_action, smoothed.state[:, :, None] * policy, atol=1e-12
    )


# Limits.


def test_impossible_optimality_has_evidence_zero_and_no_nan():
    mdp = bandit([-np.inf, -np.inf], horizon=4)
    backward, forward = backward_messages(mdp), forward_messages(mdp)
    assert backward.log_evidence == -np.inf
    assert not backward.policy.any()
    assert forward.filtered.tolist() == [[1.0], [0.0], [0.0], [0.0]]
    assert not smoothed_marginals(mdp).state.any()


def test_a_state_that_cannot_be_left_optimally_is_avoided():
    """A trap one step ahead: the reward of -inf travels back through the messages."""
    P = np.zeros((3, 2, 3))
    P[0, 0, 1] = P[0, 1, 2] = 1.0
    P[1, :, 1] = P[2, :, 2] = 1.0
    reward = np.zeros((3, 2))
    reward[2] = -np.inf
    mdp = TabularMDP.from_arrays(transition=P, reward=reward, initial=[1, 0, 0], horizon=3)
    messages = backward_messages(mdp)
    assert messages.policy[0, 0].tolist() == [1.0, 0.0]
    assert messages.policy[1, 2].tolist() == [0.0, 0.0]
    assert messages.log_evidence == pytest.approx(math.log(0.5))


def test_ten_thousand_steps_of_a_bandit_keep_their_digits():
    messages = backward_messages(bandit([0.0, -1e4], horizon=10_000))
    assert messages.log_evidence == pytest.approx(-10_000 * math.log(2), rel=1e-11)
    np.testing.assert_array_equal(messages.policy[:, 0], np.tile([1.0, 0.0], (10_000, 1)))


@random_problems
def test_a_cost_of_ten_thousand_a_step_over_a_long_horizon_changes_no_policy(mdp):
    T = 1000
    long = replace(mdp, reward=mdp.reward[0], horizon=T, temperature=1.0)
    costly = replace(long, reward=mdp.reward[0] - 1e4)
    before, after = backward_messages(long), backward_messages(costly)
    assert after.log_evidence == pytest.approx(before.log_evidence - 1e4 * T, rel=1e-13)
    np.testing.assert_allclose(after.policy, before.policy, atol=1e-8)
    np.testing.assert_allclose(
        smoothed_marginals(costly).state_action, smoothed_marginals(long).state_action, atol=1e-6
    )
    np.testing.assert_allclose(smoothed_marginals(costly).state.sum(axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize("t", [-1, 5])
def test_a_step_that_does_not_exist_is_refused(t):
    mdp = random_mdp(0, T=5)
    for results in (backward_messages(mdp), smoothed_marginals(mdp), soft_values(mdp)):
        with pytest.raises(ValueError, match="t must lie in 0 … 4"):
            results.step(t)
