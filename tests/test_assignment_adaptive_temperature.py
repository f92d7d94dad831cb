"""Assignment 6: what is special to the adaptive temperature."""

import json
import re
import sys
from fractions import Fraction

import numpy as np
import pytest
from judging import COURSE, FOLDERS, STUDENT_WARNINGS, judged

import cs_infer as ci
from cs_infer.judge.answers import AnswerError
from cs_infer.judge.trial import draws
from cs_infer.practice import check

FOLDER = FOLDERS["adaptive_temperature"]
PROBLEMS = FOLDER.problems
CHECKS = sys.modules[PROBLEMS["boltzmann"].reference.__module__]
TEMPERED = ("eps_fixed_point", "virel_step")


def drawn(problem, prop=None, seeds=6):
    """Inputs of one property of a problem, or of all."""
    for p in PROBLEMS[problem].properties:
        for seed in range(seeds if prop in (None, p.name) else 0):
            yield from draws(PROBLEMS[problem], p, ("seed", seed))


def g(d, epsilon):
    """The right-hand side of the temperature's equation, written out."""
    pi = softmax(d["Q"], d["rho"], epsilon)
    error = d["R"] + d["gamma"] * d["P"] @ (pi * d["Q"]).sum(axis=1) - d["Q"]
    return d["c"] / d["p"] * np.mean((d["rho"] * np.abs(error) ** d["p"]).sum(axis=1))


def softmax(Q, rho, epsilon):
    """The policy of a temperature above 0."""
    with np.errstate(divide="ignore"):
        exponent = np.log(rho) + Q / epsilon
    weight = np.exp(exponent - exponent.max(axis=1, keepdims=True))
    return weight / weight.sum(axis=1, keepdims=True)


def as_mdp(d):
    return ci.TabularMDP.from_arrays(
        transition=d["P"],
        reward=d["R"],
        initial=np.full(len(d["P"]), 1 / len(d["P"])),
        action_prior=d["rho"],
        horizon=1,
    )


def constants(d):
    return {"discount": d["gamma"], "c": d["c"], "p": d["p"]}


def test_the_points_are_those_announced():
    assert {name: p.points for name, p in PROBLEMS.items()} == {
        "boltzmann": 20,
        "eps_fixed_point": 35,
        "virel_step": 30,
    }
    (question,) = FOLDER.assignment.written
    assert (question.name, question.points) == ("useless_buttons", 15)
    table = next(c.source for c in FOLDER.cells if "| problem |" in c.source)
    for name, problem in PROBLEMS.items():
        assert re.search(rf"`{name}`.*\| {problem.points:g} \|", table)
    assert re.search(r"in words \| 15 \|", table)


def test_there_are_many_wrong_ideas():
    assert sum(len(p.misconceptions) for p in PROBLEMS.values()) >= 70


# What is drawn


def test_inputs_keep_to_what_the_text_says():
    for name in PROBLEMS:
        for d in drawn(name):
            S, A = d["Q"].shape
            assert S <= 5
            assert A <= 4
            assert np.allclose(d["rho"].sum(axis=1), 1)
            assert np.all((d["rho"] > 0).any(axis=1))
            if name == "boltzmann":
                assert np.abs(d["Q"]).max() < 6000
                assert d["epsilon"] == 0 or d["epsilon"] >= 1e-30
                gaps = np.diff(np.sort(d["Q"], axis=1), axis=1)
                assert np.all((gaps == 0) | (gaps > 0.1))
            else:
                assert np.allclose(d["P"].sum(axis=2), 1)
                assert np.abs(d["Q"]).max() < 600
                assert 0 <= d["gamma"] < 1
                assert 1 <= d["p"] <= 4
                assert d["c"] > 0


