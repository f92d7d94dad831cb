"""Newton's method for the smooth convex duals of this library, in numpy.

A dual has one number for each constraint, so few, and its curvature is a
covariance. Near the minimum the error is squared at each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cs_infer.checks import whole_number

Array = np.ndarray

_FAR = 1e100


class Curve(NamedTuple):
    """A convex function at one point; ``value`` is ``inf`` outside its domain."""

    value: float
    gradient: Array
    hessian: Array


class Minimum(NamedTuple):
    """Where the gradient vanishes, to within ``residual``."""

    x: Array
    residual: float
    iterations: int


def minimise(
    function: Callable[[Array], Curve], x: Array, *, tolerance: float, max_iterations: int
) -> Minimum:
    """Minimise a convex function by Newton steps, halved until they descend.

    Along a direction in which the function does not change, it does not move:
    steps are least-squares solutions.

    Args:
        function: value, gradient and Hessian at x.
        x: where to start, inside the domain, shape (N,).
        tolerance: of the largest entry of the gradient.
        max_iterations: give up after this many steps.

    Returns:
        The last point, with its residual. Whether that is small enough is for
        the caller to judge.
    """
    at = function(x)
    for iteration in range(whole_number("max_iterations", max_iterations)):
        residual = float(np.max(np.abs(at.gradient)))
        if residual <= tolerance:
            return Minimum(x, residual, iteration)
        step = -np.linalg.lstsq(at.hessian, at.gradient, rcond=1e-14)[0]
        if not bool(np.all(np.abs(step) < _FAR)):
            return Minimum(x, residual, iteration)  # flat: the minimum, if any, is at infinity
        length, found = _halved(function, x, at, step)
        if length == 0:
            return Minimum(x, residual, iteration)
        x, at = x + length * step, found
    return Minimum(x, float(np.max(np.abs(at.gradient))), max_iterations)


def _halved(
    function: Callable[[Array], Curve], x: Array, at: Curve, step: Array
) -> tuple[float, Curve]:
    """The first of 1, 1/2, 1/4 … at which the value falls as it should; 0 if there is none.

    Close to the minimum the value is all rounding; there the gradient must shrink.
    """
    slope, size = float(at.gradient @ step), np.max(np.abs(at.gradient))
    for length in 0.5 ** np.arange(60):
        found = function(x + length * step)
        falls = found.value <= at.value + 1e-4 * length * slope
        if falls or np.max(np.abs(found.gradient)) < size:
            return float(length), found
    return 0.0, at
