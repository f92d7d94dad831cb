"""What the files of a zip archive are, as far as their names and sizes tell.

Nothing of a file is read here. A name is read by nbgrader's own plug-in.
"""

from __future__ import annotations

import logging
import re
import stat
import unicodedata
import zipfile
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from nbgrader.plugins import FileNameCollectorPlugin
from nbgrader.utils import parse_utc

from cs_infer.judge.course import CourseError
from cs_infer.judge.submissions import MOST_NOTEBOOK, is_student_id

PATTERNS = {
    "canvas": r"(?P<who>[^_/]*)(?P<late>_LATE)?_(?P<student_id>[0-9]+)_[0-9]+_(?P<file_id>.+)",
    "moodle": r"(?P<who>[^_/]*)_(?P<student_id>[0-9]+)_assignsubmission_file(_/?|/)(?P<file_id>.+)",
}
"""How file names begin; what a student chose stands behind the id, or has no "_" in it."""

_MOST_FILES = 20_000
_MOST_TOTAL = 4 * 2**30
_MOST_RATIO = 200  # notebooks shrink to a twentieth, zip bombs to a thousandth


@dataclass
class Entry:
    """A file of the archive, and what became of it.

    Attributes:
        name: its name in the archive.
        info: what the archive says of it.
        packed: the time in the archive.
        student: whose it is, if the name says so.
        who: the student's name, if the file's name has it.
        file: what the student called it.
        late: whether the system marked it as late.
        time: when it was handed in, if that is known.
        reason: why it is passed over, or None.
        outcome: ``"new"``, ``"replaced"`` or ``"unchanged"``, if it was collected.
    """

    name: str
    info: zipfile.ZipInfo
    packed: datetime = datetime.min
    student: str = ""
    who: str = ""
    file: str = ""
    late: bool = False
    time: datetime | None = None
    reason: str | None = None
    outcome: str | None = None


def entries_of(archive: zipfile.ZipFile, pattern: str | None, times: bool) -> list[Entry]:
    """The files of an archive, some of them with a reason to pass them over.

    Args:
        archive: the archive, open.
        pattern: see :func:`cs_infer.judge.records.collect.collect`.
        times: the times in the archive are those of handing in.

    Raises:
        CourseError: the archive is too large, or the pattern is none.
    """
    infos = [info for info in archive.infolist() if not info.is_dir()]
    _demand_a_sane_size(archive, infos)
    plugin = _plugin(pattern, [info.filename for info in infos])
    names = Counter(canonical(info.filename) for info in infos)
    entries = [Entry(info.filename, info, reason=_fault(info)) for info in infos]
    for entry in entries:
        if entry.reason is None and names[canonical(entry.name)] > 1:
            entry.reason = "two files have this name, but for case or accents"
        if entry.reason is None:
            entry.reason = _read_name(entry, plugin, times)
    return entries


def canonical(text: str) -> str:
    """What is the same for names that may be mistaken for one another."""
    return unicodedata.normalize("NFKC", text).casefold()


def _demand_a_sane_size(archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo]) -> None:
    total = sum(info.file_size for info in infos)
    if len(infos) > _MOST_FILES or total > _MOST_TOTAL:
        raise CourseError(
            f"an archive has at most {_MOST_FILES} files of {_MOST_TOTAL >> 30} GB together; "
            f"{Path(str(archive.filename)).name} has {len(infos)} of {total / 2**30:.1f} GB"
        )


def _plugin(pattern: str | None, names: list[str]) -> FileNameCollectorPlugin:
    """nbgrader's plug-in that reads file names."""
    if pattern is None:
        fits = {k: sum(bool(re.match(p, n)) for n in names) for k, p in PATTERNS.items()}
        pattern = max(fits, key=lambda k: fits[k])
    expression = PATTERNS.get(pattern, pattern)
    try:
        groups = re.compile(expression).groupindex
    except re.error as error:
        raise CourseError(f"{expression!r} must be a regular expression; {error}") from None
    if not {"student_id", "file_id"} <= groups.keys():
        raise CourseError(f"the pattern must have the groups student_id and file_id: {expression}")
    plugin = FileNameCollectorPlugin(named_regexp=expression, valid_ext=[".ipynb", ".IPYNB"])
    plugin.log = logging.getLogger("cs_infer.collect")
    plugin.log.setLevel(logging.ERROR)
    return plugin


def _fault(info: zipfile.ZipInfo) -> str | None:
    path = PurePosixPath(info.filename)
    mode = info.external_attr >> 16
    if info.orig_filename != info.filename or path.is_absolute() or ".." in path.parts:
        return "its name leads elsewhere"
    if "\\" in info.filename or not info.filename.isprintable():
        return "its name has characters that names do not have"
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "it is a link or a device, no file"
    if info.file_size > MOST_NOTEBOOK:
        return (
            f"a notebook has at most {MOST_NOTEBOOK >> 20} MB; this has {info.file_size >> 20} MB"
        )
    if info.file_size > 2**20 and info.file_size > _MOST_RATIO * info.compress_size:
        return "it is compressed as no notebook is"
    return None


def _read_name(entry: Entry, plugin: FileNameCollectorPlugin, times: bool) -> str | None:
    """Whose an entry is, and of when; or why that is not known."""
    found = plugin.collect(entry.name)
    if found is None:
        notebook = entry.name.lower().endswith(".ipynb")
        return "its name has another form" if notebook else "its name does not end in .ipynb"
    entry.student, entry.file = found["student_id"], PurePosixPath(found["file_id"]).name
    entry.late, entry.who = bool(found.get("late")), found.get("who") or ""
    try:
        entry.packed = datetime(*entry.info.date_time)
        entry.time = parse_utc(found.get("timestamp")) or (entry.packed if times else None)
    except (ValueError, OverflowError) as error:
        return f"its time cannot be read: {error}"
    return None if is_student_id(entry.student) else "its name does not say a student's id"
