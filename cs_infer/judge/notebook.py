"""A student's notebook, running: its cells in a box, its functions on call.

What comes out of the box is taken for what it claims to be only after a look
at its type, its size and its words.
"""

from __future__ import annotations

import base64
import contextlib
import re
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from cs_infer.judge.answers import CallFailed
from cs_infer.judge.problem import Inputs
from cs_infer.judge.sandbox import Place, SandboxDied, Session
from cs_infer.judge.template import Rebuilt, is_added

_FAILURES = ("time-out", "memory", "missing", "not answered", "run-time error", "bad answer")
_MOST_ERROR = 4000
_MOST_PICTURE = 300_000
_MOST_PICTURES = 4
_MOST_PICTURES_OF_ALL = 20
_MOST_PIXELS = 4000
_BASE64 = re.compile(r"[A-Za-z0-9+/]{32,}={0,2}")
_PNG = b"\x89PNG\r\n\x1a\n"


class StudentNotebook:
    """A student's cells, running in a box; started again when they kill it.

    A cell that ends the process, or has to be stopped, is left out from then
    on, so that it costs its own limit and not the rest of the notebook.

    Attributes:
        outputs: what each cell that ran has shown, by id.
        usage: what all boxes used so far: ``cpu_seconds``, ``memory_mb`` (the
            most at a time) and ``wall_seconds``.
    """

    def __init__(self, place: Place, cells: Iterable[tuple[str, str]]) -> None:
        self._place = place
        self._cells = list(cells)
        self._left_out: set[str] = set()
        self._session: Session | None = None
        self._deadline = time.monotonic() + place.limits.total_seconds
        self.outputs: dict[str, dict[str, Any]] = {}
        self.usage = {"cpu_seconds": 0.0, "memory_mb": 0.0, "wall_seconds": 0.0}

    def __enter__(self) -> Self:
        self._started()
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    def call(self, function: str, inputs: Inputs) -> Any:
        """The answer of a student's function; a function in it can be called in turn.

        Raises:
            CallFailed: there is no answer; it says why.
        """
        self._in_time()
        return self._ask(self._started(), function, dict(inputs))

    def _ask(
        self, session: Session, function: str | int, inputs: dict[str, Any], args: Any = ()
    ) -> Any:
        try:
            reply = session.call(function, inputs, args)
        except SandboxDied as died:
            if session.open:  # the call around this one ends with it
                raise
            self._close()
            name = function if isinstance(function, str) else "the function that was returned"
            raise CallFailed(died.status, f"{name}: {died}") from None
        if reply["status"] != "answered" or "answer" not in reply:
            status = reply["status"] if reply["status"] in _FAILURES else "bad answer"
            message = str(reply.get("message") or "no answer came")
            why = self._why_missing(function) if status == "missing" else ""
            raise CallFailed(status, (message + why)[:_MOST_ERROR])
        return reply["answer"]

    def _why_missing(self, function: str | int) -> str:
        """The error of the cell that would have defined a function."""
        for cell_id, source in self._cells:
            error = str(self.outputs.get(cell_id, {}).get("error", "")).strip()
            if error and re.search(rf"\bdef {function}\b", source):
                return f"; the cell that should define it ended with: {error.splitlines()[-1]}"
        return ""

    def _returned(self, session: Session, number: int) -> Callable[..., Any]:
        """A function that came out of the box: calling it asks the box."""

        def function(*args: Any, **inputs: Any) -> Any:
            self._in_time()
            if session is not self._session:
                raise CallFailed("killed", "the process that a function came from has ended")
            return self._ask(session, number, inputs, args)

        return function

    def _in_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise CallFailed("time-out", "the time for the whole notebook is used up")

    def _started(self) -> Session:
        while self._session is None:
            with contextlib.suppress(SandboxDied):
                self._start()
        return self._session

    def _start(self) -> None:
        session = Session(self._place, lambda number: self._returned(session, number))
        try:
            self._run_cells(session)
        except BaseException:
            self._end(session)
            raise
        self._session = session

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
            self._end(self._session)
            self._session = None

    def _end(self, session: Session) -> None:
        session.close()
        used = session.usage
        self.usage["cpu_seconds"] += used["cpu_seconds"]
        self.usage["wall_seconds"] += used["wall_seconds"]
        self.usage["memory_mb"] = max(self.usage["memory_mb"], used["memory_mb"])


def cells_to_run(rebuilt: Rebuilt) -> Iterator[tuple[str, str]]:
    """Given, solution and added cells; not the checks, nor the release's scratch cells."""
    for cell in rebuilt.notebook.cells:
        nbgrader = cell.metadata.get("nbgrader", {})
        wanted = not nbgrader["grade"] if nbgrader else is_added(cell)
        if cell.cell_type == "code" and wanted and cell.source.strip():
            yield cell.id, cell.source


def clean_outputs(outputs: dict[str, dict[str, Any]], most: int) -> dict[str, dict[str, Any]]:
    """Outputs with the fields, types and sizes we rely on, whatever the box sent."""
    clean: dict[str, dict[str, Any]] = {}
    left = _MOST_PICTURES_OF_ALL
    for cell_id, output in outputs.items():
        pictures = _pictures(output.get("pictures"))[:left]
        left -= len(pictures)
        clean[cell_id] = {
            "status": str(output.get("status", ""))[:40],
            "text": str(output.get("text", ""))[:most],
            "error": str(output.get("error", ""))[:_MOST_ERROR],
            "pictures": pictures,
        }
    return clean


def _pictures(found: Any) -> list[str]:
    pictures = found[:_MOST_PICTURES] if isinstance(found, list) else []
    return [p for p in pictures if isinstance(p, str) and _is_picture(p)]


def _is_picture(text: str) -> bool:
    """Whether it is a PNG in base64, not too large and not of too many pixels."""
    if len(text) > _MOST_PICTURE or not _BASE64.fullmatch(text):
        return False
    with contextlib.suppress(ValueError):
        start = base64.b64decode(text[:32])  # 24 bytes: signature, length, "IHDR", width, height
        width, height = struct.unpack(">II", start[16:24])
        return start.startswith(_PNG) and max(width, height) <= _MOST_PIXELS
    return False
