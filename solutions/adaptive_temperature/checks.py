"""The checks of assignment 6: what is asked, on which inputs, and known wrong ideas.

``check("boltzmann", boltzmann)`` in the notebook reads this file. The grader
uses the same properties on inputs of its own.

How exact must an answer be? Float32 arithmetic passes everywhere:

* A probability is the exponential of ``(Q - max) / temperature``. A value of
  5,000 is held by a float32 to 2.5e-4, and temperatures there are 1 or more:
  5e-3 of a probability is allowed.
* A temperature is a mean of powers of Bellman errors. Inputs are drawn such
  that the right-hand side g falls at the solution, or is flat, so that an error
  of g does not grow. Values of 500 leave 1e-4 of a Bellman error of
  1: 2e-3 of the temperature is allowed, and 1e-6 where it is 0.
* A new value is an average of old ones: 1e-5 of it, and 1e-4 of small ones.

Where the solution of ``epsilon = g(epsilon)`` lies is known when inputs are
drawn: the rewards are computed from it. ``_only_solution`` proves that there is
no other. So it is found here by cutting brackets, many temperatures at once; the
library proves, for any problem, that what it finds is the smallest solution,
and a test holds the two together. No wrong idea of the catalogue comes near the
tolerances.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cs_infer.judge.answers import AnswerError, as_array, as_number, differ
from cs_infer.judge.problem import (
    Assignment,
    Inputs,
    Limits,
    Misconception,
    Problem,
    Property,
    Written,
)

Array = np.ndarray
Rng = np.random.Generator
Step = tuple[Array, Array, float]

_PAGE = "adaptive_temperature.html"
_COLD = f"{_PAGE}#the-limit-of-cold"
_FIXED = f"{_PAGE}#the-fixed-point"
_STEP = f"{_PAGE}#actor-and-critic"
_BUTTONS = f"{_PAGE}#useless-actions"

_PROBABILITY = (5e-3, 1e-7)  # relative and absolute tolerance, as explained above
_TEMPERATURE = (2e-3, 1e-6)
_VALUE = (1e-5, 1e-4)
_ALIKE = (1e-4, 1e-6)  # two answers this close come from one idea


_HOTTEST = 100.0
_FLAT = (-1e-3, 1e-3)  # slopes of g where the policy does not matter


# Right and wrong temperatures: everything for many temperatures at once


def _policies(Q: Array, rho: Array, epsilon: Any) -> Array:
    """rho exp(Q / epsilon), each row divided by its sum; 0 is the limit. Shape (E, S, A)."""
    epsilon = np.atleast_1d(np.asarray(epsilon, dtype=float))[:, None, None]
    below = _below(Q, rho)
    with np.errstate(all="ignore"):
        exponent = np.where(below == 0, 0.0, below / epsilon)
    weight = rho * np.exp(np.where(rho > 0, exponent, -np.inf))
    return weight / weight.sum(axis=2, keepdims=True)


def _policy(Q: Array, rho: Array, epsilon: float) -> Array:
    """The policy of one temperature, shape (S, A)."""
    return _policies(Q, rho, epsilon)[0]


def _average(Q: Array, rho: Array, epsilon: Array) -> Array:
    """sum pi Q, the value of each state; shape (E, S)."""
    return np.sum(_policies(Q, rho, epsilon) * Q, axis=2)


def _next_states(P: Array, V: Array) -> Array:
    """E[V(s') | s, a], shape (E, S, A)."""
    return np.moveaxis(P @ np.moveaxis(V, 0, -1), -1, 0)


def _errors(Q: Array, P: Array, R: Array, rho: Array, gamma: float, epsilon: Any) -> Array:
    """T Q - Q at each temperature, shape (E, S, A)."""
    return R + gamma * _next_states(P, _average(Q, rho, np.atleast_1d(epsilon))) - Q


def _size(error: Array, rho: Array, c: float, p: float) -> Array:
    """c / p E|error|^p, a state at random and an action from the prior; shape (E,)."""
    return c / p * _mean(np.abs(error) ** p, rho)


def _mean(error: Array, rho: Array) -> Array:
    """The mean over states, and over actions by their prior; shape (E,)."""
    return np.sum(rho * error, axis=-1).mean(axis=-1)


def _solved(g: Callable[[Array], Array]) -> float:
    """The smallest solution of ``epsilon = g(epsilon)`` that a grid sees, refined.

    A bracket is cut into 64 parts, seven times. inf where g is always larger.
    """
    low, high = 0.0, 1.0
    with np.errstate(all="ignore"):
        while g(np.array([high]))[0] > high:
            high *= 4.0
            if high > 1e12:
                return float("inf")
        for _ in range(7):
            grid = np.linspace(low, high, 65)
            below = np.flatnonzero(~(g(grid[1:]) > grid[1:]))  # where g is NaN, halving goes down
            at = below[0] if len(below) else 63
            low, high = grid[at], grid[at + 1]
    return float(low if low == 0 else high)


# Drawing problems


def _distribution(rng: Rng, *shape: int) -> Array:
    """Random distributions along the last axis, no entry tiny."""
    p = rng.dirichlet(np.full(shape[-1], 2.0), size=shape[:-1]) + 0.3 / shape[-1]
    return p / p.sum(axis=-1, keepdims=True)


def _sizes(rng: Rng) -> tuple[int, int]:
    """Numbers of states and actions."""
    return int(rng.integers(3, 6)), int(rng.integers(2, 5))


def _spaced(rng: Rng, S: int, A: int, least: float = 0.3) -> Array:
    """Values of which no two in a row are closer than ``least``."""
    steps = rng.uniform(least, least + 2.4 / A, size=(S, A))
    values = np.cumsum(steps, axis=1) - 1.5 + rng.uniform(-0.5, 0.5, size=(S, 1))
    return rng.permuted(values, axis=1)


def _some_forbidden(rng: Rng, rho: Array) -> Array:
    """State 0 allows all but one action, state 1 all, the others some."""
    S, A = rho.shape
    keep = rng.random((S, A)) < 0.6
    keep[np.arange(S), rng.integers(A, size=S)] = True
    keep[0], keep[1] = True, True
    keep[0, rng.integers(A)] = False
    few = np.where(keep, rho, 0.0)
    return few / few.sum(axis=1, keepdims=True)


def _only_solution(d: dict[str, Any], epsilon: float) -> bool:
    """Whether ``epsilon = g(epsilon)`` has no solution but this one: a proof by intervals.

    ``T Q - Q`` falls, pair by pair, as the temperature rises. So between two
    temperatures it lies between its values there, and g between two bounds.
    What these leave open must lie around the solution, where g - epsilon falls.
    """
    gamma, c, p, rho = d["gamma"], d["c"], d["p"], d["rho"]
    ends = _errors(d["Q"], d["P"], d["R"], rho, gamma, [0.0, 1e12])
    most = _size(np.abs(ends).max(axis=0)[None], rho, c, p)[0]
    grid = most * np.r_[0.0, np.geomspace(1e-6, 1.001, 240)]
    error = _errors(d["Q"], d["P"], d["R"], rho, gamma, grid)
    hot, cold = error[1:], error[:-1]
    above = _size(np.maximum(np.abs(hot), np.abs(cold)), rho, c, p)
    nearest = np.where(hot * cold > 0, np.minimum(np.abs(hot), np.abs(cold)), 0.0)
    maybe = (above >= grid[:-1]) & (_size(nearest, rho, c, p) <= grid[1:])
    beyond = np.diff(_size(error, rho, c, p) - grid)[maybe]
    near = (grid[1:][maybe] >= epsilon / 2) & (grid[:-1][maybe] <= max(2 * epsilon, grid[1] / 2))
    return bool(np.all(near) and np.all(beyond < 0))


def _slope(d: dict[str, Any], epsilon: float) -> float:
    """The slope of g at the solution."""
    given = (d["Q"], d["P"], d["R"], d["rho"], d["gamma"])
    here = epsilon * np.array([1 - 1e-4, 1 + 1e-4])
    g = _size(_errors(*given, here), d["rho"], d["c"], d["p"])
    return float((g[1] - g[0]) / (here[1] - here[0]))


def _around(
    rng: Rng, epsilon: float, error: Array, Q: Array, rho: Array, gamma: float, p: float
) -> dict[str, Any]:
    """A problem that this temperature solves: rewards and c are computed from it."""
    S, A = Q.shape
    P = _distribution(rng, S, A, S)
    R = Q + error - gamma * _next_states(P, _average(Q, rho, np.array([epsilon])))[0]
    c = epsilon / float(_size(error[None], rho, 1.0, p)[0])
    return {"Q": Q, "P": P, "R": R, "rho": rho, "gamma": gamma, "c": c, "p": p}


def _either_sign(rng: Rng, S: int, A: int) -> Array:
    """Bellman errors, more of them positive."""
    sign = np.where(rng.random((S, A)) < 0.75, 1.0, -1.0)
    sign[0, 0], sign[1, 0] = 1.0, -1.0
    return sign * rng.uniform(0.3, 1.2, size=(S, A))


def _draw(
    rng: Rng,
    powers: tuple[float, ...] = (2.0,),
    level: tuple[float, float] = (0.0, 0.0),
    sizes: Callable[[Rng], tuple[int, int]] = _sizes,
    change: Callable[[Rng, dict[str, Any]], None] | None = None,
    scale: float = 1.0,
    slopes: tuple[float, float] = (-0.7, -0.1),
    temperatures: tuple[float, float] = (0.3, 0.9),
    errors: Callable[[Rng, int, int], Array] = _either_sign,
) -> dict[str, Any]:
    """A problem whose only solution is well conditioned, found by drawing again and again."""
    while True:
        S, A = sizes(rng)
        d = {"Q": _spaced(rng, S, A) + rng.uniform(*level), "rho": _distribution(rng, S, A)}
        d["gamma"] = rng.uniform(0.6, 0.95)
        if change:
            change(rng, d)
        epsilon = rng.uniform(*temperatures) * scale**2
        d = _around(rng, epsilon, errors(rng, S, A) * scale, p=float(rng.choice(powers)), **d)
        c_differs = abs(d["c"] - 1) > 0.1 and abs(d["c"] / d["p"] - 1) > 0.1
        if c_differs and slopes[0] < _slope(d, epsilon) < slopes[1] and _only_solution(d, epsilon):
            return d


def _draw_any(rng: Rng) -> Inputs:
    return _draw(rng)


def _draw_powers(rng: Rng) -> Inputs:
    return _draw(rng, powers=(1.0, 1.5, 3.0, 4.0))


def _draw_negative(rng: Rng) -> Inputs:
    return _draw(rng, level=(-12.0, -8.0))


def _draw_large(rng: Rng) -> Inputs:
    level = (480.0, 500.0) if rng.random() < 0.5 else (-500.0, -480.0)
    return _draw(rng, level=level, temperatures=(0.3, 0.5))


def _shrink(rng: Rng, d: dict[str, Any]) -> None:
    """The values of a state's actions differ by hundredths."""
    d["Q"] = d["Q"][:, :1] + 1e-2 * (d["Q"] - d["Q"][:, :1])


def _draw_small(rng: Rng) -> Inputs:
    """Bellman errors below 0.1, and temperatures of some thousandths, as values differ."""
    return _draw(
        rng,
        change=_shrink,
        scale=0.1,
        level=(8.0, 10.0),
        slopes=(-0.7, -0.15),
        errors=lambda rng, S, A: 0.25 * _either_sign(rng, S, A),
    )


def _draw_one_action(rng: Rng) -> Inputs:
    return _draw(rng, sizes=lambda rng: (int(rng.integers(3, 6)), 1), slopes=_FLAT)


def _draw_no_future(rng: Rng) -> Inputs:
    return _draw(rng, change=lambda rng, d: d.update(gamma=0.0), slopes=_FLAT)


def _forbid(rng: Rng, d: dict[str, Any]) -> None:
    """Some actions forbidden; in state 0 it would be the best."""
    d["rho"] = rho = _some_forbidden(rng, d["rho"])
    d["Q"][0, rho[0] == 0] = d["Q"][0].max() + rng.uniform(1.0, 2.0)


def _draw_uneven(rng: Rng) -> Inputs:
    return _draw(rng, change=_forbid)


def _make_level(rng: Rng, d: dict[str, Any]) -> None:
    """In each state all actions are worth the same."""
    d["Q"][:] = d["Q"][:, :1]


def _draw_level(rng: Rng) -> Inputs:
    return _draw(rng, change=_make_level, slopes=_FLAT)


def _stretch(rng: Rng, d: dict[str, Any]) -> None:
    d["Q"] *= rng.uniform(2.0, 3.0)


def _draw_swinging(rng: Rng) -> Inputs:
    """The slope of g is below -1.5: putting g's value back into g leads away from the solution."""
    while True:
        d = _draw(
            rng,
            change=_stretch,
            slopes=(-4.0, -1.5),
            temperatures=(0.8, 1.6),
            errors=lambda rng, S, A: rng.uniform(0.05, 0.9, size=(S, A)),
        )
        if _swings_between_two(d):
            return d


def _swings_between_two(d: Inputs) -> bool:
    """Whether g, put into g again and again, settles on two numbers, and does not wander."""
    epsilon = _evaluates(1.0, times=100)(**d)
    return abs(_evaluates(epsilon, times=2)(**d) - epsilon) < 1e-9 * epsilon


def _draw_optimal(rng: Rng) -> Inputs:
    """Q solves Bellman's equation without any rounding, and two actions of state 0 tie.

    All numbers are sums of few powers of 2, so that an average of tied values is
    that value: rounding must not decide what ties.
    """
    while True:
        S, A = int(rng.integers(3, 5)), int(rng.integers(3, 5))
        shares = np.array([1.0, 3.0, 4.0] if A == 3 else [1.0, 3.0, 2.0, 2.0]) / 8
        order = rng.permuted(np.tile(np.arange(A), (S, 1)), axis=1)
        Q = np.stack([rng.permutation(17)[:A] for _ in range(S)]) / 4.0 - 2.0
        Q[0, :2] = Q[0].max() + 0.5
        Q[0, 2] = Q[0].min() - 0.5
        Q, rho = np.take_along_axis(Q, order, 1), shares[order]
        P = np.zeros((S, A, S))
        for s, a in np.ndindex(S, A):
            one, other = rng.permutation(S)[:2]
            P[s, a, one] = rng.choice([0.25, 0.5, 1.0])
            P[s, a, other] = 1.0 - P[s, a, one]
        gamma = float(rng.choice([0.5, 0.75]))
        d = {"Q": Q, "P": P, "R": Q - gamma * P @ Q.max(axis=1), "rho": rho}
        d |= {"gamma": gamma, "c": rng.uniform(0.02, 0.08), "p": 2.0}
        if _only_solution(d | {"c": 16 * d["c"]}, 0.0):  # also for who forgets to average
            return d


# boltzmann: inputs


def _values(rng: Rng) -> dict[str, Any]:
    S, A = int(rng.integers(3, 6)), int(rng.integers(3, 5))
    rho = _distribution(rng, S, A)
    return {"Q": _spaced(rng, S, A), "rho": rho, "epsilon": rng.uniform(0.3, 2.5)}


def _draw_warm(rng: Rng) -> Inputs:
    return _values(rng)


def _draw_forbidden(rng: Rng) -> dict[str, Any]:
    d = _values(rng)
    _forbid(rng, d)
    return d


def _draw_greedy(rng: Rng) -> Inputs:
    return _draw_forbidden(rng) | {"epsilon": 0.0}


def _tied(rng: Rng, over: float) -> dict[str, Any]:
    """In state 0 the two best actions tie, in 1 all do, in 2 all but one, which is forbidden."""
    d = _values(rng)
    Q, rho = d["Q"], d["rho"]
    A = Q.shape[1]
    a, b = rng.permutation(A)[:2]
    Q[0, [a, b]] = Q[0].max() + rng.uniform(0.2, 1.0)
    Q[1] = Q[1, 0]
    c = rng.integers(A)
    Q[2], rho[2, c] = Q[2, 0], 0.0
    Q[2, c] += over
    rho[2] /= rho[2].sum()
    return d


def _draw_ties(rng: Rng) -> Inputs:
    return _tied(rng, over=-1.0) | {"epsilon": 0.0}


def _draw_cold(rng: Rng) -> Inputs:
    """Temperatures from 1e-30 to 1e-5; the values of a state tie or differ by much more."""
    return _tied(rng, over=1.0) | {"epsilon": 10.0 ** -rng.uniform(5.0, 30.0)}


def _draw_high_values(rng: Rng) -> Inputs:
    d = _draw_forbidden(rng)
    return d | {"Q": d["Q"] + rng.uniform(3500.0, 5000.0), "epsilon": rng.uniform(1.0, 2.5)}


def _draw_low_values(rng: Rng) -> Inputs:
    d = _draw_forbidden(rng)
    return d | {"Q": d["Q"] - rng.uniform(3500.0, 5000.0), "epsilon": rng.uniform(1.0, 2.5)}


# boltzmann: reference, reading, wrong ideas


def _boltzmann(Q: Array, rho: Array, epsilon: float) -> Array:
    from cs_infer import TabularMDP, boltzmann_policy

    S, A = Q.shape
    mdp = TabularMDP.from_arrays(
        transition=np.full((S, A, S), 1.0 / S),
        reward=np.zeros((S, A)),
        initial=np.full(S, 1.0 / S),
        action_prior=rho,
        horizon=1,
    )
    return np.asarray(boltzmann_policy(mdp, Q, epsilon))


def _read_policy(inputs: Inputs, answer: Any) -> Array:
    return as_array(answer, inputs["Q"].shape, "the policy")


def _calmly(function: Callable[..., Any]) -> Callable[..., Any]:
    """Without warnings: an answer may hold infinities of any sign."""

    def calm(*args: Any, **inputs: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*args, **inputs)

    return calm


def _policy_fault(policy: Array, right: Array, rho: Array) -> str | None:
    """Like the comparison with the right policy; points out what is no policy."""
    fault = differ(policy, right, *_PROBABILITY)
    if fault is None:
        return None
    if np.any(policy < -1e-9):
        return f"{fault}; a probability is never negative; is this a logarithm?"
    off = np.flatnonzero(~(np.abs(policy.sum(axis=1) - 1) < 1e-3))
    if len(off):
        return f"{fault}; row [{off[0]}] sums to {policy[off[0]].sum():.6g}, not to 1"
    new = np.argwhere((rho == 0) & (policy > 1e-7))
    if len(new):
        s, a = new[0]
        return f"{fault}; rho[{s}, {a}] is 0: this action is forbidden"
    return fault


@_calmly
def _same_policy(inputs: Inputs, answer: Array) -> str | None:
    return _policy_fault(answer, _boltzmann(**inputs), inputs["rho"])


def _shares(weight: Array, axis: int | tuple[int, ...] = 1) -> Array:
    return weight / weight.sum(axis=axis, keepdims=True)


def _softmax(exponent: Array) -> Array:
    return _shares(np.exp(exponent - exponent.max(axis=1, keepdims=True)))


def _best(Q: Array, rho: Array) -> Array:
    """Which allowed actions are as good as the best."""
    allowed = np.where(rho > 0, Q, -np.inf)
    return allowed == allowed.max(axis=1, keepdims=True)


def _first(Q: Array, rho: Array) -> Array:
    """All on the first of the best allowed actions."""
    return np.eye(Q.shape[1])[np.argmax(_best(Q, rho), axis=1)]


def _warm(change: Callable[[Array, Array, float], Array]) -> Callable[..., Array]:
    """The wrong solution that goes wrong at every temperature but 0, and knows the limit."""
    return _calmly(
        lambda Q, rho, epsilon: change(Q, rho, epsilon) if epsilon > 0 else _policy(Q, rho, epsilon)
    )


def _at_zero(limit: Callable[[Array, Array], Array]) -> Callable[..., Array]:
    """The wrong solution that has another limit of temperature zero."""
    return _calmly(
        lambda Q, rho, epsilon: limit(Q, rho) if epsilon == 0 else _policy(Q, rho, epsilon)
    )


def _log(x: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.log(x)


def _below(Q: Array, rho: Array) -> Array:
    """How far each value is below the best allowed one of its state."""
    return Q - np.max(np.where(rho > 0, Q, -np.inf), axis=1, keepdims=True)


def _over_all(Q: Array, rho: Array) -> Array:
    """The maximum of each row, forbidden actions included."""
    return Q - Q.max(axis=1, keepdims=True)


_ROOM = {
    "Q": np.array([[0.0, 1.0, 0.5], [2.0, -1.0, 2.0]]),
    "rho": np.array([[0.25, 0.5, 0.25], [0.25, 0.25, 0.5]]),
    "epsilon": 0.5,
}
_FROZEN = _ROOM | {"epsilon": 0.0}
_FAR = _ROOM | {"Q": _ROOM["Q"] + 1000.0}
_LOCKED = {
    "Q": np.array([[0.0, 1.0, 900.0]]),
    "rho": np.array([[0.5, 0.5, 0.0]]),
    "epsilon": 0.5,
}
_CORNER = {"Q": np.array([[0.0, 1.0, 3.0]]), "rho": np.array([[0.5, 0.5, 0.0]]), "epsilon": 0.0}

BOLTZMANN = Problem(
    name="boltzmann",
    title="Problem 1: the Boltzmann policy, and its limit",
    reference=_boltzmann,
    read=_read_policy,
    properties=(
        Property(
            "values",
            "the policy is right at temperatures around 1, and each row sums to one",
            6.0,
            _draw_warm,
            holds=_same_policy,
        ),
        Property(
            "forbidden",
            "an action that the prior forbids has probability 0, however much it is worth",
            3.0,
            _draw_forbidden,
            holds=_same_policy,
        ),
        Property(
            "zero",
            "at temperature 0 the best allowed action of each state is certain; no NaN",
            3.0,
            _draw_greedy,
            holds=_same_policy,
        ),
        Property(
            "ties",
            "at temperature 0 tied actions share in proportion to the prior",
            4.0,
            _draw_ties,
            holds=_same_policy,
        ),
        Property(
            "cold",
            "temperatures down to 1e-30 are so cold that only the best actions are left",
            2.0,
            _draw_cold,
            repeats=4,
            holds=_same_policy,
        ),
        Property(
            "high values",
            "values near 5,000 give the right policy: nothing overflows",
            1.0,
            _draw_high_values,
            repeats=3,
            holds=_same_policy,
        ),
        Property(
            "low values",
            "values near -5,000 give the right policy: nothing underflows",
            1.0,
            _draw_low_values,
            repeats=3,
            holds=_same_policy,
        ),
    ),
    misconceptions=(
        Misconception(
            "temperature multiplied",
            _warm(lambda Q, rho, epsilon: _shares(rho * np.exp(_over_all(Q, rho) * epsilon))),
            "The temperature multiplies the values here, where it divides them. Check it by its "
            "limits: a hot policy must come close to the prior, a cold one close to the best "
            "action. Yours does the opposite.",
            _COLD,
        ),
        Misconception(
            "temperature left out",
            _warm(lambda Q, rho, epsilon: _policy(Q, rho, 1.0)),
            "This is the policy of temperature 1, whatever epsilon is. The temperature says how "
            "large a difference of values counts as large: the exponent is Q / epsilon.",
            _COLD,
        ),
        Misconception(
            "sign of the values",
            _warm(
                lambda Q, rho, epsilon: _shares(
                    rho * np.exp((Q.min(1, keepdims=True) - Q) / epsilon)
                )
            ),
            "The worst action is the most probable: the sign is that of an energy, which physics "
            "makes small. Values are made large: the weight is exp(+Q / epsilon).",
            _COLD,
        ),
        Misconception(
            "prior dropped",
            _calmly(lambda Q, rho, epsilon: _policy(Q, np.ones_like(rho), epsilon)),
            "The prior is left out. The weight of an action is rho(a | s) exp(Q / epsilon). "
            "Without rho all actions count alike, and a forbidden action, with rho = 0, is "
            "allowed. At temperature 0 the maximum, too, is over allowed actions only.",
            _COLD,
        ),
        Misconception(
            "prior divided by the temperature",
            _warm(lambda Q, rho, epsilon: _softmax((_log(rho) + Q) / epsilon)),
            "The logarithm of the prior is divided by the temperature together with Q, so that "
            "the prior counts as rho to the power 1 / epsilon. The temperature divides once, and "
            "only the values: log rho + Q / epsilon.",
            _COLD,
        ),
        Misconception(
            "prior added to the exponent",
            _warm(lambda Q, rho, epsilon: _softmax(rho + Q / epsilon)),
            "The prior itself is added to Q / epsilon in the exponent. A factor outside an "
            "exponential is a logarithm inside: log rho + Q / epsilon. Adding rho multiplies by "
            "exp(rho), which is never 0, so that a forbidden action becomes possible.",
            _COLD,
        ),
        Misconception(
            "weights added",
            _warm(lambda Q, rho, epsilon: _shares(rho + np.exp(_over_all(Q, rho) / epsilon))),
            "The prior is added to exp(Q / epsilon), where it multiplies. A sum gives weight to "
            "actions that the prior forbids, and to actions that are worth nothing.",
            _COLD,
        ),
        Misconception(
            "not normalised",
            _warm(lambda Q, rho, epsilon: rho * np.exp(Q / epsilon)),
            "The rows do not sum to one: rho exp(Q / epsilon) are weights. Divide each by the sum "
            "of its row, over the actions of its state.",
            _COLD,
        ),
        Misconception(
            "normalised over states",
            _warm(lambda Q, rho, epsilon: _shares(rho * np.exp(Q / epsilon), axis=0)),
            "The sum that divides runs over the states. The state is given; what is uncertain is "
            "the action, the last index: each row [s, :] sums to one.",
            _COLD,
        ),
        Misconception(
            "normalised over everything",
            _warm(lambda Q, rho, epsilon: _shares(rho * np.exp(Q / epsilon), axis=(0, 1))),
            "The sum that divides runs over states and actions together, so that the whole table "
            "sums to one. The state is given: each row [s, :] is a distribution of its own.",
            _COLD,
        ),
        Misconception(
            "logarithms returned",
            _calmly(lambda Q, rho, epsilon: _log(_policy(Q, rho, epsilon))),
            "These are the logarithms of the right probabilities. Work with logarithms as long as "
            "you like, but take the exponential at the end.",
            _COLD,
        ),
        Misconception(
            "always greedy",
            _calmly(lambda Q, rho, epsilon: _policy(Q, rho, 0.0)),
            "Every temperature is treated as temperature 0: all probability is on the best action. "
            "Above 0 a worse action keeps a share, which falls with the difference of values, "
            "counted in units of the temperature.",
            _COLD,
        ),
        Misconception(
            "first of tied actions",
            _at_zero(_first),
            "At temperature 0 all probability went to the first of several best actions. np.argmax "
            "returns only one. As the temperature falls, tied actions keep their ratio, which is "
            "that of the prior, and so does the limit.",
            _COLD,
            example=_FROZEN,
        ),
        Misconception(
            "tied actions share equally",
            _at_zero(lambda Q, rho: _shares(_best(Q, rho).astype(float))),
            "At temperature 0 tied actions get equal shares. The limit keeps their ratio, "
            "rho(a | s) to rho(b | s): what multiplies both, exp(Q / epsilon), cancels. Shares "
            "are equal only where the prior is.",
            _COLD,
            example=_FROZEN,
        ),
        Misconception(
            "tied actions not normalised",
            _at_zero(lambda Q, rho: _best(Q, rho).astype(float)),
            "At temperature 0 each of the best actions gets probability 1, so that a row with a "
            "tie sums to 2 or more. Multiply by the prior and divide by the sum of the row.",
            _COLD,
            example=_FROZEN,
        ),
        Misconception(
            "prior at temperature zero",
            _at_zero(lambda Q, rho: rho),
            "At temperature 0 the prior is returned. That is the limit of *infinite* temperature, "
            "where values stop to count. As the temperature falls to 0 only values count, and the "
            "prior decides between actions that tie.",
            _COLD,
            example=_FROZEN,
        ),
        Misconception(
            "division by zero",
            _calmly(
                lambda Q, rho, epsilon: _softmax(
                    np.where(rho > 0, _log(rho) + _below(Q, rho) / epsilon, -np.inf)
                )
            ),
            "At temperature 0 the values are divided by 0, and 0 / 0 is NaN. The formula has no "
            "value there, but a limit: the prior, kept on the best allowed actions only. Treat "
            "temperature 0 as a case of its own.",
            _COLD,
            example=_FROZEN,
        ),
        Misconception(
            "forbidden action is the best",
            _at_zero(
                lambda Q, rho: _shares(rho * (Q.max(axis=1, keepdims=True) == Q).astype(float))
            ),
            "At temperature 0 the maximum runs over all actions. Where a forbidden action is worth "
            "most, every allowed one is below it, all weights are 0, and 0 / 0 is NaN. Take the "
            "maximum over actions with rho > 0.",
            _COLD,
            example=_CORNER,
        ),
        Misconception(
            "exponentials out of range",
            _warm(lambda Q, rho, epsilon: _shares(rho * np.exp(Q / epsilon))),
            "The exponential leaves the range of floating point: exp(Q / epsilon) is inf when Q is "
            "large or epsilon small, and 0 when Q is far below 0; inf / inf and 0 / 0 are NaN. "
            "Subtract the largest value of the row before you divide by the temperature.",
            _COLD,
            example=_FAR,
        ),
        Misconception(
            "shifted too late",
            _warm(lambda Q, rho, epsilon: _softmax(_log(rho) + Q / epsilon)),
            "The largest exponent is subtracted after the division. When it is cold Q / epsilon is "
            "so large that log rho is lost in rounding, as 1e20 + 0.7 is 1e20, and tied actions "
            "share equally. Subtract the largest value of the row before you divide.",
            _COLD,
            example=_ROOM | {"epsilon": 1e-25},
        ),
        Misconception(
            "shifted by a forbidden value",
            _warm(lambda Q, rho, epsilon: _shares(rho * np.exp(_over_all(Q, rho) / epsilon))),
            "The largest value of the row is subtracted, but it is that of a forbidden action. "
            "When that one is far above the others, all allowed weights underflow, and 0 / 0 is "
            "NaN. Take the maximum over actions with rho > 0.",
            _COLD,
            example=_LOCKED,
        ),
    ),
    example=_ROOM,
    section=_COLD,
    rtol=_ALIKE[0],
    atol=_ALIKE[1],
)


# eps_fixed_point: reference, reading, wrong ideas


def _right_hand_side(d: Inputs, epsilon: Any) -> Array:
    """g at each temperature; shape (E,)."""
    error = _errors(d["Q"], d["P"], d["R"], d["rho"], d["gamma"], epsilon)
    return _size(error, d["rho"], d["c"], d["p"])


def _eps_fixed_point(
    Q: Array, P: Array, R: Array, rho: Array, gamma: float, c: float, p: float
) -> float:
    d = {"Q": Q, "P": P, "R": R, "rho": rho, "gamma": gamma, "c": c, "p": p}
    return _solved(lambda epsilon: _right_hand_side(d, epsilon))


def _read_temperature(inputs: Inputs, answer: Any) -> float:
    if isinstance(answer, (np.ndarray, list, tuple)) and len(inputs["Q"]) in _shape(answer):
        raise AnswerError(
            "epsilon must be one number, the same for all states; "
            f"it is an array of shape {_shape(answer)}"
        )
    return as_number(answer, "epsilon")


def _shape(part: Any) -> tuple[int, ...]:
    """The part's shape; () if it has none."""
    try:
        return np.shape(part)
    except Exception:  # an odd object may fail in any way
        return ()


@_calmly
def _same_temperature(inputs: Inputs, answer: float) -> str | None:
    """Like the comparison with the reference; puts a wrong answer into the equation."""
    fault = differ(answer, _eps_fixed_point(**inputs), *_TEMPERATURE)
    if fault is None:
        return None
    if not (0 <= answer < np.inf):
        return f"{fault}; a temperature is a finite number, 0 or larger"
    g = float(_right_hand_side(inputs, answer)[0])
    return f"{fault}: at this temperature g is {g:.6g}, and not {answer:.6g}"


Sizes = Callable[[Array, Array, float, float, Array], Array]


def _mean_size(error: Array, rho: Array, c: float, p: float, pi: Array) -> Array:
    return _size(error, rho, c, p)


def _g_with(
    policies: Callable[[Array, Array, Array], Array] = _policies,
    value: Callable[[Array, Array, Array], Array] | None = None,
    ahead: Callable[[Array, Array, Array], Array] = lambda P, V, Q: _next_states(P, V),
    size: Sizes = _mean_size,
    paid: float = 1.0,
    discount: float | None = None,
) -> Callable[..., Array]:
    """g of the wrong solution that has a policy, a value, a look-ahead, a mean of its own."""

    @_calmly
    def g(epsilon: Array, Q: Array, P: Array, R: Array, rho: Array, *rest: float) -> Array:
        gamma, c, p = rest
        pi = policies(Q, rho, epsilon)
        V = np.sum(pi * Q, axis=2) if value is None else value(Q, rho, epsilon)
        back = gamma if discount is None else discount
        return size(paid * R + back * ahead(P, V, Q) - Q, rho, c, p, pi)

    return g


def _solves(**parts: Any) -> Callable[..., float]:
    """The wrong solution that solves the fixed point of another g."""
    g = _g_with(**parts)
    return lambda **d: _solved(lambda epsilon: g(epsilon, *d.values()))


def _evaluates(start: float, times: int = 1) -> Callable[..., float]:
    """The wrong solution that evaluates g so many times, from this temperature on."""

    def wrong(**d: Any) -> float:
        epsilon = start
        for _ in range(times):
            epsilon = float(_right_hand_side(d, epsilon)[0])
        return epsilon

    return wrong


def _soft_value(Q: Array, rho: Array, epsilon: Array) -> Array:
    """epsilon log sum rho exp(Q / epsilon), the hard maximum at 0; shape (E, S)."""
    top = np.max(np.where(rho > 0, Q, -np.inf), axis=1, keepdims=True)
    scale = np.maximum(epsilon, 1e-300)[:, None, None]
    weight = np.where(rho > 0, rho * np.exp(np.where(rho > 0, (Q - top) / scale, -np.inf)), 0.0)
    return top[:, 0] + scale[..., 0] * np.log(weight.sum(axis=2))


def _per_state(Q: Array, P: Array, R: Array, rho: Array, gamma: float, c: float, p: float) -> Any:
    error = _errors(Q, P, R, rho, gamma, _eps_fixed_point(Q, P, R, rho, gamma, c, p))[0]
    return c / p * np.mean(np.abs(error) ** p, axis=1)


def _never_zero(**d: Any) -> float:
    return max(_eps_fixed_point(**d), 1e-2)


def _nan_below(least: Callable[[Array], float]) -> Callable[..., float]:
    """The wrong solution that finds NaN where the temperature is below this."""

    def wrong(**d: Any) -> float:
        epsilon = _eps_fixed_point(**d)
        return float("nan") if epsilon < least(d["Q"]) else epsilon

    return wrong


def _inverse(Q: Array, rho: Array, epsilon: Any) -> Array:
    """The policies that multiply with the temperature."""
    epsilon = np.atleast_1d(np.asarray(epsilon, dtype=float))
    return _policies(Q, rho, 1.0 / np.maximum(epsilon, 1e-300))


_MAZE = {
    "Q": np.array([[0.0, 2.0], [1.0, -1.0]]),
    "P": np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.25, 0.75], [0.0, 1.0]]]),
    "R": np.array([[0.0, 2.0], [1.0, -2.0]]),
    "rho": np.array([[0.5, 0.5], [0.75, 0.25]]),
    "gamma": 0.5,
    "c": 3.0,
    "p": 2.0,
}
_CUBED = _MAZE | {"p": 3.0}
_SHUT = _MAZE | {"rho": np.array([[0.5, 0.5], [1.0, 0.0]])}
_HIGH = _MAZE | {"Q": _MAZE["Q"] + 500.0, "R": _MAZE["R"] + 250.0, "c": 1.0}
_SOLVED = _MAZE | {"R": np.array([[-0.75, 1.0], [0.375, -1.5]]), "c": 0.5}
_SOLVED_TIE = _SOLVED | {
    "Q": np.array([[2.0, 2.0], [1.0, -1.0]]),
    "R": np.array([[1.25, 1.0], [0.375, -1.5]]),
}
_SWING = _MAZE | {
    "Q": np.array([[0.0, 4.0], [3.0, -2.0]]),
    "R": np.array([[-2.6, 1.0], [0.6, -4.2]]),
    "gamma": 0.9,
    "c": 14.0,
}

