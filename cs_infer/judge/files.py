"""Files that are written whole or not at all, by one process at a time."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
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


def hash_of_tree(folder: Path, pattern: str = "**/*.py") -> str:
    """One fingerprint of the files of a folder, names and contents."""
    files = sorted(p for p in folder.glob(pattern) if "__pycache__" not in p.parts)
    return hash_of(x for p in files for x in (str(p.relative_to(folder)), p.read_bytes()))
