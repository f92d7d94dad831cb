"""Gymnasium's own tables, read twice: by the library, and by a recursion written here.

The second reading never builds an array. It walks the table outcome by
outcome, in linear space and extended precision.
"""

import re
from collections import defaultdict

import numpy as np
import pytest

from cs_infer import TabularMDP, backward_messages, log_p_optimal, smoothed_marginals
from cs_infer.toy_text import read_toy_text

pytestmark = pytest.mark.filterwarnings("error")

gymnasium = pytest.importorskip("gymnasium")


class ByTable:
    """Messages of a table under a uniform prior, in linear space.

    An episode that ends stays where it ended, at no reward: its future is
    optimal for certain. Ended episodes are kept apart, under ("over", s).
    """

    def __init__(self, env, horizon, *, temperature=1.0, on_next_state=False):
        real = np.longdouble
        self.table, self.T = env.unwrapped.P, horizon
        self.start = {
            s: real(float(p)) for s, p in enumerate(env.unwrapped.initial_state_distrib) if p
        }
        self.states, self.actions = sorted(self.table), sorted(self.table[0])
        self.factor, self.moves = {}, {}
        for s in self.states:
            for a in self.actions:
                outcomes = [
                    (real(float(p)), ("over", n) if over else n, real(float(r)))
                    for p, n, r, over in self.table[s][a]
                ]
                mean = sum(p * r for p, _, r in outcomes)
                moves = defaultdict(lambda: real(0))
                for p, n, r in outcomes:
                    moves[n] += p * (np.exp(r / temperature) if on_next_state else 1)
                self.factor[s, a] = real(1) if on_next_state else np.exp(mean / temperature)
                self.moves[s, a] = list(moves.items())

    def backward(self):
        """``beta_t(s)`` and ``pi_t(a | s)``, for t from the first step to the last."""
        betas, policies = [], []
        ahead = dict.fromkeys(self.states, np.longdouble(1))
        for _ in range(self.T):
            beta_sa = {
                key: self.factor[key]
                * sum(w * (1 if isinstance(n, tuple) else ahead[n]) for n, w in moves)
                for key, moves in self.moves.items()
            }
            sums = {s: sum(beta_sa[s, a] for a in self.actions) for s in self.states}
            policies.insert(
                0, {s: [float(beta_sa[s, a] / sums[s]) for a in self.actions] for s in self.states}
            )
            ahead = {s: x / len(self.actions) for s, x in sums.items()}
            betas.insert(0, ahead)
        return betas, policies

    def forward(self):
        """``p(s_t, O_<t)``, ended episodes under ("over", s)."""
        here, all_steps = dict(self.start), []
        for _ in range(self.T):
            all_steps.append(here)
            after = defaultdict(lambda: np.longdouble(0))
            for s, mass in here.items():
                if isinstance(s, tuple):
                    after[s] += mass
                    continue
                for a in self.actions:
                    weight = mass * self.factor[s, a] / len(self.actions)
                    for n, w in self.moves[s, a]:
                        after[n] += weight * w
            here = dict(after)
        return all_steps

    def check(self, mdp):
        """Compare every answer of the library with this reading."""
        betas, policies = self.backward()
        messages, smoothed = backward_messages(mdp), smoothed_marginals(mdp)
        evidence = sum(p * betas[0][s] for s, p in self.start.items())
        assert messages.log_evidence == pytest.approx(float(np.log(evidence)), abs=1e-10)
        ended = {n for moves in self.moves.values() for n, _ in moves if isinstance(n, tuple)}
        masses = self.forward()
        alive = sorted(s for s in set().union(*masses) if not isinstance(s, tuple))
        assert alive
        assert ended
        assert not {s for _, s in ended} & set(alive)
        log_beta = [[float(np.log(beta[s])) for s in alive] for beta in betas]
        np.testing.assert_allclose(messages.log_beta_s[:, alive], log_beta, atol=1e-10)
        policy = [[each[s] for s in alive] for each in policies]
        np.testing.assert_allclose(messages.policy[:, alive], policy, atol=1e-10)
        expected = np.zeros((self.T, len(self.states)))
        for t, here in enumerate(masses):
            for s, mass in here.items():
                over = isinstance(s, tuple)
                future = 1 if over else betas[t][s]
                expected[t, s[1] if over else s] += float(mass * future / evidence)
        np.testing.assert_allclose(smoothed.state, expected, atol=1e-10)


