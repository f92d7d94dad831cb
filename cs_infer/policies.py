"""What a policy does in the world as it is.

Inference says what the agent *believes* will happen. These functions put a
policy to the true dynamics and say what *does*.
"""

from __future__ import annotations

from typing import Any

from cs_infer.arrays import namespace
from cs_infer.checks import check_distribution, real_array, require
from cs_infer.mdp import TabularMDP
from cs_infer.messages import plain

Array = Any


def policy_occupancy(mdp: TabularMDP, policy: Any) -> Array:
    """``p_pi(s_t, a_t)``: where a policy goes, under the true dynamics.

    Implements eq-policy-occupancy: ``mu_0(s) pi_1(a | s)``, then
    ``d_{t+1}(s') = sum_{s,a} d_t(s, a) P(s' | s, a)``, times the policy.

    Args:
        mdp: the problem; its rewards and what is observed do not matter.
        policy: ``pi_t(a | s)``, shape (T, S, A) or (S, A), a distribution in
            every state that the policy reaches (zeros elsewhere will do).

    Returns:
        Probabilities, shape (T, S, A); each step sums to one.

    Raises:
        ValueError: the shape does not fit, or the policy is no distribution in
            a state it reaches; the message names the step and the state.
    """
    pi = _checked_policy(mdp, policy)
    xp = namespace(mdp.initial)
    state, rows = mdp.for_each(mdp.initial), []
    for t in range(mdp.horizon):
        _check_reached(pi[..., t, :, :], state, t)
        rows.append(state[..., None] * pi[..., t, :, :])
        state = mdp.dynamics._push(rows[-1])
    return xp.stack(rows, axis=-3)


def policy_return(mdp: TabularMDP, policy: Any) -> Any:
    """``E[sum_t r_t]``: what a policy earns, under the true dynamics.

    Implements eq-policy-return. Rewards that depend on the next state and the
    terminal value are counted; the prior is not.

    Args:
        mdp: the problem.
        policy: shape (T, S, A) or (S, A).

    Returns:
        In units of reward; ``-inf`` if the policy does with positive
        probability what is never optimal. An array (B,) in a batch.

    Raises:
        ValueError: see :func:`policy_occupancy`.
    """
    occupancy = policy_occupancy(mdp, policy)
    xp = namespace(occupancy)
    alpha, total = mdp.temperature, 0.0
    for t in range(mdp.horizon):
        visits = occupancy[..., t, :, :]
        reward = mdp.reward[..., t, :, :]
        if mdp.reward_next is not None:
            reward = reward + alpha * mdp.paying_dynamics._mean_gain
        total = total + _mean(xp, visits, reward, (-2, -1))
    if mdp.terminal_value is not None:
        last = mdp.dynamics._push(occupancy[..., -1, :, :])
        total = total + _mean(xp, last, mdp.terminal_value, -1)
    return plain(total)


def _mean(xp: Any, probability: Array, value: Array, axis: Any) -> Array:
    """An expectation in which the impossible does not count, even at ``-inf``."""
    counted = xp.where(probability > 0, value, xp.zeros_like(probability))
    return xp.sum(probability * counted, axis=axis)


def _checked_policy(mdp: TabularMDP, policy: Any) -> Array:
    pi = real_array("policy", policy, mdp.initial)
    T, S, A = mdp.horizon, mdp.num_states, mdp.num_actions
    require(
        tuple(pi.shape[-3:]) == (T, S, A) or (tuple(pi.shape[-2:]) == (S, A) and pi.ndim == 2),
        f"policy must have shape (T, S, A) = {(T, S, A)} or (S, A); it has {tuple(pi.shape)}",
    )
    xp = namespace(pi)
    return xp.broadcast_to(pi, (T, S, A)) if pi.ndim == 2 else pi


def _check_reached(pi: Array, state: Array, t: int) -> None:
    """In the states that are reached, the policy must be a distribution."""
    xp = namespace(pi)
    reached = xp.broadcast_to((state > 0)[..., None], pi.shape)
    uniform = xp.full_like(pi, 1.0 / pi.shape[-1])
    check_distribution(f"policy of step {t}", xp.where(reached, pi, uniform), ("s", ":"))
