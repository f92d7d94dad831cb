"""The oracle: every answer of the course, by listing every trajectory in plain Python.

Nothing here calls the library, and numpy is used nowhere: a trajectory is a
tuple, a distribution is a dict, a sum is a loop over all of them. Numbers may
be floats or ``fractions.Fraction``; with fractions every answer is exact.
"""

import math
from collections import defaultdict
from fractions import Fraction
from itertools import product
from typing import Any, NamedTuple

import mpmath


class Plain(NamedTuple):
    """A problem in lists: no arrays, no logarithms.

    Attributes:
        initial: ``initial[s]``.
        transition: ``transition[s][a][s']``.
        prior: ``prior[s][a]``.
        optimal: ``optimal[t][s][a][s']``, the factor ``exp((r + r') / alpha)``;
            1 at a step whose optimality is not observed.
        terminal: ``terminal[s]``, the factor ``exp(terminal_value / alpha)`` of
            the state that follows the last action; None stands for ones.
    """

    initial: list
    transition: list
    prior: list
    optimal: list
    terminal: list | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.optimal), len(self.initial), len(self.prior[0])


def plain(mdp: Any) -> Plain:
    """The lists inside a library problem, with the exponentials taken by ``math.exp``."""
    reward = mdp.reward.tolist()
    steps, states, actions = range(mdp.horizon), range(mdp.num_states), range(mdp.num_actions)
    extra = mdp.reward_next.tolist() if mdp.reward_next is not None else None
    seen = seen_steps(mdp)

    def factor(t, s, a, s_next):
        if not seen[t]:
            return 1.0
        r = reward[t][s][a] + (extra[s][a][s_next] if extra else 0.0)
        return math.exp(r / mdp.temperature)

    optimal = [
        [[[factor(t, s, a, n) for n in states] for a in actions] for s in states] for t in steps
    ]
    terminal = [math.exp(x / mdp.temperature) for x in terminal_values(mdp)]
    return Plain(
        mdp.initial.tolist(), mdp.transition.tolist(), mdp.action_prior.tolist(), optimal, terminal
    )


def seen_steps(mdp: Any) -> list[bool]:
    """Which steps' optimality is conditioned on: all of them unless the problem says otherwise."""
    return [True] * mdp.horizon if mdp.observed is None else [bool(x) for x in mdp.observed]


def terminal_values(mdp: Any) -> list[float]:
    """The value of the state after the last action, in units of reward: 0 by default."""
    if mdp.terminal_value is None:
        return [0.0] * mdp.num_states
    return [float(x) for x in mdp.terminal_value]


def total(numbers) -> Any:
    """A sum without rounding error: exact for fractions, ``math.fsum`` for floats."""
    numbers = list(numbers)
    if any(isinstance(x, Fraction) for x in numbers):
        return sum(numbers)
    return math.fsum(numbers)


def log(x: Any) -> float:
    """The natural logarithm, with ``log 0 = -inf``."""
    return math.log(x) if x > 0 else -math.inf


def last_factor(p: Plain, t: int, s: int, a: int) -> Any:
    """The optimality factor of a step whose next state is not part of the trajectory."""
    return total(P * o for P, o in zip(p.transition[s][a], p.optimal[t][s][a], strict=True))


def ending(p: Plain, s: int, a: int) -> Any:
    """The factor of the last step, its next state and the terminal value summed out."""
    last = p.optimal[-1][s][a]
    terminal = p.terminal or [1] * len(p.initial)
    return total(P * o * e for P, o, e in zip(p.transition[s][a], last, terminal, strict=True))


class Path(NamedTuple):
    """A trajectory, its prior probability, and the optimality factor of each step."""

    states: tuple
    actions: tuple
    prior: Any
    factors: tuple

    @property
    def joint(self) -> Any:
        return self.prior * math.prod(self.factors)


def paths(p: Plain, start: int = 0) -> list[Path]:
    """Every trajectory over steps ``start … T-1``, with a free first state and action.

    Beyond step ``start`` the prior holds the transition and the action prior;
    at ``start`` itself it is 1, so that the caller chooses what to condition on.
    """
    T, S, A = p.shape
    found = []
    for states in product(range(S), repeat=T - start):
        for actions in product(range(A), repeat=T - start):
            prior, factors = 1, []
            for i, (s, a) in enumerate(zip(states, actions, strict=True)):
                if i > 0:
                    prior = prior * p.transition[states[i - 1]][actions[i - 1]][s] * p.prior[s][a]
                if prior == 0:
                    break
                inner = i + 1 < T - start
                factors.append(
                    p.optimal[start + i][s][a][states[i + 1]] if inner else ending(p, s, a)
                )
            if prior != 0:
                found.append(Path(states, actions, prior, tuple(factors)))
    return found


def trajectories(p: Plain) -> list[Path]:
    """Every feasible trajectory, with its prior probability."""
    weighted = []
    for path in paths(p):
        s, a = path.states[0], path.actions[0]
        prior = p.initial[s] * p.prior[s][a] * path.prior
        if prior != 0:
            weighted.append(path._replace(prior=prior))
    return weighted


def evidence(p: Plain) -> Any:
    """``p(O_1:T = 1)``."""
    return total(path.joint for path in trajectories(p))


def posterior(p: Plain) -> dict[tuple[tuple, tuple], Any]:
    """``p(tau | O_1:T = 1)`` by Bayes, keyed by (states, actions)."""
    joint = {(path.states, path.actions): path.joint for path in trajectories(p)}
    everything = total(joint.values())
    return {key: x / everything for key, x in joint.items() if x > 0}


