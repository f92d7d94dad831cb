"""The explorer of the lottery: what each backup thinks a chance is worth."""

from __future__ import annotations

from typing import Any

from cs_infer.figures.explorers.element import Explorer, settings_of
from cs_infer.figures.explorers.small import lottery_problem
from cs_infer.messages import backward_messages
from cs_infer.posterior import posterior_dynamics
from cs_infer.variational import soft_values


def lottery_explorer(**settings: Any) -> Explorer:
    """Weigh a lottery against a safe choice with both backups, live in the page.

    Args:
        settings: passed to :func:`lottery_problem`.

    Returns:
        An object that a notebook shows as the explorer.

    Raises:
        ValueError: see :func:`lottery_problem`.

    Example:
        >>> lottery_explorer(chance=0.5)
        lottery_explorer(TabularMDP(num_states=4, num_actions=2, horizon=2, temperature=1))
    """
    mdp = lottery_problem(**settings)
    exact, variational = backward_messages(mdp).policy, soft_values(mdp).policy
    believed = posterior_dynamics(mdp, 0).transition[0, 1, 1]
    words = (
        f"The lottery wins with probability {mdp.transition[0, 1, 1]:.2f}. Exact inference plays "
        f"it with probability {exact[0, 0, 1]:.3f}, and believes that it then wins with "
        f"probability {believed:.3f}. The variational backup plays it with probability "
        f"{variational[0, 0, 1]:.3f}."
    )
    return Explorer("lottery", settings_of(lottery_problem, settings), words, mdp)
