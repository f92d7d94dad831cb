"""Every assignment: right solutions pass, whatever their style; wrong ideas are named.

What is demanded here holds for each folder in ``solutions/``. What is special
to one assignment is in ``test_assignment_<name>.py``.
"""

import io
import re
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from judging import COURSE, FOLDERS, MEMORY, STUDENT_WARNINGS, judged

import cs_infer
from cs_infer.judge import examples
from cs_infer.judge.answers import AnswerError
from cs_infer.judge.sandbox.edition import build_edition
from cs_infer.judge.sandbox.frames import write_message
from cs_infer.judge.trial import draws
from cs_infer.practice import check

SEEDS = range(8)


def _together(folder, *values, name):
    """A parameter; what belongs to one assignment runs in one process, which remembers."""
    return pytest.param(*values, id=name, marks=pytest.mark.xdist_group(f"assignment {folder}"))


EACH = pytest.mark.parametrize("folder", [_together(f, f, name=n) for n, f in FOLDERS.items()])
EACH_PROBLEM = pytest.mark.parametrize(
    ("folder", "problem"),
    [_together(f, f, p, name=f"{f}: {n}") for f in FOLDERS.values() for n, p in f.problems.items()],
)
EACH_IDEA = pytest.mark.parametrize(
    ("problem", "idea"),
    [
        _together(f, problem, i, name=f"{f}: {name}: {idea.name}")
        for f in FOLDERS.values()
        for name, problem in f.problems.items()
        for i, idea in enumerate(problem.misconceptions)
    ],
)


def _each(kind):
    students = [(f, student) for f in FOLDERS.values() for student in getattr(f, kind)]
    return pytest.mark.parametrize(
        ("folder", "student"), [_together(f, f, s, name=f"{f}: {s}") for f, s in students]
    )


@pytest.fixture(autouse=True, scope="module")
def memory():
    with MEMORY:
        yield MEMORY


# The checks


@EACH
def test_points_add_up_to_100_and_agree_with_the_notebook(folder):
    assert folder.assignment.name == folder.name
    assert folder.assignment.points == 100
    marked = {c.metadata["check"]: c for c in folder.cells if "check" in c.metadata}
    assert {name: c.metadata["points"] for name, c in marked.items()} == {
        name: p.points for name, p in folder.problems.items()
    }
    assert all(c.source == f'check("{name}", {name})' for name, c in marked.items())


@EACH_PROBLEM
def test_properties_are_worth_something_and_have_names_of_their_own(folder, problem):
    assert len(problem.properties) >= 3
    assert all(p.points > 0 for p in problem.properties)
    assert len({p.name for p in problem.properties}) == len(problem.properties)
    assert len({i.name for i in problem.misconceptions}) == len(problem.misconceptions) >= 5


@EACH_PROBLEM
def test_the_reference_gets_full_marks_on_every_seed(folder, problem, memory):
    for seed in SEEDS:
        result = memory.judged(problem, None, seed)
        assert result.passed, (seed, result)


@EACH_IDEA
def test_a_wrong_idea_loses_the_same_points_on_every_seed_and_is_named(problem, idea, memory):
    results = [memory.judged(problem, idea, seed) for seed in SEEDS]
    assert Counter(r.misconception for r in results) == {
        problem.misconceptions[idea].name: len(SEEDS)
    }
    assert len({r.earned for r in results}) == 1, [r.earned for r in results]
    assert results[0].earned < problem.points


@EACH_IDEA
def test_an_illustration_shows_a_difference(problem, idea):
    *_, right, wrong = examples.illustration(problem, problem.misconceptions[idea]).splitlines()
    assert right.removeprefix("right answer: ") != wrong.removeprefix("this idea:    ")


@EACH
def test_sections_exist_in_the_book(folder):
    sections = {p.section for p in folder.assignment.problems}
    sections |= {m.section for p in folder.assignment.problems for m in p.misconceptions}
    for section in sections:
        page, anchor = section.split("#")
        assert anchor in anchors(page), section


def anchors(page):
    """What can stand behind the ``#`` in a link to a page of the book."""
    source = COURSE.root / "book" / page.replace(".html", ".md")
    assert source.is_file(), page
    text = source.read_text(encoding="utf-8")
    labels = set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return labels | {re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in headings}


@EACH_IDEA
def test_every_message_names_an_idea_and_no_code(problem, idea):
    message = problem.misconceptions[idea].message
    assert 80 < len(message) < 500
    assert "def " not in message
    assert "checks.py" not in message


