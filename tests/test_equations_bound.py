"""Each equation of the chapter on the variational bound, both sides computed.

As in ``test_equations.py``: one side follows the definition, by listing trajectories in
plain Python or by the recursion as it is printed; the other is the library function that
says it implements the equation.
"""

import math

import long_double as ld
import numpy as np
import oracle
import pytest
from families import (
    Posterior,
    average,
    log_ratio,
    paid,
    random_moves,
    random_policy,
    random_start,
    seeds,
    walks,
)
from hypothesis import assume, given
from hypothesis import strategies as st
from problems import distributions, full_problems, possible, problems, random_mdp, rebuilt

from cs_infer import (
    backward_messages,
    bound_terms,
    discounted_occupancy,
    elbo,
    improved_policy,
    kl_to_posterior,
    policy_occupancy,
    policy_return,
    posterior_dynamics,
    posterior_initial,
    regularised_return,
    soft_policy_iteration,
    soft_policy_values,
    soft_value_iteration,
    soft_values,
)

pytestmark = pytest.mark.filterwarnings("error")

CLOSE = {"rtol": 1e-10, "atol": 1e-10}
tiny = {"num_states": 2, "num_actions": 2, "horizon": 3}
tiny_problems = full_problems(**tiny)
discounts = st.sampled_from([0.0, 0.3, 0.9])
endless = problems(horizon=1, impossible=False, next_state=False)


def close(got, wanted):
    assert got == pytest.approx(wanted, rel=1e-10, abs=1e-10)


def kl(p, q):
    """``KL(p || q)`` of two lists, term by term."""
    terms = [x * log_ratio(x, y) for x, y in zip(p, q, strict=True) if x > 0]
    return math.inf if math.inf in terms else math.fsum(terms)


def followed(mdp, policy, cost):
    """``sum_{u >= t} E_pi[cost_u(s_u) | s_t = s]``, shape (T, S), backwards in plain numpy."""
    total, rows = np.zeros(mdp.num_states), []
    for t in reversed(range(mdp.horizon)):
        total = cost[t] + np.einsum("sa,san,n->s", policy[t], mdp.transition, total)
        rows.append(total)
    return np.array(rows[::-1])


def kl_rows(p, q):
    """``KL`` of each state's row, shape (..., S)."""
    shape = p.shape[:-1]
    return np.array([kl(p[i].tolist(), q[i].tolist()) for i in np.ndindex(shape)]).reshape(shape)


# The bound.


@pytest.mark.equation("eq-elbo")
@given(tiny_problems, seeds)
def test_the_bound_is_the_mean_of_log_joint_less_log_q_and_never_above_the_evidence(mdp, seed):
    policy, moves, start = (
        random_policy(mdp, seed),
        random_moves(mdp, seed),
        random_start(mdp, seed),
    )
    for options in ({}, {"moves": moves, "start": start}):
        listed = average(walks(mdp, policy, **options), lambda w: w.log_joint - w.log_q)
        given = dict(zip(("dynamics", "initial"), options.values(), strict=False))
        close(elbo(mdp, policy, **given), listed)
        assert listed <= oracle.log(oracle.evidence(oracle.plain(mdp))) + 1e-12


@pytest.mark.equation("eq-family")
@given(tiny_problems, seeds)
def test_the_family_follows_its_policy_through_the_true_world(mdp, seed):
    policy = random_policy(mdp, seed)
    found = walks(mdp, policy)
    assert math.fsum(w.q for w in found) == pytest.approx(1)
    close(elbo(mdp, policy), average(found, lambda w: w.log_joint - w.log_q))
    same = elbo(mdp, policy, dynamics=mdp.transition, initial=mdp.initial)
    close(elbo(mdp, policy), same)


@pytest.mark.equation("eq-elbo-terms")
@given(tiny_problems, seeds, st.booleans())
def test_the_bound_is_reward_over_temperature_less_divergence_from_the_prior(
    mdp, seed, all_actions
):
    policy = random_policy(mdp, seed)
    if all_actions:  # also those that the prior forbids
        policy = np.full(mdp.reward.shape, 1 / mdp.num_actions)
    found, last = walks(mdp, policy), oracle.terminal_values(mdp)
    pi = np.broadcast_to(policy, mdp.reward.shape)

    def reward(w):
        return (
            math.fsum(paid(mdp, *step) for step in w.steps) + last[w.states[-1]] / mdp.temperature
        )

    def divergence(w):
        return sum(log_ratio(pi[t, s, a], mdp.action_prior[s, a]) for t, s, a, _ in w.steps)

    terms = bound_terms(mdp, policy)
    if not math.isinf(terms.reward):
        close(terms.reward, average(found, reward))
    close(terms.policy_divergence, average(found, divergence))
    assert terms.dynamics_divergence == pytest.approx(0, abs=1e-14)


