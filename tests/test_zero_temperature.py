"""The limit of zero temperature, in both readings."""

import math

import numpy as np
import oracle
import pytest
from hypothesis import assume, given
from problems import KINDS, bandit, full_problems, lottery, problems, random_mdp

from cs_infer import (
    TabularMDP,
    backward_messages,
    plan_closed_loop,
    policy_return,
    soft_values,
    zero_temperature_values,
)

pytestmark = pytest.mark.filterwarnings("error")


def best_by_listing(mdp):
    """The best return of any trajectory that can happen, from each step and state.

    Returns are read off the logarithms of the listed factors; the last step's
    next state counts by its best outcome, not by its mean.
    """
    T, S, _ = mdp.reward.shape
    P, rho = mdp.transition, mdp.action_prior
    extra = np.zeros(P.shape) if mdp.reward_next is None else mdp.reward_next
    seen, terminal = oracle.seen_steps(mdp), oracle.terminal_values(mdp)
    best = np.full((T, S), -math.inf)

    def gain(t, s, a, n):
        return float(mdp.reward[t, s, a] + extra[s, a, n]) if seen[t] else 0.0

    def walk(t, s, sofar, start):
        for a in np.flatnonzero(rho[s]):
            for n in np.flatnonzero(P[s, a]):
                total = sofar + gain(t, s, a, n)
                if t + 1 < T:
                    walk(t + 1, n, total, start)
                else:
                    best[start] = max(best[start], total + terminal[n])

    for start in np.ndindex(T, S):
        walk(*start, 0.0, start)
    return best


@given(full_problems(horizon=3))
def test_the_exact_limit_is_the_best_trajectory_that_can_happen(mdp):
    values = zero_temperature_values(mdp, reading="exact")
    np.testing.assert_allclose(values.V, best_by_listing(mdp), atol=1e-11)


@given(full_problems(patterns=False))
def test_the_variational_limit_is_dynamic_programming(mdp):
    values, plan = zero_temperature_values(mdp, reading="variational"), plan_closed_loop(mdp)
    np.testing.assert_allclose(values.V, plan.V, atol=1e-12)
    allowed = np.broadcast_to(mdp.action_prior > 0, plan.Q.shape)
    np.testing.assert_allclose(values.Q[allowed], plan.Q[allowed], atol=1e-12)


@given(full_problems())
def test_the_policy_is_the_limit_of_the_exact_policies(mdp):
    """Ties included. Returns differ by eighths, so at 1e-3 only ties are left to share."""
    limit = zero_temperature_values(mdp, reading="exact").policy
    cold = backward_messages(mdp.with_temperature(1e-3)).policy
    np.testing.assert_allclose(limit, cold, atol=1e-8)


@given(full_problems())
def test_the_policy_is_the_limit_of_the_soft_policies(mdp):
    """Means of eighths may lie close together, so it takes a lower temperature to tell them."""
    limit = zero_temperature_values(mdp, reading="variational").policy
    cold = soft_values(mdp.with_temperature(1e-6)).policy
    np.testing.assert_allclose(limit, cold, atol=1e-6)


@given(full_problems())
def test_only_best_actions_are_taken_and_only_allowed_ones(mdp):
    for reading in ("exact", "variational"):
        values = zero_temperature_values(mdp, reading=reading)
        for t, s in np.ndindex(mdp.horizon, mdp.num_states):
            if values.V[t, s] == -np.inf:
                assert not values.policy[t, s].any()
                continue
            taken = values.policy[t, s] > 0
            assert np.all(mdp.action_prior[s][taken] > 0)
            np.testing.assert_allclose(values.Q[t, s][taken], values.V[t, s], atol=1e-8)
            assert values.policy[t, s].sum() == pytest.approx(1.0)


@given(full_problems())
def test_the_limit_is_approached_from_the_messages(mdp):
    """``V0 + alpha log(least weight) <= alpha log beta <= V0`` where V0 is the limit."""
    alpha = 1e-4
    limit = zero_temperature_values(mdp, reading="exact")
    cold = alpha * backward_messages(mdp.with_temperature(alpha)).log_beta_s
    smallest = min(mdp.transition[mdp.transition > 0].min(), 1.0)
    smallest *= mdp.action_prior[mdp.action_prior > 0].min()
    slack = -alpha * mdp.horizon * math.log(smallest) + 1e-9
    assert np.array_equal(np.isfinite(cold), np.isfinite(limit.V))
    finite = np.isfinite(cold)
    assert np.all(cold[finite] <= limit.V[finite] + 1e-9)
    assert np.all(cold[finite] >= limit.V[finite] - slack)


