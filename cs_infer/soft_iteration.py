"""Soft value iteration: the best soft values, with a horizon or with a discount."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

from cs_infer.arrays import namespace
from cs_infer.checks import require
from cs_infer.evaluation import Discounted
from cs_infer.fixed_points import fixed_point, rounding
from cs_infer.mdp import TabularMDP
from cs_infer.messages import plain
from cs_infer.soft_policy import improved_policy, iterated
from cs_infer.variational import soft_values

Array = Any

METHODS = ("sweeps", "policy-iteration")
_MOST_POLICIES = 1000


class SoftValueIteration(NamedTuple):
    """The best soft values and their policy, in units of reward.

    Attributes:
        Q: shape (T, S, A); with a discount (S, A).
        V: shape (T, S) or (S,).
        policy: shape (T, S, A) or (S, A).
        value: ``E[V(s_1)]``; an array (B,) in a batch.
        sweeps: how many backups it took.
        residual: by how much the last one moved ``V``; 0 with a horizon.
        residuals: the same for each sweep (for each policy in policy iteration).
        contraction: the largest ratio of two residuals in a row that rounding does not
            blur; None where there are no two.
    """

    Q: Array
    V: Array
    policy: Array
    value: Any
    sweeps: int
    residual: float
    residuals: tuple[float, ...]
    contraction: float | None


def soft_value_iteration(
    mdp: TabularMDP,
    *,
    discount: float | None = None,
    tolerance: float = 1e-9,
    max_sweeps: int = 100_000,
    method: str = "sweeps",
) -> SoftValueIteration:
    """The best that a policy can do, by repeated soft backups.

    Implements eq-soft-contraction: the backup
    ``(B V)(s) = alpha log sum_a rho(a | s) exp((r(s, a) + gamma E[V(s')]) / alpha)`` brings any two
    ``V`` nearer, ``max |B V - B W| <= gamma max |V - W|``. Whatever the method, it stops when
    ``max |B V - V| <= (1 - gamma) tolerance``.

    ``"sweeps"`` repeats the backup. In the end the moves shrink by gamma each, in
    almost every problem, since adding a constant to ``V`` adds gamma times that constant. So
    the number of sweeps grows like ``1 / (1 - gamma)``. ``"policy-iteration"`` is Newton's
    method: a handful of linear equations instead, solved directly up to 1024 states and by
    Krylov's method beyond. It is the quicker one with a discount near 1; but where a goal that
    pays nothing is soon reached, sweeps come to rest early and are as quick.

    Args:
        mdp: the problem; with a discount its reward must be constant, and its horizon is
            not used.
        discount: ``gamma``, at least 0 and below 1; None for the problem's horizon, which takes
            one pass and no iteration.
        tolerance: how far ``V`` may be from the fixed point, in units of reward.
        max_sweeps: give up after this many.
        method: ``"sweeps"`` or ``"policy-iteration"``.

    Returns:
        The values, their policy, and how the iteration went.

    Raises:
        ValueError: the discount is out of range, the problem changes with time, or the
            iteration does not reach the tolerance; the message holds the residual.

    References:
        Puterman and Brumelle (1979), for policy iteration as Newton's method;
        :cite:`puterman1979convergence`.

    Example:
        >>> mdp = TabularMDP.from_arrays(
        ...     transition=[[[1.0], [1.0]]], reward=[[-1.0, -1.0]], initial=[1.0], horizon=1)
        >>> found = soft_value_iteration(mdp, discount=0.5)
        >>> round(found.value, 6), round(found.contraction, 6)
        (-2.0, 0.5)
    """
    require(method in METHODS, f"method must be one of {METHODS}; it is {method!r}")
    if discount is None:
        found = soft_values(mdp)
        return SoftValueIteration(
            found.Q, found.V, found.policy, found.value, mdp.horizon, 0.0, (), None
        )
    if method == "policy-iteration":
        found = iterated(mdp, None, discount, tolerance, _MOST_POLICIES, loosely=True)
        same = found.Q, found.V, improved_policy(mdp, found.Q), found.value
        return SoftValueIteration(*same, found.sweeps, found.residual, found.residuals, None)
    here, alpha = Discounted(mdp, discount, tolerance), mdp.temperature
    v, moved = fixed_point(here.backup, here.zero, lambda _: discount, here.tolerance, max_sweeps)
    q, residuals = here.q_of(v), tuple(alpha * x for x in moved)
    value = plain(alpha * here.at_start(v), mdp.initial)
    same = alpha * q, alpha * v, here.improved(q), value
    return SoftValueIteration(
        *same, len(residuals), residuals[-1], residuals, _contraction(moved, v)
    )


def _contraction(moved: list[float], v: Array) -> float | None:
    """The largest ratio of two moves, where rounding is far below both."""
    floor = rounding(v) / math.sqrt(namespace(v).finfo(v.dtype).eps)
    pairs = ((a, b) for a, b in pairwise(moved) if math.isfinite(a) and a > floor)
    return max((b / a for a, b in pairs), default=None)
