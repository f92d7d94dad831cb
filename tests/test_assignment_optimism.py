"""Assignment 3: what is special to diagnosing risk."""

import re
from fractions import Fraction

import numpy as np
import pytest
from judging import COURSE, FOLDERS, STUDENT_WARNINGS, judged

import cs_infer as ci
from cs_infer.judge.answers import AnswerError
from cs_infer.judge.trial import draws
from cs_infer.practice import check

FOLDER = FOLDERS["optimism"]
PROBLEMS = FOLDER.problems


def drawn(problem, prop=None, seeds=10):
    """Inputs of one property of a problem, or of all."""
    for p in PROBLEMS[problem].properties:
        for seed in range(seeds if prop in (None, p.name) else 0):
            yield from draws(PROBLEMS[problem], p, ("seed", seed))


def test_the_points_are_those_announced():
    assert {name: p.points for name, p in PROBLEMS.items()} == {
        "posterior_dynamics": 25,
        "opt_vs_var": 35,
        "min_lottery_p": 20,
        "belief_and_fact": 20,
    }
    table = next(c.source for c in FOLDER.cells if "| problem |" in c.source)
    for name, problem in PROBLEMS.items():
        assert re.search(rf"`{name}`.*\| {problem.points:g} \|", table)


def test_there_are_many_wrong_ideas():
    assert sum(len(p.misconceptions) for p in PROBLEMS.values()) >= 50


# What is drawn


def test_inputs_keep_to_what_the_text_says():
    for name in PROBLEMS:
        for d in drawn(name):
            for key in {"P", "mu0", "rho"} & d.keys():
                assert np.allclose(d[key].sum(axis=-1), 1)
            if name == "opt_vs_var":
                assert 1 <= d["T"] <= 6
                assert np.nanmax(d["R"]) <= 1000
                assert d["R"][np.isfinite(d["R"])].min() > -10_000
            if "P" in d:
                assert d["P"].shape[0] <= 6
                assert d["P"].shape[1] <= 4
            if name == "posterior_dynamics":
                finite = d["log_beta_next"][np.isfinite(d["log_beta_next"])]
                assert np.abs(finite).max() <= 10_000


def test_dangers_are_really_there():
    for d in drawn("opt_vs_var", "danger"):
        exact, variational, *_ = PROBLEMS["opt_vs_var"].reference(**d)
        assert np.all(np.isneginf(exact[:, 0]))
        assert np.any(np.isneginf(variational) & np.isfinite(exact))
        assert np.all(np.isfinite(variational[:, 3]))
    for d in drawn("posterior_dynamics", "impossible"):
        sums = PROBLEMS["posterior_dynamics"].reference(**d).sum(axis=2)
        assert sums[1, 0] == 0
        assert np.isclose(sums, 1).any()


def test_rewards_that_change_and_steps_that_stand_alone_are_drawn():
    assert all(d["R"].shape == (d["T"], *d["rho"].shape) for d in drawn("opt_vs_var", "changing"))
    assert all(d["T"] == 1 for d in drawn("opt_vs_var", "one step"))
    assert all(len(d["policy"]) == 1 for d in drawn("belief_and_fact", "one step"))
    counts = [set((d["rho"] > 0).sum(axis=1)) for d in drawn("opt_vs_var", "uneven")]
    assert all(len(c) > 1 for c in counts)


def test_offers_come_as_numbers_and_as_arrays_of_one_and_two_dimensions():
    dimensions = {np.ndim(d["gap"]) for d in drawn("min_lottery_p", "arrays")}
    assert dimensions == {1, 2}
    for d in drawn("min_lottery_p", "arrays"):
        p = PROBLEMS["min_lottery_p"].reference(**d)
        assert (p == 0).sum() == np.isinf(p).sum() == np.isclose(p, 1).sum() == 1
    assert all(np.ndim(d["gap"]) == 0 for d in drawn("min_lottery_p", "values"))


# What is true of the right answers


