"""What the explorers of chapters 2 and 3 compute is what the library computes."""

from dataclasses import replace

import numpy as np
import pytest
from explorers import MATHEMATICS, PRECISE, SCRIPTS, data_of, numbers, random_cases
from explorers import scripts_of_the_book as listed
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_mdp

from cs_infer import (
    TabularMDP,
    backward_messages,
    forward_messages,
    lottery_threshold,
    policy_occupancy,
    policy_return,
    posterior_dynamics,
    posterior_initial,
    smoothed_marginals,
    soft_values,
    zero_temperature_values,
)
from cs_infer.figures import explorers
from cs_infer.figures.explorers import (
    chain_problem,
    cliff_explorer,
    cliff_problem,
    cliff_states,
    cone_explorer,
    gridworld_problem,
    line_problem,
    lottery_explorer,
    lottery_problem,
    messages_explorer,
    temperature_explorer,
)

BYTES = 110_000  # of all explorers' scripts together, unpacked


def test_the_scripts_stay_small():
    assert sum(len(path.read_bytes()) for path in SCRIPTS.glob("*.js")) < BYTES


def test_the_book_loads_every_script_and_the_mathematics_first():
    assert set(listed()) == {path.name for path in SCRIPTS.glob("*.js")}
    assert tuple(listed()[: len(MATHEMATICS)]) == MATHEMATICS


# ---- the mathematics: one script, one library -------------------------------------


def test_the_script_has_the_soft_values_of_the_library(script):
    for mdp in random_cases():
        ours, theirs = soft_values(mdp), script("softValues(p)", p=data_of(mdp))
        assert_allclose(numbers(theirs["Q"]), ours.Q, **PRECISE)
        assert_allclose(numbers(theirs["V"]), ours.V, **PRECISE)
        assert_allclose(numbers(theirs["policy"]), ours.policy, **PRECISE)
        assert_allclose(float(theirs["value"]), ours.value, **PRECISE)


def test_the_script_has_the_posterior_dynamics_of_the_library(script):
    for mdp in random_cases():
        data = data_of(mdp)
        for t in {0, mdp.horizon // 2, mdp.horizon - 1}:
            theirs = script(f"posteriorDynamics(p, {t})", p=data)
            assert_allclose(numbers(theirs), posterior_dynamics(mdp, t).transition, **PRECISE)
        theirs = script("posteriorInitial(p)", p=data)
        assert_allclose(numbers(theirs), posterior_initial(mdp), **PRECISE)


def test_the_script_acts_as_the_library_does(script):
    acted = 0
    for mdp in random_cases():
        data, policy = data_of(mdp), soft_values(mdp).policy
        if not np.allclose(policy.sum(axis=-1), 1):
            continue  # where optimality is impossible there is no policy to act with
        acted += 1
        theirs = script("policyOccupancy(p, softValues(p).policy)", p=data)
        assert_allclose(numbers(theirs), policy_occupancy(mdp, policy), **PRECISE)
        theirs = script("expectedReturn(p, policyOccupancy(p, softValues(p).policy))", p=data)
        assert_allclose(float(theirs), policy_return(mdp, policy), **PRECISE)
    assert acted > 80


def test_walks_of_a_policy_are_drawn_from_its_occupancy(script):
    mdp, count = random_mdp(11, S=4, A=3, T=5, kind="sparse", temperature=0.4), 20_000
    expected = policy_occupancy(mdp, soft_values(mdp).policy)
    drawn = script(f"samplePolicy(p, softValues(p).policy, {count}, 3)", p=data_of(mdp))
    joint = np.zeros_like(expected)
    for x in drawn:
        joint[np.arange(mdp.horizon), x["states"], x["actions"]] += 1 / count
    assert_array_equal(joint[expected == 0], 0.0)
    spread = np.sqrt(expected * (1 - expected) / count)
    assert np.max(np.abs(joint - expected) - 5 * spread) <= 1e-12


@pytest.mark.parametrize("temperature", [0.05, 1.0, 10.0])
@pytest.mark.parametrize(("gain", "safe"), [(3.0, 2.0), (10.0, 0.1), (0.1, 0.0), (2.0, 2.0)])
def test_the_script_has_the_threshold_of_the_library(script, gain, safe, temperature):
    theirs = script(f"lotteryThreshold({gain}, {safe}, {temperature})")
    assert_allclose(theirs, lottery_threshold(gain, safe, temperature=temperature), **PRECISE)


# ---- the problems -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "explorer", "problem", "settings"),
    [
        ("cliff", cliff_explorer, cliff_problem, {}),
        ("cliff", cliff_explorer, cliff_problem, {"slip": 0.0, "cliff_cost": 0.0, "horizon": 1}),
        ("cliff", cliff_explorer, cliff_problem, {"layout": ("S.#", "x.G"), "slip": 0.5}),
        ("line", cone_explorer, line_problem, {}),
        ("line", cone_explorer, line_problem, {"goal": None, "horizon": 5}),
        (
            "line",
            cone_explorer,
            line_problem,
            {"cells": 6, "start": 0, "goal": 5, "stay": 0.0, "miss_cost": 2.5},
        ),
        ("lottery", lottery_explorer, lottery_problem, {}),
        (
            "lottery",
            lottery_explorer,
            lottery_problem,
            {"chance": 0.01, "safe": 0.5, "gain": 7.0, "temperature": 0.2},
        ),
    ],
)
def test_a_problem_of_the_script_is_the_problem_of_the_library(
    script, kind, explorer, problem, settings
):
    assert_same_problem(script(f"{kind}(p)", p=explorer(**settings).problem), problem(**settings))


