"""The explorer of the cliff: what an agent believes, and what happens to it."""

from __future__ import annotations

from typing import Any

from cs_infer.figures.explorers.conditioning import believed_return
from cs_infer.figures.explorers.element import Explorer, settings_of
from cs_infer.figures.explorers.grids import CLIFF_LAYOUT, cliff_problem, cliff_states
from cs_infer.messages import backward_messages, smoothed_marginals
from cs_infer.policies import policy_occupancy, policy_return
from cs_infer.variational import soft_values


def cliff_explorer(**settings: Any) -> Explorer:
    """Walk along a slippery cliff under both backups, live in the page.

    Args:
        settings: passed to :func:`cliff_problem`.

    Returns:
        An object that a notebook shows as the explorer.

    Raises:
        ValueError: see :func:`cliff_problem`.

    Example:
        >>> cliff_explorer(horizon=12)
        cliff_explorer(TabularMDP(num_states=29, num_actions=5, horizon=12, temperature=0.2))
    """
    mdp = cliff_problem(**settings)
    layout = settings.get("layout", CLIFF_LAYOUT)
    cliff = cliff_states(layout)
    exact, variational = (
        f"a return of {policy_return(mdp, policy):.3f} and a chance to fall of "
        f"{policy_occupancy(mdp, policy)[:, cliff].sum():.4f}"
        for policy in (backward_messages(mdp).policy, soft_values(mdp).policy)
    )
    words = (
        f"With T = {mdp.horizon} and temperature {mdp.temperature:g}, the agent of exact "
        f"inference believes in a return of {believed_return(mdp):.3f} and a chance to fall of "
        f"{smoothed_marginals(mdp).state[:, cliff].sum():.4f}. It obtains {exact}. The agent of "
        f"the variational backup believes in what it obtains, {variational}."
    )
    return Explorer("cliff", settings_of(cliff_problem, {"layout": layout} | settings), words, mdp)