def test_luck_is_worth_something_exactly_where_the_dynamics_are_random():
    for d in drawn("opt_vs_var", seeds=4):
        exact, variational, *_ = PROBLEMS["opt_vs_var"].reference(**d)
        assert np.all(exact >= variational - 1e-9 * np.abs(exact))
    for d in drawn("opt_vs_var", "deterministic"):
        exact, variational, pi_opt, pi_var = PROBLEMS["opt_vs_var"].reference(**d)
        assert np.allclose(exact, variational)
        assert np.allclose(pi_opt, pi_var)
    for d in drawn("opt_vs_var", "exact"):
        exact, variational, pi_opt, pi_var = PROBLEMS["opt_vs_var"].reference(**d)
        assert np.all(exact[0] > variational[0] + 1e-3)
        assert np.abs(pi_opt - pi_var).max() > 1e-3


def test_a_constant_added_to_the_messages_changes_no_belief():
    problem = PROBLEMS["posterior_dynamics"]
    for d in drawn("posterior_dynamics", "impossible"):
        shifted = d | {"log_beta_next": d["log_beta_next"] - 5000.0}
        assert np.allclose(problem.reference(**d), problem.reference(**shifted))


def test_a_certain_next_value_changes_nothing():
    for d in drawn("posterior_dynamics", "sure"):
        assert np.allclose(PROBLEMS["posterior_dynamics"].reference(**d), d["P"])


def test_the_threshold_is_where_the_lottery_is_worth_the_safe_gain():
    for d in drawn("min_lottery_p", "values"):
        p = PROBLEMS["min_lottery_p"].reference(**d)
        assert np.log(p * np.exp(d["gap"]) + 1 - p) == pytest.approx(d["safe"])
        assert p < d["safe"] / d["gap"]


@pytest.mark.parametrize("prop", ["believed", "one step", "start", "changing", "never optimal"])
def test_the_believed_return_is_that_of_the_smoothed_marginals(prop):
    """The reference carries the belief forwards; the library multiplies messages."""
    for d in drawn("belief_and_fact", prop, seeds=3):
        mdp = ci.TabularMDP.from_arrays(
            transition=d["P"],
            reward=d["R"],
            initial=d["mu0"],
            action_prior=_prior_behind(d),
            horizon=len(d["policy"]),
        )
        assert np.allclose(ci.backward_messages(mdp).policy, d["policy"])
        marginals = ci.smoothed_marginals(mdp).state_action
        paid = np.where(marginals > 0, mdp.reward, 0.0)
        believed, obtained = PROBLEMS["belief_and_fact"].reference(**d)
        assert believed == pytest.approx((marginals * paid).sum())
        assert obtained == pytest.approx(ci.policy_return(mdp, d["policy"]))


def _prior_behind(d):
    """The action prior that explains policy and messages: rho = pi beta(s) / beta(s, a)."""
    reward = d["R"] if d["R"].ndim == 2 else d["R"][-1]
    never = np.isneginf(reward)
    rho = d["policy"][-1] * np.exp(d["log_beta_s"][-1][:, None] - np.where(never, 0.0, reward))
    rho[never] = 0.0
    rho[never] = (1 - rho.sum(axis=1))[never.any(axis=1)] if never.any() else 0.0
    return rho / rho.sum(axis=1, keepdims=True)


def test_belief_and_fact_agree_where_nothing_is_random_but_the_policy():
    for d in drawn("belief_and_fact", "no luck"):
        believed, obtained = PROBLEMS["belief_and_fact"].reference(**d)
        assert believed == pytest.approx(obtained)


# Answers


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "four arrays, (V_opt, V_var, pi_opt, pi_var); it is None"),
        ((np.zeros((2, 2)),) * 3, "it is a tuple of 3"),
        ((np.zeros((3, 2)),) * 2 + (np.zeros((2, 2, 2)),) * 2, "leave out the step after the last"),
        ((np.zeros((2, 2)), np.zeros((2, 2, 2))) * 2, "both values first, then both policies"),
        ((np.full((2, 2), np.nan),) * 4, "V_opt holds NaN"),
        ((np.zeros((2, 2)),) * 4, "pi_opt must have shape (2, 2, 2)"),
    ],
)
def test_four_arrays_that_cannot_be_read_are_explained(answer, sentence):
    problem = PROBLEMS["opt_vs_var"]
    with pytest.raises(AnswerError, match=re.escape(sentence)):
        problem.read(problem.example, answer)


