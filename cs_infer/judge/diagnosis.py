"""From wrong answers to the idea behind them."""

from __future__ import annotations

from collections.abc import Iterable
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


def diagnose(
    problem: Problem,
    seen: list[tuple[Inputs, Any]],
    ideas: Iterable[Misconception] | None = None,
) -> Misconception | None:
    """The misconception that gives all the answers seen, if there is one.

    Args:
        problem: the problem with its catalogue.
        seen: inputs with the answers the student's function gave, at least
            one of which is wrong.
        ideas: the misconceptions to try; the whole catalogue by default.

    Returns:
        The first misconception that explains every answer.
    """
    return _explaining(problem, [read(problem, inputs, raw) for inputs, raw in seen], ideas)


def idea_behind(problem: Problem, trace: Trace) -> tuple[Misconception | None, bool]:
    """The idea behind every answer, or else behind one fault; and whether it is all of it.

    Mistakes come in pairs: a factor is missing, and the product underflows as
    well. No single idea gives all those answers, but a property that fails
    shows one of them. Then the idea must fit what else is known: it keeps the
    properties that hold, and it explains the first property on which it fails
    itself. (Later ones prove little: many mistakes end in the same NaN.) Where
    the function raised an error before anything else, that comes first.
    """
    if not trace.wrong:
        return None, False
    everything = [answer for answers in trace.seen.values() for answer in answers]
    idea = _explaining(problem, everything)
    if idea and all(_fails(problem, p, idea, trace.seen[p.name][-1].inputs) for p in trace.wrong):
        return idea, True
    if trace.crashed_first:
        return None, False
    for i, prop in enumerate(trace.wrong):
        seen = trace.seen[prop.name]
        for idea in problem.misconceptions if _telling(seen[-1]) else ():
            if _explaining(problem, seen, (idea,)) and _fits(problem, i, idea, trace):
                return idea, False
    return None, False


def _explaining(
    problem: Problem, seen: list[Answer], ideas: Iterable[Misconception] | None = None
) -> Misconception | None:
    for idea in problem.misconceptions if ideas is None else ideas:
        if seen and all(_explains(problem, idea, answer) for answer in seen):
            return idea
    return None


def _explains(problem: Problem, idea: Misconception, mine: Answer) -> bool:
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
    kept = [(p, answer.inputs) for p, answer in last[:-1] if _telling(answer)]
    kept += [(p, answer.inputs) for p in trace.right for answer in trace.seen[p.name]]
    here, answer = last[-1]
    return _fails(problem, here, idea, answer.inputs) and not any(
        _fails(problem, p, idea, known) for p, known in kept
    )


def _fails(problem: Problem, prop: Property, idea: Misconception, inputs: Inputs) -> bool:
    return bool(fault(problem, prop, _theirs(problem, idea, inputs)))


def _telling(answer: Answer) -> bool:
    """Whether a wrong answer says something: lone infinities and zeros have too many causes."""
    parts = answer.value if isinstance(answer.value, tuple) else (answer.value,)
    if answer.refusal or not all(isinstance(part, (float, np.ndarray)) for part in parts):
        return True
    infinite = all(np.all(np.isinf(part)) for part in parts)
    return not (infinite or all(np.all(np.equal(part, 0)) for part in parts))
