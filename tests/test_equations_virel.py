"""The equations of VIREL, both sides on random problems; the oracle is plain loops."""

import math
from itertools import islice, pairwise

import numpy as np
import pytest
from problems import bandit, random_mdp, rebuilt

from cs_infer import (
    actor_gradient,
    adaptive_temperature,
    boltzmann_policy,
    temperature_bounds,
    virel,
    virel_objective,
    virel_steps,
)

SEEDS = range(6)
KINDS = ("stochastic", "sparse", "deterministic")


def endless(seed, *, S=4, A=3, scale=1.0):
    """A discounted problem with an uneven prior, rewards of both signs, some on the next state."""
    mdp = random_mdp(seed, S=S, A=A, T=1, kind=KINDS[seed % 3], next_state=seed % 2 == 1)
    return rebuilt(mdp, reward=scale * (mdp.reward[0] + 1))


def values(seed, S=4, A=3, scale=2.0):
    return scale * np.random.default_rng(seed + 1000).normal(size=(S, A))


def policy_by_hand(mdp, Q, heat):
    """Weights ``rho exp((Q - best) / epsilon)``, state by state; at 0 only what is best."""
    rows = []
    for q, rho in zip(Q, mdp.action_prior, strict=True):
        best = max(x for x, allowed in zip(q, rho, strict=True) if allowed > 0)
        short = [best - x for x in q]
        w = [
            float(m) * (math.exp(-d / heat) if heat > 0 else float(d == 0)) if m > 0 else 0.0
            for m, d in zip(rho, short, strict=True)
        ]
        rows.append([x / math.fsum(w) for x in w])
    return np.array(rows)


def backup_by_hand(mdp, Q, policy, discount):
    out = np.zeros_like(Q)
    V = [
        math.fsum(a * b for a, b in zip(x, y, strict=True)) for x, y in zip(policy, Q, strict=True)
    ]
    for s, a in np.ndindex(Q.shape):
        for t, chance in enumerate(mdp.transition[s, a]):
            gain = 0.0 if mdp.reward_next is None else mdp.reward_next[s, a, t]
            out[s, a] += chance * (gain + discount * V[t])
        out[s, a] += mdp.reward[0, s, a]
    return out


def error_by_hand(mdp, Q, heat, discount, c, p, weights=None):
    """The right side of the temperature's equation."""
    target = backup_by_hand(mdp, Q, policy_by_hand(mdp, Q, heat), discount)
    w = mdp.action_prior / mdp.num_states if weights is None else weights / weights.sum()
    return c / p * math.fsum((w * np.abs(target - Q) ** p).ravel())


def optimal(mdp, discount):
    """``Q*`` by sweeps of the hard maximum over allowed actions."""
    Q = np.zeros((mdp.num_states, mdp.num_actions))
    for _ in range(160):
        Q = backup_by_hand(mdp, Q, policy_by_hand(mdp, Q, 0.0), discount)
    return Q


@pytest.mark.equation("eq-adaptive-policy")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_policy_is_boltzmanns_and_at_zero_its_limit(seed):
    mdp, Q = endless(seed), values(seed)
    Q[0, 1] = Q[0, 0]
    for heat in (0.0, 1e-30, 1e-3, 0.4, 7.0):
        got = boltzmann_policy(mdp, Q, heat)
        np.testing.assert_allclose(got, policy_by_hand(mdp, Q, heat), atol=1e-14)
    np.testing.assert_allclose(
        boltzmann_policy(mdp, Q, 0.0), boltzmann_policy(mdp, Q, 1e-9), atol=1e-12
    )


@pytest.mark.equation("eq-adaptive-temperature")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_temperature_is_the_smallest_that_equals_its_own_bellman_error(seed):
    mdp, Q = endless(seed), values(seed)
    weights = np.random.default_rng(seed).random(Q.shape) * (mdp.action_prior > 0)
    for c, p, w in ((1.0, 2.0, None), (0.3, 1.0, None), (6.0, 2.5, weights)):
        options = {"discount": 0.8, "c": c, "p": p, "weights": w}
        epsilon = adaptive_temperature(mdp, Q, **options)
        assert epsilon == pytest.approx(error_by_hand(mdp, Q, epsilon, **options), rel=1e-9)
        for heat in np.geomspace(1e-6, 0.999, 30) * epsilon:
            assert error_by_hand(mdp, Q, heat, **options) > heat


def several(seed):
    """Values close to optimal, at stakes so high that a hot policy's error keeps it hot."""
    mdp = endless(seed, scale=100.0)
    return mdp, optimal(mdp, 0.8) + 0.02 * values(seed)