EPS_FIXED_POINT = Problem(
    name="eps_fixed_point",
    title="Problem 2: the temperature that is its own Bellman error",
    reference=_eps_fixed_point,
    read=_read_temperature,
    properties=tuple(
        Property(name, statement, points, draw, repeats, _same_temperature)
        for name, statement, points, draw, repeats in (
            (
                "values",
                "the temperature solves the equation, for random problems and p = 2",
                9.0,
                _draw_any,
                5,
            ),
            (
                "powers",
                "the temperature is right for other powers p: 1, 1.5, 3 and 4",
                5.0,
                _draw_powers,
                8,
            ),
            (
                "uneven",
                "the temperature is right when some actions are forbidden: their errors do not "
                "count",
                4.0,
                _draw_uneven,
                5,
            ),
            (
                "negative",
                "the temperature is right when all values are far below 0",
                2.0,
                _draw_negative,
                3,
            ),
            (
                "no future",
                "without a future (gamma = 0) the policy does not matter, and the temperature is "
                "right",
                2.0,
                _draw_no_future,
                3,
            ),
            (
                "one action",
                "with one action in each state there is nothing to choose, and the temperature is "
                "right",
                1.0,
                _draw_one_action,
                3,
            ),
            (
                "level",
                "where all actions of a state are worth the same, the temperature is right",
                1.0,
                _draw_level,
                3,
            ),
            (
                "small",
                "Bellman errors below 0.1 give a temperature of some thousandths, and it is right",
                2.0,
                _draw_small,
                3,
            ),
            (
                "solved",
                "where Q solves Bellman's equation, ties included, the temperature is 0; no NaN",
                4.0,
                _draw_optimal,
                4,
            ),
            (
                "swinging",
                "the solution is found also where repeating epsilon = g(epsilon) leads away from "
                "it",
                3.0,
                _draw_swinging,
                4,
            ),
            (
                "large values",
                "values near 500 and -500 do no harm: nothing overflows or underflows",
                2.0,
                _draw_large,
                4,
            ),
        )
    ),
    misconceptions=(
        Misconception(
            "one evaluation, greedy",
            _evaluates(0.0),
            "This is g(0): the Bellman error of the greedy policy, with the maximum in place of "
            "the average over actions. But the policy of the answer has temperature epsilon, and "
            "its own Bellman error must be epsilon again. Solve epsilon = g(epsilon).",
            f"{_PAGE}#mc-hard-max-in-the-operator",
        ),
        Misconception(
            "one evaluation, at the prior",
            _evaluates(1e12),
            "The next actions are averaged with the prior: this is g at infinite temperature. The "
            "operator follows the policy of temperature epsilon, pi(a' | s'), and epsilon is the "
            "number that g gives back.",
            f"{_PAGE}#mc-one-evaluation",
        ),
        Misconception(
            "one evaluation, at temperature 1",
            _evaluates(1.0),
            "This is g(1): the Bellman error of the policy of temperature 1. It is no temperature "
            "yet: a policy of *that* temperature has another Bellman error. Go on until both "
            "agree: epsilon = g(epsilon).",
            f"{_PAGE}#mc-one-evaluation",
        ),
        Misconception(
            "two evaluations",
            _evaluates(0.0, times=2),
            "The error of the greedy policy was taken as temperature, and the error of that "
            "policy as the answer. That is two steps of a repetition, which is not finished: "
            "the temperature must be its own Bellman error.",
            f"{_PAGE}#mc-one-evaluation",
        ),
        Misconception(
            "swings, and stops low",
            _evaluates(1.0, times=100),
            "Replacing epsilon by g(epsilon) again and again leads away from the solution where g "
            "falls steeply: you swing between two numbers, one below and one above it. The "
            "solution lies between them. Bracket it, where g - epsilon changes sign, and halve.",
            _FIXED,
            example=_SWING,
        ),
        Misconception(
            "swings, and stops high",
            _evaluates(1.0, times=101),
            "Where g falls steeply, replacing epsilon by g(epsilon) again and again ends in a "
            "swing between two numbers, and you stopped at one of them. Neither is its own "
            "Bellman error. Bracket the place where g - epsilon changes its sign, and halve.",
            _FIXED,
            example=_SWING,
        ),
        Misconception(
            "soft maximum in the operator",
            _solves(value=_soft_value),
            "The next state counts with its soft maximum, epsilon log sum rho exp(Q / epsilon). "
            "That is the average of Q less the divergence of the policy from the prior, as in "
            "chapter 4's soft values. Here the operator is plain: the average of Q, no entropy.",
            f"{_PAGE}#mc-hard-max-in-the-operator",
        ),
        Misconception(
            "c and p left out",
            _solves(size=lambda e, rho, c, p, pi: _mean(np.abs(e) ** p, rho)),
            "The mean of the powers is right, but not multiplied by c / p. That factor decides how "
            "hot the policy is for a given error.",
            _FIXED,
        ),
        Misconception(
            "c left out",
            _solves(size=lambda e, rho, c, p, pi: _mean(np.abs(e) ** p, rho) / p),
            "The factor c is missing: the mean is divided by p and not multiplied by c. The larger "
            "c is, the more an error heats the policy.",
            _FIXED,
        ),
        Misconception(
            "p left out of the factor",
            _solves(size=lambda e, rho, c, p, pi: c * _mean(np.abs(e) ** p, rho)),
            "The mean is multiplied by c, but not divided by p. The factor is c / p: then c is "
            "the slope with which an error of 1 counts.",
            _FIXED,
        ),
        Misconception(
            "sum over states",
            _solves(size=lambda e, rho, c, p, pi: c / p * _mean(np.abs(e) ** p, rho) * len(rho)),
            "The powers are summed over the states, where their mean is asked for. With a sum, a "
            "world with twice as many states would be twice as hot for the same errors.",
            f"{_PAGE}#mc-mean-or-sum",
        ),
        Misconception(
            "sum over all pairs",
            _solves(size=lambda e, rho, c, p, pi: c / p * (np.abs(e) ** p).sum(axis=(1, 2))),
            "The powers are summed over all pairs of state and action. They are averaged: over "
            "states with equal weights, over the actions of a state with the weights rho(a | s). "
            "A sum would make a larger world hotter for the same errors.",
            f"{_PAGE}#mc-mean-or-sum",
        ),
        Misconception(
            "divided by the number of actions",
            _solves(size=lambda e, rho, c, p, pi: c / p * (rho * np.abs(e) ** p).mean(axis=(1, 2))),
            "The weighted powers are divided by the number of actions as well, as np.mean of the "
            "whole table does. The weights rho(a | s) of a state sum to one already: sum over the "
            "actions, and take the mean over the states only.",
            f"{_PAGE}#mc-mean-or-sum",
        ),
        Misconception(
            "pairs counted alike",
            _solves(size=lambda e, rho, c, p, pi: c / p * (np.abs(e) ** p).mean(axis=(1, 2))),
            "All pairs of state and action have the same weight in the mean, forbidden ones too. "
            "The actions of a state are weighted with the prior: then a forbidden action does "
            "not heat the policy, and an action that is listed twice counts once.",
            f"{_PAGE}#mc-mean-or-sum",
        ),
        Misconception(
            "allowed pairs counted alike",
            _solves(
                size=lambda e, rho, c, p, pi: c / p * (np.abs(e[..., rho > 0]) ** p).mean(axis=-1)
            ),
            "All allowed pairs of state and action have the same weight in the mean. The actions "
            "of a state are weighted with rho(a | s), and the states with 1 / S: then an action "
            "that is listed twice, with half its prior each time, counts once.",
            f"{_PAGE}#mc-mean-or-sum",
            example=_SHUT,
        ),
        Misconception(
            "weighted with the policy",
            _solves(size=lambda e, rho, c, p, pi: c / p * (pi * np.abs(e) ** p).sum(2).mean(1)),
            "The errors of a state are weighted with the policy. Then an error in an action that "
            "the policy avoids is never noticed, and the policy goes on avoiding it. The weights "
            "are those of the prior; the policy belongs inside the operator only.",
            f"{_PAGE}#mc-mean-or-sum",
        ),
        Misconception(
            "largest error",
            _solves(
                size=lambda e, rho, c, p, pi: c / p * np.abs(e[..., rho > 0]).max(axis=-1) ** p
            ),
            "The largest Bellman error is taken, where a mean is asked for: over states with equal "
            "weights, over the actions of a state with the weights of the prior.",
            f"{_PAGE}#mc-mean-or-sum",
        ),
        Misconception(
            "root of the mean",
            _solves(size=lambda e, rho, c, p, pi: c / p * _mean(np.abs(e) ** p, rho) ** (1 / p)),
            "The p-th root is taken of the mean. A norm has that root, but the temperature is the "
            "norm to the power p, so the root drops out: c / p times the mean of |error|^p.",
            f"{_PAGE}#mc-p-without-loss",
        ),
        Misconception(
            "power outside the mean",
            _solves(size=lambda e, rho, c, p, pi: c / p * _mean(np.abs(e), rho) ** p),
            "The mean of the absolute errors is taken first and the power afterwards. First the "
            "power of each error, then the mean: otherwise one large error among many small ones "
            "hardly counts.",
            f"{_PAGE}#mc-p-without-loss",
        ),
        Misconception(
            "errors cancel",
            _solves(size=lambda e, rho, c, p, pi: c / p * np.abs(_mean(e, rho)) ** p),
            "The errors are averaged with their signs, so that positive and negative ones cancel. "
            "A wrong Q could then have temperature 0. Take the absolute value and the power of "
            "each error before the mean.",
            f"{_PAGE}#mc-p-without-loss",
        ),
        Misconception(
            "always squares",
            _solves(size=lambda e, rho, c, p, pi: c / p * _mean(e**2, rho)),
            "The errors are squared whatever p is. The power is p, in the exponent as in the "
            "factor c / p. The choice matters: only with p = 1 does the policy not change when "
            "all rewards are multiplied by ten.",
            f"{_PAGE}#mc-p-without-loss",
            example=_CUBED,
        ),
        Misconception(
            "p = 2 throughout",
            _solves(size=lambda e, rho, c, p, pi: c / 2 * _mean(e**2, rho)),
            "p is taken for 2 throughout, in the power and in the factor. It is an argument of "
            "the function, and the choice matters: only with p = 1 does the policy not change "
            "when all rewards are multiplied by ten.",
            f"{_PAGE}#mc-p-without-loss",
            example=_CUBED,
        ),
        Misconception(
            "p = 1 throughout",
            _solves(size=lambda e, rho, c, p, pi: c / p * _mean(np.abs(e), rho)),
            "The absolute errors are averaged, without the power p. Small errors then count more "
            "than they should, and large ones less.",
            f"{_PAGE}#mc-p-without-loss",
        ),
        Misconception(
            "sign kept",
            _solves(size=lambda e, rho, c, p, pi: c / p * _mean(e**p, rho)),
            "The errors are raised to the power p with their signs. For p = 2 and 4 the sign "
            "drops out, for 1 and 3 errors cancel, and for 1.5 a negative one gives NaN. Take the "
            "absolute value first.",
            f"{_PAGE}#mc-p-without-loss",
            example=_CUBED,
        ),
        Misconception(
            "discount left out",
            _solves(discount=1.0),
            "The next value counts in full: gamma is missing. The operator is r + gamma E[Q(s', "
            "a')].",
            _FIXED,
        ),
        Misconception(
            "reward left out",
            _solves(paid=0.0),
            "The reward is missing from the operator: T Q is r(s, a) plus gamma times the "
            "expected next value, and the error is T Q - Q.",
            _FIXED,
        ),
        Misconception(
            "transition read backwards",
            _solves(ahead=lambda P, V, Q: _next_states(P.transpose(2, 1, 0), V)),
            "The transition is read in the wrong direction. P is indexed [s, a, s'], and its rows "
            "P[s, a, :] sum to one: the expectation runs over the last index.",
            _FIXED,
        ),
        Misconception(
            "value of this state",
            _solves(ahead=lambda P, V, Q: V[:, :, None]),
            "The operator takes the value of the state where the action is chosen. It looks ahead: "
            "the next state s' is drawn from P(s' | s, a), and the policy chooses a' there.",
            _FIXED,
        ),
        Misconception(
            "same action again",
            _solves(ahead=lambda P, V, Q: np.einsum("san,na->sa", P, Q)[None]),
            "The same action is taken again in the next state: Q(s', a) is averaged over s'. In "
            "s' the policy chooses anew: average Q(s', a') over a' as well. If this is an "
            "einsum, two different actions share one letter.",
            _FIXED,
        ),
        Misconception(
            "temperature multiplied",
            _solves(policies=_inverse),
            "The temperature multiplies the values in the policy, where it divides them. Is your "
            "`boltzmann` right? A hot policy comes close to the prior.",
            _COLD,
        ),
        Misconception(
            "prior dropped",
            _solves(policies=lambda Q, rho, epsilon: _policies(Q, np.ones_like(rho), epsilon)),
            "The policy is built without the prior. Its weights are rho(a | s) exp(Q / epsilon). "
            "Without rho it also takes actions that are forbidden in the next state.",
            _COLD,
        ),
        Misconception(
            "one temperature for each state",
            _calmly(lambda **d: _per_state(**d)),
            "There is one temperature for each state here. The mean runs over states as well as "
            "actions: one number, which says how wrong Q is as a whole.",
            _FIXED,
        ),
        Misconception(
            "never quite zero",
            _never_zero,
            "The temperature is kept above 0.01. Then the policy of the right Q stays random, "
            "which is what a temperature that adapts was to cure: where T Q = Q, it is 0. Errors "
            "of a hundredth have temperatures below 0.01 as well.",
            _FIXED,
            example=_SOLVED,
        ),
        Misconception(
            "division by zero",
            _nan_below(lambda Q: 1e-9),
            "Where Q solves Bellman's equation the temperature falls to 0, the values are divided "
            "by it, and 0 / 0 is NaN. Give the policy its limit at temperature 0.",
            _COLD,
            example=_SOLVED,
        ),
        Misconception(
            "exponentials out of range",
            _nan_below(lambda Q: float(np.abs(Q).max()) / 700),
            "exp(Q / epsilon) leaves the range of floating point when Q is large or epsilon small, "
            "and inf / inf and 0 / 0 are NaN. In the policy, subtract the largest value of each "
            "row before you divide by the temperature.",
            _COLD,
            example=_HIGH,
        ),
    ),
    example=_MAZE,
    section=_FIXED,
    rtol=_ALIKE[0],
    atol=_ALIKE[1],
)


