"""The desirability of a place as an average over sampled paths.

Importance weights correct for steering: paths may be drawn under any control, and good
guidance makes their weights more equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cs_infer.checks import require, whole_number
from cs_infer.linear_control.path_integral import Diffusion, nothing
from cs_infer.log_space import log_expect, normalise

Array = np.ndarray


class PathEstimate(NamedTuple):
    """What sampled paths say about one place.

    Attributes:
        log_z: logarithm of the average weight, in nats.
        V: ``alpha log z``, in units of reward.
        relative_error: the standard error of z, over z.
        control: the estimated best speed at the start.
        effective_sample_size: of how many equal weights these are worth, see
            :func:`effective_sample_size`.
        log_weight: one for each path, in nats, shape (N,).
        paths: places, shape (N, steps + 1).
    """

    log_z: float
    V: float
    relative_error: float
    control: float
    effective_sample_size: float
    log_weight: Array
    paths: Array


def path_estimate(
    problem: Diffusion,
    x: float,
    *,
    paths: int,
    rng: np.random.Generator,
    control: Callable[[int, Array], Array] = nothing,
    start: int = 0,
) -> PathEstimate:
    """Estimate desirability and control at one place from sampled paths.

    Implements eq-path-weights: ``z = E_q[exp(sum r h / alpha) p(path) / q(path)]``, where q
    steers by ``control``, and p does not steer. The average displacement of the first step,
    weighted, is ``u* h``.

    Args:
        problem: the diffusion.
        x: where the paths begin.
        paths: N, how many.
        rng: the source of randomness.
        control: ``u(t, x)`` that guides the sampling; none by default.
        start: the step at which the paths begin, counted from 0.

    Raises:
        ValueError: an argument is out of range, the control is not finite, or every path has
            weight zero.
    """
    require(
        0 <= start <= problem.horizon, f"start must lie in 0 … {problem.horizon}; it is {start}"
    )
    require(math.isfinite(x), f"x must be finite; it is {x}")
    h, sigma, N = problem.step, problem.noise, whole_number("paths", paths)
    places, log_w = [np.full(N, float(x))], np.zeros(N)
    for t in range(start, problem.horizon):
        now = places[-1]
        u, moved = control(t, now), sigma * math.sqrt(h) * rng.standard_normal(N)
        require(bool(np.all(np.isfinite(u))), f"control must be finite; at step {t} it is not")
        log_w += problem.scaled_reward(t, now) - u * moved / sigma**2 - u**2 * h / (2 * sigma**2)
        places.append(now + u * h + moved)
    log_w += problem.scaled_reward(problem.horizon, places[-1])
    require(
        bool(np.any(log_w > -math.inf)),
        f"all {N} paths have weight zero: sample more, or guide them with a control",
    )
    log_z, ess = log_expect(np.full(N, 1 / N), log_w), effective_sample_size(log_w)
    share = normalise(log_w)
    return PathEstimate(
        float(log_z),
        problem.temperature * float(log_z),
        math.sqrt(max(0.0, N / ess - 1) / N),
        float(share @ (places[1] - x) / h) if len(places) > 1 else 0.0,
        ess,
        log_w,
        np.stack(places, axis=1),
    )


def effective_sample_size(log_weight: Any) -> float:
    """How many equal weights these are worth.

    Implements eq-effective-sample-size: ``(sum w)^2 / sum w^2``, between 1 and N.

    Args:
        log_weight: logarithms of the weights, in nats, shape (N,).

    Returns:
        0 if every weight is zero.

    Example:
        >>> effective_sample_size([0.0, 0.0, -math.inf])
        2.0
    """
    log_w = np.asarray(log_weight, dtype=float)
    require(
        log_w.ndim == 1 and log_w.size > 0 and bool(np.all(log_w < math.inf)),
        "log_weight must be a list of numbers, finite or -inf",
    )
    w = normalise(log_w)
    total = float(np.sum(w**2))
    return 1 / total if total > 0 else 0.0
