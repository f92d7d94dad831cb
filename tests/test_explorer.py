"""The explorer of chapter 1 computes what the library computes, and can be driven by keyboard."""

from dataclasses import replace

import numpy as np
import pytest
from browser import Visit
from explorers import PRECISE, data_of, numbers, random_cases, said_by, shown
from numpy.testing import assert_allclose, assert_array_equal
from problems import random_mdp, two_states

from cs_infer import (
    TabularMDP,
    backward_messages,
    enumerate_trajectories,
    forward_messages,
    smoothed_marginals,
    trajectory_log_prior,
)
from cs_infer.figures.explorers import (
    conditioning_explorer,
    gridworld_problem,
)

# ---- the mathematics: one script, one library -----------------------------------


def test_the_script_passes_the_messages_of_the_library(script):
    for mdp in random_cases():
        ours = backward_messages(mdp)
        theirs = script("backwardMessages(p)", p=data_of(mdp))
        assert_allclose(numbers(theirs["logBetaSA"]), ours.log_beta_sa, **PRECISE)
        assert_allclose(numbers(theirs["logBetaS"]), ours.log_beta_s, **PRECISE)
        assert_allclose(numbers(theirs["policy"]), ours.policy, **PRECISE)
        assert_allclose(float(theirs["logEvidence"]), ours.log_evidence, **PRECISE)


def test_the_script_has_the_marginals_of_the_library(script):
    for mdp in random_cases():
        data, smoothed, forward = data_of(mdp), smoothed_marginals(mdp), forward_messages(mdp)
        theirs = script("forwardMessages(p)", p=data)
        assert_allclose(numbers(theirs["logForward"]), forward.log_forward, **PRECISE)
        assert_allclose(numbers(theirs["filtered"]), forward.filtered, **PRECISE)
        theirs = script("smoothedMarginals(p)", p=data)
        assert_allclose(numbers(theirs["state"]), smoothed.state, **PRECISE)
        assert_allclose(numbers(theirs["stateAction"]), smoothed.state_action, **PRECISE)


def unrewarded(mdp):
    return replace(mdp, reward=np.zeros_like(mdp.reward))


def expected_return(mdp, state_action):
    return np.sum(state_action * np.where(state_action > 0, mdp.reward, 0.0))


def test_the_script_has_the_expected_returns_of_the_library(script):
    for mdp in random_cases():
        data = data_of(mdp)
        before = smoothed_marginals(unrewarded(mdp)).state_action  # nothing is learnt from 0
        theirs = script("priorMarginals(p)", p=data)
        assert_allclose(numbers(theirs["stateAction"]), before, **PRECISE)
        theirs = script("expectedReturn(p, priorMarginals(p).stateAction)", p=data)
        assert_allclose(float(theirs), expected_return(mdp, before), **PRECISE)
        after = smoothed_marginals(mdp).state_action
        theirs = script("expectedReturn(p, smoothedMarginals(p).stateAction)", p=data)
        assert_allclose(float(theirs), expected_return(mdp, after), **PRECISE)


def draws_per_one(mdp):
    colder = backward_messages(mdp.with_temperature(mdp.temperature / 2)).log_evidence
    return np.exp(colder - 2 * backward_messages(mdp).log_evidence)


@pytest.mark.parametrize("mdp", [two_states()[1], random_mdp(3, S=2, A=2, T=4, kind="sparse")])
def test_draws_before_worth_one_after_are_one_plus_chi_square(script, mdp):
    table = enumerate_trajectories(mdp)
    by_listing = np.sum(table.posterior**2 / table.prior)
    theirs = script("drawsPerOne(p, backwardMessages(p).logEvidence)", p=data_of(mdp))
    assert_allclose(theirs, by_listing, rtol=1e-10)
    assert_allclose(draws_per_one(mdp), by_listing, rtol=1e-10)


