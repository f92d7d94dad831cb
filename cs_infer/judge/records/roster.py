"""Rosters: the CSV files in which Canvas and Moodle name the students of a course."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path

from cs_infer.judge.course import CourseError

_COLUMN_ID = re.compile(r" \([0-9]+\)$")

Row = dict[str, str]


def read_roster(path: Path) -> list[Row]:
    """The rows of a roster, whatever its separator."""
    text = path.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    rows = csv.DictReader(io.StringIO(text), delimiter=separator, restkey="")
    return [{k: v or "" for k, v in row.items() if k} for row in rows]


def people(
    roster: list[Row] | None, students: list[str], columns: Iterable[str], ids: tuple[str, ...]
) -> list[tuple[Row, str]]:
    """The rows of a roster, each with the student it belongs to.

    Args:
        roster: the rows, or None to make some up from the students' ids.
        students: the ids that the gradebook knows.
        columns: the layout's columns.
        ids: those that may hold an id, the first of which must be there. One
            of them is used, that which knows most students: a person may
            carry in one column what is another's id in the next.

    Returns:
        (row, student), with "" for a row that is nobody's in the gradebook.

    Raises:
        CourseError: the column of ids is missing, or names somebody twice.
    """
    if roster is None:
        names = [c for c in columns if c in (*ids, "Student", "Full name")]
        return [(dict.fromkeys(names, student), student) for student in students]
    if not roster or ids[0] not in roster[0]:
        found = ", ".join(roster[0]) if roster else "no row"
        raise CourseError(f"the roster must have a column {ids[0]!r}; it has: {found}")
    rows = [row for row in roster if row[ids[0]].strip()]  # not Canvas's rows of remarks
    known = {c: _known(rows, c, students) for c in ids if c in roster[0]}
    column = max(known, key=lambda c: len(set(known[c])))
    twice = next((who for who in known[column] if who and known[column].count(who) > 1), None)
    if twice:
        raise CourseError(f"the roster must name each student once; {column!r} has {twice} twice")
    return list(zip(rows, known[column], strict=True))


def _known(rows: list[Row], column: str, students: list[str]) -> list[str]:
    """The student of each row by one column, "" for none."""
    found = (_identity(row[column]) for row in rows)
    return [who if who in students else "" for who in found]


def _identity(text: str) -> str:
    """An id as a submission's folder has it; Moodle writes "Participant 12" for 12."""
    return text.strip().removeprefix("Participant ")


def column_of(roster: list[Row], name: str, title: str) -> str:
    """The assignment's column in the roster, which ends in Canvas's number for it."""
    known = {_COLUMN_ID.sub("", head).casefold(): head for head in (roster[0] if roster else ())}
    return known.get(title.casefold(), known.get(name.casefold(), title))
