"""Weighted trajectories, and the policy as its own next prior."""

import math

import numpy as np
import pytest
from hypothesis import given
from problems import KINDS, bandit, corridor, lottery, problems, random_mdp, rebuilt

from cs_infer import (
    TabularMDP,
    backward_messages,
    enumerate_trajectories,
    lottery_threshold,
    policy_as_prior,
    policy_return,
    reward_weighted_policy,
    sample_prior,
    soft_values,
    zero_temperature_values,
)

pytestmark = pytest.mark.filterwarnings("error")

READINGS = ("exact", "variational")
possible = problems(impossible=False, num_states=3, num_actions=3, horizon=3)


# Weighted trajectories.


@pytest.mark.parametrize("next_state", [False, True])
def test_trajectories_in_proportion_to_the_prior_give_the_posterior_policy(next_state):
    """Every trajectory, listed as often as its probability says: no sampling error is left."""
    half = np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.5, 0.5]]])
    mdp = TabularMDP.from_arrays(
        transition=half,
        reward=np.random.default_rng(0).normal(size=(3, 2, 2)),
        reward_next=np.random.default_rng(1).normal(size=(2, 2, 2)) if next_state else None,
        initial=[0.5, 0.5],
        horizon=3,
        temperature=0.7,
    )
    every = enumerate_trajectories(mdp)
    times = np.rint(every.prior * 64).astype(int)
    assert times.sum() == 64
    runs = np.repeat(every.states, times, axis=0), np.repeat(every.actions, times, axis=0)
    fit, exact = reward_weighted_policy(mdp, *runs), backward_messages(mdp)
    np.testing.assert_allclose(fit.policy, exact.policy, atol=1e-12)
    assert fit.log_evidence == pytest.approx(exact.log_evidence, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_trajectories_approach_the_posterior_policy(kind):
    mdp = random_mdp(0, S=3, A=2, T=3, kind=kind)
    truth = backward_messages(mdp)
    reached = np.array([np.bincount(s, minlength=3) for s in sample_runs(mdp).states.T]) > 2000
    fit = reward_weighted_policy(mdp, *sample_runs(mdp))
    assert np.abs(fit.policy - truth.policy)[reached].max() < 0.06
    assert fit.log_evidence == pytest.approx(truth.log_evidence, abs=0.05)


def sample_runs(mdp):
    return sample_prior(mdp, 20_000, np.random.default_rng(1))


def test_where_no_trajectory_comes_the_prior_stays():
    mdp = corridor(4, horizon=2)
    fit = reward_weighted_policy(mdp, [[0, 1]], [[1, 0]])
    np.testing.assert_array_equal(fit.policy[0, 0], [0.0, 1.0])
    np.testing.assert_array_equal(fit.policy[0, 1:], mdp.action_prior[1:])


def test_equal_weights_all_count_and_a_single_large_one_counts_alone():
    same = bandit([-1.0, -1.0])
    arms = np.array([[0], [1], [1], [0]])
    fit = reward_weighted_policy(same, np.zeros_like(arms), arms)
    assert fit.effective_sample_size == pytest.approx(4.0)
    assert fit.log_evidence == pytest.approx(-1.0)
    unlike = bandit([0.0, -60.0])
    fit = reward_weighted_policy(unlike, np.zeros((4, 1), int), [[0], [1], [1], [1]])
    assert fit.effective_sample_size == pytest.approx(1.0)


def test_trajectories_of_weight_zero_are_left_out_and_all_of_them_are_refused():
    mdp = bandit([0.0, -np.inf])
    fit = reward_weighted_policy(mdp, [[0], [0]], [[0], [1]])
    np.testing.assert_array_equal(fit.policy[0, 0], [1.0, 0.0])
    with pytest.raises(ValueError, match="return above -inf; all 2 have weight 0"):
        reward_weighted_policy(mdp, [[0], [0]], [[1], [1]])


# The policy as the next prior.


@given(possible)
def test_the_evidence_never_falls_in_the_exact_reading(mdp):
    days = policy_as_prior(mdp, reading="exact", iterations=6)
    assert np.diff(days.log_evidence).min() >= -1e-10


@given(possible)
def test_the_return_never_falls_in_the_variational_reading(mdp):
    days = policy_as_prior(mdp, reading="variational", iterations=6)
    assert np.diff(days.returns).min() >= -1e-10


@given(possible)
def test_k_variational_iterations_are_one_at_a_kth_of_the_temperature(mdp):
    repeated = policy_as_prior(mdp, reading="variational", iterations=5).policies[-1]
    colder = soft_values(mdp.with_temperature(mdp.temperature / 5)).policy
    np.testing.assert_allclose(repeated, colder, atol=1e-8)


@given(problems(impossible=False, kinds=("deterministic",), next_state=False))
def test_without_chance_both_readings_go_the_same_way(mdp):
    ways = [policy_as_prior(mdp, reading=reading, iterations=4) for reading in READINGS]
    for one, other in zip(*(way.policies for way in ways), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-8)


@pytest.mark.parametrize("reading", READINGS)
def test_one_decision_in_closed_form(reading):
    r, rho, alpha = np.array([0.3, -1.0, -2.0]), np.array([0.2, 0.3, 0.5]), 0.7
    mdp = bandit(r.tolist(), prior=rho.tolist(), temperature=alpha)
    days = policy_as_prior(mdp, reading=reading, iterations=5)
    for k, policy in enumerate(days.policies):
        weight = rho * np.exp(k * r / alpha)
        np.testing.assert_allclose(policy[0, 0], weight / weight.sum(), atol=1e-13)
        evidence = (weight * np.exp(r / alpha)).sum() / weight.sum()
        assert days.log_evidence[k] == pytest.approx(math.log(evidence))
        assert days.returns[k] == pytest.approx(weight @ r / weight.sum())


@pytest.mark.parametrize("reading", READINGS)
def test_the_first_policy_is_the_prior_and_the_second_the_known_one(reading):
    mdp = random_mdp(7, kind="sparse", next_state=True, temperature=0.5)
    days = policy_as_prior(mdp, reading=reading, iterations=1)
    np.testing.assert_array_equal(days.policies[0], np.broadcast_to(mdp.action_prior, (5, 6, 3)))
    known = backward_messages(mdp) if reading == "exact" else soft_values(mdp)
    np.testing.assert_allclose(days.policies[1], known.policy, atol=1e-13)
    assert days.returns[1] == pytest.approx(policy_return(mdp, known.policy))
    assert len(days.policies) == len(days.returns) == len(days.log_evidence) == 2


def test_the_variational_limit_is_optimal_control_at_any_temperature():
    for alpha in (0.1, 10.0):
        mdp = random_mdp(3, temperature=alpha)
        days = policy_as_prior(mdp, reading="variational", iterations=500)
        best = zero_temperature_values(mdp, "variational")
        shortfall = mdp.initial @ best.V[0] - days.returns[-1]
        assert -1e-10 <= shortfall <= alpha / 500 * 5 * math.log(1 / mdp.action_prior.min())


@pytest.mark.parametrize("p_win", [0.25, 0.4, 0.6])
def test_the_exact_limit_bets_above_its_threshold_whatever_the_mean_says(p_win):
    """The lottery pays 3 more or nothing, the safe act 2: exact from .335, the mean from .667."""
    mdp = lottery(p_win)
    bets = {
        reading: policy_as_prior(mdp, reading=reading, iterations=400).policies[-1][0, 0, 1]
        for reading in READINGS
    }
    assert bets["exact"] == pytest.approx(float(p_win > lottery_threshold(3.0, 2.0)), abs=1e-6)
    assert bets["variational"] == pytest.approx(0.0, abs=1e-6)


@given(problems(horizon=3))
def test_policies_are_distributions_and_keep_the_zeros_of_the_prior(mdp):
    for reading in READINGS:
        exact = reading == "exact"
        first = backward_messages(mdp).log_evidence if exact else soft_values(mdp).value
        if first == -np.inf:
            with pytest.raises(ValueError, match="-inf"):
                policy_as_prior(mdp, reading=reading, iterations=3)
            continue
        days = policy_as_prior(mdp, reading=reading, iterations=3)
        for policy in days.policies:
            np.testing.assert_allclose(policy.sum(axis=-1), 1.0, atol=1e-9)
            assert not policy[:, mdp.action_prior == 0].any()
        assert not np.isnan(days.log_evidence).any()
        assert not np.isnan(days.returns).any()


@pytest.mark.parametrize("reading", READINGS)
def test_a_batch_is_its_problems_and_torch_is_numpy(reading):
    problems = [random_mdp(seed, kind=KINDS[seed], temperature=0.6) for seed in range(3)]
    alone = [policy_as_prior(each, reading=reading, iterations=3) for each in problems]
    batch = policy_as_prior(TabularMDP.stack(problems), reading=reading, iterations=3)
    for b, each in enumerate(alone):
        np.testing.assert_allclose(batch.policies[-1][b], each.policies[-1], atol=1e-12)
        np.testing.assert_allclose(batch.log_evidence[:, b], each.log_evidence, atol=1e-11)
        np.testing.assert_allclose(batch.returns[:, b], each.returns, atol=1e-11)
    pytest.importorskip("torch")
    tensors = policy_as_prior(problems[0].to_torch(), reading=reading, iterations=3)
    np.testing.assert_allclose(tensors.policies[-1].numpy(), alone[0].policies[-1], atol=1e-12)
    np.testing.assert_allclose(tensors.returns.numpy(), alone[0].returns, atol=1e-11)


# Errors.


def test_an_unknown_reading_is_refused_by_name():
    with pytest.raises(ValueError, match=r"reading must be one of .*; it is 'optimistic'"):
        policy_as_prior(bandit([0.0]), reading="optimistic")


@pytest.mark.parametrize("iterations", [0, -1])
def test_at_least_one_iteration(iterations):
    with pytest.raises(ValueError, match=f"iterations must be at least 1; it is {iterations}"):
        policy_as_prior(bandit([0.0]), iterations=iterations)


def test_steps_that_do_not_count_are_refused():
    with pytest.raises(ValueError, match="every step observed"):
        policy_as_prior(random_mdp(0).observing([1]))


@pytest.mark.parametrize("reading", READINGS)
def test_a_reward_of_minus_infinity_that_cannot_be_avoided_is_refused(reading):
    with pytest.raises(ValueError, match=f"the {reading} value of the start is -inf"):
        policy_as_prior(bandit([-np.inf, -np.inf]), reading=reading)


def test_a_possible_loss_of_minus_infinity_is_luck_in_one_reading_and_ruin_in_the_other():
    """One action, nothing to choose: luck makes it possible, no policy makes it sure."""
    reward = np.array([[0.0], [0.0], [-np.inf]])
    P = np.array([[[0.0, 0.5, 0.5]], [[0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0]]])
    mdp = TabularMDP.from_arrays(transition=P, reward=reward, initial=[1, 0, 0], horizon=2)
    days = policy_as_prior(mdp, reading="exact", iterations=2)
    np.testing.assert_allclose(days.log_evidence, math.log(0.5))
    assert np.all(days.returns == -np.inf)
    with pytest.raises(ValueError, match="-inf"):
        policy_as_prior(mdp, reading="variational", iterations=2)


def test_fitting_needs_a_single_problem_in_numpy():
    batch = TabularMDP.stack([random_mdp(0), rebuilt(random_mdp(1), temperature=1.0)])
    with pytest.raises(ValueError, match="single problem in numpy"):
        reward_weighted_policy(batch, [[0] * 5], [[0] * 5])


def test_trajectories_that_the_prior_cannot_draw_are_refused():
    mdp = rebuilt(bandit([0.0, 1.0]), action_prior=[[1.0, 0.0]])
    with pytest.raises(ValueError, match=r"possible under the prior; that of row \[1\] is not"):
        reward_weighted_policy(mdp, [[0], [0]], [[0], [1]])
