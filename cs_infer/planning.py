"""Optimal control as it is usually put: maximise the expected return.

The course starts from the question these two functions answer, and from what
their answer leaves out: an argmax is one plan, or one action for each state,
and says nothing about behaviour that is good but not perfect.
"""

from typing import NamedTuple

import numpy as np

from cs_infer.checks import single_in_numpy
from cs_infer.log_space import mean
from cs_infer.mdp import TabularMDP

Array = np.ndarray

_MOST_SEQUENCES = 1_000_000


class OpenLoopPlan(NamedTuple):
    """The best fixed sequence of actions.

    Attributes:
        actions: shape (T,).
        expected_return: in units of reward.
    """

    actions: Array
    expected_return: float


class ClosedLoopPlan(NamedTuple):
    """The best policy, by dynamic programming.

    Attributes:
        Q: the hard-max action values, shape (T, S, A), in units of reward.
        V: their maximum over allowed actions, shape (T, S).
        actions: a best action, shape (T, S); ties go to the lowest index.
        expected_return: in units of reward.
    """

    Q: Array
    V: Array
    actions: Array
    expected_return: float


def expected_reward(mdp: TabularMDP) -> Array:
    """``E[r]`` of a state and an action, shape (T, S, A), in units of reward."""
    if mdp.reward_next is None:
        return mdp.reward
    return mdp.reward + mdp.dynamics.with_gain(mdp.reward_next).mean_gain


def plan_open_loop(mdp: TabularMDP) -> OpenLoopPlan:
    """The best sequence of actions fixed before the first step.

    Implements eq-open-loop. Every sequence is tried, so this is for small
    problems. An action forbidden in a state that the plan may reach rules
    the plan out; where that rules out every plan, the return is ``-inf``.

    Args:
        mdp: the problem, with at most a million sequences ``A ** T``.

    Returns:
        The plan and its expected return.

    Raises:
        ValueError: there are more than a million sequences.

    References:
        Levine (2018), section 1; :cite:`levine2018reinforcement`.
    """
    single_in_numpy(mdp, "plan_open_loop")
    T, S, A = mdp.horizon, mdp.num_states, mdp.num_actions
    if A**T > _MOST_SEQUENCES:
        raise ValueError(
            f"plan_open_loop tries every action sequence, at most {_MOST_SEQUENCES}; "
            f"A ** T = {A} ** {T} is more"
        )
    reward = np.where(mdp.action_prior > 0, expected_reward(mdp), -np.inf)
    belief, value = mdp.initial[None, :], np.zeros(1)
    sequences = np.zeros((1, 0), dtype=int)
    for t in range(T):
        gain = mean(belief[:, :, None], reward[t], axis=1)
        value = (value[:, None] + gain).reshape(-1)
        belief = np.einsum("ns,sat->nat", belief, mdp.transition).reshape(-1, S)
        actions = np.tile(np.arange(A), len(sequences))[:, None]
        sequences = np.hstack([np.repeat(sequences, A, axis=0), actions])
    value = value + mean(belief, mdp.log_terminal * mdp.temperature, axis=1)
    best = int(np.argmax(value))
    return OpenLoopPlan(sequences[best], float(value[best]))


def plan_closed_loop(mdp: TabularMDP) -> ClosedLoopPlan:
    """The best policy: at each step, act on the state you find yourself in.

    Implements eq-closed-loop by dynamic programming.

    Args:
        mdp: the problem.

    Returns:
        Values, greedy actions and the expected return.

    References:
        Levine (2018), section 1; :cite:`levine2018reinforcement`.
    """
    single_in_numpy(mdp, "plan_closed_loop")
    T, S, A = mdp.horizon, mdp.num_states, mdp.num_actions
    reward = np.where(mdp.action_prior > 0, expected_reward(mdp), -np.inf)
    Q, V, V_next = np.empty((T, S, A)), np.empty((T, S)), mdp.log_terminal * mdp.temperature
    for t in reversed(range(T)):
        Q[t] = reward[t] + mdp.dynamics.expect(V_next)
        V[t] = V_next = Q[t].max(axis=1)
    return ClosedLoopPlan(Q, V, Q.argmax(axis=2), float(mean(mdp.initial, V[0], axis=0)))
