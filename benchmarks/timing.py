"""Turn by turn, and medians.

A shared machine changes its speed from second to second. So the programs of
a case take turns, each a short piece of the work, many times over, and the
median of each is reported. What drifts, drifts for all; trust the ratios.

Before anything is timed, its answer is compared with a reference that is
computed in the most pedestrian way. A wrong answer is never given a time.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.report import Row

TOLERANCE = 1e-9


@dataclass
class Contender:
    """One way to do the work of a case.

    Attributes:
        name: as the table shows it.
        make: gets everything ready, and returns ``run``; may raise ImportError.
            ``run()`` does ``steps`` steps and returns the values before them.
        steps: how many steps one call does; its time is divided by it.
        computes: which answer: a key of the case's references.
        note: what a reader should know: where it does more, or less.
        offset: ``offset(steps)`` is added to its answer before it is compared.
        to_answer: turns what ``run`` returns into the array that is compared.
    """

    name: str
    make: Callable[[], Callable[[], Any]]
    steps: int
    computes: str
    note: str = ""
    offset: Callable[[int], Any] = field(default=lambda steps: 0.0)
    to_answer: Callable[[Any], Any] = field(default=lambda result: result)


def compare(
    case: str,
    contenders: Iterable[Contender],
    reference: Callable[[str, int], np.ndarray],
    *,
    threads: int,
    seconds: float,
    floors: dict[str, Callable[[], None]] | None = None,
    num_bytes: int | None = None,
    unit: str = "step",
    least: int = 5,
) -> list[Row]:
    """Check every answer, then time the contenders in turns.

    Args:
        case: the name of the case.
        contenders: who takes part.
        reference: ``reference(kind, steps)`` is the right answer.
        threads: how many threads the run may use (set by the caller).
        seconds: about how long the turns may take in all.
        floors: the streaming loops, by name; the first one is the floor.
        num_bytes: what a step must move.
        unit: what ``seconds`` of the rows are for.
        least: how many turns each gets, whatever they take.

    Returns:
        A row for each floor and each contender, also for those that are
        missing or wrong.
    """
    rows: list[Row] = []
    running: dict[str, tuple[Callable[[], Any], int, str, float]] = {}
    for name, stream in (floors or {}).items():
        running[name] = (_repeated(stream, 10), 10, "reads and writes, and computes nothing", 0.0)
    for each in contenders:
        row = Row(case=case, implementation=each.name, threads=threads, computes=each.computes)
        row.unit, row.steps, row.note, row.bytes = unit, each.steps, each.note, num_bytes
        rows.append(row)
        try:
            run = each.make()
        except ImportError as missing:
            row.status = f"missing: {missing.name or missing}"
            continue
        answer = np.asarray(each.to_answer(run())) + each.offset(each.steps)
        right = reference(each.computes, each.steps)
        row.error = _relative_error(answer, right)
        if not row.error <= TOLERANCE:
            row.status = f"wrong: differs from the reference by {row.error:.1e}"
            continue
        running[each.name] = (run, each.steps, each.computes, row.error)
    times = _in_turns({name: run for name, (run, *_) in running.items()}, seconds, least)
    median = {n: statistics.median(times[n]) / running[n][1] for n in running}
    names = list(floors or {})
    for i, name in enumerate(names):
        row = Row(case=case, implementation=name, threads=threads, computes="nothing")
        row.unit, row.bytes, row.steps = unit, num_bytes, 10
        row.note = running[name][2]
        rows.insert(i, row)
    for row in rows:
        if row.implementation in median:
            row.seconds, row.status = median[row.implementation], "measured"
            row.rounds = len(times[row.implementation])
            if names:
                row.ratio_to_floor = row.seconds / median[names[0]]
            if len(names) > 1:
                row.ratio_to_tuned_loop = row.seconds / median[names[1]]
    return rows


def _repeated(stream: Callable[[], None], times: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            stream()

    return run


def _relative_error(answer: np.ndarray, right: np.ndarray) -> float:
    if answer.shape != right.shape or not np.array_equal(np.isinf(answer), np.isinf(right)):
        return float("inf")
    finite = np.isfinite(right)
    scale = max(1.0, float(np.abs(right[finite]).max(initial=0.0)))
    return float(np.abs(answer[finite] - right[finite]).max(initial=0.0)) / scale


def _in_turns(
    runs: dict[str, Callable[[], Any]], seconds: float, least: int
) -> dict[str, list[float]]:
    """Call each in turn, at least ``least`` times, until the time is used up."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    end = time.perf_counter() + seconds
    while runs:
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
        rounds = len(next(iter(times.values())))
        if rounds >= least and (time.perf_counter() > end or rounds >= 101):
            break
    return times
