"""Commands that say what grading found: feedback, report, explain."""

from __future__ import annotations

import click

from cs_infer.cli.console import progress, say, step
from cs_infer.cli.options import assignment_argument, names, students_option
from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.words import printable


@click.command()
@assignment_argument
@students_option
@click.option("--book", "address", help="The book's web address, for links to its sections.")
@click.pass_obj
def feedback(
    course: Course, assignment: str | None, students: tuple[str, ...], address: str | None = None
) -> None:
    """Write a feedback page for every graded submission.

    The pages link into the book where _config.yml names its address as
    html: baseurl:, or --book does.
    """
    from cs_infer.judge.reports.book_links import Book
    from cs_infer.judge.reports.feedback import write_pages

    book = Book.of(course, address)
    found = [
        (name, sorted(p.parent.name for p in course.autograded.glob(f"*/{name}")))
        for name in names(course, assignment)
    ]
    missing = sorted(set(students).difference(*(graded for _, graded in found)))
    if missing or not any(graded for _, graded in found):
        of = f" of {assignment}" if assignment else ""
        whose = f" for {', '.join(missing)}" if missing else ""
        again = f"cs-infer grade {assignment or ''}".strip()
        raise CourseError(f"no grades{of}{whose}; run: {again}")
    for name, graded in found:
        asked = [s for s in graded if not students or s in students]
        if asked:
            write_pages(course, name, asked, book, progress("feedback"))
    say(course.feedback, course)


@click.command()
@assignment_argument
@click.pass_obj
def report(course: Course, assignment: str | None) -> None:
    """Write a report of the class: scores, properties, misconceptions, similar pairs."""
    from cs_infer.judge import ledger
    from cs_infer.judge.reports.report import write_report

    graded = [n for n in names(course, assignment) if assignment or ledger.students(course, n)]
    if not graded:
        raise CourseError("no grades; run: cs-infer grade")
    for name in graded:
        with step(f"report {name}"):
            path = write_report(course, name)
        say(path, course)


@click.command()
@click.argument("student")
@click.argument("assignment")
@click.pass_obj
def explain(course: Course, student: str, assignment: str) -> None:
    """Print how a verdict came about: hashes, limits, each point, what nbgrader has."""
    from cs_infer.judge.reports.audit import audit

    names(course, assignment)
    for line in audit(course, assignment, student):
        click.echo(printable(line))
