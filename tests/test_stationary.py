"""The infinite horizon, with the discount inside inference and outside it."""

import math
import re

import long_double as ld
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import KINDS, bandit, lottery, problems, random_mdp, rebuilt

from cs_infer import (
    TabularMDP,
    backward_messages,
    soft_values,
    stationary_messages,
    stationary_soft_values,
)

pytestmark = pytest.mark.filterwarnings("error")

discounts = st.sampled_from([0.0, 0.3, 0.9])
lasting = problems(horizon=1, highest=0, next_state=False)


def endless(seed, *, kind="stochastic", temperature=1.0, S=6, A=3):
    """A problem whose reward does not change with time."""
    mdp = random_mdp(seed, S=S, A=A, T=1, kind=kind, temperature=temperature)
    return rebuilt(mdp, reward=mdp.reward[0])


def by_iteration(mdp, discount, inside, sweeps=4000):
    """Plain iteration in long double until nothing moves: V in nats, and Q in nats."""
    p, gamma = ld.from_mdp(mdp), ld.Long(discount)
    V = np.zeros(mdp.num_states, dtype=ld.Long)
    for _ in range(sweeps):
        if inside:
            Q = p.reward[0] + np.logaddexp(ld.log(gamma) + ld.log_expect(p, V), ld.log(1 - gamma))
        else:
            Q = p.reward[0] + gamma * ld.expect(p, V)
        new = ld.logsumexp(p.log_prior + Q)
        done = np.array_equal(new, V)
        V = new
        if done:
            break
    return Q, V


@given(lasting, discounts)
def test_discount_inside_inference_is_a_horizon_that_ends_by_chance(mdp, discount):
    """``beta = sum_T (1 - gamma) gamma^(T-1) p(O_1:T = 1 | s, a)``: a mixture over horizons."""
    messages = stationary_messages(mdp, discount=discount, tolerance=1e-11)
    T = 1 if discount == 0 else math.ceil(math.log(1e-12) / math.log(discount))
    finite = backward_messages(rebuilt(mdp, reward=mdp.reward[0], horizon=T))
    to_go = np.arange(T, 0, -1)
    weight = (1 - discount) * discount ** (to_go - 1.0)
    mixture = np.einsum("t,tsa->sa", weight, np.exp(finite.log_beta_sa))
    np.testing.assert_allclose(np.exp(messages.log_beta_sa), mixture, atol=1e-9)


@given(lasting, discounts)
def test_stationary_messages_are_a_fixed_point(mdp, discount):
    messages = stationary_messages(mdp, discount=discount, tolerance=1e-11)
    p = ld.from_mdp(mdp)
    ahead = np.logaddexp(
        ld.log(discount) + ld.log_expect(p, messages.log_beta_s), ld.log(1 - discount)
    )
    np.testing.assert_allclose(messages.log_beta_sa, (p.reward[0] + ahead).astype(float), atol=1e-9)
    joint = p.log_prior + messages.log_beta_sa
    np.testing.assert_allclose(messages.log_beta_s, ld.logsumexp(joint).astype(float), atol=1e-9)


