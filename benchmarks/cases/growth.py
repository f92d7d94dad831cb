"""The cost grows in proportion to T, and to the number of possible transitions."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

import cs_infer as ci
from benchmarks.ours import build
from benchmarks.problems import grid_problem
from benchmarks.report import Row

THREADS = (1,)
SECONDS = 25.0


def rows(
    threads: int,
    seconds: float,
    *,
    horizons: Sequence[int] = (10, 30, 100, 300, 1000, 3000, 10000),
    sides: Sequence[int] = (32, 58, 100, 182, 316, 577, 1000),
) -> list[Row]:
    """A row for each size, and the slope of log time against log size."""
    small = build(grid_problem(30, 1))
    in_t = {T: partial(_first_values, small.with_horizon(T)) for T in horizons}
    found = _rows("growth in T", "T", in_t, threads, seconds / 2)
    transitions = {}
    for side in sides:
        mdp = build(grid_problem(side, 4))
        transitions[mdp.dynamics.probability.size] = partial(_first_values, mdp)
    return found + _rows("growth in transitions", "transitions", transitions, threads, seconds / 2)


def _first_values(mdp: ci.TabularMDP) -> np.ndarray:
    return ci.soft_values(mdp).V[0]


def slope(sizes: Sequence[float], times: Sequence[float]) -> float:
    """The exponent b of the best fit time = c size^b."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def _rows(
    case: str, what: str, runs: dict[int, Callable[[], object]], threads: int, seconds: float
) -> list[Row]:
    for run in runs.values():
        run()
    times: dict[int, list[float]] = {size: [] for size in runs}
    end = time.perf_counter() + seconds
    while True:
        for size, run in runs.items():
            start = time.perf_counter()
            run()
            times[size].append(time.perf_counter() - start)
        count = len(next(iter(times.values())))
        if count >= 3 and (time.perf_counter() > end or count >= 15):
            break
    medians = {size: statistics.median(each) for size, each in times.items()}
    found = [
        Row(
            case=case,
            implementation=f"cs_infer, {what} = {size}",
            threads=threads,
            seconds=median,
            status="measured",
            computes="variational",
            unit="sweep",
            rounds=count,
            value=float(size),
        )
        for size, median in medians.items()
    ]
    exponent = Row(case=case, implementation=f"exponent of {what}", threads=threads)
    exponent.status, exponent.unit = "measured", "exponent"
    exponent.value = slope(list(medians), list(medians.values()))
    exponent.note = "slope of log time against log size; 1 is proportional"
    return [*found, exponent]
