"""The explorer of the cone: where a walker may be between a start and a goal."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs_infer.figures.explorers.element import Explorer, settings_of
from cs_infer.figures.explorers.small import line_problem
from cs_infer.messages import smoothed_marginals

LARGEST = 41


def cone_explorer(**settings: Any) -> Explorer:
    """See the two messages on a line and their product, live in the page.

    Args:
        settings: passed to :func:`line_problem`.

    Returns:
        An object that a notebook shows as the explorer.

    Raises:
        ValueError: there are more than 41 cells or steps; see :func:`line_problem`.

    Example:
        >>> cone_explorer(horizon=8)
        cone_explorer(TabularMDP(num_states=25, num_actions=3, horizon=8, temperature=0.1))
    """
    mdp = line_problem(**settings)
    if max(mdp.num_states, mdp.horizon) > LARGEST:
        raise ValueError(
            f"the explorer draws at most {LARGEST} cells and steps; the problem has "
            f"{mdp.num_states} and {mdp.horizon}"
        )
    state = smoothed_marginals(mdp).state
    place = np.arange(mdp.num_states)
    spread = np.sqrt(np.maximum(state @ place**2 - (state @ place) ** 2, 0.0))
    words = (
        "The standard deviation of the place given optimality is, step by step, "
        f"{', '.join(f'{value:.2f}' for value in spread)}."
    )
    return Explorer("cone", settings_of(line_problem, settings), words, mdp)
