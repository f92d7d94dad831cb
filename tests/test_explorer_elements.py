"""The explorers of chapters 2 to 4 in a browser: keyboard, ends of the sliders, both themes."""

import json
from itertools import islice

import numpy as np
import pytest
from browser import MODES, WIDTHS, Visit
from explorers import said_by, shown, to_the_end
from numpy.testing import assert_allclose
from test_accessibility import grave_faults

from cs_infer import (
    backward_messages,
    elbo,
    forward_messages,
    improved_policy,
    kl_to_posterior,
    lottery_threshold,
    policy_occupancy,
    policy_return,
    posterior_dynamics,
    regularised_return,
    smoothed_marginals,
    soft_policy_values,
    soft_value_iteration,
    soft_values,
    virel,
    virel_steps,
)
from cs_infer.figures.explorers import (
    LAYOUT,
    chain_problem,
    cliff_explorer,
    cliff_problem,
    cliff_states,
    cone_explorer,
    cooling_explorer,
    cooling_problem,
    frontier_explorer,
    frontier_problem,
    gap_explorer,
    gap_problem,
    gridworld_problem,
    line_problem,
    lottery_explorer,
    lottery_problem,
    messages_explorer,
    temperature_explorer,
)

pytestmark = pytest.mark.browser

EXPLORERS = {
    "messages": messages_explorer,
    "temperature": temperature_explorer,
    "cone": cone_explorer,
    "lottery": lottery_explorer,
    "cliff": cliff_explorer,
    "frontier": frontier_explorer,
    "gap": gap_explorer,
    "cooling": cooling_explorer,
}
NAMES = {
    "stepCost": "step_cost",
    "mudCost": "mud_cost",
    "cliffCost": "cliff_cost",
    "temperature": "temperature",
    "slip": "slip",
    "horizon": "horizon",
    "chance": "chance",
    "gain": "gain",
    "safe": "safe",
    "stay": "stay",
    "goal": "goal",
    "copies": "copies",
    "useless": "useless",
    "scale": "scale",
}
WHOLE = {"horizon", "goal", "copies", "useless"}


def settings_of(page, *names):
    """What the sliders say, in the words of the library."""
    read = {NAMES[name]: said_by(page, name) for name in names}
    return {name: int(x) if name in WHOLE else x for name, x in read.items()}


def values(page, name):
    return page.locator(f"cai-{name}").evaluate(
        "node => Object.fromEntries([...node.querySelectorAll('data[data-name]')]"
        ".map(each => [each.dataset.name, Number(each.value)]))"
    )


def assert_messages(page):
    mdp = gridworld_problem(
        **settings_of(page, "stepCost", "mudCost", "temperature", "slip", "horizon")
    )
    t, s = int(said_by(page, "step")) - 1, int(page.locator("select").input_value())
    beyond = np.zeros((1, mdp.num_states))
    log_beta = np.concatenate([backward_messages(mdp).log_beta_s, beyond])
    assert_allclose(shown(page, "backward"), log_beta[t, s], rtol=1e-9, atol=1e-9)
    if t < mdp.horizon:
        log_f = forward_messages(mdp).log_forward
        assert_allclose(shown(page, "forward"), log_f[t, s], rtol=1e-9)
        state = smoothed_marginals(mdp).state
        assert_allclose(shown(page, "product"), state[t, s], rtol=1e-8, atol=1e-12)


def assert_temperature(page):
    alpha = said_by(page, "temperature")
    Q = np.array([said_by(page, f"values-{a}") for a in range(4)])
    rho = np.array([said_by(page, f"prior-{a}") for a in range(4)])
    rho /= rho.sum()
    scaled = np.exp((Q - Q.max()) / alpha)
    assert_allclose(shown(page, "V"), Q.max() + alpha * np.log(rho @ scaled), rtol=1e-8)
    bars = [float(x.get_attribute("value")) for x in page.locator("td data").all()]
    assert_allclose(bars[0::3], rho, rtol=1e-10)
    assert_allclose(bars[1::3], rho * scaled / (rho @ scaled), rtol=1e-8, atol=1e-300)
    soft = soft_values(chain_problem(temperature=alpha))
    chain = page.locator("cai-temperature").evaluate("node => node.chained")
    assert_allclose(chain["value"], soft.V[0], rtol=1e-9)
    assert_allclose(chain["right"], soft.policy[0, :, 1], rtol=1e-9, atol=1e-300)


