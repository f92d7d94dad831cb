"""One code for numpy and torch: which array library a problem lives in.

The algorithms are written once, in the functions that the Python array API
standard names. This file finds the library of an array, and holds the few
operations that the standard leaves out. Torch is touched only when a torch
tensor comes in.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def namespace(*arrays: Array) -> Any:
    """The library whose functions work on these arrays: ``numpy``, or torch's namespace."""
    foreign = [x for x in arrays if not isinstance(x, np.ndarray | np.generic)]
    if not foreign:
        return np
    from array_api_compat import array_namespace

    return array_namespace(*foreign)


def is_torch(x: Any) -> bool:
    """Whether ``x`` is a torch tensor; never imports torch."""
    return type(x).__module__.partition(".")[0] == "torch"


def to_numpy(x: Array) -> np.ndarray:
    """The values as a numpy array, off the device and out of the autograd graph."""
    return x.detach().cpu().numpy() if is_torch(x) else np.asarray(x)


def constant(x: Array) -> Array:
    """The same values, through which no gradient flows."""
    return x.detach() if is_torch(x) else x


def frozen(x: Array) -> Array:
    """A numpy array is made read-only; a tensor is left as it is."""
    if isinstance(x, np.ndarray):
        x.setflags(write=False)
    return x


def arange_like(x: Array, count: int) -> Array:
    """``0 … count-1`` where ``x`` lives."""
    return namespace(x).arange(count, **({"device": x.device} if is_torch(x) else {}))


def index_like(x: Array, index: np.ndarray) -> Array:
    """Whole numbers computed in numpy, taken to where ``x`` lives."""
    if not is_torch(x):
        return index
    import torch

    return torch.as_tensor(index, device=x.device)


def transposed(x: Array, order: tuple[int, ...]) -> Array:
    """The axes in another order, copied so that the last one is contiguous."""
    moved = namespace(x).permute_dims(x, order)
    return moved.contiguous() if is_torch(x) else frozen(np.ascontiguousarray(moved))


def action_major(x: Array) -> Array:
    """The same array, indexed [..., s, a], with the states contiguous in memory.

    A step of a message is a sum over a few actions for each of many states.
    With the long axis contiguous it runs several times faster.
    """
    order = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
    return transposed(x, order).swapaxes(-1, -2)


def is_repeated(x: Array, axis: int) -> bool:
    """Whether ``x`` is one array shown again and again along ``axis``."""
    step = x.stride(axis) if is_torch(x) else x.strides[axis]
    return step == 0 or x.shape[axis] == 1


def segment_sum(x: Array, segment: Array, count: int) -> Array:
    """The sum of ``x`` over each of ``count`` segments; both of shape (N,)."""
    if is_torch(x):
        return x.new_zeros(count).index_add(0, segment, x)
    return np.bincount(segment, weights=x, minlength=count).astype(x.dtype, copy=False)


def segment_max(x: Array, segment: Array, count: int) -> Array:
    """The maximum of ``x`` over each segment, ``-inf`` where a segment is empty."""
    if is_torch(x):
        empty = x.new_full((count,), -float("inf"))
        return empty.scatter_reduce(0, segment, x, reduce="amax")
    top = np.full(count, -np.inf, dtype=x.dtype)
    np.maximum.at(top, segment, x)
    return top
