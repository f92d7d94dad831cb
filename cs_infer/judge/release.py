"""From the one text source of an assignment to the notebook students get.

The source is a Python file in the percent format. Four short keys say what a
cell is, and are expanded here into nbgrader's metadata:

``# %% given="setup"``
    a cell that students get as it is;
``# %% solution="name"``
    the cell where students write the function ``name``; what stands between
    ``### BEGIN SOLUTION`` and ``### END SOLUTION`` is taken out;
``# %% check="name" points=25``
    the visible check of ``name``, which carries its points;
``# %% [markdown] written="name" points=10``
    the cell where students answer a question in words, which a person grades;
    what the source says there is a model answer, and is taken out.

Nothing in the result depends on when or where it was made, so that a rebuild
gives the same bytes.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from cs_infer.judge.agreement import demand_agreement
from cs_infer.judge.course import Course
from cs_infer.judge.files import write_whole
from cs_infer.judge.problem import Assignment, check_id
from cs_infer.judge.records.converters import generate_assignment

_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
_KEYS = ("given", "solution", "check", "written")


def source_notebook(text: str, assignment: Assignment) -> NotebookNode:
    """Expand the text source into the notebook nbgrader starts from.

    Args:
        text: the source, in the percent format.
        assignment: its checks.

    Returns:
        A notebook with nbgrader's metadata and stable cell ids.

    Raises:
        CourseError: source and checks do not agree on problems or points.
    """
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata = {"kernelspec": dict(_KERNEL)}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        key = next((k for k in _KEYS if k in cell.metadata), None)
        grade_id = _grade_id(key, cell.metadata[key]) if key else None
        points = cell.metadata.get("points")
        cell.metadata = {}
        if key:
            cell.metadata["nbgrader"] = _nbgrader(key, grade_id, points, cell.cell_type)
        cell.id = grade_id or f"text-{number:02d}"
    demand_agreement(notebook, assignment)
    return notebook


def release(course: Course, name: str) -> Path:
    """Generate the student's notebook of an assignment, through nbgrader.

    Args:
        course: the course.
        name: the assignment.

    Returns:
        The released notebook, beside which lie the checks for practice.

    Raises:
        CourseError: source and checks do not agree, or nbgrader failed.
    """
    assignment = course.assignment(name)
    notebook = source_notebook(course.source(name).read_text(encoding="utf-8"), assignment)
    folder = course.nbgrader_source(name)
    write_whole(folder / f"{name}.ipynb", nbformat.writes(notebook) + "\n")
    write_whole(folder / "checks.py", course.checks(name).read_bytes())
    made = generate_assignment(course, name)
    target = course.release(name)
    write_whole(target.with_name("checks.py"), (made / "checks.py").read_bytes())
    write_whole(target, _plain(made / f"{name}.ipynb"))
    shutil.rmtree(made)
    return target


def _plain(path: Path) -> str:
    """The released notebook as text that depends on its cells alone."""
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata = {"kernelspec": dict(_KERNEL)}
    return nbformat.writes(notebook) + "\n"


def _grade_id(key: str, name: str) -> str:
    return check_id(name) if key == "check" else name


def _nbgrader(key: str, grade_id: str | None, points: Any, cell_type: str) -> dict[str, Any]:
    graded, answered = key in ("check", "written"), key in ("solution", "written")
    metadata = {
        "grade": graded,
        "grade_id": grade_id,
        "locked": not answered,
        "schema_version": 3,
        "solution": answered,
        "task": False,
        "cell_type": cell_type,
    }
    return metadata | ({"points": float(points or 0)} if graded else {})
