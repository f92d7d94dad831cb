"""Which optimality variables are observed, what the last state is worth, what is allowed."""

import math
import re

import numpy as np
import oracle
import pytest
from hypothesis import given
from problems import (
    KINDS,
    bandit,
    corridor,
    full_problems,
    possible,
    problems,
    random_mdp,
    rebuilt,
)

from cs_infer import (
    TabularMDP,
    backward_messages,
    forward_messages,
    plan_closed_loop,
    policy_occupancy,
    policy_return,
    sample_posterior,
    smoothed_marginals,
    soft_values,
)

pytestmark = pytest.mark.filterwarnings("error")


# Against the oracle, with everything at once.


@given(full_problems())
def test_backward_messages_match_trajectory_enumeration(mdp):
    messages, exact = backward_messages(mdp), oracle.plain(mdp)
    assert math.exp(messages.log_evidence) == pytest.approx(oracle.evidence(exact), rel=1e-11)
    for t in range(mdp.horizon):
        for (s, a), p in oracle.beta(exact, t).items():
            assert np.exp(messages.log_beta_sa[t, s, a]) == pytest.approx(p, rel=1e-11)
        np.testing.assert_allclose(
            np.exp(messages.log_beta_s[t]), oracle.beta_state(exact, t), rtol=1e-11
        )


@given(full_problems())
def test_forward_messages_match_trajectory_enumeration(mdp):
    messages, exact = forward_messages(mdp), oracle.plain(mdp)
    for t in range(mdp.horizon):
        joint = np.array(oracle.past(exact, t), dtype=float)
        np.testing.assert_allclose(np.exp(messages.log_forward[t]), joint, rtol=1e-11)


@given(full_problems())
def test_smoothed_marginals_match_trajectory_enumeration(mdp):
    smoothed, exact = smoothed_marginals(mdp), oracle.plain(mdp)
    for t in range(mdp.horizon):
        expected = np.zeros((mdp.num_states, mdp.num_actions))
        if possible(mdp):
            for (s, a), p in oracle.visited(exact, t).items():
                expected[s, a] = p
        np.testing.assert_allclose(smoothed.state_action[t], expected, atol=1e-11)
        np.testing.assert_allclose(smoothed.state[t], expected.sum(axis=1), atol=1e-11)


@given(full_problems())
def test_posterior_draws_are_possible(mdp):
    if possible(mdp):
        sample = sample_posterior(mdp, 10, np.random.default_rng(0))
        posterior = oracle.posterior(oracle.plain(mdp))
        rows = zip(sample.states.tolist(), sample.actions.tolist(), strict=True)
        assert {(tuple(s), tuple(a)) for s, a in rows} <= set(posterior)


# Patterns: all, none, one, from t on.


@given(problems())
def test_observing_every_step_is_the_default(mdp):
    every = mdp.observing([True] * mdp.horizon)
    np.testing.assert_array_equal(
        backward_messages(every).log_beta_s, backward_messages(mdp).log_beta_s
    )


@given(problems())
def test_observing_nothing_leaves_the_prior(mdp):
    blind = mdp.observing([False] * mdp.horizon)
    messages = backward_messages(blind)
    np.testing.assert_allclose(messages.log_beta_s, 0.0, atol=1e-13)
    np.testing.assert_allclose(messages.log_evidence, 0.0, atol=1e-13)
    prior = np.broadcast_to(mdp.action_prior, mdp.reward.shape)
    np.testing.assert_allclose(messages.policy, prior, atol=1e-13)
    np.testing.assert_allclose(
        smoothed_marginals(blind).state_action, policy_occupancy(mdp, prior), atol=1e-12
    )


@given(problems())
def test_observing_one_step_is_one_step_of_bayes_under_the_prior(mdp):
    """``p(O_t = 1)`` is the mean of the step's optimality over where the prior goes."""
    prior = np.broadcast_to(mdp.action_prior, mdp.reward.shape)
    occupancy, exact = policy_occupancy(mdp, prior), oracle.plain(mdp)
    for t in range(mdp.horizon):
        one = backward_messages(mdp.observing([t]))
        terms = [
            occupancy[t, s, a] * oracle.last_factor(exact, t, s, a)
            for s, a in np.ndindex(occupancy.shape[1:])
        ]
        assert math.exp(one.log_evidence) == pytest.approx(math.fsum(terms), rel=1e-11)
        np.testing.assert_allclose(one.log_beta_s[t + 1 :], 0.0, atol=1e-13)


@given(problems())
def test_observing_from_a_step_on_keeps_the_messages_from_there_on(mdp):
    whole = backward_messages(mdp)
    for t in range(mdp.horizon):
        part = backward_messages(mdp.observing(list(range(t, mdp.horizon))))
        np.testing.assert_allclose(part.log_beta_s[t:], whole.log_beta_s[t:], atol=1e-12)
        np.testing.assert_allclose(part.policy[t:], whole.policy[t:], atol=1e-12)


