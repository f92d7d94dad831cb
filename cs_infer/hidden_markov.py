"""The problem as a hidden Markov model, and the shortcut this opens.

Call ``(s_t, a_t)`` the hidden state and ``O_t`` the observation: the graph of
chapter 1 is that of a hidden Markov model, so anything that was ever written
for those applies. And since a message about states alone never looks at the
action, the action can be summed out once, before the first step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cs_infer.arrays import constant, namespace
from cs_infer.checks import require
from cs_infer.dynamics import Dense, Dynamics, Sparse
from cs_infer.dynamics.layout import merged_lists, spread
from cs_infer.in_place import lists_of
from cs_infer.log_space import finite_or_zero, logsumexp, safe_log
from cs_infer.mdp import TabularMDP

Array = Any

_PAYS_OFF = {Dense: 16, Sparse: 32}  # steps, from which the shortcut is worth its preparation


class HiddenMarkovView(NamedTuple):
    """The same joint distribution as a hidden Markov model.

    The hidden state at step t is the pair ``(s_t, a_t)``, numbered ``s A + a``.

    Attributes:
        initial: ``mu_0(s) rho(a | s)``, shape (S A,).
        transition: ``P(s' | s, a) rho(a' | s')``, shape (S A, S A).
        log_likelihood: ``log p(O_t = 1 | s_t, a_t)``, shape (T, S A).
    """

    initial: Array
    transition: Array
    log_likelihood: Array


def hidden_markov_view(mdp: TabularMDP) -> HiddenMarkovView:
    """Write the problem as a hidden Markov model, for any library that takes one.

    Implements eq-hidden-markov-view.

    Args:
        mdp: a single problem, without ``reward_next`` and terminal values.

    Returns:
        Initial distribution, transition matrix and observation likelihoods.

    Raises:
        ValueError: the problem is a batch, or its rewards or terminal values
            depend on the next state, which the pair (s, a) does not hold.
    """
    require(mdp.batch is None, "hidden_markov_view needs a single problem; this is a batch")
    require(
        mdp.reward_next is None and mdp.terminal_value is None,
        "hidden_markov_view needs rewards of (s, a) alone, and no terminal value",
    )
    S, A = mdp.num_states, mdp.num_actions
    transition = mdp.transition[..., None] * mdp.action_prior
    initial = mdp.initial[:, None] * mdp.action_prior
    xp = namespace(initial)
    rewards = xp.stack([mdp.step(t)[0] for t in range(mdp.horizon)])
    return HiddenMarkovView(
        initial.reshape(S * A),
        transition.reshape(S * A, S * A),
        rewards.reshape(mdp.horizon, S * A),
    )


def collapsed_kernel(mdp: TabularMDP) -> Array:
    """``log W(s, s')``: one step of the exact message, with the action summed out.

    Implements eq-collapsed-kernel: ``W(s, s') = sum_a rho(a | s)
    exp(r(s, a) / alpha) P(s' | s, a)``, so that ``beta_t = W beta_{t+1}``. Each
    step then costs as many terms as there are pairs of states, not A times as
    many. :func:`cs_infer.backward_messages` does so by itself when it pays.

    Args:
        mdp: a problem whose reward is constant in time, all steps observed.

    Returns:
        Shape (S, S), in nats; ``-inf`` where no action leads from s to s'.

    Raises:
        ValueError: the reward changes with time.
    """
    require(
        mdp.has_constant_reward,
        "collapsed_kernel needs a reward given once, shape (S, A), and every step observed",
    )
    weight = mdp.log_action_weight(0)
    return logsumexp(weight[..., None] + mdp.log_step, axis=-2)


class Collapsed(NamedTuple):
    """``log beta_t(s) = log_rate(s) + log E_kernel[beta_{t+1}(s')]``.

    Attributes:
        log_rate: ``log sum_s' W(s, s')``, shape (..., S), in nats.
        kernel: ``W`` with its rows normalised: dynamics of a single action.
    """

    log_rate: Array
    kernel: Dynamics

    def back(self) -> Callable[[int, Array], Array]:
        """One step of the message of the states, the same at every ``t``."""
        rate = self.log_rate[..., None]
        lists = lists_of(self.kernel, self.log_rate)

        def step(t: int, v_next: Array) -> Array:
            v = None if lists is None else lists.step(v_next, rate, exact=True)
            return (rate + self.kernel.log_expect(v_next))[..., 0] if v is None else v

        return step


def collapsed(mdp: TabularMDP) -> Collapsed | None:
    """The action summed out beforehand, or None where that does not pay.

    It does not pay over few steps, nor where a batch of rewards shares its
    dynamics; and it must not be used where a row of ``W`` spans more than
    floating point does.
    """
    steps = _PAYS_OFF.get(type(mdp.dynamics))
    shared = mdp.batch is not None and mdp.dynamics.batch is None
    if (
        steps is None
        or mdp.horizon < steps
        or mdp.num_actions == 1
        or not mdp.has_constant_reward
        or mdp.reward_next is not None
        or shared
    ):
        return None
    weight = mdp.log_action_weight(0)
    if spread(weight, axis=-1) > mdp.dynamics.reach:
        return None
    top = finite_or_zero(constant(namespace(weight).max(weight, axis=-1, keepdims=True)))
    share = namespace(weight).exp(weight - top)
    merge = _merged_matrix if isinstance(mdp.dynamics, Dense) else _merged_lists
    kernel = merge(mdp.dynamics, share)
    total = namespace(weight).sum(kernel.probability, axis=-1)
    log_rate = safe_log(total[..., 0]) + top[..., 0]
    possible = namespace(total).where(total > 0, total, namespace(total).ones_like(total))
    return Collapsed(log_rate, kernel.with_probability(kernel.probability / possible[..., None]))


def _merged_matrix(dynamics: Dense, share: Array) -> Dense:
    """``sum_a share(s, a) P(s' | s, a)``, as dynamics of one action."""
    merged = namespace(share).einsum("...sat,...sa->...st", dynamics.probability, share)
    return dynamics.with_probability(merged[..., None, :])


def _merged_lists(dynamics: Sparse, share: Array) -> Sparse:
    """The same over lists: a state that several of the A lists name is listed once."""
    shape = (*dynamics.probability.shape[:-2], 1, -1)
    next_state = namespace(share).broadcast_to(dynamics.next_state, dynamics.probability.shape)
    weight = dynamics.probability * share[..., None]
    return Sparse.unchecked(*merged_lists(next_state.reshape(shape), weight.reshape(shape)))
