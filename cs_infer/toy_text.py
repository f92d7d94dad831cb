"""Reading gymnasium's toy-text environments as tabular problems.

FrozenLake, CliffWalking and Taxi carry their whole model: a table ``P`` with
``P[s][a] = [(probability, next_state, reward, terminated), …]``. That table
is all this file looks at; gymnasium itself is imported only to make an
environment from its id.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cs_infer.mdp import TabularMDP

REWARD_ON = ("expectation", "next_state")


def read_toy_text(
    env_or_id: Any,
    *,
    horizon: int,
    reward_on: str = "expectation",
    action_prior: Any = None,
    temperature: float = 1.0,
    make_options: dict[str, Any] | None = None,
) -> TabularMDP:
    """Build a :class:`TabularMDP` from an environment's own transition table.

    A state that ends the episode becomes absorbing, with reward 0. Where such
    a state can also be passed through, endings go to one extra absorbing
    state, the last. States that no episode can reach keep the table's rows.

    Rewards that depend on the next state can be read in two ways. With
    ``reward_on="expectation"``, ``r(s, a)`` is the expectation of the reward
    over next states. With ``reward_on="next_state"``, the reward stays where
    it falls, ``p(O = 1 | s, a, s') = exp(r(s, a, s') / alpha)``, so that
    being optimal also says something about the next state. The two differ by
    Jensen's inequality whenever the reward is uncertain.

    Args:
        env_or_id: an environment, or an id such as ``"FrozenLake-v1"``.
        horizon: the number of steps T.
        reward_on: ``"expectation"`` or ``"next_state"``.
        action_prior: ``rho(a | s)``, shape (S, A); uniform by default.
        temperature: ``alpha`` > 0.
        make_options: passed to ``gymnasium.make`` with an id, for example
            ``{"map_name": "8x8"}``.

    Returns:
        The problem.

    Raises:
        ValueError: the id is unknown, or the environment has no table ``P``,
            or ``reward_on`` is neither word, or the table gives two rewards
            for one (s, a, s') and ``reward_on`` is ``"next_state"``.
        ImportError: an id was given and gymnasium is not installed.

    Example:
        >>> taxi = read_toy_text("Taxi-v3", horizon=5)
        >>> taxi.num_states, taxi.is_deterministic
        (500, True)
    """
    if reward_on not in REWARD_ON:
        raise ValueError(f"reward_on must be one of {REWARD_ON}; it is {reward_on!r}")
    env = _make(env_or_id, make_options) if isinstance(env_or_id, str) else env_or_id
    table, initial = _model_of(env)
    S, A = len(table), len(table[0])
    endings = _absorbing_states(table, initial)
    extra = endings is None
    P = np.zeros((S + extra, A, S + extra))
    r = np.full_like(P, np.nan)
    expected = np.zeros(P.shape[:2])
    for s in range(S):
        for a in range(A):
            for probability, s_next, reward, terminated in table[s][a]:
                if probability == 0:
                    continue
                target = S if (extra and terminated) else int(s_next)
                if endings is not None and s in endings:
                    target, reward = s, 0.0
                known = r[s, a, target]
                if reward_on == "next_state" and not np.isnan(known) and known != reward:
                    _refuse_two_rewards((s, a, target), known, reward)
                P[s, a, target] += probability
                r[s, a, target] = reward
                expected[s, a] += probability * reward
    if extra:
        P[S, :, S] = 1.0
    exact = reward_on == "next_state"
    return TabularMDP.from_arrays(
        transition=P,
        reward=np.zeros_like(expected) if exact else expected,
        reward_next=np.nan_to_num(r) if exact else None,
        initial=np.append(initial, 0.0) if extra else initial,
        horizon=horizon,
        action_prior=action_prior,
        temperature=temperature,
    )


def _refuse_two_rewards(where: tuple[int, int, int], first: float, second: float) -> None:
    raise ValueError(
        'reward_on="next_state" needs one reward for each (s, a, s\'); '
        f"the table holds {first:g} and {second:g} for {where}"
    )


def _make(env_id: str, options: dict[str, Any] | None) -> Any:
    import gymnasium

    try:
        return gymnasium.make(env_id, **(options or {}))
    except gymnasium.error.Error as error:
        raise ValueError(
            f"env_or_id must be a gymnasium id; {env_id!r} is not one ({error})"
        ) from None


def _model_of(env: Any) -> tuple[Any, np.ndarray]:
    model = getattr(env, "unwrapped", env)
    table = getattr(model, "P", None)
    initial = getattr(model, "initial_state_distrib", None)
    if table is None or initial is None:
        raise ValueError(
            "the environment must carry its model (a table P and initial_state_distrib), "
            f"as FrozenLake, CliffWalking and Taxi do; {type(model).__name__} does not"
        )
    return table, np.asarray(initial, dtype=np.float64)


def _absorbing_states(table: Any, initial: np.ndarray) -> set[int] | None:
    """The states that end an episode, or None if one of them can also be passed through."""
    started = {int(s) for s in np.flatnonzero(initial)}
    alive, endings, frontier = set(started), set(), list(started)
    while frontier:
        for outcomes in table[frontier.pop()].values():
            for probability, s_next, _, terminated in outcomes:
                if probability > 0 and terminated:
                    endings.add(s_next)
                elif probability > 0 and s_next not in alive:
                    alive.add(s_next)
                    frontier.append(s_next)
    return None if endings & alive else endings
