"""What optimality says about everything the agent does not choose.

Conditioning on ``O = 1`` changes the policy. Under stochastic dynamics it also
changes where the process starts and how it moves: the posterior believes in
luck. These functions compute that belief, and how far it is from the truth.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cs_infer.arrays import namespace
from cs_infer.checks import require
from cs_infer.dynamics import Dynamics
from cs_infer.log_space import normalise
from cs_infer.mdp import TabularMDP
from cs_infer.messages import backward_messages

Array = Any


def posterior_initial(mdp: TabularMDP) -> Array:
    """``p(s_1 | O_1:T = 1)``: where the process must have started for all to go well.

    Implements eq-posterior-initial: ``mu_0(s) beta_1(s)``, normalised.

    Args:
        mdp: the problem.

    Returns:
        Probabilities, shape (S,); zeros if optimality is impossible.
    """
    return normalise(mdp.log_initial + backward_messages(mdp).values.relative[..., 0, :], axis=-1)


def posterior_dynamics(mdp: TabularMDP, t: int) -> Dynamics:
    """``p(s_{t+1} | s_t, a_t, O_1:T = 1)``: how the world moves, given that all goes well.

    Implements eq-posterior-dynamics: ``P(s' | s, a) beta_{t+1}(s')``,
    normalised for each state and action. It is the distribution q that
    attains ``max E_q[v(s')] - KL(q || P)`` with ``v = log beta_{t+1}``, and so
    Implements eq-best-luck: that maximum is ``log E_P[exp v(s')]``.

    Args:
        mdp: the problem.
        t: the step, counted from 0.

    Returns:
        Dynamics over the same successors. Its ``transition`` is the array
        (S, A, S); a row is zero where optimality is impossible.

    References:
        Levine (2018), section 2.4; :cite:`levine2018reinforcement`.
    """
    _, dynamics = mdp.step(t)
    log_beta_next = backward_messages(mdp).values.relative[..., t + 1, :]
    log_weight = dynamics.log_weight + dynamics.at_next(log_beta_next)
    return dynamics.with_probability(normalise(log_weight, axis=-1))


def optimism_gap(mdp: TabularMDP) -> Array:
    """``log E[exp v(s')] - E[v(s')]`` with ``v = log beta_{t+1}``: what luck is worth.

    Implements eq-optimism-gap. It equals the relative entropy ``KL(P || P_O)``
    of the true dynamics from the posterior dynamics, so it is never negative,
    and 0 exactly where the value of the next state is certain. For small
    stakes it is half the variance of v, which Implements eq-optimism-cumulants:
    the sum over ``k >= 2`` of the k-th cumulant of v under P over ``k!``.

    Args:
        mdp: the problem.

    Returns:
        In nats, shape (T, S, A); ``inf`` where a possible next state makes
        optimality impossible, 0 where every one does.
    """
    values = backward_messages(mdp).values.relative
    gaps = []
    for t in range(mdp.horizon):
        v, (_, dynamics) = values[..., t + 1, :], mdp.step(t)
        exact, mean = dynamics.log_expect(v), dynamics.expect(v)
        xp = namespace(exact)
        hopeless = xp.isinf(exact)
        gap = xp.where(hopeless, 0.0, exact) - xp.where(hopeless, 0.0, mean)
        gaps.append(xp.where(gap > 0, gap, 0.0))
    return namespace(*gaps).stack(gaps, axis=-3)


def lottery_threshold(gap: Any, safe: Any, *, temperature: float = 1.0) -> Any:
    """The smallest chance at which exact inference prefers a lottery to a safe gain.

    Implements eq-lottery-threshold. The lottery pays ``gap`` with chance p and
    0 otherwise; the other action pays ``safe`` for certain. Exact inference
    prefers the lottery once ``alpha log(p exp(gap / alpha) + 1 - p) >= safe``,
    from ``p = (exp(safe / alpha) - 1) / (exp(gap / alpha) - 1)`` on. An
    expected value asks for ``safe / gap``, which is never less.

    Args:
        gap: what the lottery can win, above 0, in units of reward; number or array.
        safe: what is certain, in units of reward; number or array.
        temperature: ``alpha`` > 0.

    Returns:
        The chance; 0 where ``safe <= 0``; ``inf``, for never, where ``safe > gap``.

    Raises:
        ValueError: ``gap`` or ``temperature`` is not above 0, or a number is
            not finite.

    Example:
        >>> round(lottery_threshold(3.0, 2.0), 4)
        0.3348
    """
    gap, safe = np.asarray(gap, dtype=float), np.asarray(safe, dtype=float)
    require(
        bool(np.all(np.isfinite(gap) & (gap > 0)) and np.all(np.isfinite(safe))),
        f"gap must be finite and above 0, safe must be finite; they are {gap} and {safe}",
    )
    require(
        math.isfinite(temperature) and temperature > 0,
        f"temperature must be positive and finite; it is {temperature}",
    )
    # The ratio of the two exponentials less one, with what overflows divided out.
    gain, sure = gap / temperature, np.clip(safe, 0.0, gap) / temperature
    chance = np.exp(sure - gain) * np.expm1(-sure) / np.expm1(-gain)
    chance = np.where(safe > gap, math.inf, chance)
    return float(chance) if chance.ndim == 0 else chance
