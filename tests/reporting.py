"""Verdicts made by hand, and a small class graded for good, for the tests of what people read."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from cs_infer.cli import main
from cs_infer.judge.course import Course
from cs_infer.judge.ledger import Verdict
from cs_infer.judge.problem import Assignment, Problem, Property, Written
from cs_infer.judge.sample_class import build_class
from cs_infer.judge.verdict import ProblemResult, PropertyResult

ROOT = Path(__file__).resolve().parents[1]
SECRET = "a secret for tests of reports"
NAME = "graphical_model"
STUDENTS = ("honest-chatty", "two-mistakes", "blank")

HOSTILE = r"""
from IPython.display import HTML, display
print("</pre></details><script>document.title = 'owned'</script><img src=x onerror=alert(1)>")
print("\x1b[31mred\x1b[0m \x1b]0;title\x07 \u202egnp.exe \x00\x08 <b>bold</b> &amp; {{7*7}} ${x}")
print("w" * 5000)
display(HTML("<iframe src='https://example.org'></iframe>"))
raise ValueError("</pre><script>document.title = 'owned'</script>\x1b[2J")
"""


def problem(name, *points):
    """A problem with properties p0, p1, … of these points."""
    properties = tuple(
        Property(f"p{i}", f"property {i} of {name}", float(x), lambda rng: {"x": rng.random()})
        for i, x in enumerate(points)
    )
    return Problem(
        name=name,
        title=f"Problem {name}",
        reference=np.sqrt,
        read=lambda inputs, answer: answer,
        properties=properties,
        misconceptions=(),
        example={"x": 1.0},
        section="messages.html#the-backward-pass",
    )


def assignment(*problems, written=()):
    return Assignment("a1", "Assignment <1>", problems, written=tuple(written))


def written(name="why", points=10.0):
    return Written(name, "Why is it so?", points, "messages.html#the-backward-pass")


def result(asked, *earned, **more):
    """What judging found, when these properties earned their points and others did not."""
    properties = tuple(
        PropertyResult(p.name, p.statement, p.points if right else 0.0, p.points, None if right else
                       more.get("fault", "it is 2 where 1 is expected"))
        for p, right in zip(asked.properties, earned, strict=True)
    )  # fmt: skip
    more.pop("fault", None)
    return ProblemResult(asked.name, asked.title, asked.section, properties, **more)


def verdict(student, *results, cells=None, notes=(), **provenance):
    provenance = {"key": f"{student:0<64}", "seconds": 1.0} | provenance
    return Verdict(student, "a1", results, cells or {}, tuple(notes), provenance)


def output(text="", error="", status="ran", pictures=()):
    return {"status": status, "text": text, "error": error, "pictures": list(pictures)}


def cs_infer(course, *arguments, **changes):
    """Run the command as an instructor would."""
    return subprocess.run(
        [sys.executable, "-m", "cs_infer.cli", *arguments],
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CS_INFER_SECRET": SECRET} | changes,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def here(course, *arguments, **changes):
    """Run a command that starts no student code, in this process."""
    environment = {"CS_INFER_SECRET": SECRET} | changes
    return CliRunner(env=environment).invoke(main, ["--course", str(course.root), *arguments])


def small_class(folder):
    """A course with four submissions, one of them hostile, graded through the command."""
    for part in ("solutions", "assignments"):
        shutil.copytree(ROOT / part / NAME, folder / part / NAME)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    course = Course(folder)
    assert here(course, "release").exit_code == 0
    every = folder / "every"
    build_class(course.sample_class(NAME), course.release(NAME), every)
    for student in STUDENTS:
        shutil.copytree(every / student, course.submitted / student)
    honest = every / "honest-loops" / NAME / f"{NAME}.ipynb"
    notebook = json.loads(honest.read_text())
    own = {"cell_type": "code", "metadata": {}, "outputs": [], "source": HOSTILE}
    notebook["cells"].append(own | {"execution_count": None})
    target = course.submitted / "<i>hostile" / NAME
    target.mkdir(parents=True)
    (target / f"{NAME}.ipynb").write_text(json.dumps(notebook))
    run = cs_infer(course, "grade", "--workers", "1")
    assert run.returncode == 0, run.stderr
    return course
