"""The same answers by passing messages: exact inference in log space.

Enumeration sums over every trajectory, and their number is exponential in
the horizon. The chain structure of the graph lets the sum be done one step
at a time, backwards, in time linear in the horizon.

These are the *exact* messages. Under stochastic dynamics they believe in
luck, so they are not the soft values of maximum-entropy control.
"""

from typing import NamedTuple

import numpy as np

from cs_infer.log_space import logsumexp, normalise
from cs_infer.mdp import TabularMDP

Array = np.ndarray


class BackwardMessages(NamedTuple):
    """What the future says about the present.

    Attributes:
        log_beta_sa: ``log p(O_t:T = 1 | s_t, a_t)``, in nats, shape (T, S, A).
        log_beta_s: ``log p(O_t:T = 1 | s_t)``, in nats, shape (T, S).
        policy: ``p(a_t | s_t, O_t:T = 1)``, shape (T, S, A); zero in states
            from which optimality is impossible.
        log_evidence: ``log p(O_1:T = 1)``, in nats.
    """

    log_beta_sa: Array
    log_beta_s: Array
    policy: Array
    log_evidence: float


class ForwardMessages(NamedTuple):
    """What the past says about the present.

    Attributes:
        log_forward: ``log p(s_t, O_1:t-1 = 1)``, in nats, shape (T, S).
        filtered: ``p(s_t | O_1:t-1 = 1)``, shape (T, S).
    """

    log_forward: Array
    filtered: Array


class SmoothedMarginals(NamedTuple):
    """What past and future together say about the present.

    Attributes:
        state: ``p(s_t | O_1:T = 1)``, shape (T, S).
        state_action: ``p(s_t, a_t | O_1:T = 1)``, shape (T, S, A).
    """

    state: Array
    state_action: Array


def backward_messages(mdp: TabularMDP) -> BackwardMessages:
    """Pass messages from the last step to the first.

    Implements eq-backward-message and eq-posterior-policy:
    ``beta_t(s, a) = exp(r_t(s, a) / alpha) E[beta_{t+1}(s')]`` with
    ``beta_{T+1} = 1``, ``beta_t(s) = E[beta_t(s, a)]`` under the action
    prior, and ``pi_t(a | s) = rho(a | s) beta_t(s, a) / beta_t(s)``.

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
    T, S, A = mdp.horizon, mdp.num_states, mdp.num_actions
    log_beta_sa, log_beta_s = np.empty((T, S, A)), np.empty((T, S))
    log_beta_next = np.zeros(S)
    for t in reversed(range(T)):
        ahead = logsumexp(mdp.log_step + log_beta_next, axis=2)
        log_beta_sa[t] = mdp.scaled_reward[t] + ahead
        log_beta_s[t] = logsumexp(mdp.log_action_prior + log_beta_sa[t], axis=1)
        log_beta_next = log_beta_s[t]
    policy = normalise(mdp.log_action_prior + log_beta_sa, axis=2)
    log_evidence = float(logsumexp(mdp.log_initial + log_beta_s[0]))
    return BackwardMessages(log_beta_sa, log_beta_s, policy, log_evidence)


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
    T, S = mdp.horizon, mdp.num_states
    log_forward = np.empty((T, S))
    log_forward[0] = mdp.log_initial
    for t in range(T - 1):
        here = log_forward[t][:, None] + mdp.log_action_prior + mdp.scaled_reward[t]
        log_forward[t + 1] = logsumexp(here[:, :, None] + mdp.log_step, axis=(0, 1))
    return ForwardMessages(log_forward, normalise(log_forward, axis=1))


def smoothed_marginals(mdp: TabularMDP) -> SmoothedMarginals:
    """Where an optimal agent is, and what it does, at every step.

    Implements eq-smoothed-marginal: forward times backward, over the evidence.

    Args:
        mdp: the problem.

    Returns:
        The marginals; each step sums to one (to zero if optimality is
        impossible).

    References:
        Levine (2018), section 2.2; :cite:`levine2018reinforcement`.
    """
    log_forward = forward_messages(mdp).log_forward
    log_beta_sa = backward_messages(mdp).log_beta_sa
    joint = log_forward[:, :, None] + mdp.log_action_prior + log_beta_sa
    state_action = normalise(joint, axis=(1, 2))
    return SmoothedMarginals(state_action.sum(axis=2), state_action)
