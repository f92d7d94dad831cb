"""Writing the class report of an assignment: ``report.html`` and ``report.json``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from urllib.parse import quote

import nbformat

from cs_infer.judge.class_run import ClassRun, class_so_far
from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.files import write_json, write_whole
from cs_infer.judge.reports.class_report import class_report
from cs_infer.judge.reports.report_page import report_page
from cs_infer.judge.reports.similarity import own_code, similar_pairs
from cs_infer.judge.template import read_release


def write_report(course: Course, name: str) -> Path:
    """Write the report of everybody graded so far.

    Args:
        course: the course.
        name: the assignment.

    Returns:
        The page; ``report.json`` beside it has the same figures.

    Raises:
        CourseError: nobody is graded.
    """
    run = class_so_far(course, name, ClassRun())
    if not run.verdicts:
        raise CourseError(f"no grades of {name}; run: cs-infer grade {name}")
    texts = _texts(course, name, list(run.verdicts))
    pairs = similar_pairs(texts, _released(course, name))
    verdicts = [verdict for _, verdict in sorted(run.verdicts.items())]
    report = class_report(course.assignment(name), verdicts, run.ungraded, pairs)
    folder = course.grading(name)
    write_json(folder / "report.json", asdict(report))
    write_whole(folder / "report.html", report_page(report, texts, _pages(course, name)))
    return folder / "report.html"


def _texts(course: Course, name: str, students: list[str]) -> dict[str, str]:
    """The code of those whose work nbgrader has."""
    found = {student: course.autograded / student / name / f"{name}.ipynb" for student in students}
    return {
        student: own_code(nbformat.read(path, as_version=4))
        for student, path in found.items()
        if path.is_file()
    }


def _released(course: Course, name: str) -> str:
    cells = read_release(course.release(name)).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "code")


def _pages(course: Course, name: str) -> dict[str, str]:
    """The addresses of the feedback pages there are, seen from the report."""
    return {
        path.parents[1].name: "../../" + quote(str(path.relative_to(course.build)))
        for path in course.feedback.glob(f"*/{name}/{name}.html")
    }
