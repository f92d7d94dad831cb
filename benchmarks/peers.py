"""The same work, as others do it.

Each function gets everything ready and returns ``run()``, which does
``steps`` steps and returns the values before them. A peer that is not
installed raises ImportError, and the results say so.
"""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Callable

import numpy as np

from benchmarks.floor import loops, pointer, size
from benchmarks.problems import Problem

Array = np.ndarray
Run = Callable[[], Array]


def sweep(step: Callable[[Array], Array], num_states: int, steps: int) -> Run:
    """Apply ``step`` as often as told, from values of 0."""

    def run() -> Array:
        v = np.zeros(num_states)
        for _ in range(steps):
            v = step(v)
        return v

    return run


def log_mean_exp(q: Array) -> Array:
    """``log`` of the mean of ``exp q`` over the actions, which come first."""
    peak = q.max(axis=0)
    return peak + np.log(np.exp(q - peak).mean(axis=0))


# Dense.


def student_loops(problem: Problem, steps: int) -> Run:
    """Loops over t, s and a, as the recursion reads."""
    P, R = problem.probability, problem.reward
    S, A = R.shape

    def step(v: Array) -> Array:
        new = np.zeros(S)
        for s in range(S):
            q = np.zeros(A)
            for a in range(A):
                q[a] = R[s, a] + np.dot(P[s, a], v)
            new[s] = np.log(np.mean(np.exp(q)))
        return new

    return sweep(step, S, steps)


def maximum_per_row(problem: Problem, steps: int) -> Run:
    """Exact, and safe at any spread: a maximum for each state and action."""
    R = problem.reward
    log_P = np.log(problem.probability)

    def step(v: Array) -> Array:
        terms = log_P + v
        peak = terms.max(axis=-1, keepdims=True)
        ahead = peak[..., 0] + np.log(np.exp(terms - peak).sum(axis=-1))
        return log_mean_exp((R + ahead).T)

    return sweep(step, len(R), steps)


def one_product(problem: Problem, steps: int) -> Run:
    """What a careful numpy user writes: one matrix times one vector."""
    S, A = problem.reward.shape
    rows, R = problem.probability.reshape(S * A, S), problem.reward
    return sweep(lambda v: log_mean_exp((R + (rows @ v).reshape(S, A)).T), S, steps)


def imitation_recurrences(problem: Problem, steps: int) -> Run:
    """Soft values without a prior, every Q kept, a policy at the end.

    What `imitation` computes in its finite-horizon partition function; the
    recurrences are written again here, since that package would bring a
    whole stack of deep learning with it.
    """
    from scipy.special import logsumexp

    P, R = problem.probability, problem.reward
    S, A = R.shape

    def run() -> Array:
        V, Q = np.zeros((steps + 1, S)), np.zeros((steps, S, A))
        for t in reversed(range(steps)):
            Q[t] = R + P @ V[t + 1]
            V[t] = logsumexp(Q[t], axis=1)
        np.exp(Q - V[:steps, :, None])
        return V[0]

    return run


def numba_fused(problem: Problem, steps: int, threads: int) -> Run:
    """One compiled loop over the states, products and soft maximum together."""
    import numba

    numba.set_num_threads(threads)
    P, R = problem.probability, problem.reward
    S = len(R)

    @numba.njit(parallel=threads > 1, fastmath=True)
    def step(P: Array, R: Array, v: Array) -> Array:
        S, A = R.shape
        new = np.empty(S)
        for s in numba.prange(S):
            q = np.empty(A)
            for a in range(A):
                total = 0.0
                for following in range(S):
                    total += P[s, a, following] * v[following]
                q[a] = R[s, a] + total
            peak = q.max()
            new[s] = peak + np.log(np.mean(np.exp(q - peak)))
        return new

    step(P, R, np.zeros(S))
    return sweep(lambda v: step(P, R, v), S, steps)


