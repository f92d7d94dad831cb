"""Soft policy evaluation, improvement, iteration: the bound, one policy after the other.

The values of a policy count what it earns, less ``alpha`` times its relative entropy from
the prior. Improving it is tilting the prior by what its actions are worth,
``pi'(a | s) = rho(a | s) exp(Q(s, a) / alpha) / Z(s)``. That raises the values
everywhere or leaves them as they are, and the only policy it leaves alone is the best.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from cs_infer.arrays import namespace
from cs_infer.checks import check_reward, real_array, require, whole_number
from cs_infer.evaluation import world
from cs_infer.fixed_points import rounding
from cs_infer.log_space import normalise
from cs_infer.mdp import TabularMDP
from cs_infer.messages import plain

Array = Any

_ROUGHLY = 0.1  # of the last residual
_BLUR = 100.0  # roundings: a residual of that size that no longer falls never will


class SoftPolicyValues(NamedTuple):
    """What a policy is worth, in units of reward.

    Attributes:
        Q: ``r + E[V(s')]``, shape (T, S, A); with a discount ``r + gamma E[V(s')]``, (S, A).
        V: ``E_pi[Q - alpha log(pi / rho)]``, shape (T, S) or (S,).
        value: ``E[V(s_1)]``; an array (B,) in a batch.
    """

    Q: Array
    V: Array
    value: Any


class SoftPolicyIteration(NamedTuple):
    """The end of soft policy iteration, and the way to it.

    Attributes:
        Q: of ``policy``, in units of reward, shape (T, S, A) or (S, A).
        V: of ``policy``, shape (T, S) or (S,).
        policy: the last one evaluated, shape (T, S, A) or (S, A).
        value: ``E[V(s_1)]`` of it; an array (B,) in a batch.
        values: the same for each policy on the way, shape (iterations,), in a batch
            (iterations, B): it never falls.
        policies: each policy on the way, the first one included.
        residuals: for each policy, the largest change that one soft backup would make in
            its ``V``, in units of reward.
        sweeps: how many backups the evaluations took; a dense solve counts as one.
    """

    Q: Array
    V: Array
    policy: Array
    value: Any
    values: Array
    policies: tuple[Array, ...]
    residuals: tuple[float, ...]
    sweeps: int

    @property
    def iterations(self) -> int:
        """How many policies were evaluated."""
        return len(self.policies)

    @property
    def residual(self) -> float:
        """The last of the residuals."""
        return self.residuals[-1]


def soft_policy_values(
    mdp: TabularMDP, policy: Any, *, discount: float | None = None, tolerance: float = 1e-9
) -> SoftPolicyValues:
    """Soft policy evaluation.

    Implements eq-soft-policy-values: ``V(s) = E_pi[Q(s, a) - alpha log(pi / rho)]`` with
    ``Q_t = r_t + E[V_{t+1}]``, or ``Q = r + gamma E[V]`` with a discount. What a policy lacks
    to the best Implements eq-soft-suboptimality:
    ``V*_t(s) - V_t(s) = alpha sum_{u >= t} E_pi[KL(pi_u || pi*_u) | s_t = s]``.

    Args:
        mdp: the problem; with a discount its reward must be constant, and its horizon is
            not used.
        policy: shape (T, S, A) or (S, A); with a discount (S, A). A distribution in every
            state. A row of zeros stands for a state without a way on: its V is ``-inf``.
        discount: ``gamma``, at least 0 and below 1; None for the problem's horizon.
        tolerance: with a discount and more than 1024 states, how far ``V`` may be from
            the truth, in units of reward. Up to 1024 states the equation is solved.

    Returns:
        The values, in units of reward.

    Raises:
        ValueError: the policy has the wrong shape, does not sum to one, or does what the
            prior forbids; the message names the place. Or the tolerance is not reached.
    """
    here, alpha = world(mdp, discount, tolerance), mdp.temperature
    v, q, _ = here.values(here.checked(policy))
    return SoftPolicyValues(alpha * q, alpha * v, plain(alpha * here.at_start(v), mdp.initial))


def improved_policy(mdp: TabularMDP, Q: Any) -> Array:
    """The policy that is best if its actions are worth ``Q``.

    ``pi'(a | s) = rho(a | s) exp(Q(s, a) / alpha) / Z(s)``. For any distribution p over actions,
    this Implements eq-bound-step:
    ``E_p[Q] - alpha KL(p || rho) = alpha log sum_a rho exp(Q / alpha) - alpha KL(p || pi')``, which
    is largest where ``p = pi'``, and only there.

    Args:
        mdp: the problem: its prior and its temperature.
        Q: in units of reward, shape (..., S, A).

    Returns:
        Probabilities, of the shape of Q; zeros in a state where every action is worth
        ``-inf``.

    Raises:
        ValueError: Q has the wrong shape, or is NaN or ``+inf`` somewhere.
    """
    Q = real_array("Q", Q, mdp.initial)
    shape = (mdp.num_states, mdp.num_actions)
    require(
        tuple(Q.shape[-2:]) == shape,
        f"Q must have shape (S, A) = {shape} or (T, S, A); it has {tuple(Q.shape)}",
    )
    require(
        mdp.batch is None or Q.ndim == 2 or Q.shape[0] == mdp.batch,
        f"Q must begin with B = {mdp.batch} in this batch; its shape is {tuple(Q.shape)}",
    )
    check_reward("Q", Q, mdp.temperature, 1)
    prior = mdp.log_action_prior
    if prior.ndim == 3 and Q.ndim == 4:
        prior = prior[:, None]
    return normalise(prior + Q / mdp.temperature, axis=-1)


def soft_policy_iteration(
    mdp: TabularMDP,
    policy: Any = None,
    *,
    discount: float | None = None,
    tolerance: float = 1e-10,
    max_iterations: int = 1000,
) -> SoftPolicyIteration:
    """Evaluate, improve, and again, until nothing can be gained.

    Implements eq-soft-improvement: the policy ``pi' = rho exp(Q / alpha) / Z`` of the values of
    ``pi`` is worth more by ``alpha sum_{u >= t} E_{pi'}[KL(pi_u || pi'_u) | s_t = s]``, never less.

    With a horizon this ends after at most T improvements, since each makes one more step the
    best. With a discount it is Newton's method
    for ``V = B V``. Up to 1024 states each policy is evaluated by a linear solve; beyond, by
    Krylov's method, to within a quarter of the tolerance.

    Args:
        mdp: the problem.
        policy: where to start; the prior by default.
        discount: ``gamma``, at least 0 and below 1; None for the problem's horizon.
        tolerance: how far ``V`` may be from the best, in units of reward.
        max_iterations: give up after this many policies.

    Returns:
        The last policy, its values, and the way there.

    Raises:
        ValueError: the policy is wrong, see :func:`soft_policy_values`, or the iteration does
            not reach the tolerance; the message holds the residual.

    References:
        Haarnoja et al. (2018), section 4.1; :cite:`haarnoja2018soft`.
    """
    return iterated(mdp, policy, discount, tolerance, max_iterations)


def iterated(
    mdp: TabularMDP,
    policy: Any,
    discount: float | None,
    tolerance: float,
    max_iterations: int,
    *,
    loosely: bool = False,
) -> SoftPolicyIteration:
    """See :func:`soft_policy_iteration`.

    ``loosely`` evaluates a policy of many states only as exactly as its improvement needs: the
    same end for less work, but the values on the way may fall.
    """
    most = whole_number("max_iterations", max_iterations)
    here, alpha, xp = world(mdp, discount, tolerance / 4), mdp.temperature, namespace(mdp.initial)
    pi = here.prior if policy is None else here.checked(policy)
    values, policies, residuals, sweeps, v = [], [], [], 0, None
    for _ in range(most):
        v, q, taken = here.values(pi, v, _accuracy(residuals) / alpha if loosely else 0.0)
        policies, sweeps = [*policies, pi], sweeps + taken
        values = [*values, alpha * here.at_start(v)]
        residuals.append(alpha * here.behind(v, q))
        if residuals[-1] * here.slack <= tolerance or len(policies) > here.most:
            found = (alpha * q, alpha * v, pi, plain(values[-1], mdp.initial), xp.stack(values))
            return SoftPolicyIteration(*found, tuple(policies), tuple(residuals), sweeps)
        if residuals[-2:-1] and residuals[-2] <= residuals[-1] <= alpha * _BLUR * rounding(v):
            break
        pi = here.improved(q)
    raise ValueError(
        f"soft policy iteration is not within {tolerance:g} of the best after {len(policies)} "
        f"policies; its residual is {residuals[-1]:g}. Allow a larger tolerance (rounding alone "
        "can exceed it) or more iterations (max_iterations)"
    )


def _accuracy(residuals: list[float]) -> float:
    """How exactly the next policy need be evaluated: Newton's method asks for little at first."""
    finite = [x for x in residuals if math.isfinite(x)]
    return _ROUGHLY * finite[-1] * min(1.0, finite[-1] / finite[0]) if finite else math.inf
