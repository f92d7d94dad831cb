"""A class: every submission of an assignment, and its verdict.

Reading, running and judging a submission is done by worker processes; the
verdicts are written by this one alone, as they are reached.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from cs_infer.judge import ledger
from cs_infer.judge.agreement import demand_agreement
from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.grader import Grader
from cs_infer.judge.ledger import Ungraded, Verdict, kept_verdict
from cs_infer.judge.sandbox import Nursery, SandboxError
from cs_infer.judge.submissions import submission_folders, taken, without_verdict
from cs_infer.judge.template import Rebuilt, read_release
from cs_infer.judge.workers import Lost, each

_PATIENCE = 120.0  # what the grader itself may take, beside the student's code


@dataclass
class ClassRun:
    """The verdicts of a class.

    Attributes:
        verdicts: one for each student graded, by id.
        ungraded: those who could not be graded.
        rebuilt: the rebuilt notebooks, by id.
        reused: how many verdicts were taken from an earlier run.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    ungraded: list[Ungraded] = field(default_factory=list)
    rebuilt: dict[str, Rebuilt] = field(default_factory=dict)
    reused: int = 0


@dataclass(frozen=True)
class Wanted:
    """What is to be judged anew, where nothing has changed.

    Attributes:
        again: everything.
        problems: only these problems; the other results of a kept verdict of
            the same submission stand. Empty for all.
    """

    again: bool = False
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Outcome:
    rebuilt: Rebuilt | None
    verdict: Verdict | Ungraded
    reused: bool = False


def grade_class(
    grader: Grader,
    students: list[str] | None = None,
    workers: int = 1,
    progress: Callable[[str, int, int], None] = lambda student, done, total: None,
    wanted: Wanted = Wanted(),
) -> ClassRun:
    """Judge every submission of an assignment, in parallel.

    Verdicts are written as they are reached, so that a killed run loses
    nothing and the next run takes up where it stopped.

    Args:
        grader: the assignment to grade.
        students: only these; everyone by default.
        workers: how many processes.
        progress: called with (student, done, total) after each that was judged.
        wanted: what is judged though nothing has changed.

    Returns:
        The verdicts.

    Raises:
        CourseError: there are no submissions, a student has none, or the
            release is older than the points in the checks.
    """
    folders = submission_folders(grader.course, grader.name, students)
    _demand_its_release(grader)
    run = ClassRun()
    outcomes = _outcomes(grader, folders, workers, wanted)
    with contextlib.closing(outcomes):  # on any error, the workers are stopped at once
        for done, (student, outcome) in enumerate(outcomes, start=1):
            _enter(grader.course, run, student, outcome)
            if not outcome.reused:
                progress(student, done, len(folders))
    return _in_order(run, list(folders))


def _demand_its_release(grader: Grader) -> None:
    """The points that the checks give must be those that the gradebook knows."""
    try:
        demand_agreement(read_release(grader.course.release(grader.name)), grader.assignment)
    except CourseError as error:
        raise CourseError(f"{error}; run: cs-infer release {grader.name}") from None


def class_so_far(course: Course, name: str, run: ClassRun) -> ClassRun:
    """This run's verdicts, with the latest ones of everybody it did not look at."""
    failed = {u.student for u in run.ungraded}
    whole = ClassRun(dict(run.verdicts), list(run.ungraded), reused=run.reused)
    for student in submission_folders(course, name).keys() - run.verdicts.keys() - failed:
        kept = kept_verdict(course, name, student, None)
        if kept is None:
            whole.ungraded.append(without_verdict(course, name, student))
        else:
            whole.verdicts[student] = kept
    whole.ungraded.sort(key=lambda u: u.student)
    return whole


def drop_departed(course: Course, name: str) -> list[str]:
    """Put the verdicts of students without a submission aside; returns who they are."""
    present = submission_folders(course, name).keys()
    gone = [s for s in ledger.students(course, name) if s not in present]
    for student in gone:
        ledger.put_aside(course, name, student)
    return gone


