"""VIREL: a temperature that is as high as the critic is wrong, and cools with it.

Elsewhere a temperature is chosen. Here it is measured: it is the Bellman error
of ``Q``. The policy is ``rho exp(Q / epsilon)`` over its sum, the operator is
``T_epsilon Q = r + gamma E[sum_a' pi(a' | s') Q(s', a')]``, and the error is that
of this operator. So the temperature is defined by a policy that is defined by
the temperature: a fixed point.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from cs_infer.arrays import constant, namespace
from cs_infer.bellman_error import Critic, boltzmann, checked_heat, checked_values
from cs_infer.checks import real_array, require, whole_number
from cs_infer.fixed_points import rounding
from cs_infer.mdp import TabularMDP
from cs_infer.messages import plain

Array = Any


class VirelStep(NamedTuple):
    """One round of actor and critic.

    Attributes:
        Q: before the round, shape (S, A), in units of reward.
        temperature: ``epsilon(Q)``, in units of reward.
        policy: the E-step, ``rho exp(Q / epsilon)`` over its sum, shape (S, A).
        target: the M-step's aim, ``T_epsilon Q``, shape (S, A).
        residual: ``max |T_0 Q - Q|``, with the hard maximum, in units of reward.
    """

    Q: Array
    temperature: Any
    policy: Array
    target: Array
    residual: float


class VirelSolution(NamedTuple):
    """Where the rounds end, and what happened on the way.

    Attributes:
        Q: shape (S, A), within the tolerance of the optimal values.
        V: ``sum_a pi(a | s) Q(s, a)``, shape (S,).
        policy: of the last temperature, shape (S, A).
        temperatures: in each round, shape (K,); (K, B) in a batch.
        residuals: ``max |T_0 Q - Q|`` in each round, shape (K,).
        iterations: K, how many rounds it took.
    """

    Q: Array
    V: Array
    policy: Array
    temperatures: Array
    residuals: Array
    iterations: int


def boltzmann_policy(mdp: TabularMDP, Q: Any, temperature: Any) -> Array:
    """The Boltzmann policy at any temperature, zero included.

    Implements eq-adaptive-policy: ``rho(a | s) exp(Q(s, a) / epsilon)`` over its
    sum; at 0 its limit, the prior over the best of the allowed actions.

    Args:
        mdp: the problem; its prior counts, its own temperature does not.
        Q: shape (S, A), finite wherever the prior allows the action.
        temperature: ``epsilon``, at least 0, in units of reward; (B,) in a
            batch, if it differs.

    Returns:
        The policy, shape (S, A).

    Raises:
        ValueError: ``Q`` has the wrong shape or is not finite, or the
            temperature is negative.

    Example:
        >>> mdp = TabularMDP.from_arrays(
        ...     transition=[[[1.0], [1.0]]], reward=[[1.0, 0.0]], initial=[1.0], horizon=1)
        >>> boltzmann_policy(mdp, [[2.0, 2.0]], 0.0)
        array([[0.5, 0.5]])
    """
    return boltzmann(mdp, checked_values(mdp, Q), checked_heat(mdp, temperature))


def adaptive_temperature(
    mdp: TabularMDP,
    Q: Any,
    *,
    discount: float,
    c: float = 1.0,
    p: float = 2.0,
    weights: Any = None,
) -> Any:
    """The temperature that equals its own Bellman error.

    Implements eq-adaptive-temperature: the smallest solution of
    ``epsilon = (c / p) sum_{s,a} w(s, a) |T_epsilon Q - Q|^p``. There always is
    one, and there may be several. The search leaves out only intervals that hold
    none; two solutions within a millionth of each other may be passed over. No
    gradient flows through it.

    Args:
        mdp: a problem with constant, finite reward; its horizon and its own
            temperature are not used.
        Q: shape (S, A), in units of reward.
        discount: ``gamma``, at least 0 and below 1.
        c: a positive constant, in units of reward to the power ``1 - p``.
        p: the power, at least 1.
        weights: ``w``, shape (S, A), scaled to sum to 1; by default
            ``rho(a | s) / S``.

    Returns:
        ``epsilon``, in units of reward; (B,) in a batch.

    Raises:
        ValueError: an argument is out of range, or the reward is ``-inf`` where
            the prior allows the action.

    References:
        Fellows et al. (2019); :cite:`fellows2019virel`.

    Example:
        >>> mdp = TabularMDP.from_arrays(
        ...     transition=[[[1.0], [1.0]]], reward=[[1.0, 0.0]], initial=[1.0], horizon=1)
        >>> adaptive_temperature(mdp, [[0.0, 0.0]], discount=0.5)
        0.25
    """
    critic = Critic(mdp, discount, c, p, weights)
    return plain(critic.temperature(checked_values(mdp, Q)), mdp.initial)


def temperature_bounds(
    mdp: TabularMDP,
    Q: Any,
    *,
    discount: float,
    c: float = 1.0,
    p: float = 2.0,
    weights: Any = None,
) -> tuple[Any, Any]:
    """An interval that holds every solution of the temperature's equation.

    Implements eq-temperature-bounds: ``T_epsilon Q`` falls as ``epsilon`` grows, so
    bounds on the temperature are bounds on the error, and these are bounds on
    the temperature again. Repeated until they settle; if they meet, the
    solution is unique.

    Args:
        mdp: this and the others: see :func:`adaptive_temperature`.
        Q: shape (S, A).
        discount: ``gamma``.
        c: the constant.
        p: the power.
        weights: shape (S, A).

    Returns:
        The lower and the upper bound, in units of reward; (B,) each in a batch.
    """
    critic = Critic(mdp, discount, c, p, weights)
    low, high = critic.bounds(constant(checked_values(mdp, Q)))
    return plain(low, mdp.initial), plain(high, mdp.initial)


def virel_steps(
    mdp: TabularMDP,
    *,
    discount: float,
    c: float = 1.0,
    p: float = 2.0,
    weights: Any = None,
    Q: Any = None,
    rate: float = 1.0,
) -> Iterator[VirelStep]:
    """Actor and critic in turn, without end.

    Implements eq-virel-step: measure ``epsilon``; E-step, ``pi`` is the Boltzmann
    policy at ``epsilon``; M-step, ``Q`` moves by ``eta (T_epsilon Q - Q)``.

    Args:
        mdp: this and the next four: see :func:`adaptive_temperature`.
        discount: ``gamma``.
        c: the constant.
        p: the power.
        weights: shape (S, A).
        Q: where to start, shape (S, A); zeros by default.
        rate: ``eta``, above 0 and at most 1.

    Yields:
        One step a round.
    """
    critic = Critic(mdp, discount, c, p, weights)
    require(0 < rate <= 1, f"rate must be above 0 and at most 1; it is {rate}")
    Q = namespace(critic.paid).zeros_like(critic.paid) if Q is None else Q
    Q = checked_values(mdp, Q)
    while True:
        epsilon = critic.temperature(Q)
        policy = boltzmann(mdp, Q, epsilon)
        target = critic.backup(Q, policy)
        yield VirelStep(Q, plain(epsilon, mdp.initial), policy, target, critic.residual(Q))
        Q = target if rate == 1 else Q + rate * (target - Q)


def virel(
    mdp: TabularMDP,
    *,
    discount: float,
    c: float = 1.0,
    p: float = 2.0,
    weights: Any = None,
    Q: Any = None,
    rate: float = 1.0,
    tolerance: float = 1e-10,
    max_iterations: int = 10_000,
) -> VirelSolution:
    """Repeat actor and critic until ``Q`` is known to be within ``tolerance`` of optimal.

    Implements eq-virel-error: a round takes the largest error from ``e`` to at
    most ``gamma e + gamma epsilon log(1 / min rho)``. It stops when
    ``max |T_0 Q - Q| <= (1 - gamma) tolerance``.

    Args:
        mdp: this and the next six: see :func:`virel_steps`.
        discount: ``gamma``.
        c: the constant. A large one can keep the rounds from converging.
        p: the power.
        weights: shape (S, A).
        Q: where to start.
        rate: ``eta``. Below 1 it damps what would go round in circles.
        tolerance: how far ``Q`` may be from optimal, in units of reward.
        max_iterations: give up after this many.

    Returns:
        Values, policy and the temperatures on the way.

    Raises:
        ValueError: see :func:`adaptive_temperature`, or the rounds did not
            converge; the message gives the residual.

    References:
        Fellows et al. (2019); :cite:`fellows2019virel`.
    """
    require(tolerance > 0, f"tolerance must be above 0; it is {tolerance}")
    most = whole_number("max_iterations", max_iterations)
    temperatures, residuals = [], []
    options = {"discount": discount, "c": c, "p": p, "weights": weights, "Q": Q, "rate": rate}
    for step in islice(virel_steps(mdp, **options), most):
        temperatures.append(real_array("temperature", step.temperature, mdp.initial))
        residuals.append(step.residual)
        if step.residual <= (1 - discount) * tolerance:
            if rounding(step.Q) > (1 - discount) * tolerance:
                break  # it stands still only because smaller changes are rounded away
            xp = namespace(step.Q)
            cooled, left = xp.stack(temperatures), real_array("residuals", residuals, mdp.initial)
            V = xp.sum(step.policy * step.Q, axis=-1)
            return VirelSolution(step.Q, V, step.policy, cooled, left, len(residuals))
    raise ValueError(
        f"VIREL did not come within {tolerance:g} of the optimal values in {len(residuals)} "
        f"iterations: its largest Bellman residual is {step.residual:g}, at temperature "
        f"{float(namespace(step.Q).max(temperatures[-1])):g}. Lower c or rate, or allow a larger "
        "tolerance (rounding alone can exceed it) or more iterations (max_iterations)"
    )
