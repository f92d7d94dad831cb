"""What a policy earns, what it pays for leaving the prior, and where it spends its time."""

from __future__ import annotations

from typing import Any, NamedTuple

from cs_infer.arrays import constant, namespace
from cs_infer.bound import bound_terms, expectation
from cs_infer.checks import require
from cs_infer.evaluation import DIRECT, discounted_matrix, stationary_policy, world
from cs_infer.log_space import mean, relative_entropy
from cs_infer.mdp import TabularMDP
from cs_infer.messages import plain
from cs_infer.policies import check_reached, checked_policy, policy_occupancy

Array = Any

_NEGLIGIBLE = 1e-15  # of the whole: what is left out of an endless sum


class RegularisedReturn(NamedTuple):
    """What a policy earns, and what it pays for not being the prior; arrays (B,) in a batch.

    Attributes:
        reward: ``E[sum_t r_t]``, in units of reward, discounted if there is a discount.
        divergence: ``E[sum_t KL(pi_t || rho)]``, in nats, discounted alike.
        entropy: ``E[sum_t H(pi_t)]``, in nats, discounted alike. With a uniform prior it is
            ``log |A|`` a step, less the divergence.
        total: ``reward - alpha divergence``, in units of reward.
    """

    reward: Any
    divergence: Any
    entropy: Any
    total: Any


def regularised_return(
    mdp: TabularMDP, policy: Any, *, discount: float | None = None
) -> RegularisedReturn:
    """The return of a policy, and its relative entropy from the prior, apart.

    Implements eq-regularised-return: ``E[sum_t r_t] - alpha E[sum_t KL(pi_t || rho)]``, which is
    ``alpha`` times the bound. With a uniform prior it Implements eq-max-entropy:
    ``E[sum_t r_t] + alpha E[sum_t H(pi_t)] - alpha T log |A|``. Along the best policies it
    Implements eq-frontier: as alpha changes, ``d reward = alpha d divergence``.

    Args:
        mdp: the problem. Without a discount, rewards count where optimality is observed.
        policy: shape (T, S, A) or (S, A); with a discount (S, A).
        discount: ``gamma``, at least 0 and below 1; None for the problem's horizon.

    Returns:
        Reward, divergence, entropy and their total.

    Raises:
        ValueError: the policy is no distribution where it goes.
    """
    alpha, here = mdp.temperature, world(mdp, discount)
    if discount is None:
        pi, visits = checked_policy(mdp, policy), policy_occupancy(mdp, policy)
        reward = alpha * bound_terms(mdp, policy).reward
    else:
        pi, weight = stationary_policy(mdp, policy), 1 / (1 - discount)
        visits = weight * discounted_occupancy(mdp, policy, discount)
        reward = plain(alpha * mean(visits, here.q_of(here.zero), (-2, -1)), mdp.initial)
    xp = namespace(visits)
    state = xp.sum(visits, axis=-1)
    axes = tuple(range(0 if mdp.batch is None else 1, state.ndim))
    divergence = plain(expectation(state, relative_entropy(pi, here.log_prior), axes), mdp.initial)
    surprise = 0.0 - relative_entropy(pi, xp.zeros_like(pi))
    entropy = plain(mean(state, surprise, axes), mdp.initial)
    return RegularisedReturn(reward, divergence, entropy, reward - alpha * divergence)


def discounted_occupancy(mdp: TabularMDP, policy: Any, discount: float) -> Array:
    """Where a policy spends its time, later steps counting less.

    Implements eq-discounted-occupancy:
    ``d(s, a) = (1 - gamma) sum_{t >= 1} gamma^{t-1} p_pi(s_t, a_t)``.

    Args:
        mdp: the problem; its rewards and its horizon do not matter.
        policy: shape (S, A), in a batch also (B, S, A).
        discount: ``gamma``, at least 0 and below 1.

    Returns:
        Probabilities, shape (S, A); they sum to one.

    Raises:
        ValueError: the policy is no distribution in a state it reaches.
    """
    require(0 <= discount < 1, f"the discount must lie in [0, 1); it is {discount}")
    pi, start = stationary_policy(mdp, policy), mdp.for_each(mdp.initial)
    xp = namespace(pi)
    if mdp.num_states <= DIRECT:
        matrix = discounted_matrix(mdp, pi, discount).swapaxes(-1, -2)
        state = (1 - discount) * xp.linalg.solve(matrix, start[..., None])[..., 0]
    else:
        state, share = xp.zeros_like(start), (1 - discount) * start
        while float(xp.max(constant(xp.sum(share, axis=-1)))) > _NEGLIGIBLE:
            state, share = state + share, discount * mdp.dynamics.push(share[..., None] * pi)
    state = xp.where(state > 0, state, xp.zeros_like(state))  # rounding may leave -1e-17
    check_reached(pi, state)
    return state[..., None] * pi
