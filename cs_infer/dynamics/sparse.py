"""Dynamics as lists of successors; the deterministic kind is a list of one."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from cs_infer.arrays import (
    arange_like,
    constant,
    is_torch,
    namespace,
    segment_max,
    segment_sum,
    to_numpy,
    transposed,
)
from cs_infer.checks import check_distribution, check_indices, real_array, require
from cs_infer.dynamics.interface import Dynamics
from cs_infer.dynamics.layout import merged_lists, outside, pick, segment_logsumexp
from cs_infer.log_space import finite_or_zero, safe_log

if TYPE_CHECKING:
    from cs_infer.dynamics.dense import Dense

Array = Any


class Sparse(Dynamics):
    """For each state and action a list of K successors and their probabilities."""

    def __init__(self, next_state: Any, probability: Any) -> None:
        """Check and store the lists.

        Args:
            next_state: whole numbers in 0 … S-1, shape (S, A, K) or
                (B, S, A, K). A successor listed twice counts twice.
            probability: same shape; short lists are padded with zeros.
        """
        P = real_array("probability", probability)
        require(
            P.ndim in (3, 4) and math.prod(P.shape) > 0,
            f"probability must have shape (S, A, K); it has {tuple(P.shape)}",
        )
        check_distribution("probability", P, ("s", "a", ":"))
        self._store(check_indices("next_state", next_state, tuple(P.shape), P.shape[-3], P), P)

    @classmethod
    def unchecked(cls, next_state: Array, probability: Array, gain: Array | None = None) -> Sparse:
        """Lists that are known to be right, or hold weights that need not sum to one."""
        return cls.__new__(cls)._store(next_state, probability, gain)

    def _store(self, next_state: Array, P: Array, gain: Array | None = None) -> Sparse:
        # Kept as [k, a, s]; the public [s, a, k] arrays are views of these. Where one
        # of them is a batch, all are.
        shape = (P if gain is None or P.ndim == 4 else gain).shape
        order = tuple(range(len(shape) - 3)) + tuple(len(shape) - i for i in (1, 2, 3))
        self._next, self._p, self._gain = (
            None if x is None else transposed(namespace(x).broadcast_to(x, shape), order)
            for x in (next_state, P, gain)
        )
        self.next_state, self.probability = outside(self._next), outside(self._p)
        self.gain = None if gain is None else outside(self._gain)
        self._index_of = {}
        return self

    def __reduce__(self) -> Any:
        return type(self).unchecked, (self.next_state, self.probability, self.gain)

    def with_gain(self, gain: Array) -> Sparse:
        """The same dynamics, paying ``gain`` where a step ends.

        Args:
            gain: indexed by the next state, shape (..., S, A, S), or by its
                place in the list, shape (..., S, A, K).
        """
        if gain.shape[-1] == self.num_states:
            gain = pick(gain, self.next_state)
        return type(self).unchecked(self.next_state, self.probability, gain)

    def with_probability(self, probability: Array) -> Sparse:
        """Other weights, unchecked, on the same successors."""
        return Sparse.unchecked(self.next_state, probability)

    @cached_property
    def distinct(self) -> Sparse:
        """The same dynamics, every next state of a list listed once.

        Sums do not mind repeats. A maximum does: two chances of one half to
        get to a state are one certainty.
        """
        in_order = np.sort(to_numpy(self._next), axis=-3)
        if not np.any(np.diff(in_order, axis=-3) == 0):
            return self
        if self.gain is None:
            return Sparse.unchecked(*merged_lists(self.next_state, self.probability))
        xp = namespace(self.probability)
        top = finite_or_zero(constant(xp.max(self.log_weight, axis=-1, keepdims=True)))
        next_state, weight = merged_lists(self.next_state, xp.exp(self.log_weight - top))
        _, p = merged_lists(self.next_state, self.probability)
        # The gain of a merged entry makes its weight right: log P + gain.
        gain = xp.where(weight > 0, safe_log(weight) + top, -math.inf) - xp.where(
            p > 0, safe_log(p), 0.0
        )
        return Sparse.unchecked(next_state, p, gain)

    def _index(self, lead: int | None) -> Array:
        """Next states, numbered through a batch of ``lead`` problems, [..., k, a, s]."""
        if lead is None:
            return self._next
        if lead not in self._index_of:
            first = arange_like(self._next, lead) * self.num_states
            self._index_of[lead] = self._next + first[:, None, None, None]
        return self._index_of[lead]

    def lists_end_to_end(self) -> tuple[Array, Array]:
        """Next states and probabilities, [k, a, s], or [k, a, b, s] numbered through the batch."""
        if self.batch is None:
            return self._next, self._p
        order = (1, 2, 0, 3)
        return transposed(self._index(self.batch), order), transposed(self._p, order)

    def _ahead(self, v: Array) -> list[Array]:
        """``v`` at each of the K successors, every one of shape (..., A, S)."""
        xp = namespace(self._p, v)
        A, S = self.num_actions, self.num_states
        rows = range(self._p.shape[-3])
        if self.batch is None:
            shape = (*v.shape[:-1], A, S)
            return [xp.take(v, self._next[k].reshape(-1), axis=-1).reshape(shape) for k in rows]
        flat = xp.broadcast_to(v, (self.batch, S)).reshape(-1)
        index = self._index(self.batch)
        return [
            xp.take(flat, index[:, k].reshape(-1), axis=0).reshape(self.batch, A, S) for k in rows
        ]

    def mean(self, v: Array) -> Array:
        """``E[v(s')]`` of finite numbers, without the gain, shape (..., S, A)."""
        return sum(
            self._p[..., k, :, :] * ahead for k, ahead in enumerate(self._ahead(v))
        ).swapaxes(-1, -2)

    @cached_property
    def _log_w(self) -> Array:
        log_p = safe_log(self._p)
        return log_p if self._gain is None else log_p + self._gain

    def _log_terms(self, v: Array) -> list[Array]:
        return [self._log_w[..., k, :, :] + ahead for k, ahead in enumerate(self._ahead(v))]

    def at_next(self, v: Array) -> Array:
        """``v`` at the listed successors, shape (..., S, A, K)."""
        return outside(namespace(self._p, v).stack(self._ahead(v), axis=-3))

    def _log_expect_by_rows(self, v: Array) -> Array:
        xp = namespace(self._p, v)
        terms = self._log_terms(v)
        peak = terms[0]
        for term in terms[1:]:
            peak = xp.maximum(peak, term)
        shift = finite_or_zero(constant(peak))
        total = sum(xp.exp(term - shift) for term in terms)
        return (safe_log(total) + shift).swapaxes(-1, -2)

    def push(self, mass: Array) -> Array:
        """``sum_{s,a} mass(s, a) P(s' | s, a)``, shape (..., S)."""
        return self._arrive(self._p * mass.swapaxes(-1, -2)[..., None, :, :], segment_sum)

    def _log_push_by_rows(self, log_mass: Array) -> Array:
        terms = self._log_w + log_mass.swapaxes(-1, -2)[..., None, :, :]
        return self._arrive(terms, segment_logsumexp)

    def _arrive(self, terms: Array, reduce: Callable[[Array, Array, int], Array]) -> Array:
        """Reduce ``terms``, indexed [..., k, a, s], over what leads to each state."""
        lead = terms.shape[0] if terms.ndim == 4 else None
        index = self._index(lead).reshape(-1)
        return reduce(terms.reshape(-1), index, (lead or 1) * self.num_states).reshape(
            *terms.shape[:-3], self.num_states
        )

    def to_dense(self) -> Dense:
        """The same dynamics with every probability stored."""
        from cs_infer.dynamics.dense import Dense

        gain = None if self.gain is None else self._gain_by_state()
        return Dense.unchecked(self._table(self.probability), gain)

    def _table(self, x: Array, reduce: Callable[..., Array] = segment_sum) -> Array:
        """``x``, indexed [..., s, a, k], reduced into an array indexed [..., s, a, s']."""
        shape = (*x.shape[:-1], self.num_states)
        rows, columns = math.prod(shape[:-1]), self.num_states
        first = arange_like(x, rows).reshape(*shape[:-1], 1) * columns
        place = (first + self.next_state).reshape(-1)
        return reduce(x.reshape(-1), place, rows * columns).reshape(shape)

    def _gain_by_state(self) -> Array:
        """``gain``, indexed by the next state; 0 where that is impossible."""
        xp, p = namespace(self.probability), self.probability
        counted = xp.where(p > 0, self.gain, xp.full_like(self.gain, -math.inf))
        gain = self._table(counted, segment_max)
        again = pick(constant(gain), self.next_state)
        require(
            bool(xp.all((again == self.gain) | (p == 0))),
            "a next state listed twice pays two different rewards, which no array indexed by "
            "s' can hold",
        )
        possible = self._table(p) > 0
        return xp.where(possible, gain, xp.zeros_like(gain))

    def to_sparse(self) -> Sparse:
        """These dynamics themselves."""
        return self


class Deterministic(Sparse):
    """One successor for each state and action: nothing is left to chance."""

    def __init__(self, next_state: Any, like: Array | None = None) -> None:
        """Check and store the successors.

        Args:
            next_state: whole numbers in 0 … S-1, shape (S, A) or (B, S, A).
            like: an array whose floating type and device the values will
                have; numpy's float64, or torch's beside a tensor, by default.
        """
        shape = tuple(np.shape(next_state))
        require(
            len(shape) in (2, 3) and math.prod(shape) > 0,
            f"next_state must have shape (S, A); it has {shape}",
        )
        if like is None:
            like = next_state.double() if is_torch(next_state) else np.empty(0)
        index = check_indices("next_state", next_state, shape, shape[-2], like)[..., None]
        self._store(index, real_array("probability", np.ones((*shape, 1)), like))

    def mean(self, v: Array) -> Array:
        """``v(s')``, shape (..., S, A)."""
        return self._ahead(v)[0].swapaxes(-1, -2)

    def log_expect(self, v: Array) -> Array:
        """``v(s')`` at the one next state: there is nothing to average over."""
        ahead = self.mean(v)
        return ahead if self.gain is None else ahead + self.gain[..., 0]

    best = max_product = log_expect
