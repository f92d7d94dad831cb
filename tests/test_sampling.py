"""Drawn trajectories, against the enumerated distributions.

Each chi-square test fails by chance once in ten million runs (there are ten
of them). With the fixed seed it never does; the rate is what another seed
would risk.
"""

import re
import tracemalloc

import numpy as np
import oracle
import pytest
from hypothesis import given
from problems import bandit, lottery, possible, problems, random_mdp, two_states

from cs_infer import (
    TabularMDP,
    sample_policy,
    sample_posterior,
    sample_prior,
    smoothed_marginals,
    trajectory_log_prior,
)
from cs_infer.dynamics import Deterministic
from cs_infer.sampling import _draw

pytestmark = pytest.mark.filterwarnings("error")

FALSE_ALARM = 1e-7
DRAWS = 40_000

CASES = {
    "two states by hand": two_states()[1],
    "lottery": lottery(0.3),
    "time, sparse": random_mdp(7, S=3, A=2, T=3, kind="sparse", temperature=0.6),
    "next-state reward": random_mdp(8, S=2, A=2, T=3, next_state=True),
    "deterministic": random_mdp(9, S=3, A=3, T=3, kind="deterministic"),
}


def counts(sample):
    """How often each trajectory was drawn, keyed as the oracle keys them."""
    woven, count = np.unique(np.hstack(sample), axis=0, return_counts=True)
    T = sample.states.shape[1]
    return {
        (tuple(row[:T]), tuple(row[T:])): n
        for row, n in zip(woven.tolist(), count.tolist(), strict=True)
    }


def check_fit(sample, distribution):
    """No impossible trajectory, and no unlikely set of counts."""
    seen = counts(sample)
    assert set(seen) <= set(distribution), "an impossible trajectory was drawn"
    assert oracle.pooled_fit(seen, distribution) > FALSE_ALARM


def test_chi_square_has_the_textbook_critical_values():
    assert oracle.chi_square(
        [10 + 1.9208**0.5 * 10**0.5, 10 - 1.9208**0.5 * 10**0.5], [10, 10]
    ) == (pytest.approx(0.05, abs=1e-4))
    three_quarters = [5 + (5 * 5.9915 / 2) ** 0.5, 5 - (5 * 5.9915 / 2) ** 0.5, 5]
    assert oracle.chi_square(three_quarters, [5, 5, 5]) == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize("mdp", CASES.values(), ids=CASES)
def test_posterior_draws_follow_the_enumerated_posterior(mdp, rng):
    check_fit(sample_posterior(mdp, DRAWS, rng), oracle.posterior(oracle.plain(mdp)))


@pytest.mark.parametrize("mdp", CASES.values(), ids=CASES)
def test_prior_draws_follow_the_enumerated_prior(mdp, rng):
    paths = oracle.trajectories(oracle.plain(mdp))
    check_fit(sample_prior(mdp, DRAWS, rng), {(p.states, p.actions): p.prior for p in paths})


def test_the_check_itself_notices_the_wrong_distribution(rng):
    """The prior is not the posterior, and the test above can tell."""
    mdp = CASES["two states by hand"]
    with pytest.raises(AssertionError):
        check_fit(sample_prior(mdp, DRAWS, rng), oracle.posterior(oracle.plain(mdp)))


def test_posterior_dynamics_are_optimistic(rng):
    """An optimal agent wins a lottery that it would mostly lose."""
    mdp = lottery(0.3)
    sample = sample_posterior(mdp, DRAWS, rng)
    played = sample.actions[:, 0] == 1
    wins = np.mean(sample.states[played, 1] == 2)
    expected = 0.3 / (0.3 + 0.7 * np.exp(-3))
    assert abs(wins - expected) < 5.4 * np.sqrt(expected * (1 - expected) / played.sum())
    assert wins > 0.85


