"""What a valid problem is, and what the constructor says about one that is not."""

import copy
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from problems import KINDS, bandit, problems, random_mdp

from cs_infer import TabularMDP, backward_messages, log_p_optimal
from cs_infer.dynamics import Deterministic

pytestmark = pytest.mark.filterwarnings("error")

GOOD = {
    "transition": [[[1.0, 0.0], [0.25, 0.75]], [[0.5, 0.5], [0.0, 1.0]]],
    "reward": [[0.0, -1.0], [-2.0, -3.0]],
    "initial": [0.5, 0.5],
    "action_prior": [[0.5, 0.5], [1.0, 0.0]],
    "horizon": 3,
    "temperature": 2.0,
}


def build(**changes):
    return TabularMDP.from_arrays(**(GOOD | changes))


def with_entry(name, index, value):
    array = np.array(GOOD[name], dtype=float)
    array[index] = value
    return {name: array}


# What the problem holds.


def test_the_arrays_are_what_was_given():
    mdp = build(reward_next=np.ones((2, 2, 2)))
    np.testing.assert_array_equal(mdp.transition, GOOD["transition"])
    np.testing.assert_array_equal(mdp.initial, GOOD["initial"])
    np.testing.assert_array_equal(mdp.action_prior, GOOD["action_prior"])
    np.testing.assert_array_equal(mdp.reward, [GOOD["reward"]] * 3)
    np.testing.assert_array_equal(mdp.reward_next, np.ones((2, 2, 2)))
    assert (mdp.num_states, mdp.num_actions, mdp.horizon, mdp.temperature) == (2, 2, 3, 2.0)
    assert repr(mdp) == "TabularMDP(num_states=2, num_actions=2, horizon=3, temperature=2)"


def test_a_reward_with_a_time_axis_is_kept_per_step():
    reward = -np.arange(12.0).reshape(3, 2, 2)
    np.testing.assert_array_equal(build(reward=reward).reward, reward)


def test_the_default_action_prior_is_uniform_and_the_default_temperature_is_one():
    options = {k: v for k, v in GOOD.items() if k not in ("action_prior", "temperature")}
    mdp = TabularMDP.from_arrays(**options)
    np.testing.assert_array_equal(mdp.action_prior, np.full((2, 2), 0.5))
    assert mdp.temperature == 1.0
    assert mdp.reward_next is None


def test_the_derived_quantities_are_in_nats():
    mdp = build(reward_next=-np.ones((2, 2, 2)))
    np.testing.assert_allclose(mdp.scaled_reward, mdp.reward / 2)
    np.testing.assert_allclose(np.exp(mdp.log_initial), mdp.initial)
    np.testing.assert_allclose(np.exp(mdp.log_action_prior), mdp.action_prior)
    np.testing.assert_allclose(np.exp(mdp.log_step), mdp.transition * np.exp(-0.5))


def test_integers_booleans_and_numpy_scalars_are_numbers():
    mdp = build(
        transition=np.eye(2, dtype=bool)[[[0, 1], [1, 0]]],
        reward=np.zeros((2, 2), dtype=np.int8),
        initial=[1, 0],
        horizon=np.int64(2),
        temperature=np.float32(0.5),
    )
    assert mdp.transition.dtype == mdp.reward.dtype == np.float64
    assert type(mdp.horizon) is int
    assert type(mdp.temperature) is float


@given(problems())
def test_deterministic_means_each_allowed_action_has_one_next_state(mdp):
    one_next = all(
        np.count_nonzero(mdp.transition[s, a]) == 1
        for s in range(mdp.num_states)
        for a in range(mdp.num_actions)
        if mdp.action_prior[s, a] > 0
    )
    assert mdp.is_deterministic == one_next


def test_luck_after_a_forbidden_action_leaves_the_dynamics_deterministic():
    options = {"transition": [[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]]}
    assert build(**options, action_prior=[[1.0, 0.0], [1.0, 0.0]]).is_deterministic
    assert not build(**options, action_prior=[[1.0, 0.0], [0.5, 0.5]]).is_deterministic


# Immutability.


