"""One optimality variable, by Bayes's rule on one step."""

import math
import re

import numpy as np
import oracle
import pytest
from hypothesis import given
from problems import bandit, problems

from cs_infer import (
    TabularMDP,
    action_given_not_optimal,
    action_given_optimal,
    log_p_optimal,
    log_p_optimal_next_state,
    plan_closed_loop,
)
from cs_infer.dynamics import Sparse
from cs_infer.planning import expected_reward

pytestmark = pytest.mark.filterwarnings("error")

negative = problems(highest=0)


def p_optimal(mdp, t, s, a):
    """``p(O = 1 | s, a)``, next state summed out, in plain Python."""
    return oracle.last_factor(oracle.plain(mdp), t, s, a)


def by_bayes(mdp, weight):
    """``rho(a | s) weight(t, s, a)``, normalised over actions; zeros where it vanishes."""
    T, S, A = mdp.reward.shape
    answer = np.zeros((T, S, A))
    for t in range(T):
        for s in range(S):
            joint = [float(mdp.action_prior[s, a]) * weight(t, s, a) for a in range(A)]
            if sum(joint) > 0:
                answer[t, s] = [x / math.fsum(joint) for x in joint]
    return answer


@given(negative)
def test_the_probability_of_optimality_sums_out_the_next_state(mdp):
    T, S, A = mdp.reward.shape
    expected = [[[p_optimal(mdp, t, s, a) for a in range(A)] for s in range(S)] for t in range(T)]
    np.testing.assert_allclose(np.exp(log_p_optimal(mdp)), expected, rtol=1e-12)
    np.testing.assert_allclose(np.exp(log_p_optimal_next_state(mdp)), expected, rtol=1e-12)


@given(negative)
def test_conditioning_on_success_and_on_failure_both_obey_bayes(mdp):
    exact = oracle.plain(mdp)
    optimal = by_bayes(mdp, lambda t, s, a: oracle.last_factor(exact, t, s, a))
    np.testing.assert_allclose(action_given_optimal(mdp), optimal, rtol=1e-12, atol=1e-15)

    def failure(t, s, a):
        return math.fsum(
            P * (1 - o) for P, o in zip(exact.transition[s][a], exact.optimal[t][s][a], strict=True)
        )

    np.testing.assert_allclose(
        action_given_not_optimal(mdp), by_bayes(mdp, failure), rtol=1e-9, atol=1e-12
    )


@given(negative)
def test_success_and_failure_average_back_to_the_prior(mdp):
    """``p(O=1|s) p(a|s,O=1) + p(O=0|s) p(a|s,O=0) = rho(a|s)``."""
    p = np.sum(mdp.action_prior * np.exp(log_p_optimal(mdp)), axis=2, keepdims=True)
    mixture = p * action_given_optimal(mdp) + (1 - p) * action_given_not_optimal(mdp)
    np.testing.assert_allclose(
        mixture, np.broadcast_to(mdp.action_prior, (*p.shape[:2], mdp.num_actions)), atol=1e-12
    )


@given(negative)
def test_an_agent_that_failed_prefers_bad_actions(mdp):
    """The ratio of its preference to the prior falls as the reward rises."""
    ratio = np.divide(
        action_given_not_optimal(mdp),
        mdp.action_prior,
        out=np.zeros_like(mdp.reward),
        where=mdp.action_prior > 0,
    )
    log_p = log_p_optimal(mdp)
    for t, s in np.ndindex(log_p.shape[:2]):
        allowed = mdp.action_prior[s] > 0
        order = np.argsort(log_p[t, s, allowed], kind="stable")
        assert np.all(np.diff(ratio[t, s, allowed][order]) <= 1e-9)


@given(problems(next_state=True, impossible=False))
def test_luck_makes_optimality_more_likely_than_its_mean_reward_says(mdp):
    """Jensen: ``log E exp(r / alpha) >= E[r] / alpha``."""
    gap = log_p_optimal_next_state(mdp) - expected_reward(mdp) / mdp.temperature
    assert gap.min() >= -1e-12


