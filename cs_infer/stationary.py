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
    _check(mdp, discount, tolerance)
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

    v, q, sweeps, residual = _fixed_point(mdp, q_of, modulus, tolerance, max_sweeps)
    log_evidence = plain(logsumexp(mdp.log_initial + v, axis=-1), v)
    policy = normalise(mdp.log_action_prior + q, axis=-1)
    return StationaryMessages(v, q, policy, log_evidence, sweeps, residual)


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
    _check(mdp, discount, tolerance)
    alpha = mdp.temperature
    reward, dynamics = mdp.step(0)
    xp = namespace(reward)
    # What a step pays counts in full, wherever it ends; only what follows is discounted.
    paid = reward + dynamics.expect(xp.zeros_like(mdp.log_terminal))

    def q_of(v: Array) -> Array:
        return paid + discount * mdp.dynamics.expect(v) if discount > 0 else paid

    found = _fixed_point(mdp, q_of, lambda v: discount, tolerance / alpha, max_sweeps)
    v, q, sweeps, residual = found
    value = alpha * mean(mdp.for_each(mdp.initial), v)
    policy = normalise(mdp.log_action_prior + q, axis=-1)
    return StationarySoftValues(
        alpha * v, alpha * q, policy, plain(value, v), sweeps, alpha * residual
    )


def _fixed_point(
    mdp: TabularMDP,
    q_of: Callable[[Array], Array],
    modulus: Callable[[Array], float],
    tolerance: float,
    max_sweeps: int,
) -> tuple[Array, Array, int, float]:
    """Repeat the backup until the fixed point is known to lie within ``tolerance``."""
    require(max_sweeps >= 1, f"max_sweeps must be at least 1; it is {max_sweeps}")
    xp = namespace(mdp.log_terminal)
    v = xp.zeros_like(mdp.log_terminal)
    for sweep in range(1, max_sweeps + 1):
        q = q_of(v)
        v_new = logsumexp(mdp.log_action_prior + q, axis=-1)
        residual, c = _distance(v_new, v), modulus(constant(v))
        v = v_new
        if not bool(xp.all(v < math.inf)):
            break
        if residual <= (1 - c) * tolerance:
            return v, q_of(v), sweep, residual
    raise ValueError(
        f"the backup did not converge to within {tolerance:g} nats in {sweep} sweeps; its residual "
        f"is {residual:g}. Lower the discount or the rewards (with rewards above 0 the "
        "exact messages of an endless process may be infinite), or allow a larger "
        "tolerance (rounding alone can exceed it) or more sweeps (max_sweeps)"
    )


def _distance(v: Array, w: Array) -> float:
    """The largest difference; equal infinities do not differ."""
    xp = namespace(v)
    v, w = constant(v), constant(w)
    same = v == w
    moved = xp.abs(xp.where(same, xp.zeros_like(v), v) - xp.where(same, xp.zeros_like(w), w))
    return float(xp.max(moved))


def _check(mdp: TabularMDP, discount: float, tolerance: float) -> None:
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
