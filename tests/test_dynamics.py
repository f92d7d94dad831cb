"""Dynamics: three ways to store P(s' | s, a), one meaning.

Dense, Sparse and Deterministic dynamics must give the same four answers
(expectation, log-expectation, best next value, forward push), and each must
agree with sums written out in long double, where values lie thousands of nats
apart, where the truth is -inf, and where transitions have zeros.
"""

import re
import tracemalloc

import long_double as ld
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from long_double import assert_close
from problems import distributions, random_mdp, slippery_grid

from cs_infer import TabularMDP, backward_messages, forward_messages, smoothed_marginals
from cs_infer.dynamics import Dense, Deterministic, Sparse, as_dynamics

pytestmark = pytest.mark.filterwarnings("error")

values = st.one_of(st.floats(-2000, 20), st.floats(-3, 3), st.just(-np.inf))


@st.composite
def kernels(draw, *, certain=False):
    """Transitions of shape (S, A, S) with S up to 5, zeros common."""
    S, A = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    if certain:
        return np.eye(S)[draw(hnp.arrays(np.int8, (S, A), elements=st.integers(0, S - 1)))]
    return draw(distributions(S, A, S))


def vector(draw, *shape):
    return draw(hnp.arrays(float, shape, elements=values))


def in_every_form(P):
    forms = {"dense": Dense(P), "sparse": as_dynamics(Dense(P).to_sparse())}
    if np.all((P == 0) | (P == 1)):
        forms["deterministic"] = Deterministic(P.argmax(axis=2))
    return forms


def lists_of(P):
    S, A, _ = P.shape
    return ld.lists(probability=P, reward=np.zeros((S, A)), horizon=1)


# Against brute force.


@given(st.data())
def test_every_form_gives_the_log_expectation_of_brute_force(data):
    P = data.draw(kernels(certain=data.draw(st.booleans())))
    v = vector(data.draw, P.shape[0])
    truth = ld.log_expect(lists_of(P), v.astype(ld.Long))
    for dynamics in in_every_form(P).values():
        assert_close(dynamics.log_expect(v), truth, rel=1e-13)


@given(st.data())
def test_every_form_gives_the_expectation_of_brute_force(data):
    P = data.draw(kernels(certain=data.draw(st.booleans())))
    v = vector(data.draw, P.shape[0])
    truth = ld.expect(lists_of(P), v.astype(ld.Long))
    for dynamics in in_every_form(P).values():
        assert_close(dynamics.expect(v), truth, rel=1e-12)


@given(st.data())
def test_every_form_finds_the_best_next_value_that_can_happen(data):
    P = data.draw(kernels(certain=data.draw(st.booleans())))
    v = vector(data.draw, P.shape[0])
    truth = ld.best(lists_of(P), v.astype(ld.Long))
    for dynamics in in_every_form(P).values():
        assert_close(dynamics.best(v), truth, rel=0)


@given(st.data())
def test_every_form_pushes_weights_forward_as_brute_force_does(data):
    P = data.draw(kernels(certain=data.draw(st.booleans())))
    m = vector(data.draw, *P.shape[:2])
    truth = ld.log_push(lists_of(P), m.astype(ld.Long))
    for dynamics in in_every_form(P).values():
        assert_close(dynamics.log_push(m), truth, rel=1e-13)


@given(st.data())
def test_an_expectation_never_exceeds_the_log_expectation_nor_that_the_best(data):
    """Jensen, and the mean below the maximum: for every form, every value."""
    P = data.draw(kernels())
    v = vector(data.draw, P.shape[0])
    for dynamics in in_every_form(P).values():
        mean, soft, most = dynamics.expect(v), dynamics.log_expect(v), dynamics.best(v)
        assert np.all(mean <= soft + 1e-9)
        assert np.all(soft <= most + 1e-9)


# Conversion.


@given(kernels())
def test_conversion_there_and_back_keeps_every_probability(P):
    for dynamics in in_every_form(P).values():
        np.testing.assert_array_equal(dynamics.transition, P)
        np.testing.assert_array_equal(dynamics.to_dense().transition, P)
        np.testing.assert_array_equal(dynamics.to_sparse().transition, P)
        assert (dynamics.num_states, dynamics.num_actions) == P.shape[:2]
        assert isinstance(dynamics.to_dense(), Dense)
        assert isinstance(dynamics.to_sparse(), Sparse)


