"""Linearly solvable problems: against the messages of chapter 2, and at their limits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from linear_problems import divergence, random_walk, walks, worth
from problems import random_mdp, rebuilt

from cs_infer import (
    Deterministic,
    LinearlySolvableMDP,
    TabularMDP,
    average_desirability,
    backward_messages,
    collapsed_kernel,
    discounted_desirability,
    embedded_problem,
    exit_desirability,
    horizon_desirability,
    optimism_gap,
    passive_transitions,
    policy_occupancy,
    smoothed_marginals,
    soft_q_learning,
    soft_values,
    stationary_messages,
    stationary_soft_values,
    z_learning,
)

pytestmark = pytest.mark.filterwarnings("error")


def corridor(n=5, *, temperature=1.0, cost=1.0):
    """Steps left or right by chance; state 0 is home."""
    P = np.zeros((n, n))
    for s in range(n):
        P[s, max(s - 1, 0)] += 0.5
        P[s, min(s + 1, n - 1)] += 0.5
    return LinearlySolvableMDP(P, [0.0] + [-cost] * (n - 1), temperature)


# The same problem in the terms of chapters 1 to 3.


@given(walks(states=6, forbidden=True), st.integers(1, 6))
def test_desirability_is_the_exact_message_and_the_soft_value_at_once(problem, horizon):
    mdp, found = problem.as_tabular(horizon), horizon_desirability(problem, horizon)
    exact, soft = backward_messages(mdp), soft_values(mdp)
    np.testing.assert_allclose(found.log_z, exact.log_beta_s, atol=1e-10)
    np.testing.assert_allclose(found.V, soft.V, atol=1e-10)
    np.testing.assert_allclose(found.policy, exact.policy, atol=1e-10)
    np.testing.assert_allclose(found.policy, soft.policy, atol=1e-10)
    assert np.abs(optimism_gap(mdp)).max() == 0


@given(walks(states=5))
def test_one_linear_step_is_the_collapsed_kernel(problem):
    expected = np.exp(problem.reward / problem.temperature)[:, None] * problem.passive
    np.testing.assert_allclose(
        np.exp(collapsed_kernel(problem.as_tabular(2))), expected, atol=1e-12
    )


@given(walks(states=5), st.integers(2, 6))
def test_what_the_controlled_agent_does_is_what_the_smoother_believes(problem, horizon):
    mdp = problem.as_tabular(horizon, initial=np.eye(problem.num_states)[0])
    policy = horizon_desirability(problem, horizon).policy
    np.testing.assert_allclose(
        policy_occupancy(mdp, policy), smoothed_marginals(mdp).state_action, atol=1e-10
    )


def stopped(problem, exits, horizon):
    """Exits are never left and pay at the end; to be elsewhere at the end is forbidden."""
    S = problem.num_states
    out = np.isin(np.arange(S), exits)
    resting = LinearlySolvableMDP(
        np.where(out[:, None], np.eye(S), problem.passive),
        np.where(out, 0.0, problem.reward),
        problem.temperature,
    )
    return resting.as_tabular(horizon, terminal_value=np.where(out, problem.reward, -np.inf))


@pytest.mark.parametrize("seed", range(6))
def test_an_exit_is_a_long_horizon_with_resting_exits(seed):
    problem = random_walk(seed, S=7, temperature=0.5, forbidden=True)
    found = exit_desirability(problem, [0, 6])
    soft = soft_values(stopped(problem, [0, 6], 600))
    np.testing.assert_allclose(found.V, soft.V[0], atol=1e-8)
    inside = problem.allowed & ~np.isin(np.arange(7), [0, 6])
    np.testing.assert_allclose(found.policy[inside], soft.policy[0][inside], atol=1e-8)
    assert found.residual < 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_no_other_choice_does_better_on_the_way_to_an_exit(seed):
    problem, rng = random_walk(seed, S=6), np.random.default_rng(seed)
    found, inside = exit_desirability(problem, [0]), np.arange(6) > 0
    for strength in (0.0, 0.1, 1.0):
        u = found.policy + strength * rng.random((6, 6)) * (problem.passive > 0)
        u[0] = problem.passive[0]
        u /= u.sum(axis=1, keepdims=True)
        paid = np.where(inside, worth(problem, u), problem.reward)
        V = np.linalg.solve(np.eye(6) - np.where(inside[:, None], u, 0.0), paid)
        assert (found.V >= V - 1e-9).all()
        assert np.allclose(V, found.V, atol=1e-9) == (strength == 0)


def test_one_street_by_hand():
    """Half of the nights end at home, each step costs log 2: z = 1/3, and home in 3 of 4."""
    street = LinearlySolvableMDP([[1, 0], [0.5, 0.5]], [0.0, -math.log(2)])
    found = exit_desirability(street, [0])
    assert math.exp(found.log_z[1]) == pytest.approx(1 / 3)
    np.testing.assert_allclose(found.policy[1], [3 / 4, 1 / 4])


# Without an end.


@pytest.mark.parametrize("seed", range(5))
def test_the_average_reward_is_what_one_more_step_is_worth(seed):
    problem = random_walk(seed, S=6, temperature=0.7)
    found = average_desirability(problem)
    V = soft_values(problem.as_tabular(400)).V
    np.testing.assert_allclose(V[0] - V[1], found.rate, atol=1e-8)
    np.testing.assert_allclose(V[0] - V[0].max(), found.V, atol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_no_other_choice_earns_more_on_average(seed):
    problem, rng = random_walk(seed, S=5), np.random.default_rng(seed)
    best = average_desirability(problem).rate
    for _ in range(10):
        u = rng.exponential(size=(5, 5)) * problem.passive
        u /= u.sum(axis=1, keepdims=True)
        where = np.linalg.matrix_power((u + np.eye(5)) / 2, 4096)[0]
        assert where @ worth(problem, u) <= best + 1e-9


def test_a_periodic_process_has_an_average_too():
    ring = LinearlySolvableMDP(np.roll(np.eye(4), 1, axis=1), [0.0, -1.0, -2.0, -3.0])
    assert average_desirability(ring).rate == pytest.approx(-1.5)


def test_forbidden_states_are_avoided_for_ever():
    problem = random_walk(3, S=6, forbidden=True)
    found = average_desirability(problem)
    assert (found.V[~problem.allowed] == -np.inf).all()
    assert not found.policy[:, ~problem.allowed].any()
    np.testing.assert_allclose(found.policy[problem.allowed].sum(axis=1), 1)


# Discounts.


@given(walks(states=5), st.sampled_from((0.3, 0.9)))
def test_only_the_discount_inside_inference_is_linear(problem, gamma):
    """``z = e^r (gamma P z + 1 - gamma)``: the other reading of chapter 3."""
    S, weight = problem.num_states, np.exp(problem.reward / problem.temperature)
    mdp = problem.as_tabular(1)
    messages = stationary_messages(mdp, discount=gamma, tolerance=1e-12)
    step = weight[:, None] * problem.passive
    z = np.linalg.solve(np.eye(S) - gamma * step, (1 - gamma) * weight)
    np.testing.assert_allclose(np.exp(messages.log_beta_s), z, rtol=1e-9)
    values = stationary_soft_values(mdp, discount=gamma, tolerance=1e-12)
    found = discounted_desirability(problem, discount=gamma, tolerance=1e-12)
    np.testing.assert_allclose(found.V, values.V, atol=1e-10)


# Ranges, libraries.


def test_desirabilities_beyond_floating_point_are_found_in_log_space():
    """At temperature 0.01 the far end of the corridor is worth about exp(-2000)."""
    n = 21
    found = exit_desirability(corridor(n, temperature=0.01), [0])
    assert found.log_z[-1] < -1900
    np.testing.assert_allclose(found.V[1:], -np.arange(1, n), atol=0.3)
    warm = corridor(n)
    by_solving = exit_desirability(warm, [0]).log_z
    np.testing.assert_allclose(by_solving, soft_values(stopped(warm, [0], 3000)).V[0], atol=1e-8)


def test_torch_gives_the_same_and_its_gradient():
    torch = pytest.importorskip("torch")
    problem = random_walk(1, S=5, temperature=0.7)
    reward = torch.tensor(problem.reward, requires_grad=True)
    same = LinearlySolvableMDP(torch.tensor(problem.passive), reward, 0.7)
    pairs = [
        (exit_desirability(same, [0]), exit_desirability(problem, [0])),
        (horizon_desirability(same, 4), horizon_desirability(problem, 4)),
        (average_desirability(same), average_desirability(problem)),
        (
            discounted_desirability(same, discount=0.9),
            discounted_desirability(problem, discount=0.9),
        ),
    ]
    for tensors, arrays in pairs:
        for a, b in zip(tensors[:3], arrays[:3], strict=True):
            np.testing.assert_allclose(a.detach().numpy(), b, atol=1e-9)
    with pytest.raises(ValueError, match="arrays are numpy's"):
        z_learning(same, [[1]], [[2]], exits=[0], offset=1.0)
    exit_desirability(same, [0]).V[3].backward()
    visits = (
        0.7
        * np.linalg.inv(  # how often each state is visited from state 3
            np.eye(5)
            - np.where(np.arange(5)[:, None] > 0, exit_desirability(problem, [0]).policy, 0)
        )[3]
    )
    np.testing.assert_allclose(reward.grad.numpy(), visits / 0.7, atol=1e-8)


def test_single_precision_stays_single():
    problem = random_walk(2, S=5)
    small = LinearlySolvableMDP(
        problem.passive.astype(np.float32), problem.reward.astype(np.float32)
    )
    found = horizon_desirability(small, 5)
    assert found.log_z.dtype == np.float32
    np.testing.assert_allclose(found.V, horizon_desirability(problem, 5).V, atol=1e-4)
    tuned = exit_desirability(small, [0], tolerance=1e-4)
    np.testing.assert_allclose(tuned.V, exit_desirability(problem, [0]).V, atol=1e-3)


# Learning.


def test_greedy_z_learning_weighted_by_importance_is_the_full_backup():
    """The weight of a transition cancels its desirability: every sample is the sum."""
    problem = random_walk(0, S=6)
    log_z = np.random.default_rng(0).normal(size=6)
    u, z = problem.controlled(log_z), np.exp(log_z)
    target = np.exp(problem.reward)[:, None] * z * problem.passive / np.where(u > 0, u, 1.0)
    full = np.broadcast_to(np.exp(problem.backup(log_z))[:, None], u.shape)
    np.testing.assert_allclose(target[u > 0], full[u > 0])


def test_walks_follow_the_passive_dynamics_and_start_again_after_an_exit(rng):
    problem = corridor(4)
    states, ahead = passive_transitions(problem, [0], steps=4000, runs=5, rng=rng)
    assert states.min() == 1
    goes_on = ahead[:-1] != 0
    np.testing.assert_array_equal(states[1:][goes_on], ahead[:-1][goes_on])
    counts = np.zeros((4, 4))
    np.add.at(counts, (states, ahead), 1)
    frequency = counts[1:] / counts[1:].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(frequency, problem.passive[1:], atol=0.03)


def test_both_learners_approach_the_desirability(rng):
    problem = corridor(4, cost=0.5)
    log_z = exit_desirability(problem, [0]).log_z
    seen = passive_transitions(problem, [0], steps=5000, runs=4, rng=rng)
    by_z = z_learning(problem, *seen, exits=[0], offset=5.0)[0]
    np.testing.assert_allclose(by_z, np.tile(log_z, (4, 1)), atol=0.25)
    for passive, close in (("known", 1e-9), ("counted", 0.25)):
        by_q = soft_q_learning(problem, *seen, exits=[0], offset=1e9, passive=passive)[0]
        np.testing.assert_allclose(by_q, np.tile(log_z, (4, 1)), atol=close)


def test_runs_may_differ_in_their_rates_and_do_not_touch_each_other(rng):
    problem = corridor(4)
    states, ahead = passive_transitions(problem, [0], steps=200, runs=2, rng=rng)
    both = z_learning(problem, states, ahead, exits=[0], offset=[1.0, 7.0])[0]
    for run, offset in enumerate((1.0, 7.0)):
        alone = (states[:, [run]], ahead[:, [run]])
        one = z_learning(problem, *alone, exits=[0], offset=offset)[0, 0]
        np.testing.assert_array_equal(both[run], one)


# The embedding.


def ordinary(seed, **options):
    mdp = random_mdp(seed, T=1, **options)
    return rebuilt(mdp, reward=mdp.reward[0])


@pytest.mark.parametrize("seed", range(4))
def test_a_deterministic_problem_is_embedded_as_a_sum_over_actions(seed):
    """Chapter 2's forgotten prior: the soft maximum adds where it should average."""
    rng = np.random.default_rng(seed)
    nexts = np.stack([rng.permutation(5)[:3] for _ in range(5)])
    reward = -2 * rng.random((5, 3))
    mdp = TabularMDP.from_arrays(
        transition=Deterministic(nexts),
        reward=reward,
        initial=np.full(5, 0.2),
        horizon=1,
        temperature=0.5,
    )
    problem = embedded_problem(mdp).problem
    np.testing.assert_allclose(
        problem.reward, 0.5 * np.log(np.exp(reward / 0.5).sum(axis=1)), atol=1e-10
    )


