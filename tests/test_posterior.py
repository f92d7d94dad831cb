"""The posterior as a process: where it starts, how it moves, and how much luck it assumes."""

import math

import mpmath
import numpy as np
import oracle
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from problems import (
    bandit,
    full_problems,
    lottery,
    possible,
    problems,
    random_mdp,
    rebuilt,
)

from cs_infer import (
    backward_messages,
    lottery_threshold,
    optimism_gap,
    pairwise_marginals,
    posterior_dynamics,
    posterior_initial,
    sample_posterior,
    smoothed_marginals,
)

pytestmark = pytest.mark.filterwarnings("error")


def on_all_states(mdp, listed):
    """Entries indexed [s, a, k] by the successor list, added up to [s, a, s']."""
    S, A = mdp.num_states, mdp.num_actions
    next_state = np.broadcast_to(np.asarray(mdp.dynamics.next_state), np.shape(listed))
    full = np.zeros((S, A, S))
    s, a, _ = np.indices(np.shape(listed))
    np.add.at(full, (s, a, next_state), listed)
    return full


def triples(mdp, t):
    """``p(s_t, a_t, s_t+1 | O)`` by listing trajectories."""
    expected = np.zeros((mdp.num_states, mdp.num_actions, mdp.num_states))
    for (states, actions), p in oracle.posterior(oracle.plain(mdp)).items():
        expected[states[t], actions[t], states[t + 1]] += float(p)
    return expected


def moves_given_success(mdp, t):
    """``p(s' | s, a, O_t:T)`` for every state and action, reachable or not, by Bayes.

    ``beta`` is itself summed over trajectories; the step's own factor counts
    because a reward may depend on where the step ends.
    """
    exact = oracle.plain(mdp)
    S, A = mdp.num_states, mdp.num_actions
    last = t + 1 == mdp.horizon
    after = (exact.terminal or [1.0] * S) if last else oracle.beta_state(exact, t + 1)
    seen = oracle.seen_steps(mdp)[t]
    moves = np.zeros((S, A, S))
    for s, a in np.ndindex(S, A):
        weight = np.array(
            [
                exact.transition[s][a][n]
                * (
                    math.exp(mdp.reward_next[s, a, n] / mdp.temperature)
                    if seen and mdp.reward_next is not None
                    else 1.0
                )
                * float(after[n])
                for n in range(S)
            ]
        )
        moves[s, a] = weight / weight.sum() if weight.sum() > 0 else 0.0
    return moves


@given(full_problems())
def test_the_first_state_of_the_posterior_is_that_of_the_listed_trajectories(mdp):
    expected = np.zeros(mdp.num_states)
    if possible(mdp):
        for (states, _), p in oracle.posterior(oracle.plain(mdp)).items():
            expected[states[0]] += float(p)
    initial = posterior_initial(mdp)
    np.testing.assert_allclose(initial, expected, atol=1e-11)
    np.testing.assert_allclose(initial, smoothed_marginals(mdp).state[0], atol=1e-11)


@given(full_problems())
def test_posterior_dynamics_are_the_dynamics_given_that_the_rest_goes_well(mdp):
    for t in range(mdp.horizon):
        got = posterior_dynamics(mdp, t).transition
        assert not np.isnan(got).any()
        np.testing.assert_allclose(got, moves_given_success(mdp, t), atol=1e-11)


@given(full_problems())
def test_posterior_dynamics_are_the_ratio_of_listed_trajectories(mdp):
    assume(possible(mdp))
    for t in range(mdp.horizon - 1):
        pairs = triples(mdp, t)
        total = pairs.sum(axis=2, keepdims=True)
        visited = total[:, :, 0] > 1e-9
        ratio = (pairs / np.where(total > 0, total, 1.0))[visited]
        np.testing.assert_allclose(posterior_dynamics(mdp, t).transition[visited], ratio, atol=1e-8)


@given(full_problems())
def test_pairwise_marginals_sum_the_posterior_over_trajectories(mdp):
    assume(possible(mdp))
    for t in range(mdp.horizon - 1):
        got = on_all_states(mdp, pairwise_marginals(mdp, t))
        np.testing.assert_allclose(got, triples(mdp, t), atol=1e-11)


@given(full_problems())
def test_pairwise_marginals_hang_together_with_the_smoothed_marginals(mdp):
    smoothed = smoothed_marginals(mdp)
    for t in range(mdp.horizon - 1):
        pairs = on_all_states(mdp, pairwise_marginals(mdp, t))
        np.testing.assert_allclose(pairs.sum(axis=2), smoothed.state_action[t], atol=1e-11)
        np.testing.assert_allclose(pairs.sum(axis=(0, 1)), smoothed.state[t + 1], atol=1e-11)


