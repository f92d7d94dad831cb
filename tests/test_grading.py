"""A class, graded: everyone gets what they earned, and nobody stops it."""

import csv
import html
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from cs_infer.cli import main
from cs_infer.judge.class_run import grade_class
from cs_infer.judge.course import Course
from cs_infer.judge.files import alone
from cs_infer.judge.grader import Grader
from cs_infer.judge.ledger import (
    Ungraded,
    earlier_verdicts,
    kept_verdict,
    verdict_path,
)
from cs_infer.judge.sample_class import build_class, expected_marks
from cs_infer.judge.sandbox import SandboxError, sandbox_works
from cs_infer.judge.template import read_release, rebuild

ROOT = Path(__file__).resolve().parents[1]
NAMES = Course(ROOT).assignment_names()
WORKS, WHY = sandbox_works()
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.xdist_group("grading"),
    pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}"),
]
SECRET = "a secret for tests"
ENVIRONMENT = os.environ | {"CS_INFER_SECRET": SECRET}


class Finished(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def cs_infer(course, *arguments, **changes):
    """Run the command as an instructor would, in a process that has loaded it already."""
    line = ["--course", str(course.root), *arguments]
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        run = CliRunner().invoke(main, line, env={"CS_INFER_SECRET": SECRET, **changes})
    if run.exception and not isinstance(run.exception, SystemExit):
        raise run.exception
    return Finished(run.exit_code, run.stdout, run.stderr)


def make_course(folder):
    shutil.copytree(ROOT / "solutions", folder / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    course = Course(folder)
    assert cs_infer(course, "release").returncode == 0
    return course


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The course with its sample class, graded through the command line."""
    course = make_course(tmp_path_factory.mktemp("course"))
    assert cs_infer(course, "sample-class").returncode == 0
    run = cs_infer(course, "grade", "--workers", "2")
    assert run.returncode == 0, run.stderr
    return course, run


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A course with three quick submissions, to be broken at will."""
    course = make_course(tmp_path_factory.mktemp("small"))
    name = "graphical_model"
    every = course.root / "every"
    build_class(course.sample_class(name), course.release(name), every)
    for student in ("honest-loops", "blank", "corrupt-file"):
        shutil.copytree(every / student, course.submitted / student)
    assert cs_infer(course, "grade").returncode == 0
    return course


def marks(course, name):
    with open(course.grading(name) / "grades.csv") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize("name", NAMES)
def test_everyone_in_the_sample_class_has_what_they_earned(graded, name):
    course, _ = graded
    expected = expected_marks(course.sample_class(name))
    assert len(expected) >= 16
    found = {
        student: {problem: float(row[problem]) for problem in expected[student]}
        for student, row in marks(course, name).items()
    }
    assert found == expected


@pytest.mark.parametrize("name", NAMES)
def test_nbgrader_records_and_exports_the_same_scores(graded, name):
    course, _ = graded
    assert cs_infer(course, "export").returncode == 0
    with open(course.build / "grading" / "gradebook.csv") as file:
        exported = {r["student_id"]: r for r in csv.DictReader(file) if r["assignment"] == name}
    expected = expected_marks(course.sample_class(name))
    assert {s: float(r["score"]) for s, r in exported.items()} == {
        s: sum(points.values()) for s, points in expected.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_feedback_names_the_idea_and_shows_no_check_and_no_markup(graded, name):
    course, _ = graded
    assert cs_infer(course, "feedback").returncode == 0
    pages = {
        p.parents[1].name: p.read_text()
        for p in (course.build / "nbgrader" / "feedback").glob(f"*/{name}/{name}.html")
    }
    assert pages.keys() == expected_marks(course.sample_class(name)).keys()
    assignment = course.assignment(name)
    for student, page in pages.items():
        assert "<script>alert" not in page, student
        assert "a secret for tests" not in page, student
        verdict = json.loads(verdict_path(course, name, student).read_text())
        for problem in verdict["problems"]:
            if problem["misconception"]:
                assert "What this looks like" in page, student
    page = html.unescape(next(iter(pages.values())))
    assert all(p.title in page for p in assignment.problems)


@pytest.mark.parametrize("name", NAMES)
def test_every_misconception_in_the_class_is_named(graded, name):
    course, _ = graded
    found = {
        (problem["name"], problem["misconception"])
        for path in (course.grading(name) / "verdicts").glob("*.json")
        for problem in json.loads(path.read_text())["problems"]
    }
    catalogue = {
        (p.name, idea.name) for p in course.assignment(name).problems for idea in p.misconceptions
    }
    assert catalogue <= found


def test_a_second_run_grades_nothing_and_changes_no_table(graded):
    course, _ = graded
    before = marks(course, "graphical_model")
    run = cs_infer(course, "grade")
    assert run.returncode == 0
    assert f"{len(before)} unchanged" in run.stdout
    assert "grade 1/" not in run.stdout
    assert "record 1/" not in run.stdout
    assert marks(course, "graphical_model") == before


def test_the_same_secret_gives_the_same_verdict(small):
    course, name = small, "graphical_model"
    rebuilt = rebuild(
        read_release(course.release(name)),
        (course.submitted / "honest-loops" / name / f"{name}.ipynb").read_bytes(),
    )
    os.environ["CS_INFER_SECRET"] = SECRET
    first, second = (Grader(course, name).grade("one", rebuilt) for _ in range(2))
    assert first.problems == second.problems
    assert first.provenance["key"] == second.provenance["key"]
    assert Grader(course, name).key("two", rebuilt) != first.provenance["key"]


def test_a_changed_submission_is_graded_again_and_alone(small):
    course, name = small, "graphical_model"
    blank = course.submitted / "blank" / name / f"{name}.ipynb"
    released = blank.read_bytes()
    shutil.copy(course.submitted / "honest-loops" / name / f"{name}.ipynb", blank)
    run = cs_infer(course, "grade")
    assert "2 unchanged" in run.stdout
    assert marks(course, name)["blank"]["total"] == "100"
    blank.write_bytes(released)
    assert cs_infer(course, "grade", "--student", "blank").returncode == 0
    assert len(marks(course, name)) == 3
    assert marks(course, name)["blank"]["total"] == "0"


def test_a_student_who_leaves_leaves_the_table(small):
    course, name = small, "graphical_model"
    shutil.copytree(course.submitted / "blank", course.submitted / "leaver")
    cs_infer(course, "grade")
    assert "leaver" in marks(course, name)
    shutil.rmtree(course.submitted / "leaver")
    cs_infer(course, "grade")
    assert "leaver" not in marks(course, name)


def test_what_nobody_handed_in_is_passed_over_and_is_no_zero(small):
    run = cs_infer(small, "grade")
    assert run.returncode == 0
    assert "messages" not in run.stdout
    assert cs_infer(small, "export").returncode == 0
    with open(small.build / "grading" / "gradebook.csv") as file:
        assert {row["assignment"] for row in csv.DictReader(file)} == {"graphical_model"}


def test_a_killed_run_is_taken_up_where_it_stopped(small):
    course, name = small, "graphical_model"
    verdict_path(course, name, "honest-loops").unlink()
    half = verdict_path(course, name, "blank")
    half.write_text(half.read_text()[:100])
    run = cs_infer(course, "grade")
    assert run.returncode == 0
    assert "1 unchanged" in run.stdout
    assert marks(course, name)["honest-loops"]["total"] == "100"


def test_a_fault_of_the_sandbox_is_never_a_grade(small, monkeypatch):
    def broken(*args):
        raise SandboxError("no namespaces today")

    monkeypatch.setattr("cs_infer.judge.notebook.Session", broken)
    monkeypatch.setenv("CS_INFER_SECRET", "another secret, so that nothing is reused")
    run = grade_class(Grader(small, "graphical_model"))
    assert run.verdicts == {}
    assert run.ungraded[0] == Ungraded(
        "blank", "graphical_model", "no namespaces today", "sandbox failed"
    )
    monkeypatch.undo()
    assert cs_infer(small, "grade").returncode == 0


def test_a_submission_that_cannot_be_graded_is_no_zero_in_the_export(small):
    course, name = small, "graphical_model"
    broken = {"PATH": f"{course.root / 'broken'}:{os.environ['PATH']}"}
    (course.root / "broken").mkdir()
    program = course.root / "broken" / "bwrap"
    program.write_text("#!/bin/sh\ncase $* in */bin/true) exit 0;; esac\necho no box >&2; exit 1\n")
    program.chmod(0o755)
    verdict_path(course, name, "honest-loops").unlink()
    run = cs_infer(course, "grade", **broken)
    assert run.returncode == 1
    assert "not graded: honest-loops: the sandbox did not start: no box" in run.stderr
    assert marks(course, name)["honest-loops"]["total"] == "ungraded"
    cs_infer(course, "export")
    exported = (course.build / "grading" / "gradebook.csv").read_text()
    assert "honest-loops" not in exported
    assert ",blank," in exported
    assert cs_infer(course, "grade").returncode == 0
    cs_infer(course, "export")
    assert "honest-loops" in (course.build / "grading" / "gradebook.csv").read_text()


def test_who_kills_the_grader_is_tried_again_alone_and_the_others_go_on(small, monkeypatch):
    """The worker process itself dies: what a fault of the system would look like."""
    grade, tried = Grader.grade, small.root / "tried"

    def deadly(grader, student, *args):
        if student == "blank":
            with open(tried, "a") as file:
                file.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
        return grade(grader, student, *args)

    monkeypatch.setattr(Grader, "grade", deadly)
    monkeypatch.setenv("CS_INFER_SECRET", "a secret of the day")
    run = grade_class(Grader(small, "graphical_model"), workers=2)
    assert list(run.verdicts) == ["corrupt-file", "honest-loops"]
    assert [(u.student, u.status) for u in run.ungraded] == [("blank", "worker killed")]
    assert tried.read_text() == "xx"


def test_a_fault_that_passes_is_no_fault(small, monkeypatch):
    """An error of ours costs a second try in a fresh process, and no more."""
    grade, first = Grader.grade, small.root / "first"

    def shaky(grader, student, *args):
        if not first.exists():
            first.touch()
            raise KeyError("something of ours")
        return grade(grader, student, *args)

    monkeypatch.setattr(Grader, "grade", shaky)
    monkeypatch.setenv("CS_INFER_SECRET", "a secret of another day")
    run = grade_class(Grader(small, "graphical_model"))
    assert (len(run.verdicts), run.ungraded) == (3, [])


def test_a_regrade_gives_the_same_verdict_and_keeps_the_earlier_one(small):
    name = "graphical_model"
    assert cs_infer(small, "grade").returncode == 0
    before = kept_verdict(small, name, "honest-loops", None)
    known = earlier_verdicts(small, name, "honest-loops")
    run = cs_infer(small, "grade", name, "--student", "honest-loops", "--again")
    assert run.returncode == 0
    assert f"{name}, 0 unchanged" in run.stdout
    after = kept_verdict(small, name, "honest-loops", None)
    assert after.problems == before.problems
    assert after.provenance["key"] == before.provenance["key"]
    assert after.provenance["graded_at"] > before.provenance["graded_at"]
    assert earlier_verdicts(small, name, "honest-loops") == [*known, before]


def test_one_problem_is_judged_anew_and_the_other_results_stand(small):
    name, problem = "graphical_model", "traj_logprob"
    assert cs_infer(small, "grade").returncode == 0
    path = verdict_path(small, name, "honest-loops")
    verdict = json.loads(path.read_text())
    for result in verdict["problems"]:  # as if the judge had erred twice
        result["properties"][0] |= {"earned": 0.0, "fault": "a judge's whim"}
    path.write_text(json.dumps(verdict))
    run = cs_infer(small, "grade", "--student", "honest-loops", "--problem", problem)
    assert run.returncode == 0
    row = marks(small, name)["honest-loops"]
    assert row[problem] == "25"
    assert float(row["posterior_enumerate"]) < 40
    kept = kept_verdict(small, name, "honest-loops", None).provenance["kept"]
    assert kept["key"] == verdict["provenance"]["key"]
    assert kept["problems"] == ["p_not_optimal", "posterior_enumerate"]
    assert cs_infer(small, "grade", "--student", "honest-loops", "--again").returncode == 0
    assert marks(small, name)["honest-loops"]["total"] == "100"


def test_one_problem_of_changed_work_means_all_of_it(small):
    name = "graphical_model"
    assert cs_infer(small, "grade").returncode == 0
    blank = small.submitted / "blank" / name / f"{name}.ipynb"
    released = blank.read_bytes()
    shutil.copy(small.submitted / "honest-loops" / name / f"{name}.ipynb", blank)
    cs_infer(small, "grade", "--student", "blank", "--problem", "traj_logprob")
    assert marks(small, name)["blank"]["total"] == "100"
    blank.write_bytes(released)
    cs_infer(small, "grade")
    assert marks(small, name)["blank"]["total"] == "0"


def test_a_course_is_graded_by_one_process_at_a_time(small):
    with alone(small.lock, "held by the test"):
        run = cs_infer(small, "grade")
    assert run.returncode == 2
    assert run.stderr == (
        f"cs-infer: this course is being graded already (process {os.getpid()})\n"
    )
    assert cs_infer(small, "grade").returncode == 0


def test_control_c_stops_at_once_and_the_same_command_goes_on(small):
    name = "graphical_model"
    endless = small.submitted / "endless" / name / f"{name}.ipynb"
    endless.parent.mkdir(parents=True)
    notebook = json.loads((small.submitted / "blank" / name / f"{name}.ipynb").read_text())
    cell = next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("solution"))
    cell["source"] = "import time\ntime.sleep(60)"  # up to the limit of a cell, 20 s
    endless.write_text(json.dumps(notebook))
    command = [sys.executable, "-m", "cs_infer.cli", "grade", "--again", "--workers", "2"]
    with subprocess.Popen(
        command,
        cwd=small.root,
        env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        seen = [run.stdout.readline() for _ in range(3)]
        assert seen[2].startswith("grade 3/4")
        os.killpg(run.pid, signal.SIGINT)
        started = time.monotonic()
        _, said = run.communicate(timeout=60)
        assert time.monotonic() - started < 15
    assert run.returncode == 130
    assert said == "\nstopped; what was graded is kept, and the same command goes on\n"
    assert not verdict_path(small, name, "endless").exists()
    shutil.rmtree(endless.parents[1])
    again = cs_infer(small, "grade")
    assert again.returncode == 0
    assert "3 unchanged" in again.stdout


def test_nbgraders_own_command_goes_through_the_same_checker(small):
    course, name = small, "graphical_model"
    shutil.rmtree(course.build / "nbgrader" / "autograded", ignore_errors=True)
    shutil.rmtree(course.build / "nbgrader" / "receipts")
    for student in ("honest-loops", "blank"):
        run = subprocess.run(
            [sys.executable, "-m", "nbgrader", "autograde", name, "--student", student, "--force"],
            cwd=course.root,
            env=ENVIRONMENT
            | {"PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert run.returncode == 0, run.stderr
    assert cs_infer(course, "export").returncode == 0
    text = (course.build / "grading" / "gradebook.csv").read_text()
    scores = {r["student_id"]: float(r["score"]) for r in csv.DictReader(text.splitlines())}
    assert (scores["honest-loops"], scores["blank"]) == (100.0, 0.0)


def test_a_student_can_validate_a_notebook_before_the_deadline(small):
    name = "graphical_model"
    notebook = small.submitted / "honest-loops" / name / f"{name}.ipynb"
    run = cs_infer(small, "validate", str(notebook))
    assert run.returncode == 0, run.stderr
    assert run.stdout.endswith("100 points\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("grade", "nope"),
            "no assignment 'nope' in solutions/; there are: adaptive_temperature, ",
        ),
        (("grade", "--student", "nobody"), "no submission by nobody in"),
        (("feedback", "--student", "nobody"), "no grades for nobody; run: cs-infer grade"),
        (("grade", "messages"), "no submissions of messages in"),
        (
            ("feedback", "messages"),
            "no grades of messages; run: cs-infer grade messages",
        ),
        (("release", "nope"), "no assignment 'nope'"),
        (("grade", "--problem", "nope"), "no problem nope; there are: p_not_optimal, posterior"),
    ],
)
def test_a_wrong_command_is_answered_in_one_line(small, arguments, says):
    run = cs_infer(small, *arguments)
    assert run.returncode == 2
    assert says in run.stderr
    assert run.stderr.count("\n") == 1
    assert "Traceback" not in run.stderr


def test_no_submissions_is_said_and_nothing_is_written(tmp_path):
    course = make_course(tmp_path)
    run = cs_infer(course, "grade")
    assert run.returncode == 2
    assert "submissions lie in" in run.stderr
    assert not course.grading("graphical_model").exists()


def test_without_a_sandbox_the_command_refuses(small):
    run = cs_infer(small, "grade", PATH="/nowhere")
    assert run.returncode == 2
    assert "Student code runs in a sandbox only" in run.stderr
    assert run.stderr.count("\n") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to mount a small disk")
def test_a_full_disk_is_one_clear_line_and_nothing_half_written(small):
    name = "graphical_model"
    before = marks(small, name)
    folder = small.grading(name) / "verdicts"
    verdicts = {p.name: p.read_bytes() for p in folder.glob("*.json")}
    script = (
        f"mount -t tmpfs -o size=64k tmpfs {folder} && dd if=/dev/zero of={folder}/fill bs=1k "
        f"2>/dev/null; exec {sys.executable} -m cs_infer.cli grade"
    )
    run = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        cwd=small.root,
        env=ENVIRONMENT | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 2, run.stdout
    assert run.stderr.count("\n") == 1
    assert "No space left on device" in run.stderr
    assert {p.name: p.read_bytes() for p in folder.glob("*.json")} == verdicts
    assert marks(small, name) == before
