"""The most likely optimal trajectory: max-product in place of sum-product."""

import math

import numpy as np
import oracle
import pytest
from hypothesis import assume, given
from problems import (
    KINDS,
    bandit,
    corridor,
    full_problems,
    lottery,
    possible,
    problems,
    random_mdp,
)

from cs_infer import (
    TabularMDP,
    backward_messages,
    enumerate_trajectories,
    most_likely_trajectory,
    smoothed_marginals,
    trajectory_log_posterior,
    zero_temperature_values,
)
from cs_infer.dynamics import Sparse

pytestmark = pytest.mark.filterwarnings("error")


@given(full_problems())
def test_no_listed_trajectory_is_likelier(mdp):
    assume(possible(mdp))
    posterior = oracle.posterior(oracle.plain(mdp))
    found = most_likely_trajectory(mdp)
    key = tuple(found.states.tolist()), tuple(found.actions.tolist())
    most = max(posterior.values())
    assert posterior[key] == pytest.approx(most, rel=1e-10)
    assert math.exp(found.log_posterior) == pytest.approx(most, rel=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_the_library_lists_no_likelier_one_on_larger_problems(kind):
    mdp = random_mdp(6, S=5, A=3, T=4, kind=kind, temperature=0.4)
    found, table = most_likely_trajectory(mdp), enumerate_trajectories(mdp)
    assert found.log_posterior == pytest.approx(math.log(table.posterior.max()), abs=1e-11)
    assert found.log_posterior == pytest.approx(
        trajectory_log_posterior(mdp, found.states, found.actions), abs=1e-11
    )


@given(problems(kinds=("deterministic",), impossible=False, next_state=False))
def test_at_a_low_temperature_certain_dynamics_make_it_a_best_plan(mdp):
    cold = mdp.with_temperature(1e-4)
    found, best = most_likely_trajectory(cold), zero_temperature_values(cold, reading="exact")
    steps = np.arange(mdp.horizon)
    total = mdp.reward[steps, found.states, found.actions].sum()
    reachable = mdp.initial > 0
    assert total == pytest.approx(best.V[0][reachable].max(), abs=0.01)


def test_the_likeliest_trajectory_need_not_visit_the_likeliest_states():
    """One certain way, or a choice of three that share the rest: the shared rest wins
    step by step, the certain way wins as a whole."""
    P = np.zeros((5, 2, 5))
    P[0, 0, 1] = 1.0
    P[0, 1, 2:] = 1 / 3
    P[1:, :, 1:] = np.eye(4)[:, None, :]
    mdp = TabularMDP.from_arrays(
        transition=P,
        reward=np.zeros((5, 2)),
        initial=np.eye(5)[0],
        horizon=2,
        action_prior=np.array([[0.4, 0.6]] + [[1.0, 0.0]] * 4),
    )
    found = most_likely_trajectory(mdp)
    assert found.actions[0] == 0
    assert found.log_posterior == pytest.approx(math.log(0.4))
    assert smoothed_marginals(mdp).state_action[0, 0].argmax() == 1


def test_a_long_trajectory_keeps_its_digits():
    mdp = corridor(5, horizon=10_000)
    found = most_likely_trajectory(mdp)
    assert found.states[-1] == 5
    assert found.actions[:5].tolist() == [1] * 5
    expected = -5.0 + 10_000 * math.log(0.5) - backward_messages(mdp).log_evidence
    assert found.log_posterior == pytest.approx(expected, abs=1e-8)


def test_it_is_a_trajectory_of_whole_numbers_that_can_happen():
    mdp = lottery(0.2)
    found = most_likely_trajectory(mdp)
    assert found.states.dtype.kind == found.actions.dtype.kind == "i"
    assert found.states.shape == found.actions.shape == (mdp.horizon,)


def test_the_impossible_has_no_most_likely_trajectory():
    with pytest.raises(ValueError, match=r"no feasible trajectory|impossible"):
        most_likely_trajectory(bandit([-np.inf, -np.inf], horizon=3))


def test_a_successor_listed_twice_is_one_successor():
    """Half and half of the same next state is certainty, and more likely than three quarters."""
    stay = [[0.5, 0.5]] * 2
    lists = Sparse(
        np.array([[[1, 1], [2, 3]], [[1, 1]] * 2, [[2, 2]] * 2, [[3, 3]] * 2]),
        np.array([[[0.5, 0.5], [0.75, 0.25]], stay, stay, stay]),
    )
    options = {"reward": np.zeros((4, 2)), "initial": np.eye(4)[0], "horizon": 3}
    once = most_likely_trajectory(TabularMDP.from_arrays(transition=lists.to_dense(), **options))
    twice = most_likely_trajectory(TabularMDP.from_arrays(transition=lists, **options))
    assert twice.actions[0] == once.actions[0] == 0
    assert twice.log_posterior == pytest.approx(once.log_posterior)
    np.testing.assert_array_equal(twice.states, once.states)
