"""The dynamics ``P(s' | s, a)``, and the few things an algorithm asks of them.

A backward message averages over next states, in one way or in another; a
forward message pushes mass the other way. So dynamics offer

==================  =====================================================
``expect(v)``       ``E[v(s')]``: what happens on average
``log_expect(v)``   ``log E[exp v(s')]``: what exact inference asks
``best(v)``         ``max v(s')`` over possible ``s'``: the limit of no chance at all
``max_product(v)``  ``max (log P + v(s'))``: what the most likely trajectory asks
``log_push(m)``     ``log sum_{s,a} exp m(s, a) P(s' | s, a)``: one step on
==================  =====================================================

and the algorithms never look inside. The exact and the variational reading of
control differ in which of the first two they call.

:class:`Dense` stores every probability, :class:`Sparse` lists the successors,
:class:`Deterministic` names the one successor; :func:`as_dynamics` chooses. All
take numpy arrays or torch tensors, one problem or a batch (a leading axis B).
Indices read [s, a, s']; memory runs the other way, with the states contiguous,
which is worth a factor of four.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cs_infer.arrays import is_torch, to_numpy
from cs_infer.dynamics.dense import Dense
from cs_infer.dynamics.interface import Dynamics
from cs_infer.dynamics.sparse import Deterministic, Sparse

__all__ = ["Dense", "Deterministic", "Dynamics", "Sparse", "as_dynamics"]

_FEW = 4  # lists of successors pay off when at most one state in this many is one,
_MANY = 64  # and when there are at least this many states


def as_dynamics(transition: Any) -> Dynamics:
    """Dynamics as they are, or an array (..., S, A, S) in the kind that suits it.

    :class:`Deterministic` when every row holds a single 1, :class:`Sparse`
    when there are many states and few successors, else :class:`Dense`.
    """
    if isinstance(transition, Dynamics):
        return transition
    dense = Dense(transition)
    P = to_numpy(dense.probability)
    if is_torch(dense.probability) and dense.probability.requires_grad:
        return dense  # lists would lose the gradient of what is zero
    if np.all((P == 0) | (P == 1)):
        return Deterministic(np.argmax(P, axis=-1), like=dense.probability)
    most = int(np.count_nonzero(P, axis=-1).max())
    return dense.to_sparse() if P.shape[-1] >= max(_MANY, _FEW * most) else dense
