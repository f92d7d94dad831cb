"""Judging one function: points, property by property, and the idea behind a fault.

The function is handed over as ``call(inputs) -> answer``. In the student's
own notebook that is the function itself; when grading it is a proxy that asks
the sandbox. Everything else is the same, so that what a student sees is what
is graded, on other inputs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cs_infer.judge.answers import AnswerError, differ
from cs_infer.judge.problem import Inputs, Misconception, Problem, Property

Call = Callable[[Inputs], Any]

_PRACTICE_SEEDS = range(1, 13)
_IN_PART = "Part of what goes wrong looks like this; there may be more. "
_FATAL = ("time-out", "memory", "killed", "missing", "not answered")


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
        illustration: a small example on which the idea fails.
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


@dataclass
class _Trace:
    """The answers seen so far, property by property, for the diagnosis."""

    seen: dict[str, list[tuple[Inputs, Any]]] = field(default_factory=dict)
    right: list[Property] = field(default_factory=list)
    wrong: list[Property] = field(default_factory=list)
    crashed_first: bool = False
    status: str = "graded"


def seeded(*key: object) -> np.random.Generator:
    """A generator that depends on every part of the key and on nothing else."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def judge(
    problem: Problem, call: Call, key: tuple[object, ...], *, hint: bool = True
) -> ProblemResult:
    """Judge one function.

    Args:
        problem: what is asked.
        call: the function, or its proxy.
        key: what the inputs are drawn from: a public seed in practice, a
            secret with the student's id when grading.
        hint: look for a public seed that shows the same fault.

    Returns:
        A :class:`ProblemResult`.
    """
    trace = _Trace()
    results = tuple(_judge_property(problem, p, call, key, trace) for p in problem.properties)
    if all(r.fault is None for r in results):
        return ProblemResult(problem.name, problem.title, problem.section, results)
    idea, whole = _idea_behind(problem, trace)
    answered = trace.status not in _FATAL
    return ProblemResult(
        name=problem.name,
        title=problem.title,
        section=problem.section,
        properties=results,
        misconception=idea.name if idea else None,
        message=(idea.message if whole else _IN_PART + idea.message) if idea else None,
        message_section=idea.section if idea else None,
        illustration=_illustrate(problem, idea) if idea else None,
        practice_seed=_practice_seed(problem, call) if hint and answered and not idea else None,
        status=trace.status,
    )


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
    for idea in problem.misconceptions if ideas is None else ideas:
        if seen and all(_explains(problem, idea, inputs, answer) for inputs, answer in seen):
            return idea
    return None


def failing_inputs(problem: Problem, call: Call, key: tuple[object, ...]) -> Inputs | None:
    """The first inputs on which a function fails, for its author to try by hand."""
    for prop in problem.properties:
        for inputs in draws(problem, prop, key):
            try:
                fault = _fault(problem, prop, inputs, _ask(problem, prop, call, inputs, _Trace()))
            except (CallFailed, AnswerError):
                return inputs
            if fault is not None:
                return inputs
    return None


def draws(problem: Problem, prop: Property, key: tuple[object, ...]) -> Iterator[Inputs]:
    """The inputs on which a property is tried."""
    rng = seeded(*key, problem.name, prop.name)
    for _ in range(prop.repeats):
        yield prop.draw(rng)


def _judge_property(
    problem: Problem, prop: Property, call: Call, key: tuple[object, ...], trace: _Trace
) -> PropertyResult:
    fault = f"not tried ({trace.status})" if trace.status in _FATAL else None
    inputs = iter(() if fault else draws(problem, prop, key))
    while fault is None and (drawn := next(inputs, None)) is not None:
        try:
            fault = _fault(problem, prop, drawn, _ask(problem, prop, call, drawn, trace))
            wrong = fault is not None
        except AnswerError as error:
            fault, wrong = str(error), True
        except CallFailed as failure:
            fault, wrong = str(failure), False
        if wrong:
            trace.wrong.append(prop)
        elif fault is not None and not trace.wrong:
            trace.crashed_first = True
    if fault is None:
        trace.right.append(prop)
    earned = prop.points if fault is None else 0.0
    return PropertyResult(prop.name, prop.statement, earned, prop.points, fault)


