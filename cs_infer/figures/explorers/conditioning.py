"""The explorer of chapter 1: trajectories before and after conditioning on optimality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cs_infer.figures.explorers.element import Explorer, plain, settings_of
from cs_infer.figures.explorers.grids import LAYOUT, gridworld_problem
from cs_infer.mdp import TabularMDP
from cs_infer.messages import backward_messages, smoothed_marginals

MOST_STATES = 100


def conditioning_explorer(
    mdp: TabularMDP | None = None,
    *,
    columns: int | None = None,
    actions: Sequence[str] | None = None,
    **settings: Any,
) -> Explorer:
    """Condition a problem on being optimal, live in the page.

    Without a problem, the gridworld of :func:`gridworld_problem`, with
    ``settings`` to open with. With one, its states are laid out in reading
    order.

    Args:
        mdp: a problem of at most 100 states whose reward depends on states and
            actions alone.
        columns: how many states to a row of the map; a square by default.
        actions: names of the actions, for the map's legend.
        settings: passed to :func:`gridworld_problem`, without ``mdp``.

    Returns:
        An object that a notebook shows as the explorer.

    Raises:
        ValueError: the problem is too large, or pays on the next state.
        TypeError: a problem and settings of the gridworld are both given.

    Example:
        >>> conditioning_explorer(horizon=8)
        conditioning_explorer(TabularMDP(num_states=20, num_actions=5, horizon=8, temperature=0.3))
    """
    if mdp is None:
        mdp = gridworld_problem(**settings)
        data = settings_of(gridworld_problem, {"layout": LAYOUT} | settings)
        return Explorer("conditioning", data, in_words(mdp), mdp)
    if settings:
        raise TypeError(f"{', '.join(settings)}: settings of the gridworld, not of a given problem")
    if mdp.num_states > MOST_STATES:
        raise ValueError(
            f"the explorer draws at most {MOST_STATES} states; the problem has {mdp.num_states}"
        )
    if mdp.reward_next is not None:
        raise ValueError("the explorer needs rewards r(s, a); this problem has reward_next")
    return Explorer("conditioning", _array_data(mdp, columns, actions), in_words(mdp), mdp)


def in_words(mdp: TabularMDP) -> str:
    """A problem's evidence and its expected return given optimality, as two sentences' worth.

    Args:
        mdp: the problem.

    Returns:
        Plain text.
    """
    return (
        f"With T = {mdp.horizon} and temperature {mdp.temperature:g}, "
        f"log p(O = 1) = {backward_messages(mdp).log_evidence:.3f} nats, and the "
        f"expected return given optimality is {believed_return(mdp):.3f}."
    )


def believed_return(mdp: TabularMDP) -> float:
    """The expected return given optimality; what never happens costs nothing.

    Args:
        mdp: the problem.

    Returns:
        In units of reward.
    """
    probability = smoothed_marginals(mdp).state_action
    return float(np.sum(probability * np.where(probability > 0, mdp.reward, 0.0)))


def _array_data(
    mdp: TabularMDP, columns: int | None, actions: Sequence[str] | None
) -> dict[str, Any]:
    stationary = bool(np.all(mdp.reward == mdp.reward[0]))
    return {
        "transition": mdp.transition.tolist(),
        "reward": plain((mdp.reward[0] if stationary else mdp.reward).tolist()),
        "initial": mdp.initial.tolist(),
        "actionPrior": mdp.action_prior.tolist(),
        "horizon": mdp.horizon,
        "temperature": mdp.temperature,
        "columns": columns or int(np.ceil(np.sqrt(mdp.num_states))),
        "actions": list(actions or (f"action {a}" for a in range(mdp.num_actions))),
    }
