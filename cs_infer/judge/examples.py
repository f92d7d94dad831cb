"""Small examples for the reader: inputs, the right answer, and another answer.

They are public. Either they belong to the problem, or they are drawn from a
seed that everybody can use in practice. Inputs of a grading are never shown.
"""

from __future__ import annotations

import functools
import time
import types
from collections.abc import Iterable
from typing import Any

import numpy as np

from cs_infer.judge.answers import CallFailed
from cs_infer.judge.problem import Inputs, Misconception, Problem, Property, handed_over
from cs_infer.judge.trial import Call, Key, draws, fault, read, returned

_MOST_TRIED = 12
_MOST_SECONDS = 5.0
_MOST_CALL_FAULT = 300
_UNNAMED = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial)


def illustration(problem: Problem, idea: Misconception) -> str:
    """Small inputs on which an idea goes wrong."""
    inputs = problem.example if idea.example is None else idea.example
    theirs = idea.wrong(**handed_over(inputs))
    return _beside(problem, inputs, "this idea:   ", _shown(problem, inputs, theirs))


def failing_inputs(problem: Problem, call: Call, key: Key) -> Inputs | None:
    """The first inputs on which a function fails, for its author to try by hand."""
    for prop in problem.properties:
        for inputs in draws(problem, prop, key):
            if _wrong_answer(problem, prop, call, inputs) is not None:
                return handed_over(inputs)
    return None


def small_failure(
    problem: Problem, prop: Property, call: Call, keys: Iterable[Key], told: str
) -> tuple[str, Key] | None:
    """The smallest inputs on which a property fails, among the smallest few of some draws.

    The problem's own example is shown in their place if it fails as well: it
    is smaller, and made of round numbers.

    Args:
        problem: what is asked.
        prop: the property.
        call: the function, or its proxy.
        keys: what inputs are drawn from.
        told: what its author knows already, and need not read again.

    Returns:
        The inputs with both answers, to be read, and the key that they come
        from; None if nothing was found in time.
    """
    started = time.monotonic()
    drawn = [(inputs, key) for key in keys for inputs in draws(problem, prop, key)]
    for inputs, key in sorted(drawn, key=lambda pair: _size(handed_over(pair[0])))[:_MOST_TRIED]:
        answer = _wrong_answer(problem, prop, call, inputs)
        if answer is not None:
            own = _wrong_answer(problem, prop, call, problem.example)
            inputs, answer = (inputs, answer) if own is None else (problem.example, own)
            answer = "as said above" if answer == told else answer
            return _beside(problem, inputs, "your answer: ", answer), key
        if time.monotonic() - started > _MOST_SECONDS:
            break
    return None


def _wrong_answer(problem: Problem, prop: Property, call: Call, inputs: Inputs) -> str | None:
    """The answer, to be read, if the property fails on it."""
    try:
        raw = returned(call, inputs)
        answer = read(problem, inputs, raw)
        wrong = fault(problem, prop, answer)
    except CallFailed as failure:
        return str(failure)[:_MOST_CALL_FAULT]
    if wrong is None or answer.refusal:
        return wrong
    right = problem.reference(**handed_over(inputs))
    if not isinstance(right, tuple) or any(map(callable, right)):
        return _show(answer.value)
    return f"{_show(tuple(np.asarray(part) for part in raw))}\nwhich means:  {wrong}"


def _beside(problem: Problem, inputs: Inputs, whose: str, answer: str) -> str:
    given = "\n".join(f"{name} = {_show(value)}" for name, value in handed_over(inputs).items())
    right = _shown(problem, inputs, problem.reference(**handed_over(inputs)))
    return f"{given}\nright answer: {right}\n{whose} {answer}"


def _shown(problem: Problem, inputs: Inputs, raw: Any) -> str:
    """An answer, to be read; of a function, what was read from it."""
    if not callable(raw):
        return _show(raw)
    answer = read(problem, inputs, raw)
    return answer.refusal or _show(answer.value)


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_show, value)) + ")"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_show(part)}" for key, part in value.items()) + "}"
    if callable(value):
        return "a function" if isinstance(value, _UNNAMED) else repr(value)
    array = np.asarray(value)
    array = array + 0.0 if array.dtype.kind == "f" else array  # no "-0."
    text = np.array2string(array, precision=4, separator=", ", threshold=60)
    return " ".join(text.split())


def _size(value: Any) -> tuple[int, int]:
    """How much there is to read: how many numbers, and how large the whole ones are."""
    if isinstance(value, (tuple, list, dict)):
        parts = [_size(part) for part in (value.values() if isinstance(value, dict) else value)]
        return sum(n for n, _ in parts), sum(large for _, large in parts)
    if isinstance(value, (int, np.integer)):
        return 1, abs(int(value))
    return (1 if callable(value) else int(np.size(value))), 0
