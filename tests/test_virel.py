"""A temperature that cools itself: what is claimed of it, and where it fails."""

from itertools import islice

import numpy as np
import pytest
import torch
from problems import random_mdp, rebuilt

from cs_infer import (
    TabularMDP,
    actor_gradient,
    adaptive_temperature,
    boltzmann_policy,
    temperature_bounds,
    virel,
    virel_objective,
    virel_steps,
)

pytestmark = pytest.mark.filterwarnings("error")


def random_problems(count, *, S=8, A=4, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    return TabularMDP.stack(
        [
            TabularMDP.from_arrays(
                transition=rng.dirichlet(np.full(S, 0.5), size=(S, A)),
                reward=scale * rng.normal(size=(S, A)),
                initial=np.full(S, 1 / S),
                horizon=1,
            )
            for _ in range(count)
        ]
    )


def optimal(P, r, gamma):
    """``Q*`` by policy iteration with linear solves: exact, and no relative of the sweeps."""
    S = len(r)
    choice = np.zeros(S, dtype=int)
    while True:
        V = np.linalg.solve(np.eye(S) - gamma * P[np.arange(S), choice], r[np.arange(S), choice])
        Q = r + gamma * P @ V
        better = Q.argmax(axis=1)
        if np.all(Q[np.arange(S), choice] >= Q.max(axis=1) - 1e-11):
            return Q
        choice = better


def regret(P, r, gamma, policy, start):
    kernel = np.einsum("sa,sat->st", policy, P)
    V = np.linalg.solve(np.eye(len(r)) - gamma * kernel, (policy * r).sum(axis=1))
    return start @ (optimal(P, r, gamma).max(axis=1) - V)


def machine(*pays):
    """One state, and a button for each pay."""
    return TabularMDP.from_arrays(
        transition=np.ones((1, len(pays), 1)), reward=[pays], initial=[1.0], horizon=1
    )


# What it reaches.


def test_on_random_discrete_problems_it_reaches_the_optimal_values_without_regret():
    problems, gamma = random_problems(240), 0.9
    found = virel(problems, discount=gamma, tolerance=5e-11)
    for b in range(240):
        P, r = problems.transition[b], problems.reward[b, 0]
        assert np.abs(found.Q[b] - optimal(P, r, gamma)).max() <= 1e-10
        assert abs(regret(P, r, gamma, found.policy[b], problems.initial[b])) <= 1e-10
    assert found.temperatures.shape == (found.iterations, 240)
    assert np.all(found.temperatures[-1] < 1e-20)


@pytest.mark.parametrize(("rate", "p", "c"), [(0.5, 2, 1.0), (0.5, 1, 1.0)])
def test_a_damped_critic_converges_on_small_deterministic_problems_too(rate, p, c):
    rng = np.random.default_rng(2)
    problems = TabularMDP.stack(
        [
            TabularMDP.from_arrays(
                transition=np.eye(2)[rng.integers(2, size=(2, 2))],
                reward=rng.integers(-3, 4, size=(2, 2)).astype(float),
                initial=[0.5, 0.5],
                horizon=1,
            )
            for _ in range(50)
        ]
    )
    found = virel(problems, discount=0.9, rate=rate, p=p, c=c, tolerance=1e-8)
    for b in range(50):
        Q = optimal(problems.transition[b], problems.reward[b, 0], 0.9)
        assert np.abs(found.Q[b] - Q).max() <= 1e-8


def test_an_undamped_critic_can_go_round_in_a_circle_and_says_so():
    """Two states that pay -2 and 3 in turn: the error alternates in sign and never dies."""
    ring = TabularMDP.from_arrays(
        transition=np.eye(2)[[[1, 0], [0, 1]]],
        reward=[[-2.0, -3.0], [3.0, -1.0]],
        initial=[1.0, 0.0],
        horizon=1,
    )
    message = r"did not come within 1e-10 .* in 150 iterations: its largest Bellman residual is "
    with pytest.raises(ValueError, match=message):
        virel(ring, discount=0.9, c=3.0, max_iterations=150)
    damped = virel(ring, discount=0.9, c=3.0, rate=0.5)
    expected = optimal(ring.transition, ring.reward[0], 0.9)
    np.testing.assert_allclose(damped.Q, expected, atol=1e-10)


def test_negative_values_are_no_trouble_for_the_rounds():
    """A constant added to all rewards moves Q and changes neither temperature nor policy."""
    mdp = random_problems(1)[0]
    lower = rebuilt(mdp, reward=mdp.reward[0] - 50)
    start = np.full((8, 4), -50 / (1 - 0.9))
    pairs = zip(
        islice(virel_steps(mdp, discount=0.9), 30),
        islice(virel_steps(lower, discount=0.9, Q=start), 30),
        strict=True,
    )
    for here, there in pairs:
        assert there.temperature == pytest.approx(here.temperature, rel=1e-9)
        np.testing.assert_allclose(there.policy, here.policy, atol=1e-9)
    assert virel(lower, discount=0.9, tolerance=1e-9).Q.max() < -400


def test_useless_actions_cool_away_however_many_they_are():
    for k in (2, 10, 100):
        found = virel(machine(1.0, *[0.0] * k), discount=0.9)
        assert found.policy[0, 1:].sum() < 1e-12


# The fixed point.


def test_the_temperature_is_zero_exactly_at_the_optimum():
    P, r = random_problems(1).transition[0], random_problems(1).reward[0, 0]
    two = machine(1.0, 0.0)
    assert adaptive_temperature(two, [[2.0, 1.0]], discount=0.5) == 0.0
    assert adaptive_temperature(two, [[2.0, 1.25]], discount=0.5) > 0.01
    mdp = random_problems(1)[0]
    nearly = optimal(P, r, 0.9)
    assert adaptive_temperature(mdp, nearly, discount=0.9) < 1e-26


def test_there_can_be_three_temperatures_at_the_optimum_and_the_coldest_is_taken():
    """Pays of 100 and 0: at Q* the hot policy has an error that keeps it hot."""
    rich, Q = machine(100.0, 0.0), [[1000.0, 900.0]]
    low, high = temperature_bounds(rich, Q, discount=0.9)
    assert (low, adaptive_temperature(rich, Q, discount=0.9)) == (0.0, 0.0)
    heats = np.geomspace(1, 2000, 4000)
    V = 1000 - 100 / (1 + np.exp(100 / heats))
    crossings = np.flatnonzero(np.diff(np.sign(0.5 * (0.9 * (V - 1000)) ** 2 - heats)))
    assert len(crossings) == 2
    assert heats[crossings[-1]] <= high
    assert temperature_bounds(machine(1.0, 0.0), [[10.0, 9.0]], discount=0.9)[1] < 1e-12


def test_a_critic_that_is_too_modest_has_one_temperature():
    """``T Q >= Q`` under the prior: the error falls in the temperature, so the bounds meet."""
    for seed in range(30):
        mdp = random_problems(1, seed=seed, scale=30.0)[0]
        Q = np.full((8, 4), mdp.reward.min() / (1 - 0.9))
        Q += np.random.default_rng(seed).random((8, 4))
        ahead = 0.9 * mdp.transition @ Q.mean(axis=1)
        Q -= max(0.0, -(mdp.reward[0] + ahead - Q).min()) / (1 - 0.9)
        error = []
        for heat in np.geomspace(1e-3, 1e4, 50):
            V = (boltzmann_policy(mdp, Q, heat) * Q).sum(axis=1)
            error.append(((mdp.reward[0] + 0.9 * mdp.transition @ V - Q) ** 2).mean() / 2)
        assert np.all(np.diff(error) <= 1e-9 * error[0])


def test_with_p_one_the_unit_of_reward_does_not_matter_and_with_p_two_it_does():
    mdp = random_problems(1, seed=4)[0]
    rich = rebuilt(mdp, reward=10 * mdp.reward[0])
    for p, same in ((1, True), (2, False)):
        here = [x.policy for x in islice(virel_steps(mdp, discount=0.9, p=p), 12)]
        there = [x.policy for x in islice(virel_steps(rich, discount=0.9, p=p), 12)]
        assert np.allclose(here, there, atol=1e-8) is same
    scaled = islice(virel_steps(rich, discount=0.9, p=2, c=0.1), 12)
    here = islice(virel_steps(mdp, discount=0.9, p=2), 12)
    for a, b in zip(here, scaled, strict=True):
        np.testing.assert_allclose(a.policy, b.policy, atol=1e-8)


def test_an_action_split_into_copies_with_its_prior_changes_nothing():
    mdp = random_mdp(3, S=4, A=2, T=1)
    P, r, rho = mdp.transition, mdp.reward[0], mdp.action_prior
    copies = [0, 1, 1, 1]
    share = np.array([1, 0.2, 0.3, 0.5])
    split = TabularMDP.from_arrays(
        transition=P[:, copies],
        reward=r[:, copies],
        initial=mdp.initial,
        horizon=1,
        action_prior=rho[:, copies] * share,
    )
    one, many = virel(mdp, discount=0.8), virel(split, discount=0.8)
    np.testing.assert_allclose(one.temperatures[:40], many.temperatures[:40], rtol=1e-7)


def test_tied_actions_share_the_prior_at_the_optimum_but_not_on_the_way_there():
    """One way pays 1 for ever, the other costs 8 once and then pays 2: both are worth 10."""
    P = np.zeros((2, 2, 2))
    P[0, 0, 0] = P[0, 1, 1] = P[1, :, 1] = 1
    tied = TabularMDP.from_arrays(
        transition=P, reward=[[1.0, -8.0], [2.0, 2.0]], initial=[1, 0], horizon=1
    )
    exact = [[10.0, 10.0], [20.0, 20.0]]
    assert adaptive_temperature(tied, exact, discount=0.9) < 1e-28
    np.testing.assert_allclose(boltzmann_policy(tied, exact, 0.0)[0], [0.5, 0.5])
    late = next(islice(virel_steps(tied, discount=0.9), 80, None))
    assert 0 < late.Q[0, 0] - late.Q[0, 1] < 0.01
    assert late.policy[0, 0] > 0.999999


# The objective, and the steps as they are printed.


def test_the_gradient_for_the_critic_holds_as_printed_and_climbs_the_error_if_values_are_negative():
    torch = pytest.importorskip("torch")
    for shift, sign in ((5.0, -1), (-5.0, 1)):
        mdp = random_problems(1, S=3, A=2, seed=1)[0]
        Q = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        Q = (0.1 * Q + shift).requires_grad_()
        pi = torch.full((3, 2), 0.5, dtype=torch.float64)
        P, r = torch.tensor(mdp.transition), torch.tensor(mdp.reward[0].copy())
        error = ((r + 0.9 * P @ (pi * Q).sum(1) - Q) ** 2).mean() / 2
        mean = (pi * Q).sum(1).mean()
        L = virel_objective(mdp.to_torch(), Q, pi, temperature=error).value
        (whole,) = torch.autograd.grad(L, Q, retain_graph=True)
        (of_mean,) = torch.autograd.grad(mean, Q, retain_graph=True)
        (of_error,) = torch.autograd.grad(error, Q)
        printed = error * of_mean - mean * of_error
        torch.testing.assert_close(error**2 * whole, printed)
        assert np.sign(float((printed * of_error).sum().detach())) == sign


def test_the_printed_form_with_the_entropy_of_the_state_weights_differs_by_the_prior_alone():
    """``log sum exp(Q / epsilon) - KL(d pi || p) - H(d)`` over pairs is ``L + log A``."""
    mdp = random_problems(1, seed=3)[0]
    rng = np.random.default_rng(3)
    Q, pi, d = rng.normal(size=(8, 4)), rng.dirichlet(np.ones(4), size=8), rng.dirichlet(np.ones(8))
    weight, joint = np.exp(Q / 0.7), d[:, None] * pi
    divergence = (joint * np.log(joint / (weight / weight.sum()))).sum()
    printed = np.log(weight.sum()) - divergence + (d * np.log(d)).sum()
    L = virel_objective(mdp, Q, pi, temperature=0.7, state_weights=d)
    assert printed == pytest.approx(L.value + np.log(4), rel=1e-12)


def test_with_negative_values_the_objective_prefers_a_critic_of_the_wrong_sign():
    """One button that costs 1: Q = -10 is true, and L = Q / epsilon is largest at +10."""
    cost, Q = machine(-1.0), np.linspace(-9.9, 40, 5000)
    L = [
        virel_objective(
            cost, [[q]], [[1.0]], temperature=adaptive_temperature(cost, [[q]], discount=0.9)
        ).value
        for q in Q
    ]
    assert Q[int(np.argmax(L))] == pytest.approx(10.0, abs=0.02)


def test_a_baseline_leaves_the_mean_and_lowers_the_variance():
    mdp = random_problems(1, seed=2)[0]
    Q = np.random.default_rng(0).normal(size=(8, 4)) + 20
    pi = boltzmann_policy(mdp, Q, 3.0)
    bare = actor_gradient(mdp, Q, pi, temperature=1.0)
    value = actor_gradient(mdp, Q, pi, temperature=1.0, baseline=(pi * Q).sum(axis=1))
    best = actor_gradient(mdp, Q, pi, temperature=1.0, baseline="best")
    np.testing.assert_allclose(bare.mean, value.mean, atol=1e-12)
    assert np.all(best.variance <= value.variance + 1e-12)
    assert np.all(20 * value.variance < bare.variance)


# Torch, batches, and what is refused.


def test_torch_and_batches_give_the_same_answers():
    pytest.importorskip("torch")
    problems = random_problems(3)
    together = virel(problems, discount=0.9)
    for b in range(3):
        alone = virel(problems[b], discount=0.9, tolerance=1e-11)
        tensor = virel(problems[b].to_torch(), discount=0.9, tolerance=1e-11)
        np.testing.assert_allclose(alone.Q, together.Q[b], atol=2e-10)
        np.testing.assert_allclose(alone.Q, tensor.Q.numpy(), atol=1e-12)
        assert alone.iterations == tensor.iterations
    gradient = actor_gradient(
        problems[0].to_torch(), alone.Q, together.policy[0] * 0 + 0.25, temperature=1.0
    )
    expected = actor_gradient(problems[0], alone.Q, np.full((8, 4), 0.25), temperature=1.0)
    np.testing.assert_allclose(gradient.variance.numpy(), expected.variance)


REFUSED = {
    "no constant": ({"c": 0.0}, "c must be positive and finite; it is 0.0"),
    "power below one": ({"p": 0.5}, "p must be at least 1 and finite; it is 0.5"),
    "no discount": ({"discount": 1.0}, r"the discount must lie in \[0, 1\); it is 1.0"),
    "shape": ({"Q": [[0.0]]}, r"Q must have shape \(1, 2\); it has \(1, 1\)"),
    "nan": ({"Q": [[0.0, np.nan]]}, r"Q must be finite where .*; Q\[0, 1\] is nan"),
    "weights": ({"weights": [[0.0, 0.0]]}, "weights must be finite, not negative, and not all 0"),
    "a weight": ({"weights": [[2.0, -1.0]]}, "weights must be finite, not negative"),
    "huge": ({"Q": [[1e200, 0.0]]}, "the Bellman error to the power 2 must stay finite"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_out_of_range_is_refused(options, message):
    given = {"discount": 0.9, "Q": [[0.0, 0.0]]} | options
    with pytest.raises(ValueError, match=message):
        adaptive_temperature(machine(1.0, 0.0), given.pop("Q"), **given)
    with pytest.raises(ValueError, match=message):
        virel(machine(1.0, 0.0), **({"discount": 0.9} | options))


def test_rewards_of_minus_infinity_are_refused_and_forbidden_actions_ignored():
    pays = {"transition": np.ones((1, 3, 1)), "reward": [[1.0, 0.0, -np.inf]], "initial": [1.0]}
    with pytest.raises(ValueError, match=r"reward\[0, 2\] is -inf; forbid the action instead"):
        virel(TabularMDP.from_arrays(**pays, horizon=1), discount=0.9)
    allowed = TabularMDP.from_arrays(**pays, horizon=1, action_prior=[[0.5, 0.5, 0.0]])
    found, plain = virel(allowed, discount=0.9), virel(machine(1.0, 0.0), discount=0.9)
    np.testing.assert_allclose(found.Q[0, :2], plain.Q[0])
    np.testing.assert_allclose(found.temperatures, plain.temperatures)
    assert found.Q[0, 2] == found.policy[0, 2] == 0


def test_a_problem_with_an_end_is_refused():
    mdp = random_mdp(0, T=3)
    with pytest.raises(ValueError, match="VIREL has no horizon"):
        virel(mdp, discount=0.9)


@pytest.mark.parametrize("rate", [0.0, 1.5])
def test_a_rate_out_of_range_is_refused(rate):
    with pytest.raises(ValueError, match="rate must be above 0 and at most 1"):
        virel(machine(1.0, 0.0), discount=0.9, rate=rate)


def test_an_actor_that_does_what_is_forbidden_is_refused():
    two = rebuilt(machine(1.0, 0.0), action_prior=[[1.0, 0.0]])
    with pytest.raises(ValueError, match=r"policy must be 0 where action_prior is; policy\[0, 1\]"):
        virel_objective(two, [[1.0, 0.0]], [[0.5, 0.5]], temperature=1.0)
    with pytest.raises(ValueError, match="temperature must be above 0; it is 0"):
        virel_objective(two, [[1.0, 0.0]], [[1.0, 0.0]], temperature=0.0)
    with pytest.raises(ValueError, match="temperature must be at least 0; it is -1"):
        boltzmann_policy(two, [[1.0, 0.0]], -1.0)
    with pytest.raises(ValueError, match='baseline must be numbers or "best"'):
        actor_gradient(two, [[1.0, 0.0]], [[1.0, 0.0]], temperature=1.0, baseline="mean")


def test_temperatures_and_baselines_of_the_wrong_shape_are_refused():
    Q, pi = [[1.0, 0.0]], [[0.5, 0.5]]
    one, two = machine(1.0, 0.0), TabularMDP.stack([machine(1.0, 0.0)] * 2)
    with pytest.raises(ValueError, match=r"temperature must be a number; its shape is \(2,\)"):
        boltzmann_policy(one, Q, [1.0, 2.0])
    with pytest.raises(ValueError, match=r"a number or have shape \(2,\); its shape is \(3,\)"):
        boltzmann_policy(two, Q, [1.0, 2.0, 3.0])
    for baseline, message in (([1.0, 2.0], r"have shape \(1,\)"), (np.nan, "finite")):
        with pytest.raises(ValueError, match=f"baseline must .*{message}"):
            actor_gradient(one, Q, pi, temperature=1.0, baseline=baseline)


def test_a_tolerance_below_rounding_is_not_claimed():
    with pytest.raises(ValueError, match=r"did not come within 1e-300 .*rounding alone"):
        virel(machine(1.0, 0.0), discount=0.9, tolerance=1e-300)


def test_a_reward_with_a_gradient_is_measured_in_silence():
    reward = torch.tensor([[1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    mdp = TabularMDP.from_arrays(
        transition=[[[1.0], [1.0]]], reward=reward, initial=[1.0], horizon=1
    )
    virel(mdp, discount=0.5).V.sum().backward()
    np.testing.assert_allclose(reward.grad, [[2.0, 0.0]], atol=1e-8)
