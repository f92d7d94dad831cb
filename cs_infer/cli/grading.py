"""The command that grades a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cs_infer.cli.console import print_table, progress, say
from cs_infer.cli.options import (
    assignment_argument,
    names,
    problems_option,
    require_sandbox,
    students_option,
    trust_option,
    workers_option,
)
from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.words import printable

if TYPE_CHECKING:
    from cs_infer.judge.class_run import ClassRun, Wanted

STOPPED = 130  # what a shell expects of a program that Ctrl-C ended


@click.command()
@assignment_argument
@students_option
@problems_option
@click.option("--again", is_flag=True, help="Grade what has not changed, too.")
@workers_option
@trust_option
@click.pass_context
def grade(
    ctx: click.Context,
    assignment: str | None,
    students: tuple[str, ...],
    workers: int,
    trusted: bool,
    problems: tuple[str, ...] = (),
    again: bool = False,
) -> None:
    """Grade submitted/<student>/<assignment>/*.ipynb and record the scores.

    A second run grades only what changed. Exit status 1 means that a
    submission could not be graded, through no fault of the student; 130, that
    the run was stopped: the same command goes on.
    """
    from cs_infer.judge.class_run import Wanted

    course: Course = ctx.obj
    require_sandbox(trusted)
    work = with_problems(course, submitted(course, assignment, students), problems)
    try:
        failed = grade_each(course, work, workers, trusted, Wanted(again, problems))
    except KeyboardInterrupt:
        click.echo("\nstopped; what was graded is kept, and the same command goes on", err=True)
        ctx.exit(STOPPED)
    if failed:
        ctx.exit(1)


def grade_each(
    course: Course,
    work: list[tuple[str, list[str] | None]],
    workers: int,
    trusted: bool,
    wanted: Wanted | None = None,
) -> int:
    """Grade these students' work, by assignment; returns how many could not be graded.

    Raises:
        BlockedByAnother: another process is grading this course.
    """
    from cs_infer.judge.class_run import Wanted, grade_class
    from cs_infer.judge.files import alone
    from cs_infer.judge.grader import Grader
    from cs_infer.judge.records.recorded import gradebook_of

    missing = 0
    with gradebook_of(course):
        pass  # where there is none, that is said before a class is judged
    with alone(course.lock, "this course is being graded already"):
        for name, students in work:
            grader, judging = Grader(course, name, trusted), progress("grade")
            run = grade_class(grader, students, workers, judging, wanted or Wanted())
            _publish(course, name, run)
            missing += len(run.ungraded)
    return missing


def _publish(course: Course, name: str, run: ClassRun) -> None:
    """Put the verdicts into the gradebook and into tables, and say them."""
    from cs_infer.judge.class_run import class_so_far, drop_departed
    from cs_infer.judge.files import write_whole
    from cs_infer.judge.records import gradebook
    from cs_infer.judge.reports import grade_table

    failed = [u.student for u in run.ungraded]
    gradebook.forget(course, name, [*drop_departed(course, name), *failed])
    gradebook.record(course, name, run, progress("record"))
    asked, table = course.assignment(name), course.grading(name)
    whole = class_so_far(course, name, run)
    write_whole(table / "grades.html", grade_table.as_page(asked, whole))
    write_whole(table / "grades.csv", grade_table.as_csv(asked, whole))
    print_table(grade_table.rows(asked, run), f"{name}, {run.reused} unchanged")
    say(table / "grades.html", course)
    for ungraded in run.ungraded:
        click.echo(printable(f"not graded: {ungraded.student}: {ungraded.reason}"), err=True)


def with_problems(
    course: Course, work: list[tuple[str, list[str] | None]], problems: tuple[str, ...]
) -> list[tuple[str, list[str] | None]]:
    """The part of the work that has one of these problems; all of it, if none is named.

    Raises:
        CourseError: a problem is in none of the assignments.
    """
    known = {name: {p.name for p in course.assignment(name).problems} for name, _ in work}
    missing = sorted(set(problems).difference(*known.values()))
    if missing:
        there = ", ".join(sorted(set().union(*known.values())))
        raise CourseError(f"no problem {', '.join(missing)}; there are: {there}")
    return [(n, s) for n, s in work if not problems or known[n].intersection(problems)]


def submitted(
    course: Course, assignment: str | None, students: tuple[str, ...]
) -> list[tuple[str, list[str] | None]]:
    """What there is to grade: assignments with students, or with None for everybody.

    Where no assignment is named, those that nobody handed in are left out: a
    course has assignments that are not due yet.
    """
    chosen = list(students) or None
    if assignment is not None or not course.submitted.is_dir():
        return [(name, chosen) for name in names(course, assignment)]
    present = {
        name: {p.parent.name for p in course.submitted.glob(f"*/{name}") if p.is_dir()}
        for name in names(course, None)
    }
    missing = sorted(set(students).difference(*present.values()))
    if missing or not any(present.values()):
        whose = f"no submission by {', '.join(missing)}" if missing else "no submissions"
        raise CourseError(f"{whose} in {course.submitted}/<student>/<assignment>/")
    return [
        (name, chosen and [s for s in chosen if s in there])
        for name, there in present.items()
        if there and (chosen is None or there.intersection(chosen))
    ]
