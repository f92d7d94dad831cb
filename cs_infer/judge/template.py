"""Rebuilding a submission from the release.

The released notebook is the template. From what the student sent, only the
text of code cells is taken: the text of solution cells, found by their id,
and cells the student added. Metadata, outputs, points, locked cells and the
order of cells come from the release. A file that cannot be read gives the
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

_MOST_BYTES = 20 * 2**20
_MOST_CELL = 200_000
_MOST_ADDED = 100
_ADDED = "added-"


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


def is_added(cell: NotebookNode) -> bool:
    """Whether a cell of a rebuilt notebook is one the student added."""
    return cell.id.startswith(_ADDED)


def find_submission(folder: Path, name: str) -> tuple[bytes, list[str]]:
    """The bytes of the notebook a student sent, and notes on how it was found.

    Args:
        folder: the student's folder for this assignment.
        name: the assignment, and so the expected name of the notebook.

    Returns:
        The bytes, empty if there is nothing to grade, and notes.
    """
    expected = folder / f"{name}.ipynb"
    notebooks = _notebooks(folder, "*") or _notebooks(folder, "*/*")
    chosen, notes = expected, []
    if expected not in notebooks:
        if len(notebooks) != 1:
            found = ", ".join(_shown(p) for p in notebooks[:5]) or "no notebook"
            return b"", [f"expected {expected.name}; found {found}"]
        chosen = notebooks[0]
        notes.append(f"expected {expected.name}; graded {_shown(chosen)}, the only notebook")
    if chosen.stat().st_size > _MOST_BYTES:
        size = chosen.stat().st_size / 2**20
        return b"", [f"a notebook has at most {_MOST_BYTES >> 20} MB; this one has {size:.0f} MB"]
    return chosen.read_bytes(), notes


def _notebooks(folder: Path, pattern: str) -> list[Path]:
    """The notebooks there; a Mac's ``._x.ipynb`` is none, and links might lead elsewhere."""
    return [
        p
        for p in sorted(folder.glob(pattern))
        if p.suffix.lower() == ".ipynb"
        and not p.relative_to(folder).as_posix().startswith(".")
        and not p.name.startswith(".")
        and p.is_file()
        and p.resolve() == folder.resolve() / p.relative_to(folder)
    ]


def _shown(path: Path) -> str:
    """A file's name on one line; names may hold anything, even what is no text."""
    return "".join(c if c.isprintable() else "?" for c in path.name[:100])


def rebuild(template: NotebookNode, submission: bytes) -> Rebuilt:
    """Put the student's code into the released notebook.

    Args:
        template: the released notebook.
        submission: the bytes of the file the student sent.

    Returns:
        The rebuilt notebook and notes.
    """
    result = Rebuilt(copy.deepcopy(template))
    cells = _read_cells(submission, result.notes)
    solutions = _solution_cells(result.notebook)
    known = {g for c in result.notebook.cells if (g := _grade_id(c))}
    chosen = _choose(solutions, cells, result.notes)
    for grade_id, text in chosen.items():
        solutions[grade_id].source = text
    released = {c.source.strip() for c in template.cells}
    added = _added_after(cells, known, released | {t.strip() for t in chosen.values()})
    result.notebook.cells = list(_woven(result.notebook.cells, added))
    return result


def _read_cells(data: bytes, notes: list[str]) -> list[tuple[str | None, str]]:
    """(grade id or None, text) of every code cell, read as leniently as is safe."""
    if not data.strip():
        notes.append("the file is empty")
        return []
    try:
        notebook = json.loads(_decode(data, notes))
        sheets = notebook.get("worksheets") or [notebook]
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        return [(_grade_id(c), _text(c)) for c in cells if _is_code(c)]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        notes.append(f"the file is not a notebook ({type(error).__name__})")
        return []


def _is_code(cell: Any) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") == "code"


def _decode(data: bytes, notes: list[str]) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        notes.append("the file is in UTF-16, which was read as such")
        return data.decode("utf-16")
    return data.decode("utf-8-sig")


def _grade_id(cell: Any) -> str | None:
    metadata = cell.get("metadata")
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    return grade_id if isinstance(grade_id, str) else None


def _text(cell: dict[str, Any]) -> str:
    text = cell.get("source", cell.get("input", ""))
    text = "".join(map(str, text)) if isinstance(text, list) else str(text)
    return text.replace("\x00", "")[:_MOST_CELL].encode("utf-8", "replace").decode()


def _solution_cells(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return {
        c.metadata.nbgrader.grade_id: c
        for c in notebook.cells
        if c.metadata.get("nbgrader", {}).get("solution") and c.cell_type == "code"
    }


def _choose(
    solutions: dict[str, NotebookNode], cells: list[tuple[str | None, str]], notes: list[str]
) -> dict[str, str]:
    chosen = {}
    for grade_id, released in solutions.items():
        texts = [text for found, text in cells if found == grade_id]
        if not texts:
            defines = re.compile(rf"^def {re.escape(grade_id)}\s*\(", re.MULTILINE)
            texts = [t for found, t in cells if found not in solutions and defines.search(t)][:1]
            if cells:
                how = "taken from the cell that defines it" if texts else "missing"
                notes.append(f"solution cell {grade_id}: {how}")
        if len(texts) > 1:
            notes.append(f"solution cell {grade_id} appears {len(texts)} times; first answer kept")
        answered = [text for text in texts if text.strip() != released.source.strip()]
        if texts:
            chosen[grade_id] = (answered or texts)[0]
    return chosen


def _added_after(
    cells: list[tuple[str | None, str]], known: set[str], used: set[str]
) -> dict[str | None, list[str]]:
    """The student's own code cells, by the id of the known cell they follow."""
    added: dict[str | None, list[str]] = {}
    last, count = None, 0
    for grade_id, text in cells:
        if grade_id in known:
            last = grade_id
        elif text.strip() and text.strip() not in used and count < _MOST_ADDED:
            added.setdefault(last, []).append(text)
            count += 1
    return added


def _woven(cells: list[NotebookNode], added: dict[str | None, list[str]]) -> Iterator[NotebookNode]:
    number = 0
    first_known = next((i for i, c in enumerate(cells) if _grade_id(c)), 0)
    for position, cell in enumerate(cells):
        yield cell
        grade_id = _grade_id(cell)
        texts = added.get(grade_id, []) if grade_id else []
        texts = added.get(None, []) + texts if position == first_known else texts
        for text in texts:
            number += 1
            extra = nbformat.v4.new_code_cell(text)
            extra.id = f"{_ADDED}{number:02d}"
            yield extra
