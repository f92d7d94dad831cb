"""Exact inference by passing messages, in log space.

Enumeration sums over every trajectory, and their number is exponential in
the horizon. The chain structure of the graph lets the sum be done one step
at a time, backwards, in time linear in the horizon and in the number of
transitions that are possible.

These are the *exact* messages. Under stochastic dynamics they believe in
luck, so they are not the soft values of maximum-entropy control; those are
in :mod:`cs_infer.variational`, and differ in one word.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from cs_infer.arrays import namespace
from cs_infer.backups import (
    StateValues,
    action_values,
    centred,
    stacked,
    sweep,
    sweep_with,
)
from cs_infer.hidden_markov import collapsed
from cs_infer.log_space import logsumexp, normalise
from cs_infer.mdp import TabularMDP

Array = Any


class ActionStep(NamedTuple):
    """One step of :class:`BackwardMessages`: two arrays of shape (..., S, A)."""

    log_beta_sa: Array
    policy: Array


@dataclass(frozen=True, eq=False)
class BackwardMessages:
    """What the future says about the present.

    One number a state and a step is stored. What has an action in it is
    computed from that when it is asked for: a step at a time by :meth:`step`,
    or all steps at once, T S A numbers, by the attributes below.

    Attributes:
        log_beta_s: ``log p(O_t:T = 1 | s_t)``, in nats, shape (T, S).
        log_beta_sa: ``log p(O_t:T = 1 | s_t, a_t)``, in nats, shape (T, S, A).
        policy: ``p(a_t | s_t, O_t:T = 1)``, shape (T, S, A); zero in states
            from which optimality is impossible.
        advantage: ``log beta_t(s, a) - log beta_t(s)``, in nats, shape
            (T, S, A): the logarithm of how much more probable optimality has
            made the action. ``-inf`` where optimality is impossible.
        log_evidence: ``log p(O_1:T = 1)``, in nats; an array (B,) in a batch.
    """

    mdp: TabularMDP = field(repr=False)
    values: StateValues = field(repr=False)

    @cached_property
    def log_beta_s(self) -> Array:
        """See the class."""
        return self.values.total()

    @cached_property
    def log_beta_sa(self) -> Array:
        """See the class."""
        return self._all_steps(lambda t: self.step(t).log_beta_sa)

    @cached_property
    def policy(self) -> Array:
        """See the class."""
        return self._all_steps(lambda t: self.step(t).policy)

    @cached_property
    def advantage(self) -> Array:
        """See the class."""
        return self._all_steps(self._advantage)

    @cached_property
    def log_evidence(self) -> Any:
        """See the class."""
        return plain(self.values.log_mean(self.mdp.log_initial), self.mdp.initial)

    def step(self, t: int) -> ActionStep:
        """``log_beta_sa`` and ``policy`` of one step, shape (S, A) each.

        Args:
            t: the step, counted from 0.
        """
        self.mdp.check_step(t)
        q = self._action_values(t)
        policy = normalise(self.mdp.log_action_prior + q, axis=-1)
        return ActionStep(self.values.shift(q, t + 1), policy)

    def _action_values(self, t: int) -> Array:
        return action_values(self.mdp, t, self.values.relative[..., t + 1, :], "log_expect")

    def _advantage(self, t: int) -> Array:
        q = self._action_values(t)
        v = logsumexp(self.mdp.log_action_prior + q, axis=-1)[..., None]
        xp = namespace(q)
        return xp.where(xp.isfinite(v), q - xp.where(xp.isfinite(v), v, xp.zeros_like(v)), v)

    def _all_steps(self, of: Any) -> Array:
        steps = [of(t) for t in range(self.mdp.horizon)]
        return namespace(*steps).stack(steps, axis=-3)


class ForwardMessages(NamedTuple):
    """What the past says about the present.

    Attributes:
        log_forward: ``log p(s_t, O_1:t-1 = 1)``, in nats, shape (T, S).
        filtered: ``p(s_t | O_1:t-1 = 1)``, shape (T, S).
    """

    log_forward: Array
    filtered: Array


@dataclass(frozen=True, eq=False)
class SmoothedMarginals:
    """What past and future together say about the present.

    Attributes:
        state: ``p(s_t | O_1:T = 1)``, shape (T, S).
        state_action: ``p(s_t, a_t | O_1:T = 1)``, shape (T, S, A), computed
            when asked for; :meth:`step` gives one step of it.
    """

    state: Array
    messages: BackwardMessages = field(repr=False)

    @cached_property
    def state_action(self) -> Array:
        """See the class."""
        steps = [self.step(t) for t in range(self.messages.mdp.horizon)]
        return namespace(*steps).stack(steps, axis=-3)

    def step(self, t: int) -> Array:
        """``p(s_t, a_t | O_1:T = 1)`` of one step, shape (S, A)."""
        self.messages.mdp.check_step(t)
        return self.state[..., t, :, None] * self.messages.step(t).policy


def backward_messages(mdp: TabularMDP) -> BackwardMessages:
    """Pass messages from the last step to the first.

    Implements eq-backward-message and eq-posterior-policy:
    ``beta_t(s, a) = exp(r_t(s, a) / alpha) E[beta_{t+1}(s')]`` with
    ``beta_{T+1} = 1``, ``beta_t(s) = E[beta_t(s, a)]`` under the action
    prior, and ``pi_t(a | s) = rho(a | s) beta_t(s, a) / beta_t(s)``.

    In logarithms, this Implements eq-soft-bellman-exact and eq-optimistic-backup:
    ``log beta_t(s, a) = r_t(s, a) / alpha + log E[exp log beta_{t+1}(s')]``. The
    advantage Implements eq-advantage: ``log beta_t(s, a) - log beta_t(s)``.
    The policy Implements eq-forward-kl: among all policies it minimises
    ``KL(p(tau | O) || p_pi(tau))``.

    Args:
        mdp: the problem.

    Returns:
        The messages, the policy and the log-evidence. The evidence is a
        probability when rewards are at most 0; see ``mdp.shifted()``.

    References:
        Levine (2018), section 2.2; :cite:`levine2018reinforcement`.

    Example:
        >>> mdp = TabularMDP.from_arrays(
        ...     transition=[[[1.0], [1.0]]], reward=[[0.0, 0.0]], initial=[1.0], horizon=5)
        >>> backward_messages(mdp).log_evidence
        0.0
    """
    shortcut = collapsed(mdp)
    if shortcut is None:
        return BackwardMessages(mdp, sweep(mdp, ahead="log_expect"))
    return BackwardMessages(mdp, sweep_with(mdp, shortcut.back()))


def forward_messages(mdp: TabularMDP) -> ForwardMessages:
    """Pass messages from the first step to the last.

    Implements eq-forward-message:
    ``f_1(s) = mu_0(s)`` and ``f_{t+1}(s') = sum_{s,a} f_t(s) rho(a | s)
    exp(r_t(s, a) / alpha) P(s' | s, a)``.

    Args:
        mdp: the problem.

    Returns:
        The joint messages ``p(s_t, O_1:t-1 = 1)`` and their normalised form.

    References:
        Levine (2018), section 2.2; :cite:`levine2018reinforcement`.
    """
    past = _past(mdp)
    return ForwardMessages(past.every(), normalise(past.relative, axis=-1))


def _past(mdp: TabularMDP) -> StateValues:
    """The forward messages, each up to a constant of its own."""
    log_f, offset = centred(mdp.log_initial)
    rows, offsets = [log_f], [offset]
    for t in range(mdp.horizon - 1):
        _, dynamics = mdp.step(t)
        log_f, top = centred(dynamics.log_push(log_f[..., None] + mdp.log_action_weight(t)))
        offset = offset + top
        rows.append(log_f)
        offsets.append(offset)
    return StateValues(namespace(log_f).stack(rows, axis=-2), stacked(offsets, log_f))


def smoothed_marginals(mdp: TabularMDP) -> SmoothedMarginals:
    """Where an optimal agent is, and what it does, at every step.

    Implements eq-smoothed-marginal: forward times backward, over the evidence.
    By another route it Implements eq-evidence-gradient: the derivative of
    ``log p(O_1:T = 1)`` with respect to ``r_t(s, a) / alpha`` is
    ``p(s_t = s, a_t = a | O_1:T = 1)``.

    Args:
        mdp: the problem.

    Returns:
        The marginals; each step sums to one (to zero if optimality is
        impossible).

    References:
        Levine (2018), section 2.2; :cite:`levine2018reinforcement`.
    """
    messages = backward_messages(mdp)
    joint = _past(mdp).relative + messages.values.relative[..., :-1, :]
    return SmoothedMarginals(normalise(joint, axis=-1), messages)


def pairwise_marginals(mdp: TabularMDP, t: int) -> Array:
    """``p(s_t, a_t, s_{t+1} | O_1:T = 1)``: a step of the posterior, with both its ends.

    Implements eq-pairwise-marginal: what is known of the state and the action,
    times the posterior dynamics.

    Args:
        mdp: the problem.
        t: the step, counted from 0.

    Returns:
        Probabilities indexed [s, a, k], where k is a place in the list
        ``mdp.dynamics.next_state``; with dense dynamics that is s' itself.
        They sum to one (to zero if optimality is impossible).
    """
    _, dynamics = mdp.step(t)
    marginals = smoothed_marginals(mdp)
    v_next = marginals.messages.values.relative[..., t + 1, :]
    posterior_dynamics = normalise(dynamics.log_weight + dynamics.at_next(v_next), axis=-1)
    return marginals.step(t)[..., None] * posterior_dynamics


def plain(x: Array, like: Array) -> Any:
    """A Python float for a single numpy problem; otherwise of the type of ``like``."""
    xp = namespace(like)
    return float(x) if xp is np and x.ndim == 0 else xp.astype(x, like.dtype, copy=False)
