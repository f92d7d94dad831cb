"""The box student code runs in.

By bubblewrap, on Linux: no network, no capabilities, an unprivileged user, a
read-only system, a small scratch folder in memory, an empty environment, and
limits on time, memory, files and output. The box holds the runner, the
student edition of the library, and nothing that is worth stealing. Where
bubblewrap does not work, a container engine may take its place.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cs_infer.judge.problem import Limits
from cs_infer.judge.sandbox import cgroups, containers
from cs_infer.judge.sandbox.process import Process
from cs_infer.judge.sandbox.program import HERE, PROGRAM, environment, limit_arguments
from cs_infer.judge.sandbox.running import SandboxError

_SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/bin", "/sbin", "/opt")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/localtime", "/etc/fonts")
_OWN_FOLDERS = ("/tmp", "/scratch", "/dev/shm")


def box_for(
    edition: Path, limits: Limits, trusted: bool = False, hidden: tuple[Path, ...] = ()
) -> Box | containers.Container:
    """The box to use on this machine: bubblewrap, else a container.

    Args:
        edition: folder that holds the student edition of ``cs_infer``.
        limits: what a submission may use.
        trusted: run without a sandbox, because the instructor said in so many
            words that the submissions are trusted.
        hidden: folders that must not be seen, wherever they lie.

    Raises:
        SandboxError: neither works here.
    """
    works, why = bubblewrap_works()
    if works or trusted:
        return Box(edition, limits, trusted, hidden)
    engine, why_not = containers.find_engine()
    if engine is None:
        raise SandboxError(f"{why}; {why_not}")
    return containers.Container(edition, limits, engine, containers.image())


def sandbox_works() -> tuple[bool, str]:
    """Whether a sandbox of either kind can be started here, and if not, why not."""
    works, why = bubblewrap_works()
    if works:
        return True, ""
    engine, why_not = containers.find_engine()
    return engine is not None, "" if engine else f"{why}; {why_not}"


def sandbox_program() -> str | None:
    """Path of bubblewrap, or None where it is not installed."""
    return shutil.which("bwrap") if sys.platform == "linux" else None


def bubblewrap_works() -> tuple[bool, str]:
    """Whether bubblewrap can start a box here, and if not, why not."""
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
        hidden: folders that must not be seen, wherever they lie: a course under
            ``/opt`` would be seen, since programs lie there.
    """

    edition: Path
    limits: Limits
    trusted: bool = False
    hidden: tuple[Path, ...] = ()

    def start(self) -> Process:
        """Start the runner in a box of its own.

        Raises:
            SandboxError: it cannot be started.
        """
        if not self.trusted:
            return Process(self.command("runner.py", "1"), self.limits)
        scratch = tempfile.TemporaryDirectory(prefix="cs-infer-", ignore_cleanup_errors=True)
        python = [sys.executable, "-I", "-B", str(HERE / "runner.py")]
        return Process(
            [*python, *limit_arguments(self.limits), "0"],
            self.limits,
            environment(scratch.name, str(self.edition)),
            scratch,
        )

    def describe(self) -> str:
        """Which sandbox it is, for the audit trail."""
        which = "none (trusted submissions)" if self.trusted else "bubblewrap"
        groups = cgroups.hierarchy()
        return f"{which}, control groups v{groups.version}" if groups else which

    def command(self, program: str, *more: str) -> list[str]:
        """The command line that runs a program of this folder in the box."""
        bubblewrap = sandbox_program()
        if bubblewrap is None:
            raise SandboxError("bubblewrap (bwrap) is not installed")
        box = [bubblewrap, "--unshare-all", "--die-with-parent", "--new-session"]
        box += ["--uid", "65534", "--gid", "65534", "--cap-drop", "ALL", "--hostname", "box"]
        box += ["--proc", "/proc", "--dev", "/dev"]
        for folder in _OWN_FOLDERS:
            box += ["--size", str(self.limits.disk_mb * 2**20), "--tmpfs", folder]
        box += [*self._folders(), "--chdir", "/scratch", "--clearenv"]
        for name, value in environment("/scratch", "/edition").items():
            box += ["--setenv", name, value]
        # What bubblewrap mounts these on is memory too, and has no size of its own.
        box += ["--remount-ro", "/dev", "--remount-ro", "/"]
        if program == "runner.py":  # the nursery must write there, and locks it for its runners
            box += ["--remount-ro", "/proc"]  # where the grader is root, its files are the box's
        python = [sys.executable, "-I", "-B", f"/box/{program}"]
        return [*box, "--", *python, *limit_arguments(self.limits), *more]

    def _folders(self) -> list[str]:
        """What can be seen of the system, and what hides in it; deeper folders come later."""
        options = []
        for folder in _SYSTEM_FOLDERS:
            if os.path.islink(folder):
                options += ["--symlink", os.readlink(folder), folder]
        shown = {f for f in _SYSTEM_FOLDERS if os.path.isdir(f) and not os.path.islink(f)}
        shown |= _python_folders()
        hidden = {str(Path(folder).resolve()) for folder in self.hidden if folder.is_dir()}
        covered = {h for h in hidden if any(Path(h).is_relative_to(folder) for folder in shown)}
        for folder in sorted(shown | covered, key=lambda f: len(Path(f).parts)):
            kind = ["--tmpfs"] if folder in covered else ["--ro-bind", folder]
            options += [*kind, folder]
        for folder in covered:
            options += ["--remount-ro", folder]
        for file in _SYSTEM_FILES:
            options += ["--ro-bind-try", file, file]
        installed = Path(sysconfig.get_path("purelib")) / "cs_infer"
        if installed.is_dir():
            options += ["--ro-bind", str(self.edition / "cs_infer"), str(installed)]
        for part in PROGRAM:
            options += ["--ro-bind", str(HERE / part), f"/box/{part}"]
        return [*options, "--ro-bind", str(self.edition), "/edition"]


def _python_folders() -> set[str]:
    """Folders of this Python and its packages."""
    wanted = {sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib")}
    return wanted | {str(Path(sys.executable).resolve().parent.parent)}