@pytest.mark.equation("eq-free-family")
@given(tiny_problems, seeds)
def test_free_dynamics_pay_for_every_departure_and_the_posterior_reaches_the_evidence(mdp, seed):
    policy, moves, start = (
        random_policy(mdp, seed),
        random_moves(mdp, seed),
        random_start(mdp, seed),
    )
    found = walks(mdp, policy, moves=moves, start=start)

    def departure(w):
        steps = [log_ratio(moves[t][s, a, n], mdp.transition[s, a, n]) for t, s, a, n in w.steps]
        return log_ratio(start[w.states[0]], mdp.initial[w.states[0]]) + math.fsum(steps)

    terms = bound_terms(mdp, policy, dynamics=moves, initial=start)
    close(terms.dynamics_divergence, average(found, departure))
    close(terms.elbo, average(found, lambda w: w.log_joint - w.log_q))
    if possible(mdp):
        believed = [posterior_dynamics(mdp, t) for t in range(mdp.horizon)]
        optimal = backward_messages(mdp).policy
        best = elbo(mdp, optimal, dynamics=believed, initial=posterior_initial(mdp))
        close(best, oracle.log(oracle.evidence(oracle.plain(mdp))))


@pytest.mark.equation("eq-evidence-decomposition")
@given(tiny_problems, seeds)
def test_evidence_is_bound_plus_divergence_from_the_posterior(mdp, seed):
    assume(possible(mdp))
    policy, log_evidence = random_policy(mdp, seed), oracle.log(oracle.evidence(oracle.plain(mdp)))
    gap = kl_to_posterior(mdp, policy).total
    found = walks(mdp, policy)
    # log p(tau | O) = log p(tau, O) - log p(O), walk by walk
    close(gap, average(found, lambda w: w.log_q - (w.log_joint - log_evidence)))
    if math.isfinite(gap):
        close(elbo(mdp, policy) + gap, log_evidence)
    else:
        assert elbo(mdp, policy) == -math.inf


@pytest.mark.equation("eq-gap-split")
@given(tiny_problems, seeds)
def test_the_gap_is_the_policys_share_and_the_shares_of_luck(mdp, seed):
    assume(possible(mdp))
    policy, posterior = random_policy(mdp, seed), Posterior(mdp)
    found = walks(mdp, policy)

    def choice(w):
        return sum(log_ratio(policy[t, s, a], posterior.action(t, s, a)) for t, s, a, _ in w.steps)

    def luck(w):
        moves = [(mdp.transition[s, a, n], posterior.move(t, s, a, n)) for t, s, a, n in w.steps]
        return sum(log_ratio(*pair) for pair in moves)

    gap = kl_to_posterior(mdp, policy)
    start = [posterior.initial(s) for s in range(mdp.num_states)]
    close(gap.initial, kl(mdp.initial.tolist(), start))
    close(gap.policy, average(found, choice))
    if math.isfinite(gap.total):  # past hope, luck is counted as 0: the policy's share is infinite
        close(gap.luck, average(found, luck))
    else:
        assert average(found, lambda w: w.log_joint) == -math.inf


# One step of the maximisation.


@pytest.mark.equation("eq-bound-step")
@given(problems(horizon=1), seeds)
def test_one_step_of_the_bound_lacks_a_divergence_from_the_soft_maximiser(mdp, seed):
    alpha, p = mdp.temperature, random_policy(mdp, seed, time=False)
    Q = np.random.default_rng(seed).normal(size=p.shape)
    best = improved_policy(mdp, Q)
    for s in range(mdp.num_states):
        rho = mdp.action_prior[s].tolist()
        left = float(p[s] @ Q[s]) - alpha * kl(p[s].tolist(), rho)
        weights = [r * math.exp(q / alpha) for r, q in zip(rho, Q[s].tolist(), strict=True)]
        soft_maximum = alpha * math.log(math.fsum(weights))
        close(left, soft_maximum - alpha * kl(p[s].tolist(), best[s].tolist()))
    np.testing.assert_allclose(best.sum(axis=-1), 1)


# Evaluation, improvement, iteration.