def test_a_list_of_steps_and_a_row_of_booleans_say_the_same():
    mdp = random_mdp(3, T=5)
    by_list = backward_messages(mdp.observing([1, 3]))
    by_mask = backward_messages(mdp.observing([False, True, False, True, False]))
    by_array = backward_messages(mdp.observing(np.array([0, 1, 0, 1, 0], dtype=bool)))
    np.testing.assert_array_equal(by_list.log_beta_s, by_mask.log_beta_s)
    np.testing.assert_array_equal(by_list.log_beta_s, by_array.log_beta_s)
    assert np.asarray(mdp.observing([1, 3]).observed).tolist() == [False, True, False, True, False]


@given(full_problems())
def test_a_step_that_is_not_observed_is_a_step_that_costs_nothing(mdp):
    seen = np.asarray(oracle.seen_steps(mdp))
    if mdp.reward_next is None:
        free = rebuilt(
            mdp,
            reward=np.where(seen[:, None, None], mdp.reward, 0.0),
            observed=[True] * mdp.horizon,
        )
        np.testing.assert_allclose(
            backward_messages(free).log_beta_s, backward_messages(mdp).log_beta_s, atol=1e-12
        )
        np.testing.assert_allclose(soft_values(free).V, soft_values(mdp).V, atol=1e-12)


# Terminal values.


@given(full_problems(patterns=False))
def test_a_terminal_value_is_one_more_step_that_pays_it(mdp):
    """Evidence over T steps and a terminal value, against T + 1 steps without one."""
    A, T = mdp.num_actions, mdp.horizon
    if mdp.terminal_value is None or mdp.reward_next is not None:
        return
    last = np.repeat(np.asarray(mdp.terminal_value)[None, :, None], A, axis=2)
    longer = TabularMDP.from_arrays(
        transition=mdp.transition,
        reward=np.concatenate([mdp.reward, last]),
        initial=mdp.initial,
        horizon=T + 1,
        action_prior=mdp.action_prior,
        temperature=mdp.temperature,
    )
    short, long = backward_messages(mdp), backward_messages(longer)
    np.testing.assert_allclose(short.log_beta_s, long.log_beta_s[:T], atol=1e-11)
    np.testing.assert_allclose(short.log_evidence, long.log_evidence, atol=1e-11)
    np.testing.assert_allclose(soft_values(mdp).V, soft_values(longer).V[:T], atol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_the_value_of_the_rest_can_stand_for_the_rest(kind):
    """Cut the horizon in two: the messages of the second half are the first half's end."""
    mdp = random_mdp(5, T=8, kind=kind, temperature=0.7)
    whole = backward_messages(mdp)
    half = rebuilt(mdp, reward=mdp.reward[:3], horizon=3, terminal_value=0.7 * whole.log_beta_s[3])
    np.testing.assert_allclose(backward_messages(half).log_beta_s, whole.log_beta_s[:3], atol=1e-12)
    values = soft_values(mdp)
    half = rebuilt(mdp, reward=mdp.reward[:3], horizon=3, terminal_value=values.V[3])
    np.testing.assert_allclose(soft_values(half).V, values.V[:3], atol=1e-12)
    assert plan_closed_loop(half).expected_return <= plan_closed_loop(mdp).expected_return


def test_a_terminal_value_of_minus_infinity_makes_a_goal_a_condition():
    mdp = corridor(3, horizon=5, step_cost=0.0)
    must = rebuilt(mdp, terminal_value=[-np.inf, -np.inf, -np.inf, 0.0])
    messages = backward_messages(must)
    assert math.exp(messages.log_evidence) == pytest.approx(16 / 32)
    states = sample_posterior(must, 200, np.random.default_rng(0)).states
    assert np.all(states[:, -1] >= 2)
    assert messages.log_beta_s[4].tolist()[:2] == [-np.inf, -np.inf]


# Allowed actions and absorbing states.


@given(problems())
def test_allowed_actions_are_a_uniform_prior_over_them(mdp):
    allowed = mdp.action_prior > 0
    uniform = allowed / allowed.sum(axis=1, keepdims=True)
    options = {
        "transition": mdp.transition,
        "reward": mdp.reward,
        "initial": mdp.initial,
        "horizon": mdp.horizon,
    }
    by_mask = TabularMDP.from_arrays(**options, allowed=allowed)
    by_prior = TabularMDP.from_arrays(**options, action_prior=uniform)
    np.testing.assert_allclose(by_mask.action_prior, uniform)
    np.testing.assert_allclose(
        backward_messages(by_mask).log_beta_s, backward_messages(by_prior).log_beta_s, atol=1e-13
    )
    assert not backward_messages(by_mask).policy[:, ~allowed].any()


def test_a_state_with_more_actions_is_not_more_attractive_for_it():
    """Three ways to wander and one way to leave: the prior counts states, not actions."""
    P = np.zeros((3, 3, 3))
    P[0, 0, 1] = P[0, 1:, 2] = 1.0
    P[1, :, 1] = P[2, :, 2] = 1.0
    allowed = np.array([[True, True, False], [True, False, False], [True, True, True]])
    mdp = TabularMDP.from_arrays(
        transition=P, reward=np.zeros((3, 3)), initial=[1, 0, 0], horizon=20, allowed=allowed
    )
    np.testing.assert_allclose(backward_messages(mdp).policy[0, 0], [0.5, 0.5, 0.0])


def test_an_absorbing_state_keeps_its_value_for_the_steps_that_are_left():
    mdp = corridor(2, horizon=6, step_cost=1.0)
    reward = np.array(mdp.reward)
    reward[:, 2] = -0.25
    messages = backward_messages(rebuilt(mdp, reward=reward))
    np.testing.assert_allclose(messages.log_beta_s[:, 2], -0.25 * np.arange(6, 0, -1))


@pytest.mark.parametrize(
    ("allowed", "says"),
    [
        ([[True, True], [False, False]], r"every state needs an action.*allowed\[1, :\]"),
        ([[True, True]], r"allowed must have shape \(2, 2\).*\(1, 2\)"),
        ([[1.0, 0.5], [0.0, 1.0]], r"allowed must hold booleans.*float64"),
    ],
)
def test_allowed_actions_that_make_no_sense_are_refused(allowed, says):
    with pytest.raises((TypeError, ValueError), match=says):
        TabularMDP.from_arrays(
            transition=np.full((2, 2, 2), 0.5),
            reward=np.zeros((2, 2)),
            initial=[0.5, 0.5],
            horizon=2,
            allowed=allowed,
        )


def test_a_prior_that_allows_nothing_is_refused_by_the_name_of_its_state():
    with pytest.raises(ValueError, match=r"every state needs an action.*action_prior\[1, :\]"):
        TabularMDP.from_arrays(
            transition=np.full((2, 2, 2), 0.5),
            reward=np.zeros((2, 2)),
            initial=[0.5, 0.5],
            horizon=2,
            action_prior=[[0.5, 0.5], [0.0, 0.0]],
        )


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ([True, False], ValueError),
        ([5], ValueError),
        ([-1], ValueError),
        ([0.5], (ValueError, TypeError)),
        ([[0, 1]], (ValueError, TypeError)),
    ],
)
def test_steps_that_do_not_exist_cannot_be_observed(steps, error):
    with pytest.raises(error, match=r"observed|observing|step"):
        random_mdp(0, T=5).observing(steps)


