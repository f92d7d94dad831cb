"""Soft policy evaluation, improvement and iteration; returns and occupancies."""

import math

import numpy as np
import pytest
import torch
from families import random_policy, seeds
from hypothesis import given
from hypothesis import strategies as st
from problems import KINDS, bandit, full_problems, problems, random_mdp, rebuilt, slippery_grid

from cs_infer import (
    Sparse,
    TabularMDP,
    discounted_occupancy,
    elbo,
    improved_policy,
    regularised_return,
    soft_policy_iteration,
    soft_policy_values,
    soft_value_iteration,
    soft_values,
)
from cs_infer.evaluation import DIRECT, discounted_matrix

pytestmark = pytest.mark.filterwarnings("error")

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
discounts = st.sampled_from([0.0, 0.3, 0.9])
endless_problems = problems(horizon=1, next_state=None)


def endless(seed, *, kind="stochastic", S=6, A=3, **options):
    mdp = random_mdp(seed, S=S, A=A, T=1, kind=kind, **options)
    return rebuilt(mdp, reward=mdp.reward[0])


# Evaluation.


@given(full_problems(), seeds)
def test_the_value_of_a_policy_is_temperature_times_its_bound(mdp, seed):
    policy = random_policy(mdp, seed)
    value, alpha = soft_policy_values(mdp, policy).value, mdp.temperature
    assert value == pytest.approx(alpha * elbo(mdp, policy), rel=1e-10, abs=1e-10)