@given(kernels())
def test_successor_lists_spell_out_the_transition(P):
    S, A, _ = P.shape
    for dynamics in in_every_form(P).values():
        spelt = np.zeros_like(P)
        next_state, probability = np.asarray(dynamics.next_state), np.asarray(dynamics.probability)
        for s, a in np.ndindex(S, A):
            np.add.at(spelt[s, a], next_state[s, a], probability[s, a])
        np.testing.assert_allclose(spelt, P, atol=1e-15)


def test_a_successor_listed_twice_counts_twice():
    sparse = Sparse(np.array([[[0, 0, 1]], [[1, 1, 1]]]), np.array([[[0.25, 0.25, 0.5]]] * 2))
    np.testing.assert_allclose(sparse.transition, [[[0.5, 0.5]], [[0.0, 1.0]]])
    v = np.array([1.0, -2.0])
    np.testing.assert_allclose(sparse.log_expect(v), sparse.to_dense().log_expect(v))
    np.testing.assert_allclose(sparse.expect(v), sparse.to_dense().expect(v))


def test_arrays_are_stored_in_the_form_that_suits_them():
    certain = np.eye(80)[np.random.default_rng(0).integers(80, size=(80, 3))]
    dense = np.random.default_rng(0).dirichlet(np.ones(80), size=(80, 3))
    few = 0.5 * certain + 0.5 * np.eye(80)[:, None, :]
    assert isinstance(as_dynamics(certain), Deterministic)
    assert isinstance(as_dynamics(dense), Dense)
    assert isinstance(as_dynamics(few), Sparse)
    sparse = as_dynamics(few)
    assert as_dynamics(sparse) is sparse
    for P, form in ((certain, Deterministic), (dense, Dense), (few, Sparse)):
        mdp = TabularMDP.from_arrays(
            transition=P, reward=np.zeros((80, 3)), initial=np.eye(80)[0], horizon=2
        )
        assert isinstance(mdp.dynamics, form)
        np.testing.assert_array_equal(mdp.transition, P)


def test_a_problem_is_the_same_whichever_form_it_is_given_in():
    for kind in ("stochastic", "sparse", "deterministic"):
        mdp = random_mdp(3, S=7, A=3, T=6, kind=kind, temperature=0.6)
        for dynamics in in_every_form(mdp.transition).values():
            same = TabularMDP.from_arrays(
                transition=dynamics,
                reward=mdp.reward,
                initial=mdp.initial,
                horizon=mdp.horizon,
                action_prior=mdp.action_prior,
                temperature=mdp.temperature,
            )
            before, after = backward_messages(mdp), backward_messages(same)
            np.testing.assert_allclose(after.log_beta_s, before.log_beta_s, atol=1e-12)
            np.testing.assert_allclose(after.policy, before.policy, atol=1e-12)
            np.testing.assert_allclose(
                smoothed_marginals(same).state_action,
                smoothed_marginals(mdp).state_action,
                atol=1e-12,
            )


# Stability: what goes wrong with one shift for all states, or none.


