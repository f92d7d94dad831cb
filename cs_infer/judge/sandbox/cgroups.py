"""Limits that the kernel keeps for a whole tree of processes, where it lets us.

Control groups count the memory and the number of a submission's processes
together, also what no process shows: files in memory, and processes that come
and go. They are used where this process may make groups, in version 2 or 1 of
the interface; elsewhere the grader looks at the processes from time to time.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_REMOVE_SECONDS = 2.0
_MB = 2**20
# By version: the controllers that must be there, those that may, and the names of the files.
_NEEDED = ("memory", "pids")
_WELCOME = ("cpu", "cpuacct")
_FILES = {
    1: {
        "memory": "memory.limit_in_bytes",
        "swap": "memory.memsw.limit_in_bytes",
        "peak": "memory.max_usage_in_bytes",
        "events": "memory.oom_control",
        "cpu": "cpuacct.usage",
    },
    2: {
        "memory": "memory.max",
        "swap": "memory.swap.max",
        "peak": "memory.peak",
        "events": "memory.events",
        "cpu": "cpu.stat",
    },
}


@dataclass(frozen=True)
class Hierarchy:
    """Where groups can be made.

    Attributes:
        version: of the interface, 1 or 2.
        folders: parents of new groups; version 1 has one for each controller.
    """

    version: int
    folders: tuple[Path, ...]


class Group:
    """A control group with limits; empty, until a process is put into it.

    Raises:
        OSError: it cannot be made here.
    """

    def __init__(self, hierarchy: Hierarchy, memory_mb: int, processes: int) -> None:
        name = f"cs-infer-{os.getpid()}-{secrets.token_hex(4)}"
        self._files = _FILES[hierarchy.version]
        self._folders = [folder / name for folder in hierarchy.folders]
        try:
            for folder in self._folders:
                folder.mkdir()
            self._write(self._files["memory"], memory_mb * _MB)
            self._write("pids.max", processes)
            with contextlib.suppress(OSError):  # a system without swap has no such file
                swap = memory_mb * _MB if hierarchy.version == 1 else 0
                self._write(self._files["swap"], swap)
        except OSError:
            self.remove()
            raise

    def add(self, process: int) -> None:
        """Put a process into the group, and whatever it starts from now on; 0 is this process."""
        for folder in self._folders:
            (folder / "cgroup.procs").write_text(str(process))

    @property
    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has ended one of its processes for want of memory."""
        return self._number(self._files["events"], "oom_kill") > 0

    @property
    def has_refused_processes(self) -> bool:
        """Whether more processes were wanted than are allowed."""
        return self._number("pids.events", "max") > 0

    @property
    def cpu_seconds(self) -> float:
        """The processor time of all processes that were ever in it."""
        if self._files["cpu"] == "cpu.stat":
            return self._number("cpu.stat", "usage_usec") / 1e6
        return self._number(self._files["cpu"]) / 1e9

    @property
    def memory_mb(self) -> float:
        """The most memory its processes have had together."""
        return self._number(self._files["peak"]) / _MB

    def remove(self) -> None:
        """Remove the group, whose processes have ended; a moment may pass until they are gone."""
        deadline = time.monotonic() + _REMOVE_SECONDS
        for folder in self._folders:
            while folder.is_dir() and time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    folder.rmdir()
                    break
                time.sleep(0.002)

    def _path(self, name: str) -> Path:
        found = (f / name for f in self._folders if (f / name).exists())
        return next(found, self._folders[0] / name)

    def _write(self, name: str, value: int) -> None:
        path = self._path(name)
        if not path.exists():  # a folder that is no control group would take any file
            raise FileNotFoundError(f"no {path}")
        path.write_text(str(value))

    def _number(self, name: str, key: str = "") -> int:
        """A number in a file, or in its line that starts with a key; 0 where there is none."""
        with contextlib.suppress(OSError, ValueError):
            for line in self._path(name).read_text().splitlines():
                words = line.split()
                if words[:-1] == [key] * bool(key):
                    return int(words[-1])
        return 0


@functools.cache
def hierarchy() -> Hierarchy | None:
    """Where this process can make groups with limits, and move processes into them; or None."""
    found = next(filter(_works, _candidates()), None)
    for folder in found.folders if found else ():
        _sweep(folder)
    return found


def _sweep(folder: Path) -> None:
    """Remove the groups of graders that were killed; groups in use cannot be removed."""
    for group in folder.glob("cs-infer-*"):
        if not Path(f"/proc/{group.name.split('-')[2]}").exists():
            with contextlib.suppress(OSError):
                group.rmdir()


def _candidates() -> list[Hierarchy]:
    """The places to try: this process's own group and those above it."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = {names: path for _, names, path in (line.split(":", 2) for line in lines)}
    found = []
    if (_ROOT / "cgroup.controllers").is_file() and "" in own:
        group = _ROOT / own[""].lstrip("/")
        found += [Hierarchy(2, (f,)) for f in (group, *group.parents) if f.is_relative_to(_ROOT)]
    v1 = {c: path for names, path in own.items() for c in names.split(",") if c}
    if v1.keys() >= set(_NEEDED):
        kept = [c for c in (*_NEEDED, *_WELCOME) if c in v1]
        found.append(Hierarchy(1, tuple(_v1_folder(c, v1[c]) for c in kept)))
    return found


def _v1_folder(controller: str, path: str) -> Path:
    """A container may see its own group as the root, and read a longer path."""
    folder = _ROOT / controller / path.lstrip("/")
    return folder if folder.is_dir() else _ROOT / controller


def _works(hierarchy: Hierarchy) -> bool:
    """Whether a group can be made there and a process be put into it."""
    try:
        group = Group(hierarchy, 64, 10)
    except OSError:
        return False
    with subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL) as process:
        try:
            group.add(process.pid)
            return True
        except OSError:
            return False
        finally:
            process.kill()
            process.wait()
            group.remove()
