"""Whether a notebook and the checks are of the same assignment, with the same points."""

from __future__ import annotations

import re

from nbformat import NotebookNode

from cs_infer.judge.course import CourseError
from cs_infer.judge.problem import Assignment, check_id
from cs_infer.judge.template import grade_id_of, is_written


def demand_agreement(notebook: NotebookNode, assignment: Assignment) -> None:
    """See to it that a notebook asks what the checks judge, for the same points.

    Args:
        notebook: with nbgrader's metadata, before or after its release.
        assignment: the checks.

    Raises:
        CourseError: a problem or a question is in one only, or points differ.
    """
    cells = {g: cell for cell in notebook.cells if (g := grade_id_of(cell))}
    _agree_on_words(cells, assignment)
    for problem in assignment.problems:
        solution, checks = cells.get(problem.name), cells.get(check_id(problem.name))
        if solution is None or checks is None:
            raise CourseError(
                f"{assignment.name}.py must have a solution cell and a check cell for "
                f"{problem.name}; one is missing"
            )
        if not re.search(rf"^def {problem.name}\(", solution.source, re.MULTILINE):
            raise CourseError(f"the solution cell {problem.name} must define {problem.name}")
        points = _points(checks)
        if points != problem.points:
            raise CourseError(
                f"points of {problem.name} must agree; the notebook says {points:g}, "
                f"the properties in checks.py add up to {problem.points:g}"
            )


def _agree_on_words(cells: dict[str, NotebookNode], assignment: Assignment) -> None:
    asked = {question.name: question.points for question in assignment.written}
    there = {name: _points(cell) for name, cell in cells.items() if is_written(cell)}
    if asked != there:
        raise CourseError(
            f"written questions of {assignment.name} must agree, with their points; "
            f"the notebook has {there or 'none'}, checks.py has {asked or 'none'}"
        )


def _points(cell: NotebookNode) -> float:
    return cell.metadata["nbgrader"]["points"]