@pytest.mark.parametrize("answer", [None, 3.0, (1.0,), (1.0, 2.0, 3.0), np.zeros(3)])
def test_anything_but_two_returns_is_explained(answer):
    problem = PROBLEMS["belief_and_fact"]
    with pytest.raises(AnswerError, match="two numbers, \\(believed, obtained\\)"):
        problem.read(problem.example, answer)


def test_lists_tuples_and_arrays_are_read_alike():
    inputs = PROBLEMS["opt_vs_var"].example
    right = PROBLEMS["opt_vs_var"].reference(**inputs)
    as_lists = [part.tolist() for part in right]
    for mine, theirs in zip(PROBLEMS["opt_vs_var"].read(inputs, as_lists), right, strict=True):
        assert np.array_equal(mine, theirs)
    told = PROBLEMS["belief_and_fact"].example
    for answer in ((1, 2.0), [1.0, np.float32(2)], np.array([1.0, 2.0])):
        assert PROBLEMS["belief_and_fact"].read(told, answer) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("problem", "wrong", "sentence"),
    [
        ("posterior_dynamics", lambda P, v: P * np.exp(v), r"row \[0, 0\] sums to"),
        ("posterior_dynamics", lambda P, v: np.log(P), "never negative; is this a logarithm?"),
        ("min_lottery_p", lambda gap, safe: safe / gap, "the lottery is worth .* and the safe act"),
        ("min_lottery_p", lambda gap, safe: 1 + gap, "a chance lies between 0 and 1"),
    ],
)
def test_a_fault_says_what_is_odd_about_the_answer(problem, wrong, sentence):
    result = judged(PROBLEMS[problem], lambda **d: wrong(*d.values()), 1)
    assert any(re.search(sentence, p.fault or "") for p in result.properties)


def test_what_cannot_be_believed_is_pointed_out():
    def softmax(P, log_beta_next):
        w = np.exp(log_beta_next - log_beta_next.max())
        return np.broadcast_to(w / w.sum(), P.shape)

    result = judged(PROBLEMS["posterior_dynamics"], softmax, 1)
    assert any("good news does not make it possible" in (p.fault or "") for p in result.properties)


def test_faults_name_the_laws_that_values_break():
    def exchanged(**d):
        a, b, c, e = PROBLEMS["opt_vs_var"].reference(**d)
        return b, a, e, c

    def discounted_luck(**d):
        a, b, c, e = PROBLEMS["opt_vs_var"].reference(**d)
        return a + 0.1, b, c, e

    faults = {p.name: p.fault for p in judged(PROBLEMS["opt_vs_var"], exchanged, 1).properties}
    assert "V_opt is below V_var somewhere" in faults["exact"]
    result = judged(PROBLEMS["opt_vs_var"], discounted_luck, 1)
    faults = {p.name: p.fault for p in result.properties}
    assert "deterministic, so both readings agree" in faults["deterministic"]


def test_where_all_messages_are_tiny_many_answers_look_alike_and_none_is_named():
    def chance_of_failure(P, log_beta_next):
        weight = P * (1 - np.exp(log_beta_next))  # P itself, where exp(log_beta_next) is 0
        return weight / weight.sum(axis=2, keepdims=True)

    with np.errstate(all="ignore"):
        result = judged(PROBLEMS["posterior_dynamics"], chance_of_failure, 1)
    assert result.misconception is None


def test_the_rule_for_two_certain_payments_is_never_right_for_large_prizes():
    def softmax(gap, safe):
        return 1 / (1 + np.exp(gap - safe))

    for seed in range(20):
        result = judged(PROBLEMS["min_lottery_p"], softmax, seed)
        assert all(p.fault for p in result.properties if p.name in ("values", "large"))


# The notebook's text


