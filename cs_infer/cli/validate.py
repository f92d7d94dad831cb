"""The command for students: the whole grading of one's own notebook."""

from __future__ import annotations

from pathlib import Path

import click

from cs_infer.cli.options import require_sandbox, trust_option
from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.words import printable


@click.command()
@click.argument("notebook", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@trust_option
@click.pass_obj
def validate(folder: Path | None, notebook: Path, trusted: bool) -> None:
    """Run the whole grading of one notebook, on fresh inputs.

    Needs no course: the assignment's folder, with its checks.py, will do.
    """
    from cs_infer.judge.card import as_text
    from cs_infer.judge.grader import Grader
    from cs_infer.judge.own_work import own_work
    from cs_infer.judge.sandbox import SandboxError

    require_sandbox(trusted)
    work = own_work(notebook, _course_around(folder, notebook))
    assignment, rebuilt = work.assignment(), work.rebuilt()
    try:
        verdict = Grader(work, assignment.name, trusted).grade("yourself", rebuilt)
    except SandboxError as error:
        raise CourseError(f"the sandbox failed, through no fault of yours: {error}") from error
    for note in verdict.notes:
        click.echo(f"note: {printable(note)}")
    for result in verdict.problems:
        report = as_text(result, result.title)
        click.echo("\n".join(map(printable, report.splitlines())) + "\n")
    for question in assignment.written:
        click.echo(f"{question.title}\n{question.points:g} points, which a person gives\n")
    click.echo(f"{verdict.earned:g} of {assignment.automatic_points:g} points")


def _course_around(folder: Path | None, notebook: Path) -> Course | None:
    """The course named, or around this place, or around the notebook."""
    if folder is not None:
        return Course.find(folder)
    for start in (Path.cwd(), notebook.parent):
        try:
            return Course.find(start)
        except CourseError:
            continue
    return None
