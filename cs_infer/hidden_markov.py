"""The problem as a hidden Markov model, and the shortcut this opens.

Call ``(s_t, a_t)`` the hidden state and ``O_t`` the observation: the graph of
chapter 1 is that of a hidden Markov model, so anything that was ever written
for those applies. And since a message about states alone never looks at the
action, the action can be summed out once, before the first step.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from cs_infer.arrays import constant, index_like, namespace, segment_sum, to_numpy
from cs_infer.checks import require
from cs_infer.dynamics import Dense, Dynamics, Sparse
from cs_infer.log_space import finite_or_zero, logsumexp, normalise
from cs_infer.mdp import TabularMDP

Array = Any

_PAYS_OFF = {Dense: 8, Sparse: 64}  # steps, from which the shortcut is worth its preparation


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

    def back(self, t: int, v_next: Array) -> Array:
        """One step of the message of the states; the same at every ``t``."""
        return self.log_rate + self.kernel.log_expect(v_next)[..., 0]


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
    merge = _merged_matrix if isinstance(mdp.dynamics, Dense) else _merged_lists
    return merge(mdp.dynamics, weight)


def _merged_matrix(dynamics: Dense, weight: Array) -> Collapsed | None:
    log_w = logsumexp(weight[..., None] + dynamics.log_weight, axis=-2)
    log_rate = logsumexp(log_w, axis=-1)
    if _underflows(log_w, log_rate):
        return None
    return Collapsed(log_rate, Dense.__new__(Dense)._store(normalise(log_w)[..., None, :]))


def _merged_lists(dynamics: Sparse, weight: Array) -> Collapsed | None:
    """Sum the weights of a state that appears several times among the A lists of K."""
    S = dynamics.num_states
    *lead, _, A, K = dynamics.probability.shape
    log_w = (weight[..., None] + dynamics.log_weight).reshape(-1, A * K)
    log_rate = logsumexp(log_w, axis=-1)
    if _underflows(log_w, log_rate):
        return None
    target, place = _distinct(to_numpy(dynamics.next_state).reshape(-1, A * K))
    count = target.shape[-1]
    slot = place + count * np.arange(len(place))[:, None]
    share = normalise(log_w).reshape(-1)
    merged = segment_sum(share, index_like(share, slot.reshape(-1)), target.size)
    kernel = Sparse.__new__(Sparse)._store(
        index_like(share, target).reshape(*lead, S, 1, count), merged.reshape(*lead, S, 1, count)
    )
    return Collapsed(log_rate.reshape(*lead, S), kernel)


def _distinct(targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different numbers of each row, padded with repeats, and the place of each entry."""
    order = np.argsort(targets, axis=1, kind="stable")
    in_order = np.take_along_axis(targets, order, axis=1)
    new = np.diff(in_order, axis=1, prepend=-1) != 0
    place_in_order = np.cumsum(new, axis=1) - 1
    distinct = np.repeat(in_order[:, :1], place_in_order.max() + 1, axis=1)
    np.put_along_axis(distinct, place_in_order, in_order, axis=1)
    place = np.empty_like(place_in_order)
    np.put_along_axis(place, order, place_in_order, axis=1)
    return distinct, place


def _underflows(log_w: Array, log_rate: Array) -> bool:
    """Whether some possible successor would get a share that floating point cannot hold."""
    xp = namespace(log_w)
    share = constant(log_w) - finite_or_zero(constant(log_rate))[..., None]
    smallest = float(xp.min(xp.where(xp.isfinite(share), share, xp.zeros_like(share))))
    return smallest < 0.9 * math.log(float(xp.finfo(log_w.dtype).smallest_normal))
