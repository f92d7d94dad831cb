"""Optimal control, against every plan and every policy there is."""

from dataclasses import replace
from itertools import product

import numpy as np
import oracle
import pytest
from hypothesis import given
from problems import bandit, corridor, lottery, problems, random_mdp

from cs_infer import TabularMDP, plan_closed_loop, plan_open_loop
from cs_infer.planning import expected_reward

pytestmark = pytest.mark.filterwarnings("error")

tiny = problems(num_states=2, num_actions=2, horizon=3)


def best_open_loop(mdp):
    """The best expected return of any action sequence."""
    sequences = product(range(mdp.num_actions), repeat=mdp.horizon)
    return max(oracle.expected_return(mdp, lambda t, s, plan=plan: plan[t]) for plan in sequences)


def best_closed_loop(mdp):
    """The best expected return of any deterministic policy, one action for each (t, s)."""
    cells = list(product(range(mdp.horizon), range(mdp.num_states)))
    best = -np.inf
    for choice in product(range(mdp.num_actions), repeat=len(cells)):
        policy = dict(zip(cells, choice, strict=True))
        best = max(best, oracle.expected_return(mdp, lambda t, s, p=policy: p[t, s]))
    return best


@given(tiny)
def test_no_sequence_of_actions_earns_more_than_the_open_loop_plan(mdp):
    plan = plan_open_loop(mdp)
    np.testing.assert_allclose(plan.expected_return, best_open_loop(mdp), atol=1e-12)
    earned = oracle.expected_return(mdp, lambda t, s: int(plan.actions[t]))
    np.testing.assert_allclose(earned, plan.expected_return, atol=1e-12)


@given(tiny)
def test_no_policy_earns_more_than_the_closed_loop_plan(mdp):
    plan = plan_closed_loop(mdp)
    np.testing.assert_allclose(plan.expected_return, best_closed_loop(mdp), atol=1e-12)
    if np.isfinite(plan.expected_return):
        earned = oracle.expected_return(mdp, lambda t, s: int(plan.actions[t, s]))
        np.testing.assert_allclose(earned, plan.expected_return, atol=1e-12)


@given(problems())
def test_values_are_maxima_over_allowed_actions(mdp):
    plan = plan_closed_loop(mdp)
    np.testing.assert_array_equal(plan.V, plan.Q.max(axis=2))
    assert np.all(plan.Q[:, mdp.action_prior == 0] == -np.inf)
    np.testing.assert_array_equal(plan.actions, plan.Q.argmax(axis=2))
    assert not np.isnan(plan.Q).any()


@given(problems())
def test_looking_never_hurts(mdp):
    assert plan_closed_loop(mdp).expected_return >= plan_open_loop(mdp).expected_return - 1e-12


@given(problems(kinds=("deterministic",)))
def test_open_loop_is_as_good_as_closed_loop_when_start_and_dynamics_are_certain(mdp):
    certain = replace(mdp, initial=np.eye(mdp.num_states)[0])
    np.testing.assert_allclose(
        plan_open_loop(certain).expected_return,
        plan_closed_loop(certain).expected_return,
        atol=1e-12,
    )


def test_one_step_is_an_argmax():
    plan = plan_open_loop(bandit([0.5, 2.0, -1.0]))
    assert plan.actions.tolist() == [1]
    assert plan.expected_return == 2.0
    plan = plan_closed_loop(bandit([0.5, 2.0, -1.0]))
    assert plan.actions.tolist() == [[1]]
    assert plan.V.tolist() == [[2.0]]


def test_a_forbidden_action_is_never_planned():
    mdp = bandit([0.5, 2.0, -1.0], prior=[0.5, 0.0, 0.5])
    assert plan_open_loop(mdp).actions.tolist() == [0]
    assert plan_closed_loop(mdp).actions.tolist() == [[0]]


def test_walking_right_is_optimal_in_the_corridor():
    plan = plan_closed_loop(corridor(3, horizon=5))
    assert plan.actions[:2, :3].tolist() == [[1] * 3] * 2  # later, waiting ties with walking
    assert plan.expected_return == -3.0
    assert plan_open_loop(corridor(3, horizon=5)).expected_return == -3.0


def test_a_planner_of_expected_return_refuses_a_bad_lottery():
    assert plan_closed_loop(lottery(0.5)).actions[0, 0] == 0
    assert plan_closed_loop(lottery(0.9)).actions[0, 0] == 1


def test_closed_loop_reacts_to_a_coin_that_open_loop_cannot_see():
    """A coin, then a bet on it: knowing the coin is worth 1, not knowing it 1/2."""
    P = np.zeros((3, 2, 3))
    P[0, :, 1:] = 0.5
    P[1, :, 1] = P[2, :, 2] = 1.0
    reward = np.zeros((2, 3, 2))
    reward[1, 1, 0] = reward[1, 2, 1] = 1.0
    mdp = TabularMDP.from_arrays(transition=P, reward=reward, initial=[1, 0, 0], horizon=2)
    assert plan_open_loop(mdp).expected_return == 0.5
    assert plan_closed_loop(mdp).expected_return == 1.0


@given(problems(next_state=True))
def test_expected_reward_is_the_mean_over_next_states(mdp):
    T, S, A = mdp.reward.shape
    expected = [
        [[oracle.mean_reward(mdp, t, s, a) for a in range(A)] for s in range(S)] for t in range(T)
    ]
    np.testing.assert_allclose(expected_reward(mdp), expected, atol=1e-13)


def test_where_every_plan_is_ruled_out_the_return_is_minus_infinity():
    assert plan_open_loop(bandit([-np.inf, -np.inf])).expected_return == -np.inf
    assert plan_closed_loop(bandit([-np.inf, -np.inf])).expected_return == -np.inf


def test_too_many_sequences_are_refused_by_number():
    mdp = random_mdp(0, A=2, T=20)
    with pytest.raises(ValueError, match=r"at most 1000000; A \*\* T = 2 \*\* 20 is more"):
        plan_open_loop(mdp)
