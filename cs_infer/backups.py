"""One sweep from the last step to the first, for every reading of control.

The readings differ in how they look ahead, and in nothing else:

``log_expect``   exact inference: ``log E[exp v(s')]``
``expect``       the variational reading: ``E[v(s')]``
``max_product``  the most likely trajectory: ``max (log P + v(s'))``

All of it is in nats: the reward was divided by the temperature when the
problem was built. What is stored is one number a state and a step. Values of
actions are computed again from them when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from cs_infer.arrays import constant, frozen, namespace
from cs_infer.in_place import lists_of
from cs_infer.log_space import finite_or_zero, logsumexp
from cs_infer.mdp import TabularMDP

Array = Any


class StateValues(NamedTuple):
    """``v_1 … v_{T+1}``, in nats, each up to a constant of its own.

    Attributes:
        relative: shape (..., T + 1, S).
        offset: the constants, float64, shape (..., T + 1); None when all are
            0. In float32 the values are kept centred, since a policy looks at
            their differences and 10,000 steps would wash those out.
    """

    relative: Array
    offset: Array | None

    def at(self, t: int) -> Array:
        """``v_t`` itself, shape (..., S)."""
        return restored(self.relative[..., t, :], self.constant(t))

    def constant(self, t: int) -> Any:
        """What ``relative`` lacks at step t, in float64, shape (...)."""
        return 0.0 if self.offset is None else self.offset[..., t]

    def total(self) -> Array:
        """``v_1 … v_T``, shape (..., T, S)."""
        return self.every()[..., :-1, :]

    def every(self) -> Array:
        """All rows, each with its constant put back."""
        return restored(self.relative, self.offset)

    def shift(self, q: Array, t: int) -> Array:
        """``q`` of step t - 1, computed from ``relative``, with the constant put back."""
        return restored(q, self.constant(t))

    def log_mean(self, log_p: Array) -> Array:
        """``log sum_s p(s) exp v_1(s)``, shape (...), in float64 where there are constants."""
        return logsumexp(log_p + self.relative[..., 0, :], axis=-1) + self.constant(0)


def centred(v: Array) -> tuple[Array, Any]:
    """In float32, ``v`` less its maximum, and that in float64; otherwise ``v`` and 0."""
    xp = namespace(v)
    if not _is_single(v):
        return v, 0.0
    top = finite_or_zero(constant(xp.max(v, axis=-1)))
    return v - top[..., None], xp.astype(top, xp.float64)


def restored(x: Array, offset: Any) -> Array:
    """``x`` and a constant for each of its leading indices, in the type of ``x``."""
    if not _is_single(x):
        return x
    offset = offset[(..., *(None,) * (x.ndim - offset.ndim))]
    return namespace(x).astype(x + offset, x.dtype)


def action_values(mdp: TabularMDP, t: int, v_next: Array, ahead: str) -> Array:
    """``q_t(s, a) = r_t(s, a) / alpha + ahead(v_{t+1})``, shape (..., S, A), in nats."""
    reward, dynamics = mdp.step(t)
    return reward + getattr(dynamics, ahead)(v_next)


def state_values(mdp: TabularMDP, t: int, v_next: Array, ahead: str) -> Array:
    """``v_t(s) = log sum_a rho(a | s) exp q_t(s, a)``, shape (..., S), in nats."""
    _, dynamics = mdp.step(t)
    return logsumexp(mdp.log_action_weight(t) + getattr(dynamics, ahead)(v_next), axis=-1)


def sweep(mdp: TabularMDP, ahead: str) -> StateValues:
    """``v_t`` for every step, by looking ahead as told."""
    lists = lists_of(mdp.paying_dynamics, mdp.log_terminal)

    def back(t: int, v_next: Array) -> Array:
        v = None
        if lists is not None:
            v = lists.step(v_next, mdp.log_action_weight(t), exact=ahead == "log_expect")
        return state_values(mdp, t, v_next, ahead) if v is None else v

    return sweep_with(mdp, back)


def sweep_with(mdp: TabularMDP, back: Callable[[int, Array], Array]) -> StateValues:
    """Apply ``back(t, v_next)`` from the last step to the first."""
    v, offset = centred(mdp.log_terminal)
    rows, offsets = _Rows(v, mdp.horizon), [offset]
    for t in reversed(range(mdp.horizon)):
        v, top = centred(back(t, v))
        offset = offset + top
        rows.put(t, v)
        offsets.append(offset)
    return StateValues(rows.all(), stacked(offsets[::-1], v))


def stacked(offsets: list[Any], like: Array) -> Array | None:
    """The constants of all steps, shape (..., steps); None where they are all 0."""
    return namespace(like).stack(offsets, axis=-1) if _is_single(like) else None


def _is_single(x: Array) -> bool:
    return x.dtype == namespace(x).float32


class _Rows:
    """T + 1 rows, filled from the last to the first: in one numpy array, or as a torch stack."""

    def __init__(self, last: Array, horizon: int) -> None:
        self._array, self._list = None, [last]
        if isinstance(last, np.ndarray):
            self._array = np.empty((*last.shape[:-1], horizon + 1, last.shape[-1]), last.dtype)
            self._array[..., horizon, :] = last

    def put(self, t: int, v: Array) -> None:
        if self._array is None:
            self._list.append(v)  # a tensor may carry gradients: nothing is written over
        else:
            self._array[..., t, :] = v

    def all(self) -> Array:
        if self._array is not None:
            return frozen(self._array)
        return namespace(*self._list).stack(self._list[::-1], axis=-2)
