"""The limit of temperature zero: what each reading becomes when only the best counts.

The variational reading becomes the Bellman optimality recursion. The exact one
becomes a recursion that picks the next state as well: an agent that believes
it can have any luck it likes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cs_infer.arrays import namespace
from cs_infer.backups import centred, restored
from cs_infer.checks import require
from cs_infer.dynamics import Dynamics
from cs_infer.log_space import finite_or_zero, logsumexp, normalise
from cs_infer.mdp import TabularMDP

Array = Any

READINGS = ("exact", "variational")
_TIE = {8: 1e-10, 4: 1e-4}  # relative difference that counts as a tie, by bytes a number


class ZeroTemperatureValues(NamedTuple):
    """The limit of values and policies as ``alpha`` goes to 0.

    Attributes:
        V: shape (T, S), in units of reward.
        Q: shape (T, S, A), in units of reward.
        policy: shape (T, S, A). Among tied actions it keeps what the limit
            keeps: the prior, and how many ways of doing as well lie ahead.
    """

    V: Array
    Q: Array
    policy: Array


def zero_temperature_values(mdp: TabularMDP, reading: str = "variational") -> ZeroTemperatureValues:
    """The limit of the soft values, or of the exact messages times ``alpha``.

    Implements eq-zero-temperature: ``V_t(s) = max_a Q_t(s, a)`` over the actions
    that the prior allows, with ``Q_t = r_t + E[V_{t+1}]`` in the variational
    reading and ``Q_t = r_t + max V_{t+1}`` over the possible next states in
    the exact one.

    The policy takes care of ties: with ``Q_alpha = Q + alpha c + …``, tied
    actions share ``rho exp(c)``, and ``c`` obeys a recursion of its own.

    Args:
        mdp: the problem; its temperature does not matter.
        reading: ``"exact"`` or ``"variational"``.

    Returns:
        The limits.

    Raises:
        ValueError: ``reading`` is neither word.
    """
    require(reading in READINGS, f"reading must be one of {READINGS}; it is {reading!r}")
    look = _look_exactly if reading == "exact" else _look_on_average
    v, offset = centred(mdp.log_terminal)
    tie, steps = namespace(v).zeros_like(v), []
    for t in reversed(range(mdp.horizon)):
        reward, dynamics = mdp.step(t)
        ahead, tie_sa = look(dynamics, v, tie)
        q = reward + ahead
        weight = mdp.log_action_prior + tie_sa
        best, weight = _best_of(q, mdp.log_action_prior, weight)
        V, Q = restored(best, offset), restored(q, offset)
        steps.append((mdp.temperature * V, mdp.temperature * Q, normalise(weight, axis=-1)))
        v, top = centred(best)
        offset = offset + top
        tie, _ = centred(logsumexp(weight, axis=-1))
    xp = namespace(v)
    V, Q, policy = zip(*reversed(steps), strict=True)
    return ZeroTemperatureValues(
        xp.stack(V, axis=-2), xp.stack(Q, axis=-3), xp.stack(policy, axis=-3)
    )


def _look_on_average(dynamics: Dynamics, v: Array, tie: Array) -> tuple[Array, Array]:
    return dynamics.expect(v), dynamics.mean(finite_or_zero(tie))


def _look_exactly(dynamics: Dynamics, v: Array, tie: Array) -> tuple[Array, Array]:
    leading = dynamics.log_support + dynamics.at_next(v)
    log_p = dynamics.log_weight - finite_or_zero(dynamics.log_support)
    best, weight = _best_of(
        leading, dynamics.log_support, log_p + dynamics.at_next(finite_or_zero(tie))
    )
    return best, logsumexp(weight, axis=-1)


def _best_of(value: Array, log_allowed: Array, weight: Array) -> tuple[Array, Array]:
    """The best allowed value along the last axis; the weights of those that attain it."""
    xp = namespace(value)
    never = xp.full_like(value, -float("inf"))
    value = xp.where(xp.isfinite(log_allowed) & (value == value), value, never)
    best = xp.max(value, axis=-1)
    slack = _TIE[value.dtype.itemsize] * (1 + xp.abs(finite_or_zero(best)))
    attained = (value >= (best - slack)[..., None]) & xp.isfinite(value)
    return best, xp.where(attained, weight, xp.full_like(weight, -float("inf")))
