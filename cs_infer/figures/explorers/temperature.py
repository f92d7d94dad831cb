"""The explorer of the temperature: one choice, its value at every alpha, and its two limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cs_infer.figures.explorers.element import Explorer, settings_of
from cs_infer.figures.explorers.small import chain_problem
from cs_infer.log_space import logsumexp

MOST_ACTIONS = 6


def temperature_explorer(
    values: Sequence[float] = (1.0, 1.0, 0.4, -0.5),
    *,
    prior: Sequence[float] | None = None,
    temperature: float = 0.3,
) -> Explorer:
    """Move the temperature of one choice between its limits, live in the page.

    Args:
        values: Q of each action, in units of reward, shape (A,).
        prior: probability or weight of each action, all positive; uniform by
            default.
        temperature: ``alpha`` to open with, between 0.01 and 100.

    Returns:
        An object that a notebook shows as the explorer.

    Raises:
        ValueError: there are fewer than 2 or more than 6 actions, a prior of
            another length or with a weight that is not positive, a value that
            is not finite, or a temperature that is out of range.

    Example:
        >>> temperature_explorer((0.0, 0.0), temperature=1.0)
        temperature_explorer('alpha = 1, V = 0.000')
    """
    Q = np.asarray(values, dtype=float)
    rho = np.full(len(Q), 1.0) if prior is None else np.asarray(prior, dtype=float)
    _check(Q, rho, temperature)
    rho = rho / rho.sum()
    V = temperature * logsumexp(np.log(rho) + Q / temperature)
    policy = rho * np.exp((Q - V) / temperature)
    about = f"alpha = {temperature:g}, V = {V:.3f}"
    words = (
        f"With {about}, the policy is ({', '.join(f'{p:.3f}' for p in policy)}); the largest Q is "
        f"{Q.max():.3f} and the prior mean of Q is {rho @ Q:.3f}."
    )
    return Explorer("temperature", _data(Q, rho, temperature), words, about)


def _data(Q: np.ndarray, rho: np.ndarray, temperature: float) -> dict[str, Any]:
    chain = settings_of(chain_problem, {"temperature": temperature})
    return {"values": Q.tolist(), "prior": rho.tolist(), "temperature": temperature, "chain": chain}


def _check(Q: np.ndarray, rho: np.ndarray, temperature: float) -> None:
    if not 2 <= len(Q) <= MOST_ACTIONS:
        raise ValueError(f"values must hold 2 to {MOST_ACTIONS} actions; they are {len(Q)}")
    if not np.all(np.isfinite(Q)):
        raise ValueError(f"values must be finite; they are {Q.tolist()}")
    if rho.shape != Q.shape or not np.all(rho > 0):
        raise ValueError(f"prior must hold {len(Q)} positive weights; it is {rho.tolist()}")
    if not 0.01 <= temperature <= 100:
        raise ValueError(f"temperature must lie between 0.01 and 100; it is {temperature}")
