"""What the processes of one submission use together, and the limits of that."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from pathlib import Path

from cs_infer.judge.problem import Limits
from cs_infer.judge.sandbox import cgroups
from cs_infer.judge.sandbox.running import SandboxDied, SandboxError

MOST_PROCESSES = 100


class Watch:
    """An eye on what the processes of one submission use together.

    The kernel keeps the limits where there are control groups; elsewhere the
    watch is as good as it is frequent.
    """

    def __init__(self, limits: Limits, watched: bool = True) -> None:
        self._limits, self._watched = limits, watched
        self._used = {"cpu_seconds": 0.0, "memory_mb": 0.0}
        place = cgroups.hierarchy() if watched else None
        try:
            self._group = place and cgroups.Group(place, limits.memory_mb, MOST_PROCESSES)
        except OSError as error:
            raise SandboxError(f"no control group could be made: {error}") from None

    def enter(self, process: int = 0) -> None:
        """Take a process, by default this one, and all that it will start, under the limits."""
        if self._group is not None:
            self._group.add(process)
        if process == 0:
            with contextlib.suppress(OSError):  # when memory runs out, it goes, not the grader
                Path("/proc/self/oom_score_adj").write_text("1000")

    def look(self, process: int) -> None:
        """Count what the processes under a process use.

        Raises:
            SandboxDied: they use too much.
        """
        if self._group is not None:
            self.note(self._group.cpu_seconds, self._group.memory_mb)
            too_large, too_many = self._group.ran_out_of_memory, self._group.has_refused_processes
        elif self._watched:
            processes = _descendants(process)
            memory_mb = sum(map(_memory_kb, processes)) / 1024
            self.note(sum(map(_cpu_seconds, processes)), memory_mb)
            too_large = memory_mb > self._limits.memory_mb
            too_many = len(processes) > MOST_PROCESSES
        else:
            return
        if too_many:
            raise SandboxDied("killed", f"the code started more than {MOST_PROCESSES} processes")
        if too_large:
            raise self._out_of_memory()
        if self._used["cpu_seconds"] > self._limits.cpu_seconds:
            raise SandboxDied("time-out", "the code used up its processor time")

    def note(self, cpu_seconds: float, memory_mb: float) -> None:
        """Note what was used, if it is more than was noted before."""
        self._used["cpu_seconds"] = max(self._used["cpu_seconds"], cpu_seconds)
        self._used["memory_mb"] = max(self._used["memory_mb"], memory_mb)

    def death(self, code: int) -> SandboxDied:
        """What an exit code says about the code that has ended with it."""
        used_up = self._used["cpu_seconds"] >= self._limits.cpu_seconds
        if used_up or code in (-signal.SIGXCPU, 128 + signal.SIGXCPU):
            return SandboxDied("time-out", "the code used up its processor time")
        if code not in (-signal.SIGKILL, 128 + signal.SIGKILL):
            return SandboxDied("killed", f"the code ended the process (exit status {code})")
        if self._group is not None and self._group.ran_out_of_memory:
            return self._out_of_memory()
        return SandboxDied("killed", "the code was killed (signal 9: out of memory or time)")

    def close(self) -> dict[str, float]:
        """What was used, now that all processes have ended."""
        if self._group is not None:
            self.note(self._group.cpu_seconds, self._group.memory_mb)
            self._group.remove()
            self._group = None
        return self._used

    def _out_of_memory(self) -> SandboxDied:
        most = self._limits.memory_mb
        return SandboxDied("memory", f"the code took more than {most} MB in all its processes")


def _descendants(process: int) -> list[int]:
    """The processes under a process, or the first too many. None of them can leave a box."""
    found = [process]
    for parent in found:
        if len(found) > MOST_PROCESSES + 1:
            break
        with contextlib.suppress(OSError):  # it has ended, or this system does not tell
            for children in Path(f"/proc/{parent}/task").glob("*/children"):
                found += map(int, children.read_text().split())
    return found[1:]


def _memory_kb(process: int) -> int:
    """The memory of a process; what it shares is divided among those who share it."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _cpu_seconds(process: int) -> float:
    """The processor time of a process and of its children that have ended."""
    try:
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, after_name[11:15])) / os.sysconf("SC_CLK_TCK")
