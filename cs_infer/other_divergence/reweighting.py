"""Fit a policy to weighted trajectories; make it the next prior; repeat.

The forward divergence of chapter 3 can be estimated from trajectories of the
prior, each weighted by ``exp(return / alpha)``. Whoever repeats that with the
fitted policy as the next prior climbs the evidence: it is expectation
maximisation, and it ends with the largest ``log E[exp(return / alpha)]``, a
risk-seeking aim. The same repetition in the variational reading climbs the
expected return, and ends in optimal control.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from cs_infer.arrays import namespace, to_numpy
from cs_infer.checks import require, single_in_numpy, whole_number
from cs_infer.log_space import finite_or_zero, logsumexp, normalise, safe_log
from cs_infer.mdp import TabularMDP
from cs_infer.messages import backward_messages
from cs_infer.policies import policy_return
from cs_infer.trajectories import trajectory_log_likelihood, trajectory_log_prior
from cs_infer.variational import soft_values

Array = Any

READINGS = ("exact", "variational")


class RewardWeighted(NamedTuple):
    """A policy fitted to trajectories, each weighted by ``exp(return / alpha)``.

    Attributes:
        policy: shape (T, S, A); the prior where no weighted trajectory came.
        effective_sample_size: ``(sum w)^2 / sum w^2``, between 1 and the
            number of trajectories.
        log_evidence: the estimate of ``log p(O_1:T = 1)``, in nats.
    """

    policy: np.ndarray
    effective_sample_size: float
    log_evidence: float


class PolicyAsPrior(NamedTuple):
    """What becomes of a policy that is its own next prior.

    Attributes:
        policies: the prior, then the policy after each iteration, shape
            (T, S, A) each.
        log_evidence: ``log E[exp(return / alpha)]`` under each policy, in
            nats, shape (K + 1,), in a batch (K + 1, B).
        returns: the expected return of each, in units of reward, same shape.
    """

    policies: tuple[Array, ...]
    log_evidence: Array
    returns: Array


def reward_weighted_policy(mdp: TabularMDP, states: Any, actions: Any) -> RewardWeighted:
    """Fit a policy to trajectories of the prior, weighted by ``exp(return / alpha)``.

    Implements eq-reward-weighted: ``pi_t(a | s)`` is the share of the weight
    that passes through ``(s, a)`` at step t, of all that passes through s. It
    maximises the weighted log-likelihood of the actions, and approaches
    ``p(a_t | s_t, O_1:T = 1)`` as the number of trajectories grows.

    Args:
        mdp: a single problem in numpy, whose prior drew the actions.
        states: shape (N, T).
        actions: shape (N, T).

    Returns:
        The policy, and how many unweighted trajectories the weighted ones are
        worth.

    Raises:
        ValueError: the shapes or indices do not fit, a trajectory is impossible
            under the prior, or every trajectory has weight zero.

    References:
        Dayan and Hinton (1997), :cite:`dayan1997using`; Peters and Schaal
        (2007), :cite:`peters2007reinforcement`.
    """
    single_in_numpy(mdp, "fitting a policy to trajectories")
    s, a = np.atleast_2d(states), np.atleast_2d(actions)
    log_w, log_p = trajectory_log_likelihood(mdp, s, a), trajectory_log_prior(mdp, s, a)
    require(
        bool(np.all(log_p > -np.inf)),
        "trajectories must be possible under the prior; that of row "
        f"{np.flatnonzero(log_p == -np.inf)[:1]} is not",
    )
    require(
        bool(np.any(log_w > -np.inf)),
        f"some trajectory must have a return above -inf; all {len(log_w)} have weight 0",
    )
    w = normalise(log_w)
    passed = np.zeros((mdp.horizon, mdp.num_states, mdp.num_actions))
    np.add.at(passed, (np.arange(mdp.horizon), s, a), w[:, None])
    policy = _normalised_or(passed, mdp.action_prior)
    log_evidence = logsumexp(log_w) - np.log(len(log_w))
    return RewardWeighted(policy, float(1 / np.sum(w**2)), float(log_evidence))


def policy_as_prior(
    mdp: TabularMDP, *, reading: str = "exact", iterations: int = 10
) -> PolicyAsPrior:
    """Condition on optimality, take the policy as the next prior, and repeat.

    In the exact reading a step is ``pi_{k+1} = p_k(a_t | s_t, O_1:T = 1)``, with
    ``p_k`` the graph whose prior is ``pi_k``. This is expectation maximisation:
    Implements eq-em-evidence, by how much the evidence rises. Its limit
    Implements eq-em-limit: the largest ``log E[exp(return / alpha)]`` of any policy.

    In the variational reading a step is ``pi_{k+1} = pi_k exp((Q_k - V_k) / alpha)``.
    After k of them the policy Implements eq-prior-temperature: it is the
    variational policy of the first prior at temperature ``alpha / k``, whatever
    the dynamics. Its return Implements eq-prior-rate: within
    ``alpha / k sum_t E[log 1 / rho(a_t | s_t)]`` of the best one, where the
    expectation is over the best policy.

    Args:
        mdp: the problem; every step must be observed.
        reading: ``"exact"`` or ``"variational"``.
        iterations: how often, at least 1.

    Returns:
        The policies, their evidence and their returns.

    Raises:
        ValueError: ``reading`` is neither word, some step is not observed, or
            a reward of ``-inf`` cannot be avoided.

    References:
        Dayan and Hinton (1997), :cite:`dayan1997using`; Rawlik, Toussaint and
        Vijayakumar (2013), :cite:`rawlik2013stochastic`; Azar, Gómez and Kappen
        (2012), :cite:`azar2012dynamic`.

    Example:
        >>> mdp = TabularMDP.from_arrays(
        ...     transition=[[[1.0], [1.0]]], reward=[[0.0, -1.0]], initial=[1.0], horizon=1)
        >>> policy_as_prior(mdp, iterations=20).policies[-1].round(6)
        array([[[1., 0.]]])
    """
    _check(mdp, reading)
    policies, evidence = [_prior_each_step(mdp)], []
    for k in range(whole_number("iterations", iterations) + 1):
        habit = _with_prior(mdp, policies[-1])
        exact = backward_messages(habit)
        evidence.append(exact.log_evidence)
        if k < iterations:
            solution = exact if reading == "exact" else soft_values(habit)
            policies.append(_normalised_or(solution.policy, policies[0]))
    returns = [policy_return(mdp, pi) for pi in policies]
    return PolicyAsPrior(tuple(policies), _stacked(evidence), _stacked(returns))


def _prior_each_step(mdp: TabularMDP) -> Array:
    """``rho``, once for each step, shape (..., T, S, A)."""
    rho = mdp.action_prior
    shape = (mdp.horizon, mdp.num_states, mdp.num_actions)
    batch = () if mdp.batch is None else (mdp.batch,)
    return namespace(rho).broadcast_to(rho[..., None, :, :], (*batch, *shape))


def _with_prior(mdp: TabularMDP, policy: Array) -> TabularMDP:
    """The same problem with a prior that may change from step to step.

    A change of prior is a reward: ``rho exp(log(pi / rho)) = pi``.
    """
    log_ratio = safe_log(policy) - finite_or_zero(mdp.log_action_prior)[..., None, :, :]
    xp = namespace(log_ratio)
    allowed = mdp.action_prior[..., None, :, :] > 0
    extra = mdp.temperature * xp.where(allowed, log_ratio, xp.zeros_like(log_ratio))
    return replace(mdp, reward=mdp.reward + extra)


def _normalised_or(weight: Array, fallback: Array) -> Array:
    """Weights over actions made to sum to one; the fallback where all are 0."""
    xp = namespace(weight)
    total = xp.sum(weight, axis=-1, keepdims=True)
    return xp.where(total > 0, weight / xp.where(total > 0, total, xp.ones_like(total)), fallback)


def _stacked(values: list[Any]) -> Array:
    """Numbers, one an iteration, as an array; arrays (B,) as (K + 1, B)."""
    if isinstance(values[0], float):
        return np.array(values)
    return namespace(values[0]).stack(values)


def _check(mdp: TabularMDP, reading: str) -> None:
    require(reading in READINGS, f"reading must be one of {READINGS}; it is {reading!r}")
    require(
        mdp.observed is None,
        "policy_as_prior needs every step observed: where a reward does not count there is "
        "nothing to learn a prior from",
    )
    start = backward_messages(mdp).log_evidence if reading == "exact" else soft_values(mdp).value
    require(
        bool(np.all(np.isfinite(to_numpy(start)))),
        "optimality must be possible: in the exact reading for some trajectory, in the variational "
        f"one for a policy on every trajectory; the {reading} value of the start is -inf (a "
        "reward of -inf cannot be avoided)",
    )
