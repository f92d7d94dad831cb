"""The variational bound: how close a distribution over trajectories comes to the posterior.

Take any distribution ``q(tau) = q(s_1) prod_t pi_t(a_t | s_t) q_t(s_{t+1} | s_t, a_t)``.
Jensen's inequality bounds the evidence from below,

    log p(O) >= ELBO = E_q[sum_t r_t / alpha] - E_q[sum_t KL(pi_t || rho)] - KL of the dynamics,

and what is missing is ``KL(q(tau) || p(tau | O))``. With the true dynamics in q the last
term is gone, and only the policy is free: that is control. With free dynamics the bound
can be closed, by an agent that believes in its luck.

A trajectory here goes on to where its last step ends. That state matters only to rewards
of the next state and to a terminal value; otherwise it sums out. All is in nats, and every
constant is kept.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from cs_infer.arrays import is_torch, namespace, to_numpy
from cs_infer.checks import check_distribution, kind, real_array, require
from cs_infer.dynamics import Dynamics, as_dynamics
from cs_infer.log_space import mean, relative_entropy, safe_log
from cs_infer.mdp import TabularMDP
from cs_infer.messages import backward_messages, plain
from cs_infer.policies import check_reached, checked_policy, policy_occupancy
from cs_infer.posterior import optimism_gap

Array = Any


class BoundTerms(NamedTuple):
    """The three parts of the bound, in nats; arrays (B,) in a batch.

    Attributes:
        reward: ``E_q[sum_t r_t / alpha]``, what is paid on arrival and at the end included.
        policy_divergence: ``E_q[sum_t KL(pi_t || rho)]``, at least 0; ``inf`` where the policy
            does what the prior forbids.
        dynamics_divergence: ``KL(q(s_1) || mu_0) + E_q[sum_t KL(q_t || P)]``; 0 with the
            true dynamics and the true first state.
    """

    reward: Any
    policy_divergence: Any
    dynamics_divergence: Any

    @property
    def elbo(self) -> Any:
        """``reward - policy_divergence - dynamics_divergence``."""
        return self.reward - self.policy_divergence - self.dynamics_divergence


class GapTerms(NamedTuple):
    """What separates a policy from the posterior, in nats; arrays (B,) in a batch.

    Attributes:
        policy: ``E_q[sum_t KL(pi_t(. | s_t) || p(. | s_t, O))]``: how far its actions are from
            the posterior's. At the best policy it need not be 0.
        luck: ``E_q[sum_t KL(P || p(s_{t+1} | s_t, a_t, O))]``: how much kinder the posterior's
            dynamics are where the policy goes.
        initial: ``KL(mu_0 || p(s_1 | O))``: the luck of the first state.
    """

    policy: Any
    luck: Any
    initial: Any

    @property
    def total(self) -> Any:
        """``KL(q(tau) || p(tau | O))``, the sum of the three."""
        return self.policy + self.luck + self.initial


def elbo(mdp: TabularMDP, policy: Any, *, dynamics: Any = None, initial: Any = None) -> Any:
    """The lower bound on ``log p(O)`` that a policy reaches, with every constant.

    Implements eq-elbo: ``E_q[log p(tau, O) - log q(tau)]``, where by default q is of the
    family in which only the policy is free. That Implements eq-family:
    ``q(tau) = mu_0(s_1) prod_t pi_t(a_t | s_t) prod_t P(s_{t+1} | s_t, a_t)``.
    See :func:`bound_terms` for the arguments, and :func:`cs_infer.soft_values` for the
    policy that maximises it.

    Returns:
        In nats; ``-inf`` where q does with positive probability what is impossible under
        the prior or never optimal. An array (B,) in a batch.

    Example:
        >>> mdp = TabularMDP.from_arrays(
        ...     transition=[[[1.0], [1.0]]], reward=[[0.0, 0.0]], initial=[1.0], horizon=5)
        >>> elbo(mdp, [[0.5, 0.5]])
        0.0
    """
    return bound_terms(mdp, policy, dynamics=dynamics, initial=initial).elbo


def bound_terms(
    mdp: TabularMDP, policy: Any, *, dynamics: Any = None, initial: Any = None
) -> BoundTerms:
    """The parts of the bound, by following q forward.

    Implements eq-elbo-terms: ``sum_t E_q[r_t / alpha] - sum_t E_q[KL(pi_t || rho)]``. With
    dynamics and a first state of its own, this Implements eq-free-family: less
    ``KL(q_1 || mu_0) + sum_t E_q[KL(q_t(. | s, a) || P(. | s, a))]``. With those of the posterior
    the bound is ``log p(O)`` itself.

    Args:
        mdp: the problem. Where optimality is not observed, no reward counts.
        policy: ``pi_t(a | s)``, shape (T, S, A) or (S, A), in a batch also (B, T, S, A).
        dynamics: ``q_t(s' | s, a)``: the true ones by default; else dynamics or an array
            (S, A, S) for every step, or a list with one for each move between two steps
            (T - 1 of them; a T-th says where the last step ends).
        initial: ``q(s_1)``, shape (S,); the true one by default.

    Returns:
        Reward and divergences, in nats.

    Raises:
        ValueError: a shape does not fit, or the policy or the dynamics are no
            distribution where q goes.
    """
    pi, steps = checked_policy(mdp, policy), _moves(mdp, dynamics)
    state = mdp.for_each(_first_state(mdp, initial))
    reward, chosen, moved = 0.0, 0.0, relative_entropy(state, mdp.log_initial)
    for t, q in enumerate(steps):
        pi_t = pi[..., t, :, :]
        check_reached(pi_t, state, t)
        visits = state[..., None] * pi_t
        paid, divergence = _one_move(mdp, t, q)
        reward = reward + mean(visits, paid, (-2, -1))
        chosen = chosen + expectation(state, relative_entropy(pi_t, mdp.log_action_prior), -1)
        if divergence is not None:
            moved = moved + expectation(visits, divergence, (-2, -1))
        state = q.push(visits)
        if divergence is not None:
            check_distribution(f"the states that dynamics[{t}] leads to", state, (":",))
    reward = reward + mean(state, mdp.log_terminal)
    return BoundTerms(*(plain(x, mdp.initial) for x in (reward, chosen, moved)))


def _one_move(mdp: TabularMDP, t: int, q: Dynamics) -> tuple[Array, Array | None]:
    """What step t pays on average, and ``KL(q || P)``, shape (..., S, A); None for the truth."""
    reward, true = mdp.step(t)
    if q is mdp.dynamics:
        return (reward if true.gain is None else reward + true.mean_gain), None
    q, true = _on_the_same_lists(q, true)
    if true.gain is not None:
        reward = reward + mean(q.probability, true.gain)
    return reward, relative_entropy(q.probability, safe_log(true.probability))


def _on_the_same_lists(q: Dynamics, true: Dynamics) -> tuple[Dynamics, Dynamics]:
    lists = [to_numpy(d.next_state) for d in (q, true)]
    alike = lists[0].shape[-3:] == lists[1].shape[-3:] and bool((lists[0] == lists[1]).all())
    return (q, true) if alike else (q.to_dense(), true.to_dense())


def expectation(probability: Array, divergence: Array, axis: int | tuple[int, ...]) -> Array:
    """``E[divergence]``, where ``inf`` counts if it is possible, and only then."""
    return 0.0 - mean(probability, 0.0 - divergence, axis)


def _moves(mdp: TabularMDP, dynamics: Any) -> list[Dynamics]:
    """One dynamics object for each of the T steps."""
    T = mdp.horizon
    if dynamics is None:
        return [mdp.dynamics] * T
    steps = list(dynamics) if isinstance(dynamics, list | tuple) else [dynamics] * T
    require(
        len(steps) in (T - 1, T),
        f"dynamics must be one, or a list of T - 1 = {T - 1} or T = {T}; it has {len(steps)}",
    )
    steps = [_dynamics_like(mdp, t, d) for t, d in enumerate(steps)]
    steps += [mdp.dynamics] * (T - len(steps))
    sizes = (mdp.num_states, mdp.num_actions)
    for t, q in enumerate(steps):
        fits = (q.num_states, q.num_actions) == sizes and q.batch in (None, mdp.batch)
        require(fits, f"dynamics[{t}] must be of the problem's size {sizes}; it is {q!r}")
    return steps


def _dynamics_like(mdp: TabularMDP, t: int, given: Any) -> Dynamics:
    """Dynamics in the library of the problem."""
    name = f"dynamics[{t}]"
    if not isinstance(given, Dynamics):
        return as_dynamics(real_array(name, given, mdp.initial))
    require(
        is_torch(given.probability) == is_torch(mdp.initial),
        f"{name} must be of the problem's library; it is {kind(given.probability)}, the problem "
        f"is {kind(mdp.initial)}",
    )
    return given


def _first_state(mdp: TabularMDP, initial: Any) -> Array:
    if initial is None:
        return mdp.initial
    start, shapes = real_array("initial", initial, mdp.initial), [(mdp.num_states,)]
    shapes += [] if mdp.batch is None else [(mdp.batch, mdp.num_states)]
    require(
        tuple(start.shape) in shapes,
        f"initial must have shape {shapes[-1]}; it has {tuple(start.shape)}",
    )
    check_distribution("initial", start, (":",))
    return start


def kl_to_posterior(mdp: TabularMDP, policy: Any) -> GapTerms:
    """``KL(q(tau) || p(tau | O))`` of a policy under the true dynamics, by the chain rule.

    Implements eq-gap-split: the policy's share, the share of luck, the share of the first
    state. Implements eq-evidence-decomposition: ``log p(O) = ELBO + total``.

    Luck at the last step is 0 unless where it ends is paid for (``reward_next`` or a
    terminal value). The shares of luck vanish together with optimism: where dynamics are
    deterministic and the first state is fixed, the posterior policy closes the bound.

    Args:
        mdp: the problem.
        policy: ``pi_t(a | s)``, shape (T, S, A) or (S, A), in a batch also (B, T, S, A).

    Returns:
        Three shares, each at least 0, in nats; ``inf`` where the posterior rules out what
        the policy or the world may do.

    Raises:
        ValueError: optimality is impossible, so that there is no posterior; or the policy is
            wrong, see :func:`cs_infer.policy_occupancy`.
    """
    pi, visits = checked_policy(mdp, policy), policy_occupancy(mdp, policy)
    messages, gaps = backward_messages(mdp), optimism_gap(mdp)
    xp = namespace(pi)
    log_evidence = messages.values.log_mean(mdp.log_initial)[..., None]
    require(
        bool(xp.all(log_evidence > -math.inf)),
        "optimality is impossible in this problem, so there is no posterior to compare with",
    )
    choice, luck = 0.0, 0.0
    for t in range(mdp.horizon):
        log_posterior = mdp.log_action_prior + messages.advantage[..., t, :, :]
        divergence = relative_entropy(pi[..., t, :, :], log_posterior)
        choice = choice + expectation(xp.sum(visits[..., t, :, :], axis=-1), divergence, -1)
        luck = luck + expectation(visits[..., t, :, :], gaps[..., t, :, :], (-2, -1))
    start = log_evidence - messages.log_beta_s[..., 0, :]
    initial = expectation(mdp.for_each(mdp.initial), start, -1)
    return GapTerms(*(plain(x, mdp.initial) for x in (choice, luck, initial)))
