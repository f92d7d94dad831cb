"""A conversation with the runner in its box: cells to run, functions to call.

Every wait has a deadline, in both directions: neither code that does not
answer nor code that stopped reading keeps the grader.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import time
from collections.abc import Callable, Iterator
from typing import Any, Self

from cs_infer.judge.answers import complaint
from cs_infer.judge.sandbox.frames import FrameError, read_message, write_message
from cs_infer.judge.sandbox.running import Place, SandboxDied, SandboxError

_START_SECONDS = 60.0
_GRACE_SECONDS = 2.0
_LOOK_SECONDS = 0.25
_MOST_OPEN = 4
_MOST_QUESTIONS = 100_000


class Session:
    """A running box. Use it as a context manager; leaving it kills everything inside.

    While a call is open, the student's code may ask for the answers of functions
    that it was handed; each question is answered here, by the function itself.

    Args:
        place: where to run.
        returned: makes something of the number of a function that came back,
            which :meth:`call` takes in place of a name.

    Attributes:
        usage: once it is closed, ``cpu_seconds``, ``memory_mb``, ``wall_seconds``.
        open: how many calls are open, one within the other.
    """

    def __init__(self, place: Place, returned: Callable[[int], Any] | None = None) -> None:
        self.usage: dict[str, float] = {}
        self.open = 0
        self._deadline = math.inf
        self._returned = returned
        self._functions: list[Callable[..., Any]] = []
        self._questions = 0
        self._limits = place.limits
        self._started = time.monotonic()
        self._next_look = self._started + _LOOK_SECONDS
        self._running = place.start()
        self._deadline = time.monotonic() + _START_SECONDS
        try:
            ready = self._receive()
        except SandboxDied as died:
            why = self._running.complaint() or str(died)
            self.close()
            raise SandboxError(f"the sandbox did not start: {why}") from None
        if ready.get("status") != "ready":
            self.close()
            raise SandboxError(f"the sandbox did not start: {ready}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def run_cell(self, source: str) -> dict[str, Any]:
        """Run one cell; returns its status, printed text, error and pictures.

        Raises:
            SandboxDied: the cell ended the process, or had to be stopped.
        """
        limits = self._limits
        request = {"do": "cell", "source": source, "seconds": float(limits.cell_seconds)}
        request["output_bytes"] = limits.output_kb * 1024
        reply = self._ask(request, limits.cell_seconds)
        self._running.look()  # however fast it was, what it left behind counts
        return reply

    def call(
        self, function: str | int, inputs: dict[str, Any], args: tuple[Any, ...] = ()
    ) -> dict[str, Any]:
        """Call a function; returns a status and an answer or a message.

        Args:
            function: its name in the notebook, or the number under which it came back.
            inputs: arguments by name.
            args: arguments by position.

        Raises:
            SandboxDied: the call ended the process, or had to be stopped.
        """
        if self.open >= _MOST_OPEN:
            message = f"functions call one another more than {_MOST_OPEN} deep"
            return {"status": "run-time error", "message": message}
        seconds = self._limits.call_seconds
        request = {"do": "call", "function": function, "args": args, "inputs": dict(inputs)}
        return self._ask(request | {"seconds": float(seconds)}, seconds)

    def close(self) -> None:
        """Kill everything inside, and note what was used."""
        used = self._running.close()
        if not self.usage:
            self.usage = used | {"wall_seconds": time.monotonic() - self._started}

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        with self._opened(seconds):
            self._send(request)
            while (reply := self._receive())["status"] == "asks" and request["do"] == "call":
                self._answer(reply)
        if reply["status"] == "asks":
            raise _garbled("a question while no call was open")
        return reply

    @contextlib.contextmanager
    def _opened(self, seconds: float) -> Iterator[None]:
        """A deadline, which is never later than that of the call around it."""
        before = self._deadline if self.open else math.inf
        self._deadline = min(before, time.monotonic() + seconds + _GRACE_SECONDS)
        self._questions = self._questions if self.open else 0
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1
            self._deadline = before

    def _answer(self, question: dict[str, Any]) -> None:
        try:
            self._send(self._give(question))
        except FrameError as error:  # what was asked for cannot cross; nothing was written yet
            self._send({"do": "give", "error": complaint(error)})

    def _give(self, question: dict[str, Any]) -> dict[str, Any]:
        """What a function of ours answers, or what is wrong with the question."""
        number, args, inputs = (question.get(key) for key in ("function", "args", "inputs"))
        known = type(number) is int and 0 <= number < len(self._functions)
        if not (known and isinstance(args, tuple) and isinstance(inputs, dict)):
            raise _garbled("a question that cannot be answered")
        self._questions += 1
        if self._questions > _MOST_QUESTIONS:
            raise SandboxDied("time-out", f"the code asked more than {_MOST_QUESTIONS:,} times")
        try:
            return {"do": "give", "answer": self._functions[number](*args, **inputs)}
        except (SandboxDied, SandboxError):
            raise
        except Exception as error:  # of the student's arguments
            return {"do": "give", "error": complaint(error)}

    def _number(self, function: Callable[..., Any]) -> int:
        self._functions.append(function)
        return len(self._functions) - 1

    def _send(self, message: dict[str, Any]) -> None:
        try:
            write_message(self._write, message, self._number)
        except BrokenPipeError:
            raise self._running.death() from None

    def _write(self, data: bytes) -> None:
        """Write within the time: code that stopped reading must not make us wait for it."""
        descriptor, view = self._running.requests, memoryview(data)
        while view:
            self._wait([], [descriptor])
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(descriptor, view) :]

    def _wait(self, reading: list[int], writing: list[int]) -> None:
        """Wait until a pipe is ready, with an eye on how large the box has grown.

        Raises:
            SandboxDied: time is up, or the box is too large.
        """
        while True:
            if time.monotonic() >= self._next_look:
                self._running.look()
                self._next_look = time.monotonic() + _LOOK_SECONDS
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise SandboxDied("time-out", "the code did not stop when its time was up")
            if any(select.select(reading, writing, [], min(left, _LOOK_SECONDS))):
                return

    def _receive(self) -> dict[str, Any]:
        try:
            message = read_message(self._read, self._returned)
        except FrameError as error:
            raise _garbled(str(error)) from None
        if not isinstance(message.get("status"), str):
            raise _garbled("no status")
        return message

    def _read(self, count: int) -> bytes:
        descriptor, parts = self._running.replies, []
        while count:
            self._wait([descriptor], [])
            part = os.read(descriptor, min(count, 2**20))
            if not part:
                raise self._running.death()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def _garbled(how: str) -> SandboxDied:
    return SandboxDied("killed", f"the notebook garbled its answers ({how})")