@pytest.mark.parametrize("name", TEMPERED)
def test_the_equation_has_one_solution_and_it_is_where_the_text_says(name):
    """A scan of its own: g - epsilon changes its sign once."""
    grid = np.geomspace(1e-5, 30.0, 400)
    for d in drawn(name, seeds=2):
        pi = np.stack([softmax(d["Q"], d["rho"], x) for x in grid])
        ahead = np.einsum("san,en->esa", d["P"], (pi * d["Q"]).sum(axis=2))
        error = np.abs(d["R"] + d["gamma"] * ahead - d["Q"]) ** d["p"]
        surplus = d["c"] / d["p"] * (d["rho"] * error).sum(axis=2).mean(axis=1) - grid
        epsilon = CHECKS._eps_fixed_point(**d)
        assert (np.diff(np.sign(surplus)) != 0).sum() == (epsilon > 0)
        assert surplus[-1] < 0
        assert epsilon == 0 or 0.002 < epsilon < 10


def test_the_proof_of_a_single_solution_refuses_problems_with_several():
    several = []
    for d in drawn("eps_fixed_point", "solved", seeds=4):
        assert CHECKS._only_solution(d, 0.0)
        hot = d | {"c": 500.0 * d["c"]}
        several.append(any(g(hot, x) > x for x in np.geomspace(1e-2, 50, 60)))
        assert not (several[-1] and CHECKS._only_solution(hot, 0.0))
    assert any(several)


def test_repeating_leads_away_from_the_solution_where_it_should_and_nowhere_else():
    for prop in ("values", "uneven", "small", "large values"):
        for d in drawn("eps_fixed_point", prop, seeds=2):
            assert repeated(d) == pytest.approx(CHECKS._eps_fixed_point(**d), rel=1e-6)
    for d in drawn("eps_fixed_point", "swinging", seeds=3):
        assert abs(repeated(d) / CHECKS._eps_fixed_point(**d) - 1) > 0.1


def repeated(d, times=60):
    epsilon = 1.0
    for _ in range(times):
        epsilon = g(d, epsilon)
    return epsilon


def test_solved_inputs_solve_bellmans_equation_without_rounding_and_tie():
    for d in drawn("eps_fixed_point", "solved"):
        best = d["Q"].max(axis=1, keepdims=True)
        assert np.array_equal(d["R"] + d["gamma"] * d["P"] @ best[:, 0], d["Q"])
        assert ((d["Q"] == best).sum(axis=1) > 1).any()


def test_forbidden_actions_are_worth_most_and_ties_are_drawn():
    for prop in ("forbidden", "zero", "high values", "low values"):
        for d in drawn("boltzmann", prop):
            assert d["rho"][0, d["Q"][0].argmax()] == 0
    for d in drawn("boltzmann", "ties"):
        best = np.where(d["rho"] > 0, d["Q"], -np.inf)
        assert ((best == best.max(axis=1, keepdims=True)).sum(axis=1) > 1).sum() >= 3


# What is true of the right answers


@pytest.mark.parametrize("name", TEMPERED)
def test_the_temperature_is_that_of_the_library(name):
    for d in drawn(name, seeds=1):
        theirs = ci.adaptive_temperature(as_mdp(d), d["Q"], **constants(d))
        assert CHECKS._eps_fixed_point(**d) == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_a_step_is_that_of_the_library():
    for d in drawn("virel_step", seeds=1):
        step = next(ci.virel_steps(as_mdp(d), **constants(d), Q=d["Q"]))
        policy, values, epsilon = PROBLEMS["virel_step"].reference(**d)
        assert np.allclose(policy, step.policy)
        assert np.allclose(values, step.target)
        assert epsilon == pytest.approx(step.temperature, rel=1e-9, abs=1e-12)


def test_the_policy_at_zero_is_the_limit_of_cold_policies():
    for prop in ("zero", "ties"):
        for d in drawn("boltzmann", prop):
            cold = PROBLEMS["boltzmann"].reference(**d | {"epsilon": 1e-4})
            assert np.allclose(PROBLEMS["boltzmann"].reference(**d), cold)


