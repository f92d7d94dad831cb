"""Each equation of the section on the other divergence, both sides computed, on random problems.

The left side follows the definition: listed trajectories, every deterministic policy, plain
iteration, sums in plain Python. The right side is the library function that says it implements the
equation.
"""

import math
from itertools import product

import numpy as np
import oracle
import pytest
from problems import KINDS, lottery, random_mdp, rebuilt

from cs_infer import (
    discounted_occupancy,
    match_features,
    plan_closed_loop,
    policy_as_prior,
    policy_occupancy,
    reps,
    reps_dual,
    reward_weighted_policy,
    sample_prior,
    soft_values,
)

pytestmark = pytest.mark.filterwarnings("error")

tiny = {"S": 2, "A": 2, "T": 3, "temperature": 0.6}


def listed(mdp):
    """Every feasible trajectory with its exponentiated return."""
    return [(p, math.prod(p.factors)) for p in oracle.trajectories(oracle.plain(mdp))]


def joint(mdp, policy):
    """``p_pi(tau, O)`` for each trajectory, the prior of the actions replaced by a policy."""
    found = {}
    for path, factor in listed(mdp):
        weight = path.prior * factor
        for t, (s, a) in enumerate(zip(path.states, path.actions, strict=True)):
            weight *= policy[t, s, a] / mdp.action_prior[s, a]
        found[path.states, path.actions] = weight
    return found


def divergence(p, q):
    return math.fsum(x * math.log(x / q[key]) for key, x in p.items() if x > 0)


def by_deterministic_policies(mdp):
    """The evidence of each policy that is certain of its actions, by listing."""
    T, S, A = mdp.reward.shape
    for acts in product(range(A), repeat=T * S):
        policy = np.eye(A)[np.reshape(acts, (T, S))]
        yield math.fsum(joint(mdp, policy).values())


@pytest.mark.equation("eq-reward-weighted")
@pytest.mark.parametrize("kind", KINDS)
def test_the_fitted_policy_is_the_weighted_share_of_each_action(kind):
    mdp = random_mdp(3, S=3, A=2, T=4, kind=kind, temperature=0.6)
    runs = sample_prior(mdp, 60, np.random.default_rng(0))
    fit = reward_weighted_policy(mdp, *runs)
    pairs = list(zip(runs.states.tolist(), runs.actions.tolist(), strict=True))
    w = [math.exp(math.fsum(mdp.reward[t, s[t], a[t]] for t in range(4)) / 0.6) for s, a in pairs]
    for t, s, a in np.ndindex(mdp.reward.shape):
        through = [x for x, (states, _) in zip(w, pairs, strict=True) if states[t] == s]
        both = [
            x for x, (states, acts) in zip(w, pairs, strict=True) if states[t] == s and acts[t] == a
        ]
        expected = sum(both) / sum(through) if through else mdp.action_prior[s, a]
        assert fit.policy[t, s, a] == pytest.approx(expected, abs=1e-12)
    assert fit.effective_sample_size == pytest.approx(sum(w) ** 2 / sum(x * x for x in w))


