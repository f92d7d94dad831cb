"""The recursions once more, in long double, for problems too large to list their trajectories.

Each sum of exponentials is shifted by its own largest term, and nothing is
clever: this is what the library must agree with to nine digits where its own
numbers span thousands of nats. Nothing here calls the library. On x86 a long
double has 19 digits; where it is a plain double the comparison still holds.

Problems come as successor lists: ``next_state`` and ``probability`` of shape
(S, A, K). A dense array is the special case in which every state is listed.
"""

from typing import Any, NamedTuple

import numpy as np

Long = np.longdouble


class Lists(NamedTuple):
    """Everything the recursions need, in long double and in nats.

    Attributes:
        next_state, log_P, P: shape (S, A, K).
        reward: ``r / alpha``, shape (T, S, A), or (1, S, A) for every step.
        log_prior: shape (S, A).
        log_initial, terminal: shape (S,).
        horizon: the number of steps.
    """

    next_state: np.ndarray
    P: np.ndarray
    log_P: np.ndarray
    reward: np.ndarray
    log_prior: np.ndarray
    log_initial: np.ndarray
    terminal: np.ndarray
    horizon: int


def lists(
    *,
    next_state: Any = None,
    probability: Any,
    reward: Any,
    horizon: int,
    action_prior: Any = None,
    initial: Any = None,
    temperature: float = 1.0,
    terminal_value: Any = None,
) -> Lists:
    """Successor lists, or a dense array when ``next_state`` is left out."""
    P = np.asarray(probability, dtype=Long)
    S, A, _ = P.shape
    if next_state is None:
        next_state = np.broadcast_to(np.arange(S), (S, A, S))
    r = np.asarray(reward, dtype=Long) / Long(temperature)
    rho = np.full((S, A), 1 / Long(A)) if action_prior is None else action_prior
    mu = np.full(S, 1 / Long(S)) if initial is None else initial
    terminal = np.zeros(S) if terminal_value is None else terminal_value
    return Lists(
        np.asarray(next_state),
        P,
        log(P),
        r if r.ndim == 3 else r[None],
        log(np.asarray(rho, dtype=Long)),
        log(np.asarray(mu, dtype=Long)),
        np.asarray(terminal, dtype=Long) / Long(temperature),
        horizon,
    )


def from_mdp(mdp: Any) -> Lists:
    """The lists of a library problem without rewards on the next state."""
    assert mdp.reward_next is None
    reward = np.array(mdp.reward)
    if mdp.observed is not None:
        reward = np.where(np.asarray(mdp.observed)[:, None, None], reward, 0.0)
    return lists(
        probability=mdp.transition,
        reward=reward,
        horizon=mdp.horizon,
        action_prior=mdp.action_prior,
        initial=mdp.initial,
        temperature=mdp.temperature,
        terminal_value=mdp.terminal_value,
    )


def log(x: Any) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(x)


def logsumexp(x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Shifted by the largest term of each sum; ``-inf`` where every term is."""
    peak = np.max(x, axis=axis, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, Long(0))
    return log(np.sum(np.exp(x - peak), axis=axis)) + np.squeeze(peak, axis=axis)


def log_expect(p: Lists, v: np.ndarray) -> np.ndarray:
    """``log E[exp v(s')]``, shape (S, A)."""
    return logsumexp(p.log_P + v[p.next_state])


def expect(p: Lists, v: np.ndarray) -> np.ndarray:
    """``E[v(s')]``, in which what cannot happen does not count."""
    return np.sum(p.P * np.where(p.P > 0, v[p.next_state], Long(0)), axis=-1)


def best(p: Lists, v: np.ndarray) -> np.ndarray:
    """The largest ``v(s')`` that can happen."""
    return np.max(np.where(p.P > 0, v[p.next_state], -np.inf), axis=-1)


def log_push(p: Lists, m: np.ndarray) -> np.ndarray:
    """``log sum_{s,a} exp m(s, a) P(s' | s, a)``, shape (S,)."""
    weight, target = (m[..., None] + p.log_P).ravel(), p.next_state.ravel()
    peak = np.full(len(p.log_initial), -np.inf, dtype=Long)
    np.maximum.at(peak, target, weight)
    peak = np.where(np.isfinite(peak), peak, Long(0))
    total = np.zeros_like(peak)
    np.add.at(total, target, np.exp(weight - peak[target]))
    return log(total) + peak


def backward(p: Lists, ahead: Any = log_expect) -> tuple[np.ndarray, np.ndarray]:
    """``log beta`` of shape (T, S, A) and (T, S): pass ``expect`` for ``Q / alpha, V / alpha``."""
    Q, V = [], [p.terminal]
    for t in reversed(range(p.horizon)):
        Q.append(p.reward[t % len(p.reward)] + ahead(p, V[-1]))
        V.append(logsumexp(p.log_prior + Q[-1]))
    return np.stack(Q[::-1]), np.stack(V[:0:-1])


def forward(p: Lists) -> np.ndarray:
    """``log p(s_t, O_1:t-1 = 1)``, shape (T, S)."""
    f = [p.log_initial]
    for t in range(p.horizon - 1):
        f.append(log_push(p, f[-1][:, None] + p.log_prior + p.reward[t % len(p.reward)]))
    return np.stack(f)


def assert_close(actual: Any, truth: Any, *, rel: float = 1e-9) -> None:
    """Equal to ``rel`` of the truth's size (of 1 below 1); ``-inf`` in the same places; no NaN."""
    actual, truth = np.asarray(actual, dtype=Long), np.asarray(truth, dtype=Long)
    assert actual.shape == truth.shape, (actual.shape, truth.shape)
    assert not np.isnan(actual).any(), f"NaN in {np.isnan(actual).mean():.1%} of the entries"
    impossible, wrong = truth == -np.inf, np.isinf(actual)
    assert np.array_equal(wrong, impossible), (
        f"{np.mean(wrong & ~impossible):.2%} of the entries are infinite and should not be, "
        f"{np.mean(~wrong & impossible):.2%} are finite and should be -inf"
    )
    assert np.all(actual[impossible] == -np.inf)
    finite = ~impossible
    error = np.abs(actual[finite] - truth[finite]) / np.maximum(1, np.abs(truth[finite]))
    assert error.size == 0 or error.max() <= rel, f"relative error {float(error.max()):.2g}"
