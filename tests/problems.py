"""Problems to test on: Hypothesis strategies, seeded random problems, examples by hand."""

from fractions import Fraction
from math import log
from typing import NamedTuple

import numpy as np
from hypothesis import example
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracle import Plain

from cs_infer import TabularMDP

KINDS = ("stochastic", "sparse", "deterministic")
TEMPERATURES = (1.0, 0.25, 0.7, 3.0)
MOST_TRAJECTORIES = 1300


@st.composite
def sizes(draw, *, num_states=3, num_actions=3, horizon=4):
    """Numbers S, A, T with few enough trajectories to list them all in plain Python."""
    S, A = draw(st.integers(1, num_states)), draw(st.integers(1, num_actions))
    longest = max(t for t in range(1, horizon + 1) if t == 1 or (S * A) ** t <= MOST_TRAJECTORIES)
    return S, A, draw(st.integers(1, longest))


def distributions(*shape):
    """Arrays whose last axis sums to one; zeros are common."""
    return hnp.arrays(np.int8, shape, elements=st.integers(0, 4)).map(_normalised)


def _normalised(weights):
    weights = weights.astype(float)
    empty = weights.sum(axis=-1) == 0
    weights[empty, 0] = 1.0
    return weights / weights.sum(axis=-1, keepdims=True)


def rewards(*shape, impossible=True, lowest=-24, highest=8):
    """Eighths between -3 and 1 by default, now and then ``-inf``."""
    finite = st.integers(lowest, highest).map(lambda n: n / 8)
    elements = st.one_of(finite, finite, finite, st.just(-np.inf)) if impossible else finite
    return hnp.arrays(float, shape, elements=elements)


@st.composite
def problems(draw, *, kinds=KINDS, impossible=True, next_state=None, highest=8, **limits):
    """Any small problem.

    Zeros in the action prior, rewards that change with time, rewards on the
    next state, temperatures other than 1, and ``-inf`` all occur.
    """
    S, A, T = draw(sizes(**limits))
    kind = draw(st.sampled_from(kinds))
    if kind == "deterministic":
        target = draw(hnp.arrays(np.int8, (S, A), elements=st.integers(0, S - 1)))
        P = np.eye(S)[target]
    elif kind == "sparse":
        P = draw(distributions(S, A, S))
    else:
        P = draw(hnp.arrays(np.int8, (S, A, S), elements=st.integers(1, 5))).astype(float)
        P /= P.sum(axis=-1, keepdims=True)
    options = {"impossible": impossible, "highest": highest}
    over_time = draw(st.booleans())
    on_next = draw(st.booleans()) if next_state is None else next_state
    return TabularMDP.from_arrays(
        transition=P,
        reward=draw(rewards(*((T, S, A) if over_time else (S, A)), **options)),
        initial=draw(distributions(S)),
        horizon=T,
        action_prior=draw(st.none() | distributions(S, A)),
        temperature=draw(st.sampled_from(TEMPERATURES)),
        reward_next=draw(rewards(S, A, S, **options)) if on_next else None,
    )


def rebuilt(mdp, **changes):
    """The same problem with some arguments of ``from_arrays`` changed."""
    names = ("transition", "reward", "initial", "horizon", "action_prior", "temperature")
    given = {name: getattr(mdp, name) for name in names}
    for name in ("reward_next", "terminal_value", "observed"):
        if getattr(mdp, name) is not None:
            given[name] = getattr(mdp, name)
    return TabularMDP.from_arrays(**(given | changes))


@st.composite
def full_problems(draw, *, impossible=True, highest=8, patterns=True, **options):
    """Any small problem with, now and then, terminal values and steps that are not observed."""
    mdp = draw(problems(impossible=impossible, highest=highest, **options))
    changes = {}
    if draw(st.booleans()):
        changes["terminal_value"] = draw(
            rewards(mdp.num_states, impossible=impossible, highest=highest)
        )
    if patterns and draw(st.booleans()):
        changes["observed"] = draw(hnp.arrays(bool, mdp.horizon))
    return rebuilt(mdp, **changes)


def possible(mdp):
    """Whether some trajectory of a small problem can be optimal, by listing them."""
    from oracle import evidence, plain

    return evidence(plain(mdp)) > 0


class Grid(NamedTuple):
    """A square grid on successor lists.

    Attributes:
        next_state: shape (S, A, K), whole numbers.
        probability: shape (S, A, K).
        goal: the last state, which is never left.
    """

    next_state: np.ndarray
    probability: np.ndarray
    goal: int