@pytest.mark.parametrize("seed", range(4))
def test_where_costs_match_the_embedding_is_worth_at_least_as_much(seed):
    """Every policy of the ordinary problem can be chosen, at the same cost."""
    mdp = rebuilt(ordinary(seed, S=6, A=3), horizon=20)
    embedding = embedded_problem(mdp)
    assert np.abs(embedding.mismatch).max() < 1e-8
    V, Q = np.zeros(6), None
    for _ in range(20):
        Q = mdp.reward[0] + mdp.transition @ V
        V = Q.max(axis=1)
    assert (horizon_desirability(embedding.problem, 20).V[0] >= V - 1e-8).all()


@pytest.mark.parametrize("seed", range(3))
def test_a_constant_reward_more_is_a_constant_reward_more_in_the_embedding(seed):
    mdp = ordinary(seed, S=6, A=2)
    more = rebuilt(mdp, reward=mdp.reward[0] + 3.0)
    one, other = embedded_problem(mdp).problem, embedded_problem(more).problem
    np.testing.assert_allclose(other.passive, one.passive, atol=1e-9)
    np.testing.assert_allclose(other.reward, one.reward + 3.0, atol=1e-9)


def test_forbidden_actions_do_not_shape_the_embedding():
    mdp = ordinary(0, S=5, A=3)
    prior = np.full((5, 3), 0.5)
    prior[:, 2] = 0.0
    two = rebuilt(
        mdp,
        transition=mdp.transition[:, :2],
        reward=mdp.reward[0, :, :2],
        action_prior=np.full((5, 2), 0.5),
    )
    reward = mdp.reward[0].copy()
    reward[:, 2] = -np.inf
    for same in (rebuilt(mdp, action_prior=prior), rebuilt(mdp, reward=reward)):
        np.testing.assert_allclose(
            embedded_problem(same).problem.passive, embedded_problem(two).problem.passive
        )


