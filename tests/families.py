"""Distributions over trajectories that are not the posterior, by listing, in plain Python.

A walk is a trajectory together with the state where its last step ends: rewards of the
next state and terminal values are paid there. Nothing here calls the library.
"""

import math
from itertools import product
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from oracle import beta, beta_state, log, plain, seen_steps, terminal_values, total


class Walk(NamedTuple):
    """``states`` has T + 1 entries, ``actions`` has T; both logarithms are in nats."""

    states: tuple
    actions: tuple
    q: float
    log_q: float
    log_joint: float

    @property
    def steps(self):
        """(t, s, a, where it ends)."""
        return [(t, self.states[t], a, self.states[t + 1]) for t, a in enumerate(self.actions)]


def random_policy(mdp, seed, *, time=True):
    """A distribution over the actions that the prior allows; some are never taken."""
    rng = np.random.default_rng(seed)
    shape = ((mdp.horizon,) if time else ()) + (mdp.num_states, mdp.num_actions)
    weight = rng.exponential(size=shape) * (mdp.action_prior > 0)
    some = weight * (rng.random(shape) < 0.7)
    weight = np.where(some.sum(axis=-1, keepdims=True) > 0, some, weight)
    return weight / weight.sum(axis=-1, keepdims=True)


def random_moves(mdp, seed):
    """Dynamics of its own for each step, over the next states that are possible."""
    rng = np.random.default_rng(seed)
    P = np.asarray(mdp.transition)
    weight = rng.exponential(size=(mdp.horizon, *P.shape)) * (P > 0)
    return list(weight / weight.sum(axis=-1, keepdims=True))


def random_start(mdp, seed):
    """A first state that is possible."""
    weight = np.random.default_rng(seed).exponential(size=mdp.num_states) * (mdp.initial > 0)
    return weight / weight.sum()


seeds = st.integers(0, 2**16)


def paid(mdp, t, s, a, end):
    """``(r + r') / alpha`` of a step, 0 where it is not observed; without the terminal value."""
    if not seen_steps(mdp)[t]:
        return 0.0
    extra = 0.0 if mdp.reward_next is None else float(mdp.reward_next[s, a, end])
    return (float(mdp.reward[t, s, a]) + extra) / mdp.temperature


def walks(mdp, policy, *, moves=None, start=None):
    """Every walk that q makes possible."""
    pi = np.broadcast_to(policy, mdp.reward.shape).tolist()
    P, rho = mdp.transition.tolist(), mdp.action_prior.tolist()
    q_moves = [P] * mdp.horizon if moves is None else [m.tolist() for m in moves]
    mu, q_mu = mdp.initial.tolist(), (mdp.initial if start is None else start).tolist()
    last = [x / mdp.temperature for x in terminal_values(mdp)]
    states, steps = range(mdp.num_states), range(mdp.horizon)
    found = []
    for s in product(states, repeat=mdp.horizon + 1):
        for a in product(range(mdp.num_actions), repeat=mdp.horizon):
            q = [q_mu[s[0]]]
            for t in steps:
                q += [pi[t][s[t]][a[t]], q_moves[t][s[t]][a[t]][s[t + 1]]]
            if min(q) == 0:
                continue
            joint = [log(mu[s[0]]), last[s[-1]]]
            for t in steps:
                joint += [log(rho[s[t]][a[t]]), log(P[s[t]][a[t]][s[t + 1]])]
                joint.append(paid(mdp, t, s[t], a[t], s[t + 1]))
            log_q = math.fsum(map(math.log, q))
            found.append(Walk(s, a, math.prod(q), log_q, sum_of_logs(joint)))
    return found


def sum_of_logs(numbers):
    """``math.fsum`` that knows ``-inf``."""
    return -math.inf if -math.inf in numbers else math.fsum(numbers)


def average(found, value):
    """``E_q[value(walk)]``; an infinite value counts."""
    terms = [walk.q * value(walk) for walk in found]
    infinite = [x for x in terms if math.isinf(x)]
    return infinite[0] if infinite else math.fsum(terms)


def log_ratio(p, q):
    """``log(p / q)`` for p > 0; ``inf`` where q is 0."""
    return math.log(p) - math.log(q) if q > 0 else math.inf


class Posterior:
    """``p(s_1 | O)``, ``p(a | s, O)`` and ``p(s' | s, a, O)`` from listed messages."""

    def __init__(self, mdp):
        exact, T = plain(mdp), mdp.horizon
        self._mdp, self._exact = mdp, exact
        self._sa = [beta(exact, t) for t in range(T)]
        self._s = [beta_state(exact, t) for t in range(T)]
        self.evidence = total(m * b for m, b in zip(exact.initial, self._s[0], strict=True))

    def initial(self, s):
        """``p(s_1 = s | O)``."""
        return self._exact.initial[s] * self._s[0][s] / self.evidence

    def action(self, t, s, a):
        """``p(a_t = a | s, O)``; 0 where optimality is impossible."""
        joint = self._exact.prior[s][a] * self._sa[t][s, a]
        return joint / self._s[t][s] if joint > 0 else 0.0

    def move(self, t, s, a, end):
        """``p(s_{t+1} = end | s, a, O)``; 0 where optimality is impossible."""
        after = [*self._s, self._exact.terminal][t + 1]
        P, factor = self._exact.transition[s][a], self._exact.optimal[t][s][a]
        joint = [p * f * b for p, f, b in zip(P, factor, after, strict=True)]
        whole = math.fsum(joint)
        return joint[end] / whole if whole > 0 else 0.0
