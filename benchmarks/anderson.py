"""Anderson's extrapolation of sweeps: measured beside the library, and not in it.

Of the last few sweeps it takes the combination that would have moved least. A guess
that moves more than the best so far is taken back.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray

_MEMORY = 5
_RIDGE = 1e-13  # relative: keeps the small least-squares problem solvable


def anderson(sweep: Callable[[Array], Array], v: Array, enough: float) -> tuple[Array, int]:
    """Repeat ``sweep`` until it moves ``v`` by at most ``enough``: the value, the sweeps."""
    moves, images, best, plain, count = [], [], np.inf, v, 0
    while True:
        new, count = sweep(v), count + 1
        moved = float(np.abs(new - v).max())
        if moved <= enough:
            return new, count
        if moved > best:
            moves, images, best, v = [], [], np.inf, plain
            continue
        best, plain = moved, new
        moves, images = [*moves, new - v][-_MEMORY - 1 :], [*images, new][-_MEMORY - 1 :]
        v = new - _correction(np.array(moves), np.array(images))


def _correction(moves: Array, images: Array) -> Array:
    steps = np.diff(moves, axis=0)
    gram = steps @ steps.T
    gram = gram + _RIDGE * np.diag(np.diag(gram))
    return np.linalg.solve(gram, steps @ moves[-1]) @ np.diff(images, axis=0)
