"""Commands that talk to a learning management system: due dates, collect, export."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from cs_infer.cli.console import say
from cs_infer.cli.options import assignment_argument, names
from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.words import printable

_MOST_NAMES = 8
_readable = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("assignment")
@click.argument("date", required=False)
@click.option("--student", help="For this student only: an extension.")
@click.pass_obj
def due(course: Course, assignment: str, date: str | None, student: str | None) -> None:
    """Say when an assignment is due: 2026-10-31, "2026-10-31 18:00 +0200", or none.

    Times are UTC where none is named. Without DATE the command shows the date.
    What lateness costs is said in nbgrader_config.py.
    """
    from cs_infer.judge.records import late
    from cs_infer.judge.records.recorded import gradebook_of

    names(course, assignment)
    with gradebook_of(course) as gradebook:
        if date is not None:
            when = None if date == "none" else late.read_date(date)
            if student is None:
                late.set_due_date(gradebook, assignment, when)
            else:
                late.extend(gradebook, assignment, student, when)
            changed = late.settle(course, gradebook, assignment)
            click.echo(f"{changed} late penalties changed")
        found = late.due_date(gradebook, assignment, student)
    told = f"is due {found:%Y-%m-%d %H:%M} UTC" if found else "has no due date"
    click.echo(f"{assignment} {told}" + (f" for {student}" if student else ""))


@click.command()
@assignment_argument
@click.option(
    "--layout",
    type=click.Choice(["nbgrader", "canvas", "moodle"]),
    default="nbgrader",
    show_default=True,
    help="Whose columns.",
)
@click.option("--roster", type=_readable, help="The CSV file that Canvas or Moodle gave.")
@click.option("--to", "target", type=click.Path(path_type=Path), help="The CSV file to write.")
@click.pass_obj
def export(
    course: Course,
    assignment: str | None = None,
    layout: str = "nbgrader",
    roster: Path | None = None,
    target: Path | None = None,
) -> None:
    """Export the gradebook as CSV, for nbgrader, Canvas or Moodle.

    What has no grade yet is left empty, or left out for nbgrader; it is
    never a zero.
    """
    from cs_infer.judge.files import write_whole
    from cs_infer.judge.records import lms

    if roster is not None and layout == "nbgrader":
        raise CourseError("a roster is Canvas's or Moodle's; say --layout canvas or moodle")
    made = lms.export(course, layout, names(course, assignment) if assignment else (), roster)
    name = "gradebook" if layout == "nbgrader" else layout
    path = target or course.build / "grading" / (assignment or "") / f"{name}.csv"
    write_whole(path, made.text)
    say(path, course)
    for what, found in (
        ("without a grade", made.unfinished),
        ("with points by hand from before the last grading", made.again),
    ):
        _list(what, [f"{student} ({name})" for name, student in found])
    _list("not in the roster", made.unknown)
    _list("not a column of the roster, so a new assignment for Canvas", made.new_columns)


@click.command()
@click.argument("assignment")
@click.argument("archive", type=_readable)
@click.option(
    "--pattern",
    help="canvas, moodle, or a regular expression with the groups student_id and file_id; "
    "canvas or moodle by default, whichever fits.",
)
@click.option("--times", is_flag=True, help="The archive's times are those of handing in.")
@click.pass_obj
def collect(
    course: Course, assignment: str, archive: Path, pattern: str | None, times: bool
) -> None:
    """Collect the notebooks in the zip archive that Canvas or Moodle gives.

    Each file is collected, or named with the reason why not.
    """
    from cs_infer.judge.files import alone
    from cs_infer.judge.records.collect import collect as take

    names(course, assignment)
    with alone(course.lock, "this course is being graded"):
        entries = take(course, assignment, archive, pattern, times)
    for entry in entries:
        if entry.reason:
            click.echo(printable(f"not collected: {entry.name}: {entry.reason}"), err=True)
    counts = Counter(entry.outcome for entry in entries if entry.outcome)
    if not counts:
        raise CourseError(f"nothing in {archive} could be collected")
    told = ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items()))
    click.echo(f"collected {sum(counts.values())} of {len(entries)} files: {told}")
    late = [str(entry.student) for entry in entries if entry.outcome and entry.late]
    _list("marked as late, by an unknown time", late)
    say(course.submitted, course)


def _list(what: str, entries: list[str]) -> None:
    if entries:
        more = f" and {len(entries) - _MOST_NAMES} more" if len(entries) > _MOST_NAMES else ""
        shown = ", ".join(map(printable, entries[:_MOST_NAMES]))
        click.echo(f"{what}, {len(entries)}: {shown}{more}", err=True)
