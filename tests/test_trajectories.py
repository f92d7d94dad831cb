"""The graph, one trajectory at a time, against plain Python's list of them all."""

import math
import re
from dataclasses import replace

import numpy as np
import oracle
import pytest
from hypothesis import given
from problems import bandit, possible, problems, random_mdp, two_states

from cs_infer import (
    TabularMDP,
    action_posterior_by_enumeration,
    backward_messages,
    enumerate_trajectories,
    log_evidence_by_enumeration,
    plan_closed_loop,
    sample_prior,
    trajectory_energy,
    trajectory_log_likelihood,
    trajectory_log_posterior,
    trajectory_log_prior,
)
from cs_infer.dynamics import Sparse

pytestmark = pytest.mark.filterwarnings("error")


def by_key(table, values):
    """Rows of a table of trajectories, keyed as the oracle keys them."""
    rows = zip(table.states.tolist(), table.actions.tolist(), values.tolist(), strict=True)
    return {(tuple(s), tuple(a)): float(x) for s, a, x in rows}


# The oracle.


@given(problems())
def test_every_feasible_trajectory_is_listed_once_with_its_prior_and_likelihood(mdp):
    table = enumerate_trajectories(mdp)
    paths = oracle.trajectories(oracle.plain(mdp))
    prior = by_key(table, table.prior)
    assert len(table.states) == len(prior) == len(paths)
    assert prior == pytest.approx({(p.states, p.actions): p.prior for p in paths}, rel=1e-12)
    likelihood = by_key(table, np.exp(table.log_likelihood))
    expected = {(p.states, p.actions): math.prod(p.factors) for p in paths}
    assert likelihood == pytest.approx(expected, rel=1e-12)


@given(problems())
def test_trajectories_come_in_lexicographic_order(mdp):
    table = enumerate_trajectories(mdp)
    woven = np.stack([table.states, table.actions], axis=2).reshape(len(table.states), -1)
    assert woven.tolist() == sorted(woven.tolist())


@given(problems())
def test_evidence_and_posterior_match_plain_python(mdp):
    table, exact = enumerate_trajectories(mdp), oracle.plain(mdp)
    evidence = oracle.evidence(exact)
    assert math.exp(table.log_evidence) == pytest.approx(evidence, rel=1e-12)
    assert log_evidence_by_enumeration(mdp) == table.log_evidence
    if evidence == 0:
        assert not table.posterior.any()
    else:
        posterior = {k: x for k, x in by_key(table, table.posterior).items() if x > 0}
        assert posterior == pytest.approx(oracle.posterior(exact), rel=1e-12)


def test_two_states_in_fractions():
    exact, mdp = two_states()
    table = enumerate_trajectories(mdp)
    priors = {(p.states, p.actions): float(p.prior) for p in oracle.trajectories(exact)}
    assert by_key(table, table.prior) == pytest.approx(priors, rel=1e-15)
    assert sum(p.prior for p in oracle.trajectories(exact)) == 1
    assert math.exp(table.log_evidence) == pytest.approx(float(oracle.evidence(exact)), rel=1e-15)


# Theorems.


@given(problems())
def test_prior_probabilities_sum_to_one(mdp):
    assert enumerate_trajectories(mdp).prior.sum() == pytest.approx(1.0, abs=1e-12)


@given(problems())
def test_the_posterior_sums_to_one_or_optimality_is_impossible(mdp):
    total = enumerate_trajectories(mdp).posterior.sum()
    assert total == pytest.approx(float(possible(mdp)), abs=1e-12)


@given(problems())
def test_the_posterior_is_a_gibbs_distribution_on_the_prior(mdp):
    table = enumerate_trajectories(mdp)
    weight = table.prior * np.exp(-trajectory_energy(mdp, table.states, table.actions))
    if weight.sum() > 0:
        np.testing.assert_allclose(table.posterior, weight / weight.sum(), atol=1e-12)


