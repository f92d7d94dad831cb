"""A nursery: boxes that start in milliseconds, because Python already runs in one.

One box holds a Python with the packages that notebooks import. For each
submission it forks a runner in namespaces of its own; see ``preloaded.py``.
Where the system does not nest namespaces, each submission gets a box as usual.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from typing import Self

from cs_infer.judge.problem import Limits
from cs_infer.judge.sandbox.box import Box
from cs_infer.judge.sandbox.containers import Container
from cs_infer.judge.sandbox.forked import Forked, Refused, last_words, pair
from cs_infer.judge.sandbox.process import Process
from cs_infer.judge.sandbox.running import Place, SandboxError

_START_SECONDS = 120.0


class Nursery:
    """Places to run the submissions of one assignment, one after the other.

    Use it as a context manager, one for each worker process. The box that a
    submission needs is started at its first use, and again should it die.
    """

    def __init__(self, box: Box | Container) -> None:
        self._box = box
        self._preloaded: dict[str, Preloaded] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def place_for(self, text: str) -> Place:
        """Where to run a submission with this text; torch is there for those that name it."""
        if isinstance(self._box, Container) or self._box.trusted:
            return self._box
        package = "torch" if "torch" in text else ""
        return self._preloaded.setdefault(package, Preloaded(self._box, package))

    def close(self) -> None:
        """End the boxes."""
        for preloaded in self._preloaded.values():
            preloaded.close()


class Preloaded:
    """One box with a Python in it that has imported everything and forks runners."""

    def __init__(self, box: Box, package: str) -> None:
        self._box = box
        self._package = package
        self._process: subprocess.Popen[bytes] | None = None
        self._forked: Forked | None = None
        self._nests = True

    @property
    def limits(self) -> Limits:
        """What a submission may use."""
        return self._box.limits

    def describe(self) -> str:
        """Which sandbox it is, for the audit trail."""
        return self._box.describe() + (", nested namespaces" if self._nests else "")

    def start(self) -> Forked | Process:
        """Fork a runner; it must be closed before the next.

        Raises:
            SandboxError: the box died or cannot be started.
        """
        if self._nests:
            try:
                return self._fork()
            except Refused:
                self._nests = False
                self.close()
        return self._box.start()

    def close(self) -> None:
        """End the box, and everything in it."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._control.close()
            self._words.close()
            self._process = None

    def _fork(self) -> Forked:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._begin()
        try:
            return Forked(self._control, self._words, self.limits)
        except SandboxError as error:
            raise self._failure(str(error)) from None

    def _begin(self) -> None:
        """Start the box, and wait until its Python has imported everything."""
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._control, theirs = pair()
        self._control.settimeout(_START_SECONDS)
        with theirs:
            self._process = subprocess.Popen(
                self._box.command("preloaded.py", self._package),
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=self._words,
                env={},
                cwd="/",
                start_new_session=True,
            )
        try:
            said = self._control.recv(16)
        except OSError:
            said = b""
        if said != b"ready":
            raise self._failure("it did not get ready")

    def _failure(self, otherwise: str) -> SandboxError:
        why = last_words(self._words) or otherwise
        self.close()
        return SandboxError(f"the sandbox did not start: {why}")