def quantecon_problem(problem: Problem, discount: float) -> object:
    """QuantEcon's DiscreteDP: a hard maximum over the actions."""
    from quantecon.markov import DiscreteDP

    S, A = problem.reward.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that a discount of 1 has no infinite horizon
        if problem.next_state is None:
            return DiscreteDP(problem.reward, problem.probability, discount)
        states, actions = np.repeat(np.arange(S), A), np.tile(np.arange(A), S)
        return DiscreteDP(problem.reward.reshape(-1), csr(problem), discount, states, actions)


def quantecon_sweep(problem: Problem, steps: int) -> Run:
    """Bellman sweeps of QuantEcon's DiscreteDP."""
    ddp, S = quantecon_problem(problem, 1.0), problem.reward.shape[0]

    def run() -> Array:
        v, new = np.zeros(S), np.empty(S)
        for _ in range(steps):
            ddp.bellman_operator(v, Tv=new)
            v, new = new, v
        return v

    return run


def c_dense(problem: Problem, steps: int) -> Run:
    """The step in C."""
    library = _c_library()
    S, A = problem.reward.shape
    P, paid = problem.probability, _paid(problem)

    def step(v: Array, out: Array) -> None:
        library.dense_step(pointer(P), pointer(paid), pointer(v), pointer(out), size(S), size(A))

    return _back_and_forth(step, S, steps)


# Sparse.


def csr(problem: Problem, *, actions_first: bool = False) -> object:
    """The successor lists as a scipy matrix, a row for each (s, a), or each (a, s)."""
    from scipy.sparse import csr_matrix

    S, A, K = problem.probability.shape
    p, following = problem.probability, problem.next_state
    if actions_first:
        p, following = p.swapaxes(0, 1), following.swapaxes(0, 1)
    starts = np.arange(0, S * A * K + 1, K)
    return csr_matrix((p.reshape(-1), following.reshape(-1), starts), shape=(S * A, S))


def numpy_lists(problem: Problem, steps: int) -> Run:
    """Arrays laid out as they are indexed, [s, a, k]."""
    p, following, R = problem.probability, problem.next_state, problem.reward

    def step(v: Array) -> Array:
        q = R + np.sum(p * v[following], axis=-1)
        peak = q.max(axis=1, keepdims=True)
        return peak[:, 0] + np.log(np.exp(q - peak).mean(axis=1))

    return sweep(step, len(R), steps)


def scipy_rows(problem: Problem, steps: int) -> Run:
    """scipy's CSR matrix and scipy's logsumexp, states first."""
    from scipy.special import logsumexp

    R, matrix = problem.reward, csr(problem)
    S, A = R.shape
    return sweep(lambda v: logsumexp(R + (matrix @ v).reshape(S, A), axis=1) - np.log(A), S, steps)


def scipy_actions_first(problem: Problem, steps: int) -> Run:
    """scipy's CSR matrix with the long axis last, and numpy's exp and log."""
    matrix, R = csr(problem, actions_first=True), np.ascontiguousarray(problem.reward.T)
    A, S = R.shape
    return sweep(lambda v: log_mean_exp(R + (matrix @ v).reshape(A, S)), S, steps)


def c_sparse(problem: Problem, steps: int) -> Run:
    """The step in C, over lists laid out [k, a, s]."""
    library = _c_library()
    p, following, paid = sparse_arrays(problem)
    K, A, S = p.shape

    def step(v: Array, out: Array) -> None:
        arrays = [pointer(x) for x in (p, following, paid, v, out)]
        library.sparse_step(*arrays, size(S), size(A), size(K))

    return _back_and_forth(step, S, steps)


def sparse_arrays(problem: Problem) -> tuple[Array, Array, Array]:
    """Probabilities, successors (int32) and paid, the states contiguous: what a step reads."""
    p = np.ascontiguousarray(problem.probability.transpose(2, 1, 0))
    following = np.ascontiguousarray(problem.next_state.transpose(2, 1, 0)).astype(np.int32)
    return p, following, _paid(problem)


