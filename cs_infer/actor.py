"""The variational side of VIREL: what an actor climbs, and how noisy the climb is.

The Boltzmann policy of :mod:`cs_infer.cooling` needs a sum over all actions. An
actor that cannot compute it is a policy of its own, and is drawn towards the
Boltzmann policy by raising one objective.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cs_infer.arrays import arange_like, constant, namespace
from cs_infer.bellman_error import checked_heat, checked_values
from cs_infer.checks import check_distribution, first_place, place, real_array, require, shaped
from cs_infer.log_space import logsumexp, safe_log
from cs_infer.mdp import TabularMDP
from cs_infer.messages import plain

Array = Any


class VirelObjective(NamedTuple):
    """``L = energy - divergence = log_normaliser - gap``, all in nats.

    Attributes:
        energy: ``E_d E_pi[Q / epsilon]``.
        divergence: ``E_d KL(pi || rho)``.
        log_normaliser: ``E_d log sum_a rho exp(Q / epsilon)``.
        gap: ``E_d KL(pi || pi_epsilon)``, which the E-step brings to 0.
    """

    energy: Any
    divergence: Any
    log_normaliser: Any
    gap: Any

    @property
    def value(self) -> Any:
        """``L``, in nats."""
        return self.energy - self.divergence


class ActorGradient(NamedTuple):
    """The mean and the variance of one sampled gradient, for each state.

    Attributes:
        mean: with respect to the logits of the actor, shape (S, A), in units of
            reward; the same for every baseline.
        variance: summed over the logits, shape (S,), in units of reward squared.
    """

    mean: Array
    variance: Array


def virel_objective(
    mdp: TabularMDP, Q: Any, policy: Any, *, temperature: Any, state_weights: Any = None
) -> VirelObjective:
    """The objective of actor and critic, in both its forms.

    Implements eq-virel-objective and eq-virel-gap:
    ``L = E_d[E_pi[Q / epsilon] - KL(pi || rho)]``, and this equals
    ``E_d[log sum_a rho exp(Q / epsilon)] - E_d[KL(pi || pi_epsilon)]``.

    Args:
        mdp: the problem.
        Q: shape (S, A), in units of reward.
        policy: the actor, shape (S, A); zero where the prior is.
        temperature: ``epsilon`` > 0, in units of reward; (B,) in a batch, if it
            differs.
        state_weights: ``d(s)``, shape (S,), sums to 1; uniform by default.

    Returns:
        The four terms, in nats; an array (B,) each in a batch.

    Raises:
        ValueError: a shape, a distribution or the temperature is wrong, or the
            actor does what the prior forbids.
    """
    Q, pi, heat = _checked(mdp, Q, policy, temperature)
    xp, d = namespace(Q), _checked_states(mdp, state_weights)
    require(bool(xp.all(heat > 0)), f"temperature must be above 0; it is {temperature}")
    scaled = Q / heat[..., None, None]
    log_z = logsumexp(mdp.log_action_prior + scaled, axis=-1)
    ratio = _log_ratio(pi, mdp)
    by_state = (
        xp.sum(pi * scaled, axis=-1),
        xp.sum(pi * ratio, axis=-1),
        log_z,
        xp.sum(pi * (ratio - scaled + log_z[..., None]), axis=-1),
    )
    return VirelObjective(*(plain(xp.sum(d * x, axis=-1), mdp.initial) for x in by_state))


def actor_gradient(
    mdp: TabularMDP, Q: Any, policy: Any, *, temperature: Any, baseline: Any = 0.0
) -> ActorGradient:
    """The gradient that the E-step climbs, from one sampled action, by enumeration.

    Implements eq-actor-gradient: with logits ``theta`` the sample is
    ``grad log pi(a | s) (Q(s, a) - epsilon log(pi / rho) - b(s))``. Its mean is
    ``epsilon`` times the gradient of the objective in this state, whatever ``b`` is.

    Args:
        mdp: the problem.
        Q: shape (S, A), in units of reward.
        policy: the actor, a softmax of logits, shape (S, A); zero where the
            prior is.
        temperature: ``epsilon``, at least 0.
        baseline: ``b(s)``, a number or shape (S,), in units of reward; or
            ``"best"`` for the one of least variance.

    Returns:
        Mean and variance for each state.

    Raises:
        ValueError: see :func:`virel_objective`.
    """
    Q, pi, heat = _checked(mdp, Q, policy, temperature)
    xp = namespace(Q)
    score = _one_hot(Q) - pi[..., None, :]  # indexed [s, a, logit]
    size = xp.sum(score**2, axis=-1)
    signal = Q - heat[..., None, None] * _log_ratio(pi, mdp)
    if isinstance(baseline, str):
        require(baseline == "best", f'baseline must be numbers or "best"; it is {baseline!r}')
        whole = xp.sum(pi * size, axis=-1)  # 0 where only one action is left
        baseline = xp.sum(pi * size * signal, axis=-1) / xp.where(whole > 0, whole, 1.0)
    signal = signal - _checked_baseline(Q, baseline)[..., None]
    mean = xp.sum((pi * signal)[..., None] * score, axis=-2)
    square = xp.sum(pi * size * signal**2, axis=-1)
    return ActorGradient(mean, square - xp.sum(mean**2, axis=-1))


def _log_ratio(pi: Array, mdp: TabularMDP) -> Array:
    """``log pi - log rho``, in nats; 0 where the actor never goes."""
    xp = namespace(pi)
    never = pi == 0
    log_pi = xp.log(xp.where(never, xp.ones_like(pi), pi))
    return xp.where(never, xp.zeros_like(pi), log_pi - safe_log(mdp.action_prior))


def _one_hot(Q: Array) -> Array:
    """The identity matrix (A, A), of the kind of ``Q``."""
    actions = arange_like(Q, Q.shape[-1])
    return namespace(Q).astype(actions[:, None] == actions, Q.dtype)


def _checked(mdp: TabularMDP, Q: Any, policy: Any, temperature: Any) -> tuple[Array, Array, Array]:
    """Values, actor and temperature, fit for each other."""
    Q, heat = checked_values(mdp, Q), checked_heat(mdp, temperature)
    pi = shaped("policy", policy, tuple(Q.shape), mdp.initial)
    check_distribution("policy", pi, ("s", ":"))
    lost = constant((pi > 0) & (mdp.action_prior == 0))
    if bool(namespace(lost).any(lost)):
        raise ValueError(
            f"policy must be 0 where action_prior is; {place('policy', first_place(lost))} is not"
        )
    return Q, pi, heat


def _checked_baseline(Q: Array, baseline: Any) -> Array:
    """``b(s)``, a number or one for each state."""
    b, full = real_array("baseline", baseline, Q), tuple(Q.shape[:-1])
    fits = tuple(b.shape) in ((), full[-1:], full)
    require(fits, f"baseline must have shape {full} or be a number; it has {tuple(b.shape)}")
    require(bool(namespace(b).all(namespace(b).isfinite(b))), "baseline must be finite")
    return b


def _checked_states(mdp: TabularMDP, weights: Any) -> Array:
    """``d(s)``, shape (S,)."""
    if weights is None:
        return namespace(mdp.initial).full_like(mdp.initial, 1.0 / mdp.num_states)
    d = shaped("state_weights", weights, (mdp.num_states,), mdp.initial)
    check_distribution("state_weights", d, (":",))
    return d
