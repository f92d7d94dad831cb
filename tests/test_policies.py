"""What a policy does in the real world: occupancies and returns under the true dynamics."""

import math

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import distributions, full_problems, lottery, problems, random_mdp, rebuilt

from cs_infer import (
    backward_messages,
    plan_closed_loop,
    policy_occupancy,
    policy_return,
    sample_prior,
    smoothed_marginals,
    soft_values,
)

pytestmark = pytest.mark.filterwarnings("error")


def listed_occupancy(mdp, policy):
    """``p_pi(s_t, a_t)`` by listing trajectories of prior weight one and putting the policy in."""
    exact = oracle.plain(mdp)._replace(prior=[[1] * mdp.num_actions] * mdp.num_states)
    occupancy = np.zeros(mdp.reward.shape)
    for path in oracle.paths(exact):
        p = exact.initial[path.states[0]] * float(path.prior)
        for t, (s, a) in enumerate(zip(path.states, path.actions, strict=True)):
            p *= float(policy[t][s][a])
        for t, (s, a) in enumerate(zip(path.states, path.actions, strict=True)):
            occupancy[t, s, a] += p
    return occupancy


@given(problems(num_states=2, num_actions=3), st.data())
def test_the_occupancy_is_that_of_the_listed_trajectories(mdp, data):
    policy = data.draw(distributions(*mdp.reward.shape))
    np.testing.assert_allclose(
        policy_occupancy(mdp, policy), listed_occupancy(mdp, policy), atol=1e-12
    )


@given(full_problems(impossible=False, patterns=False), st.data())
def test_the_return_is_the_occupancy_times_the_mean_reward(mdp, data):
    policy = data.draw(distributions(*mdp.reward.shape))
    occupancy = policy_occupancy(mdp, policy)
    expected = [
        occupancy[t, s, a] * oracle.mean_reward(mdp, t, s, a)
        for t, s, a in np.ndindex(mdp.reward.shape)
    ]
    last = np.einsum("sa,sat->t", occupancy[-1], mdp.transition)
    expected += (last * oracle.terminal_values(mdp)).tolist()
    got = policy_return(mdp, policy)
    assert isinstance(got, float)
    assert got == pytest.approx(math.fsum(expected), abs=1e-11)


@given(problems(num_states=2, num_actions=2, horizon=3), st.data())
def test_the_return_of_a_certain_policy_is_that_of_every_sequence_of_states(mdp, data):
    T, S, A = mdp.reward.shape
    allowed = [np.flatnonzero(row).tolist() for row in mdp.action_prior]
    choice = [[data.draw(st.sampled_from(allowed[s])) for s in range(S)] for _ in range(T)]
    policy = np.eye(A)[np.array(choice)]
    expected = oracle.expected_return(mdp, lambda t, s: choice[t][s])
    np.testing.assert_allclose(policy_return(mdp, policy), expected, atol=1e-11)


@given(full_problems(patterns=False))
def test_the_plan_of_dynamic_programming_returns_what_it_promises(mdp):
    plan = plan_closed_loop(mdp)
    policy = np.eye(mdp.num_actions)[plan.actions]
    if math.isfinite(plan.expected_return):
        np.testing.assert_allclose(policy_return(mdp, policy), plan.expected_return, atol=1e-10)


@given(full_problems(impossible=False, patterns=False))
def test_no_policy_returns_more_than_the_plan(mdp):
    best = plan_closed_loop(mdp).expected_return
    for policy in (backward_messages(mdp).policy, soft_values(mdp).policy):
        assert policy_return(mdp, policy) <= best + 1e-10


@given(full_problems(impossible=False, patterns=False))
def test_the_soft_value_is_return_minus_divergence_from_the_prior(mdp):
    """``V_1 = E[r] - alpha KL(pi || rho)`` summed over steps, under the soft policy."""
    values = soft_values(mdp)
    occupancy = policy_occupancy(mdp, values.policy)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(values.policy > 0, np.log(values.policy / mdp.action_prior), 0.0)
    entropy = float(np.sum(occupancy * ratio))
    expected = policy_return(mdp, values.policy) - mdp.temperature * entropy
    assert values.value == pytest.approx(expected, abs=1e-9)