def test_rewards_on_arrival_count_by_their_average():
    mdp = ordinary(1, S=4, A=2, next_state=True)
    mean = mdp.reward[0] + np.sum(mdp.transition * mdp.reward_next, axis=2)
    plain = TabularMDP.from_arrays(
        transition=mdp.transition,
        reward=mean,
        initial=mdp.initial,
        horizon=1,
        action_prior=mdp.action_prior,
        temperature=mdp.temperature,
    )
    np.testing.assert_allclose(
        embedded_problem(mdp).problem.reward, embedded_problem(plain).problem.reward
    )


# Errors.

HALF = [[0.5, 0.5], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ([[0.5, 0.4], [0.5, 0.5]], [0, 0]),
            r"passive\[s, :\] must sum to 1.*passive\[0, :\].*0\.9",
        ),
        (([[1.5, -0.5], [0.5, 0.5]], [0, 0]), r"passive must not be negative; passive\[0, 1\]"),
        (([[math.nan, 1], [0.5, 0.5]], [0, 0]), r"passive must be finite; passive\[0, 0\]"),
        (([[1.0, 0.0]], [0.0]), r"passive must have shape \(S, S\); it has \(1, 2\)"),
        ((HALF, [0, math.nan]), r"reward must be finite or -inf.*reward\[1\] is nan"),
        ((HALF, [0, math.inf]), r"reward must be finite or -inf.*reward\[1\] is inf"),
        ((HALF, [0, 0, 0]), r"reward must have shape \(2,\); it has \(3,\)"),
        ((HALF, [0, 0], 0.0), r"temperature must be positive and finite; it is 0"),
        ((HALF, [0, 0], math.nan), r"temperature must be positive and finite; it is nan"),
    ],
)
def test_a_faulty_problem_is_refused(arguments, words):
    with pytest.raises(ValueError, match=words):
        LinearlySolvableMDP(*arguments)


