"""The checks of assignment 3: what is asked, on which inputs, and known wrong ideas.

``check("posterior_dynamics", posterior_dynamics)`` in the notebook reads this
file. The grader uses the same properties on inputs of its own.

How exact must an answer be? Float32 arithmetic passes everywhere:

* A value near -10,000 is held by a float32 to 5e-4, and a few operations lose
  a few times that: 1e-6 of a value is allowed, and 3e-4 for small ones.
* A probability is the exponential of a difference of such values. The absolute
  error of a logarithm is the relative error of a probability: 5e-3 is allowed.
* A threshold has no large values behind it but ``safe - gap``, which a float32
  holds to 2e-4 when both are 2,000: a relative error of 1e-3 is allowed.

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
from cs_infer.log_space import log_expect, logsumexp, normalise, safe_log

Array = np.ndarray
Rng = np.random.Generator
Readings = tuple[Array, Array, Array, Array]

_PAGE = "optimism.html"
_DYNAMICS = f"{_PAGE}#what-was-your-transition-probability"
_ONE_CALL = f"{_PAGE}#one-call-apart"
_TICKET = f"{_PAGE}#when-optimism-plays"
_AGREE = f"{_PAGE}#when-they-agree"
_FACT = f"{_PAGE}#belief-and-fact"

_VALUE = (1e-6, 3e-4)  # relative and absolute tolerance, as explained above
_PROBABILITY = (5e-3, 1e-7)
_THRESHOLD = (1e-3, 1e-40)
_RETURN = (1e-4, 1e-4)
_LOW_RETURN = (1e-3, 1e-4)  # what underflows is far off; luck does not show at this level
_ALIKE = (1e-4, 1e-5)  # two answers this close come from one idea


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


def _sizes(rng: Rng) -> tuple[int, int, int]:
    """Numbers of states, actions and steps."""
    return int(rng.integers(4, 7)), int(rng.integers(2, 5)), int(rng.integers(3, 7))


def _rewards(rng: Rng, *shape: int) -> Array:
    return -rng.uniform(0.1, 3.0, size=shape)


def _at(R: Array, t: int) -> Array:
    """The rewards of step t, whether they change with the step or not."""
    return R[t] if R.ndim == 3 else R


# posterior_dynamics: inputs


def _draw_news(rng: Rng) -> dict[str, Any]:
    """Dynamics in which everything is possible, and what the next states are worth."""
    S, A, _ = _sizes(rng)
    return {"P": _distribution(rng, S, A, S), "log_beta_next": -rng.uniform(0.1, 4.0, size=S)}


def _draw_zeros(rng: Rng) -> dict[str, Any]:
    """Some next states impossible; state 0 has a row with a zero, of several successors."""
    d = _draw_news(rng)
    P = _thinned(rng, d["P"])
    P[0, 0] = d["P"][0, 0]
    P[0, 0, -1] = 0.0
    P[0, 0] /= P[0, 0].sum()
    return d | {"P": P}


def _draw_sure(rng: Rng) -> dict[str, Any]:
    """Every row has one successor, or two that are worth the same."""
    d = _draw_news(rng)
    P, v = _certain(rng, d["P"]), d["log_beta_next"]
    v[1] = v[0]
    spread = rng.random(P.shape[:2]) < 0.5
    spread[0, 0], spread[1, 0] = True, False
    share = rng.uniform(0.2, 0.8, size=P.shape[:2])
    P[spread] = 0.0
    P[spread, 0], P[spread, 1] = share[spread], 1.0 - share[spread]
    return d | {"P": P}


def _draw_trap(rng: Rng) -> dict[str, Any]:
    """From state 0 success is impossible; in state 1, action 0 leads there for certain."""
    d = _draw_zeros(rng)
    d["P"][1, 0] = np.eye(len(d["log_beta_next"]))[0]
    d["log_beta_next"][0] = -np.inf
    return d


def _draw_low(rng: Rng) -> dict[str, Any]:
    d = _draw_news(rng)
    return d | {"log_beta_next": d["log_beta_next"] - rng.uniform(3500.0, 5000.0)}


def _draw_high(rng: Rng) -> dict[str, Any]:
    d = _draw_news(rng)
    return d | {"log_beta_next": d["log_beta_next"] + rng.uniform(800.0, 5000.0)}


def _draw_pit(rng: Rng) -> dict[str, Any]:
    """The last two states are worth little, and lead to each other only."""
    d = _draw_news(rng)
    P, v = d["P"], d["log_beta_next"]
    v[-2:] -= rng.uniform(1000.0, 2000.0)
    P[-2:, :, :-2] = 0.0
    P /= P.sum(axis=-1, keepdims=True)
    return d


# posterior_dynamics: reference, reading, wrong ideas


def _posterior_dynamics(P: Array, log_beta_next: Array) -> Array:
    from cs_infer import TabularMDP, posterior_dynamics

    S, A, _ = P.shape
    one_step = TabularMDP.from_arrays(
        transition=P,
        reward=np.zeros((S, A)),
        initial=np.full(S, 1.0 / S),
        horizon=1,
        terminal_value=log_beta_next,
    )
    return np.asarray(posterior_dynamics(one_step, 0).transition)


def _read_dynamics(inputs: Inputs, answer: Any) -> Array:
    return as_array(answer, inputs["P"].shape, "the array of beliefs")


def _calmly(holds: Callable[..., Any]) -> Callable[..., Any]:
    """Without warnings: an answer may hold infinities of any sign."""

    def calm(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return holds(*args)

    return calm


@_calmly
def _same_rows(inputs: Inputs, answer: Array) -> str | None:
    """Like the comparison with the reference; points out what is no distribution."""
    expected = _posterior_dynamics(**inputs)
    fault = differ(answer, expected, *_PROBABILITY)
    if fault is None:
        return None
    if np.any(answer < -1e-9):
        return f"{fault}; a probability is never negative; is this a logarithm?"
    off = np.argwhere(~(np.abs(answer.sum(axis=2) - expected.sum(axis=2)) < 1e-3))
    if len(off):
        s, a = off[0]
        mine, theirs = answer[s, a].sum(), expected[s, a].sum()
        return f"{fault}; row [{s}, {a}] sums to {mine:.6g}, not to {theirs:.0f}"
    new = np.argwhere((inputs["P"] == 0) & (answer > 1e-7))
    if len(new):
        place = ", ".join(map(str, new[0]))
        return f"{fault}; P[{place}] is 0, and good news does not make it possible"
    return fault


def _quiet(change: Callable[..., Any]) -> Callable[..., Any]:
    """The wrong solution, without its warnings."""

    def wrong(**inputs: Any) -> Any:
        with np.errstate(all="ignore"):
            return change(*inputs.values())

    return wrong


def _shares(weight: Array, axis: int | tuple[int, ...] = 2) -> Array:
    return weight / weight.sum(axis=axis, keepdims=True)


def _zeros_for_nan(x: Array) -> Array:
    return np.where(np.isnan(x), 0.0, x)


def _weights(P: Array, v: Array) -> Array:
    """P exp(v) up to one constant for all rows, in range."""
    top = np.max(v)
    return P * np.exp(v - (top if np.isfinite(top) else 0.0))


def _unguarded_rows(P: Array, v: Array) -> Array:
    """Shifted by the maximum of each row, even where that is -inf."""
    terms = safe_log(P) + v
    return _shares(np.exp(terms - terms.max(axis=2, keepdims=True)))


def _best_successor_only(P: Array, v: Array) -> Array:
    best = np.argmax(np.where(P > 0, v, -np.inf), axis=2)
    return np.where(_posterior_dynamics(P, v).sum(axis=2)[..., None] > 0, np.eye(len(v))[best], 0.0)


def _truth_where_impossible(P: Array, v: Array) -> Array:
    right = _posterior_dynamics(P, v)
    return np.where(right.sum(axis=2, keepdims=True) == 0, P, right)


def _uniform_where_impossible(P: Array, v: Array) -> Array:
    right = _posterior_dynamics(P, v)
    return np.where(right.sum(axis=2, keepdims=True) == 0, 1.0 / len(v), right)


_ICE = {
    "P": np.array([[[0.5, 0.5], [0.2, 0.8]], [[1.0, 0.0], [0.6, 0.4]]]),
    "log_beta_next": np.log([0.1, 0.9]),
}
_COLD_ICE = _ICE | {"log_beta_next": np.log([0.1, 0.9]) - 1000.0}
_THIN_ICE = _ICE | {"log_beta_next": np.array([-np.inf, -0.1])}
_TWO_WORLDS = {
    "P": np.array([[[1.0, 0.0, 0.0]], [[0.0, 0.5, 0.5]], [[0.0, 0.5, 0.5]]]),
    "log_beta_next": np.array([0.0, -1000.0, -1001.0]),
}

_OUT_OF_RANGE = (
    "The exponential leaves the range of floating point: exp(-9000) is 0 and exp(900) is inf, so "
    "the division has nothing to divide. A constant added to the logarithms of a row cancels. "
    "Subtract the row's largest first; its exponential is then 1."
)

POSTERIOR_DYNAMICS = Problem(
    name="posterior_dynamics",
    title="Problem 1: what the agent believes about the dynamics",
    reference=_posterior_dynamics,
    read=_read_dynamics,
    properties=tuple(
        Property(name, statement, points, draw, repeats, _same_rows)
        for name, statement, points, draw, repeats in (
            (
                "values",
                "the believed dynamics are right when everything is possible, and each row sums "
                "to one",
                8.0,
                _draw_news,
                5,
            ),
            (
                "zeros",
                "what the dynamics exclude stays excluded, and the rest is right",
                4.0,
                _draw_zeros,
                5,
            ),
            (
                "sure",
                "where the next value is certain there is no luck to hope for: the row is as in P",
                3.0,
                _draw_sure,
                4,
            ),
            (
                "impossible",
                "a next state without hope gets probability 0, and a row with nothing else is "
                "zeros, never NaN",
                4.0,
                _draw_trap,
                5,
            ),
            (
                "low",
                "messages near -5,000 give the right dynamics: nothing underflows",
                2.0,
                _draw_low,
                2,
            ),
            (
                "high",
                "messages up to +5,000 give the right dynamics: nothing overflows",
                2.0,
                _draw_high,
                2,
            ),
            (
                "far apart",
                "a row is right also when all its next states are 1,000 nats worse than others",
                2.0,
                _draw_pit,
                3,
            ),
        )
    ),
    misconceptions=(
        Misconception(
            "true dynamics",
            _quiet(lambda P, v: P.copy()),
            "These are the true dynamics. Nature does not change, but what is *believed* about it "
            "does: given that all goes well later, next states with a large message become more "
            "probable. (The message of the state itself would cancel in the division. It is the "
            "message of the next state that counts.)",
            _DYNAMICS,
        ),
        Misconception(
            "normalisation missing",
            _quiet(lambda P, v: P * np.exp(v)),
            "The rows do not sum to one: P * beta is the joint probability of the next state and "
            "success. To condition on success, divide by its probability, which is the sum of the "
            "row.",
            _DYNAMICS,
        ),
        Misconception(
            "dynamics left out",
            _quiet(lambda P, v: np.broadcast_to(normalise(v), P.shape)),
            "The true dynamics are left out: this is a softmax of the messages alone, the same "
            "for every state and action. Bayes' rule has a prior, and here that is P(s' | s, a). "
            "Wishful thinking reweights what can happen; it does not move everybody everywhere.",
            _DYNAMICS,
        ),
        Misconception(
            "P added to a logarithm",
            _quiet(lambda P, v: normalise(P + v, axis=2)),
            "P itself is added to the logarithm of the message. A product of probabilities is a "
            "sum of logarithms: log P + log beta. Adding P multiplies the message by exp(P), "
            "which is never 0, so that impossible next states become possible.",
            _DYNAMICS,
        ),
        Misconception(
            "likelihood added",
            _quiet(lambda P, v: _shares(P + np.exp(v))),
            "The message is added to P, where Bayes' rule multiplies: prior times likelihood, "
            "divided by the sum. A sum gives weight to next states that P excludes, and to those "
            "without hope.",
            _DYNAMICS,
        ),
        Misconception(
            "transition read backwards",
            _quiet(lambda P, v: normalise(safe_log(P.transpose(2, 1, 0)) + v, axis=2)),
            "The transition is read in the wrong direction. P is indexed [s, a, s'], so the next "
            "state, which the message is about, is the last index.",
            _DYNAMICS,
        ),
        Misconception(
            "weighted with the logarithm",
            _quiet(lambda P, v: _shares(P * v)),
            "The next states are weighted with log beta, where the weight is beta, its "
            "exponential. A message of 0.5 has the logarithm -0.69: as weights, the logarithms "
            "even prefer the bad next states.",
            _DYNAMICS,
        ),
        Misconception(
            "the worse, the more probable",
            _quiet(lambda P, v: normalise(np.where(P > 0, safe_log(P) - v, -np.inf), axis=2)),
            "The sign is wrong: here the next states from which success is *improbable* gain. "
            "The message is the likelihood of the good news, and it multiplies: P * exp(log beta).",
            _DYNAMICS,
        ),
        Misconception(
            "actions instead of next states",
            _quiet(lambda P, v: _shares(np.exp(log_expect(P, v, axis=2)), axis=1)),
            "There is one number for each state and action here. Chapter 2 asked which action was "
            "taken. This time the action stands on the right of the bar, and the question is "
            "where it led: one distribution over next states for each state and action, of shape "
            "(S, A, S).",
            _DYNAMICS,
        ),
        Misconception(
            "normalised over actions",
            _quiet(lambda P, v: _zeros_for_nan(_shares(_weights(P, v), axis=1))),
            "The sum that divides runs over the actions. The action is given, on the right of the "
            "bar, and so is the state. What is uncertain is the next state: each row [s, a, :] "
            "sums to one.",
            _DYNAMICS,
        ),
        Misconception(
            "normalised over actions and next states",
            _quiet(lambda P, v: _zeros_for_nan(_shares(_weights(P, v), axis=(1, 2)))),
            "The sum that divides runs over actions and next states together. That gives a joint "
            "distribution of both, as if every action were equally probable. The action is given: "
            "each row [s, a, :] is divided by its own sum.",
            _DYNAMICS,
        ),
        Misconception(
            "normalised over the state before",
            _quiet(lambda P, v: _zeros_for_nan(_shares(_weights(P, v), axis=0))),
            "The sum that divides runs over s, the state before. That state is given. What is "
            "uncertain is the next state s', the last index: each row [s, a, :] sums to one.",
            _DYNAMICS,
        ),
        Misconception(
            "best next state only",
            _quiet(_best_successor_only),
            "All probability went to the best next state. Conditioning is not maximising: a worse "
            "next state that is common keeps its share, P * beta against P * beta. Only at "
            "temperature zero does luck take everything.",
            _DYNAMICS,
        ),
        Misconception(
            "logarithms returned",
            _quiet(lambda P, v: safe_log(_posterior_dynamics(P, v))),
            "These are the logarithms of the right probabilities. Work with logarithms, but take "
            "the exponential at the end: the problem asks for probabilities.",
            _DYNAMICS,
        ),
        Misconception(
            "exponentials out of range",
            _quiet(lambda P, v: _shares(P * np.exp(v))),
            _OUT_OF_RANGE,
            _DYNAMICS,
            example=_COLD_ICE,
        ),
        Misconception(
            "exponentials out of range, zeros put in",
            _quiet(lambda P, v: _zeros_for_nan(_shares(P * np.exp(v)))),
            _OUT_OF_RANGE,
            _DYNAMICS,
            example=_COLD_ICE,
        ),
        Misconception(
            "one shift for all rows",
            _quiet(lambda P, v: _shares(_weights(P, v))),
            "One maximum, that of all states, is subtracted before the exponential. A row whose "
            "next states are all 1,000 nats worse than that underflows to zeros, and 0 / 0 is "
            "NaN. Each row needs the maximum of its own possible next states.",
            _DYNAMICS,
            example=_TWO_WORLDS,
        ),
        Misconception(
            "one shift for all rows, zeros put in",
            _quiet(lambda P, v: _zeros_for_nan(_shares(_weights(P, v)))),
            "One maximum, that of all states, is subtracted before the exponential. A row whose "
            "next states are all 1,000 nats worse than that underflows to zeros, as if success "
            "were impossible there. Each row needs the maximum of its own possible next states.",
            _DYNAMICS,
            example=_TWO_WORLDS,
        ),
        Misconception(
            "infinity minus infinity",
            _quiet(_unguarded_rows),
            "In a row that leads only where success is impossible, the largest logarithm is -inf, "
            "and (-inf) - (-inf) is NaN. Nothing can be conditioned on an impossible event: the "
            "problem asks for a row of zeros there.",
            _DYNAMICS,
            example=_THIN_ICE,
        ),
        Misconception(
            "uniform where success is impossible",
            _quiet(_uniform_where_impossible),
            "In a row that leads only where success is impossible, equal probabilities are "
            "returned. They would claim to know something, and make possible what P excludes. "
            "The problem asks for zeros there: they cannot be taken for a belief by mistake.",
            _DYNAMICS,
            example=_THIN_ICE,
        ),
        Misconception(
            "true dynamics where success is impossible",
            _quiet(_truth_where_impossible),
            "In a row that leads only where success is impossible, the true dynamics are "
            "returned. But nothing can be conditioned on an impossible event, so there is no "
            "belief to give. The problem asks for zeros there: they cannot be taken for a belief "
            "by mistake.",
            _DYNAMICS,
            example=_THIN_ICE,
        ),
    ),
    example=_ICE,
    section=_DYNAMICS,
    rtol=_ALIKE[0],
    atol=_ALIKE[1],
)


# opt_vs_var: inputs


def _dense(rng: Rng, S: int, A: int, T: int) -> dict[str, Any]:
    """A problem in which everything is possible."""
    return {
        "P": _distribution(rng, S, A, S),
        "R": _rewards(rng, S, A),
        "rho": _distribution(rng, S, A),
        "T": T,
    }


def _sparse(rng: Rng, S: int, A: int, T: int, deterministic: bool = False) -> dict[str, Any]:
    """A problem with impossible actions and moves.

    State 0 allows one action and state 1 allows all of them, so the number of
    allowed actions always varies. Unless the dynamics are deterministic, every
    action of state 1 can lead everywhere, so that there is luck to hope for.
    """
    problem = _dense(rng, S, A, T)
    P, rho = problem["P"], problem["rho"]
    thin = _certain(rng, P) if deterministic else _thinned(rng, P)
    if not deterministic:
        thin[1] = P[1]
    few = _thinned(rng, rho)
    few[0], few[1] = _certain(rng, rho[0]), rho[1]
    return problem | {"P": thin, "rho": few}


def _draw_any(rng: Rng) -> dict[str, Any]:
    return _dense(rng, *_sizes(rng))


def _draw_uneven(rng: Rng) -> dict[str, Any]:
    return _sparse(rng, *_sizes(rng))


def _draw_deterministic(rng: Rng) -> dict[str, Any]:
    return _sparse(rng, *_sizes(rng), deterministic=True)


def _draw_one_step(rng: Rng) -> dict[str, Any]:
    S, A, _ = _sizes(rng)
    return _sparse(rng, S, A, 1)


def _draw_changing(rng: Rng) -> dict[str, Any]:
    S, A, T = _sizes(rng)
    return _dense(rng, S, A, T) | {"R": _rewards(rng, T, S, A)}


def _draw_danger(rng: Rng) -> dict[str, Any]:
    """State 0 is a trap: nothing is optimal there.

    In state 1, action 0 leads there for certain. In state 2, action 0 may lead
    there, action 1 leads to state 3 for certain. State 3 never meets the trap.
    """
    S, A, T = _sizes(rng)
    problem = _sparse(rng, S, A, T)
    P, R, rho = problem["P"], problem["R"], problem["rho"]
    at = np.eye(S)
    P[1, 0], P[2, 1], P[3] = at[0], at[3], at[3]
    P[2, 0] = 0.5 * at[0] + 0.5 * at[3]
    R[0] = -np.inf
    rho[2:4] = _distribution(rng, 2, A)
    return problem


def _draw_low_rewards(rng: Rng) -> dict[str, Any]:
    S, A, _ = _sizes(rng)
    problem = _dense(rng, S, A, 2)
    return problem | {"R": problem["R"] - rng.uniform(3500.0, 5000.0)}


def _draw_high_rewards(rng: Rng) -> dict[str, Any]:
    S, A, T = _sizes(rng)
    problem = _dense(rng, S, A, T)
    return problem | {"R": problem["R"] + rng.uniform(800.0, 1000.0)}


def _draw_deep_state(rng: Rng) -> dict[str, Any]:
    """The last state is a pit: it is costly, it leads to itself, nothing else leads there."""
    S, A, T = _sizes(rng)
    problem = _dense(rng, S, A, T)
    P, R = problem["P"], problem["R"]
    P[:, :, -1] = 0.0
    P /= P.sum(axis=-1, keepdims=True)
    P[-1] = np.eye(S)[-1]
    R[-1] -= rng.uniform(1000.0, 2000.0)
    return problem


# opt_vs_var: reference, reading


def _mdp(P: Array, R: Array, rho: Array | None, T: int, mu0: Array | None = None) -> Any:
    from cs_infer import TabularMDP

    start = np.full(len(P), 1.0 / len(P)) if mu0 is None else mu0
    return TabularMDP.from_arrays(
        transition=P, reward=R, initial=start, action_prior=rho, horizon=T
    )


def _opt_vs_var(P: Array, R: Array, rho: Array, T: int) -> Readings:
    from cs_infer import backward_messages, soft_values

    mdp = _mdp(P, R, rho, T)
    exact, variational = backward_messages(mdp), soft_values(mdp)
    return exact.log_beta_s, variational.V, exact.policy, variational.policy


_PARTS = ("V_opt", "V_var", "pi_opt", "pi_var")


def _read_readings(inputs: Inputs, answer: Any) -> Readings:
    S, A = inputs["rho"].shape
    T = inputs["T"]
    if not isinstance(answer, (tuple, list)) or len(answer) != 4:
        kind = "None" if answer is None else f"a {type(answer).__name__}"
        if isinstance(answer, (tuple, list)):
            kind = f"a {type(answer).__name__} of {len(answer)}"
        raise AnswerError(f"the answer must be four arrays, ({', '.join(_PARTS)}); it is {kind}")
    shapes = [_shape(part) for part in answer]
    if shapes == [(T, S), (T, S, A)] * 2:
        raise AnswerError(
            f"the order is {', '.join(_PARTS)}: both values first, then both policies"
        )
    for shape, name in zip(shapes[:2], _PARTS, strict=False):
        if shape == (T + 1, S):
            raise AnswerError(
                f"{name} has {T + 1} steps and must have {T}: leave out the step after the last "
                "one, which is the base case and no answer"
            )
    v_opt, v_var = (as_array(answer[i], (T, S), _PARTS[i]) for i in (0, 1))
    pi_opt, pi_var = (as_array(answer[i], (T, S, A), _PARTS[i]) for i in (2, 3))
    return v_opt, v_var, pi_opt, pi_var


def _shape(part: Any) -> tuple[int, ...]:
    """The part's shape; () if it has none."""
    try:
        return np.shape(part)
    except Exception:  # an odd object may fail in any way
        return ()


