"""A run that is killed, or has no disk left: nothing is lost, nothing is done twice."""

import csv
import functools
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest

from cs_infer.cli import main
from cs_infer.judge.course import Course
from cs_infer.judge.records import gradebook  # noqa: F401 - loaded once, for every run below
from cs_infer.judge.sample_class import build_class, expected_marks
from cs_infer.judge.sandbox import sandbox_works

ROOT = Path(__file__).resolve().parents[1]
NAME = "graphical_model"
STUDENTS = ("blank", "corrupt-file", "honest-loops", "in-bits", "two-mistakes", "wrong-name")
MOMENTS = 12
WORKS, WHY = sandbox_works()
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.xdist_group("killed-runs"),
    pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}"),
    pytest.mark.skipif(sys.platform != "linux", reason="the tests rely on fork"),
]


def run(course, *arguments):
    """Start the command in a process group of its own, with everything loaded already."""
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        log = os.open(course.root / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        os.environ["CS_INFER_SECRET"] = "a secret for tests"
        main(["--course", str(course.root), *arguments])
    except SystemExit as end:
        sys.stdout.flush()
        os._exit(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(99)


def finish(course, *arguments):
    status = os.waitstatus_to_exitcode(os.waitpid(run(course, *arguments), 0)[1])
    assert status == 0, (course.root / "log.txt").read_text()[-3000:]


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A course with six submissions, not graded yet."""
    course = Course(tmp_path_factory.mktemp("released"))
    shutil.copytree(ROOT / "solutions" / NAME, course.root / "solutions" / NAME)
    shutil.copy(ROOT / "nbgrader_config.py", course.root)
    finish(course, "release")
    every = course.root / "every"
    build_class(course.sample_class(NAME), course.release(NAME), every)
    for student in STUDENTS:
        shutil.copytree(every / student, course.submitted / student)
    return course


@pytest.fixture(scope="module")
def undisturbed(released, tmp_path_factory):
    """The same course graded in one go."""
    course = copied(released, tmp_path_factory.mktemp("undisturbed"))
    finish(course, "grade", "--workers", "2")
    return course


def copied(course, folder):
    shutil.copytree(course.root, folder, dirs_exist_ok=True)
    return Course(folder)


def table(course):
    with open(course.grading(NAME) / "grades.csv") as file:
        return list(csv.DictReader(file))


def verdicts(course):
    """The verdicts on disk, all of which are whole."""
    folder = course.grading(NAME) / "verdicts"
    return {p.stem: json.loads(p.read_text()) for p in folder.glob("*.json")}


def recorded(course):
    """What nbgrader's database holds: scores by student, from the tables themselves."""
    with sqlite3.connect(course.gradebook) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = database.execute(
            "SELECT whole.student_id, SUM(COALESCE(grade.auto_score, 0)), COUNT(grade.id) "
            "FROM submitted_assignment AS whole "
            "JOIN submitted_notebook AS part ON part.assignment_id = whole.id "
            "JOIN grade ON grade.notebook_id = part.id GROUP BY whole.student_id"
        ).fetchall()
    return {student: (score, cells) for student, score, cells in rows}


@pytest.mark.parametrize("part", range(3))
def test_kill_9_at_any_moment_and_the_same_command_again(released, undisturbed, part, tmp_path):
    """A moment is so many lines of progress and a little more, however busy the machine is.

    A run that ended by itself before its moment came is checked and begun afresh.
    """
    course, whole = copied(released, tmp_path / "course"), undisturbed
    rng = random.Random(f"moment {part}")
    kept, killed = {}, 0
    for afresh in range(10 * MOMENTS):
        child = run(course, "grade", "--workers", "2")
        wait_for(functools.partial(has_said, course, lines(course) + rng.randint(0, 4)), child)
        time.sleep(rng.uniform(0.0, 0.2))
        os.killpg(child, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        now = verdicts(course)
        assert {s: v for s, v in now.items() if s in kept} == kept, "lost, or graded twice"
        kept = now
        assert recorded(course).items() <= recorded(whole).items()
        killed += status == -signal.SIGKILL
        if killed == MOMENTS // 3:
            break
        if status != -signal.SIGKILL:
            assert status == 0, (course.root / "log.txt").read_text()[-3000:]
            assert table(course) == table(whole)
            course, kept = copied(released, tmp_path / f"course {afresh}"), {}
    assert killed == MOMENTS // 3
    finish(course, "grade", "--workers", "2")
    assert table(course) == table(whole)
    assert {s: v for s, v in verdicts(course).items() if s in kept} == kept
    assert not (course.grading(NAME) / "history").exists()
    assert recorded(course) == recorded(whole)
    assert {s: score for s, (score, _) in recorded(course).items()} == marks()


def has_said(course, count):
    return lines(course) >= count


def lines(course):
    return (course.root / "log.txt").read_text().count("\n")


def wait_for(condition, child):
    """Wait until something is so, or the child has ended."""
    deadline = time.monotonic() + 120
    while not condition() and alive(child) and time.monotonic() < deadline:
        time.sleep(0.005)


def marks():
    expected = expected_marks(ROOT / "solutions" / NAME / "sample_class")
    return {student: sum(expected[student].values()) for student in STUDENTS}


def test_the_workers_of_a_killed_run_end_too(released, tmp_path):
    course = copied(released, tmp_path / "course")
    child = run(course, "grade", "--workers", "2")
    wait_for(lambda: children(child), child)
    workers = children(child)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    deadline = time.monotonic() + 30
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers
    assert not any(map(alive, workers))
    finish(course, "grade")  # the lock went with them


def children(process):
    return [
        int(child)
        for task in Path(f"/proc/{process}/task").glob("*/children")
        for child in task.read_text().split()
    ]


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def can_mount():
    mount = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/tmp"]
    try:
        return subprocess.run(mount, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


FULL = """
set -e
mv {place} {place}.before
mkdir {place}
mount -t tmpfs -o size={size} tmpfs {place}
cp -a {place}.before/. {place}/
dd if=/dev/zero of={place}/fill bs=4k count=100000 2>/dev/null || true
set +e
{python} -m cs_infer.cli grade --workers 2
status=$?
set -e
rm {place}/fill
rm -r {place}.before
mkdir {place}.after
cp -a {place}/. {place}.after/
umount {place}
rmdir {place}
mv {place}.after {place}
exit $status
"""


@pytest.mark.skipif(not can_mount(), reason="needs to mount a small disk")
@pytest.mark.parametrize(
    ("place", "size", "before"),
    [
        ("_build/grading", "64k", ()),
        ("_build/nbgrader", "32m", ()),
        ("_build/grading", "1m", ("grades.html", "grades.csv")),
    ],
    ids=["at the verdicts", "at the gradebook", "at the table"],
)
def test_a_full_disk_is_one_clear_line_and_the_same_command_goes_on(
    released, undisturbed, place, size, before, tmp_path
):
    whole = undisturbed
    course = copied(whole if before else released, tmp_path / "course")
    (course.root / place).mkdir(parents=True, exist_ok=True)
    for file in before:
        (course.grading(NAME) / file).unlink()
    done = subprocess.run(
        ["unshare", "--mount", "sh"],
        input=FULL.format(place=place, size=size, python=sys.executable),
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CS_INFER_SECRET": "a secret for tests"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "No space left on device" in done.stderr or "disk is full" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (course.grading(NAME) / "grades.csv").exists()
    assert recorded(course).items() <= recorded(whole).items()
    kept = verdicts(course)
    finish(course, "grade")
    assert table(course) == table(whole)
    assert recorded(course) == recorded(whole)
    assert {s: v for s, v in verdicts(course).items() if s in kept} == kept