def assert_cone(page):
    settings = settings_of(page, "goal", "temperature", "stay", "horizon")
    settings["goal"] -= 1  # the page counts cells from 1
    if not page.locator('[data-name="hasGoal"]').is_checked():
        settings["goal"] = None
    mdp = line_problem(**settings)
    place = np.arange(mdp.num_states)
    spread = [
        np.sqrt(np.maximum(state @ place**2 - (state @ place) ** 2, 0))
        for state in (smoothed_marginals(mdp).state, forward_messages(mdp).filtered)
    ]
    assert_allclose(shown(page, "widest"), spread[0].max(), rtol=1e-8, atol=1e-6)
    assert_allclose(
        spread[0][int(shown(page, "widestAt")) - 1], spread[0].max(), rtol=1e-8, atol=1e-6
    )
    assert_allclose(shown(page, "last"), spread[0][-1], rtol=1e-6, atol=1e-6)
    assert_allclose(shown(page, "lastForward"), spread[1][-1], rtol=1e-8, atol=1e-6)


def assert_lottery(page):
    settings = settings_of(page, "chance", "gain", "safe", "temperature")
    mdp, found = lottery_problem(**settings), values(page, "lottery")
    exact, soft = backward_messages(mdp), soft_values(mdp)
    expected = {
        "exact-worth": mdp.temperature * exact.log_beta_sa[0, 0, 1],
        "exact-play": exact.policy[0, 0, 1],
        "exact-believed": posterior_dynamics(mdp, 0).transition[0, 1, 1],
        "exact-returnObtained": policy_return(mdp, exact.policy),
        "exact-returnBelieved": (smoothed_marginals(mdp).state_action * mdp.reward).sum(),
        "variational-worth": soft.Q[0, 0, 1],
        "variational-play": soft.policy[0, 0, 1],
        "variational-believed": settings["chance"],
        "variational-returnObtained": policy_return(mdp, soft.policy),
    }
    if settings["safe"] <= settings["gain"]:
        gain, safe, alpha = (settings[name] for name in ("gain", "safe", "temperature"))
        expected["exact-threshold"] = lottery_threshold(gain, safe, temperature=alpha)
        expected["variational-threshold"] = safe / gain
    for name, value in expected.items():
        assert_allclose(found[name], value, rtol=1e-8, atol=1e-12, err_msg=name)


def assert_cliff(page):
    mdp = cliff_problem(**settings_of(page, "slip", "temperature", "cliffCost", "horizon"))
    found = values(page, "cliff")
    exact, soft = backward_messages(mdp).policy, soft_values(mdp).policy
    believed = smoothed_marginals(mdp).state_action
    readings = {
        "exact": (believed, policy_occupancy(mdp, exact)),
        "variational": (policy_occupancy(mdp, soft), policy_occupancy(mdp, soft)),
    }
    for name, (believes, happens) in readings.items():
        for kind, x in (("returnBelieved", believes), ("returnObtained", happens)):
            assert_allclose(found[f"{name}-{kind}"], (x * mdp.reward).sum(), rtol=1e-8)
        for kind, x in (("fallsBelieved", believes), ("fallsHappen", happens)):
            falls = x[:, cliff_states()].sum()
            assert_allclose(found[f"{name}-{kind}"], falls, rtol=1e-8, atol=1e-300)


def assert_frontier(page):
    mdp, found = (
        frontier_problem(**settings_of(page, "temperature", "slip", "copies")),
        values(page, "frontier"),
    )
    policy = soft_values(mdp).policy
    best = regularised_return(mdp, policy)
    for name in ("reward", "divergence", "total"):
        assert_allclose(found[name], getattr(best, name), rtol=1e-8, atol=1e-12, err_msg=name)
    total = mdp.horizon * np.log(4 + settings_of(page, "copies")["copies"])
    assert_allclose(found["entropy"], total - best.divergence, rtol=1e-8)
    state = policy_occupancy(mdp, policy).sum(axis=-1)
    marks = np.array([mark for mark in "".join(LAYOUT) if mark != "#"])
    assert_allclose(found["mud"], state[:, marks == "~"].sum(), rtol=1e-8)
    assert_allclose(found["goal"], state[-1, marks == "G"].sum(), rtol=1e-8)


