"""No horizon: a discount, in both readings, and when to stop.

A discount is the chance ``gamma`` that the process goes on after a step.
Exact inference puts that chance *inside* the graph, where optimality can speak
about it: ``beta(s, a) = exp(r / alpha) (gamma E[beta(s')] + 1 - gamma)``. The
variational reading averages over it: ``Q = r + gamma E[V]``. They differ even
when the dynamics are deterministic.

Both are fixed points, found by repeating the backup. The sweeps stop when the
distance to the fixed point is *known* to be within the tolerance: if a backup
contracts by ``c`` around ``v`` and moves it by at most ``(1 - c) tolerance``,
then exactly one fixed point lies within ``tolerance`` of ``v`` (Banach).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from cs_infer.arrays import constant, namespace
from cs_infer.checks import require
from cs_infer.fixed_points import fixed_point
from cs_infer.in_place import lists_of
from cs_infer.log_space import logsumexp, mean, normalise
from cs_infer.mdp import TabularMDP
from cs_infer.messages import plain

Array = Any


class StationaryMessages(NamedTuple):
    """The exact messages of a process that may end after each step.

    Attributes:
        log_beta_s: ``log p(all O from here on = 1 | s)``, in nats, shape (S,).
        log_beta_sa: the same given the action, shape (S, A).
        policy: ``p(a | s, all O = 1)``, shape (S, A).
        log_evidence: in nats.
        sweeps: how many backups it took.
        residual: by how much the last one moved, in nats.
    """

    log_beta_s: Array
    log_beta_sa: Array
    policy: Array
    log_evidence: Any
    sweeps: int
    residual: float


class StationarySoftValues(NamedTuple):
    """The discounted soft values and their policy, in units of reward.

    Attributes:
        V: shape (S,).
        Q: shape (S, A).
        policy: shape (S, A).
        value: ``E[V(s_1)]``.
        sweeps: how many backups it took.
        residual: by how much the last one moved, in units of reward.
    """

    V: Array
    Q: Array
    policy: Array
    value: Any
    sweeps: int
    residual: float


def stationary_messages(
    mdp: TabularMDP, *, discount: float, tolerance: float = 1e-9, max_sweeps: int = 100_000
) -> StationaryMessages:
    """Exact inference when the process goes on with chance ``discount`` after each step.

    Implements eq-discount-inside:
    ``beta(s, a) = exp(r(s, a) / alpha) (gamma E[beta(s')] + 1 - gamma)``.
    Near ``v = log beta`` this contracts by the largest
    ``gamma E[e^v] / (gamma E[e^v] + 1 - gamma)``. With rewards of at most 0
    that is never above ``gamma``. With positive rewards there may be no fixed point:
    the evidence of an endless run can be infinite. When to stop
    Implements eq-stopping-rule: ``residual <= (1 - c) tolerance``.

    Args:
        mdp: a problem with constant reward; its horizon is not used.
        discount: ``gamma``, at least 0 and below 1.
        tolerance: how far ``log_beta_s`` may be from the fixed point, in nats.
        max_sweeps: give up after this many.

    Returns:
        The fixed point.

    Raises:
        ValueError: the discount is out of range, the reward changes with time,
            or the sweeps do not converge.
    """
    check_stationary(mdp, discount, tolerance)
    log_go, log_end = _log(discount), math.log1p(-discount)
    reward, dynamics = mdp.step(0)
    xp = namespace(reward)

    def go_on(v: Array) -> Array:
        return log_go + dynamics.log_expect(v)

    # A step's own reward_next is paid whether the process goes on or not.
    ending = log_end + dynamics.log_expect(xp.zeros_like(mdp.log_terminal))

    def q_of(v: Array) -> Array:
        return reward + xp.logaddexp(go_on(v), ending)

    def modulus(v: Array) -> float:
        share = go_on(v + tolerance)
        log_odds = share - xp.where(xp.isfinite(ending), ending, xp.zeros_like(ending))
        top = float(constant(xp.max(xp.where(xp.isfinite(ending), log_odds, -math.inf))))
        return 1 / (1 + math.exp(-top)) if top > -700 else 0.0

    v, residuals = fixed_point(
        lambda v: logsumexp(mdp.log_action_prior + q_of(v), axis=-1),
        xp.zeros_like(mdp.log_terminal),
        modulus,
        tolerance,
        max_sweeps,
    )
    q = q_of(v)
    log_evidence = plain(logsumexp(mdp.log_initial + v, axis=-1), v)
    policy = normalise(mdp.log_action_prior + q, axis=-1)
    return StationaryMessages(v, q, policy, log_evidence, len(residuals), residuals[-1])


def stationary_soft_values(
    mdp: TabularMDP, *, discount: float, tolerance: float = 1e-9, max_sweeps: int = 100_000
) -> StationarySoftValues:
    """Discounted soft values: the variational reading without a horizon.

    Implements eq-discount-expected: ``Q(s, a) = r(s, a) + gamma E[V(s')]`` and
    ``V(s) = alpha log sum_a rho(a | s) exp(Q(s, a) / alpha)``, a contraction by
    ``gamma`` in the largest difference. When to stop
    Implements eq-stopping-rule: ``residual <= (1 - gamma) tolerance``.

    Args:
        mdp: a problem with constant reward; its horizon is not used.
        discount: ``gamma``, at least 0 and below 1.
        tolerance: how far ``V`` may be from the fixed point, in units of reward.
        max_sweeps: give up after this many.

    Returns:
        The fixed point.

    Raises:
        ValueError: the discount is out of range, the reward changes with time,
            or the sweeps do not converge.
    """
    check_stationary(mdp, discount, tolerance)
    alpha = mdp.temperature
    q_of, backup = discounted_backup(mdp, discount)
    start = namespace(mdp.log_terminal).zeros_like(mdp.log_terminal)
    v, residuals = fixed_point(backup, start, lambda v: discount, tolerance / alpha, max_sweeps)
    q = q_of(v)
    value = alpha * mean(mdp.for_each(mdp.initial), v)
    policy = normalise(mdp.log_action_prior + q, axis=-1)
    return StationarySoftValues(
        alpha * v, alpha * q, policy, plain(value, v), len(residuals), alpha * residuals[-1]
    )


def discounted_backup(
    mdp: TabularMDP, discount: float
) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """The maps from ``v`` to ``q = r + gamma E[v(s')]``, and to ``log E[exp q]``, in nats.

    Returns:
        Of shapes (..., S) to (..., S, A), and (..., S) to (..., S).
    """
    reward, dynamics = mdp.step(0)
    # What a step pays counts in full, wherever it ends; only what follows is discounted.
    paid = reward + dynamics.expect(namespace(reward).zeros_like(mdp.log_terminal))
    lists = lists_of(mdp.dynamics, mdp.log_terminal) if discount > 0 else None
    weight = mdp.log_action_prior + paid

    def q_of(v: Array) -> Array:
        return paid + discount * mdp.dynamics.expect(v) if discount > 0 else paid

    def backup(v: Array) -> Array:
        new = None if lists is None else lists.step(discount * v, weight, exact=False)
        return logsumexp(mdp.log_action_prior + q_of(v), axis=-1) if new is None else new

    return q_of, backup


def check_stationary(mdp: TabularMDP, discount: float, tolerance: float) -> None:
    """Refuse what has no discounted fixed point, or none that is constant in time."""
    require(
        0 <= discount < 1,
        f"without a horizon the discount must lie in [0, 1); it is {discount} (at 1 the process "
        "never ends and its sums need not exist: use a finite horizon)",
    )
    require(tolerance > 0, f"tolerance must be above 0; it is {tolerance}")
    require(
        mdp.has_constant_reward and mdp.terminal_value is None,
        "a process without a horizon needs a reward given once, shape (S, A), every step "
        "observed, and no terminal value",
    )


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf
