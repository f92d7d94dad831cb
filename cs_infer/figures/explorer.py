"""The explorer of the book, handed a problem from Python.

The page computes with the book's own script, so that a slider answers at
once; tests hold the script and this library together. What the explorer opens
with, :func:`gridworld_problem` builds here, to go on with in code.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from cs_infer.figures.gridworld import MOVES
from cs_infer.mdp import TabularMDP
from cs_infer.messages import backward_messages, smoothed_marginals

LAYOUT = (
    "......",
    ".####.",
    "S.~~.G",
    "...~..",
)
ACTIONS = ("up", "right", "down", "left", "stay")
MOST_STATES = 100

_MARKS = {"S": "start", "G": "goal", "~": "mud", ".": "free", "#": "wall"}


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
    _check_layout(layout)
    for name, value, top in (
        ("step_cost", step_cost, np.inf),
        ("mud_cost", mud_cost, np.inf),
        ("slip", slip, 1.0),
    ):
        if not 0 <= value <= top:
            raise ValueError(f"{name} must lie between 0 and {top:g}; it is {value}")
    cells = _cells(layout)
    index = {cell[:2]: s for s, cell in enumerate(cells)}
    P = np.zeros((len(cells), len(MOVES), len(cells)))
    for s, (row, column, mark) in enumerate(cells):
        for a in range(len(MOVES)):
            for move, (down, right) in enumerate(MOVES):
                to = s if mark == "G" else index.get((row + down, column + right), s)
                P[s, a, to] += slip / len(MOVES) + (1 - slip) * (move == a)
    pay = {"G": 0.0, "~": -(step_cost + mud_cost)}
    starts = np.array([mark == "S" for *_, mark in cells], dtype=float)
    return TabularMDP.from_arrays(
        transition=P,
        reward=[[pay.get(mark, -step_cost)] * len(MOVES) for *_, mark in cells],
        initial=starts / starts.sum(),
        horizon=horizon,
        temperature=temperature,
    )


class ConditioningExplorer:
    """A problem to condition on being optimal, shown by the book's pages."""

    def __init__(self, problem: dict[str, Any], mdp: TabularMDP) -> None:
        self.problem = problem
        self.mdp = mdp

    def _repr_html_(self) -> str:
        data = html.escape(json.dumps(self.problem, allow_nan=False), quote=True)
        return (
            f'<cai-conditioning data-problem="{data}">'
            f"<p>{html.escape(self._in_words())}</p></cai-conditioning>"
        )

    def __repr__(self) -> str:
        return f"ConditioningExplorer({self.mdp!r})"

    def _in_words(self) -> str:
        after = np.sum(self._where_visited(smoothed_marginals(self.mdp).state_action))
        return (
            "The explorer of this page needs JavaScript and the pages of the book. With "
            f"T = {self.mdp.horizon} and temperature {self.mdp.temperature:g}, "
            f"log p(O = 1) = {backward_messages(self.mdp).log_evidence:.3f} nats, and the "
            f"expected return given optimality is {after:.3f}."
        )

    def _where_visited(self, probability: np.ndarray) -> np.ndarray:
        return probability * np.where(probability > 0, self.mdp.reward, 0.0)


def conditioning_explorer(
    mdp: TabularMDP | None = None,
    *,
    columns: int | None = None,
    actions: Sequence[str] | None = None,
    **settings: Any,
) -> ConditioningExplorer:
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
        ConditioningExplorer(TabularMDP(num_states=20, num_actions=5, horizon=8, temperature=0.3))
    """
    if mdp is None:
        return ConditioningExplorer(_grid_data(settings), gridworld_problem(**settings))
    if settings:
        raise TypeError(f"{', '.join(settings)}: settings of the gridworld, not of a given problem")
    if mdp.num_states > MOST_STATES:
        raise ValueError(
            f"the explorer draws at most {MOST_STATES} states; the problem has {mdp.num_states}"
        )
    if mdp.reward_next is not None:
        raise ValueError("the explorer needs rewards r(s, a); this problem has reward_next")
    return ConditioningExplorer(_array_data(mdp, columns, actions), mdp)


def _grid_data(settings: dict[str, Any]) -> dict[str, Any]:
    chosen = dict(gridworld_problem.__kwdefaults__) | {"layout": LAYOUT} | settings
    words = {"step_cost": "stepCost", "mud_cost": "mudCost"}
    return {words.get(name, name): _plain(value) for name, value in chosen.items()}


def _array_data(
    mdp: TabularMDP, columns: int | None, actions: Sequence[str] | None
) -> dict[str, Any]:
    stationary = bool(np.all(mdp.reward == mdp.reward[0]))
    return {
        "transition": mdp.transition.tolist(),
        "reward": _plain((mdp.reward[0] if stationary else mdp.reward).tolist()),
        "initial": mdp.initial.tolist(),
        "actionPrior": mdp.action_prior.tolist(),
        "horizon": mdp.horizon,
        "temperature": mdp.temperature,
        "columns": columns or int(np.ceil(np.sqrt(mdp.num_states))),
        "actions": list(actions or (f"action {a}" for a in range(mdp.num_actions))),
    }


def _plain(value: Any) -> Any:
    """What JSON can hold: ``-inf``, which it cannot, becomes the string ``"-inf"``."""
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return "-inf" if value == -np.inf else value


def _cells(layout: Sequence[str]) -> list[tuple[int, int, str]]:
    return [
        (row, column, mark)
        for row, line in enumerate(layout)
        for column, mark in enumerate(line)
        if mark != "#"
    ]


def _check_layout(layout: Sequence[str]) -> None:
    text = "".join(layout)
    if len({len(line) for line in layout}) != 1:
        raise ValueError(f"layout must have rows of one length; they are {list(map(len, layout))}")
    unknown = set(text) - set(_MARKS)
    if unknown:
        raise ValueError(f"layout may hold {''.join(_MARKS)}; it holds {''.join(sorted(unknown))}")
    if "S" not in text:
        raise ValueError("layout must hold a start, S; it has none")
