"""Trying a function once: inputs are drawn, it is asked, its answer is read and held against us.

An answer is read once. To read a function that came back is to call it, so
what was read is kept, and nobody is asked for it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cs_infer.judge.answers import AnswerError, differ
from cs_infer.judge.problem import Inputs, Problem, Property, handed_over

Call = Callable[[Inputs], Any]
Key = tuple[object, ...]


@dataclass(frozen=True)
class Answer:
    """An answer as it was read, or why it could not be.

    Attributes:
        inputs: what the function was tried on.
        value: the answer in canonical form.
        refusal: what is wrong with it as an answer, or None.
    """

    inputs: Inputs
    value: Any = None
    refusal: str | None = None


def seeded(*key: object) -> np.random.Generator:
    """A generator that depends on every part of the key and on nothing else."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def draws(problem: Problem, prop: Property, key: Key) -> Iterator[Inputs]:
    """The inputs on which a property is tried."""
    rng = seeded(*key, problem.name, prop.name)
    for _ in range(prop.repeats):
        yield prop.draw(rng)


def ask(problem: Problem, call: Call, inputs: Inputs) -> Answer:
    """The answer of a function, which gets copies.

    Raises:
        CallFailed: it gave none.
    """
    return read(problem, inputs, returned(call, inputs))


def returned(call: Call, inputs: Inputs) -> Any:
    """What a function returns, which gets copies.

    Raises:
        CallFailed: it returned nothing.
    """
    return call({name: _copy(value) for name, value in handed_over(inputs).items()})


def read(problem: Problem, inputs: Inputs, raw: Any) -> Answer:
    """What was returned, in canonical form."""
    try:
        return Answer(inputs, problem.read(inputs, raw))
    except AnswerError as error:
        return Answer(inputs, refusal=str(error))


def fault(problem: Problem, prop: Property, answer: Answer) -> str | None:
    """What is wrong with an answer, in one sentence, or None."""
    if answer.refusal is not None:
        return answer.refusal
    try:
        if prop.holds is not None:
            return prop.holds(answer.inputs, answer.value)
    except AnswerError as error:
        return str(error)
    expected = problem.read(answer.inputs, problem.reference(**handed_over(answer.inputs)))
    return differ(answer.value, expected, problem.rtol, problem.atol)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value