def test_the_chain_of_the_script_is_the_chain_of_the_library(script):
    chain = temperature_explorer(temperature=2.0).problem["chain"]
    assert_same_problem(script("chain(p)", p=chain), chain_problem(temperature=2.0))


def assert_same_problem(theirs, mdp):
    assert_allclose(theirs["transition"], mdp.transition, rtol=0, atol=1e-15)
    assert_array_equal(np.broadcast_to(theirs["reward"], mdp.reward.shape), mdp.reward)
    assert_array_equal(theirs["initial"], mdp.initial)
    assert_allclose(theirs["actionPrior"], mdp.action_prior, rtol=0, atol=1e-15)
    assert (theirs["horizon"], theirs["temperature"]) == (mdp.horizon, mdp.temperature)


def test_a_cliff_cell_is_paid_once_and_the_ground_is_never_left():
    mdp = cliff_problem(step_cost=1.0, cliff_cost=15.0, slip=0.0)
    over, ground = cliff_states()[0], mdp.num_states - 1
    assert_array_equal(mdp.transition[over, :, ground], 1.0)
    assert_array_equal(mdp.transition[ground, :, ground], 1.0)
    assert_array_equal(mdp.reward[0, [over, ground], 0], [-16.0, -1.0])


# ---- what each explorer shows --------------------------------------------------------


def test_the_messages_shown_are_those_of_the_library(script):
    for settings in ({}, {"slip": 0.4, "horizon": 3, "temperature": 2.0, "mud_cost": 7.0}):
        theirs = script("messagesOf(p)", p=messages_explorer(**settings).problem)
        mdp = gridworld_problem(**settings)
        backward = backward_messages(mdp)
        assert_allclose(theirs["backward"][:-1], backward.log_beta_s, **PRECISE)
        assert_array_equal(theirs["backward"][-1], 0.0)
        assert_allclose(theirs["policy"], backward.policy, **PRECISE)
        longer = gridworld_problem(**settings | {"horizon": mdp.horizon + 1})
        forward = forward_messages(longer).log_forward
        assert_allclose(numbers(theirs["forward"]), forward, **PRECISE)
        assert_allclose(theirs["product"][:-1], smoothed_marginals(mdp).state, **PRECISE)


def test_the_start_first_hears_of_mud_at_three_steps_to_go_and_of_the_goal_at_six(script):
    data = messages_explorer().problem
    theirs = script("owed(p, messagesOf(p).backward)", p=data)
    mdp = gridworld_problem()
    start, log_beta = int(np.argmax(mdp.initial)), backward_messages(mdp).log_beta_s
    ground = [line.replace("G", ".") for line in data["layout"]]
    for name, mark, less, steps in (
        ("mud", "~", gridworld_problem(mud_cost=0.0), 3),
        ("goal", "G", gridworld_problem(ground), 6),
    ):
        change = np.array(theirs[name])
        assert_allclose(change[:-1], log_beta - backward_messages(less).log_beta_s, **PRECISE)
        heard = np.array(script(f"heard(gridworld(p), {mark!r})", p=data))
        assert_array_equal(change[:, start] != 0, heard[:, start])
        assert not np.any(~heard & (change != 0))
        to_go = np.arange(mdp.horizon + 1)[::-1]
        assert to_go[heard[:, start]].min() == steps


def test_a_change_that_drowns_in_rounding_is_none(script):
    data = messages_explorer(temperature=0.05).problem
    change = np.array(script("owed(p, messagesOf(p).backward).goal", p=data))
    heard = np.array(script("heard(gridworld(p), 'G')", p=data))
    assert np.any(heard & (change == 0))
    assert not np.any(~heard & (change != 0))