@given(problems())
def test_energy_is_minus_the_log_likelihood(mdp):
    table = enumerate_trajectories(mdp)
    energy = trajectory_energy(mdp, table.states, table.actions)
    np.testing.assert_array_equal(energy, -table.log_likelihood)


@given(problems(kinds=("deterministic",), next_state=False))
def test_under_certain_dynamics_and_a_uniform_prior_the_energy_alone_ranks(mdp):
    uniform = replace(mdp, action_prior=None, initial=np.eye(mdp.num_states)[0])
    prior = enumerate_trajectories(uniform).prior
    np.testing.assert_allclose(prior, uniform.num_actions**-uniform.horizon, rtol=1e-12)


@given(problems())
def test_the_posterior_by_messages_is_the_posterior_by_enumeration(mdp):
    if possible(mdp):
        table = enumerate_trajectories(mdp)
        by_messages = trajectory_log_posterior(mdp, table.states, table.actions)
        np.testing.assert_allclose(np.exp(by_messages), table.posterior, atol=1e-12)


@given(problems())
def test_infeasible_trajectories_have_probability_zero(mdp):
    T, S, A = mdp.reward.shape
    feasible = {(p.states, p.actions) for p in oracle.trajectories(oracle.plain(mdp))}
    rng = np.random.default_rng(0)
    states, actions = rng.integers(S, size=(50, T)), rng.integers(A, size=(50, T))
    log_prior = trajectory_log_prior(mdp, states, actions)
    for s, a, log_p in zip(states.tolist(), actions.tolist(), log_prior.tolist(), strict=True):
        assert (log_p > -np.inf) == ((tuple(s), tuple(a)) in feasible)


@given(problems())
def test_the_action_posterior_adds_up_trajectories(mdp):
    answer = action_posterior_by_enumeration(mdp)
    exact = oracle.plain(mdp)
    expected = np.zeros_like(answer)
    if possible(mdp):
        for t in range(mdp.horizon):
            for (s, a), p in oracle.action_posterior(exact, t).items():
                expected[t, s, a] = p
    np.testing.assert_allclose(answer, expected, atol=1e-12)


def test_a_trajectory_of_one_step_has_no_transition():
    mdp = random_mdp(1, S=3, A=2, T=1)
    log_p = trajectory_log_prior(mdp, np.array([2]), np.array([1]))
    assert np.exp(log_p) == pytest.approx(mdp.initial[2] * mdp.action_prior[2, 1])


def test_any_number_of_leading_axes_is_allowed(rng):
    mdp = random_mdp(2, T=4)
    flat = sample_prior(mdp, 6, rng)
    for function in (trajectory_log_prior, trajectory_log_likelihood, trajectory_log_posterior):
        once = function(mdp, *flat)
        folded = function(mdp, flat.states.reshape(2, 3, 4), flat.actions.reshape(2, 3, 4))
        np.testing.assert_array_equal(folded, once.reshape(2, 3))
        assert function(mdp, flat.states[0], flat.actions[0]).shape == ()


def test_the_likelihood_uses_the_reward_of_its_own_step():
    reward = np.zeros((3, 1, 2))
    reward[1, 0, 1] = -5.0
    mdp = TabularMDP.from_arrays(
        transition=np.ones((1, 2, 1)), reward=reward, initial=[1.0], horizon=3, temperature=2.0
    )
    states = np.zeros((3, 3), dtype=int)
    log_likelihood = trajectory_log_likelihood(mdp, states, np.eye(3, dtype=int))
    assert log_likelihood.tolist() == [0.0, -2.5, 0.0]


def test_the_last_step_sums_out_the_state_that_the_graph_does_not_hold():
    mdp = random_mdp(3, S=3, A=2, T=1, next_state=True, temperature=0.5)
    got = trajectory_log_likelihood(mdp, np.array([1]), np.array([0]))
    expected = np.sum(mdp.transition[1, 0] * np.exp(mdp.reward_next[1, 0] / 0.5))
    assert np.exp(got - mdp.reward[0, 1, 0] / 0.5) == pytest.approx(expected)