# virel_step: inputs, reference, reading


def _forget(rng: Rng, d: dict[str, Any]) -> None:
    d["Q"][:] = 0.0


def _draw_first_step(rng: Rng) -> Inputs:
    return _draw(rng, change=_forget, slopes=_FLAT)


def _backed_up(d: Inputs, policy: Array) -> Array:
    """T Q under a policy; 0 where the prior forbids, since that is never asked for."""
    values = d["R"] + d["gamma"] * d["P"] @ np.sum(policy * d["Q"], axis=1)
    return np.where(d["rho"] > 0, values, 0.0)


def _virel_step(Q: Array, P: Array, R: Array, rho: Array, gamma: float, c: float, p: float) -> Step:
    d = {"Q": Q, "P": P, "R": R, "rho": rho, "gamma": gamma, "c": c, "p": p}
    epsilon = _eps_fixed_point(**d)
    policy = _policy(Q, rho, epsilon)
    return policy, _backed_up(d, policy), epsilon


_PARTS = ("policy", "Q_next", "epsilon")


def _read_step(inputs: Inputs, answer: Any) -> Step:
    shape = inputs["Q"].shape
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        kind = "None" if answer is None else f"a {type(answer).__name__}"
        if isinstance(answer, (tuple, list)):
            kind = f"a {type(answer).__name__} of {len(answer)}"
        raise AnswerError(
            f"the answer must be two arrays and a number, ({', '.join(_PARTS)}); it is {kind}"
        )
    if _shape(answer[0]) == () and _shape(answer[1]) == _shape(answer[2]) == shape:
        raise AnswerError(f"the order is {', '.join(_PARTS)}: the temperature comes last")
    policy, values = (as_array(answer[i], shape, _PARTS[i]) for i in (0, 1))
    epsilon = _read_temperature(inputs, answer[2])
    if not (0 <= epsilon <= _HOTTEST):  # hotter, and every policy is the prior
        raise AnswerError(f"epsilon must lie between 0 and {_HOTTEST:g}; it is {epsilon:g}")
    return policy, np.where(inputs["rho"] > 0, values, 0.0), epsilon


