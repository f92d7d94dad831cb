"""The dynamics ``P(s' | s, a)``, and the few things an algorithm asks of them.

A backward message averages over next states, in one way or in another; a
forward message pushes mass the other way. So dynamics offer

==================  =====================================================
``expect(v)``       ``E[v(s')]``: what happens on average
``log_expect(v)``   ``log E[exp v(s')]``: what exact inference asks
``best(v)``         ``max v(s')`` over possible ``s'``: the limit of no chance at all
``max_product(v)``  ``max (log P + v(s'))``: what the most likely trajectory asks
``log_push(m)``     ``log sum_{s,a} exp m(s, a) P(s' | s, a)``: one step on
==================  =====================================================

and the algorithms never look inside. The exact and the variational reading of
control differ in which of the first two they call.

:class:`Dense` stores every probability, :class:`Sparse` lists the successors,
:class:`Deterministic` names the one successor; :func:`as_dynamics` chooses. All
take numpy arrays or torch tensors, one problem or a batch (a leading axis B).
Indices read [s, a, s']; memory runs the other way, with the states contiguous,
which is worth a factor of four.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from cs_infer.arrays import (
    action_major,
    arange_like,
    constant,
    index_like,
    is_torch,
    namespace,
    segment_max,
    segment_sum,
    to_numpy,
    transposed,
)
from cs_infer.checks import check_distribution, check_indices, real_array, require
from cs_infer.log_space import finite_or_zero, logsumexp, normalise, safe_log

Array = Any

_FEW = 4  # lists of successors pay off when at most one state in this many is one,
_MANY = 64  # and when there are at least this many states
_MOST_BANDS = 8


class Dynamics:
    """What every kind of dynamics offers; ``v`` has shape (S,) or (B, S).

    Attributes:
        probability: of the k-th listed successor, indexed [..., s, a, k].
        next_state: which state that is, indexed [..., s, a, k].
        gain: added to ``v(s')`` inside every average, same indices: a reward
            that depends on the next state, over the temperature. Usually None.
    """

    probability: Array
    next_state: Array
    gain: Array | None = None

    @property
    def num_states(self) -> int:
        """The number of states S."""
        return self.probability.shape[-3]

    @property
    def num_actions(self) -> int:
        """The number of actions A."""
        return self.probability.shape[-2]

    @property
    def batch(self) -> int | None:
        """The number of problems in a batch, None for a single one."""
        return self.probability.shape[0] if self.probability.ndim == 4 else None

    def expect(self, v: Array) -> Array:
        """``E[v(s')]`` for each state and action, shape (..., S, A).

        A next state of value ``-inf`` counts where it is possible, and only there.
        """
        xp = namespace(self.probability, v)
        never = xp.isinf(v)
        if not bool(xp.any(never)):
            return self._plus_gain(self._mean(v))
        mean = self._plus_gain(self._mean(xp.where(never, xp.zeros_like(v), v)))
        possible = self._mean(xp.astype(never, v.dtype)) > 0
        return xp.where(possible, xp.full_like(mean, -math.inf), mean)

    def log_expect(self, v: Array) -> Array:
        """``log E[exp v(s')]`` for each state and action, shape (..., S, A).

        Right at any spread of ``v``: with one shift where the range of
        floating point holds all of it, with a shift for each row where not.
        """
        if self.gain is None and spread(v, -1) <= self.reach:
            xp = namespace(self.probability, v)
            shift = _peak(v, -1)
            return safe_log(self._mean(xp.exp(v - shift))) + shift[..., None]
        return self._log_expect_by_rows(v)

    def best(self, v: Array) -> Array:
        """``max v(s')`` over the possible next states, shape (..., S, A)."""
        return namespace(self.probability, v).max(self.log_support + self.at_next(v), axis=-1)

    def max_product(self, v: Array) -> Array:
        """``max (log P(s' | s, a) + v(s'))`` over next states, shape (..., S, A)."""
        return namespace(self.probability, v).max(self.log_weight + self.at_next(v), axis=-1)

    def log_push(self, log_mass: Array) -> Array:
        """``log sum_{s,a} exp(log_mass(s, a)) P(s' | s, a)``, shape (..., S).

        Args:
            log_mass: shape (..., S, A), in nats.

        Returns:
            The logarithm of the mass that arrives in each state.
        """
        if self.gain is None and spread(log_mass, (-2, -1)) <= self.reach:
            xp = namespace(self.probability, log_mass)
            shift = _peak(log_mass, (-2, -1))
            return safe_log(self._push(xp.exp(log_mass - shift))) + shift[..., 0]
        return self._log_push_by_rows(log_mass)

    def reweighted(self, v: Array) -> Dynamics:
        """The dynamics proportional to ``P(s' | s, a) exp(v(s'))``: same successors.

        Where every next state is impossible, the row is zero.
        """
        return self.with_probability(normalise(self.log_weight + self.at_next(v), axis=-1))

    @cached_property
    def log_weight(self) -> Array:
        """``log P + gain``, indexed [..., s, a, k], in nats."""
        log_p = safe_log(self.probability)
        return log_p if self.gain is None else log_p + self.gain

    @cached_property
    def log_support(self) -> Array:
        """``gain``, or 0 without one, where the next state is possible; ``-inf`` elsewhere."""
        xp = namespace(self.probability)
        gain = xp.zeros_like(self.probability) if self.gain is None else self.gain
        return xp.where(self.probability > 0, gain, xp.full_like(gain, -math.inf))

    @property
    def distinct(self) -> Dynamics:
        """The same dynamics, every next state of a list listed once."""
        return self

    @cached_property
    def transition(self) -> Array:
        """Every probability, shape (..., S, A, S), indexed [..., s, a, s']."""
        return self.to_dense().probability

    @cached_property
    def _mean_gain(self) -> Array:
        """``E[gain]``, shape (..., S, A); what is impossible does not count."""
        xp = namespace(self.probability)
        counted = xp.where(self.probability > 0, self.gain, xp.zeros_like(self.gain))
        return action_major(xp.sum(self.probability * counted, axis=-1))

    def _plus_gain(self, mean: Array) -> Array:
        return mean if self.gain is None else mean + self._mean_gain

    @cached_property
    def reach(self) -> float:
        """How many nats ``v`` may span before ``P exp(v - max v)`` underflows."""
        xp = namespace(self.probability)
        p = constant(self.probability)
        smallest = float(xp.min(xp.where(p > 0, p, xp.ones_like(p))))
        return -0.97 * math.log(float(xp.finfo(p.dtype).smallest_normal)) + math.log(smallest)

    # What each kind says for itself. `_mean` and `_push` are linear, without the gain;
    # `at_next` is v at the successors, indexed [..., s, a, k].

    _mean: Callable[[Any, Array], Array]
    _push: Callable[[Any, Array], Array]
    at_next: Callable[[Any, Array], Array]
    _log_expect_by_rows: Callable[[Any, Array], Array]
    _log_push_by_rows: Callable[[Any, Array], Array]
    with_probability: Callable[[Any, Array], Dynamics]
    with_gain: Callable[[Any, Array], Dynamics]
    to_dense: Callable[[Any], Dense]
    to_sparse: Callable[[Any], Sparse]


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
        self._table = transposed(P, _reversed(P)).reshape(*P.shape[:-3], P.shape[-1], -1)
        self.probability = _unreversed(self._table.reshape(_reversed_shape(P)))
        self.next_state = np.broadcast_to(np.arange(P.shape[-1]), tuple(P.shape[-3:]))
        self.gain = gain
        return self

    def with_gain(self, gain: Array) -> Dense:
        """The same dynamics, paying ``gain``, shape (..., S, A, S), where a step ends."""
        return Dense.unchecked(self.probability, gain)

    def with_probability(self, probability: Array) -> Dense:
        """Other weights, unchecked, on the same successors."""
        return Dense.unchecked(probability)

    def _mean(self, v: Array) -> Array:
        single = self.batch is None
        flat = v @ self._table if single else (v[..., None, :] @ self._table)[..., 0, :]
        return flat.reshape(*flat.shape[:-1], self.num_actions, self.num_states).swapaxes(-1, -2)

    def _push(self, mass: Array) -> Array:
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
        terms = [safe_log(self._mean(w)) + shift[..., None] for w, shift in bands]
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
        return Sparse.unchecked(index, _pick(self.probability, index))


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
        self.next_state, self.probability = _unreversed(self._next), _unreversed(self._p)
        self.gain = None if gain is None else _unreversed(self._gain)
        self._index_of = {}
        return self

    def with_gain(self, gain: Array) -> Sparse:
        """The same dynamics, paying ``gain`` where a step ends.

        Args:
            gain: indexed by the next state, shape (..., S, A, S), or by its
                place in the list, shape (..., S, A, K).
        """
        if gain.shape[-1] == self.num_states:
            gain = _pick(gain, self.next_state)
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

    def _mean(self, v: Array) -> Array:
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
        return _unreversed(namespace(self._p, v).stack(self._ahead(v), axis=-3))

    def _log_expect_by_rows(self, v: Array) -> Array:
        xp = namespace(self._p, v)
        terms = self._log_terms(v)
        peak = terms[0]
        for term in terms[1:]:
            peak = xp.maximum(peak, term)
        shift = finite_or_zero(constant(peak))
        total = sum(xp.exp(term - shift) for term in terms)
        return (safe_log(total) + shift).swapaxes(-1, -2)

    def _push(self, mass: Array) -> Array:
        return self._arrive(self._p * mass.swapaxes(-1, -2)[..., None, :, :], segment_sum)

    def _log_push_by_rows(self, log_mass: Array) -> Array:
        terms = self._log_w + log_mass.swapaxes(-1, -2)[..., None, :, :]
        return self._arrive(terms, _segment_logsumexp)

    def _arrive(self, terms: Array, reduce: Callable[[Array, Array, int], Array]) -> Array:
        """Reduce ``terms``, indexed [..., k, a, s], over what leads to each state."""
        lead = terms.shape[0] if terms.ndim == 4 else None
        index = self._index(lead).reshape(-1)
        return reduce(terms.reshape(-1), index, (lead or 1) * self.num_states).reshape(
            *terms.shape[:-3], self.num_states
        )

    def to_dense(self) -> Dense:
        """The same dynamics with every probability stored."""
        p, next_state = to_numpy(self.probability), to_numpy(self.next_state)
        next_state = np.broadcast_to(next_state, p.shape)
        shape, place = (*p.shape[:-1], self.num_states), np.indices(p.shape)[:-1]
        table = np.zeros(shape, dtype=p.dtype)
        np.add.at(table, (*place, next_state), p)
        gain = None
        if self.gain is not None:
            listed = to_numpy(self.gain)
            gain = np.zeros(shape, dtype=p.dtype)
            gain[(*(i[p > 0] for i in place), next_state[p > 0])] = listed[p > 0]
            again = gain[(*place, next_state)]
            require(
                bool(np.all((again == listed) | (p == 0))),
                "a next state listed twice pays two different rewards, which no array indexed by "
                "s' can hold",
            )
        return Dense.unchecked(_as_like(table, self._p), _as_like(gain, self._p))

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

    def _mean(self, v: Array) -> Array:
        return self._ahead(v)[0].swapaxes(-1, -2)

    def log_expect(self, v: Array) -> Array:
        """``v(s')`` at the one next state: there is nothing to average over."""
        ahead = self._mean(v)
        return ahead if self.gain is None else ahead + self.gain[..., 0]

    best = max_product = log_expect


def as_dynamics(transition: Any) -> Dynamics:
    """Dynamics as they are, or an array (..., S, A, S) in the kind that suits it.

    :class:`Deterministic` when every row holds a single 1, :class:`Sparse`
    when there are many states and few successors, else :class:`Dense`.
    """
    if isinstance(transition, Dynamics):
        return transition
    dense = Dense(transition)
    P = to_numpy(dense.probability)
    if is_torch(dense.probability) and dense.probability.requires_grad:
        return dense  # lists would lose the gradient of what is zero
    if np.all((P == 0) | (P == 1)):
        return Deterministic(np.argmax(P, axis=-1), like=dense.probability)
    most = int(np.count_nonzero(P, axis=-1).max())
    return dense.to_sparse() if P.shape[-1] >= max(_MANY, _FEW * most) else dense


def merged_lists(next_state: Array, weight: Array) -> tuple[Array, Array]:
    """Lists [..., s, a, k] in which no state is named twice; the weights of repeats are added."""
    *lead, K = weight.shape
    target, place = _numbered(to_numpy(next_state).reshape(-1, K))
    count = target.shape[-1]
    slot = (place + count * np.arange(len(place))[:, None]).reshape(-1)
    merged = segment_sum(weight.reshape(-1), index_like(weight, slot), target.size)
    shape = (*lead, count)
    return index_like(weight, target).reshape(shape), merged.reshape(shape)


def _numbered(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different numbers of each row, padded with repeats, and the place of each entry."""
    order = np.argsort(targets, axis=1, kind="stable")
    in_order = np.take_along_axis(targets, order, axis=1)
    new = np.diff(in_order, axis=1, prepend=-1) != 0
    place_in_order = np.cumsum(new, axis=1) - 1
    different = np.repeat(in_order[:, :1], place_in_order.max() + 1, axis=1)
    np.put_along_axis(different, place_in_order, in_order, axis=1)
    place = np.empty_like(place_in_order)
    np.put_along_axis(place, order, place_in_order, axis=1)
    return different, place


def _as_like(x: np.ndarray | None, like: Array) -> Array | None:
    return like.new_tensor(x) if x is not None and is_torch(like) else x


# Axes: [..., s, a, k] outside, [..., k, a, s] in memory.


def _reversed(x: Array) -> tuple[int, ...]:
    n = x.ndim - 3
    return (*range(n), n + 2, n + 1, n)


def _reversed_shape(x: Array) -> tuple[int, ...]:
    return tuple(x.shape[i] for i in _reversed(x))


def _unreversed(x: Array) -> Array:
    return x.swapaxes(-1, -3)


def _pick(x: Array, index: Array) -> Array:
    """``x`` along its last axis at ``index``."""
    if is_torch(x):
        return x.gather(-1, index.expand(*x.shape[:-1], index.shape[-1]))
    return np.take_along_axis(x, np.broadcast_to(index, (*x.shape[:-1], index.shape[-1])), -1)


# Ranges.


def _peak(v: Array, axis: int | tuple[int, ...]) -> Array:
    return finite_or_zero(constant(namespace(v).max(v, axis=axis, keepdims=True)))


def spread(v: Array, axis: int | tuple[int, ...]) -> float:
    """The largest distance, in nats, of a finite value below the maximum of its row."""
    xp, v = namespace(v), constant(v)
    peak = _peak(v, axis)
    return float(xp.max(peak - xp.where(xp.isfinite(v), v, peak)))


def _bands(v: Array, width: float) -> list[tuple[Array, Array]] | None:
    """Split ``v`` into bands of at most ``width`` nats; None when they are many.

    Each band is a pair: ``exp(v - shift)`` inside the band, 0 outside; ``shift``.
    """
    if width <= 0:
        return None
    xp = namespace(v)
    peak, finite = _peak(v, -1), xp.isfinite(v)
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


def _segment_logsumexp(log_x: Array, segment: Array, count: int) -> Array:
    xp = namespace(log_x)
    shift = finite_or_zero(segment_max(constant(log_x), segment, count))
    scaled = xp.exp(log_x - xp.take(shift, segment, axis=0))
    return safe_log(segment_sum(scaled, segment, count)) + shift
