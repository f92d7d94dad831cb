"""The dual of relative entropy policy search, which :func:`cs_infer.reps` minimises."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from cs_infer.checks import check_distribution, first_place, place, require, shaped
from cs_infer.log_space import logsumexp, safe_log
from cs_infer.mdp import TabularMDP
from cs_infer.other_divergence.newton import Curve, minimise
from cs_infer.returns import discounted_occupancy

Array = np.ndarray


class Rows(NamedTuple):
    """What the dual is made of: one row for each (s, a), or each (s, a, s').

    Attributes:
        log_base: logarithm of the base's weight, shape (N,).
        reward: shape (N,).
        flow: ``gamma P(s' | s, a) - 1[s' = s]``, shape (N, S).
        start: ``(1 - gamma) mu_0``, shape (S,).
        pair: the number ``s A + a`` of each row, shape (N,).
    """

    log_base: Array
    reward: Array
    flow: Array
    start: Array
    pair: Array

    def weighed(self, V: Array, temperature: float) -> tuple[Array, float, Array]:
        """Advantages over the temperature, ``log Z``, and the reweighted distribution."""
        scaled = (self.reward + self.flow @ V) / temperature
        log_z = float(logsumexp(self.log_base + scaled))
        return scaled, log_z, np.exp(self.log_base + scaled - log_z)

    def curve(self, x: Array, divergence: float) -> Curve:
        """The dual at ``x = (V, temperature)``, with gradient and Hessian (a covariance)."""
        V, temperature = x[:-1], float(x[-1])
        if temperature <= 0:
            return Curve(math.inf, x, np.eye(len(x)))
        scaled, log_z, d = self.weighed(V, temperature)
        value = temperature * divergence + self.start @ V + temperature * log_z
        slope = np.append(self.start + d @ self.flow, divergence + log_z - d @ scaled)
        each = np.column_stack([self.flow, -scaled])
        spread = each - d @ each
        return Curve(float(value), slope, (spread.T * d) @ spread / temperature)


def base_occupancy(mdp: TabularMDP, base: Any, discount: float) -> Array:
    """The base as an occupancy, shape (S, A), that obeys the flow."""
    given = mdp.action_prior if base is None else base
    d = shaped("base", given, (mdp.num_states, mdp.num_actions), mdp.initial)
    forbidden = (d > 0) & (mdp.action_prior == 0)
    if forbidden.any():
        at = place("base", first_place(forbidden))
        raise ValueError(f"base must be 0 where action_prior is; {at} is not")
    if mdp.num_states > 1 and abs(d.sum() - 1) <= 1e-8:
        check_distribution("base", d.ravel(), (":",))
        _check_flow(mdp, d, discount)
        return d
    check_distribution("base", d, ("s", ":"))
    visits = discounted_occupancy(mdp, d, discount)
    return np.where(visits > 1e-15, visits, 0.0)  # less is rounding of 0


def rows_of(mdp: TabularMDP, d_0: Array, discount: float, sampled: bool) -> Rows:
    """One row for each pair that the base visits; when sampled, for each transition of it."""
    S, A = d_0.shape
    state, pair = np.repeat(np.arange(S), A), np.arange(S * A)
    moves = mdp.transition.reshape(S * A, S)
    arriving = np.zeros((S * A, S))
    if mdp.reward_next is not None:
        arriving = np.where(moves > 0, mdp.reward_next.reshape(S * A, S), 0.0)
    weight, reward = d_0.ravel(), mdp.reward[0].ravel()
    if sampled:
        pair, successor = np.nonzero(moves > 0)
        weight = weight[pair] * moves[pair, successor]
        reward, state = reward[pair] + arriving[pair, successor], state[pair]
        moves = np.eye(S)[successor]
    else:
        reward = reward + np.sum(moves * arriving, axis=1)
    flow = discount * moves - np.eye(S)[state]
    on = weight > 0
    _check_possible(reward, on, pair, A)
    start = (1 - discount) * mdp.initial
    return Rows(safe_log(weight[on]), reward[on], flow[on], start, pair[on])


def cooled(rows: Rows, divergence: float) -> Array:
    """Cool, the values always the best ones, until the bound is spent: ``(V, temperature)``."""
    V, spread = _explained(rows, np.exp(rows.log_base))
    stakes, spent = float(np.max(np.abs(rows.reward))), 0.0
    temperature = spread * max(1.0, 1 / math.sqrt(2 * divergence))
    while spread > 1e-5 * temperature and spread > 1e-12 * stakes:
        V = _values_at(rows, V, temperature)
        scaled, log_z, d = rows.weighed(V, temperature)
        spent = float(d @ scaled) - log_z
        if spent >= divergence:
            return np.append(V, temperature)
        spread, temperature = _explained(rows, d)[1], temperature / 2
    raise ValueError(
        f"the divergence bound {divergence:g} does not bind: an occupancy of largest reward lies "
        f"within {spent:.6g} nats of the base; lower the bound, or use optimal control"
    )


def _explained(rows: Rows, d: Array) -> tuple[Array, float]:
    """The values whose advantages deviate least from 0 under ``d``, and by how much they do.

    At high temperatures these are the best values. Once d no longer changes the deviation is 0.
    """
    root = np.sqrt(d)
    V = -np.linalg.lstsq(root[:, None] * rows.flow, root * rows.reward, rcond=None)[0]
    return V, float(np.linalg.norm(root * (rows.reward + rows.flow @ V)))


def _values_at(rows: Rows, V: Array, temperature: float) -> Array:
    """The values that minimise the dual at one temperature."""

    def curve(V: Array) -> Curve:
        whole = rows.curve(np.append(V, temperature), 0.0)
        return Curve(whole.value, whole.gradient[:-1], whole.hessian[:-1, :-1])

    return minimise(curve, V, tolerance=1e-6, max_iterations=100).x


def _check_flow(mdp: TabularMDP, d: Array, discount: float) -> None:
    arrives = (1 - discount) * mdp.initial + discount * np.einsum("sa,san->n", d, mdp.transition)
    missed = np.abs(d.sum(axis=1) - arrives)
    s = int(np.argmax(missed))
    require(
        missed[s] <= 1e-8,
        "base must be an occupancy of the dynamics: in each state as much must leave as arrives; "
        f"base[{s}, :] sums to {d[s].sum():.6g} and {arrives[s]:.6g} arrives",
    )


def _check_possible(reward: Array, on: Array, pair: Array, A: int) -> None:
    wrong = on & ~np.isfinite(reward)
    if wrong.any():
        s, a = divmod(int(pair[np.argmax(wrong)]), A)
        raise ValueError(
            f"reps needs finite rewards wherever the base goes; reward[{s}, {a}] is -inf and the "
            "base has weight there (give a base that avoids it)"
        )