def _temperature_fault(d: Inputs, step: Step) -> str | None:
    fault = _same_temperature(d, step[2])
    return f"epsilon: {fault}" if fault else None


def _actor_fault(d: Inputs, step: Step) -> str | None:
    """Held against the policy of the student's own temperature."""
    fault = _policy_fault(step[0], _policy(d["Q"], d["rho"], step[2]), d["rho"])
    return f"policy, at your epsilon: {fault}" if fault else None


def _critic_fault(d: Inputs, step: Step) -> str | None:
    """Held against T Q under the student's own policy, or that of the student's temperature."""
    policy, values, epsilon = step
    if not np.allclose(policy.sum(axis=1), 1.0, atol=1e-2):
        return "Q_next follows a policy, and the rows of yours do not sum to 1"
    right = _backed_up(d, policy)
    fault = differ(values, right, *_VALUE)
    if fault is None:
        return None
    usual = _backed_up(d, _policy(d["Q"], d["rho"], epsilon))
    if differ(values, usual, *_VALUE) is None:
        return None
    greedy = differ(values, _backed_up(d, _policy(d["Q"], d["rho"], 0.0)), *_VALUE) is None
    remark = "; this is the backup of the maximum, not of your policy" if greedy else ""
    return f"Q_next, under your policy: {fault}{remark}"


