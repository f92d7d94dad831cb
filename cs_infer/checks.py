"""Checks at the door: an error says the rule, the place and the value.

Arrays come in as lists, numpy arrays or torch tensors. What floats must agree
in library, type and device; lists, whole numbers and booleans follow the rest.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from cs_infer.arrays import constant, is_torch, namespace, to_numpy

Array = Any

LARGEST_LOG = {8: 1e300, 4: 1e30}  # by bytes a number
_SUM_TOLERANCE = {8: 1e-8, 4: 1e-4}
_FLOATS = ("float64", "float32")


def require(holds: bool, message: str) -> None:
    """Raise ``ValueError(message)`` unless ``holds``."""
    if not holds:
        raise ValueError(message)


def whole_number(name: str, value: Any) -> int:
    """A whole number of at least 1; numpy's integers count, booleans do not."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number; it is {value!r}")
    require(number >= 1, f"{name} must be at least 1; it is {number}")
    return number


def kind(x: Array) -> str:
    """In words: library, floating type and, for tensors, device."""
    dtype = str(x.dtype).replace("torch.", "")
    return f"torch {dtype} on {x.device}" if is_torch(x) else f"numpy {dtype}"


def _is_floating_array(value: Any) -> bool:
    return getattr(value, "ndim", 0) > 0 and "float" in str(value.dtype)


def common_floats(values: dict[str, Any]) -> Array | None:
    """One of the given arrays, whose library, floating type and device all share.

    Returns:
        The first that holds floats; None where nothing does.

    Raises:
        ValueError: two of them differ; the message names both.
    """
    given = {name: x for name, x in values.items() if _is_floating_array(x)}
    tensors = {name: x for name, x in values.items() if is_torch(x)}
    leading = given or tensors
    if not leading:
        return None
    first_name, first = next(iter(leading.items()))
    for name, x in leading.items():
        require(
            kind(x) == kind(first),
            f"all arrays must be of one library, floating type and device; {first_name} is "
            f"{kind(first)} but {name} is {kind(x)} (mdp.to_torch and mdp.to_numpy convert a "
            "whole problem)",
        )
    return first


def single_in_numpy(mdp: Any, what: str) -> None:
    """Refuse what is no single problem in numpy, in the name of ``what``."""
    require(
        mdp.batch is None and not is_torch(mdp.initial),
        f"{what} needs a single problem in numpy: pick batch[b], convert with mdp.to_numpy()",
    )


def real_array(name: str, value: Any, like: Array | None = None) -> Array:
    """A copy of ``value`` as floating numbers; of the kind of ``like``, if given.

    Tensors are not copied, so that gradients flow through them.
    """
    if is_torch(value):
        return _real_tensor(name, value, like)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array of numbers ({error})") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers; its dtype is {array.dtype}")
    if like is not None and is_torch(like):
        import torch

        return torch.tensor(array.tolist(), dtype=like.dtype, device=like.device)
    if like is not None and like.dtype.name in _FLOATS:
        return np.array(array, dtype=like.dtype)
    return np.array(array, dtype=np.float32 if array.dtype == np.float32 else np.float64)


def _real_tensor(name: str, value: Any, like: Array | None) -> Array:
    if value.is_complex():
        raise TypeError(f"{name} must hold real numbers; its dtype is {value.dtype}")
    require(
        like is None or is_torch(like),
        f"{name} must be a numpy array or a list, as the problem is in numpy; it is a torch tensor "
        "(mdp.to_torch converts a whole problem)",
    )
    if str(value.dtype).removeprefix("torch.") in _FLOATS:
        return value
    if like is not None and is_torch(like):
        return value.to(like.dtype)
    return value.double()


def shaped(name: str, value: Any, shape: tuple[int, ...], like: Array | None = None) -> Array:
    """``real_array`` of exactly this shape."""
    array = real_array(name, value, like)
    require(
        tuple(array.shape) == shape, f"{name} must have shape {shape}; it has {tuple(array.shape)}"
    )
    return array


def check_indices(name: str, value: Any, shape: tuple[int, ...], count: int, like: Array) -> Array:
    """Whole numbers in 0 … count-1 of the given shape, on the device of ``like``."""
    host = to_numpy(value) if is_torch(value) else np.asarray(value)
    require(host.shape == shape, f"{name} must have shape {shape}; it has {host.shape}")
    if host.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold whole numbers; its dtype is {host.dtype}")
    wrong = (host < 0) | (host >= count)
    if np.any(wrong):
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{name} must lie in 0 … {count - 1}; {place(name, at)} is {host[at]}")
    if is_torch(like):
        import torch

        return torch.as_tensor(value, device=like.device).long()
    return np.array(host, dtype=np.intp)


def place(name: str, index: tuple[Any, ...]) -> str:
    """``name[1, 2]``."""
    return f"{name}[{', '.join(str(i) for i in index)}]"


def first_place(where: Array) -> tuple[int, ...]:
    """The index of the first True."""
    return tuple(int(i) for i in np.argwhere(to_numpy(where))[0])


def check_distribution(name: str, p: Array, axes: tuple[str, ...]) -> None:
    """Finite, not negative, and summing to one along the last axis."""
    xp, p = namespace(p), constant(p)
    axes = ("b", *axes) if p.ndim > len(axes) else axes
    wrong = ~xp.isfinite(p)
    if bool(xp.any(wrong)):
        at = first_place(wrong)
        raise ValueError(f"{name} must be finite; {place(name, at)} is {float(p[at])}")
    if bool(xp.any(p < 0)):
        at = first_place(p < 0)
        raise ValueError(f"{name} must not be negative; {place(name, at)} is {float(p[at]):g}")
    total = xp.sum(p, axis=-1)
    wrong = xp.abs(total - 1) > _SUM_TOLERANCE[p.dtype.itemsize]
    if bool(xp.any(wrong)):
        at = first_place(wrong)
        rule = f"{place(name, axes)} must sum to 1"
        if at:
            rule += f" for every ({', '.join(axes[:-1])})"
        raise ValueError(f"{rule}; {place(name, (*at, ':'))} sums to {float(total[at]):.12g}")


def check_reward(name: str, r: Array, alpha: float, steps: int) -> None:
    """Finite or ``-inf``, and small enough that T of them can be added up."""
    xp, r = namespace(r), constant(r)
    wrong = xp.isnan(r) | (r == np.inf)
    if bool(xp.any(wrong)):
        at = first_place(wrong)
        raise ValueError(
            f"{name} must be finite or -inf (never optimal); {place(name, at)} is {float(r[at])}"
        )
    size = float(xp.max(xp.abs(xp.where(xp.isfinite(r), r, xp.zeros_like(r)))))
    largest = LARGEST_LOG[r.dtype.itemsize]
    require(
        size <= largest * alpha / steps,
        f"horizon * {name} / temperature must stay within {largest:g}; "
        f"it is {steps} * {size:g} / {alpha:g}",
    )
