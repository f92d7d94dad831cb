"""The runner as a process of ours, in a box of its own or in none."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import tempfile
import time
from typing import Any

from cs_infer.judge.problem import Limits
from cs_infer.judge.sandbox.running import CLOSED_SECONDS, SandboxDied, SandboxError
from cs_infer.judge.sandbox.watch import Watch


class Process:
    """The runner, started by a command.

    Args:
        command: what to start.
        limits: what the submission may use.
        environment: all of it.
        scratch: the working folder, removed in the end.
        watched: whether what it uses is limited and measured from here.

    Raises:
        SandboxError: it cannot be started.
    """

    def __init__(
        self,
        command: list[str],
        limits: Limits,
        environment: dict[str, str] | None = None,
        scratch: tempfile.TemporaryDirectory[str] | None = None,
        watched: bool = True,
    ) -> None:
        self._watch, self._scratch = Watch(limits, watched), scratch
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment or {},
                cwd=scratch.name if scratch else "/",
                start_new_session=True,
                bufsize=0,
                preexec_fn=self._watch.enter,
            )
        except (OSError, subprocess.SubprocessError) as error:
            self._watch.close()
            raise SandboxError(f"the sandbox did not start: {error}") from None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.requests = self._process.stdin.fileno()
        self.replies = self._process.stdout.fileno()
        os.set_blocking(self.requests, False)

    @property
    def running(self) -> bool:
        """Whether it has not been seen to end."""
        return self._process.returncode is None

    def look(self) -> None:
        """See how large the box has grown; SandboxDied if it is too large."""
        self._watch.look(self._process.pid)

    def death(self) -> SandboxDied:
        """Why the runner has closed its pipe."""
        code = self._wait(CLOSED_SECONDS)
        if code is None:
            return SandboxDied("killed", "the code closed its connection to the grader")
        return self._watch.death(code)

    def complaint(self) -> str:
        """What the box itself says when it could not start."""
        assert self._process.stderr is not None
        return first_words(self._process.stderr.fileno())

    def close(self) -> dict[str, float]:
        """Kill everything inside; returns processor seconds and memory in MB."""
        if self.running:
            with contextlib.suppress(SandboxDied):
                self.look()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        if self._scratch is not None:
            self._scratch.cleanup()
        return self._watch.close()

    def _wait(self, seconds: float | None = None) -> int | None:
        """The exit code once it has ended, with what it used; None when the time is up."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while self.running:
            ended, status, used = os.wait4(self._process.pid, 0 if deadline is None else os.WNOHANG)
            if ended:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._watch.note(used.ru_utime + used.ru_stime, _own_memory_mb(used))
            elif deadline is not None and time.monotonic() > deadline:
                return None
            else:
                time.sleep(0.01)
        return self._process.returncode


def _own_memory_mb(used: Any) -> float:
    """The most memory it had, or 0 if that may be what the grader held when it forked."""
    import resource  # Unix only, like all that runs submissions

    inherited = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used.ru_maxrss / 1024 if used.ru_maxrss > inherited else 0.0


def first_words(descriptor: int) -> str:
    """What can be read from a pipe within a second."""
    if not select.select([descriptor], [], [], 1.0)[0]:
        return ""
    return os.read(descriptor, 2000).decode(errors="replace").strip()
