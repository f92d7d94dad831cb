"""Many small problems at once, against a loop over them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import cs_infer as ci
from benchmarks.floor import bytes_of, streaming
from benchmarks.ours import build, exact, variational
from benchmarks.problems import Problem, Reference, many_grids
from benchmarks.report import Row
from benchmarks.timing import Contender, compare

THREADS = (1,)
SECONDS = 12.0


def rows(
    threads: int, seconds: float, *, count: int = 500, side: int = 8, horizon: int = 50
) -> list[Row]:
    """Each reading, in one batch and one after the other."""
    problem = many_grids(count, side, horizon)
    singles = [
        build(Problem(problem.probability[b], problem.next_state[b], problem.reward[b], horizon))
        for b in range(count)
    ]
    values = np.zeros((count, side * side))
    read = [problem.probability, problem.next_state.astype(np.int32), problem.reward, values]

    def one_by_one(solve: Callable[..., Callable[[], np.ndarray]]) -> Callable:
        return lambda: lambda: np.stack([solve(mdp, horizon)() for mdp in singles])

    def together(solve: Callable[..., Callable[[], np.ndarray]]) -> Callable:
        return lambda: solve(ci.TabularMDP.stack(singles), horizon)

    contenders = [
        Contender(f"{how}, {kind}", make(solve), horizon, kind)
        for kind, solve in (("variational", variational), ("exact", exact))
        for how, make in (
            ("cs_infer, a loop over problems", one_by_one),
            ("cs_infer, one batch", together),
        )
    ]
    return compare(
        "batch",
        contenders,
        Reference(problem),
        threads=threads,
        seconds=seconds,
        floors={"floor: plain streaming loop": streaming(read, np.empty_like(values))},
        num_bytes=bytes_of(read, values),
        unit=f"step of all {count} problems",
    )
