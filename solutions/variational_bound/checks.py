"""The checks of assignment 4: what is asked, on which inputs, and known wrong ideas.

``check("elbo", elbo)`` in the notebook reads this file. The grader uses the
same properties on inputs of its own.

How exact must an answer be? Float32 arithmetic passes everywhere:

* A bound is a sum of a few numbers. A float32 holds each to 6e-8 of its value:
  1e-6 of the bound is allowed, and 3e-4 for small ones.
* A share of the gap is a difference of messages, and a float32 holds a message
  near -20 to 1e-6, one near -10,000 to 5e-4: 1e-4 is allowed, and 6e-3 where
  messages are low.
* A sweep rounds, and later sweeps add that up, to at most 1 / (1 - gamma) of it:
  5e-4 of a value is allowed near 50, and 3e-6 of it near -20,000. The error of a
  logarithm is the relative error of a probability: 5e-3 is allowed.

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
    Written,
)
from cs_infer.log_space import log_expect, logsumexp, normalise, safe_log

Array = np.ndarray
Rng = np.random.Generator
Shares = tuple[float, float]
Values = tuple[Array, Array, Array]

_PAGE = "variational_bound.html"
_BOUND = f"{_PAGE}#the-bound"
_GAP = f"{_PAGE}#the-gap"
_STEP = f"{_PAGE}#the-hard-step"
_SWEEPS = f"{_PAGE}#soft-value-iteration"
_SIGN = f"{_PAGE}#mc-kl-sign"
_LOG_Q = f"{_PAGE}#mc-log-q"
_SUM = f"{_PAGE}#mc-entropy-sum"
_CONSTANT = f"{_PAGE}#mc-constant"
_ALPHA = f"{_PAGE}#mc-alpha-once"
_LUCK = "optimism.html#what-was-your-transition-probability"
_DISCOUNT = "optimism.html#discount-twice"

_NATS = (1e-6, 3e-4)  # relative and absolute tolerance, as explained above
_SHARE = (1e-4, 1e-4)
_LOW_SHARE = (1e-4, 6e-3)
_RARE_SHARE = (1e-6, 6e-4)
_VALUE = (3e-6, 5e-4)
_PROBABILITY = (5e-3, 1e-7)
_ALIKE = (1e-4, 1e-4)  # two answers this close come from one idea


# Drawing problems


def _distribution(rng: Rng, *shape: int, even: float = 2.0) -> Array:
    """Random distributions along the last axis, every entry positive."""
    p = rng.dirichlet(np.full(shape[-1], even), size=shape[:-1])
    return 0.98 * p + 0.02 / shape[-1]


def _certain(rng: Rng, p: Array) -> Array:
    """One random entry of each distribution made certain."""
    sure = np.zeros_like(p)
    np.put_along_axis(sure, rng.integers(p.shape[-1], size=(*p.shape[:-1], 1)), 1.0, axis=-1)
    return sure


def _thinned(rng: Rng, p: Array) -> Array:
    """The distributions, some entries of each set to zero, at least one kept."""
    keep = (rng.random(p.shape) < 0.6) | (_certain(rng, p) > 0)
    return _shares(np.where(keep, p, 0.0))


def _shares(weight: Array) -> Array:
    return weight / weight.sum(axis=-1, keepdims=True)


def _sizes(rng: Rng) -> tuple[int, int, int]:
    """Numbers of states, actions and steps."""
    return int(rng.integers(3, 6)), int(rng.integers(2, 5)), int(rng.integers(3, 6))


def _warm(rng: Rng) -> float:
    """A temperature that is not near 1."""
    return float(rng.uniform(0.4, 0.7) if rng.random() < 0.5 else rng.uniform(1.5, 2.5))


def _world(rng: Rng, S: int, A: int) -> dict[str, Any]:
    """A world in which everything is possible."""
    return {
        "P": _distribution(rng, S, A, S, even=0.7),
        "R": -rng.uniform(0.1, 4.0, size=(S, A)),
        "mu0": _distribution(rng, S),
        "rho": _distribution(rng, S, A),
    }


def _acting(rng: Rng, T: int, world: dict[str, Any], alpha: float) -> dict[str, Any]:
    """A world and a policy that changes from step to step."""
    policy = _distribution(rng, T, *world["rho"].shape, even=1.0)
    return world | {"policy": policy, "alpha": alpha}


def _rewards(R: Array, T: int) -> Array:
    """The rewards of all steps, whether they change with the step or not; shape (T, S, A)."""
    return R if R.ndim == 3 else np.broadcast_to(R, (T, *R.shape))


def _some_forbidden(rng: Rng, world: dict[str, Any]) -> dict[str, Any]:
    """State 0 allows one action and state 1 allows all, so the number allowed varies."""
    rho = _thinned(rng, world["rho"])
    rho[0], rho[1] = _certain(rng, rho[0]), world["rho"][1]
    return world | {"rho": rho}


# elbo: inputs


def _draw_any(rng: Rng) -> dict[str, Any]:
    S, A, T = _sizes(rng)
    return _acting(rng, T, _world(rng, S, A), _warm(rng))


def _draw_once(rng: Rng) -> dict[str, Any]:
    S, A, _ = _sizes(rng)
    return _acting(rng, 1, _world(rng, S, A), 1.0)


def _draw_habit(rng: Rng) -> dict[str, Any]:
    """The policy is the prior."""
    d = _draw_any(rng)
    return d | {"policy": np.broadcast_to(d["rho"], d["policy"].shape).copy()}


def _draw_changing(rng: Rng) -> dict[str, Any]:
    d = _draw_any(rng)
    return d | {"R": -rng.uniform(0.1, 4.0, size=d["policy"].shape)}


def _draw_zeros(rng: Rng) -> dict[str, Any]:
    """Forbidden actions, impossible moves, and actions the policy leaves out."""
    d = _some_forbidden(rng, _draw_any(rng))
    d["P"] = _thinned(rng, d["P"])
    allowed = np.where(d["rho"] > 0, d["policy"], 0.0)
    policy = _shares(allowed)
    policy[0, 1] = np.eye(policy.shape[-1])[0]  # in state 1 everything is allowed
    d["mu0"][1] += 1.0
    return d | {"policy": policy, "mu0": _shares(d["mu0"])}


def _draw_forbidden(rng: Rng) -> dict[str, Any]:
    """At step 2 the policy does what is forbidden, in a state that it reaches."""
    d = _draw_any(rng)
    d["rho"][1, 0] = 0.0
    d["rho"][1] = _shares(d["rho"][1])
    d["policy"][:, 1, 0] = 0.0
    d["policy"] = _shares(d["policy"])
    d["policy"][1, 1] = _distribution(rng, d["rho"].shape[1])
    return d


def _draw_never_optimal(rng: Rng) -> dict[str, Any]:
    """In every state one action is never optimal; at the last step the policy takes one."""
    d = _draw_any(rng)
    d["R"][:, 0] = -np.inf
    d["policy"][:-1, :, 0] = 0.0
    return d | {"policy": _shares(d["policy"])}


def _draw_unreached(rng: Rng) -> dict[str, Any]:
    """The policy does the impossible only in state 0, and never gets there."""
    d = _draw_any(rng)
    P, mu0, rho, R = d["P"], d["mu0"], d["rho"], d["R"]
    P[1:, :, 0], mu0[0] = 0.0, 0.0
    rho[0] = np.eye(rho.shape[1])[0]
    R[0, 0] = -np.inf
    return d | {"P": _shares(P), "mu0": _shares(mu0)}


def _draw_low_rewards(rng: Rng) -> dict[str, Any]:
    """Two steps of a policy that leaves nothing to chance."""
    S, A, _ = _sizes(rng)
    d = _acting(rng, 2, _world(rng, S, A), float(rng.uniform(1.5, 2.5)))
    return d | {
        "R": d["R"] - rng.uniform(7000.0, 9990.0),
        "policy": _certain(rng, d["policy"]),
    }


def _draw_cold_or_hot(rng: Rng) -> dict[str, Any]:
    """The temperature 0.05 or 20, rewards that matter at it."""
    d = _draw_any(rng)
    alpha = 0.05 if rng.random() < 0.5 else 20.0
    return d | {"alpha": alpha, "R": d["R"] * (1.0 if alpha < 1 else 15.0)}


# elbo: reference, reading


def _mdp(
    P: Array, R: Array, mu0: Array, rho: Array, T: int = 1, alpha: float = 1.0, **options: Any
) -> Any:
    from cs_infer import TabularMDP

    return TabularMDP.from_arrays(
        transition=P,
        reward=R,
        initial=mu0,
        action_prior=rho,
        horizon=T,
        temperature=alpha,
        **options,
    )


def _elbo(P: Array, R: Array, mu0: Array, rho: Array, policy: Array, alpha: float) -> float:
    from cs_infer import elbo

    return float(elbo(_mdp(P, R, mu0, rho, len(policy), alpha), policy))


def _log_evidence(P: Array, R: Array, mu0: Array, rho: Array, policy: Array, alpha: float) -> float:
    from cs_infer import backward_messages

    return float(backward_messages(_mdp(P, R, mu0, rho, len(policy), alpha)).log_evidence)


def _read_bound(inputs: Inputs, answer: Any) -> float:
    return as_number(answer, "the bound")


def _calmly(holds: Callable[..., Any]) -> Callable[..., Any]:
    """Without warnings: an answer may hold infinities of any sign."""

    def calm(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            return holds(*args)

    return calm


@_calmly
def _same_bound(inputs: Inputs, answer: float) -> str | None:
    """Like the comparison with the reference; points out a bound above what it bounds."""
    fault = differ(answer, _elbo(**inputs), *_NATS)
    if fault is None:
        return None
    top = _log_evidence(**inputs)
    if answer > top + 1e-3 * (1 + abs(top)):
        return f"{fault}; log p(O) is {top:.6g}, and no lower bound is above it"
    return fault


# elbo: wrong ideas. Visits times gains, summed over steps; either replaceable.


def _visits(P: Array, mu0: Array, policy: Array) -> Array:
    """p(s_t, a_t) when the policy acts, shape (T, S, A)."""
    state, rows = mu0, []
    for pi in policy:
        rows.append(state[:, None] * pi)
        state = np.einsum("sa,san->n", rows[-1], P)
    return np.stack(rows)


def _paid(weight: Array, gain: Array) -> float:
    """What has weight 0 does not count."""
    return float(np.sum(weight * np.where(weight > 0, gain, 0.0)))


def _cost(policy: Array, rho: Array) -> Array:
    """log(policy / rho), where both are 0 whatever."""
    return safe_log(policy) - safe_log(rho)


def _bound_of(
    gain: Callable[[Array, Array, Array, float], Array],
    visits: Callable[[Array, Array, Array, Array], Array] | None = None,
) -> Callable[..., float]:
    """The wrong solution that averages other gains, or over other visits."""

    def wrong(P: Array, R: Array, mu0: Array, rho: Array, policy: Array, alpha: float) -> float:
        with np.errstate(all="ignore"):
            weight = visits(P, mu0, policy, rho) if visits else _visits(P, mu0, policy)
            return _paid(weight, gain(_rewards(R, len(policy)), policy, rho, alpha))

    return wrong


def _right_gain(R: Array, policy: Array, rho: Array, alpha: float) -> Array:
    return R / alpha - _cost(policy, rho)


def _but_last(gain: Array) -> Array:
    return np.concatenate([gain[:-1], np.zeros_like(gain[-1:])])


def _bound_from(rule: Callable[..., float]) -> Callable[..., float]:
    """The wrong solution that is a rule of its own, without its warnings."""

    def wrong(**inputs: Any) -> float:
        with np.errstate(all="ignore"):
            return float(rule(*inputs.values()))

    return wrong


def _backwards_kl(P: Array, R: Array, mu0: Array, rho: Array, policy: Array, alpha: float) -> float:
    """Each step's divergence is that of the prior from the policy."""
    visits = _visits(P, mu0, policy)
    reverse = np.sum(np.where(rho > 0, rho * -_cost(policy, rho), 0.0), axis=-1)
    return _paid(visits, _rewards(R, len(policy)) / alpha) - _paid(visits.sum(axis=-1), reverse)


