"""Assignment 1: right solutions pass, whatever their style; wrong ideas are named."""

import functools
import re
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from cs_infer.judge import verdict
from cs_infer.judge.answers import AnswerError
from cs_infer.judge.problem import load_assignment
from cs_infer.judge.sample_class import expected_marks, read_submissions
from cs_infer.judge.verdict import draws, judge
from cs_infer.practice import check

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "solutions" / "graphical_model"
ASSIGNMENT = load_assignment(FOLDER / "checks.py")
PROBLEMS = {p.name: p for p in ASSIGNMENT.problems}
IDEAS = [
    pytest.param(problem, idea, id=f"{problem.name}: {idea.name}")
    for problem in ASSIGNMENT.problems
    for idea in problem.misconceptions
]
CLASS = {s.student: s for s in read_submissions(FOLDER / "sample_class")}
HONEST = sorted(name for name in CLASS if name.startswith("honest-"))
MISTAKEN = sorted(s.student for s in CLASS.values() if s.ideas)
OTHERS = [
    "epsilon-in-the-logarithm",
    "keeps-state",
    "mutates-its-inputs",
    "renamed-arguments",
    "returns-one-array",
    "two-mistakes",
    "uses-an-own-cell-wrongly",
]
STUDENT_WARNINGS = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True, scope="module")
def _draw_once():
    """Every idea is tried on the same inputs; drawing them once saves half the time."""

    @functools.cache
    def drawn(name, prop, key):
        return list(draws(PROBLEMS[name], prop, key))

    checks = sys.modules[PROBLEMS["posterior_enumerate"].reference.__module__]
    exact, known = checks._expected, {}

    def remembered(inputs):
        """Inputs that are kept above keep their identity as well."""
        if id(inputs) not in known:
            known[id(inputs)] = (inputs, exact(inputs))
        return known[id(inputs)][1]

    patch = pytest.MonkeyPatch()
    patch.setattr(checks, "_expected", remembered)
    patch.setattr(verdict, "draws", lambda p, prop, key: iter(drawn(p.name, prop, key)))
    yield
    patch.undo()


def judged(problem, function, seed):
    def call(inputs):
        try:
            return function(**inputs)
        except Exception as error:
            raise verdict.CallFailed("run-time error", repr(error)) from None

    return judge(problem, call, ("seed", seed), hint=False)


def functions_of(submission):
    """What a student's cells define, run here and not in a sandbox."""
    from IPython.core.inputtransformer2 import TransformerManager

    class Shell:
        def run_line_magic(self, *args):
            pass

    space = {"get_ipython": Shell, "display": lambda *args: None}
    exec(compile(given_cells(), "given", "exec"), space)
    for name in PROBLEMS:
        if name in submission.solutions:
            text = TransformerManager().transform_cell(submission.solutions[name])
            exec(compile(text, submission.student, "exec"), space)
    return space


def source_cells():
    jupytext = pytest.importorskip("jupytext")
    text = (FOLDER / "graphical_model.py").read_text(encoding="utf-8")
    return jupytext.reads(text, fmt="py:percent").cells


def given_cells():
    return "\n".join(c.source for c in source_cells() if "given" in c.metadata)


# The checks


def test_points_add_up_and_agree_with_the_notebook():
    assert {name: p.points for name, p in PROBLEMS.items()} == {
        "traj_logprob": 25,
        "posterior_enumerate": 40,
        "p_not_optimal": 35,
    }
    assert ASSIGNMENT.points == 100
    marked = {c.metadata["check"]: c for c in source_cells() if "check" in c.metadata}
    assert {name: c.metadata["points"] for name, c in marked.items()} == {
        name: p.points for name, p in PROBLEMS.items()
    }
    assert all(c.source == f'check("{name}", {name})' for name, c in marked.items())


@pytest.mark.parametrize("problem", ASSIGNMENT.problems, ids=lambda p: p.name)
def test_the_reference_gets_full_marks_on_every_seed(problem):
    for seed in range(50):
        result = judged(problem, problem.reference, seed)
        assert result.passed, (seed, result)


