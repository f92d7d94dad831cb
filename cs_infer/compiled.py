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

import numpy as np

from cs_infer.arrays import is_torch
from cs_infer.backups import StateValues
from cs_infer.checks import require
from cs_infer.dynamics import Dense
from cs_infer.hidden_markov import collapsed
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
        :class:`~cs_infer.variational.SoftValues`.

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
    if reading == "variational":
        tables = _tables_of_steps(mdp, reading)
        if _may_be_impossible(mdp):
            return _swept(mdp, _guarded_soft_step, tables)
        rows, place = _different_rows(tables(0).successor)
        if 2 * len(rows) > tables(0).weight.shape[0] * tables(0).weight.shape[1]:
            return _swept(mdp, _soft_step, tables)
        return _swept(mdp, _soft_step_over(place), lambda t: tables(t)._replace(successor=rows))
    # Summing the actions out beforehand is done on the CPU, and pays there.
    shortcut = None if mdp.initial.is_cuda else collapsed(mdp)
    if shortcut is not None:
        layout, kernel = _Layout(mdp), shortcut.kernel
        tables = _Tables(
            layout.successors(kernel.next_state),
            layout.lists(kernel.probability),
            layout.pairs(shortcut.log_rate[..., None]),
        )
        values = _swept(mdp, _shifted_step, lambda t: tables)
        if _largest_spread(values.relative) <= kernel.reach:
            return values
    return _swept(mdp, _exact_step, _tables_of_steps(mdp, reading))


def _largest_spread(relative: Array) -> float:
    """The largest distance, in nats, between finite values of one step."""
    import torch

    worst = torch.zeros((), dtype=relative.dtype)
    for v in relative.movedim(-2, 0):
        top = v.amax()
        worst = torch.maximum(worst, top - torch.where(torch.isfinite(v), v, top).amin())
    return float(worst)


def _swept(
    mdp: TabularMDP, step: Callable[..., Array], tables: Callable[[int], _Tables]
) -> StateValues:
    """Run ``step`` from the last to the first, into one array of values."""
    import torch

    T, S, B = mdp.horizon, mdp.num_states, mdp.batch or 1
    like, step = mdp.initial, _compiled(step)
    values = _room_for(T + 1, B, S, like)
    offset = torch.zeros(T + 1, B, dtype=torch.float64, device=like.device)
    values[T] = mdp.log_terminal
    centred = like.dtype == torch.float32

    def back() -> None:
        for t in reversed(range(T)):
            step(values[t].view(-1), values[t + 1].view(-1), *tables(t))
            if centred:
                top = values[t].amax(dim=-1)
                top = torch.where(torch.isfinite(top), top, 0.0)
                values[t] -= top[:, None]
                offset[t] = offset[t + 1] + top

    if like.is_cuda:
        _replay_as_graph(back)
    else:
        back()
    single = mdp.batch is None
    relative = values[:, 0] if single else values.transpose(0, 1)
    if not centred:
        return StateValues(relative, None)
    return StateValues(relative, offset[:, 0] if single else offset.T)


def _room_for(rows: int, B: int, S: int, like: Array) -> Array:
    """An empty tensor (rows, B, S). On the CPU numpy gets it, which asks for large pages."""
    import torch

    if like.is_cuda:
        return torch.empty(rows, B, S, dtype=like.dtype, device=like.device)
    return torch.from_numpy(np.empty((rows, B, S), dtype=str(like.dtype).removeprefix("torch.")))


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


class _Layout:
    """How the arrays of a problem are laid out for a step: a batch end to end."""

    def __init__(self, mdp: TabularMDP) -> None:
        self._batch, self._states = mdp.batch or 1, mdp.num_states

    def pairs(self, x: Array) -> Array:
        """[..., s, a] to (A, N)."""
        return self._laid_out(x, (2, 0, 1))

    def lists(self, x: Array) -> Array:
        """[..., s, a, k] to (K, A, N)."""
        return self._laid_out(x, (3, 2, 0, 1))

    def successors(self, next_state: Array) -> Array:
        """The same for next states, numbered through the batch, in int32."""
        import torch

        x = next_state if next_state.ndim == 4 else next_state[None]
        first = torch.arange(self._batch, device=x.device) * self._states
        return self.lists((x + first[:, None, None, None]).to(torch.int32))

    def _laid_out(self, x: Array, order: tuple[int, ...]) -> Array:
        x = x if x.ndim == len(order) else x[None]
        x = x.expand(self._batch, *x.shape[1:]).permute(order)
        return x.reshape(*x.shape[:-2], self._batch * self._states).contiguous()


