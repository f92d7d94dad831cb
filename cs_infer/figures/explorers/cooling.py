"""The explorer of the cooling temperature: VIREL beside three fixed temperatures."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs_infer.cooling import virel
from cs_infer.figures.explorers.element import Explorer, between, settings_of
from cs_infer.mdp import TabularMDP
from cs_infer.soft_iteration import soft_value_iteration

FIXED = (1.0, 0.1, 0.01)


def cooling_problem(
    *, cells: int = 5, useless: int = 10, slip: float = 0.2, scale: float = 1.0
) -> TabularMDP:
    """Cells in a row, two useful actions and many useless ones.

    Action 0 moves left, action 1 right, the others wait: they stay where they
    are and earn nothing. A move right stays in place with probability
    ``slip``. In the first cell, moving left earns a little, 0.2; in the last,
    moving right earns 1. Both times ``scale``. All actions are equally likely
    under the prior.

    Args:
        cells: the number of cells, at least 3; the start is the second.
        useless: how many actions wait, at least 1.
        slip: the probability that a move right fails.
        scale: what all rewards are multiplied with, above 0.

    Returns:
        The problem, for use with a discount: its horizon and temperature, both
        1, play no part.

    Raises:
        ValueError: a number is out of range.

    Example:
        >>> cooling_problem(useless=2)
        TabularMDP(num_states=5, num_actions=4, horizon=1, temperature=1)
    """
    between(3, np.inf, cells=cells)
    between(1, np.inf, useless=useless)
    between(0, 1, slip=slip)
    between(np.finfo(float).tiny, np.finfo(float).max, scale=scale)
    here = np.eye(cells)
    left, right = here[[0, *range(cells - 1)]], here[[*range(1, cells), cells - 1]]
    moves = [left, (1 - slip) * right + slip * here, *[here] * useless]
    reward = np.zeros((cells, 2 + useless))
    reward[0, 0], reward[-1, 1] = 0.2 * scale, scale
    return TabularMDP.from_arrays(
        transition=np.stack(moves, axis=1), reward=reward, initial=here[1], horizon=1
    )


def cooling_explorer(*, discount: float = 0.8, c: float = 1.0, **settings: Any) -> Explorer:
    """Watch VIREL's temperature cool itself beside three fixed ones, live in the page.

    Args:
        discount: ``gamma``, at least 0 and at most 0.9, so that 120 rounds show the end.
        c: VIREL's constant, above 0.
        settings: passed to :func:`cooling_problem`.

    Returns:
        An object that a notebook shows as the explorer.

    Raises:
        ValueError: a number is out of range; see :func:`cooling_problem`.

    Example:
        >>> cooling_explorer(useless=2)
        cooling_explorer(TabularMDP(num_states=5, num_actions=4, horizon=1, temperature=1))
    """
    between(0, 0.9, discount=discount)
    mdp = cooling_problem(**settings)
    cooled = virel(mdp, discount=discount, c=c, max_iterations=400)
    temperatures = ", ".join(f"{x:.2g}" for x in cooled.temperatures[:60:10])
    distances = ", ".join(
        f"{np.abs(soft_value_iteration(warm, discount=discount).Q - cooled.Q).max():.3g}"
        for warm in map(mdp.with_temperature, FIXED)
    )
    words = (
        f"VIREL's temperature at rounds 0, 10, 20, … is {temperatures}, and its values end at "
        f"the optimal ones. At the fixed temperatures 1, 0.1 and 0.01 the largest distance from "
        f"them that stays is {distances}."
    )
    data = settings_of(cooling_problem, settings) | {"discount": discount, "c": c}
    return Explorer("cooling", data, words, mdp)
