"""Problems of every kind, size and scale, each question against long double.

The drawn problems of the other files are small enough to list their
trajectories. These are not: up to 40 states, 70 steps and rewards of ten
thousand nats a step, in all three forms of storage, with forbidden actions,
impossible rewards and impossible ends.
"""

import long_double as ld
import numpy as np
import pytest
from long_double import assert_close

from cs_infer import (
    TabularMDP,
    backward_messages,
    forward_messages,
    most_likely_trajectory,
    optimism_gap,
    sample_posterior,
    smoothed_marginals,
    soft_values,
    stationary_messages,
    stationary_soft_values,
    trajectory_log_posterior,
    zero_temperature_values,
)
from cs_infer.dynamics import Deterministic, Sparse

pytestmark = pytest.mark.filterwarnings("error")


def any_problem(seed):
    """A library problem and the same in long double: (mdp, lists, whether rewards are constant)."""
    rng = np.random.default_rng(seed)
    S, A, K = rng.integers(1, 40), rng.integers(1, 5), rng.integers(1, 5)
    T = int(rng.choice([1, 2, 7, 9, 40, 70]))
    successors = rng.integers(S, size=(S, A, K))
    P = rng.dirichlet(np.full(K, 0.3), size=(S, A))
    P = np.where(P < 0.05, 0, P)
    dynamics = Sparse(successors, P / P.sum(axis=-1, keepdims=True))
    if seed % 3 == 1:
        dynamics = dynamics.to_dense()
    elif seed % 3 == 2:
        dynamics = Deterministic(successors[:, :, 0])
    constant, scale = bool(rng.random() < 0.5), 10 ** rng.uniform(-2, 4)
    reward = -scale * rng.random((S, A) if constant else (T, S, A))
    reward[rng.random(reward.shape) < rng.choice([0, 0.1, 0.5])] = -np.inf
    prior = rng.dirichlet(np.ones(A), size=S)
    prior = np.where(prior < 0.1, 0, prior)
    options = {
        "reward": reward,
        "horizon": T,
        "action_prior": prior / prior.sum(axis=1, keepdims=True),
        "initial": rng.dirichlet(np.ones(S)),
        "temperature": float(rng.choice([0.1, 1.0, 5.0])),
    }
    if rng.random() < 0.5:
        end = -scale * rng.random(S)
        options["terminal_value"] = np.where(rng.random(S) < 0.3, -np.inf, end)
    lists = ld.lists(next_state=dynamics.next_state, probability=dynamics.probability, **options)
    return TabularMDP.from_arrays(transition=dynamics, **options), lists, constant


seeds = pytest.mark.parametrize("seed", range(60))


@seeds
def test_messages_and_marginals_are_those_of_long_double(seed):
    mdp, lists, _ = any_problem(seed)
    Q, V = ld.backward(lists)
    messages, forward = backward_messages(mdp), ld.forward(lists)
    assert_close(messages.log_beta_s, V)
    assert_close(messages.log_beta_sa, Q)
    assert_close(forward_messages(mdp).log_forward, forward)
    log_evidence = ld.logsumexp(lists.log_initial + V[0])
    assert_close(messages.log_evidence, log_evidence)
    if np.isfinite(log_evidence):
        joint = np.exp(forward[:, :, None] + lists.log_prior + Q - log_evidence)
        np.testing.assert_allclose(
            smoothed_marginals(mdp).state_action, joint.astype(float), atol=1e-8
        )
    gap = optimism_gap(mdp)
    assert not np.isnan(gap).any()
    assert np.all(gap >= 0)


@seeds
def test_soft_values_are_those_of_long_double(seed):
    mdp, lists, _ = any_problem(seed)
    Q, V = ld.backward(lists, ahead=ld.expect)
    values = soft_values(mdp)
    assert_close(values.V / mdp.temperature, V)
    assert_close(values.Q / mdp.temperature, Q)


@seeds
def test_limits_are_those_of_long_double(seed):
    mdp, lists, _ = any_problem(seed)
    allowed = np.isfinite(lists.log_prior)
    for reading, ahead in (("exact", ld.best), ("variational", ld.expect)):
        V, rows = lists.terminal, []
        for t in reversed(range(mdp.horizon)):
            Q = lists.reward[t % len(lists.reward)] + ahead(lists, V)
            V = np.max(np.where(allowed, Q, -np.inf), axis=1)
            rows.insert(0, V)
        values = zero_temperature_values(mdp, reading=reading)
        assert_close(values.V / mdp.temperature, np.stack(rows))
        alive = np.isfinite(values.V).astype(float)
        np.testing.assert_allclose(values.policy.sum(axis=2), alive, atol=1e-9)


@seeds
def test_no_draw_from_the_posterior_is_likelier_than_the_most_likely(seed):
    mdp, _, _ = any_problem(seed)
    log_evidence = backward_messages(mdp).log_evidence
    if log_evidence == -np.inf:
        with pytest.raises(ValueError, match=r"p\(O_1:T = 1\) > 0"):
            most_likely_trajectory(mdp)
        return
    slack = 1e-9 * max(1, abs(log_evidence))
    best = most_likely_trajectory(mdp)
    attained = trajectory_log_posterior(mdp, best.states, best.actions)
    assert attained == pytest.approx(best.log_posterior, abs=slack)
    drawn = trajectory_log_posterior(mdp, *sample_posterior(mdp, 30, np.random.default_rng(seed)))
    assert np.all(np.isfinite(drawn))
    assert np.all(drawn <= best.log_posterior + slack)


@seeds
def test_endless_problems_settle_or_are_impossible(seed):
    mdp, lists, constant = any_problem(seed)
    if not constant or mdp.terminal_value is not None:
        return
    gamma = ld.Long(0.9)
    for solve, inside in ((stationary_messages, True), (stationary_soft_values, False)):
        found = solve(mdp, discount=0.9, tolerance=1e-7)
        V = found.log_beta_s if inside else found.V / mdp.temperature
        if inside:
            ahead = np.logaddexp(ld.log(gamma) + ld.log_expect(lists, V), ld.log(1 - gamma))
        else:
            ahead = gamma * ld.expect(lists, V)
        again = ld.logsumexp(lists.log_prior + lists.reward[0] + ahead)
        assert_close(V, again, rel=1e-6)
        alive = np.isfinite(V).astype(float)
        np.testing.assert_allclose(found.policy.sum(axis=1), alive, atol=1e-9)
