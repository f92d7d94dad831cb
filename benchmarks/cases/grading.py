"""A class graded: nbgrader as it comes, and this course's grader with one and two workers.

The case is left out of a plain ``python -m benchmarks``, since nbgrader needs a
second or two for each notebook. ``python -m benchmarks grading`` runs it.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import grading
from benchmarks.report import Row
from cs_infer.judge.sample_class import Submission

THREADS = (1,)
SECONDS = 10.0
ON_REQUEST = True
STOCK = "nbgrader autograde"
ROUNDS = 15


def rows(
    threads: int, seconds: float, *, students: int = 40, kinds: Sequence[str] = ("numpy", "torch")
) -> list[Row]:
    """Both kinds of notebook, and what of the time the sandbox takes."""
    found = []
    for kind in kinds:
        count = students if kind == "numpy" else max(students // 5, 3)  # torch is slow to start
        with tempfile.TemporaryDirectory(prefix="cs-infer-bench-") as folder:
            found += _class_rows(Path(folder), kind, grading.students(kind, count))
    return found


def _class_rows(folder: Path, kind: str, people: Sequence[Submission]) -> list[Row]:
    own = grading.own_course(folder / "own", people)
    runs: dict[str, Callable[[], grading.Run]] = {STOCK: _stock(folder, people)}
    for workers in (1, 2):
        course = Path(shutil.copytree(own, folder / f"own-{workers}"))
        name = f"cs-infer grade, {workers} worker{'s' if workers > 1 else ''}"
        runs[name] = lambda course=course, workers=workers: grading.grade_as_here(course, workers)
    found = {name: _row(f"{name}, {kind}", run, people) for name, run in runs.items()}
    stock = found[STOCK].seconds
    for name, row in found.items():
        if stock and row.seconds and name != STOCK:
            row.value = stock / row.seconds
            row.note = f"{row.value:.1f} times as fast as nbgrader; {row.note}"
    return [*found.values(), *_sandbox_rows(own, kind, stock)]


def _stock(folder: Path, people: Sequence[Submission]) -> Callable[[], grading.Run]:
    course = grading.stock_course(folder / "stock", people)
    return lambda: grading.grade_as_stock(course)


def _row(name: str, grade: Callable[[], grading.Run], people: Sequence[Submission]) -> Row:
    """The time for one notebook, if the marks are right."""
    row = Row(case="grading", implementation=name, unit="notebook", rounds=1, computes="marks")
    row.steps, row.note = len(people), f"a class of {len(people)}, from start to end"
    print(f"  {name}: {len(people)} notebooks …", file=sys.stderr, flush=True)
    try:
        run = grade()
    except RuntimeError as error:
        row.status = f"failed: {error}"
        return row
    wrong = grading.wrong_marks(run, people, stock=name.startswith(STOCK))
    if wrong:
        row.status = f"wrong: {wrong[0]}"
    else:
        row.seconds, row.status = run.seconds / len(people), "measured"
    return row


def _sandbox_rows(course: Path, kind: str, stock: float | None) -> list[Row]:
    """One honest notebook again and again: in the sandbox, and the same in this process."""
    names = "one notebook in the sandbox", "the same in this process"
    said = io.StringIO()  # what the students' cells print here
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):  # noqa: SIM117
        with grading.one_notebook(course, kind) as runs:
            times = _in_turns(runs)
    inside, here = (statistics.median(taken) for taken in times)
    found = [_measured(f"{n}, {kind}", s) for n, s in zip(names, (inside, here), strict=True)]
    overhead = _measured(f"overhead of the sandbox, {kind}", inside - here)
    if stock:
        overhead.value = overhead.seconds / stock
        overhead.note = f"{overhead.value:.1%} of what nbgrader takes for a notebook"
    return [*found, overhead]


def _in_turns(runs: Sequence[Callable[[], object]]) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in runs]
    for turn in range(ROUNDS + 1):
        for run, taken in zip(runs, times, strict=True):
            start = time.perf_counter()
            run()
            if turn:  # what is started or imported once is not counted
                taken.append(time.perf_counter() - start)
    return times


def _measured(name: str, seconds: float) -> Row:
    row = Row(case="grading", implementation=name, unit="notebook", steps=1)
    row.rounds = ROUNDS
    row.seconds, row.status = seconds, "measured"
    return row
