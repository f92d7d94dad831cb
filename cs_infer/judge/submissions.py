"""What was handed in: whose it is, where it lies, what is taken of it."""

from __future__ import annotations

import re
from pathlib import Path

from nbformat import NotebookNode

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.files import read_plain
from cs_infer.judge.ledger import Ungraded
from cs_infer.judge.template import Rebuilt, read_release, rebuild
from cs_infer.judge.words import printable

_STUDENT = re.compile(r"(?!\.{1,2}$)(?![ =+@-])[^/\[\]*?{}\\,\"\n\r\t]{1,100}(?<! )")
MOST_NOTEBOOK = 20 * 2**20  # bytes
_MOST_ID = 200  # bytes; files named after the student have 255, with a few letters around the name


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


def find_submission(folder: Path, name: str) -> tuple[bytes | None, list[str]]:
    """The bytes of the notebook a student sent, and notes on how it was found.

    Args:
        folder: the student's folder for this assignment.
        name: the assignment, and so the expected name of the notebook.

    Returns:
        The bytes, None if there is no notebook to grade, and notes.
    """
    expected = folder / f"{name}.ipynb"
    notebooks = _notebooks(folder, "*") or _notebooks(folder, "*/*")
    chosen, notes = expected, []
    if expected not in notebooks:
        if len(notebooks) != 1:
            found = _listed(notebooks) or f"no notebook{_instead(folder)}"
            return None, [f"expected {expected.name}; found {found}"]
        chosen = notebooks[0]
        notes.append(f"expected {expected.name}; graded {_shown(chosen)}, the only notebook")
    elif len(notebooks) > 1:
        others = _listed([p for p in notebooks if p != expected])
        notes.append(f"graded {expected.name}; not looked at: {others}")
    data, size = read_plain(chosen, MOST_NOTEBOOK)  # another may have taken its place
    if size > MOST_NOTEBOOK:
        size_mb = size / 2**20
        return None, [
            f"a notebook has at most {MOST_NOTEBOOK >> 20} MB; this one has {size_mb:.0f} MB"
        ]
    return data, notes


def _notebooks(folder: Path, pattern: str) -> list[Path]:
    """The notebooks there; a Mac's ``._x.ipynb`` is none, and links might lead elsewhere."""
    return [
        p
        for p in sorted(folder.glob(pattern))
        if p.suffix.lower() == ".ipynb"
        and not p.relative_to(folder).as_posix().startswith(".")
        and not p.name.startswith(".")
        and p.is_file()
        and p.resolve() == folder.resolve() / p.relative_to(folder)
    ]


def _instead(folder: Path) -> str:
    """What there is where no notebook is, such as an archive; a link's name says nothing."""
    files = [p for p in sorted(folder.glob("*")) if p.is_file() and not p.is_symlink()]
    sent = _listed([p for p in files if p.name != "timestamp.txt"])
    return f", but {sent}" if sent else ""


def _listed(paths: list[Path]) -> str:
    return ", ".join(map(_shown, paths[:5]))


def _shown(path: Path) -> str:
    """A file's name on one line; names may hold anything, even what is no text."""
    return printable(path.name[:100])


def without_verdict(course: Course, name: str, student: str) -> Ungraded:
    """Why a submission has no verdict, as far as the file tells; or that it was not its turn."""
    folder = course.submitted / student / name
    found = taken(name, student, folder, read_release(course.release(name)))
    if isinstance(found, Ungraded):
        return found
    return Ungraded(student, name, f"run: cs-infer grade {name}", "not graded yet")


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
    return bool(sayable) and len(text.encode()) <= _MOST_ID
