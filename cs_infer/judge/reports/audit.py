"""How a verdict came about, line by line, for when it is disputed."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Any

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.grader import Grader
from cs_infer.judge.ledger import Verdict, earlier_verdicts, kept_verdict
from cs_infer.judge.records.late import settle
from cs_infer.judge.records.recorded import Points, Recorded, gradebook_of, recorded
from cs_infer.judge.reports.page import number
from cs_infer.judge.submissions import submission_folders, taken, without_verdict
from cs_infer.judge.template import Rebuilt, read_release

_MADE_FROM = ("submission", "release", "checks", "library", "seed")
_RUN_IN = ("limits", "sandbox", "sandbox_used", "python", "numpy")
_USED = (("seconds", "s in all"), ("cpu_seconds", "s of processor"), ("memory_mb", "MB of memory"))
_WIDTH = 14


def audit(course: Course, name: str, student: str) -> list[str]:
    """The audit trail of a student's verdict, in plain lines.

    Args:
        course: the course.
        name: the assignment.
        student: the student's id.

    Returns:
        Lines without line breaks. What they quote from the student may hold
        control characters, which the terminal must not see.

    Raises:
        CourseError: there is no verdict.
    """
    verdict = kept_verdict(course, name, student, None)
    if verdict is None:
        submission_folders(course, name, [student])  # refuses who handed nothing in
        why = without_verdict(course, name, student).reason
        raise CourseError(f"no verdict on {student} in {name}; {why}")
    most = sum(p.points for p in verdict.problems)
    lines = [f"{name}, {student}: {number(verdict.earned)} of {number(most)} points by the checks"]
    for title, part in (
        ("How each point was earned", _points(verdict)),
        ("About the file", verdict.notes),
        ("Recorded by nbgrader", _gradebook(course, verdict)),
        ("What the verdict was made from", _made_from(course, verdict)),
        ("Where it was run", _run_in(verdict)),
        ("Earlier verdicts", _earlier(course, verdict)),
        ("To repeat it", _repeat(verdict)),
    ):
        if found := list(part):
            lines += ["", title, *(f"  {line}" for line in found)]
    return [" ".join(line.splitlines()) for line in lines]


def _points(verdict: Verdict) -> Iterator[str]:
    for problem in verdict.problems:
        earned = f"{number(problem.earned)} of {number(problem.points)}"
        idea = f"; recognised: {problem.misconception}" if problem.misconception else ""
        yield f"{problem.name}: {earned} ({problem.status}{idea})"
        for p in problem.properties:
            why = "every input was right" if p.fault is None else p.fault
            yield f"  {number(p.earned)} of {number(p.points)}  {p.statement}: {why}"


def _gradebook(course: Course, verdict: Verdict) -> Iterator[str]:
    with gradebook_of(course) as gradebook:
        settle(course, gradebook, verdict.assignment)
        kept = recorded(gradebook, verdict.assignment, verdict.student)
    if kept is None:
        yield f"nothing; run: cs-infer grade {verdict.assignment}"
        return
    for name, points in sorted(kept.cells.items()):
        yield f"{name}: {_cell(points)}"
    for name, comment in sorted(kept.comments.items()):
        yield f"comment on {name}: {comment}"
    yield f"handed in: {_date(kept.timestamp)}; due: {_date(kept.due)}"
    yield f"late penalty: {number(kept.penalty)}"
    yield f"total: {number(kept.total)} of {number(kept.most)}"
    yield from _disagreement(verdict, kept)


def _cell(points: Points) -> str:
    said = "none" if points.automatic is None else number(points.automatic)
    parts = [f"automatic {said}"]
    parts += [f"by hand {number(points.manual)}"] if points.manual is not None else []
    parts += [f"extra credit {number(points.extra)}"] if points.extra else []
    parts += ["waiting for a person"] if points.waiting else []
    return f"{', '.join(parts)}, of {number(points.most)}"


def _date(when: Any) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC" if when else "not said"


def _disagreement(verdict: Verdict, kept: Recorded) -> Iterator[str]:
    """The grader writes the verdict before nbgrader does, so a killed run can leave them apart."""
    automatic = sum(p.automatic or 0.0 for p in kept.cells.values())
    if abs(automatic - verdict.earned) > 1e-6:
        yield f"this is not the verdict above, which gives {number(verdict.earned)}; grade again"


def _made_from(course: Course, verdict: Verdict) -> Iterator[str]:
    now = _provenance_now(course, verdict)
    for part in (*_MADE_FROM, "key"):
        was = verdict.provenance.get(part, "not said")
        changed = "" if now.get(part) == was else "  (another one now)" if now else "  (gone)"
        yield f"{part.ljust(_WIDTH)}{was}{changed}"


def _provenance_now(course: Course, verdict: Verdict) -> dict[str, Any]:
    """What the verdict would be made from today; empty if the submission is gone."""
    name, student = verdict.assignment, verdict.student
    folder = course.submitted / student / name
    if student not in submission_folders(course, name):
        return {}
    rebuilt = taken(name, student, folder, read_release(course.release(name)))
    trusted = str(verdict.provenance.get("sandbox", "")).startswith("none")
    grader = Grader(course, name, trusted)
    return grader.provenance(student, rebuilt) if isinstance(rebuilt, Rebuilt) else {}


def _run_in(verdict: Verdict) -> Iterator[str]:
    for part in _RUN_IN:
        if part in verdict.provenance:
            yield f"{part.replace('_', ' ').ljust(_WIDTH)}{verdict.provenance[part]}"
    used = (f"{number(verdict.provenance[k])} {w}" for k, w in _USED if k in verdict.provenance)
    yield f"{'used'.ljust(_WIDTH)}{', '.join(used)}"
    yield f"{'graded'.ljust(_WIDTH)}{verdict.provenance.get('graded_at', 'not said')}"
    for cell, output in verdict.cells.items():
        if output.get("error"):
            yield f"cell {cell}: {output['status']}: {output['error']}"


def _earlier(course: Course, verdict: Verdict) -> Iterator[str]:
    for old in earlier_verdicts(course, verdict.assignment, verdict.student):
        parts = (*_MADE_FROM, "limits", "sandbox", "python", "numpy")
        other = [p for p in parts if old.provenance.get(p) != verdict.provenance.get(p)]
        when = old.provenance.get("graded_at", "no date")
        yield (
            f"{when}: {number(old.earned)} points, key {old.provenance['key'][:16]}; "
            f"other than now: {', '.join(other) or 'nothing'}"
        )


def _repeat(verdict: Verdict) -> Iterator[str]:
    yield f"cs-infer grade {verdict.assignment} --student {quote(verdict.student)} --again"
    yield "The same submission, release, checks, library and secret give the same points."