@given(full_problems())
def test_posterior_dynamics_move_the_smoothed_marginals_one_step_on(mdp):
    """The posterior is a Markov chain: its own policy, its own dynamics."""
    smoothed = smoothed_marginals(mdp)
    for t in range(mdp.horizon - 1):
        moved = np.einsum(
            "sa,sat->t", smoothed.state_action[t], posterior_dynamics(mdp, t).transition
        )
        np.testing.assert_allclose(moved, smoothed.state[t + 1], atol=1e-11)


@given(problems(kinds=("deterministic",)))
def test_what_is_certain_stays_certain(mdp):
    for t in range(mdp.horizon):
        got = posterior_dynamics(mdp, t).transition
        alive = got.sum(axis=2) > 0
        np.testing.assert_array_equal(got[alive], mdp.transition[alive])


def test_the_last_step_has_no_future_to_hope_for():
    """Nothing is observed after the last action, so its next state follows the dynamics."""
    mdp = random_mdp(3, S=4, A=2, T=3)
    np.testing.assert_allclose(posterior_dynamics(mdp, 2).transition, mdp.transition, atol=1e-15)
    np.testing.assert_allclose(optimism_gap(mdp)[2], 0.0, atol=1e-12)


@pytest.mark.parametrize("p_win", [0.01, 0.3, 0.9])
def test_the_believer_wins_the_lottery(p_win):
    mdp = lottery(p_win)
    believed = posterior_dynamics(mdp, 0).transition[0, 1, 2]
    assert believed == pytest.approx(p_win / (p_win + (1 - p_win) * math.exp(-3)))
    gap = optimism_gap(mdp)[0, 0, 1]
    assert gap == pytest.approx(math.log(p_win + (1 - p_win) * math.exp(-3)) + 3 * (1 - p_win))
    assert optimism_gap(mdp)[0, 0, 0] == pytest.approx(0.0, abs=1e-15)


# The gap.


def divergence(p, q):
    """``KL(p || q)`` in nats, infinite where q forbids what p allows."""
    terms = [x * math.log(x / y) if y > 0 else math.inf for x, y in zip(p, q, strict=True) if x > 0]
    return math.fsum(terms)


@given(full_problems(impossible=False, next_state=False))
def test_the_optimism_gap_is_the_divergence_of_belief_from_truth(mdp):
    gap = optimism_gap(mdp)
    assert gap.shape == mdp.reward.shape
    for t in range(mdp.horizon):
        believed = moves_given_success(mdp, t)
        for s, a in np.ndindex(gap.shape[1:]):
            kl = divergence(mdp.transition[s, a].tolist(), believed[s, a].tolist())
            assert gap[t, s, a] == pytest.approx(kl, abs=1e-10)


@given(full_problems())
def test_the_optimism_gap_is_never_negative_and_never_nan(mdp):
    gap = optimism_gap(mdp)
    assert not np.isnan(gap).any()
    assert np.all(gap >= -1e-11)


@given(full_problems(kinds=("deterministic",)))
def test_no_chance_no_optimism(mdp):
    gap = optimism_gap(mdp)
    np.testing.assert_allclose(gap, 0.0, atol=1e-11)


@given(problems(impossible=False, next_state=False))
def test_the_gap_is_zero_only_where_the_next_value_is_certain(mdp):
    gap, V = optimism_gap(mdp), backward_messages(mdp).log_beta_s
    after = np.vstack([V[1:], np.zeros(mdp.num_states)])
    for t, s, a in np.ndindex(gap.shape):
        ahead = after[t][mdp.transition[s, a] > 0]
        if np.ptp(ahead) > 1e-3:
            assert gap[t, s, a] > 0


def test_hope_against_a_chance_of_the_impossible_is_infinite():
    """v is -inf on one possible next state: belief forbids what the truth allows."""
    mdp = rebuilt(lottery(0.3), reward=np.where(lottery(0.3).reward == -3, -np.inf, -1.0))
    gap = optimism_gap(mdp)
    assert np.isposinf(gap[0, 0, 1])
    assert gap[0, 0, 0] == pytest.approx(0.0, abs=1e-12)


# The lottery's threshold.