def test_changing_the_input_does_not_change_the_problem():
    arrays = {k: np.array(v, dtype=float) for k, v in GOOD.items() if isinstance(v, list)}
    arrays["reward_next"] = np.zeros((2, 2, 2))
    mdp = build(**arrays)
    before = {name: getattr(mdp, name).copy() for name in arrays}
    for array in arrays.values():
        array += 7.0
    for name, array in before.items():
        np.testing.assert_array_equal(getattr(mdp, name), array)


def test_every_array_is_read_only():
    mdp = build(reward_next=np.zeros((2, 2, 2)))
    for name in (
        "transition", "reward", "initial", "action_prior", "reward_next",
        "scaled_reward", "log_step", "log_initial", "log_action_prior",
    ):  # fmt: skip
        with pytest.raises(ValueError, match="read-only"):
            getattr(mdp, name)[...] = 0.5


def test_attributes_cannot_be_rebound():
    with pytest.raises(AttributeError):
        build().horizon = 4


def test_with_methods_return_a_new_problem_and_leave_the_old_one():
    mdp = build()
    assert mdp.with_temperature(5.0).temperature == 5.0
    assert mdp.temperature == 2.0
    uniform = mdp.with_action_prior(np.full((2, 2), 0.5))
    assert uniform.action_prior[1, 1] == 0.5
    assert mdp.action_prior[1, 1] == 0.0
    assert uniform.temperature == 2.0
    with pytest.raises(ValueError, match="temperature must be positive"):
        mdp.with_temperature(-1.0)


def test_replacing_an_argument_checks_it():
    assert replace(build(), temperature=4.0).temperature == 4.0
    with pytest.raises(ValueError, match="temperature must be positive"):
        replace(build(), temperature=-4.0)


# Shifting the reward.


@given(problems())
def test_shifted_makes_every_exponential_a_probability_and_touches_zero(mdp):
    shifted = mdp.shifted()
    largest = shifted.reward.max()
    assert largest in (0.0, -np.inf)
    if mdp.reward_next is not None:
        assert shifted.reward_next.max() in (0.0, -np.inf)
    assert np.all(log_p_optimal(shifted) <= 0)
    assert backward_messages(shifted).log_evidence <= 1e-12


@given(problems())
def test_shifted_lowers_the_evidence_by_a_constant_and_keeps_the_policy(mdp):
    shift = mdp.reward.max() if np.isfinite(mdp.reward.max()) else 0.0
    if mdp.reward_next is not None and np.isfinite(mdp.reward_next.max()):
        shift += mdp.reward_next.max()
    before, after = backward_messages(mdp), backward_messages(mdp.shifted())
    np.testing.assert_allclose(after.policy, before.policy, atol=1e-12)
    expected = before.log_evidence - mdp.horizon * shift / mdp.temperature
    np.testing.assert_allclose(after.log_evidence, expected, atol=1e-11)


@given(problems())
def test_shifting_twice_is_shifting_once(mdp):
    once = mdp.shifted()
    twice = once.shifted()
    np.testing.assert_array_equal(once.reward, twice.reward)


# Errors: the rule, the place, the value.

BAD_SHAPES = [
    ({"transition": [1.0]}, "transition must have shape (S, A, S); it has (1,)"),
    ({"transition": 1.0}, "transition must have shape (S, A, S); it has ()"),
    ({"transition": np.ones((2, 3, 4))}, "transition must have shape (S, A, S); it has (2, 3, 4)"),
    ({"transition": np.ones((0, 2, 0))}, "transition must have shape (S, A, S); it has (0, 2, 0)"),
    ({"transition": np.ones((2, 0, 2))}, "transition must have shape (S, A, S); it has (2, 0, 2)"),
    (
        {"reward": np.zeros((3, 2))},
        "reward must have shape (S, A) = (2, 2) or (T, S, A) = (3, 2, 2); it has (3, 2)",
    ),
    (
        {"reward": np.zeros((2, 2, 2))},
        "reward must have shape (S, A) = (2, 2) or (T, S, A) = (3, 2, 2); it has (2, 2, 2)",
    ),
    ({"reward": 0.0}, "(T, S, A) = (3, 2, 2); it has ()"),
    ({"initial": [1.0]}, "initial must have shape (2,); it has (1,)"),
    (
        {"initial": [[[0.5, 0.5]]]},
        "initial must have shape (2,), in a batch (B, 2); it has (1, 1, 2)",
    ),
    ({"action_prior": [0.5, 0.5]}, "action_prior must have shape (2, 2); it has (2,)"),
    (
        {"action_prior": np.full((3, 3, 2), 0.5)},
        "action_prior must have shape (2, 2), in a batch (B, 2, 2); it has (3, 3, 2)",
    ),
    ({"reward_next": np.zeros((2, 2))}, "reward_next must have shape (2, 2, 2); it has (2, 2)"),
    ({"temperature": [1.0]}, "temperature must have shape (); it has (1,)"),
]

