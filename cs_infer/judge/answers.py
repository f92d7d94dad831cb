"""Reading an answer, and comparing two answers within a tolerance.

An answer comes from outside, so nothing is assumed of it. What is wrong with
it is said in one sentence that a student can act on.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray


class AnswerError(ValueError):
    """The answer is not of the kind the problem asks for."""


def as_array(answer: Any, shape: tuple[int, ...], what: str = "the answer") -> Array:
    """The answer as a float array of this shape, free of NaN.

    Args:
        answer: whatever the student's function returned.
        shape: the shape asked for.
        what: how to call it in a message.

    Returns:
        The array, float64.

    Raises:
        AnswerError: it is not numeric, or of another shape, or holds NaN.
    """
    try:
        array = np.asarray(answer)
    except Exception:
        raise AnswerError(f"{what} must be an array of shape {shape}") from None
    if answer is None:
        raise AnswerError(f"{what} must be an array of real numbers; the function returned None")
    if array.dtype.kind not in "biuf":
        kind = f"is a {type(answer).__name__} of dtype {array.dtype}"
        if array.dtype.kind == "O" and array.size:
            inside = type(array.flat[0]).__name__
            kind = f"is a {inside}" if array.ndim == 0 else f"holds a {inside}; use float(...)"
        raise AnswerError(f"{what} must be an array of real numbers; it {kind}")
    if array.shape != shape:
        raise AnswerError(f"{what} must have shape {shape}; it has {array.shape}")
    if np.any(np.isnan(array)):
        raise AnswerError(f"{what} holds NaN (0 / 0, or inf - inf)")
    return array.astype(np.float64)


def as_number(answer: Any, what: str = "the answer") -> float:
    """The answer as one number; an array with a single entry will do.

    Raises:
        AnswerError: it is not one real number, or it is NaN.
    """
    if answer is None:
        raise AnswerError(f"{what} must be one number; the function returned None")
    if not isinstance(answer, (bool, int, float, np.generic, np.ndarray)):
        raise AnswerError(f"{what} must be one number; it is a {type(answer).__name__}")
    array = np.asarray(answer)
    if array.size != 1:
        raise AnswerError(f"{what} must be one number; it is an array of shape {array.shape}")
    return float(as_array(array.reshape(()), (), what))


def differ(answer: Any, expected: Any, rtol: float, atol: float) -> str | None:
    """How two canonical answers differ, or None.

    Canonical answers are numbers, arrays, and tuples or dicts of them.
    ``-inf`` equals ``-inf`` and nothing else.

    Args:
        answer: the student's.
        expected: the reference's.
        rtol: relative tolerance.
        atol: absolute tolerance.

    Returns:
        A sentence that names the largest difference, or None if there is none.
    """
    if isinstance(expected, dict):
        if answer.keys() != expected.keys():
            return _differ_in_keys(answer, expected)
        parts = ((f"entry {key}: ", answer[key], expected[key]) for key in expected)
    elif isinstance(expected, tuple):
        if len(answer) != len(expected):
            return f"it has {len(answer)} parts where {len(expected)} are expected"
        pairs = enumerate(zip(answer, expected, strict=True), start=1)
        parts = ((f"part {i}: ", mine, theirs) for i, (mine, theirs) in pairs)
    else:
        return _differ_numerically(np.asarray(answer), np.asarray(expected), rtol, atol)
    for label, mine, theirs in parts:
        found = differ(mine, theirs, rtol, atol)
        if found:
            return label + found
    return None


def _differ_in_keys(answer: dict[Any, Any], expected: dict[Any, Any]) -> str:
    missing = [key for key in expected if key not in answer]
    if missing:
        return f"entry {missing[0]} is missing"
    extra = next(key for key in answer if key not in expected)
    return f"entry {extra} should not be there"


def _differ_numerically(x: Array, y: Array, rtol: float, atol: float) -> str | None:
    if x.shape != y.shape:
        return f"its shape is {x.shape} where {y.shape} is expected"
    with np.errstate(invalid="ignore"):
        gap = np.where(x == y, 0.0, np.abs(x - y))
    allowed = atol + rtol * np.where(np.isfinite(y), np.abs(y), 0.0)
    wrong = ~(gap <= allowed)
    if not wrong.any():
        return None
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = f" at index [{', '.join(map(str, at))}]" if at else ""
    return f"it is {x[at]:.6g}{place} where {y[at]:.6g} is expected"
