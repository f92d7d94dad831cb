"""Control problems whose backup is linear.

The agent chooses the distribution of the next state, and pays for the choice:
``alpha`` times its divergence from the *passive* dynamics, which are what
happens when nobody acts. Then ``z = exp(V / alpha)``, the *desirability*,
obeys a linear equation. It is the exact backward message of a problem with
deterministic dynamics, one action for each next state, and the passive
dynamics as action prior (:meth:`LinearlySolvableMDP.as_tabular`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cs_infer.arrays import frozen, namespace, to_numpy
from cs_infer.checks import (
    check_distribution,
    check_reward,
    common_floats,
    real_array,
    require,
    shaped,
)
from cs_infer.dynamics import Deterministic
from cs_infer.log_space import logsumexp, normalise, safe_log
from cs_infer.mdp import TabularMDP

Array = Any


@dataclass(frozen=True, eq=False)
class LinearlySolvableMDP:
    """States, passive dynamics, a reward for each state, and the price of control.

    Attributes:
        passive: ``p(s' | s)``: what happens when nobody acts, shape (S, S);
            zero means that no control can move there.
        reward: ``r(s)``, paid for each step spent in s, shape (S,), in units of
            reward; ``-inf`` marks a forbidden state.
        temperature: ``alpha`` > 0: what one nat of divergence costs.

    Raises:
        ValueError: a row of ``passive`` is no distribution, a reward is NaN or
            ``+inf``, or the temperature is not positive.
    """

    passive: Array
    reward: Array
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Check every part."""
        like = common_floats({"passive": self.passive, "reward": self.reward})
        passive = real_array("passive", self.passive, like)
        shape = tuple(passive.shape)
        require(
            len(shape) == 2 and shape[0] == shape[1] > 0,
            f"passive must have shape (S, S); it has {shape}",
        )
        check_distribution("passive", passive, ("s", ":"))
        reward = shaped("reward", self.reward, shape[:1], passive)
        alpha = float(shaped("temperature", self.temperature, ()))
        require(
            math.isfinite(alpha) and alpha > 0,
            f"temperature must be positive and finite; it is {alpha}",
        )
        check_reward("reward", reward, alpha, 1)
        checked = {"passive": frozen(passive), "reward": frozen(reward), "temperature": alpha}
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def num_states(self) -> int:
        """The number of states S."""
        return self.passive.shape[0]

    @cached_property
    def log_passive(self) -> Array:
        """``log p(s' | s)``, in nats, shape (S, S)."""
        return safe_log(self.passive)

    @cached_property
    def allowed(self) -> np.ndarray:
        """Which states are not forbidden, booleans of shape (S,)."""
        return np.isfinite(to_numpy(self.reward))

    def backup(self, log_z_next: Array) -> Array:
        """``log z(s) = r(s) / alpha + log sum_s' p(s' | s) z(s')``, in nats, shape (S,)."""
        ahead = logsumexp(self.log_passive + log_z_next[..., None, :], axis=-1)
        return self.reward / self.temperature + ahead

    def controlled(self, log_z_next: Array) -> Array:
        """The best distribution of the next state, given what each next state is worth.

        Implements eq-kl-control: ``u*(s' | s) = p(s' | s) z(s') / sum p z`` attains the
        maximum of ``E_u[V(s')] - alpha KL(u || p)``, which is ``alpha log E_p[z(s')]``.

        Args:
            log_z_next: logarithms of desirability, in nats, shape (..., S).

        Returns:
            Shape (..., S, S), indexed [s, s']; zero where every next state is forbidden.
        """
        return normalise(self.log_passive + log_z_next[..., None, :], axis=-1)

    def as_tabular(
        self, horizon: int, *, initial: Any = None, terminal_value: Any = None
    ) -> TabularMDP:
        """The same problem in the terms of chapters 1 to 3.

        Action ``a`` leads to state ``a`` for certain, and the passive dynamics are
        the action prior.

        Args:
            horizon: the number of steps T.
            initial: ``mu_0(s)``, shape (S,); uniform by default.
            terminal_value: shape (S,), in units of reward; zero by default.
        """
        S, xp = self.num_states, namespace(self.passive)
        to_each = np.tile(np.arange(S), (S, 1))
        return TabularMDP.from_arrays(
            transition=Deterministic(to_each, like=self.passive),
            reward=xp.broadcast_to(self.reward[:, None], (S, S)),
            initial=xp.ones_like(self.reward) / S if initial is None else initial,
            horizon=horizon,
            action_prior=self.passive,
            temperature=self.temperature,
            terminal_value=terminal_value,
        )

    def possible_moves(self) -> np.ndarray:
        """From which allowed state to which a single step can lead, booleans (S, S)."""
        return (to_numpy(self.passive) > 0) & self.allowed[:, None] & self.allowed