@EACH_PROBLEM
def test_inputs_reach_the_sandbox_and_depend_on_the_seed_alone(folder, problem):
    for prop in problem.properties:
        sent = []
        for seed in (1, 1, 2):
            out = io.BytesIO()
            for inputs in draws(problem, prop, ("seed", seed)):
                write_message(out.write, {"inputs": dict(inputs)})
            sent.append(out.getvalue())
        assert sent[0] == sent[1] != sent[2]


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
    (1, 2),
    (1, 2, 3),
    (None, None),
    (None, None, None),
    ([], []),
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
    (np.zeros((2, 2, 2), complex), np.zeros((2, 2), complex)),
    (np.zeros((10**6, 2), int), np.zeros((10**6, 2), int), np.zeros(10**6)),
    np.zeros(()),
    np.zeros((3, 4, 2)),
    np.full((2, 2), 10.0**300),
    np.array(["a", "b", "c"]),
    10**400,
    [10**400] * 3,
    b"bytes",
    object(),
    ({"a": 1}, object()),
]


@pytest.mark.parametrize("answer", GARBAGE, ids=lambda a: type(a).__name__)
@EACH_PROBLEM
def test_any_answer_is_read_or_refused_in_a_sentence(folder, problem, answer):
    refusal = None
    try:
        problem.read(problem.example, answer)
    except AnswerError as error:
        refusal = str(error)
    assert refusal is None or 10 < len(refusal) < 300
    result = judged(problem, lambda **inputs: answer, 1)
    assert result.earned < problem.points / 2


# The notebook


@EACH
def test_the_notebooks_own_solution_gets_full_marks(folder):
    for name, problem in folder.problems.items():
        for seed in range(4):
            assert judged(problem, folder.solutions[name], seed).passed


@EACH
def test_the_student_edition_works_and_holds_no_answers(folder, tmp_path):
    withheld = folder.assignment.withheld
    library = COURSE.root / "cs_infer"
    rooms = {path.name.removesuffix(".py") for path in library.iterdir()}
    assert set(withheld) <= rooms
    names = [n for n, home in cs_infer.HOME.items() if home.partition(".")[0] in withheld]
    script = f"""
import importlib
import cs_infer
from cs_infer.practice import check

cs_infer.TabularMDP.from_arrays(
    transition=[[[1.0]]], reward=[[0.0]], initial=[1.0], horizon=1).with_temperature(2.0)
for name in {names}:
    try:
        getattr(cs_infer, name)
    except ImportError as error:
        assert "cannot be imported where the assignment is graded" in str(error)
    else:
        raise SystemExit(f"{{name}} is there")
"""
    edition = build_edition(tmp_path, withheld)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=edition,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


# The sample class


@STUDENT_WARNINGS
@_each("honest")
def test_an_honest_style_gets_full_marks_on_every_seed(folder, student, monkeypatch):
    text = "".join(folder.students[student].solutions.values())
    if "torch" in text:
        pytest.importorskip("torch")
    if "matplotlib" in text:
        pytest.importorskip("matplotlib").use("agg")
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    for seed in range(3):
        for result in folder.results_of(student, seed).values():
            assert result.passed, (seed, result)
    full = {name: p.points for name, p in folder.problems.items()}
    assert folder.students[student].expected == full


@STUDENT_WARNINGS
@_each("mistaken")
def test_a_mistaken_student_gets_the_expected_marks_and_the_right_message(folder, student):
    folder.expect_the_marks_of(student)


@EACH
def test_every_wrong_idea_has_a_student(folder):
    seen = {
        (name, idea)
        for student in folder.students.values()
        for name, idea in zip(folder.problems, student.ideas, strict=False)
    }
    catalogue = {(n, i.name) for n, p in folder.problems.items() for i in p.misconceptions}
    assert catalogue - seen == set()
    assert seen - catalogue - {(n, None) for n in folder.problems} == set()


@EACH
def test_the_class_is_large_and_its_marks_are_possible(folder):
    assert len(folder.students) >= 20
    assert len(folder.honest) >= 6
    for student, submission in folder.students.items():
        assert list(submission.expected) == list(folder.problems), student
        for name, problem in folder.problems.items():
            assert 0 <= submission.expected[name] <= problem.points


# Practice


@pytest.fixture
def beside(folder, tmp_path, monkeypatch):
    """A student's folder: the checks, and nothing else."""
    (tmp_path / "checks.py").write_text(COURSE.checks(folder.name).read_text())
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("beside")
@EACH_PROBLEM
def test_practice_praises_a_right_function(folder, problem):
    report = check(problem.name, problem.reference)
    assert report.passed
    assert report.inputs is None
    assert f"{problem.points:g} of {problem.points:g} points" in repr(report)


@pytest.mark.usefixtures("beside")
@EACH_PROBLEM
def test_practice_names_the_idea_and_hands_out_the_inputs_that_failed(folder, problem):
    idea = problem.misconceptions[0]
    report = check(problem.name, idea.wrong, seed=7)
    assert report.result.misconception == idea.name
    assert idea.section in repr(report)
    assert "seed 7" in repr(report)
    assert report.inputs.keys() == problem.example.keys()


@pytest.mark.usefixtures("beside")
@EACH_PROBLEM
def test_practice_on_an_unwritten_function_says_so(folder, problem):
    def unwritten(**inputs):
        raise NotImplementedError

    report = check(problem.name, unwritten)
    assert report.result.earned == 0
    assert "not written yet" in repr(report)
