"""What the explorers of chapter 4 compute is what the library computes."""

from itertools import islice

import numpy as np
import pytest
from explorers import PRECISE, data_of, random_cases
from numpy.testing import assert_allclose, assert_array_equal

from cs_infer import (
    adaptive_temperature,
    backward_messages,
    boltzmann_policy,
    elbo,
    improved_policy,
    kl_to_posterior,
    policy_occupancy,
    regularised_return,
    soft_policy_iteration,
    soft_policy_values,
    soft_value_iteration,
    soft_values,
    virel,
    virel_steps,
)
from cs_infer.figures import explorers
from cs_infer.figures.explorers import (
    LAYOUT,
    cooling_explorer,
    cooling_problem,
    frontier_explorer,
    frontier_problem,
    gap_explorer,
    gap_problem,
)

TEMPERATURES = (1.0, 0.1, 0.01)


def finite_cases():
    return [mdp for mdp in random_cases() if np.all(np.isfinite(mdp.reward))]


def shares(gap):
    return [gap[name] if isinstance(gap, dict) else getattr(gap, name)
            for name in ("policy", "luck", "initial")]  # fmt: skip


def copied(script_array, useless):
    """Left, right, wait: with each of the waiting actions by itself."""
    array = np.array(script_array, dtype=float)
    return array[..., [0, 1, *[2] * useless]]


# ---- the mathematics: one script, one library -------------------------------------


def test_the_script_has_the_bound_and_the_gap_of_the_library(script):
    for mdp in finite_cases()[::3]:
        data = data_of(mdp)
        colder = soft_values(mdp.with_temperature(mdp.temperature / 2)).policy
        for policy in (mdp.action_prior, colder):
            pi = np.broadcast_to(policy, mdp.reward.shape).tolist()
            theirs = script("[elbo(p, pi), klToPosterior(p, pi)]", p=data, pi=pi)
            assert_allclose(theirs[0], elbo(mdp, policy), **PRECISE)
            assert_allclose(shares(theirs[-1]), shares(kl_to_posterior(mdp, policy)), **PRECISE)
            ours, theirs = (
                regularised_return(mdp, policy),
                script("regularisedReturn(p, pi)", p=data, pi=pi),
            )
            for name in ("reward", "divergence", "total"):
                assert_allclose(theirs[name], getattr(ours, name), **PRECISE)


def test_the_script_evaluates_and_improves_as_the_library_does(script):
    for mdp in finite_cases()[::3]:
        way = soft_policy_iteration(mdp, max_iterations=2 * mdp.horizon + 2)
        theirs = script(f"softPolicyIteration(p, {len(way.policies) - 1})", p=data_of(mdp))
        for ours, policy in zip(way.policies, theirs, strict=True):
            assert_allclose(policy, np.broadcast_to(ours, mdp.reward.shape), **PRECISE)
        values = script("softPolicyValues(p, pi)", p=data_of(mdp), pi=theirs[-1])
        ours = soft_policy_values(mdp, theirs[-1])
        assert_allclose(values["Q"], ours.Q, **PRECISE)
        assert_allclose(values["V"], ours.V, **PRECISE)
        assert_allclose(values["value"], ours.value, **PRECISE)


@pytest.mark.parametrize(
    ("settings", "c"),
    [
        ({}, 1.0),
        ({"useless": 1, "scale": 0.01}, 0.1),
        ({"useless": 100}, 1.0),
        ({"scale": 10.0, "slip": 0.5}, 1.0),
        ({"cells": 7}, 100.0),
        ({"useless": 5}, 1000.0),  # here fixed points come in close pairs
    ],
)
def test_the_script_cools_as_the_library_does(script, settings, c):
    data, mdp = cooling_explorer(**settings).problem, cooling_problem(**settings)
    useless = data["useless"]
    steps = script(f"virelSteps(strip(p), {c}, 30)", p=data)
    for theirs, ours in zip(steps, islice(virel_steps(mdp, discount=0.8, c=c), 31), strict=True):
        assert_allclose(copied(theirs["Q"], useless), ours.Q, **PRECISE)
        if ours.temperature > 1e-12:  # below, the error is a difference of nearly equal numbers
            assert_allclose(theirs["temperature"], ours.temperature, rtol=1e-7)
            waits = np.sum(ours.policy[:, 2:], axis=-1)
            assert_allclose(np.array(theirs["policy"])[:, 2], waits, rtol=1e-6, atol=1e-10)