@pytest.mark.equation("eq-adaptive-temperature")
@pytest.mark.parametrize("seed", SEEDS)
def test_of_several_temperatures_the_smallest_is_taken(seed):
    mdp, Q = several(seed)
    options = {"discount": 0.8, "c": 20.0, "p": 2.0}
    epsilon = adaptive_temperature(mdp, Q, **options)
    assert epsilon == pytest.approx(error_by_hand(mdp, Q, epsilon, **options), rel=1e-9)
    below, above = np.geomspace(1e-6, 0.999, 40) * epsilon, np.geomspace(1.001, 1e4, 120) * epsilon
    assert all(error_by_hand(mdp, Q, heat, **options) > heat for heat in below)
    assert any(error_by_hand(mdp, Q, heat, **options) > heat for heat in above)


@pytest.mark.equation("eq-temperature-bounds")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_bounds_hold_every_one_of_several_solutions(seed):
    mdp, Q = several(seed)
    options = {"discount": 0.8, "c": 20.0, "p": 2.0}
    low, high = temperature_bounds(mdp, Q, **options)
    heats = np.geomspace(1e-3, 1e7, 400)
    above = np.array([error_by_hand(mdp, Q, heat, **options) > heat for heat in heats])
    crossings = heats[1:][above[1:] != above[:-1]]
    assert len(crossings) >= 3
    assert low <= crossings[0]
    assert heats[:-1][above[1:] != above[:-1]][-1] <= high < 1e7


@pytest.mark.equation("eq-temperature-bounds")
@pytest.mark.parametrize("c", [1.0, 20.0, 300.0])
def test_the_bounds_hold_a_solution_at_which_the_error_almost_vanishes(c):
    """The difference is positive when cold and negative when hot, so it passes through 0."""
    mdp, Q = bandit([10.0, 0.0]), np.array([[77.5, 67.5]])
    options = {"discount": 0.9, "c": c, "p": 2.0}
    heats = np.geomspace(1e-3, 1e6, 600)
    above = np.array([error_by_hand(mdp, Q, heat, **options) > heat for heat in heats])
    low, high = temperature_bounds(mdp, Q, **options)
    assert low <= heats[1:][above[1:] != above[:-1]][0]
    assert low <= adaptive_temperature(mdp, Q, **options) <= high


@pytest.mark.equation("eq-temperature-bounds")
@pytest.mark.parametrize("seed", SEEDS)
def test_every_solution_of_the_temperatures_equation_lies_within_the_bounds(seed):
    """Outside them the error differs from the temperature; where they meet it crosses once."""
    mdp, Q, meet = endless(seed), values(seed, scale=0.5 + seed), 0
    for c in (0.1, 1.0, 30.0):
        options = {"discount": 0.8, "c": c, "p": 2.0}
        low, high = temperature_bounds(mdp, Q, **options)
        assert low <= adaptive_temperature(mdp, Q, **options) <= high
        heats = np.geomspace(1e-3 * low, 1e3 * high, 60)
        signs = np.array([error_by_hand(mdp, Q, heat, **options) - heat for heat in heats])
        assert np.all(signs[heats < low * (1 - 1e-9)] > 0)
        assert np.all(signs[heats > high * (1 + 1e-9)] < 0)
        widest = max(error_by_hand(mdp, Q, heat, **options) for heat in (0.0, 1e12))
        assert high <= 4 * widest + 1e-9
        meet += high - low < 1e-9 * high
    assert meet >= 1


@pytest.mark.equation("eq-virel-step")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_round_measures_acts_and_learns(seed):
    mdp, Q = endless(seed), values(seed)
    rate = (1.0, 0.3)[seed % 2]
    steps = virel_steps(mdp, discount=0.8, c=2.0, p=1.5, Q=Q, rate=rate)
    Q = np.where(mdp.action_prior > 0, Q, 0.0)
    for step in islice(steps, 4):
        np.testing.assert_allclose(step.Q, Q, atol=1e-12)
        options = {"discount": 0.8, "c": 2.0, "p": 1.5}
        assert step.temperature == pytest.approx(
            error_by_hand(mdp, Q, step.temperature, **options), rel=1e-9
        )
        np.testing.assert_allclose(
            step.policy, policy_by_hand(mdp, Q, step.temperature), atol=1e-12
        )
        target = backup_by_hand(mdp, Q, step.policy, 0.8)
        Q = np.where(mdp.action_prior > 0, Q + rate * (target - Q), 0.0)


@pytest.mark.equation("eq-virel-error")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_error_of_a_round_is_bounded_and_the_last_is_within_the_tolerance(seed):
    mdp, gamma, rate = endless(seed), 0.8, (1.0, 0.5)[seed % 2]
    rho, best = mdp.action_prior, optimal(endless(seed), 0.8)
    allowed, spread = rho > 0, math.log(1 / rho[rho > 0].min())

    def far(Q):
        return np.abs(Q - best)[allowed].max()

    options = {"discount": gamma, "Q": values(seed), "rate": rate}
    steps = list(islice(virel_steps(mdp, **options), 30))
    for now, then in pairwise(steps):
        e, heat = far(now.Q), now.temperature
        bound = (1 - rate) * e + rate * gamma * (e + heat * spread)
        assert far(then.Q) <= bound + 1e-12
    for tolerance in (1e-3, 1e-10):
        found = virel(mdp, **options, tolerance=tolerance)
        assert far(found.Q) <= tolerance
        assert found.residuals[-1] <= (1 - gamma) * tolerance
        assert np.all(found.residuals[:-1] > (1 - gamma) * tolerance)
        assert len(found.temperatures) == len(found.residuals) == found.iterations


