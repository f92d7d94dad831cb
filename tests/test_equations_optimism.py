"""Each equation of the chapter on optimism, both sides computed, on random problems.

As in ``test_equations.py``: the left side follows the definition, by listing
trajectories in plain Python wherever there are any to list; the right side is
the library function that says it implements the equation.
"""

import math

import mpmath
import numpy as np
import oracle
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from problems import distributions, full_problems, possible, problems, random_mdp, rebuilt, typical

from cs_infer import (
    backward_messages,
    lottery_threshold,
    optimism_gap,
    policy_occupancy,
    policy_return,
    posterior_dynamics,
    posterior_initial,
    soft_values,
    stationary_messages,
    stationary_soft_values,
)

pytestmark = pytest.mark.filterwarnings("error")

CLOSE = {"rtol": 1e-10, "atol": 1e-11}
tiny = {"num_states": 2, "num_actions": 2, "horizon": 3}


def beta_ahead(exact, t):
    """``beta_t+1(s')`` by listing trajectories; the terminal factor after the last step."""
    T, S, _ = exact.shape
    if t + 1 == T:
        return exact.terminal or [1.0] * S
    return oracle.beta_state(exact, t + 1)


def arrival(mdp, t, s, a):
    """``P(s' | s, a) exp(r(s, a, s') / alpha)``: the factor of the move alone."""
    P = mdp.transition[s, a].tolist()
    if mdp.reward_next is None or not oracle.seen_steps(mdp)[t]:
        return P
    pairs = zip(P, mdp.reward_next[s, a].tolist(), strict=True)
    return [p * math.exp(r / mdp.temperature) for p, r in pairs]


def believed_moves(mdp, t, s, a):
    """``p(s' | s, a, O)`` by Bayes on listed trajectories; zeros where O is impossible."""
    ahead = beta_ahead(oracle.plain(mdp), t)
    joint = [p * float(b) for p, b in zip(arrival(mdp, t, s, a), ahead, strict=True)]
    whole = math.fsum(joint)
    return [x / whole if whole > 0 else 0.0 for x in joint]


def cells(mdp):
    return np.ndindex(mdp.reward.shape)


def next_values(mdp, t):
    """``v = log beta_t+1`` by listing."""
    return [oracle.log(b) for b in beta_ahead(oracle.plain(mdp), t)]


@pytest.mark.equation("eq-posterior-dynamics")
@typical()
@given(full_problems())
def test_the_agents_transition_probability_is_bayes_on_its_success(mdp):
    """In states that optimal trajectories visit, also as a ratio of sums over them."""
    got = [posterior_dynamics(mdp, t).transition for t in range(mdp.horizon)]
    for t, s, a in cells(mdp):
        np.testing.assert_allclose(got[t][s, a], believed_moves(mdp, t, s, a), **CLOSE)
    if not possible(mdp):
        return
    listed = oracle.posterior(oracle.plain(mdp)).items()
    for t in range(mdp.horizon - 1):
        moves = oracle.grouped(((s[t], a[t], s[t + 1]), p) for (s, a), p in listed)
        pairs = oracle.grouped(((s[t], a[t]), p) for (s, a), p in listed)
        for (s, a, n), p in moves.items():
            assert got[t][s, a, n] == pytest.approx(p / pairs[s, a], rel=1e-7, abs=1e-9)


@pytest.mark.equation("eq-posterior-initial")
@typical()
@given(full_problems())
def test_the_agents_first_state_is_bayes_on_its_success(mdp):
    exact = oracle.plain(mdp)
    expected = [0.0] * mdp.num_states
    if possible(mdp):
        listed = oracle.posterior(exact).items()
        for s, p in oracle.grouped((states[0], p) for (states, _), p in listed).items():
            expected[s] = float(p)
    np.testing.assert_allclose(posterior_initial(mdp), expected, **CLOSE)


@pytest.mark.equation("eq-optimistic-backup")
@typical(next_state=False)
@given(full_problems(next_state=False))
def test_the_optimistic_backup_is_reward_plus_log_expected_exponential(mdp):
    """Listed messages obey it, and the library's are the listed ones."""
    exact, messages = oracle.plain(mdp), backward_messages(mdp)
    seen = oracle.seen_steps(mdp)
    for t, s, a in cells(mdp):
        pairs = zip(exact.transition[s][a], beta_ahead(exact, t), strict=True)
        mean = math.fsum(p * float(b) for p, b in pairs)
        reward = float(mdp.reward[t, s, a]) / mdp.temperature if seen[t] else 0.0
        right = reward + oracle.log(mean)
        left = oracle.log(oracle.beta(exact, t).get((s, a), 0.0))
        np.testing.assert_allclose(left, right, **CLOSE)
        np.testing.assert_allclose(messages.log_beta_sa[t, s, a], right, **CLOSE)
    of_states = [oracle.beta_state(exact, t) for t in range(mdp.horizon)]
    np.testing.assert_allclose(np.exp(messages.log_beta_s), of_states, **CLOSE)


