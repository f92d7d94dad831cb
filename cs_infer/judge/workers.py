"""Processes that work side by side, any of which may die over its task.

A pool of the standard library gives up everything when one of its processes
is killed. Here the others go on, and the task that was lost is said to be
lost. Nothing is known of grading in this file.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

_Start = Callable[[], AbstractContextManager[Callable[[Any], Any]]]

_PARENT_DEATH = 1  # PR_SET_PDEATHSIG
# A fork has the checks and the library loaded; elsewhere a fork is not safe.
_PROCESSES = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


@dataclass(frozen=True)
class Lost:
    """What became of a task that was not done.

    Attributes:
        status: ``"worker killed"``, ``"time-out"`` or ``"internal error"``.
        reason: why, in one line.
    """

    status: str
    reason: str


def each(
    start: _Start, tasks: Iterable[Any], workers: int, patience: float
) -> Iterator[tuple[Any, Any]]:
    """Do every task, in processes that are killed when the caller stops asking.

    Args:
        start: opens what a process needs and gives the function that does one
            task; it is called once in each process.
        tasks: the tasks.
        workers: how many processes.
        patience: the seconds after which a task is given up.

    Yields:
        Each task with what the function returned, or with :class:`Lost`, in
        the order in which they are done. A process that lost a task is
        replaced by a fresh one.
    """
    waiting, idle, busy = deque(tasks), [], {}
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                worker = idle.pop() if idle else _Worker(start)
                worker.give(waiting.popleft(), patience)
                busy[worker.pipe] = worker
            for worker in _ready(busy):
                del busy[worker.pipe]
                result = worker.result()
                if isinstance(result, Lost):
                    worker.stop()
                else:
                    idle.append(worker)
                yield worker.task, result
    finally:
        for worker in (*busy.values(), *idle):
            worker.stop()


def _ready(busy: dict[Connection, _Worker]) -> list[_Worker]:
    """Those who are done, are dead or are late; waits for the first."""
    late = min(worker.deadline for worker in busy.values())
    done = wait(list(busy), max(0.0, late - time.monotonic()))
    now = time.monotonic()
    return [w for pipe, w in busy.items() if pipe in done or w.deadline <= now]


class _Worker:
    """One process, seen from outside."""

    def __init__(self, start: _Start) -> None:
        self.task: Any = None
        self.deadline = 0.0
        self.pipe, theirs = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(target=_serve, args=(start, theirs), daemon=True)
        self._process.start()
        theirs.close()  # so that its end is the only one, and its death is seen

    def give(self, task: Any, patience: float) -> None:
        self.task, self.deadline = task, time.monotonic() + patience
        with contextlib.suppress(OSError):  # it is dead, which result() will say
            self.pipe.send(task)

    def result(self) -> Any:
        if not self.pipe.poll():
            return Lost("time-out", "the grader itself took too long")
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self._process.join(5)
            return Lost("worker killed", f"the process that graded it died ({self._death()})")

    def stop(self) -> None:
        """End it; first with a word, so that it can end what it has started."""
        self._process.terminate()
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.pipe.close()

    def _death(self) -> str:
        code = self._process.exitcode
        return f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"


def _serve(start: _Start, pipe: Connection) -> None:
    signal.signal(signal.SIGINT, lambda *_: None)  # the parent decides what Ctrl-C means
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _die_with_the_parent()
    try:
        with start() as work:
            while True:
                pipe.send(work(pipe.recv()))
    except EOFError:
        return
    except Exception as error:  # whatever it is, it is no grade
        pipe.send(Lost("internal error", _told(error)))


def _told(error: Exception) -> str:
    """An error in one line, with the place it came from."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" in {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"internal error: {error!r}{place}"


def _die_with_the_parent() -> None:
    """Where the system can, end with the process that started us, however that ends."""
    parent = multiprocessing.parent_process()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH, signal.SIGKILL)
    if parent is not None and os.getppid() != parent.pid:  # it was quicker
        sys.exit(0)
