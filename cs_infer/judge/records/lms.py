"""Grades in the columns that nbgrader, Canvas and Moodle import.

Work that nobody handed in, that could not be graded, or that still waits for
a person's points has no grade: its cell stays empty, and is never a zero.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from nbgrader.api import Gradebook

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.records import late
from cs_infer.judge.records.recorded import Recorded, gradebook_of, recorded_class
from cs_infer.judge.records.roster import Row, column_of, people, read_roster
from cs_infer.judge.words import inert

_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
_CANVAS_IDS = ("ID", "SIS User ID", "SIS Login ID")
_MOODLE = (
    "Identifier",
    "Full name",
    "ID number",
    "Email address",
    "Grade",
    "Maximum Grade",
    "Feedback comments",
)
_MOODLE_IDS = ("Identifier", "ID number", "Username", "Email address")
_POINTS_ROW = "    Points Possible"  # as Canvas writes it

Grades = Mapping[str, Mapping[str, Recorded]]


@dataclass
class Export:
    """What an export came to.

    Attributes:
        text: the CSV file.
        unfinished: (assignment, student) whose cell is empty, as something has no points yet.
        again: (assignment, student) with points by hand that are older than the last grading.
        unknown: students in the gradebook who are not in the roster.
        new_columns: those that the roster does not have; the system would take
            each for an assignment that is new.
    """

    text: str
    unfinished: list[tuple[str, str]] = field(default_factory=list)
    again: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    new_columns: list[str] = field(default_factory=list)


def export(
    course: Course, layout: str, names: Iterable[str] = (), roster: Path | None = None
) -> Export:
    """The gradebook in the layout of a learning management system.

    Args:
        course: the course.
        layout: ``"nbgrader"``, ``"canvas"`` or ``"moodle"``.
        names: the assignments; all that somebody handed in by default.
        roster: the CSV file that Canvas's gradebook or Moodle's grading
            worksheet gives; without one the student's id fills the columns of ids.

    Raises:
        CourseError: there is no gradebook, or the roster is not of that kind.
    """
    with gradebook_of(course) as gradebook:
        every = [a.name for a in gradebook.assignments]
        for name in names or every:
            late.settle(course, gradebook, name)
        grades = {name: recorded_class(gradebook, name) for name in names or every}
        grades = {name: found for name, found in grades.items() if found or names}
        rows = read_roster(roster) if roster else None
        if layout == "nbgrader":
            made = _nbgrader(gradebook, grades)
        elif layout == "canvas":
            made = _canvas(course, grades, rows)
        else:
            made = _moodle(course, grades, rows)
    made.unfinished = [
        (name, s) for name, found in grades.items() for s, r in found.items() if r.score is None
    ]
    made.again = [
        (name, s)
        for name, found in grades.items()
        for s, r in found.items()
        if r.score is not None and r.waiting
    ]
    return made


def _nbgrader(gradebook: Gradebook, grades: Grades) -> Export:
    """The columns of nbgrader's own export, which has zeros for what is missing."""
    students = {s.id: s for s in gradebook.students}
    rows = [
        {
            "assignment": name,
            "duedate": _text(gradebook.find_assignment(name).duedate),
            "timestamp": _text(one.timestamp),
            "student_id": student,
            "last_name": _text(students[student].last_name),
            "first_name": _text(students[student].first_name),
            "email": _text(students[student].email),
            "raw_score": str(one.raw),
            "late_submission_penalty": str(one.penalty),
            "score": str(one.score),
            "max_score": str(one.most),
        }
        for name, found in grades.items()
        for student, one in found.items()
        if one.score is not None
    ]
    columns = "assignment duedate timestamp student_id last_name first_name email raw_score "
    columns += "late_submission_penalty score max_score"
    return Export(_csv(columns.split(), rows))


def _canvas(course: Course, grades: Grades, roster: list[Row] | None) -> Export:
    titles = {name: course.assignment(name).title for name in grades}
    heads = {name: column_of(roster or [], name, title) for name, title in titles.items()}
    points = {heads[name]: _number(course.assignment(name).points) for name in grades}
    rows: list[Row] = [{"Student": _POINTS_ROW} | points]
    students = _students(grades)
    listed = people(roster, students, _CANVAS, _CANVAS_IDS)
    for row, student in listed:
        scores = {heads[name]: _score(found.get(student)) for name, found in grades.items()}
        rows.append({column: row.get(column) or "" for column in _CANVAS} | scores)
    unknown = sorted(set(students) - {student for _, student in listed})
    new = [head for head in heads.values() if roster and head not in roster[0]]
    return Export(_csv([*_CANVAS, *heads.values()], rows), unknown=unknown, new_columns=new)


def _moodle(course: Course, grades: Grades, roster: list[Row] | None) -> Export:
    if len(grades) != 1:
        raise CourseError("Moodle's worksheet is that of one assignment; name the assignment")
    ((name, found),) = grades.items()
    most = _number(course.assignment(name).points)
    listed = people(roster, list(found), _MOODLE, _MOODLE_IDS)
    columns = list(roster[0]) if roster else list(_MOODLE)
    rows = []
    for row, student in listed:
        one = found.get(student)
        told = {"Grade": _score(one), "Feedback comments": _comments(one)} if one else {}
        rows.append({"Maximum Grade": most} | row | {k: v for k, v in told.items() if k in columns})
    unknown = sorted(set(found) - {student for _, student in listed})
    return Export(_csv(columns, rows), unknown=unknown)


def _students(grades: Grades) -> list[str]:
    return sorted({student for found in grades.values() for student in found})


def _score(one: Recorded | None) -> str:
    return "" if one is None or one.score is None else _number(one.score)


def _comments(one: Recorded) -> str:
    late_note = [f"Handed in late: {_number(one.penalty)} points off."] if one.penalty else []
    return "<br>".join(escape(c) for c in [*one.comments.values(), *late_note])


def _number(points: float) -> str:
    return f"{round(points, 2):g}"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _csv(columns: Iterable[str], rows: Iterable[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: inert(v) for k, v in row.items()} for row in rows)
    return out.getvalue()