@pytest.mark.equation("eq-variational-backup")
@typical()
@given(full_problems())
def test_the_variational_backup_is_reward_plus_expectation(mdp):
    Q, V = oracle.soft_values(mdp)
    values, alpha = soft_values(mdp), mdp.temperature
    np.testing.assert_allclose(values.Q, Q, **CLOSE)
    np.testing.assert_allclose(values.V, V, **CLOSE)
    for t, s, a in cells(mdp):
        alive = V[t][s] > -math.inf
        rho = float(mdp.action_prior[s, a])
        expected = rho * math.exp((Q[t][s][a] - V[t][s]) / alpha) if alive and rho > 0 else 0.0
        np.testing.assert_allclose(values.policy[t, s, a], expected, **CLOSE)


@pytest.mark.equation("eq-optimism-gap")
@typical(next_state=False)
@given(full_problems(impossible=False, next_state=False))
def test_the_optimism_gap_is_jensens_and_a_divergence(mdp):
    gap = optimism_gap(mdp)
    for t, s, a in cells(mdp):
        P, v = mdp.transition[s, a].tolist(), next_values(mdp, t)
        mean = math.fsum(p * x for p, x in zip(P, v, strict=True))
        soft = math.log(math.fsum(p * math.exp(x) for p, x in zip(P, v, strict=True)))
        pairs = zip(P, believed_moves(mdp, t, s, a), strict=True)
        divergence = math.fsum(p * math.log(p / q) for p, q in pairs if p > 0)
        assert gap[t, s, a] == pytest.approx(soft - mean, abs=1e-10)
        assert gap[t, s, a] == pytest.approx(divergence, abs=1e-10)
        certain = len({round(x, 9) for p, x in zip(P, v, strict=True) if p > 0}) == 1
        assert (gap[t, s, a] < 1e-12) if certain else (gap[t, s, a] >= 0)


@pytest.mark.equation("eq-best-luck")
@given(full_problems(impossible=False, next_state=False), st.data())
def test_posterior_dynamics_are_the_best_luck_that_relative_entropy_can_buy(mdp, data):
    """``log E_P exp v = max_q E_q v - KL(q || P)``: attained there, exceeded nowhere."""
    for t in range(mdp.horizon):
        v, believed = next_values(mdp, t), posterior_dynamics(mdp, t).transition
        for s, a in np.ndindex(believed.shape[:2]):
            P = mdp.transition[s, a].tolist()

            def objective(q, P=P, v=v):
                terms = zip(q, P, v, strict=True)
                return math.fsum(x * (y - math.log(x / p)) for x, p, y in terms if x > 0)

            most = math.log(math.fsum(p * math.exp(x) for p, x in zip(P, v, strict=True)))
            assert objective(believed[s, a].tolist()) == pytest.approx(most, abs=1e-10)
            weight = data.draw(st.lists(st.integers(0, 4), min_size=len(P), max_size=len(P)))
            other = [w if p > 0 else 0 for w, p in zip(weight, P, strict=True)]
            if sum(other) > 0:
                assert objective([w / sum(other) for w in other]) <= most + 1e-10


@pytest.mark.equation("eq-optimism-cumulants")
@typical(next_state=False)
@given(full_problems(impossible=False, next_state=False))
def test_optimism_is_half_the_variance_to_first_order(mdp):
    """What is left out is at most ``R^4 / 128`` for values that span R nats: ``alpha^-4``."""
    hot = mdp.with_temperature(20 * mdp.horizon)
    gap, largest = optimism_gap(hot), 0.0
    for t, s, a in cells(hot):
        P, v = hot.transition[s, a].tolist(), next_values(hot, t)
        mean = math.fsum(p * x for p, x in zip(P, v, strict=True))
        second, third = (
            math.fsum(p * (x - mean) ** k for p, x in zip(P, v, strict=True)) for k in (2, 3)
        )
        span = max(v) - min(v)
        assert abs(gap[t, s, a] - (second / 2 + third / 6)) <= span**4 / 128 + 1e-12
        largest = max(largest, span)
    assert largest < 0.6