def assert_gap(page):
    mdp, found = (
        gap_problem(**settings_of(page, "slip", "temperature", "cliffCost")),
        values(page, "gap"),
    )
    policies = {"best": soft_values(mdp).policy, "posterior": backward_messages(mdp).policy}
    policies["now"] = np.broadcast_to(mdp.action_prior, mdp.reward.shape)
    for _ in range(int(said_by(page, "step"))):
        policies["now"] = improved_policy(mdp, soft_policy_values(mdp, policies["now"]).Q)
    near = {"rtol": 1e-8, "atol": 1e-9}
    for name, policy in policies.items():
        gap = kl_to_posterior(mdp, policy)
        assert_allclose(found[f"{name}-elbo"], elbo(mdp, policy), **near)
        assert_allclose(found[f"{name}-policy"], gap.policy, **near)
        assert_allclose(found[f"{name}-luck"], gap.luck, **near)
        assert_allclose(found[f"{name}-total"], backward_messages(mdp).log_evidence, **near)


def assert_cooling(page):
    mdp, found = cooling_problem(**settings_of(page, "useless", "scale")), values(page, "cooling")
    k, c, scale = (said_by(page, name) for name in ("step", "c", "scale"))
    best = virel(mdp, discount=0.8, c=0.1 / scale, tolerance=1e-11 * max(1.0, scale)).Q
    near = {"rtol": 1e-7, "atol": 1e-9 * max(1.0, scale)}
    cooled = next(islice(virel_steps(mdp, discount=0.8, c=c), int(k), None))
    assert_allclose(found["virel-temperature"], cooled.temperature, rtol=1e-6, atol=1e-12)
    assert_allclose(found["virel-distance"], np.abs(cooled.Q - best).max(), **near)
    assert_allclose(found["virel-useless"], cooled.policy[1, 2:].sum(), rtol=1e-5, atol=1e-9)
    for alpha in (1.0, 0.1, 0.01):
        warm = mdp.with_temperature(alpha)
        Q = np.zeros_like(best)
        for _ in range(int(k)):
            Q = mdp.reward[0] + 0.8 * mdp.transition @ soft_maximum(warm, Q)
        assert_allclose(found[f"{alpha:g}-distance"], np.abs(Q - best).max(), **near)
        if k == 120:
            limit = soft_value_iteration(warm, discount=0.8)
            assert_allclose(found[f"{alpha:g}-distance"], np.abs(limit.Q - best).max(), **near)
            waits = limit.policy[1, 2:].sum()
            assert_allclose(found[f"{alpha:g}-useless"], waits, rtol=1e-6, atol=1e-9)


def soft_maximum(mdp, Q):
    top = Q.max(axis=-1)
    scaled = np.exp((Q - top[:, None]) / mdp.temperature)
    return top + mdp.temperature * np.log(np.sum(mdp.action_prior * scaled, axis=-1))


AGREE = {
    "messages": assert_messages,
    "temperature": assert_temperature,
    "cone": assert_cone,
    "lottery": assert_lottery,
    "cliff": assert_cliff,
    "frontier": assert_frontier,
    "gap": assert_gap,
    "cooling": assert_cooling,
}
ENDS = {
    "messages": {
        "stepCost": (0, 3),
        "mudCost": (0, 8),
        "temperature": (0.05, 10),
        "slip": (0, 0.5),
        "horizon": (1, 30),
    },
    "temperature": {
        "temperature": (0.01, 100),
        **{f"values-{a}": (-2, 2) for a in range(4)},
        **{f"prior-{a}": (0.01, 1) for a in range(4)},
    },
    "cone": {"goal": (1, 25), "temperature": (0.05, 10), "stay": (0, 0.9), "horizon": (2, 40)},
    "lottery": {"chance": (0, 1), "gain": (0.1, 10), "safe": (0, 10), "temperature": (0.05, 10)},
    "cliff": {
        "slip": (0, 0.5),
        "temperature": (0.05, 10),
        "cliffCost": (0, 30),
        "horizon": (1, 30),
    },
    "frontier": {"temperature": (0.05, 10), "slip": (0, 0.5), "copies": (1, 30)},
    "gap": {"step": (0, 8), "slip": (0, 0.5), "temperature": (0.05, 10), "cliffCost": (0, 30)},
    "cooling": {"step": (0, 120), "useless": (1, 100), "scale": (0.01, 10), "c": (0.1, 1000)},
}


