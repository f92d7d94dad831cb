"""The small problems the explorers open with: a chain, a line to spread on, a lottery."""

from __future__ import annotations

import numpy as np

from cs_infer.figures.explorers.element import between
from cs_infer.mdp import TabularMDP


def chain_problem(*, cells: int = 5, horizon: int = 4, temperature: float = 0.3) -> TabularMDP:
    """Cells in a row with a way out at both ends.

    The actions are left and right. Elsewhere than at the two ends, which earn
    0 and cannot be left, a step costs 1. With an odd number of cells the
    middle one, where the chain starts, is a tie.

    Args:
        cells: the number of cells, at least 3.
        horizon: the number of steps T.
        temperature: ``alpha`` > 0.

    Returns:
        The problem; its dynamics are deterministic.

    Raises:
        ValueError: there are fewer than 3 cells.

    Example:
        >>> chain_problem()
        TabularMDP(num_states=5, num_actions=2, horizon=4, temperature=0.3)
    """
    between(3, np.inf, cells=cells)
    end = np.isin(np.arange(cells), (0, cells - 1))
    reward = np.where(end, 0.0, -1.0)
    return TabularMDP.from_arrays(
        transition=_along(cells, (-1, 1), stays=end),
        reward=np.repeat(reward[:, None], 2, axis=1),
        initial=np.eye(cells)[cells // 2],
        horizon=horizon,
        temperature=temperature,
    )


def line_problem(
    *,
    cells: int = 25,
    start: int = 12,
    goal: int | None = 12,
    miss_cost: float = 1.0,
    stay: float = 0.34,
    horizon: int = 20,
    temperature: float = 0.1,
) -> TabularMDP:
    """A walker on a line who may have to be somewhere at the last step.

    The actions are left, stay and right, and do what they say; the ends of
    the line stop a move. Nothing is paid before step T. At step T it costs
    ``miss_cost`` not to be at the goal.

    Args:
        cells: the number of cells.
        start: the cell at step 1.
        goal: the cell to be in at step T; ``None`` for no goal at all.
        miss_cost: in units of reward, at least 0.
        stay: the prior probability to stay; left and right share the rest.
        horizon: the number of steps T.
        temperature: ``alpha`` > 0.

    Returns:
        The problem.

    Raises:
        ValueError: a cell is not on the line, or a number is out of range.

    Example:
        >>> line_problem(goal=None)
        TabularMDP(num_states=25, num_actions=3, horizon=20, temperature=0.1)
    """
    between(0, cells - 1, start=start, goal=start if goal is None else goal)
    between(0, np.inf, miss_cost=miss_cost)
    between(0, 1, stay=stay)
    reward = np.zeros((horizon, cells, 3))
    if goal is not None:
        reward[-1] = -miss_cost
        reward[-1, goal] = 0.0
    return TabularMDP.from_arrays(
        transition=_along(cells, (-1, 0, 1)),
        reward=reward,
        initial=np.eye(cells)[start],
        action_prior=np.tile([(1 - stay) / 2, stay, (1 - stay) / 2], (cells, 1)),
        horizon=horizon,
        temperature=temperature,
    )


def lottery_problem(
    *, chance: float = 0.4, gain: float = 3.0, safe: float = 2.0, temperature: float = 1.0
) -> TabularMDP:
    """A safe choice against a lottery.

    Two steps. At the first, action 0 is safe and action 1 draws the lottery;
    both earn 0. The second is spent where the first one led: state 1, won,
    earns ``gain``; state 2, lost, earns 0; state 3, safe, earns ``safe``.

    Args:
        chance: the probability that the lottery wins.
        gain: what winning pays, in units of reward.
        safe: what the safe choice pays, in units of reward.
        temperature: ``alpha`` > 0.

    Returns:
        The problem; state 0 is the start.

    Raises:
        ValueError: ``chance`` is not a probability.

    Example:
        >>> lottery_problem().is_deterministic
        False
    """
    between(0, 1, chance=chance)
    P = np.tile(np.eye(4)[:, None], (1, 2, 1))
    P[0, 0] = np.eye(4)[3]
    P[0, 1] = [0.0, chance, 1 - chance, 0.0]
    return TabularMDP.from_arrays(
        transition=P,
        reward=[[0.0, 0.0], [gain, gain], [0.0, 0.0], [safe, safe]],
        initial=[1.0, 0.0, 0.0, 0.0],
        horizon=2,
        temperature=temperature,
    )


def _along(cells: int, moves: tuple[int, ...], stays: np.ndarray | None = None) -> np.ndarray:
    """``P(s' | s, a)`` of moves along a line whose ends stop them; shape (S, A, S)."""
    here = np.arange(cells)[:, None]
    to = np.clip(here + np.array(moves), 0, cells - 1)
    if stays is not None:
        to = np.where(stays[:, None], here, to)
    return np.eye(cells)[to]
