"""The graphical model itself: the probability of a whole trajectory.

A trajectory is ``tau = (s_1, a_1, …, s_T, a_T)``: T states and T actions.
The graph ends with the last action; no state follows it. On small problems
everything the course computes can be had by listing every trajectory, which
is what this file does, and what the rest of the library is tested against.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cs_infer.checks import single_in_numpy
from cs_infer.dynamics import Dynamics
from cs_infer.log_space import logsumexp, safe_log
from cs_infer.mdp import TabularMDP

Array = np.ndarray

_MOST_TRAJECTORIES = 2_000_000


class Trajectories(NamedTuple):
    """Every feasible trajectory of a small problem, one a row.

    Attributes:
        states: shape (N, T).
        actions: shape (N, T).
        log_prior: ``log p(tau)``, in nats, shape (N,).
        log_likelihood: ``log p(O_1:T = 1 | tau)``, in nats, shape (N,).
    """

    states: Array
    actions: Array
    log_prior: Array
    log_likelihood: Array

    @property
    def log_evidence(self) -> float:
        """``log p(O_1:T = 1)``, in nats."""
        return float(logsumexp(self.log_prior + self.log_likelihood))

    @property
    def prior(self) -> Array:
        """``p(tau)``, shape (N,)."""
        return np.exp(self.log_prior)

    @property
    def posterior(self) -> Array:
        """``p(tau | O_1:T = 1)``, shape (N,); zeros if optimality is impossible."""
        log_evidence = self.log_evidence
        if log_evidence == -np.inf:
            return np.zeros_like(self.log_prior)
        return np.exp(self.log_prior + self.log_likelihood - log_evidence)


def trajectory_log_prior(mdp: TabularMDP, states: Array, actions: Array) -> Array:
    """``log p(tau)``: no assumption of good behaviour yet.

    Implements eq-trajectory-prior: the initial state, then for each step the
    action prior and, between steps, the transition. T factors ``rho``, T - 1
    factors ``P``.

    Args:
        mdp: the problem.
        states: shape (..., T).
        actions: shape (..., T).

    Returns:
        Log-probabilities, in nats, shape (...); ``-inf`` where infeasible.

    Raises:
        ValueError: the shapes or indices do not fit the problem.
    """
    s, a = _checked(mdp, states, actions)
    log_p = mdp.log_initial[s[..., 0]] + mdp.log_action_prior[s, a].sum(axis=-1)
    P = _at_listed(mdp.dynamics, mdp.dynamics.probability, s, a).sum(axis=-1)
    return log_p + safe_log(P).sum(axis=-1)


def trajectory_log_likelihood(mdp: TabularMDP, states: Array, actions: Array) -> Array:
    """``log p(O_1:T = 1 | tau)``: the return, divided by the temperature.

    Implements eq-trajectory-likelihood. Where rewards depend on the next
    state, or that state has a terminal value, the last step's next state, which
    the trajectory does not hold, is summed out. A step at which optimality is
    not observed adds nothing.

    Args:
        mdp: the problem.
        states: shape (..., T).
        actions: shape (..., T).

    Returns:
        Sums of ``r / alpha``, in nats, shape (...).

    Raises:
        ValueError: the shapes or indices do not fit the problem.
    """
    s, a = _checked(mdp, states, actions)
    steps = np.arange(mdp.horizon)
    counts = np.ones(mdp.horizon, dtype=bool) if mdp.observed is None else mdp.observed
    total = mdp.scaled_reward[steps, s, a][..., counts].sum(axis=-1)
    if mdp.reward_next is None and mdp.terminal_value is None:
        return total
    if mdp.reward_next is not None:
        dynamics = mdp.paying_dynamics.distinct
        gain = _at_listed(dynamics, dynamics.gain, s, a).sum(axis=-1)
        total = total + gain[..., counts[:-1]].sum(axis=-1)
    last = mdp.step(mdp.horizon - 1)[1].log_expect(mdp.log_terminal)
    return total + last[s[..., -1], a[..., -1]]


def trajectory_energy(mdp: TabularMDP, states: Array, actions: Array) -> Array:
    """The energy of a trajectory: minus its return, over the temperature.

    Implements eq-energy: ``p(tau | O) = p(tau) exp(-energy(tau)) / p(O)``, a
    Gibbs distribution whose base measure is the prior. Under deterministic
    dynamics and a uniform prior the base measure is constant over feasible
    trajectories, and the energy alone ranks them.

    Args:
        mdp: the problem.
        states: shape (..., T).
        actions: shape (..., T).

    Returns:
        Energies, in nats, shape (...).
    """
    return -trajectory_log_likelihood(mdp, states, actions)


def trajectory_log_posterior(mdp: TabularMDP, states: Array, actions: Array) -> Array:
    """``log p(tau | O_1:T = 1)``, normalised by the backward messages.

    Implements eq-trajectory-posterior: prior times ``exp(return / alpha)``,
    over the evidence.

    Args:
        mdp: the problem, of any size.
        states: shape (..., T).
        actions: shape (..., T).

    Returns:
        Log-probabilities, in nats, shape (...).

    Raises:
        ValueError: no trajectory of the problem can be optimal.
    """
    from cs_infer.messages import backward_messages

    log_evidence = backward_messages(mdp).log_evidence
    if log_evidence == -np.inf:
        raise ValueError(
            "the posterior needs p(O_1:T = 1) > 0; no feasible trajectory of this problem can "
            "be optimal (a reward of -inf cannot be avoided)"
        )
    log_joint = trajectory_log_prior(mdp, states, actions) + trajectory_log_likelihood(
        mdp, states, actions
    )
    return log_joint - log_evidence


def enumerate_trajectories(mdp: TabularMDP, limit: int = _MOST_TRAJECTORIES) -> Trajectories:
    """List every feasible trajectory with its prior and its likelihood.

    Args:
        mdp: a small problem.
        limit: give up above this many trajectories.

    Returns:
        The trajectories, in lexicographic order of (s_1, a_1, s_2, …).

    Raises:
        ValueError: there are more than ``limit`` of them.

    Example:
        >>> mdp = TabularMDP.from_arrays(
        ...     transition=[[[1.0], [1.0]]], reward=[[0.0, -1.0]], initial=[1.0], horizon=2)
        >>> enumerate_trajectories(mdp).actions.tolist()
        [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    single_in_numpy(mdp, "enumeration")
    states = np.flatnonzero(mdp.initial)[:, None]
    actions = np.zeros((len(states), 0), dtype=int)
    for t in range(mdp.horizon):
        if t > 0:
            states, actions = _moved_on(mdp.dynamics.distinct, states, actions)
        row, a = np.nonzero(mdp.action_prior[states[:, -1]])
        states, actions = states[row], np.column_stack([actions[row], a])
        if len(states) > limit:
            raise ValueError(
                f"enumeration is for at most {limit} trajectories; after step {t + 1} of "
                f"{mdp.horizon} there are {len(states)} (use backward_messages instead)"
            )
    return Trajectories(
        states,
        actions,
        trajectory_log_prior(mdp, states, actions),
        trajectory_log_likelihood(mdp, states, actions),
    )


def log_evidence_by_enumeration(mdp: TabularMDP) -> float:
    """``log p(O_1:T = 1)``, by summing over every trajectory.

    Implements eq-evidence. The number of terms grows exponentially with the
    horizon; :func:`cs_infer.backward_messages` gets the same number in time
    linear in it.

    Args:
        mdp: a small problem.

    Returns:
        The log-evidence, in nats.
    """
    return enumerate_trajectories(mdp).log_evidence


def action_posterior_by_enumeration(mdp: TabularMDP) -> Array:
    """``p(a_t | s_t, O_1:T = 1)``, by adding up the trajectories that agree.

    Implements eq-action-posterior.

    Args:
        mdp: a small problem.

    Returns:
        Probabilities, shape (T, S, A); zero in states that no optimal
        trajectory visits at that step.
    """
    table = enumerate_trajectories(mdp)
    joint = np.zeros((mdp.horizon, mdp.num_states, mdp.num_actions))
    for t in range(mdp.horizon):
        np.add.at(joint[t], (table.states[:, t], table.actions[:, t]), table.posterior)
    total = joint.sum(axis=2, keepdims=True)
    return np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)


