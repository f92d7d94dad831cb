"""The problem as a hidden Markov model, and the kernel that sums the actions out."""

import long_double as ld
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from long_double import assert_close
from problems import (
    KINDS,
    full_problems,
    possible,
    problems,
    random_mdp,
    rebuilt,
    slippery_grid,
)

from cs_infer import (
    TabularMDP,
    backward_messages,
    collapsed_kernel,
    hidden_markov_view,
    smoothed_marginals,
)
from cs_infer.dynamics import Dense, Deterministic, Sparse

pytestmark = pytest.mark.filterwarnings("error")


def filter_and_smooth(view):
    """The textbook forward-backward algorithm: (log evidence, marginals of shape (T, S*A))."""
    log_A, log_like = ld.log(view.transition.astype(ld.Long)), view.log_likelihood.astype(ld.Long)
    f = [ld.log(view.initial.astype(ld.Long)) + log_like[0]]
    for row in log_like[1:]:
        f.append(ld.logsumexp(f[-1][:, None] + log_A, axis=0) + row)
    b = [np.zeros_like(f[0])]
    for row in log_like[:0:-1]:
        b.append(ld.logsumexp(log_A + row + b[-1]))
    evidence = ld.logsumexp(f[-1])
    return evidence, np.exp(np.stack(f) + np.stack(b[::-1]) - evidence)


@given(problems(next_state=False), st.data())
def test_a_hidden_markov_library_would_find_the_same_evidence_and_marginals(mdp, data):
    mdp = mdp.observing(data.draw(hnp.arrays(bool, mdp.horizon)))
    assume(possible(mdp))
    evidence, marginals = filter_and_smooth(hidden_markov_view(mdp))
    np.testing.assert_allclose(backward_messages(mdp).log_evidence, float(evidence), atol=1e-11)
    np.testing.assert_allclose(
        smoothed_marginals(mdp).state_action.reshape(mdp.horizon, -1),
        marginals.astype(float),
        atol=1e-11,
    )


@given(problems(next_state=False))
def test_the_hidden_chain_is_a_chain_of_state_action_pairs(mdp):
    S, A, T = mdp.num_states, mdp.num_actions, mdp.horizon
    view = hidden_markov_view(mdp)
    assert view.initial.shape == (S * A,)
    assert view.transition.shape == (S * A, S * A)
    assert view.log_likelihood.shape == (T, S * A)
    np.testing.assert_allclose(view.initial.sum(), 1.0)
    np.testing.assert_allclose(view.transition.sum(axis=1), 1.0)
    for s, a in np.ndindex(S, A):
        i = s * A + a
        assert view.initial[i] == pytest.approx(mdp.initial[s] * mdp.action_prior[s, a])
        for s_next, a_next in np.ndindex(S, A):
            assert view.transition[i, s_next * A + a_next] == pytest.approx(
                mdp.transition[s, a, s_next] * mdp.action_prior[s_next, a_next]
            )


