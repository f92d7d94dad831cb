"""Relative entropy policy search: the best occupancy near a given one.

The trust region is a forward step in disguise: occupancies are reweighted by
``exp(advantage / temperature)``, and flow constraints keep them occupancies of the
*true* dynamics. That is why the method is not risk-seeking, until the
constraints are replaced by samples of single transitions.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from cs_infer.checks import require, shaped, single_in_numpy
from cs_infer.mdp import TabularMDP
from cs_infer.other_divergence.newton import minimise
from cs_infer.other_divergence.occupancy_dual import base_occupancy, cooled, rows_of

Array = np.ndarray


class RepsSolution(NamedTuple):
    """The occupancy of largest expected reward within a divergence of a given one.

    Attributes:
        policy: shape (S, A); the prior in states where the base never is.
        occupancy: ``d(s, a)``, shape (S, A), sums to one.
        temperature: the multiplier of the bound, in units of reward.
        V: the multipliers of the flow, in units of reward, shape (S,); shifted so
            that ``d = d_0 exp((Q - V) / temperature)``, 0 where the base never is.
        value: ``sum d r``: the expected reward a step, the primal value.
        dual: the dual value; equal to ``value`` but for rounding.
        divergence: ``KL(d || d_0)``, in nats; the bound, if it binds. When
            sampled, that of ``(s, a, s')``.
        residual: by how much a constraint is missed at most.
        iterations: Newton steps taken.
    """

    policy: Array
    occupancy: Array
    temperature: float
    V: Array
    value: float
    dual: float
    divergence: float
    residual: float
    iterations: int


def reps(
    mdp: TabularMDP,
    base: Any = None,
    *,
    divergence: float,
    discount: float,
    sampled: bool = False,
    tolerance: float = 1e-10,
    max_iterations: int = 200,
) -> RepsSolution:
    """The occupancy of largest expected reward within a divergence of a given one.

    Implements eq-reps: maximise ``sum d r`` over the discounted occupancies of the
    dynamics with ``KL(d || d_0) <= divergence``. Solved through its dual in the
    temperature of the bound and the values ``V``; see :func:`reps_dual`. The
    optimum is ``d = d_0 exp((Q - V) / temperature)`` with ``Q = r + gamma E[V]``.

    Args:
        mdp: a single problem in numpy with constant reward, of up to some
            hundred states; its horizon and temperature play no part.
        base: a policy (each row sums to 1) or an occupancy of the dynamics
            (all of it sums to 1), shape (S, A); the prior by default.
        divergence: the bound, in nats, above 0.
        discount: ``gamma``, at least 0 and below 1; each step starts afresh
            from ``mu_0`` with probability ``1 - gamma``.
        sampled: solve what sampled transitions solve, see :func:`reps_dual`.
            Then ``occupancy`` is what the method believes in.
        tolerance: how far constraints may be missed.
        max_iterations: give up after this many Newton steps.

    Returns:
        The solution.

    Raises:
        ValueError: the bound is not above 0, the base is no occupancy of the
            dynamics, a reward of ``-inf`` is possible under the base, the
            bound does not bind, or Newton's method does not converge.

    References:
        Peters, Mülling and Altün (2010), :cite:`peters2010relative`.
    """
    single_in_numpy(mdp, "reps")
    mdp = mdp.to_numpy(dtype=np.float64)
    _check(mdp, divergence, discount)
    d_0 = base_occupancy(mdp, base, discount)
    rows = rows_of(mdp, d_0, discount, sampled)
    x = cooled(rows, divergence)
    found = minimise(
        lambda x: rows.curve(x, divergence), x, tolerance=tolerance, max_iterations=max_iterations
    )
    require(
        found.residual <= max(tolerance, 1e-8),
        f"Newton's method on the dual did not converge in {found.iterations} steps: a constraint "
        f"is missed by {found.residual:.3g}; raise max_iterations",
    )
    V, temperature = found.x[:-1], float(found.x[-1])
    scaled, log_z, d = rows.weighed(V, temperature)
    occupancy = np.bincount(rows.pair, weights=d, minlength=d_0.size).reshape(d_0.shape)
    V = np.where(d_0.sum(axis=1) > 0, V + temperature * log_z / (1 - discount), 0.0)
    visits = occupancy.sum(axis=1, keepdims=True)
    return RepsSolution(
        policy=np.where(visits > 0, occupancy / np.where(visits > 0, visits, 1), mdp.action_prior),
        occupancy=occupancy,
        temperature=temperature,
        V=V,
        value=float(d @ rows.reward),
        dual=rows.curve(np.append(V, temperature), divergence).value,
        divergence=float(d @ scaled) - log_z,
        residual=found.residual,
        iterations=found.iterations,
    )


def reps_dual(
    mdp: TabularMDP,
    base: Any = None,
    *,
    V: Any,
    temperature: float,
    divergence: float,
    discount: float,
    sampled: bool = False,
) -> float:
    """The dual of :func:`reps`: at any ``V`` and ``temperature > 0`` at least its value.

    Implements eq-reps-dual, with the temperature of the bound written ``x``:
    ``x delta + (1 - gamma) E[V(s_1)] + x log E_d0[exp(A / x)]``, where
    ``A(s, a) = r + gamma E[V(s')] - V(s)``.

    Where only transitions can be sampled, ``A`` is replaced by a sampled
    Bellman error ``r + gamma V(s') - V(s)``. In the limit of many samples that
    Implements eq-reps-bias: the expectation over s' then stands outside the exponential,
    and the dual is never smaller.

    Args:
        mdp: see :func:`reps`.
        base: see :func:`reps`.
        V: shape (S,), in units of reward.
        temperature: above 0, in units of reward.
        divergence: ``delta`` > 0, in nats.
        discount: ``gamma``.
        sampled: whether Bellman errors are those of sampled transitions.

    Returns:
        In units of reward.

    Raises:
        ValueError: see :func:`reps`; or the temperature is not above 0.
    """
    single_in_numpy(mdp, "reps_dual")
    mdp = mdp.to_numpy(dtype=np.float64)
    _check(mdp, divergence, discount)
    require(
        0 < temperature < math.inf, f"temperature must be above 0 and finite; it is {temperature}"
    )
    d_0 = base_occupancy(mdp, base, discount)
    values = shaped("V", V, (mdp.num_states,), mdp.initial)
    require(bool(np.all(np.isfinite(values))), "V must be finite")
    rows = rows_of(mdp, d_0, discount, sampled)
    return rows.curve(np.append(values, temperature), divergence).value


def _check(mdp: TabularMDP, divergence: float, discount: float) -> None:
    require(
        math.isfinite(divergence) and divergence > 0,
        f"the divergence bound must be above 0 and finite; it is {divergence}",
    )
    require(0 <= discount < 1, f"the discount must lie in [0, 1); it is {discount}")
    require(
        mdp.has_constant_reward and mdp.terminal_value is None,
        "reps needs a reward given once, shape (S, A), every step observed, and no terminal value",
    )