def check_against_long_double(dynamics, *, policies=1e-9, horizon, reward, **options):
    """Messages to 1e-9 relative, -inf in the same places, and the policy and marginals too."""
    lists = ld.lists(
        next_state=np.asarray(dynamics.next_state),
        probability=np.asarray(dynamics.probability),
        reward=reward,
        horizon=horizon,
        **options,
    )
    S = len(lists.log_initial)
    mdp = TabularMDP.from_arrays(
        transition=dynamics,
        reward=reward,
        horizon=horizon,
        **({"initial": np.full(S, 1 / S)} | options),
    )
    Q, V = ld.backward(lists)
    messages = backward_messages(mdp)
    assert_close(messages.log_beta_s, V)
    assert_close(messages.log_beta_sa, Q)
    assert_close(messages.log_evidence, ld.logsumexp(lists.log_initial + V[0]))
    forward = ld.forward(lists)
    assert_close(forward_messages(mdp).log_forward, forward)
    alive = np.isfinite(V)
    policy = np.exp(lists.log_prior + Q - np.where(alive, V, 0)[:, :, None])
    np.testing.assert_allclose(messages.policy, policy.astype(float), atol=policies)
    np.testing.assert_allclose(messages.policy.sum(axis=2), alive.astype(float), atol=1e-12)
    if np.isfinite(messages.log_evidence):
        joint = forward[:, :, None] + lists.log_prior + Q
        expected = np.exp(joint - ld.logsumexp(lists.log_initial + V[0]))
        marginal = smoothed_marginals(mdp).state_action
        np.testing.assert_allclose(marginal, expected.astype(float), atol=policies)
        np.testing.assert_allclose(marginal.sum(axis=(1, 2)), 1.0, atol=1e-12)


def step_costs(grid, cost):
    S, A, _ = grid.next_state.shape
    reward = np.full((S, A), float(cost))
    reward[grid.goal] = 0.0
    return reward


def test_a_large_grid_at_ten_nats_a_step_keeps_every_state(rng):
    """60 by 60: the far corner lies 1180 nats below the goal."""
    grid = slippery_grid(60)
    check_against_long_double(
        Sparse(grid.next_state, grid.probability), reward=step_costs(grid, -10.0), horizon=130
    )


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_dense_and_sparse_grids_keep_every_state_at_forty_five_nats_a_step(form):
    """Dense dynamics with structural zeros, values spread over 1100 nats."""
    grid = slippery_grid(14)
    sparse = Sparse(grid.next_state, grid.probability)
    dynamics = sparse if form == "sparse" else sparse.to_dense()
    check_against_long_double(dynamics, reward=step_costs(grid, -45.0), horizon=35)


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_lava_on_a_fifth_of_the_cells_leaves_the_rest_alone(form, rng):
    grid = slippery_grid(13)
    reward = step_costs(grid, -1.0)
    reward[rng.random(len(reward)) < 0.2] = -1e4
    reward[grid.goal] = 0.0
    sparse = Sparse(grid.next_state, grid.probability)
    check_against_long_double(
        sparse if form == "sparse" else sparse.to_dense(), reward=reward, horizon=60
    )


@pytest.mark.parametrize("form", ["dense", "sparse"])
def test_deadly_lava_is_impossible_exactly_where_it_cannot_be_avoided(form, rng):
    grid = slippery_grid(12, slip=0.2)
    reward = step_costs(grid, -1.0)
    reward[rng.random(len(reward)) < 0.2] = -np.inf
    reward[grid.goal] = 0.0
    sparse = Sparse(grid.next_state, grid.probability)
    check_against_long_double(
        sparse if form == "sparse" else sparse.to_dense(), reward=reward, horizon=70
    )


@pytest.mark.parametrize("kind", ["dense", "zeros", "sparse", "deterministic"])
def test_rewards_down_to_minus_ten_thousand_over_ten_thousand_steps(kind):
    """Log-messages reach -1e7 and more, so a policy keeps seven digits."""
    rng = np.random.default_rng(5)
    S, A, T = 5, 2, 2_000 if kind == "dense" else 10_000
    P = rng.dirichlet(np.ones(S), size=(S, A))
    if kind in ("zeros", "sparse"):
        P = P * (P > 0.12)
        P[:, :, 0] += P.sum(axis=2) == 0
        P /= P.sum(axis=2, keepdims=True)
    dynamics = {
        "dense": lambda: Dense(P),
        "zeros": lambda: Dense(P),
        "sparse": lambda: Dense(P).to_sparse(),
        "deterministic": lambda: Deterministic(rng.integers(S, size=(S, A))),
    }[kind]()
    reward = -1e4 * rng.random((T, S, A))
    check_against_long_double(dynamics, reward=reward, horizon=T, policies=1e-6)