@pytest.mark.parametrize(("problem", "idea"), IDEAS)
def test_a_wrong_idea_loses_the_same_points_on_every_seed_and_is_named(problem, idea):
    results = [judged(problem, idea.wrong, seed) for seed in range(50)]
    assert {r.misconception for r in results} == {idea.name}
    assert len({r.earned for r in results}) == 1, [r.earned for r in results]
    assert results[0].earned < problem.points


@pytest.mark.parametrize(("problem", "idea"), IDEAS)
def test_an_illustration_shows_a_difference(problem, idea):
    *_, right, wrong = verdict._illustrate(problem, idea).splitlines()
    assert right.removeprefix("right answer: ") != wrong.removeprefix("this idea:    ")


def test_sections_exist_in_the_chapter():
    text = (ROOT / "book" / "graphical_model.md").read_text(encoding="utf-8")
    labels = set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings}
    sections = {p.section for p in ASSIGNMENT.problems}
    sections |= {m.section for p in ASSIGNMENT.problems for m in p.misconceptions}
    for section in sections:
        page, anchor = section.split("#")
        assert page == "graphical_model.html"
        assert anchor in labels | slugs, section


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
    assert all(d["R"].max() < -700 for d in at["posterior_enumerate", "large"])
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


def test_every_message_names_an_idea_and_no_code():
    for problem in ASSIGNMENT.problems:
        assert len(problem.misconceptions) >= 5
        for idea in problem.misconceptions:
            assert 80 < len(idea.message) < 500, idea.name
            assert "def " not in idea.message
            assert "checks.py" not in idea.message


# Answers of every kind

GARBAGE = [
    None,
    "text",
    3,
    3.5,
    float("nan"),
    [],
    (),
    {},
    [[1], [1, 2]],
    (1, 2, 3),
    (None, None, None),
    ([], [], []),
    ([[0]], [[0]], [1.0]),
    (np.zeros((4, 2)), np.zeros((4, 2)), np.full(4, np.nan)),
    (np.zeros((4, 2)), np.zeros((3, 2)), np.ones(4)),
    (np.full((4, 2), 99), np.zeros((4, 2)), np.ones(4)),
    (np.full((4, 2), -1), np.zeros((4, 2)), np.ones(4)),
    (np.full((4, 2), 0.5), np.zeros((4, 2)), np.ones(4)),
    (np.full((4, 2), np.inf), np.zeros((4, 2)), np.ones(4)),
    (np.zeros((4, 2)), np.zeros((4, 2)), -np.ones(4)),
    (np.zeros((4, 2)), np.zeros((4, 2)), np.full(4, 0.25)),
    (np.zeros((4, 2), complex), np.zeros((4, 2)), np.ones(4)),
    (np.zeros((10**6, 2), int), np.zeros((10**6, 2), int), np.zeros(10**6)),
    np.zeros(()),
    np.zeros((3, 4, 2)),
    np.array(["a", "b", "c"]),
    10**400,
    [10**400] * 3,
    b"bytes",
    object(),
]