@pytest.mark.equation("eq-lottery-threshold")
@given(st.floats(0.1, 6.0), st.floats(0.01, 0.99), st.sampled_from([0.25, 1.0, 3.0]))
def test_the_lottery_is_bought_from_the_threshold_on(gap, share, alpha):
    """By bisection at thirty digits on what the lottery is worth to the believer."""
    safe = share * gap
    with mpmath.workdps(30):

        def surplus(p):
            return alpha * mpmath.log(p * mpmath.exp(gap / alpha) + 1 - p) - safe

        low, high = mpmath.mpf(0), mpmath.mpf(1)
        for _ in range(90):
            middle = (low + high) / 2
            low, high = (middle, high) if surplus(middle) < 0 else (low, middle)
        expected = float(high)
    assert lottery_threshold(gap, safe, temperature=alpha) == pytest.approx(expected, rel=1e-10)


def acted(mdp, policy):
    """Every trajectory under the true dynamics and a policy: ((states, actions), probability)."""
    free = oracle.plain(mdp)._replace(prior=[[1] * mdp.num_actions] * mdp.num_states)
    for path in oracle.paths(free):
        p = free.initial[path.states[0]] * float(path.prior)
        for t, (s, a) in enumerate(zip(path.states, path.actions, strict=True)):
            p *= float(policy[t][s][a])
        yield (path.states, path.actions), p


@pytest.mark.equation("eq-policy-occupancy")
@given(problems(), st.data())
def test_the_occupancy_of_a_policy_sums_over_what_may_happen_to_it(mdp, data):
    policy = data.draw(distributions(*mdp.reward.shape))
    expected = np.zeros(mdp.reward.shape)
    for (states, actions), p in acted(mdp, policy):
        for t, (s, a) in enumerate(zip(states, actions, strict=True)):
            expected[t, s, a] += p
    np.testing.assert_allclose(policy_occupancy(mdp, policy), expected, **CLOSE)


@pytest.mark.equation("eq-policy-return")
@given(full_problems(patterns=False), st.data())
def test_the_return_of_a_policy_is_the_mean_return_of_what_may_happen_to_it(mdp, data):
    policy = data.draw(distributions(*mdp.reward.shape))
    terminal, terms = oracle.terminal_values(mdp), []
    for (states, actions), p in acted(mdp, policy):
        if p == 0:
            continue
        steps = list(enumerate(zip(states, actions, strict=True)))
        for t, (s, a) in steps[:-1]:
            r = float(mdp.reward[t, s, a])
            if mdp.reward_next is not None:
                r += float(mdp.reward_next[s, a, states[t + 1]])
            terms.append(p * r)
        t, (s, a) = steps[-1]
        terms.append(p * oracle.mean_reward(mdp, t, s, a))
        ahead = zip(mdp.transition[s, a].tolist(), terminal, strict=True)
        terms.append(p * math.fsum(q * v for q, v in ahead if q > 0))
    np.testing.assert_allclose(policy_return(mdp, policy), math.fsum(terms), **CLOSE)


def perturbed(policy, data):
    """Another policy with the same support."""
    noise = data.draw(st.integers(0, 1000))
    weight = policy * np.exp(np.random.default_rng(noise).normal(size=policy.shape))
    total = weight.sum(axis=2, keepdims=True)
    return weight / np.where(total > 0, total, 1.0)


@pytest.mark.equation("eq-forward-kl")
@given(full_problems(**tiny), st.data())
def test_the_exact_policy_is_closest_to_the_posterior_in_the_forward_divergence(mdp, data):
    """``KL(p(tau | O) || p_pi(tau))``, listed, at the policy and at others."""
    assume(possible(mdp))
    posterior = oracle.posterior(oracle.plain(mdp))

    def divergence(policy):
        reach = dict(acted(mdp, policy))
        terms = [
            float(p) * (math.log(float(p)) - math.log(reach[key]) if reach.get(key) else math.inf)
            for key, p in posterior.items()
        ]
        return math.fsum(terms)

    best = backward_messages(mdp).policy
    least = divergence(best)
    assert least < math.inf
    assert divergence(perturbed(best, data)) >= least - 1e-10
    prior = np.broadcast_to(mdp.action_prior, best.shape)
    assert divergence(prior) >= least - 1e-10
    for t in range(mdp.horizon):
        for (s, a), p in oracle.action_posterior(oracle.plain(mdp), t).items():
            assert best[t, s, a] == pytest.approx(float(p), abs=1e-9)