def _divergence_once(
    P: Array, R: Array, mu0: Array, rho: Array, policy: Array, alpha: float
) -> float:
    """The divergence of the first step alone."""
    visits = _visits(P, mu0, policy)
    first = _paid(visits[0], _cost(policy[0], rho))
    return _paid(visits, _rewards(R, len(policy)) / alpha) - first


def _divergence_everywhere(
    P: Array, R: Array, mu0: Array, rho: Array, policy: Array, alpha: float
) -> float:
    """The divergences of all states added up, however often they are visited."""
    visits = _visits(P, mu0, policy)
    return _paid(visits, _rewards(R, len(policy)) / alpha) - _paid(policy, _cost(policy, rho))


def _dynamics_left(sign: float) -> Callable[..., float]:
    """The bound with E[log mu0 + log P] left in."""

    def rule(P: Array, R: Array, mu0: Array, rho: Array, policy: Array, alpha: float) -> float:
        visits = _visits(P, mu0, policy)
        moves = np.sum(np.where(P > 0, P * safe_log(P), 0.0), axis=-1)
        rest = _paid(mu0, safe_log(mu0)) + _paid(
            visits[:-1], np.broadcast_to(moves, visits[:-1].shape)
        )
        return _elbo(P, R, mu0, rho, policy, alpha) + sign * rest

    return _bound_from(rule)


def _log_outside(P: Array, R: Array, mu0: Array, rho: Array, policy: Array, alpha: float) -> float:
    """log E exp of the return: the policy's own evidence."""
    v = np.zeros(len(P))
    for r, pi in zip(_rewards(R, len(policy))[::-1], policy[::-1], strict=True):
        v = log_expect(pi, r / alpha + log_expect(P, v, axis=2), axis=1)
    return log_expect(mu0, v)


def _believed_average(
    P: Array, R: Array, mu0: Array, rho: Array, policy: Array, alpha: float
) -> float:
    """The average over the posterior's trajectories."""
    from cs_infer import backward_messages

    messages = backward_messages(_mdp(P, R, mu0, rho, len(policy), alpha))
    d = {"P": P, "mu0": mu0, "log_beta_s": np.array(messages.log_beta_s)}
    visits = _lucky_visits(d, np.array(messages.policy))
    return _paid(visits, _right_gain(_rewards(R, len(policy)), policy, rho, alpha))


def _one_step_late(P: Array, mu0: Array, policy: Array, rho: Array) -> Array:
    """Step t is averaged over the states of step t + 1."""
    state, rows = mu0, []
    for pi in policy:
        state = np.einsum("s,sa,san->n", state, pi, P)
        rows.append(state[:, None] * pi)
    return np.stack(rows)


def _nan_where_zero(
    P: Array, R: Array, mu0: Array, rho: Array, policy: Array, alpha: float
) -> float:
    visits = _visits(P, mu0, policy)
    return np.sum(visits * _right_gain(_rewards(R, len(policy)), policy, rho, alpha))


def _values_of_policy(d: Inputs, average: Callable[[Array, Array], Array]) -> Array:
    """What the policy keeps from the first step on, with this average of what comes next."""
    v = np.zeros(len(d["P"]))
    for r, pi in zip(_rewards(d["R"], len(d["policy"]))[::-1], d["policy"][::-1], strict=True):
        gain = r / d["alpha"] - _cost(pi, d["rho"]) + average(d["P"], v)
        v = np.sum(np.where(pi > 0, pi * gain, 0.0), axis=-1)
    return v


def _soft_first_state(**d: Any) -> float:
    """The first states joined like messages."""
    with np.errstate(all="ignore"):
        return float(log_expect(d["mu0"], _values_of_policy(d, _mean)))


def _nan_backwards(**d: Any) -> float:
    """Next states and first states averaged by matrix products."""
    with np.errstate(all="ignore"):
        return float(d["mu0"] @ _values_of_policy(d, np.matmul))


def _uniform(rho: Array) -> Array:
    return np.full_like(rho, 1.0 / rho.shape[1])


_SMALL = {
    "P": np.array([[[0.5, 0.5], [0.1, 0.9]], [[0.3, 0.7], [0.8, 0.2]]]),
    "R": np.array([[-1.0, -0.2], [-0.5, -2.0]]),
    "mu0": np.array([0.75, 0.25]),
    "rho": np.array([[0.25, 0.75], [0.6, 0.4]]),
    "policy": np.array([[[0.5, 0.5], [0.8, 0.2]], [[0.9, 0.1], [0.3, 0.7]]]),
    "alpha": 0.5,
}
_SURE = _SMALL | {"policy": np.array([[[1.0, 0.0], [0.0, 1.0]]] * 2)}
_NOT_ALLOWED = _SMALL | {"rho": np.array([[0.0, 1.0], [0.6, 0.4]])}
_NOT_REACHED = _SMALL | {
    "P": np.array([[[1.0, 0.0], [1.0, 0.0]], [[0.3, 0.7], [0.8, 0.2]]]),
    "mu0": np.array([1.0, 0.0]),
    "rho": np.array([[0.25, 0.75], [0.0, 1.0]]),
}
_LATER = _SMALL | {"R": np.array([[[-1.0, -0.2], [-0.5, -2.0]], [[-3.0, -0.1], [-0.7, -1.0]]])}

