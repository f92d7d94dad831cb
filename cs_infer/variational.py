"""The variational reading: act well in the world as it is.

The exact messages of :mod:`cs_infer.messages` look ahead by
``log E[exp v(s')]``, and so count on luck. Here the agent may choose its
actions and nothing else: the dynamics stay what they are. The backward pass
is the same but for one word, ``expect`` for ``log_expect``, and its values are
those of maximum-entropy control. They are *not* messages: under stochastic
dynamics ``exp(V / alpha)`` is the probability of nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from cs_infer.arrays import namespace
from cs_infer.backups import StateValues, action_values, sweep
from cs_infer.log_space import mean, normalise
from cs_infer.mdp import TabularMDP
from cs_infer.messages import plain

Array = Any


class SoftStep(NamedTuple):
    """One step of :class:`SoftValues`: two arrays of shape (..., S, A)."""

    Q: Array
    policy: Array


@dataclass(frozen=True, eq=False)
class SoftValues:
    """The variational soft values, in units of reward, and their policy.

    Only ``V`` is stored; ``Q`` and ``policy`` are computed when asked for, all
    steps at once, or one at a time by :meth:`step`.

    Attributes:
        V: ``alpha log sum_a rho(a | s) exp(Q_t(s, a) / alpha)``, shape (T, S).
        Q: ``r_t(s, a) + E[V_{t+1}(s')]``, shape (T, S, A).
        policy: ``rho exp((Q - V) / alpha)``, shape (T, S, A); zero in states
            where every action leads to ``-inf``.
        value: ``E[V_1(s_1)]``: the largest expected return less ``alpha``
            times the relative entropy of the policy from the prior. An array
            (B,) in a batch.
    """

    mdp: TabularMDP = field(repr=False)
    values: StateValues = field(repr=False)

    @cached_property
    def V(self) -> Array:
        """See the class."""
        v, alpha = self.values.total(), self.mdp.temperature
        return v if alpha == 1 else alpha * v

    @cached_property
    def Q(self) -> Array:
        """See the class."""
        steps = [self.step(t).Q for t in range(self.mdp.horizon)]
        return namespace(*steps).stack(steps, axis=-3)

    @cached_property
    def policy(self) -> Array:
        """See the class."""
        steps = [self.step(t).policy for t in range(self.mdp.horizon)]
        return namespace(*steps).stack(steps, axis=-3)

    @cached_property
    def value(self) -> Any:
        """See the class."""
        v, mu0 = self.values.relative[..., 0, :], self.mdp.initial
        expected = mean(mu0, v) + self.values.constant(0)
        return plain(self.mdp.temperature * expected, mu0)

    def step(self, t: int) -> SoftStep:
        """``Q`` and ``policy`` of one step, shape (S, A) each.

        Args:
            t: the step, counted from 0.
        """
        self.mdp.check_step(t)
        q = action_values(self.mdp, t, self.values.relative[..., t + 1, :], "expect")
        policy = normalise(self.mdp.log_action_prior + q, axis=-1)
        return SoftStep(self.mdp.temperature * self.values.shift(q, t + 1), policy)


def soft_values(mdp: TabularMDP) -> SoftValues:
    """Pass soft values from the last step to the first.

    Implements eq-variational-backup and eq-temperature-value:
    ``Q_t(s, a) = r_t(s, a) + E[V_{t+1}(s')]`` and
    ``V_t(s) = alpha log sum_a rho(a | s) exp(Q_t(s, a) / alpha)``.

    The policy Implements eq-reverse-kl: among all policies it minimises
    ``KL(p_pi(tau) || p(tau | O))``, which then is
    ``log p(O) - E[V_1(s_1)] / alpha`` for rewards of state and action.

    Args:
        mdp: the problem.

    Returns:
        The values, in units of reward, and the policy.

    References:
        Levine (2018), section 3; :cite:`levine2018reinforcement`.

    Example:
        >>> mdp = TabularMDP.from_arrays(
        ...     transition=[[[1.0], [1.0]]], reward=[[0.0, 0.0]], initial=[1.0], horizon=5)
        >>> soft_values(mdp).value
        0.0
    """
    return SoftValues(mdp, sweep(mdp, ahead="expect"))
