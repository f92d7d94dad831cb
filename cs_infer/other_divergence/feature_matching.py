"""Maximum causal entropy: the policy nearest to the prior that shows given features.

The variational policy answers "which policy trades reward against divergence
from the prior?". The same policy answers a question without any reward: of all
policies whose expected features are those observed, which commits to least
else? The reward comes in as the multipliers of the constraints.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from cs_infer.checks import real_array, require, single_in_numpy
from cs_infer.mdp import TabularMDP
from cs_infer.other_divergence.newton import Curve, minimise
from cs_infer.policies import policy_occupancy
from cs_infer.variational import soft_values

Array = np.ndarray


class MatchedPolicy(NamedTuple):
    """The policy of largest causal entropy, relative to the prior, that matches features.

    Attributes:
        policy: shape (T, S, A).
        multipliers: ``theta``, one for each feature, in nats a unit of it, shape (F,).
        divergence: ``E[sum_t KL(pi_t || rho)]``, in nats: minus the causal
            entropy relative to the prior.
        residual: by how much an expected feature is missed at most.
        iterations: Newton steps taken.
    """

    policy: Array
    multipliers: Array
    divergence: float
    residual: float
    iterations: int


def match_features(
    mdp: TabularMDP,
    features: Any,
    target: Any,
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 100,
) -> MatchedPolicy:
    """The policy nearest to the prior whose expected features are given.

    Implements eq-causal-entropy: of all policies with
    ``E[sum_t phi_t(s_t, a_t)] = target``, the one of smallest
    ``E[sum_t KL(pi_t || rho)]`` is the variational policy, at temperature 1, of
    the reward ``theta . phi``. The multipliers minimise
    ``E[V_1(s_1)] - theta . target``, which is convex; its gradient is the
    mismatch.

    Args:
        mdp: a single problem in numpy; its rewards and temperature play no part.
        features: ``phi_t(s, a)``, shape (S, A, F) or (T, S, A, F).
        target: expected sums over the horizon, shape (F,).
        tolerance: how far an expected feature may be missed.
        max_iterations: give up after this many Newton steps.

    Returns:
        The policy and its multipliers.

    Raises:
        ValueError: a shape does not fit, or no policy that the prior allows,
            with positive probability for each allowed action, has these features.

    References:
        Ziebart (2010), :cite:`ziebart2010modeling`.
    """
    single_in_numpy(mdp, "match_features")
    phi, wanted = _checked(mdp, features, target)
    mdp = mdp.to_numpy(dtype=np.float64)
    plain = replace(mdp, temperature=1.0, reward_next=None, terminal_value=None, observed=None)

    def curve(theta: Array) -> Curve:
        return _dual(replace(plain, reward=phi @ theta), phi, theta, wanted)

    start = np.zeros(len(wanted))
    found = minimise(curve, start, tolerance=tolerance, max_iterations=max_iterations)
    require(
        found.residual <= max(tolerance, 1e-8),
        f"the target must be what a policy can show that gives each allowed action some "
        f"probability; after {found.iterations} Newton steps the expected features still miss "
        f"{wanted} by {found.residual:.3g}",
    )
    policy = soft_values(replace(plain, reward=phi @ found.x)).policy
    return MatchedPolicy(policy, found.x, -curve(found.x).value, found.residual, found.iterations)


def _dual(problem: TabularMDP, phi: Array, theta: Array, wanted: Array) -> Curve:
    """``E[V_1] - theta . target``; the gradient is the mismatch, the Hessian a covariance."""
    soft = soft_values(problem)
    visits = policy_occupancy(problem, soft.policy)
    ahead, hessian = np.zeros((problem.num_states, len(theta))), 0.0
    for t in reversed(range(problem.horizon)):
        to_go = phi[t] + np.stack([problem.dynamics.expect(x) for x in ahead.T], axis=-1)
        ahead = np.einsum("sa,saf->sf", soft.policy[t], to_go)
        spread = to_go - ahead[:, None, :]
        hessian = hessian + np.einsum("sa,saf,sag->fg", visits[t], spread, spread)
    mismatch = problem.initial @ ahead - wanted
    return Curve(float(soft.value - theta @ wanted), mismatch, np.asarray(hessian))


def _checked(mdp: TabularMDP, features: Any, target: Any) -> tuple[Array, Array]:
    phi = real_array("features", features, mdp.initial)
    wanted = real_array("target", target, mdp.initial)
    T, S, A = mdp.horizon, mdp.num_states, mdp.num_actions
    fits = wanted.ndim == 1 and len(wanted) > 0
    require(fits, f"target must have shape (F,), F at least 1; it has {wanted.shape}")
    F = len(wanted)
    require(
        phi.shape in ((S, A, F), (T, S, A, F)),
        f"features must have shape (S, A, F) = {(S, A, F)} or (T, S, A, F); they have {phi.shape}",
    )
    for name, x in (("features", phi), ("target", wanted)):
        require(bool(np.all(np.isfinite(x))), f"{name} must be finite")
    return np.broadcast_to(phi, (T, S, A, F)), wanted