def test_the_wrong_ideas_start_from_the_right_policy():
    for d in drawn("boltzmann"):
        assert np.allclose(CHECKS._policy(**d), PROBLEMS["boltzmann"].reference(**d), atol=1e-12)


@pytest.mark.parametrize(("p", "hotter"), [(1.0, 10.0), (2.0, 100.0)])
def test_rewards_ten_times_as_large_change_the_policy_unless_p_is_one(p, hotter):
    for d in drawn("eps_fixed_point", "values", seeds=2):
        policy, _, epsilon = CHECKS._virel_step(**d | {"p": p})
        scaled = d | {"p": p, "Q": 10 * d["Q"], "R": 10 * d["R"]}
        if p == 1:
            assert CHECKS._eps_fixed_point(**scaled) == pytest.approx(hotter * epsilon)
            assert np.allclose(CHECKS._virel_step(**scaled)[0], policy)
        else:
            shared = scaled | {"c": d["c"] / 10}
            assert CHECKS._eps_fixed_point(**shared) == pytest.approx(10 * epsilon)
            assert np.abs(CHECKS._virel_step(**scaled)[0] - policy).max() > 1e-3


def test_an_action_that_is_listed_twice_counts_once():
    for d in drawn("eps_fixed_point", "values", seeds=2):
        twice = {k: np.concatenate([d[k], d[k][:, :1]], axis=1) for k in ("Q", "P", "R", "rho")}
        twice["rho"][:, [0, -1]] /= 2
        assert CHECKS._eps_fixed_point(**d | twice) == pytest.approx(CHECKS._eps_fixed_point(**d))


def test_a_step_from_the_solution_stays_there():
    for d in drawn("virel_step", "solved"):
        policy, values, epsilon = PROBLEMS["virel_step"].reference(**d)
        assert epsilon == 0
        assert np.allclose(values, d["Q"])
        assert np.all((policy > 0) == (d["Q"] == d["Q"].max(axis=1, keepdims=True)))


# Marks that follow through


def test_a_wrong_temperature_costs_only_the_points_of_the_temperature():
    def tenth_too_hot(**d):
        epsilon = 1.1 * CHECKS._eps_fixed_point(**d)
        policy = CHECKS._policy(d["Q"], d["rho"], epsilon)
        return policy, CHECKS._backed_up(d, policy), epsilon

    faults = {p.name: p.fault for p in judged(PROBLEMS["virel_step"], tenth_too_hot, 1).properties}
    assert faults["actor"] is faults["critic"] is faults["solved"] is None
    assert "at this temperature g is" in faults["temperature"]


def test_a_wrong_policy_costs_no_points_of_the_critic_that_follows_it():
    def prior_forgotten(**d):
        epsilon = CHECKS._eps_fixed_point(**d)
        policy = CHECKS._policy(d["Q"], np.ones_like(d["rho"]), epsilon)
        return policy, CHECKS._backed_up(d, policy), epsilon

    result = judged(PROBLEMS["virel_step"], prior_forgotten, 1)
    faults = {p.name: p.fault for p in result.properties}
    assert faults["temperature"] is faults["critic"] is None
    assert "policy, at your epsilon" in faults["actor"]


@pytest.mark.parametrize("epsilon", [np.inf, 1e6, 101.0])
def test_a_temperature_at_which_every_policy_is_the_prior_earns_nothing(epsilon):
    def prior(**d):
        return d["rho"], CHECKS._backed_up(d, d["rho"]), epsilon

    assert judged(PROBLEMS["virel_step"], prior, 1).earned == 0


def test_what_a_step_says_of_forbidden_actions_does_not_count():
    def with_sevens(**d):
        policy, values, epsilon = PROBLEMS["virel_step"].reference(**d)
        return policy, np.where(d["rho"] > 0, values, 7.0), epsilon

    assert judged(PROBLEMS["virel_step"], with_sevens, 1).passed