def _enter(course: Course, run: ClassRun, student: str, outcome: _Outcome) -> None:
    """Keep what came of one submission."""
    if isinstance(outcome.verdict, Ungraded):
        ledger.put_aside(course, outcome.verdict.assignment, student)
        run.ungraded.append(outcome.verdict)
        return
    if not outcome.reused:
        ledger.keep(course, outcome.verdict)
    run.reused += outcome.reused
    run.verdicts[student] = outcome.verdict
    if outcome.rebuilt is not None:
        run.rebuilt[student] = outcome.rebuilt


def _in_order(run: ClassRun, students: list[str]) -> ClassRun:
    """The run as if everybody had been looked at in alphabetical order."""
    place = {student: i for i, student in enumerate(students)}
    verdicts = dict(sorted(run.verdicts.items(), key=lambda item: place[item[0]]))
    return replace(run, verdicts=verdicts, ungraded=sorted(run.ungraded, key=lambda u: u.student))


def _outcomes(
    grader: Grader, folders: dict[str, Path], workers: int, wanted: Wanted
) -> Iterator[tuple[str, _Outcome]]:
    """Everybody's outcome. Who was lost through a fault of ours is tried again, alone."""
    grader.key("", Rebuilt(read_release(grader.course.release(grader.name))))  # reads all there is
    start = functools.partial(_desk, grader, wanted)
    patience = 2 * grader.assignment.limits.total_seconds + _PATIENCE
    lost = []
    for (student, folder), outcome in each(start, folders.items(), workers, patience):
        if isinstance(outcome, Lost):
            lost.append((student, folder))
        else:
            yield student, outcome
    for task in lost:
        ((_, outcome),) = each(start, [task], 1, patience)
        if isinstance(outcome, Lost):
            outcome = _Outcome(None, Ungraded(task[0], grader.name, outcome.reason, outcome.status))
        yield task[0], outcome


@contextlib.contextmanager
def _desk(grader: Grader, wanted: Wanted) -> Iterator[Callable[[tuple[str, Path]], object]]:
    """What a worker needs to grade one submission after another."""
    template = read_release(grader.course.release(grader.name))
    with grader.box() as box, Nursery(box) as nursery:

        def work(task: tuple[str, Path]) -> _Outcome | Lost:
            student, folder = task
            rebuilt = taken(grader.name, student, folder, template)
            if isinstance(rebuilt, Ungraded):
                return _Outcome(None, rebuilt)
            try:
                return _graded(grader, student, rebuilt, nursery, wanted)
            except (SandboxError, OSError) as error:
                return Lost("sandbox failed", str(error))

        yield work


def _graded(
    grader: Grader, student: str, rebuilt: Rebuilt, nursery: Nursery, wanted: Wanted
) -> _Outcome:
    kept = kept_verdict(grader.course, grader.name, student, None)
    if kept and wanted == Wanted() and kept.provenance["key"] == grader.key(student, rebuilt):
        return _Outcome(rebuilt, kept, reused=True)
    standing = _standing(grader, kept, rebuilt, wanted) if kept else None
    return _Outcome(rebuilt, grader.grade(student, rebuilt, nursery.place_for, standing))


def _standing(grader: Grader, kept: Verdict, rebuilt: Rebuilt, wanted: Wanted) -> Verdict | None:
    """The part of a kept verdict that need not be judged again.

    It is of this very submission, of problems that nobody asked for, whose
    properties and points are what they were.
    """
    now = grader.provenance(kept.student, rebuilt)
    alike = all(
        kept.provenance.get(part) == now[part] for part in ("submission", "release", "seed")
    )
    if not (wanted.problems and alike and kept.notes == tuple(rebuilt.notes)):
        return None
    asked = {p.name: [(q.name, q.points) for q in p.properties] for p in grader.assignment.problems}
    stand = tuple(
        p
        for p in kept.problems
        if p.name not in wanted.problems
        and asked.get(p.name) == [(q.name, q.points) for q in p.properties]
    )
    return replace(kept, problems=stand) if stand else None
