"""The rows of nbgrader's gradebook that grading writes, those of a class read at once.

They are the rows that nbgrader's ``Autograde`` and ``SaveAutoGrades`` write.
Those look every cell up again, with a query of its own, in a gradebook opened
anew; that takes most of the time of ``nbgrader autograde``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nbformat import NotebookNode
from nbgrader.api import (
    Comment,
    Grade,
    Gradebook,
    MissingEntry,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution, is_task

from cs_infer.judge.course import CourseError
from cs_infer.judge.records.recorded import submissions


class Rows:
    """An assignment's rows in an open gradebook.

    Args:
        gradebook: nbgrader's gradebook.
        name: the assignment, which is also its notebook's name.

    Raises:
        CourseError: the assignment is not in the gradebook.
    """

    def __init__(self, gradebook: Gradebook, name: str) -> None:
        self._gradebook = gradebook
        gradebook.db().expire_on_commit = False  # else each commit reads the class again
        try:
            self._notebook = gradebook.find_notebook(name, name)
        except MissingEntry:
            again = f"run: cs-infer release {name}"
            raise CourseError(f"{name} is not in the gradebook; {again}") from None
        self._grades = [*self._notebook.grade_cells, *self._notebook.task_cells]
        self._comments = [*self._notebook.solution_cells, *self._notebook.task_cells]
        self._students = {student.id for student in gradebook.students}
        self._submissions = {s.student_id: s for s in submissions(gradebook, name)}

    def auto_scores(self, student: str) -> dict[str, float | None]:
        """The automatic points that are recorded, by grade id."""
        notebook = self._find(student)
        return {g.name: g.auto_score for g in notebook.grades} if notebook else {}

    def timestamp(self, student: str) -> datetime | None:
        """When the recorded submission was handed in."""
        submission = self._submissions.get(student)
        return submission.timestamp if submission else None

    def write(self, student: str, notebook: NotebookNode, timestamp: datetime | None) -> None:
        """Record a graded notebook; what a person has given stays.

        Args:
            student: the student's id.
            notebook: with the scores in the outputs of its graded cells.
            timestamp: when it was handed in, in UTC; None leaves what is recorded.
        """
        rows = self._find(student) or self._add(student)
        if timestamp is not None:
            self._submissions[student].timestamp = timestamp
        cells = {
            c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata
        }
        grades = {grade.cell_id: grade for grade in rows.grades}
        for cell in self._grades:
            _save_score(grades[cell.id], cells[cell.name])
        comments = {comment.cell_id: comment for comment in rows.comments}
        for cell in self._comments:
            comments[cell.id].auto_comment = _comment_on(cells[cell.name])

    def take_back(self, student: str) -> None:
        """Drop a submission's automatic points; without a person's work in it, all of it."""
        submission = self._submissions.get(student)
        if submission is None:
            return
        grades = [g for n in submission.notebooks for g in n.grades]
        comments = [c for n in submission.notebooks for c in n.comments]
        by_hand = [g.manual_score is not None or g.extra_credit for g in grades]
        by_hand += [c.manual_comment for c in comments]
        if any(by_hand) or submission.extension is not None:
            for grade in grades:
                grade.auto_score, grade.needs_manual_grade = None, True
        else:
            for row in (*grades, *comments, *submission.notebooks, submission):
                self._gradebook.db.delete(row)
            del self._submissions[student]

    def commit(self) -> None:
        """Make what was written last; until then nothing is."""
        self._gradebook.db.commit()

    def _find(self, student: str) -> SubmittedNotebook | None:
        submission = self._submissions.get(student)
        notebooks = submission.notebooks if submission else []
        return next((n for n in notebooks if n.notebook_id == self._notebook.id), None)

    def _add(self, student: str) -> SubmittedNotebook:
        if student not in self._students:
            self._gradebook.db.add(Student(id=student))  # nbgrader's add_student would commit
            self._students.add(student)
        submission = SubmittedAssignment(
            assignment_id=self._notebook.assignment_id, student_id=student
        )
        rows = SubmittedNotebook(notebook_id=self._notebook.id, assignment=submission)
        rows.grades = [Grade(cell_id=cell.id, cell=cell) for cell in self._grades]
        rows.comments = [Comment(cell_id=cell.id, cell=cell) for cell in self._comments]
        self._gradebook.db.add(submission)
        self._submissions[student] = submission
        return rows


def _save_score(grade: Any, cell: NotebookNode) -> None:
    """As ``SaveAutoGrades`` does: a person's score stands, and is looked at again."""
    grade.auto_score, _ = determine_grade(cell) if is_grade(cell) else (None, 0.0)
    grade.needs_manual_grade = grade.manual_score is not None or grade.auto_score is None


def _comment_on(cell: NotebookNode) -> str | None:
    untouched = cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
    return "No response." if untouched and is_solution(cell) and not is_task(cell) else None
