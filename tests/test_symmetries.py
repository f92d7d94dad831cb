"""What must not matter, and what must matter exactly as theory says.

The properties of exact messages alone are in ``test_messages.py``; here both
readings are held to them, with terminal values and steps that are not observed.
"""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from problems import full_problems, possible, problems, rebuilt

from cs_infer import (
    TabularMDP,
    backward_messages,
    forward_messages,
    most_likely_trajectory,
    optimism_gap,
    policy_occupancy,
    policy_return,
    posterior_dynamics,
    smoothed_marginals,
    soft_values,
    zero_temperature_values,
)

pytestmark = pytest.mark.filterwarnings("error")

CLOSE = {"rtol": 1e-11, "atol": 1e-11}


def results(mdp):
    """Everything of shape (T, S) and (T, S, A), in one dictionary."""
    messages, smoothed, values = backward_messages(mdp), smoothed_marginals(mdp), soft_values(mdp)
    states = {
        "log beta": messages.log_beta_s,
        "forward": forward_messages(mdp).log_forward,
        "smoothed": smoothed.state,
        "V": values.V,
        "exact limit": zero_temperature_values(mdp, reading="exact").V,
        "variational limit": zero_temperature_values(mdp, reading="variational").V,
    }
    pairs = {
        "log beta": messages.log_beta_sa,
        "policy": messages.policy,
        "advantage": messages.advantage,
        "smoothed": smoothed.state_action,
        "Q": values.Q,
        "soft policy": values.policy,
        "gap": optimism_gap(mdp),
        "occupancy": policy_occupancy(mdp, filled(mdp, messages.policy)),
    }
    return states, pairs


def filled(mdp, policy):
    """The prior stands in where optimality is impossible and a policy has nothing to say."""
    return np.where(policy.sum(axis=2, keepdims=True) > 0.5, policy, mdp.action_prior)


def changed(mdp, **changes):
    """The problem after its states or actions were rearranged."""
    for name in ("reward_next", "terminal_value"):
        if getattr(mdp, name) is None:
            changes.pop(name, None)
    return rebuilt(mdp, **{name: change(getattr(mdp, name)) for name, change in changes.items()})


@given(full_problems(), st.randoms(use_true_random=False))
def test_names_of_states_and_actions_do_not_matter(mdp, random):
    s, a = np.arange(mdp.num_states), np.arange(mdp.num_actions)
    random.shuffle(s)
    random.shuffle(a)
    renamed = changed(
        mdp,
        transition=lambda x: x[np.ix_(s, a, s)],
        reward=lambda x: x[:, s][:, :, a],
        initial=lambda x: x[s],
        action_prior=lambda x: x[np.ix_(s, a)],
        reward_next=lambda x: x[np.ix_(s, a, s)],
        terminal_value=lambda x: x[s],
    )
    (states, pairs), (new_states, new_pairs) = results(mdp), results(renamed)
    for name, x in states.items():
        np.testing.assert_allclose(new_states[name], x[:, s], err_msg=name, **CLOSE)
    for name, x in pairs.items():
        np.testing.assert_allclose(new_pairs[name], x[:, s][:, :, a], err_msg=name, **CLOSE)


@given(full_problems(), st.integers(1, 3))
def test_splitting_a_state_in_two_equal_ones_changes_nothing(mdp, quarters):
    """A copy of the last state takes a share of every way in and shares every way out."""
    q, last = quarters / 4, mdp.num_states - 1

    def share(p):
        return np.concatenate([p[..., :last], (1 - q) * p[..., last:], q * p[..., last:]], axis=-1)

    def twice(x, axis):
        return np.concatenate([x, np.take(x, [last], axis=axis)], axis=axis)

    split = changed(
        mdp,
        transition=lambda x: twice(share(x), 0),
        reward=lambda x: twice(x, 1),
        initial=share,
        action_prior=lambda x: twice(x, 0),
        reward_next=lambda x: twice(twice(x, 0), 2),
        terminal_value=lambda x: twice(x, 0),
    )
    (states, pairs), (new_states, new_pairs) = results(mdp), results(split)
    shared = {"smoothed", "occupancy"}
    for name, x in states.items():
        if name == "forward":
            new = np.exp(new_states[name])
            np.testing.assert_allclose(new, share(np.exp(x)), **CLOSE)
        elif name in shared:
            np.testing.assert_allclose(new_states[name], share(x), err_msg=name, **CLOSE)
        else:
            np.testing.assert_allclose(new_states[name], twice(x, 1), err_msg=name, **CLOSE)
    for name, x in pairs.items():
        expected = np.swapaxes(share(np.swapaxes(x, 1, 2)), 1, 2) if name in shared else twice(x, 1)
        np.testing.assert_allclose(new_pairs[name], expected, err_msg=name, **CLOSE)