@given(full_problems(impossible=False, patterns=False), st.data())
def test_no_policy_has_a_better_soft_objective_than_the_soft_policy(mdp, data):
    policy = data.draw(distributions(*mdp.reward.shape)) * (mdp.action_prior > 0)
    if not policy.sum(axis=2).all():
        return
    policy = policy / policy.sum(axis=2, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(policy > 0, np.log(policy / mdp.action_prior), 0.0)
    entropy = float(np.sum(policy_occupancy(mdp, policy) * ratio))
    objective = policy_return(mdp, policy) - mdp.temperature * entropy
    assert objective <= soft_values(mdp).value + 1e-9


@given(problems(kinds=("deterministic",), impossible=False))
def test_belief_and_truth_agree_when_nothing_is_left_to_chance(mdp):
    """The first state aside, which belief may also choose."""
    mdp = rebuilt(mdp, initial=np.eye(mdp.num_states)[0])
    policy = backward_messages(mdp).policy
    np.testing.assert_allclose(
        policy_occupancy(mdp, policy), smoothed_marginals(mdp).state_action, atol=1e-11
    )


def test_belief_expects_more_than_happens_where_there_is_luck():
    mdp = lottery(0.2)
    policy = backward_messages(mdp).policy
    believed = float(np.sum(smoothed_marginals(mdp).state_action * mdp.reward))
    assert believed > policy_return(mdp, policy) + 0.3


@given(full_problems())
def test_an_occupancy_is_a_distribution_at_every_step(mdp):
    prior = np.broadcast_to(mdp.action_prior, mdp.reward.shape)
    occupancy = policy_occupancy(mdp, prior)
    np.testing.assert_allclose(occupancy.sum(axis=(1, 2)), 1.0, atol=1e-12)


def test_the_prior_visits_states_as_its_samples_do(rng):
    mdp = random_mdp(2, S=4, A=2, T=5)
    prior = np.broadcast_to(mdp.action_prior, mdp.reward.shape)
    states = sample_prior(mdp, 40_000, rng).states
    frequency = np.stack([np.mean(states == s, axis=0) for s in range(4)], axis=1)
    bound = np.sqrt(np.log(2 * 20 / 1e-7) / (2 * 40_000))
    assert np.abs(frequency - policy_occupancy(mdp, prior).sum(axis=2)).max() < bound


def test_an_avoided_impossible_action_costs_nothing_and_a_taken_one_everything():
    mdp = random_mdp(1, S=2, A=2, T=2)
    reward = np.array(mdp.reward)
    reward[:, :, 1] = -np.inf
    mdp = rebuilt(mdp, reward=reward)
    never = np.tile([1.0, 0.0], (2, 2, 1))
    assert math.isfinite(policy_return(mdp, never))
    assert policy_return(mdp, np.full((2, 2, 2), 0.5)) == -np.inf


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (np.ones((2, 2)), r"shape"),
        (np.full((3, 6, 3), 1 / 3), r"shape"),
        (np.full((5, 6, 3), 0.5), r"sum to 1"),
        (np.tile([1.5, -0.5, 0.0], (5, 6, 1)), r"negative"),
        (np.full((5, 6, 3), np.nan), r"finite|nan"),
    ],
)
def test_a_policy_that_is_none_is_refused(policy, says):
    for ask in (policy_occupancy, policy_return):
        with pytest.raises(ValueError, match=says):
            ask(random_mdp(0), policy)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_a_number_that_is_no_probability_is_refused_also_where_nobody_goes(bad):
    """0 times NaN is NaN: it would spread from a state that is never reached."""
    stay = rebuilt(random_mdp(0, S=2, A=1, T=2), transition=np.eye(2)[:, None], initial=[1.0, 0.0])
    for ask in (policy_occupancy, policy_return):
        with pytest.raises(ValueError, match=r"states it never reaches; policy\[1, 0\] is"):
            ask(stay, [[1.0], [bad]])
