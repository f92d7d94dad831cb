"""What happens to notebooks before they are handed in, to try the grader on: by kind."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from cs_infer.judge.problem import check_id
from cs_infer.judge.template import grade_id_of

Notebook = dict[str, Any]
Cell = dict[str, Any]


# What students do to cells


def _forged_metadata(notebook: Notebook, release: Notebook, argument: str) -> Notebook:
    for cell in notebook["cells"]:
        cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]
        known = cell["metadata"].get("nbgrader")
        if known is not None:
            known |= {"points": 1000, "locked": False, "schema_version": 99, "checksum": "0" * 32}
    notebook["metadata"]["kernelspec"] = {"name": "none", "display_name": "", "language": "none"}
    return notebook


def _deleted_checks(notebook: Notebook, release: Notebook, argument: str) -> Notebook:
    checks = [c for c in notebook["cells"] if (grade_id_of(c) or "").startswith(check_id(""))]
    notebook["cells"] = [c for c in notebook["cells"] if c not in checks]
    return notebook


def _changed_ids(notebook: Notebook, release: Notebook, argument: str) -> Notebook:
    for number, cell in enumerate(notebook["cells"]):
        if grade_id_of(cell) is not None:
            cell["metadata"]["nbgrader"]["grade_id"] = f"cell-{number}"
    return notebook


def _missing(notebook: Notebook, release: Notebook, argument: str) -> Notebook:
    notebook["cells"] = [c for c in notebook["cells"] if grade_id_of(c) != argument]
    return notebook


def _duplicated(notebook: Notebook, release: Notebook, argument: str) -> Notebook:
    released = {grade_id_of(c): c for c in release["cells"]}
    cells = []
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cells.append(copy.deepcopy(released[grade_id_of(cell)]))
        cells.append(cell)
    notebook["cells"] = cells
    return notebook


CELL_KINDS: dict[str, Callable[[Notebook, Notebook, str], Notebook]] = {
    "forged-metadata": _forged_metadata,
    "deleted-checks": _deleted_checks,
    "changed-ids": _changed_ids,
    "missing": _missing,
    "duplicated": _duplicated,
}
"""What may be done to cells: metadata forged, checks deleted, ids changed, the
cell that is named missing, every solution cell there twice."""


# What happens to files


def _old_format(notebook: Notebook) -> Notebook:
    cells = []
    for cell in notebook["cells"]:
        old = {"cell_type": cell["cell_type"], "metadata": cell["metadata"]}
        text = "input" if cell["cell_type"] == "code" else "source"
        cells.append(old | {text: cell["source"], "language": "python", "outputs": []})
    return {
        "metadata": {"name": ""},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [{"cells": cells, "metadata": {}}],
    }


FILE_KINDS: dict[str, Callable[[Notebook], bytes | None]] = {
    "corrupt": lambda notebook: bytes(range(256)) * 40,
    "empty": lambda notebook: b"",
    "truncated": lambda notebook: (text := as_bytes(notebook))[: len(text) // 2],
    "not-json": lambda notebook: "\n\n".join(map(_source, notebook["cells"])).encode(),
    "nested": lambda notebook: b"[" * 100_000 + b"]" * 100_000,
    "utf16": lambda notebook: as_bytes(notebook).decode().encode("utf-16"),
    "old-format": lambda notebook: as_bytes(_old_format(notebook)),
    "wrong-name": lambda notebook: as_bytes(notebook),
    "no-notebook": lambda notebook: None,
}
"""What may happen to a file: the bytes that are left of the notebook."""


def as_bytes(notebook: Notebook) -> bytes:
    """A notebook as the bytes of its file."""
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()


def _source(cell: Cell) -> str:
    return "".join(cell["source"])
