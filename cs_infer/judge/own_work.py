"""A student's own notebook, graded before the deadline.

Inside a course the release and the checks are the course's. A student who has
the assignment's folder alone has both all the same: the checks lie beside the
notebook, and the notebook carries the released cells, each under its id and
with nbgrader's checksum of what it was. So the notebook is rebuilt from its
own released cells, and a locked cell that was changed is named.
"""

from __future__ import annotations

import copy
import hashlib
import secrets
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.problem import Assignment, load_assignment
from cs_infer.judge.template import Rebuilt, read_release, rebuild


@dataclass(frozen=True)
class OwnWork(Course):
    """One notebook and its checks, as a course of one assignment.

    Attributes:
        notebook: the student's notebook.
        checks_file: the checks of the assignment.
        release_file: the release, or the notebook itself where there is none.
        inputs_from: what the inputs are drawn from, new every time.
    """

    notebook: Path
    checks_file: Path
    release_file: Path
    inputs_from: str = field(default_factory=lambda: secrets.token_hex(32))

    def assignment_names(self) -> list[str]:
        """The one assignment."""
        return [load_assignment(self.checks_file).name]

    def assignment(self, name: str = "") -> Assignment:
        """The one assignment."""
        return load_assignment(self.checks_file)

    def checks(self, name: str) -> Path:
        """Its checks."""
        return self.checks_file

    def release(self, name: str) -> Path:
        """Its release."""
        return self.release_file

    def secret(self) -> str:
        """What the inputs are drawn from."""
        return self.inputs_from

    def rebuilt(self) -> Rebuilt:
        """The notebook as the grader would take it.

        Raises:
            CourseError: it cannot be read as a notebook.
        """
        assignment, own = self.assignment(), _read(self.notebook)
        alone = self.release_file == self.notebook
        template = _released_cells(own, assignment) if alone else read_release(self.release_file)
        rebuilt = rebuild(template, self.notebook.read_bytes())
        uses = "the grader uses the original" + ("; yours was run here" if alone else "")
        rebuilt.notes += [f"locked cell {cell} was changed: {uses}" for cell in _changed(own)]
        if self.notebook.name != f"{assignment.name}.ipynb":
            rebuilt.notes.append(f"hand it in under the name {assignment.name}.ipynb")
        return rebuilt


def own_work(notebook: Path, course: Course | None = None) -> OwnWork:
    """Find what a notebook is graded with.

    Checks beside a notebook inside a course are never used: a student may have
    handed them in.

    Args:
        notebook: the student's notebook.
        course: the course, if there is one.

    Returns:
        The notebook with its checks and its release.

    Raises:
        CourseError: the course has no such assignment, or there are no checks.
    """
    path = notebook.resolve()
    if course is not None:
        known = course.assignment_names()
        name = next((n for n in (path.stem, path.parent.name) if n in known), path.stem)
        course.assignment(name)  # says which there are, if there is none of this name
        release = course.release(name).resolve()
        return OwnWork(
            course.root, path, course.checks(name), release if release.is_file() else path
        )
    checks = path.with_name("checks.py")
    if not checks.is_file():
        raise CourseError(
            f"the assignment's checks.py must lie beside the notebook; {path.parent} has none"
        )
    return OwnWork(path.parent, path, checks, path)


def _read(path: Path) -> NotebookNode:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an old format; what counts is read all the same
            return nbformat.reads(path.read_bytes().decode("utf-8-sig"), as_version=4)
    except Exception as error:  # a damaged file fails in many ways
        raise CourseError(f"{path.name} cannot be read as a notebook: {error!r:.200}") from None


def _released_cells(notebook: NotebookNode, assignment: Assignment) -> NotebookNode:
    """The released cells a notebook still has, and a place for every answer."""
    problems = [p.name for p in assignment.problems]
    copies: dict[str, list[NotebookNode]] = {}
    for cell in _graded_cells(notebook):
        name, is_answer = _nbgrader(cell)["grade_id"], _nbgrader(cell).get("solution")
        if name in problems or not (is_answer and cell.cell_type == "code"):
            copies.setdefault(name, []).append(cell)
    for name in problems:
        copies.setdefault(name, [])
    template = nbformat.v4.new_notebook()
    template.cells = [_released_cell(name, found) for name, found in copies.items()]
    return template


def _released_cell(name: str, copies: list[NotebookNode]) -> NotebookNode:
    """One cell as it was released, as far as its copies show; an answer is not part of it."""
    if not copies:
        cell = nbformat.v4.new_code_cell()
        cell.metadata["nbgrader"] = {"grade_id": name, "grade": False, "solution": True}
    else:
        released = next(filter(_is_as_released, copies), None)
        cell = copy.deepcopy(released or copies[0])
        if released is None and _nbgrader(cell).get("solution"):
            cell.source = ""
    cell.id = name
    return cell


def _changed(notebook: NotebookNode) -> list[str]:
    """The locked cells that are not as they were released."""
    locked = [c for c in _graded_cells(notebook) if not _nbgrader(c).get("solution")]
    return [_nbgrader(c)["grade_id"][:60] for c in locked if not _is_as_released(c)]


def _graded_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [c for c in notebook.cells if isinstance(_nbgrader(c).get("grade_id"), str)]


def _nbgrader(cell: NotebookNode) -> dict[str, Any]:
    found = cell.metadata.get("nbgrader")
    return found if isinstance(found, dict) else {}


def _is_as_released(cell: NotebookNode) -> bool:
    """Whether nbgrader's checksum, made when the cell was released, still fits."""
    known = _nbgrader(cell)
    solution, graded = bool(known.get("solution")), bool(known.get("grade"))
    locked = not solution and (graded or bool(known.get("locked")))
    parts = [cell.source, cell.cell_type, str(graded), str(solution), str(locked)]
    parts.append(known["grade_id"])
    if graded:
        points = known.get("points")  # editors save 25.0 as 25
        parts.append(str(float(points) if isinstance(points, int) else points))
    digest = hashlib.md5("".join(parts).encode(), usedforsecurity=False).hexdigest()
    return digest == known.get("checksum")