# The oracle.


@pytest.mark.parametrize("reward_on", ["expectation", "next_state"])
@pytest.mark.parametrize("temperature", [1.0, 0.05])
def test_frozen_lake_messages_match_a_reading_of_its_table(reward_on, temperature):
    env = gymnasium.make("FrozenLake-v1", map_name="8x8")
    mdp = read_toy_text(env, horizon=100, reward_on=reward_on, temperature=temperature)
    on_next = reward_on == "next_state"
    by_table = ByTable(env, 100, temperature=temperature, on_next_state=on_next)
    by_table.check(mdp)


def test_taxi_messages_match_a_reading_of_its_table():
    env = gymnasium.make("Taxi-v3")
    mdp = read_toy_text(env, horizon=100, temperature=2.0)
    by_table = ByTable(env, 100, temperature=2.0)
    by_table.check(mdp)


def test_cliff_walking_messages_match_a_reading_of_its_table():
    env = gymnasium.make("CliffWalking-v1")
    mdp = read_toy_text(env, horizon=40, temperature=5.0)
    by_table = ByTable(env, 40, temperature=5.0)
    by_table.check(mdp)


# What a reading must keep.


@pytest.mark.parametrize(
    ("name", "options", "size", "deterministic"),
    [
        ("FrozenLake-v1", {}, (16, 4), False),
        ("FrozenLake-v1", {"is_slippery": False}, (16, 4), True),
        ("FrozenLake-v1", {"map_name": "8x8"}, (64, 4), False),
        ("CliffWalking-v1", {}, (48, 4), True),
        ("CliffWalking-v1", {"is_slippery": True}, (48, 4), False),
        ("Taxi-v3", {}, (500, 6), True),
    ],
)
def test_an_environment_keeps_its_size_its_start_and_its_rewards(
    name, options, size, deterministic
):
    mdp = TabularMDP.from_gymnasium(name, horizon=3, make_options=options)
    assert (mdp.num_states, mdp.num_actions) == size
    assert mdp.is_deterministic == deterministic
    env = gymnasium.make(name, **options).unwrapped
    np.testing.assert_allclose(mdp.initial, env.initial_state_distrib)
    ended = {n for s in env.P for a in env.P[s] for _, n, _, over in env.P[s][a] if over}
    for s in set(env.P) - ended:
        for a, outcomes in env.P[s].items():
            mean = sum(p * r for p, _, r, _ in outcomes)
            assert mdp.reward[0, s, a] == pytest.approx(mean, abs=1e-12)


def test_the_end_of_an_episode_is_absorbing_and_free():
    mdp = read_toy_text("CliffWalking-v1", horizon=5)
    goal = mdp.num_states - 1
    np.testing.assert_array_equal(mdp.transition[goal, :, goal], 1.0)
    assert not mdp.reward[:, goal].any()
    np.testing.assert_allclose(backward_messages(mdp).log_beta_s[:, goal], 0.0, atol=1e-12)


def test_an_environment_and_its_id_give_the_same_problem():
    by_id = read_toy_text("FrozenLake-v1", horizon=4)
    by_env = TabularMDP.from_gymnasium(gymnasium.make("FrozenLake-v1"), horizon=4)
    np.testing.assert_array_equal(by_id.transition, by_env.transition)
    np.testing.assert_array_equal(by_id.reward, by_env.reward)


def test_prior_and_temperature_are_passed_on():
    prior = np.tile([0.7, 0.1, 0.1, 0.1], (16, 1))
    mdp = read_toy_text("FrozenLake-v1", horizon=4, action_prior=prior, temperature=0.5)
    np.testing.assert_array_equal(mdp.action_prior, prior)
    assert mdp.temperature == 0.5


def test_luck_on_the_ice_is_worth_more_where_the_reward_falls_than_on_average():
    """Jensen again: one step, reward on the next state against its expectation."""
    options = {"horizon": 1, "temperature": 0.1}
    on_mean = read_toy_text("FrozenLake-v1", reward_on="expectation", **options)
    on_next = read_toy_text("FrozenLake-v1", reward_on="next_state", **options)
    gap = backward_messages(on_next).log_beta_sa - backward_messages(on_mean).log_beta_sa
    assert gap.min() >= -1e-12
    assert gap[0, 14].max() > 1


