"""``cs-infer``: the course, step by step, from the command line.

Exit status 0: done. 1: some submission could not be graded. 2: the command
could not be carried out; one line says why, and nothing is half-written.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from cs_infer import __version__
from cs_infer.judge.course import Course, CourseError

_MOST_COLUMN = 30


class _Group(click.Group):
    """Turns expected faults into one line and an exit status of 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (FileNotFoundError, KeyError, ValueError) as error:
            text = error.args[0] if isinstance(error, KeyError) and error.args else error
            _fail(str(text))
        except OSError as error:
            _fail(f"{error.strerror or error}: {error.filename or 'while writing'}")


def _fail(message: str) -> NoReturn:
    click.echo(f"cs-infer: {' '.join(message.split())}", err=True)
    sys.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cs-infer")
@click.option(
    "--course",
    "folder",
    type=click.Path(path_type=Path),
    help="The course's folder; found from here by default.",
)
@click.pass_context
def main(ctx: click.Context, folder: Path | None) -> None:
    """Release, grade and publish the course Control as Inference."""
    ctx.obj = Course.find(folder)


_assignment = click.argument("assignment", required=False)
_students = click.option(
    "--student", "students", multiple=True, help="Only this student; may be repeated."
)
_workers = click.option(
    "--workers",
    type=click.IntRange(1),
    default=lambda: max(1, (os.cpu_count() or 1)),
    show_default="number of processors",
    help="How many submissions to grade at once.",
)
_trust = click.option(
    "--trust-submissions",
    "trusted",
    is_flag=True,
    help="Grade without a sandbox. Only for submissions you have written yourself.",
)


@main.command()
@_assignment
@click.pass_obj
def release(course: Course, assignment: str | None) -> None:
    """Generate the students' notebooks from solutions/ into assignments/."""
    from cs_infer.judge.release import release as generate

    for name in _names(course, assignment):
        with _step(f"release {name}"):
            path = generate(course, name)
        _say(path, course)


@main.command("sample-class")
@_assignment
@click.pass_obj
def sample_class(course: Course, assignment: str | None) -> None:
    """Write the sample submissions into nbgrader's submitted folder."""
    from cs_infer.judge.sample_class import build_class

    for name in _names(course, assignment):
        with _step(f"sample class {name}"):
            folder = course.sample_class(name)
            made = build_class(folder, course.release(name), course.submitted)
        click.echo(f"  {len(made)} submissions in {_shown(course.submitted, course)}")


@main.command()
@_assignment
@_students
@_workers
@_trust
@click.pass_context
def grade(
    ctx: click.Context,
    assignment: str | None,
    students: tuple[str, ...],
    workers: int,
    trusted: bool,
) -> None:
    """Grade submitted/<student>/<assignment>/*.ipynb and record the scores.

    A second run grades only what changed. Exit status 1 means that a
    submission could not be graded, through no fault of the student.
    """
    course: Course = ctx.obj
    _require_sandbox(trusted)
    if _grade_each(course, _submitted(course, assignment, students), workers, trusted):
        ctx.exit(1)


def _grade_each(
    course: Course, work: list[tuple[str, list[str] | None]], workers: int, trusted: bool
) -> int:
    """Grade these students' work, by assignment; returns how many could not be graded."""
    from cs_infer.judge import gradebook, grades
    from cs_infer.judge.files import write_whole
    from cs_infer.judge.grader import Grader, class_so_far, drop_departed, grade_class

    missing = 0
    for name, students in work:
        run = grade_class(Grader(course, name, trusted), students, workers, _progress("grade"))
        failed = [u.student for u in run.ungraded]
        gradebook.forget(course, name, [*drop_departed(course, name), *failed])
        gradebook.record(course, name, run, _progress("record"))
        asked, table = course.assignment(name), course.grading(name)
        whole = class_so_far(course, name, run)
        write_whole(table / "grades.html", grades.as_page(asked, whole))
        write_whole(table / "grades.csv", grades.as_csv(asked, whole))
        _print_table(grades.rows(asked, run), f"{name}, {run.reused} unchanged")
        _say(table / "grades.html", course)
        for ungraded in run.ungraded:
            click.echo(_printable(f"not graded: {ungraded.student}: {ungraded.reason}"), err=True)
        missing += len(run.ungraded)
    return missing


