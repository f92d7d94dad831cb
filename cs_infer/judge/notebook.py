"""A student's notebook, running: its cells in a box, its functions on call.

What comes out of the box is taken for what it claims to be only after a look
at its type, its size and its words.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any, Self

from cs_infer.judge.problem import Inputs
from cs_infer.judge.sandbox import Box, SandboxDied, Session
from cs_infer.judge.template import Rebuilt, is_added
from cs_infer.judge.verdict import CallFailed

_FAILURES = ("time-out", "memory", "missing", "not answered", "run-time error", "bad answer")
_MOST_ERROR = 4000
_MOST_PICTURE = 300_000
_MOST_PICTURES = 4
_PICTURE = re.compile(r"[A-Za-z0-9+/=\s]*")


class StudentNotebook:
    """A student's cells, running in a box; started again when they kill it.

    A cell that ends the process, or has to be stopped, is left out from then
    on, so that it costs its own limit and not the rest of the notebook.
    """

    def __init__(self, box: Box, cells: Iterable[tuple[str, str]]) -> None:
        self._box = box
        self._cells = list(cells)
        self._left_out: set[str] = set()
        self._session: Session | None = None
        self._deadline = time.monotonic() + box.limits.total_seconds
        self.outputs: dict[str, dict[str, Any]] = {}

    def __enter__(self) -> Self:
        self._started()
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def call(self, function: str, inputs: Inputs) -> Any:
        """The answer of a student's function.

        Raises:
            CallFailed: there is no answer; it says why.
        """
        if time.monotonic() > self._deadline:
            raise CallFailed("time-out", "the time for the whole notebook is used up")
        try:
            reply = self._started().call(function, dict(inputs))
        except SandboxDied as died:
            self._close()
            raise CallFailed(died.status, f"{function}: {died}") from None
        if reply["status"] != "answered" or "answer" not in reply:
            status = reply["status"] if reply["status"] in _FAILURES else "bad answer"
            message = str(reply.get("message") or "no answer came")
            raise CallFailed(status, message[:_MOST_ERROR])
        return reply["answer"]

    def _started(self) -> Session:
        while self._session is None:
            session = Session(self._box)
            try:
                self._run_cells(session)
                self._session = session
            except SandboxDied:
                session.close()
            except BaseException:
                session.close()
                raise
        return self._session

    def _run_cells(self, session: Session) -> None:
        for cell_id, source in self._cells:
            if cell_id in self._left_out:
                continue
            if time.monotonic() > self._deadline:
                late = {"status": "time-out", "error": "not run: the total time is used up"}
                self.outputs.setdefault(cell_id, late)
                continue
            try:
                self.outputs.setdefault(cell_id, session.run_cell(source))
            except SandboxDied as died:
                self._left_out.add(cell_id)
                self.outputs[cell_id] = {"status": died.status, "error": str(died)}
                raise

    def _close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def cells_to_run(rebuilt: Rebuilt) -> Iterator[tuple[str, str]]:
    """Given, solution and added cells; not the checks, nor the release's scratch cells."""
    for cell in rebuilt.notebook.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        wanted = not nbgrader["grade"] if nbgrader else is_added(cell)
        if cell.cell_type == "code" and wanted and cell.source.strip():
            yield cell.id, cell.source


def clean_outputs(outputs: dict[str, dict[str, Any]], most: int) -> dict[str, dict[str, Any]]:
    """Outputs with the fields, types and sizes we rely on, whatever the box sent."""
    return {
        cell_id: {
            "status": str(output.get("status", ""))[:40],
            "text": str(output.get("text", ""))[:most],
            "error": str(output.get("error", ""))[:_MOST_ERROR],
            "pictures": _pictures(output.get("pictures")),
        }
        for cell_id, output in outputs.items()
    }


def _pictures(found: Any) -> list[str]:
    pictures = found[:_MOST_PICTURES] if isinstance(found, list) else []
    return [p for p in pictures if isinstance(p, str) and _is_picture(p)]


def _is_picture(text: str) -> bool:
    return len(text) <= _MOST_PICTURE and _PICTURE.fullmatch(text) is not None
