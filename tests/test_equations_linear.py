"""Each equation of the section on linear backups, both sides computed, on random problems."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linear_problems import divergence, listed_paths, random_walk, walks, worth
from problems import random_mdp, rebuilt

from cs_infer import (
    Diffusion,
    average_desirability,
    discounted_desirability,
    effective_sample_size,
    embedded_problem,
    exit_desirability,
    grid_desirability,
    horizon_desirability,
    passive_transitions,
    path_estimate,
    soft_q_learning,
    z_learning,
)

pytestmark = pytest.mark.filterwarnings("error")

CLOSE = {"rtol": 1e-10, "atol": 1e-11}
seeds = st.integers(0, 10**6)


@pytest.mark.equation("eq-kl-control")
@given(walks(forbidden=True), seeds)
def test_the_tilted_passive_dynamics_are_the_best_choice(problem, seed):
    rng = np.random.default_rng(seed)
    v = rng.normal(size=problem.num_states)
    u, alpha, V = problem.controlled(v), problem.temperature, problem.temperature * v
    for s, p in enumerate(problem.passive):
        soft = math.log(math.fsum(p * np.exp(v)))
        np.testing.assert_allclose(u[s], p * np.exp(v) / math.exp(soft), **CLOSE)
        assert u[s] @ V - alpha * divergence(u[s], p) == pytest.approx(alpha * soft, abs=1e-10)
        for _ in range(5):
            other = rng.exponential(size=len(p)) * (p > 0)
            other /= other.sum()
            assert other @ V - alpha * divergence(other, p) <= alpha * soft + 1e-10


@pytest.mark.equation("eq-desirability-horizon")
@given(walks(states=3, forbidden=True), st.integers(1, 4), seeds)
def test_multiplying_backwards_sums_over_every_path(problem, horizon, seed):
    terminal = np.random.default_rng(seed).normal(size=problem.num_states)
    found = horizon_desirability(problem, horizon, terminal_value=terminal)
    for t, s in itertools.product(range(horizon), range(problem.num_states)):
        paths = listed_paths(problem, s, horizon - t, terminal)
        z = math.fsum(p * math.exp(paid) for _, p, paid in paths)
        np.testing.assert_allclose(np.exp(found.log_z[t, s]), z, **CLOSE)
        np.testing.assert_allclose(found.V[t, s], problem.temperature * found.log_z[t, s])


@pytest.mark.equation("eq-control-is-conditioning")
@given(walks(states=3, forbidden=True), st.integers(1, 4), seeds)
def test_the_controlled_process_is_the_passive_one_given_optimality(problem, horizon, seed):
    terminal = np.random.default_rng(seed).normal(size=problem.num_states)
    policy = horizon_desirability(problem, horizon, terminal_value=terminal).policy
    for s in np.flatnonzero(problem.allowed):
        listed = list(listed_paths(problem, int(s), horizon, terminal))
        z = math.fsum(p * math.exp(paid) for _, p, paid in listed)
        for states, p, paid in listed:
            steps = enumerate(itertools.pairwise(states))
            produced = math.prod(policy[t, i, j] for t, (i, j) in steps)
            np.testing.assert_allclose(produced, p * math.exp(paid) / z, **CLOSE)


@pytest.mark.equation("eq-desirability-exit")
@given(walks(states=6, forbidden=True))
def test_one_linear_system_sums_over_paths_of_every_length(problem):
    """``sum_k M^k b``: leave at once, after one more step, after two, ..."""
    S, weight = problem.num_states, np.exp(problem.reward / problem.temperature)
    out = np.arange(S) == 0
    found = exit_desirability(problem, [0])
    step, leave = np.where(out[:, None], 0.0, weight[:, None] * problem.passive), out * weight
    z, term = leave, leave
    for _ in range(5000):
        term = step @ term
        z = z + term
    np.testing.assert_allclose(np.exp(found.log_z), z, rtol=1e-9, atol=1e-12)
    assert not found.policy[out | ~problem.allowed].any()
    for s in np.flatnonzero(~out & problem.allowed):
        tilted = problem.passive[s] * z
        np.testing.assert_allclose(found.policy[s], tilted / tilted.sum(), rtol=1e-8, atol=1e-12)


@pytest.mark.equation("eq-desirability-discounted")
@given(walks(), st.sampled_from((0.0, 0.5, 0.9)))
def test_discounted_desirabilities_enter_with_a_power(problem, discount):
    found = discounted_desirability(problem, discount=discount, tolerance=1e-12)
    z = np.exp(found.log_z).tolist()
    for s, p in enumerate(problem.passive.tolist()):
        ahead = math.fsum(q * x**discount for q, x in zip(p, z, strict=True))
        right = math.exp(problem.reward[s] / problem.temperature) * ahead
        assert z[s] == pytest.approx(right, rel=1e-9)
        tilted = [q * x**discount / ahead for q, x in zip(p, z, strict=True)]
        np.testing.assert_allclose(found.policy[s], tilted, rtol=1e-9, atol=1e-12)


@pytest.mark.equation("eq-desirability-average")
@given(walks(states=5))
def test_the_principal_eigenvalue_is_the_best_average_reward(problem):
    found, alpha = average_desirability(problem, tolerance=1e-12), problem.temperature
    matrix = np.exp(problem.reward / alpha)[:, None] * problem.passive
    assert found.rate == pytest.approx(alpha * math.log(np.linalg.eigvals(matrix).real.max()))
    z = np.exp(found.log_z)
    np.testing.assert_allclose(matrix @ z, math.exp(found.rate / alpha) * z, rtol=1e-9)
    where = np.linalg.matrix_power((found.policy + np.eye(len(z))) / 2, 4096)[0]
    assert where @ worth(problem, found.policy) == pytest.approx(found.rate, abs=1e-8)


@pytest.mark.equation("eq-embedding")
@pytest.mark.parametrize("seed", range(8))
def test_each_action_costs_in_the_embedding_what_it_costs_in_the_problem(seed):
    mdp = random_mdp(seed, S=5, A=3, T=1, temperature=0.7)
    mdp = rebuilt(mdp, reward=mdp.reward[0])
    problem, mismatch = embedded_problem(mdp)
    for s, a in np.ndindex(5, 3):
        cost = mdp.temperature * divergence(mdp.transition[s, a], problem.passive[s])
        assert problem.reward[s] - cost == pytest.approx(mdp.reward[0, s, a], abs=1e-8)
    np.testing.assert_allclose(mismatch, 0, atol=1e-8)


@pytest.mark.equation("eq-embedding")
@pytest.mark.parametrize("seed", range(4))
def test_with_more_actions_than_next_states_the_mismatch_is_what_is_left(seed):
    """And least squares leaves nothing that the actions could still explain."""
    mdp = random_mdp(seed, S=3, A=6, T=1, temperature=2.0)
    mdp = rebuilt(mdp, reward=mdp.reward[0])
    problem, mismatch = embedded_problem(mdp)
    for s, a in np.ndindex(3, 6):
        cost = mdp.temperature * divergence(mdp.transition[s, a], problem.passive[s])
        left = problem.reward[s] - cost - mdp.reward[0, s, a]
        assert mismatch[s, a] == pytest.approx(left, abs=1e-9)
    assert np.abs(mismatch).max() > 1e-3
    np.testing.assert_allclose(np.einsum("sat,sa->st", mdp.transition, mismatch), 0, atol=1e-9)


@pytest.mark.equation("eq-z-learning")
@given(walks(states=5), seeds, st.sampled_from((1.0, 5.0)))
def test_z_learning_averages_sampled_desirabilities(problem, seed, offset):
    exits, rng = [0], np.random.default_rng(seed)
    if problem.num_states == 1:
        return
    states, ahead = passive_transitions(problem, exits, steps=60, runs=2, rng=rng)
    got = z_learning(problem, states, ahead, exits=exits, offset=offset, checkpoints=[30, 60])
    gain = np.exp(problem.reward / problem.temperature).tolist()
    for run in range(2):
        z = [gain[0]] + [1.0] * (problem.num_states - 1)
        seen = [0] * problem.num_states
        for n, (s, t) in enumerate(zip(states[:, run], ahead[:, run], strict=True), start=1):
            rate = offset / (offset + seen[s])
            seen[s] += 1
            z[s] = (1 - rate) * z[s] + rate * gain[s] * z[t]
            if n in (30, 60):
                np.testing.assert_allclose(np.exp(got[n // 30 - 1, run]), z, **CLOSE)


@pytest.mark.equation("eq-soft-q-passive")
@given(walks(states=5), seeds, st.sampled_from(("known", "counted")))
def test_soft_q_learning_averages_over_next_states_by_the_passive_dynamics(problem, seed, passive):
    S, exits, rng = problem.num_states, [0], np.random.default_rng(seed)
    if S == 1:
        return
    states, ahead = passive_transitions(problem, exits, steps=60, runs=2, rng=rng)
    got = soft_q_learning(problem, states, ahead, exits=exits, offset=4.0, passive=passive)
    reward = problem.reward / problem.temperature
    for run in range(2):
        q, seen, log_z = np.zeros((S, S)), np.zeros((S, S)), np.zeros(S)
        log_z[0] = reward[0]
        for s, t in zip(states[:, run], ahead[:, run], strict=True):
            rate = 4.0 / (4.0 + seen[s, t])
            seen[s, t] += 1
            q[s, t] = (1 - rate) * q[s, t] + rate * (reward[s] + log_z[t])
            p = problem.passive[s] if passive == "known" else seen[s] / seen[s].sum()
            log_z[s] = math.log(math.fsum(p * np.exp(q[s])))
        np.testing.assert_allclose(got[0, run], log_z, **CLOSE)


# Diffusions.


def bowl(seed, *, horizon=12):
    """A quadratic end; with no other reward everything is Gaussian and known."""
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.5, 2.0)
    problem = Diffusion(
        noise=rng.uniform(0.7, 1.3),
        control_cost=rng.uniform(0.5, 2.0),
        duration=rng.uniform(0.8, 1.5),
        horizon=horizon,
        terminal=lambda x: -depth * x**2 / 2,
    )
    return problem, depth


def bowl_log_z(problem, depth, t, x):
    """``log E[exp(-depth x_T^2 / (2 alpha))]`` with ``x_T`` Gaussian around x."""
    variance = problem.noise**2 * (problem.duration - t * problem.step)
    width = problem.temperature / depth + variance
    return -(x**2) / (2 * width) - 0.5 * np.log(1 + variance * depth / problem.temperature)


GRID = np.linspace(-14, 14, 281)
MIDDLE = np.abs(GRID) < 3


@pytest.mark.equation("eq-path-temperature")
@pytest.mark.parametrize("seed", range(5))
def test_the_price_of_a_push_is_the_temperature_times_its_divergence(seed):
    problem, _ = bowl(seed)
    u, h = 1.7, problem.step
    spread = problem.noise * math.sqrt(h)
    x = np.linspace(-10 * spread, 10 * spread + u * h, 20_001)
    pushed = np.exp(-((x - u * h) ** 2) / (2 * spread**2)) / (spread * math.sqrt(2 * math.pi))
    log_ratio = (x**2 - (x - u * h) ** 2) / (2 * spread**2)
    kl = np.sum(pushed * log_ratio) * (x[1] - x[0])
    assert problem.temperature * kl == pytest.approx(problem.control_cost * u**2 * h / 2, rel=1e-8)


@pytest.mark.equation("eq-path-backward")
@pytest.mark.parametrize("seed", range(5))
def test_the_grid_finds_the_gaussian_integral(seed):
    problem, depth = bowl(seed)
    found = grid_desirability(problem, GRID)
    for t in range(problem.horizon + 1):
        exact = bowl_log_z(problem, depth, t, GRID)
        np.testing.assert_allclose(found.log_z[t, MIDDLE], exact[MIDDLE], atol=1e-8)
    np.testing.assert_allclose(found.V, problem.temperature * found.log_z)


@pytest.mark.equation("eq-path-backward")
def test_reward_at_a_rate_is_paid_in_every_step_and_at_its_own_time():
    rates = np.array([-1.0, -3.0, -0.5])
    problem = Diffusion(1.0, 2.0, 1.5, 3, lambda t, x: np.full(np.shape(x), rates[t]))
    found = grid_desirability(problem, GRID)
    for t in range(4):
        paid = 0.5 * rates[t:].sum()
        np.testing.assert_allclose(found.V[t], paid, atol=1e-10)


@pytest.mark.equation("eq-path-control")
@pytest.mark.parametrize("seed", range(5))
def test_the_best_speed_is_the_noise_times_the_slope_of_log_desirability(seed):
    problem, depth = bowl(seed)
    found = grid_desirability(problem, GRID)
    for t in range(problem.horizon):
        rest = problem.duration - t * problem.step
        width = problem.temperature / depth + problem.noise**2 * rest
        exact = -(problem.noise**2) * GRID / width
        np.testing.assert_allclose(found.control[t, MIDDLE], exact[MIDDLE], atol=1e-7)


@pytest.mark.equation("eq-path-weights")
@pytest.mark.parametrize("seed", range(4))
def test_weights_undo_the_steering(seed):
    """Path by path against ratios of Gaussian densities; on average against the integral."""
    problem, depth = bowl(seed)
    h, variance = problem.step, problem.noise**2 * problem.step

    def steer(t, x):
        return 0.3 - 0.4 * x + 0.1 * t

    rng = np.random.default_rng(seed)
    got = path_estimate(problem, 0.8, paths=20_000, rng=rng, control=steer)
    expected = -depth * got.paths[:, -1] ** 2 / 2 / problem.temperature
    for t in range(problem.horizon):
        x, x_next = got.paths[:, t], got.paths[:, t + 1]
        pushed = (x_next - x - steer(t, x) * h) ** 2 / (2 * variance)
        expected += pushed - (x_next - x) ** 2 / (2 * variance)
    np.testing.assert_allclose(got.log_weight, expected, rtol=1e-9, atol=1e-9)
    exact = bowl_log_z(problem, depth, 0, 0.8)
    assert got.log_z == pytest.approx(exact, abs=5 * got.relative_error + 1e-3)
    best = (
        -(problem.noise**2)
        * 0.8
        / (problem.temperature / depth + problem.noise**2 * problem.duration)
    )
    assert got.control == pytest.approx(best, abs=0.15)


@pytest.mark.equation("eq-effective-sample-size")
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8), st.floats(-2000, 2000))
def test_the_effective_sample_size_compares_two_sums(log_weight, shift):
    w = [math.exp(x) for x in log_weight]
    expected = sum(w) ** 2 / sum(x * x for x in w)
    got = effective_sample_size(np.array(log_weight) + shift)
    assert got == pytest.approx(expected, rel=1e-9)
    assert 1 - 1e-9 <= got <= len(w) + 1e-9


def test_the_walks_of_these_tests_have_zeros_and_differ():
    passive = [random_walk(seed).passive for seed in range(10)]
    assert sum((p == 0).any() for p in passive) >= 5
    assert len({p.tobytes() for p in passive}) == 10
