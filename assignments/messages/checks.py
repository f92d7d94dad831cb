"""The checks of assignment 2: what is asked, on which inputs, and known wrong ideas.

``check("log_backward", log_backward)`` in the notebook reads this file. The
grader uses the same properties on inputs of its own.

How exact must an answer be? The tolerances follow from the conditioning of
each problem, so that float32 arithmetic passes:

* A message near -20,000 is held by a float32 to 1e-3, and a few operations
  lose a few times that: 1e-6 of a message is allowed, and 2e-4 for small ones.
* Over 1,000 steps one rounding a step adds up to at most 1,000 * 6e-8 = 6e-5
  of the message: 1e-4 is allowed there.
* A policy and a marginal are exponentials of differences of messages. The
  absolute error of a logarithm is the relative error of a probability. The
  messages given there go down to -8,000, which a float32 holds to 2.5e-4, and
  four roundings make 1e-3: 3e-3 is allowed.

No wrong idea of the catalogue comes near these on the inputs drawn here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cs_infer.judge.answers import AnswerError, as_array
from cs_infer.judge.problem import (
    Assignment,
    Inputs,
    Limits,
    Misconception,
    Problem,
    Property,
)
from cs_infer.log_space import log_expect, logsumexp, normalise, safe_log

Array = np.ndarray
Rng = np.random.Generator
Pair = tuple[Array, Array]

_PAGE = "messages.html"
_LONG = 1000

_LOGARITHM = (1e-6, 2e-4)  # relative and absolute tolerance, as explained above
_LONG_LOGARITHM = (1e-4, 2e-4)
_PROBABILITY = (3e-3, 1e-7)


# Drawing problems


def _distribution(rng: Rng, *shape: int) -> Array:
    """Random distributions along the last axis, every entry positive."""
    return rng.dirichlet(np.full(shape[-1], 2.0), size=shape[:-1])


def _certain(rng: Rng, p: Array) -> Array:
    """One random entry of each distribution made certain."""
    sure = np.zeros_like(p)
    np.put_along_axis(sure, rng.integers(p.shape[-1], size=(*p.shape[:-1], 1)), 1.0, axis=-1)
    return sure


def _thinned(rng: Rng, p: Array) -> Array:
    """The distributions, some entries of each set to zero, at least one kept."""
    keep = (rng.random(p.shape) < 0.6) | (_certain(rng, p) > 0)
    thin = np.where(keep, p, 0.0)
    return thin / thin.sum(axis=-1, keepdims=True)


def _rewards(rng: Rng, *shape: int) -> Array:
    return -rng.uniform(0.1, 3.0, size=shape)


def _dense(rng: Rng, S: int, A: int, T: int) -> dict[str, Any]:
    """A problem in which everything is possible."""
    return {
        "P": _distribution(rng, S, A, S),
        "R": _rewards(rng, S, A),
        "rho": _distribution(rng, S, A),
        "mu0": _distribution(rng, S),
        "T": T,
    }


def _sparse(rng: Rng, S: int, A: int, T: int, deterministic: bool = False) -> dict[str, Any]:
    """A problem with impossible starts, actions and moves.

    State 0 allows one action and state 1 allows all of them, so the number of
    allowed actions always varies. A state with two ways to go on is left, so
    that there is something to average.
    """
    problem = _dense(rng, S, A, T)
    P, rho, mu0 = problem["P"], problem["rho"], problem["mu0"].copy()
    thin = _certain(rng, P) if deterministic else _thinned(rng, P)
    if not deterministic:
        thin[1, 0] = P[1, 0]
    few = _thinned(rng, rho)
    few[0], few[1] = _certain(rng, rho[0]), rho[1]
    mu0[rng.integers(2, S)] = 0.0
    return problem | {"P": thin, "rho": few, "mu0": mu0 / mu0.sum()}


def _sizes(rng: Rng) -> tuple[int, int, int]:
    """Numbers of states, actions and steps."""
    return int(rng.integers(3, 6)), int(rng.integers(2, 5)), int(rng.integers(3, 7))


def _any(rng: Rng) -> dict[str, Any]:
    return _dense(rng, *_sizes(rng))


def _uneven(rng: Rng) -> dict[str, Any]:
    return _sparse(rng, *_sizes(rng))


def _deterministic(rng: Rng) -> dict[str, Any]:
    return _sparse(rng, *_sizes(rng), deterministic=True)


def _one_way(rng: Rng) -> dict[str, Any]:
    """The same, and nothing leads to the last state."""
    problem = _deterministic(rng)
    _redirect(problem["P"], -1, 0)
    return problem


def _redirect(P: Array, where: int, instead: int) -> None:
    """What led to one state leads to another."""
    P[:, :, instead] += P[:, :, where]
    P[:, :, where] = 0.0


def _one_step(rng: Rng) -> dict[str, Any]:
    S, A, _ = _sizes(rng)
    return _sparse(rng, S, A, 1)


def _changing(rng: Rng) -> dict[str, Any]:
    """Rewards of their own at every step."""
    S, A, T = _sizes(rng)
    return _dense(rng, S, A, T) | {"R": _rewards(rng, T, S, A)}


def _trapped(rng: Rng) -> dict[str, Any]:
    """State 0 is a trap: nothing is optimal there. In state 1, action 0 leads to it for certain.

    State 2 never meets the trap, so the messages there stay finite.
    """
    S, A, T = _sizes(rng)
    problem = _sparse(rng, S, A, T)
    P, R, rho = problem["P"], problem["R"], problem["rho"]
    P[1, 0] = np.eye(S)[0]
    P[2] = np.eye(S)[2]
    R[0], R[1, 1] = -np.inf, -np.inf
    rho[2] = _distribution(rng, A)
    return problem


def _sealed(rng: Rng) -> dict[str, Any]:
    """The same, with one state more, to which only the trap leads."""
    problem = _trapped(rng)
    S, A = problem["rho"].shape
    P, R = np.zeros((S + 1, A, S + 1)), np.zeros((S + 1, A))
    P[:S, :, :S], R[:S] = problem["P"], problem["R"]
    P[0], P[S] = np.eye(S + 1)[S], np.eye(S + 1)[2]
    rho = np.vstack([problem["rho"], problem["rho"][2]])
    return problem | {"P": P, "R": R, "rho": rho, "mu0": np.append(problem["mu0"], 0.0)}


def _escaped(rng: Rng) -> dict[str, Any]:
    """The same, starting where the trap is never met half of the time."""
    problem = _trapped(rng)
    return problem | {"mu0": (problem["mu0"] + np.eye(len(problem["mu0"]))[2]) / 2}


def _low(rng: Rng) -> dict[str, Any]:
    S, A, _ = _sizes(rng)
    problem = _dense(rng, S, A, 2)
    return problem | {"R": 3 * problem["R"] - rng.uniform(7000.0, 9990.0)}


def _rather_low(rng: Rng) -> dict[str, Any]:
    """Low enough to underflow, and near enough to 0 for the digits of a float32."""
    S, A, _ = _sizes(rng)
    problem = _sparse(rng, S, A, 2)
    return problem | {"R": problem["R"] - rng.uniform(3000.0, 4000.0)}


def _low_and_lower(rng: Rng) -> dict[str, Any]:
    """Low, and all states but two are worse by far."""
    problem = _dense(rng, int(rng.integers(5, 7)), int(rng.integers(2, 5)), 2)
    problem["R"] -= rng.uniform(3000.0, 4000.0)
    problem["R"][2:] -= rng.uniform(1500.0, 2000.0)
    return problem


def _high(rng: Rng) -> dict[str, Any]:
    S, A, T = _sizes(rng)
    problem = _dense(rng, S, A, T)
    return problem | {"R": 3 * problem["R"] + rng.uniform(800.0, 1000.0)}


def _far_apart(rng: Rng) -> dict[str, Any]:
    """The last state is a pit: it is costly, it leads to itself, nothing else leads there."""
    S, A, T = _sizes(rng)
    problem = _dense(rng, S, A, T)
    P, R = problem["P"], problem["R"]
    P[:, :, -1] = 0.0
    P /= P.sum(axis=-1, keepdims=True)
    P[-1] = np.eye(S)[-1]
    R[-1] -= rng.uniform(1000.0, 2000.0)
    return problem


def _long(rng: Rng) -> dict[str, Any]:
    problem = _dense(rng, 4, 3, _LONG)
    return problem | {"R": problem["R"] - 1.0}


def _single(rng: Rng) -> dict[str, Any]:
    several = int(rng.integers(2, 5))
    S, A = (1, several) if rng.random() < 0.5 else (several, 1)
    return _dense(rng, S, A, int(rng.integers(2, 5)))


def _hopeless(rng: Rng) -> dict[str, Any]:
    """Every path leads into a trap: optimality at all steps is impossible."""
    S, A, T = _sizes(rng)
    problem = _dense(rng, S, A, T)
    P, R = problem["P"], problem["R"]
    P[:] = np.eye(S)[0]
    R[0] = -np.inf
    return problem | {"mu0": np.eye(S)[1]}


Draw = Callable[[Rng], dict[str, Any]]


def _asking(draw: Draw, *names: str) -> Callable[[Rng], Inputs]:
    """The arguments of a function that gets these parts of the problem."""

    def drawn(rng: Rng) -> Inputs:
        problem = draw(rng)
        return {name: problem[name] for name in names}

    return drawn


# The library, asked with the arguments of this assignment


def _mdp(P: Array, R: Array, rho: Array, T: int, mu0: Array | None = None) -> Any:
    from cs_infer import TabularMDP

    start = np.full(len(rho), 1.0 / len(rho)) if mu0 is None else mu0
    return TabularMDP.from_arrays(
        transition=P, reward=R, initial=start, action_prior=rho, horizon=T
    )


def _log_backward(P: Array, R: Array, rho: Array, T: int) -> Pair:
    from cs_infer import backward_messages

    messages = backward_messages(_mdp(P, R, rho, T))
    return messages.log_beta_sa, messages.log_beta_s


def _forward(P: Array, R: Array, rho: Array, mu0: Array, T: int) -> Array:
    from cs_infer import forward_messages

    return forward_messages(_mdp(P, R, rho, T, mu0)).log_forward


def _policy(log_beta_sa: Array, log_beta_s: Array, rho: Array) -> Array:
    return normalise(safe_log(rho) + log_beta_sa, axis=2)


def _smooth(log_forward: Array, log_beta_s: Array) -> Array:
    return normalise(log_forward + log_beta_s, axis=1)


def _at(R: Array, t: int) -> Array:
    """The rewards of step t, whether they change with the step or not."""
    return R[t] if R.ndim == 3 else R


# Comparing


def _expected(reference: Callable[..., Any], inputs: Inputs) -> Any:
    return reference(**inputs)


def _wrong(mine: Array, theirs: Array, close: tuple[float, float]) -> Array:
    """Where an answer is wrong: an infinity equals itself and nothing else."""
    rtol, atol = close
    with np.errstate(invalid="ignore"):
        gap = np.where(mine == theirs, 0.0, np.abs(mine - theirs))
    return ~(gap <= atol + rtol * np.where(np.isfinite(theirs), np.abs(theirs), 0.0))


def _place(what: str, index: tuple[int, ...]) -> str:
    """Where in the array, and which step that is: arrays count from 0, steps from 1."""
    return f"{what}[{', '.join(map(str, index))}] (step {index[0] + 1})"


def _entry(what: str, mine: Array, theirs: Array, index: tuple[int, ...]) -> str:
    place = _place(what, index)
    said = f"{place} is {mine[index]:.6g} where {theirs[index]:.6g} is expected"
    if theirs[index] == -np.inf and mine[index] > -np.inf:
        return f"{said}: the logarithm of zero, not of a small number"
    if mine[index] == -np.inf:
        return f"{said}: rare is not impossible"
    return said


def _first(wrong: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(wrong)[0])


# log_backward


def _read_messages(inputs: Inputs, answer: Any) -> Pair:
    """Both messages; entries of forbidden actions, which nobody looks at, are set to 0."""
    S, A = inputs["rho"].shape
    T = inputs["T"]
    two = isinstance(answer, (tuple, list)) and len(answer) == 2
    if not two:
        kind = "None" if answer is None else f"a {type(answer).__name__}"
        if isinstance(answer, (tuple, list)):
            kind = f"a {type(answer).__name__} of {len(answer)}"
        raise AnswerError(
            f"the answer must be a pair of arrays (log_beta_sa, log_beta_s); it is {kind}"
        )
    first, second = answer
    if np.ndim(_shaped(first)) == 2 and np.ndim(_shaped(second)) == 3:
        raise AnswerError("the order is log_beta_sa, log_beta_s; the two are exchanged")
    _no_extra_step(_shaped(second), T, "log_beta_s", ", which is the base case and no answer")
    log_beta_sa = as_array(first, (T, S, A), "log_beta_sa")
    log_beta_s = as_array(second, (T, S), "log_beta_s")
    return np.where(inputs["rho"] > 0, log_beta_sa, 0.0), log_beta_s


def _shaped(part: Any) -> Any:
    """The part as an array if it can be one, to look at its shape."""
    try:
        return np.asarray(part)
    except Exception:  # an odd object may fail in any way
        return None


def _no_extra_step(array: Any, T: int, what: str, remark: str = "") -> None:
    shape = getattr(array, "shape", ())
    if len(shape) == 2 and shape[0] == T + 1:
        raise AnswerError(
            f"{what} has {T + 1} steps and must have {T}: leave out the step after the last one"
            + remark
        )


def _same_messages(close: tuple[float, float]) -> Callable[[Inputs, Pair], str | None]:
    """Like the comparison with the reference; says at which step things begin to go wrong."""

    def holds(inputs: Inputs, answer: Pair) -> str | None:
        expected = _read_messages(inputs, _expected(_log_backward, inputs))
        wrong_sa, wrong_s = (_wrong(m, t, close) for m, t in zip(answer, expected, strict=True))
        steps = np.flatnonzero(wrong_sa.any(axis=(1, 2)) | wrong_s.any(axis=1))
        if not len(steps):
            return None
        t, T = int(steps[-1]), inputs["T"]
        part = 0 if wrong_sa[t].any() else 1
        what = ("log_beta_sa", "log_beta_s")[part]
        index = (t, *_first((wrong_sa, wrong_s)[part][t]))
        after = "" if t == T - 1 else f"; later steps (the recursion does them first, T = {T}) hold"
        return _entry(what, answer[part], expected[part], index) + after

    return holds


def _soft_ahead(P: Array, v: Array) -> Array:
    return log_expect(P, v, axis=2)


def _soft_over(q: Array, rho: Array) -> Array:
    return log_expect(rho, q, axis=1)


def _backwards(
    ahead: Callable[[Array, Array], Array] = _soft_ahead,
    over: Callable[[Array, Array], Array] = _soft_over,
    reward: Callable[[Array, int, int], Array] = lambda R, t, T: _at(R, t),
    last: float = 0.0,
) -> Callable[..., Pair]:
    """The wrong solution that looks ahead, sums over actions, … in its own way."""

    def wrong(P: Array, R: Array, rho: Array, T: int) -> Pair:
        q, v = np.empty((T, *rho.shape)), np.empty((T, len(rho)))
        v_next = np.full(len(rho), last)
        with np.errstate(all="ignore"):
            for t in reversed(range(T)):
                q[t] = reward(R, t, T) + ahead(P, v_next)
                v[t] = v_next = over(q[t], rho)
        return q, v

    return wrong


def _from_messages(change: Callable[[Array, Array, Array], Pair]) -> Callable[..., Pair]:
    """The wrong solution that makes this of the right messages and the prior."""

    def wrong(P: Array, R: Array, rho: Array, T: int) -> Pair:
        with np.errstate(all="ignore"):
            return change(*_log_backward(P, R, rho, T), rho)

    return wrong


def _best_successor(P: Array, v: Array) -> Array:
    return np.max(np.where(P > 0, v, -np.inf), axis=2)


def _log_of_sum(weight: Array, x: Array, axis: int) -> Array:
    """log sum weight exp(x), without a shift."""
    return np.log(np.sum(weight * np.exp(x), axis=axis))


def _one_shift(weight: Array, x: Array, axis: int) -> Array:
    """log sum weight exp(x), with one shift for the whole array."""
    top = np.max(x)
    shift = top if np.isfinite(top) else 0.0
    return _log_of_sum(weight, x - shift, axis) + shift


def _peak(x: Array, axis: int) -> Array:
    """The largest of each, 0 where that is -inf."""
    top = np.max(x, axis=axis)
    return np.where(np.isfinite(top), top, 0.0)


def _unguarded(weight: Array, x: Array, axis: int) -> Array:
    """log sum weight exp(x), shifted by the maximum even where that is -inf."""
    terms = safe_log(weight) + x
    shift = np.max(terms, axis=axis, keepdims=True)
    return np.log(np.sum(np.exp(terms - shift), axis=axis)) + np.squeeze(shift, axis=axis)


def _softmax_average(q: Array, rho: Array) -> Array:
    pi = normalise(safe_log(rho) + q, axis=1)
    return np.sum(pi * np.where(pi > 0, q, 0.0), axis=1)


def _per_state(rest: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda q, rho: rest(q)


def _own_reward_late(P: Array, R: Array, rho: Array, T: int) -> Pair:
    """The reward joins when the actions are summed, not in the message of the action."""
    _, v = _log_backward(P, R, rho, T)
    ahead = [log_expect(P, v_next, axis=2) for v_next in (*v[1:], np.zeros(len(rho)))]
    return np.array(ahead), v


def _distribution_over_states(P: Array, R: Array, rho: Array, T: int) -> Pair:
    """Both messages scaled so that those of the states sum to one."""
    q, v = _log_backward(P, R, rho, T)
    total = logsumexp(v, axis=1)[:, None]
    scale = np.where(np.isfinite(total), total, 0.0)
    return q - scale[:, :, None], v - scale


_SMALL = {
    "P": np.array([[[0.5, 0.5], [0.1, 0.9]], [[0.3, 0.7], [0.8, 0.2]]]),
    "R": np.array([[-1.0, -0.2], [-0.5, -2.0]]),
    "rho": np.array([[0.25, 0.75], [0.6, 0.4]]),
    "T": 2,
}
_DEEP = _SMALL | {"R": np.array([[-1000.0, -1001.0], [-1002.0, -1000.0]]), "T": 1}
_PIT = {
    "P": np.array([[[1.0, 0.0]], [[0.0, 1.0]]]),
    "R": np.array([[-1.0], [-800.0]]),
    "rho": np.array([[1.0], [1.0]]),
    "T": 2,
}
_DEAD_END = {
    "P": np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]),
    "R": np.array([[-1.0, -0.2], [-np.inf, -np.inf]]),
    "rho": np.array([[0.25, 0.75], [0.6, 0.4]]),
    "T": 2,
}
_CHANGING = _SMALL | {"R": np.array([[[-1.0, -0.2], [-0.5, -2.0]], [[-3.0, -0.1], [-0.7, -1.0]]])}

_RECURSION = f"{_PAGE}#where-the-recursion-comes-from"
_ENDS = f"{_PAGE}#mc-fence-post-messages"
_PRIOR = f"{_PAGE}#habits-the-action-prior"
_LOG_PRIOR = f"{_PAGE}#mc-log-prior"
_SUMS = f"{_PAGE}#mc-thirty-two"
_CANCELS = f"{_PAGE}#mc-cancels"
_SOFT = f"{_PAGE}#the-logarithm-is-a-bellman-equation"
_LUCK = f"{_PAGE}#value-iteration-and-its-soft-version"
_ADVANTAGE = f"{_PAGE}#the-advantage"
_GREEDY = f"{_PAGE}#temperature"
_TWICE = f"{_PAGE}#more-common-mistakes"
_SMOOTHING = f"{_PAGE}#past-and-future-meet"
_STORY = f"{_PAGE}#the-most-probable-story"
_STABLE = f"{_PAGE}#what-it-costs"

LOG_BACKWARD = Problem(
    name="log_backward",
    title="Problem 1: the backward messages",
    reference=_log_backward,
    read=_read_messages,
    properties=tuple(
        Property(
            name,
            statement,
            points,
            _asking(draw, "P", "R", "rho", "T"),
            repeats,
            _same_messages(_LONG_LOGARITHM if name == "long" else _LOGARITHM),
        )
        for name, statement, points, draw, repeats in (
            (
                "one step",
                "one step (T = 1) is right: the base case is a message of 1, a logarithm of 0",
                5.0,
                _one_step,
                4,
            ),
            (
                "stochastic",
                "both messages are what listing all trajectories gives, for several steps",
                10.0,
                _any,
                5,
            ),
            (
                "uneven",
                "messages are right when states allow different numbers of actions and some "
                "moves are impossible",
                5.0,
                _uneven,
                5,
            ),
            (
                "deterministic",
                "messages are right when the dynamics are deterministic",
                3.0,
                _deterministic,
                5,
            ),
            (
                "changing",
                "messages are right when the rewards change from step to step",
                4.0,
                _changing,
                4,
            ),
            (
                "impossible",
                "a message is -inf where optimality is impossible, finite elsewhere, never NaN",
                4.0,
                _trapped,
                4,
            ),
            (
                "low",
                "rewards near -10,000 keep their messages: nothing underflows",
                3.0,
                _low,
                2,
            ),
            ("high", "rewards near +1,000 keep their messages: nothing overflows", 2.0, _high, 2),
            (
                "far apart",
                "messages of states that differ by thousands of nats are all kept",
                2.0,
                _far_apart,
                3,
            ),
            ("long", f"{_LONG:,} steps are right, and in time", 1.0, _long, 1),
            ("single", "a problem with one state, or with one action, is right", 1.0, _single, 16),
        )
    ),
    misconceptions=(
        Misconception(
            "no look-ahead",
            _backwards(ahead=lambda P, v: np.zeros(P.shape[:2])),
            "Each message holds its own step alone: p(O_t = 1), not p(O_t:T = 1). Where an action "
            "leads is worth something too. The message of (s, a) is exp(r) times the expectation "
            "of the next step's message over the states that the action may reach.",
            f"{_PAGE}#mc-only-now",
        ),
        Misconception(
            "prior dropped",
            _backwards(over=_per_state(lambda q: logsumexp(q, axis=1))),
            "The actions are summed without their prior, where they should be averaged with it. "
            "With rewards of 0 every message should be 1; this sum gives A, then A * A, and a "
            "state with more actions looks better because it has more actions.",
            _SUMS,
        ),
        Misconception(
            "prior added without its logarithm",
            _backwards(over=lambda q, rho: logsumexp(q + rho, axis=1)),
            "The prior is added as it is, where its logarithm belongs. A product becomes a sum of "
            "logarithms: log(rho * beta) = log rho + log beta. Adding rho itself multiplies the "
            "message by exp(rho), and a forbidden action is then not forbidden.",
            _LOG_PRIOR,
        ),
        Misconception(
            "prior taken for uniform",
            _backwards(over=_per_state(lambda q: logsumexp(q, axis=1) - np.log(q.shape[1]))),
            "All actions are averaged with equal weights. The average of the messages beta(s, a) "
            "is taken with the prior rho(a | s), which may favour some actions and forbid others. "
            "Only a uniform prior over all actions hides the difference.",
            _PRIOR,
        ),
        Misconception(
            "allowed actions taken for equal",
            _backwards(
                over=lambda q, rho: log_expect((rho > 0) / (rho > 0).sum(1)[:, None], q, axis=1)
            ),
            "The allowed actions are averaged with equal weights. The average of the messages "
            "beta(s, a) is taken with the prior rho(a | s), which may favour some of them.",
            _PRIOR,
        ),
        Misconception(
            "prior inside the message of the action",
            _from_messages(lambda q, v, rho: (safe_log(rho) + q, v)),
            "The prior is already part of log_beta_sa. That array is the answer to 'and if the "
            "agent takes a?': p(O_t:T = 1 | s, a), with a on the right of the bar. How probable a "
            "is enters once, when the actions are summed to get log_beta_s, which is right here.",
            _PRIOR,
        ),
        Misconception(
            "maximum over actions",
            _backwards(over=_per_state(lambda q: np.max(q, axis=1))),
            "The message of a state is the maximum over its actions here. That is optimal "
            "control, which takes the best action for granted. An observer does not know which "
            "action was taken and averages: log of the sum of rho * beta over the actions.",
            _SOFT,
        ),
        Misconception(
            "maximum over allowed actions",
            _backwards(over=lambda q, rho: np.max(np.where(rho > 0, q, -np.inf), axis=1)),
            "The message of a state is the maximum over its allowed actions here. That is optimal "
            "control, which takes the best action for granted. An observer does not know which "
            "action was taken and averages: log of the sum of rho * beta over the actions.",
            _SOFT,
        ),
        Misconception(
            "average of the logarithms over actions",
            _backwards(over=lambda q, rho: np.sum(rho * np.where(rho > 0, q, 0.0), axis=1)),
            "The logarithms are averaged over the actions. Average the messages, then take the "
            "logarithm: log E[beta] is not E[log beta], which is smaller wherever the actions "
            "differ. It says how well the prior does on average in nats, not how probable "
            "success is.",
            _SOFT,
        ),
        Misconception(
            "softmax for the soft maximum",
            _backwards(over=_softmax_average),
            "The values are averaged with softmax weights. The softmax is a distribution; what is "
            "asked for here is a number with a similar name, the soft maximum: the logarithm of "
            "the expected exponential. The two differ by the divergence of that distribution "
            "from the prior.",
            _SOFT,
        ),
        Misconception(
            "best next state",
            _backwards(ahead=_best_successor),
            "The best possible next state is taken for granted. Chance decides where an action "
            "leads, so the messages of the next states are averaged with P(s' | s, a). Only "
            "deterministic dynamics hide the difference.",
            _LUCK,
        ),
        Misconception(
            "average of the logarithms over next states",
            _backwards(ahead=lambda P, v: P @ v),
            "The next states' logarithms are averaged: E[log beta] where log E[beta] is asked "
            "for. That is the backup of soft value iteration, a different question with a "
            "different answer unless the dynamics are deterministic; it comes back in chapter 3. "
            "Exact conditioning averages probabilities.",
            _LUCK,
        ),
        Misconception(
            "transition probabilities missing",
            _backwards(ahead=lambda P, v: np.broadcast_to(logsumexp(v), P.shape[:2])),
            "The messages of the next states are summed without their probabilities. The sum over "
            "s' is an expectation under P(s' | s, a). Without it every action leads everywhere "
            "at once, and a message can exceed 1.",
            _RECURSION,
        ),
        Misconception(
            "transition read backwards",
            _backwards(ahead=lambda P, v: log_expect(P.transpose(2, 1, 0), v, axis=2)),
            "The transition is read in the wrong direction. P is indexed [s, a, s'], and its rows "
            "P[s, a, :] sum to one. The expectation runs over the last index; here it runs over "
            "the first.",
            _RECURSION,
        ),
        Misconception(
            "last reward missing",
            _backwards(reward=lambda R, t, T: _at(R, t) if t < T - 1 else 0 * _at(R, 0)),
            "The reward of the last step is missing: the base case stands one step too early. "
            "O_T hangs on the last state and action, so log_beta_sa of step T is r_T. The message "
            "that is 1 for certain, because nothing is left to be observed, is the one after it.",
            _ENDS,
        ),
        Misconception(
            "base case of zero",
            _backwards(last=-np.inf),
            "The recursion starts from a message of probability 0, whose logarithm is -inf, and "
            "so every message is impossible. After the last step nothing is left to be observed, "
            "and nothing is observed with certainty: beta is 1 there, and log beta is 0.",
            _ENDS,
        ),
        Misconception(
            "own reward missing",
            _own_reward_late,
            "log_beta_sa lacks the reward of its own step: it is p(O_t+1:T = 1 | s_t, a_t), from "
            "t + 1 on. The message is about O_t as well, so exp(r) of this state and action is "
            "its first factor. The messages of the states are right.",
            _ENDS,
        ),
        Misconception(
            "reward of the next step",
            _backwards(reward=lambda R, t, T: _at(R, min(t + 1, T - 1))),
            "Message and reward are out of step when rewards change: the message of step t is "
            "made of r_t, the reward of that step, and of the message of step t + 1. Here the "
            "reward is the next step's too.",
            _ENDS,
            example=_CHANGING,
        ),
        Misconception(
            "steps in reverse order",
            _from_messages(lambda q, v, rho: (q[::-1], v[::-1])),
            "The messages are right but stand in reverse order. The recursion computes the last "
            "step first; row t of the answer belongs to step t all the same. (Appending to a list "
            "gives the order of computation.)",
            _RECURSION,
        ),
        Misconception(
            "reward exponentiated twice",
            _backwards(reward=lambda R, t, T: np.exp(_at(R, t))),
            "exp(r) is added to a logarithm. The message is the product exp(r) * E[beta], so its "
            "logarithm is r + log E[beta]: the reward is a logarithm already.",
            _SOFT,
        ),
        Misconception(
            "reward counted twice",
            _backwards(reward=lambda R, t, T: 2 * _at(R, t)),
            "The reward of a step counts twice. exp(r) is one factor of beta(s, a); when the "
            "actions are averaged to get beta(s), it is in there already and does not join "
            "again.",
            _SOFT,
        ),
        Misconception(
            "sign of the reward",
            _backwards(reward=lambda R, t, T: -_at(R, t)),
            "The reward has the wrong sign, as if it were a cost. A reward is the logarithm of a "
            "probability here: exp(r) is p(O = 1 | s, a), and a high reward makes success "
            "probable.",
            _SOFT,
        ),
        Misconception(
            "prior counted twice",
            _backwards(over=lambda q, rho: logsumexp(2 * safe_log(rho) + q, axis=1)),
            "The prior is multiplied in twice, so that its square weighs the actions. beta(s) is "
            "the average of beta(s, a) with the weights rho(a | s), each once; with rewards of 0 "
            "every message must come out as 1.",
            _PRIOR,
        ),
        Misconception(
            "rewards of the first step",
            _backwards(reward=lambda R, t, T: _at(R, 0)),
            "The rewards of the first step are used at every step. When R has shape (T, S, A), "
            "each step has rewards of its own, and the recursion must look up those of step t.",
            _ENDS,
            example=_CHANGING,
        ),
        Misconception(
            "rewards in reverse order",
            _backwards(reward=lambda R, t, T: _at(R, T - 1 - t)),
            "The rewards are read in reverse order: the recursion starts with the last step and "
            "must start with the last rewards. (Going backwards in time, t itself goes down from "
            "T to 1, and the rewards with it.)",
            _ENDS,
            example=_CHANGING,
        ),
        Misconception(
            "shift not added again",
            _backwards(
                ahead=lambda P, v: log_expect(P, v, axis=2) - _peak(safe_log(P) + v, 2),
                over=lambda q, rho: log_expect(rho, q, axis=1) - _peak(safe_log(rho) + q, 1),
            ),
            "The largest logarithm is subtracted before the exponentials and not added again "
            "after the logarithm. log of the sum of exp(x) is m + log of the sum of exp(x - m): "
            "the shift m changes the numerics and nothing else.",
            _STABLE,
        ),
        Misconception(
            "messages as a distribution over states",
            _distribution_over_states,
            "The messages of a step are scaled to sum to one over the states. They need not: "
            "beta(s) is a probability of success, one for each state, and the state is on the "
            "right of the bar. In a safe world all of them are near 1. The scale is what tells "
            "how probable success is.",
            _RECURSION,
        ),
        Misconception(
            "log-policy returned",
            _from_messages(lambda q, v, rho: (q - v[:, :, None], v)),
            "log_beta_sa has the message of its state subtracted. That difference, the advantage, "
            "is what the policy needs, in the next problem. The message itself says how probable "
            "success is after the action.",
            _ADVANTAGE,
        ),
        Misconception(
            "probabilities returned",
            _from_messages(lambda q, v, rho: (np.exp(q), np.exp(v))),
            "These are the messages themselves. The problem asks for their logarithms, which stay "
            "in range when 1,000 steps make the messages smaller than any floating-point number.",
            _STABLE,
        ),
        Misconception(
            "exponentials out of range",
            _backwards(
                ahead=lambda P, v: _log_of_sum(P, v, 2),
                over=lambda q, rho: _log_of_sum(rho, q, 1),
            ),
            "The exponential leaves the range of floating point: exp(-10,000) is 0, exp(1,000) "
            "is inf, and the logarithm cannot bring them back. "
            "Subtract the largest logarithm from all before taking exponentials, and add it again "
            "afterwards.",
            _STABLE,
            example=_DEEP,
        ),
        Misconception(
            "one shift for all states",
            _backwards(
                ahead=lambda P, v: _one_shift(P, v, 2),
                over=lambda q, rho: _one_shift(rho, q, 1),
            ),
            "One maximum, that of all states, is subtracted before the exponentials. A state that "
            "is 800 nats worse than the best then underflows to 0, and its message becomes -inf, "
            "although it is possible. Each sum needs the maximum of its own terms.",
            _STABLE,
            example=_PIT,
        ),
        Misconception(
            "infinity minus infinity",
            _backwards(
                ahead=lambda P, v: _unguarded(P, v, 2),
                over=lambda q, rho: _unguarded(rho, q, 1),
            ),
            "The maximum is subtracted where it is -inf, and (-inf) - (-inf) is NaN. Where every "
            "term is impossible the sum is impossible too: subtract 0 there, and the logarithm of "
            "the sum comes out as -inf by itself.",
            _STABLE,
            example=_DEAD_END,
        ),
    ),
    example=_SMALL,
    section=_RECURSION,
    rtol=_LOGARITHM[0],
    atol=_LOGARITHM[1],
)


# policy


def _policy_inputs(draw: Draw, steps: int | None = None) -> Callable[[Rng], Inputs]:
    """Messages of a random problem, with its prior."""

    def drawn(rng: Rng) -> Inputs:
        problem = draw(rng)
        T = problem["T"] if steps is None else steps
        q, v = _log_backward(problem["P"], problem["R"], problem["rho"], T)
        return {"log_beta_sa": q, "log_beta_s": v, "rho": problem["rho"]}

    return drawn


def _read_policy(inputs: Inputs, answer: Any) -> Array:
    return as_array(answer, inputs["log_beta_sa"].shape, "the policy")


def _read_marginals(inputs: Inputs, answer: Any) -> Array:
    return as_array(answer, inputs["log_forward"].shape, "the array of marginals")


def _same_distributions(
    reference: Callable[..., Array], what: str, over: str
) -> Callable[[Inputs, Array], str | None]:
    """Like the comparison with the reference; points out what is no distribution."""

    def holds(inputs: Inputs, answer: Array) -> str | None:
        expected = _expected(reference, inputs)
        wrong = _wrong(answer, expected, _PROBABILITY)
        if not wrong.any():
            return None
        index = _first(wrong)
        place = _place(what, index)
        said = f"{place} is {answer[index]:.6g} where {expected[index]:.6g} is expected"
        if np.any(answer < -1e-9):
            return f"{said}; a probability is never negative; is this a logarithm?"
        mine, theirs = answer[index[:-1]].sum(), expected[index[:-1]].sum()
        if abs(mine - theirs) < 1e-3:
            return said
        return f"{said}; over the {over} this sums to {mine:.6g}, not to {theirs:.0f}"

    return holds


Change = Callable[[Array, Array, Array], Array]


def _quiet(change: Callable[..., Array]) -> Callable[..., Array]:
    """The wrong solution, without its warnings."""

    def wrong(**inputs: Array) -> Array:
        with np.errstate(all="ignore"):
            return change(*inputs.values())

    return wrong


def _shares(weight: Array, axis: int | tuple[int, ...]) -> Array:
    return weight / weight.sum(axis=axis, keepdims=True)


def _one_hot(x: Array) -> Array:
    return np.eye(x.shape[-1])[np.argmax(x, axis=-1)]


def _where_impossible(right: Array, instead: Array) -> Array:
    """The right distributions, with something else where they are all zeros."""
    return np.where(right.sum(axis=-1, keepdims=True) == 0, instead, right)


_TWO_STEPS = {
    "log_beta_sa": np.log([[[0.2, 0.5], [0.4, 0.1]], [[0.6, 0.9], [0.8, 0.3]]]),
    "log_beta_s": np.log([[0.425, 0.28], [0.825, 0.6]]),
    "rho": np.array([[0.25, 0.75], [0.6, 0.4]]),
}
_DEEP_MESSAGES = {
    "log_beta_sa": np.array([[[-1000.0, -1001.0]]]),
    "log_beta_s": np.array([[-1000.0 + np.log(0.5 + 0.5 * np.exp(-1.0))]]),
    "rho": np.array([[0.5, 0.5]]),
}
_LOST_STATE = {
    "log_beta_sa": np.array([[[-np.inf, -np.inf], [0.0, -1.0]]]),
    "log_beta_s": np.array([[-np.inf, np.log(0.5 + 0.5 * np.exp(-1.0))]]),
    "rho": np.array([[0.3, 0.7], [0.5, 0.5]]),
}

POLICY = Problem(
    name="policy",
    title="Problem 2: the policy by Bayes' rule",
    reference=_policy,
    read=_read_policy,
    properties=tuple(
        Property(
            name,
            statement,
            points,
            _policy_inputs(draw),
            repeats,
            _same_distributions(_policy, "policy", "actions"),
        )
        for name, statement, points, draw, repeats in (
            (
                "values",
                "the policy is right when everything is random, and each row sums to one",
                7.0,
                _any,
                5,
            ),
            (
                "uneven",
                "forbidden actions have probability zero, and the allowed ones the right one",
                4.0,
                _uneven,
                5,
            ),
            (
                "low",
                "messages near -5,000 give the right policy: nothing underflows",
                3.0,
                _rather_low,
                2,
            ),
            (
                "high",
                "messages near +1,000 give the right policy: nothing overflows",
                2.0,
                _high,
                2,
            ),
            (
                "impossible",
                "a state from which optimality is impossible has a row of zeros, never NaN",
                3.0,
                _trapped,
                4,
            ),
            ("single", "a problem with one state, or with one action, is right", 1.0, _single, 16),
        )
    ),
    misconceptions=(
        Misconception(
            "prior missing",
            _quiet(lambda q, v, rho: np.exp(q - v[:, :, None])),
            "exp(log_beta_sa - log_beta_s) is not yet a policy: its rows do not sum to one. It "
            "says by how much optimality raises the probability of each action. Bayes' rule has "
            "the prior as well: posterior = prior * likelihood / evidence.",
            _CANCELS,
        ),
        Misconception(
            "prior missing, then normalised",
            _quiet(lambda q, v, rho: normalise(q, axis=2)),
            "This is a softmax of the messages: their exponentials, scaled to sum to one. The "
            "prior is missing, and the scaling hides it. Bayes' rule multiplies each likelihood "
            "beta(s, a) with the prior rho(a | s) first. A forbidden action stays forbidden.",
            _CANCELS,
        ),
        Misconception(
            "prior added without its logarithm",
            _quiet(lambda q, v, rho: normalise(q + rho, axis=2)),
            "The prior is added to a logarithm as it is, where log rho belongs. That multiplies "
            "each weight by exp(rho), a number between 1 and 2.7, and a forbidden action gets "
            "some probability.",
            _LOG_PRIOR,
        ),
        Misconception(
            "prior counted twice",
            _quiet(lambda q, v, rho: normalise(2 * safe_log(rho) + q, axis=2)),
            "The prior is multiplied in twice, and the scaling hides it. Bayes' rule has it once: "
            "prior times likelihood over evidence.",
            _CANCELS,
        ),
        Misconception(
            "ratio upside down",
            _quiet(lambda q, v, rho: rho * np.exp(v[:, :, None] - q)),
            "The ratio stands on its head: evidence over likelihood. Here an action gains by "
            "making success *less* probable. The likelihood beta(s, a) multiplies, the evidence "
            "beta(s) divides: exp(log_beta_sa - log_beta_s).",
            _ADVANTAGE,
        ),
        Misconception(
            "message of the next step",
            _quiet(
                lambda q, v, rho: (
                    rho * np.exp(q - np.concatenate([v[1:], np.zeros_like(v[:1])])[:, :, None])
                )
            ),
            "The evidence is taken from the next step. The state message of the *same* step is "
            "the average of the action messages, so it is the one that makes the row sum to one.",
            _ADVANTAGE,
        ),
        Misconception(
            "prior returned",
            _quiet(lambda q, v, rho: np.broadcast_to(rho, q.shape).copy()),
            "This is the prior: what the agent does when nothing is known. The messages say what "
            "the future makes of each action, and Bayes' rule multiplies the prior by them.",
            _RECURSION,
        ),
        Misconception(
            "normalised over states",
            _quiet(lambda q, v, rho: normalise(safe_log(rho) + q, axis=1)),
            "The sum that divides runs over the states. The state is given, on the right of the "
            "bar: each state has a distribution of its own, so the sum runs over the actions of "
            "that state, the last axis of (T, S, A).",
            _RECURSION,
        ),
        Misconception(
            "normalised over states and actions",
            _quiet(lambda q, v, rho: normalise(safe_log(rho) + q, axis=(1, 2))),
            "The sum that divides runs over states and actions together. A policy is a "
            "distribution over actions for each state, so each row of the last axis sums to one, "
            "not the whole table.",
            _RECURSION,
        ),
        Misconception(
            "best action only",
            _quiet(lambda q, v, rho: _one_hot(q)),
            "All probability goes to the action with the largest message. Conditioning is not "
            "maximising: an action that is nearly as good keeps nearly as much probability. The "
            "best action alone is what is left when the temperature goes to 0.",
            _GREEDY,
        ),
        Misconception(
            "logarithms divided",
            _quiet(lambda q, v, rho: rho * q / v[:, :, None]),
            "The logarithms are divided. Bayes' rule divides beta(s, a) by beta(s); in logarithms "
            "that is a difference, and the exponential of the difference is the ratio. (With "
            "negative logarithms this ratio even prefers the worse action.)",
            _RECURSION,
        ),
        Misconception(
            "advantage returned",
            _quiet(lambda q, v, rho: q - v[:, :, None]),
            "This is the advantage, the logarithm of how much more probable optimality makes the "
            "action. The policy is the prior times its exponential.",
            _ADVANTAGE,
        ),
        Misconception(
            "logarithms returned",
            _quiet(lambda q, v, rho: safe_log(_policy(q, v, rho))),
            "These are the logarithms of the right probabilities. Work in logarithms, but take "
            "the exponential at the end: the problem asks for probabilities.",
            _RECURSION,
        ),
        Misconception(
            "divided twice",
            _quiet(lambda q, v, rho: np.exp(q - v[:, :, None]) / np.exp(q).sum(2, keepdims=True)),
            "There are two denominators: the message of the state is subtracted, and then the "
            "result is divided by a sum of exponentials once more. The message of the state is "
            "that sum already, with the prior in it. One of the two is enough.",
            _TWICE,
        ),
        Misconception(
            "exponentials before the difference",
            _quiet(lambda q, v, rho: rho * np.exp(q) / np.exp(v)[:, :, None]),
            "In floating point exp(-10,000) is 0 and exp(1,000) is inf, and neither 0 / 0 nor "
            "inf / inf is a number. The ratio of two messages depends only on the difference of "
            "their logarithms: subtract first, then take the exponential.",
            _STABLE,
            example=_DEEP_MESSAGES,
        ),
        Misconception(
            "exponentials before the difference, zeros put in",
            _quiet(
                lambda q, v, rho: np.nan_to_num(
                    rho * np.exp(q) / np.exp(v)[:, :, None], nan=0.0, posinf=np.inf
                )
            ),
            "In floating point exp(-10,000) is 0 and exp(1,000) is inf. Their ratio tells nothing, "
            "and the zeros in its place say that every action is "
            "impossible. Subtract the logarithms first, then take the exponential.",
            _STABLE,
            example=_DEEP_MESSAGES,
        ),
        Misconception(
            "zero divided by zero",
            _quiet(lambda q, v, rho: rho * np.exp(q - v[:, :, None])),
            "Where optimality is impossible both messages are -inf, and their difference is NaN. "
            "Nothing can be conditioned on an impossible event; the problem asks for a row of "
            "zeros in such a state.",
            _STABLE,
            example=_LOST_STATE,
        ),
        Misconception(
            "prior where optimality is impossible",
            _quiet(lambda q, v, rho: _where_impossible(_policy(q, v, rho), rho)),
            "Where optimality is impossible there is no distribution to give, and the prior is no "
            "answer to the question. The problem asks for a row of zeros there: it cannot be "
            "taken for a policy by mistake.",
            _STABLE,
            example=_LOST_STATE,
        ),
    ),
    example=_TWO_STEPS,
    section=_RECURSION,
    rtol=_PROBABILITY[0],
    atol=_PROBABILITY[1],
)


# forward


def _read_forward(inputs: Inputs, answer: Any) -> Array:
    T, S = inputs["T"], len(inputs["mu0"])
    _no_extra_step(_shaped(answer), T, "log_forward")
    return as_array(answer, (T, S), "log_forward")


def _same_forward(close: tuple[float, float]) -> Callable[[Inputs, Array], str | None]:
    def holds(inputs: Inputs, answer: Array) -> str | None:
        expected = _expected(_forward, inputs)
        wrong = _wrong(answer, expected, close)
        if not wrong.any():
            return None
        return _entry("log_forward", answer, expected, _first(wrong))

    return holds


def _into(log_joint: Array, P: Array) -> Array:
    """log of sum over s and a of exp(log_joint(s, a)) P(s' | s, a)."""
    return logsumexp(log_joint[:, :, None] + safe_log(P), axis=(0, 1))


def _forwards(
    first: Callable[[Array], Array] = safe_log,
    action: Callable[[Array], Array] = safe_log,
    reward: Callable[[Array, int], Array] = _at,
    push: Callable[[Array, Array], Array] = _into,
) -> Callable[..., Array]:
    """The wrong solution that starts, weighs actions, … in its own way."""

    def wrong(P: Array, R: Array, rho: Array, mu0: Array, T: int) -> Array:
        f = np.empty((T, len(mu0)))
        with np.errstate(all="ignore"):
            f[0] = first(mu0)
            for t in range(T - 1):
                f[t + 1] = push(f[t][:, None] + action(rho) + reward(R, t), P)
        return f

    return wrong


def _scaled_push(log_joint: Array, P: Array) -> Array:
    """The step in ordinary numbers, with one scale for all states."""
    top = np.max(log_joint)
    shift = top if np.isfinite(top) else 0.0
    return np.log(np.einsum("sa,sax->x", np.exp(log_joint - shift), P)) + shift


def _unguarded_push(log_joint: Array, P: Array) -> Array:
    """Shifted by the largest term of each next state, even where that is -inf."""
    terms = log_joint[:, :, None] + safe_log(P)
    top = np.max(terms, axis=(0, 1))
    return np.log(np.sum(np.exp(terms - top), axis=(0, 1))) + top


def _plain_push(log_joint: Array, P: Array) -> Array:
    return np.log(np.einsum("sa,sax->x", np.exp(log_joint), P))


def _with_own_step(P: Array, R: Array, rho: Array, mu0: Array, T: int) -> Array:
    """p(s_t, O_1:t = 1)."""
    f = _forward(P, R, rho, mu0, T)
    return np.array([f[t] + log_expect(rho, _at(R, t), axis=1) for t in range(T)])


def _following_the_policy(P: Array, R: Array, rho: Array, mu0: Array, T: int) -> Array:
    """Where the posterior policy leads under the true dynamics."""
    pi = _policy(*_log_backward(P, R, rho, T), rho)
    p = np.empty((T, len(mu0)))
    p[0] = mu0
    for t in range(T - 1):
        p[t + 1] = np.einsum("s,sa,sax->x", p[t], pi[t], P)
    return safe_log(p)


def _one_step_late(P: Array, R: Array, rho: Array, mu0: Array, T: int) -> Array:
    changing = R if R.ndim == 2 else np.concatenate([R, R[-1:]])
    return _forward(P, changing, rho, mu0, T + 1)[1:]


def _conditioned(P: Array, R: Array, rho: Array, mu0: Array, T: int) -> Array:
    return safe_log(normalise(_forward(P, R, rho, mu0, T), axis=1))


_WALK = _SMALL | {"mu0": np.array([0.6, 0.4])}
_DEEP_WALK = _WALK | {"R": np.array([[-1000.0, -1001.0], [-1002.0, -1000.0]])}
_PIT_WALK = _PIT | {"mu0": np.array([0.6, 0.4])}
_ONE_WAY_WALK = _WALK | {"P": np.array([[[1.0, 0.0], [1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]]])}
_CHANGING_WALK = _WALK | {"R": _CHANGING["R"]}

FORWARD = Problem(
    name="forward",
    title="Problem 3: the forward messages",
    reference=_forward,
    read=_read_forward,
    properties=tuple(
        Property(
            name,
            statement,
            points,
            _asking(draw, "P", "R", "rho", "mu0", "T"),
            repeats,
            _same_forward(_LONG_LOGARITHM if name == "long" else _LOGARITHM),
        )
        for name, statement, points, draw, repeats in (
            ("first step", "with one step (T = 1) only the start is left", 2.0, _one_step, 3),
            ("stochastic", "the messages are right when everything is random", 6.0, _any, 5),
            (
                "uneven",
                "messages are right when states allow different numbers of actions; states that "
                "cannot be reached have -inf",
                3.0,
                _uneven,
                5,
            ),
            (
                "deterministic",
                "messages are right when the dynamics are deterministic; where no path leads, "
                "they are -inf",
                2.0,
                _one_way,
                5,
            ),
            (
                "changing",
                "messages are right when the rewards change from step to step",
                2.0,
                _changing,
                4,
            ),
            (
                "impossible",
                "rewards of -inf close the paths they stand on, and never give NaN",
                1.0,
                _sealed,
                4,
            ),
            ("low", "rewards near -10,000 keep their messages", 2.0, _low, 2),
            (
                "far apart",
                "messages of states that differ by thousands of nats are all kept",
                1.0,
                _far_apart,
                3,
            ),
            ("long", f"{_LONG:,} steps are right, and in time", 1.0, _long, 1),
        )
    ),
    misconceptions=(
        Misconception(
            "rewards missing",
            _forwards(reward=lambda R, t: np.zeros(R.shape[-2:])),
            "These are the states of the prior, p(s_t): optimality is not in them. The forward "
            "message is joint with success so far, so each step on the way has its factor exp(r).",
            _RECURSION,
        ),
        Misconception(
            "own step counted",
            _with_own_step,
            "The message of step t holds O_t already: it is p(s_t, O_1:t = 1). Here it stops one "
            "step earlier, at O_t-1, because O_t belongs to the backward message. Multiplying the "
            "two would count it twice.",
            _ENDS,
        ),
        Misconception(
            "normalised",
            _conditioned,
            "The messages are normalised: p(s_t | O_1:t-1 = 1), a distribution over states. The "
            "problem asks for the joint probability p(s_t, O_1:t-1 = 1). Its sum over the states "
            "is the probability of success so far, and that is worth keeping.",
            _RECURSION,
        ),
        Misconception(
            "one step late",
            _one_step_late,
            "The messages are right but stand one step too early in the array: row 0 holds the "
            "message of step 2. Row 0 belongs to the first step, and nothing has been observed "
            "before it: it is log mu0.",
            _RECURSION,
        ),
        Misconception(
            "transition read backwards",
            _forwards(push=lambda j, P: _into(j, P.transpose(2, 1, 0))),
            "The transition is read in the wrong direction. P is indexed [s, a, s'], from where to "
            "where. The forward message of s' sums over all s and a that may lead to it, the "
            "first two indices.",
            _RECURSION,
        ),
        Misconception(
            "prior dropped",
            _forwards(action=lambda rho: np.zeros(rho.shape)),
            "The actions are summed without their prior. Each way from s to s' has the "
            "probability rho(a | s) of its action as a factor. Without it the messages of one "
            "step can sum to more than 1.",
            _SUMS,
        ),
        Misconception(
            "prior added without its logarithm",
            _forwards(action=lambda rho: rho),
            "The prior is added to a logarithm as it is, where log rho belongs. That multiplies "
            "each path by exp(rho), and forbidden actions are taken as well.",
            _LOG_PRIOR,
        ),
        Misconception(
            "prior taken for uniform",
            _forwards(action=lambda rho: np.full(rho.shape, -np.log(rho.shape[1]))),
            "All actions are taken equally often. The way from s to s' has the probability "
            "rho(a | s) of its action as a factor, and that may favour some actions and forbid "
            "others.",
            _PRIOR,
        ),
        Misconception(
            "rewards of the first step",
            _forwards(reward=lambda R, t: _at(R, 0)),
            "The rewards of the first step are used at every step. When R has shape (T, S, A), "
            "each step has rewards of its own, and the step from t to t + 1 earns those of t.",
            _ENDS,
            example=_CHANGING_WALK | {"T": 3, "R": np.concatenate([_CHANGING["R"], [_SMALL["R"]]])},
        ),
        Misconception(
            "start taken for uniform",
            _forwards(first=lambda mu0: np.full(mu0.shape, -np.log(len(mu0)))),
            "Every state is as likely as any other at the first step here. The first message is "
            "the initial distribution, log mu0, and -inf where the agent cannot start.",
            _RECURSION,
        ),
        Misconception(
            "start without its logarithm",
            _forwards(first=lambda mu0: mu0),
            "The first message is the initial distribution itself, where its logarithm belongs. "
            "All that follows is added to it as logarithms. A start that is impossible is -inf, "
            "not 0.",
            _RECURSION,
        ),
        Misconception(
            "policy in place of prior and reward",
            _following_the_policy,
            "The agent follows the posterior policy here. That policy knows the future, "
            "O_t:T, and the forward message must not: it is about what came before. Prior times "
            "exp(r) moves it on. The future enters once, with the backward message.",
            _RECURSION,
        ),
        Misconception(
            "best path only",
            _forwards(push=lambda j, P: np.max(j[:, :, None] + safe_log(P), axis=(0, 1))),
            "Only the most probable way into each state is kept: a maximum where a sum is asked "
            "for. All the ways that lead to a state add up. (The maximum finds the single most "
            "probable trajectory, another question.)",
            _STORY,
        ),
        Misconception(
            "reward of the next step",
            _forwards(reward=lambda R, t: _at(R, t + 1)),
            "Message and reward are out of step when rewards change: the step from t to t + 1 "
            "earns r_t, the reward of the state and action it starts from.",
            _ENDS,
            example=_CHANGING_WALK,
        ),
        Misconception(
            "probabilities returned",
            lambda **inputs: np.exp(_forward(**inputs)),
            "These are the messages themselves. The problem asks for their logarithms, which stay "
            "in range when many steps make the messages smaller than any floating-point number.",
            _STABLE,
        ),
        Misconception(
            "exponentials out of range",
            _forwards(push=_plain_push),
            "In floating point exp(-10,000) is 0, and the logarithm cannot bring it back. "
            "Subtract the largest logarithm from all before taking exponentials, and add it again "
            "afterwards.",
            _STABLE,
            example=_DEEP_WALK,
        ),
        Misconception(
            "one shift for all states",
            _forwards(push=_scaled_push),
            "One maximum, that of all states, is subtracted before the exponentials. A state that "
            "is 800 nats less likely than the best then underflows to 0 and becomes -inf, "
            "although it is possible. Each next state's sum needs the maximum of its own terms.",
            _STABLE,
            example=_PIT_WALK,
        ),
        Misconception(
            "shift not added again",
            _forwards(push=lambda j, P: _into(j, P) - _peak(j[:, :, None] + safe_log(P), (0, 1))),
            "The largest logarithm is subtracted before the exponentials and not added again "
            "after the logarithm. log of the sum of exp(x) is m + log of the sum of exp(x - m): "
            "the shift m changes the numerics and nothing else.",
            _STABLE,
        ),
        Misconception(
            "infinity minus infinity",
            _forwards(push=_unguarded_push),
            "Where no path leads to a state, the largest logarithm is -inf, and (-inf) - (-inf) "
            "is NaN. A sum of impossible paths is impossible: subtract 0 there, and the logarithm "
            "of the sum comes out as -inf by itself.",
            _STABLE,
            example=_ONE_WAY_WALK,
        ),
    ),
    example=_WALK,
    section=_RECURSION,
    rtol=_LOGARITHM[0],
    atol=_LOGARITHM[1],
)


# smooth


def _smooth_inputs(draw: Draw) -> Callable[[Rng], Inputs]:
    """The forward and backward messages of a random problem."""

    def drawn(rng: Rng) -> Inputs:
        problem = draw(rng)
        mu0 = problem.pop("mu0")
        return {
            "log_forward": _forward(**problem, mu0=mu0),
            "log_beta_s": _log_backward(**problem)[1],
        }

    return drawn


_MEETING = {
    "log_forward": np.log([[0.6, 0.4], [0.1, 0.3]]),
    "log_beta_s": np.log([[0.2, 0.45], [0.6, 0.8]]),
}
_DEEP_MEETING = {
    "log_forward": np.array([[-800.0, -801.0]]),
    "log_beta_s": np.array([[-700.0, -698.0]]),
}
_NO_MEETING = {
    "log_forward": np.array([[-np.inf, 0.0]]),
    "log_beta_s": np.array([[-1.0, -np.inf]]),
}

SMOOTH = Problem(
    name="smooth",
    title="Problem 4: past and future together",
    reference=_smooth,
    read=_read_marginals,
    properties=tuple(
        Property(
            name,
            statement,
            points,
            _smooth_inputs(draw),
            repeats,
            _same_distributions(_smooth, "marginal", "states"),
        )
        for name, statement, points, draw, repeats in (
            (
                "values",
                "the marginals are right when everything is random, and each step sums to one",
                9.0,
                _any,
                5,
            ),
            (
                "unreachable",
                "a state that cannot be reached, or from which optimality is impossible, has "
                "probability zero",
                4.0,
                _escaped,
                5,
            ),
            ("low", "messages near -5,000 give the right marginals", 3.0, _low_and_lower, 2),
            ("long", f"{_LONG:,} steps give the right marginals", 1.0, _long, 1),
            (
                "impossible",
                "where optimality at all steps is impossible the marginals are zeros, never NaN",
                2.0,
                _hopeless,
                3,
            ),
            ("single", "a problem with one state, or with one action, is right", 1.0, _single, 16),
        )
    ),
    misconceptions=(
        Misconception(
            "backward alone",
            _quiet(lambda f, b: normalise(b, axis=1)),
            "These are the backward messages, scaled to sum to one. They say from which states "
            "success is likely, and not which states the agent gets to. Where it is depends on "
            "the past as well: multiply by the forward message.",
            _SMOOTHING,
        ),
        Misconception(
            "forward alone",
            _quiet(lambda f, b: normalise(f, axis=1)),
            "This is p(s_t | O_1:t-1 = 1), what the past says: filtering. All the observations "
            "are known here, the later ones too. Multiply by the backward message, which is what "
            "the future says.",
            _SMOOTHING,
        ),
        Misconception(
            "not normalised",
            _quiet(lambda f, b: np.exp(f + b)),
            "This is the joint probability p(s_t, O_1:T = 1). Its sum over the states is the "
            "evidence, the same at every step. Divide by it to condition.",
            _SMOOTHING,
        ),
        Misconception(
            "divided by what the past says",
            _quiet(lambda f, b: np.exp(f + b - logsumexp(f, axis=1)[:, None])),
            "The joint probability is divided by the sum of the forward messages, p(O_1:t-1 = 1). "
            "All observations are given here, so the evidence is p(O_1:T = 1): the sum over the "
            "states of the product of both messages.",
            _SMOOTHING,
        ),
        Misconception(
            "messages of different steps",
            _quiet(
                lambda f, b: normalise(f + np.concatenate([b[1:], np.zeros_like(b[:1])]), axis=1)
            ),
            "The forward message of step t meets the backward message of step t + 1, so O_t is "
            "in neither. The one stops at O_t-1 and the other begins with O_t: take both of the "
            "same step, and every observation counts once.",
            _TWICE,
        ),
        Misconception(
            "normalised over steps",
            _quiet(lambda f, b: normalise(f + b, axis=0)),
            "The sum that divides runs over the steps. At each step the agent is in one state, so "
            "the states of one step sum to one. The first axis is time, the second the states.",
            _SMOOTHING,
        ),
        Misconception(
            "normalised over steps and states",
            _quiet(lambda f, b: normalise(f + b, axis=(0, 1))),
            "The whole table sums to one here. At each step the agent is in one state, so each "
            "step has a distribution of its own, and the table sums to T.",
            _SMOOTHING,
        ),
        Misconception(
            "each normalised, their product not",
            _quiet(lambda f, b: normalise(f, axis=1) * normalise(b, axis=1)),
            "Both messages are normalised, and their product is not. The product of two "
            "distributions sums to less than one. Multiply first and normalise once, at the end.",
            _SMOOTHING,
        ),
        Misconception(
            "averaged",
            _quiet(lambda f, b: (normalise(f, axis=1) + normalise(b, axis=1)) / 2),
            "Past and future are averaged. Both must hold at once, so their probabilities are "
            "multiplied: a state that one of them rules out is ruled out. An average keeps half "
            "of its probability.",
            _SMOOTHING,
        ),
        Misconception(
            "probabilities added",
            _quiet(lambda f, b: _shares(np.exp(f) + np.exp(b), 1)),
            "The messages are added. Both must hold at once, so they are multiplied; it is their "
            "logarithms that are added. A state that one of them rules out has probability 0.",
            _SMOOTHING,
        ),
        Misconception(
            "logarithms multiplied",
            _quiet(lambda f, b: _shares(f * b, 1)),
            "The logarithms are multiplied. A product of probabilities is a sum of logarithms: "
            "add them, then take the exponential, then normalise. (The product of two negative "
            "logarithms is largest where both messages are smallest.)",
            _SMOOTHING,
        ),
        Misconception(
            "backward message divided out",
            _quiet(lambda f, b: normalise(f - b, axis=1)),
            "The backward message is subtracted, which divides by it: the states from which "
            "success is likely become unlikely. The two messages are about different "
            "observations, and their probabilities are multiplied.",
            _SMOOTHING,
        ),
        Misconception(
            "most probable state only",
            _quiet(lambda f, b: _one_hot(f + b)),
            "All probability goes to the most probable state of each step. The marginal is a "
            "distribution: the other states keep their share. (The most probable states taken "
            "one by one need not even form a possible path.)",
            _STORY,
        ),
        Misconception(
            "logarithms returned",
            _quiet(lambda f, b: safe_log(_smooth(f, b))),
            "These are the logarithms of the right probabilities. The problem asks for the "
            "probabilities: take the exponential at the end.",
            _SMOOTHING,
        ),
        Misconception(
            "exponentials out of range",
            _quiet(lambda f, b: _shares(np.exp(f) * np.exp(b), 1)),
            "In floating point exp(-10,000) is 0, and 0 / 0 is NaN. The "
            "marginal depends only on differences: add the logarithms, subtract the largest of "
            "the step, and only then take exponentials.",
            _STABLE,
            example=_DEEP_MEETING,
        ),
        Misconception(
            "exponentials out of range, zeros put in",
            _quiet(lambda f, b: np.nan_to_num(_shares(np.exp(f) * np.exp(b), 1), nan=0.0)),
            "In floating point exp(-10,000) is 0, so the weights of a step are all 0, and the "
            "zeros returned for them say that success is impossible. Add the logarithms, subtract "
            "the largest of the step, and only then take exponentials.",
            _STABLE,
            example=_DEEP_MEETING,
        ),
        Misconception(
            "infinity minus infinity",
            _quiet(lambda f, b: np.exp(f + b - logsumexp(f + b, axis=1)[:, None])),
            "Where optimality is impossible the evidence is 0, its logarithm -inf, and "
            "subtracting that gives NaN. Nothing can be conditioned on an impossible event; the "
            "problem asks for zeros there.",
            _STABLE,
            example=_NO_MEETING,
        ),
        Misconception(
            "uniform where optimality is impossible",
            _quiet(lambda f, b: _where_impossible(_smooth(f, b), np.full(f.shape, 1 / f.shape[1]))),
            "Where optimality at all steps is impossible there is no distribution to give. Equal "
            "probabilities would claim to know something. The problem asks for zeros, which "
            "cannot be taken for a distribution by mistake.",
            _STABLE,
            example=_NO_MEETING,
        ),
    ),
    example=_MEETING,
    section=_SMOOTHING,
    rtol=_PROBABILITY[0],
    atol=_PROBABILITY[1],
)


ASSIGNMENT = Assignment(
    name="messages",
    title="Assignment 2: exact inference by messages",
    problems=(LOG_BACKWARD, POLICY, FORWARD, SMOOTH),
    withheld=(
        "messages",
        "backups",
        "hidden_markov",
        "compiled",
        "posterior",
        "sampling",
        "variational",
        "stationary",
        "most_likely",
        "trajectories",
        "optimality",
        "policies",
        "zero_temperature",
        "bound",
        "linear_control",
        "other_divergence",
    ),
    limits=Limits(cell_seconds=10.0, call_seconds=5.0),
)