def test_the_script_finds_the_temperature_of_any_values(script):
    data, mdp = cooling_explorer(useless=3).problem, cooling_problem(useless=3)
    rng = np.random.default_rng(0)
    for scale in (0.01, 1.0, 3.0, 30.0):
        Q = scale * rng.normal(size=(5, 3))
        theirs = script("adaptiveTemperature(strip(p), Q, 0.5)", p=data, Q=Q.tolist())
        full = copied(Q, 3)
        assert_allclose(theirs, adaptive_temperature(mdp, full, discount=0.8, c=0.5), rtol=1e-9)
        policy = np.array(script("boltzmann(strip(p), Q, t)", p=data, Q=Q.tolist(), t=theirs))
        ours = boltzmann_policy(mdp, full, theirs)
        assert_allclose(policy[:, :2], ours[:, :2], **PRECISE)
        assert_allclose(policy[:, 2], ours[:, 2:].sum(axis=-1), **PRECISE)


def test_a_pair_of_temperatures_close_to_each_other_is_not_jumped_over(script):
    data = cooling_explorer().problem
    steps = script("virelSteps(strip(p), 1000, 40)", p=data)
    mdp = cooling_problem()
    for step in steps[25:]:
        Q = copied(step["Q"], 10)
        for heat in step["temperature"] * np.geomspace(1e-4, 0.999, 200):
            policy = boltzmann_policy(mdp, Q, heat)
            ahead = mdp.reward[0] + 0.8 * mdp.transition @ np.sum(policy * Q, axis=-1)
            assert 500 * np.mean((ahead - Q) ** 2) > heat


def test_optimal_values_are_at_temperature_zero(script):
    data, mdp = cooling_explorer().problem, cooling_problem()
    best = script("optimal(strip(p))", p=data)
    assert_allclose(copied(best, 10), virel(mdp, discount=0.8).Q, rtol=0, atol=1e-9)
    assert script("adaptiveTemperature(strip(p), optimal(strip(p)), 1)", p=data) < 1e-25
    cold = np.array(script("boltzmann(strip(p), optimal(strip(p)), 0)", p=data))
    assert_array_equal(cold, np.eye(3)[[1] * 5])


# ---- the problems: one world, two languages -----------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{}, {"copies": 30, "slip": 0.5, "horizon": 5}, {"layout": ("S~", ".G"), "slip": 0.0}],
)
def test_the_world_of_the_frontier_is_that_of_the_library(script, settings):
    mdp = frontier_problem(**settings)
    theirs = script("frontierWorld(p)", p=frontier_explorer(**settings).problem)
    assert_allclose(theirs["transition"], mdp.transition, rtol=0, atol=1e-15)
    assert_array_equal(np.broadcast_to(theirs["reward"], mdp.reward.shape), mdp.reward)
    assert_allclose(theirs["actionPrior"], mdp.action_prior, rtol=0, atol=1e-15)
    assert (theirs["horizon"], theirs["temperature"]) == (mdp.horizon, mdp.temperature)


@pytest.mark.parametrize("settings", [{}, {"useless": 1, "slip": 0.0}, {"cells": 3, "scale": 2.0}])
def test_the_strip_of_the_script_is_that_of_the_library(script, settings):
    mdp, data = cooling_problem(**settings), cooling_explorer(**settings).problem
    theirs, each = script("strip(p)", p=data), [0, 1, *[2] * data["useless"]]
    assert_allclose(np.array(theirs["transition"])[:, each], mdp.transition, rtol=0, atol=1e-15)
    assert_array_equal(np.array(theirs["reward"])[:, each], mdp.reward[0])
    assert_array_equal(theirs["initial"], mdp.initial)
    prior = np.array(theirs["actionPrior"])
    assert_allclose(prior[:, :2], mdp.action_prior[:, :2], rtol=1e-15)
    assert_allclose(prior[:, 2], mdp.action_prior[:, 2:].sum(axis=-1), rtol=1e-14)