def test_a_goal_out_of_reach_is_impossible_exactly_while_it_is_out_of_reach():
    """Only the goal may be the last state: beta is 0 wherever the walk is too far."""
    grid = slippery_grid(9)
    terminal = np.full(81, -np.inf)
    terminal[grid.goal] = 0.0
    for dynamics in (
        Sparse(grid.next_state, grid.probability),
        Sparse(grid.next_state, grid.probability).to_dense(),
    ):
        check_against_long_double(
            dynamics, reward=step_costs(grid, -2.0), horizon=12, terminal_value=terminal
        )


@pytest.mark.parametrize("spread", [100.0, 700.0, 5e3, 1e5])
@pytest.mark.parametrize("zeros", [False, True])
def test_values_however_far_apart_keep_nine_digits(spread, zeros, rng):
    S, A = 120, 4
    P = rng.dirichlet(np.full(S, 0.3), size=(S, A))
    if zeros:
        P = P * (rng.random(P.shape) < 0.1)
        P[:, :, 0] += P.sum(axis=2) == 0
        P /= P.sum(axis=2, keepdims=True)
    v = -spread * rng.random(S)
    lists = ld.lists(probability=P, reward=np.zeros((S, A)), horizon=1)
    m = -spread * rng.random((S, A))
    for dynamics in (Dense(P), Dense(P).to_sparse()):
        assert_close(dynamics.log_expect(v), ld.log_expect(lists, v.astype(ld.Long)), rel=1e-13)
        assert_close(dynamics.log_push(m), ld.log_push(lists, m.astype(ld.Long)), rel=1e-13)


def test_a_tiny_chance_of_a_huge_gain_is_not_lost():
    """P = 1e-300 to gain 720 nats outweighs the rest; 650 nats do not."""
    for gain in (650.0, 689.0, 692.0, 720.0, 1500.0):
        P = np.array([[[1.0 - 1e-300, 1e-300]], [[1e-300, 1.0 - 1e-300]]])
        lists = ld.lists(probability=P, reward=np.zeros((2, 1)), horizon=1)
        v = np.array([-gain, 0.0])
        truth = ld.log_expect(lists, v.astype(ld.Long))
        for dynamics in (Dense(P), Dense(P).to_sparse()):
            assert_close(dynamics.log_expect(v), truth, rel=1e-13)


@pytest.mark.parametrize("form", [Dense, lambda P: Dense(P).to_sparse()], ids=["dense", "sparse"])
def test_nothing_but_minus_infinity_is_minus_infinity_and_never_nan(form):
    P = np.array([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.25, 0.75]]])
    dynamics = form(P)
    nothing, half = np.full(2, -np.inf), np.array([-np.inf, 1.0])
    assert np.all(dynamics.log_expect(nothing) == -np.inf)
    assert np.all(dynamics.expect(nothing) == -np.inf)
    assert np.all(dynamics.best(nothing) == -np.inf)
    assert np.all(dynamics.log_push(np.full((2, 2), -np.inf)) == -np.inf)
    np.testing.assert_allclose(
        dynamics.log_expect(half), [[-np.inf, 1 + np.log(0.5)], [1.0, 1 + np.log(0.75)]]
    )
    np.testing.assert_array_equal(dynamics.expect(half), [[-np.inf, -np.inf], [1.0, -np.inf]])


# Batches.


@given(st.data())
def test_a_batch_of_values_is_a_loop_over_them(data):
    P = data.draw(kernels(certain=data.draw(st.booleans())))
    S, A, _ = P.shape
    v, m = vector(data.draw, 3, S), vector(data.draw, 3, S, A)
    for dynamics in in_every_form(P).values():
        for operation in (dynamics.log_expect, dynamics.expect, dynamics.best):
            together, alone = operation(v), np.stack([operation(row) for row in v])
            np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)
        together, alone = dynamics.log_push(m), np.stack([dynamics.log_push(row) for row in m])
        np.testing.assert_allclose(together, alone, rtol=1e-12, atol=1e-12)


# Memory.