def _moved_on(dynamics: Dynamics, states: Array, actions: Array) -> tuple[Array, Array]:
    """Every trajectory once for each possible next state, in the order of the states."""
    last = states[:, -1], actions[:, -1]
    row, k = np.nonzero(dynamics.probability[last])
    s_next = dynamics.next_state[last][row, k]
    order = np.lexsort((s_next, row))
    row, s_next = row[order], s_next[order]
    return np.column_stack([states[row], s_next]), actions[row]


def _at_listed(dynamics: Dynamics, x: Array, s: Array, a: Array) -> Array:
    """``x`` of every move, where the list names its end, and 0 elsewhere; shape (..., T-1, K)."""
    here = s[..., :-1], a[..., :-1]
    possible = dynamics.probability[here] > 0
    return np.where(possible & (dynamics.next_state[here] == s[..., 1:, None]), x[here], 0.0)


def _checked(mdp: TabularMDP, states: Array, actions: Array) -> tuple[Array, Array]:
    single_in_numpy(mdp, "a trajectory")
    s, a = np.asarray(states), np.asarray(actions)
    if s.shape != a.shape or s.ndim == 0 or s.shape[-1] != mdp.horizon:
        raise ValueError(
            f"states and actions must both have shape (..., T) with T = {mdp.horizon}; "
            f"they have {s.shape} and {a.shape}"
        )
    for name, index, count in (("states", s, mdp.num_states), ("actions", a, mdp.num_actions)):
        if index.dtype.kind not in "iu":
            raise ValueError(f"{name} must be whole numbers; their dtype is {index.dtype}")
        if index.size and (index.min() < 0 or index.max() >= count):
            raise ValueError(
                f"{name} must lie in 0 … {count - 1}; they span {index.min()} … {index.max()}"
            )
    return s, a