def test_the_likelihood_of_a_pair_is_its_reward_over_the_temperature():
    mdp = random_mdp(2, temperature=0.5)
    np.testing.assert_allclose(
        hidden_markov_view(mdp).log_likelihood,
        (mdp.reward / 0.5).reshape(mdp.horizon, -1),
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("next_state", [False, True])
def test_one_kernel_over_states_passes_the_message_by_itself(kind, next_state):
    """``beta_t(s) = sum_s' W(s, s') beta_t+1(s')``: the actions are summed out once."""
    mdp = random_mdp(4, S=7, A=3, T=1, kind=kind, next_state=next_state, temperature=0.6)
    mdp = rebuilt(mdp, reward=mdp.reward[0], horizon=9)
    W = np.asarray(collapsed_kernel(mdp), dtype=ld.Long)
    assert W.shape == (7, 7)
    V, messages = np.zeros(7, dtype=ld.Long), backward_messages(mdp)
    for t in reversed(range(9)):
        V = ld.logsumexp(W + V)
        np.testing.assert_allclose(messages.log_beta_s[t], V.astype(float), atol=1e-12)


@given(full_problems(horizon=1, patterns=False))
def test_the_kernel_is_the_sum_over_actions(mdp):
    extra = 0.0 if mdp.reward_next is None else mdp.reward_next
    weight = np.exp((mdp.reward[0][:, :, None] + extra) / mdp.temperature)
    expected = np.einsum("sa,sat,sat->st", mdp.action_prior, mdp.transition, weight)
    np.testing.assert_allclose(np.exp(collapsed_kernel(mdp)), expected, rtol=1e-11, atol=1e-13)


def long_problem(form, *, impossible):
    """One reward for 70 steps, and dynamics stored in the given form."""
    grid, rng = slippery_grid(5), np.random.default_rng(0)
    sparse = Sparse(grid.next_state, grid.probability)
    reward = -3 * rng.random((25, 5))
    reward[grid.goal] = 0.0
    if impossible:
        reward[rng.random(25) < 0.2, 1:] = reward[[3, 9]] = -np.inf
    prior = rng.dirichlet(np.ones(5), size=25) * (rng.random((25, 5)) < 0.8) + [0.1, 0, 0, 0, 0]
    return TabularMDP.from_arrays(
        transition=sparse if form == "sparse" else sparse.to_dense(),
        reward=reward,
        initial=np.full(25, 1 / 25),
        action_prior=prior / prior.sum(axis=1, keepdims=True),
        horizon=70,
        temperature=0.5,
    )


@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("impossible", [False, True])
def test_messages_are_the_same_whether_actions_are_summed_out_once_or_at_every_step(
    form, impossible
):
    """A reward given per step keeps the library from summing the actions out beforehand."""
    once = long_problem(form, impossible=impossible)
    each = rebuilt(once, transition=once.dynamics, reward=np.array(once.reward))
    before, after = backward_messages(each), backward_messages(once)
    assert_close(after.log_beta_s, before.log_beta_s, rel=1e-12)
    np.testing.assert_allclose(after.policy, before.policy, atol=1e-12)
    lists = ld.from_mdp(once)
    assert_close(after.log_beta_s, ld.backward(lists)[1], rel=1e-12)
    assert np.isinf(after.log_beta_s).any() == impossible


@pytest.mark.parametrize("form", ["dense", "sparse", "deterministic"])
def test_rewards_on_arrival_are_paid_however_long_the_problem(form):
    """Against the same reward given per step, and against the collapsed kernel itself."""
    once = long_problem("sparse" if form == "deterministic" else form, impossible=False)
    paid = -2 * np.random.default_rng(1).random((25, 5, 25))
    paid[:, :, 7] = -np.inf
    if form == "deterministic":
        once = rebuilt(once, transition=Deterministic(once.dynamics.next_state[:, :, 0]))
    once = rebuilt(once, transition=once.dynamics, reward=once.reward[0], reward_next=paid)
    each = rebuilt(once, transition=once.dynamics, reward=np.array(once.reward))
    messages = backward_messages(once)
    assert_close(messages.log_beta_s, backward_messages(each).log_beta_s, rel=1e-12)
    W, V = np.asarray(collapsed_kernel(once), dtype=ld.Long), np.zeros(25, dtype=ld.Long)
    for t in reversed(range(70)):
        V = ld.logsumexp(W + V)
        assert_close(messages.log_beta_s[t], V, rel=1e-12)


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_summing_actions_out_keeps_rare_moves_of_great_worth(form):
    """An action 900 nats worse than its neighbours is the only one that leads to the goal."""
    P = np.zeros((3, 2, 3))
    P[0, 0, 1] = P[0, 1, 2] = P[1, :, 1] = P[2, :, 2] = 1.0
    reward = np.array([[0.0, -900.0], [-50.0, -50.0], [0.0, 0.0]])
    dense = Dense(P)
    mdp = TabularMDP.from_arrays(
        transition=dense.to_sparse() if form == "sparse" else dense,
        reward=reward,
        initial=[1, 0, 0],
        horizon=70,
    )
    messages = backward_messages(mdp)
    assert_close(messages.log_beta_s, ld.backward(ld.from_mdp(mdp))[1])
    assert messages.policy[0, 0, 1] == pytest.approx(1.0)


def test_a_kernel_that_changes_with_time_is_refused():
    with pytest.raises(ValueError, match=r"reward.*(time|step)"):
        collapsed_kernel(random_mdp(0))


@pytest.mark.parametrize(
    "mdp",
    [random_mdp(0, next_state=True), rebuilt(random_mdp(0), terminal_value=-np.arange(6.0))],
    ids=["next state", "terminal value"],
)
def test_what_no_emission_can_say_is_refused(mdp):
    """A likelihood of (s, a) alone cannot hold what depends on the next state."""
    with pytest.raises(ValueError, match=r"hidden_markov_view needs rewards of \(s, a\) alone"):
        hidden_markov_view(mdp)
