"""The Markov decision process: everything chapter 1 puts into the graph.

States ``s = 0 … S-1``, actions ``a = 0 … A-1``, steps ``t = 0 … T-1`` (the
book counts from 1; arrays count from 0). What is checked here need not be
checked again: a :class:`TabularMDP` that exists is valid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from cs_infer.arrays import (
    action_major,
    constant,
    frozen,
    is_repeated,
    is_torch,
    namespace,
    to_numpy,
)
from cs_infer.checks import (
    check_distribution,
    check_reward,
    common_floats,
    kind,
    real_array,
    require,
    shaped,
    whole_number,
)
from cs_infer.dynamics import Deterministic, Dynamics, Sparse, as_dynamics
from cs_infer.log_space import safe_log

Array = Any


@dataclass(frozen=True, eq=False)
class TabularMDP:
    """A finite-horizon MDP with a prior over actions and a temperature.

    Build one with :meth:`from_arrays` or :meth:`from_gymnasium`. It is
    immutable: numpy arrays are read-only copies. Torch tensors are kept, with
    their gradients. A batch of B problems of one size has a leading axis B on
    whatever differs between them.

    Attributes:
        dynamics: ``P(s' | s, a)``, see :mod:`cs_infer.dynamics`.
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
        terminal_value: paid in the state that follows the last action, in
            units of reward, shape (S,); None for zero.
        observed: at which steps optimality is conditioned on, shape (T,);
            None for all of them.
        reward_once: the reward as it was given, shape (1, S, A) where it is
            constant in time.
    """

    dynamics: Dynamics
    reward: Array
    initial: Array
    action_prior: Array
    horizon: int
    temperature: float
    reward_next: Array | None = None
    terminal_value: Array | None = None
    observed: Array | None = None

    @classmethod
    def from_arrays(
        cls,
        *,
        transition: Any,
        reward: Any,
        initial: Any,
        horizon: int,
        action_prior: Any = None,
        allowed: Any = None,
        temperature: float = 1.0,
        reward_next: Any = None,
        terminal_value: Any = None,
        observed: Any = None,
    ) -> TabularMDP:
        """Check the arrays and build the problem.

        Args:
            transition: ``P(s' | s, a)``, shape (S, A, S), or dynamics.
            reward: ``r(s, a)``, shape (S, A), or per step, shape (T, S, A);
                in a batch (B, T, S, A), or (B, 1, S, A) if constant in time.
            initial: ``mu_0(s)``, shape (S,) or (B, S).
            horizon: the number of steps T, at least 1.
            action_prior: ``rho(a | s)``, shape (S, A) or (B, S, A); uniform
                by default.
            allowed: instead of a prior, which actions each state has, shape
                (S, A); the prior is uniform over those.
            temperature: ``alpha`` > 0, a plain number: no gradient flows to it.
            reward_next: ``r(s, a, s')``, shape (S, A, S), for rewards that
                depend on where the step ends; added to ``reward`` at every
                step. In a batch also (B, S, A, S). Beside sparse dynamics,
                (S, A, K) in the order of their lists, if K is not S.
            terminal_value: shape (S,) or (B, S), in units of reward.
            observed: booleans, shape (T,).

        Returns:
            The checked, immutable problem.

        Raises:
            ValueError: a shape, sign, sum or NaN is wrong, or arrays differ in
                library, floating type or device; the message names the rule,
                the place and the value.
            TypeError: ``horizon`` is not a whole number, or an argument is
                not an array of real numbers.

        Example:
            >>> mdp = TabularMDP.from_arrays(
            ...     transition=[[[1.0], [1.0]]], reward=[[0.0, -1.0]],
            ...     initial=[1.0], horizon=3)
            >>> mdp.num_states, mdp.num_actions, mdp.horizon
            (1, 2, 3)
        """
        if allowed is not None:
            require(action_prior is None, "give action_prior or allowed, not both")
            action_prior = _uniform_over(allowed, transition)
        return cls(
            transition,
            reward,
            initial,
            action_prior,
            horizon,
            temperature,
            reward_next,
            terminal_value,
            observed,
        )

    def __post_init__(self) -> None:
        """Check every part, and keep a read-only copy of it."""
        T = whole_number("horizon", self.horizon)
        alpha = float(shaped("temperature", self.temperature, ()))
        require(
            math.isfinite(alpha) and alpha > 0,
            f"temperature must be positive and finite; it is {alpha}",
        )
        dynamics = self._checked_dynamics()
        like, S, A = dynamics.probability, dynamics.num_states, dynamics.num_actions
        rho = np.full((S, A), 1.0 / A) if self.action_prior is None else self.action_prior
        paid = {
            "reward": _checked_reward(self.reward, T, S, A, like),
            "reward_next": _checked_reward_next(self.reward_next, dynamics),
            "terminal_value": _checked_terminal(self.terminal_value, S, like),
        }
        for name, r in paid.items():
            if r is not None:
                check_reward(name, r, alpha, T)
        once = paid["reward"]
        once = action_major(once if once.ndim > 2 else once[None])
        checked = paid | {
            "dynamics": dynamics,
            "reward": namespace(once).broadcast_to(once, (*once.shape[:-3], T, S, A)),
            "reward_once": once,
            "initial": _checked_initial(self.initial, S, like),
            "action_prior": _checked_prior(rho, S, A, like),
            "horizon": T,
            "temperature": alpha,
            "observed": _pattern(self.observed, T),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        self._check_batch()

    def _checked_dynamics(self) -> Dynamics:
        """The dynamics, of the library, type and device that the other arrays share."""
        given = {
            "transition": getattr(self.dynamics, "probability", self.dynamics),
            "reward": self.reward,
            "initial": self.initial,
            "action_prior": self.action_prior,
            "reward_next": self.reward_next,
            "terminal_value": self.terminal_value,
        }
        if isinstance(self.dynamics, Deterministic):
            del given["transition"]  # they are whole numbers, and follow the rest
        like = common_floats(given)
        if not isinstance(self.dynamics, Dynamics):
            return as_dynamics(real_array("transition", self.dynamics, like))
        if like is None or kind(like) == kind(self.dynamics.probability):
            return self.dynamics
        return Deterministic(self.dynamics.next_state[..., 0], like=like)

    def __reduce__(self) -> Any:
        """Pickled and copied as what it was built from, and checked again when it comes back."""
        once = self.reward_once
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        given["reward"] = once[0] if once.ndim == 3 and once.shape[0] == 1 else once
        return TabularMDP, tuple(given.values())

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

    @staticmethod
    def stack(problems: Sequence[TabularMDP]) -> TabularMDP:
        """A batch of single problems of equal size, horizon and temperature.

        Args:
            problems: at least one; none of them a batch.

        Returns:
            The batch; its results have a leading axis B, and ``batch[b]`` is
            the b-th problem again.

        Raises:
            ValueError: sizes, horizons, temperatures or patterns differ.
        """
        from cs_infer.batches import stack_problems

        return stack_problems(problems)

    def __getitem__(self, b: int) -> TabularMDP:
        """The b-th problem of a batch."""
        from cs_infer.batches import pick_problem

        return pick_problem(self, b)

    # Sizes and kinds.

    @property
    def num_states(self) -> int:
        """The number of states S."""
        return self.dynamics.num_states

    @property
    def num_actions(self) -> int:
        """The number of actions A."""
        return self.dynamics.num_actions

    @property
    def batch(self) -> int | None:
        """The number of problems in a batch, None for a single one."""
        return next((size for _, size in self._batch_sizes() if size is not None), None)

    @property
    def has_constant_reward(self) -> bool:
        """Whether one reward, given once, serves every step, and every step is observed."""
        return self.reward_once.shape[-3] == 1 and self.observed is None

    @property
    def is_deterministic(self) -> bool:
        """Whether every allowed action leads to one next state for certain."""
        if isinstance(self.dynamics, Deterministic):
            return True
        P = to_numpy(self.dynamics.distinct.probability)
        allowed = to_numpy(self.action_prior) > 0
        return bool(np.all((P == 0) | (P == 1) | ~allowed[..., None]))

    # Logarithms, in nats, computed once.

    @property
    def transition(self) -> Array:
        """``P(s' | s, a)``, shape (S, A, S), indexed [s, a, s']."""
        return self.dynamics.transition

    @cached_property
    def scaled_reward(self) -> Array:
        """The reward over the temperature, ``r / alpha``, in nats, shape (T, S, A)."""
        once = self.scaled_once
        shape = (*once.shape[:-3], self.horizon, *once.shape[-2:])
        return namespace(once).broadcast_to(once, shape)

    @cached_property
    def scaled_once(self) -> Array:
        """The same, as it was given; shape (1, S, A) where it is constant in time."""
        return frozen(self.reward_once / self.temperature)

    @cached_property
    def log_step(self) -> Array:
        """``log P(s' | s, a) + r(s, a, s') / alpha``, in nats, shape (S, A, S).

        The factor of one step that involves the next state. Without
        ``reward_next`` it is the log-transition alone.
        """
        return frozen(self.paying_dynamics.to_dense().log_weight)

    @cached_property
    def log_initial(self) -> Array:
        """``log mu_0(s)``, in nats, shape (S,); (B, S) in a batch."""
        return self.for_each(frozen(safe_log(self.initial)))

    @cached_property
    def log_action_prior(self) -> Array:
        """``log rho(a | s)``, in nats, shape (S, A)."""
        return frozen(safe_log(self.action_prior))

    @cached_property
    def log_terminal(self) -> Array:
        """``log beta_{T+1}(s)``: terminal value over temperature, shape (S,); (B, S) in a batch."""
        if self.terminal_value is None:
            return self.for_each(namespace(self.initial).zeros_like(self.initial))
        return self.for_each(self.terminal_value / self.temperature)

    @cached_property
    def paying_dynamics(self) -> Dynamics:
        """The dynamics, with ``reward_next`` over the temperature paid where a step ends."""
        if self.reward_next is None:
            return self.dynamics
        return self.dynamics.with_gain(self.reward_next / self.temperature)

    def check_step(self, t: int) -> None:
        """Refuse what is no step of this problem."""
        require(0 <= t < self.horizon, f"t must lie in 0 … {self.horizon - 1}; it is {t}")

    def step(self, t: int) -> tuple[Array, Dynamics]:
        """What optimality says at step t: ``r_t / alpha``, shape (S, A), and dynamics.

        Where optimality is not observed, the reward is 0 and nothing is paid.
        """
        self.check_step(t)
        once = self.scaled_once
        reward = once[..., min(t, once.shape[-3] - 1), :, :]
        if self.observed is None or self.observed[t]:
            return reward, self.paying_dynamics
        return namespace(reward).zeros_like(reward), self.dynamics

    def log_action_weight(self, t: int) -> Array:
        """``log rho(a | s) + r_t(s, a) / alpha``: what an action weighs at step t, (S, A)."""
        if self.has_constant_reward:
            return self._constant_action_weight
        return self.log_action_prior + self.step(t)[0]

    @cached_property
    def _constant_action_weight(self) -> Array:
        return frozen(self.log_action_prior + self.step(0)[0])

    def for_each(self, x: Array) -> Array:
        """A vector of states, shape (S,), for every problem of a batch: (B, S)."""
        if self.batch is None:
            return x
        return namespace(x).broadcast_to(x, (self.batch, self.num_states))

    # The same problem, changed.

    def with_temperature(self, temperature: float) -> TabularMDP:
        """The same problem at another temperature."""
        return self._replace(temperature=temperature)

    def with_action_prior(self, action_prior: Any) -> TabularMDP:
        """The same problem under another action prior, shape (S, A)."""
        return self._replace(action_prior=action_prior)

    def with_horizon(self, horizon: int) -> TabularMDP:
        """The same problem with another number of steps; its reward must be constant."""
        require(
            self.has_constant_reward,
            "with_horizon needs a reward given once, shape (S, A), and every step observed",
        )
        return self._replace(horizon=horizon)

    def observing(self, steps: Any) -> TabularMDP:
        """The same problem, conditioned on optimality at some of the steps only.

        Implements eq-observed.

        Args:
            steps: booleans, shape (T,), or a list of steps, counted from 0.

        Example:
            >>> mdp = TabularMDP.from_arrays(
            ...     transition=[[[1.0]]], reward=[[-1.0]], initial=[1.0], horizon=3)
            >>> mdp.observing([2]).observed
            array([False, False,  True])
        """
        steps = to_numpy(steps)
        steps = steps if steps.size else np.zeros(self.horizon, dtype=bool)
        require(steps.ndim == 1, f"steps must be a list; it has shape {steps.shape}")
        if steps.dtype.kind in "iu":
            wrong = (steps < 0) | (steps >= self.horizon)
            require(
                not np.any(wrong),
                f"steps must lie in 0 … {self.horizon - 1}; they hold {steps[wrong][:1]}",
            )
            steps = np.isin(np.arange(self.horizon), steps)
        return self._replace(observed=steps)

    def with_prior_folded(self) -> TabularMDP:
        """The same posterior from a uniform prior and a changed reward.

        Implements eq-folded-prior: ``r_t(s, a) + alpha log(rho(a | s) |A|)``.
        Exact where every step is observed. An action that the prior forbids gets
        the reward ``-inf``.

        Raises:
            ValueError: some step is not observed, so that no reward counts there.
        """
        require(
            self.observed is None,
            "with_prior_folded needs every step observed: a prior cannot hide in a reward "
            "that does not count",
        )
        A = self.num_actions
        extra = self.temperature * (self.log_action_prior + math.log(A))
        if extra.ndim == 3:
            extra = extra[:, None]
        return self._replace(reward=self.reward_once + extra, action_prior=None)

    def shifted(self) -> TabularMDP:
        """The same problem with its largest reward moved to 0.

        ``exp(r / alpha)`` is a probability only when ``r <= 0``. Subtracting
        one constant from every step makes it so. The posterior and the policy
        do not change; ``log_evidence`` becomes a true log-probability, lower
        by ``T * shift / alpha`` if every step is observed. A batch has one
        constant, and no gradient flows through it.
        """
        lower = {"reward": self.reward_once - _largest(self.reward_once)}
        if self.reward_next is not None:
            lower["reward_next"] = self.reward_next - _largest(self.reward_next)
        return self._replace(**lower)

    def to_torch(self, *, device: Any = None, dtype: Any = None) -> TabularMDP:
        """The same problem in torch tensors.

        Args:
            device: where, such as ``"cuda"``; the CPU by default.
            dtype: ``torch.float64`` or ``torch.float32``; unchanged by default.
        """
        from cs_infer.batches import converted

        return converted(self, "torch", dtype=dtype, device=device)

    def to_numpy(self, *, dtype: Any = None) -> TabularMDP:
        """The same problem in numpy arrays of float64 or float32; unchanged by default."""
        from cs_infer.batches import converted

        return converted(self, "numpy", dtype=dtype)

    def _replace(self, **changes: Any) -> TabularMDP:
        """``dataclasses.replace``, with the reward kept as it was given."""
        reward = changes.pop("reward", self.reward_once)
        if reward.ndim == 3 and reward.shape[0] == 1:
            reward = reward[0]
        return replace(self, reward=reward, **changes)

    def _batch_sizes(self) -> list[tuple[str, int | None]]:
        sizes = [("transition", self.dynamics.batch)]
        parts = {
            "initial": 1,
            "action_prior": 2,
            "terminal_value": 1,
            "reward": 3,
            "reward_next": 3,
        }
        for name, ndim in parts.items():
            x = getattr(self, name)
            batched = x is not None and x.ndim > ndim
            sizes.append((name, x.shape[0] if batched else None))
        return sizes

    def _check_batch(self) -> None:
        sizes = {name: size for name, size in self._batch_sizes() if size is not None}
        require(
            len(set(sizes.values())) <= 1,
            "every part of a batch must have the same leading size B; "
            + ", ".join(f"{name} has {size}" for name, size in sizes.items()),
        )

    def __repr__(self) -> str:
        batch = "" if self.batch is None else f"batch={self.batch}, "
        return (
            f"TabularMDP({batch}num_states={self.num_states}, num_actions={self.num_actions}, "
            f"horizon={self.horizon}, temperature={self.temperature:g})"
        )


def _maybe_batched(name: str, value: Any, shape: tuple[int, ...], like: Array) -> Array:
    array = real_array(name, value, like)
    fits = tuple(array.shape[-len(shape) :]) == shape and array.ndim <= len(shape) + 1
    batched = f", in a batch (B, {', '.join(str(n) for n in shape)})"
    require(
        fits,
        f"{name} must have shape {shape}{batched if array.ndim > len(shape) else ''}; "
        f"it has {tuple(array.shape)}",
    )
    return array


def _checked_initial(value: Any, S: int, like: Array) -> Array:
    mu0 = _maybe_batched("initial", value, (S,), like)
    check_distribution("initial", mu0, (":",))
    return frozen(mu0)


def _checked_prior(value: Any, S: int, A: int, like: Array) -> Array:
    rho = _maybe_batched("action_prior", value, (S, A), like)
    _check_some_action_allowed("action_prior", rho)
    check_distribution("action_prior", rho, ("s", ":"))
    return action_major(rho)


def _checked_reward(value: Any, T: int, S: int, A: int, like: Array) -> Array:
    """The reward as it was given; a single step of it where it is the same at every step."""
    if tuple(getattr(value, "shape", ()))[-3:] == (T, S, A) and is_repeated(value, -3):
        value = value[..., :1, :, :]
    r = real_array("reward", value, like)
    shape = tuple(r.shape)
    alone, timed = (S, A), ((T, S, A), (1, S, A))
    fits = shape == alone or (len(shape) in (3, 4) and shape[-3:] in timed)
    batched = ", in a batch (B, T, S, A) or (B, 1, S, A)" if len(shape) > 3 else ""
    require(
        fits,
        f"reward must have shape (S, A) = {(S, A)} or (T, S, A) = {(T, S, A)}{batched}; "
        f"it has {shape}",
    )
    return r


def _checked_reward_next(value: Any, dynamics: Dynamics) -> Array | None:
    if value is None:
        return None
    array = real_array("reward_next", value, dynamics.probability)
    S, A = dynamics.num_states, dynamics.num_actions
    K = dynamics.next_state.shape[-1]
    allowed = {(S, A, S), (S, A, K)} if isinstance(dynamics, Sparse) else {(S, A, S)}
    batched = f" or, in a batch, (B, {S}, {A}, {S})" if array.ndim > 3 else ""
    require(
        tuple(array.shape[-3:]) in allowed and array.ndim in (3, 4),
        f"reward_next must have shape {(S, A, S)}{batched}; it has {tuple(array.shape)}",
    )
    return frozen(array)


def _checked_terminal(value: Any, S: int, like: Array) -> Array | None:
    return None if value is None else frozen(_maybe_batched("terminal_value", value, (S,), like))


def _uniform_over(allowed: Any, transition: Any) -> Array:
    mask = to_numpy(allowed)
    require(
        mask.dtype == bool and mask.ndim in (2, 3),
        f"allowed must hold booleans, shape (S, A); it has dtype {mask.dtype} and shape "
        f"{mask.shape}",
    )
    size = tuple(np.shape(getattr(transition, "probability", transition))[-3:-1])
    require(mask.shape[-2:] == size, f"allowed must have shape {size}; it has {tuple(mask.shape)}")
    _check_some_action_allowed("allowed", mask)
    return (mask / mask.sum(axis=-1, keepdims=True)).tolist()


def _check_some_action_allowed(name: str, weight: Array) -> None:
    none = to_numpy(weight == 0).all(axis=-1)
    if none.any():
        *_, state = np.argwhere(none)[0]
        raise ValueError(
            f"every state needs an action it may take; {name}[{state}, :] allows none (give an "
            "absorbing state an action that stays)"
        )


def _pattern(observed: Any, T: int) -> np.ndarray | None:
    if observed is None:
        return None
    pattern = to_numpy(observed) if is_torch(observed) else np.asarray(observed)
    require(
        pattern.shape == (T,) and pattern.dtype == bool,
        f"observed must hold {T} booleans, one a step; it has shape {pattern.shape} and dtype "
        f"{pattern.dtype}",
    )
    return None if pattern.all() else frozen(pattern.copy())


def _largest(reward: Array) -> float:
    top = float(namespace(reward).max(constant(reward)))
    return top if math.isfinite(top) else 0.0
