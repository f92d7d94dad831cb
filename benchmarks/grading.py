"""A class to be graded, by a stock nbgrader and by this course's grader.

Both get the same students with the same code. The stock course has what most
courses have: a few assertions in each test cell, and nbgrader as it comes.
Every submission differs from every other by a comment, so that nobody can use
a result twice.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sqlite3 import connect
from typing import Any

import nbformat
from IPython.core.interactiveshell import InteractiveShell

from benchmarks.report import HERE
from cs_infer.judge.course import Course
from cs_infer.judge.grader import Grader
from cs_infer.judge.notebook import cells_to_run
from cs_infer.judge.problem import Assignment, Problem
from cs_infer.judge.release import source_notebook
from cs_infer.judge.sample_class import Submission, fill_in, read_submissions
from cs_infer.judge.sandbox import Nursery
from cs_infer.judge.template import Rebuilt, read_release, rebuild
from cs_infer.judge.verdict import judge

ROOT = HERE.parent
NAME = "graphical_model"
CLASSIC_TESTS = {
    "check-traj_logprob": (
        "answer = traj_logprob(P, mu0, rho, np.array([0, 1]), np.array([1, 0]))\n"
        "assert abs(answer - np.log(1 / 4)) < 1e-6"  # nbgrader takes a warning for a failure
    ),
    "check-posterior_enumerate": (
        "s, a, p = posterior_enumerate(P, R, mu0, rho, 2)\n"
        "assert np.shape(s) == np.shape(a)\n"
        "assert np.isclose(float(sum(p)), 1)\n"
        "assert np.isclose(float(max(p)), 16 / 47)"
    ),
    "check-p_not_optimal": (
        "answer = np.array([[float(x) for x in row] for row in p_not_optimal(R, rho)])\n"
        "assert np.allclose(answer, [[2 / 5, 3 / 5], [0, 1]])"
    ),
}
CLASSES = {
    "numpy": ("honest-loops", "honest-vectorised", "no-dynamics", "honest-product", "blank"),
    "torch": ("honest-torch", "honest-torch", "honest-torch with no-dynamics"),
}
"""Who is in a class, by turns; "a with b" has everything of a but the last answer, which is b's."""


@dataclass(frozen=True)
class Run:
    """One program's grading of a class.

    Attributes:
        seconds: from the start of the program to its end.
        marks: what each student earned.
    """

    seconds: float
    marks: dict[str, float]


def students(kind: str, count: int) -> list[Submission]:
    """A class of this size, no two submissions the same.

    Args:
        kind: a key of :data:`CLASSES`.
        count: how many students.
    """
    known = {s.student: s for s in read_submissions(Course(ROOT).sample_class(NAME))}
    return [
        _signed(_mixed(known, CLASSES[kind][i % len(CLASSES[kind])]), f"{kind}-{i:03d}")
        for i in range(count)
    ]


def _mixed(known: dict[str, Submission], who: str) -> Submission:
    first, _, second = who.partition(" with ")
    if not second:
        return known[first]
    last = list(known[first].solutions)[-1]
    marks = known[first].expected | {last: known[second].expected[last]}
    solutions = known[first].solutions | {last: known[second].solutions[last]}
    return replace(known[first], expected=marks, solutions=solutions)


def _signed(submission: Submission, student: str) -> Submission:
    signed = {name: f"{text}\n# {student}" for name, text in submission.solutions.items()}
    return replace(submission, student=student, solutions=signed)


def stock_course(folder: Path, people: Sequence[Submission]) -> Path:
    """A course as nbgrader's own documentation lays it out, with the class's submissions."""
    course = Course(ROOT)
    text = course.source(NAME).read_text(encoding="utf-8")
    notebook = source_notebook(text, course.assignment(NAME))
    for cell in notebook.cells:
        cell.source = CLASSIC_TESTS.get(cell.id, cell.source)
    source = folder / "source" / NAME / f"{NAME}.ipynb"
    source.parent.mkdir(parents=True)
    nbformat.write(notebook, source)
    (folder / "nbgrader_config.py").write_text("c = get_config()\n")
    _program(folder, "nbgrader", "generate_assignment", NAME)
    _hand_in(folder / "release" / NAME / f"{NAME}.ipynb", folder / "submitted", people)
    return folder