def assert_sound(page):
    """No number that is none, and nothing wider than the page."""
    assert "NaN" not in page.locator("main").inner_html()
    assert "undefined" not in page.locator("main").inner_html()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_opens_with_the_numbers_of_the_library(opened, name):
    page = opened(EXPLORERS[name]())
    AGREE[name](page)
    assert_sound(page)
    assert "needs JavaScript" not in page.locator(f"cai-{name}").inner_text()
    summary = page.locator(".cai-summary")
    assert summary.get_attribute("aria-live") == "polite"
    assert len(summary.inner_text()) > 60


@pytest.mark.parametrize("name", EXPLORERS)
def test_each_slider_moved_to_its_ends_from_the_keyboard_gives_the_library_s_numbers(opened, name):
    page = opened(EXPLORERS[name](), width=390)
    for slider, ends in ENDS[name].items():
        for key, end in zip(("Home", "End"), ends, strict=True):
            to_the_end(page, slider, key)
            assert said_by(page, slider) == end
            AGREE[name](page)
            assert_sound(page)
        page.get_by_role("button", name="Reset").click()
    AGREE[name](page)


@pytest.mark.parametrize("name", EXPLORERS)
def test_all_sliders_at_their_ends_at_once_stay_finite(opened, name):
    page = opened(EXPLORERS[name](), width=390)
    for key in ("Home", "End"):
        for slider in ENDS[name]:
            to_the_end(page, slider, key)
        AGREE[name](page)
        assert_sound(page)


@pytest.mark.parametrize("name", EXPLORERS)
def test_reset_brings_the_opening_back(opened, name):
    page = opened(EXPLORERS[name]())
    page.wait_for_timeout(50)
    looks = f"document.querySelector('cai-{name} svg').outerHTML"
    first = page.evaluate(looks), values(page, name)
    for slider in ENDS[name]:
        to_the_end(page, slider, "End")
    assert (page.evaluate(looks), values(page, name)) != first
    page.get_by_role("button", name="Reset").click()
    assert (page.evaluate(looks), values(page, name)) == first


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_explorers_have_no_accessibility_fault_worse_than_minor(opened, width, mode):
    page = opened(*(explorer() for explorer in EXPLORERS.values()), width=width, mode=mode)
    assert grave_faults(page) == {}
    assert_sound(page)
    ids = page.locator("[id]").evaluate_all("nodes => nodes.map(node => node.id)")
    assert len(ids) == len(set(ids)) == 40
    pictures = page.locator("svg[role=img]")
    labels = pictures.evaluate_all("nodes => nodes.map(node => node.getAttribute('aria-label'))")
    assert all(label and len(label) > 30 for label in labels), json.dumps(labels)


@pytest.mark.parametrize("name", EXPLORERS)
def test_an_explorer_answers_at_once(opened, name):
    page = opened(EXPLORERS[name]())
    spent = page.evaluate(f"""() => {{
      const element = document.querySelector('cai-{name}');
      return [...Array(9)].map(() => {{
        const start = performance.now();
        element.update();
        return performance.now() - start;
      }}).sort((a, b) => a - b)[4];
    }}""")
    assert spent < 250, spent


def choose(page, label):
    page.get_by_role("radio", name=label).check()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chapter", "name"),
    [
        ("messages", "messages"),
        ("messages", "temperature"),
        ("messages", "cone"),
        ("optimism", "lottery"),
        ("optimism", "cliff"),
        ("variational_bound", "frontier"),
        ("variational_bound", "gap"),
        ("adaptive_temperature", "cooling"),
    ],
)
def test_the_explorer_of_a_chapter_agrees_with_the_library(book, chromium, chapter, name):
    with Visit(chromium, book.html / f"book/{chapter}.html", width=390) as visit:
        others = f"[...document.querySelectorAll('.cai-explorer:not(cai-{name})')]"
        visit.page.evaluate(f"{others}.forEach(node => node.remove())")
        AGREE[name](visit.page)
        assert visit.errors == []