BAD_NUMBERS = [
    (
        with_entry("transition", (1, 0, 0), 0.2),
        "transition[s, a, :] must sum to 1 for every (s, a); transition[1, 0, :] sums to 0.7",
    ),
    (
        with_entry("action_prior", (1, 1), 0.5),
        "action_prior[s, :] must sum to 1 for every (s); action_prior[1, :] sums to 1.5",
    ),
    (with_entry("initial", 0, 0.25), "initial[:] must sum to 1; initial[:] sums to 0.75"),
    (with_entry("transition", (0, 1, 1), np.nan), "finite; transition[0, 1, 1] is nan"),
    (with_entry("transition", (0, 1, 1), np.inf), "finite; transition[0, 1, 1] is inf"),
    (with_entry("initial", 1, np.nan), "initial must be finite; initial[1] is nan"),
    (with_entry("action_prior", (0, 1), -np.inf), "finite; action_prior[0, 1] is -inf"),
    ({"initial": [1.5, -0.5]}, "initial must not be negative; initial[1] is -0.5"),
    (
        {"transition": [[[1.0, 0.0]] * 2, [[1.25, -0.25], [0.0, 1.0]]]},
        "transition must not be negative; transition[1, 0, 1] is -0.25",
    ),
    (
        {"action_prior": [[0.5, 0.5], [-1.0, 2.0]]},
        "action_prior must not be negative; action_prior[1, 0] is -1",
    ),
    (
        with_entry("reward", (1, 0), np.inf),
        "reward must be finite or -inf (never optimal); reward[1, 0] is inf",
    ),
    (
        with_entry("reward", (0, 1), np.nan),
        "reward must be finite or -inf (never optimal); reward[0, 1] is nan",
    ),
    (
        {"reward_next": np.full((2, 2, 2), np.nan)},
        "reward_next must be finite or -inf (never optimal); reward_next[0, 0, 0] is nan",
    ),
    ({"horizon": 0}, "horizon must be at least 1; it is 0"),
    ({"horizon": -3}, "horizon must be at least 1; it is -3"),
    ({"temperature": 0}, "temperature must be positive and finite; it is 0.0"),
    ({"temperature": -1}, "temperature must be positive and finite; it is -1.0"),
    ({"temperature": np.nan}, "temperature must be positive and finite; it is nan"),
    ({"temperature": np.inf}, "temperature must be positive and finite; it is inf"),
    (
        {"temperature": 1e-310},
        "horizon * reward / temperature must stay within 1e+300; it is 3 * 3 / 1e-310",
    ),
    (
        {"reward_next": np.full((2, 2, 2), -1e300)},
        "horizon * reward_next / temperature must stay within 1e+300; it is 3 * 1e+300 / 2",
    ),
    ({"reward": [[0.0, 1.0], [2.0]]}, "reward must be a rectangular array of numbers"),
    ({"transition": [[[1.0], [1.0, 0.0]]]}, "transition must be a rectangular array of numbers"),
]