@pytest.mark.parametrize(
    ("exits", "words"),
    [
        ([2], r"exits must lie in 0 … 1"),
        ([], r"at least one state"),
        ([False, False], r"at least one state"),
        ([True, False, False], r"booleans of shape \(2,\)"),
    ],
)
def test_faulty_exits_are_refused(exits, words):
    with pytest.raises(ValueError, match=words):
        exit_desirability(LinearlySolvableMDP(HALF, [0, 0]), exits)


def test_an_exit_must_be_open_and_within_reach():
    closed = LinearlySolvableMDP(HALF, [-np.inf, -1.0])
    with pytest.raises(ValueError, match=r"an exit must not be forbidden; reward\[0\] is -inf"):
        exit_desirability(closed, [0])
    apart = LinearlySolvableMDP(np.eye(3)[[0, 0, 2]], [0.0, -1.0, -1.0])
    with pytest.raises(ValueError, match=r"exit must be reachable.*from state 2 none is"):
        exit_desirability(apart, [0])
    walled = LinearlySolvableMDP(np.eye(3)[[0, 0, 1]], [0.0, -np.inf, -1.0])
    with pytest.raises(ValueError, match="from state 2 none is"):
        exit_desirability(walled, [0])


def test_where_it_pays_never_to_leave_there_is_no_solution():
    for gain in (0.7, 5.0, 2000.0):
        dance = LinearlySolvableMDP([[1, 0], [0.5, 0.5]], [0.0, gain])
        with pytest.raises(ValueError, match=r"did not converge.*residual.*never to leave"):
            exit_desirability(dance, [0], max_sweeps=500)
    brief = LinearlySolvableMDP([[1, 0], [0.5, 0.5]], [0.0, 0.6])
    z = math.exp(exit_desirability(brief, [0]).log_z[1])
    assert z == pytest.approx(0.5 * math.exp(0.6) / (1 - 0.5 * math.exp(0.6)))


