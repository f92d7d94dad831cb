"""Each equation of the chapter on messages, both sides computed, on random problems.

As in ``test_equations.py``: the left side follows the definition, by listing
trajectories in plain Python; the right side is the library function that says
it implements the equation.
"""

import math
from itertools import product

import numpy as np
import oracle
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from problems import full_problems, possible, problems, rebuilt, typical

from cs_infer import (
    backward_messages,
    collapsed_kernel,
    hidden_markov_view,
    most_likely_trajectory,
    pairwise_marginals,
    plan_closed_loop,
    smoothed_marginals,
    soft_values,
    zero_temperature_values,
)
from cs_infer.log_space import log_expect

pytestmark = pytest.mark.filterwarnings("error")

CLOSE = {"rtol": 1e-10, "atol": 1e-11}


def on_all_states(mdp, listed):
    """Entries indexed [s, a, k] by the successor list, added up to [s, a, s']."""
    full = np.zeros(mdp.transition.shape)
    s, a, _ = np.indices(listed.shape)
    np.add.at(full, (s, a, np.broadcast_to(mdp.dynamics.next_state, listed.shape)), listed)
    return full


@pytest.mark.equation("eq-soft-maximum")
@given(
    hnp.arrays(np.int8, 5, elements=st.integers(0, 4)).filter(np.any),
    hnp.arrays(float, 5, elements=st.one_of(st.floats(-30, 30), st.just(-np.inf))),
    st.floats(-5, 5),
)
def test_the_soft_maximum_is_the_logarithm_of_a_mean_exponential(weight, v, shift):
    """Between mean and maximum of what is possible; a constant passes through."""
    p = weight / weight.sum()
    pairs = list(zip(p.tolist(), v.tolist(), strict=True))
    soft = float(log_expect(p, v))
    mean = math.fsum(x * math.exp(y) for x, y in pairs)
    np.testing.assert_allclose(soft, oracle.log(mean), **CLOSE)
    np.testing.assert_allclose(log_expect(p, v + shift), soft + shift, rtol=1e-9, atol=1e-9)
    assert math.fsum(x * y for x, y in pairs if x > 0) <= soft + 1e-9
    assert soft <= max(y for x, y in pairs if x > 0) + 1e-9


@pytest.mark.equation("eq-evidence-gradient")
@typical()
@given(full_problems(num_states=2, num_actions=2, horizon=3, impossible=False))
def test_the_gradient_of_the_evidence_is_where_an_optimal_agent_goes(mdp):
    """By central differences of the listed evidence, one reward at a time."""
    smoothed, seen, h = smoothed_marginals(mdp).state_action, oracle.seen_steps(mdp), 1e-5
    for t, s, a in np.ndindex(mdp.reward.shape):
        sides = []
        for sign in (1, -1):
            reward = np.array(mdp.reward)
            reward[t, s, a] += sign * h
            sides.append(oracle.log(oracle.evidence(oracle.plain(rebuilt(mdp, reward=reward)))))
        slope = (sides[0] - sides[1]) / (2 * h)
        expected = smoothed[t, s, a] / mdp.temperature if seen[t] else 0.0
        assert slope == pytest.approx(expected, abs=2e-8)


def log_messages(mdp):
    """``log beta_t(s, a)`` and ``log beta_t(s)`` by listing trajectories, as arrays."""
    exact = oracle.plain(mdp)
    of_pairs, of_states = np.full(mdp.reward.shape, -np.inf), []
    for t in range(mdp.horizon):
        for (s, a), p in oracle.beta(exact, t).items():
            of_pairs[t, s, a] = oracle.log(p)
        of_states.append([oracle.log(p) for p in oracle.beta_state(exact, t)])
    return of_pairs, np.array(of_states)


@pytest.mark.equation("eq-soft-bellman-exact")
@typical(next_state=False)
@given(full_problems(next_state=False))
def test_the_logarithm_of_a_message_obeys_a_soft_bellman_equation(mdp):
    """Listed messages do, and the library's are the listed ones."""
    of_pairs, of_states = log_messages(mdp)
    messages, seen = backward_messages(mdp), oracle.seen_steps(mdp)
    ends = np.array(oracle.terminal_values(mdp)) / mdp.temperature
    ahead = np.vstack([of_states[1:], ends])
    for t, s, a in np.ndindex(mdp.reward.shape):
        pairs = zip(mdp.transition[s, a].tolist(), ahead[t].tolist(), strict=True)
        mean = math.fsum(p * math.exp(v) for p, v in pairs)
        reward = float(mdp.reward[t, s, a]) / mdp.temperature if seen[t] else 0.0
        np.testing.assert_allclose(of_pairs[t, s, a], reward + oracle.log(mean), **CLOSE)
    for t, s in np.ndindex(of_states.shape):
        pairs = zip(mdp.action_prior[s].tolist(), of_pairs[t, s].tolist(), strict=True)
        mean = math.fsum(p * math.exp(q) for p, q in pairs)
        np.testing.assert_allclose(of_states[t, s], oracle.log(mean), **CLOSE)
    np.testing.assert_allclose(messages.log_beta_sa, of_pairs, **CLOSE)
    np.testing.assert_allclose(messages.log_beta_s, of_states, **CLOSE)


