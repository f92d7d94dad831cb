"""Linearly solvable problems to test on."""

import itertools
import math

import numpy as np
from hypothesis import strategies as st

from cs_infer import LinearlySolvableMDP

TEMPERATURES = (1.0, 0.5, 2.0)


def random_walk(seed, *, S=5, temperature=1.0, zeros=True, forbidden=False):
    """Passive dynamics with some zeros on a ring, so that all states stay connected."""
    rng = np.random.default_rng(seed)
    weight = rng.exponential(size=(S, S)) * (rng.random((S, S)) < (0.6 if zeros else 1.1))
    weight += 0.1 * np.roll(np.eye(S), 1, axis=1)
    reward = -2 * rng.random(S)
    if forbidden:
        reward[rng.integers(1, S - 1)] = -np.inf
        weight += 0.05
    return LinearlySolvableMDP(weight / weight.sum(axis=1, keepdims=True), reward, temperature)


@st.composite
def walks(draw, *, states=4, forbidden=False):
    """Any small linearly solvable problem."""
    return random_walk(
        draw(st.integers(0, 10**6)),
        S=draw(st.integers(3 if forbidden else 1, states)),
        temperature=draw(st.sampled_from(TEMPERATURES)),
        forbidden=forbidden,
    )


def listed_paths(problem, s, horizon, terminal):
    """Every way to spend ``horizon`` steps from s: (states, probability, log-likelihood)."""
    p, r, alpha = problem.passive.tolist(), problem.reward.tolist(), problem.temperature
    for rest in itertools.product(range(len(p)), repeat=horizon):
        states = (s, *rest)
        chance = math.prod(p[i][j] for i, j in itertools.pairwise(states))
        paid = sum(r[i] for i in states[:-1]) + terminal[states[-1]]
        if chance > 0:
            yield states, chance, paid / alpha


def divergence(u, p):
    """``KL(u || p)`` in nats, in plain Python."""
    return math.fsum(a * math.log(a / b) for a, b in zip(u, p, strict=True) if a > 0)


def worth(problem, u):
    """Reward less control cost of choosing ``u(s' | s)`` in each state, shape (S,)."""
    cost = [divergence(row, p) for row, p in zip(u, problem.passive, strict=True)]
    return problem.reward - problem.temperature * np.array(cost)
