"""What a policy is worth, in nats, with a horizon or with a discount.

Both kinds answer the same questions, so that the algorithms need not know which one
they have: is this a policy, what is it worth, and what would be better.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

from cs_infer.arrays import arange_like, constant, namespace
from cs_infer.backups import action_values, sweep_with
from cs_infer.checks import check_distribution, first_place, real_array, require
from cs_infer.dynamics import Dense
from cs_infer.fixed_points import distance, fixed_point, krylov
from cs_infer.in_place import lists_of
from cs_infer.log_space import logsumexp, mean, normalise, relative_entropy
from cs_infer.mdp import TabularMDP
from cs_infer.policies import checked_policy
from cs_infer.stationary import check_stationary, discounted_backup

Array = Any

DIRECT = 1024  # states: up to here a dense linear solve is the quicker one


class Horizon:
    """T steps: values have shape (..., T, S).

    Attributes:
        prior: ``rho``, once for every step, shape (..., T, S, A).
        log_prior: its logarithm, of a shape that broadcasts against it.
        slack: the distance from the best is at most this many residuals.
        most: so many improvements end at the best, one more step of it with each.
    """

    def __init__(self, mdp: TabularMDP) -> None:
        """Lay the prior out in time."""
        self.mdp, self.slack, self.most = mdp, mdp.horizon, mdp.horizon
        self.log_prior = mdp.log_action_prior[..., None, :, :]
        lead = () if mdp.batch is None else (mdp.batch,)
        shape = (*lead, mdp.horizon, mdp.num_states, mdp.num_actions)
        rho = mdp.action_prior[..., None, :, :]
        self.prior = namespace(rho).broadcast_to(rho, shape)

    def checked(self, policy: Any) -> Array:
        """The policy, shape (..., T, S, A), if it is one and the prior allows it."""
        return _allowed(checked_policy(self.mdp, policy), self.log_prior, "tsa")

    def values(
        self, policy: Array, _start: Array | None = None, _accuracy: float = 0.0
    ) -> tuple[Array, Array, int]:
        """``V``, ``Q`` and the number of sweeps."""
        mdp, steps = self.mdp, range(self.mdp.horizon)

        def back(t: int, v_next: Array) -> Array:
            q = action_values(mdp, t, v_next, "expect")
            return expected(policy[..., t, :, :], q, mdp.log_action_prior)

        v = sweep_with(mdp, back)
        q = [action_values(mdp, t, v.relative[..., t + 1, :], "expect") for t in steps]
        q = [v.shift(q[t], t + 1) for t in steps]
        return v.total(), namespace(*q).stack(q, axis=-3), 1

    def improved(self, q: Array) -> Array:
        """``rho exp(q)``, normalised."""
        return normalise(self.log_prior + q, axis=-1)

    def behind(self, v: Array, q: Array) -> float:
        """The largest gain of one soft backup."""
        return distance(logsumexp(self.log_prior + q, axis=-1), v)

    def at_start(self, v: Array) -> Array:
        """``E[V_1(s_1)]``."""
        return mean(self.mdp.for_each(self.mdp.initial), v[..., 0, :])


class Discounted:
    """No horizon: values have shape (..., S).

    Attributes:
        prior: ``rho``, shape (..., S, A).
        log_prior: its logarithm.
        slack: the distance from the best is at most this many residuals.
        most: no number of improvements ends at the best.
        q_of: the map from V to ``r + gamma E[V(s')]``.
        backup: the map from V to ``log E[exp Q]``, which contracts by gamma.
        zero: values of 0, shape (..., S).
    """

    def __init__(self, mdp: TabularMDP, discount: float, tolerance: float) -> None:
        """Check the problem; ``tolerance`` is in units of reward."""
        check_stationary(mdp, discount, tolerance)
        self.mdp, self.discount, self.tolerance = mdp, discount, tolerance / mdp.temperature
        self.prior, self.log_prior = mdp.action_prior, mdp.log_action_prior
        self.slack, self.most = 1 / (1 - discount), math.inf
        self.q_of, self.backup = discounted_backup(mdp, discount)
        self.zero = namespace(mdp.log_terminal).zeros_like(mdp.log_terminal)

    def checked(self, policy: Any) -> Array:
        """The policy, shape (..., S, A), if it is one and the prior allows it."""
        return _allowed(stationary_policy(self.mdp, policy), self.log_prior, "sa")

    def values(
        self, policy: Array, start: Array | None = None, accuracy: float = 0.0
    ) -> tuple[Array, Array, int]:
        """``V``, ``Q`` and the number of sweeps, or of solves.

        Args:
            policy: shape (..., S, A), checked.
            start: a first guess of V.
            accuracy: with many states, the largest residual to stop at, in nats; that of the
                tolerance, if it is larger.
        """
        xp = namespace(policy)
        hopeless = self.hopeless(lambda v: expected(policy, self.q_of(v), self.log_prior))
        paid = expected(policy, self.q_of(self.zero), self.log_prior)
        paid = xp.where(hopeless, self.zero, paid)  # nothing that counts leads there
        guess = self.zero if start is None else constant(start)
        guess = xp.where(xp.isfinite(guess), guess, self.zero)
        v, sweeps = self._solved(policy, paid, guess, accuracy)
        v = self.barred(hopeless, v)
        return v, self.q_of(v), sweeps

    def _solved(
        self, policy: Array, paid: Array, guess: Array, accuracy: float
    ) -> tuple[Array, int]:
        """``v = paid + gamma P_pi v``, and the number of sweeps."""
        if self.mdp.num_states <= DIRECT:
            matrix = discounted_matrix(self.mdp, policy, self.discount)
            return namespace(policy).linalg.solve(matrix, paid[..., None])[..., 0], 1
        ahead, gamma = self._moves(policy), self.discount
        accuracy = max(accuracy, (1 - gamma) * self.tolerance)
        most = math.ceil(30 / (1 - gamma))  # so many sweeps would do
        v, products = krylov(lambda v: v - gamma * ahead(v), paid, guess, accuracy / 2, most)
        v, residuals = fixed_point(
            lambda v: paid + gamma * ahead(v), v, lambda _: gamma, accuracy / (1 - gamma), 2 * most
        )
        return v, products + len(residuals)

    def _moves(self, policy: Array) -> Callable[[Array], Array]:
        """The map from ``v`` to ``E[v(s')]`` under the policy."""
        xp, dynamics = namespace(policy), self.mdp.dynamics
        lists = lists_of(dynamics, self.zero)
        if lists is not None:
            return lists.under(policy)
        if isinstance(dynamics, Dense):
            kernel = xp.sum(policy[..., None] * dynamics.probability, axis=-2)
            return lambda v: (kernel @ v[..., None])[..., 0]
        return lambda v: xp.sum(policy * dynamics.mean(v), axis=-1)

    def hopeless(self, step: Callable[[Array], Array]) -> Array:
        """In which states ``step``, repeated, ends in ``-inf``; booleans (..., S)."""
        xp, v = namespace(self.zero), self.zero
        while True:
            lost = constant(step(v)) == -math.inf
            if bool(xp.all(lost == (v == -math.inf))):
                return lost
            v = self.barred(lost, self.zero)

    def barred(self, lost: Array, v: Array) -> Array:
        """``v``, and ``-inf`` where all is lost."""
        return namespace(v).where(lost, self.zero - math.inf, v)

    def improved(self, q: Array) -> Array:
        """``rho exp(q)``, normalised; where every q is ``-inf``, what may still be saved.

        A policy that risks the impossible is worth ``-inf`` even where a better one is not. There
        the improvement is the prior over the actions that no better policy need regret.
        """
        policy, xp = normalise(self.log_prior + q, axis=-1), namespace(q)
        if bool(xp.all(q > -math.inf)):
            return policy
        within = self.q_of(self.barred(self.lost, self.zero))
        saving = xp.where(within > -math.inf, self.log_prior, self.log_prior - math.inf)
        return xp.where(xp.any(policy > 0, axis=-1)[..., None], policy, normalise(saving))

    @cached_property
    def lost(self) -> Array:
        """Where even the best is worth ``-inf``; booleans, shape (..., S)."""
        return self.hopeless(self.backup)

    def behind(self, v: Array, q: Array) -> float:
        """The largest gain of one soft backup; ``inf`` where ``-inf`` need not be."""
        xp = namespace(v)
        if bool(xp.any((v == -math.inf) & ~self.lost)):
            return math.inf  # a backup alone may not see it: what is risked again is lost again
        return distance(logsumexp(self.log_prior + q, axis=-1), v)

    def at_start(self, v: Array) -> Array:
        """``E[V(s_1)]``."""
        return mean(self.mdp.for_each(self.mdp.initial), v)


def world(mdp: TabularMDP, discount: float | None, tolerance: float = 1e-12) -> Any:
    """:class:`Horizon` without a discount, else :class:`Discounted`."""
    return Horizon(mdp) if discount is None else Discounted(mdp, discount, tolerance)


def expected(policy: Array, q: Array, log_prior: Array) -> Array:
    """``E_pi[q - log(pi / rho)]``, shape (..., S); ``-inf`` along a row of zeros."""
    xp = namespace(policy, q)
    v = mean(policy, q) - relative_entropy(policy, log_prior)
    return xp.where(xp.any(policy > 0, axis=-1), v, xp.full_like(v, -math.inf))


def discounted_matrix(mdp: TabularMDP, policy: Array, discount: float) -> Array:
    """``1 - gamma P_pi``, shape (..., S, S), indexed [s, s']."""
    xp = namespace(policy)
    moves = xp.sum(policy[..., None] * mdp.transition, axis=-2)
    state = arange_like(moves, moves.shape[-1])
    return xp.where(state[:, None] == state, 1 - discount * moves, -discount * moves)


def stationary_policy(mdp: TabularMDP, policy: Any) -> Array:
    """A policy without time, shape (S, A), in a batch (B, S, A); rows of zeros will do."""
    pi, shape = real_array("policy", policy, mdp.initial), (mdp.num_states, mdp.num_actions)
    full = shape if mdp.batch is None else (mdp.batch, *shape)
    batched = "" if mdp.batch is None else f", in this batch also {full}"
    require(
        tuple(pi.shape) in (shape, full),
        f"with a discount, policy must have shape (S, A) = {shape}{batched}; "
        f"it has {tuple(pi.shape)}",
    )
    return _distributions_or_zeros(namespace(pi).broadcast_to(pi, full), "sa")


def _distributions_or_zeros(policy: Array, axes: str) -> Array:
    """A row of zeros stands for a state without a way on."""
    xp = namespace(policy)
    given = xp.any(policy != 0, axis=-1, keepdims=True)
    uniform = xp.full_like(policy, 1.0 / policy.shape[-1])
    check_distribution("policy", xp.where(given, policy, uniform), (*axes[:-1], ":"))
    return policy


def _allowed(policy: Array, log_prior: Array, axes: str) -> Array:
    """Refuse a policy that does what the prior forbids, or is no distribution in some state."""
    _distributions_or_zeros(policy, axes)
    forbidden = constant((policy > 0) & (log_prior == -math.inf))
    if bool(namespace(policy).any(forbidden)):
        at = first_place(forbidden)
        names = axes if len(at) == len(axes) else "b" + axes
        where = ", ".join(f"{name} = {i}" for name, i in zip(names, at, strict=True))
        raise ValueError(
            "policy must not do what the prior forbids: action_prior[s, a] is 0, and "
            f"policy[{', '.join(names)}] is {float(policy[at]):g}, at {where}"
        )
    return policy