@given(problems(horizon=1, next_state=False), discounts)
def test_stationary_soft_values_are_a_fixed_point(mdp, discount):
    values = stationary_soft_values(mdp, discount=discount, tolerance=1e-11)
    p, alpha = ld.from_mdp(mdp), mdp.temperature
    Q = alpha * p.reward[0]
    if discount > 0:
        Q = Q + discount * ld.expect(p, values.V)
    np.testing.assert_allclose(values.Q, Q.astype(float), atol=1e-9)
    V = alpha * ld.logsumexp(p.log_prior + values.Q / alpha)
    np.testing.assert_allclose(values.V, V.astype(float), atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("discount", [0.5, 0.99])
@pytest.mark.parametrize("tolerance", [1e-3, 1e-9])
def test_the_stopping_rule_keeps_its_promise(kind, discount, tolerance):
    mdp = endless(2, kind=kind, temperature=0.7)
    messages = stationary_messages(mdp, discount=discount, tolerance=tolerance)
    _, truth = by_iteration(mdp, discount, inside=True)
    assert np.abs(messages.log_beta_s - truth).max() <= tolerance * (1 + 1e-3) + 1e-13
    values = stationary_soft_values(mdp, discount=discount, tolerance=tolerance)
    _, truth = by_iteration(mdp, discount, inside=False)
    assert np.abs(values.V - 0.7 * truth).max() <= tolerance * (1 + 1e-3) + 1e-13


@pytest.mark.parametrize("reward", [-0.01, 0.004])
@pytest.mark.parametrize("tolerance", [1e-2, 1e-5])
def test_the_stopping_rule_holds_where_the_contraction_is_weak(reward, tolerance):
    """Near 0 the exact backup hardly contracts: by less than the discount if rewards are
    positive. A sweep that moves by the tolerance is then up to two hundred of them away."""
    gamma, b = 0.99, math.exp(reward)
    truth = math.log(b * (1 - gamma) / (1 - gamma * b))
    messages = stationary_messages(bandit([reward] * 2), discount=gamma, tolerance=tolerance)
    assert abs(messages.log_beta_s[0] - truth) <= tolerance


def test_the_stopping_rule_does_not_waste_sweeps():
    """A hundred times the tolerance saves about log(100) / (1 - gamma) sweeps."""
    mdp = endless(2)
    fine = stationary_soft_values(mdp, discount=0.9, tolerance=1e-9)
    coarse = stationary_soft_values(mdp, discount=0.9, tolerance=1e-7)
    assert fine.residual <= (1 - 0.9) * 1e-9
    assert coarse.residual <= (1 - 0.9) * 1e-7
    assert 10 <= fine.sweeps - coarse.sweeps <= 60
    assert fine.sweeps <= 400


@given(problems(horizon=1, next_state=False))
def test_without_a_future_both_readings_are_the_last_step(mdp):
    messages = stationary_messages(mdp, discount=0.0)
    values = stationary_soft_values(mdp, discount=0.0)
    last = backward_messages(mdp)
    np.testing.assert_allclose(messages.log_beta_sa, last.log_beta_sa[0], atol=1e-12)
    np.testing.assert_allclose(messages.policy, last.policy[0], atol=1e-12)
    np.testing.assert_allclose(values.V, soft_values(mdp).V[0], atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_soft_values_of_a_long_discounted_horizon_approach_the_stationary_ones(kind):
    """Against a finite problem whose rewards shrink by gamma a step would need a temperature
    that shrinks too, so the comparison is the recursion itself, run long enough."""
    mdp = endless(5, kind=kind)
    _, truth = by_iteration(mdp, 0.95, inside=False)
    values = stationary_soft_values(mdp, discount=0.95)
    np.testing.assert_allclose(values.V, truth.astype(float), atol=2e-9)
    pairs = mdp.initial * values.V
    assert values.value == pytest.approx(pairs.sum())


def test_the_two_discounts_differ_even_without_chance():
    """One step behind a value of -4, gamma = 0.9: -2.15 inside, -3.60 outside."""
    P = np.zeros((2, 1, 2))
    P[:, 0, 1] = 1.0
    inside_reward = -4.0 - math.log(0.9 * math.exp(-4) + 0.1)
    mdp = TabularMDP.from_arrays(
        transition=P, reward=[[0.0], [inside_reward]], initial=[1, 0], horizon=1
    )
    messages = stationary_messages(mdp, discount=0.9)
    assert messages.log_beta_s[1] == pytest.approx(-4.0, abs=1e-8)
    assert messages.log_beta_s[0] == pytest.approx(-2.15, abs=0.005)
    mdp = TabularMDP.from_arrays(transition=P, reward=[[0.0], [-0.4]], initial=[1, 0], horizon=1)
    values = stationary_soft_values(mdp, discount=0.9)
    assert values.V[1] == pytest.approx(-4.0, abs=1e-8)
    assert values.V[0] == pytest.approx(-3.6, abs=1e-8)


@given(lasting, discounts)
def test_policies_are_distributions_and_nothing_is_nan(mdp, discount):
    messages = stationary_messages(mdp, discount=discount)
    values = stationary_soft_values(mdp, discount=discount)
    for policy, V in ((messages.policy, messages.log_beta_s), (values.policy, values.V)):
        assert not np.isnan(policy).any()
        assert not np.isnan(V).any()
        np.testing.assert_allclose(policy.sum(axis=1), np.isfinite(V).astype(float), atol=1e-9)
        assert not policy[mdp.action_prior == 0].any()


@pytest.mark.parametrize("kind", KINDS)
def test_the_evidence_weighs_the_first_states(kind):
    mdp = endless(1, kind=kind)
    messages = stationary_messages(mdp, discount=0.8)
    expected = math.log(np.sum(mdp.initial * np.exp(messages.log_beta_s)))
    assert messages.log_evidence == pytest.approx(expected)


def test_an_endless_bandit_in_closed_form():
    """``beta = b (gamma beta + 1 - gamma)`` with b the optimality of one step."""
    mdp, b, gamma = bandit([0.0, -2.0]), (1 + math.exp(-2)) / 2, 0.9
    messages = stationary_messages(mdp, discount=gamma)
    beta = b * (1 - gamma) / (1 - gamma * b)
    assert math.exp(messages.log_beta_s[0]) == pytest.approx(beta, rel=1e-8)
    values = stationary_soft_values(mdp, discount=gamma)
    assert values.V[0] == pytest.approx(math.log(b) / (1 - gamma), abs=1e-8)


def test_the_horizon_and_the_start_of_the_problem_play_no_part():
    mdp = endless(3)
    longer = rebuilt(mdp, reward=mdp.reward[0], horizon=50)
    for solve in (stationary_messages, stationary_soft_values):
        np.testing.assert_array_equal(
            solve(mdp, discount=0.9).policy, solve(longer, discount=0.9).policy
        )


def test_impossible_states_stay_impossible_and_the_rest_converges():
    P = np.zeros((3, 2, 3))
    P[0, 0, 1] = P[0, 1, 2] = P[1, :, 1] = P[2, :, 2] = 1.0
    reward = np.array([[0.0, 0.0], [-1.0, -1.0], [-np.inf, -np.inf]])
    mdp = TabularMDP.from_arrays(transition=P, reward=reward, initial=[1, 0, 0], horizon=1)
    messages = stationary_messages(mdp, discount=0.9)
    assert messages.log_beta_s[2] == -np.inf
    assert not messages.policy[2].any()
    # Falling in is survived when the episode ends before the fall is paid for.
    assert messages.log_beta_sa[0, 1] == pytest.approx(math.log(0.1))
    values = stationary_soft_values(mdp, discount=0.9)
    assert values.V[2] == -np.inf
    assert values.policy[0].tolist() == [1.0, 0.0]
    assert values.V[1] == pytest.approx(-10.0, abs=1e-8)


# Errors.


@pytest.mark.parametrize("solve", [stationary_messages, stationary_soft_values])
@pytest.mark.parametrize("discount", [1.0, 1, 1.5, -0.1, math.nan, math.inf])
def test_a_discount_outside_its_range_is_refused(solve, discount):
    with pytest.raises(ValueError, match=r"discount") as refusal:
        solve(endless(0), discount=discount)
    message = str(refusal.value)
    assert f"{discount}" in message or f"{discount:g}" in message
    assert "1" in message


def test_a_discount_of_one_is_told_what_to_do_instead():
    """Without a discount an endless horizon has no value: shorten it or discount it."""
    for solve in (stationary_messages, stationary_soft_values):
        with pytest.raises(ValueError, match=r"backward_messages|soft_values|finite|horizon"):
            solve(endless(0), discount=1.0)


def test_positive_rewards_leave_the_exact_reading_without_a_fixed_point():
    """``gamma e^r >= 1``: each sweep multiplies the messages, and they never settle."""
    mdp = bandit([0.5, 0.5])
    with pytest.raises(ValueError, match=r"fixed point|converge") as refusal:
        stationary_messages(mdp, discount=0.9)
    assert "shifted" in str(refusal.value) or "reward" in str(refusal.value)
    assert stationary_soft_values(mdp, discount=0.9).V[0] == pytest.approx(5.0, abs=1e-8)


def test_small_positive_rewards_still_have_a_fixed_point():
    mdp, gamma, b = bandit([0.05, 0.05]), 0.9, math.exp(0.05)
    messages = stationary_messages(mdp, discount=gamma)
    assert math.exp(messages.log_beta_s[0]) == pytest.approx(b * (1 - gamma) / (1 - gamma * b))


@pytest.mark.parametrize("solve", [stationary_messages, stationary_soft_values])
def test_too_few_sweeps_are_an_error_that_tells_the_residual(solve):
    with pytest.raises(ValueError, match=r"max_sweeps") as refusal:
        solve(endless(0), discount=0.999, max_sweeps=5)
    assert "5" in str(refusal.value)
    assert re.search(r"residual|converge|moved by", str(refusal.value))


@pytest.mark.parametrize("solve", [stationary_messages, stationary_soft_values])
def test_a_reward_that_changes_with_time_has_no_stationary_answer(solve):
    with pytest.raises(ValueError, match=r"reward"):
        solve(random_mdp(0), discount=0.9)


@pytest.mark.parametrize("solve", [stationary_messages, stationary_soft_values])
@pytest.mark.parametrize("tolerance", [0.0, -1.0, math.nan])
def test_a_tolerance_that_cannot_be_met_is_refused(solve, tolerance):
    with pytest.raises(ValueError, match=r"tolerance"):
        solve(endless(0), discount=0.9, tolerance=tolerance)


def test_next_state_rewards_count_in_both_readings():
    mdp = random_mdp(4, T=1, next_state=True)
    mdp = rebuilt(mdp, reward=mdp.reward[0])
    values = stationary_soft_values(mdp, discount=0.9)
    mean = mdp.reward[0] + np.sum(mdp.transition * (mdp.reward_next + 0.9 * values.V), axis=2)
    np.testing.assert_allclose(values.Q, mean, atol=1e-8)
    messages = stationary_messages(mdp, discount=0.9)
    ahead = np.exp(mdp.reward_next) * (0.9 * np.exp(messages.log_beta_s) + 0.1)
    expected = mdp.reward[0] + np.log(np.sum(mdp.transition * ahead, axis=2))
    np.testing.assert_allclose(messages.log_beta_sa, expected, atol=1e-8)


def test_an_impossible_arrival_is_impossible_on_average_and_avoided_by_luck():
    """``r(s, a, s') = -inf`` on one of two next states, with and without probability."""
    P = np.array([[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]])
    on_arrival = np.array([[[0.0, -np.inf]] * 2, [[-np.inf, -1.0]] * 2])
    mdp = TabularMDP.from_arrays(
        transition=P,
        reward=np.zeros((2, 2)),
        initial=[1, 0],
        horizon=1,
        reward_next=on_arrival,
    )
    values = stationary_soft_values(mdp, discount=0.9)
    assert not np.isnan(values.Q).any()
    assert values.Q[0, 0] == -np.inf
    assert values.policy[0].tolist() == [0.0, 1.0]
    assert values.V[1] == pytest.approx(-10.0, abs=1e-8)
    messages = stationary_messages(mdp, discount=0.9)
    assert messages.log_beta_sa[0, 0] - messages.log_beta_sa[0, 1] == pytest.approx(math.log(0.5))


def test_the_exact_reading_believes_in_luck_here_too():
    mdp = lottery(0.2)
    mdp = rebuilt(mdp, reward=mdp.reward[1], horizon=1)
    messages = stationary_messages(mdp, discount=0.9)
    values = stationary_soft_values(mdp, discount=0.9)
    assert messages.policy[0, 1] > values.policy[0, 1]
