"""Discounted soft values of the 316 x 316 grid, to within 1e-8: whole solves.

The floor is one pass over the arrays of a sweep, so "x floor" says how many such passes a
solve is worth. Each answer is checked by one pedestrian backup: where that moves it by at most
``(1 - gamma) e``, the fixed point is within ``e`` (eq-stopping-rule).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

import cs_infer as ci
from benchmarks import peers
from benchmarks.anderson import anderson
from benchmarks.floor import bytes_of, streaming
from benchmarks.ours import build
from benchmarks.problems import Problem, Reference, grid_problem
from benchmarks.report import Row
from benchmarks.timing import Contender, compare
from cs_infer.stationary import discounted_backup

THREADS = (1,)
SECONDS = 20.0
WITHIN = 1e-8

Array = np.ndarray
Solve = Callable[[], tuple[Array, int]]


def rows(
    threads: int, seconds: float, *, side: int = 316, discount: float = 0.99, within: float = WITHIN
) -> list[Row]:
    """Sweeps and what is quicker, beside a hard maximum."""
    problem = grid_problem(side, 1)
    backup, counts = Reference(problem).back, {}

    def off(kind: str, v: Array) -> Array:
        """A bound on the distance from the fixed point, relative to the largest value."""
        return (backup(kind, discount * v) - v) / (1 - discount) / np.abs(v).max()

    def contender(name: str, make: Callable[..., Solve], computes: str, what: str) -> Contender:
        def made() -> Callable[[], Array]:
            solve = make(problem, discount, within)

            def run() -> Array:
                v, counts[name] = solve()
                return v

            return run

        return Contender(name, made, 1, computes, note=what, to_answer=partial(off, computes))

    contenders = [
        contender("cs_infer, sweeps", partial(ours, method="sweeps"), "variational", "sweeps"),
        contender(
            "cs_infer, policy iteration",
            partial(ours, method="policy-iteration"),
            "variational",
            "products and sweeps",
        ),
        contender("Anderson's extrapolation", extrapolated, "variational", "sweeps"),
        contender("QuantEcon, value iteration", quantecon("value_iteration"), "hard max", "sweeps"),
        contender(
            "QuantEcon, modified policy iteration",
            quantecon("modified_policy_iteration"),
            "hard max",
            "rounds of 21 sweeps, all but one under one policy",
        ),
    ]
    read = [*peers.sparse_arrays(problem), np.zeros(side * side)]
    written = np.empty(side * side)
    found = compare(
        "soft_iteration",
        contenders,
        lambda kind, steps: np.zeros(side * side),
        threads=threads,
        seconds=seconds,
        floors={
            "floor: plain streaming loop": streaming(read, written),
            "tuned streaming loop": streaming(read, written, tuned=True),
        },
        num_bytes=bytes_of(read, written),
        unit="solve",
        least=3,
    )
    for row in found:
        if row.computes == "nothing":
            row.unit = "sweep"
        elif row.implementation in counts:
            row.value, row.note = float(counts[row.implementation]), _told(row, counts)
    return found


def _told(row: Row, counts: dict[str, int]) -> str:
    return f"{counts[row.implementation]} {row.note}"


def ours(problem: Problem, discount: float, within: float, *, method: str) -> Solve:
    """The library's solver."""
    mdp = build(problem)

    def solve() -> tuple[Array, int]:
        found = ci.soft_value_iteration(mdp, discount=discount, tolerance=within, method=method)
        return found.V, found.sweeps

    return solve


def extrapolated(problem: Problem, discount: float, within: float) -> Solve:
    """The library's sweeps, extrapolated."""
    mdp = build(problem)
    _, sweep = discounted_backup(mdp, discount)
    return lambda: anderson(sweep, np.zeros(mdp.num_states), (1 - discount) * within)


def quantecon(method: str) -> Callable[..., Solve]:
    """A solver of QuantEcon's DiscreteDP."""

    def make(problem: Problem, discount: float, within: float) -> Solve:
        ddp = peers.quantecon_problem(problem, discount)

        def solve() -> tuple[Array, int]:
            found = ddp.solve(method=method, epsilon=within, max_iter=100_000)
            return found.v, found.num_iter

        return solve

    return make
