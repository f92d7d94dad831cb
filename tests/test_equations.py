"""Each equation of the book, both sides computed, on random problems.

The left side follows the definition: a list of all trajectories in plain
Python, Bayes's rule, a sum over every plan. The right side is the library
function that says it implements the equation. The mark names the equation;
``test_equation_maps.py`` holds book, library and this file to the same list.
"""

import math
from collections import Counter
from itertools import product

import numpy as np
import oracle
import pytest
from hypothesis import assume, given
from problems import possible, problems, random_mdp, typical

from cs_infer import (
    action_given_not_optimal,
    action_given_optimal,
    action_posterior_by_enumeration,
    backward_messages,
    forward_messages,
    log_evidence_by_enumeration,
    log_p_optimal,
    log_p_optimal_next_state,
    plan_closed_loop,
    plan_open_loop,
    sample_posterior,
    smoothed_marginals,
    trajectory_energy,
    trajectory_log_likelihood,
    trajectory_log_posterior,
    trajectory_log_prior,
)

pytestmark = pytest.mark.filterwarnings("error")

tiny = problems(num_states=2, num_actions=2, horizon=3)
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def every_trajectory(mdp):
    """All of them, feasible or not: shapes (N, T) and (N, T)."""
    T = mdp.horizon
    pairs = product(
        product(range(mdp.num_states), repeat=T), product(range(mdp.num_actions), repeat=T)
    )
    states, actions = zip(*pairs, strict=True)
    return np.array(states), np.array(actions)


def rows(states, actions):
    return zip(map(tuple, states.tolist()), map(tuple, actions.tolist()), strict=True)


def actions_by_bayes(mdp, likelihood):
    """``rho(a | s) likelihood(t, s, a)`` over its sum; zeros where the sum vanishes."""
    T, S, A = mdp.reward.shape
    answer = np.zeros((T, S, A))
    for t, s in np.ndindex(T, S):
        joint = [float(mdp.action_prior[s, a]) * likelihood(t, s, a) for a in range(A)]
        if any(joint):
            answer[t, s] = [x / math.fsum(joint) for x in joint]
    return answer


@pytest.mark.equation("eq-open-loop")
@typical()
@given(tiny)
def test_the_open_loop_plan_attains_the_maximum_over_sequences_of_the_expected_return(mdp):
    values = [
        oracle.expected_return(mdp, lambda t, s, plan=plan: plan[t])
        for plan in product(range(mdp.num_actions), repeat=mdp.horizon)
    ]
    plan = plan_open_loop(mdp)
    np.testing.assert_allclose(plan.expected_return, max(values), **CLOSE)
    attained = oracle.expected_return(mdp, lambda t, s: int(plan.actions[t]))
    np.testing.assert_allclose(attained, max(values), **CLOSE)


@pytest.mark.equation("eq-closed-loop")
@typical()
@given(tiny)
def test_the_closed_loop_plan_attains_the_maximum_over_policies_of_the_expected_return(mdp):
    cells = list(product(range(mdp.horizon), range(mdp.num_states)))
    values = []
    for choice in product(range(mdp.num_actions), repeat=len(cells)):
        policy = dict(zip(cells, choice, strict=True))
        values.append(oracle.expected_return(mdp, lambda t, s, p=policy: p[t, s]))
    plan = plan_closed_loop(mdp)
    np.testing.assert_allclose(plan.expected_return, max(values), **CLOSE)
    if math.isfinite(max(values)):
        attained = oracle.expected_return(mdp, lambda t, s: int(plan.actions[t, s]))
        np.testing.assert_allclose(attained, max(values), **CLOSE)


@pytest.mark.equation("eq-trajectory-prior")
@typical()
@given(problems(num_states=2, num_actions=3))
def test_the_trajectory_prior_is_the_product_of_its_factors(mdp):
    states, actions = every_trajectory(mdp)
    log_prior = trajectory_log_prior(mdp, states, actions)
    feasible = {(p.states, p.actions): p.prior for p in oracle.trajectories(oracle.plain(mdp))}
    expected = [feasible.get(key, 0.0) for key in rows(states, actions)]
    np.testing.assert_allclose(np.exp(log_prior), expected, **CLOSE)
    assert math.fsum(np.exp(log_prior)) == pytest.approx(1.0)