# ---- what each explorer shows --------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [{}, {"slip": 0.0, "temperature": 0.05}, {"slip": 0.5, "copies": 30}, {"temperature": 10.0}],
)
def test_the_frontier_shown_is_that_of_the_library(script, settings):
    mdp, data = frontier_problem(**settings), frontier_explorer(**settings).problem
    theirs, policy = script("frontierReadings(p)", p=data), soft_values(mdp).policy
    best, visits = regularised_return(mdp, policy), policy_occupancy(mdp, policy).sum(axis=-1)
    for name in ("reward", "divergence", "total"):
        assert_allclose(theirs[name], getattr(best, name), **PRECISE)
    assert_allclose(theirs["total"], soft_values(mdp).value, **PRECISE)
    copies = np.array([1, 1, 1, 1, data["copies"]])
    split = np.where(policy > 0, policy * np.log(policy / copies), 0.0).sum(axis=-1)
    assert_allclose(theirs["entropy"], -np.sum(visits * split), **PRECISE)
    marks = np.array([mark for mark in "".join(LAYOUT) if mark != "#"])
    assert_allclose(theirs["mud"], visits[:, marks == "~"].sum(), **PRECISE)
    assert_allclose(theirs["goal"], visits[-1, marks == "G"].sum(), **PRECISE)
    assert_allclose(theirs["share"], visits.mean(axis=0), **PRECISE)
    acts = regularised_return(mdp, backward_messages(mdp).policy)
    assert_allclose(theirs["posterior"]["reward"], acts.reward, **PRECISE)
    assert_allclose(theirs["posterior"]["divergence"], acts.divergence, **PRECISE)


def test_the_frontier_is_concave_its_slope_is_the_temperature_and_no_policy_is_above(script):
    data, alphas = frontier_explorer().problem, np.geomspace(0.05, 10, 200)
    nats, reward = np.array(script("frontier(p, t)", p=data, t=alphas.tolist())).T
    slope = np.diff(reward) / np.diff(nats)
    assert np.all(np.diff(nats) < 0)
    assert np.all((slope > alphas[:-1]) & (slope < alphas[1:]))
    mdp = frontier_problem()
    for policy in (backward_messages(mdp).policy, mdp.action_prior):
        there = regularised_return(mdp, policy)
        assert np.all(there.reward - alphas * there.divergence <= reward - alphas * nats + 1e-12)


@pytest.mark.parametrize("settings", [{}, {"slip": 0.0}, {"slip": 0.5, "temperature": 0.05}])
def test_the_gap_shown_is_that_of_the_library(script, settings):
    mdp, data = gap_problem(**settings), gap_explorer(**settings).problem
    theirs, backward = script("gapReadings(p, 8)", p=data), backward_messages(mdp)
    policies = [np.broadcast_to(mdp.action_prior, mdp.reward.shape)]
    for _ in range(8):
        policies.append(improved_policy(mdp, soft_policy_values(mdp, policies[-1]).Q))
    policies += [soft_values(mdp).policy, backward.policy]
    shown = [*theirs["steps"], theirs["best"], theirs["posterior"]]
    for each, policy in zip(shown, policies, strict=True):
        assert_allclose(each["elbo"], elbo(mdp, policy), **PRECISE)
        assert_allclose(shares(each), shares(kl_to_posterior(mdp, policy)), **PRECISE)
        assert_allclose(each["total"], backward.log_evidence, **PRECISE)
        visits = policy_occupancy(mdp, policy).sum(axis=(0, -1)) / mdp.horizon
        assert_allclose(each["share"], visits, **PRECISE)
    assert_allclose(theirs["logEvidence"], backward.log_evidence, **PRECISE)


def test_neither_share_closes_by_itself_but_their_sum_does_down_to_what_no_policy_mends(script):
    theirs = script("gapReadings(p, 8)", p=gap_explorer().problem)
    policy, luck, bound = (
        np.array([each[name] for each in theirs["steps"]]) for name in ("policy", "luck", "elbo")
    )
    assert policy[1] > policy[0] + 1
    assert np.all(np.diff(luck)[1:4] > 0)
    assert np.all(np.diff(bound) >= -1e-12)
    assert_allclose(bound[-1], theirs["best"]["elbo"], **PRECISE)
    assert theirs["best"]["policy"] > 0.1
    assert theirs["posterior"]["policy"] == 0
    assert theirs["posterior"]["elbo"] < theirs["best"]["elbo"] - 0.5


def test_on_firm_ground_the_gap_closes(script):
    theirs = script("gapReadings(p, 8)", p=gap_explorer(slip=0.0).problem)
    for each in (theirs["steps"][-1], theirs["best"], theirs["posterior"]):
        assert_allclose(each["elbo"], theirs["logEvidence"], **PRECISE)
        assert_allclose(shares(each), 0, atol=1e-9)


