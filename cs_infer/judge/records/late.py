"""Late work: when an assignment is due, and what lateness costs.

The due date, a student's extension and the time of a submission are
nbgrader's, in UTC. What lateness costs is said by a plug-in of nbgrader's
kind, named in ``nbgrader_config.py``; :class:`PerDay` is one.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.plugins import BasePlugin, LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import Float, TraitError, validate
from traitlets.config import PyFileConfigLoader

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.records.recorded import due, submissions

_DAY = 86400


class PerDay(LateSubmissionPlugin):
    """A share of the score for each day that has begun since the due date."""

    share = Float(0.1, help="The share of the score that a day costs.").tag(config=True)
    grace_hours = Float(0.0, help="Hours for which nothing is taken off.").tag(config=True)
    most = Float(1.0, help="The largest share that is taken off.").tag(config=True)

    @validate("share", "most")
    def _a_share(self, proposal: dict) -> float:
        if not 0 <= proposal["value"] <= 1:
            name = proposal["trait"].name
            raise TraitError(f"PerDay.{name} must lie between 0 and 1; it is {proposal['value']}")
        return proposal["value"]

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """What is taken off a score.

        Args:
            student_id: not used; everybody is treated alike.
            score: the points before the penalty.
            total_seconds_late: time since the due date, the student's extension included.

        Returns:
            Points to take off, or None within the hours of grace.
        """
        if total_seconds_late <= self.grace_hours * 3600:
            return None
        days = math.ceil(total_seconds_late / _DAY)
        return score * min(self.most, self.share * days)


def penalty_plugin(course: Course) -> BasePlugin:
    """The plug-in that ``nbgrader_config.py`` names, with its settings."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    preprocessor = AssignLatePenalties(config=config)
    preprocessor.init_plugin()
    return preprocessor.plugin_inst


def settle(course: Course, gradebook: Gradebook, name: str) -> int:
    """Bring the late penalties of an assignment up to date, as nbgrader computes them.

    nbgrader does so when it grades; points that a person gives later, a new
    due date or an extension would leave the penalty as it was.

    Args:
        course: the course.
        gradebook: its gradebook.
        name: the assignment.

    Returns:
        How many penalties changed.
    """
    plugin = penalty_plugin(course)
    changed = sum(_settle_one(plugin, s) for s in submissions(gradebook, name))
    gradebook.db.commit()
    return changed


def _settle_one(plugin: BasePlugin, submission: SubmittedAssignment) -> bool:
    late, changed = seconds_late(submission), False
    for notebook in submission.notebooks:
        score = sum(_score(grade) for grade in notebook.grades)
        penalty = (
            plugin.late_submission_penalty(submission.student_id, score, late) if late else None
        )
        penalty = None if penalty is None else min(max(penalty, 0.0), score)
        if penalty != notebook.late_submission_penalty:
            notebook.late_submission_penalty, changed = penalty, True
    return changed


def _score(grade: object) -> float:
    """nbgrader's ``Grade.score``, without asking the database."""
    given = grade.auto_score if grade.manual_score is None else grade.manual_score
    return 0.0 if given is None else given + (grade.extra_credit or 0.0)


def seconds_late(submission: SubmittedAssignment) -> float:
    """How late a submission is, the student's extension included."""
    deadline = due(submission)
    if deadline is None or submission.timestamp is None:
        return 0.0
    return max(0.0, (submission.timestamp - deadline).total_seconds())


def read_date(text: str) -> datetime:
    """A date, in UTC; a day without a time means its last minute.

    Args:
        text: in ISO format, and perhaps a time zone: an offset or a name.

    Raises:
        CourseError: it is no date.
    """
    words = text.split()
    try:
        zone = ZoneInfo(words.pop()) if len(words) == 3 and words[2][0].isalpha() else UTC
        date = datetime.fromisoformat(" ".join(words[:2]) + "".join(words[2:]))
    except (ValueError, ZoneInfoNotFoundError):
        raise CourseError(
            f"a date is written 2026-10-31, or 2026-10-31 18:00 +0200; this is {text!r}"
        ) from None
    if len(words) == 1 and len(text.strip()) <= len("2026-10-31"):
        date += timedelta(hours=23, minutes=59)
    return date.replace(tzinfo=date.tzinfo or zone).astimezone(UTC).replace(tzinfo=None)


def due_date(gradebook: Gradebook, name: str, student: str | None = None) -> datetime | None:
    """When an assignment is due, in UTC: for everybody, or for a student with a submission."""
    if student is None:
        return _assignment(gradebook, name).duedate
    return due(_submission(gradebook, name, student))


def set_due_date(gradebook: Gradebook, name: str, date: datetime | None) -> None:
    """Say when an assignment is due, in UTC, or that it is not (None)."""
    _assignment(gradebook, name).duedate = date
    gradebook.db.commit()


def extend(gradebook: Gradebook, name: str, student: str, date: datetime | None) -> None:
    """Say when an assignment is due for one student, or that there is no extension (None).

    Raises:
        CourseError: there is no due date to extend, or no submission yet.
    """
    general = due_date(gradebook, name)
    if general is None:
        raise CourseError(f"{name} has no due date that could be extended")
    extension = None if date is None else date - general
    _submission(gradebook, name, student).extension = extension
    gradebook.db.commit()


def _submission(gradebook: Gradebook, name: str, student: str) -> SubmittedAssignment:
    try:
        return gradebook.find_submission(name, student)
    except MissingEntry:
        raise CourseError(f"no submission of {name} by {student} in the gradebook") from None


def _assignment(gradebook: Gradebook, name: str) -> object:
    try:
        return gradebook.find_assignment(name)
    except MissingEntry:
        raise CourseError(f"{name} is not in the gradebook; run: cs-infer release {name}") from None
