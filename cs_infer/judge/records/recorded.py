"""What nbgrader has recorded of submissions: automatic and manual points, comments, penalties."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from nbgrader.api import (
    Assignment,
    Grade,
    Gradebook,
    MissingEntry,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import selectinload

from cs_infer.judge.course import Course, CourseError


@dataclass(frozen=True)
class Points:
    """The points of one cell.

    Attributes:
        automatic: what the check gave, or None.
        manual: what a person gave instead, or None.
        extra: extra credit.
        most: what the cell is worth.
        waiting: whether a person has still to look at it.
    """

    automatic: float | None
    manual: float | None
    extra: float
    most: float
    waiting: bool

    @property
    def given(self) -> float | None:
        """A person's word before the check's; None where neither has spoken."""
        return self.automatic if self.manual is None else self.manual

    @property
    def earned(self) -> float:
        """What counts so far."""
        return (self.given or 0.0) + self.extra


@dataclass(frozen=True)
class Recorded:
    """A submission in the gradebook.

    Attributes:
        cells: the points by grade id.
        comments: what a person wrote, by grade id of the answer.
        penalty: points taken off because it was late.
        timestamp: when it was handed in, in UTC, or None.
        due: when it was due for this student, in UTC, or None.
    """

    cells: dict[str, Points] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    penalty: float = 0.0
    timestamp: datetime | None = None
    due: datetime | None = None

    @property
    def raw(self) -> float:
        """Points before the penalty."""
        return sum(p.earned for p in self.cells.values())

    @property
    def total(self) -> float:
        """Points after the penalty, at least zero, as nbgrader exports them."""
        return max(0.0, self.raw - self.penalty)

    @property
    def score(self) -> float | None:
        """The total, or None while some cell has no points: a missing grade is not a zero."""
        return None if self.missing else self.total

    @property
    def most(self) -> float:
        """Points to be had."""
        return sum(p.most for p in self.cells.values())

    @property
    def missing(self) -> list[str]:
        """The cells that neither a check nor a person has given points."""
        return [name for name, points in self.cells.items() if points.given is None]

    @property
    def waiting(self) -> list[str]:
        """The answers that a person has still to look at."""
        return [name for name, points in self.cells.items() if points.waiting]


@contextmanager
def gradebook_of(course: Course) -> Iterator[Gradebook]:
    """nbgrader's gradebook of the course.

    What is written and not committed is not there afterwards.

    Raises:
        CourseError: there is none, or it cannot be read or written.
    """
    if not course.gradebook.is_file():
        raise CourseError(f"no gradebook at {course.gradebook}; run: cs-infer release")
    try:
        with Gradebook(f"sqlite:///{course.gradebook}") as gradebook:
            yield gradebook
    except DatabaseError as error:
        raise CourseError(f"the gradebook {course.gradebook}: {error.orig}") from None


def recorded(gradebook: Gradebook, name: str, student: str) -> Recorded | None:
    """What the gradebook has of a student's submission, or None."""
    try:
        return _read(gradebook.find_submission(name, student))
    except MissingEntry:
        return None


def recorded_class(gradebook: Gradebook, name: str) -> dict[str, Recorded]:
    """What the gradebook has of an assignment, by student."""
    return {s.student_id: _read(s) for s in submissions(gradebook, name)}


def submissions(gradebook: Gradebook, name: str) -> list[SubmittedAssignment]:
    """nbgrader's rows of an assignment's submissions, all read at once, by student."""
    notebooks = selectinload(SubmittedAssignment.notebooks)
    return (
        gradebook.db.query(SubmittedAssignment)
        .join(Assignment)
        .filter(Assignment.name == name)
        .order_by(SubmittedAssignment.student_id)
        .options(
            selectinload(SubmittedAssignment.assignment),
            notebooks.selectinload(SubmittedNotebook.grades).selectinload(Grade.cell),
            notebooks.selectinload(SubmittedNotebook.comments),
        )
        .all()
    )


def _read(submission: SubmittedAssignment) -> Recorded:
    notebooks = submission.notebooks
    return Recorded(
        cells={grade.name: _points(grade) for n in notebooks for grade in n.grades},
        comments={
            c.name: c.manual_comment for n in notebooks for c in n.comments if c.manual_comment
        },
        penalty=sum(n.late_submission_penalty or 0.0 for n in notebooks),
        timestamp=submission.timestamp,
        due=due(submission),
    )


def due(submission: SubmittedAssignment) -> datetime | None:
    """When a submission is due, with the student's extension; nbgrader's fails without a date."""
    return submission.duedate if submission.assignment.duedate else None


def _points(grade: Grade) -> Points:
    return Points(
        automatic=grade.auto_score,
        manual=grade.manual_score,
        extra=grade.extra_credit or 0.0,
        most=grade.cell.max_score,
        waiting=grade.needs_manual_grade,
    )
