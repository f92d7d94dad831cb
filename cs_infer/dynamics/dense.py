"""Dynamics with every probability stored."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cs_infer.arrays import arange_like, constant, namespace, to_numpy, transposed
from cs_infer.checks import check_distribution, check_indices, real_array, require
from cs_infer.dynamics.interface import Dynamics
from cs_infer.dynamics.layout import outside, peak_of, pick, reversed_axes, reversed_shape
from cs_infer.dynamics.sparse import Sparse
from cs_infer.log_space import logsumexp, safe_log

Array = Any

_MOST_BANDS = 8


class Dense(Dynamics):
    """Every probability stored: a step is the product of a vector and a matrix."""

    def __init__(self, probability: Any) -> None:
        """Check and store ``P(s' | s, a)``, shape (S, A, S) or (B, S, A, S)."""
        P = real_array("transition", probability)
        require(
            P.ndim in (3, 4) and P.shape[-3] == P.shape[-1] and math.prod(P.shape) > 0,
            f"transition must have shape (S, A, S); it has {tuple(P.shape)}",
        )
        check_distribution("transition", P, ("s", "a", ":"))
        self._store(P)

    @classmethod
    def unchecked(cls, probability: Array, gain: Array | None = None) -> Dense:
        """Dynamics whose rows are known to be right, or are weights that need not sum to one."""
        return cls.__new__(cls)._store(probability, gain)

    def _store(self, P: Array, gain: Array | None = None) -> Dense:
        # Kept as [s', a, s], flattened to [s', a s]: a step back is v @ table.
        self._table = transposed(P, reversed_axes(P)).reshape(*P.shape[:-3], P.shape[-1], -1)
        self.probability = outside(self._table.reshape(reversed_shape(P)))
        every = arange_like(P, P.shape[-1])
        self.next_state = namespace(every).broadcast_to(every, tuple(P.shape[-3:]))
        self.gain = gain
        return self

    def __reduce__(self) -> Any:
        return Dense.unchecked, (self.probability, self.gain)

    def with_gain(self, gain: Array) -> Dense:
        """The same dynamics, paying ``gain``, shape (..., S, A, S), where a step ends."""
        return Dense.unchecked(self.probability, gain)

    def with_probability(self, probability: Array) -> Dense:
        """Other weights, unchecked, on the same successors."""
        return Dense.unchecked(probability)

    def mean(self, v: Array) -> Array:
        """``E[v(s')]`` of finite numbers, without the gain, shape (..., S, A)."""
        single = self.batch is None
        flat = v @ self._table if single else (v[..., None, :] @ self._table)[..., 0, :]
        return flat.reshape(*flat.shape[:-1], self.num_actions, self.num_states).swapaxes(-1, -2)

    def push(self, mass: Array) -> Array:
        """``sum_{s,a} mass(s, a) P(s' | s, a)``, shape (..., S)."""
        flat = mass.swapaxes(-1, -2).reshape(*mass.shape[:-2], -1)
        if self.batch is None:
            return flat @ self._table.swapaxes(-1, -2)
        return (self._table @ flat[..., None])[..., 0]

    def at_next(self, v: Array) -> Array:
        """``v`` at every next state, shape (..., 1, 1, S)."""
        return v[..., None, None, :]

    def _log_expect_by_rows(self, v: Array) -> Array:
        bands = _bands(v, self.reach) if self.gain is None else None
        if bands is None:
            return logsumexp(self.log_weight + self.at_next(v), axis=-1)
        terms = [safe_log(self.mean(w)) + shift[..., None] for w, shift in bands]
        return logsumexp(namespace(v).stack(terms), axis=0)

    def _log_push_by_rows(self, log_mass: Array) -> Array:
        return logsumexp(self.log_weight + log_mass[..., None], axis=(-3, -2))

    def to_dense(self) -> Dense:
        """These dynamics themselves."""
        return self

    def to_sparse(self) -> Sparse:
        """The same dynamics as lists of successors."""
        possible = to_numpy(self.probability) > 0
        most = int(possible.sum(axis=-1).max())
        # A stable sort puts the possible successors first, in their own order.
        order = np.argsort(~possible, axis=-1, kind="stable")[..., :most]
        index = check_indices("next_state", order, order.shape, self.num_states, self.probability)
        gain = None if self.gain is None else pick(self.gain, index)
        return Sparse.unchecked(index, pick(self.probability, index), gain)


def _bands(v: Array, width: float) -> list[tuple[Array, Array]] | None:
    """Split ``v`` into bands of at most ``width`` nats; None when they are many.

    Each band is a pair: ``exp(v - shift)`` inside the band, 0 outside; ``shift``.
    """
    if width <= 0:
        return None
    xp = namespace(v)
    peak, finite = peak_of(v, -1), xp.isfinite(v)
    depth = xp.floor((peak - xp.where(finite, constant(v), peak)) / width)
    occupied = np.unique(to_numpy(depth))
    if len(occupied) > _MOST_BANDS:
        return None
    bands = []
    for d in occupied.tolist():
        shift = peak - d * width
        inside = finite & (depth == d)
        scaled = xp.exp(xp.where(inside, v - shift, xp.full_like(v, -math.inf)))
        bands.append((scaled, shift))
    return bands
