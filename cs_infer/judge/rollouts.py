"""Rolling out a policy in a trusted environment, step by step.

The environment runs here; the student's policy is asked for each action. An
environment is what gymnasium calls one: ``reset(seed=…)`` gives an observation
and a dict, ``step(action)`` an observation, a reward, whether the episode has
ended, whether it was cut, and a dict. So gymnasium's own can be used as they
are, and :class:`TabularEnvironment` is one for arrays.

What a policy earns is random. Seeds that its author can see would let it plan
for the luck to come: draw them under a name that begins with ``_``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from cs_infer.judge.answers import AnswerError, as_array, as_function, as_index

Array = np.ndarray
Policy = Callable[[Any, np.random.Generator], int]
"""``(observation, rng) -> action``."""


class Environment(Protocol):
    """The part of gymnasium's interface that is used here."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode: the first observation, and a dict."""

    def step(self, action: Any, /) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Act: observation, reward, ended, cut, and a dict."""


class TabularEnvironment:
    """States and actions that are counted, from arrays.

    Args:
        transition: shape (S, A, S), indexed [s, a, s_next].
        reward: shape (S, A).
        initial: shape (S,).
    """

    def __init__(self, transition: Array, reward: Array, initial: Array) -> None:
        self._moves = np.cumsum(transition, axis=-1)
        self._first = np.cumsum(initial)
        self._reward = reward
        self._rng = np.random.default_rng()
        self._state = 0

    def reset(self, *, seed: int | None = None) -> tuple[int, dict[str, Any]]:
        """Begin an episode in a random state."""
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        self._state = _pick(self._first, self._rng)
        return self._state, {}

    def step(self, action: Any, /) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Act in the present state.

        Raises:
            AnswerError: there is no such action.
        """
        chosen = as_index(action, self._reward.shape[1], "an action")
        reward = float(self._reward[self._state, chosen])
        self._state = _pick(self._moves[self._state, chosen], self._rng)
        return self._state, reward, False, False, {}


def functions_of(environment: Environment) -> dict[str, Callable[..., Any]]:
    """``reset`` and ``step`` of an environment, to be handed to a student's function.

    ``reset()`` gives an observation, ``step(action)`` an observation, a reward
    and whether the episode is over. To make them anew for every call, draw
    ``Fresh(lambda: functions_of(...))``.
    """

    def step(action: Any) -> tuple[Any, float, bool]:
        observation, reward, ended, cut, _ = environment.step(action)
        return observation, float(reward), bool(ended or cut)

    return {"reset": lambda: environment.reset()[0], "step": step}


def as_policy(answer: Any, num_actions: int, num_states: int | None = None) -> Policy:
    """The answer as a policy: a function of the observation, or a table.

    Args:
        answer: ``observation -> action``; or with ``num_states`` a table, of
            actions, shape (S,), or of their probabilities, shape (S, A).
        num_actions: how many actions there are.
        num_states: how many states there are; None where they are not counted.

    Returns:
        ``(observation, rng) -> action``. It raises AnswerError where the
        answer gives no such action.

    Raises:
        AnswerError: the answer is neither.
    """
    if callable(answer) or num_states is None:
        function = as_function(answer, "the policy")
        return lambda seen, rng: as_index(function(seen), num_actions, "an action of the policy")
    if _is_flat(answer):
        actions = as_array(answer, (num_states,), "the policy")
        chosen = [as_index(a, num_actions, "an action of the policy") for a in actions]
        return lambda seen, rng: chosen[seen]
    table = as_array(answer, (num_states, num_actions), "the policy")
    if np.any(table < 0) or not np.allclose(table.sum(axis=1), 1, rtol=0, atol=1e-3):
        raise AnswerError("each row of the policy must be probabilities that add up to one")
    cumulative = np.cumsum(table, axis=1)
    return lambda seen, rng: _pick(cumulative[seen], rng)


def actions_of(answer: Any, num_states: int, num_actions: int) -> Array:
    """The actions of a policy of counted states, each asked for once: shape (S,).

    Raises:
        AnswerError: the answer is no policy.
    """
    policy = as_policy(answer, num_actions, num_states)
    rng = np.random.default_rng(0)
    return np.array([policy(state, rng) for state in range(num_states)], dtype=np.float64)


def roll_out(
    policy: Policy, environment: Environment, seed: int, episodes: int, horizon: int
) -> Array:
    """What a policy earns.

    Args:
        policy: ``(observation, rng) -> action``, such as :func:`as_policy` gives.
        environment: where it acts.
        seed: what the randomness of the environment and of the policy comes from.
        episodes: how many episodes.
        horizon: the most steps of an episode.

    Returns:
        The undiscounted return of each episode, shape (episodes,).

    Raises:
        AnswerError: the policy gave no action.
        CallFailed: it is the student's function, and that failed.
    """
    rng = np.random.default_rng(seed)
    environment.reset(seed=int(rng.integers(2**31)))
    return np.array([_episode(policy, environment, rng, horizon) for _ in range(episodes)])


def _is_flat(answer: Any) -> bool:
    if isinstance(answer, (list, tuple)):
        return not any(isinstance(part, (list, tuple, np.ndarray)) for part in answer)
    return isinstance(answer, np.ndarray) and answer.ndim == 1


def _episode(
    policy: Policy, environment: Environment, rng: np.random.Generator, horizon: int
) -> float:
    observation, earned = environment.reset()[0], 0.0
    for _ in range(horizon):
        observation, reward, ended, cut, _ = environment.step(policy(observation, rng))
        earned += float(reward)
        if ended or cut:
            break
    return earned


def _pick(cumulative: Array, rng: np.random.Generator) -> int:
    """An outcome, never one of probability zero."""
    return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
