"""Assignment 1: what is special to building the model and conditioning on it."""

import re
from fractions import Fraction

import numpy as np
import pytest
from judging import COURSE, FOLDERS, STUDENT_WARNINGS, judged

from cs_infer.judge.answers import AnswerError
from cs_infer.judge.trial import draws
from cs_infer.practice import check

FOLDER = FOLDERS["graphical_model"]
PROBLEMS = FOLDER.problems


def test_the_points_are_those_announced():
    assert {name: p.points for name, p in PROBLEMS.items()} == {
        "traj_logprob": 25,
        "posterior_enumerate": 40,
        "p_not_optimal": 35,
    }


# The checks


def test_draws_include_the_cases_the_text_promises():
    at = {
        (name, prop.name): [d for s in range(20) for d in draws(p, prop, ("seed", s))]
        for name, p in PROBLEMS.items()
        for prop in p.properties
    }
    lengths = {d["T"] for (name, _), ds in at.items() if name == "posterior_enumerate" for d in ds}
    assert lengths == {1, 2, 3, 4}
    assert {len(d["s"]) for d in at["traj_logprob", "long"]} == {800}
    assert {1} < {len(d["s"]) for d in at["traj_logprob", "impossible"]}
    infeasible = [PROBLEMS["traj_logprob"].reference(**d) for d in at["traj_logprob", "impossible"]]
    assert 0.3 < np.mean(np.isneginf(infeasible)) < 0.7
    allowed = [set((d["rho"] > 0).sum(axis=1)) for d in at["posterior_enumerate", "uneven"]]
    assert all(len(counts) > 1 for counts in allowed)
    certain = [set(np.unique(d["P"])) for d in at["posterior_enumerate", "deterministic"]]
    assert all(values == {0.0, 1.0} for values in certain)
    assert all(d["T"] * d["R"].max() < -745 for d in at["posterior_enumerate", "large"])
    assert all(np.ptp(d["R"]) * d["T"] > 709 for d in at["posterior_enumerate", "large"])
    assert all(np.isneginf(d["R"]).any() for d in at["posterior_enumerate", "never optimal"])
    assert {d["R"].shape[0] == 1 for d in at["p_not_optimal", "single"]} == {True, False}


def test_inputs_keep_to_what_the_text_says():
    for name, problem in PROBLEMS.items():
        for prop in problem.properties:
            for seed in range(10):
                for d in draws(problem, prop, ("seed", seed)):
                    for key in {"P", "mu0", "rho"} & d.keys():
                        assert np.allclose(d[key].sum(axis=-1), 1)
                    assert np.all(d.get("R", np.zeros(1)) <= 0)
                    if name == "posterior_enumerate":
                        assert d["rho"].size ** d["T"] <= 2000


# Answers


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "must be a tuple"),
        (([[0, 0]], [[0, 0]]), "it has 2 parts"),
        (([0, 0], [0, 0], [1]), "must have shape"),
        (([0, 0], [0, 0], [1]), "the order is states, actions, probability"),
        ((np.zeros((2, 3)), np.zeros((2, 3)), np.ones(3)), "rows and columns are exchanged"),
        ((np.zeros((4, 3)), np.zeros((4, 2)), np.ones(4)), "no state follows the last action"),
        (([[0, 2]], [[0, 0]], [1]), "must lie in 0 … 1"),
        (([[0, 0]], [[0, -1]], [1]), "must lie in 0 … 1"),
        (([[0, 0.5]], [[0, 0]], [1]), "whole numbers"),
        (([[0, 0]] * 2, [[0, 0]] * 2, [0.5, 0.5]), "listed once"),
        (([[0, 0]], [[0, 0]], [-1.2]), "is this a logarithm?"),
        (([[0, 0]], [[0, 0]], [np.nan]), "NaN"),
        (([[0, 0]] * 2, [[0, 0]], [1]), "one row for each"),
        (([[0, 0]], [[0, 0]], [[1]]), "probability must have shape"),
    ],
)
def test_a_table_that_cannot_be_read_is_explained(answer, sentence):
    problem = PROBLEMS["posterior_enumerate"]
    with pytest.raises(AnswerError, match=re.escape(sentence)):
        problem.read(problem.example, answer)


def test_tables_may_be_lists_floats_and_contain_rows_of_probability_zero():
    problem = PROBLEMS["posterior_enumerate"]
    s, a, p = problem.reference(**problem.example)
    exact = problem.read(problem.example, (s, a, p))
    assert exact.sum() == pytest.approx(1)
    for other in (
        (s.tolist(), a.tolist(), p.tolist()),
        [s.astype(float), a.astype(np.uint8), p],
        (s[::-1], a[::-1], p[::-1]),
        (np.vstack([s, s[:1]]), np.vstack([a, a[:1]]), np.append(p, 0.0)),
    ):
        assert np.array_equal(problem.read(problem.example, other), exact)


# The notebook's text


def test_the_worked_example_is_right():
    space = {}
    exec(FOLDER.given, space)
    P, R, mu0, rho = (space[name] for name in ("P", "R", "mu0", "rho"))
    s, a = np.array([0, 1]), np.array([1, 0])
    assert PROBLEMS["traj_logprob"].reference(P, mu0, rho, s, a) == pytest.approx(np.log(1 / 4))
    text = "\n".join(c.source for c in FOLDER.cells if c.cell_type == "markdown")
    posterior = PROBLEMS["posterior_enumerate"].reference
    for T in (1, 2):
        states, actions, probability = posterior(P, R, mu0, rho, T)
        rows = {
            (tuple(i), tuple(j)): p
            for *row, p in zip(states, actions, probability, strict=True)
            for i, j in [map(np.ndarray.tolist, row)]
        }
        for path, p in rows.items():
            shown = ["(" + ", ".join(map(str, part)) + ")" for part in path]
            line = re.search(rf"\| s = {re.escape(shown[0])}, a = {re.escape(shown[1])}.*", text)
            top, bottom = line[0].strip(" |").split("|")[-1].split("/")
            assert int(top) / int(bottom) == pytest.approx(p)
    failed = PROBLEMS["p_not_optimal"].reference(R, rho)
    assert np.allclose(failed, [[2 / 5, 3 / 5], [0, 1]])