@pytest.mark.equation("eq-optimality")
@typical(next_state=False)
@given(problems(highest=0, next_state=False))
def test_the_probability_of_optimality_is_the_exponential_of_reward_over_temperature(mdp):
    p = np.exp(log_p_optimal(mdp))
    for t, s, a in np.ndindex(p.shape):
        assert p[t, s, a] == pytest.approx(math.exp(mdp.reward[t, s, a] / mdp.temperature))


@pytest.mark.equation("eq-optimality-next-state")
@typical(next_state=True)
@given(problems(next_state=True))
def test_the_next_state_is_summed_out_of_the_probability_of_optimality(mdp):
    p, exact = np.exp(log_p_optimal_next_state(mdp)), oracle.plain(mdp)
    for t, s, a in np.ndindex(p.shape):
        joint = [
            exact.transition[s][a][n] * exact.optimal[t][s][a][n] for n in range(mdp.num_states)
        ]
        assert p[t, s, a] == pytest.approx(math.fsum(joint), rel=1e-10)


@pytest.mark.equation("eq-action-given-optimal")
@typical()
@given(problems())
def test_the_action_of_an_optimal_step_follows_from_bayes(mdp):
    exact = oracle.plain(mdp)
    expected = actions_by_bayes(mdp, lambda t, s, a: oracle.last_factor(exact, t, s, a))
    np.testing.assert_allclose(action_given_optimal(mdp), expected, **CLOSE)


