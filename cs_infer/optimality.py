"""The optimality variable: one binary node hung on each step of the graph.

``O_t = 1`` says that the agent was optimal at step t. Its probability is
``exp(r / alpha)``: an equality, so rewards must not be positive.
"""

import numpy as np

from cs_infer.checks import single_in_numpy
from cs_infer.log_space import normalise
from cs_infer.mdp import TabularMDP

Array = np.ndarray


def log_p_optimal(mdp: TabularMDP) -> Array:
    """``log p(O_t = 1 | s_t, a_t) = r_t(s_t, a_t) / alpha``.

    Implements eq-optimality. Where rewards depend on the next state, that
    state is summed out; see :func:`log_p_optimal_next_state`.

    Args:
        mdp: a problem whose rewards are at most 0.

    Returns:
        Log-probabilities, in nats, shape (T, S, A).

    Raises:
        ValueError: a reward is positive, so that its exponential is no
            probability.

    Example:
        >>> mdp = TabularMDP.from_arrays(
        ...     transition=[[[1.0], [1.0]]], reward=[[0.0, -1.0]], initial=[1.0], horizon=1)
        >>> log_p_optimal(mdp)[0, 0]
        array([ 0., -1.])
    """
    single_in_numpy(mdp, "log_p_optimal")
    largest = mdp.scaled_reward + _largest_next(mdp)
    if np.any(largest > 1e-12):
        t, s, a = (int(i) for i in np.argwhere(largest > 1e-12)[0])
        raise ValueError(
            "exp(reward / temperature) must be a probability, so rewards must not be positive; "
            f"at [{t}, {s}, {a}] its logarithm is {largest[t, s, a]:g} (mdp.shifted() subtracts "
            "the largest reward from every step)"
        )
    return np.minimum(log_p_optimal_next_state(mdp), 0.0)


def log_p_optimal_next_state(mdp: TabularMDP) -> Array:
    """``log p(O_t = 1 | s_t, a_t)`` with the next state summed out.

    Implements eq-optimality-next-state. When ``p(O = 1 | s, a, s')`` is
    ``exp(r(s, a, s') / alpha)``, a state and an action are optimal with
    probability ``sum_s' P(s' | s, a) exp(r(s, a, s') / alpha)``. By Jensen's
    inequality that is never less than ``exp(E[r] / alpha)``.

    Args:
        mdp: any problem; rewards above 0 give logarithms above 0.

    Returns:
        ``r / alpha`` plus the logarithm of that sum, in nats, shape (T, S, A).
    """
    single_in_numpy(mdp, "log_p_optimal_next_state")
    if mdp.reward_next is None:
        return mdp.scaled_reward
    nothing_after = np.zeros(mdp.num_states)
    return mdp.scaled_reward + mdp.paying_dynamics.log_expect(nothing_after)


def action_given_optimal(mdp: TabularMDP) -> Array:
    """``p(a_t | s_t, O_t = 1)``: what one step of conditioning does to the prior.

    Implements eq-action-given-optimal. Only step t is conditioned on; for all
    steps at once see :func:`cs_infer.backward_messages`.

    Args:
        mdp: any problem (a constant added to the reward changes nothing).

    Returns:
        Probabilities, shape (T, S, A); zero where no action can be optimal.
    """
    return normalise(mdp.log_action_prior + log_p_optimal_next_state(mdp))


def action_given_not_optimal(mdp: TabularMDP) -> Array:
    """``p(a_t | s_t, O_t = 0)``: what the agent does when it is *not* optimal.

    Implements eq-action-given-not-optimal. Not the prior: an agent that is
    known to have failed is more likely to have done something bad.

    Args:
        mdp: a problem whose rewards are at most 0.

    Returns:
        Probabilities, shape (T, S, A); zero where every allowed action is
        optimal for certain, since ``O_t = 0`` is impossible there.

    Raises:
        ValueError: a reward is positive.
    """
    log_p_optimal(mdp)  # refuses positive rewards
    weight = mdp.action_prior * _p_not_optimal(mdp)
    total = weight.sum(axis=2, keepdims=True)
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)


def _largest_next(mdp: TabularMDP) -> Array:
    """The largest ``r(s, a, s') / alpha`` over possible next states, shape (S, A)."""
    if mdp.reward_next is None:
        return np.zeros((mdp.num_states, mdp.num_actions))
    return mdp.paying_dynamics.log_support.max(axis=2)


def _p_not_optimal(mdp: TabularMDP) -> Array:
    """``p(O_t = 0 | s_t, a_t)``, shape (T, S, A), exactly 0 where optimality is certain.

    One minus a sum over next states would leave a rounding error there, and
    normalising would blow it up. So 1 is taken off each term first.
    """
    top = _largest_next(mdp)
    best = np.minimum(mdp.scaled_reward + top, 0.0)
    if mdp.reward_next is None:
        return -np.expm1(best)
    top = np.where(np.isfinite(top), top, 0.0)
    P, below = mdp.dynamics.probability, mdp.paying_dynamics.gain - top[:, :, None]
    missed = -np.expm1(np.where(P > 0, below, 0.0))
    return -np.expm1(best) + np.exp(best) * np.sum(P * missed, axis=2)