def slippery_grid(side, *, slip=0.1):
    """Stay or move in four directions; a move slips to either side with probability ``slip``.

    Walls hold, and the last corner is absorbing. A = 5 actions, K = 3 successors.
    """
    S = side * side
    row, column = np.divmod(np.arange(S), side)

    def moved(d):
        return np.clip(row + d[0], 0, side - 1) * side + np.clip(column + d[1], 0, side - 1)

    next_state = np.tile(np.arange(S)[:, None, None], (1, 5, 3))
    for a, (dr, dc) in enumerate([(-1, 0), (0, 1), (1, 0), (0, -1)], start=1):
        for k, d in enumerate([(dr, dc), (dc, dr), (-dc, -dr)]):
            next_state[:, a, k] = moved(d)
    next_state[-1] = S - 1
    probability = np.broadcast_to([1 - 2 * slip, slip, slip], next_state.shape)
    return Grid(next_state, probability, S - 1)


def random_mdp(seed, *, S=6, A=3, T=5, kind="stochastic", next_state=False, temperature=1.0):
    """A problem of any size from a seed: Dirichlet rows, rewards from -2 to 0.

    ``kind`` is one of :data:`KINDS`. Sparse problems have zeros in the action
    prior as well.
    """
    rng = np.random.default_rng(seed)
    P = rng.dirichlet(np.ones(S), size=(S, A))
    rho = rng.dirichlet(np.ones(A), size=S)
    if kind == "deterministic":
        P = np.eye(S)[rng.integers(S, size=(S, A))]
    elif kind == "sparse":
        P, rho = _normalised(P * (P > 1 / S)), _normalised(rho * (rho > 1 / (2 * A)))
    return TabularMDP.from_arrays(
        transition=P,
        reward=-2 * rng.random((T, S, A)),
        initial=rng.dirichlet(np.ones(S)),
        horizon=T,
        action_prior=rho,
        temperature=temperature,
        reward_next=-2 * rng.random((S, A, S)) if next_state else None,
    )


def typical(*, next_state=None, kinds=KINDS):
    """Explicit examples beside the drawn ones, for a test of one argument ``mdp``.

    Drawn problems are often so small that a fault does not show. Here rewards change
    with time, the prior is uneven, the temperature is not 1.
    """

    def add(test):
        for on_next in (False, True) if next_state is None else (next_state,):
            for seed, kind in enumerate(kinds):
                mdp = random_mdp(
                    seed, S=3, A=2, T=3, kind=kind, next_state=on_next, temperature=0.6
                )
                test = example(mdp)(test)
        return test

    return add


def two_states():
    """Two states, two actions, two steps, in fractions: (exact lists, library problem).

    State 0 is home; action 0 stays for certain, action 1 leaves with
    probability 1/3. State 1 is away, where only action 0 is allowed.
    """
    half, third = Fraction(1, 2), Fraction(1, 3)
    P = [[[Fraction(1), Fraction(0)], [1 - third, third]], [[half, half], [Fraction(1), 0]]]
    rho = [[Fraction(1, 4), Fraction(3, 4)], [Fraction(1), Fraction(0)]]
    p_optimal = [[half, third], [Fraction(1), Fraction(1, 5)]]
    exact = Plain(
        [Fraction(2, 3), third],
        P,
        rho,
        [[[[p] * 2 for p in row] for row in p_optimal] for _ in range(2)],
    )
    mdp = TabularMDP.from_arrays(
        transition=np.array(P, dtype=float),
        reward=[[log(p) for p in row] for row in p_optimal],
        initial=np.array(exact.initial, dtype=float),
        action_prior=np.array(rho, dtype=float),
        horizon=2,
    )
    return exact, mdp


def bandit(reward, *, prior=None, horizon=1, temperature=1.0):
    """One state; only the action matters."""
    return TabularMDP.from_arrays(
        transition=np.ones((1, len(reward), 1)),
        reward=[reward],
        initial=[1.0],
        horizon=horizon,
        action_prior=None if prior is None else [prior],
        temperature=temperature,
    )


def corridor(length, *, horizon, step_cost=1.0, temperature=1.0):
    """States 0 … length in a row: wait (0) or walk right (1). The end is free, each other
    step costs ``step_cost``."""
    P = np.zeros((length + 1, 2, length + 1))
    for s in range(length + 1):
        P[s, 0, s] = P[s, 1, min(s + 1, length)] = 1.0
    reward = np.full((length + 1, 2), -float(step_cost))
    reward[length] = 0.0
    return TabularMDP.from_arrays(
        transition=P,
        reward=reward,
        initial=np.eye(length + 1)[0],
        horizon=horizon,
        temperature=temperature,
    )


def lottery(p_win, *, win=0.0, lose=-3.0, safe=-1.0):
    """Two steps: at state 0 take the safe action (0) or the lottery (1), then be paid."""
    P = np.zeros((4, 2, 4))
    P[0, 0, 1] = 1.0
    P[0, 1, 2:] = p_win, 1 - p_win
    for s in (1, 2, 3):
        P[s, :, s] = 1.0
    reward = np.zeros((2, 4, 2))
    reward[1, 1:, :] = np.array([safe, win, lose])[:, None]
    return TabularMDP.from_arrays(transition=P, reward=reward, initial=np.eye(4)[0], horizon=2)