def peak_bytes(work):
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("form", ["sparse", "deterministic"])
def test_memory_for_values_grows_with_steps_and_states_and_not_with_actions(form):
    S, A, rng = 3000, 10, np.random.default_rng(0)
    next_state = rng.integers(S, size=(S, A, 2))
    if form == "sparse":
        dynamics = Sparse(next_state, np.full((S, A, 2), 0.5))
    else:
        dynamics = Deterministic(next_state[:, :, 0])

    def peak(T):
        mdp = TabularMDP.from_arrays(
            transition=dynamics, reward=-rng.random((S, A)), initial=np.eye(S)[0], horizon=T
        )
        return peak_bytes(lambda: backward_messages(mdp))

    peak(2)  # what is computed once for the dynamics is not counted
    a_step = (peak(120) - peak(20)) / 100
    assert a_step < 3 * 8 * S, f"{a_step / (8 * S):.1f} numbers a state and step"


def test_one_step_of_actions_can_be_had_without_the_others():
    S, A, T, rng = 2000, 10, 200, np.random.default_rng(0)
    dynamics = Sparse(rng.integers(S, size=(S, A, 2)), np.full((S, A, 2), 0.5))
    mdp = TabularMDP.from_arrays(
        transition=dynamics, reward=-rng.random((S, A)), initial=np.eye(S)[0], horizon=T
    )
    messages = backward_messages(mdp)
    assert peak_bytes(lambda: messages.step(3)) < T * S * A * 8 / 5
    log_beta_sa, policy = messages.step(3)
    np.testing.assert_array_equal(log_beta_sa, messages.log_beta_sa[3])
    np.testing.assert_allclose(policy, messages.policy[3], atol=1e-15)


# Errors: the rule, the place, the value.


@pytest.mark.parametrize(
    ("build", "error", "says"),
    [
        (lambda: Dense(np.ones((2, 1, 3))), ValueError, r"(S, A, S).*(2, 1, 3)"),
        (lambda: Dense(np.full((2, 1, 2), 0.4)), ValueError, r"sum to 1.*[0, 0, :].*0.8"),
        (lambda: Sparse([[[0, 5]]], [[[0.5, 0.5]]]), ValueError, r"next_state.*[0, 0, 1].*5"),
        (lambda: Sparse([[[0, -1]]], [[[0.5, 0.5]]]), ValueError, r"next_state.*[0, 0, 1].*-1"),
        (lambda: Sparse([[[0, 0]]], [[[0.5, 0.1]]]), ValueError, r"sum to 1.*[0, 0, :].*0.6"),
        (lambda: Sparse([[[0, 0]]], [[[1.5, -0.5]]]), ValueError, r"negative.*[0, 0, 1].*-0.5"),
        (lambda: Sparse([[[0, 0]]], [[[1.0]]]), ValueError, r"shape"),
        (lambda: Sparse([[[0.5, 0]]], [[[0.5, 0.5]]]), TypeError, r"whole"),
        (lambda: Deterministic([[0, 2], [1, 1]]), ValueError, r"next_state.*[0, 1].*2"),
        (lambda: Deterministic([[0.5]]), TypeError, r"whole"),
    ],
)  # fmt: skip
def test_bad_dynamics_are_refused_with_the_rule_the_place_and_the_value(build, error, says):
    with pytest.raises(error) as refusal:
        build()
    message = str(refusal.value)
    at = 0
    for part in says.split(".*"):
        found = message.find(part, at)
        assert found >= 0, f"{part!r} is missing in {message!r}"
        at = found + len(part)


def test_something_that_is_no_dynamics_is_refused_by_its_name():
    with pytest.raises((TypeError, ValueError), match=re.escape("transition")):
        TabularMDP.from_arrays(transition="nothing", reward=[[0.0]], initial=[1.0], horizon=1)


def test_what_arriving_pays_survives_every_conversion(rng):
    lists = Sparse(rng.integers(5, size=(5, 2, 3)), rng.dirichlet(np.ones(3), size=(5, 2)))
    paying, v = lists.with_gain(rng.standard_normal((5, 2, 5))), rng.standard_normal(5)
    for form in (paying.to_dense(), paying.to_dense().to_sparse()):
        np.testing.assert_allclose(form.log_expect(v), paying.log_expect(v), rtol=1e-12)
        np.testing.assert_allclose(form.expect(v), paying.expect(v), rtol=1e-12)
