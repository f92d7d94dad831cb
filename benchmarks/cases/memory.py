"""What a sweep keeps: one number a state and a step, whatever the number of actions."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import cs_infer as ci
from benchmarks.ours import build
from benchmarks.problems import dense_problem
from benchmarks.report import Row

THREADS = (1,)
SECONDS = 1.0


def rows(
    threads: int,
    seconds: float,
    *,
    num_states: int = 100,
    horizons: Sequence[int] = (1000, 2000, 4000),
    actions: Sequence[int] = (2, 8, 32),
) -> list[Row]:
    """The largest amount of memory in use during a sweep, beside T S and T S A numbers."""
    found = []
    for solve, name in ((ci.soft_values, "variational"), (ci.backward_messages, "exact")):
        for T in horizons:
            found.append(_row(solve, name, num_states, actions[0], T, threads))
        for A in actions[1:]:
            found.append(_row(solve, name, num_states, A, horizons[0], threads))
    return found


def _row(solve: object, name: str, S: int, A: int, T: int, threads: int) -> Row:
    mdp = build(dense_problem(S, A, T))
    peak = peak_bytes(lambda: solve(mdp))
    return Row(
        case="memory",
        implementation=f"cs_infer, {name}, T = {T}, S = {S}, A = {A}",
        threads=threads,
        status="measured",
        computes=name,
        unit="bytes",
        value=float(peak),
        bytes=8 * T * S,
        note="bytes: T S numbers of 8 bytes",
    )


def peak_bytes(work: object) -> int:
    """The largest amount of memory that ``work`` has in use at once, of what Python can see."""
    work()  # what is computed once stays
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