@main.command()
@_assignment
@_students
@click.pass_obj
def feedback(course: Course, assignment: str | None, students: tuple[str, ...]) -> None:
    """Write a feedback page for every graded submission."""
    from cs_infer.judge import gradebook

    pages = course.build / "nbgrader" / "autograded"
    found = [
        (name, sorted(p.parent.name for p in pages.glob(f"*/{name}")))
        for name in _names(course, assignment)
    ]
    of = f" of {assignment}" if assignment else ""
    missing = sorted(set(students).difference(*(graded for _, graded in found)))
    if missing or not any(graded for _, graded in found):
        who = ", ".join(missing) or "nobody"
        again = f"cs-infer grade {assignment or ''}".strip()
        raise CourseError(f"no grades{of} for {who}; run: {again}")
    for name, graded in found:
        asked = [s for s in graded if not students or s in students]
        if asked:
            gradebook.feedback(course, name, asked, _progress("feedback"))
    _say(course.build / "nbgrader" / "feedback", course)


@main.command()
@click.option("--to", "target", type=click.Path(path_type=Path), help="The CSV file to write.")
@click.pass_obj
def export(course: Course, target: Path | None) -> None:
    """Export nbgrader's gradebook as CSV."""
    from cs_infer.judge import gradebook

    _say(gradebook.export(course, target or course.build / "grading" / "gradebook.csv"), course)


