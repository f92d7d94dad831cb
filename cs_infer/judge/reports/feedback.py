"""Feedback pages, where nbgrader looks for them, of the work its gradebook holds.

``cs-infer feedback``, ``nbgrader generate_feedback`` and formgrader's button
write the same page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import Exporter
from nbformat import NotebookNode

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.files import read_plain, write_whole
from cs_infer.judge.ledger import kept_verdict
from cs_infer.judge.problem import Assignment
from cs_infer.judge.records.late import settle
from cs_infer.judge.records.recorded import Recorded, gradebook_of, recorded, recorded_class
from cs_infer.judge.reports.book_links import Book
from cs_infer.judge.reports.feedback_page import Submission, feedback_page
from cs_infer.judge.template import submission_hash

# nbgrader's exchange needs these beside the page to hand it to the right student.
_FOR_THE_EXCHANGE = ("timestamp.txt", "submission_secret.txt")
_MOST_BYTES = 1000


def write_pages(
    course: Course,
    name: str,
    students: Iterable[str],
    book: Book,
    progress: Callable[[str, int, int], None] = lambda student, done, total: None,
) -> int:
    """Write the feedback pages of the students given.

    Args:
        course: the course.
        name: the assignment.
        students: whose; each must have been graded.
        book: where the pages link to.
        progress: called with (student, done, total) after each.

    Returns:
        How many pages changed.

    Raises:
        CourseError: what is recorded of a student is not what was graded. The
            pages of the others are written.
    """
    students, changed, faults = list(students), 0, []
    assignment = course.assignment(name)
    with gradebook_of(course) as gradebook:
        settle(course, gradebook, name)
        kept = recorded_class(gradebook, name)
    for done, student in enumerate(students, start=1):
        folder = course.feedback / student / name
        graded = course.autograded / student / name / f"{name}.ipynb"
        try:
            notebook = nbformat.read(graded, as_version=4)
            text = _page(course, assignment, student, notebook, kept.get(student), book)
        except ValueError as fault:  # the others get their pages all the same
            faults.append(fault)
            continue
        changed += write_whole(folder / f"{name}.html", text)
        _copy_for_the_exchange(course.submitted / student / name, folder)
        progress(student, done, len(students))
    if faults:
        raise faults[0]
    return changed


class FeedbackExporter(Exporter):
    """The same page, for nbgrader's own ``generate_feedback``."""

    file_extension = ".html"

    def from_notebook_node(
        self, nb: NotebookNode, resources: Any = None, **kwargs: Any
    ) -> tuple[str, Any]:
        """The feedback page of the notebook that nbgrader is at."""
        course, names = Course.find(), resources["nbgrader"]
        assignment, book = course.assignment(names["assignment"]), Book.of(course)
        with gradebook_of(course) as gradebook:
            settle(course, gradebook, assignment.name)
            kept = recorded(gradebook, assignment.name, names["student"])
        text = _page(course, assignment, names["student"], nb, kept, book)
        resources["output_extension"] = self.file_extension
        return text, resources


def _page(
    course: Course,
    assignment: Assignment,
    student: str,
    notebook: NotebookNode,
    kept: Recorded | None,
    book: Book,
) -> str:
    name = assignment.name
    verdict = kept_verdict(course, name, student, None)
    if verdict is None or kept is None:
        raise CourseError(f"no grades of {name} for {student}; run: cs-infer grade {name}")
    if submission_hash(notebook) != verdict.provenance.get("submission"):
        raise CourseError(
            f"what is recorded of {student} in {name} must be what was graded; "
            f"it is another submission; run: cs-infer grade {name}"
        )
    return feedback_page(Submission(assignment, verdict, notebook, kept, book))


def _copy_for_the_exchange(submitted: Path, folder: Path) -> None:
    for file in _FOR_THE_EXCHANGE:
        try:
            data, _ = read_plain(submitted / file, _MOST_BYTES)
        except OSError:  # there is none, or it is a link, which might lead to another student's
            continue
        write_whole(folder / file, data)
