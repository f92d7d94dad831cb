"""Soft value iteration: with a horizon and without, how fast, and how cold."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from problems import KINDS, bandit, full_problems, problems, random_mdp, rebuilt, slippery_grid

from cs_infer import (
    Sparse,
    TabularMDP,
    backward_messages,
    soft_policy_iteration,
    soft_value_iteration,
    soft_values,
    stationary_soft_values,
)

pytestmark = pytest.mark.filterwarnings("error")

METHODS = ("sweeps", "policy-iteration")
discounts = st.sampled_from([0.0, 0.3, 0.9])


def endless(seed, *, kind="stochastic", S=6, A=3, **options):
    mdp = random_mdp(seed, S=S, A=A, T=1, kind=kind, **options)
    return rebuilt(mdp, reward=mdp.reward[0])


def grid(side, reward):
    """A grid of successor lists with a reward of any kind."""
    lists = slippery_grid(side)
    return TabularMDP.from_arrays(
        transition=Sparse(lists.next_state, lists.probability),
        reward=reward,
        initial=np.full(side**2, side**-2.0),
        horizon=1,
        temperature=0.5,
    )


# The answer.


@given(problems(horizon=1), discounts, st.sampled_from(METHODS))
def test_every_method_ends_within_the_tolerance_of_the_long_sweep(mdp, discount, method):
    """Also where something is impossible, and where a step's reward depends on its end."""
    found = soft_value_iteration(mdp, discount=discount, method=method, tolerance=1e-8)
    exact = stationary_soft_values(mdp, discount=discount, tolerance=1e-12)
    np.testing.assert_allclose(found.V, exact.V, rtol=0, atol=1.001e-8)
    np.testing.assert_allclose(found.Q, exact.Q, rtol=0, atol=1.001e-8)
    np.testing.assert_allclose(found.policy, exact.policy, rtol=0, atol=1e-6)
    assert found.residual == found.residuals[-1] <= (1 - discount) * 1e-8


@given(full_problems())
def test_with_a_horizon_one_pass_is_the_answer(mdp):
    found, wanted = soft_value_iteration(mdp), soft_values(mdp)
    np.testing.assert_array_equal(found.V, wanted.V)
    np.testing.assert_array_equal(found.policy, wanted.policy)
    assert (found.value, found.sweeps) == (wanted.value, mdp.horizon)


@pytest.mark.parametrize("method", METHODS)
def test_one_state_has_a_geometric_series_of_soft_maxima(method):
    mdp = bandit([0.0, -1.0], prior=[0.25, 0.75], temperature=0.5)
    found = soft_value_iteration(mdp, discount=0.9, method=method, tolerance=1e-11)
    soft_maximum = 0.5 * math.log(0.25 + 0.75 * math.exp(-2))
    assert found.value == pytest.approx(10 * soft_maximum, rel=1e-11)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["lists", "deterministic", "cycle"])
def test_more_states_than_the_direct_solve_takes(kind, method):
    """A cycle is the hardest for Krylov's method: no power of its matrix dies out by itself."""
    rng, S = np.random.default_rng(1), 1100
    next_state = rng.integers(S, size=(S, 2, 3 if kind == "lists" else 1))
    if kind == "cycle":
        next_state = np.broadcast_to((np.arange(S)[:, None, None] + 1) % S, (S, 2, 1))
    mdp = TabularMDP.from_arrays(
        transition=Sparse(next_state, np.full(next_state.shape, 1 / next_state.shape[-1])),
        reward=-rng.random((S, 2)),
        initial=np.full(S, 1 / S),
        horizon=1,
        temperature=0.3,
    )
    found = soft_value_iteration(mdp, discount=0.98, method=method, tolerance=1e-8)
    exact = stationary_soft_values(mdp, discount=0.98, tolerance=1e-11)
    np.testing.assert_allclose(found.V, exact.V, rtol=0, atol=1e-8)


# How fast.


@pytest.mark.parametrize("discount", [0.5, 0.9, 0.99])
def test_the_measured_contraction_is_at_most_the_discount_and_comes_to_it(discount):
    """Every move is the discount times the one before or less; in the end, no less."""
    for seed in range(12):
        mdp = endless(seed, kind=KINDS[seed % 3], temperature=(0.3, 1.0)[seed % 2])
        found = soft_value_iteration(mdp, discount=discount)
        assert found.contraction <= discount * (1 + 1e-6)
        assert found.contraction >= discount * (1 - 1e-3)


