"""Fixed points of a contraction, and linear equations with one.

A sweep that contracts by ``c`` and moves ``v`` by at most ``(1 - c) tolerance`` has its one
fixed point within ``tolerance`` (Banach). That is the only rule by which anything here
stops, however the ``v`` was guessed. A sweep cannot be seen to move by less than floating
point resolves, so a tolerance that asks for less is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from cs_infer.arrays import constant, namespace
from cs_infer.checks import whole_number
from cs_infer.log_space import finite_or_zero

Array = Any


def fixed_point(
    step: Callable[[Array], Array],
    v: Array,
    modulus: Callable[[Array], float],
    tolerance: float,
    max_sweeps: int,
) -> tuple[Array, list[float]]:
    """Sweep until the fixed point is known to lie within ``tolerance``.

    Args:
        step: one sweep, shape (..., S) to (..., S).
        v: where to start.
        modulus: the factor by which ``step`` contracts near a ``v``, below 1.
        tolerance: the largest distance from the fixed point, in nats.
        max_sweeps: give up after this many.

    Returns:
        The value after the last sweep, and by how much each sweep moved.

    Raises:
        ValueError: the sweeps do not converge; the message holds the residual.
    """
    residuals = []
    for _ in range(whole_number("max_sweeps", max_sweeps)):
        new, c = step(v), modulus(constant(v))
        residuals.append(distance(new, v))
        v = new
        if not bool(namespace(v).all(v < math.inf)):
            break
        if residuals[-1] <= (1 - c) * tolerance:
            if rounding(v) <= (1 - c) * tolerance:
                return v, residuals
            break  # it stands still only because smaller moves are rounded away
    raise ValueError(
        f"the backup did not converge to within {tolerance:g} nats in {len(residuals)} sweeps; its "
        f"residual is {residuals[-1]:g}, and rounding alone is {rounding(v):g}. Lower the discount "
        "or the rewards (with rewards above 0 the exact messages of an endless process may be "
        "infinite), or allow a larger tolerance or more sweeps (max_sweeps)"
    )


def distance(v: Array, w: Array) -> float:
    """The largest difference; equal infinities do not differ."""
    xp = namespace(v)
    v, w = constant(v), constant(w)
    same = v == w
    moved = xp.abs(xp.where(same, xp.zeros_like(v), v) - xp.where(same, xp.zeros_like(w), w))
    return float(xp.max(moved))


def rounding(v: Array) -> float:
    """By how much floating point blurs numbers as large as the largest of ``v``."""
    xp, v = namespace(v), finite_or_zero(constant(v))
    return float(xp.finfo(v.dtype).eps) * float(xp.max(xp.abs(v)))


def krylov(
    apply: Callable[[Array], Array], right: Array, x: Array, accuracy: float, max_products: int
) -> tuple[Array, int]:
    """``apply(x) = right`` by stabilised biconjugate gradients.

    It makes no promise: where the recursion breaks down, the best ``x`` so far comes back. So
    its answer is a guess for :func:`fixed_point`, which does promise.

    Args:
        apply: a linear map, shape (..., S) to (..., S); each problem of a batch by itself.
        right: the right-hand side, finite.
        x: where to start, finite.
        accuracy: the largest entry of ``right - apply(x)`` to stop at.
        max_products: give up after this many uses of ``apply``.

    Returns:
        An approximate solution, and how many products it took.

    References:
        van der Vorst (1992); :cite:`vandervorst1992bicgstab`.
    """
    xp = namespace(right)
    best, shadow = x, (r := right - apply(x))
    smallest, p, rho, products = _size(r), r, _dot(r, r), 1
    while smallest > accuracy and products < max_products:
        ahead = apply(p)
        alpha = _ratio(rho, _dot(shadow, ahead))
        s = r - alpha * ahead
        turned = apply(s)
        omega = _ratio(_dot(turned, s), _dot(turned, turned))
        x, r, products = x + alpha * p + omega * s, s - omega * turned, products + 2
        rho, old = _dot(shadow, r), rho
        p = r + _ratio(rho, old) * _ratio(alpha, omega) * (p - omega * ahead)
        if not bool(xp.all(xp.isfinite(x))):
            break
        if (size := _size(r)) < smallest:
            best, smallest = x, size
    return best, products


def _dot(x: Array, y: Array) -> Array:
    """One product for each problem, shape (..., 1)."""
    return namespace(x).sum(x * y, axis=-1, keepdims=True)


def _ratio(x: Array, y: Array) -> Array:
    """``x / y``, 0 where y is 0: nothing is left to do in that problem."""
    xp = namespace(x)
    return xp.where(y == 0, xp.zeros_like(x), x / xp.where(y == 0, xp.ones_like(y), y))


def _size(x: Array) -> float:
    return float(namespace(x).max(namespace(x).abs(constant(x))))
