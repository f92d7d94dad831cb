"""Drawing trajectories: from the prior, and from the posterior exactly."""

from typing import NamedTuple

import numpy as np

from cs_infer.log_space import normalise
from cs_infer.mdp import TabularMDP
from cs_infer.messages import backward_messages

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
        mdp: the problem.
        num_samples: how many trajectories, at least 1.
        rng: the source of randomness.

    Returns:
        The trajectories.

    Raises:
        ValueError: ``num_samples`` is below 1.
    """
    policy = np.broadcast_to(mdp.action_prior, mdp.reward.shape)
    kernel = np.broadcast_to(mdp.transition, (mdp.horizon, *mdp.transition.shape))
    return _roll_out(mdp.initial, policy, kernel, num_samples, rng)


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
        mdp: the problem.
        num_samples: how many trajectories, at least 1.
        rng: the source of randomness.

    Returns:
        The trajectories.

    Raises:
        ValueError: ``num_samples`` is below 1, or no trajectory of the
            problem can be optimal.
    """
    messages = backward_messages(mdp)
    if messages.log_evidence == -np.inf:
        raise ValueError(
            "the posterior needs p(O_1:T = 1) > 0; no feasible trajectory of this problem can "
            "be optimal (a reward of -inf cannot be avoided)"
        )
    initial = normalise(mdp.log_initial + messages.log_beta_s[0])
    log_next = np.vstack([messages.log_beta_s[1:], np.zeros(mdp.num_states)])
    kernel = (normalise(mdp.log_step + log_next[t]) for t in range(mdp.horizon))
    return _roll_out(initial, messages.policy, kernel, num_samples, rng)


def _roll_out(initial, policy, kernel, num_samples, rng) -> SampledTrajectories:
    if num_samples < 1:
        raise ValueError(f"num_samples must be at least 1; it is {num_samples}")
    states = np.empty((num_samples, len(policy)), dtype=int)
    actions = np.empty_like(states)
    s = _draw(np.broadcast_to(initial, (num_samples, len(initial))), rng)
    for t, step in enumerate(kernel):
        states[:, t] = s
        actions[:, t] = _draw(policy[t, s], rng)
        s = _draw(step[s, actions[:, t]], rng) if t + 1 < len(policy) else s
    return SampledTrajectories(states, actions)


def _draw(probability: Array, rng: np.random.Generator) -> Array:
    """One index a row, by inverting the cumulative sum."""
    cumulative = np.cumsum(probability, axis=1)
    u = rng.random(len(probability))[:, None] * cumulative[:, -1:]
    return np.argmax(u < cumulative, axis=1)