@pytest.mark.equation("eq-soft-policy-values")
@given(full_problems(**tiny, impossible=False), seeds)
def test_soft_policy_values_obey_their_recursion_and_start_at_the_bound(mdp, seed):
    policy, alpha = random_policy(mdp, seed), mdp.temperature
    values = soft_policy_values(mdp, policy)
    V_next = np.array(oracle.terminal_values(mdp))
    for t in reversed(range(mdp.horizon)):
        for s, a in np.ndindex(mdp.num_states, mdp.num_actions):
            row = mdp.transition[s, a]
            ends = [alpha * paid(mdp, t, s, a, n) + V_next[n] for n in range(mdp.num_states)]
            close(values.Q[t, s, a], float(row @ ends))
        q = (policy[t] * values.Q[t]).sum(axis=-1)
        V_next = q - alpha * kl_rows(policy[t], mdp.action_prior)
        np.testing.assert_allclose(values.V[t], V_next, **CLOSE)
    close(values.value / alpha, average(walks(mdp, policy), lambda w: w.log_joint - w.log_q))


@pytest.mark.equation("eq-soft-policy-values")
@given(endless, seeds, discounts)
def test_discounted_soft_policy_values_obey_their_equation(mdp, seed, discount):
    policy = random_policy(mdp, seed, time=False)
    values = soft_policy_values(mdp, policy, discount=discount)
    ahead = np.einsum("san,n->sa", mdp.transition, values.V)
    np.testing.assert_allclose(values.Q, mdp.reward[0] + discount * ahead, **CLOSE)
    cost = mdp.temperature * kl_rows(policy, mdp.action_prior)
    np.testing.assert_allclose(values.V, (policy * values.Q).sum(axis=-1) - cost, **CLOSE)
    close(values.value, float(mdp.initial @ values.V))


@pytest.mark.equation("eq-soft-suboptimality")
@given(full_problems(impossible=False), seeds)
def test_a_policy_lacks_its_divergence_from_the_best_along_its_own_way(mdp, seed):
    policy, best = random_policy(mdp, seed), soft_values(mdp)
    lacking = mdp.temperature * followed(mdp, policy, kl_rows(policy, best.policy))
    np.testing.assert_allclose(best.V - soft_policy_values(mdp, policy).V, lacking, **CLOSE)


@pytest.mark.equation("eq-soft-improvement")
@given(full_problems(impossible=False), seeds)
def test_an_improvement_gains_the_divergence_of_the_old_policy_from_the_new(mdp, seed):
    old = random_policy(mdp, seed)
    found = soft_policy_iteration(mdp, old)
    new = found.policies[1] if found.iterations > 1 else improved_policy(mdp, found.Q)
    np.testing.assert_array_equal(found.policies[0], old)
    gained = soft_policy_values(mdp, new).V - soft_policy_values(mdp, old).V
    wanted = mdp.temperature * followed(mdp, new, kl_rows(old, new))
    np.testing.assert_allclose(gained, wanted, **CLOSE)
    assert np.all(wanted >= 0)
    np.testing.assert_allclose(found.V, soft_values(mdp).V, **CLOSE)


@pytest.mark.equation("eq-soft-improvement")
@given(endless, seeds, discounts)
def test_with_a_discount_an_improvement_gains_the_discounted_divergence(mdp, seed, discount):
    old = random_policy(mdp, seed, time=False)
    found = soft_policy_iteration(mdp, old, discount=discount)
    new = found.policies[1] if found.iterations > 1 else improved_policy(mdp, found.Q)
    values = [soft_policy_values(mdp, pi, discount=discount) for pi in (old, new)]
    moves = np.einsum("sa,san->sn", new, mdp.transition)
    one = np.eye(mdp.num_states)
    gain = np.linalg.solve(one - discount * moves, mdp.temperature * kl_rows(old, new))
    np.testing.assert_allclose(values[1].V - values[0].V, gain, rtol=1e-8, atol=1e-9)
    if found.iterations > 1:
        close(found.values[1] - found.values[0], float(mdp.initial @ gain))


# Reward and randomness.


@pytest.mark.equation("eq-regularised-return")
@given(full_problems(**tiny), seeds)
def test_the_regularised_return_is_reward_less_divergence_and_temperature_times_the_bound(
    mdp, seed
):
    policy, alpha = random_policy(mdp, seed), mdp.temperature
    found, last = walks(mdp, policy), oracle.terminal_values(mdp)

    def reward(w):
        return alpha * sum(paid(mdp, *step) for step in w.steps) + last[w.states[-1]]

    def divergence(w):
        return sum(log_ratio(policy[t, s, a], mdp.action_prior[s, a]) for t, s, a, _ in w.steps)

    parts = regularised_return(mdp, policy)
    close(parts.reward, average(found, reward))
    close(parts.divergence, average(found, divergence))
    close(parts.total, alpha * average(found, lambda w: w.log_joint - w.log_q))