def test_failing_at_three_bad_actions_by_hand():
    r = [-0.1, -1.0, -3.0]
    failing = [1 - math.exp(x) for x in r]
    expected = [x / sum(failing) for x in failing]
    np.testing.assert_allclose(action_given_not_optimal(bandit(r))[0, 0], expected)
    np.testing.assert_allclose(expected, [0.06, 0.38, 0.57], atol=0.006)


def test_a_reward_of_zero_leaves_the_prior_as_it_was():
    mdp = bandit([0.0, 0.0], prior=[0.2, 0.8])
    np.testing.assert_allclose(action_given_optimal(mdp)[0, 0], [0.2, 0.8])
    assert action_given_not_optimal(mdp)[0, 0].tolist() == [0.0, 0.0]


def test_failure_is_impossible_where_success_is_certain_in_spite_of_rounding():
    for n in range(2, 40):
        mdp = TabularMDP.from_arrays(
            transition=np.full((n, 2, n), 1 / n),
            reward=np.full((n, 2), -1.0),
            reward_next=np.full((n, 2, n), 1.0),
            initial=np.full(n, 1 / n),
            horizon=1,
        )
        assert not action_given_not_optimal(mdp).any()


def test_a_tiny_chance_of_failure_is_told_from_none():
    mdp = bandit([-1e-13, -3e-13, 0.0])
    np.testing.assert_allclose(action_given_not_optimal(mdp)[0, 0], [0.25, 0.75, 0.0], rtol=1e-9)


def test_one_step_of_conditioning_at_a_low_temperature_is_an_argmax():
    mdp = bandit([-1.0, -0.5, -2.0], temperature=1e-3)
    chosen = action_given_optimal(mdp)[0, 0].argmax()
    assert chosen == plan_closed_loop(mdp).actions[0, 0]
    assert action_given_optimal(mdp)[0, 0, chosen] == 1.0


@pytest.mark.parametrize("function", [log_p_optimal, action_given_not_optimal])
def test_a_positive_reward_is_refused_because_its_exponential_is_no_probability(function):
    message = "rewards must not be positive; at [0, 0, 1] its logarithm is 0.25"
    with pytest.raises(ValueError, match=re.escape(message)):
        function(bandit([-1.0, 0.5], temperature=2.0))


def test_a_positive_reward_on_one_next_state_is_refused_even_if_the_mean_is_low():
    mdp = TabularMDP.from_arrays(
        transition=[[[0.1, 0.9]], [[0.0, 1.0]]],
        reward=np.zeros((2, 1)),
        reward_next=[[[1.0, -np.inf]], [[5.0, -1.0]]],
        initial=[1.0, 0.0],
        horizon=2,
    )
    with pytest.raises(ValueError, match=re.escape("at [0, 0, 0] its logarithm is 1")):
        log_p_optimal(mdp)
    assert log_p_optimal_next_state(mdp)[0, 0, 0] == pytest.approx(1 + math.log(0.1))


def test_only_next_states_that_can_follow_count():
    mdp = TabularMDP.from_arrays(
        transition=[[[0.0, 1.0]], [[0.0, 1.0]]],
        reward=np.zeros((2, 1)),
        reward_next=[[[5.0, -1.0]], [[5.0, -1.0]]],
        initial=[1.0, 0.0],
        horizon=1,
    )
    np.testing.assert_allclose(log_p_optimal(mdp), -1.0)


def test_rewards_in_the_order_of_the_lists_count_as_rewards_of_states_do(rng):
    lists = Sparse(
        np.array([[[0, 1], [1, 2]], [[2, 0], [1, 1]], [[0, 2], [2, 1]]]), np.full((3, 2, 2), 0.5)
    )
    by_state = -rng.random((3, 2, 3))
    by_place = np.take_along_axis(by_state, lists.next_state, axis=-1)
    options = {"reward": np.zeros((3, 2)), "initial": [1, 0, 0], "horizon": 2}
    one, other = (
        TabularMDP.from_arrays(transition=lists, reward_next=r, **options)
        for r in (by_state, by_place)
    )
    for ask in (log_p_optimal, action_given_optimal, action_given_not_optimal, expected_reward):
        np.testing.assert_allclose(ask(one), ask(other), rtol=1e-12)
