"""What the commands say on the terminal."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import click

from cs_infer.judge.course import Course
from cs_infer.judge.words import printable

_MOST_COLUMN = 30


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    start = time.monotonic()
    click.echo(f"{what} …")
    yield
    click.echo(f"{what}: {time.monotonic() - start:.1f} s")


def progress(what: str) -> Callable[[str, int, int], None]:
    """A report of progress: called with (student, done, total).

    On a terminal it is one line that says how fast it goes and how long it
    will take; elsewhere, a plain line for each student.
    """
    start, calls = time.monotonic(), 0

    def show(student: str, done: int, total: int) -> None:
        nonlocal calls
        calls += 1
        line = f"{what} {done}/{total}"
        if not sys.stdout.isatty():
            click.echo(f"{line} {printable(student)}")
            return
        rate = calls / max(time.monotonic() - start, 1e-6)
        left = f"{rate:.1f}/s, {_clock((total - done) / rate)} left"
        shown = f"{line}  {left}  {printable(student)}"[: shutil.get_terminal_size().columns - 1]
        click.echo(f"\r\x1b[K{shown}", nl=done == total)

    return show


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def print_table(rows: list[dict[str, str]], title: str) -> None:
    """Rows in columns, as wide as the longest entry."""
    click.echo(title)
    names = [name for name in (rows[0] if rows else ()) if name != "found"]
    lines = [{name: name for name in names}, *rows]
    longest = {name: max(len(printable(line[name])) for line in lines) for name in names}
    width = {name: min(length, _MOST_COLUMN) for name, length in longest.items()}
    for line in lines:
        cells = [printable(line[name])[:_MOST_COLUMN] for name in names]
        aligned = [cells[0].ljust(width["student"])]
        aligned += [c.rjust(width[n]) for c, n in zip(cells[1:], names[1:], strict=True)]
        found = printable(line.get("found", ""))
        click.echo("  ".join([*aligned, found[:100]]).rstrip())


def say(path: Path, course: Course) -> None:
    """Where something was written."""
    click.echo(f"  -> {shown(path, course)}")


def shown(path: Path, course: Course) -> str:
    """A path, from the course's folder if it is in there."""
    return str(path.relative_to(course.root)) if path.is_relative_to(course.root) else str(path)


def fail(message: str) -> NoReturn:
    """One line on the error stream, and exit status 2."""
    click.echo(f"cs-infer: {' '.join(message.split())}", err=True)
    sys.exit(2)
