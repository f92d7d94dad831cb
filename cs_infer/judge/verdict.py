"""Judging one function: points, property by property, and the idea behind a fault.

The function is handed over as ``call(inputs) -> answer``. In the student's
own notebook that is the function itself; when grading it is a proxy that asks
the sandbox. Everything else is the same, so that what a student sees is what
is graded, on other inputs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cs_infer.judge.answers import CallFailed
from cs_infer.judge.diagnosis import Trace, idea_behind
from cs_infer.judge.examples import illustration, small_failure
from cs_infer.judge.problem import Problem, Property
from cs_infer.judge.trial import Call, Key, ask, draws, fault

_PRACTICE_SEEDS = range(1, 13)
_SMALL_SEEDS = range(1, 5)
_HINT_SECONDS = 5.0
_IN_PART = "Part of what goes wrong, where it says “{}”, looks like this; there may be more. "
_FATAL = ("time-out", "memory", "killed", "missing", "not answered")


@dataclass(frozen=True)
class PropertyResult:
    """What one property found.

    Attributes:
        name: the property's name.
        statement: the property, in words.
        earned: points earned.
        points: points it was worth.
        fault: what went wrong, in one sentence, or None.
    """

    name: str
    statement: str
    earned: float
    points: float
    fault: str | None = None


@dataclass(frozen=True)
class ProblemResult:
    """What judging one function found.

    Attributes:
        name: the problem's name.
        title: its title.
        section: where the book treats it.
        properties: the result of each property.
        misconception: name of the idea that explains every answer, or the
            first fault that an idea explains; or None.
        message: what to tell the student about that idea.
        message_section: where the book treats it.
        illustration: a small example on which the idea fails; without an idea
            a small public one on which the function fails.
        practice_seed: a public seed on which the fault can be seen, or None.
        status: ``"graded"``, or why no answer came.
    """

    name: str
    title: str
    section: str
    properties: tuple[PropertyResult, ...]
    misconception: str | None = None
    message: str | None = None
    message_section: str | None = None
    illustration: str | None = None
    practice_seed: int | None = None
    status: str = "graded"

    @property
    def earned(self) -> float:
        """Points earned."""
        return sum(p.earned for p in self.properties)

    @property
    def points(self) -> float:
        """Points to be earned."""
        return sum(p.points for p in self.properties)

    @property
    def passed(self) -> bool:
        """Whether nothing was found wrong."""
        return all(p.fault is None for p in self.properties)


def judge(problem: Problem, call: Call, key: Key, *, hint: bool = True) -> ProblemResult:
    """Judge one function.

    Args:
        problem: what is asked.
        call: the function, or its proxy.
        key: what the inputs are drawn from: a public seed in practice, a
            secret with the student's id when grading.
        hint: look for a small public example that shows the same fault.

    Returns:
        A :class:`ProblemResult`.
    """
    trace = Trace()
    results = tuple(_judge_property(problem, p, call, key, trace) for p in problem.properties)
    found = ProblemResult(
        problem.name, problem.title, problem.section, results, status=trace.status
    )
    if found.passed:
        return found
    idea, only = idea_behind(problem, trace)
    if idea is not None:
        found = replace(
            found,
            misconception=idea.name,
            message=(_IN_PART.format(only.statement) if only else "") + idea.message,
            message_section=idea.section,
        )
        if only in (None, trace.wrong[0]):
            return replace(found, illustration=illustration(problem, idea))
    return _with_hint(problem, call, found) if hint else found  # of the first fault


def practice_example(
    problem: Problem, call: Call, result: ProblemResult, seeds: Iterable[int]
) -> tuple[str, int] | None:
    """Small inputs on which the first faulty property fails, and the public seed they are from."""
    if result.status in _FATAL:  # no answer came, so nothing would be seen
        return None
    first = next(p for p in result.properties if p.fault is not None)
    prop = next(p for p in problem.properties if p.name == first.name)
    keys = [("practice", seed) for seed in seeds]
    found = small_failure(problem, prop, call, keys, first.fault or "")
    return found and (found[0], found[1][1])


def _judge_property(
    problem: Problem, prop: Property, call: Call, key: Key, trace: Trace
) -> PropertyResult:
    found = f"not tried ({trace.status})" if trace.status in _FATAL else None
    inputs = iter(() if found else draws(problem, prop, key))
    while found is None and (drawn := next(inputs, None)) is not None:
        try:
            answer = ask(problem, call, drawn)
        except CallFailed as failure:
            found, trace.status = str(failure), failure.status
            trace.crashed_first = trace.crashed_first or not trace.wrong
            continue
        trace.seen.setdefault(prop.name, []).append(answer)
        found = fault(problem, prop, answer)
        if found is not None:
            trace.wrong.append(prop)
    if found is None:
        trace.right.append(prop)
    earned = prop.points if found is None else 0.0
    return PropertyResult(prop.name, prop.statement, earned, prop.points, found)


def _with_hint(problem: Problem, call: Call, result: ProblemResult) -> ProblemResult:
    """The result with a small public example of the fault, or at least a seed that shows it."""
    example = practice_example(problem, call, result, _SMALL_SEEDS)
    if example:
        return replace(result, illustration=example[0], practice_seed=example[1])
    return replace(result, practice_seed=_practice_seed(problem, call, result))


def _practice_seed(problem: Problem, call: Call, result: ProblemResult) -> int | None:
    started = time.monotonic()  # the other problems need time as well
    for seed in _PRACTICE_SEEDS:
        if result.status in _FATAL or time.monotonic() - started > _HINT_SECONDS:
            return None
        result = judge(problem, call, ("practice", seed), hint=False)
        if not result.passed and result.status not in _FATAL:
            return seed
    return None
