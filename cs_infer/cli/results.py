"""Commands that hand results out: feedback, export."""

from __future__ import annotations

from pathlib import Path

import click

from cs_infer.cli.console import progress, say
from cs_infer.cli.options import assignment_argument, names, students_option
from cs_infer.judge.course import Course, CourseError


@click.command()
@assignment_argument
@students_option
@click.pass_obj
def feedback(course: Course, assignment: str | None, students: tuple[str, ...]) -> None:
    """Write a feedback page for every graded submission."""
    from cs_infer.judge.records import gradebook

    pages = course.build / "nbgrader" / "autograded"
    found = [
        (name, sorted(p.parent.name for p in pages.glob(f"*/{name}")))
        for name in names(course, assignment)
    ]
    of = f" of {assignment}" if assignment else ""
    missing = sorted(set(students).difference(*(graded for _, graded in found)))
    if missing or not any(graded for _, graded in found):
        who = ", ".join(missing) or "nobody"
        again = f"cs-infer grade {assignment or ''}".strip()
        raise CourseError(f"no grades{of} for {who}; run: {again}")
    for name, graded in found:
        asked = [s for s in graded if not students or s in students]
        if asked:
            gradebook.feedback(course, name, asked, progress("feedback"))
    say(course.build / "nbgrader" / "feedback", course)


@click.command()
@click.option("--to", "target", type=click.Path(path_type=Path), help="The CSV file to write.")
@click.pass_obj
def export(course: Course, target: Path | None) -> None:
    """Export nbgrader's gradebook as CSV."""
    from cs_infer.judge.records import gradebook

    say(gradebook.export(course, target or course.build / "grading" / "gradebook.csv"), course)