def own_course(folder: Path, people: Sequence[Submission]) -> Path:
    """A course of this project with the class's submissions."""
    shutil.copytree(ROOT / "solutions" / NAME, folder / "solutions" / NAME)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    _program(folder, "cs_infer.cli", "release", NAME)
    course = Course(folder)
    _hand_in(course.release(NAME), course.submitted, people)
    return folder


def _hand_in(release: Path, submitted: Path, people: Sequence[Submission]) -> None:
    released = json.loads(release.read_text(encoding="utf-8"))
    for person in people:
        target = submitted / person.student / NAME / f"{NAME}.ipynb"
        target.parent.mkdir(parents=True)
        target.write_text(json.dumps(fill_in(released, person)), encoding="utf-8")


def grade_as_stock(course: Path) -> Run:
    """``nbgrader autograde`` with nbgrader as it comes."""
    seconds = _program(course, "nbgrader", "autograde", NAME)
    return Run(seconds, dict(_marks(course / "gradebook.db")))


def grade_as_here(course: Path, workers: int) -> Run:
    """``cs-infer grade``, into the same kind of gradebook."""
    seconds = _program(course, "cs_infer.cli", "grade", NAME, "--workers", str(workers))
    return Run(seconds, dict(_marks(Course(course).gradebook)))


def _program(course: Path, module: str, *arguments: str) -> float:
    """Run a program in a course; returns how long it took.

    Raises:
        RuntimeError: it failed; the message is the end of what it said.
    """
    here = str(Path(sys.executable).parent)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CS_INFER_SECRET": "a benchmark's"}
    environment["PATH"] = os.pathsep.join([here, environment.get("PATH", "")])
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=course,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{module} {arguments[0]}: {(done.stderr or done.stdout)[-1000:]}")
    return seconds


def _marks(database: Path) -> Iterator[tuple[str, float]]:
    """What the gradebook holds for each student."""
    query = """
        SELECT submitted_assignment.student_id, SUM(COALESCE(grade.manual_score, grade.auto_score))
        FROM submitted_assignment
        JOIN submitted_notebook ON submitted_notebook.assignment_id = submitted_assignment.id
        JOIN grade ON grade.notebook_id = submitted_notebook.id
        GROUP BY submitted_assignment.student_id
    """
    with contextlib.closing(connect(database)) as connection:
        yield from connection.execute(query)


def wrong_marks(run: Run, people: Sequence[Submission], stock: bool) -> list[str]:
    """Who got other marks than they earned; of a stock course only who is right is known."""
    expected = {p.student: sum(p.expected.values()) for p in people}
    if stock:
        expected = {who: points for who, points in expected.items() if points == 100}
    return [
        f"{who} has {run.marks.get(who)} and earned {points:g}"
        for who, points in expected.items()
        if run.marks.get(who) != points
    ]


@contextlib.contextmanager
def one_notebook(course: Path, kind: str) -> Iterator[tuple[Callable[[], float], ...]]:
    """The first notebook of a class, judged again and again: in the sandbox, and in this process.

    Args:
        course: where :func:`own_course` put the class.
        kind: a key of :data:`CLASSES`.

    Yields:
        Two functions of no arguments, which return the points earned.
    """
    here = Course(course)
    grader = Grader(here, NAME)
    sent = here.submitted / f"{kind}-000" / NAME / f"{NAME}.ipynb"
    rebuilt = rebuild(read_release(here.release(NAME)), sent.read_bytes())
    with grader.box() as box, Nursery(box) as nursery:
        yield (
            lambda: grader.grade("one", rebuilt, nursery.place_for).earned,
            lambda: _judged_here(grader.assignment, rebuilt),
        )


def _judged_here(assignment: Assignment, rebuilt: Rebuilt) -> float:
    """The same cells, the same calls, and nothing between them and us."""
    shell = InteractiveShell()
    shell.history_manager.enabled = False
    for _, source in cells_to_run(rebuilt):
        shell.run_cell(source)

    def ask(problem: Problem) -> float:
        function = shell.user_ns[problem.name]
        return judge(problem, lambda inputs: _plain(function(**inputs)), ("one", NAME)).earned

    return sum(map(ask, assignment.problems))


def _plain(answer: Any) -> Any:
    if isinstance(answer, tuple):
        return tuple(map(_plain, answer))
    return answer.detach().numpy() if hasattr(answer, "detach") else answer
