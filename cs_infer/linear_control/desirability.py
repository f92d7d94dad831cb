"""Desirability: four ways a linearly solvable problem can end, four linear backups.

After T steps: multiply T times. At an exit: solve one linear system. Never: find
the principal eigenvector. With a discount the backup is not linear any more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cs_infer.arrays import constant, index_like, is_torch, namespace
from cs_infer.checks import check_reward, require, shaped, whole_number
from cs_infer.fixed_points import distance
from cs_infer.linear_control.linearly_solvable import LinearlySolvableMDP
from cs_infer.linear_control.reachable import check_connected, check_way_out, exit_mask
from cs_infer.log_space import safe_log
from cs_infer.messages import plain
from cs_infer.stationary import stationary_soft_values

Array = Any


class Desirability(NamedTuple):
    """How good it is to be in a state, in three forms.

    Attributes:
        log_z: logarithm of the desirability, in nats, shape (S,) or (T, S);
            ``-inf`` where the reward is ``-inf`` sooner or later.
        V: ``alpha log z``, in units of reward.
        policy: ``u*(s' | s)``, the best distribution of the next state, shape
            (S, S) or (T, S, S); zero where nothing can be chosen.
        residual: by how much ``log_z`` fails its equation, in nats.
    """

    log_z: Array
    V: Array
    policy: Array
    residual: float


class AverageDesirability(NamedTuple):
    """The same for a process without an end.

    Attributes:
        log_z: logarithm of the principal eigenvector, its largest entry 0.
        V: ``alpha log z``: how much better it is to start here, in units of reward.
        policy: ``u*(s' | s)``, shape (S, S).
        residual: by how much ``log_z`` fails its equation, in nats.
        rate: the largest average of reward less control cost a step, in units of
            reward: ``alpha`` times the logarithm of the eigenvalue.
        sweeps: how many multiplications it took.
    """

    log_z: Array
    V: Array
    policy: Array
    residual: float
    rate: Any
    sweeps: int


def horizon_desirability(
    problem: LinearlySolvableMDP, horizon: int, *, terminal_value: Any = None
) -> Desirability:
    """Multiply backwards, from the last step to the first.

    Implements eq-desirability-horizon:
    ``z_t(s) = exp(r(s) / alpha) sum_s' p(s' | s) z_{t+1}(s')``. The controlled
    process is the passive one, conditioned on optimality: its policy
    Implements eq-control-is-conditioning.

    Args:
        problem: the problem.
        horizon: the number of steps T.
        terminal_value: shape (S,), in units of reward, finite or ``-inf``; zero by default.

    Returns:
        Shapes (T, S) and (T, S, S).
    """
    T, xp = whole_number("horizon", horizon), namespace(problem.reward)
    last = xp.zeros_like(problem.reward)
    if terminal_value is not None:
        last = shaped("terminal_value", terminal_value, tuple(last.shape), last)
        check_reward("terminal_value", last, problem.temperature, T)
    rows = [last / problem.temperature]
    for _ in range(T):
        rows.append(problem.backup(rows[-1]))
    log_z = xp.stack(rows[::-1])
    return _solved(problem, log_z[:-1], log_z[1:])


def exit_desirability(
    problem: LinearlySolvableMDP,
    exits: Any,
    *,
    tolerance: float = 1e-9,
    max_sweeps: int = 10_000,
) -> Desirability:
    """Until an exit is reached: one linear system.

    Implements eq-desirability-exit: ``z(s) = exp(r(s) / alpha)`` at the exits, and
    ``z(s) = exp(r(s) / alpha) sum_s' p(s' | s) z(s')`` elsewhere. Where the solution
    leaves the range of floating point, the equation is iterated in log space.

    Args:
        problem: at an exit, its reward is the last that is paid.
        exits: whole numbers, or booleans of shape (S,).
        tolerance: the largest residual that is accepted, in nats.
        max_sweeps: give up after this many, in log space.

    Returns:
        Shapes (S,) and (S, S); exits have no policy.

    Raises:
        ValueError: from some allowed state no exit can be reached, or there is no
            finite solution (with rewards above 0 it can pay never to leave).
    """
    require(tolerance > 0, f"tolerance must be above 0; it is {tolerance}")
    most, out = whole_number("max_sweeps", max_sweeps), exit_mask(problem, exits)
    check_way_out(problem, out)
    at_exit = index_like(problem.reward, out)
    scaled = problem.reward / problem.temperature
    xp, zero = namespace(scaled), namespace(scaled).zeros_like(scaled)

    def back(v: Array) -> Array:
        return xp.where(at_exit, scaled, problem.backup(v))

    top = xp.max(xp.where(at_exit, scaled, zero - math.inf))
    # Beyond that there is no number, and no solution either: the residual will tell.
    gain = xp.exp(xp.clip(scaled, None, 0.98 * math.log(xp.finfo(scaled.dtype).max)))
    weight = xp.where(at_exit, zero, gain)[:, None] * problem.passive
    leave = xp.exp(xp.clip(scaled - top, None, 0.0))
    z = _solved_or_zero(weight, xp.where(at_exit, leave, zero))
    v = safe_log(xp.where(z > 0, z, zero)) + top
    residual = distance(back(v), v)
    if not residual <= tolerance:
        v, residual = _iterate(back, xp.where(at_exit, scaled, zero - math.inf), tolerance, most)
    found = _solved(problem, v, v, residual)
    inside = xp.where(at_exit, zero, xp.ones_like(zero))
    return found._replace(policy=found.policy * inside[:, None])


def discounted_desirability(
    problem: LinearlySolvableMDP,
    *,
    discount: float,
    tolerance: float = 1e-9,
    max_sweeps: int = 100_000,
) -> Desirability:
    """With a discount on values the equation is no longer linear.

    Implements eq-desirability-discounted:
    ``z(s) = exp(r(s) / alpha) sum_s' p(s' | s) z(s')^gamma``. It is soft value iteration on
    :meth:`~cs_infer.linear_control.linearly_solvable.LinearlySolvableMDP.as_tabular`.

    Args:
        problem: the problem.
        discount: ``gamma``, at least 0 and below 1.
        tolerance: how far ``V`` may be from the fixed point, in units of reward.
        max_sweeps: give up after this many.

    Raises:
        ValueError: the discount is out of range, or the sweeps do not converge.
    """
    found = stationary_soft_values(
        problem.as_tabular(1), discount=discount, tolerance=tolerance, max_sweeps=max_sweeps
    )
    alpha = problem.temperature
    return Desirability(found.V / alpha, found.V, found.policy, found.residual / alpha)


def average_desirability(
    problem: LinearlySolvableMDP, *, tolerance: float = 1e-10, max_sweeps: int = 100_000
) -> AverageDesirability:
    """Without an end or a discount: the principal eigenvector, by power iteration.

    Implements eq-desirability-average:
    ``Lambda z(s) = exp(r(s) / alpha) sum_s' p(s' | s) z(s')`` with the largest
    ``Lambda``; ``alpha log Lambda`` is the best average reward a step. The growth of
    the entries in one multiplication bounds ``log Lambda`` on both sides
    (Collatz and Wielandt). Half of each step is a multiplication and half stays, so that a
    periodic process converges as well.

    Args:
        problem: its allowed states must be connected both ways.
        tolerance: how far apart the two bounds on ``log Lambda`` may be, in nats.
        max_sweeps: give up after this many.

    Raises:
        ValueError: some allowed state cannot be reached from another, or the bounds
            do not meet.
    """
    require(tolerance > 0, f"tolerance must be above 0; it is {tolerance}")
    whole_number("max_sweeps", max_sweeps)
    check_connected(problem)
    xp, allowed = namespace(problem.reward), index_like(problem.reward, problem.allowed)
    zero = xp.zeros_like(problem.reward)
    v, gap = xp.where(allowed, zero, zero - math.inf), math.inf
    for sweep in range(1, max_sweeps + 1):
        w = problem.backup(v)
        growth = w[allowed] - v[allowed]
        low, high = xp.min(growth), xp.max(growth)
        gap = float(constant(high - low))
        if gap <= tolerance:
            v = v - xp.max(v)
            return AverageDesirability(
                *_solved(problem, v, v, gap),
                plain(problem.temperature * (low + high) / 2, v),
                sweep,
            )
        v = xp.logaddexp(w - (low + high) / 2, v)
        v = v - xp.max(v)
    raise ValueError(
        f"the bounds on the eigenvalue did not meet within {tolerance:g} nats in {max_sweeps} "
        f"sweeps; they are {gap:g} apart. Allow more sweeps (max_sweeps) or a larger tolerance"
    )


# Helpers.


def _solved_or_zero(weight: Array, known: Array) -> Array:
    """``z = weight z + known``; zeros where the system is singular."""
    xp = namespace(weight)
    eye = xp.eye(weight.shape[0], dtype=weight.dtype)
    eye = eye.to(weight.device) if is_torch(weight) else eye
    try:
        return xp.linalg.solve(eye - weight, known)
    except (np.linalg.LinAlgError, RuntimeError):
        return xp.zeros_like(known)


def _iterate(
    back: Callable[[Array], Array], v: Array, tolerance: float, max_sweeps: int
) -> tuple[Array, float]:
    """Repeat ``back`` until it moves nothing by more than ``tolerance``."""
    residual = math.inf
    for sweep in range(1, max_sweeps + 1):
        v, before = back(v), v
        residual = distance(v, before)
        if residual <= tolerance:
            return v, residual
        if not residual < math.inf and sweep > v.shape[-1]:
            break
    raise ValueError(
        f"the backup did not converge to within {tolerance:g} nats in {sweep} sweeps; its residual "
        f"is {residual:g}. With rewards above 0 it can pay never to leave, and then there is no "
        "solution; else allow more sweeps (max_sweeps) or a larger tolerance"
    )


def _solved(
    problem: LinearlySolvableMDP, log_z: Array, ahead: Array, residual: float = 0.0
) -> Desirability:
    # Where nothing can go well there is nothing to choose.
    alive = namespace(log_z).isfinite(log_z)[..., None]
    policy = problem.controlled(ahead) * alive
    return Desirability(log_z, problem.temperature * log_z, policy, residual)