@given(full_problems())
def test_splitting_an_action_in_two_equal_ones_changes_nothing_if_its_prior_is_shared(mdp):
    def twice(x, axis):
        return np.concatenate([x, np.take(x, [-1], axis=axis)], axis=axis)

    def share(p):
        return np.concatenate([p[:, :-1], p[:, -1:] / 2, p[:, -1:] / 2], axis=1)

    split = changed(
        mdp,
        transition=lambda x: twice(x, 1),
        reward=lambda x: twice(x, 2),
        action_prior=share,
        reward_next=lambda x: twice(x, 1),
    )
    states, new_states = results(mdp)[0], results(split)[0]
    for name, x in states.items():
        np.testing.assert_allclose(new_states[name], x, err_msg=name, **CLOSE)


@given(full_problems(), st.integers(-40, 40))
def test_a_constant_reward_shifts_evidence_and_values_and_no_policy(mdp, eighths):
    """By ``c / alpha`` nats, or c units of reward, for each step that is observed."""
    c = eighths / 8
    seen = np.ones(mdp.horizon) if mdp.observed is None else np.asarray(mdp.observed)
    to_go = np.cumsum(seen[::-1])[::-1, None]
    shifted = rebuilt(mdp, reward=mdp.reward + c)
    before, after = backward_messages(mdp), backward_messages(shifted)
    alpha = mdp.temperature
    np.testing.assert_allclose(
        after.log_evidence, before.log_evidence + seen.sum() * c / alpha, **CLOSE
    )
    np.testing.assert_allclose(after.log_beta_s, before.log_beta_s + to_go * c / alpha, **CLOSE)
    np.testing.assert_allclose(soft_values(shifted).V, soft_values(mdp).V + to_go * c, **CLOSE)
    (_, old), (_, new) = results(mdp), results(shifted)
    for name in ("policy", "advantage", "smoothed", "soft policy", "gap"):
        np.testing.assert_allclose(new[name], old[name], atol=1e-10, err_msg=name)


@given(problems())
def test_the_prior_folds_into_the_reward_for_both_readings(mdp):
    """A uniform prior over all actions, and ``alpha log(rho A)`` more reward a step."""
    mdp = rebuilt(mdp, terminal_value=-np.arange(mdp.num_states) / 4)
    folded = mdp.with_prior_folded()
    uniform = np.full_like(mdp.action_prior, 1 / mdp.num_actions)
    np.testing.assert_array_equal(folded.action_prior, uniform)
    states, pairs = results(mdp)
    new_states, new_pairs = results(folded)
    for name in ("log beta", "forward", "smoothed", "V"):
        np.testing.assert_allclose(new_states[name], states[name], err_msg=name, **CLOSE)
    for name in ("policy", "smoothed", "soft policy"):
        np.testing.assert_allclose(new_pairs[name], pairs[name], err_msg=name, **CLOSE)
    extra = mdp.log_action_prior + math.log(mdp.num_actions)
    np.testing.assert_allclose(new_pairs["log beta"], pairs["log beta"] + extra, **CLOSE)
    assert backward_messages(folded).log_evidence == pytest.approx(
        backward_messages(mdp).log_evidence, abs=1e-11
    )


@given(full_problems(horizon=1, patterns=False))
def test_one_step_is_bayes_and_nothing_else(mdp):
    """T = 1: ``beta = E[exp((r + r' + terminal) / alpha)]`` under the dynamics."""
    extra = np.zeros(mdp.num_states) if mdp.terminal_value is None else mdp.terminal_value
    ahead = np.broadcast_to(extra, mdp.transition.shape)
    if mdp.reward_next is not None:
        ahead = ahead + mdp.reward_next
    alpha = mdp.temperature
    factor = np.exp(mdp.reward[0] / alpha) * np.sum(mdp.transition * np.exp(ahead / alpha), axis=2)
    messages = backward_messages(mdp)
    np.testing.assert_allclose(np.exp(messages.log_beta_sa[0]), factor, **CLOSE)
    weight = mdp.action_prior * factor
    np.testing.assert_allclose(np.exp(messages.log_beta_s[0]), weight.sum(axis=1), **CLOSE)
    np.testing.assert_allclose(
        np.exp(messages.log_evidence), np.sum(mdp.initial[:, None] * weight), **CLOSE
    )
    np.testing.assert_allclose(forward_messages(mdp).filtered[0], mdp.initial, atol=1e-15)


@given(full_problems())
def test_a_temperature_divides_every_reward(mdp):
    """Temperature alpha with reward r is temperature 1 with reward r / alpha."""
    alpha = mdp.temperature
    options = {
        name: getattr(mdp, name) / alpha
        for name in ("reward", "reward_next", "terminal_value")
        if getattr(mdp, name) is not None
    }
    (states, pairs), (new_states, new_pairs) = (
        results(mdp),
        results(rebuilt(mdp, temperature=1.0, **options)),
    )
    for name, x in states.items():
        unit = alpha if name in ("V", "exact limit", "variational limit") else 1.0
        np.testing.assert_allclose(unit * new_states[name], x, err_msg=name, **CLOSE)
    for name, x in pairs.items():
        unit = alpha if name == "Q" else 1.0
        np.testing.assert_allclose(unit * new_pairs[name], x, err_msg=name, **CLOSE)


