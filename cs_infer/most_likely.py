"""The most likely trajectory given optimality: max-product instead of sum-product.

The same sweep, with maxima in place of sums. The sequence of the most likely
states, taken one step at a time, is something else, and may not even be
feasible.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cs_infer.arrays import constant, index_like, namespace, to_numpy
from cs_infer.backups import sweep_with
from cs_infer.checks import require
from cs_infer.mdp import TabularMDP
from cs_infer.messages import backward_messages

Array = Any


class MostLikelyTrajectory(NamedTuple):
    """The mode of ``p(tau | O_1:T = 1)``.

    Attributes:
        states: shape (T,).
        actions: shape (T,).
        log_posterior: ``log p(tau | O_1:T = 1)``, in nats.
    """

    states: Array
    actions: Array
    log_posterior: float


def most_likely_trajectory(mdp: TabularMDP) -> MostLikelyTrajectory:
    """Find the mode of the posterior over trajectories.

    Implements eq-most-likely: the backward recursion with ``max`` in place of
    each sum, then one pass forward along the maximisers. The state after the
    last action is not part of the trajectory, so there the sum remains.

    Args:
        mdp: a single problem.

    Returns:
        The trajectory; ties go to the lowest index.

    Raises:
        ValueError: the problem is a batch, or no trajectory can be optimal.
    """
    require(mdp.batch is None, "most_likely_trajectory needs a single problem; pick batch[b]")
    log_evidence = float(constant(backward_messages(mdp).values.log_mean(mdp.log_initial)))
    require(
        log_evidence > -np.inf,
        "the posterior needs p(O_1:T = 1) > 0; no feasible trajectory of this problem can be "
        "optimal (a reward of -inf cannot be avoided)",
    )
    last = mdp.horizon - 1

    def weighted(t: int, v_next: Array) -> Array:
        dynamics = mdp.step(t)[1].distinct
        look = dynamics.log_expect if t == last else dynamics.max_product
        return mdp.log_action_weight(t) + look(v_next)

    def back(t: int, v_next: Array) -> Array:
        return namespace(v_next).max(weighted(t, v_next), axis=-1)

    values = sweep_with(mdp, back)
    states, actions = np.empty(mdp.horizon, dtype=int), np.empty(mdp.horizon, dtype=int)
    scores = to_numpy(mdp.log_initial + values.relative[0])
    s = int(np.argmax(scores))
    for t in range(mdp.horizon):
        v_next = values.relative[t + 1]
        a = int(np.argmax(to_numpy(weighted(t, v_next)[s])))
        states[t], actions[t] = s, a
        dynamics = mdp.step(t)[1].distinct
        k = int(np.argmax(to_numpy((dynamics.log_weight + dynamics.at_next(v_next))[s, a])))
        s = int(dynamics.next_state[s, a, k])
    log_joint = float(scores.max()) + float(values.constant(0))
    like = mdp.initial
    return MostLikelyTrajectory(
        index_like(like, states), index_like(like, actions), log_joint - log_evidence
    )