# ---- messages -----------------------------------------------------------------------


def test_the_message_is_passed_one_step_at_a_time(opened):
    page = opened(messages_explorer())
    assert said_by(page, "step") == 17
    assert page.get_by_role("button", name="t + 1").is_disabled()
    for _ in range(3):
        page.get_by_role("button", name="t − 1").press("Enter")
    assert said_by(page, "step") == 14
    assert_messages(page)
    assert page.locator(".cai-arrows polygon").count() > 10
    numbers = page.locator(".cai-number").all_text_contents()
    log_beta = backward_messages(gridworld_problem()).log_beta_s[13]
    assert numbers == [f"{x:.1f}".replace("-", "−").replace("−0.0", "0.0") for x in log_beta]


def test_mud_and_goal_are_first_heard_of_where_the_summary_says_so(opened):
    page = opened(messages_explorer())
    heard = {}
    for left in range(1, 9):
        page.get_by_role("button", name="t − 1").click()
        page.wait_for_timeout(300)
        text = page.locator(".cai-summary").inner_text()
        assert f"with {left} step" in text
        heard[left] = ("has heard of the mud" in text, "has heard of the goal" in text)
        changed = [shown(page, name) != 0 for name in ("mud", "goal")]
        assert heard[left] == tuple(changed)
    assert next(left for left in heard if heard[left][0]) == 3
    assert next(left for left in heard if heard[left][1]) == 6


def test_forward_message_and_product_are_shown_at_the_same_step(opened):
    page = opened(messages_explorer())
    page.locator('[data-name="step"]').press("Home")
    choose(page, "forward")
    cells = page.locator(".cai-number").all_text_contents()
    assert cells.count("0.0") == 1
    assert cells.count("−∞") == 19
    assert page.locator(".cai-arrows > *").count() == 0
    choose(page, "product")
    assert [x for x in page.locator(".cai-number").all_text_contents() if x] == ["1.00"]
    page.locator(".cai-map .cai-cell").nth(5).click()
    assert page.locator("select").input_value() == "5"
    assert_messages(page)


def test_play_passes_the_message_step_by_step_and_pauses(opened):
    page = opened(messages_explorer(horizon=6))
    play = page.locator('[data-name="play"]')
    play.click()
    assert said_by(page, "step") == 6
    assert play.inner_text() == "Pause"
    page.wait_for_function("document.querySelector('[data-name=step]').value === '5'")
    play.click()
    at = said_by(page, "step")
    page.wait_for_timeout(1000)
    assert said_by(page, "step") == at
    assert play.inner_text() == "Play"
    play.click()
    page.wait_for_function("document.querySelector('[data-name=step]').value === '1'")
    assert play.inner_text() == "Play"


def test_play_does_not_move_by_itself_for_who_asked_for_less_motion(opened):
    page = opened(messages_explorer())
    page.emulate_media(reduced_motion="reduce")
    page.get_by_role("button", name="Reset").click()
    page.get_by_role("button", name="To the last step").click()
    assert said_by(page, "step") == 1
    page.wait_for_timeout(1000)
    assert said_by(page, "step") == 1
    assert_messages(page)


# ---- temperature, cone, lottery, cliff ------------------------------------------------


def test_ties_stay_shared_and_the_middle_of_the_chain_stays_a_tie_at_every_temperature(opened):
    page = opened(temperature_explorer())
    for key in ("Home", "End"):
        to_the_end(page, "temperature", key)
        bars = [float(x.get_attribute("value")) for x in page.locator("td data").all()]
        assert bars[1] == bars[4]
        assert bars[2] == bars[5] == 0.5
        chain = page.locator("cai-temperature").evaluate("node => node.chained.right")
        assert_allclose(chain[2], 0.5, atol=1e-12)
        assert shown(page, "mean") < shown(page, "V") < shown(page, "max")