@given(problems())
def test_posterior_draws_are_possible(mdp):
    if possible(mdp):
        sample = sample_posterior(mdp, 20, np.random.default_rng(0))
        posterior = oracle.posterior(oracle.plain(mdp))
        assert set(counts(sample)) <= set(posterior)


@given(problems())
def test_prior_draws_are_feasible(mdp):
    sample = sample_prior(mdp, 20, np.random.default_rng(0))
    assert np.all(trajectory_log_prior(mdp, *sample) > -np.inf)


def test_long_posterior_draws_visit_states_as_the_smoothed_marginals_say(rng):
    """Hoeffding, over 40 x 5 frequencies: a false alarm once in ten million runs."""
    mdp = random_mdp(3, S=5, A=3, T=40)
    sample = sample_posterior(mdp, DRAWS, rng)
    frequency = np.stack([np.mean(sample.states == s, axis=0) for s in range(5)], axis=1)
    bound = np.sqrt(np.log(2 * 200 / 1e-7) / (2 * DRAWS))
    assert np.abs(frequency - smoothed_marginals(mdp).state).max() < bound


def test_the_same_seed_draws_the_same_trajectories():
    mdp = random_mdp(5)
    for sample in (sample_prior, sample_posterior):
        first = sample(mdp, 10, np.random.default_rng(1))
        again = sample(mdp, 10, np.random.default_rng(1))
        np.testing.assert_array_equal(first.states, again.states)
        np.testing.assert_array_equal(first.actions, again.actions)
        assert first.states.shape == first.actions.shape == (10, mdp.horizon)


def test_a_draw_never_takes_an_index_of_probability_zero():
    class Edge:
        """A generator that returns the ends of its range."""

        def __init__(self, u):
            self.u = u

        def random(self, n):
            return np.full(n, self.u)

    p = np.array([[0.0, 0.3, 0.0, 0.7, 0.0]])
    assert _draw(p, Edge(0.0)).tolist() == [1]
    assert _draw(p, Edge(np.nextafter(1.0, 0.0))).tolist() == [3]
    assert _draw(np.array([[0.1] * 10]), Edge(np.nextafter(1.0, 0.0))).tolist() == [9]


@pytest.mark.parametrize("sample", [sample_prior, sample_posterior])
def test_fewer_than_one_sample_is_refused(sample, rng):
    with pytest.raises(ValueError, match="num_samples must be at least 1; it is 0"):
        sample(random_mdp(0), 0, rng)


def test_the_posterior_of_the_impossible_cannot_be_sampled(rng):
    with pytest.raises(ValueError, match=re.escape("the posterior needs p(O_1:T = 1) > 0")):
        sample_posterior(bandit([-np.inf, -np.inf]), 5, rng)


def test_a_policy_that_is_no_distribution_where_it_goes_is_refused(rng):
    mdp = random_mdp(0)
    shape = (mdp.num_states, mdp.num_actions)
    with pytest.raises(ValueError, match=r"policy\[0\].* must sum to 1"):
        sample_policy(mdp, np.zeros(shape), 3, rng)
    with pytest.raises(ValueError, match="policy must have shape"):
        sample_policy(mdp, np.ones((2, 5)), 3, rng)


def test_sampling_refuses_batches_and_tensors_by_name(rng):
    mdp = random_mdp(0)
    for other in (TabularMDP.stack([mdp, mdp]), mdp.to_torch()):
        for draw in (sample_prior, sample_posterior):
            with pytest.raises(ValueError, match="sampling needs a single problem in numpy"):
                draw(other, 3, rng)


def test_the_first_state_of_many_draws_takes_no_row_for_each(rng):
    S = 20_000
    mdp = TabularMDP.from_arrays(
        transition=Deterministic(np.arange(S)[:, None]),
        reward=np.zeros((S, 1)),
        initial=np.full(S, 1 / S),
        horizon=1,
    )
    tracemalloc.start()
    states = sample_prior(mdp, 2_000, rng).states
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * S * 20
    assert abs(states.mean() / S - 0.5) < 0.05