def _same_readings(*parts: int, equal: bool = False) -> Callable[[Inputs, Readings], str | None]:
    """Like the comparison with the reference, for some parts; says what cannot be at all.

    Args:
        parts: the parts that count.
        equal: whether both readings must agree on these inputs.
    """

    def holds(inputs: Inputs, answer: Readings) -> str | None:
        expected = _opt_vs_var(**inputs)
        for i in parts:
            mine, theirs = answer[i], expected[i]
            fault = differ(mine, theirs, *(_VALUE if i < 2 else _PROBABILITY))
            if fault:
                return f"{_PARTS[i]}: {fault}{_remark(i, inputs, answer, equal)}"
        return None

    return holds


@_calmly
def _remark(part: int, inputs: Inputs, answer: Readings, equal: bool) -> str:
    v_opt, v_var = answer[:2]
    if part < 2 and np.any(v_opt < v_var - 1e-3 * (1 + np.abs(v_var))):
        return "; V_opt is below V_var somewhere, and that cannot be"
    if equal and not np.allclose(v_opt, v_var, 1e-4, 1e-4):
        return "; these dynamics are deterministic, so both readings agree"
    if part < 2 or np.any(answer[part] < -1e-9):
        return ""
    sums = answer[part].sum(axis=2)
    off = np.argwhere((np.abs(sums - 1) > 1e-2) & (np.abs(sums) > 1e-2))
    if not len(off):
        return ""
    t, s = off[0]
    return f"; row [{t}, {s}] sums to {sums[t, s]:.6g} over the actions"