BAD_TYPES = [
    ({"horizon": 2.5}, "horizon must be a whole number; it is 2.5"),
    ({"horizon": 3.0}, "horizon must be a whole number; it is 3.0"),
    ({"horizon": True}, "horizon must be a whole number; it is True"),
    ({"horizon": "3"}, "horizon must be a whole number; it is '3'"),
    ({"horizon": None}, "horizon must be a whole number; it is None"),
    ({"horizon": np.array(2.5)}, "horizon must be a whole number; it is array(2.5)"),
    ({"horizon": np.True_}, "horizon must be a whole number; it is np.True_"),
    ({"temperature": "hot"}, "temperature must hold real numbers; its dtype is <U3"),
    ({"temperature": None}, "temperature must hold real numbers; its dtype is object"),
    ({"temperature": 1j}, "temperature must hold real numbers; its dtype is complex128"),
    ({"reward": [[1j, 0.0], [0.0, 0.0]]}, "reward must hold real numbers; its dtype is complex128"),
    ({"reward": [["a", "b"]] * 2}, "reward must hold real numbers; its dtype is <U1"),
    ({"reward": [[None, 0.0]] * 2}, "reward must hold real numbers; its dtype is object"),
    ({"initial": {"s": 1.0}}, "initial must hold real numbers; its dtype is object"),
    ({"initial": None}, "initial must hold real numbers; its dtype is object"),
    ({"transition": "identity"}, "transition must hold real numbers; its dtype is <U8"),
    ({"action_prior": "uniform"}, "action_prior must hold real numbers; its dtype is <U7"),
    ({"reward_next": [None]}, "reward_next must hold real numbers; its dtype is object"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_SHAPES + BAD_NUMBERS)
def test_a_bad_value_is_refused_with_its_rule_place_and_value(changes, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build(**changes)


@pytest.mark.parametrize(("changes", "message"), BAD_TYPES)
def test_a_bad_type_is_refused_with_its_rule_place_and_value(changes, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        build(**changes)


def test_arrays_of_mixed_precision_are_refused_by_name():
    says = "one library, floating type and device.*numpy float64.*reward is numpy float32"
    with pytest.raises(ValueError, match=says):
        build(transition=np.array(GOOD["transition"]), reward=np.zeros((2, 2), dtype=np.float32))


def test_a_rounding_error_in_a_row_is_no_error():
    row = [1 / 3, 1 / 3, 1 - 2 / 3 + 5e-10]
    mdp = bandit([0.0, -1.0, -2.0], prior=row)
    assert mdp.num_actions == 3


def test_minus_infinity_is_a_legal_reward():
    assert bandit([0.0, -np.inf]).reward[0, 0, 1] == -np.inf


def test_a_random_problem_of_any_kind_is_valid():
    for kind in ("stochastic", "sparse", "deterministic"):
        mdp = random_mdp(0, kind=kind, next_state=True)
        assert mdp.is_deterministic == (kind == "deterministic")


def test_replacing_a_field_keeps_a_constant_reward_constant():
    warmer = replace(bandit([0.0, -1.0], horizon=4), temperature=2.0)
    assert warmer.has_constant_reward
    assert warmer.with_horizon(9).horizon == 9
    spelled_out = random_mdp(0, T=4)
    shown = np.broadcast_to(spelled_out.reward[0], (4, 6, 3))
    assert replace(spelled_out, reward=shown).has_constant_reward


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda mdp: pickle.loads(pickle.dumps(mdp))])
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_as_immutable_as_the_problem_and_gives_the_same_answers(kind, copied):
    mdp = random_mdp(3, kind=kind, next_state=True)
    again = copied(mdp)
    assert type(again.dynamics) is type(mdp.dynamics)
    for part in (again.reward, again.initial, again.action_prior, again.dynamics.probability):
        with pytest.raises(ValueError, match="read-only"):
            part[...] = 0
    assert backward_messages(again).log_evidence == backward_messages(mdp).log_evidence


def test_a_pickle_holds_a_constant_reward_once():
    assert len(pickle.dumps(bandit([0.0, -1.0], horizon=10_000))) < 5_000


def test_dynamics_say_what_they_are_in_one_line():
    assert repr(random_mdp(0).dynamics) == "Dense(num_states=6, num_actions=3, successors=6)"


def test_observing_no_step_conditions_on_nothing():
    mdp = random_mdp(1).observing([])
    assert not mdp.observed.any()
    assert backward_messages(mdp).log_evidence == pytest.approx(0.0, abs=1e-12)


def test_whole_numbers_of_deterministic_dynamics_follow_the_floats_beside_them():
    mdp = TabularMDP.from_arrays(
        transition=Deterministic([[0, 1], [1, 0]]),
        reward=np.zeros((2, 2), dtype=np.float32),
        initial=[1.0, 0.0],
        horizon=3,
    )
    assert mdp.dynamics.probability.dtype == np.float32


def test_a_problem_in_single_precision_can_be_made_double():
    single = random_mdp(0).to_numpy(dtype=np.float32)
    again = single.to_numpy(dtype=np.float64)
    assert again.initial.dtype == np.float64
    np.testing.assert_allclose(again.transition.sum(axis=-1), 1, atol=1e-15)