@pytest.mark.equation("eq-advantage")
@typical()
@given(full_problems())
def test_the_advantage_is_by_how_much_optimality_changes_an_action(mdp):
    """A difference of logarithms of messages, and the log-ratio of policy to prior."""
    of_pairs, of_states = log_messages(mdp)
    messages = backward_messages(mdp)
    advantage, policy = messages.advantage, messages.policy
    for t, s, a in np.ndindex(of_pairs.shape):
        if of_states[t, s] == -math.inf:
            assert not advantage[t, s, a] > -math.inf
            continue
        np.testing.assert_allclose(advantage[t, s, a], of_pairs[t, s, a] - of_states[t, s], **CLOSE)
        if mdp.action_prior[s, a] > 0:
            ratio = policy[t, s, a] / mdp.action_prior[s, a]
            np.testing.assert_allclose(math.exp(advantage[t, s, a]), ratio, **CLOSE)


@pytest.mark.equation("eq-pairwise-marginal")
@typical()
@given(full_problems())
def test_a_pairwise_marginal_sums_the_posterior_over_trajectories(mdp):
    assume(possible(mdp))
    posterior = oracle.posterior(oracle.plain(mdp)).items()
    for t in range(mdp.horizon - 1):
        expected = np.zeros(mdp.transition.shape)
        moves = oracle.grouped(((s[t], a[t], s[t + 1]), p) for (s, a), p in posterior)
        for move, p in moves.items():
            expected[move] = p
        got = on_all_states(mdp, pairwise_marginals(mdp, t))
        np.testing.assert_allclose(got, expected, **CLOSE)


@pytest.mark.equation("eq-most-likely")
@typical()
@given(full_problems())
def test_the_most_likely_trajectory_attains_the_maximum_of_the_posterior(mdp):
    assume(possible(mdp))
    posterior = oracle.posterior(oracle.plain(mdp))
    found, most = most_likely_trajectory(mdp), float(max(posterior.values()))
    key = tuple(found.states.tolist()), tuple(found.actions.tolist())
    assert float(posterior.get(key, 0.0)) == pytest.approx(most, rel=1e-10)
    assert math.exp(found.log_posterior) == pytest.approx(most, rel=1e-10)


@pytest.mark.equation("eq-observed")
@typical()
@given(problems(num_states=2, num_actions=2, horizon=3))
def test_only_the_steps_that_are_observed_are_conditioned_on(mdp):
    """Every pattern: the joint of a trajectory keeps the factors of the observed steps."""
    exact = oracle.plain(mdp)
    listed = oracle.trajectories(exact)
    for pattern in product([False, True], repeat=mdp.horizon):
        seen = list(pattern)
        joint = [
            path.prior * math.prod(f for f, o in zip(path.factors, seen, strict=True) if o)
            for path in listed
        ]
        evidence = math.fsum(joint)
        given_pattern = mdp.observing(seen)
        messages = backward_messages(given_pattern)
        np.testing.assert_allclose(np.exp(messages.log_evidence), evidence, **CLOSE)
        if evidence == 0:
            continue
        expected = np.zeros(mdp.reward.shape)
        for path, p in zip(listed, joint, strict=True):
            for t, (s, a) in enumerate(zip(path.states, path.actions, strict=True)):
                expected[t, s, a] += p / evidence
        got = smoothed_marginals(given_pattern).state_action
        np.testing.assert_allclose(got, expected, **CLOSE)


@pytest.mark.equation("eq-folded-prior")
@typical()
@given(problems())
def test_a_prior_can_be_folded_into_the_reward(mdp):
    """Every trajectory keeps its joint probability with optimality."""
    folded = mdp.with_prior_folded()
    A = mdp.num_actions
    np.testing.assert_allclose(folded.action_prior, np.full_like(mdp.action_prior, 1 / A))
    for t, s, a in np.ndindex(mdp.reward.shape):
        rho = float(mdp.action_prior[s, a])
        more = mdp.temperature * math.log(rho * A) if rho > 0 else -math.inf
        np.testing.assert_allclose(folded.reward[t, s, a], mdp.reward[t, s, a] + more, **CLOSE)
    before, after = (
        {(p.states, p.actions): p.joint for p in oracle.trajectories(oracle.plain(problem))}
        for problem in (mdp, folded)
    )
    for key in {*before, *after}:
        assert after.get(key, 0.0) == pytest.approx(before.get(key, 0.0), rel=1e-9, abs=1e-13)


