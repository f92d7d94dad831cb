"""The checks of assignment 1: what is asked, on which inputs, and known wrong ideas.

``check("traj_logprob", traj_logprob)`` in the notebook reads this file. The
grader uses the same properties on inputs of its own.

How exact must an answer be? The tolerances follow from the conditioning of
each problem, so that float32 arithmetic passes:

* A log-probability is a sum of up to 1,600 terms of one sign. Adding them one
  after the other in float32 errs by at most 1,600 * 6e-8 = 1e-4 of the sum
  (the bound on recursive summation), and 1e-4 is allowed.
* A posterior probability is the exponential of a difference of returns. With
  returns near -2,400 a float32 holds them to about 1e-4, and that absolute
  error of a logarithm is the relative error of a probability: 2e-3 is allowed.
* ``1 - exp(r)`` for r below -0.05 loses little: 1e-4 is allowed. Where r is
  nearer to 0, only ``expm1`` keeps the digits, in any precision.

No wrong idea of the catalogue comes near these on the inputs drawn here.
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
)
from cs_infer.log_space import safe_log

Array = np.ndarray
Rng = np.random.Generator

_PAGE = "graphical_model.html"
_LONG = 800

_CLOSE = {  # relative and absolute tolerance, as explained above
    "traj_logprob": (1e-4, 1e-5),
    "posterior_enumerate": (2e-3, 1e-9),
    "p_not_optimal": (1e-4, 1e-7),
}
_TINY = 1e-9


# Drawing problems


def _distribution(rng: Rng, *shape: int) -> Array:
    """Random distributions along the last axis, every entry positive."""
    return rng.dirichlet(np.full(shape[-1], 2.0), size=shape[:-1])


def _thinned(rng: Rng, p: Array) -> Array:
    """The distributions, some entries of each set to zero, at least one kept."""
    keep = rng.random(p.shape) < 0.6
    np.put_along_axis(keep, rng.integers(p.shape[-1], size=(*p.shape[:-1], 1)), True, axis=-1)
    thin = np.where(keep, p, 0.0)
    return thin / thin.sum(axis=-1, keepdims=True)


def _certain(rng: Rng, p: Array) -> Array:
    """One random entry of each distribution made certain."""
    sure = np.zeros_like(p)
    np.put_along_axis(sure, rng.integers(p.shape[-1], size=(*p.shape[:-1], 1)), 1.0, axis=-1)
    return sure


def _dense(rng: Rng, S: int, A: int) -> dict[str, Array]:
    """A problem in which everything is possible."""
    return {
        "P": _distribution(rng, S, A, S),
        "mu0": _distribution(rng, S),
        "rho": _distribution(rng, S, A),
    }


def _sparse(rng: Rng, S: int, A: int, deterministic: bool = False) -> dict[str, Array]:
    """A problem with impossible starts, actions and moves.

    State 0 allows one action and state 1 allows all of them, so the number of
    allowed actions always varies.
    """
    dense = _dense(rng, S, A)
    P = _certain(rng, dense["P"]) if deterministic else _thinned(rng, dense["P"])
    rho = _thinned(rng, dense["rho"])
    rho[0] = _certain(rng, rho[0])
    rho[1] = dense["rho"][1]
    mu0 = dense["mu0"].copy()
    mu0[rng.integers(S)] = 0.0
    return {"P": P, "mu0": mu0 / mu0.sum(), "rho": rho}


def _rollout(rng: Rng, P: Array, mu0: Array, rho: Array, T: int) -> dict[str, Array]:
    """A trajectory that can happen."""
    first, moves, choices = (np.cumsum(p, axis=-1) for p in (mu0, P, rho))
    s, a = np.empty(T, dtype=np.int64), np.empty(T, dtype=np.int64)
    for t, (for_state, for_action) in enumerate(rng.random((T, 2))):
        s[t] = _pick(first if t == 0 else moves[s[t - 1], a[t - 1]], for_state)
        a[t] = _pick(choices[s[t]], for_action)
    return {"s": s, "a": a}


def _pick(cumulative: Array, uniform: float) -> int:
    """The outcome, never one of probability zero, that a uniform number stands for."""
    return int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))


def _with_rollout(rng: Rng, problem: dict[str, Array], T: int) -> Inputs:
    return problem | _rollout(rng, **problem, T=T)


# traj_logprob: inputs


def _draw_stochastic(rng: Rng) -> Inputs:
    """First and last step differ, so that it shows which of them was left out."""
    S, A, T = rng.integers(3, 6), rng.integers(2, 5), rng.integers(3, 7)
    while True:
        drawn = _with_rollout(rng, _dense(rng, S, A), T)
        if (drawn["s"][0], drawn["a"][0]) != (drawn["s"][-1], drawn["a"][-1]):
            return drawn


def _draw_one_step(rng: Rng) -> Inputs:
    return _with_rollout(rng, _dense(rng, rng.integers(2, 6), rng.integers(2, 5)), 1)


def _draw_perhaps_impossible(rng: Rng) -> Inputs:
    S, A, T = int(rng.integers(3, 6)), int(rng.integers(2, 4)), int(rng.integers(1, 6))
    problem = _sparse(rng, S, A)
    drawn = _with_rollout(rng, problem, T)
    if rng.random() < 0.4 or T == 1:  # with one factor left, many mistakes look alike
        return drawn
    for _ in range(100):
        drawn = problem | {"s": rng.integers(S, size=T), "a": rng.integers(A, size=T)}
        factors = np.concatenate(_parts(**drawn))
        if np.any(factors == 0) and np.any((factors > 0) & (factors < 1)):
            break
    return drawn


def _draw_deterministic(rng: Rng) -> Inputs:
    S, A, T = int(rng.integers(3, 6)), int(rng.integers(2, 4)), int(rng.integers(3, 6))
    return _with_rollout(rng, _sparse(rng, S, A, deterministic=True), T)


def _draw_single(rng: Rng) -> Inputs:
    several = int(rng.integers(3, 6))
    S, A = (1, several) if rng.random() < 0.5 else (several, 1)
    return _with_rollout(rng, _dense(rng, S, A), int(rng.integers(4, 7)))


def _draw_long(rng: Rng) -> Inputs:
    """A long trajectory in which even a single factor at an end outweighs the tolerance."""
    while True:
        drawn = _with_rollout(rng, _dense(rng, 4, 3), _LONG)
        P, mu0, rho, s, a = drawn.values()
        ends = mu0[s[0]], rho[s[0], a[0]], rho[s[-1], a[-1]], P[s[-1], a[-1], s[0]]
        if max(ends) < 0.5:
            return drawn


# traj_logprob: reference, reading, wrong ideas


def _traj_logprob(P: Array, mu0: Array, rho: Array, s: Array, a: Array) -> float:
    from cs_infer import TabularMDP, trajectory_log_prior

    mdp = TabularMDP.from_arrays(
        transition=P, reward=np.zeros(rho.shape), initial=mu0, action_prior=rho, horizon=len(s)
    )
    return float(trajectory_log_prior(mdp, s, a))


def _read_log_probability(inputs: Inputs, answer: Any) -> float:
    return as_number(answer, "the log-probability")


def _log_of_zero(inputs: Inputs, answer: float) -> str | None:
    """Like the comparison with the reference, in words for impossible trajectories."""
    expected = _traj_logprob(**inputs)
    if expected == -np.inf and answer != -np.inf:
        return (
            f"for a trajectory that cannot happen it is {answer:.6g} where -inf is expected: "
            "the logarithm of zero, not of a small number"
        )
    if answer == -np.inf and expected > -np.inf:
        return f"it is -inf for a trajectory that can happen; {expected:.6g} is expected"
    return differ(answer, expected, *_CLOSE["traj_logprob"])


def _parts(P: Array, mu0: Array, rho: Array, s: Array, a: Array) -> tuple[Array, Array, Array]:
    """The factors of p(tau): initial (1,), action priors (T,), transitions (T - 1,)."""
    return mu0[s[:1]], rho[s, a], P[s[:-1], a[:-1], s[1:]]


def _log_product(*factors: Array) -> float:
    return float(safe_log(np.concatenate(factors)).sum())


def _of_factors(change: Callable[[Array, Array, Array], float]) -> Callable[..., float]:
    """The wrong solution that makes this of the right factors."""
    return lambda **given: change(*_parts(**given))


def _moving_by(moves: Callable[[Array, Array, Array], Array]) -> Callable[..., float]:
    """The wrong solution that reads these transitions, given P, s and a."""

    def wrong(P: Array, mu0: Array, rho: Array, s: Array, a: Array) -> float:
        return _log_product(mu0[s[:1]], rho[s, a], moves(P, s, a))

    return wrong


_BASE = (
    "The number is right up to a constant factor: it is a logarithm to another base. "
    "Log-probabilities in this course are natural logarithms, in nats, because p(O = 1) = exp(r) "
    "has the natural base: a reward of -1 is one nat."
)

_SLIDE = {
    "P": np.array([[[0.0, 1.0], [0.5, 0.5]], [[0.3, 0.7], [1.0, 0.0]]]),
    "mu0": np.array([0.6, 0.4]),
    "rho": np.array([[0.25, 0.75], [0.4, 0.6]]),
}
_IMPOSSIBLE_PATH = _SLIDE | {"s": np.array([0, 0]), "a": np.array([0, 1])}
_RARE_PATH = {
    "P": np.array([[[1.0], [1.0]]]),
    "mu0": np.array([1.0]),
    "rho": np.array([[1e-200, 1.0]]),
    "s": np.array([0, 0]),
    "a": np.array([0, 0]),
}

TRAJ_LOGPROB = Problem(
    name="traj_logprob",
    title="Problem 1: the probability of a trajectory",
    reference=_traj_logprob,
    read=_read_log_probability,
    properties=(
        Property(
            "stochastic",
            "log p(tau) is right when everything is random, for several steps",
            10.0,
            _draw_stochastic,
            repeats=6,
        ),
        Property("one step", "a trajectory of one step (T = 1) is right", 3.0, _draw_one_step),
        Property(
            "impossible",
            "a trajectory that cannot happen has -inf, one that can has its log-probability",
            5.0,
            _draw_perhaps_impossible,
            repeats=24,
            holds=_log_of_zero,
        ),
        Property(
            "deterministic",
            "deterministic dynamics and forbidden actions change nothing in the rule",
            1.0,
            _draw_deterministic,
            repeats=16,
        ),
        Property(
            "single",
            "a problem with one state, or with one action, is right",
            1.0,
            _draw_single,
            repeats=16,
        ),
        Property(
            "long",
            f"a trajectory of {_LONG:,} steps keeps its log-probability",
            5.0,
            _draw_long,
            repeats=1,
        ),
    ),
    misconceptions=(
        Misconception(
            "last action prior missing",
            _of_factors(lambda first, actions, moves: _log_product(first, actions[:-1], moves)),
            "One factor is short: the prior of the last action, rho(a_T | s_T). The trajectory "
            "ends with an action, so a trajectory of T steps has T action factors and only T - 1 "
            "transitions. Without that factor the probabilities of all trajectories sum to the "
            "number of actions, not to one.",
            f"{_PAGE}#mc-fence-post",
        ),
        Misconception(
            "first action prior missing",
            _of_factors(lambda first, actions, moves: _log_product(first, actions[1:], moves)),
            "One factor is short: the prior of the first action, rho(a_1 | s_1). Each step has "
            "an action, the first one too. A loop over the moves alone, from the second step on, "
            "passes over it.",
            f"{_PAGE}#mc-fence-post",
        ),
        Misconception(
            "action prior missing",
            _of_factors(lambda first, actions, moves: _log_product(first, moves)),
            "The action priors are missing. In this graph an action is a random variable, like a "
            "state, and each contributes its own factor rho(a_t | s_t), even when that factor is "
            "the same number for every action.",
            f"{_PAGE}#mc-drop-prior",
        ),
        Misconception(
            "initial distribution missing",
            _of_factors(lambda first, actions, moves: _log_product(actions, moves)),
            "The trajectory starts somewhere by chance too. The first state has no parent in the "
            "graph, and its factor is the initial distribution mu_0(s_1). What you computed is "
            "the probability of the rest, given that first state.",
            f"{_PAGE}#the-picture",
        ),
        Misconception(
            "transitions missing",
            _of_factors(lambda first, actions, moves: _log_product(first, actions)),
            "The transitions are missing. Each state after the first has a factor "
            "P(s_t+1 | s_t, a_t): where an action leads is random as well.",
            f"{_PAGE}#the-picture",
        ),
        Misconception(
            "probability, not its logarithm",
            _of_factors(lambda *factors: float(np.exp(_log_product(*factors)))),
            "This is the probability itself. The problem asks for its natural logarithm, a number "
            "from -inf to 0. Logarithms are asked for because the product of many probabilities "
            "becomes too small for a floating-point number.",
            f"{_PAGE}#the-picture",
        ),
        Misconception(
            "transition read backwards",
            _moving_by(lambda P, s, a: P[s[1:], a[:-1], s[:-1]]),
            "The transition is read in the wrong direction. P is indexed [s, a, s']: where the "
            "step starts, what is done, where it ends. Its rows P[s, a, :] sum to one; its "
            "columns P[:, a, s'] do not.",
            f"{_PAGE}#the-picture",
        ),
        Misconception(
            "one transition too many",
            _moving_by(lambda P, s, a: P[s, a, np.roll(s, -1)]),
            "There is one transition too many: one that leads from the last step back to the "
            "first state. The graph ends with a_T, and no state follows it, so there are T - 1 "
            "transitions. (In Python an index of -1, or a roll, wraps around without a word.)",
            f"{_PAGE}#mc-fence-post",
        ),
        Misconception(
            "next step's action in the transition",
            _moving_by(lambda P, s, a: P[s[:-1], a[1:], s[1:]]),
            "State and action are out of step. The next state depends on the action taken in the "
            "state before it: a_t goes with s_t, and both lead to s_t+1. Here a_t+1 was used, an "
            "action that was not taken yet.",
            f"{_PAGE}#the-picture",
        ),
        Misconception(
            "logarithm to base 2",
            _of_factors(lambda *factors: _log_product(*factors) / np.log(2)),
            _BASE,
            f"{_PAGE}#the-optimality-variable",
        ),
        Misconception(
            "logarithm to base 10",
            _of_factors(lambda *factors: _log_product(*factors) / np.log(10)),
            _BASE,
            f"{_PAGE}#the-optimality-variable",
        ),
        Misconception(
            "zero for the impossible",
            _of_factors(lambda *factors: np.nan_to_num(_log_product(*factors), neginf=0.0)),
            "A trajectory that cannot happen has probability 0, and the logarithm of 0 is -inf. "
            "A log-probability of 0 says the opposite: that the trajectory is certain.",
            f"{_PAGE}#the-picture",
            example=_IMPOSSIBLE_PATH,
        ),
        Misconception(
            "impossible steps left out",
            _of_factors(lambda *factors: _log_product(*(f[f > 0] for f in factors))),
            "Factors of zero were left out of the product. One impossible step makes the whole "
            "trajectory impossible: its logarithm, -inf, belongs in the sum, and the sum is -inf.",
            f"{_PAGE}#the-picture",
            example=_IMPOSSIBLE_PATH,
        ),
        Misconception(
            "product underflows",
            _of_factors(lambda *factors: float(safe_log(np.prod(np.concatenate(factors))))),
            "The factors are right, but they are multiplied first and the logarithm is taken "
            "afterwards. After some hundred steps the product is smaller than any floating-point "
            "number and becomes 0. Take the logarithm of each factor and add them up.",
            f"{_PAGE}#the-picture",
            example=_RARE_PATH,
        ),
    ),
    example={
        "P": np.array([[[0.5, 0.5], [0.1, 0.9]], [[0.3, 0.7], [0.8, 0.2]]]),
        "mu0": np.array([0.6, 0.4]),
        "rho": np.array([[0.25, 0.75], [0.4, 0.6]]),
        "s": np.array([1, 0, 1]),
        "a": np.array([1, 0, 1]),
    },
    section=f"{_PAGE}#the-picture",
    rtol=_CLOSE["traj_logprob"][0],
    atol=_CLOSE["traj_logprob"][1],
)


# posterior_enumerate: inputs


def _rewards(rng: Rng, S: int, A: int) -> Array:
    return -rng.uniform(0.1, 3.0, size=(S, A))


def _draw_plain(rng: Rng) -> Inputs:
    S, A, T = ((2, 2, 4), (2, 3, 3), (3, 2, 3), (4, 2, 3), (3, 3, 2))[rng.integers(5)]
    return _dense(rng, S, A) | {"R": _rewards(rng, S, A), "T": T}


def _draw_uneven(rng: Rng) -> Inputs:
    return _with_many_paths(rng, ((3, 2, 4), (4, 2, 3), (3, 3, 3), (5, 2, 3)), False)


def _draw_deterministic_control(rng: Rng) -> Inputs:
    return _with_many_paths(rng, ((3, 2, 4), (4, 2, 3), (3, 3, 3), (4, 3, 3)), True)


def _with_many_paths(
    rng: Rng, sizes: tuple[tuple[int, int, int], ...], deterministic: bool
) -> Inputs:
    """A sparse problem that leaves at least six trajectories possible."""
    while True:
        S, A, T = sizes[rng.integers(len(sizes))]
        problem = _sparse(rng, S, A, deterministic)
        drawn = problem | {"R": _rewards(rng, S, A), "T": T}
        if len(_posterior(**drawn)[0]) >= 6:
            return drawn


def _draw_one_step_posterior(rng: Rng) -> Inputs:
    S, A = int(rng.integers(2, 4)), int(rng.integers(2, 4))
    return _dense(rng, S, A) | {"R": _rewards(rng, S, A), "T": 1}


def _draw_single_posterior(rng: Rng) -> Inputs:
    S, A, certain = ((1, 3, False), (3, 1, False), (3, 1, True))[rng.integers(3)]
    problem = _dense(rng, S, A) | {"R": _rewards(rng, S, A), "T": 3}
    if certain:  # the first step is known, and sure to be optimal
        problem["mu0"], problem["R"][0] = np.eye(S)[0], 0.0
    return problem


def _draw_large(rng: Rng) -> Inputs:
    """Every trajectory underflows, and most are e^400 times less probable than the best."""
    S, A = ((3, 4), (4, 3))[rng.integers(2)]
    R = _rewards(rng, S, A) - 800.0
    R.flat[rng.choice(S * A, size=2, replace=False)] += 420.0
    return _dense(rng, S, A) | {"R": R, "T": 3}


def _draw_never_optimal(rng: Rng) -> Inputs:
    problem = dict(_draw_plain(rng))
    never = rng.random(problem["R"].shape) < 0.4
    never[np.arange(len(never)), rng.integers(never.shape[1], size=len(never))] = False
    never[0, np.argmin(problem["R"][0])] = True
    never[0, np.argmax(problem["R"][0])] = False
    return problem | {"R": np.where(never, -np.inf, problem["R"])}


# posterior_enumerate: reference, reading, wrong ideas


def _posterior(P: Array, R: Array, mu0: Array, rho: Array, T: int) -> tuple[Array, Array, Array]:
    from cs_infer import enumerate_trajectories

    table = enumerate_trajectories(_mdp(P, R, mu0, rho, T))
    return table.states, table.actions, table.posterior


def _mdp(P: Array, R: Array, mu0: Array, rho: Array, T: int) -> Any:
    from cs_infer import TabularMDP

    return TabularMDP.from_arrays(transition=P, reward=R, initial=mu0, action_prior=rho, horizon=T)


def _read_table(inputs: Inputs, answer: Any) -> Array:
    """The answer as probabilities of all (S A)^T trajectories, listed or not."""
    S, A = inputs["rho"].shape
    T = inputs["T"]
    states, actions, probability = _three_parts(answer)
    s = _indices(states, T, S, "states")
    a = _indices(actions, T, A, "actions")
    if len(s) != len(a):
        raise AnswerError(
            "states and actions must have one row for each trajectory; "
            f"they have {len(s)} and {len(a)} rows"
        )
    p = _probabilities(probability, (len(s),), "probability")
    row = np.ravel_multi_index(tuple((s * A + a).T), (S * A,) * T) if len(s) else np.zeros(0, int)
    row, p = row[p > 0], p[p > 0]
    if len(np.unique(row)) < len(row):
        code, count = np.unique(row, return_counts=True)
        path = _path(int(code[count > 1][0]), S, A, T)
        raise AnswerError(f"each trajectory is listed once; {path} is listed more often")
    table = np.zeros((S * A) ** T)
    table[row] = p
    return table


def _probabilities(answer: Any, shape: tuple[int, ...], what: str) -> Array:
    p = as_array(answer, shape, what)
    if np.any(p < -_TINY):
        raise AnswerError("a probability is never negative; is this a logarithm?")
    return p


def _three_parts(answer: Any) -> tuple[Any, Any, Any]:
    sequence = isinstance(answer, (tuple, list)) or (
        isinstance(answer, np.ndarray) and answer.ndim > 0
    )
    if not sequence:
        raise AnswerError(
            "the answer must be a tuple (states, actions, probability); "
            f"it is {'None' if answer is None else f'a {type(answer).__name__}'}"
        )
    if len(answer) != 3:
        raise AnswerError(
            f"the answer must be a tuple (states, actions, probability); it has {len(answer)} parts"
        )
    return answer[0], answer[1], answer[2]


def _indices(part: Any, T: int, count: int, what: str) -> Array:
    """A part of the answer as whole numbers 0 … count - 1, shape (N, T)."""
    try:
        array = np.asarray(part)
    except (ValueError, TypeError):
        raise AnswerError(f"{what} must be an array of shape (N, {T}), T = {T}") from None
    if array.dtype.kind not in "biuf":
        raise AnswerError(f"{what} must be whole numbers; their dtype is {array.dtype}")
    if array.size == 0 and array.ndim in (1, 2):
        return np.zeros((0, T), dtype=np.int64)
    if array.ndim != 2 or array.shape[1] != T:
        raise AnswerError(
            f"{what} must have shape (N, T) with T = {T}; it has {array.shape}"
            + _likely_slip(array.shape, T)
        )
    if not np.all(np.isfinite(array)) or np.any(array != np.rint(array)):
        raise AnswerError(f"{what} must be whole numbers")
    outside = array[(array < 0) | (array >= count)]
    if outside.size:
        raise AnswerError(
            f"{what} must lie in 0 … {count - 1}; there is a {outside[0]:.6g} "
            "(the order is states, actions, probability)"
        )
    return array.astype(np.int64)


def _likely_slip(shape: tuple[int, ...], T: int) -> str:
    if len(shape) == 2 and shape[0] == T:
        return ": rows and columns are exchanged"
    if len(shape) == 1 and T == 1:
        return ": one column, also when T is 1"
    if len(shape) == 1:
        return " (the order is states, actions, probability)"
    if shape[1:] == (T + 1,):
        return ": no state follows the last action"
    return ""


def _path(code: int, S: int, A: int, T: int) -> str:
    pairs = np.array(np.unravel_index(code, (S * A,) * T))
    s, a = (tuple(int(i) for i in part) for part in (pairs // A, pairs % A))
    return f"s = {s}, a = {a}"


def _expected(inputs: Inputs) -> Array:
    return _read_table(inputs, _posterior(**inputs))


def _same_posterior(inputs: Inputs, table: Array) -> str | None:
    expected = _expected(inputs)
    S, A = inputs["rho"].shape
    rtol, atol = _CLOSE["posterior_enumerate"]
    wrong = ~(np.abs(table - expected) <= atol + rtol * expected)
    if not np.any(wrong):
        return None
    code = int(np.flatnonzero(wrong)[0])
    return (
        f"with T = {inputs['T']}, trajectory {_path(code, S, A, inputs['T'])} has probability "
        f"{table[code]:.6g} where {expected[code]:.6g} is expected"
    )


def _right_support(inputs: Inputs, table: Array) -> str | None:
    expected = _expected(inputs)
    (S, A), T = inputs["rho"].shape, inputs["T"]
    extra = np.flatnonzero((table > 1e-9) & (expected == 0))
    if len(extra):
        return f"{_path(int(extra[0]), S, A, T)} cannot happen, but has probability"
    lost = np.flatnonzero((table == 0) & (expected > 1e-12))
    if len(lost):
        return (
            f"{np.count_nonzero(expected)} trajectories are possible; {len(lost)} have no "
            f"probability in your list, such as {_path(int(lost[0]), S, A, T)}"
        )
    total = table.sum()
    return None if abs(total - 1) < 1e-4 else f"the probabilities sum to {total:.6g}, not to 1"


class _Pieces:
    """The logarithms of all factors, for every feasible trajectory."""

    def __init__(self, P: Array, R: Array, mu0: Array, rho: Array, T: int) -> None:
        self.R, self.rho = R, rho
        self.states, self.actions, self.posterior = _posterior(P, R, mu0, rho, T)
        s, a = self.states, self.actions
        self.first = safe_log(mu0[s[:, 0]])
        self.choices = safe_log(rho[s, a]).sum(axis=1)
        self.moves = safe_log(P[s[:, :-1], a[:, :-1], s[:, 1:]]).sum(axis=1)
        self.prior = self.first + self.choices + self.moves
        self.rewards = R[s, a]
        self.total = self.rewards.sum(axis=1)


def _shares(weight: Array) -> Array:
    return weight / weight.sum()


def _giving(probability: Callable[[_Pieces], Array]) -> Callable[..., Any]:
    """The wrong solution that gives the feasible trajectories this "probability"."""

    def wrong(**given: Any) -> tuple[Array, Array, Array]:
        pieces = _Pieces(**given)
        with np.errstate(invalid="ignore"):
            return pieces.states, pieces.actions, probability(pieces)

    return wrong


def _weighted_by(log_weight: Callable[[_Pieces], Array]) -> Callable[..., Any]:
    """The wrong solution that gives every feasible trajectory this weight."""

    def probability(pieces: _Pieces) -> Array:
        weight = log_weight(pieces)
        return _shares(np.exp(weight - np.max(weight)))

    return _giving(probability)


def _best_only(pieces: _Pieces) -> Array:
    return np.arange(len(pieces.states)) == np.argmax(pieces.posterior)


def _one_step_at_a_time(pieces: _Pieces) -> Array:
    R, rho = pieces.R, pieces.rho
    policy = _rows(rho * np.exp(R - np.max(R, axis=1, keepdims=True)))
    choices = safe_log(policy)[pieces.states, pieces.actions].sum(axis=1)
    return np.exp(pieces.first + pieces.moves + choices)


def _impossible_included(
    P: Array, R: Array, mu0: Array, rho: Array, T: int
) -> tuple[Array, Array, Array]:
    S, A = rho.shape
    pairs = np.indices((S * A,) * T).reshape(T, -1).T
    states, actions = pairs // A, pairs % A
    total = R[states, actions].sum(axis=1)
    return states, actions, _shares(np.exp(total - np.max(total)))


_TWO_STARTS = {
    "P": np.array([[[0.5, 0.5]], [[0.5, 0.5]]]),
    "R": np.array([[-1.0], [-1.0]]),
    "mu0": np.array([0.75, 0.25]),
    "rho": np.array([[1.0], [1.0]]),
    "T": 1,
}
_LOW_REWARDS = {
    "P": np.array([[[1.0], [1.0]]]),
    "R": np.array([[-801.0, -800.0]]),
    "mu0": np.array([1.0]),
    "rho": np.array([[0.5, 0.5]]),
    "T": 1,
}

POSTERIOR_ENUMERATE = Problem(
    name="posterior_enumerate",
    title="Problem 2: the posterior over trajectories",
    reference=_posterior,
    read=_read_table,
    properties=(
        Property(
            "values",
            "every trajectory has its posterior probability, when everything is random",
            14.0,
            _draw_plain,
            repeats=4,
            holds=_same_posterior,
        ),
        Property(
            "complete",
            "every trajectory that can happen is listed once, no other, and the probabilities "
            "sum to one",
            8.0,
            _draw_uneven,
            repeats=4,
            holds=_right_support,
        ),
        Property(
            "uneven",
            "probabilities are right when states allow different numbers of actions and some "
            "moves are impossible",
            5.0,
            _draw_uneven,
            repeats=4,
            holds=_same_posterior,
        ),
        Property(
            "deterministic",
            "probabilities are right when the dynamics are deterministic",
            3.0,
            _draw_deterministic_control,
            repeats=4,
            holds=_same_posterior,
        ),
        Property(
            "one step",
            "one step (T = 1) is right",
            2.0,
            _draw_one_step_posterior,
            repeats=4,
            holds=_same_posterior,
        ),
        Property(
            "single",
            "a problem with one state, or with one action, is right",
            2.0,
            _draw_single_posterior,
            repeats=30,
            holds=_same_posterior,
        ),
        Property(
            "large",
            "rewards near -800 give the right posterior: nothing underflows",
            4.0,
            _draw_large,
            repeats=2,
            holds=_same_posterior,
        ),
        Property(
            "never optimal",
            "a reward of -inf removes the trajectories that earn it, and no others",
            2.0,
            _draw_never_optimal,
            repeats=6,
            holds=_same_posterior,
        ),
    ),
    misconceptions=(
        Misconception(
            "prior returned",
            _weighted_by(lambda pieces: pieces.prior),
            "These are the probabilities before anything is known about optimality, p(tau). "
            "Conditioning on O_1 = … = O_T = 1 multiplies each by exp(return) and divides by the "
            "sum over all trajectories.",
            f"{_PAGE}#conditioning-on-optimality",
        ),
        Misconception(
            "return not exponentiated",
            _giving(lambda pieces: _shares(np.exp(pieces.prior) * pieces.total)),
            "The trajectories are weighted by their return. The probability of being optimal at "
            "every step is a product of exp(r), so the weight is exp of the return. (With r <= 0 "
            "a weight proportional to the return even prefers the worse trajectory.)",
            f"{_PAGE}#mc-proportional",
        ),
        Misconception(
            "first reward missing",
            _weighted_by(lambda pieces: pieces.rewards[:, 1:].sum(axis=1) + pieces.prior),
            "The first step's reward is missing. The optimality variables are O_1 to O_T, one "
            "hung on each step, so the return sums r from t = 1.",
            f"{_PAGE}#the-optimality-variable",
        ),
        Misconception(
            "last reward missing",
            _weighted_by(lambda pieces: pieces.rewards[:, :-1].sum(axis=1) + pieces.prior),
            "The last step's reward is missing. No state follows the last action, but the action "
            "is taken and O_T hangs on it: the return sums r up to t = T.",
            f"{_PAGE}#the-optimality-variable",
        ),
        Misconception(
            "not normalised",
            _giving(lambda pieces: np.exp(pieces.prior + pieces.total)),
            "This is the joint probability p(tau, O = 1). The posterior is the joint divided by "
            "the evidence p(O = 1), the sum of the joint over all trajectories.",
            f"{_PAGE}#conditioning-on-optimality",
        ),
        Misconception(
            "action prior missing",
            _weighted_by(lambda pieces: pieces.first + pieces.moves + pieces.total),
            "The prior of the actions is missing from the weights. It cancels only where every "
            "state allows the same number of actions with equal probability; otherwise it is "
            "part of p(tau).",
            f"{_PAGE}#mc-drop-prior",
        ),
        Misconception(
            "transitions missing",
            _weighted_by(lambda pieces: pieces.first + pieces.choices + pieces.total),
            "The transition probabilities are missing from the weights. Being feasible is not "
            "enough: a move of probability 0.01 makes its trajectory a hundred times less "
            "likely than a certain move does. Only deterministic dynamics hide the difference.",
            f"{_PAGE}#mc-equally-likely",
        ),
        Misconception(
            "initial distribution missing",
            _weighted_by(lambda pieces: pieces.choices + pieces.moves + pieces.total),
            "The initial distribution is missing from the weights: the first state has a "
            "probability as well, and optimality does not erase it.",
            f"{_PAGE}#the-picture",
            example=_TWO_STARTS,
        ),
        Misconception(
            "all feasible trajectories equally likely",
            _weighted_by(lambda pieces: pieces.total),
            "All feasible trajectories are treated as equally likely beforehand. That holds only "
            "for deterministic dynamics, one starting state and a uniform action prior with the "
            "same number of actions everywhere. In general the weight is p(tau) exp(return).",
            f"{_PAGE}#mc-equally-likely",
        ),
        Misconception(
            "impossible trajectories included",
            _impossible_included,
            "Every sequence of states and actions got a weight, also those that cannot happen. "
            "The energy of a trajectory does not know the dynamics: the prior p(tau) does, and "
            "it multiplies exp(return).",
            f"{_PAGE}#mc-equally-likely",
        ),
        Misconception(
            "rewards averaged",
            _weighted_by(lambda pieces: pieces.rewards.mean(axis=1) + pieces.prior),
            "The rewards are averaged over the steps. Each step's optimality contributes a factor "
            "exp(r), and a product of factors is exp of a sum: the return is not divided by T.",
            f"{_PAGE}#conditioning-on-optimality",
        ),
        Misconception(
            "one step at a time",
            _giving(_one_step_at_a_time),
            "Each action is conditioned on its own step being optimal, p(a_t | s_t, O_t = 1), and "
            "the results are multiplied. But the condition is on all steps at once: an action now "
            "is judged also by where it leads. Only the whole product is normalised, once, over "
            "trajectories.",
            f"{_PAGE}#the-policy-that-conditioning-implies",
        ),
        Misconception(
            "sign of the energy",
            _weighted_by(lambda pieces: pieces.prior - pieces.total),
            "The worse trajectories get the larger probability. The energy of a trajectory is "
            "minus its return and the weight is exp(-energy): the two signs cancel.",
            f"{_PAGE}#mc-energy",
        ),
        Misconception(
            "best trajectory only",
            _giving(_best_only),
            "All probability went to the most probable trajectory. Conditioning is not "
            "maximising: good but imperfect trajectories keep some probability, and that is what "
            "optimal control throws away.",
            f"{_PAGE}#what-the-maximum-leaves-out",
        ),
        Misconception(
            "logarithms returned",
            _giving(lambda pieces: safe_log(pieces.posterior)),
            "These are the logarithms of the right probabilities. Work in logarithms, but take "
            "the exponential at the end: the problem asks for probabilities.",
            f"{_PAGE}#conditioning-on-optimality",
        ),
        Misconception(
            "exponential underflows",
            _giving(lambda pieces: _shares(np.exp(pieces.prior + pieces.total))),
            "The formula is right, but exp(-1600) is 0 in floating point, and 0 / 0 is NaN. The "
            "posterior depends only on differences of log-weights: subtract the largest "
            "log-weight from all of them before taking the exponential.",
            f"{_PAGE}#conditioning-on-optimality",
            example=_LOW_REWARDS,
        ),
    ),
    example={
        "P": np.array([[[0.5, 0.5], [0.1, 0.9]], [[0.3, 0.7], [0.8, 0.2]]]),
        "R": np.array([[-1.0, -0.2], [-0.5, -2.0]]),
        "mu0": np.array([0.75, 0.25]),
        "rho": np.array([[0.25, 0.75], [1.0, 0.0]]),
        "T": 2,
    },
    section=f"{_PAGE}#conditioning-on-optimality",
    rtol=_CLOSE["posterior_enumerate"][0],
    atol=_CLOSE["posterior_enumerate"][1],
)


# p_not_optimal: inputs


def _draw_actions(rng: Rng) -> Inputs:
    S, A = int(rng.integers(4, 7)), int(rng.integers(3, 5))
    return {"R": _rewards(rng, S, A), "rho": _distribution(rng, S, A)}


def _draw_forbidden(rng: Rng) -> Inputs:
    R, rho = _draw_actions(rng).values()
    harsh = rng.random(R.shape)
    R = np.where(harsh < 0.3, -np.inf, np.where(harsh < 0.5, -900.0, R))
    R[0, 0], rho_thin = -np.inf, _thinned(rng, rho)
    rho_thin[0] = rho[0]
    return {"R": R, "rho": rho_thin}


def _draw_optimal(rng: Rng) -> Inputs:
    R, rho = _draw_actions(rng).values()
    R = np.where(rng.random(R.shape) < 0.4, 0.0, R)
    R[0] = 0.0
    R[1, 0], R[1, 1:] = 0.0, -rng.uniform(0.1, 3.0, size=R.shape[1] - 1)
    R[2, 0], rho[2] = 0.0, np.eye(R.shape[1])[0]
    return {"R": R, "rho": rho}


def _draw_tiny(rng: Rng) -> Inputs:
    """Rows at three levels, to tell apart what loses digits and what takes them for zero."""
    R, rho = _draw_actions(rng).values()
    R[:3] *= 10.0 ** -rng.uniform([[18.0], [9.5], [15.3]], [[25.0], [10.5], [15.7]])
    return {"R": R, "rho": rho}


def _draw_single_table(rng: Rng) -> Inputs:
    S, A = ((1, 3), (3, 1))[rng.integers(2)]
    return {"R": _rewards(rng, S, A), "rho": _distribution(rng, S, A)}


# p_not_optimal: reference, reading, wrong ideas


def _p_not_optimal(R: Array, rho: Array) -> Array:
    from cs_infer import action_given_not_optimal

    S, A = R.shape
    P = np.full((S, A, S), 1.0 / S)
    return action_given_not_optimal(_mdp(P, R, np.full(S, 1.0 / S), rho, 1))[0]


def _read_policy(inputs: Inputs, answer: Any) -> Array:
    return _probabilities(answer, inputs["R"].shape, "p(a | s, O = 0)")


def _same_rows(inputs: Inputs, answer: Array) -> str | None:
    """Like the comparison with the reference; a row with a wrong sum is pointed out."""
    expected = _p_not_optimal(**inputs)
    fault = differ(answer, expected, *_CLOSE["p_not_optimal"])
    mine, theirs = answer.sum(axis=1), expected.sum(axis=1)
    off = np.flatnonzero(~(np.abs(mine - theirs) < 1e-3))
    if fault is None or not len(off):
        return fault
    row = off[0]
    return f"{fault}; row {row} sums to {mine[row]:.6g}, not to {theirs[row]:.0f}"


def _rows(weight: Array) -> Array:
    """Each row divided by its sum; rows of zeros stay."""
    total = weight.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.where(total == 0, 0.0, weight / np.where(total == 0, 1.0, total))


def _given_optimal(R: Array, rho: Array) -> Array:
    return _rows(rho * np.exp(R))


def _complement(R: Array, rho: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return (1 - _given_optimal(R, rho)) / np.float64(R.shape[1] - 1)


def _plain_complement(R: Array, rho: Array) -> Array:
    return 1 - _given_optimal(R, rho)


def _minus_reward(R: Array, rho: Array) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        return _rows(rho * np.exp(-R))


def _proportional(R: Array, rho: Array) -> Array:
    with np.errstate(invalid="ignore"):
        return _rows(rho * -R)


def _joint(R: Array, rho: Array) -> Array:
    return rho * (0.0 - np.expm1(R))


def _no_prior(R: Array, rho: Array) -> Array:
    return _rows(0.0 - np.expm1(R))


def _over_all_states(R: Array, rho: Array) -> Array:
    joint = _joint(R, rho)
    return joint / joint.sum()


def _cancelled(R: Array, rho: Array) -> Array:
    return _rows(rho * (1 - np.exp(R)))


def _with_added(small: float) -> Callable[..., Array]:
    """The wrong solution that adds a small number to the divisor."""

    def wrong(R: Array, rho: Array) -> Array:
        joint = _joint(R, rho)
        return joint / (joint.sum(axis=1, keepdims=True) + small)

    return wrong


def _small_for_zero(R: Array, rho: Array) -> Array:
    joint = _joint(R, rho)
    return _rows(np.where(joint.sum(axis=1, keepdims=True) <= 1e-8, 0.0, joint))


def _zero_by_zero(R: Array, rho: Array) -> Array:
    joint = _joint(R, rho)
    with np.errstate(invalid="ignore"):
        return joint / joint.sum(axis=1, keepdims=True)


def _prior_where_certain(R: Array, rho: Array) -> Array:
    right = _p_not_optimal(R, rho)
    return np.where(right.sum(axis=1, keepdims=True) == 0, rho, right)


_NEARLY_CERTAIN = {"R": np.array([[-1e-20, -3e-20]]), "rho": np.array([[0.5, 0.5]])}

P_NOT_OPTIMAL = Problem(
    name="p_not_optimal",
    title="Problem 3: what a failure says about the action",
    reference=_p_not_optimal,
    read=_read_policy,
    properties=(
        Property(
            "values",
            "p(a | s, O = 0) is right for ordinary rewards",
            14.0,
            _draw_actions,
            holds=_same_rows,
        ),
        Property(
            "forbidden",
            "forbidden actions keep probability zero, and rewards of -900 or -inf do no harm",
            8.0,
            _draw_forbidden,
            holds=_same_rows,
        ),
        Property(
            "certain",
            "an action that is certain to be optimal is never blamed; a state where all allowed "
            "actions are certain has a row of zeros",
            5.0,
            _draw_optimal,
            holds=_same_rows,
        ),
        Property(
            "tiny",
            "rewards as close to 0 as -1e-20 keep their digits",
            5.0,
            _draw_tiny,
            repeats=3,
            holds=_same_rows,
        ),
        Property(
            "single",
            "a problem with one state, or with one action, is right",
            3.0,
            _draw_single_table,
            repeats=16,
            holds=_same_rows,
        ),
    ),
    misconceptions=(
        Misconception(
            "failure is random",
            lambda R, rho: rho.copy(),
            "This is the action prior: it says that a failure tells nothing about the action. "
            "But a bad action fails more often, so a failure makes bad actions more likely. By "
            "Bayes' rule each action's prior is multiplied by its probability of failing, "
            "p(O = 0 | s, a) = 1 - exp(r).",
            f"{_PAGE}#mc-not-optimal",
        ),
        Misconception(
            "failure is uniform",
            lambda R, rho: np.full(R.shape, 1.0 / R.shape[1]),
            "A failure does not make the agent choose with equal probabilities. O = 0 is an "
            "observation about the action that was taken: bad actions become more likely.",
            f"{_PAGE}#mc-not-optimal",
        ),
        Misconception(
            "conditioned on success",
            _given_optimal,
            "This is p(a | s, O = 1), the action given success. For O = 0 the likelihood is the "
            "other one of the pair: p(O = 0 | s, a) = 1 - exp(r).",
            f"{_PAGE}#mc-not-optimal",
        ),
        Misconception(
            "complement of the answer for success",
            _complement,
            "1 - p(a | s, O = 1) is the probability that a different action was taken, given "
            "success. The complement belongs inside Bayes' rule, in the likelihood of the "
            "observation: p(O = 0 | s, a) = 1 - p(O = 1 | s, a).",
            f"{_PAGE}#mc-not-optimal",
        ),
        Misconception(
            "complement, not normalised",
            _plain_complement,
            "1 - p(a | s, O = 1) is the probability that a different action was taken, given "
            "success, and these do not sum to one over the actions. The complement belongs inside "
            "Bayes' rule: p(O = 0 | s, a) = 1 - p(O = 1 | s, a).",
            f"{_PAGE}#mc-not-optimal",
        ),
        Misconception(
            "reward with the other sign",
            _minus_reward,
            "exp(-r) is not a probability: for r < 0 it is larger than one. O has two values "
            "whose probabilities sum to one, so p(O = 0 | s, a) = 1 - exp(r).",
            f"{_PAGE}#mc-not-optimal",
        ),
        Misconception(
            "proportional to the reward",
            _proportional,
            "The probability of failing is 1 - exp(r), not -r. The two agree when r is close to "
            "0, and differ more the worse the action is: a probability cannot exceed one.",
            f"{_PAGE}#mc-not-optimal",
        ),
        Misconception(
            "action prior missing",
            _no_prior,
            "The action prior is missing. An action that is rarely taken is rarely to blame, and "
            "a forbidden one never: weigh each probability of failing with rho(a | s).",
            f"{_PAGE}#mc-not-optimal",
        ),
        Misconception(
            "not normalised",
            _joint,
            "This is the joint probability p(a, O = 0 | s). Divide each row by its sum, "
            "p(O = 0 | s), to condition on the failure.",
            f"{_PAGE}#mc-not-optimal",
        ),
        Misconception(
            "normalised over states as well",
            _over_all_states,
            "The sum that divides runs over states here. The state is given, on the right of the "
            "bar: each state has a distribution of its own, so each row sums to one, and the sum "
            "runs over the actions of that row alone.",
            f"{_PAGE}#mc-not-optimal",
        ),
        Misconception(
            "digits cancel",
            _cancelled,
            "The formula is right, but 1 - exp(r) loses all its digits when r is close to 0: "
            "exp(-1e-20) rounds to exactly 1. np.expm1(r) computes exp(r) - 1 without that loss.",
            f"{_PAGE}#mc-not-optimal",
            example=_NEARLY_CERTAIN,
        ),
        *(
            Misconception(
                f"{small:g} added to the divisor",
                _with_added(small),
                "A small number is added to the sum that divides, so that it is never 0. Where "
                "rewards are close to 0 the sum itself is smaller than that number, and the row "
                "no longer sums to one. Divide where the sum is above 0, and put zeros elsewhere.",
                f"{_PAGE}#mc-not-optimal",
                example=_NEARLY_CERTAIN,
            )
            for small in (1e-8, 1e-10, 1e-12)
        ),
        Misconception(
            "a small sum taken for zero",
            _small_for_zero,
            "A row is set to zeros where its sum is merely small (np.isclose counts everything "
            "below 1e-8 as 0). A failure that is improbable can happen all the same, and then it "
            "says something about the action. Only a sum of exactly 0 has nothing to say.",
            f"{_PAGE}#mc-not-optimal",
            example=_NEARLY_CERTAIN,
        ),
        Misconception(
            "zero divided by zero",
            _zero_by_zero,
            "In a state where every allowed action is certain to be optimal, O = 0 has probability "
            "0, and dividing by it gives 0 / 0, which is NaN. Nothing can be conditioned on an "
            "impossible event; the problem asks for a row of zeros in such a state.",
            f"{_PAGE}#mc-not-optimal",
            example={"R": np.array([[0.0, 0.0]]), "rho": np.array([[0.4, 0.6]])},
        ),
        Misconception(
            "prior where failure is impossible",
            _prior_where_certain,
            "In a state where every allowed action is certain to be optimal, O = 0 cannot be "
            "observed, and there is no distribution to give. The problem asks for a row of zeros "
            "there: it cannot be taken for a distribution by mistake.",
            f"{_PAGE}#mc-not-optimal",
            example={"R": np.array([[0.0, 0.0]]), "rho": np.array([[0.4, 0.6]])},
        ),
    ),
    example={
        "R": np.array([[0.0, -0.5, -2.0], [-1.0, -0.1, -3.0]]),
        "rho": np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]),
    },
    section=f"{_PAGE}#mc-not-optimal",
    rtol=_CLOSE["p_not_optimal"][0],
    atol=_CLOSE["p_not_optimal"][1],
)


ASSIGNMENT = Assignment(
    name="graphical_model",
    title="Assignment 1: build the model and condition on it",
    problems=(TRAJ_LOGPROB, POSTERIOR_ENUMERATE, P_NOT_OPTIMAL),
    withheld=("trajectories", "messages", "sampling", "optimality"),
    limits=Limits(cell_seconds=10.0, call_seconds=5.0),
)
