"""The maps the explorers open with: a walk past mud to a goal, and one along a cliff."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cs_infer.figures.explorers.element import between
from cs_infer.figures.gridworld import MOVES
from cs_infer.mdp import TabularMDP

LAYOUT = (
    "......",
    ".####.",
    "S.~~.G",
    "...~..",
)
CLIFF_LAYOUT = (
    ".......",
    ".......",
    ".......",
    "SxxxxxG",
)
ACTIONS = ("up", "right", "down", "left", "stay")

_MARKS = {"S": "start", "G": "goal", "~": "mud", ".": "free", "#": "wall"}
_CLIFF_MARKS = {"S": "start", "G": "goal", "x": "cliff", ".": "free", "#": "wall"}


def gridworld_problem(
    layout: Sequence[str] = LAYOUT,
    *,
    step_cost: float = 1.0,
    mud_cost: float = 3.0,
    slip: float = 0.1,
    horizon: int = 16,
    temperature: float = 0.3,
) -> TabularMDP:
    """A walk to a goal, with mud on the short way.

    States are the cells that are not walls, in reading order. Every step
    costs ``step_cost``, in mud ``mud_cost`` more; at the goal, which cannot be
    left, steps are free. The five actions are :data:`ACTIONS`, equally likely
    under the prior. With probability ``slip`` a random one of the five is made
    instead; a wall or the edge stops a move.

    Args:
        layout: the rows of the map: ``S`` start, ``G`` goal, ``~`` mud, ``#``
            wall, ``.`` free.
        step_cost: in units of reward, at least 0.
        mud_cost: in units of reward, at least 0.
        slip: the probability that a random one of the five moves is made.
        horizon: the number of steps T.
        temperature: ``alpha`` > 0.

    Returns:
        The problem.

    Raises:
        ValueError: the rows differ in length, hold another character or no
            start, or a number is out of range.

    Example:
        >>> gridworld_problem()
        TabularMDP(num_states=20, num_actions=5, horizon=16, temperature=0.3)
    """
    _check_layout(layout, _MARKS)
    between(0, np.inf, step_cost=step_cost, mud_cost=mud_cost)
    between(0, 1, slip=slip)
    marks = [mark for *_, mark in _cells(layout)]
    pay = {"G": 0.0, "~": -(step_cost + mud_cost)}
    return TabularMDP.from_arrays(
        transition=_walk(layout, slip),
        reward=[[pay.get(mark, -step_cost)] * len(MOVES) for mark in marks],
        initial=_at_the_starts(marks),
        horizon=horizon,
        temperature=temperature,
    )


def cliff_problem(
    layout: Sequence[str] = CLIFF_LAYOUT,
    *,
    step_cost: float = 1.0,
    cliff_cost: float = 15.0,
    slip: float = 0.2,
    horizon: int = 20,
    temperature: float = 0.2,
) -> TabularMDP:
    """A walk to a goal along a cliff, on slippery ground.

    As :func:`gridworld_problem`, with a cliff in place of mud. Who steps into
    a cliff cell pays ``cliff_cost`` once, on top of the step, and then lies on
    the ground below: the last state, which is on no map, costs ``step_cost`` a
    step and cannot be left.

    Args:
        layout: the rows of the map: ``S`` start, ``G`` goal, ``x`` cliff, ``#``
            wall, ``.`` free.
        step_cost: in units of reward, at least 0.
        cliff_cost: what a fall costs, in units of reward, at least 0.
        slip: the probability that a random one of the five moves is made.
        horizon: the number of steps T.
        temperature: ``alpha`` > 0.

    Returns:
        The problem; its states are the cells in reading order, and the ground.

    Raises:
        ValueError: the rows differ in length, hold another character or no
            start, or a number is out of range.

    Example:
        >>> cliff_problem(horizon=12)
        TabularMDP(num_states=29, num_actions=5, horizon=12, temperature=0.2)
    """
    _check_layout(layout, _CLIFF_MARKS)
    between(0, np.inf, step_cost=step_cost, cliff_cost=cliff_cost)
    between(0, 1, slip=slip)
    marks = [mark for *_, mark in _cells(layout)]
    S = len(marks) + 1
    P = np.zeros((S, len(MOVES), S))
    P[:-1, :, :-1] = _walk(layout, slip)
    fallen = [*cliff_states(layout), S - 1]
    P[fallen] = np.eye(S)[-1]
    pay = {"G": 0.0, "x": -(step_cost + cliff_cost)}
    return TabularMDP.from_arrays(
        transition=P,
        reward=[[pay.get(mark, -step_cost)] * len(MOVES) for mark in [*marks, "."]],
        initial=np.append(_at_the_starts(marks), 0.0),
        horizon=horizon,
        temperature=temperature,
    )


def cliff_states(layout: Sequence[str] = CLIFF_LAYOUT) -> list[int]:
    """The states of :func:`cliff_problem` that are cells of the cliff.

    Each is visited at most once, so the probability of a fall within T steps
    is their occupancy summed over steps, cells and actions.

    Args:
        layout: the rows of the map.

    Returns:
        State numbers, in reading order.
    """
    return [s for s, (*_, mark) in enumerate(_cells(layout)) if mark == "x"]


def _walk(layout: Sequence[str], slip: float) -> np.ndarray:
    """``P(s' | s, a)`` of the five moves, the goal kept for good; shape (S, 5, S)."""
    cells = _cells(layout)
    index = {cell[:2]: s for s, cell in enumerate(cells)}
    P = np.zeros((len(cells), len(MOVES), len(cells)))
    for s, (row, column, mark) in enumerate(cells):
        for a in range(len(MOVES)):
            for move, (down, right) in enumerate(MOVES):
                to = s if mark == "G" else index.get((row + down, column + right), s)
                P[s, a, to] += slip / len(MOVES) + (1 - slip) * (move == a)
    return P


def _at_the_starts(marks: Sequence[str]) -> np.ndarray:
    starts = np.array([mark == "S" for mark in marks], dtype=float)
    return starts / starts.sum()


def _cells(layout: Sequence[str]) -> list[tuple[int, int, str]]:
    return [
        (row, column, mark)
        for row, line in enumerate(layout)
        for column, mark in enumerate(line)
        if mark != "#"
    ]


def _check_layout(layout: Sequence[str], marks: dict[str, str]) -> None:
    text = "".join(layout)
    if len({len(line) for line in layout}) != 1:
        raise ValueError(f"layout must have rows of one length; they are {list(map(len, layout))}")
    if unknown := set(text) - set(marks):
        raise ValueError(f"layout may hold {''.join(marks)}; it holds {''.join(sorted(unknown))}")
    if "S" not in text:
        raise ValueError("layout must hold a start, S; it has none")
