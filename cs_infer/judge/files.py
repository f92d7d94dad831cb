"""Files: written whole or not at all, by one process at a time; read only if they are plain."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def write_whole(path: Path, content: bytes | str) -> bool:
    """Write a file so that a killed run or a full disk never leaves half of it.

    Args:
        path: the file; its folder is made if need be.
        content: its bytes, or text as UTF-8.

    Returns:
        Whether anything changed: a file that already has this content is left
        alone.

    Raises:
        OSError: the disk is full, or the folder cannot be written. The old
            file, if any, is then still there.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.is_file() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def read_plain(path: Path, most: int) -> tuple[bytes, int]:
    """The first bytes of a plain file that came from outside, and its size.

    Args:
        path: the file; a link might lead to another's work, a pipe never end.
        most: one byte more than this is read, so that too much can be seen.

    Raises:
        OSError: there is no such file, or it is no plain file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{path.name[:100]!r} is no plain file")
        data = file.read(most + 1)
        return data, max(found.st_size, len(data))


def write_json(path: Path, value: Any) -> bool:
    """Write JSON, whole or not at all; returns whether anything changed."""
    return write_whole(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


@contextlib.contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Hold a lock that ends with this process, however that ends.

    Args:
        path: the file to lock; it says who holds it.
        what: what only one process may do, for the message.

    Raises:
        BlockedByAnother: another process holds the lock.
    """
    import fcntl

    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise BlockedByAnother(f"{what} (process {file.read(20).strip()})") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


class BlockedByAnother(ValueError):
    """Another process is doing what only one may do."""


def hash_of(parts: Iterable[bytes | str]) -> str:
    """One fingerprint of several contents, each marked off from the next."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def hash_of_tree(folder: Path) -> str:
    """One fingerprint of the Python files below a folder, names and contents."""
    files = sorted(folder.rglob("*.py"))
    return hash_of(x for p in files for x in (str(p.relative_to(folder)), p.read_bytes()))