# Answers, and what is said about them

_TABLE = np.full((2, 2), 0.5)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "(policy, Q_next, epsilon); it is None"),
        (_TABLE, "it is a ndarray"),
        ((_TABLE, _TABLE), "it is a tuple of 2"),
        ((1.0, _TABLE, _TABLE), "the temperature comes last"),
        ((_TABLE, np.zeros(2), 1.0), "Q_next must have shape (2, 2)"),
        ((_TABLE, _TABLE, [1.0, 2.0]), "one number, the same for all states"),
        ((_TABLE, _TABLE, -0.5), "between 0 and 100; it is -0.5"),
        ((_TABLE, np.full((2, 2), np.nan), 1.0), "Q_next holds NaN"),
    ],
)
def test_a_step_that_cannot_be_read_is_explained(answer, sentence):
    problem = PROBLEMS["virel_step"]
    with pytest.raises(AnswerError, match=re.escape(sentence)):
        problem.read(problem.example, answer)


def test_lists_and_numbers_of_any_kind_are_read_alike():
    problem = PROBLEMS["virel_step"]
    policy, values, epsilon = problem.reference(**problem.example)
    answer = [policy.tolist(), values.tolist(), np.array([epsilon])]
    read = problem.read(problem.example, answer)
    for mine, theirs in zip(read, (policy, values, epsilon), strict=True):
        assert np.allclose(mine, theirs)


@pytest.mark.parametrize(
    ("problem", "wrong", "sentence"),
    [
        ("boltzmann", lambda d: d["rho"] / 2, r"row \[0\] sums to 0.5, not to 1"),
        ("boltzmann", lambda d: np.log(d["rho"] / 2), "is this a logarithm"),
        ("boltzmann", lambda d: np.full(d["Q"].shape, 1 / d["Q"].shape[1]), "action is forbidden"),
        ("eps_fixed_point", lambda d: 0.5, "at this temperature g is .*, and not 0.5"),
        ("eps_fixed_point", lambda d: -0.5, "a finite number, 0 or larger"),
        ("virel_step", lambda d: (d["rho"] * 2, d["Q"], 0.5), "rows of yours do not sum to 1"),
        ("virel_step", lambda d: (d["rho"], d["Q"], 0.5), "Q_next, under your policy"),
        (
            "virel_step",
            lambda d: (d["rho"], CHECKS._backed_up(d, CHECKS._best(d["Q"], d["rho"])), 0.5),
            "the backup of the maximum, not of your policy",
        ),
    ],
)
def test_a_fault_says_what_is_odd_about_the_answer(problem, wrong, sentence):
    with np.errstate(all="ignore"):
        result = judged(PROBLEMS[problem], lambda **d: wrong(d), 1)
    assert any(re.search(sentence, p.fault or "") for p in result.properties)


# The notebook's text


@pytest.fixture(scope="module")
def notebook():
    """What the notebook defines when its solutions are run, and its text."""
    pytest.importorskip("matplotlib").use("agg")
    space = {}
    exec(FOLDER.given, space)
    for cell in FOLDER.cells:
        if "solution" in cell.metadata or "def cooling" in cell.source:
            exec(cell.source, space)
    space["plt"].close("all")
    space["text"] = " ".join("\n".join(c.source for c in FOLDER.cells).split())
    return space


def room(space, Q):
    names = ("P", "R", "rho", "gamma")
    return {"Q": np.array(Q), **{n: space[n] for n in names}, "c": 1.0, "p": 2.0}