ELBO = Problem(
    name="elbo",
    title="Problem 1: the bound, with every constant",
    reference=_elbo,
    read=_read_bound,
    properties=tuple(
        Property(name, statement, points, draw, repeats, _same_bound)
        for name, statement, points, draw, repeats in (
            (
                "one step",
                "with one step (T = 1) the bound is the expected reward less one divergence",
                3.0,
                _draw_once,
                4,
            ),
            (
                "values",
                "the bound is right for random dynamics, steps and temperatures",
                9.0,
                _draw_any,
                5,
            ),
            (
                "habit",
                "a policy that is the prior pays no divergence: the bound is its expected reward",
                2.0,
                _draw_habit,
                4,
            ),
            (
                "changing",
                "the bound is right when rewards and policy change from step to step",
                3.0,
                _draw_changing,
                4,
            ),
            (
                "zeros",
                "forbidden actions, and allowed ones that the policy leaves out, cost nothing",
                4.0,
                _draw_zeros,
                5,
            ),
            (
                "forbidden",
                "a policy that does what the prior forbids has the bound -inf",
                2.0,
                _draw_forbidden,
                3,
            ),
            (
                "never optimal",
                "a policy that does what is never optimal has the bound -inf, not NaN",
                1.0,
                _draw_never_optimal,
                3,
            ),
            (
                "unreached",
                "what the policy would do in a state that it never reaches does not count",
                2.0,
                _draw_unreached,
                3,
            ),
            (
                "temperature",
                "temperatures of 0.05 and 20 give the right bound",
                2.0,
                _draw_cold_or_hot,
                5,
            ),
            (
                "low",
                "rewards near -10,000 keep their digits, and the divergence beside them",
                2.0,
                _draw_low_rewards,
                3,
            ),
        )
    ),
    misconceptions=(
        Misconception(
            "divergence added",
            _bound_of(lambda R, pi, rho, alpha: R / alpha + _cost(pi, rho)),
            "The divergence of the policy from the prior is added. It is a price: log p(tau, O) "
            "- log q(tau) has the prior with a plus and the policy with a minus. With this sign "
            "the bound can exceed log p(O), which no lower bound does.",
            _SIGN,
        ),
        Misconception(
            "prior dropped",
            _bound_of(lambda R, pi, rho, alpha: R / alpha - safe_log(pi)),
            "This is the expected reward plus the entropy of the policy: the prior is dropped. Its "
            "logarithm stands in log p(tau, O), and is left over. For a uniform prior that is the "
            "constant -T log |A|, and without it a bound above log p(O) is no surprise.",
            _CONSTANT,
        ),
        Misconception(
            "uniform prior",
            _bound_of(lambda R, pi, rho, alpha: R / alpha - _cost(pi, _uniform(rho))),
            "The entropy and the constant -T log |A| are right for a *uniform* prior, and this one "
            "is not. In general each step costs log pi(a | s) - log rho(a | s): a divergence from "
            "the prior that is given.",
            _CONSTANT,
        ),
        Misconception(
            "no divergence",
            _bound_of(lambda R, pi, rho, alpha: R / alpha),
            "This is the expected reward alone. The bound is less than that: it averages log "
            "p(tau, O) - log q(tau), and the prior in the one and the policy in the other do not "
            "cancel. Only a policy equal to the prior pays nothing.",
            _BOUND,
        ),
        Misconception(
            "policy's logarithm dropped",
            _bound_of(lambda R, pi, rho, alpha: R / alpha + safe_log(rho)),
            "This is the average of log p(tau, O) without the first state and the moves: the "
            "policy's logarithm is missing. log q(tau) is subtracted, and of it log pi(a | s) is "
            "left at each step, since nothing in p(tau, O) cancels it.",
            _BOUND,
        ),
        Misconception(
            "divergence of one step",
            _bound_from(_divergence_once),
            "The divergence is counted at the first step only: it stands outside the sum. Every "
            "step has an action of its own, so log q(tau) has T terms log pi_t, and each is "
            "averaged over the states of its step.",
            _SUM,
        ),
        Misconception(
            "divergence of all states alike",
            _bound_from(_divergence_everywhere),
            "The divergences of all states are added up, however often the policy gets there. The "
            "bound is an average over q: the divergence of state s at step t counts with the "
            "probability to be in s at step t.",
            _SUM,
        ),
        Misconception(
            "direction reversed",
            _bound_from(_backwards_kl),
            "The divergence has the wrong direction: KL(rho || pi) averages over the prior. The "
            "bound is an average over q, so at each step log(pi / rho) is averaged over the "
            "actions the *policy* takes: KL(pi || rho).",
            _SIGN,
        ),
        Misconception(
            "temperature on the divergence",
            _bound_of(lambda R, pi, rho, alpha: R - alpha * _cost(pi, rho)),
            "This is the bound times alpha: the regularised return, in units of reward. The bound "
            "is a logarithm of a probability, in nats: r / alpha is, and log(pi / rho) already is.",
            _ALPHA,
        ),
        Misconception(
            "temperature left out",
            _bound_of(lambda R, pi, rho, alpha: R - _cost(pi, rho)),
            "The temperature is not used: a reward is subtracted from a number of nats. "
            "p(O = 1 | s, a) is exp(r / alpha), so each reward is divided by alpha before it meets "
            "a logarithm.",
            _ALPHA,
        ),
        Misconception(
            "temperature twice",
            _bound_of(lambda R, pi, rho, alpha: (R - _cost(pi, rho)) / alpha),
            "The temperature divides the divergence too. Only the reward has the unit that alpha "
            "takes away. log(pi / rho) is in nats already, whatever the temperature.",
            _ALPHA,
        ),
        Misconception(
            "temperature multiplied",
            _bound_of(lambda R, pi, rho, alpha: R * alpha - _cost(pi, rho)),
            "The rewards are multiplied by alpha. p(O = 1 | s, a) is exp(r / alpha): where it is "
            "hot a reward matters less, so each one is divided by the temperature before it meets "
            "a logarithm.",
            _ALPHA,
        ),
        Misconception(
            "temperature on the wrong side",
            _bound_of(lambda R, pi, rho, alpha: R / alpha - alpha * _cost(pi, rho)),
            "The temperature divides the reward *and* multiplies the divergence. Once is enough: "
            "either all is in nats, r / alpha - log(pi / rho), or all in units of reward, "
            "r - alpha log(pi / rho). The problem asks for nats.",
            _ALPHA,
        ),
        Misconception(
            "prior acts",
            _bound_of(
                _right_gain, lambda P, mu0, pi, rho: _visits(P, mu0, np.broadcast_to(rho, pi.shape))
            ),
            "The average is over what the prior does. But q is the distribution of the "
            "trajectories that the *policy* produces: both the states and the actions of each "
            "step come from it.",
            _BOUND,
        ),
        Misconception(
            "posterior's trajectories",
            _bound_from(_believed_average),
            "The average is over the posterior's trajectories. Those are what the agent believes "
            "in once it is told that all goes well. The bound is an average over q: over what the "
            "policy does in the true dynamics.",
            _BOUND,
        ),
        Misconception(
            "states of the next step",
            _bound_of(_right_gain, lambda P, mu0, pi, rho: _one_step_late(P, mu0, pi, rho)),
            "Step t is averaged over the states of step t + 1. At step 1 the agent is where mu0 "
            "puts it; it moves after it was paid. There are T steps and T - 1 moves that count.",
            _BOUND,
        ),
        Misconception(
            "states of the first step",
            _bound_of(_right_gain, lambda P, mu0, pi, rho: mu0[:, None] * pi),
            "Every step is averaged over the first states, as if the agent never moved. After each "
            "step the distribution of the state has to be carried on, with the policy of that step "
            "and with P.",
            _BOUND,
        ),
        Misconception(
            "last step missing",
            _bound_of(lambda R, pi, rho, alpha: _but_last(_right_gain(R, pi, rho, alpha))),
            "The last step is missing. There are T rewards and T actions, and T - 1 moves between "
            "them: after the last move one more action is taken, paid and priced.",
            _BOUND,
        ),
        Misconception(
            "first states alike",
            _bound_of(_right_gain, lambda P, mu0, pi, rho: _visits(P, _shares(0 * mu0 + 1), pi)),
            "Every first state counts alike here. The first state is drawn from mu0: that is what "
            "the first step is averaged over, and all later steps follow from it.",
            _BOUND,
        ),
        Misconception(
            "first state as in the messages",
            _soft_first_state,
            "The values of the first states are joined by log sum mu0 exp(v), as messages are. "
            "That is Jensen's inequality undone at one place: the logarithm stands inside the "
            "average over q, and the first state is part of the trajectory. It is E[v] under mu0.",
            _BOUND,
        ),
        Misconception(
            "policy of the first step",
            _bound_of(
                lambda R, pi, rho, alpha: _right_gain(R, pi[:1], rho, alpha),
                lambda P, mu0, pi, rho: _visits(P, mu0, np.broadcast_to(pi[0], pi.shape)),
            ),
            "The policy of the first step acts at every step. policy[t] is the policy of step t, "
            "and the steps differ.",
            _BOUND,
        ),
        Misconception(
            "rewards of the first step",
            _bound_of(lambda R, pi, rho, alpha: _right_gain(R[:1], pi, rho, alpha)),
            "The rewards of the first step are used at every step. When R has shape (T, S, A), "
            "each step has rewards of its own.",
            _BOUND,
            example=_LATER,
        ),
        Misconception(
            "transition read backwards",
            _bound_of(_right_gain, lambda P, mu0, pi, rho: _visits(P.transpose(2, 1, 0), mu0, pi)),
            "The transition is read in the wrong direction. P is indexed [s, a, s'], so the next "
            "distribution of the state sums over the first two indices.",
            _BOUND,
        ),
        Misconception(
            "dynamics left in p",
            _dynamics_left(1.0),
            "The logarithms of mu0 and P are left in. They stand in log p(tau, O), and they stand "
            "in log q(tau) too, since q keeps the true first state and dynamics: they cancel.",
            _LOG_Q,
        ),
        Misconception(
            "dynamics left in q",
            _dynamics_left(-1.0),
            "The entropy of the whole trajectory is added, that of first state and moves included. "
            "In log p(tau, O) - log q(tau) the logarithms of mu0 and P stand on both sides, and "
            "cancel: only the policy's entropy is left, with the prior beside it.",
            _LOG_Q,
        ),
        Misconception(
            "evidence",
            _log_evidence,
            "This is log p(O) itself, the same for every policy. The bound depends on the policy, "
            "and reaches log p(O) only if the policy, in the true dynamics, produces the "
            "posterior.",
            _BOUND,
        ),
        Misconception(
            "logarithm outside the average",
            _bound_from(_log_outside),
            "This is log E[exp(sum r / alpha)] under the policy: the chance that all goes well "
            "when it acts. Jensen's inequality takes the logarithm *inside* the average, and the "
            "ratio of prior and policy belongs to what is averaged.",
            _BOUND,
        ),
        Misconception(
            "averaged over steps",
            _bound_of(lambda R, pi, rho, alpha: _right_gain(R, pi, rho, alpha) / len(pi)),
            "The terms are averaged over the steps. The logarithm of a product is a sum: nothing "
            "is divided by T.",
            _SUM,
        ),
        Misconception(
            "small number in the logarithm",
            _bound_of(
                lambda R, pi, rho, alpha: R / alpha - np.log(pi + 1e-12) + np.log(rho + 1e-12)
            ),
            "A small number is added inside the logarithms. It keeps NaN away, and hides what is "
            "impossible: a policy that does what is forbidden has the bound -inf, and not "
            "something like -20. Leave out what has probability 0 instead.",
            _BOUND,
            example=_NOT_ALLOWED,
        ),
        Misconception(
            "forbidden for free",
            _bound_of(
                lambda R, pi, rho, alpha: np.where(rho > 0, _right_gain(R, pi, rho, alpha), 0.0)
            ),
            "Forbidden actions are left out, even those that the policy takes. What the policy "
            "never does costs nothing. What it does against the prior costs everything: log rho "
            "is -inf there, and so is the bound.",
            _BOUND,
            example=_NOT_ALLOWED,
        ),
        Misconception(
            "zero times infinity",
            _bound_from(_nan_where_zero),
            "Something of probability 0 has an infinite logarithm, and in floating point 0 * -inf "
            "is NaN. What does not happen does not count: add up only where the policy gets to "
            "the state and takes the action.",
            _BOUND,
            example=_SURE,
        ),
        Misconception(
            "zero times infinity, backwards",
            _nan_backwards,
            "The average over next states, or over first states, multiplies a probability of 0 "
            "with a value of -inf, which is NaN. A state that cannot come next is no part of the "
            "average: add up only where the probability is positive.",
            _BOUND,
            example=_NOT_REACHED,
        ),
    ),
    example=_SMALL,
    section=_BOUND,
    rtol=_ALIKE[0],
    atol=_ALIKE[1],
)


# kl_gap: inputs


def _with_messages(d: dict[str, Any]) -> dict[str, Any]:
    from cs_infer import backward_messages

    T = len(d["policy"])
    messages = backward_messages(_mdp(d["P"], d["R"], d["mu0"], d["rho"], T, d["alpha"]))
    return d | {"log_beta_s": np.array(messages.log_beta_s)}


def _told(d: dict[str, Any]) -> Array:
    """The posterior's policy."""
    from cs_infer import backward_messages

    T = len(d["policy"])
    mdp = _mdp(d["P"], d["R"], d["mu0"], d["rho"], T, d["alpha"])
    return np.array(backward_messages(mdp).policy)


def _draw_gap(rng: Rng) -> dict[str, Any]:
    return _with_messages(_draw_any(rng))


def _draw_gap_once(rng: Rng) -> dict[str, Any]:
    """One step, and first states of very different worth."""
    S, A, _ = _sizes(rng)
    d = _acting(rng, 1, _world(rng, S, A), _warm(rng))
    d["R"][0] -= 4.0
    return _with_messages(d)


def _draw_gap_changing(rng: Rng) -> dict[str, Any]:
    return _with_messages(_draw_changing(rng))


def _draw_told_policy(rng: Rng) -> dict[str, Any]:
    """The policy is the posterior's: only luck is missing. Much is at stake."""
    d = _draw_any(rng)
    d = _with_messages(d | {"alpha": 0.5, "R": 2.0 * d["R"]})
    return d | {"policy": _told(d)}


