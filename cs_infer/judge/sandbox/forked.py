"""A runner that a nursery has forked: its pipes, and the guard that watches it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
from typing import IO, Any

from cs_infer.judge.problem import Limits
from cs_infer.judge.sandbox.running import CLOSED_SECONDS, SandboxDied, SandboxError
from cs_infer.judge.sandbox.watch import Watch

_FORK_SECONDS = 30.0
_END_SECONDS = 20.0
_MOST_BYTES = 4096
_CREDENTIALS = struct.Struct("iII")  # process, user, group


class Refused(Exception):
    """The system does not let a process in a box have namespaces of its own."""


class Forked:
    """A runner in namespaces of its own, with a guard outside them to talk to.

    Args:
        nursery: socket to the program that forks.
        words: what that program writes when it fails.
        limits: what the submission may use.

    Raises:
        Refused: namespaces are not nested here.
        SandboxError: the nursery does not answer.
    """

    def __init__(self, nursery: socket.socket, words: IO[bytes], limits: Limits) -> None:
        self._words, self._watch = words, Watch(limits)
        self._code: int | None = None
        self._line, guards = pair()
        requests, self.requests = os.pipe()
        self.replies, replies = os.pipe()
        os.set_blocking(self.requests, False)
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            socket.send_fds(nursery, [b"fork"], [requests, replies, guards.fileno()])
            self._line.settimeout(_FORK_SECONDS)
            self._guard = self._met()
            self._watch.enter(self._guard)  # meanwhile the guard makes its namespaces
            if refused := self._heard().get("refused"):
                raise Refused(refused)
            self._line.send(b"go")
        except (OSError, SandboxError, Refused) as error:
            self._release()
            raise SandboxError(f"{error}") if isinstance(error, OSError) else error from None
        finally:
            guards.close()
            os.close(requests)
            os.close(replies)

    def look(self) -> None:
        """See how large the box has grown; SandboxDied if it is too large."""
        self._watch.look(self._guard)

    def death(self) -> SandboxDied:
        """Why the runner has closed its pipe."""
        code = self._ended(CLOSED_SECONDS)
        if code is None:
            return SandboxDied("killed", "the code closed its connection to the grader")
        return self._watch.death(code)

    def complaint(self) -> str:
        """What the box itself says when it could not start."""
        return last_words(self._words)

    def close(self) -> dict[str, float]:
        """Kill everything inside; returns processor seconds and memory in MB."""
        if self._line.fileno() >= 0:
            with contextlib.suppress(OSError):  # it has ended by itself
                self._line.shutdown(socket.SHUT_WR)  # the guard sees it, and kills
            try:
                ended = self._ended(_END_SECONDS) is not None
            except SandboxError:  # the guard died, and the kernel has ended what it guarded
                ended = True
            finally:
                self._release()
            if not ended:
                raise SandboxError("what ran in the sandbox could not be ended")
        return self._watch.close()

    def _met(self) -> int:
        """The guard's process, as it is known outside the box: the kernel tells."""
        data, ancillary, _, _ = self._line.recvmsg(_MOST_BYTES, socket.CMSG_SPACE(12))
        if not data:
            raise SandboxError("the guard of the sandbox died")
        return int(_CREDENTIALS.unpack(ancillary[0][2])[0])

    def _heard(self) -> dict[str, Any]:
        """What the guard says next."""
        try:
            data = self._line.recv(_MOST_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            raise SandboxError("the guard of the sandbox died")
        return json.loads(data)

    def _ended(self, seconds: float) -> int | None:
        """The exit code of the runner, with all it has started; None while it runs.

        Raises:
            SandboxError: the guard died, which no student can bring about.
        """
        if self._code is None:
            self._line.settimeout(seconds)
            try:
                report = self._heard()
            except TimeoutError:
                return None
            self._watch.note(report["cpu_seconds"], report["memory_mb"])
            self._code = int(report["code"])
        return self._code

    def _release(self) -> None:
        self._line.close()  # a guard that still waits ends with it
        self._watch.close()
        os.close(self.requests)
        os.close(self.replies)


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends of a line that keeps messages apart and says when the other end has gone."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def last_words(words: IO[bytes]) -> str:
    """The end of what a program has written."""
    words.seek(0)
    return words.read()[-2000:].decode(errors="replace").strip()
