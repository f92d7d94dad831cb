"""How fast this machine moves bytes: the floor under every step.

No program can do a step faster than it reads what the step depends on and
writes what it produces. The floor is the time that plain loops take to read
the same arrays, and to write the same result, in the same run. It is not a
law of nature: loops that read from several places at once are faster, and so
is a good matrix product. Their time is reported beside it.

The loops are C, compiled when the benchmark runs. Without a C compiler numpy's
own sum takes their place, and the rows say so.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

SOURCE = Path(__file__).with_name("loops.c")
BUILD = Path(__file__).parent.parent / "_build" / "benchmarks"
FLAGS = ("-O3", "-march=native", "-ffast-math", "-fPIC")


class Loops(NamedTuple):
    """The compiled loops, or None, and how they came about."""

    library: ctypes.CDLL | None
    how: str


@functools.cache
def loops() -> Loops:
    """Compile ``loops.c`` with the system's compiler: for several threads if it can."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        return Loops(None, "no C compiler: numpy's sum in place of the streaming loop")
    BUILD.mkdir(parents=True, exist_ok=True)
    attempts = ((*FLAGS, "-fopenmp"), FLAGS)
    for flags in attempts:
        key = hashlib.sha256(SOURCE.read_bytes() + repr((compiler, flags)).encode()).hexdigest()
        target = BUILD / f"loops-{key[:12]}.so"
        if not target.exists() and not _built(compiler, flags, target):
            continue
        library = ctypes.CDLL(str(target))
        library.read_doubles.restype = library.read_doubles_tuned.restype = ctypes.c_double
        threaded = "" if "-fopenmp" in flags else " (one thread: no OpenMP)"
        return Loops(library, f"{Path(compiler).name} {' '.join(flags)}{threaded}")
    return Loops(None, "the C compiler failed: numpy's sum in place of the streaming loop")


def _built(compiler: str, flags: tuple[str, ...], target: Path) -> bool:
    """Compile and link into ``target``, in two steps; False if one of them fails.

    Linking with ``-ffast-math`` would set the whole process to take numbers
    below the normal range for zero. So only the compiler gets it.
    """
    part, fresh = (target.with_suffix(f".{os.getpid()}.{end}") for end in ("o", "so"))
    linking = [flag for flag in flags if flag != "-ffast-math"]
    commands = (
        [compiler, *flags, "-c", str(SOURCE), "-o", str(part)],
        [compiler, *linking, "-shared", str(part), "-o", str(fresh), "-lm"],
    )
    done = all(subprocess.run(c, capture_output=True).returncode == 0 for c in commands)
    part.unlink(missing_ok=True)
    if done:
        fresh.replace(target)
    return done


def pointer(x: np.ndarray) -> ctypes.c_void_p:
    """The address of a contiguous array, for C."""
    if not x.flags.c_contiguous:
        raise ValueError("C needs a contiguous array")
    return ctypes.c_void_p(x.ctypes.data)


def size(n: int) -> ctypes.c_size_t:
    """A length, for C."""
    return ctypes.c_size_t(n)


def bytes_of(read: Sequence[np.ndarray], written: np.ndarray) -> int:
    """The bytes a step must move."""
    return sum(x.nbytes for x in read) + written.nbytes


def streaming(
    read: Sequence[np.ndarray], written: np.ndarray, *, tuned: bool = False
) -> Callable[[], None]:
    """A function that reads these arrays once and writes that one once.

    Args:
        read: contiguous, of float64 or int32.
        written: contiguous, float64.
        tuned: read each array from four places at once.
    """
    library = loops().library
    if library is None:
        return lambda: ([x.sum() for x in read], written.fill(1.0))
    end = "_tuned" if tuned else ""
    calls = []
    for x in read:
        if x.dtype not in (np.float64, np.int32):
            raise ValueError(f"a streaming loop reads float64 or int32; this is {x.dtype}")
        kind = "read_doubles" if x.dtype == np.float64 else "read_indices"
        calls.append((getattr(library, kind + end), pointer(x), size(x.size)))
    out, count, one = pointer(written), size(written.size), ctypes.c_double(1.0)
    kept = (*read, written)  # C holds addresses only: the arrays must live as long as the function

    def stream(kept: tuple[np.ndarray, ...] = kept) -> None:
        for call, where, n in calls:
            call(where, n)
        library.write_doubles(out, count, one)

    return stream
