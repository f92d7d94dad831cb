"""Which states of a linearly solvable problem can be reached from which."""

from __future__ import annotations

from typing import Any

import numpy as np

from cs_infer.arrays import to_numpy
from cs_infer.checks import require
from cs_infer.linear_control.linearly_solvable import LinearlySolvableMDP


def exit_mask(problem: LinearlySolvableMDP, exits: Any) -> np.ndarray:
    """The exits as booleans of shape (S,); at least one, none of them forbidden."""
    given, S = np.asarray(to_numpy(exits)), problem.num_states
    if given.dtype.kind in "iu" and given.size:
        require(
            bool(np.all((given >= 0) & (given < S))),
            f"exits must lie in 0 … {S - 1}; they are {given.tolist()}",
        )
        given = np.isin(np.arange(S), given)
    require(
        given.dtype == bool and given.shape == (S,) and bool(given.any()),
        f"exits must name at least one state, or be booleans of shape ({S},)",
    )
    bad = given & ~problem.allowed
    require(not bad.any(), f"an exit must not be forbidden; reward[{np.argmax(bad)}] is -inf")
    return given


def _reaches(step: np.ndarray, target: np.ndarray) -> np.ndarray:
    """From which states ``target`` can be reached; ``step`` says which moves are possible."""
    reached = target
    while True:
        more = reached | (step & reached).any(axis=1)
        if bool((more == reached).all()):
            return reached
        reached = more


def check_way_out(problem: LinearlySolvableMDP, out: np.ndarray) -> None:
    """Refuse a problem with an allowed state from which no exit can be reached."""
    stuck = problem.allowed & ~_reaches(problem.possible_moves(), out)
    require(
        not stuck.any(),
        "an exit must be reachable from every allowed state under the passive dynamics; "
        f"from state {np.argmax(stuck)} none is",
    )


def check_connected(problem: LinearlySolvableMDP) -> None:
    """Refuse a problem in which some allowed state cannot be reached from another."""
    allowed, step = problem.allowed, problem.possible_moves()
    require(bool(allowed.any()), "every state is forbidden: reward is -inf everywhere")
    dead = allowed & ~step.any(axis=1)
    require(not dead.any(), f"from state {np.argmax(dead)} every move leads to a forbidden state")
    first = np.arange(len(allowed)) == np.argmax(allowed)
    for moves, words in ((step, "from state {1} state {0}"), (step.T, "from state {0} state {1}")):
        lost = allowed & ~_reaches(moves, first)
        require(
            not lost.any(),
            "without an end, allowed states must be connected both ways under the passive "
            f"dynamics; {words.format(np.argmax(first), np.argmax(lost))} cannot be reached",
        )