@pytest.mark.parametrize("answer", GARBAGE, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("problem", ASSIGNMENT.problems, ids=lambda p: p.name)
def test_any_answer_is_read_or_refused_in_a_sentence(problem, answer):
    refusal = None
    try:
        problem.read(problem.example, answer)
    except AnswerError as error:
        refusal = str(error)
    assert refusal is None or 10 < len(refusal) < 300
    result = judged(problem, lambda **inputs: answer, 1)
    assert result.earned < problem.points / 2


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


def test_the_notebooks_own_solution_gets_full_marks():
    space = {}
    exec(given_cells(), space)
    for cell in source_cells():
        if "solution" in cell.metadata:
            exec(cell.source, space)
    for name, problem in PROBLEMS.items():
        for seed in range(10):
            assert judged(problem, space[name], seed).passed


def test_the_worked_example_is_right():
    space = {}
    exec(given_cells(), space)
    P, R, mu0, rho = (space[name] for name in ("P", "R", "mu0", "rho"))
    s, a = np.array([0, 1]), np.array([1, 0])
    assert PROBLEMS["traj_logprob"].reference(P, mu0, rho, s, a) == pytest.approx(np.log(1 / 4))
    text = "\n".join(c.source for c in source_cells() if c.cell_type == "markdown")
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
@pytest.mark.parametrize("student", HONEST)
def test_an_honest_style_gets_full_marks_on_every_seed(student, monkeypatch):
    if student == "honest-torch":
        pytest.importorskip("torch")
    if student == "honest-chatty":
        pytest.importorskip("matplotlib").use("agg")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    functions = functions_of(CLASS[student])
    for name, problem in PROBLEMS.items():
        for seed in range(6):
            result = judged(problem, _plainly(functions[name]), seed)
            assert result.passed, (seed, result)
    assert CLASS[student].expected == {name: p.points for name, p in PROBLEMS.items()}


def _plainly(function):
    def tensors_out(value):
        if isinstance(value, tuple):
            return tuple(map(tensors_out, value))
        return value.detach().numpy() if hasattr(value, "detach") else value

    return lambda **inputs: tensors_out(function(**inputs))


@STUDENT_WARNINGS
@pytest.mark.parametrize("student", MISTAKEN + OTHERS)
def test_a_mistaken_student_gets_the_expected_marks_and_the_right_message(student):
    submission = CLASS[student]
    functions = functions_of(submission)
    for seed in range(2):
        results = [judged(p, functions[name], seed) for name, p in PROBLEMS.items()]
        assert {r.name: r.earned for r in results} == submission.expected
        if submission.ideas:
            assert tuple(r.misconception for r in results) == submission.ideas


@STUDENT_WARNINGS
def test_of_two_mistakes_the_first_is_named():
    function = functions_of(CLASS["two-mistakes"])["traj_logprob"]
    result = judged(PROBLEMS["traj_logprob"], function, 1)
    assert result.misconception == "last action prior missing"


def test_every_wrong_idea_has_a_student():
    seen = {(name, i) for s in CLASS.values() for name, i in zip(PROBLEMS, s.ideas, strict=False)}
    for problem in ASSIGNMENT.problems:
        for idea in problem.misconceptions:
            assert (problem.name, idea.name) in seen


def test_the_class_is_large_and_its_marks_are_possible():
    marks = expected_marks(FOLDER / "sample_class")
    assert len(marks) >= 22
    assert len(HONEST) >= 6
    for student, problems in marks.items():
        assert list(problems) == list(PROBLEMS), student
        assert all(0 <= problems[name] <= p.points for name, p in PROBLEMS.items())


# Practice


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """A student's folder: the checks, and nothing else."""
    (tmp_path / "checks.py").write_text((FOLDER / "checks.py").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def right(R, rho):
    weight = rho * -np.expm1(R)
    total = weight.sum(axis=1, keepdims=True)
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)


@pytest.mark.usefixtures("beside")
def test_practice_praises_a_right_function():
    report = check("p_not_optimal", right)
    assert report.passed
    assert report.inputs is None
    assert "35 of 35 points" in repr(report)


@pytest.mark.usefixtures("beside")
def test_practice_names_the_idea_and_hands_out_the_inputs_that_failed():
    report = check("p_not_optimal", lambda R, rho: rho, seed=7)
    assert "This is the action prior" in repr(report)
    assert "seed 7" in repr(report)
    again = check("p_not_optimal", lambda R, rho: rho, seed=7)
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
def test_practice_on_an_unwritten_function_says_so():
    def p_not_optimal(R, rho):
        raise NotImplementedError

    report = check("p_not_optimal", p_not_optimal)
    assert report.result.earned == 0
    assert "not written yet" in repr(report)


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
