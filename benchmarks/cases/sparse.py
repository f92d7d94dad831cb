"""A 316 x 316 grid: lists of three successors."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks import peers
from benchmarks.floor import bytes_of, streaming
from benchmarks.ours import compiled, exact, variational
from benchmarks.problems import Reference, grid_problem
from benchmarks.report import Row
from benchmarks.timing import Contender, compare

THREADS = (1, 2)
SECONDS = 24.0


def rows(threads: int, seconds: float, *, side: int = 316, horizon: int = 100) -> list[Row]:
    """Both readings and a hard maximum, by everyone who can."""
    problem = grid_problem(side, horizon)
    few = min(5, horizon)
    some = min(20, horizon)
    values = np.zeros(side * side)
    read = [*peers.sparse_arrays(problem), values]
    written = np.empty_like(values)

    def peer(name: str, make: object, steps: int, computes: str, **more: object) -> Contender:
        return Contender(name, partial(make, problem, steps), steps, computes, **more)

    contenders = [
        peer("numpy, arrays [s, a, k]", peers.numpy_lists, few, "variational"),
        peer("scipy CSR and logsumexp", peers.scipy_rows, few, "variational"),
        peer("scipy CSR, actions first", peers.scipy_actions_first, some, "variational"),
        peer("QuantEcon, Bellman sweep", peers.quantecon_sweep, some, "hard max"),
        peer("C, compiled here", peers.c_sparse, some, "variational"),
        peer("cs_infer, variational", variational, some, "variational"),
        peer(
            "cs_infer, exact",
            exact,
            horizon,
            "exact",
            note="sums the actions out first; that is in the time",
        ),
        peer(
            "cs_infer compiled, variational",
            partial(compiled, reading="variational"),
            some,
            "variational",
        ),
        peer(
            "cs_infer compiled, exact",
            partial(compiled, reading="exact"),
            horizon,
            "exact",
            note="sums the actions out first; that is in the time",
        ),
    ]
    return compare(
        "sparse",
        contenders,
        Reference(problem),
        threads=threads,
        seconds=seconds,
        floors={
            "floor: plain streaming loop": streaming(read, written),
            "tuned streaming loop": streaming(read, written, tuned=True),
        },
        num_bytes=bytes_of(read, written),
    )
