"""One problem for each kind of answer; the checks of an assignment in a page or two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cs_infer.judge.answers import (
    AnswerError,
    as_array,
    as_function,
    as_index,
    as_number,
    as_parameters,
)
from cs_infer.judge.problem import (
    Assignment,
    Fresh,
    Inputs,
    Misconception,
    Problem,
    Property,
    Written,
)
from cs_infer.judge.rollouts import TabularEnvironment, as_policy, roll_out
from cs_infer.judge.statistics import mean_is_at_least

Array = np.ndarray
Rng = np.random.Generator
_PAGE = "every_answer.html"


# A function that is handed a function. What it asks of it is answered here.


class _Table:
    """A function for the student, ``values[i]``. Its argument comes from outside."""

    def __init__(self, values: Array) -> None:
        self._values = values

    def __call__(self, i: Any) -> float:
        return float(self._values[as_index(i, len(self._values), "i")])

    def __repr__(self) -> str:
        return f"i -> {self._values.round(4).tolist()}[i]"


def _weights(low: float) -> Callable[[Rng], Inputs]:
    def draw(rng: Rng) -> Inputs:
        n = int(rng.integers(2, 8))
        return {"log_weight": _Table(rng.uniform(low - 3, low, size=n)), "n": n}

    return draw


def _log_total(log_weight: Callable[[int], float], n: int) -> float:
    return float(np.logaddexp.reduce([log_weight(i) for i in range(n)]))


def _log_of_sum(log_weight: Callable[[int], float], n: int) -> float:
    with np.errstate(divide="ignore"):
        return float(np.log(np.sum(np.exp([log_weight(i) for i in range(n)]))))


LOG_TOTAL = Problem(
    name="log_total",
    title="The logarithm of a sum",
    reference=_log_total,
    read=lambda inputs, answer: as_number(answer, "the logarithm"),
    properties=(
        Property("values", "the logarithm of the sum is right", 6.0, _weights(1.0)),
        Property("small", "it is right for weights near exp(-5,000)", 4.0, _weights(-5000.0)),
    ),
    misconceptions=(
        Misconception(
            "underflow",
            _log_of_sum,
            "exp(-5000) is zero in floating point, and so is the sum. Take out the largest term.",
            f"{_PAGE}#log-sum-exp",
            example={"log_weight": _Table(np.array([-5000.0, -5001.0])), "n": 2},
        ),
        Misconception(
            "sum of logarithms",
            lambda log_weight, n: sum(log_weight(i) for i in range(n)),
            "This adds the logarithms: it is the logarithm of the product of the weights.",
            f"{_PAGE}#log-sum-exp",
        ),
        Misconception(
            "last left out",
            lambda log_weight, n: _log_total(log_weight, n - 1),
            "The last weight is missing: i runs from 0 to n - 1.",
            f"{_PAGE}#log-sum-exp",
        ),
    ),
    example={"log_weight": _Table(np.log([1.0, 2.0, 3.0])), "n": 3},
    section=f"{_PAGE}#log-sum-exp",
)


# A game with the grader: what is handed over changes as it is used, so it is made anew.


class _Arms:
    """Arms that win at random."""

    def __init__(self, chances: Array, seed: int) -> None:
        self._chances, self._rng, self._left = chances, np.random.default_rng(seed), 5000

    def pull(self, arm: Any) -> int:
        """1 for a win, else 0."""
        self._left -= 1
        if self._left < 0:
            raise AnswerError("an arm may be pulled 5,000 times")
        return int(self._rng.random() < self._chances[as_index(arm, len(self._chances), "arm")])


def _arms(rng: Rng, count: int) -> Inputs:
    chances = np.full(count, 0.3)
    chances[rng.integers(count)] = 0.7
    return _game(chances, int(rng.integers(2**31)))


def _game(chances: Array, seed: int) -> Inputs:
    """The arms, and hidden behind the underscore which one is the best."""
    arms = Fresh(lambda: _Arms(chances, seed).pull)
    return {"pull": arms, "arms": len(chances), "_best": int(np.argmax(chances))}


def _after(pulls: int) -> Callable[..., int]:
    def best(pull: Callable[[int], int], arms: int) -> int:
        return int(np.argmax([sum(pull(arm) for _ in range(pulls)) for arm in range(arms)]))

    return best


BEST_ARM = Problem(
    name="best_arm",
    title="The best arm",
    reference=_after(500),
    read=lambda inputs, answer: as_index(answer, inputs["arms"], "the arm"),
    properties=(
        Property(
            "best",
            "the arm is the best one",
            10.0,
            lambda rng: _arms(rng, int(rng.integers(4, 8))),
            repeats=6,
            # A right answer fails if one arm of at most 7 beats the best in 500 pulls each:
            # by Hoeffding's inequality with a chance of at most 6 exp(-500 * 0.4**2) < 1e-33.
            holds=lambda inputs, arm: (
                None if arm == inputs["_best"] else f"arm {arm} is not the best of them"
            ),
        ),
    ),
    misconceptions=(
        Misconception(
            "one pull",
            _after(1),
            "One pull of each arm says little: an arm that wins seldom wins now and then.",
            f"{_PAGE}#averages",
            example=_game(np.array([0.3, 0.3, 0.3, 0.3, 0.7]), 1),
        ),
    ),
    example=_game(np.array([0.3, 0.7, 0.3]), 0),
    section=f"{_PAGE}#averages",
)


# A function that returns a function. Reading the answer calls it, once for every state.


def _values(rng: Rng, height: float) -> Inputs:
    S, A = rng.integers(2, 6, size=2)
    return {"Q": height + rng.normal(size=(S, A)), "temperature": float(rng.uniform(0.5, 2.0))}


def _soft_policy(Q: Array, temperature: float) -> Callable[[int], Array]:
    def policy(state: int) -> Array:
        weights = np.exp((Q[state] - Q[state].max()) / temperature)
        return weights / weights.sum()

    return policy


def _rows_of(inputs: Inputs, answer: Any) -> Array:
    """The whole policy as an array, shape (S, A), asked for state by state."""
    policy = as_function(answer, "the policy")
    S, A = inputs["Q"].shape
    rows = [as_array(policy(s), (A,), "the probabilities of a state") for s in range(S)]
    return np.stack(rows)


SOFT_POLICY = Problem(
    name="soft_policy",
    title="A policy as a function",
    reference=_soft_policy,
    read=_rows_of,
    properties=(
        Property("values", "the probabilities are right", 7.0, lambda rng: _values(rng, 0.0)),
        Property("large", "values near 1,000 are right", 3.0, lambda rng: _values(rng, 1e3)),
    ),
    misconceptions=(
        Misconception(
            "greedy",
            lambda Q, temperature: lambda state: (Q[state] == Q[state].max()).astype(float),
            "This takes the best action only. A soft policy takes every action now and then.",
            f"{_PAGE}#soft",
        ),
        Misconception(
            "no temperature",
            lambda Q, temperature: _soft_policy(Q, 1.0),
            "The temperature is not used.",
            f"{_PAGE}#soft",
        ),
    ),
    example={"Q": np.array([[0.0, 1.0], [2.0, 0.0]]), "temperature": 0.5},
    section=f"{_PAGE}#soft",
    rtol=1e-3,  # a float32 holds 1,000 to 6e-5, and temperatures are 0.5 or more
    atol=1e-6,
)


# A policy, which is rolled out here. The seed of the environment stays hidden.

_EPISODES = 150
_HORIZON = 12


def _corridor(rng: Rng) -> Inputs:
    """Five rooms in a row, home at the end; in each a random action leads on, the other back."""
    S = 5
    P, R = np.zeros((S, 2, S)), np.zeros((S, 2))
    for s in range(S):
        on = int(rng.integers(2))
        P[s, on, min(s + 1, S - 1)] += 0.9
        P[s, on, max(s - 1, 0)] += 0.1
        P[s, 1 - on, max(s - 1, 0)] += 0.9
        P[s, 1 - on, min(s + 1, S - 1)] += 0.1
    R[S - 1] = 1.0
    return {"P": P, "R": R, "horizon": _HORIZON, "_seed": int(rng.integers(2**31))}


def _planned(P: Array, R: Array, horizon: int) -> tuple[Array, Array]:
    """Values of the first step, shape (S,), and its best actions."""
    V = np.zeros(len(P))
    for _ in range(horizon):
        Q = R + P @ V
        V = Q.max(axis=1)
    return V, Q.argmax(axis=1)


def _returns(inputs: Inputs, answer: Any) -> Array:
    S, A = inputs["R"].shape
    policy = as_policy(answer, num_actions=A, num_states=S)
    environment = TabularEnvironment(inputs["P"], inputs["R"], np.eye(S)[0])
    return roll_out(policy, environment, inputs["_seed"], _EPISODES, inputs["horizon"])


def _earns_nearly_the_most(inputs: Inputs, returns: Array) -> str | None:
    best = _planned(inputs["P"], inputs["R"], inputs["horizon"])[0][0]
    return mean_is_at_least(returns, 0.9 * best, 0.0, inputs["horizon"], what="the mean return")


WAY_HOME = Problem(
    name="way_home",
    title="The way home",
    reference=lambda P, R, horizon: _planned(P, R, horizon)[1],
    read=_returns,
    properties=(
        Property(
            "earns",
            "the policy earns 90% of what can be earned, or more",
            10.0,
            _corridor,
            repeats=2,
            holds=_earns_nearly_the_most,
        ),
    ),
    misconceptions=(
        Misconception(
            "greedy for rewards",
            lambda P, R, horizon: R.argmax(axis=1),
            "This takes the action with the largest reward now. Home is several steps away.",
            f"{_PAGE}#planning",
        ),
    ),
    example=_corridor(np.random.default_rng(1)),
    section=f"{_PAGE}#planning",
)


# Trained parameters, tried on data that stay hidden.


def _points(rng: Rng) -> Inputs:
    d = int(rng.integers(1, 4))
    weight, bias = rng.normal(size=d), 3.0 + float(rng.random())
    x, hidden = rng.normal(size=(40, d)), rng.normal(size=(100, d))
    y = x @ weight + bias + 0.1 * rng.normal(size=40)
    return {"x": x, "y": y, "_x": hidden, "_y": hidden @ weight + bias}


def _fit(x: Array, y: Array) -> dict[str, Any]:
    *weight, bias = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y, rcond=None)[0]
    return {"weight": np.array(weight), "bias": bias}


def _predicts(inputs: Inputs, model: dict[str, Array]) -> str | None:
    error = inputs["_x"] @ model["weight"] + model["bias"] - inputs["_y"]
    rms = float(np.sqrt(np.mean(error**2)))
    # Least squares errs by about 0.1 * sqrt(4 / 40) = 0.03 on these points.
    return None if rms < 0.2 else f"on points not seen before it errs by {rms:.2g}; 0.2 is allowed"


FIT = Problem(
    name="fit",
    title="A line through points",
    reference=_fit,
    read=lambda inputs, answer: as_parameters(
        answer, {"weight": (inputs["x"].shape[1],), "bias": ()}, "the model"
    ),
    properties=(
        Property("predicts", "it predicts points not seen before", 10.0, _points, holds=_predicts),
    ),
    misconceptions=(
        Misconception(
            "no bias",
            lambda x, y: {"weight": np.linalg.lstsq(x, y, rcond=None)[0], "bias": 0.0},
            "The line goes through the origin: the bias is not fitted.",
            f"{_PAGE}#bias",
        ),
    ),
    example={
        "x": np.array([[0.0], [1.0], [2.0]]),
        "y": np.array([1.0, 3.0, 5.0]),
        "_x": np.array([[3.0]]),
        "_y": np.array([7.0]),
    },
    section=f"{_PAGE}#bias",
)


ASSIGNMENT = Assignment(
    name="every_answer",
    title="Every kind of answer",
    problems=(LOG_TOTAL, BEST_ARM, SOFT_POLICY, WAY_HOME, FIT),
    written=(Written("why", "Why?", 10.0, f"{_PAGE}#log-sum-exp"),),
)