# Marginals.


def hmmlearn_smoother(problem: Problem, implementation: str) -> Callable[[], Array]:
    """The hidden-Markov view of the problem, smoothed by hmmlearn: p(s_t, a_t | O), all t."""
    from hmmlearn.hmm import CategoricalHMM

    S, A, _ = problem.probability.shape
    P = np.zeros((S, A, S))
    np.add.at(
        P, (*np.indices(problem.probability.shape)[:-1], problem.next_state), problem.probability
    )
    model = CategoricalHMM(n_components=S * A, implementation=implementation)
    model.startprob_ = np.full(S * A, 1 / (S * A))
    model.transmat_ = np.repeat(P.reshape(S * A, S), A, axis=1) / A
    likelihood = np.exp(problem.reward).reshape(-1)
    model.emissionprob_ = np.stack([1 - likelihood, likelihood], axis=1)
    model.n_features = 2
    seen = np.ones((problem.horizon, 1), dtype=int)
    return lambda: model.predict_proba(seen).reshape(problem.horizon, S, A)


def pgmpy_marginal(problem: Problem, t: int) -> Callable[[], Array]:
    """One marginal p(s_t, a_t | O) of the unrolled graph, by variable elimination."""
    warnings.simplefilter("ignore")
    from pgmpy.factors.discrete import TabularCPD
    from pgmpy.inference import VariableElimination
    from pgmpy.models import DiscreteBayesianNetwork

    S, A, _ = problem.probability.shape
    P = np.zeros((S, A, S))
    np.add.at(
        P, (*np.indices(problem.probability.shape)[:-1], problem.next_state), problem.probability
    )
    T, graph = problem.horizon, DiscreteBayesianNetwork()
    likelihood = np.exp(problem.reward).reshape(1, S * A)
    for i in range(T):
        s, a, o = f"s{i}", f"a{i}", f"o{i}"
        graph.add_edges_from([(s, a), (s, o), (a, o)])
        if i + 1 < T:
            graph.add_edges_from([(s, f"s{i + 1}"), (a, f"s{i + 1}")])
    tables = [TabularCPD("s0", S, np.full((S, 1), 1 / S))]
    for i in range(T):
        s, a, o = f"s{i}", f"a{i}", f"o{i}"
        tables.append(TabularCPD(a, A, np.full((A, S), 1 / A), evidence=[s], evidence_card=[S]))
        seen = np.concatenate([1 - likelihood, likelihood])
        tables.append(TabularCPD(o, 2, seen, evidence=[s, a], evidence_card=[S, A]))
        if i + 1 < T:
            move = P.reshape(S * A, S).T
            tables.append(TabularCPD(f"s{i + 1}", S, move, evidence=[s, a], evidence_card=[S, A]))
    graph.add_cpds(*tables)
    asked, evidence = [f"s{t}", f"a{t}"], {f"o{i}": 1 for i in range(T)}
    inference = VariableElimination(graph)

    def run() -> Array:
        answer = inference.query(asked, evidence=evidence, show_progress=False)
        values = answer.values
        return values if list(answer.variables) == asked else values.T

    return run


# Shared.


def _paid(problem: Problem) -> Array:
    """Reward plus the log of the uniform prior, [a, s]."""
    return np.ascontiguousarray(problem.reward.T) - np.log(problem.reward.shape[1])


def _c_library() -> ctypes.CDLL:
    library, how = loops()
    if library is None:
        raise ModuleNotFoundError(how, name="a C compiler")
    return library


def _back_and_forth(step: Callable[[Array, Array], None], num_states: int, steps: int) -> Run:
    def run() -> Array:
        v, new = np.zeros(num_states), np.empty(num_states)
        for _ in range(steps):
            step(v, new)
            v, new = new, v
        return v

    return run