@given(problems(horizon=1, impossible=False), seeds, discounts)
def test_a_discounted_value_is_the_limit_of_long_walks(mdp, seed, discount):
    """``V = sum_t gamma^t E[r - alpha log pi / rho]``, by 400 steps in plain numpy."""
    policy = random_policy(mdp, seed, time=False)
    paid = mdp.reward[0].copy()
    if mdp.reward_next is not None:
        paid += (mdp.transition * mdp.reward_next).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(policy > 0, np.log(policy / mdp.action_prior), 0.0)
    step = (policy * (paid - mdp.temperature * ratio)).sum(axis=-1)
    moves, V = np.einsum("sa,san->sn", policy, mdp.transition), np.zeros(mdp.num_states)
    for _ in range(400):
        V = step + discount * (moves @ V)
    values = soft_policy_values(mdp, policy, discount=discount)
    np.testing.assert_allclose(values.V, V, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(values.Q, paid + discount * (mdp.transition @ V), **CLOSE)


@pytest.mark.parametrize("discount", [0.5, 0.99])
def test_krylovs_method_and_the_direct_solve_agree(discount, monkeypatch):
    for kind in KINDS:
        mdp = endless(4, S=40, kind=kind, temperature=0.5)
        policy = random_policy(mdp, 4, time=False)
        direct = soft_policy_values(mdp, policy, discount=discount)
        monkeypatch.setattr("cs_infer.evaluation.DIRECT", 1)
        monkeypatch.setattr("cs_infer.returns.DIRECT", 1)
        krylov = soft_policy_values(mdp, policy, discount=discount, tolerance=1e-9)
        np.testing.assert_allclose(krylov.V, direct.V, rtol=0, atol=1e-9)
        d = discounted_occupancy(mdp, policy, discount)
        monkeypatch.undo()
        np.testing.assert_allclose(d, discounted_occupancy(mdp, policy, discount), **CLOSE)


@pytest.mark.parametrize("lists", [False, True])
def test_krylovs_method_serves_a_batch_and_values_of_minus_infinity(lists, monkeypatch):
    monkeypatch.setattr("cs_infer.evaluation.DIRECT", 1)
    problems = [endless(seed, S=20, kind="sparse") for seed in range(3)]
    if lists:
        problems = [rebuilt(mdp, transition=mdp.dynamics.to_sparse()) for mdp in problems]
    problems[1] = rebuilt(
        problems[1], reward=np.where(np.arange(20) == 3, -np.inf, -1)[:, None] * [1, 1, 1]
    )
    batch = TabularMDP.stack(problems)
    found = soft_value_iteration(batch, discount=0.9, method="policy-iteration")
    assert np.isneginf(found.V[1]).any()
    for b, mdp in enumerate(problems):
        wanted = soft_value_iteration(mdp, discount=0.9)
        np.testing.assert_allclose(found.V[b], wanted.V, rtol=0, atol=2e-9)


# Improvement.


def test_one_improvement_of_a_bandit_is_the_best_policy():
    mdp = bandit([0.0, -1.0, -2.0], prior=[0.2, 0.3, 0.5], temperature=0.5)
    found = soft_policy_iteration(mdp)
    weight = np.array([0.2, 0.3, 0.5]) * np.exp([0.0, -2.0, -4.0])
    np.testing.assert_allclose(found.policy[0, 0], weight / weight.sum(), rtol=1e-14)
    assert found.iterations == 2
    assert found.value == pytest.approx(0.5 * math.log(weight.sum()), rel=1e-14)


@given(full_problems(impossible=False), seeds)
def test_no_state_is_worse_off_after_an_improvement(mdp, seed):
    policy = random_policy(mdp, seed)
    values = soft_policy_values(mdp, policy)
    better = soft_policy_values(mdp, improved_policy(mdp, values.Q))
    assert np.all(better.V >= values.V - 1e-12)


def thousand(library="numpy"):
    """1000 problems: 20 batches of 50, of every kind, rewards in time, priors, temperatures."""
    for i in range(20):
        options = {"S": 5, "A": 3, "T": 4, "kind": KINDS[i % 3], "next_state": i % 2 == 0}
        alpha = (0.2, 0.5, 1.0, 2.0)[i % 4]
        yield TabularMDP.stack(
            [random_mdp(50 * i + j, temperature=alpha, **options) for j in range(50)]
        )


def test_soft_policy_iteration_never_falls_and_ends_at_the_best_on_1000_random_problems():
    count, rises = 0, []
    for batch in thousand():
        start = np.stack([random_policy(batch[b], b) for b in range(50)])
        found = soft_policy_iteration(batch, start)
        assert np.all(np.diff(found.values, axis=0) >= -1e-12)
        best = soft_values(batch)
        np.testing.assert_allclose(found.value, best.value, **CLOSE)
        np.testing.assert_allclose(found.policy, best.policy, rtol=1e-8, atol=1e-10)
        assert found.iterations <= batch.horizon + 1
        rises.append(found.values[1] - found.values[0])
        count += 50
    assert count == 1000
    assert np.min(rises) > 1e-4  # a random policy is never the best


def test_with_a_discount_iteration_never_falls_on_1000_random_problems():
    for batch in thousand():
        first = rebuilt(batch, reward=batch.reward[:, :1])
        found = soft_policy_iteration(first, discount=0.9)
        assert np.all(np.diff(found.values, axis=0) >= -1e-11)
        wanted = soft_value_iteration(first, discount=0.9, tolerance=1e-10)
        np.testing.assert_allclose(found.V, wanted.V, rtol=0, atol=3e-10)
        assert found.iterations <= 12


@given(full_problems())
def test_where_only_the_impossible_is_left_iteration_still_finds_the_best(mdp):
    found, best = soft_policy_iteration(mdp), soft_values(mdp)
    np.testing.assert_allclose(found.V, best.V, rtol=1e-9, atol=1e-10)


@given(endless_problems, discounts)
def test_a_start_that_risks_the_impossible_does_not_hide_what_can_be_saved(mdp, discount):
    """The prior is worth ``-inf`` wherever it may do what is never optimal."""
    found = soft_policy_iteration(mdp, discount=discount)
    wanted = soft_value_iteration(mdp, discount=discount, tolerance=1e-10)
    np.testing.assert_allclose(found.V, wanted.V, rtol=0, atol=3e-10)


def test_a_loop_beside_the_impossible_is_worth_staying_in():
    """Staying is free, leaving is never optimal; the prior does both."""
    mdp = TabularMDP.from_arrays(
        transition=[[[1.0], [1.0]]], reward=[[0.0, -np.inf]], initial=[1.0], horizon=1
    )
    found = soft_policy_iteration(mdp, discount=0.5)
    assert found.values[0] == -math.inf
    np.testing.assert_array_equal(found.policy, [[1.0, 0.0]])
    assert found.value == pytest.approx(-2 * math.log(2))


def test_iteration_beyond_the_direct_solve_never_falls_and_ends_at_the_best():
    lists = slippery_grid(33)
    reward = -np.random.default_rng(0).random((33**2, 5))
    start = np.full(33**2, 1 / 33**2)
    transition = Sparse(lists.next_state, lists.probability)
    mdp = TabularMDP.from_arrays(transition=transition, reward=reward, initial=start, horizon=1)
    found = soft_policy_iteration(mdp, discount=0.95, tolerance=1e-8)
    wanted = soft_value_iteration(mdp, discount=0.95, tolerance=1e-8)
    assert np.all(np.diff(found.values) >= -1e-8)
    np.testing.assert_allclose(found.V, wanted.V, rtol=0, atol=2e-8)


# Returns and occupancies.


@given(full_problems(), seeds)
def test_the_entropy_is_the_divergence_seen_from_a_uniform_prior(mdp, seed):
    policy = random_policy(mdp, seed)
    uniform = rebuilt(mdp, action_prior=None)
    parts = regularised_return(uniform, policy)
    steps = mdp.horizon * math.log(mdp.num_actions)
    assert parts.entropy == pytest.approx(steps - parts.divergence, abs=1e-10)
    assert parts.entropy == pytest.approx(regularised_return(mdp, policy).entropy)


def test_a_policy_that_does_what_is_forbidden_has_a_return_of_minus_infinity():
    mdp = endless(1, kind="sparse")
    parts = regularised_return(mdp, np.full((6, 3), 1 / 3))
    assert parts.divergence == math.inf
    assert parts.total == -math.inf
    assert regularised_return(mdp, np.full((6, 3), 1 / 3), discount=0.5).total == -math.inf


@given(endless_problems, seeds, discounts)
def test_the_discounted_occupancy_is_a_distribution_and_splits_like_the_policy(mdp, seed, discount):
    policy = random_policy(mdp, seed, time=False)
    d = discounted_occupancy(mdp, policy, discount)
    assert d.sum() == pytest.approx(1, abs=1e-12)
    state = d.sum(axis=-1)
    np.testing.assert_allclose(d, state[:, None] * policy, atol=1e-14)
    arriving = np.einsum("sa,san->n", d, mdp.transition)
    np.testing.assert_allclose(
        state, (1 - discount) * mdp.initial + discount * arriving, atol=1e-12
    )


# Bad input.


@pytest.mark.parametrize("discount", [None, 0.9])
def test_what_the_prior_forbids_is_refused_with_its_place(discount):
    mdp = TabularMDP.from_arrays(
        transition=np.ones((2, 2, 2)) / 2,
        reward=np.zeros((2, 2)),
        initial=[0.5, 0.5],
        horizon=3,
        action_prior=[[0.5, 0.5], [1.0, 0.0]],
    )
    policy = [[1.0, 0.0], [0.75, 0.25]]
    place = "s = 1, a = 1" if discount else "t = 0, s = 1, a = 1"
    for function in (soft_policy_values, soft_policy_iteration):
        with pytest.raises(ValueError, match=f"the prior forbids.* is 0.25, at {place}$"):
            function(mdp, policy, discount=discount)
    # A prior with zeros where the policy has none:
    with pytest.raises(ValueError, match="the prior forbids"):
        soft_policy_values(mdp, np.full((2, 2), 0.5), discount=discount)


@pytest.mark.parametrize("discount", [None, 0.9])
def test_a_policy_that_is_no_distribution_is_refused(discount):
    mdp = endless(0)
    policy = np.array(mdp.action_prior)
    policy[2] *= 0.9
    for function in (soft_policy_values, soft_policy_iteration, regularised_return):
        with pytest.raises(ValueError, match=r"2, :\] sums to 0.9"):
            function(mdp, policy, discount=discount)
    with pytest.raises(ValueError, match=r"2, :\] sums to 0.9"):
        discounted_occupancy(mdp, policy, 0.9)


def test_a_policy_in_time_has_no_discounted_value():
    mdp = random_mdp(0)
    with pytest.raises(ValueError, match=r"with a discount, policy must have shape \(S, A\)"):
        soft_policy_values(endless(0), np.broadcast_to(mdp.action_prior, (5, 6, 3)), discount=0.9)


@pytest.mark.parametrize("discount", [1.0, -0.1, math.nan])
def test_a_discount_out_of_range_is_refused(discount):
    mdp = endless(0)
    for function in (soft_policy_values, discounted_occupancy, regularised_return):
        with pytest.raises(ValueError, match="discount must lie in"):
            function(mdp, mdp.action_prior, discount=discount)


def test_values_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"Q must have shape \(S, A\)"):
        improved_policy(endless(0), np.zeros((3, 6)))


