"""The command that does it all."""

from __future__ import annotations

import click

from cs_infer.cli.console import shown
from cs_infer.cli.exchange import export
from cs_infer.cli.grading import STOPPED, grade, grade_each
from cs_infer.cli.options import trust_option, workers_option
from cs_infer.cli.publishing import book, release, sample_class
from cs_infer.cli.results import feedback, report
from cs_infer.judge.course import Course


@click.command("course")
@workers_option
@trust_option
@click.pass_context
def everything(ctx: click.Context, workers: int, trusted: bool) -> None:
    """Do it all: release, sample class, grades, feedback, report, export, book."""
    from cs_infer.judge.sandbox import sandbox_works

    ctx.invoke(release, assignment=None)
    ctx.invoke(sample_class, assignment=None)
    works, why = sandbox_works()
    status = 0
    try:
        if works or trusted:
            ctx.invoke(grade, assignment=None, students=(), workers=workers, trusted=trusted)
        else:
            _grade_the_sample_class_only(ctx, workers, why)
    except click.exceptions.Exit as stop:  # somebody could not be graded; the rest goes on
        if stop.exit_code == STOPPED:
            raise
        status = stop.exit_code
    ctx.invoke(feedback, assignment=None, students=())
    ctx.invoke(report, assignment=None)
    ctx.invoke(export, target=None)
    ctx.invoke(book, check=False)
    course: Course = ctx.obj
    click.echo("\nEverything is in its place:")
    places = {
        "the book": course.book / "index.html",
        "the students' notebooks": course.root / "assignments",
        "the sample class": course.submitted,
        "the grade tables and reports": course.build / "grading",
        "the feedback pages": course.feedback,
    }
    for what, where in places.items():
        click.echo(f"  {what:<30} {shown(where, course)}")
    ctx.exit(status)


def _grade_the_sample_class_only(ctx: click.Context, workers: int, why: str) -> None:
    """Without a sandbox, run only what ships with the course."""
    from cs_infer.judge.sample_class import expected_marks

    course: Course = ctx.obj
    click.echo(f"no sandbox ({why}): only the sample class, which ships with the course, is graded")
    work = [(n, list(expected_marks(course.sample_class(n)))) for n in course.assignment_names()]
    if grade_each(course, work, workers, trusted=True):
        ctx.exit(1)
