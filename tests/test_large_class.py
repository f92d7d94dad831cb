"""A class of two hundred with every kind of broken file: all are graded, each is told why."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from broken_files import kinds
from click.testing import CliRunner

from cs_infer.cli import main
from cs_infer.judge.course import Course
from cs_infer.judge.ledger import kept_verdict
from cs_infer.judge.sample_class import fill_in, read_submissions
from cs_infer.judge.sandbox import sandbox_works
from cs_infer.judge.submissions import taken
from cs_infer.judge.template import read_release

ROOT = Path(__file__).resolve().parents[1]
NAME = "graphical_model"
WORKS, WHY = sandbox_works()
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.xdist_group("large-class"),
    pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}"),
]


@pytest.fixture(scope="module")
def honest():
    """The released notebook with a right solution in it."""
    course = Course(ROOT)
    students = {s.student: s for s in read_submissions(course.sample_class(NAME))}
    release = json.loads(course.release(NAME).read_text())
    return fill_in(release, students["honest-vectorised"])


@pytest.fixture(scope="module")
def graded(tmp_path_factory, honest):
    """The class, graded: what was expected, how the command ended, the course."""
    course = Course(tmp_path_factory.mktemp("large"))
    shutil.copytree(ROOT / "solutions" / NAME, course.root / "solutions" / NAME)
    shutil.copy(ROOT / "nbgrader_config.py", course.root)
    assert cs_infer(course, "release").exit_code == 0
    expected = {}
    for student, fill, points in kinds(honest, NAME):
        folder = course.submitted / student / NAME
        folder.mkdir(parents=True)
        fill(folder)
        expected[student] = points
    return expected, cs_infer(course, "grade", "--workers", "2"), course


def cs_infer(course, *arguments):
    line = ["--course", str(course.root), *arguments]
    return CliRunner().invoke(main, line, env={"CS_INFER_SECRET": "a secret for tests"})


def rows(course):
    with open(course.grading(NAME) / "grades.csv") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def test_it_is_a_large_class(graded):
    assert len(graded[0]) >= 200


def test_all_are_graded_and_the_command_says_so(graded):
    expected, run, course = graded
    assert run.exit_code == 0, run.stderr
    assert rows(course).keys() == expected.keys()
    assert all(kept_verdict(course, NAME, student, None) for student in expected)


def test_a_right_solution_earns_its_points_wherever_it_can_be_read(graded):
    expected, _, course = graded
    known = {student: points for student, points in expected.items() if points is not None}
    assert {s: float(rows(course)[s]["total"]) for s in known} == known


def test_nothing_that_is_broken_earns_more_than_there_is(graded):
    assert all(0 <= float(row["total"]) <= 100 for row in rows(graded[2]).values())


def test_many_odd_notebooks_are_still_read(graded):
    """Otherwise the test of odd values would test one message a hundred times."""
    totals = [float(r["total"]) for s, r in rows(graded[2]).items() if s.startswith("fuzzed")]
    assert totals.count(100.0) >= 60
    assert len(set(totals)) >= 3


def test_each_failure_is_explained(graded):
    expected, _, course = graded
    for student, row in rows(course).items():
        if float(row["total"]) < 100:
            assert row["found"], student
        if expected[student] == 0:
            verdict = kept_verdict(course, NAME, student, None)
            assert verdict.notes, student
            assert all(len(note) < 300 and note.isprintable() for note in verdict.notes)


def test_a_file_that_may_not_be_read_is_no_zero(tmp_path, monkeypatch):
    def forbidden(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("cs_infer.judge.submissions.find_submission", forbidden)
    template = read_release(Course(ROOT).release(NAME))
    outcome = taken(NAME, "ann", tmp_path, template)
    assert (outcome.status, outcome.student) == ("not readable", "ann")
    assert "Permission denied" in outcome.reason
