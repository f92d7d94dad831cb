"""Boxes by a container engine, where bubblewrap does not work: docker or podman.

The image holds a Python with the packages that notebooks import (numpy,
ipython, matplotlib, …) and not ``cs_infer``: the student edition is mounted
into it. The course names the image in ``CS_INFER_IMAGE``; it is never pulled.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cs_infer.judge.problem import Limits
from cs_infer.judge.sandbox.process import Process
from cs_infer.judge.sandbox.program import HERE, PROGRAM, environment, limit_arguments
from cs_infer.judge.sandbox.watch import MOST_PROCESSES

_ENGINES = ("docker", "podman")
_SECONDS = 30


def image() -> str:
    """The image that the course names, or nothing."""
    return os.environ.get("CS_INFER_IMAGE", "")


def find_engine() -> tuple[str | None, str]:
    """Path of an engine that works and has the image, or None and why."""
    if not image():
        return None, "CS_INFER_IMAGE names no image for a container"
    why = "neither docker nor podman is installed"
    for program in filter(None, map(shutil.which, _ENGINES)):
        failure = _run([program, "image", "inspect", image()])
        if failure is None:
            return program, ""
        why = f"{Path(program).name} does not have the image {image()}: {failure}"
    return None, why


def _run(command: list[str]) -> str | None:
    """What a command complains of, or None if it succeeds."""
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return None if done.returncode == 0 else lines[-1]


@dataclass(frozen=True)
class Container:
    """How to start a sandboxed Python in a container.

    Attributes:
        edition: folder that holds the student edition of ``cs_infer``.
        limits: what a submission may use.
        engine: path of docker or podman.
        image: what the container is made of.
    """

    edition: Path
    limits: Limits
    engine: str
    image: str

    def start(self) -> Process:
        """Start the runner in a container of its own.

        Raises:
            SandboxError: it cannot be started.
        """
        name = f"cs-infer-{os.getpid()}-{secrets.token_hex(4)}"
        return ContainerProcess(self.command(name), self.limits, self.engine, name)

    def describe(self) -> str:
        """Which sandbox it is, for the audit trail."""
        return f"{Path(self.engine).name}, image {self.image}"

    def command(self, name: str) -> list[str]:
        """The command line that runs the runner in a container of this name."""
        limits = self.limits
        memory, disk = f"{limits.memory_mb}m", f"{limits.disk_mb}m"
        run = [self.engine, "run", "--rm", "--interactive", "--name", name, "--hostname", "box"]
        run += ["--pull", "never", "--log-driver", "none", "--network", "none", "--read-only"]
        run += ["--user", "65534:65534", "--cap-drop", "ALL"]
        run += ["--security-opt", "no-new-privileges", "--pids-limit", str(MOST_PROCESSES)]
        run += ["--memory", memory, "--memory-swap", memory, "--shm-size", disk]
        for folder in ("/tmp", "/scratch"):
            run += ["--tmpfs", f"{folder}:rw,nosuid,nodev,size={disk},mode=1777"]
        for part in PROGRAM:
            run += ["--mount", _read_only(HERE / part, f"/box/{part}")]
        run += ["--mount", _read_only(self.edition, "/edition"), "--workdir", "/scratch"]
        for variable, value in environment("/scratch", "/edition").items():
            if variable != "PATH":  # the image knows where its Python is
                run += ["--env", f"{variable}={value}"]
        python = ["python", "-I", "-B", "/box/runner.py"]
        return [*run, self.image, *python, *limit_arguments(limits), "1"]


def _read_only(source: Path, target: str) -> str:
    return f"type=bind,source={source},target={target},readonly"


class ContainerProcess(Process):
    """A container's client. What the container uses is not measured, only bounded by the engine."""

    def __init__(self, command: list[str], limits: Limits, engine: str, name: str) -> None:
        self._remove = [engine, "rm", "--force", name]
        super().__init__(command, limits, dict(os.environ), watched=False)

    def close(self) -> dict[str, float]:
        """Kill the container, and its client."""
        if self.running:
            _run(self._remove)
        return super().close()