def test_a_shifted_environment_has_probabilities():
    for reward_on in ("expectation", "next_state"):
        mdp = read_toy_text("FrozenLake-v1", horizon=20, reward_on=reward_on).shifted()
        assert log_p_optimal(mdp).max() <= 0.0
        assert backward_messages(mdp).log_evidence < 0.0


# Tables by hand.


class Table:
    """The least an environment must be."""

    def __init__(self, P, initial):
        self.P, self.initial_state_distrib = P, initial


def test_an_ending_that_can_also_be_passed_through_gets_a_state_of_its_own():
    table = Table(
        {
            0: {0: [(0.5, 1, -1.0, False), (0.5, 1, -3.0, True)]},
            1: {0: [(1.0, 0, -2.0, False)]},
        },
        [1.0, 0.0],
    )
    mdp = read_toy_text(table, horizon=3)
    assert mdp.num_states == 3
    assert mdp.transition[:, 0].tolist() == [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    assert mdp.reward[0, :, 0].tolist() == [-2.0, -2.0, 0.0]
    assert mdp.initial.tolist() == [1.0, 0.0, 0.0]
    on_next = read_toy_text(table, horizon=3, reward_on="next_state")
    assert on_next.reward_next[0, 0].tolist() == [0.0, -1.0, -3.0]
    # Half the episodes end at once; the others come back and then toss again.
    expected = 0.5 * np.exp(-3) + 0.5 * np.exp(-1 - 2) * (0.5 * np.exp(-3) + 0.5 * np.exp(-1))
    assert np.exp(backward_messages(on_next).log_evidence) == pytest.approx(expected)


def test_outcomes_of_probability_zero_are_not_read():
    table = Table(
        {0: {0: [(1.0, 1, -1.0, True), (0.0, 1, -9.0, True)]}, 1: {0: [(1.0, 1, 0.0, True)]}},
        [1.0, 0.0],
    )
    mdp = read_toy_text(table, horizon=2, reward_on="next_state")
    assert mdp.reward_next[0, 0].tolist() == [0.0, -1.0]


# Errors.


def test_an_unknown_id_is_refused_by_name():
    with pytest.raises(
        ValueError, match="env_or_id must be a gymnasium id; 'NoSuchLake-v1' is not"
    ):
        read_toy_text("NoSuchLake-v1", horizon=3)


def test_an_environment_without_a_table_is_refused_by_its_type():
    with pytest.raises(ValueError, match=re.escape("(a table P and initial_state_distrib)")):
        read_toy_text("CartPole-v1", horizon=3)
    with pytest.raises(ValueError, match="CartPoleEnv does not"):
        read_toy_text(gymnasium.make("CartPole-v1"), horizon=3)
    with pytest.raises(ValueError, match="NoneType does not"):
        read_toy_text(None, horizon=3)


@pytest.mark.parametrize("word", ["mean", "", None, "Expectation"])
def test_reward_on_must_be_one_of_two_words(word):
    message = f"reward_on must be one of ('expectation', 'next_state'); it is {word!r}"
    with pytest.raises(ValueError, match=re.escape(message)):
        read_toy_text("FrozenLake-v1", horizon=3, reward_on=word)


def test_two_rewards_for_one_step_are_refused_with_place_and_values():
    message = "one reward for each (s, a, s'); the table holds -1 and -100 for (36, 0, 36)"
    with pytest.raises(ValueError, match=re.escape(message)):
        read_toy_text(
            "CliffWalking-v1",
            horizon=3,
            reward_on="next_state",
            make_options={"is_slippery": True},
        )


def test_a_bad_horizon_is_refused_here_as_everywhere():
    with pytest.raises(ValueError, match="horizon must be at least 1; it is 0"):
        read_toy_text("FrozenLake-v1", horizon=0)
    with pytest.raises(TypeError, match=r"horizon must be a whole number; it is 2\.5"):
        read_toy_text("FrozenLake-v1", horizon=2.5)