# opt_vs_var: wrong ideas. Both readings, each part replaceable by a wrong one.


def _soft_ahead(P: Array, v: Array) -> Array:
    return log_expect(P, v, axis=2)


def _mean_ahead(P: Array, v: Array) -> Array:
    """The expectation; what is impossible does not count."""
    mean = np.sum(P * np.where(np.isneginf(v), 0.0, v), axis=2)
    return np.where(np.any((P > 0) & np.isneginf(v), axis=2), -np.inf, mean)


def _soft_over(q: Array, rho: Array) -> Array:
    return log_expect(rho, q, axis=1)


def _bayes(q: Array, v: Array, rho: Array) -> Array:
    base = np.where(np.isfinite(v), v, 0.0)[:, None]
    return rho * np.exp(np.where(rho > 0, q - base, -np.inf))


def _readings(
    exact: Callable[[Array, Array], Array] = _soft_ahead,
    variational: Callable[[Array, Array], Array] = _mean_ahead,
    over: Callable[[Array, Array], Array] = _soft_over,
    policy: Callable[[Array, Array, Array], Array] = _bayes,
    reward: Callable[[Array, int, int], Array] = lambda R, t, T: _at(R, t),
    discount: float = 1.0,
) -> Callable[..., Readings]:
    """The wrong solution that looks ahead, sums over actions, … in its own way."""

    def one(
        ahead: Callable[[Array, Array], Array], P: Array, R: Array, rho: Array, T: int
    ) -> tuple[Array, Array]:
        v, pi = np.zeros((T + 1, len(rho))), np.zeros((T, *rho.shape))
        for t in reversed(range(T)):
            q = reward(R, t, T) + discount * ahead(P, v[t + 1])
            v[t] = over(q, rho)
            pi[t] = policy(q, v[t], rho)
        return v[:T], pi

    def wrong(P: Array, R: Array, rho: Array, T: int) -> Readings:
        with np.errstate(all="ignore"):
            v_opt, pi_opt = one(exact, P, R, rho, T)
            v_var, pi_var = one(variational, P, R, rho, T)
        return v_opt, v_var, pi_opt, pi_var

    return wrong


def _rearranged(*order: int) -> Callable[..., Readings]:
    """The right arrays in these places."""

    def wrong(P: Array, R: Array, rho: Array, T: int) -> Readings:
        right = _opt_vs_var(P, R, rho, T)
        a, b, c, d = (right[i] for i in order)
        return a, b, c, d

    return wrong


def _changed(change: Callable[[Readings, Array], Readings]) -> Callable[..., Readings]:
    """The wrong solution that makes this of the right answer and the prior."""

    def wrong(P: Array, R: Array, rho: Array, T: int) -> Readings:
        with np.errstate(all="ignore"):
            return change(_opt_vs_var(P, R, rho, T), rho)

    return wrong


def _average_of_exact(P: Array, R: Array, rho: Array, T: int) -> Readings:
    """Each variational step starts from the exact values of the next one."""
    v_opt, _, pi_opt, _ = _opt_vs_var(P, R, rho, T)
    v_var, pi_var = np.empty_like(v_opt), np.empty_like(pi_opt)
    for t in range(T):
        after = v_opt[t + 1] if t + 1 < T else np.zeros(len(rho))
        q = _at(R, t) + _mean_ahead(P, after)
        v_var[t] = _soft_over(q, rho)
        pi_var[t] = _bayes(q, v_var[t], rho)
    return v_opt, v_var, pi_opt, pi_var


def _soft_of_average(P: Array, R: Array, rho: Array, T: int) -> Readings:
    """Each exact step starts from the variational values of the next one."""
    _, v_var, _, pi_var = _opt_vs_var(P, R, rho, T)
    v_opt, pi_opt = np.empty_like(v_var), np.empty_like(pi_var)
    for t in range(T):
        after = v_var[t + 1] if t + 1 < T else np.zeros(len(rho))
        q = _at(R, t) + _soft_ahead(P, after)
        v_opt[t] = _soft_over(q, rho)
        pi_opt[t] = _bayes(q, v_opt[t], rho)
    return v_opt, v_var, pi_opt, pi_var


