"""What a policy does in the world as it is.

Inference says what the agent *believes* will happen. These functions put a
policy to the true dynamics and say what *does*.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from cs_infer.arrays import constant, namespace
from cs_infer.checks import check_distribution, first_place, place, real_array, require
from cs_infer.log_space import mean
from cs_infer.mdp import TabularMDP
from cs_infer.messages import plain

Array = Any


def policy_occupancy(mdp: TabularMDP, policy: Any) -> Array:
    """``p_pi(s_t, a_t)``: where a policy goes, under the true dynamics.

    Implements eq-policy-occupancy: ``mu_0(s) pi_1(a | s)``, then
    ``d_{t+1}(s') = sum_{s,a} d_t(s, a) P(s' | s, a)``, times the policy.

    Args:
        mdp: the problem; its rewards and what is observed do not matter.
        policy: ``pi_t(a | s)``, shape (T, S, A) or (S, A), in a batch also
            (B, T, S, A); a distribution in every state that the policy reaches
            (zeros elsewhere will do).

    Returns:
        Probabilities, shape (T, S, A); each step sums to one.

    Raises:
        ValueError: the shape does not fit, or the policy is no distribution in
            a state it reaches; the message names the step and the state.
    """
    rows = list(_visits(mdp, checked_policy(mdp, policy)))
    return namespace(*rows).stack(rows, axis=-3)


def _visits(mdp: TabularMDP, pi: Array) -> Iterator[Array]:
    """``p_pi(s_t, a_t)``, shape (..., S, A), step by step."""
    state = mdp.for_each(mdp.initial)
    for t in range(mdp.horizon):
        check_reached(pi[..., t, :, :], state, t)
        visits = state[..., None] * pi[..., t, :, :]
        yield visits
        state = mdp.dynamics.push(visits)


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
    pi, arriving, total = checked_policy(mdp, policy), 0.0, 0.0
    if mdp.reward_next is not None:
        arriving = mdp.dynamics.with_gain(mdp.reward_next).mean_gain
    for t, visits in enumerate(_visits(mdp, pi)):
        total = total + mean(visits, mdp.reward[..., t, :, :] + arriving, (-2, -1))
    if mdp.terminal_value is not None:
        last = mdp.dynamics.push(visits)
        total = total + mean(last, mdp.terminal_value, -1)
    return plain(total, mdp.initial)


def checked_policy(mdp: TabularMDP, policy: Any) -> Array:
    """A policy of the right shape, seen as (..., T, S, A)."""
    pi = real_array("policy", policy, mdp.initial)
    T, S, A = mdp.horizon, mdp.num_states, mdp.num_actions
    single, batch = ((S, A), (T, S, A)), (mdp.batch, T, S, A)
    batched = f", in this batch also {batch}" if mdp.batch is not None else ""
    require(
        tuple(pi.shape) in (*single, batch),
        f"policy must have shape (T, S, A) = {(T, S, A)} or (S, A){batched}; "
        f"it has {tuple(pi.shape)}",
    )
    # Where nothing goes a NaN would still spread: 0 * NaN is NaN.
    wrong = ~((constant(pi) >= 0) & (constant(pi) < math.inf))
    if bool(namespace(pi).any(wrong)):
        at = first_place(wrong)
        raise ValueError(
            "policy must be finite and not negative, also in states it never reaches; "
            f"{place('policy', at)} is {float(pi[at]):g}"
        )
    return namespace(pi).broadcast_to(pi, (T, S, A) if mdp.batch is None else batch)


def check_reached(pi: Array, state: Array, t: int | None = None) -> None:
    """In the states that are reached, the policy (of step t) must be a distribution."""
    xp = namespace(pi)
    reached = xp.broadcast_to((state > 0)[..., None], pi.shape)
    uniform = xp.full_like(pi, 1.0 / pi.shape[-1])
    name = "policy" if t is None else f"policy[{t}]"
    check_distribution(name, xp.where(reached, pi, uniform), ("s", ":"))