def _draw_no_dice(rng: Rng) -> dict[str, Any]:
    """One first state and deterministic dynamics: luck has no share."""
    d = _draw_any(rng)
    return _with_messages(d | {"P": _certain(rng, d["P"]), "mu0": np.eye(len(d["P"]))[0]})


def _draw_gap_zeros(rng: Rng) -> dict[str, Any]:
    return _with_messages(_draw_zeros(rng))


def _draw_rare(rng: Rng) -> dict[str, Any]:
    """The policy takes an action, and the dice show a state, of posterior probability e^-1000.

    From state 1, action 0 leads to that state for certain, past all the better ones.
    """
    d = _draw_any(rng)
    d["P"][1, 0] = np.eye(len(d["P"]))[0]
    d["R"][:, 0] -= 1000.0 * d["alpha"] * rng.uniform(1.0, 2.0)
    d["R"][0] -= 1000.0 * d["alpha"] * rng.uniform(1.0, 2.0)
    return _with_messages(d)


def _draw_excluded(rng: Rng) -> dict[str, Any]:
    """In every state one action is never optimal, and the policy takes it now and then."""
    d = _draw_any(rng)
    d["R"][:, 0] = -np.inf
    return _with_messages(d)


def _draw_gap_trap(rng: Rng) -> dict[str, Any]:
    """From state 0 success is impossible, and only luck leads past it."""
    S, A, T = _sizes(rng)
    d = _acting(rng, T, _world(rng, S, A), _warm(rng))
    d["R"][0] = -np.inf
    d["mu0"][0] = 0.0
    return _with_messages(d | {"mu0": _shares(d["mu0"])})


def _draw_low_messages(rng: Rng) -> dict[str, Any]:
    """Two steps at messages near -10,000, with much to be lost in each."""
    S, A, _ = _sizes(rng)
    d = _acting(rng, 2, _world(rng, S, A), float(rng.uniform(0.4, 0.7)))
    R = 2.5 * d["R"] - d["alpha"] * rng.uniform(3500.0, 5000.0)
    return _with_messages(d | {"R": R})


# kl_gap: reference, reading


def _kl_gap(
    P: Array,
    R: Array,
    mu0: Array,
    rho: Array,
    policy: Array,
    alpha: float,
    log_beta_s: Array,
) -> Shares:
    from cs_infer import kl_to_posterior

    gap = kl_to_posterior(_mdp(P, R, mu0, rho, len(policy), alpha), policy)
    return max(float(gap.policy), 0.0), max(float(gap.luck + gap.initial), 0.0)  # no -1e-17


_PARTS = ("policy_share", "luck_share")


def _read_shares(inputs: Inputs, answer: Any) -> Shares:
    parts = answer.tolist() if isinstance(answer, np.ndarray) and answer.shape == (2,) else answer
    if not isinstance(parts, (tuple, list)) or len(parts) != 2:
        kind = "None" if answer is None else f"a {type(answer).__name__}"
        raise AnswerError(
            f"the answer must be two numbers, (policy_share, luck_share); it is {kind}"
        )
    return as_number(parts[0], _PARTS[0]), as_number(parts[1], _PARTS[1])


def _same_shares(
    *parts: int, close: tuple[float, float] = _SHARE
) -> Callable[[Inputs, Shares], str | None]:
    """Like the comparison with the reference, for some parts."""

    @_calmly
    def holds(inputs: Inputs, answer: Shares) -> str | None:
        expected = _kl_gap(**inputs)
        for i in parts:
            fault = differ(answer[i], expected[i], *close)
            if fault:
                below = answer[i] < -1e-3
                remark = "; a divergence is never negative" if below else ""
                return f"{_PARTS[i]}: {fault}{remark}"
        return None

    return holds


# kl_gap: wrong ideas. Each link's divergence, averaged over visits; all replaceable.


def _log_told(d: Inputs, alpha: float | None = None) -> Array:
    """log p(a_t | s_t, O), shape (T, S, A)."""
    v = d["log_beta_s"]
    return safe_log(d["rho"]) + _log_beta_sa(d, alpha) - v[:, :, None]


def _log_beta_sa(d: Inputs, alpha: float | None = None) -> Array:
    R = _rewards(d["R"], len(d["policy"])) / (d["alpha"] if alpha is None else alpha)
    return R + log_expect(d["P"], _after(d)[:, None, None], axis=-1)


def _after(d: Inputs) -> Array:
    """log beta of the next step; after the last one nothing is left to hope for."""
    v = d["log_beta_s"]
    return np.concatenate([v[1:], np.zeros_like(v[:1])])


def _mean(p: Array, v: Array) -> Array:
    """E[v] over the last axis; what has probability 0 does not count."""
    return np.sum(np.where(p > 0, p * v, 0.0), axis=-1)


def _price(p: Array, v: Array) -> Array:
    """KL from p to p exp(v) / E[exp v], over the last axis."""
    hope = log_expect(p, v, axis=-1)
    return np.where(np.isneginf(hope), 0.0, hope - _mean(p, v))


def _prices(d: Inputs) -> Array:
    return _price(d["P"], _after(d)[:, None, None])


def _first_price(d: Inputs) -> float:
    return float(_price(d["mu0"], d["log_beta_s"][0]))


def _usual(d: Inputs) -> Array:
    return _visits(d["P"], d["mu0"], d["policy"])


def _lucky_visits(d: Inputs, policy: Array) -> Array:
    """Visits when first state and moves are the believed ones."""
    v = d["log_beta_s"]
    state, rows = normalise(safe_log(d["mu0"]) + v[0]), []
    for pi, after in zip(policy, _after(d), strict=True):
        rows.append(state[:, None] * pi)
        state = np.einsum("sa,san->n", rows[-1], normalise(safe_log(d["P"]) + after, axis=2))
    return np.stack(rows)


def _gap_of(
    told: Callable[[Inputs], Array] = _log_told,
    prices: Callable[[Inputs], Array] = _prices,
    first: Callable[[Inputs], float] = _first_price,
    visits: Callable[[Inputs], Array] = _usual,
    dead: bool = True,
) -> Callable[..., Shares]:
    """The wrong solution with another policy to compare with, other prices or visits.

    With ``dead`` it leaves out states from which success is impossible.
    """

    def wrong(**d: Any) -> Shares:
        with np.errstate(all="ignore"):
            weight, log_told = visits(d), told(d)
            left_out = dead & np.isneginf(d["log_beta_s"])[:, :, None]
            cost = np.where(left_out, 0.0, safe_log(d["policy"]) - log_told)
            return _paid(weight, cost), first(d) + _paid(weight, prices(d))

    return wrong


def _changed_shares(change: Callable[[Inputs, float, float], Shares]) -> Callable[..., Shares]:
    """The wrong solution that makes this of the right shares."""

    def wrong(**d: Any) -> Shares:
        with np.errstate(all="ignore"):
            mine, theirs = change(d, *_gap_of()(**d))
            return float(mine), float(theirs)

    return wrong


def _backwards_shares(d: Inputs, policy: float, luck: float) -> Shares:
    """Each link's divergence the other way round, averaged over the same visits."""
    told, v, after = np.exp(_log_told(d)), d["log_beta_s"], _after(d)
    visits = _usual(d)
    choice = np.sum(np.where(told > 0, told * (_log_told(d) - safe_log(d["policy"])), 0.0), axis=-1)
    start = normalise(safe_log(d["mu0"]) + v[0])
    first = np.sum(np.where(start > 0, start * (safe_log(start) - safe_log(d["mu0"])), 0.0))
    believed = normalise(safe_log(d["P"]) + after[:, None, None], axis=-1)
    moves = np.where(believed > 0, believed * (safe_log(believed) - safe_log(d["P"])), 0.0)
    return _paid(visits.sum(axis=-1), choice), first + _paid(visits, moves.sum(axis=-1))


def _soft_told(d: Inputs) -> Array:
    """The logarithm of the policy with the highest bound."""
    from cs_infer import soft_values

    T = len(d["policy"])
    return safe_log(soft_values(_mdp(d["P"], d["R"], d["mu0"], d["rho"], T, d["alpha"])).policy)


def _average_told(d: Inputs) -> Array:
    """The policy that looks ahead to the average of the next messages."""
    r = _rewards(d["R"], len(d["policy"])) / d["alpha"]
    log_p = safe_log(d["rho"]) + r + _mean(d["P"], _after(d)[:, None, None])
    return log_p - logsumexp(log_p, axis=-1)[..., None]


def _average_told_as_it_is(d: Inputs) -> Array:
    """The same, with log beta(s) subtracted as if it were the sum."""
    r = _rewards(d["R"], len(d["policy"])) / d["alpha"]
    ahead = _mean(d["P"], _after(d)[:, None, None])
    return safe_log(d["rho"]) + r + ahead - d["log_beta_s"][:, :, None]


def _told_too_early(d: Inputs) -> Array:
    """The posterior's policy with the message of its own step for the next states."""
    v, r = d["log_beta_s"], _rewards(d["R"], len(d["policy"])) / d["alpha"]
    ahead = log_expect(d["P"], v[:, None, None], axis=-1)
    return safe_log(d["rho"]) + r + ahead - v[:, :, None]


def _through_probabilities(d: Inputs, *, shifted: bool) -> Shares:
    """Believed policy and dynamics as probabilities, and then their logarithms."""
    v, after, weight = d["log_beta_s"], _after(d), _usual(d)

    def posterior(p: Array, x: Array) -> Array:
        if shifted:
            return np.exp(_normalise_log(safe_log(p) + x))
        joint = p * np.exp(x)
        return joint / joint.sum(axis=-1, keepdims=True)

    told = posterior(d["rho"], _log_beta_sa(d))
    believed, start = posterior(d["P"], after[:, None, None]), posterior(d["mu0"], v[0])
    moves = np.where(d["P"] > 0, d["P"] * (safe_log(d["P"]) - safe_log(believed)), 0.0)
    first = np.where(d["mu0"] > 0, d["mu0"] * (safe_log(d["mu0"]) - safe_log(start)), 0.0)
    choice = np.where(np.isneginf(v)[:, :, None], 0.0, safe_log(d["policy"]) - safe_log(told))
    return _paid(weight, choice), first.sum() + _paid(weight, moves.sum(axis=-1))


def _normalise_log(log_p: Array) -> Array:
    """Logarithms that become probabilities over the last axis; -inf where nothing can."""
    total = logsumexp(log_p, axis=-1)[..., None]
    return np.where(np.isneginf(total), -np.inf, log_p - np.where(np.isfinite(total), total, 0.0))