def _nothing_ahead(P: Array, v: Array) -> Array:
    return np.zeros(P.shape[:2])


def _reward_twice(P: Array, R: Array, rho: Array, T: int) -> Readings:
    """The reward is in Q, and joins again when the actions are summed."""
    out = []
    for ahead in (_soft_ahead, _mean_ahead):
        v, pi = np.zeros((T + 1, len(rho))), np.zeros((T, *rho.shape))
        for t in reversed(range(T)):
            q = 2 * _at(R, t) + ahead(P, v[t + 1])
            v[t] = _soft_over(q, rho)
            pi[t] = _bayes(q, v[t], rho)
        out.append((v[:T], pi))
    (v_opt, pi_opt), (v_var, pi_var) = out
    return v_opt, v_var, pi_opt, pi_var


def _log_of_sum(weight: Array, x: Array, axis: int) -> Array:
    """log sum weight exp(x), without a shift."""
    return np.log(np.sum(weight * np.exp(x), axis=axis))


def _one_shift(P: Array, v: Array) -> Array:
    """log E exp(v), shifted by the best of all states."""
    top = np.max(v)
    shift = top if np.isfinite(top) else 0.0
    return _log_of_sum(P, v - shift, 2) + shift


def _softmax_average(q: Array, rho: Array) -> Array:
    pi = normalise(safe_log(rho) + q, axis=1)
    return np.sum(np.where(pi > 0, pi * q, 0.0), axis=1)


def _prior_average(q: Array, rho: Array) -> Array:
    return np.sum(np.where(rho > 0, rho * q, 0.0), axis=1)


def _rho_where_zero(readings: Readings, rho: Array) -> Readings:
    v_opt, v_var, pi_opt, pi_var = readings
    pi_opt, pi_var = (
        np.where(pi.sum(axis=2, keepdims=True) == 0, rho, pi) for pi in (pi_opt, pi_var)
    )
    return v_opt, v_var, pi_opt, pi_var


_SMALL = {
    "P": np.array([[[0.5, 0.5], [0.1, 0.9]], [[0.3, 0.7], [0.8, 0.2]]]),
    "R": np.array([[-1.0, -0.2], [-0.5, -2.0]]),
    "rho": np.array([[0.25, 0.75], [0.6, 0.4]]),
    "T": 2,
}
_DEEP = _SMALL | {"R": np.array([[-1000.0, -1001.0], [-1002.0, -1000.0]])}
_CHANGING = _SMALL | {"R": np.array([[[-1.0, -0.2], [-0.5, -2.0]], [[-3.0, -0.1], [-0.7, -1.0]]])}
_PIT = {
    "P": np.array([[[1.0, 0.0]], [[0.0, 1.0]]]),
    "R": np.array([[-1.0], [-800.0]]),
    "rho": np.array([[1.0], [1.0]]),
    "T": 2,
}
_EDGE = {
    "P": np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]]),
    "R": np.array([[0.0, -1.0], [-np.inf, -np.inf]]),
    "rho": np.array([[0.5, 0.5], [0.5, 0.5]]),
    "T": 2,
}

