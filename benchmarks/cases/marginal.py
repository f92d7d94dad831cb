"""One marginal from a general library for graphs, all of them from message passing."""

from __future__ import annotations

from functools import partial

import cs_infer as ci
from benchmarks import peers
from benchmarks.ours import build
from benchmarks.problems import grid_problem, smoothed
from benchmarks.report import Row
from benchmarks.timing import Contender, compare

THREADS = (1,)
SECONDS = 4.0


def rows(threads: int, seconds: float, *, side: int = 3, horizon: int = 20) -> list[Row]:
    """p(s_t, a_t | O) in the middle of the horizon."""
    problem = grid_problem(side, horizon)
    middle = horizon // 2
    right = smoothed(problem)[middle]
    mdp = build(problem)
    contenders = [
        Contender(
            "pgmpy, variable elimination",
            partial(peers.pgmpy_marginal, problem, middle),
            1,
            "one marginal",
            note=f"one of the {horizon} marginals",
        ),
        Contender(
            "cs_infer, smoothed_marginals",
            lambda: lambda: ci.smoothed_marginals(mdp).state_action[middle],
            1,
            "all marginals",
            note=f"all {horizon} marginals; the one in the middle is compared",
        ),
    ]
    return compare(
        "marginal",
        contenders,
        lambda kind, steps: right,
        threads=threads,
        seconds=seconds,
        unit="answer",
    )