def test_without_the_goal_the_cone_stays_open(opened):
    page = opened(cone_explorer())
    assert shown(page, "last") < 0.1
    page.get_by_label("Missing the goal").uncheck()
    assert shown(page, "last") == shown(page, "widest") > 3
    assert page.locator('input[data-name="goal"]').is_disabled()
    assert_cone(page)
    page.get_by_label("Missing the goal").check()
    assert shown(page, "last") < 0.1


def test_a_cone_without_a_goal_from_python_opens_without_one(opened):
    page = opened(cone_explorer(goal=None))
    assert not page.locator('[data-name="hasGoal"]').is_checked()
    assert_cone(page)


def test_where_the_safe_choice_beats_the_prize_there_is_no_threshold(opened):
    page = opened(lottery_explorer(gain=1.0, safe=2.0))
    cells = page.locator('data[data-name$="-threshold"]').all_inner_texts()
    assert cells == ["none", "none"]
    assert_lottery(page)


def test_the_picture_of_the_cliff_changes_between_belief_and_what_happens(opened):
    page = opened(cliff_explorer())
    shades = "nodes => nodes.map(node => node.style.fillOpacity)"
    read = lambda: page.locator(".cai-shade").evaluate_all(shades)  # noqa: E731
    page.locator('[data-name="step"]').press("End")
    mdp = cliff_problem()
    for label, reading, occupancy in (
        ("what the agent believes", "exact inference", smoothed_marginals(mdp).state_action),
        ("what happens", "exact inference", policy_occupancy(mdp, backward_messages(mdp).policy)),
        ("what happens", "the variational backup", policy_occupancy(mdp, soft_values(mdp).policy)),
    ):
        choose(page, label)
        choose(page, reading)
        expected = 0.75 * np.sqrt(occupancy[-1, :-1].sum(axis=-1))
        assert_allclose([float(x) for x in read()], expected, atol=6e-4)
    choose(page, "the policy at step t")
    assert page.locator(".cai-arrows > *").count() > 10
    assert page.locator(".cai-lines polyline").count() == 0


def test_in_the_believed_picture_of_exact_inference_nobody_falls(opened):
    page = opened(cliff_explorer())

    def fallen():
        ends = page.locator(".cai-lines circle").evaluate_all(
            "nodes => nodes.map(node => [node.cx.baseVal.value, node.cy.baseVal.value])"
        )
        assert len(ends) == 40
        return sum(y >= 3 and 1 <= x < 6 for x, y in ends)

    assert fallen() == 0
    choose(page, "what happens")
    assert fallen() > 5


def test_the_chart_of_the_lottery_marks_both_thresholds_where_they_are(opened):
    page = opened(lottery_explorer(chance=0.9))
    assert page.locator(".cai-said").all_text_contents() == ["p* = 0.33", "p* = 0.67"]
    places = "nodes => nodes.map(node => [node.cx.baseVal.value, node.cy.baseVal.value])"
    dots = page.locator(".cai-dot").evaluate_all(places)
    axis = page.locator(".cai-axes path").first.get_attribute("d")
    left, right = float(axis[1:].split(" ")[0]), float(axis.split("H")[1])
    p = [(x - left) / (right - left) for x, _ in dots]
    assert_allclose(p, [lottery_threshold(3.0, 2.0), 2 / 3, 0.9, 0.9], atol=1e-5)
    assert dots[0][1] == dots[1][1]  # both at the worth of the safe choice
    assert dots[2][1] < dots[3][1]  # the exact backup rates the lottery higher


def test_the_heat_of_the_cone_starts_in_one_cell_and_lies_where_the_marginal_does(opened):
    page = opened(cone_explorer(horizon=6))
    state = smoothed_marginals(line_problem(horizon=6)).state
    cells = page.locator(".cai-after .cai-heat").evaluate_all(
        "nodes => nodes.map(node => [node.x.baseVal.value, node.style.fillOpacity])"
    )
    assert len(cells) == np.sum(state >= 1e-4)
    assert [opacity for x, opacity in cells if x == 0] == ["0.9"]
    for t, step in enumerate(sorted({x for x, _ in cells})):
        strongest = max(float(opacity) for x, opacity in cells if x == step)
        assert_allclose(strongest, 0.9 * np.sqrt(state[t].max()), atol=6e-4)


