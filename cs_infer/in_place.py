"""A backward step over successor lists for numpy, in a few arrays that are reused.

Arithmetic is cheap; fresh memory and looking values up are not. A step on a
large sparse problem in plain numpy touches a dozen arrays of A S numbers, and
getting each of them from the operating system costs more than filling it. So
the steps of one sweep share their arrays, and work goes action by action, so
that a row stays in the cache. In a grid a slip of one action leads where
another action aims: lists that name the same states are looked up once. And
while floating point can hold a whole step with one shift, no state needs a
shift of its own. The results are those of :func:`cs_infer.backups.state_values`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from cs_infer.dynamics import Deterministic, Sparse
from cs_infer.log_space import safe_log

Array = np.ndarray

_SAFE = 600.0  # nats: exp(-600) is far from the smallest normal float


class Lists:
    """The successor lists of a numpy problem, or of a batch, with room for one step."""

    def __init__(self, dynamics: Sparse) -> None:
        """Keep the lists, [k, a, (b,) s], and room for three rows ((B,) S)."""
        index, self._p = dynamics.lists_end_to_end()
        self._certain = isinstance(dynamics, Deterministic)
        self._reach = min(_SAFE, dynamics.reach)
        self._rows, self._row_of = _different_rows(index)
        uses = Counter(row for rows in self._row_of for row in rows)
        self._shared = [row for row, count in uses.items() if count > 1]
        self._q, self._part, self._total = (np.empty(index.shape[2:]) for _ in range(3))
        self._log_weight = self._weight = None

    def step(self, v: Array, log_weight: Array, exact: bool) -> Array | None:
        """``log sum_a exp(log_weight + ahead(v))``, shape of ``v``; None where one shift fails.

        Args:
            v: shape (S,) or (B, S), in nats.
            log_weight: ``log rho + r / alpha``, shape (S, A) or (B, S, A).
            exact: whether ``ahead`` is the log-expectation, or the expectation.
        """
        exact = exact and not self._certain
        top, bottom = float(v.max()), float(v.min())
        if bottom == -np.inf and exact:
            bottom = float(np.min(v, where=v > -np.inf, initial=top))
        if bottom == -np.inf:
            return None
        self._look_at(log_weight)
        if bottom - top + self._low < -self._reach or self._high > self._reach:
            return None
        total = self._sum_over_actions(np.exp(v - top) if exact else v - top, exact)
        return safe_log(total) + top

    def _sum_over_actions(self, v: Array, exact: bool) -> Array:
        q, total, flat = self._q, self._total, v.reshape(-1)
        ahead = {row: flat.take(self._rows[row], mode="clip") for row in self._shared}
        total.fill(0.0)
        for a, weight in enumerate(self._weight if exact else self._actions_first):
            self._mean(flat, a, ahead)
            if exact:
                q *= weight
            else:
                q += weight
                np.exp(q, out=q)
            total += q
        return total

    def _mean(self, v: Array, a: int, ahead: dict[int, Array]) -> None:
        """``E[v(s')]`` of one action, into ``_q``."""
        q, part = self._q, self._part
        for k, probability in enumerate(self._p[:, a]):
            row = self._row_of[k][a]
            if row in ahead:
                np.multiply(ahead[row], probability, out=part if k else q)
            else:  # the indices were checked
                np.take(v, self._rows[row], out=part if k else q, mode="clip")
                np.multiply(part if k else q, probability, out=part if k else q)
            if k:
                q += part

    def under(self, policy: Array) -> Callable[[Array], Array]:
        """The map from ``v`` to ``E[v(s')]`` when actions follow a policy, shape (..., S, A).

        What leads to the same states is weighed together, once for all the maps to come.
        """
        chance = np.moveaxis(policy, -1, 0)
        weight = [np.zeros(self._q.shape) for _ in self._rows]
        for k, rows in enumerate(self._row_of):
            for a, row in enumerate(rows):
                weight[row] += self._p[k, a] * chance[a]

        def ahead(v: Array) -> Array:
            flat, total = v.reshape(-1), np.zeros(self._q.shape)
            for row, w in zip(self._rows, weight, strict=True):
                np.take(flat, row, out=self._part, mode="clip")
                self._part *= w
                total += self._part
            return total

        return ahead

    def _look_at(self, log_weight: Array) -> None:
        """Keep what a step needs of ``log_weight``, once if the reward is constant."""
        if log_weight is self._log_weight:
            return
        finite = np.isfinite(log_weight)
        self._log_weight = log_weight
        self._low = float(np.min(log_weight, where=finite, initial=0.0))
        self._high = float(np.max(log_weight, where=finite, initial=0.0))
        self._actions_first = np.moveaxis(log_weight, -1, 0)
        if log_weight.ndim == 2 and self._q.ndim == 2:  # one for the whole batch
            self._actions_first = self._actions_first[:, None]
        self._weight = np.exp(np.minimum(self._actions_first, _SAFE))


def _different_rows(index: Array) -> tuple[list[Array], list[list[int]]]:
    """The different rows ``index[k, a]``, and which of them each place holds."""
    place: dict[bytes, int] = {}
    numbers = [[place.setdefault(row.tobytes(), len(place)) for row in lists] for lists in index]
    rows = {
        number: row
        for lists, ns in zip(index, numbers, strict=True)
        for row, number in zip(lists, ns, strict=True)
    }
    return [rows[number] for number in range(len(rows))], numbers


def lists_of(dynamics: object, like: Array) -> Lists | None:
    """The lists of a numpy problem in float64 without gains; None for anything else.

    A batch that shares its dynamics is anything else.
    """
    fits = (
        isinstance(dynamics, Sparse)
        and isinstance(like, np.ndarray)
        and like.dtype == np.float64
        and like.shape[:-1] == dynamics.probability.shape[:-3]
        and dynamics.gain is None
    )
    return Lists(dynamics) if fits else None