def objective_by_hand(mdp, Q, pi, heat, d):
    total = 0.0
    for s, a in np.ndindex(Q.shape):
        if pi[s, a] > 0:
            ratio = math.log(pi[s, a] / mdp.action_prior[s, a])
            total += d[s] * pi[s, a] * (Q[s, a] / heat - ratio)
    return total


def random_actor(mdp, seed):
    rng = np.random.default_rng(seed + 50)
    pi = rng.dirichlet(np.ones(mdp.num_actions), size=mdp.num_states) * (mdp.action_prior > 0)
    return pi / pi.sum(axis=1, keepdims=True), rng.dirichlet(np.ones(mdp.num_states))


@pytest.mark.equation("eq-virel-objective")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_objective_is_energy_over_temperature_less_the_price_of_leaving_the_prior(seed):
    mdp, Q = endless(seed), values(seed)
    pi, d = random_actor(mdp, seed)
    for heat in (0.3, 2.0):
        L = virel_objective(mdp, Q, pi, temperature=heat, state_weights=d)
        assert L.value == pytest.approx(objective_by_hand(mdp, Q, pi, heat, d), rel=1e-10)
        even = virel_objective(mdp, Q, pi, temperature=heat)
        uniform = np.full(mdp.num_states, 1 / mdp.num_states)
        assert even.value == pytest.approx(objective_by_hand(mdp, Q, pi, heat, uniform), rel=1e-10)


@pytest.mark.equation("eq-virel-gap")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_objective_falls_short_of_its_maximum_by_a_divergence(seed):
    mdp, Q, heat = endless(seed), values(seed), 0.7
    pi, d = random_actor(mdp, seed)
    best = policy_by_hand(mdp, Q, heat)
    log_z = np.log((mdp.action_prior * np.exp(Q / heat)).sum(axis=1))
    terms = pi * np.log(np.where(pi > 0, pi, 1) / np.where(pi > 0, best, 1))
    L = virel_objective(mdp, Q, pi, temperature=heat, state_weights=d)
    assert L.log_normaliser == pytest.approx(d @ log_z, rel=1e-10)
    assert L.gap == pytest.approx(d @ terms.sum(axis=1), abs=1e-10)
    assert L.value == pytest.approx(L.log_normaliser - L.gap, rel=1e-10)
    top = virel_objective(mdp, Q, best, temperature=heat, state_weights=d)
    assert top.gap == pytest.approx(0, abs=1e-12)


@pytest.mark.equation("eq-actor-gradient")
@pytest.mark.parametrize("seed", SEEDS)
def test_the_sampled_gradient_climbs_the_objective_and_its_noise_is_counted(seed):
    """The mean against finite differences in the logits, the variance by listing the samples."""
    mdp, Q, heat = endless(seed), values(seed), 0.7
    S, A = Q.shape
    rho = mdp.action_prior
    logits = np.random.default_rng(seed).normal(size=(S, A))

    def actor(x):
        w = np.where(rho > 0, np.exp(x), 0.0)
        return w / w.sum(axis=1, keepdims=True)

    def climbed(x):
        L = virel_objective(mdp, Q, actor(x), temperature=heat, state_weights=np.eye(S)[s])
        return heat * L.value

    pi, b = actor(logits), np.linspace(-1, 1, S)
    got = actor_gradient(mdp, Q, pi, temperature=heat, baseline=b)
    best = actor_gradient(mdp, Q, pi, temperature=heat, baseline="best")
    for s in range(S):
        for a in range(A):
            step = np.zeros((S, A))
            step[s, a] = 1e-5
            slope = (climbed(logits + step) - climbed(logits - step)) / 2e-5
            assert got.mean[s, a] == pytest.approx(slope, abs=1e-7)
            assert best.mean[s, a] == pytest.approx(slope, abs=1e-7)
        samples = [
            (np.eye(A)[a] - pi[s]) * (Q[s, a] - heat * math.log(pi[s, a] / rho[s, a]) - b[s])
            for a in range(A)
            if pi[s, a] > 0
        ]
        chance = pi[s][pi[s] > 0]
        centred = [x - got.mean[s] for x in samples]
        spread = sum(p * (x @ x) for p, x in zip(chance, centred, strict=True))
        assert got.variance[s] == pytest.approx(spread, abs=1e-10)
        for other in (-1.0, 0.0, 0.5):
            noisy = actor_gradient(mdp, Q, pi, temperature=heat, baseline=other)
            assert best.variance[s] <= noisy.variance[s] + 1e-10
