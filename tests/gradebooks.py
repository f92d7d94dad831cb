"""A small course with verdicts made by hand: nothing is run, all is recorded."""

import json
import shutil
from pathlib import Path

from nbgrader.api import Gradebook

from cs_infer.judge import ledger
from cs_infer.judge.class_run import ClassRun
from cs_infer.judge.course import Course
from cs_infer.judge.grader import Grader
from cs_infer.judge.ledger import Verdict
from cs_infer.judge.records import gradebook
from cs_infer.judge.release import release
from cs_infer.judge.submissions import taken
from cs_infer.judge.template import read_release
from cs_infer.judge.verdict import ProblemResult, PropertyResult

ROOT = Path(__file__).resolve().parents[1]
NAME = "small"
_CHECKS = """
from cs_infer.judge.answers import as_number
from cs_infer.judge.problem import Assignment, Problem, Property, Written

def _problem(name, factor):
    return Problem(
        name=name, title=name, reference=lambda x: factor * x,
        read=lambda inputs, answer: as_number(answer),
        properties=(Property("p", f"It is {factor} x.", 40.0, lambda rng: {"x": rng.random()}),),
        misconceptions=(), example={"x": 1.0}, section="page.html",
    )

ASSIGNMENT = Assignment(
    name="small", title="A small one", problems=(_problem("double", 2), _problem("triple", 3)),
    written=(Written("why", "Why?", 20.0),),
)
"""
_SOURCE = """# %% [markdown]
# # A small one

# %% given="setup"
import math

# %% solution="double"
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% check="double" points=40
"checked"

# %% solution="triple"
def triple(x):
    ### BEGIN SOLUTION
    return 3 * x
    ### END SOLUTION

# %% check="triple" points=40
"checked"

# %% [markdown] written="why" points=20
# Since two is two.
"""


def make_course(folder):
    """A course with one assignment: two functions and a question, released."""
    (folder / "solutions" / NAME).mkdir(parents=True)
    (folder / "solutions" / NAME / "checks.py").write_text(_CHECKS)
    (folder / "solutions" / NAME / f"{NAME}.py").write_text(_SOURCE)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    course = Course(folder)
    release(course, NAME)
    return course


def hand_in(course, student, answers=(), timestamp=None, edit=None, file=f"{NAME}.ipynb"):
    """Put a submission where the grader looks: the release, with these cells' texts."""
    notebook = json.loads(course.release(NAME).read_text())
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = dict(answers).get(grade_id, cell["source"])
    data = json.dumps(notebook).encode()
    folder = course.submitted / student / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(edit(data) if edit else data)
    if timestamp:
        (folder / "timestamp.txt").write_text(timestamp)


def verdict_of(course, student, double=40.0, triple=40.0, cells=None):
    """A verdict with these points, kept as the grader's would be; and the rebuilt notebook."""
    template = read_release(course.release(NAME))
    rebuilt = taken(NAME, student, course.submitted / student / NAME, template)
    points = {"double": double, "triple": triple}
    verdict = Verdict(
        student=student,
        assignment=NAME,
        problems=tuple(_result(name, earned) for name, earned in points.items()),
        cells=cells or {},
        notes=tuple(rebuilt.notes),
        provenance={"key": Grader(course, NAME).key(student, rebuilt)},
    )
    ledger.keep(course, verdict)
    return verdict, rebuilt


def class_of(course, points):
    """A class run: the points of each student, or None for who could not be graded."""
    run = ClassRun()
    for student, earned in points.items():
        if earned is None:
            run.ungraded.append(ledger.Ungraded(student, NAME, "no sandbox", "sandbox failed"))
        else:
            run.verdicts[student], run.rebuilt[student] = verdict_of(course, student, *earned)
    return run


def record(course, points):
    """Record a class as ``cs-infer grade`` does; returns how many were recorded."""
    run = class_of(course, points)
    gradebook.forget(course, NAME, [u.student for u in run.ungraded])
    return gradebook.record(course, NAME, run, lambda student, done, total: None)


def opened(course):
    return Gradebook(f"sqlite:///{course.gradebook}")


def _result(name, earned):
    fault = None if earned == 40.0 else "it is not"
    return ProblemResult(
        name, name, "page.html", (PropertyResult("p", "It is.", earned, 40.0, fault),)
    )
