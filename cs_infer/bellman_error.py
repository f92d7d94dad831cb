"""The Bellman error as a function of the temperature, and the temperature that equals it.

The work behind :mod:`cs_infer.cooling`, on checked arrays. A higher temperature lowers
``T_epsilon Q`` everywhere, so an interval of temperatures gives an interval of errors.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

from cs_infer.arrays import constant, namespace
from cs_infer.checks import first_place, place, real_array, require, shaped
from cs_infer.log_space import normalise
from cs_infer.mdp import TabularMDP
from cs_infer.planning import expected_reward

Array = Any

_SHORT, _HALVINGS = 1e-6, 60  # relative length of a step whose end decides; most bisections
_CLOSED = {8: 1e-14, 4: 1e-6}  # relative width of an interval that has closed, by bytes a number


class Critic:
    """The Bellman error of one problem, as a function of ``Q`` and the temperature."""

    def __init__(self, mdp: TabularMDP, discount: float, c: float, p: float, weights: Any) -> None:
        require(0 <= discount < 1, f"the discount must lie in [0, 1); it is {discount}")
        require(0 < c < math.inf, f"c must be positive and finite; it is {c}")
        require(1 <= p < math.inf, f"p must be at least 1 and finite; it is {p}")
        require(
            mdp.has_constant_reward and mdp.terminal_value is None,
            "VIREL has no horizon: it needs a reward given once, shape (S, A), every step "
            "observed, and no terminal value",
        )
        self.mdp, self.discount, self.c, self.p = mdp, discount, c, p
        self.paid = _where_allowed(mdp, expected_reward(mdp)[..., 0, :, :])
        _check_finite("reward", self.paid, "; forbid the action instead: action_prior 0")
        self.weights = self._measure(weights)

    def _measure(self, weights: Any) -> Array:
        rho = self.mdp.action_prior
        if weights is None:
            return rho / self.mdp.num_states
        xp, w = namespace(rho), shaped("weights", weights, tuple(rho.shape[-2:]), rho)
        right = bool(xp.all(xp.isfinite(w) & (w >= 0)))
        w = _where_allowed(self.mdp, w)
        total = xp.sum(w, axis=(-2, -1), keepdims=True)
        require(
            right and bool(xp.all(total > 0)),
            "weights must be finite, not negative, and not all 0 where action_prior allows",
        )
        return w / total

    def backup(self, Q: Array, policy: Array) -> Array:
        """``r + gamma E[sum_a' pi Q]``, shape (S, A); 0 where the prior forbids."""
        V = namespace(Q).sum(policy * Q, axis=-1)
        ahead = self.mdp.dynamics.expect(V)
        return _where_allowed(self.mdp, self.paid + self.discount * ahead)

    def difference(self, Q: Array, heat: Array) -> Array:
        """``T_epsilon Q - Q``, shape (S, A)."""
        return self.backup(Q, boltzmann(self.mdp, Q, heat)) - Q

    def residual(self, Q: Array) -> float:
        """``max |T_0 Q - Q|``."""
        xp, Q = namespace(Q), constant(Q)
        return float(xp.max(xp.abs(constant(self.difference(Q, self.cold)))))

    def error(self, difference: Array) -> Array:
        """``(c / p) sum w |difference|^p``."""
        xp = namespace(difference)
        total = xp.sum(self.weights * xp.abs(difference) ** self.p, axis=(-2, -1))
        return self.c / self.p * total

    @cached_property
    def cold(self) -> Array:
        """A zero for each problem."""
        return namespace(self.paid).zeros_like(self.paid[..., 0, 0])

    def bounds(self, Q: Array) -> tuple[Array, Array]:
        """An interval that holds every fixed point."""
        self._check_power(Q)
        return self._narrowed(Q, self.cold, self.cold + math.inf)

    def _check_power(self, Q: Array) -> None:
        """The largest difference there can be, to the power p, must not overflow."""
        xp = namespace(Q)
        largest = 2 * float(xp.max(xp.abs(Q)) + xp.max(xp.abs(constant(self.paid))))
        require(
            largest <= 1 or self.p * math.log(largest) < 0.9 * math.log(xp.finfo(Q.dtype).max),
            f"the Bellman error to the power {self.p:g} must stay finite; Q and the reward reach "
            f"{largest / 2:g}",
        )

    def _narrowed(self, Q: Array, low: Array, high: Array) -> tuple[Array, Array]:
        """An interval that holds every fixed point between ``low`` and ``high``."""
        xp, width = namespace(Q), self.cold + math.inf
        while True:
            most, least = self.difference(Q, low), self.difference(Q, high)
            furthest = xp.maximum(xp.abs(most), xp.abs(least))
            low = xp.maximum(low, self.error(_nearest(most, least)))
            high = xp.maximum(low, xp.minimum(high, self.error(furthest)))
            before, width = width, high - low
            if not bool(xp.any((width < 0.7 * before) & ~_closed(low, high))):
                return low, high

    def temperature(self, Q: Array) -> Array:
        """The smallest fixed point."""
        Q = constant(Q)
        low, high = self.bounds(Q)
        exact = self.error(self.difference(Q, self.cold)) == 0
        high = namespace(Q).where(exact, self.cold, high)
        if not bool(namespace(Q).all(_closed(low, high))):
            low, high = self._first_crossing(Q, low, high)
            low, high = self._halved(Q, *self._narrowed(Q, low, high))
        return high

    def _first_crossing(self, Q: Array, low: Array, high: Array) -> tuple[Array, Array]:
        """A short interval that holds the smallest fixed point, walking up from ``low``.

        A step is taken when its bounds show that it holds none, and shortened when
        they do not. Once it is very short, the sign at its end decides.
        """
        xp = namespace(Q)
        width, found = high - low, _closed(low, high)
        while not bool(xp.all(found)):
            ahead = xp.minimum(low + width, high)
            most, least = self.difference(Q, low), self.difference(Q, ahead)
            empty = self.error(_nearest(most, least)) > ahead
            short = width <= _SHORT * ahead
            found = found | (short & ~empty & (self.error(least) <= ahead)) | (low >= high)
            on = ~found & (empty | short)
            low, width = xp.where(on, ahead, low), xp.where(on, 2 * width, width / 4)
            width = xp.where(found, ahead - low, width)
            high = xp.where(found, ahead, high)
        return low, high

    def _halved(self, Q: Array, low: Array, high: Array) -> tuple[Array, Array]:
        """Bisection: the error is above the temperature at ``low``, below it at ``high``."""
        xp = namespace(Q)
        for _ in range(_HALVINGS):
            if bool(xp.all(_closed(low, high))):
                break
            heat = (low + high) / 2
            crossed = self.error(self.difference(Q, heat)) <= heat
            low, high = xp.where(crossed, low, heat), xp.where(crossed, heat, high)
        return low, high


def checked_values(mdp: TabularMDP, Q: Any) -> Array:
    """``Q`` of the right shape, finite wherever an action is allowed, 0 elsewhere."""
    S, A = mdp.num_states, mdp.num_actions
    single, full = (S, A), (S, A) if mdp.batch is None else (mdp.batch, S, A)
    Q = real_array("Q", Q, mdp.initial)
    require(tuple(Q.shape) in (single, full), f"Q must have shape {full}; it has {tuple(Q.shape)}")
    Q = _where_allowed(mdp, namespace(Q).broadcast_to(Q, full))
    _check_finite("Q", Q)
    return Q


def checked_heat(mdp: TabularMDP, temperature: Any) -> Array:
    """``epsilon``, at least 0, one for all or one for each problem of a batch."""
    heat = real_array("temperature", temperature, mdp.initial)
    batch = "" if mdp.batch is None else f" or have shape ({mdp.batch},)"
    require(
        heat.ndim == 0 or tuple(heat.shape) == (mdp.batch,),
        f"temperature must be a number{batch}; its shape is {tuple(heat.shape)}",
    )
    right = bool(namespace(heat).all(constant(heat) >= 0))
    require(right, f"temperature must be at least 0; it is {temperature}")
    return heat


def _check_finite(name: str, x: Array, advice: str = "") -> None:
    """Refuse NaN and infinities, and say where."""
    x = constant(x)
    wrong = ~namespace(x).isfinite(x)
    if bool(namespace(x).any(wrong)):
        at = first_place(wrong)
        raise ValueError(
            f"{name} must be finite where action_prior allows the action; "
            f"{place(name, at)} is {float(x[at])}{advice}"
        )


def _where_allowed(mdp: TabularMDP, x: Array) -> Array:
    """``x`` with 0 in place of what the prior forbids."""
    xp = namespace(x)
    return xp.where(mdp.action_prior > 0, x, xp.zeros_like(x))


def boltzmann(mdp: TabularMDP, Q: Array, heat: Array) -> Array:
    """``rho exp(Q / epsilon)`` over its sum; the prior over the best at 0."""
    xp, heat = namespace(Q), heat[..., None, None]
    best = xp.where(mdp.action_prior > 0, Q, xp.full_like(Q, -math.inf))
    short = Q - xp.max(best, axis=-1, keepdims=True)
    # Colder than this, a quotient could overflow; only what is exactly best is left anyway.
    cold = heat < float(xp.finfo(Q.dtype).tiny) ** (2 / 3)
    left = xp.where(short < 0, xp.full_like(Q, -math.inf), xp.zeros_like(Q))
    scaled = xp.where(cold, left, short / xp.where(cold, xp.ones_like(heat), heat))
    return normalise(mdp.log_action_prior + scaled)


def _nearest(most: Array, least: Array) -> Array:
    """How near to 0 what falls from ``most`` to ``least`` comes."""
    xp = namespace(most)
    smaller = xp.minimum(xp.abs(most), xp.abs(least))
    return xp.where((most > 0) & (least < 0), xp.zeros_like(most), smaller)


def _closed(low: Array, high: Array) -> Array:
    return high - low <= _CLOSED[high.dtype.itemsize] * high
