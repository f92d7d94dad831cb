"""A backward step over successor lists for numpy, in two arrays that are reused.

Arithmetic is cheap; fresh memory is not. A step on a large sparse problem
touches a dozen arrays of A S numbers, and getting each of them from the
operating system costs more than filling it. So the steps of one sweep share
two arrays. And while floating point can hold a whole step with one shift, no
state needs a shift of its own. The results are those of
:func:`cs_infer.backups.state_values`.
"""

from __future__ import annotations

import numpy as np

from cs_infer.dynamics import Deterministic, Sparse
from cs_infer.log_space import safe_log

Array = np.ndarray

_SAFE = 600.0  # nats: exp(-600) is far from the smallest normal float


class Lists:
    """The successor lists of a numpy problem, or of a batch, with room for one step."""

    def __init__(self, dynamics: Sparse) -> None:
        """Keep the lists, [k, a, (b,) s], and two arrays (A, (B,) S)."""
        self._next, self._p = dynamics.lists_end_to_end()
        self._certain = isinstance(dynamics, Deterministic)
        self._reach = min(_SAFE, dynamics.reach)
        self._q, self._scratch = np.empty(self._p.shape[1:]), np.empty(self._p.shape[1:])
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
        if exact:
            q = self._mean(np.exp(v - top))
            q *= self._weight
        else:
            q = self._mean(v - top)
            q += self._actions_first
            np.exp(q, out=q)
        return safe_log(np.sum(q, axis=0)) + top

    def _mean(self, v: Array) -> Array:
        v, q, scratch = v.reshape(-1), self._q, self._scratch
        np.take(v, self._next[0], out=q, mode="clip")  # the indices were checked
        q *= self._p[0]
        for k in range(1, len(self._p)):
            np.take(v, self._next[k], out=scratch, mode="clip")
            scratch *= self._p[k]
            q += scratch
        return q

    def _look_at(self, log_weight: Array) -> None:
        """Keep what a step needs of ``log_weight``, once if the reward is constant."""
        if log_weight is self._log_weight:
            return
        finite = np.isfinite(log_weight)
        self._log_weight = log_weight
        self._low = float(np.min(log_weight, where=finite, initial=0.0))
        self._high = float(np.max(log_weight, where=finite, initial=0.0))
        self._actions_first = np.moveaxis(log_weight, -1, 0)
        if log_weight.ndim < self._q.ndim:  # one for the whole batch
            self._actions_first = self._actions_first[:, None]
        self._weight = np.exp(np.minimum(self._actions_first, _SAFE))


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