def test_without_an_end_all_states_must_be_connected():
    with pytest.raises(ValueError, match=r"connected both ways.*from state 0 state 1 cannot"):
        average_desirability(LinearlySolvableMDP([[1, 0], [0.5, 0.5]], [0, -1]))
    with pytest.raises(ValueError, match="every move leads to a forbidden state"):
        average_desirability(LinearlySolvableMDP([[0, 1], [1, 0]], [0, -np.inf]))
    with pytest.raises(ValueError, match="every state is forbidden"):
        average_desirability(LinearlySolvableMDP(HALF, [-np.inf, -np.inf]))


def test_too_few_sweeps_are_an_error_that_tells_how_far_it_came():
    slow = LinearlySolvableMDP([[0.999, 0.001], [0.001, 0.999]], [0.0, 0.0005])
    with pytest.raises(ValueError, match=r"did not meet within .* in 3 sweeps; .* apart"):
        average_desirability(slow, max_sweeps=3)
    for bad in (1.0, -0.1, math.nan):
        with pytest.raises(ValueError, match="discount must lie in"):
            discounted_desirability(slow, discount=bad)
    with pytest.raises(ValueError, match="tolerance"):
        average_desirability(slow, tolerance=0.0)


def test_faulty_horizons_and_ends_are_refused():
    problem = LinearlySolvableMDP(HALF, [0, 0])
    with pytest.raises(ValueError, match="horizon must be at least 1"):
        horizon_desirability(problem, 0)
    with pytest.raises(ValueError, match="terminal_value"):
        horizon_desirability(problem, 2, terminal_value=[0.0, math.nan])
    with pytest.raises(ValueError, match="terminal_value must have shape"):
        horizon_desirability(problem, 2, terminal_value=[0.0])