OPT_VS_VAR = Problem(
    name="opt_vs_var",
    title="Problem 2: the exact and the variational agent",
    reference=_opt_vs_var,
    read=_read_readings,
    properties=(
        Property(
            "one step",
            "with one step (T = 1) nothing is left to hope for, and both readings are right",
            3.0,
            _draw_one_step,
            repeats=4,
            holds=_same_readings(0, 1, 2, 3),
        ),
        Property(
            "exact",
            "V_opt and pi_opt are right for random dynamics and several steps",
            9.0,
            _draw_any,
            holds=_same_readings(0, 2),
        ),
        Property(
            "variational",
            "V_var and pi_var are right for random dynamics and several steps",
            9.0,
            _draw_any,
            holds=_same_readings(1, 3),
        ),
        Property(
            "deterministic",
            "deterministic dynamics leave no room for luck: both readings agree, and are right",
            3.0,
            _draw_deterministic,
            repeats=4,
            holds=_same_readings(0, 1, 2, 3, equal=True),
        ),
        Property(
            "uneven",
            "all is right when states allow different numbers of actions",
            3.0,
            _draw_uneven,
            holds=_same_readings(0, 1, 2, 3),
        ),
        Property(
            "changing",
            "all is right when the rewards change from step to step",
            2.0,
            _draw_changing,
            repeats=4,
            holds=_same_readings(0, 1, 2, 3),
        ),
        Property(
            "danger",
            "a trap: the exact agent may hope to miss it, the variational one never risks it; "
            "values of -inf, no NaN",
            3.0,
            _draw_danger,
            holds=_same_readings(0, 1, 2, 3),
        ),
        Property(
            "low",
            "rewards near -5,000 keep their values and policies: nothing underflows",
            1.0,
            _draw_low_rewards,
            repeats=2,
            holds=_same_readings(0, 1, 2, 3),
        ),
        Property(
            "high",
            "rewards near +1,000 keep their values and policies: nothing overflows",
            1.0,
            _draw_high_rewards,
            repeats=2,
            holds=_same_readings(0, 1, 2, 3),
        ),
        Property(
            "far apart",
            "values of states that differ by 1,000 nats or more are all kept",
            1.0,
            _draw_deep_state,
            repeats=3,
            holds=_same_readings(0, 1, 2, 3),
        ),
    ),
    misconceptions=(
        Misconception(
            "readings exchanged",
            _rearranged(1, 0, 3, 2),
            "Both readings are right and stand in each other's place. The exact one takes "
            "log E[exp V(s')] over next states, and it is the optimistic one: V_opt is never "
            "below V_var. The variational one takes the plain average E[V(s')].",
            _ONE_CALL,
        ),
        Misconception(
            "values exchanged",
            _rearranged(1, 0, 2, 3),
            "The values stand in each other's place, and the policies do not. The order is V_opt, "
            "V_var, pi_opt, pi_var, and V_opt is never below V_var.",
            _ONE_CALL,
        ),
        Misconception(
            "both variational",
            _rearranged(1, 1, 3, 3),
            "V_opt is the variational value as well: the logarithms of the next messages are "
            "averaged, E[v], where the exact reading wants log E[exp v]. The messages are "
            "probabilities, and probabilities are averaged before the logarithm is taken.",
            _ONE_CALL,
        ),
        Misconception(
            "both optimistic",
            _rearranged(0, 0, 2, 2),
            "V_var is the exact value as well: a soft maximum over next states. The agent chooses "
            "its actions, so a soft maximum over those is right in both readings. It does not "
            "choose where chance takes it: the variational reading has the plain average "
            "E[V(s')].",
            _ONE_CALL,
        ),
        Misconception(
            "logarithm missing",
            _readings(exact=lambda P, v: np.sum(P * np.exp(v), axis=2)),
            "In the exact reading the reward, a logarithm, is added to E[exp v], a probability. "
            "Take the logarithm of the expectation first: r + log E[exp v].",
            _ONE_CALL,
        ),
        Misconception(
            "exponential outside the expectation",
            _readings(exact=lambda P, v: np.exp(_mean_ahead(P, v))),
            "The exact reading has exp(E[v]) here: the exponential of an average. It needs the "
            "average of exponentials, E[exp v], and then its logarithm. Only for a certain next "
            "value may the two change places.",
            _ONE_CALL,
        ),
        Misconception(
            "logarithm of the expected value",
            _readings(exact=lambda P, v: np.log(np.sum(P * v, axis=2))),
            "The exact reading takes the logarithm of E[v]. But v is a logarithm already, and "
            "negative. Go back to probabilities before averaging: log E[exp v].",
            _ONE_CALL,
        ),
        Misconception(
            "best next state",
            _readings(exact=lambda P, v: np.max(np.where(P > 0, v, -np.inf), axis=2)),
            "The exact reading takes the best possible next state for granted. It is optimistic, "
            "but not that much: luck is weighed by its probability, log E[exp v], and a small "
            "chance is discounted by its logarithm. The maximum is the limit of temperature zero.",
            f"{_PAGE}#mc-always-lucky",
        ),
        Misconception(
            "best next state for the variational agent",
            _readings(variational=lambda P, v: np.max(np.where(P > 0, v, -np.inf), axis=2)),
            "The variational reading takes the best possible next state for granted. It is the "
            "cautious one: it cannot choose where chance takes it, and averages, E[V(s')].",
            _ONE_CALL,
        ),
        Misconception(
            "worst next state",
            _readings(variational=lambda P, v: np.min(np.where(P > 0, v, np.inf), axis=2)),
            "The variational reading expects the worst possible next state. It is cautious, but "
            "no pessimist: it counts on neither good nor bad luck and averages, E[V(s')].",
            _ONE_CALL,
        ),
        Misconception(
            "exact values from variational ones",
            _soft_of_average,
            "V_opt looks ahead to V_var of the next step. It then hopes for luck in one step and "
            "counts on none in all later ones. Each reading is a recursion of its own: V_opt of "
            "step t comes from V_opt of step t + 1.",
            _ONE_CALL,
            example=_SMALL | {"T": 3},
        ),
        Misconception(
            "no look-ahead",
            _readings(exact=_nothing_ahead, variational=_nothing_ahead),
            "Each value holds its own step alone. Where an action leads is worth something too: Q "
            "is the reward plus what the next states are worth, weighed by P.",
            _ONE_CALL,
        ),
        Misconception(
            "transition read backwards",
            _readings(
                exact=lambda P, v: _soft_ahead(P.transpose(2, 1, 0), v),
                variational=lambda P, v: _mean_ahead(P.transpose(2, 1, 0), v),
            ),
            "The transition is read in the wrong direction. P is indexed [s, a, s'], and its rows "
            "P[s, a, :] sum to one: both readings look ahead over the last index.",
            _ONE_CALL,
        ),
        Misconception(
            "maximum over actions",
            _readings(over=lambda q, rho: np.max(np.where(rho > 0, q, -np.inf), axis=1)),
            "The value of a state is the maximum over its actions here. That is optimal control. "
            "In both readings at temperature 1 it is the soft maximum, log sum rho exp(Q): the "
            "prior pulls the agent away from being greedy.",
            _ONE_CALL,
        ),
        Misconception(
            "prior dropped",
            _readings(
                over=lambda q, rho: logsumexp(q, axis=1),
                policy=lambda q, v, rho: np.exp(q - np.where(np.isfinite(v), v, 0.0)[:, None]),
            ),
            "The actions are summed without their prior. The soft maximum over actions is an "
            "average with rho(a | s), and the policy has rho as a factor. Without it a forbidden "
            "action is allowed, and a state looks better because it has more actions.",
            _ONE_CALL,
        ),
        Misconception(
            "prior missing in the policies",
            _readings(
                policy=lambda q, v, rho: np.exp(q - np.where(np.isfinite(v), v, 0.0)[:, None])
            ),
            "The values are right, the policies lack the prior. exp(Q - V) says by how much an "
            "action gains; the policy is rho(a | s) exp(Q - V), and its rows sum to one. A "
            "forbidden action stays forbidden.",
            _ONE_CALL,
        ),
        Misconception(
            "prior's average over actions",
            _readings(over=_prior_average),
            "The value of a state is the average of Q over the prior: what an agent gets that "
            "does not care. In both readings the agent does choose its actions, and the soft "
            "maximum log sum rho exp(Q) says how well it does, less what its choice costs.",
            _ONE_CALL,
        ),
        Misconception(
            "cost of choosing left out",
            _readings(
                over=_softmax_average,
                policy=lambda q, v, rho: normalise(safe_log(rho) + q, axis=1),
            ),
            "The value of a state is the average of Q under the policy. The soft maximum is "
            "smaller: from that average it takes the divergence of the policy from the prior, "
            "which is the price of choosing. V = log sum rho exp(Q).",
            _ONE_CALL,
        ),
        Misconception(
            "both policies from the exact values",
            _rearranged(0, 1, 2, 2),
            "All values are right, but pi_var is the exact agent's policy. Each reading has Q "
            "values of its own: pi_var = rho exp(Q_var - V_var), with the plain average over next "
            "states inside Q_var. Otherwise the cautious agent acts like the gambler.",
            _ONE_CALL,
        ),
        Misconception(
            "both policies from the variational values",
            _rearranged(0, 1, 3, 3),
            "All values are right, but pi_opt is the variational agent's policy. Each reading has "
            "Q values of its own: pi_opt = rho exp(Q_opt - V_opt) is what Bayes' rule says about "
            "the action, luck included.",
            _ONE_CALL,
        ),
        Misconception(
            "policies exchanged",
            _rearranged(0, 1, 3, 2),
            "The values are right and the policies stand in each other's place. The order is "
            "V_opt, V_var, pi_opt, pi_var.",
            _ONE_CALL,
        ),
        Misconception(
            "average of the exact values",
            _average_of_exact,
            "V_var averages the *exact* values of the next step. It is then cautious for one step "
            "and counts on luck in all later ones. Each reading is a recursion of its own: V_var "
            "of step t comes from V_var of step t + 1.",
            _ONE_CALL,
            example=_SMALL | {"T": 3},
        ),
        Misconception(
            "reward counted twice",
            _reward_twice,
            "The reward of a step counts twice: once in Q, and once more when the actions are "
            "summed. Q contains it already, so V = log sum rho exp(Q) and nothing else.",
            _ONE_CALL,
        ),
        Misconception(
            "last reward missing",
            _readings(reward=lambda R, t, T: _at(R, t) if t < T - 1 else 0 * _at(R, 0)),
            "The reward of the last step is missing: the recursions start one step too early. "
            "The value that is 0 for certain, because nothing is left to come, is the one after "
            "step T.",
            _ONE_CALL,
        ),
        Misconception(
            "discounted",
            _readings(discount=0.99),
            "The next value is multiplied by 0.99. No discount is asked for: the horizon is "
            "finite. And in the exact reading that would not even be a discount: to multiply a "
            "logarithm is to take a power of a probability.",
            f"{_PAGE}#discount-twice",
        ),
        Misconception(
            "rewards of the first step",
            _readings(reward=lambda R, t, T: _at(R, 0)),
            "The rewards of the first step are used at every step. When R has shape (T, S, A), "
            "each step has rewards of its own.",
            _ONE_CALL,
            example=_CHANGING,
        ),
        Misconception(
            "rewards in reverse order",
            _readings(reward=lambda R, t, T: _at(R, T - 1 - t)),
            "The rewards are read in reverse order: the recursions start with the last step and "
            "must start with the last rewards.",
            _ONE_CALL,
            example=_CHANGING,
        ),
        Misconception(
            "rewards out of step",
            _readings(reward=lambda R, t, T: _at(R, min(t + 1, T - 1))),
            "Reward and value are out of step when rewards change: Q of step t is made of r_t, "
            "the reward of that step, and of the value of step t + 1. Here the reward is the next "
            "step's too.",
            _ONE_CALL,
            example=_CHANGING,
        ),
        Misconception(
            "steps in reverse order",
            _changed(
                lambda four, rho: (four[0][::-1], four[1][::-1], four[2][::-1], four[3][::-1])
            ),
            "All four are right but stand in reverse order. The recursions compute the last step "
            "first; row t of the answer belongs to step t all the same.",
            _ONE_CALL,
        ),
        Misconception(
            "probabilities returned",
            _changed(lambda four, rho: (np.exp(four[0]), *four[1:])),
            "V_opt holds the messages themselves, which are probabilities. The problem asks for "
            "their logarithms: only those can be compared with V_var, and -10,000 is the "
            "logarithm of nothing a computer can hold.",
            _ONE_CALL,
        ),
        Misconception(
            "exponentials out of range",
            _readings(
                exact=lambda P, v: _log_of_sum(P, v, 2),
                over=lambda q, rho: _log_of_sum(rho, q, 1),
            ),
            "The exponential leaves the range of floating point: exp(-10,000) is 0, exp(1,000) is "
            "inf. Subtract the largest logarithm of each sum before taking exponentials, and add "
            "it again afterwards.",
            _ONE_CALL,
            example=_DEEP,
        ),
        Misconception(
            "one shift for all states",
            _readings(exact=_one_shift),
            "In the exact reading one maximum, that of all states, is subtracted before the "
            "exponentials. A state 1,000 nats worse than the best then underflows to 0, and its "
            "value becomes -inf, although success is possible. Each sum needs the maximum of its "
            "own terms.",
            _ONE_CALL,
            example=_PIT,
        ),
        Misconception(
            "zero times infinity",
            _readings(variational=lambda P, v: P @ v),
            "The plain average multiplies a probability of 0 with a value of -inf, which is NaN. "
            "What cannot happen does not count: only next states with P > 0 belong to the "
            "average. One of *those* at -inf makes the average -inf.",
            _ONE_CALL,
            example=_EDGE,
        ),
        Misconception(
            "danger left out",
            _readings(variational=lambda P, v: np.sum(P * np.where(np.isfinite(v), v, 0), axis=2)),
            "The plain average leaves out next states of value -inf, as if a trap were worth 0, "
            "the best value of all. A chance of -inf makes the average -inf: the variational "
            "agent never risks the trap. (The exact agent may, and hopes.)",
            _AGREE,
            example=_EDGE,
        ),
        Misconception(
            "prior where success is impossible",
            _changed(_rho_where_zero),
            "In a state of value -inf so is every action, and no policy is better than another. "
            "The prior is returned there; the problem asks for a row of zeros, which cannot be "
            "taken for advice by mistake.",
            _ONE_CALL,
            example=_EDGE,
        ),
        Misconception(
            "infinity minus infinity",
            _readings(policy=lambda q, v, rho: rho * np.exp(q - v[:, None])),
            "In a state of value -inf the policy needs Q - V = (-inf) - (-inf), which is NaN. No "
            "action is better than another there; the problem asks for a row of zeros.",
            _ONE_CALL,
            example=_EDGE,
        ),
    ),
    example=_SMALL,
    section=_ONE_CALL,
    rtol=_ALIKE[0],
    atol=_ALIKE[1],
)


# min_lottery_p: inputs


def _offer(rng: Rng, *shape: int) -> dict[str, Any]:
    """A lottery and a safe gain between 0 and the prize."""
    gap = rng.uniform(0.5, 6.0, size=shape or None)
    safe = gap * rng.uniform(0.15, 0.85, size=shape or None)
    return {"gap": gap, "safe": safe}


def _draw_offer(rng: Rng) -> Inputs:
    return _offer(rng)


