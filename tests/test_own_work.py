"""A student validates a notebook with nothing but the assignment's folder."""

import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.mishaps import CELL_KINDS
from cs_infer.judge.own_work import own_work
from cs_infer.judge.problem import load_assignment
from cs_infer.judge.sample_class import build_class, fill_in, read_submissions
from cs_infer.judge.sandbox import sandbox_works
from cs_infer.judge.template import is_written, read_release, rebuild

ROOT = Path(__file__).resolve().parents[1]
COURSE, NAME = Course(ROOT), "graphical_model"
RELEASE = json.loads(COURSE.release(NAME).read_text(encoding="utf-8"))
CLASS = {s.student: s for s in read_submissions(COURSE.sample_class(NAME))}
PROBLEMS = [p.name for p in COURSE.assignment(NAME).problems]
WORKS, WHY = sandbox_works()

# What a student's environment lacks: the extras `grade` and `torch`.
WITHOUT = """
import sys
for name in ("nbgrader", "jupytext", "sqlalchemy", "copydetect", "torch", "array_api_compat"):
    sys.modules[name] = None
from cs_infer.cli import main
main()
"""


@pytest.fixture
def folder(tmp_path):
    """The assignment's folder, as students get it, far from any course."""
    return Path(shutil.copytree(ROOT / "assignments" / NAME, tmp_path / NAME))


def cell_of(notebook, grade_id):
    return next(c for c in notebook["cells"] if _id(c) == grade_id)