def grouped(pairs) -> dict[Any, Any]:
    """Sum the second entries that share a first entry."""
    cells = defaultdict(list)
    for key, x in pairs:
        cells[key].append(x)
    return {key: total(xs) for key, xs in cells.items()}


def visited(p: Plain, t: int) -> dict[tuple[int, int], Any]:
    """``p(s_t, a_t | O_1:T = 1)``."""
    return grouped(((s[t], a[t]), x) for (s, a), x in posterior(p).items())


def action_posterior(p: Plain, t: int) -> dict[tuple[int, int], Any]:
    """``p(a_t | s_t, O_1:T = 1)``, where the posterior visits ``s_t``."""
    both = visited(p, t)
    alone = grouped((s, x) for (s, _), x in both.items())
    return {(s, a): x / alone[s] for (s, a), x in both.items()}


def beta(p: Plain, t: int) -> dict[tuple[int, int], Any]:
    """``p(O_t:T = 1 | s_t, a_t)`` for every state and action, reachable or not."""
    return grouped(((path.states[0], path.actions[0]), path.joint) for path in paths(p, t))


def beta_state(p: Plain, t: int) -> list:
    """``p(O_t:T = 1 | s_t)``."""
    _, S, A = p.shape
    after = beta(p, t)
    return [total(p.prior[s][a] * after[s, a] for a in range(A)) for s in range(S)]


def past(p: Plain, t: int) -> list:
    """``p(s_t, O_1:t-1 = 1)``."""
    _, S, _ = p.shape
    cells = grouped(
        (path.states[t], path.prior * math.prod(path.factors[:t])) for path in trajectories(p)
    )
    return [cells.get(s, 0) for s in range(S)]


def mean_reward(mdp: Any, t: int, s: int, a: int) -> float:
    """``E[r]`` over next states, in units of reward; 0 at a step that is not observed."""
    if not seen_steps(mdp)[t]:
        return 0.0
    r = float(mdp.reward[t, s, a])
    if mdp.reward_next is None:
        return r
    pairs = zip(mdp.transition[s, a].tolist(), mdp.reward_next[s, a].tolist(), strict=True)
    return r + total(P * x for P, x in pairs if P > 0)


def expected_return(mdp: Any, act: Any) -> float:
    """The expected return of acting by ``act(t, s)``, over every sequence of states.

    A forbidden action in a state that is reached makes it ``-inf``.
    """
    terms = []
    for states in product(range(mdp.num_states), repeat=mdp.horizon):
        p = float(mdp.initial[states[0]])
        actions = [act(t, s) for t, s in enumerate(states)]
        for t in range(mdp.horizon - 1):
            p *= float(mdp.transition[states[t], actions[t], states[t + 1]])
        if p == 0:
            continue
        for t, (s, a) in enumerate(zip(states, actions, strict=True)):
            allowed = mdp.action_prior[s, a] > 0
            terms.append(p * mean_reward(mdp, t, s, a) if allowed else -math.inf)
        s, a = states[-1], actions[-1]
        ahead = zip(mdp.transition[s, a].tolist(), terminal_values(mdp), strict=True)
        terms.append(p * total(P * v for P, v in ahead if P > 0))
    return total(terms)


def soft_values(mdp: Any) -> tuple[list, list]:
    """Maximum-entropy values by the *expectation* backup: (Q, V), in units of reward.

    ``Q_t = E[r] + E[V_t+1]`` and ``V_t = alpha log E_rho[exp(Q_t / alpha)]``.
    """
    alpha, states, actions = mdp.temperature, range(mdp.num_states), range(mdp.num_actions)
    P, rho = mdp.transition.tolist(), mdp.action_prior.tolist()
    Q, V = [], [terminal_values(mdp)]
    for t in reversed(range(mdp.horizon)):

        def q(s, a, t=t):
            ahead = total(P[s][a][n] * V[0][n] for n in states if P[s][a][n] > 0)
            return mean_reward(mdp, t, s, a) + ahead

        def v(row, prior):
            pairs = zip(prior, row, strict=True)
            return alpha * log(total(p * math.exp(x / alpha) for p, x in pairs))

        Q.insert(0, [[q(s, a) for a in actions] for s in states])
        V.insert(0, [v(Q[0][s], rho[s]) for s in states])
    return Q, V[:-1]


def chi_square(observed: list, expected: list) -> float:
    """The chance that counts lie as far from ``expected`` as ``observed`` does, or farther."""
    statistic = total((o - e) ** 2 / e for o, e in zip(observed, expected, strict=True))
    freedom = len(observed) - 1
    return float(mpmath.gammainc(freedom / 2, statistic / 2, regularized=True))


def pooled_fit(counts: dict, distribution: dict, least: float = 8.0) -> float:
    """The chi-square chance of ``counts`` under ``distribution``.

    Cells that expect fewer than ``least`` counts are pooled with one another,
    and with the likeliest cell where even together they expect fewer.
    """
    draws = sum(counts.values())
    cells = sorted(((float(p) * draws, counts.get(key, 0)) for key, p in distribution.items()))
    small = [cell for cell in cells if cell[0] < least]
    large = [cell for cell in cells if cell[0] >= least]
    rest = (total(e for e, _ in small), sum(n for _, n in small))
    if rest[0] >= least:
        large.append(rest)
    else:
        large[-1] = (large[-1][0] + rest[0], large[-1][1] + rest[1])
    return chi_square([n for _, n in large], [e for e, _ in large])
