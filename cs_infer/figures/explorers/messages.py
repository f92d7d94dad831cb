"""The explorer of messages on a map: one step of the recursion at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs_infer.figures.explorers.element import Explorer, settings_of
from cs_infer.figures.explorers.grids import LAYOUT, gridworld_problem
from cs_infer.messages import backward_messages


def messages_explorer(**settings: Any) -> Explorer:
    """Pass messages over a map one step at a time, live in the page.

    Args:
        settings: passed to :func:`gridworld_problem`.

    Returns:
        An object that a notebook shows as the explorer.

    Raises:
        ValueError: see :func:`gridworld_problem`.

    Example:
        >>> messages_explorer(horizon=8)
        messages_explorer(TabularMDP(num_states=20, num_actions=5, horizon=8, temperature=0.3))
    """
    mdp = gridworld_problem(**settings)
    start = int(np.argmax(mdp.initial))
    log_beta = backward_messages(mdp).log_beta_s[::-1, start]
    rows = ", ".join(f"{value:.2f}" for value in log_beta)
    words = f"At the start, with 1, 2, … {mdp.horizon} steps to go, log beta is {rows} nats."
    return Explorer(
        "messages", settings_of(gridworld_problem, {"layout": LAYOUT} | settings), words, mdp
    )