def test_a_constant_reward_attains_the_discount_at_every_sweep():
    mdp = rebuilt(endless(0), reward=np.full((6, 3), -1.0))
    found = soft_value_iteration(mdp, discount=0.8)
    moves = np.array(found.residuals[:40])
    np.testing.assert_allclose(moves[1:] / moves[:-1], 0.8, rtol=1e-9)


def moves_of(mdp, discount, count):
    """``V_{k+1} - V_k`` of plain sweeps, by the horizon-one backup of the library."""
    V, found = np.zeros(mdp.num_states), []
    for _ in range(count):
        new = soft_values(rebuilt(mdp, terminal_value=discount * V, horizon=1)).V[0]
        found.append(new - V)
        V = new
    return np.array(found)


def test_where_every_action_leads_to_the_same_lottery_only_a_constant_is_left_to_learn():
    """Rank one: the largest move shrinks by the discount, the differences are right at once."""
    mdp = endless(1)
    mdp = rebuilt(mdp, transition=np.broadcast_to(mdp.initial, (6, 3, 6)))
    moves = moves_of(mdp, 0.9, 6)
    span = np.ptp(moves, axis=-1)
    assert span[0] > 0.1
    assert np.all(span[1:] < 1e-12)
    np.testing.assert_allclose(np.abs(moves[2:]).max(-1) / np.abs(moves[1:-1]).max(-1), 0.9)


def test_where_the_world_mixes_differences_are_learnt_faster_than_the_discount():
    span = np.ptp(moves_of(endless(2), 0.9, 12), axis=-1)
    assert np.max(span[1:] / span[:-1]) < 0.7
    apart = rebuilt(endless(2), transition=np.eye(6)[:, None].repeat(3, axis=1))
    span = np.ptp(moves_of(apart, 0.9, 12), axis=-1)
    np.testing.assert_allclose(span[1:] / span[:-1], 0.9)


def test_policy_iteration_needs_a_handful_of_policies_where_sweeps_are_counted_in_thousands():
    for seed in range(6):
        mdp = endless(seed, kind=KINDS[seed % 3], temperature=0.3)
        sweeps = soft_value_iteration(mdp, discount=0.99)
        policies = soft_value_iteration(mdp, discount=0.99, method="policy-iteration")
        assert sweeps.sweeps > 1000
        assert policies.sweeps <= 10
        np.testing.assert_allclose(policies.V, sweeps.V, rtol=0, atol=2e-9)


def test_newtons_residuals_are_squared_in_the_end():
    mdp = endless(1, temperature=0.3)
    residuals = soft_policy_iteration(mdp, discount=0.95, tolerance=1e-9).residuals
    constants = [b / a**2 for a, b in pairwise(residuals) if b > 1e-12]
    assert len(constants) >= 2
    assert max(constants) < 0.1


def test_on_a_grid_krylovs_method_takes_fewer_products_than_sweeps():
    side = 40
    mdp = grid(side, -np.random.default_rng(0).random((side**2, 5)))
    sweeps = soft_value_iteration(mdp, discount=0.99, tolerance=1e-8)
    krylov = soft_value_iteration(mdp, discount=0.99, tolerance=1e-8, method="policy-iteration")
    np.testing.assert_allclose(krylov.V, sweeps.V, rtol=0, atol=2e-8)
    assert krylov.sweeps < sweeps.sweeps / 3


# How cold.


@pytest.mark.parametrize("kind", KINDS)
def test_as_the_temperature_falls_the_values_become_the_hard_maximum(kind):
    """``0 <= V_hard - V_alpha <= alpha max log(1 / rho) / (1 - gamma)``, and it is a limit."""
    discount, mdp = 0.9, endless(5, kind=kind)
    reward = np.where(mdp.action_prior > 0, mdp.reward[0], -np.inf)
    hard = np.zeros(6)
    for _ in range(400):
        hard = (reward + discount * mdp.transition @ hard).max(axis=-1)
    rarest = np.log(1 / mdp.action_prior[mdp.action_prior > 0]).max()
    lacking = []
    for alpha in (1.0, 0.1, 0.01, 0.001):
        cold = mdp.with_temperature(alpha)
        V = soft_value_iteration(cold, discount=discount, method="policy-iteration").V
        gap = hard - V
        assert np.all(gap >= -1e-8)
        assert np.all(gap <= alpha * rarest / (1 - discount) + 1e-8)
        lacking.append(gap.max())
    assert np.all(np.diff(lacking) < 0)
    assert lacking[-1] < 0.1