def _nan_shares(d: Inputs, policy: float, luck: float) -> Shares:
    """Whatever is 0 is multiplied with its logarithm."""
    told = _usual(d) * (safe_log(d["policy"]) - _log_told(d))
    hope = log_expect(d["P"], _after(d)[:, None, None], axis=-1)
    moves = _usual(d) * (hope - np.sum(d["P"] * _after(d)[:, None, None], axis=-1))
    start = log_expect(d["mu0"], d["log_beta_s"][0]) - np.sum(d["mu0"] * d["log_beta_s"][0])
    return np.sum(told), start + np.sum(moves)


_GAP_SMALL = _with_messages(_SMALL)
_GAP_SURE = _with_messages(_SURE)
_GAP_LATER = _with_messages(_LATER)
_GAP_COLD = _with_messages(_SMALL | {"R": _SMALL["R"] - 500.0})
_GAP_TRAP = _with_messages(
    _SMALL | {"R": np.array([[-1.0, -0.2], [-np.inf, -np.inf]]), "mu0": np.array([1.0, 0.0])}
)
_GAP_RARE = _with_messages(_SMALL | {"R": np.array([[-1.0, -500.0], [-0.5, -2.0]])})

KL_GAP = Problem(
    name="kl_gap",
    title="Problem 2: what is missing, and whose fault it is",
    reference=_kl_gap,
    read=_read_shares,
    properties=tuple(
        Property(name, statement, points, draw, repeats, holds)
        for name, statement, points, draw, repeats, holds in (
            (
                "policy",
                "the policy's share is right for random dynamics, steps and temperatures",
                6.0,
                _draw_gap,
                5,
                _same_shares(0),
            ),
            (
                "luck",
                "luck's share is right for random dynamics, steps and temperatures",
                6.0,
                _draw_gap,
                5,
                _same_shares(1),
            ),
            (
                "one step",
                "with one step (T = 1) the first state is all there is to be lucky with",
                2.0,
                _draw_gap_once,
                4,
                _same_shares(0, 1),
            ),
            (
                "posterior policy",
                "the posterior's own policy has share 0, and there is a gap all the same",
                2.0,
                _draw_told_policy,
                3,
                _same_shares(0, 1),
            ),
            (
                "no dice",
                "luck's share is 0 when first state and dynamics are certain",
                1.0,
                _draw_no_dice,
                3,
                _same_shares(0, 1),
            ),
            (
                "changing",
                "both are right when rewards and policy change from step to step",
                2.0,
                _draw_gap_changing,
                4,
                _same_shares(0, 1),
            ),
            (
                "zeros",
                "what is forbidden, impossible or left out by the policy adds nothing",
                1.0,
                _draw_gap_zeros,
                4,
                _same_shares(0, 1),
            ),
            (
                "rare",
                "what the posterior finds as rare as e^-1000 costs much, and not inf",
                2.0,
                _draw_rare,
                3,
                _same_shares(0, 1, close=_RARE_SHARE),
            ),
            (
                "excluded",
                "a policy that does what the posterior excludes has share inf",
                1.0,
                _draw_excluded,
                3,
                _same_shares(0),
            ),
            (
                "trap",
                "dice that can show a state without hope make luck's share inf; no NaN",
                1.0,
                _draw_gap_trap,
                3,
                _same_shares(1),
            ),
            (
                "low",
                "messages near -10,000 do no harm: nothing underflows",
                1.0,
                _draw_low_messages,
                2,
                _same_shares(0, 1, close=_LOW_SHARE),
            ),
        )
    ),
    misconceptions=(
        Misconception(
            "exchanged",
            _changed_shares(lambda d, policy, luck: (luck, policy)),
            "The two shares are right and stand in each other's place. The policy's comes first; "
            "luck's is that of first state and dynamics, which nobody chooses.",
            _GAP,
        ),
        Misconception(
            "total for the policy",
            _changed_shares(lambda d, policy, luck: (policy + luck, luck)),
            "The first number is the whole divergence, log p(O) - ELBO. The policy answers for a "
            "part of it only: a policy equal to the posterior's has share 0, and the gap is not 0.",
            _GAP,
        ),
        Misconception(
            "total for luck",
            _changed_shares(lambda d, policy, luck: (policy, policy + luck)),
            "The second number is the whole divergence, log p(O) - ELBO. Luck answers for first "
            "state and dynamics only. What the policy adds is in the first number already.",
            _GAP,
        ),
        Misconception(
            "luck left out",
            _changed_shares(lambda d, policy, luck: (policy, 0.0)),
            "Luck's share is 0 here. It is 0 when first state and dynamics are certain. Where "
            "they are random, the posterior believes in kinder ones, and q keeps the true ones: "
            "that is a divergence no policy closes.",
            _GAP,
        ),
        Misconception(
            "first state left out",
            _gap_of(first=lambda d: 0.0),
            "Luck's share lacks the first state. Nobody chose it either: given that all goes well, "
            "p(s_1 | O) is mu0(s) beta_1(s), divided by its sum, and q has mu0.",
            _GAP,
        ),
        Misconception(
            "only the first state",
            _gap_of(prices=lambda d: 0.0 * _prices(d)),
            "Luck's share is that of the first state alone. Every move is a throw of the dice as "
            "well, and the posterior believes in lucky moves: T - 1 links of the chain are "
            "missing.",
            _GAP,
        ),
        Misconception(
            "direction reversed",
            _changed_shares(_backwards_shares),
            "The divergence of each link has the wrong direction: the posterior's probabilities "
            "stand in front of the logarithms. The average is over q: pi log(pi / p(a | s, O)), "
            "and P log(P / p(s' | s, a, O)).",
            _SIGN,
        ),
        Misconception(
            "sign wrong",
            _changed_shares(lambda d, policy, luck: (-policy, -luck)),
            "Both shares are negative. A divergence is at least 0: it is E_q[log q - log p], with "
            "the distribution that is averaged over in front.",
            _SIGN,
        ),
        Misconception(
            "posterior's visits",
            _gap_of(visits=lambda d: _lucky_visits(d, np.nan_to_num(np.exp(_log_told(d))))),
            "The links are averaged over where the *posterior* goes. KL(q || p) is an average over "
            "q: over the states and actions that the policy visits in the true dynamics.",
            _GAP,
        ),
        Misconception(
            "lucky visits",
            _gap_of(visits=lambda d: _lucky_visits(d, d["policy"])),
            "The policy is carried along by the believed first state and dynamics. In q they are "
            "the true ones, mu0 and P: belief appears inside the logarithms only.",
            _GAP,
        ),
        Misconception(
            "prior's visits",
            _gap_of(
                visits=lambda d: _visits(
                    d["P"], d["mu0"], np.broadcast_to(d["rho"], d["policy"].shape)
                )
            ),
            "The links are averaged over what the prior does. KL(q || p) is an average over q: "
            "over the states and actions that the *policy* visits in the true dynamics.",
            _GAP,
        ),
        Misconception(
            "all states alike",
            _gap_of(visits=lambda d: d["policy"]),
            "The divergences of all states are added up, however often the policy gets there. In "
            "the chain rule each link counts with the probability p_pi(s_t, a_t) to be at it.",
            _SUM,
        ),
        Misconception(
            "compared with the prior",
            _gap_of(told=lambda d: np.broadcast_to(safe_log(d["rho"]), d["policy"].shape)),
            "The policy's share is its divergence from the *prior*. That is what the bound "
            "charges. What the bound lacks is the divergence from the posterior's policy, p(a_t | "
            "s_t, O).",
            _GAP,
        ),
        Misconception(
            "compared with the best policy",
            _gap_of(told=_soft_told),
            "The policy is compared with the one that has the highest bound. The chain rule "
            "compares it with the *posterior's* policy p(a_t | s_t, O), which counts on luck. The "
            "two differ wherever dice matter, so the best policy's share is not 0.",
            _GAP,
        ),
        Misconception(
            "short-sighted",
            _gap_of(
                told=lambda d: _normalise_log(
                    safe_log(d["rho"]) + _rewards(d["R"], len(d["policy"])) / d["alpha"]
                )
            ),
            "The posterior's policy looks at the reward of the step alone. p(a_t | s_t, O) is "
            "rho exp(log beta(s, a) - log beta(s)), and log beta(s, a) is r / alpha *plus* "
            "log E[beta(s')] of the next step.",
            _GAP,
        ),
        Misconception(
            "average message in the policy",
            _gap_of(told=_average_told),
            "The posterior's policy averages the logarithms of the next messages, E[log beta(s')]. "
            "That is the variational look ahead. The posterior is exact: log beta(s, a) is "
            "r / alpha + log E[beta(s')].",
            _GAP,
        ),
        Misconception(
            "short-sighted, not normalised",
            _gap_of(
                told=lambda d: (
                    safe_log(d["rho"])
                    + _rewards(d["R"], len(d["policy"])) / d["alpha"]
                    - d["log_beta_s"][:, :, None]
                )
            ),
            "The next step is missing in the posterior's policy, so its rows do not sum to one. "
            "log beta(s, a) is not the reward of the step alone, it is r / alpha *plus* "
            "log E[beta(s')]; with log beta(s) subtracted, that is log p(a | s, O) - log rho.",
            _GAP,
        ),
        Misconception(
            "average message, not normalised",
            _gap_of(told=_average_told_as_it_is),
            "The posterior's policy averages the logarithms of the next messages, E[log beta(s')], "
            "so its rows do not sum to one. The posterior is exact, and log beta(s) is its sum: "
            "log beta(s, a) is r / alpha + log E[beta(s')].",
            _GAP,
        ),
        Misconception(
            "prior left out of the posterior",
            _gap_of(told=lambda d: _log_told(d) - safe_log(d["rho"])),
            "The posterior's policy lacks the prior. exp(log beta(s, a) - log beta(s)) says by how "
            "much an action gains; the probability is rho(a | s) times that.",
            _CONSTANT,
        ),
        Misconception(
            "not divided by beta(s)",
            _gap_of(told=lambda d: _log_told(d) + d["log_beta_s"][:, :, None]),
            "rho(a | s) beta(s, a) is a joint probability of action and success. Bayes' rule "
            "divides it by its sum over the actions, which is beta(s). Otherwise the share holds "
            "-log beta(s) as well.",
            _GAP,
        ),
        Misconception(
            "dynamics not normalised",
            _gap_of(
                prices=lambda d: -_mean(d["P"], _after(d)[:, None, None]),
                first=lambda d: float(-_mean(d["mu0"], d["log_beta_s"][0])),
            ),
            "P * beta is a joint probability of next state and success. The believed dynamics are "
            "that, divided by the sum of the row, E[beta]; its logarithm belongs to luck's "
            "share: log E[exp v] - E[v].",
            _LUCK,
        ),
        Misconception(
            "first state not normalised",
            _gap_of(first=lambda d: float(-_mean(d["mu0"], d["log_beta_s"][0]))),
            "mu0 * beta_1 is a joint probability of first state and success. The believed first "
            "state is that divided by its sum, which is p(O): without it, luck's share is too "
            "large by -log p(O). The first state is a throw like any other, and is priced alike.",
            _LUCK,
        ),
        Misconception(
            "message of the wrong step",
            _gap_of(prices=lambda d: _price(d["P"], d["log_beta_s"][:, None, None])),
            "The move from step t to t + 1 is reweighted with beta_t. It arrives at step t + 1, "
            "and what is to come from there is in beta_{t+1}. After the last step there is no "
            "move that counts.",
            _LUCK,
        ),
        Misconception(
            "messages one step early",
            _gap_of(
                told=_told_too_early,
                prices=lambda d: _price(d["P"], d["log_beta_s"][:, None, None]),
            ),
            "After step t the next state is weighed with beta_t, in the policy as in luck's share. "
            "It arrives at step t + 1: what is still to come there is in beta_{t+1}, the next row "
            "of log_beta_s. After the last row nothing is left to hope for: 0.",
            _LUCK,
        ),
        Misconception(
            "last step missing",
            _gap_of(visits=lambda d: _but_last(_usual(d))),
            "The last action is missing. There are T actions and T - 1 moves: the action of the "
            "last step has a posterior too, and is a link of the chain.",
            _GAP,
        ),
        Misconception(
            "temperature left out",
            _gap_of(told=lambda d: _log_told(d, 1.0)),
            "The rewards meet the messages without the temperature. Messages are in nats, and so "
            "is r / alpha; r is not.",
            _ALPHA,
        ),
        Misconception(
            "in units of reward",
            _changed_shares(lambda d, policy, luck: (d["alpha"] * policy, d["alpha"] * luck)),
            "Both shares are multiplied by alpha. That is the gap in units of reward, what the "
            "policy's regularised return falls short of alpha log p(O). The problem asks for nats.",
            _ALPHA,
        ),
        Misconception(
            "rewards of the first step",
            _gap_of(told=lambda d: _log_told({**d, "R": _rewards(d["R"], len(d["policy"]))[0]})),
            "The rewards of the first step are used at every step. When R has shape (T, S, A), "
            "each step has rewards of its own.",
            _GAP,
            example=_GAP_LATER,
        ),
        Misconception(
            "through probabilities",
            _changed_shares(lambda d, *_: _through_probabilities(d, shifted=True)),
            "The believed probabilities are formed first, and then their logarithms. A probability "
            "of e^-1000 is 0 in floating point and its logarithm -inf, so the share becomes inf. "
            "The logarithm of it is -1000: stay with logarithms to the end.",
            _GAP,
            example=_GAP_RARE,
        ),
        Misconception(
            "exponentials out of range",
            _changed_shares(lambda d, *_: _through_probabilities(d, shifted=False)),
            "The exponential of a message near -10,000 is 0 in floating point, and 0 / 0 is NaN. A "
            "constant added to all messages of a step cancels: subtract the largest one first, "
            "or never leave the logarithms.",
            _GAP,
            example=_GAP_COLD,
        ),
        Misconception(
            "infinity minus infinity",
            _gap_of(
                told=lambda d: np.where(
                    np.isneginf(d["log_beta_s"])[:, :, None], np.nan, _log_told(d)
                ),
                dead=False,
            ),
            "In a state without hope log beta(s, a) and log beta(s) are both -inf, and their "
            "difference is NaN. Such a state has no posterior to compare with: leave it out. What "
            "led there has made a share inf already.",
            _GAP,
            example=_GAP_TRAP,
        ),
        Misconception(
            "zero times infinity",
            _changed_shares(_nan_shares),
            "Something of probability 0 has an infinite logarithm, and in floating point 0 * inf "
            "is NaN. What q does not do adds nothing to a divergence of q: leave it out.",
            _GAP,
            example=_GAP_SURE,
        ),
    ),
    example=_GAP_SMALL,
    section=_GAP,
    rtol=_ALIKE[0],
    atol=_ALIKE[1],
)


