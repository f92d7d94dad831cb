"""Arguments and options that several commands take, and what they come to."""

from __future__ import annotations

import os

import click

from cs_infer.judge.course import Course, CourseError

assignment_argument = click.argument("assignment", required=False)
students_option = click.option(
    "--student", "students", multiple=True, help="Only this student; may be repeated."
)
problems_option = click.option(
    "--problem",
    "problems",
    multiple=True,
    help="Judge only this problem anew, the rest of the verdict stands; may be repeated.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1),
    default=lambda: max(1, (os.cpu_count() or 1)),
    show_default="number of processors",
    help="How many submissions to grade at once.",
)
trust_option = click.option(
    "--trust-submissions",
    "trusted",
    is_flag=True,
    help="Grade without a sandbox. Only for submissions you have written yourself.",
)


def require_sandbox(trusted: bool) -> None:
    """Refuse to go on where student code cannot be run in a sandbox."""
    from cs_infer.judge.sandbox import sandbox_works

    works, why = sandbox_works()
    if not works and not trusted:
        raise CourseError(
            f"no sandbox: {why}. Student code runs in a sandbox only; install bubblewrap, name an "
            "image for docker or podman in CS_INFER_IMAGE, or say --trust-submissions if you have "
            "written every submission yourself"
        )


def names(course: Course, assignment: str | None) -> list[str]:
    """The assignment named, or all of them."""
    if assignment is None:
        return course.assignment_names()
    course.assignment(assignment)
    return [assignment]
