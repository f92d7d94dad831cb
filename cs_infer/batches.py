"""Problems side by side, and problems moved between numpy, torch and devices."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cs_infer.arrays import is_torch, namespace, to_numpy
from cs_infer.checks import kind, require
from cs_infer.dynamics import Dense, Deterministic, Dynamics, Sparse
from cs_infer.mdp import TabularMDP

Array = Any


def stack_problems(problems: Sequence[TabularMDP]) -> TabularMDP:
    """See :meth:`cs_infer.TabularMDP.stack`."""
    require(len(problems) > 0, "a batch needs at least one problem")
    first = problems[0]
    _check_alike(problems)
    xp = namespace(first.initial)

    def together(part: Callable[[TabularMDP], Array]) -> Array:
        return xp.stack([part(mdp) for mdp in problems])

    constant = all(mdp.reward_once.shape[0] == 1 for mdp in problems)
    dynamics, gains = _stack_dynamics(problems)
    return TabularMDP(
        dynamics,
        together(lambda mdp: mdp.reward_once if constant else mdp.reward),
        together(lambda mdp: mdp.initial),
        together(lambda mdp: mdp.action_prior),
        first.horizon,
        first.temperature,
        gains,
        None if first.terminal_value is None else together(lambda mdp: mdp.terminal_value),
        first.observed,
    )


def _check_alike(problems: Sequence[TabularMDP]) -> None:
    first = problems[0]
    for b, mdp in enumerate(problems):
        require(mdp.batch is None, f"a batch is made of single problems; problem {b} is a batch")
        require(
            kind(mdp.initial) == kind(first.initial),
            "problems of a batch must be of one library, floating type and device; problem 0 is "
            f"{kind(first.initial)}, problem {b} is {kind(mdp.initial)} (mdp.to_torch and "
            "mdp.to_numpy convert a whole problem)",
        )
        for name in ("num_states", "num_actions", "horizon", "temperature"):
            require(
                getattr(mdp, name) == getattr(first, name),
                f"problems of a batch must share {name}; problem 0 has {getattr(first, name)}, "
                f"problem {b} has {getattr(mdp, name)}",
            )
        require(
            np.array_equal(_observed(mdp), _observed(first)),
            f"problems of a batch must be observed at the same steps; problem {b} differs",
        )
        for name in ("reward_next", "terminal_value"):
            require(
                (getattr(mdp, name) is None) == (getattr(first, name) is None),
                f"either all problems of a batch have {name} or none; problem {b} differs from 0",
            )


def _observed(mdp: TabularMDP) -> np.ndarray:
    return np.ones(mdp.horizon, dtype=bool) if mdp.observed is None else mdp.observed


def _stack_dynamics(problems: Sequence[TabularMDP]) -> tuple[Dynamics, Array | None]:
    """The dynamics of a batch and its ``reward_next``, in the order of the lists."""
    kinds = [mdp.dynamics for mdp in problems]
    pays = problems[0].reward_next is not None
    xp = namespace(kinds[0].probability)
    if all(isinstance(d, Deterministic) for d in kinds) and not pays:
        together = xp.stack([d.next_state[..., 0] for d in kinds])
        return Deterministic(together, like=kinds[0].probability), None
    if any(isinstance(d, Dense) for d in kinds):
        dense = Dense(xp.stack([d.to_dense().probability for d in kinds]))
        if not pays:
            return dense, None
        require(
            all(mdp.reward_next.shape[-1] == mdp.num_states for mdp in problems),
            "in a batch with dense dynamics, reward_next must have shape (S, A, S)",
        )
        return dense, xp.stack([mdp.reward_next for mdp in problems])
    lists = [mdp.paying_dynamics.to_sparse() for mdp in problems]
    K = max(d.next_state.shape[-1] for d in lists)
    if pays and problems[0].num_states == K:
        K += 1  # rewards in the order of the lists must not look like rewards indexed by s'
    sparse = Sparse(
        xp.stack([_padded(d.next_state, K) for d in lists]),
        xp.stack([_padded(d.probability, K) for d in lists]),
    )
    alpha = problems[0].temperature
    return sparse, xp.stack([_padded(d.gain, K) * alpha for d in lists]) if pays else None


def _padded(x: Array, K: int) -> Array:
    """The last axis filled up with zeros to length K."""
    missing = K - x.shape[-1]
    if missing == 0:
        return x
    xp = namespace(x)
    nothing = xp.broadcast_to(xp.zeros_like(x[..., :1]), (*x.shape[:-1], missing))
    return xp.concat([x, nothing], axis=-1)


def pick_problem(batch: TabularMDP, b: int) -> TabularMDP:
    """See ``batch[b]`` of :class:`cs_infer.TabularMDP`."""
    B, b = batch.batch, operator.index(b)
    if B is None:
        raise ValueError("only a batch can be indexed; this is a single problem")
    if not -B <= b < B:
        raise IndexError(f"problem {b} of a batch of {B}")

    def of(x: Array | None, ndim: int) -> Array | None:
        return x if x is None or x.ndim == ndim else x[b]

    once = of(batch.reward_once, 3)
    dynamics = batch.dynamics
    if dynamics.batch is not None:
        dynamics = _pick_dynamics(dynamics, b)
    return TabularMDP(
        dynamics,
        once[0] if once.shape[0] == 1 else once,
        of(batch.initial, 1),
        of(batch.action_prior, 2),
        batch.horizon,
        batch.temperature,
        of(batch.reward_next, 3),
        of(batch.terminal_value, 1),
        batch.observed,
    )


def _pick_dynamics(dynamics: Dynamics, b: int) -> Dynamics:
    if isinstance(dynamics, Deterministic):
        return Deterministic(dynamics.next_state[b, ..., 0], like=dynamics.probability)
    if isinstance(dynamics, Sparse):
        return Sparse(dynamics.next_state[b], dynamics.probability[b])
    return Dense(dynamics.probability[b])


def converted(
    mdp: TabularMDP, library: str, *, dtype: Any = None, device: Any = None
) -> TabularMDP:
    """See :meth:`cs_infer.TabularMDP.to_torch` and :meth:`cs_infer.TabularMDP.to_numpy`."""
    move = _to_torch(dtype, device) if library == "torch" else _to_numpy(dtype)

    def distribution(p: Array) -> Array:
        # What sums to one in float32 need not do so to the digits of float64.
        moved = move(p)
        if moved.dtype.itemsize <= p.dtype.itemsize:
            return moved
        return moved / namespace(moved).sum(moved, axis=-1, keepdims=True)

    once = mdp.reward_once
    return TabularMDP(
        _converted_dynamics(mdp.dynamics, move, distribution),
        move(once[0] if once.ndim == 3 and once.shape[0] == 1 else once),
        distribution(mdp.initial),
        distribution(mdp.action_prior),
        mdp.horizon,
        mdp.temperature,
        None if mdp.reward_next is None else move(mdp.reward_next),
        None if mdp.terminal_value is None else move(mdp.terminal_value),
        mdp.observed,
    )


def _to_torch(dtype: Any, device: Any) -> Callable[[Array], Array]:
    import torch

    def move(x: Array) -> Array:
        if not is_torch(x):
            # Memory order is kept; a copy, because torch does not know read-only arrays.
            x = torch.from_numpy(np.array(x, order="K"))
        return x.to(device=device, dtype=dtype if x.is_floating_point() else None)

    return move


def _to_numpy(dtype: Any) -> Callable[[Array], Array]:
    def move(x: Array) -> Array:
        x = to_numpy(x)
        return x.astype(dtype) if dtype is not None and x.dtype.kind == "f" else x

    return move


def _converted_dynamics(
    dynamics: Dynamics, move: Callable[[Array], Array], distribution: Callable[[Array], Array]
) -> Dynamics:
    probability = distribution(dynamics.probability)
    if isinstance(dynamics, Deterministic):
        return Deterministic(move(dynamics.next_state)[..., 0], like=probability)
    if isinstance(dynamics, Sparse):
        return Sparse(move(dynamics.next_state), probability)
    return Dense(probability)
