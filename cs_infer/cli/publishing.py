"""Commands that make things: the notebooks, the sample class, the book."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import click

from cs_infer.cli.console import say, shown, step
from cs_infer.cli.options import assignment_argument, names
from cs_infer.judge.course import Course, CourseError


@click.command()
@assignment_argument
@click.pass_obj
def release(course: Course, assignment: str | None) -> None:
    """Generate the students' notebooks from solutions/ into assignments/."""
    from cs_infer.judge.release import release as generate

    for name in names(course, assignment):
        with step(f"release {name}"):
            path = generate(course, name)
        say(path, course)


@click.command("sample-class")
@assignment_argument
@click.pass_obj
def sample_class(course: Course, assignment: str | None) -> None:
    """Write the sample submissions into nbgrader's submitted folder."""
    from cs_infer.judge.sample_class import build_class

    for name in names(course, assignment):
        with step(f"sample class {name}"):
            folder = course.sample_class(name)
            made = build_class(folder, course.release(name), course.submitted)
        click.echo(f"  {len(made)} submissions in {shown(course.submitted, course)}")


@click.command()
@click.option("--check", is_flag=True, help="Start clean and execute every chapter again.")
@click.pass_obj
def book(course: Course, check: bool) -> None:
    """Build the book; warnings are errors."""
    if check:
        for made in ("html", ".doctrees", ".jupyter_cache"):
            shutil.rmtree(course.build / made, ignore_errors=True)
    log = course.build / "book.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", "."]
    with step("book"), open(log, "w") as output:
        done = subprocess.run(
            [*command, "-W", "-n", "--keep-going"],
            cwd=course.root,
            check=False,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        faults = [line for line in log.read_text().splitlines() if _is_fault(line)]
        click.echo("\n".join(faults[:20]), err=True)
        raise CourseError(f"the book has warnings or errors; all of them: {shown(log, course)}")
    say(course.book / "index.html", course)


def _is_fault(line: str) -> bool:
    return "WARNING:" in line or "ERROR:" in line or "Exception" in line