@main.command()
@click.argument("notebook", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@_trust
@click.pass_context
def validate(ctx: click.Context, notebook: Path, trusted: bool) -> None:
    """Run the whole grading of one notebook, on inputs of its own."""
    from cs_infer.judge.grader import Grader
    from cs_infer.judge.report import as_text
    from cs_infer.judge.template import read_release, rebuild

    _require_sandbox(trusted)
    course: Course = ctx.obj
    (name,) = _names(course, notebook.stem)
    rebuilt = rebuild(read_release(course.release(name)), notebook.read_bytes())
    verdict = Grader(course, name, trusted).grade("yourself", rebuilt)
    for note in verdict.notes:
        click.echo(f"note: {note}")
    for result in verdict.problems:
        report = as_text(result, result.title)
        click.echo("\n".join(map(_printable, report.splitlines())) + "\n")
    click.echo(f"{verdict.earned:g} points")


@main.command()
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
    with _step("book"), open(log, "w") as output:
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
        raise CourseError(f"the book has warnings or errors; all of them: {_shown(log, course)}")
    _say(course.book / "index.html", course)


@main.command("course")
@_workers
@_trust
@click.pass_context
def everything(ctx: click.Context, workers: int, trusted: bool) -> None:
    """Do it all: release, sample class, grades, feedback, export, book."""
    from cs_infer.judge.sandbox import sandbox_works

    ctx.invoke(release, assignment=None)
    ctx.invoke(sample_class, assignment=None)
    works, why = sandbox_works()
    status = 0
    try:
        if works or trusted:
            ctx.invoke(grade, assignment=None, students=(), workers=workers, trusted=trusted)
        else:
            _grade_the_sample_class_only(ctx, workers, why)
    except click.exceptions.Exit as stop:  # somebody could not be graded; the rest goes on
        status = stop.exit_code
    ctx.invoke(feedback, assignment=None, students=())
    ctx.invoke(export, target=None)
    ctx.invoke(book, check=False)
    course: Course = ctx.obj
    click.echo("\nEverything is in its place:")
    places = {
        "the book": course.book / "index.html",
        "the students' notebooks": course.root / "assignments",
        "the sample class": course.submitted,
        "the grade tables": course.build / "grading",
        "the feedback pages": course.build / "nbgrader" / "feedback",
    }
    for what, where in places.items():
        click.echo(f"  {what:<24} {_shown(where, course)}")
    ctx.exit(status)


def _require_sandbox(trusted: bool) -> None:
    from cs_infer.judge.sandbox import sandbox_works

    works, why = sandbox_works()
    if not works and not trusted:
        raise CourseError(
            f"no sandbox: {why}. Student code runs in a sandbox only; install bubblewrap, or say "
            "--trust-submissions if you have written every submission yourself"
        )


def _grade_the_sample_class_only(ctx: click.Context, workers: int, why: str) -> None:
    """Without a sandbox, run only what ships with the course."""
    from cs_infer.judge.sample_class import expected_marks

    course: Course = ctx.obj
    click.echo(f"no sandbox ({why}): only the sample class, which ships with the course, is graded")
    work = [(n, list(expected_marks(course.sample_class(n)))) for n in course.assignment_names()]
    if _grade_each(course, work, workers, trusted=True):
        ctx.exit(1)


def _names(course: Course, assignment: str | None) -> list[str]:
    if assignment is None:
        return course.assignment_names()
    course.assignment(assignment)
    return [assignment]


def _submitted(
    course: Course, assignment: str | None, students: tuple[str, ...]
) -> list[tuple[str, list[str] | None]]:
    """What there is to grade: assignments with students, or with None for everybody.

    Where no assignment is named, those that nobody handed in are left out: a
    course has assignments that are not due yet.
    """
    chosen = list(students) or None
    if assignment is not None or not course.submitted.is_dir():
        return [(name, chosen) for name in _names(course, assignment)]
    present = {
        name: {p.parent.name for p in course.submitted.glob(f"*/{name}") if p.is_dir()}
        for name in _names(course, None)
    }
    missing = sorted(set(students).difference(*present.values()))
    if missing or not any(present.values()):
        whose = f"no submission by {', '.join(missing)}" if missing else "no submissions"
        raise CourseError(f"{whose} in {course.submitted}/<student>/<assignment>/")
    return [
        (name, chosen and [s for s in chosen if s in there])
        for name, there in present.items()
        if there and (chosen is None or there.intersection(chosen))
    ]


def _is_fault(line: str) -> bool:
    return "WARNING:" in line or "ERROR:" in line or "Exception" in line


class _step:
    """Says what is being done, and how long it took."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        self._start = time.monotonic()
        click.echo(f"{self._what} …")

    def __exit__(self, *exc: object) -> None:
        if exc[0] is None:
            click.echo(f"{self._what}: {time.monotonic() - self._start:.1f} s")


def _progress(what: str) -> Callable[[str, int, int], None]:
    def show(student: str, done: int, total: int) -> None:
        end = "\n" if done == total or not sys.stdout.isatty() else ""
        start = "\r\x1b[K" if sys.stdout.isatty() else ""
        click.echo(f"{start}{what} {done}/{total} {_printable(student)}{end}", nl=False)

    return show


def _print_table(rows: list[dict[str, str]], title: str) -> None:
    click.echo(title)
    names = [name for name in (rows[0] if rows else ()) if name != "found"]
    lines = [{name: name for name in names}, *rows]
    longest = {name: max(len(_printable(line[name])) for line in lines) for name in names}
    width = {name: min(length, _MOST_COLUMN) for name, length in longest.items()}
    for line in lines:
        cells = [_printable(line[name])[:_MOST_COLUMN] for name in names]
        aligned = [cells[0].ljust(width["student"])]
        aligned += [c.rjust(width[n]) for c, n in zip(cells[1:], names[1:], strict=True)]
        found = _printable(line.get("found", ""))
        click.echo("  ".join([*aligned, found[:100]]).rstrip())


def _printable(text: str) -> str:
    """Text that cannot move the cursor or colour the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _say(path: Path, course: Course) -> None:
    click.echo(f"  -> {_shown(path, course)}")


def _shown(path: Path, course: Course) -> str:
    return str(path.relative_to(course.root)) if path.is_relative_to(course.root) else str(path)


if __name__ == "__main__":
    main()