def test_the_worked_examples_are_right():
    space = {}
    exec(FOLDER.given, space)
    P, R, mu0, rho = (space[name] for name in ("P", "R", "mu0", "rho"))
    log_beta_s, policy = space["log_beta_s"], space["told_policy"]
    text = " ".join("\n".join(c.source for c in FOLDER.cells).split())

    belief = PROBLEMS["posterior_dynamics"].reference(P, log_beta_s[1])
    assert belief[0, 1, 1] == pytest.approx(20 / 23)
    assert np.array_equal(belief[[0, 1, 1], [0, 0, 1]], P[[0, 1, 1], [0, 0, 1]])

    exact, variational, pi_opt, pi_var = PROBLEMS["opt_vs_var"].reference(P, R, rho, 2)
    assert np.allclose(exact, log_beta_s)
    assert np.allclose(pi_opt, policy)
    assert np.allclose(variational[1], np.log([3 / 8, 5 / 6]))
    assert np.allclose(exact[0, 1], variational[0, 1])
    assert pi_opt[0, 0, 1] == pytest.approx(23 / 47)
    assert pi_var[0, 0, 1] < pi_opt[0, 0, 1]
    gamble = np.array([1 / 4, 3 / 4])
    for mean in (gamble @ [3 / 8, 5 / 6], np.exp(gamble @ np.log([3 / 8, 5 / 6]))):
        assert f"\\approx {mean / 4:.3f}" in text

    assert PROBLEMS["min_lottery_p"].reference(np.log(16), np.log(4)) == pytest.approx(1 / 5)

    returns = PROBLEMS["belief_and_fact"].reference(P, R, mu0, policy, log_beta_s)
    for value, fraction in zip(returns, (Fraction(-110, 47), Fraction(-6787, 2820)), strict=True):
        assert value / np.log(2) == pytest.approx(float(fraction))
        shown = rf"-\tfrac{{{-fraction.numerator}}}{{{fraction.denominator}}}"
        assert f"{shown} \\approx {float(fraction):.3f}" in text


def test_the_picture_at_the_end_is_drawn_and_shows_what_the_text_says(monkeypatch):
    pytest.importorskip("matplotlib").use("agg")
    space = {}
    exec(FOLDER.given, space)
    for cell in FOLDER.cells:
        if "solution" in cell.metadata or "def diagnose" in cell.source:
            exec(cell.source, space)
    threshold = PROBLEMS["min_lottery_p"].reference(3.0, 2.0)
    assert space["diagnose"](threshold)[0] == pytest.approx(1 / 2)
    assert space["diagnose"](2 / 3)[1] == pytest.approx(1 / 2)
    for p in (0.1, 0.3, 0.6):
        _, _, believed, exact_gets, variational_gets = space["diagnose"](p)
        assert believed > variational_gets > exact_gets
    cold = PROBLEMS["min_lottery_p"].reference(15.0, 10.0)
    assert space["diagnose"](cold, temperature=0.2)[0] == pytest.approx(1 / 2)
    space["plt"].close("all")


# The sample class


@STUDENT_WARNINGS
@pytest.mark.parametrize(
    "student",
    [
        "changes-what-it-gets",
        "one-step-too-many",
        "two-mistakes",
        "values-and-policies-in-turn",
    ],
)
def test_an_odd_student_gets_the_expected_marks(student):
    FOLDER.expect_the_marks_of(student)


@STUDENT_WARNINGS
def test_of_two_mistakes_one_is_named():
    results = FOLDER.results_of("two-mistakes", 1)
    assert {name: r.misconception for name, r in results.items()} == {
        "posterior_dynamics": "true dynamics where success is impossible",
        "opt_vs_var": "both variational",
        "min_lottery_p": "expected value",
        "belief_and_fact": None,  # it underflows first, and NaN has many causes
    }
    named = [r for r in results.values() if r.misconception]
    assert all(r.message.startswith("Part of what goes wrong") for r in named)


# Practice


def test_practice_warns_of_withheld_modules(tmp_path, monkeypatch):
    (tmp_path / "checks.py").write_text(COURSE.checks("optimism").read_text())
    monkeypatch.chdir(tmp_path)

    def min_lottery_p(gap, safe):
        from cs_infer.posterior import lottery_threshold

        return lottery_threshold(gap, safe)

    report = check("min_lottery_p", min_lottery_p)
    assert report.passed
    assert any("cs_infer.posterior" in warning for warning in report.warnings)
