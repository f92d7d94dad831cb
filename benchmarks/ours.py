"""The library's own entries: a problem is built once, as a user would, and swept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import cs_infer as ci
from benchmarks.problems import Problem
from cs_infer.dynamics import Sparse

Run = Callable[[], Any]


def build(problem: Problem, steps: int | None = None) -> ci.TabularMDP:
    """The problem of the library; a batch where the arrays have a leading axis."""
    S = problem.reward.shape[-2]
    lists = problem.next_state is not None
    reward = problem.reward
    return ci.TabularMDP.from_arrays(
        transition=Sparse(problem.next_state, problem.probability)
        if lists
        else problem.probability,
        reward=reward if reward.ndim == 2 else reward[:, None],
        initial=np.full(S, 1 / S),
        horizon=steps or problem.horizon,
    )


def variational(problem: Problem | ci.TabularMDP, steps: int) -> Run:
    """Soft values."""
    mdp = build(problem, steps) if isinstance(problem, Problem) else problem
    return lambda: ci.soft_values(mdp).V[..., 0, :]


def exact(problem: Problem | ci.TabularMDP, steps: int) -> Run:
    """Messages."""
    mdp = build(problem, steps) if isinstance(problem, Problem) else problem
    return lambda: ci.backward_messages(mdp).log_beta_s[..., 0, :]


def to_torch(make: Callable[..., Run]) -> Callable[[Problem, int], Run]:
    """The same in torch tensors, on the processor."""

    def made(problem: Problem, steps: int) -> Run:
        import torch  # noqa: F401 - missing is to be said

        return make(build(problem, steps).to_torch(), steps)

    return made


def compiled(problem: Problem, steps: int, reading: str) -> Run:
    """The compiled step of the library, in torch."""
    import torch  # noqa: F401 - missing is to be said

    from cs_infer.compiled import compiled_backward

    mdp = build(problem, steps).to_torch()
    name = "log_beta_s" if reading == "exact" else "V"
    return lambda: getattr(compiled_backward(mdp, reading), name)[0]
