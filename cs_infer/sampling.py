"""Drawing trajectories: from the prior, and from the posterior exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cs_infer.checks import require, single_in_numpy
from cs_infer.log_space import normalise
from cs_infer.mdp import TabularMDP
from cs_infer.messages import backward_messages
from cs_infer.policies import check_reached, checked_policy

Array = np.ndarray


class SampledTrajectories(NamedTuple):
    """Trajectories, one a row.

    Attributes:
        states: shape (num_samples, T).
        actions: shape (num_samples, T).
    """

    states: Array
    actions: Array


def sample_prior(
    mdp: TabularMDP, num_samples: int, rng: np.random.Generator
) -> SampledTrajectories:
    """Draw from ``p(tau)``: act by the prior, move by the dynamics.

    Args:
        mdp: a single problem in numpy.
        num_samples: how many trajectories, at least 1.
        rng: the source of randomness.

    Returns:
        The trajectories.

    Raises:
        ValueError: ``num_samples`` is below 1, or the problem is a batch or in
            torch.
    """
    return sample_policy(_single(mdp), mdp.action_prior, num_samples, rng)


def sample_policy(
    mdp: TabularMDP, policy: Array, num_samples: int, rng: np.random.Generator
) -> SampledTrajectories:
    """Act by a policy, move by the true dynamics.

    Args:
        mdp: a single problem in numpy.
        policy: ``pi_t(a | s)``, shape (T, S, A) or (S, A), a distribution in
            every state that is reached.
        num_samples: how many trajectories, at least 1.
        rng: the source of randomness.

    Returns:
        The trajectories.

    Raises:
        ValueError: ``num_samples`` is below 1, the policy does not fit or is no
            distribution in a state that is reached, or the problem is a batch
            or in torch.
    """
    pi = checked_policy(_single(mdp), policy)

    def act(t: int, s: Array) -> Array:
        check_reached(pi[t], np.bincount(s, minlength=mdp.num_states), t)
        return pi[t, s]

    return _roll_out(
        mdp,
        mdp.initial,
        act,
        lambda t, s, a: mdp.dynamics.probability[s, a],
        num_samples,
        rng,
    )


def sample_posterior(
    mdp: TabularMDP, num_samples: int, rng: np.random.Generator
) -> SampledTrajectories:
    """Draw from ``p(tau | O_1:T = 1)``, exactly and independently.

    Implements eq-posterior-sampling. The posterior is a Markov chain of its
    own: the first state is drawn from ``mu_0(s) beta_1(s)``, actions from the
    policy, and next states from ``P(s' | s, a) beta_{t+1}(s')``, each
    normalised. That last line is the agent's optimism: it does not draw the
    next state from the dynamics, but from the dynamics *given that all goes
    well*.

    Args:
        mdp: a single problem in numpy.
        num_samples: how many trajectories, at least 1.
        rng: the source of randomness.

    Returns:
        The trajectories.

    Raises:
        ValueError: ``num_samples`` is below 1, or no trajectory of the
            problem can be optimal, or the problem is a batch or in torch.
    """
    messages = backward_messages(_single(mdp))
    if messages.log_evidence == -np.inf:
        raise ValueError(
            "the posterior needs p(O_1:T = 1) > 0; no feasible trajectory of this problem can "
            "be optimal (a reward of -inf cannot be avoided)"
        )
    values = messages.values.relative

    def next_states(t: int, s: Array, a: Array) -> Array:
        _, dynamics = mdp.step(t)
        ahead = values[t + 1][dynamics.next_state[s, a]]
        return normalise(dynamics.log_weight[s, a] + ahead)

    initial = normalise(mdp.log_initial + values[0])
    return _roll_out(
        mdp, initial, lambda t, s: messages.step(t).policy[s], next_states, num_samples, rng
    )


def _single(mdp: TabularMDP) -> TabularMDP:
    single_in_numpy(mdp, "sampling")
    return mdp


def _roll_out(
    mdp: TabularMDP,
    initial: Array,
    policy: Callable[[int, Array], Array],
    kernel: Callable[[int, Array, Array], Array],
    num_samples: int,
    rng: np.random.Generator,
) -> SampledTrajectories:
    """Draw step by step; ``policy`` and ``kernel`` give one distribution a row."""
    require(num_samples >= 1, f"num_samples must be at least 1; it is {num_samples}")
    next_state = mdp.dynamics.next_state
    states = np.empty((num_samples, mdp.horizon), dtype=int)
    actions = np.empty_like(states)
    s = _draw_from(initial, num_samples, rng)
    for t in range(mdp.horizon):
        states[:, t], actions[:, t] = s, _draw(policy(t, s), rng)
        if t + 1 < mdp.horizon:
            k = _draw(kernel(t, s, actions[:, t]), rng)
            s = next_state[s, actions[:, t], k]
    return SampledTrajectories(states, actions)


def _draw_from(probability: Array, count: int, rng: np.random.Generator) -> Array:
    """``count`` indices from one distribution, without a row for each of them."""
    cumulative = np.cumsum(probability)
    return np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")


def _draw(probability: Array, rng: np.random.Generator) -> Array:
    """One index a row, by inverting the cumulative sum."""
    cumulative = np.cumsum(probability, axis=1)
    u = rng.random(len(probability))[:, None] * cumulative[:, -1:]
    return np.argmax(u < cumulative, axis=1)