# soft_vi: inputs


def _endless(rng: Rng, S: int, A: int, alpha: float, gamma: float) -> dict[str, Any]:
    """A world without a horizon in which everything is possible."""
    world = _world(rng, S, A)
    del world["mu0"]
    return world | {"alpha": alpha, "gamma": gamma}


def _small_sizes(rng: Rng) -> tuple[int, int]:
    return int(rng.integers(4, 6)), int(rng.integers(2, 4))


def _some_discount(rng: Rng) -> float:
    return float(rng.uniform(0.5, 0.75))


def _draw_endless(rng: Rng) -> dict[str, Any]:
    """A discount below the temperature: with V left in nats the sweeps still converge."""
    sizes, alpha = _small_sizes(rng), _warm(rng)
    return _endless(rng, *sizes, alpha, _some_discount(rng) * min(alpha, 1.0))


def _draw_lonely(rng: Rng) -> dict[str, Any]:
    """One state."""
    return _endless(rng, 1, int(rng.integers(2, 5)), 1.0, _some_discount(rng))


def _draw_myopic(rng: Rng) -> dict[str, Any]:
    return _endless(rng, *_small_sizes(rng), 1.0, 0.0)


def _draw_patient(rng: Rng) -> dict[str, Any]:
    d = _endless(rng, 3, 2, 1.0, float(rng.uniform(0.95, 0.98)))
    return d | {"R": 0.3 * d["R"] - 0.1}


def _draw_cold(rng: Rng) -> dict[str, Any]:
    """The temperature 0.05, and rewards far below zero that differ by a few tenths."""
    d = _endless(rng, *_small_sizes(rng), 0.05, _some_discount(rng))
    return d | {"R": 0.05 * d["R"] - rng.uniform(30.0, 50.0)}


def _draw_hot(rng: Rng) -> dict[str, Any]:
    d = _endless(rng, *_small_sizes(rng), 20.0, _some_discount(rng))
    return d | {"R": 20.0 * d["R"]}


def _draw_uneven(rng: Rng) -> dict[str, Any]:
    """Forbidden actions, impossible moves, and in state 1 an action that is never optimal."""
    d = _some_forbidden(rng, _draw_endless(rng))
    d["R"][1, 0] = -np.inf
    return d | {"P": _thinned(rng, d["P"])}


def _draw_danger(rng: Rng) -> dict[str, Any]:
    """State 0 is a trap; action 0 leads there, from state 1 for certain, from state 2 perhaps."""
    d = _draw_endless(rng)
    P, at = d["P"], np.eye(len(d["P"]))
    P[1:, :, 0] = 0.0
    P[1:] = _shares(P[1:])
    P[1, 0], P[2, 0] = at[0], 0.5 * at[0] + 0.5 * at[3]
    d["R"][0] = -np.inf
    return d


def _draw_pit(rng: Rng) -> dict[str, Any]:
    """All rewards are low; those of the last state, which is left by nobody, are lower by far."""
    d = _endless(rng, *_small_sizes(rng), float(rng.uniform(4.0, 8.0)), 0.5)
    P, R = d["P"], d["R"] * d["alpha"] - rng.uniform(4000.0, 5000.0)
    P[:-1, :, -1], P[-1] = 0.0, np.eye(len(P))[-1]
    R[-1] -= 4900.0
    return d | {"P": _shares(P), "R": R}


# soft_vi: reference, reading


def _soft_vi(P: Array, R: Array, rho: Array, alpha: float, gamma: float) -> Values:
    from cs_infer import soft_value_iteration

    mdp = _mdp(P, R, np.full(len(P), 1.0 / len(P)), rho, alpha=alpha)
    found = soft_value_iteration(mdp, discount=gamma, method="policy-iteration")
    return found.Q, found.V, found.policy


_NAMES = ("Q", "V", "policy")


def _read_values(inputs: Inputs, answer: Any) -> Values:
    S, A = inputs["rho"].shape
    if not isinstance(answer, (tuple, list)) or len(answer) != 3:
        kind = "None" if answer is None else f"a {type(answer).__name__}"
        if isinstance(answer, (tuple, list)):
            kind = f"a {type(answer).__name__} of {len(answer)}"
        raise AnswerError(f"the answer must be three arrays, (Q, V, policy); it is {kind}")
    Q, V, policy = answer
    return (
        as_array(Q, (S, A), "Q"),
        as_array(V, (S,), "V"),
        as_array(policy, (S, A), "policy"),
    )


def _same_values(*parts: int) -> Callable[[Inputs, Values], str | None]:
    """Like the comparison with the reference, for some parts; says how far a sweep still moves."""

    @_calmly
    def holds(inputs: Inputs, answer: Values) -> str | None:
        expected = _soft_vi(**inputs)
        for i in parts:
            fault = differ(answer[i], expected[i], *(_VALUE if i < 2 else _PROBABILITY))
            if fault:
                return f"{_NAMES[i]}: {fault}{_remark(i, inputs, answer)}"
        return None

    return holds


def _remark(part: int, inputs: Inputs, answer: Values) -> str:
    if part < 2:
        moved = np.max(np.abs(_backup(**inputs)(answer[1])[1] - answer[1]))
        if 1e-7 < moved < 0.05:
            return f"; the sweeps stopped too soon: one more would move your V by {moved:.2g}"
        return (
            f"; your V is no fixed point: a sweep moves it by {moved:.2g}" if moved > 0.05 else ""
        )
    sums = answer[2].sum(axis=1)
    off = np.argwhere((np.abs(sums - 1) > 1e-2) & (np.abs(sums) > 1e-2))
    return f"; row {off[0][0]} sums to {sums[off[0][0]]:.6g} over the actions" if len(off) else ""


# soft_vi: wrong ideas. Sweeps, in which each part may be a wrong one.


def _mean_ahead(P: Array, V: Array, alpha: float, gamma: float) -> Array:
    """gamma E[V]; what is impossible does not count."""
    if np.all(np.isfinite(V)):
        return gamma * (P @ V)
    mean = np.sum(P * np.where(np.isneginf(V), 0.0, V), axis=2)
    return gamma * np.where(np.any((P > 0) & np.isneginf(V), axis=2), -np.inf, mean)