# Errors.


def test_enumeration_refuses_more_trajectories_than_its_limit():
    message = "at most 100 trajectories; after step 2 of 5 there are 324"
    with pytest.raises(ValueError, match=re.escape(message)):
        enumerate_trajectories(random_mdp(0, S=6, A=3, T=5), limit=100)


def test_a_posterior_of_the_impossible_is_refused():
    mdp = bandit([-np.inf, -np.inf], horizon=2)
    with pytest.raises(ValueError, match=re.escape("the posterior needs p(O_1:T = 1) > 0")):
        trajectory_log_posterior(mdp, np.zeros(2, dtype=int), np.zeros(2, dtype=int))
    assert log_evidence_by_enumeration(mdp) == -np.inf
    assert enumerate_trajectories(mdp).posterior.tolist() == [0.0] * 4
    assert not action_posterior_by_enumeration(mdp).any()
    assert backward_messages(mdp).log_evidence == -np.inf


BAD_TRAJECTORIES = [
    ([0, 1], [0, 1], "both have shape (..., T) with T = 3; they have (2,) and (2,)"),
    ([0, 1, 0], [[0, 1, 0]], "both have shape (..., T) with T = 3; they have (3,) and (1, 3)"),
    (0, 0, "both have shape (..., T) with T = 3; they have () and ()"),
    ([0, 1, 2], [0, 1, 0], "states must lie in 0 … 1; they span 0 … 2"),
    ([0, -1, 0], [0, 1, 0], "states must lie in 0 … 1; they span -1 … 0"),
    ([0, 1, 0], [0, 1, 2], "actions must lie in 0 … 1; they span 0 … 2"),
    ([0.0, 1.0, 0.0], [0, 1, 0], "states must be whole numbers; their dtype is float64"),
    ([0, 1, 0], [True, True, False], "actions must be whole numbers; their dtype is bool"),
]


@pytest.mark.parametrize(("states", "actions", "message"), BAD_TRAJECTORIES)
@pytest.mark.parametrize(
    "function",
    [trajectory_log_prior, trajectory_log_likelihood, trajectory_energy, trajectory_log_posterior],
)
def test_a_trajectory_that_does_not_fit_is_refused(function, states, actions, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        function(random_mdp(0, S=2, A=2, T=3), states, actions)


def test_trajectories_of_a_large_sparse_problem_need_no_dense_array(rng):
    S, A, K = 50_000, 2, 3
    mdp = TabularMDP.from_arrays(
        transition=Sparse(rng.integers(S, size=(S, A, K)), np.full((S, A, K), 1 / 3)),
        reward=-rng.random((S, A)),
        initial=np.eye(1, S, 7)[0],
        horizon=3,
        reward_next=-rng.random((S, A, K)),
    )
    table = enumerate_trajectories(mdp)
    assert table.log_evidence == pytest.approx(backward_messages(mdp).log_evidence, rel=1e-12)
    log_posterior = trajectory_log_posterior(mdp, table.states, table.actions)
    np.testing.assert_allclose(np.exp(log_posterior), table.posterior, rtol=1e-10)
    assert plan_closed_loop(mdp).V.shape == (3, S)


def test_trajectories_of_batches_and_tensors_are_refused_by_name():
    mdp = random_mdp(0, T=3)
    for other in (TabularMDP.stack([mdp, mdp]), mdp.to_torch()):
        with pytest.raises(ValueError, match="enumeration needs a single problem in numpy"):
            enumerate_trajectories(other)
        with pytest.raises(ValueError, match="needs a single problem in numpy"):
            trajectory_log_prior(other, np.zeros((1, 3), int), np.zeros((1, 3), int))
        with pytest.raises(ValueError, match="plan_closed_loop needs a single problem in numpy"):
            plan_closed_loop(other)
