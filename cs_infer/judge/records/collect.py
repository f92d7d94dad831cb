"""Submissions out of the archive that a learning management system gives.

Nothing is unpacked: a file is read, and written to a place that depends on
the student's id and on nothing else of its name. Every file of the archive is
accounted for: collected, or passed over for a reason.
"""

from __future__ import annotations

import lzma
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from nbgrader.utils import parse_utc

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.files import write_whole
from cs_infer.judge.records.archive import Entry, canonical, entries_of
from cs_infer.judge.submissions import MOST_NOTEBOOK

_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError),
    *(NotImplementedError, RuntimeError),
)


def collect(
    course: Course, name: str, path: Path, pattern: str | None = None, times: bool = False
) -> list[Entry]:
    """Put the notebooks of an archive where the grader looks for them.

    Args:
        course: the course.
        name: the assignment.
        path: the zip file.
        pattern: a key of :data:`cs_infer.judge.records.archive.PATTERNS`, or a
            regular expression with the groups ``student_id`` and ``file_id``,
            and perhaps ``timestamp``; by default the key that fits most files.
        times: the times in the archive are those of handing in. Where they
            are not, they only tell which of several files is the latest.

    Returns:
        What became of each file.

    Raises:
        CourseError: the archive is none, too large, or that of another
            assignment; nothing is collected.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = entries_of(archive, pattern, times)
            _pass_over_others(entries, name, course.assignment_names())
            _keep_one_for_each_student(entries, name)
            for entry in entries:
                if entry.reason is None:
                    entry.reason = _take(course, name, archive, entry)
    except zipfile.BadZipFile as error:
        raise CourseError(f"{path} must be a zip archive; {error}") from None
    return entries


def _pass_over_others(entries: list[Entry], name: str, assignments: Iterable[str]) -> None:
    """Give a reason to what is called like another assignment: a wrong zip is soon chosen.

    Raises:
        CourseError: that is most of the archive.
    """
    found: Counter[str] = Counter()
    for entry in entries:
        other = next((a for a in assignments if a != name and _is_expected(entry, a)), None)
        if entry.reason is None and other:
            entry.reason = f"it is named as a notebook of {other}"
            found[other] += 1
    if found.total() > sum(entry.reason is None for entry in entries):
        most = found.most_common(1)[0][0]
        raise CourseError(f"the archive must be one of {name}; most of it is named as {most}.ipynb")


def _keep_one_for_each_student(entries: Iterable[Entry], name: str) -> None:
    """Give a reason to all but the latest file of each student."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.reason is None:
            groups.setdefault(canonical(entry.student), []).append(entry)
    for group in groups.values():
        people = {(entry.student, entry.who) for entry in group}
        latest = max(group, key=lambda e: (_is_expected(e, name), e.time or e.packed, e.name))
        for entry in group:
            if len(people) > 1:
                entry.reason = "two people have this id, but for case or accents"
            elif entry is not latest:
                entry.reason = f"the student has another file: {latest.name}"


def _is_expected(entry: Entry, name: str) -> bool:
    """Whether a file is called like the assignment; systems number those sent again."""
    return re.fullmatch(rf"{re.escape(name)}(-[0-9]+)?\.ipynb", entry.file, re.I) is not None


def _take(course: Course, name: str, archive: zipfile.ZipFile, entry: Entry) -> str | None:
    """Write a submission; or say why not."""
    folder = course.submitted / entry.student / name
    target, stamp = folder / f"{name}.ipynb", folder / "timestamp.txt"
    if any(path.is_symlink() for path in (folder.parent, folder, target, stamp)):
        return f"{folder} must be no link, and hold none"
    if entry.time and entry.time < _time_in(stamp):
        return "the submission that is there is later"
    try:
        with archive.open(entry.info) as file:
            data = file.read(MOST_NOTEBOOK + 1)
    except _BROKEN as error:
        return f"it cannot be read: {error}"
    known = target.is_file()
    changed = write_whole(target, data)
    if entry.time:
        write_whole(stamp, f"{entry.time.isoformat(' ')}\n")
    elif changed:
        stamp.unlink(missing_ok=True)  # it was the time of the file that is replaced
    entry.outcome = ("replaced" if known else "new") if changed else "unchanged"
    return None


def _time_in(stamp: Path) -> datetime:
    try:
        return parse_utc(stamp.read_text().strip())
    except (OSError, ValueError, OverflowError):
        return datetime.min
