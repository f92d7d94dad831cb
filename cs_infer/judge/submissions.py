"""What was handed in: whose it is, where it lies, what is taken of it."""

from __future__ import annotations

import re
from pathlib import Path

from nbformat import NotebookNode

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.records.ledger import Ungraded
from cs_infer.judge.template import Rebuilt, find_submission, rebuild

_STUDENT = re.compile(r"(?!\.{1,2}$)(?![ =+@-])[^/\[\]*?{}\\,\"\n\r\t]{1,100}(?<! )")
_MOST_BYTES = 200  # files named after the student have 255, with a few letters around the name


def submission_folders(
    course: Course, name: str, students: list[str] | None = None
) -> dict[str, Path]:
    """The submissions of an assignment, by student, in alphabetical order.

    Raises:
        CourseError: there is no submission, or a named student has none.
    """
    if not course.release(name).is_file():
        raise CourseError(f"no release at {course.release(name)}; run: cs-infer release {name}")
    if not course.submitted.is_dir():
        raise CourseError(f"submissions lie in {course.submitted}; there is no such folder")
    found = {p.parent.name: p for p in sorted(course.submitted.glob(f"*/{name}")) if p.is_dir()}
    missing = sorted(set(students or ()) - found.keys())
    if missing:
        raise CourseError(f"no submission of {name} by {', '.join(missing)} in {course.submitted}")
    if not found:
        raise CourseError(f"no submissions of {name} in {course.submitted}/<student>/{name}/")
    return {s: p for s, p in found.items() if students is None or s in students}


def taken(name: str, student: str, folder: Path, template: NotebookNode) -> Rebuilt | Ungraded:
    """The submission on the release's terms, or why it cannot be graded.

    Args:
        name: the assignment.
        student: the student's id.
        folder: where the submission lies.
        template: the released notebook.
    """
    refusal = _refusal(student, folder)
    if refusal:
        return Ungraded(student, name, refusal, "not accepted")
    try:
        data, notes = find_submission(folder, name)
        rebuilt = rebuild(template, data)
    except Exception as error:  # one odd submission must not stop the class
        return Ungraded(student, name, f"it could not be read: {error!r}", "not readable")
    rebuilt.notes[:0] = notes
    return rebuilt


def _refusal(student: str, folder: Path) -> str | None:
    if folder.is_symlink() or folder.parent.is_symlink():
        return "the folder is a symbolic link, which might lead to another's work"
    if is_student_id(student):
        return None
    return (
        "the folder's name must be a student's id: at most 100 characters and 200 bytes, none of "
        '/[]*?{}\\," in it, no space at an end, none of =+-@ in front; rename the folder'
    )


def is_student_id(text: str) -> bool:
    """Whether a name can be a student's: sayable, no formula, no pattern, no path."""
    sayable = _STUDENT.fullmatch(text) and text.isprintable()
    return bool(sayable) and len(text.encode()) <= _MOST_BYTES
