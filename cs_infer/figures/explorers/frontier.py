"""The explorer of the frontier: what reward costs in nats, at every temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cs_infer.figures.explorers.element import Explorer, between, settings_of
from cs_infer.figures.explorers.grids import LAYOUT, gridworld_problem
from cs_infer.mdp import TabularMDP
from cs_infer.returns import regularised_return
from cs_infer.variational import soft_values


def frontier_problem(
    layout: Sequence[str] = LAYOUT,
    *,
    step_cost: float = 1.0,
    mud_cost: float = 3.0,
    slip: float = 0.1,
    horizon: int = 16,
    temperature: float = 0.3,
    copies: int = 1,
) -> TabularMDP:
    """The gridworld of :func:`gridworld_problem`, with the action that stays several times.

    Copies that all do the same are one action with more weight: under the
    uniform prior over ``4 + copies`` actions, staying has probability
    ``copies / (4 + copies)`` and each other action ``1 / (4 + copies)``.

    Args:
        layout: see :func:`gridworld_problem`.
        step_cost: see :func:`gridworld_problem`.
        mud_cost: see :func:`gridworld_problem`.
        slip: see :func:`gridworld_problem`.
        horizon: the number of steps T.
        temperature: ``alpha`` > 0.
        copies: how many actions stay, at least 1.

    Returns:
        The problem, with five actions.

    Raises:
        ValueError: there is no action that stays; see :func:`gridworld_problem`.

    Example:
        >>> frontier_problem(copies=4).action_prior[0].tolist()
        [0.125, 0.125, 0.125, 0.125, 0.5]
    """
    between(1, np.inf, copies=copies)
    mdp = gridworld_problem(
        layout,
        step_cost=step_cost,
        mud_cost=mud_cost,
        slip=slip,
        horizon=horizon,
        temperature=temperature,
    )
    weight = np.array([1.0, 1.0, 1.0, 1.0, copies]) / (4 + copies)
    return replace(mdp, action_prior=np.tile(weight, (mdp.num_states, 1)))


def frontier_explorer(**settings: Any) -> Explorer:
    """Move the temperature along the frontier of reward and divergence, live in the page.

    Args:
        settings: passed to :func:`frontier_problem`.

    Returns:
        An object that a notebook shows as the explorer.

    Raises:
        ValueError: see :func:`frontier_problem`.

    Example:
        >>> frontier_explorer(horizon=8)
        frontier_explorer(TabularMDP(num_states=20, num_actions=5, horizon=8, temperature=0.3))
    """
    mdp = frontier_problem(**settings)
    rows = [_at(mdp, alpha) for alpha in (0.1, mdp.temperature, 1.0, 10.0)]
    words = f"The best policy earns and spends: {'; '.join(rows)}."
    data = settings_of(frontier_problem, {"layout": LAYOUT} | settings)
    return Explorer("frontier", data, words, mdp)


def _at(mdp: TabularMDP, temperature: float) -> str:
    mdp = mdp.with_temperature(temperature)
    best = regularised_return(mdp, soft_values(mdp).policy)
    return (
        f"at temperature {temperature:g} a reward of {best.reward:.3f} "
        f"for {best.divergence:.3f} nats"
    )