def test_trajectories_of_the_script_have_the_probability_and_return_of_the_library(script):
    for mdp in (gridworld_problem(horizon=6), random_mdp(4, kind="sparse", temperature=0.5)):
        drawn = script("samplePrior(p, 50, 7)", p=data_of(mdp))
        states, actions = (np.array([x[name] for x in drawn]) for name in ("states", "actions"))
        returns = mdp.reward[np.arange(mdp.horizon), states, actions].sum(axis=1)
        theirs = script("xs.map(x => trajectoryLogPrior(p, x))", p=data_of(mdp), xs=drawn)
        assert_allclose(theirs, trajectory_log_prior(mdp, states, actions), **PRECISE)
        theirs = script("xs.map(x => trajectoryReturn(p, x))", p=data_of(mdp), xs=drawn)
        assert_allclose(theirs, returns, **PRECISE)
        weight = np.exp((returns - returns.max()) / mdp.temperature)
        theirs = script("weights(p, xs)", p=data_of(mdp), xs=drawn)
        assert_allclose(theirs, weight / weight.sum(), **PRECISE)


@pytest.mark.parametrize("sampler", ["samplePrior", "samplePosterior"])
def test_trajectories_of_the_script_are_drawn_from_the_marginals(script, sampler):
    mdp, count = random_mdp(11, S=4, A=3, T=5, kind="sparse", temperature=0.4), 20_000
    after = smoothed_marginals(mdp if sampler == "samplePosterior" else unrewarded(mdp))
    drawn = script(f"{sampler}(p, {count}, 5)", p=data_of(mdp))
    joint = np.zeros_like(after.state_action)
    for x in drawn:
        joint[np.arange(mdp.horizon), x["states"], x["actions"]] += 1 / count
    assert_array_equal(joint[after.state_action == 0], 0.0)
    spread = np.sqrt(after.state_action * (1 - after.state_action) / count)
    assert np.max(np.abs(joint - after.state_action) - 5 * spread) <= 1e-12


def test_a_seed_gives_its_trajectories_again_and_another_gives_others(script):
    data = data_of(gridworld_problem())
    first, again, other = (script(f"samplePosterior(p, 20, {seed})", p=data) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_nothing_is_drawn_where_optimality_is_impossible(script):
    mdp = TabularMDP.from_arrays(transition=[[[1.0]]], reward=[[-np.inf]], initial=[1.0], horizon=2)
    assert script("samplePosterior(p, 3, 1)", p=data_of(mdp)) == []


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"slip": 0.0, "mud_cost": 0.0},
        {"slip": 0.35, "step_cost": 0.1, "mud_cost": 7.5, "horizon": 3, "temperature": 2.0},
        {"layout": ("S~#", ".SG", "G.~")},
    ],
)
def test_the_gridworld_of_the_script_is_the_gridworld_of_the_library(script, settings):
    mdp = gridworld_problem(**settings)
    theirs = script("gridworld(p)", p=conditioning_explorer(**settings).problem)
    assert_allclose(theirs["transition"], mdp.transition, rtol=0, atol=1e-15)
    assert_array_equal(np.broadcast_to(theirs["reward"], mdp.reward.shape), mdp.reward)
    assert_array_equal(theirs["initial"], mdp.initial)
    assert_array_equal(theirs["actionPrior"], mdp.action_prior)
    assert (theirs["horizon"], theirs["temperature"]) == (mdp.horizon, mdp.temperature)


# ---- what Python hands over -------------------------------------------------------


@pytest.mark.parametrize("route", ["rrrrr", "drrrrru", "uurrrrrdd"])
def test_the_three_ways_to_the_goal_cost_the_same_when_mud_costs_two_steps(route):
    mdp = gridworld_problem(step_cost=1.0, mud_cost=2.0, slip=0.0, horizon=9)
    s, total = int(np.argmax(mdp.initial)), 0.0
    for letter in route.ljust(9, "s"):
        a = "urdls".index(letter)
        total += mdp.reward[0, s, a]
        s = int(np.argmax(mdp.transition[s, a]))
    assert total == -9.0


