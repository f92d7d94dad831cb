"""What runs student code, as the grader sees it: where it is started, and what it then is.

However it is started, a program is killed with everything it has started, and
then says what it used. A fault of the box itself is never a fault of the
student: it raises :class:`SandboxError`, and no grade is made of it.
"""

from __future__ import annotations

from typing import Protocol

from cs_infer.judge.problem import Limits

CLOSED_SECONDS = 1.0  # between the end of a pipe and that of its process


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


class Place(Protocol):
    """Where a submission can be run: a box, or a nursery of boxes."""

    @property
    def limits(self) -> Limits:
        """What a submission may use."""

    def start(self) -> Running:
        """Start the runner; it says ``"ready"`` when it is.

        Raises:
            SandboxError: it cannot be started.
        """

    def describe(self) -> str:
        """Which sandbox it is, for the audit trail."""


class Running(Protocol):
    """The runner in its box.

    Attributes:
        requests: descriptor to write to; it does not block.
        replies: descriptor to read from.
    """

    requests: int
    replies: int

    def look(self) -> None:
        """See how large the box has grown.

        Raises:
            SandboxDied: it is too large.
        """

    def death(self) -> SandboxDied:
        """Why the runner has closed its pipe."""

    def complaint(self) -> str:
        """What the box itself says when it could not start."""

    def close(self) -> dict[str, float]:
        """Kill everything inside; returns processor seconds and memory in MB. May be repeated."""
