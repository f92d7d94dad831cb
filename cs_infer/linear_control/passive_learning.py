"""Learning desirabilities from watching the passive dynamics.

Z-learning averages sampled values of ``z``. Soft Q-learning on the same transitions
takes the state that came next as the action that was chosen, and averages over actions
by the passive dynamics, given or counted. Many runs are learned side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cs_infer.arrays import is_torch
from cs_infer.checks import check_indices, first_place, place, require, whole_number
from cs_infer.linear_control.linearly_solvable import LinearlySolvableMDP
from cs_infer.linear_control.reachable import exit_mask
from cs_infer.log_space import log_expect, mean, safe_log

Array = Any


def passive_transitions(
    problem: LinearlySolvableMDP, exits: Any, *, steps: int, runs: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Walks of the passive dynamics; after an exit, from a random other state on.

    Args:
        problem: its arrays are numpy's.
        exits: whole numbers, or booleans of shape (S,).
        steps: N, the number of transitions of a run.
        runs: R, how many independent runs.
        rng: the source of randomness.

    Returns:
        ``states`` and ``next_states``, shape (N, R) each.
    """
    _in_numpy(problem)
    out = exit_mask(problem, exits)
    require(not out.all(), "every state is an exit: there is nowhere to begin")
    N, runs = whole_number("steps", steps), whole_number("runs", runs)
    starts, cumulative = np.flatnonzero(~out), problem.passive.cumsum(axis=1)
    cumulative /= cumulative[:, -1:]
    states, next_states = np.empty((2, N, runs), dtype=np.intp)
    s = rng.choice(starts, size=runs)
    for n in range(N):
        states[n] = s
        next_states[n] = (cumulative[s] <= rng.random((runs, 1))).sum(axis=1)
        s = np.where(out[next_states[n]], rng.choice(starts, size=runs), next_states[n])
    return states, next_states


def z_learning(
    problem: LinearlySolvableMDP,
    states: Any,
    next_states: Any,
    *,
    exits: Any,
    offset: Any,
    checkpoints: Sequence[int] | None = None,
) -> Array:
    """Move ``z(s)`` towards ``exp(r(s) / alpha) z(s')``, transition by transition.

    Implements eq-z-learning. Neither the passive dynamics nor any sum over next states is
    used. All desirabilities start at 1; those of the exits are known. The averages are taken in
    log space, so that ``z`` may leave the range of floating point.

    Args:
        problem: its rewards and temperature count, not its ``passive``.
        states: where the transitions begin, shape (N, R): R runs of N.
        next_states: where they end, shape (N, R).
        exits: whole numbers, or booleans of shape (S,).
        offset: ``c`` of the learning rate ``c / (c + n)`` at the n-th visit, counted from
            0; positive, a number or shape (R,).
        checkpoints: after how many transitions to report; after all by default.

    Returns:
        ``log z``, in nats, shape (C, R, S): one for each checkpoint.

    References:
        Todorov (2009); :cite:`todorov2009efficient`.
    """
    log_z, c, runs = _prepared(problem, exits, states, next_states, offset)
    visits, reward = np.zeros_like(log_z), problem.reward / problem.temperature

    def learn(s: Array, s_next: Array) -> None:
        rate = c / (c + visits[runs, s])
        visits[runs, s] += 1
        target = np.log(rate) + reward[s] + log_z[runs, s_next]
        log_z[runs, s] = np.logaddexp(safe_log(1 - rate) + log_z[runs, s], target)

    return _learned(learn, log_z.copy, states, next_states, checkpoints)


def soft_q_learning(
    problem: LinearlySolvableMDP,
    states: Any,
    next_states: Any,
    *,
    exits: Any,
    offset: Any,
    passive: str = "known",
    checkpoints: Sequence[int] | None = None,
) -> Array:
    """Soft Q-learning on the same transitions: the next state is the action.

    Implements eq-soft-q-passive: ``q(s, s')`` moves towards ``r(s) / alpha + log z(s')``, and
    ``log z(s) = log sum_s' p(s' | s) exp q(s, s')``.

    Args:
        problem: the problem.
        states: see :func:`z_learning`, also for what is not listed here.
        next_states: where the transitions end.
        exits: whole numbers, or booleans.
        offset: ``c``; the visits of a pair (s, s') are counted.
        passive: ``"known"``: ``p`` is ``problem.passive``; ``"counted"``: the frequencies
            seen so far.
        checkpoints: after how many transitions to report.

    Returns:
        ``log z``, in nats, shape (C, R, S).
    """
    require(
        passive in ("known", "counted"),
        f"passive must be 'known' or 'counted'; it is {passive!r}",
    )
    log_z, c, runs = _prepared(problem, exits, states, next_states, offset)
    q = np.zeros((*log_z.shape, log_z.shape[-1]))
    visits, reward = np.zeros_like(q), problem.reward / problem.temperature

    def learn(s: Array, s_next: Array) -> None:
        old, target = q[runs, s, s_next], reward[s] + log_z[runs, s_next]
        # Nothing can be averaged with -inf; where it was taken back, the average begins anew.
        rate = np.where(np.isfinite(old), c / (c + visits[runs, s, s_next]), 1.0)
        visits[runs, s, s_next] += 1
        q[runs, s, s_next] = mean(np.stack([1 - rate, rate]), np.stack([old, target]), axis=0)
        seen = visits[runs, s]
        p = problem.passive[s] if passive == "known" else seen / seen.sum(axis=1, keepdims=True)
        log_z[runs, s] = log_expect(p, q[runs, s])

    return _learned(learn, log_z.copy, states, next_states, checkpoints)


def _in_numpy(problem: LinearlySolvableMDP) -> None:
    require(not is_torch(problem.passive), "learning needs a problem whose arrays are numpy's")


def _prepared(
    problem: LinearlySolvableMDP, exits: Any, states: Any, next_states: Any, offset: Any
) -> tuple[Array, Array, Array]:
    """First ``log z``, shape (R, S); the offsets; and the numbers of the runs."""
    _in_numpy(problem)
    shape, S = np.shape(states), problem.num_states
    require(len(shape) == 2, f"states must have shape (N, R); it has {shape}")
    for name, given in (("states", states), ("next_states", next_states)):
        check_indices(name, given, shape, S, problem.reward)
    c = np.asarray(offset, dtype=float)
    require(
        bool(np.all((c > 0) & (c < np.inf))), f"offset must be positive and finite; it is {offset}"
    )
    fits = c.shape in ((), shape[1:])
    require(fits, f"offset must be a number or have shape {shape[1:]}; it has {c.shape}")
    out = exit_mask(problem, exits)
    ended = out[np.asarray(states)]
    if ended.any():
        at = place("states", first_place(ended))
        raise ValueError(f"no transition may begin at an exit, where a walk ends; {at} does")
    first = np.where(out, problem.reward / problem.temperature, 0.0)
    return np.tile(first, (shape[1], 1)), c, np.arange(shape[1])


def _learned(
    learn: Callable[[Array, Array], None],
    report: Callable[[], Array],
    states: Array,
    next_states: Array,
    checkpoints: Sequence[int] | None,
) -> Array:
    stops = [len(states)] if checkpoints is None else list(checkpoints)
    require(bool(stops), "checkpoints must hold at least one number; they are empty")
    reports = {}
    for n, (s, s_next) in enumerate(zip(states, next_states, strict=True), start=1):
        learn(s, s_next)
        if n in stops:
            reports[n] = report()
    lost = [n for n in stops if n not in reports]
    require(not lost, f"checkpoints must lie in 1 … {len(states)}; {lost[:1]} does not")
    return np.stack([reports[n] for n in stops])