def _soft_over(Q: Array, rho: Array, alpha: float) -> Array:
    terms = safe_log(rho) + Q / alpha
    top = terms.max(axis=1)
    top = np.where(np.isfinite(top), top, 0.0)
    return alpha * (np.log(np.exp(terms - top[:, None]).sum(axis=1)) + top)


def _level(V: Array) -> Array:
    return np.where(np.isfinite(V), V, 0.0)[:, None]


def _bayes(Q: Array, V: Array, rho: Array, alpha: float) -> Array:
    return rho * np.exp(np.where(rho > 0, (Q - _level(V)) / alpha, -np.inf))


def _backup(
    P: Array,
    R: Array,
    rho: Array,
    alpha: float,
    gamma: float,
    ahead: Callable[..., Array] = _mean_ahead,
    over: Callable[..., Array] = _soft_over,
) -> Callable[[Array], tuple[Array, Array]]:
    def sweep(V: Array) -> tuple[Array, Array]:
        Q = R + ahead(P, V, alpha, gamma)
        return Q, over(Q, rho, alpha)

    return sweep


def _values(
    ahead: Callable[..., Array] = _mean_ahead,
    over: Callable[..., Array] = _soft_over,
    policy: Callable[..., Array] = _bayes,
    sweeps: int = 2000,
    enough: Callable[[float], float] = lambda gamma: 1e-8 * (1 - gamma),
) -> Callable[..., Values]:
    """The wrong solution that looks ahead, sums over actions, stops, … in its own way."""

    def wrong(P: Array, R: Array, rho: Array, alpha: float, gamma: float) -> Values:
        with np.errstate(all="ignore"):
            sweep, V = _backup(P, R, rho, alpha, gamma, ahead, over), np.zeros(len(P))
            for _ in range(sweeps):
                before = V
                Q, V = sweep(V)
                moved = np.where(before == V, 0.0, np.abs(V - before))
                if not np.max(moved) > enough(gamma):
                    break
            return Q, V, policy(Q, V, rho, alpha)

    return wrong


def _changed(change: Callable[..., Values]) -> Callable[..., Values]:
    """The wrong solution that makes this of the right one."""

    def wrong(**d: Any) -> Values:
        with np.errstate(all="ignore"):
            return change(*_soft_vi(**d), d["rho"], d["alpha"])

    return wrong


def _elsewhere(change: Callable[[Inputs], Inputs]) -> Callable[..., Values]:
    """The right solution of another problem."""

    def wrong(**d: Any) -> Values:
        with np.errstate(all="ignore"):
            return _values()(**change(d))

    return wrong


def _ending(P: Array, V: Array, alpha: float, gamma: float) -> Array:
    """The process ends with chance 1 - gamma, and exact inference knows it."""
    go_on = safe_log(np.array(gamma)) + log_expect(P, V / alpha, axis=2)
    return alpha * np.logaddexp(go_on, np.log1p(-gamma))


def _optimistic(P: Array, V: Array, alpha: float, gamma: float) -> Array:
    return gamma * alpha * log_expect(P, V / alpha, axis=2) if gamma else np.zeros(P.shape[:2])


def _reward_later(P: Array, R: Array, rho: Array, alpha: float, gamma: float) -> Values:
    return _values()(P, gamma * R if gamma else 0 * R, rho, alpha, gamma)


def _average_of(Q: Array, rho: Array, alpha: float) -> Array:
    """The average of Q under the soft policy."""
    pi = normalise(safe_log(rho) + Q / alpha, axis=1)
    return np.sum(np.where(pi > 0, pi * Q, 0.0), axis=1)


def _softmax(Q: Array, V: Array, rho: Array, alpha: float) -> Array:
    pi = normalise(safe_log(rho) + Q / alpha, axis=1)
    return np.where(np.isneginf(V)[:, None], 0.0, pi)


def _greedy(Q: Array, V: Array, rho: Array, alpha: float) -> Array:
    best = np.argmax(np.where(rho > 0, Q, -np.inf), axis=1)
    return np.where(np.isneginf(V)[:, None], 0.0, np.eye(rho.shape[1])[best])


def _hard_over(Q: Array, rho: Array, alpha: float) -> Array:
    return np.max(np.where(rho > 0, Q, -np.inf), axis=1)


def _as_written(Q: Array, V: Array, rho: Array, alpha: float) -> Array:
    """The formula, typed in."""
    return rho * np.exp((Q - V[:, None]) / alpha)


def _no_prior_normalised(Q: Array, V: Array, rho: Array, alpha: float) -> Array:
    return _softmax(Q, V, np.ones_like(rho), alpha)


def _no_shift(Q: Array, rho: Array, alpha: float) -> Array:
    return alpha * np.log(np.sum(rho * np.exp(Q / alpha), axis=1))


def _one_shift(Q: Array, rho: Array, alpha: float) -> Array:
    top = np.max(Q)
    return alpha * np.log(np.sum(rho * np.exp((Q - top) / alpha), axis=1)) + top


def _rho_in_traps(Q: Array, V: Array, pi: Array, rho: Array, alpha: float) -> Values:
    return Q, V, np.where(np.isneginf(V)[:, None], rho, pi)


_PLAIN = {
    "P": _SMALL["P"],
    "R": _SMALL["R"],
    "rho": _SMALL["rho"],
    "alpha": 0.5,
    "gamma": 0.75,
}
_SLOW = _PLAIN | {"gamma": 0.95}
_COLD = _PLAIN | {"R": _SMALL["R"] - 50.0, "alpha": 0.05}
_TWO_ROOMS = {
    "P": np.array([[[1.0, 0.0]], [[0.0, 1.0]]]),
    "R": np.array([[-1.0], [-800.0]]),
    "rho": np.array([[1.0], [1.0]]),
    "alpha": 1.0,
    "gamma": 0.5,
}
_EDGE = {
    "P": np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]]),
    "R": np.array([[0.0, -1.0], [-np.inf, -np.inf]]),
    "rho": np.array([[0.5, 0.5], [0.5, 0.5]]),
    "alpha": 1.0,
    "gamma": 0.5,
}