# ---- frontier, gap, cooling ------------------------------------------------------------


def points_of(page, look):
    """The points of a curve as it is drawn, in pixels of the chart; y grows upwards."""
    text = page.locator(f".cai-curve-{look}").first.get_attribute("points")
    return np.array([pair.split(",") for pair in text.split()], dtype=float) * [1, -1]


def test_the_tangent_touches_the_frontier_and_stays_above_it(opened):
    page = opened(frontier_explorer(temperature=0.5))
    frontier, (foot, end) = points_of(page, "after"), points_of(page, "before")
    slope = (end[1] - foot[1]) / (end[0] - foot[0])
    above = foot[1] + slope * (frontier[:, 0] - foot[0]) - frontier[:, 1]
    assert above.min() > -0.02
    assert above.min() < 0.6
    place = "node => [node.cx.baseVal.value, -node.cy.baseVal.value]"
    x, y = page.locator(".cai-dot-after").evaluate(place)
    assert_allclose(foot[1] + slope * (x - foot[0]), y, atol=0.02)


def test_copies_of_an_action_bend_the_frontier_and_its_opening_stays_to_compare(opened):
    page = opened(frontier_explorer())
    assert_allclose(points_of(page, "quiet"), points_of(page, "after"))
    to_the_end(page, "copies", "End")
    assert points_of(page, "quiet")[-1, 0] < 0.6 * points_of(page, "after")[-1, 0]
    assert shown(page, "goal") < 0.05


def test_each_column_stands_on_its_bound_and_reaches_up_to_log_evidence(opened):
    page = opened(gap_explorer())
    boxes = page.locator(".cai-column").evaluate_all(
        "nodes => nodes.map(node => [node.y.baseVal.value, node.height.baseVal.value])"
    )
    (policy, luck), top = np.reshape(boxes, (10, 2, 2)).transpose(1, 0, 2), boxes[1][0]
    assert_allclose(luck[:, 0], top, atol=1e-3)
    assert_allclose(luck.sum(axis=1), policy[:, 0], atol=1e-3)
    feet = policy.sum(axis=1)
    assert np.all(np.diff(feet[:9]) <= 1e-6)
    best = -points_of(page, "quiet")[0, 1]
    assert_allclose(feet[8], best, atol=0.02)
    assert feet[9] > best + 5
    assert policy[9, 1] < 1e-6


def test_the_map_of_the_gap_shows_the_policy_that_is_asked_for(opened):
    page = opened(gap_explorer())
    titles, pictures = set(), set()
    for label in ("the best policy", "a policy that acts", "after k improvements"):
        choose(page, label)
        titles.add(page.locator(".cai-map figcaption").inner_text())
        pictures.add(page.locator(".cai-arrows").inner_html())
    assert len(titles) == len(pictures) == 3
    choose(page, "the best policy")
    page.locator('[data-name="step"]').press("ArrowRight")
    assert page.get_by_role("radio", name="after k improvements").is_checked()
    assert page.locator(".cai-map figcaption").inner_text() == "After 1 improvement"


def test_only_the_temperature_of_virel_falls(opened):
    page = opened(cooling_explorer())
    charts = page.locator(".cai-chart")
    for look in ("before", "quiet", "other"):
        text = charts.nth(1).locator(f".cai-curve-{look}").get_attribute("points")
        assert len({pair.split(",")[1] for pair in text.split()}) == 1
    falls = charts.nth(1).locator("polyline.cai-curve-after").get_attribute("points")
    heights = [float(pair.split(",")[1]) for pair in falls.split()]
    assert np.all(np.diff(heights[3:]) > 0)
    to_the_end(page, "step", "End")
    found = values(page, "cooling")
    assert found["virel-distance"] < 1e-10 < 0.05 < found["0.01-distance"]
    assert found["virel-regret"] == 0 < 0.05 < found["0.1-regret"] < 2 < found["1-regret"]


def test_a_large_constant_makes_virel_cool_slowly(opened):
    page = opened(cooling_explorer())
    to_the_end(page, "c", "End")
    to_the_end(page, "step", "End")
    found = values(page, "cooling")
    assert 0.005 < found["virel-temperature"] < 0.1
    assert 0.005 < found["virel-distance"] < 0.1