@pytest.mark.parametrize("temperature", [0.01, 0.3, 100.0])
def test_the_choice_shown_is_one_step_of_the_library(script, temperature):
    Q, rho = [1.0, 1.0, 0.4, -0.5], [0.1, 0.3, 0.4, 0.2]
    mdp = TabularMDP.from_arrays(
        transition=np.ones((1, 4, 1)), reward=[Q], initial=[1.0], horizon=1,
        action_prior=[rho], temperature=temperature,
    )  # fmt: skip
    data = temperature_explorer(Q, prior=[1, 3, 4, 2], temperature=temperature).problem
    theirs, ours = script("choice(p)", p=data), soft_values(mdp)
    assert_allclose(theirs["V"], ours.value, **PRECISE)
    assert_allclose(theirs["policy"], ours.policy[0, 0], **PRECISE)
    limit = zero_temperature_values(mdp, reading="variational")
    assert_allclose(theirs["greedy"], limit.policy[0, 0], **PRECISE)
    assert_allclose(theirs["greedy"], [0.25, 0.75, 0, 0], **PRECISE)
    assert theirs["max"] == np.max(Q)
    assert_allclose(theirs["mean"], np.dot(rho, Q), **PRECISE)
    assert theirs["mean"] - 1e-12 <= theirs["V"] <= theirs["max"]
    flat = mdp.temperature * np.log(np.sum(np.exp((np.array(Q) - 1) / temperature))) + 1
    assert_allclose(theirs["unweighted"], flat, **PRECISE)
    assert theirs["unweighted"] > theirs["max"]


@pytest.mark.parametrize("settings", [{}, {"goal": 20, "horizon": 30}, {"goal": None}])
def test_the_cone_shown_is_that_of_the_library(script, settings):
    theirs, mdp = script("cone(p)", p=cone_explorer(**settings).problem), line_problem(**settings)
    product, forward = smoothed_marginals(mdp).state, forward_messages(mdp).filtered
    log_beta = backward_messages(mdp).log_beta_s
    assert_allclose(theirs["product"], product, **PRECISE)
    assert_allclose(theirs["forward"], forward, **PRECISE)
    relative = np.exp(log_beta - log_beta.max(axis=1, keepdims=True))
    assert_allclose(theirs["backward"], relative, **PRECISE)
    place = np.arange(mdp.num_states)
    for name, state in (("product", product), ("forward", forward)):
        spread = np.sqrt(np.maximum(state @ place**2 - (state @ place) ** 2, 0))
        assert_allclose(theirs["spread"][name], spread, rtol=1e-9, atol=1e-6)


def test_the_cone_closes_only_with_a_goal(script):
    with_goal = script("cone(p).spread", p=cone_explorer().problem)["product"]
    without = script("cone(p).spread", p=cone_explorer(goal=None).problem)["product"]
    assert 7 <= int(np.argmax(with_goal)) <= 12
    assert with_goal[-1] < 0.1 < 1.7 < max(with_goal)
    assert np.all(np.diff(without) > 0)


@pytest.mark.parametrize(
    "settings",
    [{}, {"chance": 0.0}, {"chance": 1.0, "temperature": 0.05}, {"safe": 3.0}, {"safe": 5.0}],
)
def test_the_lottery_shown_is_that_of_the_library(script, settings):
    explorer, mdp = lottery_explorer(**settings), lottery_problem(**settings)
    theirs = script("lotteryReadings(p)", p=explorer.problem)
    backward, soft = backward_messages(mdp), soft_values(mdp)
    exact, variational = theirs["exact"], theirs["variational"]
    assert_allclose(exact["worth"], mdp.temperature * backward.log_beta_sa[0, 0, 1], **PRECISE)
    assert_allclose(exact["play"], backward.policy[0, 0, 1], **PRECISE)
    believed = posterior_dynamics(mdp, 0).transition[0, 1, 1]
    assert_allclose(exact["believed"], believed, **PRECISE)
    occupancy = smoothed_marginals(mdp).state_action
    assert_allclose(exact["returnBelieved"], (occupancy * mdp.reward).sum(), **PRECISE)
    assert_allclose(exact["returnObtained"], policy_return(mdp, backward.policy), **PRECISE)
    assert_allclose(variational["worth"], soft.Q[0, 0, 1], **PRECISE)
    assert_allclose(variational["play"], soft.policy[0, 0, 1], **PRECISE)
    for name in ("returnBelieved", "returnObtained"):
        assert_allclose(variational[name], policy_return(mdp, soft.policy), **PRECISE)
    assert exact["chance"] == variational["chance"] == variational["believed"]
    assert exact["chance"] == explorer.problem["chance"]
    if explorer.problem["safe"] > explorer.problem["gain"]:
        assert exact["threshold"] is variational["threshold"] is None