def test_an_iteration_cut_short_says_how_far_it_was():
    with pytest.raises(
        ValueError, match=r"not within 1e-10 .* after 1 policies; its residual is 0\.\d+"
    ):
        soft_policy_iteration(endless(0), discount=0.9, max_iterations=1)
    with pytest.raises(ValueError, match="max_iterations must be at least 1"):
        soft_policy_iteration(endless(0), max_iterations=0)


def test_a_tolerance_below_rounding_is_reported_soon():
    with pytest.raises(ValueError, match=r"after (\d|1\d) policies; its residual is"):
        soft_policy_iteration(endless(0), discount=0.9, tolerance=1e-18)


# Torch and single precision.


@pytest.mark.parametrize("discount", [None, 0.9])
def test_torch_gives_what_numpy_gives(discount):
    mdp = endless(3, kind="sparse", temperature=0.5)
    policy = random_policy(mdp, 3, time=False)
    tensors, given = mdp.to_torch(), torch.tensor(policy)
    for function, count in ((soft_policy_values, 3), (regularised_return, 4)):
        got = function(tensors, given, discount=discount)[:count]
        wanted = function(mdp, policy, discount=discount)[:count]
        for x, y in zip(got, wanted, strict=True):
            np.testing.assert_allclose(x.numpy(), y, **CLOSE)
    got = soft_policy_iteration(tensors, discount=discount)
    wanted = soft_policy_iteration(mdp, discount=discount)
    np.testing.assert_allclose(got.V.numpy(), wanted.V, **CLOSE)
    np.testing.assert_allclose(got.values.numpy(), wanted.values, **CLOSE)