@pytest.mark.equation("eq-action-given-not-optimal")
@typical()
@given(problems(highest=0))
def test_the_action_of_a_failed_step_follows_from_bayes(mdp):
    exact = oracle.plain(mdp)

    def failure(t, s, a):
        pairs = zip(exact.transition[s][a], exact.optimal[t][s][a], strict=True)
        return math.fsum(P * (1 - p) for P, p in pairs)

    expected = actions_by_bayes(mdp, failure)
    np.testing.assert_allclose(action_given_not_optimal(mdp), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.equation("eq-trajectory-likelihood")
@typical()
@given(problems())
def test_the_trajectory_likelihood_is_the_product_of_its_optimality_factors(mdp):
    paths = oracle.trajectories(oracle.plain(mdp))
    states, actions = np.array([p.states for p in paths]), np.array([p.actions for p in paths])
    expected = [math.prod(p.factors) for p in paths]
    log_likelihood = trajectory_log_likelihood(mdp, states, actions)
    np.testing.assert_allclose(np.exp(log_likelihood), expected, **CLOSE)


@pytest.mark.equation("eq-trajectory-posterior")
@typical()
@given(problems(num_states=2, num_actions=3))
def test_the_trajectory_posterior_is_prior_times_likelihood_over_the_evidence(mdp):
    assume(possible(mdp))
    states, actions = every_trajectory(mdp)
    posterior = oracle.posterior(oracle.plain(mdp))
    expected = [posterior.get(key, 0.0) for key in rows(states, actions)]
    got = np.exp(trajectory_log_posterior(mdp, states, actions))
    np.testing.assert_allclose(got, expected, **CLOSE)
    assert math.fsum(got) == pytest.approx(1.0)


@pytest.mark.equation("eq-evidence")
@typical()
@given(problems())
def test_the_evidence_is_the_sum_of_the_joint_over_trajectories(mdp):
    evidence = oracle.evidence(oracle.plain(mdp))
    np.testing.assert_allclose(log_evidence_by_enumeration(mdp), oracle.log(evidence), **CLOSE)


@pytest.mark.equation("eq-energy")
@typical()
@given(problems())
def test_the_posterior_is_the_prior_times_the_exponential_of_minus_the_energy(mdp):
    assume(possible(mdp))
    exact = oracle.plain(mdp)
    paths, posterior = oracle.trajectories(exact), oracle.posterior(exact)
    states, actions = np.array([p.states for p in paths]), np.array([p.actions for p in paths])
    energy = trajectory_energy(mdp, states, actions)
    expected = [posterior.get((p.states, p.actions), 0.0) for p in paths]
    prior = np.array([p.prior for p in paths])
    got = prior * np.exp(-energy) / oracle.evidence(exact)
    np.testing.assert_allclose(got, expected, **CLOSE)


@pytest.mark.equation("eq-action-posterior")
@typical()
@given(problems())
def test_the_action_posterior_is_a_ratio_of_sums_over_trajectories(mdp):
    assume(possible(mdp))
    got, exact = action_posterior_by_enumeration(mdp), oracle.plain(mdp)
    expected = np.zeros_like(got)
    for t in range(mdp.horizon):
        for (s, a), p in oracle.action_posterior(exact, t).items():
            expected[t, s, a] = p
    np.testing.assert_allclose(got, expected, **CLOSE)


@pytest.mark.equation("eq-backward-message")
@typical()
@given(problems())
def test_the_backward_message_is_the_probability_that_the_rest_is_optimal(mdp):
    messages, exact = backward_messages(mdp), oracle.plain(mdp)
    for t in range(mdp.horizon):
        beta = np.zeros((mdp.num_states, mdp.num_actions))
        for (s, a), p in oracle.beta(exact, t).items():
            beta[s, a] = p
        np.testing.assert_allclose(np.exp(messages.log_beta_sa[t]), beta, **CLOSE)
        beta_s = oracle.beta_state(exact, t)
        np.testing.assert_allclose(np.exp(messages.log_beta_s[t]), beta_s, **CLOSE)
    np.testing.assert_allclose(np.exp(messages.log_evidence), oracle.evidence(exact), **CLOSE)


@pytest.mark.equation("eq-posterior-policy")
@typical()
@given(problems())
def test_the_posterior_policy_is_bayes_on_the_rest_of_the_trajectory(mdp):
    policy, exact = backward_messages(mdp).policy, oracle.plain(mdp)
    rest = [oracle.beta(exact, t) for t in range(mdp.horizon)]
    expected = actions_by_bayes(mdp, lambda t, s, a: rest[t][s, a])
    np.testing.assert_allclose(policy, expected, **CLOSE)


@pytest.mark.equation("eq-forward-message")
@typical()
@given(problems())
def test_the_forward_message_is_the_joint_of_a_state_and_an_optimal_past(mdp):
    messages, exact = forward_messages(mdp), oracle.plain(mdp)
    for t in range(mdp.horizon):
        joint = np.array(oracle.past(exact, t), dtype=float)
        np.testing.assert_allclose(np.exp(messages.log_forward[t]), joint, **CLOSE)
        total = joint.sum()
        filtered = joint / total if total > 0 else joint
        np.testing.assert_allclose(messages.filtered[t], filtered, **CLOSE)


@pytest.mark.equation("eq-smoothed-marginal")
@typical()
@given(problems())
def test_the_smoothed_marginal_sums_the_posterior_over_trajectories(mdp):
    assume(possible(mdp))
    smoothed, exact = smoothed_marginals(mdp), oracle.plain(mdp)
    for t in range(mdp.horizon):
        expected = np.zeros((mdp.num_states, mdp.num_actions))
        for (s, a), p in oracle.visited(exact, t).items():
            expected[s, a] = p
        np.testing.assert_allclose(smoothed.state_action[t], expected, **CLOSE)
        np.testing.assert_allclose(smoothed.state[t], expected.sum(axis=1), **CLOSE)


@pytest.mark.equation("eq-posterior-sampling")
@pytest.mark.parametrize("seed", range(4))
def test_sampled_trajectories_have_their_posterior_probability(seed):
    """Chi-square on every trajectory; a false alarm once in ten million seeds."""
    mdp = random_mdp(seed, S=2, A=2, T=3, next_state=bool(seed % 2), temperature=0.7)
    posterior = oracle.posterior(oracle.plain(mdp))
    sample = sample_posterior(mdp, 20_000, np.random.default_rng(seed))
    counts = Counter(rows(*sample))
    assert set(counts) <= set(posterior)
    assert oracle.pooled_fit(counts, posterior) > 1e-7