@pytest.mark.equation("eq-temperature-value")
@typical()
@given(full_problems())
def test_a_soft_value_is_alpha_times_the_log_mean_exponential_of_q_over_alpha(mdp):
    values, alpha = soft_values(mdp), mdp.temperature
    Q, _ = oracle.soft_values(mdp)
    for t, s in np.ndindex(values.V.shape):
        pairs = zip(mdp.action_prior[s].tolist(), Q[t][s], strict=True)
        mean = math.fsum(p * math.exp(q / alpha) for p, q in pairs)
        np.testing.assert_allclose(values.V[t, s], alpha * oracle.log(mean), **CLOSE)
        for a, rho in enumerate(mdp.action_prior[s].tolist()):
            expected = rho * math.exp(Q[t][s][a] / alpha) / mean if mean > 0 else 0.0
            np.testing.assert_allclose(values.policy[t, s, a], expected, **CLOSE)


@pytest.mark.equation("eq-zero-temperature")
@typical()
@given(full_problems(horizon=3, patterns=False))
def test_at_zero_temperature_only_the_best_counts(mdp):
    """The exact reading: the best return of any trajectory that can happen. The variational
    one: dynamic programming."""
    T, S, A = mdp.reward.shape
    best = [oracle.terminal_values(mdp)]
    exact = zero_temperature_values(mdp, reading="exact")
    for t in reversed(range(T)):
        row = []
        for s in range(S):
            ways = [-math.inf]
            for a, n in product(range(A), range(S)):
                if mdp.action_prior[s, a] > 0 and mdp.transition[s, a, n] > 0:
                    r = float(mdp.reward[t, s, a])
                    r += float(mdp.reward_next[s, a, n]) if mdp.reward_next is not None else 0.0
                    ways.append(r + best[0][n])
            row.append(max(ways))
        best.insert(0, row)
    np.testing.assert_allclose(exact.V, best[:-1], **CLOSE)
    mean, plan = zero_temperature_values(mdp, reading="variational"), plan_closed_loop(mdp)
    np.testing.assert_allclose(mean.V, plan.V, **CLOSE)
    np.testing.assert_allclose(
        exact.policy, backward_messages(mdp.with_temperature(1e-5)).policy, atol=1e-8
    )


@pytest.mark.equation("eq-hidden-markov-view")
@typical(next_state=False)
@given(problems(next_state=False))
def test_the_hidden_markov_view_has_the_same_joint_distribution(mdp):
    """Each trajectory's joint with optimality, as a product over the hidden chain."""
    view, A = hidden_markov_view(mdp), mdp.num_actions
    listed = {(p.states, p.actions): p.joint for p in oracle.trajectories(oracle.plain(mdp))}
    T = mdp.horizon
    for states in product(range(mdp.num_states), repeat=T):
        for actions in product(range(A), repeat=T):
            hidden = [s * A + a for s, a in zip(states, actions, strict=True)]
            p = view.initial[hidden[0]]
            for t in range(T):
                p = p * math.exp(view.log_likelihood[t, hidden[t]])
                if t + 1 < T:
                    p = p * view.transition[hidden[t], hidden[t + 1]]
            expected = listed.get((states, actions), 0.0)
            assert float(p) == pytest.approx(expected, rel=1e-10, abs=1e-13)


@pytest.mark.equation("eq-collapsed-kernel")
@typical()
@given(problems())
def test_the_collapsed_kernel_sums_the_action_out(mdp):
    """Entry by entry, and as what carries one message to the one before it."""
    mdp = rebuilt(mdp, reward=mdp.reward[0])
    W, exact = np.exp(collapsed_kernel(mdp)), oracle.plain(mdp)
    for s, n in np.ndindex(W.shape):
        terms = [
            exact.prior[s][a] * exact.optimal[0][s][a][n] * exact.transition[s][a][n]
            for a in range(mdp.num_actions)
        ]
        assert W[s, n] == pytest.approx(math.fsum(terms), rel=1e-10)
    listed = [np.array(oracle.beta_state(exact, t), dtype=float) for t in range(mdp.horizon)]
    for now, then in zip(listed, [*listed[1:], np.ones(mdp.num_states)], strict=True):
        np.testing.assert_allclose(W @ then, now, **CLOSE)