def _draw_offers(rng: Rng) -> Inputs:
    """Several offers at once, one of which is free, one certain and one out of reach.

    The free one comes first more often than not: ``np.vectorize`` makes whole
    numbers of everything when the first answer is the whole number 0.
    """
    shape = (int(rng.integers(4, 7)),) if rng.random() < 0.5 else (2, int(rng.integers(2, 4)))
    d = _offer(rng, *shape)
    gap, safe = d["gap"].ravel(), d["safe"].ravel()
    kinds = rng.permutation(gap.size)
    if rng.random() < 0.7:
        kinds = np.r_[0, kinds[kinds != 0]]
    safe[kinds[0]] = -rng.uniform(0.1, 2.0)
    safe[kinds[1]] = gap[kinds[1]]
    safe[kinds[2]] = gap[kinds[2]] + rng.uniform(0.1, 2.0)
    return {"gap": gap.reshape(shape), "safe": safe.reshape(shape)}


def _draw_free(rng: Rng) -> Inputs:
    d = _offer(rng)
    return d | {"safe": -d["safe"]}


def _draw_never(rng: Rng) -> Inputs:
    d = _offer(rng)
    return d | {"safe": d["gap"] + rng.uniform(0.1, 3.0)}


def _draw_equal(rng: Rng) -> Inputs:
    d = _offer(rng)
    return d | {"safe": d["gap"]}


def _draw_large(rng: Rng) -> Inputs:
    """A prize beyond exp; the chance lies between e^-60 and 1/2, often above e^-5."""
    gap = rng.uniform(800.0, 2000.0)
    return {"gap": gap, "safe": gap - np.exp(rng.uniform(np.log(0.7), np.log(60.0)))}


def _draw_tiny(rng: Rng) -> Inputs:
    d = _offer(rng)
    small = 10.0 ** -rng.uniform(18.0, 25.0)
    return {"gap": d["gap"] * small, "safe": d["safe"] * small}


# min_lottery_p: reference, reading, wrong ideas


def _min_lottery_p(gap: Any, safe: Any) -> Any:
    from cs_infer import lottery_threshold

    return lottery_threshold(gap, safe)


def _read_threshold(inputs: Inputs, answer: Any) -> Any:
    shape = np.broadcast_shapes(np.shape(inputs["gap"]), np.shape(inputs["safe"]))
    return as_array(answer, shape, "p") if shape else as_number(answer, "p")


@_calmly
def _same_threshold(inputs: Inputs, answer: Any) -> str | None:
    """Like the comparison with the reference; shows what a wrong chance leads to."""
    expected = _min_lottery_p(**inputs)
    fault = differ(answer, expected, *_THRESHOLD)
    if fault is None:
        return None
    if np.any((np.asarray(answer) < 0) | (np.isfinite(answer) & (np.asarray(answer) > 1))):
        return f"{fault}; a chance lies between 0 and 1, and inf stands for never"
    if np.ndim(expected):
        return fault
    gap, safe = inputs["gap"], inputs["safe"]
    if not (1e-6 < gap < 700 and 0 < safe < gap):
        return fault
    worth = float(np.log1p(answer * np.expm1(gap)))
    return f"{fault}: at this p the lottery is worth {worth:.6g} and the safe act {safe:.6g}"


def _offers(rule: Callable[[Array, Array], Array], *, guarded: bool = True) -> Callable[..., Any]:
    """The wrong solution with another rule; guarded, it knows what is free and what hopeless."""

    def wrong(gap: Any, safe: Any) -> Any:
        g, b = np.asarray(gap, dtype=float), np.asarray(safe, dtype=float)
        with np.errstate(all="ignore"):
            p = rule(g, b)
        if guarded:
            p = np.where(b > g, np.inf, np.where(b <= 0, 0.0, p))
        return p if p.ndim else float(p)

    return wrong


def _stable(g: Array, b: Array) -> Array:
    """The right rule where 0 <= safe <= gap; beyond, what the formula says."""
    return np.exp(b - g) * np.expm1(-b) / np.expm1(-g)


def _cases(g: Array, b: Array) -> Array:
    return np.where(b > g, np.inf, np.where(b <= 0, 0.0, _stable(g, b)))


_TICKET_OFFER = {"gap": float(np.log(32)), "safe": float(np.log(2))}
_FREE = {"gap": 3.0, "safe": -1.0}
_NEVER = {"gap": 2.0, "safe": 3.0}
_JACKPOT = {"gap": 1000.0, "safe": 999.0}
_PENNY = {"gap": 4e-20, "safe": 1e-20}

MIN_LOTTERY_P = Problem(
    name="min_lottery_p",
    title="Problem 3: when optimism buys the ticket",
    reference=_min_lottery_p,
    read=_read_threshold,
    properties=tuple(
        Property(name, statement, points, draw, repeats, _same_threshold)
        for name, statement, points, draw, repeats in (
            (
                "values",
                "the threshold is right for prizes of ordinary size",
                6.0,
                _draw_offer,
                8,
            ),
            (
                "free",
                "when the safe act pays nothing or less, the lottery is taken even at p = 0",
                2.0,
                _draw_free,
                4,
            ),
            (
                "never",
                "when the safe act pays more than the prize, no chance is high enough: inf",
                3.0,
                _draw_never,
                4,
            ),
            (
                "equal",
                "when the safe act pays as much as the prize, only certainty is enough: p = 1",
                1.0,
                _draw_equal,
                4,
            ),
            ("large", "prizes of 2,000 do not overflow", 3.0, _draw_large, 12),
            ("tiny", "prizes of 1e-20 keep their digits", 2.0, _draw_tiny, 6),
            (
                "arrays",
                "many offers at once: each gets its own threshold, in an array of the same shape",
                3.0,
                _draw_offers,
                6,
            ),
        )
    ),
    misconceptions=(
        Misconception(
            "expected value",
            _offers(lambda g, b: b / g),
            "This is where the *expected value* of the lottery reaches the safe gain, p gap >= "
            "safe. It is how the variational agent decides, and the limit of high temperature. "
            "The exact agent values the lottery at log(p exp(gap) + 1 - p), which is more.",
            _TICKET,
        ),
        Misconception(
            "logarithm missing",
            _offers(lambda g, b: (b - 1) / np.expm1(g)),
            "The expected exponential of the lottery is compared with the safe gain itself. Take "
            "the logarithm of the one or the exponential of the other: p exp(gap) + 1 - p >= "
            "exp(safe).",
            _TICKET,
        ),
        Misconception(
            "losing left out",
            _offers(lambda g, b: np.exp(b - g)),
            "The losing outcome is left out: p exp(gap) >= exp(safe). To lose pays 0, and exp(0) "
            "is 1, not 0: it adds 1 - p to the expectation. Without it the lottery looks worse "
            "than it is.",
            _TICKET,
        ),
        Misconception(
            "softmax of two offers",
            _offers(lambda g, b: 1.0 / (1.0 + np.exp(g - b))),
            "This is a softmax of the two payments: how often an agent would choose one *certain* "
            "payment over another. The question here is another one: at which chance of winning "
            "are lottery and safe act worth the same?",
            _TICKET,
        ),
        Misconception(
            "nothing where the offers are equal",
            _offers(
                lambda g, b: np.where(b >= g, np.inf, np.where(b <= 0, 0.0, _stable(g, b))),
                guarded=False,
            ),
            "Where the safe act pays exactly the prize, inf is returned. But a lottery that is "
            "certain to win is then worth as much as the safe act, and *at least* as much is "
            "asked for: p = 1 is enough.",
            _TICKET,
            example={"gap": 2.0, "safe": 2.0},
        ),
        Misconception(
            "prize on top of the safe gain",
            _offers(lambda g, b: np.expm1(b) / np.expm1(b + g)),
            "The prize is taken as safe + gap. Both payments are counted from the losing outcome: "
            "the lottery pays gap or 0, the safe act pays safe. So the exponentials are exp(gap), "
            "1 and exp(safe).",
            _TICKET,
        ),
        Misconception(
            "chance of losing",
            _offers(lambda g, b: 1 - _stable(g, b)),
            "This is 1 - p, the largest chance of *losing* at which the lottery is still taken. "
            "The problem asks for the smallest chance of winning.",
            _TICKET,
        ),
        Misconception(
            "the pessimist's threshold",
            _offers(lambda g, b: np.expm1(-b) / np.expm1(-g)),
            "The exponents have the wrong sign: with exp(-gap) and exp(-safe) this is the "
            "threshold of an agent that fears to lose, above that of the expected value. The "
            "exact agent loves to win; its threshold is below.",
            f"{_PAGE}#temperature-is-an-attitude-to-risk",
        ),
        Misconception(
            "logarithm returned",
            _offers(lambda g, b: np.log(_stable(g, b))),
            "This is the logarithm of the threshold. A chance lies between 0 and 1: take the "
            "exponential at the end.",
            _TICKET,
        ),
        Misconception(
            "exchanged",
            _offers(lambda g, b: np.expm1(g) / np.expm1(b)),
            "The fraction stands on its head, or gap and safe are exchanged: a chance above 1 "
            "came out. gap is the prize, the larger of the two; p (exp(gap) - 1) >= exp(safe) - 1.",
            _TICKET,
        ),
        Misconception(
            "certainty where nothing is enough",
            _offers(lambda g, b: np.where(b > g, 1.0, _cases(g, b)), guarded=False),
            "Where the safe act pays more than the prize, 1 is returned. But a lottery that is "
            "certain to win is worth the prize, and that is not enough. No chance will do: the "
            "problem asks for inf.",
            _TICKET,
            example=_NEVER,
        ),
        Misconception(
            "NaN where nothing is enough",
            _offers(lambda g, b: np.where(b > g, np.nan, _cases(g, b)), guarded=False),
            "Where the safe act pays more than the prize, NaN is returned. NaN says that nothing "
            "is known, but here much is known: no chance is high enough, and every comparison "
            "p >= inf is false, as it should be. The problem asks for inf.",
            _TICKET,
            example=_NEVER,
        ),
        Misconception(
            "above one",
            _offers(lambda g, b: np.where(b <= 0, 0.0, _stable(g, b)), guarded=False),
            "Where the safe act pays more than the prize, the formula gives a chance above 1. "
            "There is no such chance, so no lottery is good enough: the problem asks for inf.",
            _TICKET,
            example=_NEVER,
        ),
        Misconception(
            "below zero",
            _offers(lambda g, b: np.where(b > g, np.inf, _stable(g, b)), guarded=False),
            "Where the safe act pays less than nothing, the formula gives a negative chance. The "
            "lottery never pays less than 0, so it is taken at any chance: the smallest is 0.",
            _TICKET,
            example=_FREE,
        ),
        Misconception(
            "formula alone",
            _offers(_stable, guarded=False),
            "The formula is right between its two ends and goes on beyond them: a chance below 0 "
            "where the safe act pays less than nothing, one above 1 where it pays more than the "
            "prize. Ask what the agent does there: it takes the lottery always, or never.",
            _TICKET,
            example=_NEVER,
        ),
        Misconception(
            "exponentials out of range",
            _offers(lambda g, b: np.expm1(b) / np.expm1(g)),
            "In floating point exp(1000) is inf, and inf / inf is NaN. The ratio itself is "
            "harmless: divide numerator and denominator by exp(gap), and only exponentials of "
            "negative numbers are left.",
            _TICKET,
            example=_JACKPOT,
        ),
        Misconception(
            "digits cancel",
            _offers(lambda g, b: np.exp(b - g) * (np.exp(-b) - 1) / (np.exp(-g) - 1)),
            "The difference exp(x) - 1 loses all its digits when x is close to 0: "
            "exp(1e-20) rounds to exactly 1, and 0 / 0 is NaN. np.expm1(x) computes exp(x) - 1 "
            "without that loss.",
            _TICKET,
            example=_PENNY,
        ),
        Misconception(
            "too large and too small",
            _offers(lambda g, b: (np.exp(b) - 1) / (np.exp(g) - 1)),
            "Floating point breaks the fraction at both ends. exp(1000) is inf: "
            "divide numerator and denominator by exp(gap) first. And exp(1e-20) - 1 is exactly 0: "
            "np.expm1 keeps the digits.",
            _TICKET,
            example=_JACKPOT,
        ),
    ),
    example=_TICKET_OFFER,
    section=_TICKET,
    rtol=_THRESHOLD[0],
    atol=_THRESHOLD[1],
)


