"""What every kind of dynamics offers, whatever it stores."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cs_infer.arrays import action_major, constant, namespace
from cs_infer.dynamics.layout import peak_of, spread
from cs_infer.log_space import mean, safe_log

if TYPE_CHECKING:
    from cs_infer.dynamics.dense import Dense
    from cs_infer.dynamics.sparse import Sparse

Array = Any


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

    def __repr__(self) -> str:
        batch = "" if self.batch is None else f"batch={self.batch}, "
        return (
            f"{type(self).__name__}({batch}num_states={self.num_states}, "
            f"num_actions={self.num_actions}, successors={self.probability.shape[-1]})"
        )

    def expect(self, v: Array) -> Array:
        """``E[v(s')]`` for each state and action, shape (..., S, A).

        A next state of value ``-inf`` counts where it is possible, and only there.
        """
        xp = namespace(self.probability, v)
        never = xp.isinf(v)
        if not bool(xp.any(never)):
            return self._plus_gain(self.mean(v))
        finite = self._plus_gain(self.mean(xp.where(never, xp.zeros_like(v), v)))
        possible = self.mean(xp.astype(never, v.dtype)) > 0
        return xp.where(possible, xp.full_like(finite, -math.inf), finite)

    def log_expect(self, v: Array) -> Array:
        """``log E[exp v(s')]`` for each state and action, shape (..., S, A).

        Right at any spread of ``v``: with one shift where the range of
        floating point holds all of it, with a shift for each row where not.
        """
        if self.gain is None and spread(v, -1) <= self.reach:
            xp = namespace(self.probability, v)
            shift = peak_of(v, -1)
            return safe_log(self.mean(xp.exp(v - shift))) + shift[..., None]
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
            shift = peak_of(log_mass, (-2, -1))
            return safe_log(self.push(xp.exp(log_mass - shift))) + shift[..., 0]
        return self._log_push_by_rows(log_mass)

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
    def mean_gain(self) -> Array:
        """``E[gain]``, shape (..., S, A); what is impossible does not count."""
        return action_major(mean(self.probability, self.gain))

    def _plus_gain(self, x: Array) -> Array:
        return x if self.gain is None else x + self.mean_gain

    @cached_property
    def reach(self) -> float:
        """How many nats ``v`` may span before ``P exp(v - max v)`` underflows."""
        xp = namespace(self.probability)
        p = constant(self.probability)
        smallest = float(xp.min(xp.where(p > 0, p, xp.ones_like(p))))
        return -0.97 * math.log(float(xp.finfo(p.dtype).smallest_normal)) + math.log(smallest)

    # What each kind says for itself. `mean` and `push` are linear, for finite numbers and
    # without the gain; `at_next` is v at the successors, indexed [..., s, a, k].

    mean: Callable[[Any, Array], Array]
    push: Callable[[Any, Array], Array]
    at_next: Callable[[Any, Array], Array]
    _log_expect_by_rows: Callable[[Any, Array], Array]
    _log_push_by_rows: Callable[[Any, Array], Array]
    with_probability: Callable[[Any, Array], Dynamics]
    with_gain: Callable[[Any, Array], Dynamics]
    to_dense: Callable[[Any], Dense]
    to_sparse: Callable[[Any], Sparse]