def _tables_of_steps(mdp: TabularMDP, reading: str) -> Callable[[int], _Tables]:
    """The tables of step t; computed once where they do not change."""
    layout = _Layout(mdp)
    successor = layout.successors(mdp.dynamics.next_state)
    known: dict[tuple[bool, int], _Tables] = {}

    def tables(t: int) -> _Tables:
        observed = mdp.observed is None or bool(mdp.observed[t])
        key = (observed, t if mdp.scaled_once.shape[-3] > 1 else 0)
        if key in known:
            return known[key]
        paid, dynamics = mdp.log_action_weight(t), mdp.step(t)[1]
        if reading == "variational" and dynamics.gain is not None:
            paid = paid + dynamics.mean_gain
        weight = dynamics.log_weight if reading == "exact" else dynamics.probability
        made = _Tables(successor, layout.lists(weight), layout.pairs(paid))
        if len(known) < 2:  # a reward for every step: not all of them at once
            known[key] = made
        return made

    return tables


def _different_rows(successor: Array) -> tuple[Array, tuple[tuple[int, ...], ...]]:
    """The different rows of ``successor``, (R, N), and which of them each [k][a] is."""
    import torch

    rows: list[Array] = []
    place: list[list[int]] = []
    for lists in successor:
        place.append([])
        for row in lists:
            number = next((i for i, old in enumerate(rows) if torch.equal(old, row)), len(rows))
            if number == len(rows):
                rows.append(row)
            place[-1].append(number)
    return torch.stack(rows), tuple(map(tuple, place))


def _may_be_impossible(mdp: TabularMDP) -> bool:
    import torch

    parts = (mdp.reward_once, mdp.reward_next, mdp.terminal_value)
    return any(bool(torch.isinf(x).any()) for x in parts if x is not None)


@cache
def _compiled(step: Callable[..., Array]) -> Callable[..., Array]:
    import torch

    options = {
        "assert_indirect_indexing": False,  # checked when the dynamics were built
        "unroll_reductions_threshold": 64,  # a sum over A K terms in one pass, not in two
    }

    def into(out: Array, *arrays: Array) -> None:
        out.copy_(step(*arrays))

    return torch.compile(into, dynamic=False, options=options)


# One step each; `successor` and `weight` are (K, A, N), `paid` is (A, N), `v` is (N,).


def _exact_step(v: Array, successor: Array, log_weight: Array, paid: Array) -> Array:
    """``log sum_{a,k} exp(paid + log_weight + v(next))``: both sums at once."""
    return _logsumexp(paid + log_weight + v[successor], (0, 1))


def _soft_step(v: Array, successor: Array, weight: Array, paid: Array) -> Array:
    """``log sum_a exp(paid + E[v(next)])``."""
    return _logsumexp(paid + (weight * v[successor]).sum(0), 0)


@cache
def _soft_step_over(place: tuple[tuple[int, ...], ...]) -> Callable[..., Array]:
    """The same where lists are shared: ``place[k][a]`` says which of the ``successor`` rows."""
    import torch

    def step(v: Array, successor: Array, weight: Array, paid: Array) -> Array:
        ahead = [v[row] for row in successor]  # each looked up once
        q = [
            paid[a] + sum(weight[k, a] * ahead[which[a]] for k, which in enumerate(place))
            for a in range(len(place[0]))
        ]
        peak = reduce(torch.maximum, q)
        shift = torch.where(peak > -math.inf, peak, 0.0)
        return shift + torch.log(sum(torch.exp(each - shift) for each in q))

    return step


def _guarded_soft_step(v: Array, successor: Array, weight: Array, paid: Array) -> Array:
    """The same where ``v`` may be ``-inf``, which counts only where it is possible."""
    import torch

    counted = torch.where(weight > 0, weight * v[successor], 0.0)
    return _logsumexp(paid + counted.sum(0), 0)


def _shifted_step(v: Array, successor: Array, weight: Array, paid: Array) -> Array:
    """The exact step over collapsed lists (A = 1), all states sharing one shift."""
    import torch

    peak = v.amax()
    top = torch.where(torch.isfinite(peak), peak, 0.0)
    return paid[0] + top + torch.log((weight * torch.exp(v - top)[successor]).sum((0, 1)))


def _logsumexp(terms: Array, axis: int | tuple[int, ...]) -> Array:
    import torch

    peak = terms.amax(axis)
    shift = torch.where(peak > -math.inf, peak, 0.0)
    return shift + torch.log(torch.exp(terms - shift).sum(axis))