def _id(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


def taken(folder, notebook, name=f"{NAME}.ipynb"):
    """What is taken from a notebook that lies in the student's folder."""
    (folder / name).write_text(json.dumps(notebook), encoding="utf-8")
    return own_work(folder / name).rebuilt()


def answers(rebuilt):
    return {c.metadata.nbgrader.grade_id: c.source for c in rebuilt.notebook.cells if _solves(c)}


def _solves(cell):
    return cell.metadata.get("nbgrader", {}).get("solution", False)


def test_the_released_notebook_is_taken_whole_and_without_a_remark(folder):
    rebuilt = taken(folder, RELEASE)
    assert rebuilt.notes == []
    assert list(answers(rebuilt)) == PROBLEMS


def test_what_an_editor_does_to_numbers_is_no_change_of_a_cell(folder):
    text = json.dumps(RELEASE).replace('"points": 25.0', '"points": 25')
    assert text != json.dumps(RELEASE)
    assert taken(folder, json.loads(text)).notes == []


@pytest.mark.parametrize("kind", ["as sent", *CELL_KINDS])
def test_the_same_answers_are_taken_as_by_the_grader(folder, kind):
    notebook = fill_in(RELEASE, CLASS["honest-loops"])
    if kind != "as sent":
        notebook = CELL_KINDS[kind](copy.deepcopy(notebook), RELEASE, PROBLEMS[0])
    mine = answers(taken(folder, notebook))
    theirs = answers(rebuild(read_release(COURSE.release(NAME)), json.dumps(notebook).encode()))
    assert mine.keys() == theirs.keys()
    for name in PROBLEMS:
        if "NotImplementedError" in theirs[name]:  # nothing to grade there: nothing here either
            assert "def " not in mine[name] or "NotImplementedError" in mine[name]
        else:
            assert mine[name] == theirs[name]


@pytest.mark.parametrize("cell", ["setup", f"check-{PROBLEMS[0]}"])
def test_a_locked_cell_that_was_changed_is_named(folder, cell):
    notebook = fill_in(RELEASE, CLASS["honest-loops"])
    cell_of(notebook, cell)["source"] = "import numpy as np\ncheck = print"
    (note,) = taken(folder, notebook).notes
    assert note.startswith(f"locked cell {cell} was changed: the grader uses the original")


def test_cells_a_student_adds_are_run_where_they_stand(folder):
    notebook = fill_in(RELEASE, CLASS["honest-loops"])
    place = notebook["cells"].index(cell_of(notebook, PROBLEMS[1]))
    helper = {"cell_type": "code", "source": "helper = 1", "metadata": {}, "outputs": []}
    notebook["cells"].insert(place, helper | {"execution_count": None})
    sources = [c.source for c in taken(folder, notebook).notebook.cells]
    solution = "".join(cell_of(notebook, PROBLEMS[1])["source"])
    assert sources.index("helper = 1") < sources.index(solution)


def test_an_answer_in_words_is_taken_and_left_to_a_person(tmp_path):
    pytest.importorskip("jupytext")
    from cs_infer.judge.release import source_notebook

    source = ROOT / "tests" / "every_answer" / "solutions" / "every_answer"
    shutil.copy(source / "checks.py", tmp_path)
    assignment = load_assignment(tmp_path / "checks.py")
    notebook = source_notebook((source / "every_answer.py").read_text(), assignment)
    (words,) = (c for c in notebook.cells if is_written(c))
    words.source = "Because it is so."
    nbformat.write(notebook, tmp_path / "every_answer.ipynb")
    work = own_work(tmp_path / "every_answer.ipynb")
    assert [c.source for c in work.rebuilt().notebook.cells if is_written(c)] == [words.source]
    assert work.assignment().points > work.assignment().automatic_points


def test_another_name_is_remarked_upon(folder):
    notes = taken(folder, RELEASE, name="Untitled (2).ipynb").notes
    assert notes == [f"hand it in under the name {NAME}.ipynb"]


def test_metadata_of_any_kind_does_no_harm(folder):
    notebook = copy.deepcopy(RELEASE)
    for cell, odd in zip(notebook["cells"][1:], [None, 3, [], {"grade_id": 7}], strict=False):
        cell["metadata"]["nbgrader"] = odd
    for cell in notebook["cells"]:
        known = cell["metadata"].get("nbgrader")
        if isinstance(known, dict):
            known |= {"points": [], "checksum": None, "solution": "yes"}
    assert set(PROBLEMS) <= set(answers(taken(folder, notebook)))


@pytest.mark.parametrize("data", [b"", b"no notebook", b"\xff\xfe\x00", b"[" * 100_000, b"{}"])
def test_a_file_that_is_no_notebook_is_refused_in_one_line(folder, data):
    path = folder / f"{NAME}.ipynb"
    path.write_bytes(data)
    with pytest.raises(CourseError, match="cannot be read as a notebook"):
        own_work(path).rebuilt()


def test_without_checks_beside_the_notebook_the_place_is_named(folder):
    (folder / "checks.py").unlink()
    with pytest.raises(CourseError, match=r"checks\.py must lie beside the notebook"):
        own_work(folder / f"{NAME}.ipynb")


def test_checks_that_were_handed_in_with_a_notebook_are_not_run(tmp_path):
    shutil.copytree(ROOT / "assignments" / NAME, tmp_path / "submitted")
    (tmp_path / "submitted" / "checks.py").write_text("raise SystemExit('run')")
    work = own_work(tmp_path / "submitted" / f"{NAME}.ipynb", COURSE)
    assert work.assignment().name == NAME
    assert work.release(NAME) == COURSE.release(NAME)


def test_inside_a_course_a_copy_of_another_name_is_known_by_its_folder(folder):
    copy_of = folder / f"{NAME}-Copy1.ipynb"
    shutil.copy(folder / f"{NAME}.ipynb", copy_of)
    assert own_work(copy_of, COURSE).assignment().name == NAME
    with pytest.raises(CourseError, match="no assignment 'x'"):
        own_work(folder.parent / "x.ipynb", COURSE)


def test_two_validations_try_different_inputs(folder):
    path = folder / f"{NAME}.ipynb"
    assert own_work(path).secret() != own_work(path).secret()


def validate(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-c", WITHOUT, "validate", f"{NAME}.ipynb", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.sandbox
@pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}")
@pytest.mark.parametrize("student", ["honest-loops", "blank", "no-dynamics"])
def test_a_student_without_a_course_reads_the_marks_of_the_grader(folder, student):
    every = folder.parent / "every"
    build_class(COURSE.sample_class(NAME), COURSE.release(NAME), every)
    shutil.copy(every / student / NAME / f"{NAME}.ipynb", folder)
    done = validate(folder)
    assert done.returncode == 0, done.stderr
    expected = sum(CLASS[student].expected.values())
    assert done.stdout.endswith(f"{expected:g} of 100 points\n")
    for problem in COURSE.assignment(NAME).problems:
        assert problem.title in done.stdout


def test_without_a_sandbox_one_line_says_what_to_do(folder):
    missing = subprocess.run(
        [sys.executable, "-c", WITHOUT, "validate", f"{NAME}.ipynb"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert missing.returncode == 2
    assert "--trust-submissions" in missing.stderr
    assert missing.stderr.count("\n") == 1


def test_ones_own_work_may_be_trusted(folder):
    done = validate(folder, "--trust-submissions")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("0 of 100 points\n")


def test_nbgraders_checksums_are_the_ones_computed_here():
    nbgrader_utils = pytest.importorskip("nbgrader.utils")
    from cs_infer.judge import own_work as module

    for cell in nbformat.read(COURSE.release(NAME), as_version=4).cells:
        if "nbgrader" in cell.metadata:
            assert nbgrader_utils.compute_checksum(cell) == cell.metadata.nbgrader.checksum
            assert module._is_as_released(cell)
            cell.source += " "
            assert not module._is_as_released(cell)