@pytest.mark.equation("eq-max-entropy")
@given(problems(**tiny, impossible=False), seeds)
def test_with_a_uniform_prior_the_divergence_is_a_constant_less_the_entropy(mdp, seed):
    mdp = rebuilt(mdp, action_prior=None)
    policy, alpha = random_policy(mdp, seed), mdp.temperature

    def surprise(w):
        return -sum(math.log(policy[t, s, a]) for t, s, a, _ in w.steps)

    parts, entropy = regularised_return(mdp, policy), average(walks(mdp, policy), surprise)
    close(parts.entropy, entropy)
    constant = alpha * mdp.horizon * math.log(mdp.num_actions)
    close(parts.total, policy_return(mdp, policy) + alpha * entropy - constant)


@pytest.mark.equation("eq-frontier")
@pytest.mark.parametrize("seed", range(6))
def test_along_the_frontier_a_nat_costs_the_temperature(seed):
    mdp = random_mdp(seed, S=4, A=3, T=4, kind=("stochastic", "sparse")[seed % 2])
    alpha, h = 0.4 + 0.2 * seed, 1e-4

    def at(temperature):
        colder = mdp.with_temperature(temperature)
        return regularised_return(colder, soft_values(colder).policy)

    low, here, high = at(alpha - h), at(alpha), at(alpha + h)
    slope = [(b - a) / (2 * h) for a, b in zip(low, high, strict=True)]
    d_reward, d_divergence, _, d_total = slope
    assert d_divergence < -1e-4
    assert d_reward == pytest.approx(alpha * d_divergence, rel=1e-5)
    assert d_total == pytest.approx(-here.divergence, rel=1e-5)


@pytest.mark.equation("eq-discounted-occupancy")
@given(endless, seeds, st.sampled_from([0.0, 0.3, 0.6]))
def test_the_discounted_occupancy_is_a_weighted_sum_over_steps(mdp, seed, discount):
    policy, alpha = random_policy(mdp, seed, time=False), mdp.temperature
    steps = 60
    long = rebuilt(mdp, reward=mdp.reward[0], horizon=steps)
    weight = (1 - discount) * discount ** np.arange(steps)
    summed = np.einsum("t,tsa->sa", weight, policy_occupancy(long, policy))
    d = discounted_occupancy(mdp, policy, discount)
    np.testing.assert_allclose(d, summed, rtol=1e-9, atol=1e-11)
    taken = d > 0
    ratio = np.log(policy[taken] / mdp.action_prior[taken])
    total = float(d[taken] @ (mdp.reward[0][taken] - alpha * ratio)) / (1 - discount)
    close(regularised_return(mdp, policy, discount=discount).total, total)
    close(soft_policy_values(mdp, policy, discount=discount).value, total)


# Without a horizon.


def soft_backup(mdp, discount, V):
    """``alpha log sum_a rho exp((r + gamma E[V]) / alpha)`` in long double."""
    p = ld.from_mdp(mdp)
    alpha = ld.Long(mdp.temperature)
    ahead = discount * ld.expect(p, V / alpha) if discount > 0 else 0
    return alpha * ld.logsumexp(p.log_prior + p.reward[0] + ahead)


@pytest.mark.equation("eq-soft-contraction")
@given(endless, seeds, discounts)
def test_each_sweep_brings_values_nearer_by_the_discount(mdp, seed, discount):
    V, W = np.random.default_rng(seed).normal(scale=3, size=(2, mdp.num_states)).astype(ld.Long)
    moved = np.abs(soft_backup(mdp, discount, V) - soft_backup(mdp, discount, W)).max()
    assert moved <= discount * np.abs(V - W).max() * (1 + 1e-12)
    found = soft_value_iteration(mdp, discount=discount, tolerance=1e-9)
    V, residuals = np.zeros(mdp.num_states, dtype=ld.Long), []
    for _ in range(found.sweeps):
        new = soft_backup(mdp, discount, V)
        residuals.append(float(np.abs(new - V).max()))
        V = new
    np.testing.assert_allclose(found.residuals, residuals, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.V, V.astype(float), rtol=1e-12, atol=1e-12)
    assert found.contraction is None or found.contraction <= discount * (1 + 1e-6)


@pytest.mark.equation("eq-soft-contraction")
@given(distributions(3), discounts)
def test_values_that_differ_by_a_constant_come_nearer_by_the_discount_and_no_more(start, discount):
    mdp = rebuilt(random_mdp(3, S=3, A=2, T=1), initial=start)
    V = np.linspace(-1, 1, 3).astype(ld.Long)
    moved = soft_backup(mdp, discount, V + 2) - soft_backup(mdp, discount, V)
    np.testing.assert_allclose(moved.astype(float), 2 * discount, rtol=1e-12)