def test_the_explorer_speaks_without_javascript_and_survives_any_character():
    shown = conditioning_explorer(actions=None)._repr_html_()
    assert "needs JavaScript" in shown
    assert "log p(O = 1)" in shown
    mdp = random_mdp(1, S=2, A=2, T=2)
    quoted = conditioning_explorer(mdp, actions=['"<b>', "it's & so"])._repr_html_()
    assert "<b>" not in quoted
    assert "&amp; so" in quoted


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gridworld_problem(slip=1.5), ValueError, "slip must lie between 0 and 1"),
        (lambda: gridworld_problem(mud_cost=-1.0), ValueError, "mud_cost must lie"),
        (lambda: gridworld_problem(("S.", "G")), ValueError, "rows of one length"),
        (lambda: gridworld_problem(("S?",)), ValueError, "it holds \\?"),
        (lambda: gridworld_problem((".G",)), ValueError, "must hold a start"),
        (lambda: conditioning_explorer(random_mdp(0, S=101)), ValueError, "at most 100 states"),
        (
            lambda: conditioning_explorer(random_mdp(0, next_state=True)),
            ValueError,
            "reward_next",
        ),
        (lambda: conditioning_explorer(random_mdp(0), slip=0.1), TypeError, "slip"),
    ],
)
def test_a_problem_that_cannot_be_shown_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---- the element, in a browser ------------------------------------------------------


def settings_of(page):
    """What the sliders say, in the words of the library."""
    names = {
        "stepCost": "step_cost",
        "mudCost": "mud_cost",
        "temperature": "temperature",
        "slip": "slip",
        "horizon": "horizon",
    }
    read = {python: said_by(page, js) for js, python in names.items()}
    return read | {"horizon": int(read["horizon"])}


def assert_agrees(page, mdp):
    """Every number on the page is the library's."""
    backward, after = backward_messages(mdp), smoothed_marginals(mdp).state_action
    before = smoothed_marginals(unrewarded(mdp)).state_action
    assert_allclose(shown(page, "logEvidence"), backward.log_evidence, rtol=1e-10)
    assert_allclose(shown(page, "returnPrior"), expected_return(mdp, before), rtol=1e-10)
    assert_allclose(shown(page, "returnPosterior"), expected_return(mdp, after), rtol=1e-10)
    assert_allclose(shown(page, "drawsPerOne"), draws_per_one(mdp), rtol=1e-8)
    t = int(page.locator('[data-name="step"]').input_value()) - 1
    s = int(page.locator('[data-name="cell"]').input_value())
    bars = [float(x.get_attribute("value")) for x in page.locator("td data").all()]
    assert_allclose(bars[0::2], mdp.action_prior[s], rtol=1e-10)
    assert_allclose(bars[1::2], backward.policy[t, s], rtol=1e-9, atol=1e-12)
    assert all("NaN" not in x for x in page.locator("polyline, circle, data").evaluate_all(
        "nodes => nodes.map(node => node.outerHTML)"))  # fmt: skip


ENDS = {
    "stepCost": ("step_cost", 0, 3),
    "mudCost": ("mud_cost", 0, 8),
    "temperature": ("temperature", 0.05, 10),
    "slip": ("slip", 0, 0.5),
    "horizon": ("horizon", 1, 30),
}


@pytest.mark.browser
def test_the_explorer_opens_with_the_numbers_of_the_library(opened):
    page = opened(conditioning_explorer())
    assert settings_of(page)["horizon"] == 16
    assert_agrees(page, gridworld_problem(**settings_of(page)))
    assert_agrees(page, gridworld_problem())
    assert "needs JavaScript" not in page.locator("cai-conditioning").inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("name", ENDS)
def test_each_slider_moved_to_its_ends_from_the_keyboard_gives_the_library_s_numbers(opened, name):
    page, (python, low, high) = opened(conditioning_explorer()), ENDS[name]
    for key, end in (("Home", low), ("End", high)):
        page.locator(f'[data-name="{name}"]').focus()
        page.keyboard.press(key)
        assert settings_of(page)[python] == end
        assert_agrees(page, gridworld_problem(**{python: end}))


@pytest.mark.browser
def test_all_sliders_at_their_ends_at_once_stay_finite(opened):
    page = opened(conditioning_explorer(), width=390)
    for key in ("Home", "End"):
        for name in ENDS:
            page.locator(f'[data-name="{name}"]').press(key)
        assert_agrees(page, gridworld_problem(**settings_of(page)))
        assert "NaN" not in page.locator("cai-conditioning").inner_html()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.browser
