"""The Markov decision process: everything chapter 1 puts into the graph.

States ``s = 0 … S-1``, actions ``a = 0 … A-1``, steps ``t = 0 … T-1`` (the
book counts from 1; arrays count from 0). What is checked here need not be
checked again: a :class:`TabularMDP` that exists is valid.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from cs_infer.log_space import safe_log

Array = np.ndarray

_SUM_TOLERANCE = 1e-8
_LARGEST_LOG = 1e300


@dataclass(frozen=True, eq=False)
class TabularMDP:
    """A finite-horizon MDP with a prior over actions and a temperature.

    Build one with :meth:`from_arrays` or :meth:`from_gymnasium`. It is
    immutable: the arrays are read-only copies.

    Attributes:
        transition: ``P(s' | s, a)``, shape (S, A, S), indexed [s, a, s'].
        reward: ``r_t(s, a)``, in units of reward, shape (T, S, A); ``-inf``
            marks what an optimal agent never does.
        initial: ``mu_0(s)``, shape (S,).
        action_prior: ``rho(a | s)``, shape (S, A): what the agent does when
            nothing is known about optimality. Zero forbids an action.
        horizon: the number of steps T.
        temperature: ``alpha`` > 0, in units of reward.
        reward_next: ``r(s, a, s')``, shape (S, A, S), added to ``reward``
            inside the optimality variable; None when rewards do not depend
            on the next state.
    """

    transition: Array
    reward: Array
    initial: Array
    action_prior: Array
    horizon: int
    temperature: float
    reward_next: Array | None = None

    @classmethod
    def from_arrays(
        cls,
        *,
        transition: Any,
        reward: Any,
        initial: Any,
        horizon: int,
        action_prior: Any = None,
        temperature: float = 1.0,
        reward_next: Any = None,
    ) -> TabularMDP:
        """Check the arrays and build the problem.

        Args:
            transition: ``P(s' | s, a)``, shape (S, A, S).
            reward: ``r(s, a)``, shape (S, A), or per step, shape (T, S, A).
            initial: ``mu_0(s)``, shape (S,).
            horizon: the number of steps T, at least 1.
            action_prior: ``rho(a | s)``, shape (S, A); uniform by default.
            temperature: ``alpha`` > 0.
            reward_next: ``r(s, a, s')``, shape (S, A, S), for rewards that
                depend on where the step ends; added to ``reward``.

        Returns:
            The checked, immutable problem.

        Raises:
            ValueError: a shape, sign, sum or NaN is wrong; the message names
                the rule, the place and the value.
            TypeError: ``horizon`` is not a whole number, or an argument is
                not an array of real numbers.

        Example:
            >>> mdp = TabularMDP.from_arrays(
            ...     transition=[[[1.0], [1.0]]], reward=[[0.0, -1.0]],
            ...     initial=[1.0], horizon=3)
            >>> mdp.num_states, mdp.num_actions, mdp.horizon
            (1, 2, 3)
        """
        return cls(transition, reward, initial, action_prior, horizon, temperature, reward_next)

    def __post_init__(self) -> None:
        """Check every part, and keep a read-only copy of it."""
        T = _whole_number("horizon", self.horizon)
        P = _real_array("transition", self.transition)
        _require(
            P.ndim == 3 and P.shape[0] == P.shape[2] and P.size > 0,
            f"transition must have shape (S, A, S); it has {P.shape}",
        )
        _check_distribution("transition", P, ("s", "a", ":"))
        S, A, _ = P.shape
        mu0 = _shaped("initial", self.initial, (S,))
        _check_distribution("initial", mu0, (":",))
        uniform = np.full((S, A), 1.0 / A)
        rho = uniform if self.action_prior is None else self.action_prior
        rho = _shaped("action_prior", rho, (S, A))
        _check_distribution("action_prior", rho, ("s", ":"))
        alpha = float(_shaped("temperature", self.temperature, ()))
        _require(
            math.isfinite(alpha) and alpha > 0,
            f"temperature must be positive and finite; it is {alpha}",
        )
        r = _real_array("reward", self.reward)
        _require(
            r.shape in ((S, A), (T, S, A)),
            f"reward must have shape (S, A) = {(S, A)} or "
            f"(T, S, A) = {(T, S, A)}; it has {r.shape}",
        )
        _check_reward("reward", r, alpha, T)
        r_next = self.reward_next
        if r_next is not None:
            r_next = _frozen(_shaped("reward_next", r_next, (S, A, S)))
            _check_reward("reward_next", r_next, alpha, T)
        checked = {
            "transition": _frozen(P),
            "reward": np.broadcast_to(_frozen(r), (T, S, A)),
            "initial": _frozen(mu0),
            "action_prior": _frozen(rho),
            "horizon": T,
            "temperature": alpha,
            "reward_next": r_next,
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_gymnasium(cls, env_or_id: Any, *, horizon: int, **options: Any) -> TabularMDP:
        """Read a toy-text environment's own transition table.

        See :func:`cs_infer.toy_text.read_toy_text`, which lists the options
        (``reward_on``, ``action_prior``, ``temperature``, ``make_options``).

        Example:
            >>> lake = TabularMDP.from_gymnasium("FrozenLake-v1", horizon=10)
            >>> lake.num_states, lake.num_actions
            (16, 4)
        """
        from cs_infer.toy_text import read_toy_text

        return read_toy_text(env_or_id, horizon=horizon, **options)

    @property
    def num_states(self) -> int:
        """The number of states S."""
        return self.transition.shape[0]

    @property
    def num_actions(self) -> int:
        """The number of actions A."""
        return self.transition.shape[1]

    @cached_property
    def scaled_reward(self) -> Array:
        """The reward over the temperature, ``r / alpha``, in nats, shape (T, S, A)."""
        return _frozen(self.reward / self.temperature)

    @cached_property
    def log_step(self) -> Array:
        """``log P(s' | s, a) + r(s, a, s') / alpha``, in nats, shape (S, A, S).

        The factor of one step that involves the next state. Without
        ``reward_next`` it is the log-transition alone.
        """
        log_P = safe_log(self.transition)
        if self.reward_next is None:
            return _frozen(log_P)
        return _frozen(log_P + self.reward_next / self.temperature)

    @cached_property
    def log_initial(self) -> Array:
        """``log mu_0(s)``, in nats, shape (S,)."""
        return _frozen(safe_log(self.initial))

    @cached_property
    def log_action_prior(self) -> Array:
        """``log rho(a | s)``, in nats, shape (S, A)."""
        return _frozen(safe_log(self.action_prior))

    @property
    def is_deterministic(self) -> bool:
        """Whether every allowed action leads to one next state for certain."""
        certain = (self.transition == 0) | (self.transition == 1)
        return bool(np.all(certain | (self.action_prior == 0)[:, :, None]))

    def with_temperature(self, temperature: float) -> TabularMDP:
        """The same problem at another temperature."""
        return replace(self, temperature=temperature)

    def with_action_prior(self, action_prior: Any) -> TabularMDP:
        """The same problem under another action prior, shape (S, A)."""
        return replace(self, action_prior=action_prior)

    def shifted(self) -> TabularMDP:
        """The same problem with its largest reward moved to 0.

        ``exp(r / alpha)`` is a probability only when ``r <= 0``. Subtracting
        one constant from every step makes it so. The posterior and the policy
        do not change; ``log_evidence`` becomes a true log-probability, lower
        by ``T * shift / alpha``.
        """
        if self.reward_next is None:
            return replace(self, reward=self.reward - _largest(self.reward))
        top = _largest(self.reward), _largest(self.reward_next)
        return replace(self, reward=self.reward - top[0], reward_next=self.reward_next - top[1])

    def __repr__(self) -> str:
        return (
            f"TabularMDP(num_states={self.num_states}, num_actions={self.num_actions}, "
            f"horizon={self.horizon}, temperature={self.temperature:g})"
        )


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)


def _whole_number(name: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number; it is {value!r}")
    _require(number >= 1, f"{name} must be at least 1; it is {number}")
    return number


def _real_array(name: str, value: Any) -> Array:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array of numbers ({error})") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers; its dtype is {array.dtype}")
    return np.array(array, dtype=np.float64)


def _shaped(name: str, value: Any, shape: tuple[int, ...]) -> Array:
    array = _real_array(name, value)
    _require(array.shape == shape, f"{name} must have shape {shape}; it has {array.shape}")
    return array


def _place(name: str, index: tuple[Any, ...]) -> str:
    return f"{name}[{', '.join(str(i) for i in index)}]"


def _first(where: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(where)[0])


def _check_distribution(name: str, p: Array, axes: tuple[str, ...]) -> None:
    if not np.all(np.isfinite(p)):
        at = _first(~np.isfinite(p))
        raise ValueError(f"{name} must be finite; {_place(name, at)} is {p[at]}")
    if np.any(p < 0):
        at = _first(p < 0)
        raise ValueError(f"{name} must not be negative; {_place(name, at)} is {p[at]:g}")
    total = p.sum(axis=-1)
    wrong = np.abs(total - 1) > _SUM_TOLERANCE
    if np.any(wrong):
        at = _first(wrong)
        rule = f"{_place(name, axes)} must sum to 1"
        if at:
            rule += f" for every ({', '.join(axes[:-1])})"
        raise ValueError(f"{rule}; {_place(name, (*at, ':'))} sums to {total[at]:.12g}")


def _check_reward(name: str, r: Array, alpha: float, steps: int) -> None:
    wrong = np.isnan(r) | (r == np.inf)
    if np.any(wrong):
        at = _first(wrong)
        raise ValueError(
            f"{name} must be finite or -inf (never optimal); {_place(name, at)} is {r[at]}"
        )
    size = float(np.max(np.abs(r), where=np.isfinite(r), initial=0.0))
    _require(
        size <= _LARGEST_LOG * alpha / steps,
        f"horizon * {name} / temperature must stay within {_LARGEST_LOG:g}; "
        f"it is {steps} * {size:g} / {alpha:g}",
    )


def _largest(reward: Array) -> float:
    top = float(np.max(reward))
    return top if math.isfinite(top) else 0.0


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array