def test_single_precision_stays_single():
    mdp = endless(2).to_numpy(dtype=np.float32)
    assert soft_policy_iteration(mdp).policy.dtype == np.float32
    found = soft_policy_iteration(mdp, discount=0.9, tolerance=1e-3)
    assert found.V.dtype == np.float32
    wanted = soft_policy_iteration(endless(2), discount=0.9)
    np.testing.assert_allclose(found.V, wanted.V, atol=1e-3)
    assert discounted_occupancy(mdp, mdp.action_prior, 0.9).dtype == np.float32


def test_the_gradient_of_a_discounted_value_is_the_occupancy():
    mdp = endless(3, temperature=0.5).to_torch()
    policy = torch.tensor(random_policy(endless(3), 3, time=False))
    reward = mdp.reward_once[0].clone().requires_grad_()
    soft_policy_values(rebuilt(mdp, reward=reward), policy, discount=0.9).value.backward()
    wanted = discounted_occupancy(mdp, policy, 0.9) / (1 - 0.9)
    np.testing.assert_allclose(reward.grad.numpy(), wanted.numpy(), **CLOSE)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_no_numbers_are_refused(bad):
    mdp = random_mdp(0, S=2, A=2)
    with pytest.raises(ValueError, match=r"Q must be finite or -inf .*; Q\[1, 0\] is"):
        improved_policy(mdp, [[0.0, 1.0], [bad, 0.0]])
    batch = TabularMDP.stack([mdp, mdp])
    with pytest.raises(ValueError, match=r"Q must begin with B = 2 in this batch"):
        improved_policy(batch, np.zeros((3, 2, 2)))


def test_the_default_tolerance_is_within_reach_of_rounding_with_many_states(rng):
    S = 1100
    assert S > DIRECT
    mdp = TabularMDP.from_arrays(
        transition=Sparse(rng.integers(S, size=(S, 2, 3)), rng.dirichlet(np.ones(3), size=(S, 2))),
        reward=-rng.random((S, 2)),
        initial=np.full(S, 1 / S),
        horizon=1,
        temperature=0.1,
    )
    V = soft_policy_values(mdp, mdp.action_prior, discount=0.99).V
    matrix = discounted_matrix(mdp, mdp.action_prior, 0.99)
    np.testing.assert_allclose(V, np.linalg.solve(matrix, mdp.reward[0].mean(axis=1)), atol=1e-9)
