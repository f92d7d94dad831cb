"""From text to notebooks: what students get, to the byte."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from cs_infer.judge.class_run import grade_class
from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.grader import Grader
from cs_infer.judge.problem import Written, check_id, load_assignment
from cs_infer.judge.release import release, source_notebook
from cs_infer.judge.template import is_written

ROOT = Path(__file__).resolve().parents[1]
NAMES = Course(ROOT).assignment_names()


@pytest.fixture
def course(tmp_path):
    """A copy of the course, where nothing is built yet."""
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    return Course(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_release_is_what_the_source_generates(course, name):
    release(course, name)
    for file in sorted((ROOT / "assignments" / name).iterdir()):
        made = course.root / "assignments" / name / file.name
        assert made.read_bytes() == file.read_bytes(), f"run: cs-infer release {name}"


def test_a_second_release_changes_no_byte_and_no_time(course):
    path = release(course, NAMES[0])
    before = path.read_bytes(), path.stat().st_mtime_ns
    release(course, NAMES[0])
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


@pytest.mark.parametrize("name", NAMES)
def test_students_get_no_solution_and_can_read_their_notebook(name):
    path = ROOT / "assignments" / name / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    text = path.read_text()
    assert "SOLUTION" not in text
    assignment = load_assignment(ROOT / "solutions" / name / "checks.py")
    cells = {c.id: c for c in notebook.cells}
    for problem in assignment.problems:
        assert "raise NotImplementedError()" in cells[problem.name].source
        assert cells[check_id(problem.name)].metadata.nbgrader.points == problem.points
    assert all(c.get("outputs", []) == [] for c in notebook.cells)


def test_a_notebook_depends_on_no_machine_and_no_moment():
    for name in NAMES:
        notebook = json.loads((ROOT / "assignments" / name / f"{name}.ipynb").read_text())
        assert notebook["metadata"].keys() == {"kernelspec"}


SOURCE = """# %% given="setup"
import numpy as np

# %% solution="traj_logprob"
def traj_logprob(P, mu0, rho, s, a):
    ### BEGIN SOLUTION
    return 0.0
    ### END SOLUTION

# %% check="traj_logprob" points=25
check("traj_logprob", traj_logprob)
"""


@pytest.fixture(scope="module")
def one_problem():
    assignment = load_assignment(ROOT / "solutions" / "graphical_model" / "checks.py")
    return replace(assignment, problems=assignment.problems[:1])


def test_a_source_expands_into_nbgraders_metadata(one_problem):
    notebook = source_notebook(SOURCE, one_problem)
    flags = {c.id: c.metadata.nbgrader for c in notebook.cells}
    assert (flags["traj_logprob"].solution, flags["traj_logprob"].locked) == (True, False)
    assert (flags["check-traj_logprob"].grade, flags["check-traj_logprob"].points) == (True, 25.0)
    assert (flags["setup"].locked, flags["setup"].grade) == (True, False)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("points=25", "points=30", "the notebook says 30, the properties in checks.py add up to"),
        ('check="traj_logprob"', 'check="other"', "must have a solution cell and a check cell"),
        ("def traj_logprob(", "def other(", "must define traj_logprob"),
    ],
)
def test_a_source_that_does_not_agree_with_its_checks_is_refused(one_problem, old, new, says):
    with pytest.raises(CourseError, match=says):
        source_notebook(SOURCE.replace(old, new), one_problem)


WORDS = (
    SOURCE
    + """
# %% [markdown] written="why" points=5
# Because the sum runs over all trajectories.
"""
)


def test_a_written_question_expands_into_a_cell_that_a_person_grades(one_problem):
    asked = replace(one_problem, written=(Written("why", "Why?", 5.0),))
    cell = source_notebook(WORDS, asked).cells[-1]
    assert (cell.id, cell.cell_type) == ("why", "markdown")
    assert is_written(cell)
    assert not cell.metadata.nbgrader.locked
    assert cell.metadata.nbgrader.points == 5.0
    assert (asked.points, asked.automatic_points) == (30.0, 25.0)


@pytest.mark.parametrize(
    "written", [(), (Written("why", "Why?", 6.0),), (Written("what", "What?", 5.0),)]
)
def test_written_questions_that_do_not_agree_with_the_checks_are_refused(one_problem, written):
    with pytest.raises(CourseError, match=r"the notebook has \{'why': 5\.0\}, checks\.py has"):
        source_notebook(WORDS, replace(one_problem, written=written))


def test_a_course_is_found_from_inside_and_nowhere_else(tmp_path, course):
    inside = course.root / "solutions" / NAMES[0]
    assert Course.find(inside) == course
    with pytest.raises(CourseError, match=r"has nbgrader_config\.py and solutions/"):
        Course.find(Path("/"))


def test_an_unknown_assignment_is_answered_with_those_there_are(course):
    with pytest.raises(CourseError, match=rf"no assignment 'nope' in .*; there are: {NAMES[0]}"):
        course.assignment("nope")


def test_the_secret_is_made_once_and_is_for_the_owner_only(course, monkeypatch):
    monkeypatch.delenv("CS_INFER_SECRET", raising=False)
    secret = course.secret()
    assert len(secret) == 64
    assert course.secret() == secret
    assert (course.root / ".grading-secret").stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("CS_INFER_SECRET", "given")
    assert course.secret() == "given"


def test_nobody_is_graded_for_other_points_than_were_released(course):
    name = "graphical_model"
    release(course, name)
    (course.submitted / "ann" / name).mkdir(parents=True)
    checks = course.checks(name).read_text()
    course.checks(name).write_text(checks.replace(" 10.0,\n", " 11.0,\n", 1))
    told = rf"points of \w+ must agree; .*; run: cs-infer release {name}$"
    with pytest.raises(CourseError, match=told):
        grade_class(Grader(course, name, trusted=True))
