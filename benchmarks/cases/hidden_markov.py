"""Smoothing: the same marginals from a hidden-Markov library."""

from __future__ import annotations

from functools import partial

import numpy as np

import cs_infer as ci
from benchmarks import peers
from benchmarks.ours import build
from benchmarks.problems import grid_problem, smoothed
from benchmarks.report import Row
from benchmarks.timing import Contender, compare

THREADS = (1,)
SECONDS = 6.0


def rows(threads: int, seconds: float, *, side: int = 8, horizon: int = 50) -> list[Row]:
    """p(s_t, a_t | O) for every t."""
    problem = grid_problem(side, horizon)
    right = smoothed(problem)
    mdp = build(problem)
    contenders = [
        Contender(
            f"hmmlearn, {implementation}",
            partial(peers.hmmlearn_smoother, problem, implementation),
            1,
            "smoothed marginals",
            note="S A hidden states, each step S A times S A",
        )
        for implementation in ("log", "scaling")
    ]
    contenders.append(
        Contender(
            "cs_infer, smoothed_marginals",
            lambda: lambda: ci.smoothed_marginals(mdp).state_action,
            1,
            "smoothed marginals",
        )
    )
    return compare(
        "hidden_markov",
        contenders,
        lambda kind, steps: np.asarray(right),
        threads=threads,
        seconds=seconds,
        unit="problem",
    )