def test_the_worked_examples_are_right(notebook):
    text, believed = notebook["text"], room(notebook, [[0.0, 4.0]])
    assert np.allclose(notebook["Q"], believed["Q"])
    for k in (3, 7, 15):
        epsilon, pi = 4 / np.log(k), Fraction(k, k + 1)
        policy = PROBLEMS["boltzmann"].reference(believed["Q"], believed["rho"], epsilon)
        assert np.allclose(policy, [[1 - float(pi), float(pi)]])
        assert f"{1 - pi}, {pi}" in text
        assert f"4 / \\log {k} \\approx {epsilon:.3f}" in text
        error = 2 * pi**2
        assert f"${error.numerator}/{error.denominator} " in text
        assert g(believed, epsilon) == pytest.approx(float(error))
    assert g(believed, 1e-3) == pytest.approx(2)
    assert g(believed, 1e9) == pytest.approx(1 / 2)
    assert 4 / np.log(15) < CHECKS._eps_fixed_point(**believed) < 4 / np.log(7)
    assert CHECKS._eps_fixed_point(**room(notebook, [[4.0, 8.0]])) == 0

    policy, values, epsilon = CHECKS._virel_step(**room(notebook, [[0.0, 0.0]]))
    assert np.allclose(policy, 1 / 2)
    assert np.allclose(values, [[0, 4]])
    assert epsilon == pytest.approx(4)


def test_the_picture_shows_what_the_text_and_the_model_answer_say(notebook):
    fixed = notebook["useless_at_fixed_temperature"]
    for n in (2, 10, 100):
        assert fixed(n) == pytest.approx(n / (n + np.e))
    assert "97 times out of 100" in notebook["text"]
    assert f"100 / e = {100 / np.e:.1f}" in notebook["text"]
    assert f"a probability of {fixed(100):.3f}" in notebook["text"]
    path = notebook["cooling"](100)
    assert path[0, 1] > 0.99
    assert path[-1, 1] < 1e-6
    assert path[-1, 0] < 1e-4
    slow = notebook["cooling"](100, c=100.0)
    assert slow[-1, 1] > 0.5
    assert np.abs(np.diff(slow[5:, 0])).max() > 0.1


def test_students_get_the_question_and_neither_model_answer_nor_rubric(notebook):
    assert "**Rubric.**" in notebook["text"]
    released = json.loads(COURSE.release("adaptive_temperature").read_text(encoding="utf-8"))
    cells = {c["metadata"].get("nbgrader", {}).get("grade_id"): c for c in released["cells"]}
    assert "".join(cells["useless_buttons"]["source"]) == "YOUR ANSWER HERE"
    assert "Rubric" not in json.dumps(released)


# The sample class


@STUDENT_WARNINGS
@pytest.mark.parametrize(
    "student",
    ["changes-what-it-gets", "keeps-state", "stops-too-early", "temperature-first", "two-mistakes"],
)
def test_an_odd_student_gets_the_expected_marks(student):
    FOLDER.expect_the_marks_of(student)


@STUDENT_WARNINGS
def test_of_two_mistakes_one_is_named():
    results = FOLDER.results_of("two-mistakes", 1)
    assert {name: r.misconception for name, r in results.items()} == {
        "boltzmann": "first of tied actions",
        "eps_fixed_point": "always squares",
        "virel_step": None,  # one idea in each part: the faults of the parts say more
    }
    named = [r for r in results.values() if r.misconception]
    assert all(r.message.startswith("Part of what goes wrong") for r in named)


# Practice


def test_practice_warns_of_withheld_modules(tmp_path, monkeypatch):
    (tmp_path / "checks.py").write_text(COURSE.checks("adaptive_temperature").read_text())
    monkeypatch.chdir(tmp_path)

    def eps_fixed_point(Q, P, R, rho, gamma, c, p):
        from cs_infer.cooling import adaptive_temperature

        mdp = as_mdp({"P": P, "R": R, "rho": rho})
        return adaptive_temperature(mdp, Q, discount=gamma, c=c, p=p)

    report = check("eps_fixed_point", eps_fixed_point)
    assert report.passed
    assert any("cs_infer.cooling" in warning for warning in report.warnings)
