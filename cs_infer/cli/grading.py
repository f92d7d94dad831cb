"""Commands that grade: a class, one notebook."""

from __future__ import annotations

from pathlib import Path

import click

from cs_infer.cli.console import print_table, printable, progress, say
from cs_infer.cli.options import (
    assignment_argument,
    names,
    require_sandbox,
    students_option,
    trust_option,
    workers_option,
)
from cs_infer.judge.course import Course, CourseError


@click.command()
@assignment_argument
@students_option
@workers_option
@trust_option
@click.pass_context
def grade(
    ctx: click.Context,
    assignment: str | None,
    students: tuple[str, ...],
    workers: int,
    trusted: bool,
) -> None:
    """Grade submitted/<student>/<assignment>/*.ipynb and record the scores.

    A second run grades only what changed. Exit status 1 means that a
    submission could not be graded, through no fault of the student.
    """
    course: Course = ctx.obj
    require_sandbox(trusted)
    if grade_each(course, submitted(course, assignment, students), workers, trusted):
        ctx.exit(1)


def grade_each(
    course: Course, work: list[tuple[str, list[str] | None]], workers: int, trusted: bool
) -> int:
    """Grade these students' work, by assignment; returns how many could not be graded."""
    from cs_infer.judge.files import write_whole
    from cs_infer.judge.grader import Grader, class_so_far, drop_departed, grade_class
    from cs_infer.judge.records import gradebook
    from cs_infer.judge.reports import grade_table

    missing = 0
    for name, students in work:
        run = grade_class(Grader(course, name, trusted), students, workers, progress("grade"))
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
        missing += len(run.ungraded)
    return missing


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@trust_option
@click.pass_context
def validate(ctx: click.Context, notebook: Path, trusted: bool) -> None:
    """Run the whole grading of one notebook, on inputs of its own."""
    from cs_infer.judge.grader import Grader
    from cs_infer.judge.reports.card import as_text
    from cs_infer.judge.template import read_release, rebuild

    require_sandbox(trusted)
    course: Course = ctx.obj
    (name,) = names(course, notebook.stem)
    rebuilt = rebuild(read_release(course.release(name)), notebook.read_bytes())
    verdict = Grader(course, name, trusted).grade("yourself", rebuilt)
    for note in verdict.notes:
        click.echo(f"note: {note}")
    for result in verdict.problems:
        report = as_text(result, result.title)
        click.echo("\n".join(map(printable, report.splitlines())) + "\n")
    click.echo(f"{verdict.earned:g} points")


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