@pytest.mark.parametrize(
    "settings", [{}, {"useless": 100, "scale": 0.01}, {"useless": 2, "scale": 3.0}]
)
def test_the_cooling_shown_is_that_of_the_library(script, settings):
    mdp, data = cooling_problem(**settings), cooling_explorer(**settings).problem
    agents = script(
        "coolingReadings(p, t, 120).agents.map((steps) => [0, 4, 120].map((k) => steps[k]))",
        p=data, t=TEMPERATURES,
    )  # fmt: skip
    best = virel(mdp, discount=0.8, tolerance=1e-12, max_iterations=200).Q
    cooled = list(islice(virel_steps(mdp, discount=0.8), 121))
    for k, theirs in zip((0, 4, 120), agents[0], strict=True):
        assert_allclose(theirs["distance"], np.abs(cooled[k].Q - best).max(), **PRECISE)
        assert_allclose(theirs["useless"], cooled[k].policy[1, 2:].sum(), rtol=1e-6, atol=1e-10)
        assert_allclose(theirs["regret"], regret(mdp, best, cooled[k].policy), **PRECISE)
    for alpha, steps in zip(TEMPERATURES, agents[1:], strict=True):
        ours = soft_value_iteration(mdp.with_temperature(alpha), discount=0.8, tolerance=1e-11)
        scale = max(1.0, np.abs(best).max())
        assert_allclose(steps[2]["distance"], np.abs(ours.Q - best).max(), atol=2e-10 * scale)
        assert_allclose(steps[2]["useless"], ours.policy[1, 2:].sum(), rtol=1e-6, atol=1e-10)
        assert_allclose(steps[2]["regret"], regret(mdp, best, ours.policy), atol=1e-8 * scale)


def regret(mdp, best, policy):
    """From the start, discounted: by a direct solve."""
    transition = np.einsum("sa,sat->st", policy, mdp.transition)
    paid = np.sum(policy * mdp.reward[0], axis=-1)
    V = np.linalg.solve(np.eye(mdp.num_states) - 0.8 * transition, paid)
    return max(0.0, best[1].max() - V[1])


def test_useless_actions_draw_a_fixed_temperature_and_not_virel(script):
    for alpha, few, many in ((1.0, 0.485, 0.979), (0.1, 0.02, 0.77)):
        rows = [
            script("coolingReadings(p, [t], 120).agents.map((x) => x[120].useless)",
                   p=cooling_explorer(useless=n).problem, t=alpha)
            for n in (2, 100)
        ]  # fmt: skip
        assert rows[0][1] > few
        assert rows[1][1] > many
        assert rows[0][0] == rows[1][0] == 0


# ---- what Python hands over -------------------------------------------------------------


@pytest.mark.parametrize("name", ["frontier", "gap", "cooling"])
def test_an_explorer_of_the_bound_speaks_without_javascript(name):
    explorer = getattr(explorers, f"{name}_explorer")()
    html = explorer._repr_html_()
    assert html.startswith(f'<cai-{name} class="cai-explorer" data-problem="{{')
    assert "needs JavaScript" in html
    assert repr(explorer).startswith(f"{name}_explorer(")


def test_the_words_of_the_bound_hold_the_numbers_of_the_library():
    mdp = gap_problem(slip=0.3)
    words, gap = gap_explorer(slip=0.3).words, kl_to_posterior(mdp, soft_values(mdp).policy)
    for number in (backward_messages(mdp).log_evidence, gap.policy, gap.luck):
        assert f"{number:.3f}" in words
    mdp = frontier_problem(copies=3, temperature=0.7)
    best = regularised_return(mdp, soft_values(mdp).policy)
    words = frontier_explorer(copies=3, temperature=0.7).words
    assert f"at temperature 0.7 a reward of {best.reward:.3f} for {best.divergence:.3f}" in words
    mdp = cooling_problem(useless=3)
    first = next(virel_steps(mdp, discount=0.8)).temperature
    assert f"{first:.2g}, " in cooling_explorer(useless=3).words


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: frontier_problem(copies=0), "copies must lie between 1"),
        (lambda: frontier_problem(slip=2.0), "slip must lie between 0 and 1"),
        (lambda: gap_problem(cliff_cost=-1.0), "cliff_cost must lie"),
        (lambda: cooling_problem(cells=2), "cells must lie between 3"),
        (lambda: cooling_problem(useless=0), "useless must lie between 1"),
        (lambda: cooling_problem(scale=0.0), "scale must lie"),
        (lambda: cooling_problem(slip=-0.1), "slip must lie"),
        (lambda: cooling_explorer(discount=0.95), "discount must lie between 0 and 0.9"),
        (lambda: cooling_explorer(c=-1.0), "c must be positive"),
    ],
)
def test_a_problem_of_the_bound_that_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
