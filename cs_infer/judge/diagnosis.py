"""From wrong answers to the idea behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cs_infer.judge.answers import differ
from cs_infer.judge.problem import Inputs, Misconception, Problem, Property, handed_over
from cs_infer.judge.trial import Answer, fault, read


@dataclass
class Trace:
    """The answers seen so far, property by property.

    Attributes:
        seen: the answers, by property.
        right: the properties that held.
        wrong: those that failed because of an answer.
        crashed_first: a call failed before there was a wrong answer.
        status: ``"graded"``, or why no answer came the last time that none came.
    """

    seen: dict[str, list[Answer]] = field(default_factory=dict)
    right: list[Property] = field(default_factory=list)
    wrong: list[Property] = field(default_factory=list)
    crashed_first: bool = False
    status: str = "graded"


def idea_behind(problem: Problem, trace: Trace) -> tuple[Misconception | None, Property | None]:
    """The idea behind every answer, or else behind one fault; and where, if it is not all of it.

    Mistakes come in pairs: a factor is missing, and the product underflows as
    well. No single idea gives all those answers, but a property that fails
    shows one of them. Then the idea must fit what else is known: it keeps the
    properties that hold, and it explains the first property on which it fails
    itself. (Later ones prove little: many mistakes end in the same NaN.) An
    error is no part of an idea, and where it came first, it comes first.
    """
    if not trace.wrong or trace.crashed_first:
        return None, None
    everything = [answer for answers in trace.seen.values() for answer in answers]
    idea = next((i for i in problem.misconceptions if _explains(problem, i, everything)), None)
    if idea and all(_fails(problem, p, idea, trace.seen[p.name][-1].inputs) for p in trace.wrong):
        return idea, None if trace.status == "graded" else trace.wrong[0]
    for i, prop in enumerate(trace.wrong):
        seen = trace.seen[prop.name]
        for idea in problem.misconceptions if _telling(problem, seen[-1], i == 0) else ():
            if _explains(problem, idea, seen) and _fits(problem, i, idea, trace):
                return idea, prop
    return None, None


def _explains(problem: Problem, idea: Misconception, seen: list[Answer]) -> bool:
    """Whether the idea gives all these answers."""
    return all(_gives(problem, idea, answer) for answer in seen)


def _gives(problem: Problem, idea: Misconception, mine: Answer) -> bool:
    """Whether the idea gives this answer, or fails to be an answer in the same way."""
    theirs = _theirs(problem, idea, mine.inputs)
    if mine.refusal is not None or theirs.refusal is not None:
        return mine.refusal == theirs.refusal
    return differ(mine.value, theirs.value, problem.rtol, problem.atol) is None


def _theirs(problem: Problem, idea: Misconception, inputs: Inputs) -> Answer:
    """What an idea answers."""
    return read(problem, inputs, idea.wrong(**handed_over(inputs)))


def _fits(problem: Problem, i: int, idea: Misconception, trace: Trace) -> bool:
    """Whether an idea fails on the i-th wrong property, on none before, on none that held."""
    last = [(p, trace.seen[p.name][-1]) for p in trace.wrong[: i + 1]]
    kept = [(p, answer.inputs) for p, answer in last[:-1] if _telling(problem, answer, True)]
    kept += [(p, answer.inputs) for p in trace.right for answer in trace.seen[p.name]]
    here, answer = last[-1]
    return _fails(problem, here, idea, answer.inputs) and not any(
        _fails(problem, p, idea, known) for p, known in kept
    )


def _fails(problem: Problem, prop: Property, idea: Misconception, inputs: Inputs) -> bool:
    return bool(fault(problem, prop, _theirs(problem, idea, inputs)))


def _telling(problem: Problem, answer: Answer, refusals: bool) -> bool:
    """Whether a wrong answer says something about its cause.

    Infinities and zeros in everything that is wrong have too many causes. What
    is no answer, such as NaN, tells more only where it is the first fault.
    """
    if answer.refusal:
        return refusals
    if not _numeric(answer.value):
        return True
    right = problem.read(answer.inputs, problem.reference(**handed_over(answer.inputs)))
    pairs = list(zip(_parts(answer.value), _parts(right), strict=True))
    wrong = [x for x, y in pairs if differ(x, y, problem.rtol, problem.atol)]
    wrong = wrong or [x for x, _ in pairs]
    return not any(all(np.all(told(x)) for x in wrong) for told in (np.isinf, np.logical_not))


def _numeric(value: Any) -> bool:
    return all(isinstance(part, (float, np.ndarray)) for part in _parts(value))


def _parts(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