@given(
    st.floats(0.05, 8.0),
    st.floats(0.0, 1.0),
    st.sampled_from([0.1, 0.5, 1.0, 4.0, 1e3]),
)
def test_at_the_threshold_the_lottery_is_worth_the_safe_action(gap, share, alpha):
    safe = share * gap
    p = lottery_threshold(gap, safe, temperature=alpha)
    assert 0 <= p <= 1
    with mpmath.workdps(30):
        chance = mpmath.mpf(p)
        worth = alpha * mpmath.log(chance * mpmath.exp(gap / alpha) + 1 - chance)
    assert float(worth) == pytest.approx(safe, abs=1e-9 * alpha + 1e-9)


def test_the_threshold_is_that_of_the_messages():
    """Just below it the safe action is likelier, just above it the lottery."""
    for gap, safe, alpha in ((3.0, 2.0, 1.0), (1.0, 0.5, 0.25), (8.0, 1.0, 2.0)):
        p = lottery_threshold(gap, safe, temperature=alpha)
        for shift, wins in ((-1e-4, False), (1e-4, True)):
            mdp = lottery(p + shift, win=gap, lose=0.0, safe=safe).with_temperature(alpha)
            policy = backward_messages(mdp).policy[0, 0]
            assert (policy[1] > policy[0]) == wins


def test_the_threshold_by_hand_and_at_its_ends():
    assert lottery_threshold(3.0, 2.0) == pytest.approx(
        (math.exp(2) - 1) / (math.exp(3) - 1), rel=1e-14
    )
    assert lottery_threshold(3.0, 0.0) == 0.0
    assert lottery_threshold(3.0, 3.0) == pytest.approx(1.0)
    assert lottery_threshold(3.0, 2.0, temperature=1e7) == pytest.approx(2 / 3, rel=1e-6)
    assert lottery_threshold(3e4, 2e4) == pytest.approx(math.exp(-1e4), abs=1e-300)
    assert isinstance(lottery_threshold(3.0, 2.0), float)
    assert lottery_threshold(3.0, -1.0) == 0.0
    assert lottery_threshold(3.0, 3.1) == math.inf
    np.testing.assert_allclose(
        lottery_threshold(3.0, np.array([0.0, 2.0, 3.0])),
        [0.0, lottery_threshold(3.0, 2.0), 1.0],
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"gap": 0.0, "safe": 0.0}, "gap"),
        ({"gap": -1.0, "safe": 0.0}, "gap"),
        ({"gap": 1.0, "safe": 0.5, "temperature": 0.0}, "temperature"),
        ({"gap": np.nan, "safe": 0.5}, "gap"),
    ],
)
def test_a_lottery_that_makes_no_sense_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        lottery_threshold(**arguments)


# Impossible optimality.


def test_where_optimality_is_impossible_the_posterior_is_empty_and_nothing_is_nan():
    mdp = bandit([-np.inf, -np.inf], horizon=3)
    assert posterior_initial(mdp).tolist() == [0.0]
    assert not smoothed_marginals(mdp).state_action.any()
    for t in range(2):
        assert not posterior_dynamics(mdp, t).transition.any()
        assert not np.asarray(pairwise_marginals(mdp, t)).any()
    assert not np.isnan(optimism_gap(mdp)).any()
    assert backward_messages(mdp).log_evidence == -np.inf
    with pytest.raises(ValueError, match=r"no feasible trajectory|impossible"):
        sample_posterior(mdp, 3, np.random.default_rng(0))


@pytest.mark.parametrize("t", [-1, 3, 7])
def test_a_step_outside_the_horizon_is_refused(t):
    mdp = random_mdp(0, T=3)
    for ask in (posterior_dynamics, pairwise_marginals):
        with pytest.raises((ValueError, IndexError), match=rf"{t}"):
            ask(mdp, t)


@pytest.mark.parametrize("seed", range(3))
def test_sampled_moves_follow_the_posterior_dynamics(seed):
    """Chi-square on the moves out of each pair that is often visited."""
    mdp = random_mdp(seed, S=3, A=2, T=3, temperature=0.5, next_state=seed == 2)
    states, actions = sample_posterior(mdp, 40_000, np.random.default_rng(seed))
    believed = posterior_dynamics(mdp, 0).transition
    for s, a in np.ndindex(3, 2):
        here = (states[:, 0] == s) & (actions[:, 0] == a)
        if here.sum() > 1000:
            counts = np.bincount(states[here, 1], minlength=3)
            chance = oracle.pooled_fit(
                dict(enumerate(counts.tolist())), dict(enumerate(believed[s, a].tolist()))
            )
            assert chance > 1e-7