def test_step_and_cell_are_chosen_from_the_keyboard_and_by_clicking(opened):
    page, mdp = opened(conditioning_explorer()), gridworld_problem()
    page.locator('[data-name="step"]').press("ArrowRight")
    assert page.locator('[data-name="step"]').input_value() == "4"
    page.locator('[data-name="cell"]').focus()
    page.keyboard.press("ArrowDown")
    assert_agrees(page, mdp)
    page.locator(".cai-after .cai-cell").nth(5).click()
    assert page.locator('[data-name="cell"]').input_value() == "5"
    assert_agrees(page, mdp)
    summary = page.locator(".cai-summary")
    assert summary.get_attribute("aria-live") == "polite"
    page.wait_for_timeout(400)
    assert "row 1, column 6" in summary.inner_text()


@pytest.mark.browser
def test_draw_again_draws_others_and_reset_brings_the_first_back(opened):
    page = opened(conditioning_explorer())
    lines = "nodes => nodes.map(node => node.getAttribute('points')).join()"
    read = lambda: page.locator("polyline").evaluate_all(lines)  # noqa: E731
    first = read()
    page.get_by_role("button", name="Draw again").click()
    assert read() != first
    page.locator('[data-name="slip"]').press("End")
    page.get_by_role("button", name="Reset").click()
    assert read() == first
    assert_agrees(page, gridworld_problem())


@pytest.mark.browser
def test_a_problem_from_python_is_shown_and_its_horizon_moves(opened):
    lake = TabularMDP.from_gymnasium("FrozenLake-v1", horizon=10, temperature=0.2)
    page = opened(conditioning_explorer(lake, actions=["left", "down", "right", "up"]))
    assert_agrees(page, lake)
    assert page.locator("input").count() == 3
    page.locator('[data-name="horizon"]').press("End")
    longer = TabularMDP.from_gymnasium("FrozenLake-v1", horizon=30, temperature=0.2)
    assert_agrees(page, longer)


@pytest.mark.browser
def test_rewards_that_change_over_time_fix_the_horizon(opened):
    mdp = random_mdp(8, S=4, A=2, T=5)
    page = opened(conditioning_explorer(mdp))
    assert page.locator('[data-name="horizon"]').count() == 0
    assert_agrees(page, mdp)


@pytest.mark.browser
def test_an_impossible_problem_is_said_to_be_impossible(opened):
    mdp = TabularMDP.from_arrays(transition=[[[1.0]]], reward=[[-np.inf]], initial=[1.0], horizon=2)
    page = opened(conditioning_explorer(mdp))
    assert "No trajectory can be optimal" in page.locator(".cai-summary").inner_text()
    assert "NaN" not in page.locator("cai-conditioning").inner_html()
    assert page.locator(".cai-after polyline").count() == 0


@pytest.mark.browser
def test_two_explorers_on_a_page_do_not_share_ids(opened):
    page = opened(conditioning_explorer(), conditioning_explorer())
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map(node => node.id)")
    assert len(ids) == len(set(ids)) > 0
    page.locator('[data-name="slip"]').nth(0).press("End")
    values = page.locator('data[data-name="logEvidence"]').evaluate_all(
        "ns => ns.map(n => n.value)"
    )
    assert values[0] != values[1]


@pytest.mark.browser
def test_the_explorer_answers_at_once(opened):
    page = opened(conditioning_explorer())
    spent = page.evaluate("""() => {
      const element = document.querySelector('cai-conditioning');
      const fresh = element.cloneNode();
      const begin = performance.now();
      element.after(fresh);
      const first = performance.now() - begin;
      const again = [...Array(9)].map(() => {
        const start = performance.now();
        fresh.update();
        return performance.now() - start;
      }).sort((a, b) => a - b)[4];
      fresh.remove();
      return { first, again };
    }""")
    assert max(spent.values()) < 250, spent  # about 30 and 15 ms on an idle laptop


@pytest.mark.browser
@pytest.mark.slow
def test_the_explorer_of_the_chapter_agrees_with_the_library(book, chromium):
    with Visit(chromium, book.html / "book/graphical_model.html", width=390) as visit:
        assert_agrees(visit.page, gridworld_problem(**settings_of(visit.page)))
        assert visit.errors == []