def test_in_the_limit_of_heat_the_prior_is_followed():
    mdp = endless(4).with_temperature(1e7)
    found = soft_value_iteration(mdp, discount=0.9, tolerance=1e-3, method="policy-iteration")
    np.testing.assert_allclose(found.policy, mdp.action_prior, atol=1e-5)


# What goes wrong.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"discount": 1.0}, "discount must lie in"),
        ({"discount": 0.9, "tolerance": 0.0}, "tolerance must be above 0"),
        ({"discount": 0.9, "max_sweeps": 0}, "max_sweeps must be at least 1"),
        ({"discount": 0.9, "method": "anderson"}, r"method must be one of \('sweeps', "),
        ({"discount": 0.9, "max_sweeps": 3}, r"in 3 sweeps; its residual is \d"),
        ({"discount": 0.9, "tolerance": 1e-18, "method": "policy-iteration"}, "its residual is"),
    ],
)
def test_what_cannot_be_done_is_said(options, message):
    with pytest.raises(ValueError, match=message):
        soft_value_iteration(endless(0), **options)


def test_rewards_that_change_with_time_need_a_horizon():
    for method in METHODS:
        with pytest.raises(ValueError, match="a reward given once"):
            soft_value_iteration(random_mdp(0), discount=0.9, method=method)


def test_messages_are_not_soft_values_under_chance():
    """The reading matters also here: nothing above is ``alpha log beta``."""
    mdp = random_mdp(0, temperature=0.5)
    exact = 0.5 * backward_messages(mdp).log_beta_s
    assert np.abs(soft_value_iteration(mdp).V - exact).max() > 0.01


# Batches and torch.


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_a_batch_is_its_problems_side_by_side(method, library):
    problems = [endless(seed, kind="sparse", temperature=0.5) for seed in range(4)]
    batch = TabularMDP.stack(problems)
    batch = batch.to_torch() if library == "torch" else batch
    found = soft_value_iteration(batch, discount=0.9, method=method, tolerance=1e-10)
    for b, mdp in enumerate(problems):
        wanted = soft_value_iteration(mdp, discount=0.9, tolerance=1e-11)
        np.testing.assert_allclose(np.asarray(found.V[b]), wanted.V, rtol=0, atol=1e-10)
        np.testing.assert_allclose(float(found.value[b]), wanted.value, rtol=0, atol=1e-10)


def test_the_gradient_of_the_value_is_the_best_policys_occupancy():
    """Also through Newton's method: at the best policy its own gradient vanishes."""
    mdp = endless(2, temperature=0.5)
    found = {}
    for method in METHODS:
        reward = torch.tensor(np.array(mdp.reward[0]), requires_grad=True)
        tensors = rebuilt(mdp.to_torch(), reward=reward)
        soft_value_iteration(tensors, discount=0.9, method=method).value.backward()
        found[method] = reward.grad.numpy()
    h, changed = 1e-5, np.array(mdp.reward[0])
    changed[1, 2] += h
    sides = [
        soft_value_iteration(rebuilt(mdp, reward=r), discount=0.9, tolerance=1e-12).value
        for r in (changed, 2 * mdp.reward[0] - changed)
    ]
    slope = (sides[0] - sides[1]) / (2 * h)
    for gradient in found.values():
        assert gradient[1, 2] == pytest.approx(slope, rel=1e-5)
        assert gradient.sum() == pytest.approx(10, rel=1e-6)


def test_a_sweep_that_stands_still_only_by_rounding_is_no_fixed_point():
    """In single precision the moves round to 0 while V is still 250 units of reward away."""
    mdp = TabularMDP.from_arrays(
        transition=[[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.3, 0.7]]],
        reward=[[-1e4, 0.0], [0.0, -2e4]],
        initial=[1.0, 0.0],
        horizon=1,
        temperature=1e4,
    )
    single = mdp.to_torch(dtype=torch.float32)
    with pytest.raises(ValueError, match=r"not converge to within 0.0001 nats .* rounding alone"):
        soft_value_iteration(single, discount=0.999, tolerance=1.0)
    near = soft_value_iteration(single, discount=0.999, tolerance=1000.0).value
    exact = soft_value_iteration(mdp, discount=0.999, tolerance=1e-2).value
    assert abs(float(near) - exact) <= 1000
