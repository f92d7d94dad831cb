"""The box student code runs in.

On Linux, bubblewrap: no network, no capabilities, an unprivileged user, a
read-only system, a small scratch folder in memory, an empty environment, and
limits on time, memory, files and output. The box holds the runner, the
student edition of the library, and nothing that is worth stealing.

A fault of the box itself is never a fault of the student: it raises
:class:`SandboxError`, and no grade is made of it.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cs_infer.judge.problem import Limits
from cs_infer.judge.sandbox.frames import FrameError, read_message, write_message

_START_SECONDS = 60.0
_GRACE_SECONDS = 2.0
_LOOK_SECONDS = 0.25
_MOST_PROCESSES = 100
_PROGRAM = ("runner.py", "calls.py", "frames.py")
_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/opt")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/fonts")


class SandboxError(RuntimeError):
    """The sandbox could not be started, or failed by itself."""


class SandboxDied(Exception):
    """Student code ended the process, or had to be stopped.

    Attributes:
        status: ``"time-out"``, ``"killed"`` or ``"memory"``.
    """

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


def sandbox_program() -> str | None:
    """Path of bubblewrap, or None where it is not installed."""
    return shutil.which("bwrap") if sys.platform == "linux" else None


def sandbox_works() -> tuple[bool, str]:
    """Whether a sandbox can be started here, and if not, why not."""
    program = sandbox_program()
    if program is None:
        return False, "bubblewrap (bwrap) is not installed"
    probe = [program, "--unshare-all", "--ro-bind", "/", "/"]
    probe += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--", "/bin/true"]
    try:
        done = subprocess.run(
            probe, check=False, capture_output=True, text=True, env={}, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    return done.returncode == 0, done.stderr.strip()


@dataclass(frozen=True)
class Box:
    """How to start a sandboxed Python.

    Attributes:
        edition: folder that holds the student edition of ``cs_infer``.
        limits: what a submission may use.
        trusted: run without a sandbox, because the instructor said in so many
            words that the submissions are trusted.
    """

    edition: Path
    limits: Limits
    trusted: bool = False

    def command(self, runner: Path) -> list[str]:
        """The command line that runs ``runner`` in the box."""
        python = [sys.executable, "-I", "-B"]
        limits = self.limits
        arguments = [str(limits.cpu_seconds), str(limits.memory_mb), str(limits.disk_mb)]
        if self.trusted:
            return [*python, str(runner), *arguments]
        program = sandbox_program()
        if program is None:
            raise SandboxError("bubblewrap (bwrap) is not installed")
        size = str(limits.disk_mb * 2**20)
        box = [program, "--unshare-all", "--die-with-parent", "--new-session"]
        box += ["--uid", "65534", "--gid", "65534", "--cap-drop", "ALL", "--hostname", "box"]
        box += ["--proc", "/proc", "--dev", "/dev"]
        for folder in ("/tmp", "/scratch", "/dev/shm"):
            box += ["--size", size, "--tmpfs", folder]
        for folder in _SYSTEM_FOLDERS:
            if os.path.islink(folder):
                box += ["--symlink", os.readlink(folder), folder]
            elif os.path.isdir(folder):
                box += ["--ro-bind", folder, folder]
        for file in _SYSTEM_FILES:
            box += ["--ro-bind-try", file, file]
        for folder in _python_folders():
            box += ["--ro-bind", folder, folder]
        installed = Path(sysconfig.get_path("purelib")) / "cs_infer"
        if installed.is_dir():
            box += ["--ro-bind", str(self.edition / "cs_infer"), str(installed)]
        for part in _PROGRAM:
            box += ["--ro-bind", str(runner.parent / part), f"/box/{part}"]
        box += ["--ro-bind", str(self.edition), "/edition"]
        box += ["--chdir", "/scratch", "--clearenv"]
        for name, value in _environment("/scratch", "/edition").items():
            box += ["--setenv", name, value]
        # What bubblewrap mounts these on is memory too, and has no size of its own.
        box += ["--remount-ro", "/dev", "--remount-ro", "/"]
        return [*box, "--", *python, f"/box/{runner.name}", *arguments]


class Session:
    """A running box. Use it as a context manager; leaving it kills everything inside."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._next_look = time.monotonic() + _LOOK_SECONDS
        runner = Path(__file__).with_name("runner.py")
        trusted_environment = _environment(str(box.edition), str(box.edition))
        self._process = subprocess.Popen(
            box.command(runner),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=trusted_environment if box.trusted else {},
            cwd=box.edition if box.trusted else "/",
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)
        try:
            ready = self._receive(time.monotonic() + _START_SECONDS)
        except SandboxDied as died:
            why = self._stderr() or str(died)
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
        limits = self._box.limits
        request = {"do": "cell", "source": source, "seconds": float(limits.cell_seconds)}
        request["output_bytes"] = limits.output_kb * 1024
        return self._ask(request, limits.cell_seconds)

    def call(self, function: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Call a function of the notebook; returns a status and an answer or a message.

        Raises:
            SandboxDied: the call ended the process, or had to be stopped.
        """
        seconds = self._box.limits.call_seconds
        request = {"do": "call", "function": function, "inputs": dict(inputs)}
        return self._ask(request | {"seconds": float(seconds)}, seconds)

    def close(self) -> None:
        """Kill everything inside and release the pipes."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        deadline = time.monotonic() + seconds + _GRACE_SECONDS
        try:
            write_message(lambda data: self._write(data, deadline), request)
        except BrokenPipeError:
            raise self._death() from None
        return self._receive(deadline)

    def _write(self, data: bytes, deadline: float) -> None:
        """Write within the time: code that stopped reading must not make us wait for it."""
        assert self._process.stdin is not None
        descriptor, view = self._process.stdin.fileno(), memoryview(data)
        while view:
            self._wait([], [descriptor], deadline)
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(descriptor, view) :]

    def _wait(self, reading: list[int], writing: list[int], deadline: float) -> None:
        """Wait until a pipe is ready, with an eye on how large the box has grown.

        Raises:
            SandboxDied: time is up, or the box is too large.
        """
        while True:
            if time.monotonic() >= self._next_look:
                self._look()
            left = deadline - time.monotonic()
            if left <= 0:
                raise SandboxDied("time-out", "the code did not stop when its time was up")
            if any(select.select(reading, writing, [], min(left, _LOOK_SECONDS))):
                return

    def _look(self) -> None:
        self._next_look = time.monotonic() + _LOOK_SECONDS
        processes = _descendants(self._process.pid)
        if len(processes) > _MOST_PROCESSES:
            raise SandboxDied("killed", f"the code started more than {_MOST_PROCESSES} processes")
        most = self._box.limits.memory_mb
        if sum(map(_memory_kb, processes)) > most * 1024:
            raise SandboxDied("memory", f"the code took more than {most} MB in all its processes")

    def _receive(self, deadline: float) -> dict[str, Any]:
        try:
            message = read_message(lambda count: self._read(count, deadline))
        except FrameError as error:
            raise SandboxDied("killed", f"the notebook garbled its answers ({error})") from None
        if not isinstance(message.get("status"), str):
            raise SandboxDied("killed", "the notebook garbled its answers (no status)")
        return message

    def _read(self, count: int, deadline: float) -> bytes:
        assert self._process.stdout is not None
        descriptor, parts = self._process.stdout.fileno(), []
        while count:
            self._wait([descriptor], [], deadline)
            part = os.read(descriptor, min(count, 2**20))
            if not part:
                raise self._death()
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _death(self) -> SandboxDied:
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return SandboxDied("killed", "the code closed its connection to the grader")
        if code in (-signal.SIGXCPU, 128 + signal.SIGXCPU):
            return SandboxDied("time-out", "the code used up its processor time")
        if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
            return SandboxDied("killed", "the code was killed (signal 9: out of memory or time)")
        return SandboxDied("killed", f"the code ended the process (exit status {code})")

    def _stderr(self) -> str:
        assert self._process.stderr is not None
        if not select.select([self._process.stderr], [], [], 1.0)[0]:
            return ""
        return os.read(self._process.stderr.fileno(), 2000).decode(errors="replace").strip()


def _descendants(process: int) -> list[int]:
    """The processes under a process, or the first too many. None of them can leave a box."""
    found = [process]
    for parent in found:
        if len(found) > _MOST_PROCESSES + 1:
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


def _python_folders() -> list[str]:
    """Folders of this Python and its packages that the system folders do not cover."""
    wanted = {sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib")}
    wanted |= {str(Path(sys.executable).resolve().parent.parent)}
    found: list[str] = []
    for folder in sorted(wanted, key=len):
        if not any(Path(folder).is_relative_to(known) for known in (*_SYSTEM_FOLDERS, *found)):
            found.append(folder)
    return found


def _environment(home: str, edition: str) -> dict[str, str]:
    return {
        "HOME": home,
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "CS_INFER_EDITION": edition,
        "IPYTHONDIR": f"{home}/.ipython",
        "MPLCONFIGDIR": f"{home}/.matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