# belief_and_fact: inputs


def _told(problem: dict[str, Any], mu0: Array) -> Inputs:
    """The arguments of the function: the policy and the messages come from exact inference."""
    from cs_infer import backward_messages

    P, R, rho, T = (problem[name] for name in ("P", "R", "rho", "T"))
    messages = backward_messages(_mdp(P, R, rho, T, mu0))
    return {
        "P": P,
        "R": R,
        "mu0": mu0,
        "policy": np.array(messages.policy),
        "log_beta_s": np.array(messages.log_beta_s),
    }


def _told_somewhere(rng: Rng, problem: dict[str, Any]) -> Inputs:
    return _told(problem, _distribution(rng, len(problem["P"])))


def _draw_told(rng: Rng) -> Inputs:
    return _told_somewhere(rng, _draw_any(rng))


def _draw_told_once(rng: Rng) -> Inputs:
    """One step, and all states but two are worse by far."""
    S, A, _ = _sizes(rng)
    problem = _dense(rng, S, A, 1)
    problem["R"][2:] -= rng.uniform(1500.0, 2400.0)
    return _told_somewhere(rng, problem)


def _draw_told_changing(rng: Rng) -> Inputs:
    return _told_somewhere(rng, _draw_changing(rng))


def _draw_start(rng: Rng) -> Inputs:
    """Deterministic dynamics and a random first state: the luck is in the start alone."""
    problem = _draw_deterministic(rng)
    problem["rho"] = _distribution(rng, *problem["rho"].shape)
    return _told_somewhere(rng, problem)


def _draw_no_luck(rng: Rng) -> Inputs:
    """Deterministic dynamics, one first state."""
    problem = _draw_deterministic(rng)
    S = len(problem["P"])
    return _told(problem, np.eye(S)[rng.integers(S)])


def _draw_told_low(rng: Rng) -> Inputs:
    S, A, _ = _sizes(rng)
    problem = _dense(rng, S, A, 2)
    return _told_somewhere(rng, problem | {"R": problem["R"] - rng.uniform(7000.0, 9990.0)})


def _draw_never_optimal(rng: Rng) -> Inputs:
    """In every state one action is never optimal, and the policy never takes it."""
    problem = _draw_any(rng)
    R = problem["R"]
    R[np.arange(len(R)), rng.integers(R.shape[1], size=len(R))] = -np.inf
    return _told_somewhere(rng, problem)


# belief_and_fact: reference, reading, wrong ideas


def _pushed(
    kernels: list[Array], start: Array, policy: Array, R: Array, reward: Callable[..., Array] = _at
) -> float:
    """The expected return when these dynamics carry the agent from step to step."""
    d, total = start, 0.0
    for t in range(len(policy)):
        visits = d[:, None] * policy[t]
        total += np.sum(np.where(visits > 0, visits * reward(R, t), 0.0))
        d = np.einsum("sa,san->n", visits, kernels[t])
    return float(total)


def _luck(P: Array, log_beta_s: Array) -> list[Array]:
    """The believed dynamics of each step; after the last one nothing is left to hope for."""
    after = [*log_beta_s[1:], np.zeros(len(P))]
    return [normalise(safe_log(P) + v, axis=2) for v in after]


def _lucky_start(mu0: Array, log_beta_s: Array) -> Array:
    return normalise(safe_log(mu0) + log_beta_s[0])


def _believed(P: Array, R: Array, mu0: Array, policy: Array, log_beta_s: Array) -> float:
    with np.errstate(invalid="ignore"):
        return _pushed(_luck(P, log_beta_s), _lucky_start(mu0, log_beta_s), policy, R)


def _obtained(P: Array, R: Array, mu0: Array, policy: Array, log_beta_s: Array) -> float:
    from cs_infer import policy_return

    return float(policy_return(_mdp(P, R, None, len(policy), mu0), policy))


def _belief_and_fact(
    P: Array, R: Array, mu0: Array, policy: Array, log_beta_s: Array
) -> tuple[float, float]:
    told = (P, R, mu0, policy, log_beta_s)
    return _believed(*told), _obtained(*told)


def _read_returns(inputs: Inputs, answer: Any) -> tuple[float, float]:
    parts = answer.tolist() if isinstance(answer, np.ndarray) and answer.shape == (2,) else answer
    if not isinstance(parts, (tuple, list)) or len(parts) != 2:
        kind = "None" if answer is None else f"a {type(answer).__name__}"
        raise AnswerError(f"the answer must be two numbers, (believed, obtained); it is {kind}")
    return as_number(parts[0], "believed"), as_number(parts[1], "obtained")


def _same_returns(
    *parts: int, equal: bool = False, close: tuple[float, float] = _RETURN
) -> Callable[[Inputs, tuple[float, float]], str | None]:
    """Like the comparison with the reference, for some parts."""

    @_calmly
    def holds(inputs: Inputs, answer: tuple[float, float]) -> str | None:
        expected = _belief_and_fact(**inputs)
        for i in parts:
            fault = differ(answer[i], expected[i], *close)
            if fault:
                unlike = equal and abs(answer[0] - answer[1]) > 1e-3
                remark = "; nothing is random but the policy, so both are equal" if unlike else ""
                return f"{('believed', 'obtained')[i]}: {fault}{remark}"
        return None

    return holds


def _returns(rule: Callable[..., tuple[float, float]]) -> Callable[..., tuple[float, float]]:
    """The wrong solution, without its warnings; numbers as Python floats."""

    def wrong(**inputs: Array) -> tuple[float, float]:
        with np.errstate(all="ignore"):
            believed, obtained = rule(*inputs.values())
        return float(believed), float(obtained)

    return wrong


def _belief_with(
    kernels: Callable[[Array, Array], list[Array]] = _luck,
    start: Callable[[Array, Array], Array] = _lucky_start,
) -> Callable[..., tuple[float, float]]:
    """The wrong solution whose belief has other dynamics, or another first state."""
    return _returns(
        lambda P, R, mu0, policy, v: (
            _pushed(kernels(P, v), start(mu0, v), policy, R),
            _obtained(P, R, mu0, policy, v),
        )
    )


def _both_with(reward: Callable[[Array, int, int], Array]) -> Callable[..., tuple[float, float]]:
    """The wrong solution that adds up other rewards."""

    def rule(P: Array, R: Array, mu0: Array, policy: Array, v: Array) -> tuple[float, float]:
        T = len(policy)
        return (
            _pushed(_luck(P, v), _lucky_start(mu0, v), policy, R, lambda R, t: reward(R, t, T)),
            _pushed([P] * T, mu0, policy, R, lambda R, t: reward(R, t, T)),
        )

    return _returns(rule)


def _instead_of_belief(value: Callable[[Array, Array], float]) -> Callable[..., Any]:
    return _returns(lambda P, R, mu0, policy, v: (value(mu0, v), _obtained(P, R, mu0, policy, v)))


def _nan_returns(P: Array, R: Array, mu0: Array, policy: Array, v: Array) -> tuple[float, float]:
    right = _belief_and_fact(P, R, mu0, policy, v)
    bad = any(np.isnan(policy[t] * _at(R, t)).any() for t in range(len(policy)))
    return (np.nan, np.nan) if bad else right