# The sample class


@STUDENT_WARNINGS
@pytest.mark.parametrize(
    "student",
    [
        "epsilon-in-the-logarithm",
        "keeps-state",
        "mutates-its-inputs",
        "renamed-arguments",
        "returns-one-array",
        "two-mistakes",
        "uses-an-own-cell-wrongly",
    ],
)
def test_an_unusual_student_gets_the_expected_marks(student):
    FOLDER.expect_the_marks_of(student)


@STUDENT_WARNINGS
def test_of_two_mistakes_the_first_is_named():
    function = FOLDER.functions_of("two-mistakes")["traj_logprob"]
    result = judged(PROBLEMS["traj_logprob"], function, 1)
    assert result.misconception == "last action prior missing"


# Practice


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """A student's folder: the checks, and nothing else."""
    (tmp_path / "checks.py").write_text(COURSE.checks("graphical_model").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def right(R, rho):
    weight = rho * -np.expm1(R)
    total = weight.sum(axis=1, keepdims=True)
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)


@pytest.mark.usefixtures("beside")
def test_a_seed_repeats_the_inputs_that_failed():
    report, again = (check("p_not_optimal", lambda R, rho: rho, seed=7) for _ in range(2))
    for name, value in report.inputs.items():
        assert np.array_equal(value, again.inputs[name])
    assert not np.allclose(right(**report.inputs), report.inputs["rho"])


@pytest.mark.usefixtures("beside")
def test_practice_warns_of_withheld_modules():
    def with_the_library(R, rho):
        from cs_infer.optimality import action_given_not_optimal

        return action_given_not_optimal and right(R, rho)

    report = check("p_not_optimal", with_the_library)
    assert report.passed
    assert any("cs_infer.optimality" in warning for warning in report.warnings)


@pytest.mark.usefixtures("beside")
def test_practice_reports_an_error_of_the_students_function():
    report = check("traj_logprob", lambda P, mu0, rho, s, a: s[2001])
    assert "IndexError" in repr(report)


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda: 0, "must be one number; it is a function"),
        ({(0, 1): 0.5}, "must be one number; it is a dict"),
        (Fraction(1, 2), "must be one number; it is a Fraction"),
    ],
)
def test_practice_explains_an_answer_that_would_not_reach_the_grader(answer, sentence):
    report = check("traj_logprob", lambda **inputs: answer)
    assert sentence in repr(report)


@pytest.mark.usefixtures("beside")
def test_practice_warns_of_changed_arguments():
    def in_place(R, rho):
        answer = right(R, rho)
        rho *= 2
        return answer

    report = check("p_not_optimal", in_place)
    assert report.passed
    assert any("changes its arguments (rho)" in warning for warning in report.warnings)


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (lambda R, rho: right(R, rho) * 1.5, "sums to 1.5, not to 1"),
        (lambda R, rho: right(R, rho) - 0.5, "is this a logarithm?"),
    ],
)
def test_what_is_no_distribution_is_pointed_out(wrong, sentence):
    assert sentence in repr(check("p_not_optimal", wrong))


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize(
    ("name", "near", "not_this"),
    [
        ("traj_logprob", np.float16, "product underflows"),
        (
            "posterior_enumerate",
            lambda answer: (*answer[:2], answer[2].astype(np.float16)),
            "exponential underflows",
        ),
    ],
)
def test_too_few_digits_are_not_taken_for_underflow(name, near, not_this):
    reference = PROBLEMS[name].reference
    for seed in range(6):
        report = check(name, lambda **inputs: near(reference(**inputs)), seed=seed)
        assert not report.passed
        assert report.result.misconception != not_this


def test_practice_without_checks_says_where_they_should_be(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"checks\.py"):
        check("p_not_optimal", right)


def test_the_first_action_left_out_is_not_taken_for_the_last():
    for seed in range(40):
        for d in draws(PROBLEMS["traj_logprob"], PROBLEMS["traj_logprob"].properties[0], (seed,)):
            assert (d["s"][0], d["a"][0]) != (d["s"][-1], d["a"][-1])


def test_digits_that_never_cancelled_are_not_said_to_cancel():
    """A small number in the divisor, or a small sum taken for zero, ends near zero as well."""

    def added(small):
        def wrong(R, rho):
            joint = -rho * np.expm1(R)
            return joint / (joint.sum(axis=1, keepdims=True) + small)

        return wrong

    def cancelled(R, rho):
        joint = rho * (1 - np.exp(R))
        total = joint.sum(axis=1, keepdims=True)
        return joint / np.where(total > 0, total, 1.0)

    problem = PROBLEMS["p_not_optimal"]
    for seed in range(10):
        for small, idea in ((1e-12, "1e-12 added to the divisor"), (1e-16, None), (1e-9, None)):
            assert judged(problem, added(small), seed).misconception == idea
        assert judged(problem, cancelled, seed).misconception == "digits cancel"


def test_a_sum_of_factors_is_not_said_to_leave_some_out():
    def logarithm_of_the_sum(P, mu0, rho, s, a):
        return np.log(mu0[s[0]] + rho[s, a].sum() + P[s[:-1], a[:-1], s[1:]].sum())

    for seed in range(20):
        result = judged(PROBLEMS["traj_logprob"], logarithm_of_the_sum, seed)
        assert result.misconception is None
