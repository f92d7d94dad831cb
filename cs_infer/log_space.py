"""Sums and expectations of exponentials, computed in log space.

A message of this course is a product of many small probabilities. At a
horizon of 10,000 it leaves the range of floating point; its logarithm does
not. So every product is a sum here, and every sum is a :func:`logsumexp`.

``-inf`` is the logarithm of zero: an impossible event, and a legal value
throughout. No function here turns it into NaN. All take numpy arrays or torch
tensors, and give back the same; with torch they are differentiable, also
where something is impossible.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cs_infer.arrays import constant, namespace

Array = Any


def safe_log(probability: Array) -> Array:
    """Natural logarithm with ``log 0 = -inf`` and no warning.

    Args:
        probability: non-negative numbers, any shape.

    Returns:
        Their logarithms, in nats, same shape.

    Example:
        >>> safe_log(np.array([1.0, 0.0]))
        array([  0., -inf])
    """
    xp = namespace(probability)
    if xp is np:
        with np.errstate(divide="ignore"):
            return np.log(probability)
    # The gradient of log at 0 is infinite, and 0 * inf is NaN: keep it out of the graph.
    positive = probability > 0
    return xp.where(positive, xp.log(xp.where(positive, probability, 1.0)), -math.inf)


def logsumexp(log_x: Array, axis: int | tuple[int, ...] | None = None) -> Array:
    """``log sum exp(log_x)`` along ``axis``, shifted by the maximum.

    Args:
        log_x: logarithms, in nats; ``-inf`` allowed.
        axis: the axis or axes to sum over; all of them by default.

    Returns:
        The logarithm of the sum, ``-inf`` where every term is impossible.

    Example:
        >>> float(logsumexp(np.array([-1000.0, -1000.0])))
        -999.3068528194401
    """
    xp = namespace(log_x)
    peak = constant(xp.max(log_x, axis=axis, keepdims=True))
    shift = finite_or_zero(peak)
    total = xp.sum(xp.exp(log_x - shift), axis=axis, keepdims=True)
    result = safe_log(total) + shift
    axes = tuple(range(result.ndim)) if axis is None else axis
    return xp.squeeze(result, axis=axes)[()]


def log_expect(probability: Array, log_x: Array, axis: int = -1) -> Array:
    """``log E[exp(log_x)]`` under ``probability`` along ``axis``.

    Implements eq-soft-maximum: this is the *soft maximum* of the course. It
    never exceeds the largest entry, and reaches it only when all that counts is
    equal. Unlike a softmax it is a number, not a distribution.

    Args:
        probability: probabilities that sum to one along ``axis``.
        log_x: logarithms, in nats, of a shape that broadcasts against it.
        axis: the axis to take the expectation over.

    Returns:
        The logarithm of the expectation, in nats.

    Example:
        >>> float(log_expect(np.array([0.5, 0.5]), np.array([3.0, 3.0])))
        3.0
    """
    return logsumexp(safe_log(probability) + log_x, axis=axis)


def mean(probability: Array, value: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """``E[value]``, where ``-inf`` counts if it is possible, and only then.

    Args:
        probability: any shape.
        value: of a shape that broadcasts against it; finite or ``-inf``.
        axis: the axis or axes to take the expectation over.

    Returns:
        The expectation.

    Example:
        >>> float(mean(np.array([1.0, 0.0]), np.array([3.0, -np.inf])))
        3.0
    """
    xp = namespace(probability)
    never = value == -math.inf
    # 0 * -inf is NaN, and so is its gradient: infinities stay out of the product.
    total = xp.sum(probability * xp.where(never, xp.zeros_like(value), value), axis=axis)
    lost = xp.any((probability > 0) & never, axis=axis)
    return xp.where(lost, xp.full_like(total, -math.inf), total)


def relative_entropy(
    probability: Array, log_other: Array, axis: int | tuple[int, ...] = -1
) -> Array:
    """``KL(p || q) = E_p[log p - log q]``: what it costs, in nats, to differ from q.

    Args:
        probability: ``p``, any shape.
        log_other: ``log q``, in nats, of a shape that broadcasts against it.
        axis: the axis or axes to take the expectation over.

    Returns:
        In nats; ``inf`` where p has mass and q has none, 0 along a row of zeros.

    Example:
        >>> float(relative_entropy(np.array([0.5, 0.5]), safe_log(np.array([1.0, 0.0]))))
        inf
    """
    xp = namespace(probability)
    zero, possible = xp.zeros_like(probability), probability > 0
    log_ratio = xp.where(possible, log_other, zero) - xp.where(
        possible, safe_log(probability), zero
    )
    return 0.0 - mean(probability, log_ratio, axis)


def normalise(log_weight: Array, axis: int | tuple[int, ...] = -1) -> Array:
    """The distribution proportional to ``exp(log_weight)`` along ``axis``.

    Where every weight is zero there is no such distribution: the result is
    zero there, never NaN.

    Args:
        log_weight: unnormalised log-probabilities, in nats.
        axis: the axis or axes that sum to one.

    Returns:
        Probabilities, same shape.

    Example:
        >>> normalise(np.array([0.0, -np.inf]))
        array([1., 0.])
    """
    xp = namespace(log_weight)
    peak = finite_or_zero(constant(xp.max(log_weight, axis=axis, keepdims=True)))
    weight = xp.exp(log_weight - peak)
    total = xp.sum(weight, axis=axis, keepdims=True)
    return weight / xp.where(total > 0, total, xp.ones_like(total))


def finite_or_zero(x: Array) -> Array:
    """``x`` with 0 in place of what is infinite, so that it can be subtracted.

    Example:
        >>> finite_or_zero(np.array([2.0, -np.inf]))
        array([2., 0.])
    """
    xp = namespace(x)
    return xp.where(xp.isfinite(x), x, xp.zeros_like(x))