def _right_step(*faults: Callable[[Inputs, Step], str | None]) -> Callable[..., str | None]:
    """Each part of a step, held against the student's own parts before it."""

    @_calmly
    def holds(inputs: Inputs, answer: Step) -> str | None:
        return next((found for fault in faults if (found := fault(inputs, answer))), None)

    return holds


_WHOLE = _right_step(_temperature_fault, _actor_fault, _critic_fault)


# virel_step: wrong ideas


def _step_with(
    temperature: Callable[..., float] = _eps_fixed_point,
    policy: Callable[[Array, Array, float], Array] = _boltzmann,
    critic: Callable[[dict[str, Any], float, Array], Array] = lambda d, epsilon, pi: _backed_up(
        d, pi
    ),
) -> Callable[..., Step]:
    """The wrong step that has a temperature, an actor or a critic of its own."""

    @_calmly
    def wrong(**d: Any) -> Step:
        epsilon = temperature(**d)
        pi = policy(d["Q"], d["rho"], epsilon)
        return pi, critic(d, epsilon, pi), epsilon

    return wrong


def _changed(change: Callable[[dict[str, Any], Array, Array, float], Step]) -> Callable[..., Step]:
    """The wrong step that makes this of a right one."""
    return _calmly(lambda **d: change(d, *_virel_step(**d)))


