"""How the arrays lie in memory, and how far values spread.

Indices read [..., s, a, k]; in memory it is [..., k, a, s], so that loops run over
many states and not over few actions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cs_infer.arrays import (
    constant,
    index_like,
    is_torch,
    namespace,
    segment_max,
    segment_sum,
    to_numpy,
)
from cs_infer.log_space import finite_or_zero, safe_log

Array = Any


def reversed_axes(x: Array) -> tuple[int, ...]:
    """The order of axes that turns [..., s, a, k] into [..., k, a, s], and back."""
    n = x.ndim - 3
    return (*range(n), n + 2, n + 1, n)


def reversed_shape(x: Array) -> tuple[int, ...]:
    """The shape of ``x`` in memory."""
    return tuple(x.shape[i] for i in reversed_axes(x))


def outside(x: Array) -> Array:
    """[..., k, a, s] seen as [..., s, a, k]."""
    return x.swapaxes(-1, -3)


def pick(x: Array, index: Array) -> Array:
    """``x`` along its last axis at ``index``; either may be a batch."""
    lead = np.broadcast_shapes(tuple(x.shape[:-1]), tuple(index.shape[:-1]))
    xp = namespace(x)
    x = xp.broadcast_to(x, (*lead, x.shape[-1]))
    index = xp.broadcast_to(index, (*lead, index.shape[-1]))
    return x.gather(-1, index) if is_torch(x) else np.take_along_axis(x, index, -1)


def peak_of(v: Array, axis: int | tuple[int, ...]) -> Array:
    """The largest value along ``axis``, 0 where all are ``-inf``; a shift, without gradient."""
    return finite_or_zero(constant(namespace(v).max(v, axis=axis, keepdims=True)))


def spread(v: Array, axis: int | tuple[int, ...]) -> float:
    """The largest distance, in nats, of a finite value below the maximum of its row."""
    xp, v = namespace(v), constant(v)
    peak = peak_of(v, axis)
    return float(xp.max(peak - xp.where(xp.isfinite(v), v, peak)))


def segment_logsumexp(log_x: Array, segment: Array, count: int) -> Array:
    """``log sum exp`` over each of ``count`` segments, each with a shift of its own."""
    xp = namespace(log_x)
    shift = finite_or_zero(segment_max(constant(log_x), segment, count))
    scaled = xp.exp(log_x - xp.take(shift, segment, axis=0))
    return safe_log(segment_sum(scaled, segment, count)) + shift


def merged_lists(next_state: Array, weight: Array) -> tuple[Array, Array]:
    """Lists [..., s, a, k] in which no state is named twice; the weights of repeats are added."""
    *lead, K = weight.shape
    target, place = _numbered(to_numpy(next_state).reshape(-1, K))
    count = target.shape[-1]
    slot = (place + count * np.arange(len(place))[:, None]).reshape(-1)
    merged = segment_sum(weight.reshape(-1), index_like(weight, slot), target.size)
    shape = (*lead, count)
    return index_like(weight, target).reshape(shape), merged.reshape(shape)


def _numbered(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different numbers of each row, padded with repeats, and the place of each entry."""
    order = np.argsort(targets, axis=1, kind="stable")
    in_order = np.take_along_axis(targets, order, axis=1)
    new = np.diff(in_order, axis=1, prepend=-1) != 0
    place_in_order = np.cumsum(new, axis=1) - 1
    different = np.repeat(in_order[:, :1], place_in_order.max() + 1, axis=1)
    np.put_along_axis(different, place_in_order, in_order, axis=1)
    place = np.empty_like(place_in_order)
    np.put_along_axis(place, order, place_in_order, axis=1)
    return different, place