@given(full_problems(impossible=False, next_state=False))
def test_exact_and_variational_agree_if_and_only_if_no_luck_is_left(mdp):
    """Where every optimism gap is zero the two readings are one; where one that a policy can
    reach is positive, they are not."""
    messages, values, gap = backward_messages(mdp), soft_values(mdp), optimism_gap(mdp)
    difference = mdp.temperature * messages.log_beta_sa - values.Q
    if gap.max() < 1e-12:
        np.testing.assert_allclose(difference, 0.0, atol=1e-9)
    worst = np.unravel_index(np.argmax(gap), gap.shape)
    if gap[worst] > 1e-6:
        assert difference[worst] > 1e-7 * mdp.temperature
    if mdp.is_deterministic:
        allowed = np.broadcast_to(mdp.action_prior > 0, gap.shape)
        np.testing.assert_allclose(gap[allowed], 0.0, atol=1e-11)
        np.testing.assert_allclose(difference[allowed], 0.0, atol=1e-10)


@given(full_problems())
def test_the_difference_of_the_readings_starts_with_the_gap_of_one_step(mdp):
    """At the last step but one nothing but the gap tells them apart."""
    assume(mdp.horizon >= 1 and mdp.reward_next is None)
    messages, values, gap = backward_messages(mdp), soft_values(mdp), optimism_gap(mdp)
    exact, mean = mdp.temperature * messages.log_beta_sa[-1], values.Q[-1]
    finite = np.isfinite(mean)
    np.testing.assert_allclose(
        exact[finite] - mean[finite], mdp.temperature * gap[-1][finite], atol=1e-10
    )


@given(full_problems(), st.data())
def test_any_policy_returns_the_same_however_its_world_is_stored(mdp, data):
    """Dense and successor lists are two ways to write the same dynamics down."""
    policy = data.draw(hnp.arrays(np.int8, mdp.reward.shape, elements=st.integers(1, 4)))
    policy = policy / policy.sum(axis=2, keepdims=True)
    stored = rebuilt(mdp, transition=mdp.dynamics.to_sparse())
    np.testing.assert_allclose(
        policy_occupancy(stored, policy), policy_occupancy(mdp, policy), **CLOSE
    )
    np.testing.assert_allclose(policy_return(stored, policy), policy_return(mdp, policy), **CLOSE)


@given(full_problems())
def test_the_storage_of_the_dynamics_does_not_matter(mdp):
    for form in (mdp.dynamics.to_dense(), mdp.dynamics.to_sparse()):
        stored = rebuilt(mdp, transition=form)
        (states, pairs), (new_states, new_pairs) = results(mdp), results(stored)
        for name, x in states.items():
            np.testing.assert_allclose(new_states[name], x, err_msg=name, **CLOSE)
        for name, x in pairs.items():
            np.testing.assert_allclose(new_pairs[name], x, err_msg=name, **CLOSE)
        for t in range(mdp.horizon):
            np.testing.assert_allclose(
                posterior_dynamics(stored, t).transition,
                posterior_dynamics(mdp, t).transition,
                **CLOSE,
            )
        if possible(mdp):
            found, same = most_likely_trajectory(stored), most_likely_trajectory(mdp)
            assert found.log_posterior == pytest.approx(same.log_posterior, abs=1e-10)


@given(full_problems())
def test_nothing_is_ever_nan(mdp):
    states, pairs = results(mdp)
    for name, x in {**states, **{f"{name} of pairs": x for name, x in pairs.items()}}.items():
        assert not np.isnan(x).any(), name
    assert not math.isnan(backward_messages(mdp).log_evidence)
    assert not math.isnan(soft_values(mdp).value)


@given(full_problems(patterns=False))
def test_smoothed_and_forward_and_backward_hang_together(mdp):
    """``f_t(s) beta_t(s)`` sums to the evidence at every step."""
    from cs_infer.log_space import logsumexp

    both = forward_messages(mdp).log_forward + backward_messages(mdp).log_beta_s
    np.testing.assert_allclose(
        logsumexp(both, axis=1), backward_messages(mdp).log_evidence, atol=1e-11
    )


def test_a_problem_stays_as_it_was_after_every_question():
    from problems import random_mdp

    mdp = random_mdp(0, S=4, A=2, T=3)
    before = {
        name: np.array(getattr(mdp, name))
        for name in ("transition", "reward", "initial", "action_prior")
    }
    results(mdp)
    mdp.with_prior_folded()
    TabularMDP.stack([mdp, mdp])
    for name, x in before.items():
        np.testing.assert_array_equal(getattr(mdp, name), x)