SOFT_VI = Problem(
    name="soft_vi",
    title="Problem 4: the best policy, without a horizon",
    reference=_soft_vi,
    read=_read_values,
    properties=tuple(
        Property(name, statement, points, draw, repeats, _same_values(*parts))
        for name, statement, points, draw, repeats, parts in (
            (
                "one state",
                "with a single state V is a soft maximum divided by 1 - gamma, and all is right",
                2.0,
                _draw_lonely,
                3,
                (0, 1, 2),
            ),
            (
                "no future",
                "with gamma = 0 only the step itself counts: Q is the reward",
                3.0,
                _draw_myopic,
                3,
                (0, 1, 2),
            ),
            (
                "values",
                "Q and V are the fixed point for random dynamics and temperatures",
                6.0,
                _draw_endless,
                4,
                (0, 1),
            ),
            (
                "policy",
                "the policy is right for random dynamics and temperatures",
                4.0,
                _draw_endless,
                4,
                (2,),
            ),
            (
                "patient",
                "with gamma up to 0.98 all is as exact as asked for: the sweeps do not stop too "
                "soon",
                3.0,
                _draw_patient,
                2,
                (0, 1, 2),
            ),
            (
                "cold",
                "a temperature of 0.05 gives the right values and policy: nothing underflows",
                3.0,
                _draw_cold,
                3,
                (0, 1, 2),
            ),
            (
                "hot",
                "a temperature of 20 gives the right values and policy",
                2.0,
                _draw_hot,
                3,
                (0, 1, 2),
            ),
            (
                "uneven",
                "all is right when actions are forbidden, or never optimal",
                3.0,
                _draw_uneven,
                4,
                (0, 1, 2),
            ),
            (
                "danger",
                "a trap has the value -inf, what may lead there as well, and nothing is NaN",
                2.0,
                _draw_danger,
                3,
                (0, 1, 2),
            ),
            (
                "low",
                "values near -20,000, and states that differ by 1,000 nats, are all kept",
                2.0,
                _draw_pit,
                2,
                (0, 1, 2),
            ),
        )
    ),
    misconceptions=(
        Misconception(
            "hard maximum",
            _values(over=_hard_over, policy=_softmax),
            "V is the maximum of Q over the actions. That is optimal control, the limit of "
            "temperature 0. At alpha > 0 it is the soft maximum alpha log sum rho exp(Q / alpha), "
            "which is lower: a policy pays for leaving its prior.",
            _STEP,
        ),
        Misconception(
            "hard maximum, policy not normalised",
            _values(over=_hard_over),
            "V is the maximum of Q over the actions. That is optimal control, the limit of "
            "temperature 0, and rho exp((Q - V) / alpha) then does not sum to one. At alpha > 0 V "
            "is the soft maximum alpha log sum rho exp(Q / alpha), which is lower.",
            _STEP,
        ),
        Misconception(
            "greedy policy",
            _values(policy=_greedy),
            "The values are right, and the policy takes the best action only. J(pi) = V - alpha "
            "KL(pi || pi*) is highest for pi* = rho exp((Q - V) / alpha), which takes every "
            "allowed action now and then.",
            _STEP,
        ),
        Misconception(
            "prior dropped",
            _values(
                over=lambda Q, rho, alpha: alpha * logsumexp(Q / alpha, axis=1),
                policy=lambda Q, V, rho, alpha: np.exp((Q - _level(V)) / alpha),
            ),
            "The actions are summed without their prior. V then is too large by alpha log |A| a "
            "step when the prior is uniform, states with more actions look better, and what is "
            "forbidden is allowed. V = alpha log sum rho exp(Q / alpha).",
            _CONSTANT,
        ),
        Misconception(
            "prior in the policy only",
            _values(over=lambda Q, rho, alpha: alpha * logsumexp(Q / alpha, axis=1)),
            "The policy has its prior, and V does not: it sums over the actions as they are, so "
            "the rows of rho exp((Q - V) / alpha) do not sum to one. V is the logarithm of exactly "
            "that sum: alpha log sum rho exp(Q / alpha).",
            _CONSTANT,
        ),
        Misconception(
            "policy without prior, normalised",
            _values(policy=_no_prior_normalised),
            "The values are right; the policy is exp(Q / alpha) divided by its sum. That is the "
            "answer for a uniform prior. Here the prior is given, and stands in front: "
            "rho exp((Q - V) / alpha), which sums to one by itself.",
            _STEP,
        ),
        Misconception(
            "prior missing in the policy",
            _values(policy=lambda Q, V, rho, alpha: np.exp((Q - _level(V)) / alpha)),
            "The values are right, the policy lacks the prior. exp((Q - V) / alpha) says by how "
            "much an action gains; the policy is rho times that, and its rows sum to one.",
            _STEP,
        ),
        Misconception(
            "policy not normalised",
            _values(policy=lambda Q, V, rho, alpha: rho * np.exp(Q / alpha)),
            "The policy is rho exp(Q / alpha), which does not sum to one. Its sum over the actions "
            "is exp(V / alpha): divide by that, or subtract V inside the exponential.",
            _STEP,
        ),
        Misconception(
            "divergence left out",
            _values(over=_average_of, policy=_softmax),
            "V is the average of Q under the policy. The best value of J is less than that: the "
            "policy's divergence from the prior has its price, alpha KL(pi || rho). Together they "
            "are the soft maximum.",
            _STEP,
        ),
        Misconception(
            "prior's values",
            _values(
                over=lambda Q, rho, alpha: np.sum(np.where(rho > 0, rho * Q, 0.0), axis=1),
                policy=_softmax,
            ),
            "V is the average of Q under the prior: what an agent gets that does not choose. The "
            "best policy gets the soft maximum, alpha log sum rho exp(Q / alpha), which is more.",
            _STEP,
        ),
        Misconception(
            "discount inside",
            _values(ahead=_ending),
            "The discount is read as a chance to end *inside* the inference: log(gamma E[e^v] + "
            "1 - gamma). That is exact inference, which is glad of an early end. The bound "
            "averages over it: gamma E[V].",
            _DISCOUNT,
        ),
        Misconception(
            "counts on luck",
            _values(ahead=_optimistic),
            "The next states have a soft maximum, log E[exp V]. They are not the agent's to "
            "choose: q keeps the true dynamics, so the bound has their plain average, gamma "
            "E[V(s')].",
            _STEP,
        ),
        Misconception(
            "reward discounted",
            _reward_later,
            "The reward of the step is multiplied by gamma. It is paid now, and counts in full; "
            "only what follows is discounted: Q = r + gamma E[V(s')].",
            _SWEEPS,
        ),
        Misconception(
            "no look-ahead",
            _values(ahead=lambda P, V, alpha, gamma: np.zeros(P.shape[:2])),
            "Q is the reward of the step alone. Where an action leads is worth something too: "
            "Q = r + gamma E[V(s')], and V is on both sides of the equations.",
            _SWEEPS,
        ),
        Misconception(
            "one sweep",
            _values(sweeps=2),
            "The backup was applied to the rewards once. A fixed point is what does not change "
            "when the backup is applied again: repeat until it is near enough.",
            _SWEEPS,
        ),
        Misconception(
            "stops too soon",
            _values(enough=lambda gamma: 5e-3),
            "The sweeps stop as soon as one of them moves V by less than 0.005. All later sweeps "
            "together can still move it by gamma / (1 - gamma) times that. Stop when the last "
            "move is below (1 - gamma) times the accuracy.",
            _SWEEPS,
            example=_SLOW,
        ),
        Misconception(
            "a hundred sweeps",
            _values(sweeps=100),
            "A hundred sweeps are made, whatever the discount. Each brings V nearer by the factor "
            "gamma only, and 0.98 to the power of 100 is still 0.13. Look at how far the last "
            "sweep moved V, and stop by that.",
            _SWEEPS,
            example=_SLOW,
        ),
        Misconception(
            "temperature left out",
            _elsewhere(lambda d: {**d, "alpha": 1.0}),
            "The temperature is not used. It says what a nat of divergence costs in units of "
            "reward: alpha divides Q inside the exponential and multiplies the logarithm.",
            _ALPHA,
        ),
        Misconception(
            "temperature in the policy only",
            _values(
                over=lambda Q, rho, alpha: _soft_over(Q, rho, 1.0),
                policy=_softmax,
            ),
            "The temperature enters the policy only, and V is the soft maximum at temperature 1. "
            "It enters every backup: V = alpha log sum rho exp(Q / alpha).",
            _ALPHA,
        ),
        Misconception(
            "temperature in the policy only, not normalised",
            _values(over=lambda Q, rho, alpha: _soft_over(Q, rho, 1.0)),
            "V is log sum rho exp(Q), without the temperature, so the rows of rho exp((Q - V) / "
            "alpha) do not sum to one. The temperature enters every backup: it divides Q inside "
            "the exponential and multiplies the logarithm.",
            _ALPHA,
        ),
        Misconception(
            "temperature in the values only",
            _values(policy=lambda Q, V, rho, alpha: _softmax(Q, V, rho, 1.0)),
            "The values are right, and the policy is formed at temperature 1. An advantage is in "
            "units of reward; the exponential wants nats: rho exp((Q - V) / alpha).",
            _ALPHA,
        ),
        Misconception(
            "temperature not multiplied back",
            _values(over=lambda Q, rho, alpha: _soft_over(Q, rho, alpha) / alpha, policy=_softmax),
            "V is log sum rho exp(Q / alpha), which is in nats, and is added to rewards. In units "
            "of reward the logarithm is multiplied by alpha again.",
            _ALPHA,
        ),
        Misconception(
            "temperature not in the policy",
            _values(policy=lambda Q, V, rho, alpha: _bayes(Q, V, rho, 1.0)),
            "The values are right; the policy is rho exp(Q - V), without the temperature. Q - V is "
            "in units of reward, and the exponential wants nats. Divided by alpha, the rows sum to "
            "one: V was made for that.",
            _ALPHA,
        ),
        Misconception(
            "temperature not multiplied back, policy not normalised",
            _values(over=lambda Q, rho, alpha: _soft_over(Q, rho, alpha) / alpha),
            "V is log sum rho exp(Q / alpha): that is in nats, and is added to rewards and "
            "subtracted from Q, which are not. In units of reward the logarithm is multiplied by "
            "alpha again.",
            _ALPHA,
        ),
        Misconception(
            "in nats",
            _changed(lambda Q, V, pi, rho, alpha: (Q / alpha, V / alpha, pi)),
            "Q and V are in nats: they are divided by alpha. That is what the exponential wants, "
            "and a consistent choice. The problem asks for units of reward.",
            _ALPHA,
        ),
        Misconception(
            "advantages",
            _changed(lambda Q, V, pi, rho, alpha: (Q - _level(V), V, pi)),
            "The first array is Q - V, the advantage. It gives the same policy, but the problem "
            "asks for Q itself, r + gamma E[V(s')].",
            _SWEEPS,
        ),
        Misconception(
            "forbidden Q",
            _changed(lambda Q, V, pi, rho, alpha: (np.where(rho > 0, Q, -np.inf), V, pi)),
            "Q of a forbidden action is -inf here. V and the policy leave it out, by rho. But Q "
            "says what the action *would* be worth, r + gamma E[V(s')], whoever may take it: the "
            "prior is in V and in the policy, not in Q.",
            _SWEEPS,
            example=_PLAIN | {"rho": np.array([[0.0, 1.0], [0.6, 0.4]])},
        ),
        Misconception(
            "transition read backwards",
            _values(ahead=lambda P, V, *rest: _mean_ahead(P.transpose(2, 1, 0), V, *rest)),
            "The transition is read in the wrong direction. P is indexed [s, a, s'], and its rows "
            "P[s, a, :] sum to one: V is averaged over the last index.",
            _SWEEPS,
        ),
        Misconception(
            "exponentials out of range",
            _values(over=_no_shift),
            "The exponential leaves the range of floating point: at alpha = 0.05 a value of -50 is "
            "-1,000 nats, and exp(-1000) is 0. Subtract the largest Q / alpha of each state before "
            "the exponential, and add it again afterwards.",
            _SWEEPS,
            example=_COLD,
        ),
        Misconception(
            "formulas as they stand",
            _values(
                ahead=lambda P, V, alpha, gamma: gamma * (P @ V), over=_no_shift, policy=_as_written
            ),
            "The formulas are typed in as they stand, and are right on paper. In floating point "
            "exp(-1000) is 0, its logarithm -inf, and -inf - -inf NaN. Subtract the largest Q / "
            "alpha of each state before the exponential, add it again after the logarithm.",
            _SWEEPS,
            example=_COLD,
        ),
        Misconception(
            "one shift for all states",
            _values(over=_one_shift),
            "One maximum, that of all states, is subtracted before the exponentials. A state 1,000 "
            "nats worse than the best then underflows to 0, and its value becomes -inf. Each state "
            "needs the maximum of its own actions.",
            _SWEEPS,
            example=_TWO_ROOMS,
        ),
        Misconception(
            "zero times infinity",
            _values(ahead=lambda P, V, alpha, gamma: gamma * (P @ V)),
            "The average multiplies a probability of 0 with a value of -inf, which is NaN. What "
            "cannot happen does not count: only next states with P > 0 belong to the average.",
            _SWEEPS,
            example=_EDGE,
        ),
        Misconception(
            "danger left out",
            _values(
                ahead=lambda P, V, alpha, gamma: gamma * (P @ np.where(np.isfinite(V), V, 0.0))
            ),
            "The average leaves out next states of value -inf, as if a trap were worth 0. A chance "
            "of -inf makes the average -inf: the bound of a policy that may end there is -inf, so "
            "the best policy never risks it.",
            _SWEEPS,
            example=_EDGE,
        ),
        Misconception(
            "infinity minus infinity",
            _values(policy=_as_written),
            "In a state of value -inf the policy needs Q - V = (-inf) - (-inf), which is NaN. No "
            "action is better than another there; the problem asks for a row of zeros.",
            _STEP,
            example=_EDGE,
        ),
        Misconception(
            "prior in traps",
            _changed(_rho_in_traps),
            "In a state of value -inf so is every action, and no policy is better than another. "
            "The prior is returned there; the problem asks for a row of zeros, which cannot be "
            "taken for advice by mistake.",
            _STEP,
            example=_EDGE,
        ),
    ),
    example=_PLAIN,
    section=_SWEEPS,
    rtol=_ALIKE[0],
    atol=_ALIKE[1],
)


ASSIGNMENT = Assignment(
    name="variational_bound",
    title="Assignment 4: derive and compute the bound",
    problems=(ELBO, KL_GAP, SOFT_VI),
    withheld=(
        "bound",
        "soft_policy",
        "returns",
        "soft_iteration",
        "evaluation",
        "fixed_points",
        "variational",
        "stationary",
        "messages",
        "backups",
        "policies",
        "posterior",
        "zero_temperature",
        "hidden_markov",
        "compiled",
        "most_likely",
        "sampling",
        "trajectories",
        "optimality",
        "planning",
        "other_divergence",
    ),
    limits=Limits(cell_seconds=10.0, call_seconds=5.0),
    written=(Written("two_prices", "Problem 3: one step, two prices", 15.0, _STEP),),
)
