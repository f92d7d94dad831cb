"""The backward sweep as one compiled step, for torch.

Eager torch reads and writes memory once for each operation. Compiled, a step
reads each list of successors once and writes one value a state. On a GPU the
loop over steps is captured as one CUDA graph, so that nothing waits for
Python. The results are those of :func:`cs_infer.backward_messages` and
:func:`cs_infer.soft_values`; gradients are not recorded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, reduce
from typing import Any, NamedTuple

from cs_infer.arrays import is_torch
from cs_infer.backups import StateValues
from cs_infer.checks import require
from cs_infer.dynamics import Dense
from cs_infer.mdp import TabularMDP
from cs_infer.messages import BackwardMessages, backward_messages
from cs_infer.variational import SoftValues, soft_values

Array = Any

READINGS = ("exact", "variational")


def compiled_backward(mdp: TabularMDP, reading: str = "exact") -> BackwardMessages | SoftValues:
    """A backward sweep, compiled.

    Compiling takes some seconds the first time; later problems of the same
    sizes reuse it. Dense dynamics are one product of a matrix and a vector a
    step already, so for them the sweep is run as it is.

    Args:
        mdp: a problem in torch, single or a batch.
        reading: ``"exact"`` for messages, ``"variational"`` for soft values.

    Returns:
        :class:`~cs_infer.messages.BackwardMessages` or
        :class:`~cs_infer.soft_values.SoftValues`.

    Raises:
        ValueError: ``reading`` is neither word, or the problem is not in torch.
    """
    require(reading in READINGS, f"reading must be one of {READINGS}; it is {reading!r}")
    require(is_torch(mdp.initial), "compiled_backward needs a problem in torch: mdp.to_torch()")
    if isinstance(mdp.dynamics, Dense):
        return backward_messages(mdp) if reading == "exact" else soft_values(mdp)
    import torch

    with torch.no_grad():
        values = _sweep(mdp, reading)
    return BackwardMessages(mdp, values) if reading == "exact" else SoftValues(mdp, values)


class _Tables(NamedTuple):
    """What a step reads; a batch is laid end to end, N = B S states in all."""

    successor: Array  # int32, (K, A, N)
    weight: Array  # log P + gain, or P, (K, A, N)
    paid: Array  # log prior + reward, (A, N)


def _sweep(mdp: TabularMDP, reading: str) -> StateValues:
    import torch

    T, S, B = mdp.horizon, mdp.num_states, mdp.batch or 1
    like = mdp.initial
    values = torch.empty(T + 1, B, S, dtype=like.dtype, device=like.device)
    offset = torch.zeros(T + 1, B, dtype=torch.float64, device=like.device)
    values[T] = mdp.log_terminal
    step = _compiled(reading, bool(torch.isinf(mdp.log_terminal).any()) or _may_be_impossible(mdp))
    tables = _tables_of_steps(mdp, reading)
    centred = like.dtype == torch.float32

    def back() -> None:
        for t in reversed(range(T)):
            v = step(values[t + 1].view(-1), *tables(t)).view(B, S)
            if centred:
                top = v.amax(dim=-1)
                top = torch.where(torch.isfinite(top), top, 0.0)
                v = v - top[:, None]
                offset[t] = offset[t + 1] + top
            values[t] = v

    if like.is_cuda:
        _replay_as_graph(back)
    else:
        back()
    single = mdp.batch is None
    relative = values[:, 0] if single else values.transpose(0, 1)
    if not centred:
        return StateValues(relative, None)
    return StateValues(relative, offset[:, 0] if single else offset.T)


def _replay_as_graph(work: Callable[[], None]) -> None:
    """Run once to compile, capture, replay."""
    import torch

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    graph.replay()


def _tables_of_steps(mdp: TabularMDP, reading: str) -> Callable[[int], _Tables]:
    """The tables of step t; computed once where they do not change."""
    B, N = mdp.batch or 1, (mdp.batch or 1) * mdp.num_states

    def laid_out(x: Array, order: tuple[int, ...]) -> Array:
        """A batch axis in front, then the axes in this order, the states end to end."""
        x = x if x.ndim == len(order) else x[None]
        x = x.expand(B, *x.shape[1:]).permute(order)
        return x.reshape(*x.shape[:-2], N).contiguous()

    import torch

    lists, pairs = (3, 2, 0, 1), (2, 0, 1)
    next_state = mdp.dynamics.next_state
    next_state = next_state if next_state.ndim == 4 else next_state[None]
    first = (torch.arange(B, device=next_state.device) * mdp.num_states)[:, None, None, None]
    successor = laid_out((next_state + first).to(torch.int32), lists)
    known: dict[tuple[bool, int], _Tables] = {}

    def tables(t: int) -> _Tables:
        observed = mdp.observed is None or bool(mdp.observed[t])
        key = (observed, t if mdp._scaled_once.shape[-3] > 1 else 0)
        if key not in known:
            paid, dynamics = mdp.log_action_weight(t), mdp.step(t)[1]
            if reading == "variational" and dynamics.gain is not None:
                paid = paid + dynamics._mean_gain
            weight = dynamics.log_weight if reading == "exact" else dynamics.probability
            made = _Tables(successor, laid_out(weight, lists), laid_out(paid, pairs))
            if len(known) > 1:
                return made  # a reward for every step: not all of them at once
            known[key] = made
        return known[key]

    return tables


def _may_be_impossible(mdp: TabularMDP) -> bool:
    import torch

    parts = (mdp._reward_once, mdp.reward_next, mdp.terminal_value)
    return any(bool(torch.isinf(x).any()) for x in parts if x is not None)


@cache
def _compiled(reading: str, impossible: bool) -> Callable[..., Array]:
    import torch

    if reading == "exact":
        return torch.compile(_exact_step, dynamic=False)
    return torch.compile(_guarded_soft_step if impossible else _soft_step, dynamic=False)


def _exact_step(v: Array, successor: Array, log_weight: Array, paid: Array) -> Array:
    """``log sum_{a,k} exp(paid + log_weight + v(next))``: both sums at once."""
    K, A, _ = successor.shape
    return _logsumexp(
        [paid[a] + log_weight[k, a] + v[successor[k, a]] for a in range(A) for k in range(K)]
    )


def _soft_step(v: Array, successor: Array, weight: Array, paid: Array) -> Array:
    K, A, _ = successor.shape
    return _logsumexp(
        [paid[a] + sum(weight[k, a] * v[successor[k, a]] for k in range(K)) for a in range(A)]
    )


def _guarded_soft_step(v: Array, successor: Array, weight: Array, paid: Array) -> Array:
    """The same where ``v`` may be ``-inf``, which counts only where it is possible."""
    import torch

    K, A, _ = successor.shape

    def share(k: int, a: int) -> Array:
        p = weight[k, a]
        return torch.where(p > 0, p * v[successor[k, a]], 0.0)

    return _logsumexp([paid[a] + sum(share(k, a) for k in range(K)) for a in range(A)])


def _logsumexp(terms: list[Array]) -> Array:
    import torch

    peak = reduce(torch.maximum, terms)
    shift = torch.where(peak > -math.inf, peak, 0.0)
    return shift + torch.log(sum(torch.exp(term - shift) for term in terms))