@pytest.mark.parametrize(
    ("terminal", "error", "says"),
    [
        ([0.0, 0.0], ValueError, "terminal_value must have shape (1,); it has (2,)"),
        ([np.nan], ValueError, "terminal_value must be finite or -inf"),
        ([np.inf], ValueError, "terminal_value must be finite or -inf"),
        (["a"], TypeError, "terminal_value must hold real numbers"),
        ([1e301], ValueError, "terminal_value"),
    ],
)
def test_terminal_values_that_are_none_are_refused(terminal, error, says):
    with pytest.raises(error, match=re.escape(says)):
        rebuilt(bandit([0.0, -1.0]), terminal_value=terminal)


def test_no_way_to_be_optimal_is_said_in_so_many_words():
    """Each action is possible alone, and no sequence of them is: evidence zero, no NaN."""
    P = np.zeros((2, 1, 2))
    P[:, 0, 1] = 1.0
    mdp = TabularMDP.from_arrays(transition=P, reward=[[0.0], [-np.inf]], initial=[1, 0], horizon=2)
    assert backward_messages(mdp).log_evidence == -np.inf
    assert soft_values(mdp).value == -np.inf
    assert not smoothed_marginals(mdp).state_action.any()
    assert policy_return(mdp, np.ones((2, 2, 1))) == -np.inf
    with pytest.raises(ValueError, match=r"p\(O_1:T = 1\) > 0.*-inf"):
        sample_posterior(mdp, 1, np.random.default_rng(0))
    ahead = mdp.observing([0])
    assert backward_messages(ahead).log_evidence == 0.0


def test_a_problem_can_be_given_another_horizon():
    mdp = corridor(3, horizon=4)
    np.testing.assert_array_equal(
        backward_messages(mdp.with_horizon(9)).log_beta_s[5:], backward_messages(mdp).log_beta_s
    )
    with pytest.raises(ValueError, match=r"reward|horizon"):
        random_mdp(0, T=5).with_horizon(9)