def test_faulty_transitions_are_refused():
    problem = corridor(3)
    good = np.array([[1, 2], [2, 1]])
    with pytest.raises(ValueError, match="next_states must lie in 0 … 2"):
        z_learning(problem, good, good + 2, exits=[0], offset=1.0)
    with pytest.raises(ValueError, match="offset must be positive"):
        z_learning(problem, good, good, exits=[0], offset=0.0)
    with pytest.raises(ValueError, match=r"states must have shape \(N, R\)"):
        z_learning(problem, [1, 2], [2, 1], exits=[0], offset=1.0)
    with pytest.raises(ValueError, match="checkpoints must lie in 1 … 2"):
        z_learning(problem, good, good, exits=[0], offset=1.0, checkpoints=[3])
    with pytest.raises(ValueError, match="'known' or 'counted'"):
        soft_q_learning(problem, good, good, exits=[0], offset=1.0, passive="guessed")


def test_what_cannot_be_embedded_is_refused():
    with pytest.raises(ValueError, match="reward given once"):
        embedded_problem(random_mdp(0))
    mdp = ordinary(0, S=3, A=2)
    reward = mdp.reward[0].copy()
    reward[1] = -np.inf
    with pytest.raises(ValueError, match="each state needs an action of finite reward; 1 has none"):
        embedded_problem(rebuilt(mdp, reward=reward))


def test_the_divergence_of_these_tests_is_a_divergence():
    assert divergence([0.5, 0.5], [0.5, 0.5]) == 0
    assert divergence([1.0, 0.0], [0.5, 0.5]) == pytest.approx(math.log(2))


def test_learning_keeps_to_numbers_far_out_of_range_and_beside_forbidden_states(rng):
    p = [[0.3, 0.3, 0.2, 0.2], [0.2, 0.3, 0.2, 0.3], [0.25] * 4, [0.0, 0.0, 0.0, 1.0]]
    problem = LinearlySolvableMDP(p, [-1e4, -2e4, -np.inf, 0.0])
    walks = passive_transitions(problem, [3], steps=3000, runs=1, rng=rng)
    exact = exit_desirability(problem, [3]).log_z
    by_z = z_learning(problem, *walks, exits=[3], offset=10.0)[0, 0]
    by_q = soft_q_learning(problem, *walks, exits=[3], offset=10.0)[0, 0]
    for learned in (by_z, by_q):
        assert learned[2] == -np.inf
        np.testing.assert_allclose(learned[[0, 1, 3]], exact[[0, 1, 3]], rtol=0, atol=0.5)


def test_walks_that_begin_at_an_exit_or_nowhere_are_refused(rng):
    problem = corridor(3)
    with pytest.raises(ValueError, match=r"begin at an exit, where a walk ends; states\[1, 0\]"):
        z_learning(problem, [[1], [0]], [[0], [1]], exits=[0], offset=1.0)
    with pytest.raises(ValueError, match="every state is an exit"):
        passive_transitions(problem, [0, 1, 2], steps=1, runs=1, rng=rng)
    with pytest.raises(ValueError, match="steps must be at least 1"):
        passive_transitions(problem, [0], steps=0, runs=1, rng=rng)
    with pytest.raises(ValueError, match=r"offset must be a number or have shape \(1,\)"):
        z_learning(problem, [[1]], [[0]], exits=[0], offset=[1.0, 2.0])
    with pytest.raises(ValueError, match="checkpoints must hold at least one"):
        z_learning(problem, [[1]], [[0]], exits=[0], offset=1.0, checkpoints=[])


def test_limits_of_the_search_are_checked_before_it_begins():
    far = LinearlySolvableMDP([[0.5, 0.5], [0.0, 1.0]], [-1e4, 0.0])
    with pytest.raises(ValueError, match="max_sweeps must be at least 1"):
        exit_desirability(far, [1], max_sweeps=0)
    with pytest.raises(ValueError, match="tolerance must be above 0"):
        exit_desirability(far, [1], tolerance=math.nan)
    with pytest.raises(TypeError, match="temperature must hold real numbers"):
        LinearlySolvableMDP(HALF, [0, 0], "1")
    with pytest.raises(ValueError, match="read-only"):
        far.reward[0] = 1.0
