"""Rebuilding a submission from the release.

The released notebook is the template. From what the student sent, only text
is taken: that of solution cells and of written answers, found by their id, and
of code cells the student added. Metadata, outputs, points, locked cells and
the order of cells come from the release. A file that cannot be read gives the
template as it was released, with a note that says why.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from cs_infer.judge.files import hash_of
from cs_infer.judge.words import MOST_WORDS, harmless

_MOST_CELL = 200_000
_MOST_ADDED = 100
_ADDED = "added-"
ABOUT_THE_FILE = "about-the-file"  # the id of a cell that is put in after grading


@dataclass
class Rebuilt:
    """A submission on the release's terms.

    Attributes:
        notebook: the rebuilt notebook, without outputs.
        notes: what was unusual, for the report.
    """

    notebook: NotebookNode
    notes: list[str] = field(default_factory=list)


def read_release(path: Path) -> NotebookNode:
    """The released notebook."""
    return nbformat.read(path, as_version=4)


@dataclass(frozen=True)
class _Sent:
    """One cell of what a student sent: its id, if it has one, its text, whether it is code."""

    grade_id: str | None
    text: str
    code: bool


def is_written(cell: NotebookNode) -> bool:
    """Whether a cell holds an answer in words, which a person grades."""
    nbgrader = cell.metadata.get("nbgrader", {})
    graded = nbgrader.get("grade", False) and nbgrader.get("solution", False)
    return bool(graded) and cell.cell_type == "markdown"


def is_added(cell: NotebookNode) -> bool:
    """Whether a cell of a rebuilt notebook is one the student added."""
    return cell.id.startswith(_ADDED)


def submission_hash(notebook: NotebookNode) -> str:
    """The hash of a rebuilt notebook, as verdicts name it."""
    return hash_of(cell.source for cell in notebook.cells if cell.id != ABOUT_THE_FILE)


def rebuild(template: NotebookNode, submission: bytes | None) -> Rebuilt:
    """Put the student's code into the released notebook.

    Args:
        template: the released notebook.
        submission: the bytes of the file the student sent, or None.

    Returns:
        The rebuilt notebook and notes.
    """
    result = Rebuilt(copy.deepcopy(template))
    cells = [] if submission is None else _read_cells(submission, result.notes)
    answers = _answer_cells(result.notebook)
    known = {g for c in result.notebook.cells if (g := grade_id_of(c))}
    chosen = _choose(answers, cells, result.notes)
    for grade_id, text in chosen.items():
        answers[grade_id].source = text
    released = {c.source.strip() for c in template.cells}
    added = _added_after(cells, known, released | {t.strip() for t in chosen.values()})
    result.notebook.cells = list(_woven(result.notebook.cells, added))
    return result


def _read_cells(data: bytes, notes: list[str]) -> list[_Sent]:
    """Every cell, read as leniently as is safe."""
    if not data.strip():
        notes.append("the file is empty")
        return []
    try:
        notebook = json.loads(_decode(data, notes))
        sheets = notebook.get("worksheets") or [notebook]
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        found = [_sent(cell) for cell in cells if isinstance(cell, dict)]
        notes += [] if found else ["the notebook has no cells"]
        return found
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        notes.append(f"the file is not a notebook ({type(error).__name__})")
        return []


def _sent(cell: dict[str, Any]) -> _Sent:
    code = cell.get("cell_type") == "code"
    cell_id = None if code else cell.get("id")  # Markdown that lost its metadata keeps this one
    return _Sent(
        grade_id_of(cell) or (cell_id if isinstance(cell_id, str) else None), _text(cell), code
    )


def _decode(data: bytes, notes: list[str]) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        notes.append("the file is in UTF-16, which was read as such")
        return data.decode("utf-16")
    return data.decode("utf-8-sig")


def grade_id_of(cell: Any) -> str | None:
    """The id that nbgrader knows a cell by, if it has one; the cell may be anybody's."""
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return grade_id if isinstance(grade_id, str) else None


def _text(cell: dict[str, Any]) -> str:
    text = cell.get("source", cell.get("input", ""))
    text = "".join(map(str, text)) if isinstance(text, list) else str(text)
    return text.replace("\x00", "")[:_MOST_CELL].encode("utf-8", "replace").decode()


def _answer_cells(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """The cells that a student answers in, by id: functions and words."""
    return {
        c.metadata.nbgrader.grade_id: c
        for c in notebook.cells
        if c.metadata.get("nbgrader", {}).get("solution")
        and (c.cell_type == "code" or is_written(c))
    }


def _choose(
    answers: dict[str, NotebookNode], cells: list[_Sent], notes: list[str]
) -> dict[str, str]:
    chosen = {}
    for grade_id, released in answers.items():
        words = is_written(released)
        texts = [c.text for c in cells if c.grade_id == grade_id and (c.code or words)]
        what = f"written answer {grade_id}" if words else f"solution cell {grade_id}"
        if not texts and cells:
            texts = [] if words else _defining(grade_id, answers, cells)
            notes.append(
                f"{what}: " + ("taken from the cell that defines it" if texts else "missing")
            )
        if len(texts) > 1:
            notes.append(f"{what} appears {len(texts)} times; first answer kept")
        answered = [text for text in texts if text.strip() != released.source.strip()]
        if texts:
            chosen[grade_id] = (answered or texts)[0]
        if words and len(chosen.get(grade_id, "")) > MOST_WORDS:
            notes.append(f"{what} is cut: it may have {MOST_WORDS:,} characters")
        if words and answered:
            chosen[grade_id] = harmless(chosen[grade_id])
    return chosen


def _defining(name: str, answers: dict[str, NotebookNode], cells: list[_Sent]) -> list[str]:
    """The first cell without an id of its own that defines this function."""
    defines = re.compile(rf"^def {re.escape(name)}\s*\(", re.MULTILINE)
    free = (c.text for c in cells if c.code and c.grade_id not in answers)
    return [text for text in free if defines.search(text)][:1]


def _added_after(
    cells: list[_Sent], known: set[str], used: set[str]
) -> dict[str | None, list[str]]:
    """The student's own code cells, by the id of the known cell they follow."""
    added: dict[str | None, list[str]] = {}
    last, count = None, 0
    for cell in cells:
        text = cell.text.strip()
        if cell.grade_id in known:
            last = cell.grade_id
        elif cell.code and text and text not in used and count < _MOST_ADDED:
            added.setdefault(last, []).append(cell.text)
            count += 1
    return added


def _woven(cells: list[NotebookNode], added: dict[str | None, list[str]]) -> Iterator[NotebookNode]:
    number = 0
    first_known = next((i for i, c in enumerate(cells) if grade_id_of(c)), 0)
    for position, cell in enumerate(cells):
        yield cell
        grade_id = grade_id_of(cell)
        texts = added.get(grade_id, []) if grade_id else []
        texts = added.get(None, []) + texts if position == first_known else texts
        for text in texts:
            number += 1
            extra = nbformat.v4.new_code_cell(text)
            extra.id = f"{_ADDED}{number:02d}"
            yield extra
