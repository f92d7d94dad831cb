"""Relative entropy policy search, maximum causal entropy, and the Newton steps below both."""

import math

import numpy as np
import pytest
from problems import KINDS, bandit, random_mdp, rebuilt

from cs_infer import (
    TabularMDP,
    backward_messages,
    discounted_occupancy,
    match_features,
    policy_occupancy,
    reps,
    reps_dual,
    smoothed_marginals,
    stationary_soft_values,
)
from cs_infer.other_divergence.newton import Curve, minimise

pytestmark = pytest.mark.filterwarnings("error")


def endless(seed, *, kind="stochastic", S=6, A=3, next_state=False, scale=1.0):
    mdp = random_mdp(seed, S=S, A=A, T=1, kind=kind, next_state=next_state)
    return rebuilt(mdp, reward=scale * mdp.reward[0])


def kl(p, q):
    return (p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum()


def flow_missed(mdp, d, gamma):
    arrives = (1 - gamma) * mdp.initial + gamma * np.einsum("sa,san->n", d, mdp.transition)
    return np.abs(d.sum(axis=1) - arrives).max()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("gamma", [0.0, 0.6, 0.99])
@pytest.mark.parametrize("delta", [1e-4, 0.03])
@pytest.mark.parametrize("scale", [1e-3, 100.0])
def test_the_constraints_hold_and_primal_equals_dual(kind, gamma, delta, scale):
    mdp = endless(4, kind=kind, scale=scale)
    d_0 = discounted_occupancy(mdp, mdp.action_prior, gamma)
    found = reps(mdp, divergence=delta, discount=gamma)
    assert flow_missed(mdp, found.occupancy, gamma) < 1e-8
    assert kl(found.occupancy, d_0) == pytest.approx(delta, abs=1e-8)
    assert found.divergence == pytest.approx(delta, abs=1e-8)
    assert found.value == pytest.approx(found.dual, abs=1e-8 * scale)
    assert found.value > (d_0 * mdp.reward[0]).sum()
    np.testing.assert_allclose(found.policy.sum(axis=1), 1.0, atol=1e-12)


def test_many_random_problems_are_solved_in_few_newton_steps():
    rng, solved = np.random.default_rng(0), 0
    for seed in range(60):
        mdp = endless(seed, kind=KINDS[seed % 3], S=int(rng.integers(3, 12)), A=3)
        delta, gamma = 10 ** rng.uniform(-4, -1.3), rng.choice([0.3, 0.9, 0.99])
        found = solved_or_loose(mdp, divergence=delta, discount=gamma)
        if found is not None:
            solved += 1
            assert found.residual <= 1e-8
            assert found.iterations <= 20
    assert solved >= 50


def solved_or_loose(mdp, policy=None, **options):
    """The solution, or None where the bound does not bind; any other error is passed on."""
    try:
        return reps(mdp, policy, **options)
    except ValueError as refusal:
        if "does not bind" not in str(refusal):
            raise
        return None


def test_a_policy_and_its_occupancy_are_the_same_base():
    mdp = endless(1)
    policy = np.random.default_rng(0).dirichlet(np.ones(3), size=6)
    options = {"divergence": 0.05, "discount": 0.8}
    by_policy = reps(mdp, policy, **options)
    by_occupancy = reps(mdp, discounted_occupancy(mdp, policy, 0.8), **options)
    np.testing.assert_allclose(by_policy.occupancy, by_occupancy.occupancy, atol=1e-10)
    by_prior = reps(mdp, **options)
    np.testing.assert_allclose(by_prior.value, reps(mdp, mdp.action_prior, **options).value)
    assert abs(by_prior.value - by_policy.value) > 1e-4


@pytest.mark.parametrize("next_state", [False, True])
def test_the_policy_is_the_base_tilted_by_values_that_obey_a_soft_backup(next_state):
    """The share of time in a state may change too, so V is a soft maximum up to that ratio."""
    mdp, gamma = endless(2, next_state=next_state), 0.8
    found = reps(mdp, divergence=0.05, discount=gamma)
    paid = mdp.reward[0]
    if next_state:
        paid = paid + (mdp.transition * mdp.reward_next).sum(axis=2)
    Q = paid + gamma * mdp.transition @ found.V
    tilted = mdp.action_prior * np.exp((Q - Q.max()) / found.temperature)
    np.testing.assert_allclose(found.policy, tilted / tilted.sum(axis=1, keepdims=True), atol=1e-8)


def test_one_decision_by_bisection():
    r, base, delta = np.array([0.0, -1.0, -3.0]), np.array([0.2, 0.5, 0.3]), 0.25
    low, high = 1e-3, 1e3
    for _ in range(200):
        x = math.sqrt(low * high)
        q = base * np.exp(r / x)
        q /= q.sum()
        low, high = (x, high) if kl(q, base) > delta else (low, x)
    found = reps(bandit(r.tolist()), [base], divergence=delta, discount=0.0)
    np.testing.assert_allclose(found.policy[0], q, atol=1e-8)
    assert found.temperature == pytest.approx(x, rel=1e-7)


def test_a_small_bound_buys_as_much_as_the_deviation_of_the_advantage():
    """``value - base = deviation sqrt(2 delta)`` to first order, the deviation being what no
    values explain."""
    mdp, gamma = endless(3), 0.7
    d_0 = discounted_occupancy(mdp, mdp.action_prior, gamma)
    gains = []
    for delta in (1e-8, 4e-8):
        found = reps(mdp, divergence=delta, discount=gamma, tolerance=1e-13)
        gains.append(found.value - (d_0 * mdp.reward[0]).sum())
    assert gains[1] / gains[0] == pytest.approx(2.0, rel=1e-3)
    assert gains[0] / math.sqrt(2e-8) == pytest.approx(
        found.temperature * math.sqrt(8e-8), rel=1e-3
    )


def test_repeating_ends_in_optimal_control_and_then_the_bound_does_not_bind():
    mdp, gamma, policy = endless(5), 0.9, None
    best = (1 - gamma) * stationary_soft_values(
        rebuilt(mdp, reward=mdp.reward[0], temperature=1e-4), discount=gamma
    ).value
    values = []
    while (found := solved_or_loose(mdp, policy, divergence=0.05, discount=gamma)) is not None:
        policy, values = found.policy, [*values, found.value]
        assert len(values) < 40
    assert np.diff(values).min() > 0
    assert values[-1] == pytest.approx(best, abs=0.05)
    assert values[-1] <= best + 1e-3
    with pytest.raises(ValueError, match=r"bound 0\.05 does not bind"):
        reps(mdp, policy, divergence=0.05, discount=gamma)


def test_the_refusal_names_the_divergence_of_the_best_policy():
    base, best = np.array([0.3, 0.7]), np.array([1.0, 0.0])
    with pytest.raises(ValueError, match=f"within {kl(best, base):.5f}"):
        reps(bandit([0.0, -1.0]), [base], divergence=2.0, discount=0.5)
    with pytest.raises(ValueError, match="within 0 nats"):
        reps(bandit([-1.0, -1.0]), divergence=0.1, discount=0.5)


# Sampled transitions.


def test_without_chance_sampling_transitions_changes_nothing():
    mdp = endless(2, kind="deterministic")
    options = {"divergence": 0.05, "discount": 0.8}
    flow, sampled = reps(mdp, **options), reps(mdp, sampled=True, **options)
    np.testing.assert_allclose(flow.occupancy, sampled.occupancy, atol=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_sampled_transitions_believe_in_more_than_any_policy_earns(seed):
    mdp = endless(seed)
    options = {"divergence": 0.1, "discount": 0.8}
    flow, sampled = reps(mdp, **options), reps(mdp, sampled=True, **options)
    earned = (discounted_occupancy(mdp, sampled.policy, 0.8) * mdp.reward[0]).sum()
    assert sampled.value > flow.value + 1e-3
    assert sampled.value > earned + 1e-3


def test_at_the_divergence_of_the_posterior_sampled_transitions_find_the_posterior():
    """One decision paid on arrival: temperature 1, and the policy of exact inference."""
    P = np.array([[[0.0, 1.0, 0.0], [0.0, 0.25, 0.75]], [[1, 0, 0]] * 2, [[1, 0, 0]] * 2])
    arrival = np.broadcast_to([0.0, -1.0, -4.0], (3, 2, 3)).copy()
    arrival[0, 0, 1] = -2.0
    mdp = TabularMDP.from_arrays(
        transition=P, reward=np.zeros((3, 2)), reward_next=arrival, initial=[1, 0, 0], horizon=1
    )
    prior = (0.5 * P[0]).ravel()
    posterior = prior * np.exp(arrival[0]).ravel()
    posterior /= posterior.sum()
    found = reps(mdp, divergence=kl(posterior, prior), discount=0.0, sampled=True)
    assert found.temperature == pytest.approx(1.0, abs=1e-7)
    exact = backward_messages(mdp).policy[0, 0]
    np.testing.assert_allclose(found.policy[0], exact, atol=1e-8)


def test_states_that_the_base_never_sees_keep_the_prior():
    P = np.zeros((3, 2, 3))
    P[0, :, 0] = P[1, :, 1] = P[2, :, 2] = 1.0
    mdp = TabularMDP.from_arrays(
        transition=P,
        reward=[[0.0, -1.0], [-5.0, -np.inf], [0.0, 0.0]],
        initial=[1, 0, 0],
        horizon=1,
        action_prior=[[0.5, 0.5], [0.1, 0.9], [0.3, 0.7]],
    )
    found = reps(mdp, divergence=0.1, discount=0.9)
    np.testing.assert_array_equal(found.policy[1:], mdp.action_prior[1:])
    assert found.V[1:].tolist() == [0.0, 0.0]
    assert found.policy[0, 0] > 0.6


def test_a_problem_in_single_precision_is_solved_in_double():
    mdp = endless(0)
    single = mdp.to_numpy(dtype=np.float32)
    found = reps(single, divergence=0.05, discount=0.9)
    assert found.residual < 1e-8
    assert found.value == pytest.approx(reps(mdp, divergence=0.05, discount=0.9).value, abs=1e-6)
    phi = np.random.default_rng(0).normal(size=(6, 3, 2)).astype(np.float32)
    target = features_of(single, single.action_prior[:, ::-1], phi)
    assert match_features(single, phi, target).residual < 1e-8


# Errors of reps.


@pytest.mark.parametrize("delta", [0.0, -0.1, math.inf, math.nan])
def test_a_bound_that_is_not_above_0_is_refused(delta):
    with pytest.raises(ValueError, match=f"bound must be above 0 and finite; it is {delta}"):
        reps(endless(0), divergence=delta, discount=0.9)


@pytest.mark.parametrize("gamma", [1.0, -0.1, math.nan])
def test_a_discount_outside_its_range_is_refused(gamma):
    with pytest.raises(ValueError, match=f"discount must lie in .*; it is {gamma}"):
        reps(endless(0), divergence=0.1, discount=gamma)


def test_a_base_that_is_no_occupancy_of_the_dynamics_is_refused():
    wrong = np.full((6, 3), 1 / 18)
    with pytest.raises(ValueError, match=r"as much must leave as arrives; base\[\d, :\] sums to"):
        reps(endless(0), wrong, divergence=0.1, discount=0.9)
    with pytest.raises(ValueError, match=r"base\[s, :\] must sum to 1"):
        reps(endless(0), np.full((6, 3), 0.2), divergence=0.1, discount=0.9)
    with pytest.raises(ValueError, match="base must have shape"):
        reps(endless(0), np.ones((3, 6)), divergence=0.1, discount=0.9)


def test_a_possible_reward_of_minus_infinity_is_refused_with_its_place():
    mdp = endless(0)
    reward = mdp.reward[0].copy()
    reward[2, 1] = -np.inf
    mdp = rebuilt(mdp, reward=reward)
    with pytest.raises(ValueError, match=r"reward\[2, 1\] is -inf"):
        reps(mdp, divergence=0.1, discount=0.9)
    policy = np.array(mdp.action_prior)
    policy[2] = [0.5, 0.0, 0.5]
    assert reps(mdp, policy, divergence=0.01, discount=0.9).occupancy[2, 1] == 0


def test_too_few_newton_steps_are_an_error_with_the_residual():
    with pytest.raises(ValueError, match=r"did not converge in 1 steps: .* missed by \d"):
        reps(endless(0), divergence=0.1, discount=0.9, max_iterations=1)


def test_a_reward_that_changes_with_time_is_refused():
    with pytest.raises(ValueError, match="a reward given once"):
        reps(random_mdp(0), divergence=0.1, discount=0.9)


# Maximum causal entropy.


def features_of(mdp, policy, phi):
    return np.einsum("tsa,...saf->f", policy_occupancy(mdp, policy), phi)


@pytest.mark.parametrize("seed", range(6))
def test_features_of_any_policy_are_matched_by_one_that_is_nearer_to_the_prior(seed):
    mdp = random_mdp(seed, kind=KINDS[seed % 3], S=4, A=3, T=4)
    rng = np.random.default_rng(seed)
    phi = rng.normal(size=(4, 3, 2))
    policy = np.where(mdp.action_prior > 0, rng.dirichlet(np.ones(3), size=(4, 4)), 0)
    policy /= policy.sum(axis=-1, keepdims=True)
    target = features_of(mdp, policy, phi)
    found = match_features(mdp, phi, target)
    np.testing.assert_allclose(features_of(mdp, found.policy, phi), target, atol=1e-9)
    d = policy_occupancy(mdp, policy)
    ratio = policy / np.where(mdp.action_prior > 0, mdp.action_prior, 1)
    assert found.divergence <= (d[d > 0] * np.log(ratio[d > 0])).sum() + 1e-9
    assert found.iterations <= 12


def test_features_of_the_prior_need_no_reward():
    mdp, phi = random_mdp(0), np.random.default_rng(0).normal(size=(6, 3, 2))
    found = match_features(mdp, phi, features_of(mdp, mdp.action_prior, phi))
    np.testing.assert_allclose(found.multipliers, 0.0, atol=1e-9)
    assert found.divergence == pytest.approx(0.0, abs=1e-12)


def test_without_chance_it_is_maximum_entropy_over_trajectories():
    """Deterministic dynamics and first state: the posterior of the found reward matches too."""
    mdp = random_mdp(2, kind="deterministic", S=4, T=3)
    mdp = rebuilt(mdp, initial=np.eye(4)[0])
    phi = np.random.default_rng(0).normal(size=(4, 3, 2))
    target = features_of(mdp, mdp.action_prior[:, ::-1], phi)
    found = match_features(mdp, phi, target)
    posterior = smoothed_marginals(rebuilt(mdp, reward=phi @ found.multipliers)).state_action
    np.testing.assert_allclose(np.einsum("tsa,saf->f", posterior, phi), target, atol=1e-8)


def test_with_chance_the_posterior_of_that_reward_shows_other_features():
    mdp, phi = random_mdp(2, S=4, T=3), np.random.default_rng(0).normal(size=(4, 3, 1))
    target = features_of(mdp, mdp.action_prior[:, ::-1], phi)
    found = match_features(mdp, phi, target)
    posterior = smoothed_marginals(rebuilt(mdp, reward=phi @ found.multipliers)).state_action
    assert abs(np.einsum("tsa,saf->f", posterior, phi) - target)[0] > 1e-3


def test_a_target_that_no_policy_shows_is_refused_with_what_is_missing():
    mdp, phi = random_mdp(0), np.ones((6, 3, 1))
    with pytest.raises(ValueError, match=r"the expected features still miss \[7.\] by 2"):
        match_features(mdp, phi, [7.0])


def test_shapes_of_features_are_checked():
    mdp = random_mdp(0)
    with pytest.raises(ValueError, match=r"features must have shape \(S, A, F\) = \(6, 3, 2\)"):
        match_features(mdp, np.ones((6, 3, 1)), [0.0, 1.0])
    with pytest.raises(ValueError, match="features must be finite"):
        match_features(mdp, np.full((6, 3, 1), np.inf), [0.0])
    with pytest.raises(ValueError, match="target must have shape"):
        match_features(mdp, np.ones((6, 3, 1)), 0.0)


# Newton's method.


def test_newton_finds_the_minimum_of_a_steep_convex_function_from_afar():
    def cosh(x):
        return Curve(float(np.cosh(x).sum()), np.sinh(x), np.diag(np.cosh(x)))

    found = minimise(cosh, np.array([8.0, -20.0]), tolerance=1e-12, max_iterations=100)
    np.testing.assert_allclose(found.x, 0.0, atol=1e-10)
    assert found.residual <= 1e-12


def test_newton_does_not_move_where_nothing_changes():
    def valley(x):
        return Curve(float(x[0] ** 2), np.array([2 * x[0], 0.0]), np.diag([2.0, 0.0]))

    found = minimise(valley, np.array([3.0, 5.0]), tolerance=1e-12, max_iterations=10)
    np.testing.assert_allclose(found.x, [0.0, 5.0])
    assert found.iterations == 1


# Bad input.


def test_a_base_that_does_what_the_prior_forbids_is_refused():
    mdp = random_mdp(0, S=2, A=2, T=1)
    narrow = rebuilt(mdp, reward=mdp.reward[0], action_prior=[[1.0, 0.0], [0.5, 0.5]])
    with pytest.raises(ValueError, match=r"base must be 0 where action_prior is; base\[0, 1\]"):
        reps(narrow, np.full((2, 2), 0.5), divergence=0.1, discount=0.9)


def test_a_dual_of_no_numbers_is_refused():
    mdp = random_mdp(0, S=2, A=2, T=1)
    mdp = rebuilt(mdp, reward=mdp.reward[0])
    at = {"divergence": 0.1, "discount": 0.9}
    with pytest.raises(ValueError, match="V must be finite"):
        reps_dual(mdp, V=[0.0, np.nan], temperature=1.0, **at)
    with pytest.raises(ValueError, match="temperature must be above 0 and finite"):
        reps_dual(mdp, V=[0.0, 0.0], temperature=np.inf, **at)


def test_multipliers_on_their_way_to_infinity_end_in_the_same_words():
    rng = np.random.default_rng(1)
    for seed in range(20):
        mdp = random_mdp(seed, S=2, A=2, T=3)
        with pytest.raises(ValueError, match="the expected features still miss"):
            match_features(mdp, rng.normal(size=(2, 2, 2)), [1e3, -1e3])
    with pytest.raises(ValueError, match="F at least 1"):
        match_features(mdp, np.zeros((2, 2, 0)), [])
