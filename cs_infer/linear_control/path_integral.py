"""Path-integral control: a diffusion that is pushed in the directions of its own noise.

``dx = u dt + sigma dW`` in one dimension, with control cost ``R u^2 / 2`` for each unit of
time. If the price of control fits the noise, ``alpha = R sigma^2``, the desirability of a
place obeys a linear equation, and is an average over uncontrolled paths. Time runs in T
steps of length h. Reward is paid at the rate ``r(t, x)`` while time runs, and once at the end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from cs_infer.checks import check_reward, require, whole_number
from cs_infer.dynamics import Deterministic
from cs_infer.log_space import logsumexp, normalise, safe_log
from cs_infer.mdp import TabularMDP

Array = np.ndarray


def nothing(*where: Any) -> Any:
    """A reward of 0 everywhere: the last argument says where."""
    return np.zeros(np.shape(where[-1]))


@dataclass(frozen=True)
class Diffusion:
    """``dx = u dt + sigma dW``, controlled at a price.

    Attributes:
        noise: ``sigma`` > 0, in units of x for each square root of a unit of time.
        control_cost: ``R`` > 0: pushing at speed u costs ``R u^2 / 2`` a unit of time.
        duration: in units of time.
        horizon: the number of steps T; each lasts ``h = duration / T``.
        reward: ``r(t, x)``: the rate of reward a unit of time, in step t, counted from 0, at
            the places x, an array; ``-inf`` where one must not be.
        terminal: paid at the end, a function of the places.
    """

    noise: float
    control_cost: float
    duration: float
    horizon: int
    reward: Any = nothing
    terminal: Any = nothing

    def __post_init__(self) -> None:
        """Check the numbers."""
        whole_number("horizon", self.horizon)
        for name in ("noise", "control_cost", "duration"):
            x = getattr(self, name)
            require(math.isfinite(x) and x > 0, f"{name} must be positive and finite; it is {x}")

    @property
    def step(self) -> float:
        """``h``, the length of a step, in units of time."""
        return self.duration / self.horizon

    @property
    def temperature(self) -> float:
        """``alpha``, in units of reward.

        Implements eq-path-temperature: at ``alpha = R sigma^2`` a push at speed u for a time h
        costs ``R u^2 h / 2 = alpha KL``, with the divergence of the pushed from the passive step.
        """
        return self.control_cost * self.noise**2

    def scaled_reward(self, t: int, x: Array) -> Array:
        """``r(t, x) h / alpha``, or at ``t = T`` the terminal reward over alpha, in nats."""
        at_end = t == self.horizon
        paid = np.asarray(self.terminal(x) if at_end else self.step * self.reward(t, x), float)
        name = "the terminal reward" if at_end else f"the reward of step {t}"
        require(
            paid.shape in ((), np.shape(x)),
            f"{name} must be one number for each place, shape {np.shape(x)}; it has {paid.shape}",
        )
        paid = np.broadcast_to(paid, np.shape(x))
        check_reward(name, paid, self.temperature, self.horizon)
        return paid / self.temperature

    def passive_step(self, grid: Array) -> Array:
        """``p(x' | x)``: one step of the noise on an even grid, shape (M, M), rows sum to 1."""
        require(
            grid.ndim == 1 and len(grid) > 1,
            f"grid must be a list of at least two places; it has shape {grid.shape}",
        )
        spacing, spread = np.diff(grid), self.noise * math.sqrt(self.step)
        require(
            spacing[0] > 0 and bool(np.allclose(spacing, spacing[0], atol=0.0)),
            "grid must be even and increasing; its points lie between "
            f"{np.min(spacing):g} and {np.max(spacing):g} apart",
        )
        require(
            spacing[0] <= spread,
            f"the grid is too coarse for the noise of a step: {spacing[0]:g} between its points, "
            f"sigma sqrt(h) is {spread:g}",
        )
        return normalise(-0.5 * ((grid[None, :] - grid[:, None]) / spread) ** 2)

    def as_tabular(self, grid: Array) -> TabularMDP:
        """The problem on a grid: each action a next place, the noise as action prior."""
        M, T, alpha = len(grid), self.horizon, self.temperature
        paid = np.stack([alpha * self.scaled_reward(t, grid) for t in range(T)])
        return TabularMDP.from_arrays(
            transition=Deterministic(np.tile(np.arange(M), (M, 1))),
            reward=np.broadcast_to(paid[:, :, None], (T, M, M)),
            initial=np.full(M, 1 / M),
            horizon=T,
            action_prior=self.passive_step(grid),
            temperature=alpha,
            terminal_value=alpha * self.scaled_reward(T, grid),
        )


@dataclass(frozen=True)
class PathSolution:
    """Desirability and control on a grid.

    Attributes:
        grid: the places, shape (M,).
        log_z: in nats, shape (T + 1, M); the last row is the end.
        V: ``alpha log z``: minus the cost still to come, in units of reward.
        control: ``u*``, the best speed, shape (T, M); 0 where nothing helps.
    """

    grid: Array
    log_z: Array
    V: Array
    control: Array

    def follow(self, t: int, x: Array) -> Array:
        """The control of step t at the places x, between grid points by straight lines."""
        T = len(self.control)
        require(0 <= t < T, f"t must lie in 0 … {T - 1}; it is {t}")
        return np.interp(x, self.grid, self.control[t])


def grid_desirability(problem: Diffusion, grid: Any) -> PathSolution:
    """Blur backwards: the linear equation, on a grid.

    Implements eq-path-backward: ``z_t(x) = exp(r_t h / alpha) E[z_{t+1}(x')]`` with ``x'``
    Gaussian around x, of variance ``sigma^2 h``. The best speed Implements eq-path-control:
    ``u*_t(x) = (E_{u*}[x'] - x) / h = sigma^2 d/dx log E[z_{t+1}(x')]``.

    Args:
        problem: the diffusion.
        grid: places, increasing and even, shape (M,); wide enough that nobody meets its ends.

    Raises:
        ValueError: the grid is uneven, or too coarse for the noise of a step.
    """
    grid = np.asarray(grid, dtype=float)
    p, T = problem.passive_step(grid), problem.horizon
    log_z, control = np.empty((T + 1, len(grid))), np.empty((T, len(grid)))
    log_z[T], log_p = problem.scaled_reward(T, grid), safe_log(p)
    for t in reversed(range(T)):
        log_z[t] = problem.scaled_reward(t, grid) + logsumexp(log_p + log_z[t + 1], axis=1)
        chosen = normalise(log_p + log_z[t + 1])
        there = chosen.sum(axis=1)
        control[t] = (chosen @ grid - grid * there) / problem.step
    return PathSolution(grid, log_z, problem.temperature * log_z, control)
