"""A class in figures: how the marks are spread, which checks tell, what went wrong.

Everything is counted from verdicts, so it is about the points that the
checks gave; a person's points and late penalties are nbgrader's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cs_infer.judge.ledger import Ungraded, Verdict
from cs_infer.judge.problem import Assignment
from cs_infer.judge.reports.similarity import Pair

_BINS = 10
_FEWEST = 3  # a correlation of two submissions is always 1
_USED = (
    ("seconds", "time from start to end", "s"),
    ("cpu_seconds", "processor time", "s"),
    ("memory_mb", "memory", "MB"),
)


@dataclass(frozen=True)
class Item:
    """One property, as an item of a test.

    Attributes:
        problem: the problem's name.
        name: the property's name.
        statement: the property, in words.
        points: what it is worth.
        share: the share of submissions that earn it (the item's difficulty).
        discrimination: the correlation between earning it and the points of
            all other properties, from -1 to 1; None where one of the two is
            the same for everybody.
    """

    problem: str
    name: str
    statement: str
    points: float
    share: float
    discrimination: float | None


@dataclass(frozen=True)
class Idea:
    """A misconception, and whose answers showed it."""

    problem: str
    name: str
    students: list[str]


@dataclass(frozen=True)
class Failure:
    """A way not to answer, and where whose code did so: (student, problem or cell)."""

    kind: str
    places: list[tuple[str, str]]


@dataclass(frozen=True)
class Usage:
    """What submissions used of something, and who used most."""

    what: str
    unit: str
    median: float
    ninetieth: float
    most: float
    student: str


@dataclass(frozen=True)
class ClassReport:
    """The whole report.

    Attributes:
        assignment: the assignment's name.
        title: its title.
        most: the points that the checks can give.
        scores: what they gave, by student.
        counts: how many submissions lie in each tenth of the points.
        items: the properties, in the order of the notebook.
        ideas: the misconceptions, the most frequent first.
        failures: where no answer came, by kind.
        usage: time and memory.
        ungraded: those who could not be graded, through no fault of theirs.
        pairs: submissions that are alike.
    """

    assignment: str
    title: str
    most: float
    scores: dict[str, float]
    counts: list[int]
    items: list[Item]
    ideas: list[Idea]
    failures: list[Failure]
    usage: list[Usage]
    ungraded: list[Ungraded]
    pairs: list[Pair]


def class_report(
    assignment: Assignment,
    verdicts: Sequence[Verdict],
    ungraded: Iterable[Ungraded] = (),
    pairs: Iterable[Pair] = (),
) -> ClassReport:
    """Count everything.

    Args:
        assignment: what was asked.
        verdicts: one for each student graded.
        ungraded: the others.
        pairs: submissions that are alike.
    """
    most = assignment.automatic_points
    scores = {v.student: v.earned for v in verdicts}
    counts, _ = np.histogram(list(scores.values()), bins=_BINS, range=(0.0, most))
    return ClassReport(
        assignment=assignment.name,
        title=assignment.title,
        most=most,
        scores=scores,
        counts=counts.tolist(),
        items=list(_items(assignment, verdicts)),
        ideas=_ideas(verdicts),
        failures=_failures(verdicts),
        usage=list(_usage(verdicts)),
        ungraded=list(ungraded),
        pairs=list(pairs),
    )


def _items(assignment: Assignment, verdicts: Sequence[Verdict]) -> Iterator[Item]:
    for problem in assignment.problems:
        for prop in problem.properties:
            earned = [(v, _earned(v, problem.name, prop.name)) for v in verdicts]
            known = [(e, v.earned - e) for v, e in earned if e is not None]
            items, rest = np.array(known).reshape(-1, 2).T
            yield Item(
                problem=problem.name,
                name=prop.name,
                statement=prop.statement,
                points=prop.points,
                share=float(np.mean(items == prop.points)) if known else 0.0,
                discrimination=_correlation(items, rest),
            )


def _earned(verdict: Verdict, problem: str, prop: str) -> float | None:
    """The points, or None where the checks were others when this was graded."""
    found = (q for p in verdict.problems if p.name == problem for q in p.properties)
    return next((q.earned for q in found if q.name == prop), None)


def _correlation(x: np.ndarray, y: np.ndarray) -> float | None:
    if len(x) < _FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def _ideas(verdicts: Iterable[Verdict]) -> list[Idea]:
    found: dict[tuple[str, str], list[str]] = {}
    for verdict in verdicts:
        for problem in verdict.problems:
            if problem.misconception:
                found.setdefault((problem.name, problem.misconception), []).append(verdict.student)
    ideas = [Idea(*key, students) for key, students in found.items()]
    return sorted(ideas, key=lambda idea: (-len(idea.students), idea.problem, idea.name))


def _failures(verdicts: Iterable[Verdict]) -> list[Failure]:
    found: dict[str, list[tuple[str, str]]] = {}
    for verdict in verdicts:
        for kind, where in _failed(verdict):
            found.setdefault(kind, []).append((verdict.student, where))
    return sorted((Failure(*item) for item in found.items()), key=lambda f: -len(f.places))


def _failed(verdict: Verdict) -> Iterator[tuple[str, str]]:
    for problem in verdict.problems:
        if problem.status != "graded":
            yield problem.status, problem.name
    for cell, output in verdict.cells.items():
        if output.get("error"):
            yield f"{output['status']} in a cell", cell


def _usage(verdicts: Sequence[Verdict]) -> Iterator[Usage]:
    for key, what, unit in _USED:
        used = {v.student: v.provenance[key] for v in verdicts if v.provenance.get(key) is not None}
        if used:
            middle, ninetieth, most = np.quantile(list(used.values()), [0.5, 0.9, 1.0]).tolist()
            yield Usage(what, unit, middle, ninetieth, most, max(used, key=used.__getitem__))
