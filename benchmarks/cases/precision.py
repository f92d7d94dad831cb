"""Single precision over a long horizon: how far off is the policy?"""

from __future__ import annotations

import numpy as np

import cs_infer as ci
from benchmarks.ours import build
from benchmarks.problems import grid_problem
from benchmarks.report import Row

THREADS = (1,)
SECONDS = 1.0


def rows(threads: int, seconds: float, *, side: int = 12, horizon: int = 10_000) -> list[Row]:
    """The largest difference between the policies of float32 and of float64."""
    double = build(grid_problem(side, horizon))
    single = double.to_numpy(dtype=np.float32)
    found = []
    for solve, name in ((ci.soft_values, "variational"), (ci.backward_messages, "exact")):
        error = policy_error(solve(single), solve(double), horizon)
        found.append(
            Row(
                case="precision",
                implementation=f"cs_infer in float32, {name}",
                threads=threads,
                status="measured",
                computes=name,
                unit="policy error",
                value=error,
                note=f"largest |difference| of a probability over 100 of {horizon} steps",
            )
        )
    return found


def policy_error(one: object, other: object, horizon: int) -> float:
    """The largest difference of a probability, at a hundred steps from first to last."""
    steps = np.unique(np.linspace(0, horizon - 1, 100).astype(int)).tolist()
    return max(
        float(abs(_array(one.step(t).policy) - _array(other.step(t).policy)).max()) for t in steps
    )


def _array(x: object) -> np.ndarray:
    return x.detach().cpu().numpy() if hasattr(x, "detach") else np.asarray(x)