@pytest.mark.equation("eq-reverse-kl")
@given(problems(**tiny, impossible=False, next_state=False), st.data())
def test_the_soft_policy_is_closest_to_the_posterior_in_the_reverse_divergence(mdp, data):
    """``KL(p_pi(tau) || p(tau | O))``, listed; its least value is the log-evidence less the
    soft value."""
    exact = oracle.plain(mdp)
    posterior = oracle.posterior(exact)

    def divergence(policy):
        terms = [
            p * (math.log(p) - math.log(float(posterior[key]))) if key in posterior else math.inf
            for key, p in acted(mdp, policy)
            if p > 0
        ]
        return math.fsum(terms)

    values = soft_values(mdp)
    least = divergence(values.policy)
    pairs = zip(exact.initial, values.V[0].tolist(), strict=True)
    value = math.fsum(p * v for p, v in pairs) / mdp.temperature
    assert least == pytest.approx(oracle.log(oracle.evidence(exact)) - value, abs=1e-9)
    assert divergence(perturbed(values.policy, data)) >= least - 1e-10
    assert divergence(backward_messages(mdp).policy) >= least - 1e-10


def endless(seed, *, next_state=False):
    """Rewards that do not change with time, as dictionaries of floats would hold them."""
    mdp = random_mdp(seed, S=4, A=3, T=1, next_state=next_state, temperature=0.5 + 0.3 * seed)
    return rebuilt(mdp, reward=mdp.reward[0])


@pytest.mark.equation("eq-discount-inside")
@pytest.mark.parametrize("seed", range(4))
def test_the_discount_inside_is_a_chance_to_stop_after_each_step(seed):
    """Against the mixture over horizons, each of them by a plain recursion."""
    mdp, gamma = endless(seed), 0.2 + 0.2 * seed
    alpha, S, A = mdp.temperature, mdp.num_states, mdp.num_actions
    P, rho, r = mdp.transition.tolist(), mdp.action_prior.tolist(), mdp.reward[0].tolist()
    messages = stationary_messages(mdp, discount=gamma, tolerance=1e-12)
    ahead, mixture, chance = [1.0] * S, np.zeros((S, A)), 1 - gamma
    while chance > 1e-16:
        factor = [
            [math.exp(r[s][a] / alpha) * sum(p * b for p, b in zip(P[s][a], ahead, strict=True))
             for a in range(A)]
            for s in range(S)
        ]  # fmt: skip
        mixture += chance * np.array(factor)
        ahead = [sum(rho[s][a] * factor[s][a] for a in range(A)) for s in range(S)]
        chance *= gamma
    np.testing.assert_allclose(np.exp(messages.log_beta_sa), mixture, rtol=1e-9)
    for s, a in np.ndindex(S, A):
        mean = math.fsum(
            p * math.exp(v) for p, v in zip(P[s][a], messages.log_beta_s.tolist(), strict=True)
        )
        right = math.exp(r[s][a] / alpha) * (gamma * mean + 1 - gamma)
        assert math.exp(messages.log_beta_sa[s, a]) == pytest.approx(right, rel=1e-9)


@pytest.mark.equation("eq-discount-expected")
@pytest.mark.parametrize("seed", range(4))
def test_the_discount_of_an_expectation_shrinks_the_next_value(seed):
    mdp, gamma = endless(seed, next_state=bool(seed % 2)), 0.2 + 0.2 * seed
    values = stationary_soft_values(mdp, discount=gamma, tolerance=1e-12)
    alpha, P, rho = mdp.temperature, mdp.transition.tolist(), mdp.action_prior.tolist()
    V = values.V.tolist()
    for s in range(mdp.num_states):
        Q = [
            oracle.mean_reward(mdp, 0, s, a)
            + gamma * math.fsum(p * v for p, v in zip(P[s][a], V, strict=True))
            for a in range(mdp.num_actions)
        ]
        np.testing.assert_allclose(values.Q[s], Q, rtol=1e-9)
        weight = math.fsum(p * math.exp(q / alpha) for p, q in zip(rho[s], Q, strict=True))
        assert V[s] == pytest.approx(alpha * math.log(weight), rel=1e-9)


@pytest.mark.equation("eq-stopping-rule")
@pytest.mark.parametrize("tolerance", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("seed", range(3))
def test_a_small_move_of_a_contraction_is_a_small_error(seed, tolerance):
    """The answer lies within the tolerance of one that a thousand times finer a rule gives."""
    mdp, gamma = endless(seed), 0.95
    values = stationary_soft_values(mdp, discount=gamma, tolerance=tolerance)
    fine = stationary_soft_values(mdp, discount=gamma, tolerance=1e-3 * tolerance)
    assert np.abs(values.V - fine.V).max() <= 1.001 * tolerance
    assert values.residual <= (1 - gamma) * tolerance
    messages = stationary_messages(mdp, discount=gamma, tolerance=tolerance)
    fine = stationary_messages(mdp, discount=gamma, tolerance=1e-3 * tolerance)
    assert np.abs(messages.log_beta_s - fine.log_beta_s).max() <= 1.001 * tolerance
    assert messages.sweeps <= values.sweeps + 40
