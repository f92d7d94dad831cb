"""nbgrader's gradebook, filled from verdicts: the rows and files of ``nbgrader autograde``.

nbgrader starts its converter for each student, opens the gradebook nine times
and checks the notebook's format eight times. Here a class is one session: the
release is checked once, and the notebooks rebuilt from it need no check.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

import nbformat
from nbgrader.preprocessors import CheckCellMetadata, OverwriteCells, OverwriteKernelspec
from nbgrader.utils import parse_utc

from cs_infer.judge.class_run import ClassRun
from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.files import hash_of, read_plain, write_whole
from cs_infer.judge.ledger import Verdict
from cs_infer.judge.problem import check_id
from cs_infer.judge.records import late
from cs_infer.judge.records.autograde import attach
from cs_infer.judge.records.recorded import gradebook_of
from cs_infer.judge.records.rows import Rows
from cs_infer.judge.template import Rebuilt, read_release

_BATCH = 20  # submissions a transaction
_MOST_BYTES = 200  # of a timestamp


def record(
    course: Course, name: str, run: ClassRun, progress: Callable[[str, int, int], None]
) -> int:
    """Record the verdicts of a class.

    One process writes. A student whose verdict is recorded already is passed
    over; late penalties are brought up to date for everybody.

    Args:
        course: the course.
        name: the assignment.
        run: the verdicts.
        progress: called with (student, done, total) after each.

    Returns:
        How many were recorded now.

    Raises:
        CourseError: the gradebook cannot be written, or has another release.
    """
    with gradebook_of(course) as gradebook:
        rows = Rows(gradebook, name)
        verdicts = sorted(run.verdicts.items())
        todo = [s for s, verdict in verdicts if not _is_recorded(course, rows, verdict)]
        if todo:
            _demand_the_same_release(course, name)
        for start in range(0, len(todo), _BATCH):
            batch = todo[start : start + _BATCH]
            for done, student in enumerate(batch, start=start + 1):
                _record_one(course, rows, run.verdicts[student], run.rebuilt[student])
                progress(student, done, len(todo))
            rows.commit()
            for student in batch:
                _write_receipt(course, run.verdicts[student])
        late.settle(course, gradebook, name)
    return len(todo)


def forget(course: Course, name: str, students: Iterable[str]) -> None:
    """Take back the grades of students who left, or whose work could not be graded.

    What a person has given stays in the gradebook.
    """
    students = list(students)
    if not students or not course.gradebook.is_file():
        return
    for student in students:
        for part in (course.autograded, course.feedback):
            shutil.rmtree(part / student / name, ignore_errors=True)
        _receipt(course, name, student).unlink(missing_ok=True)
    with gradebook_of(course) as gradebook:
        rows = Rows(gradebook, name)
        for student in students:
            rows.take_back(student)
        rows.commit()


def _record_one(course: Course, rows: Rows, verdict: Verdict, rebuilt: Rebuilt) -> None:
    name, student = verdict.assignment, verdict.student
    notebook = copy.deepcopy(rebuilt.notebook)
    attach(notebook, verdict)
    folder = course.autograded / student / name
    timestamp = _timestamp(course, name, student)
    for path in _given_files(course, name):
        write_whole(folder / path.relative_to(course.nbgrader_source(name)), path.read_bytes())
    if timestamp:
        write_whole(folder / "timestamp.txt", timestamp[0])
    write_whole(folder / f"{name}.ipynb", nbformat.v4.writes_json(notebook) + "\n")
    rows.write(student, notebook, timestamp[1] if timestamp else None)


def _is_recorded(course: Course, rows: Rows, verdict: Verdict) -> bool:
    """Whether gradebook and files hold this verdict; a gradebook may have been put back."""
    name, student = verdict.assignment, verdict.student
    receipt, timestamp = _receipt(course, name, student), _timestamp(course, name, student)
    scores = rows.auto_scores(student)
    return (
        receipt.is_file()
        and receipt.read_text().strip() == _mark(verdict)
        and all(scores.get(check_id(p.name)) == p.earned for p in verdict.problems)
        and (timestamp is None or timestamp[1] == rows.timestamp(student))
        and (course.autograded / student / name / f"{name}.ipynb").is_file()
    )


def _demand_the_same_release(course: Course, name: str) -> None:
    """nbgrader repairs each submission from the gradebook; ours come from the release."""
    template = read_release(course.release(name))
    database = f"sqlite:///{course.gradebook}"
    resources = {"nbgrader": {"notebook": name, "assignment": name, "db_url": database}}
    checked = copy.deepcopy(template)
    for step in (OverwriteKernelspec, OverwriteCells, CheckCellMetadata):
        checked, resources = step().preprocess(checked, resources)
    if checked != template:
        raise CourseError(
            f"the gradebook must have the release in {course.release(name)}; it has another. "
            f"Run: cs-infer release {name}"
        )


def _timestamp(course: Course, name: str, student: str) -> tuple[str, datetime] | None:
    """When the work was handed in, as written and in UTC, if the file says so."""
    path = course.submitted / student / name / "timestamp.txt"
    try:
        data, size = read_plain(path, _MOST_BYTES)
    except OSError:
        return None
    text = data.decode(errors="replace")
    dated = text.strip()[:4].isdecimal()  # no time of day, which would be read as today's
    if size > _MOST_BYTES or not dated:
        return None
    try:
        return text, parse_utc(text.strip())
    except (ValueError, OverflowError, TypeError):
        return None


def _given_files(course: Course, name: str) -> list[Path]:
    """What nbgrader puts beside a notebook: the other files of the assignment's source."""
    found = course.nbgrader_source(name).rglob("*")
    return [p for p in found if p.is_file() and p.suffix not in (".ipynb", ".pyc")]


def _receipt(course: Course, name: str, student: str) -> Path:
    """The file that says which verdict of a student the gradebook holds."""
    return course.build / "nbgrader" / "receipts" / student / f"{name}.txt"


def _write_receipt(course: Course, verdict: Verdict) -> None:
    receipt = _receipt(course, verdict.assignment, verdict.student)
    write_whole(receipt, _mark(verdict) + "\n")


def _mark(verdict: Verdict) -> str:
    """What tells a verdict from an earlier one with the same key."""
    found = {k: v for k, v in verdict.as_json().items() if k != "provenance"}
    return hash_of([verdict.provenance["key"], json.dumps(found, sort_keys=True)])
