"""Soft values: the variational, risk-neutral backup, which does not believe in luck."""

import math
from dataclasses import replace

import long_double as ld
import numpy as np
import oracle
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from long_double import assert_close
from problems import (
    KINDS,
    bandit,
    full_problems,
    lottery,
    problems,
    random_mdp,
    rebuilt,
    slippery_grid,
)

from cs_infer import (
    TabularMDP,
    backward_messages,
    plan_closed_loop,
    policy_return,
    soft_values,
    zero_temperature_values,
)
from cs_infer.dynamics import Sparse

pytestmark = pytest.mark.filterwarnings("error")


@given(full_problems())
def test_soft_values_are_those_of_the_recursion_in_plain_python(mdp):
    Q, V = oracle.soft_values(mdp)
    values = soft_values(mdp)
    np.testing.assert_allclose(values.Q, Q, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(values.V, V, rtol=1e-11, atol=1e-11)


@given(full_problems())
def test_the_value_is_the_mean_over_first_states(mdp):
    _, V = oracle.soft_values(mdp)
    pairs = zip(mdp.initial.tolist(), V[0], strict=True)
    value = soft_values(mdp).value
    assert isinstance(value, float)
    np.testing.assert_allclose(value, math.fsum(p * v for p, v in pairs if p > 0), atol=1e-11)


@given(full_problems())
def test_the_policy_is_the_prior_times_the_exponential_of_the_advantage(mdp):
    values = soft_values(mdp)
    alive = np.isfinite(values.V)
    gain = values.Q - np.where(alive, values.V, 0.0)[:, :, None]
    weight = np.where(alive[:, :, None], mdp.action_prior * np.exp(gain / mdp.temperature), 0.0)
    np.testing.assert_allclose(values.policy, weight, atol=1e-11)
    np.testing.assert_allclose(values.policy.sum(axis=2), alive.astype(float), atol=1e-11)


@given(full_problems())
def test_one_step_can_be_had_alone(mdp):
    values = soft_values(mdp)
    for t in range(mdp.horizon):
        Q, policy = values.step(t)
        np.testing.assert_array_equal(Q, values.Q[t])
        np.testing.assert_allclose(policy, values.policy[t], atol=1e-14)


@given(full_problems(kinds=("deterministic",)))
def test_soft_values_are_the_exact_messages_when_nothing_is_left_to_chance(mdp):
    assume(mdp.reward_next is None or mdp.is_deterministic)
    messages, values = backward_messages(mdp), soft_values(mdp)
    alpha = mdp.temperature
    np.testing.assert_allclose(values.V, alpha * messages.log_beta_s, atol=1e-10)
    np.testing.assert_allclose(values.Q, alpha * messages.log_beta_sa, atol=1e-10)
    np.testing.assert_allclose(values.policy, messages.policy, atol=1e-10)


@given(full_problems())
def test_exact_messages_are_never_below_soft_values(mdp):
    """Jensen at every step; minus infinity is below everything."""
    messages, values = backward_messages(mdp), soft_values(mdp)
    assert np.all(mdp.temperature * messages.log_beta_sa >= values.Q - 1e-10)
    assert np.all(mdp.temperature * messages.log_beta_s >= values.V - 1e-10)


@pytest.mark.parametrize("p_win", [0.01, 0.2, 0.6])
def test_a_lottery_is_worth_its_mean(p_win):
    values = soft_values(lottery(p_win))
    assert values.Q[0, 0, 1] == pytest.approx(-3 * (1 - p_win))
    assert (values.policy[0, 0, 1] > 0.5) == (-3 * (1 - p_win) > -1)


def test_a_chance_of_the_impossible_is_impossible_on_average_and_not_for_the_optimist():
    """One next state in a hundred ends in -inf: E[V] is -inf, log E exp V is not."""
    P = np.zeros((3, 1, 3))
    P[0, 0, 1], P[0, 0, 2] = 0.99, 0.01
    P[1, 0, 1] = P[2, 0, 2] = 1.0
    mdp = TabularMDP.from_arrays(
        transition=P, reward=[[0.0], [0.0], [-np.inf]], initial=[1, 0, 0], horizon=2
    )
    assert soft_values(mdp).V[0, 0] == -np.inf
    assert not soft_values(mdp).policy[0, 0].any()
    assert backward_messages(mdp).log_beta_s[0, 0] == pytest.approx(math.log(0.99))


@given(problems(impossible=False), st.integers(-40, 40))
def test_a_constant_reward_shifts_the_values_and_no_policy(mdp, eighths):
    before, after = soft_values(mdp), soft_values(replace(mdp, reward=mdp.reward + eighths / 8))
    to_go = (mdp.horizon - np.arange(mdp.horizon))[:, None] * eighths / 8
    np.testing.assert_allclose(after.V, before.V + to_go, atol=1e-10)
    np.testing.assert_allclose(after.policy, before.policy, atol=1e-10)


@given(problems(impossible=False))
def test_as_the_temperature_falls_soft_values_become_optimal_values(mdp):
    """``max Q + alpha log rho <= V <= max Q`` over the horizon."""
    cold, plan = soft_values(mdp.with_temperature(1e-4)), plan_closed_loop(mdp)
    least = np.log(mdp.action_prior[mdp.action_prior > 0].min())
    slack = -1e-4 * mdp.horizon * least + 1e-9
    assert np.all(cold.V <= plan.V + 1e-9)
    assert np.all(slack >= plan.V - cold.V)
    hard = zero_temperature_values(mdp, reading="variational")
    np.testing.assert_allclose(hard.V, plan.V, atol=1e-12)


@given(problems(impossible=False, next_state=False))
def test_as_the_temperature_rises_the_prior_acts(mdp):
    hot = soft_values(mdp.with_temperature(1e9))
    prior = np.broadcast_to(mdp.action_prior, mdp.reward.shape)
    np.testing.assert_allclose(hot.policy, prior, atol=1e-6)
    np.testing.assert_allclose(hot.value, policy_return(mdp, prior), atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_soft_values_keep_nine_digits_over_ten_thousand_steps(kind):
    mdp = random_mdp(4, S=5, A=3, T=1, kind=kind, temperature=0.5)
    T, rng = 10_000, np.random.default_rng(1)
    mdp = rebuilt(mdp, reward=-1e4 * rng.random((T, 5, 3)), horizon=T)
    Q, V = ld.backward(ld.from_mdp(mdp), ahead=ld.expect)
    values = soft_values(mdp)
    assert_close(values.V, V * mdp.temperature)
    assert_close(values.Q, Q * mdp.temperature)


def test_soft_values_of_a_large_grid_agree_with_long_double():
    grid = slippery_grid(40)
    reward = np.full((1600, 5), -10.0)
    reward[grid.goal] = 0.0
    mdp = TabularMDP.from_arrays(
        transition=Sparse(grid.next_state, grid.probability),
        reward=reward,
        initial=np.eye(1600)[0],
        horizon=60,
    )
    lists = ld.lists(
        next_state=grid.next_state, probability=grid.probability, reward=reward, horizon=60
    )
    Q, V = ld.backward(lists, ahead=ld.expect)
    assert_close(soft_values(mdp).V, V)
    assert_close(soft_values(mdp).Q, Q)


def test_a_bandit_has_the_same_soft_value_at_every_step():
    values = soft_values(bandit([0.0, -2.0], prior=[0.25, 0.75], horizon=50, temperature=2.0))
    once = 2.0 * math.log(0.25 + 0.75 * math.exp(-1))
    np.testing.assert_allclose(values.V[:, 0], once * np.arange(50, 0, -1))