def _looks_ahead(
    value: Callable[[dict[str, Any], float, Array], Array],
) -> Callable[[dict[str, Any], float, Array], Array]:
    """The critic that takes these values for the next states, shape (S,)."""
    return lambda d, epsilon, pi: d["R"] + d["gamma"] * d["P"] @ value(d, epsilon, pi)


def _best_value(d: dict[str, Any], epsilon: float, pi: Array) -> Array:
    return np.max(np.where(d["rho"] > 0, d["Q"], -np.inf), axis=1)


def _soft_next(d: dict[str, Any], epsilon: float, pi: Array) -> Array:
    return _soft_value(d["Q"], d["rho"], np.array([epsilon]))[0]


def _with_entropy(d: dict[str, Any], epsilon: float, pi: Array) -> Array:
    return np.sum(pi * (d["Q"] - epsilon * np.log(np.where(pi > 0, pi, 1.0))), axis=1)


def _to_the_end(d: dict[str, Any], epsilon: float, pi: Array) -> Array:
    """The values of the policy itself: T applied for ever."""
    S, A = d["Q"].shape
    moves = (d["P"][:, :, :, None] * pi).reshape(S * A, S * A)
    return np.linalg.solve(np.eye(S * A) - d["gamma"] * moves, d["R"].ravel()).reshape(S, A)