def test_at_its_threshold_a_reading_likes_both_choices_equally(script):
    for name in ("exact", "variational"):
        data = lottery_explorer().problem
        at = data | {"chance": script("lotteryReadings(p)", p=data)[name]["threshold"]}
        assert_allclose(script("lotteryReadings(p)", p=at)[name]["play"], 0.5, **PRECISE)


@pytest.mark.parametrize(
    "settings",
    [{}, {"slip": 0.0}, {"slip": 0.5, "temperature": 0.05, "cliff_cost": 30.0, "horizon": 30}],
)
def test_the_cliff_shown_is_that_of_the_library(script, settings):
    mdp = cliff_problem(**settings)
    theirs = script("cliffReadings(p)", p=cliff_explorer(**settings).problem)
    exact, soft = backward_messages(mdp).policy, soft_values(mdp).policy
    believed = smoothed_marginals(mdp).state_action
    ours = {
        "exact": (exact, believed, policy_occupancy(mdp, exact)),
        "variational": (soft, policy_occupancy(mdp, soft), policy_occupancy(mdp, soft)),
    }
    for name, (policy, believes, happens) in ours.items():
        reading = theirs[name]
        assert_allclose(reading["policy"], policy, **PRECISE)
        for kind, occupancy in (("believed", believes), ("happens", happens)):
            assert_allclose(reading[kind], occupancy, **PRECISE)
        assert_allclose(
            [reading["numbers"][key] for key in ("returnBelieved", "returnObtained")],
            [(believes * mdp.reward).sum(), policy_return(mdp, policy)], **PRECISE,
        )  # fmt: skip
        assert_allclose(
            [reading["numbers"][key] for key in ("fallsBelieved", "fallsHappen")],
            [x[:, cliff_states()].sum() for x in (believes, happens)], **PRECISE,
        )  # fmt: skip


def test_on_firm_ground_both_readings_of_the_cliff_are_one(script):
    theirs = script("cliffReadings(p)", p=cliff_explorer(slip=0.0).problem)
    exact, variational = (np.array(theirs[name]["happens"]) for name in ("exact", "variational"))
    assert_allclose(exact, variational, **PRECISE)
    assert_allclose(theirs["exact"]["believed"], exact, **PRECISE)


# ---- what Python hands over -------------------------------------------------------------


@pytest.mark.parametrize("name", ["messages", "temperature", "cone", "lottery", "cliff"])
def test_an_explorer_speaks_without_javascript(name):
    explorer = getattr(explorers, f"{name}_explorer")()
    html = explorer._repr_html_()
    assert html.startswith(f'<cai-{name} class="cai-explorer" data-problem="{{')
    assert "needs JavaScript" in html
    assert any(digit in explorer.words for digit in "0123456789")
    assert repr(explorer).startswith(f"{name}_explorer(")


def test_the_words_hold_the_numbers_of_the_library():
    mdp = cliff_problem(slip=0.3)
    words = cliff_explorer(slip=0.3).words
    for policy in (backward_messages(mdp).policy, soft_values(mdp).policy):
        assert f"{policy_return(mdp, policy):.3f}" in words
        assert f"{policy_occupancy(mdp, policy)[:, cliff_states()].sum():.4f}" in words
    lottery = lottery_problem(chance=0.2)
    assert f"{soft_values(lottery).policy[0, 0, 1]:.3f}" in lottery_explorer(chance=0.2).words
    log_beta = backward_messages(replace(gridworld_problem(), temperature=0.7)).log_beta_s
    start = int(np.argmax(gridworld_problem().initial))
    assert f"{log_beta[0, start]:.2f} nats" in messages_explorer(temperature=0.7).words


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cliff_problem(("S.", "~G")), "it holds ~"),
        (lambda: cliff_problem(slip=-0.1), "slip must lie between 0 and 1"),
        (lambda: cliff_problem(cliff_cost=-1.0), "cliff_cost must lie"),
        (lambda: line_problem(goal=25), "goal must lie between 0 and 24"),
        (lambda: line_problem(start=-1), "start must lie"),
        (lambda: line_problem(miss_cost=-1.0), "miss_cost must lie"),
        (lambda: line_problem(stay=1.1), "stay must lie"),
        (lambda: chain_problem(cells=2), "cells must lie between 3"),
        (lambda: lottery_problem(chance=1.5), "chance must lie between 0 and 1"),
        (lambda: cone_explorer(horizon=60), "at most 41 cells and steps"),
        (lambda: temperature_explorer([1.0]), "2 to 6 actions"),
        (lambda: temperature_explorer([1.0, np.inf]), "must be finite"),
        (lambda: temperature_explorer(prior=[1, 1, 1, 0]), "4 positive weights"),
        (lambda: temperature_explorer(temperature=0.0), "temperature must lie"),
    ],
)
def test_a_problem_that_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