@given(full_problems())
def test_the_variational_limit_is_approached_from_the_soft_values(mdp):
    alpha = 1e-4
    limit = zero_temperature_values(mdp, reading="variational")
    cold = soft_values(mdp.with_temperature(alpha))
    slack = -alpha * mdp.horizon * math.log(mdp.action_prior[mdp.action_prior > 0].min()) + 1e-9
    assert np.array_equal(np.isfinite(cold.V), np.isfinite(limit.V))
    finite = np.isfinite(cold.V)
    assert np.all(np.abs(cold.V[finite] - limit.V[finite]) <= slack)
    best = np.where(finite, limit.V, 0.0)[:, :, None]
    clear = (best - limit.Q > 0.05) & finite[:, :, None]
    assert np.all(cold.policy[clear] < 1e-6)


@given(full_problems())
def test_the_exact_limit_is_never_below_the_variational_one(mdp):
    exact = zero_temperature_values(mdp, reading="exact")
    mean = zero_temperature_values(mdp, reading="variational")
    assert np.all(exact.V >= mean.V - 1e-11)


@given(problems(kinds=("deterministic",)))
def test_the_two_limits_agree_when_nothing_is_left_to_chance(mdp):
    assume(mdp.is_deterministic)
    exact = zero_temperature_values(mdp, reading="exact")
    mean = zero_temperature_values(mdp, reading="variational")
    np.testing.assert_allclose(exact.V, mean.V, atol=1e-11)
    np.testing.assert_allclose(exact.policy, mean.policy, atol=1e-11)


def test_at_zero_temperature_the_believer_plays_any_lottery_it_can_win():
    """However small the chance: log E exp over alpha counts only the best outcome."""
    mdp = lottery(1e-6, win=0.0, lose=-3.0, safe=-1.0)
    exact = zero_temperature_values(mdp, reading="exact")
    mean = zero_temperature_values(mdp, reading="variational")
    assert exact.policy[0, 0].tolist() == [0.0, 1.0]
    assert exact.V[0, 0] == 0.0
    assert mean.policy[0, 0].tolist() == [1.0, 0.0]
    assert policy_return(mdp, exact.policy) < policy_return(mdp, mean.policy)


def test_ties_of_one_step_are_shared_in_proportion_to_the_prior():
    mdp = bandit([0.0, -1.0, 0.0, 0.0], prior=[0.2, 0.2, 0.6, 0.0], horizon=2)
    for reading in ("exact", "variational"):
        policy = zero_temperature_values(mdp, reading=reading).policy
        np.testing.assert_allclose(policy[:, 0], [[0.25, 0.0, 0.75, 0.0]] * 2)


def test_ties_are_shared_by_how_many_ways_of_doing_as_well_lie_ahead():
    """Both actions can do perfectly, one of them after half of all moves only."""
    P = np.zeros((3, 2, 3))
    P[0, 0, 1] = 1.0
    P[0, 1, 1:] = 0.5
    P[1, :, 1] = P[2, :, 2] = 1.0
    reward = np.array([[0.0, 0.0], [0.0, 0.0], [-1.0, -1.0]])
    mdp = TabularMDP.from_arrays(transition=P, reward=reward, initial=[1, 0, 0], horizon=2)
    exact = zero_temperature_values(mdp, reading="exact")
    np.testing.assert_allclose(exact.policy[0, 0], [2 / 3, 1 / 3])
    mean = zero_temperature_values(mdp, reading="variational")
    np.testing.assert_allclose(mean.policy[0, 0], [1.0, 0.0])


@pytest.mark.parametrize("kind", KINDS)
def test_shapes_and_units(kind):
    mdp = random_mdp(3, S=5, A=2, T=4, kind=kind, temperature=7.0)
    values = zero_temperature_values(mdp, reading="variational")
    assert values.V.shape == (4, 5)
    assert values.Q.shape == values.policy.shape == (4, 5, 2)
    np.testing.assert_allclose(values.Q[-1], mdp.reward[-1])


def test_a_reading_that_is_none_is_refused_by_name():
    with pytest.raises(ValueError, match=r"reading.*exact.*variational.*hopeful"):
        zero_temperature_values(lottery(0.5), reading="hopeful")


def test_single_precision_tells_a_difference_from_a_tie_after_many_steps():
    mdp = bandit([-1.0, -1.5], horizon=5_000).to_numpy(dtype=np.float32)
    for reading in ("exact", "variational"):
        policy = zero_temperature_values(mdp, reading=reading).policy
        np.testing.assert_array_equal(policy[0, 0], [1, 0])