def _fault(problem: Problem, prop: Property, inputs: Inputs, answer: Any) -> str | None:
    if prop.holds is not None:
        return prop.holds(inputs, answer)
    expected = problem.read(inputs, problem.reference(**inputs))
    return differ(answer, expected, problem.rtol, problem.atol)


def _idea_behind(problem: Problem, trace: _Trace) -> tuple[Misconception | None, bool]:
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
    idea = diagnose(problem, everything)
    if idea and all(_fails(problem, p, idea, trace.seen[p.name][-1][0]) for p in trace.wrong):
        return idea, True
    if trace.crashed_first:
        return None, False
    for i, prop in enumerate(trace.wrong):
        seen = trace.seen[prop.name]
        for idea in problem.misconceptions if _telling(problem, *seen[-1]) else ():
            if diagnose(problem, seen, (idea,)) and _fits(problem, i, idea, trace):
                return idea, False
    return None, False


def _fits(problem: Problem, i: int, idea: Misconception, trace: _Trace) -> bool:
    """Whether an idea fails on the i-th wrong property, on none before, on none that held."""
    last = [(p, *trace.seen[p.name][-1]) for p in trace.wrong[: i + 1]]
    kept = [(p, inputs) for p, inputs, raw in last[:-1] if _telling(problem, inputs, raw)]
    kept += [(p, inputs) for p in trace.right for inputs, _ in trace.seen[p.name]]
    here, inputs, _ = last[-1]
    return _fails(problem, here, idea, inputs) and not any(
        _fails(problem, p, idea, known) for p, known in kept
    )


def _fails(problem: Problem, prop: Property, idea: Misconception, inputs: Inputs) -> bool:
    try:
        return bool(_fault(problem, prop, inputs, problem.read(inputs, idea.wrong(**inputs))))
    except AnswerError:
        return True


def _telling(problem: Problem, inputs: Inputs, raw: Any) -> bool:
    """Whether a wrong answer says something: lone infinities and zeros have too many causes."""
    try:
        value = problem.read(inputs, raw)
    except AnswerError:
        return True
    parts = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(part, (float, np.ndarray)) for part in parts):
        return True
    infinite = all(np.all(np.isinf(part)) for part in parts)
    return not (infinite or all(np.all(np.equal(part, 0)) for part in parts))


def _ask(problem: Problem, prop: Property, call: Call, inputs: Inputs, trace: _Trace) -> Any:
    try:
        raw = call({name: _copy(value) for name, value in inputs.items()})
    except CallFailed as failure:
        trace.status = failure.status
        raise
    trace.seen.setdefault(prop.name, []).append((inputs, raw))
    return problem.read(inputs, raw)


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _explains(problem: Problem, idea: Misconception, inputs: Inputs, raw: Any) -> bool:
    """Whether the idea gives this answer, or fails to be an answer in the same way."""
    wrong = idea.wrong(**inputs)
    try:
        theirs = problem.read(inputs, wrong)
    except AnswerError as their_error:
        try:
            problem.read(inputs, raw)
        except AnswerError as my_error:
            return str(my_error) == str(their_error)
        return False
    try:
        mine = problem.read(inputs, raw)
    except AnswerError:
        return False
    return differ(mine, theirs, problem.rtol, problem.atol) is None


def _illustrate(problem: Problem, idea: Misconception) -> str:
    inputs = problem.example if idea.example is None else idea.example
    given = "\n".join(f"{name} = {_show(value)}" for name, value in inputs.items())
    right = _show(problem.reference(**inputs))
    wrong = _show(idea.wrong(**inputs))
    return f"{given}\nright answer: {right}\nthis idea:    {wrong}"


def _show(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(_show(part) for part in value) + ")"
    array = np.asarray(value)
    array = array + 0.0 if array.dtype.kind == "f" else array  # no "-0."
    text = np.array2string(array, precision=4, separator=", ", threshold=60)
    return " ".join(text.split())


def _practice_seed(problem: Problem, call: Call) -> int | None:
    for seed in _PRACTICE_SEEDS:
        result = judge(problem, call, ("practice", seed), hint=False)
        if result.status in _FATAL:  # no answer came, so nothing would be seen
            return None
        if not result.passed:
            return seed
    return None