@pytest.mark.equation("eq-em-evidence")
@pytest.mark.parametrize("next_state", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_evidence_rises_by_two_divergences(kind, next_state):
    mdp = random_mdp(5, kind=kind, next_state=next_state, **tiny)
    days = policy_as_prior(mdp, reading="exact", iterations=4)
    for k in range(4):
        old, new = (joint(mdp, days.policies[i]) for i in (k, k + 1))
        old_evidence, new_evidence = math.fsum(old.values()), math.fsum(new.values())
        assert days.log_evidence[k] == pytest.approx(math.log(old_evidence), abs=1e-12)
        q = {key: x / old_evidence for key, x in old.items()}
        q_new = {key: x / new_evidence for key, x in new.items()}
        moved = 0.0
        for (states, acts), x in q.items():
            for t, (s, a) in enumerate(zip(states, acts, strict=True)):
                if x > 0:
                    ratio = days.policies[k + 1][t, s, a] / days.policies[k][t, s, a]
                    moved += x * math.log(ratio)
        rise = days.log_evidence[k + 1] - days.log_evidence[k]
        assert rise == pytest.approx(moved + divergence(q, q_new), abs=1e-11)
        assert moved > 0


@pytest.mark.equation("eq-em-limit")
@pytest.mark.parametrize("seed", [*range(4), "lottery"])
def test_the_evidence_ends_at_the_best_of_any_policy(seed):
    """Of a linear function of each step's policy the largest is at a deterministic one."""
    mdp = rebuilt(lottery(0.4), temperature=0.3)
    if seed != "lottery":
        mdp = random_mdp(seed, S=2, A=2, T=2, temperature=0.3, next_state=seed % 2 == 1)
    days = policy_as_prior(mdp, reading="exact", iterations=800)
    best = max(map(math.log, by_deterministic_policies(mdp)))
    assert days.log_evidence[-1] == pytest.approx(best, abs=3e-3)
    assert days.log_evidence[-1] <= best + 1e-12
    U = np.zeros(mdp.num_states)
    for t in reversed(range(2)):
        step = np.exp(U) * np.ones_like(mdp.transition)
        if mdp.reward_next is not None:
            step = step * np.exp(mdp.reward_next / 0.3)
        U = (mdp.reward[t] / 0.3 + np.log((mdp.transition * step).sum(axis=2))).max(axis=1)
    assert math.log(mdp.initial @ np.exp(U)) == pytest.approx(best, abs=1e-12)


@pytest.mark.equation("eq-prior-temperature")
@pytest.mark.parametrize("next_state", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_k_iterations_are_one_iteration_k_times_colder(kind, next_state):
    """The colder policy by plain loops over the backup."""
    mdp = random_mdp(1, S=3, A=2, T=4, kind=kind, next_state=next_state, temperature=0.7)
    days = policy_as_prior(mdp, reading="variational", iterations=7)
    arriving = 0.0 if mdp.reward_next is None else (mdp.transition * mdp.reward_next).sum(axis=2)
    for k in range(1, 8):
        alpha, V = 0.7 / k, np.zeros(3)
        for t in reversed(range(4)):
            Q = mdp.reward[t] + arriving + mdp.transition @ V
            weight = mdp.action_prior * np.exp(Q / alpha)
            V = alpha * np.log(weight.sum(axis=1))
            expected = weight / weight.sum(axis=1, keepdims=True)
            np.testing.assert_allclose(days.policies[k][t], expected, atol=1e-10)


@pytest.mark.equation("eq-prior-rate")
@pytest.mark.parametrize("seed", [*range(6), "lottery"])
def test_the_return_climbs_to_the_best_at_the_promised_rate(seed):
    mdp = rebuilt(lottery(0.4), temperature=0.8)
    if seed != "lottery":
        mdp = random_mdp(seed, S=4, A=3, T=4, kind=KINDS[seed % 3], temperature=0.8)
    days = policy_as_prior(mdp, reading="variational", iterations=60)
    plan = plan_closed_loop(mdp)
    best = np.eye(mdp.num_actions)[plan.actions]
    d = policy_occupancy(mdp, best)
    surprise = -(d[d > 0] * np.log((mdp.action_prior * np.ones_like(d))[d > 0])).sum()
    for k, policy in enumerate(days.policies):
        earned = (policy_occupancy(mdp, policy) * mdp.reward).sum()
        assert days.returns[k] == pytest.approx(earned, abs=1e-11)
        assert earned <= plan.expected_return + 1e-11
        if k > 0:
            assert plan.expected_return - earned <= 0.8 / k * surprise + 1e-11
    assert np.diff(days.returns).min() >= -1e-12


def endless(seed, *, kind="stochastic", S=2, A=2, next_state=False):
    mdp = random_mdp(seed, S=S, A=A, T=1, kind=kind, next_state=next_state)
    return rebuilt(mdp, reward=mdp.reward[0])


def paid(mdp):
    if mdp.reward_next is None:
        return mdp.reward[0]
    return mdp.reward[0] + (mdp.transition * mdp.reward_next).sum(axis=2)


def occupancy_by_iteration(mdp, policy, discount):
    """Discounted visits of a policy, step by step."""
    state, total, weight = mdp.initial, np.zeros_like(policy), 1 - discount
    for _ in range(400):
        pair = state[:, None] * policy
        total, weight = total + weight * pair, weight * discount
        state = np.einsum("sa,san->n", pair, mdp.transition)
    return total


def best_on_a_grid(mdp, d_0, delta, discount):
    """The largest reward among policies of two states and two actions, by ever finer grids."""
    centre, width, best = np.array([0.5, 0.5]), 0.5, -np.inf
    for _ in range(26):
        axes = [np.clip(c + width * np.linspace(-1, 1, 9), 1e-9, 1 - 1e-9) for c in centre]
        for x, y in product(*axes):
            policy = np.array([[x, 1 - x], [y, 1 - y]])
            d = occupancy_of(mdp, policy, discount)
            spent = (d * np.log(d / d_0)).sum()
            reward = (d * paid(mdp)).sum()
            if spent <= delta and reward > best:
                best, where = reward, (x, y)
        centre, width = np.array(where), width * 0.7
    return best


def occupancy_of(mdp, policy, discount):
    """Two states: the stationary equation by Cramer's rule."""
    moves = np.einsum("sa,san->sn", policy, mdp.transition)
    (a, b), (c, d) = np.eye(2) - discount * moves.T
    e, f = (1 - discount) * mdp.initial
    state = np.array([e * d - b * f, a * f - e * c]) / (a * d - b * c)
    return state[:, None] * policy


@pytest.mark.equation("eq-reps")
@pytest.mark.parametrize(("seed", "delta"), [(0, 0.02), (1, 0.1), (2, 0.1)])
def test_no_policy_within_the_bound_earns_more(seed, delta):
    mdp = endless(seed, next_state=seed == 1)
    found = reps(mdp, divergence=delta, discount=0.8)
    d_0 = occupancy_by_iteration(mdp, mdp.action_prior, 0.8)
    d = occupancy_by_iteration(mdp, found.policy, 0.8)
    np.testing.assert_allclose(found.occupancy, d, atol=1e-9)
    assert found.value == pytest.approx((d * paid(mdp)).sum(), abs=1e-9)
    assert (d * np.log(d / d_0)).sum() == pytest.approx(delta, abs=1e-8)
    on_grid = best_on_a_grid(mdp, d_0, delta, 0.8)
    assert found.value - 1e-4 <= on_grid <= found.value + 1e-9


@pytest.mark.equation("eq-reps-dual")
@pytest.mark.parametrize("seed", range(6))
def test_the_dual_is_never_below_the_primal_and_meets_it(seed):
    mdp = endless(seed, S=4, A=3, kind=KINDS[seed % 3], next_state=seed > 2)
    delta, gamma, rng = 0.05, 0.7, np.random.default_rng(seed)
    d_0 = occupancy_by_iteration(mdp, mdp.action_prior, gamma)
    found = reps(mdp, divergence=delta, discount=gamma)

    def dual(V, x):
        A = paid(mdp) + gamma * mdp.transition @ V - V[:, None]
        return x * delta + (1 - gamma) * mdp.initial @ V + x * math.log((d_0 * np.exp(A / x)).sum())

    options = {"divergence": delta, "discount": gamma}
    for scale in (0.1, 1.0, 3.0):
        V, x = found.V + scale * rng.normal(size=4), found.temperature * math.exp(rng.normal())
        got = reps_dual(mdp, V=V, temperature=x, **options)
        assert got == pytest.approx(dual(V, x), abs=1e-10)
        assert got > found.value
    at_best = reps_dual(mdp, V=found.V, temperature=found.temperature, **options)
    assert at_best == pytest.approx(found.value, abs=1e-9)
    assert found.dual == pytest.approx(found.value, abs=1e-9)
    Q = paid(mdp) + gamma * mdp.transition @ found.V
    weighed = d_0 * np.exp((Q - found.V[:, None]) / found.temperature)
    np.testing.assert_allclose(found.occupancy, weighed, atol=1e-9)


@pytest.mark.equation("eq-reps-bias")
@pytest.mark.parametrize("seed", range(6))
def test_sampled_bellman_errors_raise_the_dual_by_the_optimism_gap(seed):
    mdp = endless(seed, S=4, A=3, kind=KINDS[seed % 3])
    gamma, rng = 0.7, np.random.default_rng(seed)
    V, x = rng.normal(size=4), 0.4
    options = {"V": V, "temperature": x, "divergence": 0.1, "discount": gamma}
    bias = reps_dual(mdp, sampled=True, **options) - reps_dual(mdp, **options)
    d_0 = occupancy_by_iteration(mdp, mdp.action_prior, gamma)
    A = paid(mdp) + gamma * mdp.transition @ V - V[:, None]
    d = d_0 * np.exp(A / x)
    gap = np.log(mdp.transition @ np.exp(gamma * V / x)) - gamma * mdp.transition @ V / x
    expected = x * math.log((d * np.exp(gap)).sum() / d.sum())
    assert bias == pytest.approx(expected, abs=1e-10)
    assert bias >= -1e-12
    each = np.exp((mdp.reward[0][..., None] + gamma * V - V[:, None, None]) / x)
    whole = x * math.log((d_0 * (mdp.transition * each).sum(axis=2)).sum())
    fixed = 0.1 * x + (1 - gamma) * mdp.initial @ V
    assert reps_dual(mdp, sampled=True, **options) == pytest.approx(whole + fixed, abs=1e-10)


def path_divergence(mdp, policy):
    """``E sum_t KL(pi_t || rho)`` by listing what the policy does."""
    total = 0.0
    for path, _ in listed(mdp):
        ratios = [
            policy[t, s, a] / mdp.action_prior[s, a]
            for t, (s, a) in enumerate(zip(path.states, path.actions, strict=True))
        ]
        weight = path.prior * math.prod(ratios)
        if weight > 0:
            total += weight * math.log(math.prod(ratios))
    return total


@pytest.mark.equation("eq-causal-entropy")
@pytest.mark.parametrize("kind", KINDS)
def test_of_all_policies_with_these_features_none_is_nearer_to_the_prior(kind):
    """Both sides of the duality, and a policy moved along directions that keep the features."""
    mdp = random_mdp(2, kind=kind, **tiny)
    rng = np.random.default_rng(0)
    phi = rng.normal(size=(3, 2, 2, 1))
    seen = soft_values(rebuilt(mdp, reward=rng.normal(size=(3, 2, 2)))).policy
    target = np.einsum("tsa,tsaf->f", policy_occupancy(mdp, seen), phi)
    found = match_features(mdp, phi, target)
    shown = np.einsum("tsa,tsaf->f", policy_occupancy(mdp, found.policy), phi)
    np.testing.assert_allclose(shown, target, atol=1e-9)
    nearest = path_divergence(mdp, found.policy)
    assert found.divergence == pytest.approx(nearest, abs=1e-9)
    theta = found.multipliers
    reward = rebuilt(mdp, reward=phi @ theta, temperature=1.0)
    assert nearest == pytest.approx(theta @ target - soft_values(reward).value, abs=1e-9)
    assert nearest <= path_divergence(mdp, seen) + 1e-10
    d_seen, d_found = (policy_occupancy(mdp, pi) for pi in (seen, found.policy))
    for share in (0.01, 0.1, 0.5):
        d = share * d_seen + (1 - share) * d_found  # flow and features are linear in it
        mixed = d / np.maximum(d.sum(axis=2, keepdims=True), 1e-300)
        assert path_divergence(mdp, mixed) >= nearest - 1e-10


def test_the_occupancy_of_the_library_is_the_one_iterated_here():
    mdp = endless(0, S=4, A=3)
    expected = occupancy_by_iteration(mdp, mdp.action_prior, 0.7)
    np.testing.assert_allclose(
        discounted_occupancy(mdp, mdp.action_prior, 0.7), expected, atol=1e-12
    )