def _naive_limit(Q: Array, rho: Array, epsilon: float) -> Array:
    return _policy(Q, rho, epsilon) if epsilon > 1e-9 else np.full(Q.shape, np.nan)


def _naive_range(Q: Array, rho: Array, epsilon: float) -> Array:
    out = np.abs(Q).max() > 700 * epsilon
    return np.full(Q.shape, np.nan) if out else _policy(Q, rho, epsilon)


VIREL_STEP = Problem(
    name="virel_step",
    title="Problem 3: one step of actor and critic",
    reference=_virel_step,
    read=_read_step,
    properties=(
        Property(
            "temperature",
            "epsilon is the temperature of the given Q",
            8.0,
            _draw_any,
            holds=_right_step(_temperature_fault),
        ),
        Property(
            "actor",
            "the policy is the Boltzmann policy of the given Q at the epsilon you return",
            7.0,
            _draw_any,
            holds=_right_step(_actor_fault),
        ),
        Property(
            "critic",
            "Q_next is the plain backup of the given Q under the policy you return",
            7.0,
            _draw_any,
            holds=_right_step(_critic_fault),
        ),
        Property(
            "uneven",
            "all three are right when some actions are forbidden",
            2.0,
            _draw_uneven,
            holds=_WHOLE,
        ),
        Property(
            "solved",
            "where Q solves Bellman's equation, epsilon is 0, the policy optimal, and Q stays",
            3.0,
            _draw_optimal,
            repeats=4,
            holds=_WHOLE,
        ),
        Property(
            "first step",
            "from Q = 0 all three are right",
            1.0,
            _draw_first_step,
            repeats=3,
            holds=_WHOLE,
        ),
        Property(
            "large values",
            "values near 500 and -500 do no harm: nothing overflows or underflows",
            2.0,
            _draw_large,
            repeats=4,
            holds=_WHOLE,
        ),
    ),
    misconceptions=(
        Misconception(
            "Q not updated",
            _step_with(critic=lambda d, epsilon, pi: d["Q"]),
            "Q_next is the Q that was given. The actor has moved; now the critic moves as well: "
            "Q_next = r + gamma E[Q(s', a')], with a' from the new policy.",
            _STEP,
        ),
        Misconception(
            "error returned",
            _step_with(critic=lambda d, epsilon, pi: _backed_up(d, pi) - d["Q"]),
            "Q_next is the Bellman error, T Q - Q. The new values are T Q itself: the old ones "
            "plus that error.",
            _STEP,
        ),
        Misconception(
            "half a step",
            _step_with(critic=lambda d, epsilon, pi: (_backed_up(d, pi) + d["Q"]) / 2),
            "Q_next lies half-way between Q and T Q. A learning rate is for noisy targets; here "
            "the expectation is exact, and the step goes all the way.",
            _STEP,
        ),
        Misconception(
            "two backups",
            _step_with(critic=lambda d, epsilon, pi: _backed_up(d | {"Q": _backed_up(d, pi)}, pi)),
            "The backup was applied twice with the same policy. One step is one backup; then the "
            "temperature and the policy are computed again.",
            _STEP,
        ),
        Misconception(
            "critic evaluated to the end",
            _step_with(critic=_to_the_end),
            "Q_next is the value of the policy itself, as if the backup had been repeated for "
            "ever. That is another algorithm, policy iteration. Here the critic makes one backup, "
            "from the Q that was given.",
            _STEP,
        ),
        Misconception(
            "hard maximum in the critic",
            _step_with(critic=_looks_ahead(_best_value)),
            "The critic takes the best next action for granted. That is the backup of the greedy "
            "policy. The critic evaluates the actor as it is, temperature and all: the average of "
            "Q(s', a') under the policy you return.",
            f"{_PAGE}#mc-hard-max-in-the-operator",
        ),
        Misconception(
            "soft maximum in the critic",
            _step_with(critic=_looks_ahead(_soft_next)),
            "The critic's next values are soft maxima, which contain the divergence of the policy "
            "from the prior. Here entropy has no part in the values: the average of Q(s', a') "
            "under the policy, and nothing else.",
            f"{_PAGE}#mc-hard-max-in-the-operator",
        ),
        Misconception(
            "entropy in the critic",
            _step_with(critic=_looks_ahead(_with_entropy)),
            "The next values contain the entropy of the policy, -epsilon log pi, as in soft "
            "actor-critic. Then even the right Q changes under a backup at any temperature above "
            "0. Here the critic is plain: the average of Q(s', a') under the policy.",
            f"{_PAGE}#mc-hard-max-in-the-operator",
        ),
        Misconception(
            "old policy in the critic",
            _step_with(critic=_looks_ahead(lambda d, epsilon, pi: np.sum(d["rho"] * d["Q"], 1))),
            "The critic averages the next actions with the prior, which is the policy before the "
            "step. First the actor, then the critic: the backup follows the policy you return.",
            _STEP,
        ),
        Misconception(
            "value of this state",
            _step_with(
                critic=lambda d, epsilon, pi: (
                    d["R"] + d["gamma"] * np.sum(pi * d["Q"], axis=1, keepdims=True)
                )
            ),
            "The critic backs up the value of the state where the action was taken. It needs that "
            "of the next state: the average over s' with P(s' | s, a).",
            _STEP,
        ),
        Misconception(
            "policy from the new values",
            _changed(
                lambda d, pi, values, epsilon: (
                    _policy(values, d["rho"], epsilon),
                    values,
                    epsilon,
                )
            ),
            "The policy belongs to the new values and the temperature to the old ones. In one "
            "step the temperature and the policy come from the Q that was given; the new values "
            "get theirs in the next step.",
            _STEP,
        ),
        Misconception(
            "temperature of the new values",
            _changed(
                lambda d, pi, values, epsilon: (pi, values, _eps_fixed_point(**d | {"Q": values}))
            ),
            "epsilon is the temperature of Q_next, and the policy has that of Q. All three belong "
            "together: the temperature of the Q that was given, the policy at it, the backup "
            "under that policy.",
            _STEP,
        ),
        Misconception(
            "one evaluation",
            _step_with(temperature=_evaluates(0.0)),
            "epsilon is the Bellman error of the greedy policy. The policy that is returned has "
            "this temperature, and therefore another Bellman error. Use your `eps_fixed_point`.",
            f"{_PAGE}#mc-one-evaluation",
        ),
        Misconception(
            "pairs counted alike",
            _step_with(
                temperature=_solves(
                    size=lambda e, rho, c, p, pi: c / p * (np.abs(e) ** p).mean(axis=(1, 2))
                )
            ),
            "In the temperature all pairs of state and action have the same weight. The actions "
            "of a state are weighted with the prior. Mend `eps_fixed_point` first.",
            f"{_PAGE}#mc-mean-or-sum",
        ),
        Misconception(
            "policy at temperature 1",
            _step_with(policy=lambda Q, rho, epsilon: _policy(Q, rho, 1.0)),
            "The policy has temperature 1, the fixed temperature of the chapters before, although "
            "epsilon is right. The policy belongs to the epsilon that is returned with it.",
            _STEP,
        ),
        Misconception(
            "greedy policy",
            _step_with(policy=lambda Q, rho, epsilon: _policy(Q, rho, 0.0)),
            "The policy is greedy, although epsilon is not 0. As long as Q is wrong, its best "
            "action may be wrong as well, and the temperature says by how much to doubt it: the "
            "policy is rho exp(Q / epsilon), normalised.",
            _STEP,
        ),
        Misconception(
            "prior dropped",
            _step_with(
                temperature=_solves(
                    policies=lambda Q, rho, epsilon: _policies(Q, np.ones_like(rho), epsilon)
                ),
                policy=lambda Q, rho, epsilon: _policy(Q, np.ones_like(rho), epsilon),
            ),
            "The policy is built without the prior, in the temperature as in the step. Its "
            "weights are rho(a | s) exp(Q / epsilon), so that a forbidden action stays forbidden.",
            _COLD,
        ),
        Misconception(
            "discount left out",
            _step_with(
                temperature=_solves(discount=1.0),
                critic=lambda d, epsilon, pi: _backed_up(d | {"gamma": 1.0}, pi),
            ),
            "The next value counts in full: gamma is missing, in the temperature as in the "
            "critic. The backup is r + gamma E[Q(s', a')].",
            _STEP,
        ),
        Misconception(
            "transition read backwards",
            _step_with(
                temperature=_solves(ahead=lambda P, V, Q: _next_states(P.transpose(2, 1, 0), V)),
                critic=lambda d, epsilon, pi: _backed_up(d | {"P": d["P"].transpose(2, 1, 0)}, pi),
            ),
            "The transition is read in the wrong direction. P is indexed [s, a, s'], and its rows "
            "P[s, a, :] sum to one: the expectation runs over the last index.",
            _STEP,
        ),
        Misconception(
            "policy and values exchanged",
            _changed(lambda d, pi, values, epsilon: (values, pi, epsilon)),
            "The policy and the values stand in each other's place. The order is policy, Q_next, "
            "epsilon.",
            _STEP,
        ),
        Misconception(
            "first of tied actions",
            _step_with(
                policy=lambda Q, rho, epsilon: (
                    _first(Q, rho) if epsilon < 1e-9 else _policy(Q, rho, epsilon)
                )
            ),
            "At temperature 0 all probability went to the first of several best actions. Tied "
            "actions share in proportion to the prior: that is the limit of the policy as the "
            "temperature falls.",
            _COLD,
            example=_SOLVED
            | {
                "Q": np.array([[2.0, 2.0], [1.0, -1.0]]),
                "R": np.array([[1.25, 1.0], [0.375, -1.5]]),
            },
        ),
        Misconception(
            "division by zero",
            _step_with(policy=_naive_limit),
            "Where Q solves Bellman's equation the temperature is 0, and a policy that divides by "
            "it is NaN. Give the policy its limit there: the prior, kept on the best actions.",
            _COLD,
            example=_SOLVED,
        ),
        Misconception(
            "exponentials out of range",
            _step_with(policy=_naive_range),
            "exp(Q / epsilon) leaves the range of floating point when Q is large or epsilon small, "
            "and inf / inf and 0 / 0 are NaN. In the policy, subtract the largest value of each "
            "row before you divide by the temperature.",
            _COLD,
            example=_HIGH,
        ),
    ),
    example=_MAZE,
    section=_STEP,
    rtol=_ALIKE[0],
    atol=_ALIKE[1],
)


ASSIGNMENT = Assignment(
    name="adaptive_temperature",
    title="Assignment 6: adaptive temperature",
    problems=(BOLTZMANN, EPS_FIXED_POINT, VIREL_STEP),
    written=(Written("useless_buttons", "Problem 4: a hundred useless buttons", 15.0, _BUTTONS),),
    withheld=(
        "cooling",
        "bellman_error",
        "actor",
        "evaluation",
        "soft_policy",
        "returns",
        "soft_iteration",
        "variational",
        "backups",
        "policies",
        "stationary",
        "zero_temperature",
        "planning",
    ),
    limits=Limits(cell_seconds=10.0, call_seconds=5.0),
)
