"""The problems that are measured, and their answers computed the pedestrian way.

References use neither the library nor any of the contenders: probabilities or
logarithms, one step after the other, in the order in which the equations stand.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Problem(NamedTuple):
    """Successor lists [s, a, k] (or all states), a reward in nats, a uniform prior.

    Attributes:
        probability: shape (..., S, A, K).
        next_state: same shape; None when K is S and every state is listed.
        reward: shape (..., S, A), at most 0, over the temperature.
        horizon: the number of steps T.
    """

    probability: Array
    next_state: Array | None
    reward: Array
    horizon: int


def dense_problem(num_states: int, num_actions: int, horizon: int, seed: int = 0) -> Problem:
    """Every next state possible."""
    rng = np.random.default_rng(seed)
    P = rng.random((num_states, num_actions, num_states))
    P /= P.sum(axis=-1, keepdims=True)
    return Problem(P, None, -rng.random((num_states, num_actions)), horizon)


def grid_problem(side: int, horizon: int, *, slip: float = 0.1, seed: int = 0) -> Problem:
    """A square grid: four moves and staying, each slips to either side. K = 3."""
    S = side * side
    row, column = np.divmod(np.arange(S), side)
    moves = [(0, 1), (1, 0), (0, -1), (-1, 0), (0, 0)]

    def arrive(a: int) -> Array:
        down, right = moves[a]
        return np.clip(row + down, 0, side - 1) * side + np.clip(column + right, 0, side - 1)

    sides = [((a - 1) % 4, (a + 1) % 4) if a < 4 else (0, 2) for a in range(5)]
    next_state = np.stack(
        [np.stack([arrive(a), *map(arrive, sides[a])], axis=-1) for a in range(5)], axis=1
    )
    probability = np.broadcast_to([1 - 2 * slip, slip, slip], next_state.shape).copy()
    reward = -np.random.default_rng(seed).random((S, 5))
    return Problem(probability, next_state, reward, horizon)


def many_grids(count: int, side: int, horizon: int) -> Problem:
    """Grids that differ in their rewards and in how slippery they are, stacked."""
    slips = np.linspace(0.02, 0.3, count)
    grids = [grid_problem(side, horizon, slip=float(s), seed=i) for i, s in enumerate(slips)]
    parts = zip(*(grid[:3] for grid in grids), strict=True)
    return Problem(*(np.stack(part) for part in parts), horizon)


class Reference:
    """``reference(kind, steps)``: the values ``steps`` before the end, shape (..., S)."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._known: dict[tuple[str, int], Array] = {}

    def __call__(self, kind: str, steps: int) -> Array:
        """The answer of that kind: exact, variational or hard max."""
        if (kind, steps) not in self._known:
            v = np.zeros(self.problem.reward.shape[:-1])
            for _ in range(steps):
                v = self.back(kind, v)
            self._known[kind, steps] = v
        return self._known[kind, steps]

    def back(self, kind: str, v: Array) -> Array:
        """One step back from the values ``v``."""
        look_ahead = {"exact": self._log_expect}.get(kind, self._expect)
        q = self.problem.reward + look_ahead(v)
        if kind == "hard max":
            return q.max(axis=-1)
        return _logsumexp(q) - np.log(q.shape[-1])

    def _expect(self, v: Array) -> Array:
        if self.problem.next_state is None:
            return np.einsum("sax,x->sa", self.problem.probability, v)
        return np.sum(self.problem.probability * self._at_next(v), axis=-1)

    def _log_expect(self, v: Array) -> Array:
        if self.problem.next_state is None:  # no more than 700 nats apart, for these problems
            top = v.max()
            return np.log(self._expect(np.exp(v - top))) + top
        return _logsumexp(np.log(self.problem.probability) + self._at_next(v))

    def _at_next(self, v: Array) -> Array:
        following = self.problem.next_state
        if v.ndim == 1:
            return v[following]
        return np.stack([each[following[b]] for b, each in enumerate(v)])


def smoothed(problem: Problem) -> Array:
    """``p(s_t, a_t | O)``, shape (T, S, A), from products of probabilities; start uniform."""
    S, A = problem.reward.shape
    P = np.zeros((S, A, S))
    np.add.at(
        P, (*np.indices(problem.probability.shape)[:-1], problem.next_state), problem.probability
    )
    weight = np.exp(problem.reward) / A
    forward, backward = [np.full(S, 1 / S)], [np.ones(S)]
    for _ in range(problem.horizon - 1):
        arrived = np.einsum("s,sa,sax->x", forward[-1], weight, P)
        forward.append(arrived / arrived.sum())
    for _ in range(problem.horizon - 1):
        before = np.einsum("sa,sax,x->s", weight, P, backward[-1])
        backward.append(before / before.sum())
    marginals = []
    for f, after in zip(forward, reversed(backward), strict=True):
        joint = f[:, None] * weight * np.einsum("sax,x->sa", P, after)
        marginals.append(joint / joint.sum())
    return np.stack(marginals)


def _logsumexp(x: Array) -> Array:
    top = x.max(axis=-1, keepdims=True)
    return (top + np.log(np.exp(x - top).sum(axis=-1, keepdims=True)))[..., 0]
