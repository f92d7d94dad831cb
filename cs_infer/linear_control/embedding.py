"""An ordinary problem in linear clothes.

An ordinary MDP lets the agent choose one of A distributions of the next state. A
linearly solvable one lets it choose any. The embedding looks for passive dynamics and
state rewards under which each of the A distributions costs what it costs in the
ordinary problem.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cs_infer.checks import require, single_in_numpy
from cs_infer.linear_control.linearly_solvable import LinearlySolvableMDP
from cs_infer.log_space import logsumexp, mean
from cs_infer.mdp import TabularMDP

Array = Any


class Embedding(NamedTuple):
    """A linearly solvable problem beside an ordinary one.

    Attributes:
        problem: the linearly solvable problem.
        mismatch: ``r(s) - alpha KL(P(. | s, a) || p(. | s)) - r(s, a)``, in units of
            reward, shape (S, A): 0 where the costs match, and for actions that
            do not count.
    """

    problem: LinearlySolvableMDP
    mismatch: Array


def embedded_problem(mdp: TabularMDP) -> Embedding:
    """Passive dynamics and state rewards that give each action its reward.

    Implements eq-embedding: for each action of a state,
    ``sum_s' P(s' | s, a) c(s, s') = r(s, a) / alpha - H(P(. | s, a))``, a linear system for
    ``c(s, s') = r(s) / alpha + log p(s' | s)``. Then ``exp c`` sums to
    ``exp(r(s) / alpha)``. The smallest correction to a constant ``c`` is taken, by least
    squares: with more actions than next states the costs match only on average.

    Args:
        mdp: a single problem in numpy with constant reward. Which actions the prior
            allows counts; how probable it makes them does not.

    Returns:
        The linearly solvable problem, at the temperature of ``mdp``.

    Raises:
        ValueError: the reward changes with time, or a state has no action of
            finite reward.

    References:
        Todorov (2006); :cite:`todorov2006linearly`. Todorov (2009);
        :cite:`todorov2009efficient`.
    """
    single_in_numpy(mdp, "embedded_problem")
    require(
        mdp.has_constant_reward and mdp.terminal_value is None,
        "embedded_problem needs a reward given once, shape (S, A), every step observed, and no "
        "terminal value",
    )
    P, reward = mdp.transition, np.array(mdp.scaled_once[0])
    if mdp.reward_next is not None:
        reward = reward + mdp.paying_dynamics.mean_gain
    counts = (mdp.action_prior > 0) & np.isfinite(reward)
    dead = ~counts.any(axis=1)
    require(
        not dead.any(), f"each state needs an action of finite reward; {np.argmax(dead)} has none"
    )
    target = np.where(counts, reward, 0.0) + _sum_p_log_p(P)
    log_weight = np.full((mdp.num_states,) * 2, -np.inf)
    for s, on in enumerate(counts):
        nexts = P[s, on].any(axis=0)
        log_weight[s, nexts] = _matched(P[s, on][:, nexts], target[s, on])
    log_rate = logsumexp(log_weight, axis=1)
    problem = LinearlySolvableMDP(
        np.exp(log_weight - log_rate[:, None]), mdp.temperature * log_rate, mdp.temperature
    )
    gap = np.where(counts, mean(P, np.where(P > 0, log_weight[:, None], 0.0)) - target, 0.0)
    return Embedding(problem, mdp.temperature * gap)


def _sum_p_log_p(P: Array) -> Array:
    return np.sum(P * np.log(np.where(P > 0, P, 1.0)), axis=-1)


def _matched(P: Array, target: Array) -> Array:
    """``c`` with ``P c = target``: the mean target and the smallest correction to it."""
    level = target.mean()
    return level + np.linalg.lstsq(P, target - level, rcond=None)[0]
