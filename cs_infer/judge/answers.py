"""Reading an answer, and comparing two answers within a tolerance.

An answer comes from outside, so nothing is assumed of it. What is wrong with
it is said in one sentence that a student can act on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Array = np.ndarray
_MOST_COMPLAINT = 300


class AnswerError(ValueError):
    """The answer is not of the kind the problem asks for."""


class CallFailed(Exception):
    """The function gave no answer.

    Attributes:
        status: ``"run-time error"``, ``"time-out"``, ``"memory"``,
            ``"missing"``, ``"not answered"``, ``"killed"`` or
            ``"bad answer"``.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


def complaint(error: Exception) -> str:
    """What student code is told when a function of the checker refuses its arguments."""
    told = isinstance(error, (AnswerError, TypeError))
    text = str(error) if told else f"this cannot be answered ({type(error).__name__})"
    return text[:_MOST_COMPLAINT]


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
    if _holds_text(answer):  # numpy would make all of them as long as the longest
        raise AnswerError(f"{what} must be an array of real numbers; it is or holds a text")
    try:
        array = np.asarray(answer)
    except Exception:
        raise AnswerError(f"{what} must be an array of shape {shape}") from None
    if answer is None:
        raise AnswerError(f"{what} must be an array of real numbers; the function returned None")
    if callable(answer):
        raise AnswerError(f"{what} must be an array of real numbers; it is a function: call it")
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
    if callable(answer):
        raise AnswerError(f"{what} must be one number; it is a function: call it")
    if not isinstance(answer, (bool, int, float, np.generic, np.ndarray)):
        raise AnswerError(f"{what} must be one number; it is a {type(answer).__name__}")
    array = np.asarray(answer)
    if array.size != 1:
        raise AnswerError(f"{what} must be one number; it is an array of shape {array.shape}")
    return float(as_array(array.reshape(()), (), what))


def as_index(answer: Any, count: int, what: str = "the answer") -> int:
    """The answer as one of ``0 … count - 1``.

    Raises:
        AnswerError: it is no whole number, or it is out of range.
    """
    number = as_number(answer, what)
    if not (number.is_integer() and 0 <= number < count):
        raise AnswerError(f"{what} must be a whole number from 0 to {count - 1}; it is {number:g}")
    return int(number)


def as_function(answer: Any, what: str = "the answer") -> Callable[..., Any]:
    """The answer as a function, which may be called; each call asks the student's code.

    Raises:
        AnswerError: it is no function.
    """
    if not callable(answer):
        kind = "the function returned None" if answer is None else f"it is a {_kind(answer)}"
        raise AnswerError(f"{what} must be a function; {kind}")
    return answer


def as_parameters(
    answer: Any, shapes: Mapping[str, tuple[int, ...]], what: str = "the answer"
) -> dict[str, Array]:
    """The answer as arrays by name, such as what torch's ``state_dict()`` gives.

    Args:
        answer: whatever the student's function returned.
        shapes: the shape of each array, by name.
        what: how to call it in a message.

    Returns:
        The arrays by name, float64, in the order of ``shapes``.

    Raises:
        AnswerError: it is no dict, a name is missing or unknown, or an array
            is not as :func:`as_array` wants it.
    """
    names = ", ".join(shapes)
    if not isinstance(answer, dict):
        kind = "the function returned None" if answer is None else f"it is a {_kind(answer)}"
        raise AnswerError(f"{what} must be a dict of arrays named {names}; {kind}")
    wrong = _differ_in_keys(answer, shapes) if answer.keys() != shapes.keys() else None
    if wrong:
        raise AnswerError(f"{what} must be a dict of arrays named {names}; {wrong}")
    return {name: as_array(answer[name], shape, f"entry {name}") for name, shape in shapes.items()}


def _holds_text(answer: Any) -> bool:
    if isinstance(answer, (list, tuple)):
        return any(map(_holds_text, answer))
    return isinstance(answer, str)


def _kind(answer: Any) -> str:
    return "function" if callable(answer) else type(answer).__name__


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


def _differ_in_keys(answer: Mapping[Any, Any], expected: Mapping[Any, Any]) -> str:
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
