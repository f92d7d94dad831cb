"""Every next state possible: a step is a matrix times a vector."""

from __future__ import annotations

from functools import partial

import numpy as np

from benchmarks import peers
from benchmarks.floor import bytes_of, streaming
from benchmarks.ours import exact, to_torch, variational
from benchmarks.problems import Reference, dense_problem
from benchmarks.report import Row
from benchmarks.timing import Contender, compare

THREADS = (1, 2)
SECONDS = 16.0


def rows(
    threads: int,
    seconds: float,
    *,
    num_states: int = 500,
    num_actions: int = 10,
    horizon: int = 100,
) -> list[Row]:
    """Both readings and a hard maximum, by everyone who can."""
    problem = dense_problem(num_states, num_actions, horizon)
    few = min(2, horizon)
    read = [problem.probability, problem.reward, np.zeros(num_states)]
    written = np.empty(num_states)

    def peer(name: str, make: object, steps: int, computes: str, **more: object) -> Contender:
        return Contender(name, partial(make, problem, steps), steps, computes, **more)

    contenders = [
        peer("student's loops over t, s, a", peers.student_loops, few, "variational"),
        peer("numpy, a maximum for each (s, a)", peers.maximum_per_row, few, "exact"),
        peer(
            "recurrences of imitation",
            peers.imitation_recurrences,
            horizon,
            "variational",
            offset=lambda steps: -steps * np.log(num_actions),
            note="written again; no prior (added before comparing); keeps every Q, gives a policy",
        ),
        peer("numpy, one product", peers.one_product, horizon, "variational"),
        peer("QuantEcon, Bellman sweep", peers.quantecon_sweep, horizon, "hard max"),
        peer("numba, fused", partial(peers.numba_fused, threads=threads), horizon, "variational"),
        peer("C, compiled here", peers.c_dense, horizon, "variational"),
        peer("cs_infer, variational", variational, horizon, "variational"),
        peer(
            "cs_infer, exact",
            exact,
            horizon,
            "exact",
            note="sums the actions out first; that is in the time",
        ),
        peer("cs_infer in torch, variational", to_torch(variational), horizon, "variational"),
        peer("cs_infer in torch, exact", to_torch(exact), horizon, "exact"),
    ]
    return compare(
        "dense",
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