_STREAM = {  # action 1 in state 0 is a leap, which succeeds one time in four
    "P": np.array([[[1.0, 0.0], [0.75, 0.25]], [[0.0, 1.0], [0.5, 0.5]]]),
    "R": np.array([[-2.0, -2.5], [0.0, -1.0]]),
    "rho": np.full((2, 2), 0.5),
    "T": 2,
}
_HALF_WAY = np.array([0.5, 0.5])
_LEAP = _told(_STREAM, _HALF_WAY)
_NO_STAYING = _told(_STREAM | {"R": np.array([[-np.inf, -2.5], [0.0, -1.0]])}, _HALF_WAY)
_NEAR_THE_BANK = _told(_STREAM, np.array([0.8, 0.2]))
_COLD_STREAM = _told(_STREAM | {"R": _STREAM["R"] - 800.0}, _HALF_WAY)
_LATER_WARM = _told(_STREAM | {"R": np.stack([_STREAM["R"], _STREAM["R"] / 4])}, _HALF_WAY)

BELIEF_AND_FACT = Problem(
    name="belief_and_fact",
    title="Problem 4: what the agent believes, and what happens",
    reference=_belief_and_fact,
    read=_read_returns,
    properties=(
        Property(
            "believed",
            "the return the agent believes in is right for random dynamics",
            5.0,
            _draw_told,
            holds=_same_returns(0),
        ),
        Property(
            "obtained",
            "the return it obtains is right for random dynamics",
            5.0,
            _draw_told,
            holds=_same_returns(1),
        ),
        Property(
            "one step",
            "with one step (T = 1) the first state is all there is to be lucky with",
            2.0,
            _draw_told_once,
            repeats=4,
            holds=_same_returns(0, 1),
        ),
        Property(
            "start",
            "both are right when the first state is random and the dynamics are not",
            2.0,
            _draw_start,
            repeats=6,
            holds=_same_returns(0, 1),
        ),
        Property(
            "no luck",
            "both are equal when first state and dynamics are certain",
            1.0,
            _draw_no_luck,
            repeats=4,
            holds=_same_returns(0, 1, equal=True),
        ),
        Property(
            "changing",
            "both are right when the rewards change from step to step",
            2.0,
            _draw_told_changing,
            repeats=4,
            holds=_same_returns(0, 1),
        ),
        Property(
            "low",
            "messages near -20,000 do no harm: nothing underflows",
            2.0,
            _draw_told_low,
            repeats=2,
            holds=_same_returns(0, 1, close=_LOW_RETURN),
        ),
        Property(
            "never optimal",
            "a reward of -inf for an action that is never taken does not count",
            1.0,
            _draw_never_optimal,
            repeats=3,
            holds=_same_returns(0, 1),
        ),
    ),
    misconceptions=(
        Misconception(
            "exchanged",
            _returns(lambda *told: _belief_and_fact(*told)[::-1]),
            "The two numbers are right and stand in each other's place. What the agent believes "
            "comes first: it starts where it hopes to start, and moves as it hopes to move.",
            _FACT,
        ),
        Misconception(
            "belief taken for fact",
            _returns(lambda *told: (_believed(*told), _believed(*told))),
            "The second number is what the agent believes, once more. When the policy acts, the "
            "first state comes from mu0 and the next states from P: nobody told *them* that all "
            "goes well.",
            _FACT,
        ),
        Misconception(
            "belief starts from mu0",
            _belief_with(start=lambda mu0, v: mu0),
            "The belief moves with the believed dynamics, but starts from mu0. The first state is "
            "random as well, and the news reweights it: mu0(s) beta_1(s), divided by its sum.",
            _DYNAMICS,
        ),
        Misconception(
            "fact taken for belief",
            _returns(lambda *told: (_obtained(*told), _obtained(*told))),
            "The first number is what happens, once more. The agent was told that all goes well, "
            "so it believes in another first state and in other dynamics: both are reweighted by "
            "the messages.",
            _FACT,
        ),
        Misconception(
            "true dynamics in the belief",
            _belief_with(kernels=lambda P, v: [P] * len(v)),
            "The belief starts where it should, but then moves with the true dynamics. Given that "
            "all goes well later, each step is lucky too: P(s' | s, a) beta_{t+1}(s'), each row "
            "divided by its sum.",
            _FACT,
        ),
        Misconception(
            "the fact starts with luck",
            _returns(
                lambda P, R, mu0, policy, v: (
                    _believed(P, R, mu0, policy, v),
                    _obtained(P, R, _lucky_start(mu0, v), policy, v),
                )
            ),
            "What happens starts from the agent's belief about the first state. In fact the first "
            "state comes from mu0, whatever the agent was told.",
            _FACT,
        ),
        Misconception(
            "the fact moves with luck",
            _returns(
                lambda P, R, mu0, policy, v: (
                    _believed(P, R, mu0, policy, v),
                    _pushed(_luck(P, v), mu0, policy, R),
                )
            ),
            "What happens starts from mu0, as it should, and then moves with the believed "
            "dynamics. In fact the next states come from P, whatever the agent was told.",
            _FACT,
        ),
        Misconception(
            "first state without mu0",
            _belief_with(start=lambda mu0, v: normalise(v[0])),
            "The belief about the first state is a softmax of its messages: mu0 is left out. "
            "Bayes' rule has a prior, and here that is mu0: mu0(s) beta_1(s), divided by its sum.",
            _DYNAMICS,
            example=_NEAR_THE_BANK,
        ),
        Misconception(
            "first state not normalised",
            _belief_with(start=lambda mu0, v: mu0 * np.exp(v[0])),
            "The belief about the first state is mu0 * beta without the division by its sum. That "
            "is a joint probability with success, and the return is then scaled down by it. A "
            "belief sums to one.",
            _DYNAMICS,
        ),
        Misconception(
            "message of the wrong step",
            _belief_with(kernels=lambda P, v: [normalise(safe_log(P) + w, axis=2) for w in v]),
            "The move from step t to step t + 1 is reweighted with beta_t. But it arrives at step "
            "t + 1, and what is to come from there is in beta_{t+1}. (After the last step there "
            "is no message, and no move that counts.)",
            _DYNAMICS,
        ),
        Misconception(
            "normalisation missing",
            _belief_with(kernels=lambda P, v: [P * np.exp(w) for w in [*v[1:], np.zeros(len(P))]]),
            "The believed dynamics are P * beta without the division by the sum of the row. Then "
            "probability is lost at every step, and later rewards count less and less. Each row "
            "of a belief sums to one.",
            _DYNAMICS,
        ),
        Misconception(
            "the message is the return",
            _instead_of_belief(lambda mu0, v: float(log_expect(mu0, v[0]))),
            "The first number is log p(O), the logarithm of the probability of success. That is "
            "the believed return *less what the luck costs*: the divergence of belief and policy "
            "from nature and prior. The problem asks for the expected return alone.",
            f"{_PAGE}#mc-expected-return",
        ),
        Misconception(
            "average message",
            _instead_of_belief(lambda mu0, v: float(mu0 @ v[0])),
            "The first number averages the messages of the first step. A message is the logarithm "
            "of an expected exponential, not an expected return. Carry the believed state through "
            "the steps and add up the rewards.",
            f"{_PAGE}#mc-expected-return",
        ),
        Misconception(
            "last reward missing",
            _both_with(lambda R, t, T: _at(R, t) if t < T - 1 else 0 * _at(R, 0)),
            "The reward of the last step is missing. There are T rewards and T - 1 moves: after "
            "the last move one more action is taken, and paid.",
            _FACT,
        ),
        Misconception(
            "averaged over steps",
            _both_with(lambda R, t, T: _at(R, t) / T),
            "The rewards are averaged over the steps. The return is their sum: more steps, more "
            "reward or more cost, and nothing is divided by T.",
            _FACT,
        ),
        Misconception(
            "rewards of the first step",
            _both_with(lambda R, t, T: _at(R, 0)),
            "The rewards of the first step are counted at every step. When R has shape (T, S, A), "
            "each step has rewards of its own.",
            _FACT,
            example=_LATER_WARM,
        ),
        Misconception(
            "exponentials out of range",
            _belief_with(
                kernels=lambda P, v: [_shares(P * np.exp(w)) for w in [*v[1:], np.zeros(len(P))]],
                start=lambda mu0, v: _shares(mu0 * np.exp(v[0]), axis=0),
            ),
            "The exponential of a message near -20,000 is 0 in floating point, and 0 / 0 is NaN. "
            "A constant added to all messages of a step cancels: subtract the largest one before "
            "the exponential.",
            _FACT,
            example=_COLD_STREAM,
        ),
        Misconception(
            "zero times infinity",
            _returns(_nan_returns),
            "An action that is never optimal has reward -inf, and the policy takes it with "
            "probability 0. In floating point 0 * -inf is NaN. What does not happen is not paid: "
            "count only actions of positive probability.",
            _FACT,
            example=_NO_STAYING,
        ),
    ),
    example=_LEAP,
    section=_FACT,
    rtol=_RETURN[0],
    atol=_RETURN[1],
)


ASSIGNMENT = Assignment(
    name="optimism",
    title="Assignment 3: diagnose risk",
    problems=(POSTERIOR_DYNAMICS, OPT_VS_VAR, MIN_LOTTERY_P, BELIEF_AND_FACT),
    withheld=(
        "posterior",
        "variational",
        "messages",
        "backups",
        "policies",
        "stationary",
        "zero_temperature",
        "hidden_markov",
        "compiled",
        "most_likely",
        "sampling",
        "trajectories",
        "optimality",
        "planning",
        "bound",
        "soft_policy",
        "returns",
        "soft_iteration",
        "evaluation",
        "other_divergence",
    ),
    limits=Limits(cell_seconds=10.0, call_seconds=5.0),
)
