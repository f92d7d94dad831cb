"""From one submission to one verdict, and from a class to its verdicts.

A verdict is a function of the submission, the release, the checks, the
library and the secret, and of nothing else; its key is a hash of them all.
So verdicts can be computed in parallel, kept, and taken up again after a
killed run. Nothing in this file writes to the gradebook.
"""

from __future__ import annotations

import json
import platform
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nbformat import NotebookNode

import cs_infer
from cs_infer.judge.course import Course, CourseError, fingerprint
from cs_infer.judge.files import hash_of, hash_of_tree, write_json
from cs_infer.judge.notebook import StudentNotebook, cells_to_run, clean_outputs
from cs_infer.judge.problem import Assignment, Inputs
from cs_infer.judge.records.ledger import Ungraded, Verdict, kept_verdict, verdict_path
from cs_infer.judge.sandbox import Box, SandboxError
from cs_infer.judge.sandbox.edition import build_edition
from cs_infer.judge.template import (
    Rebuilt,
    find_submission,
    read_release,
    rebuild,
)
from cs_infer.judge.verdict import judge

_TRIES = 2
_STUDENT = re.compile(r"(?![ =+@-])[^\[\]*?{}\\,\"\n\r\t]{1,100}(?<! )")


@dataclass(frozen=True)
class Grader:
    """Everything the verdicts of one assignment depend on, besides the submissions.

    Attributes:
        course: the course.
        name: the assignment.
        trusted: run without a sandbox, as the instructor said.
    """

    course: Course
    name: str
    trusted: bool = False

    def grade(self, student: str, rebuilt: Rebuilt) -> Verdict:
        """Judge one rebuilt submission.

        Args:
            student: the student's id; part of what the inputs are drawn from.
            rebuilt: the submission on the release's terms.

        Returns:
            The verdict.

        Raises:
            SandboxError: the sandbox failed; that is no grade.
        """
        assignment = self.course.assignment(self.name)
        started = time.monotonic()
        secret = self.course.secret()
        with tempfile.TemporaryDirectory(prefix="cs-infer-") as folder:
            edition = build_edition(Path(folder), assignment.withheld)
            box = Box(edition, assignment.limits, self.trusted)
            with StudentNotebook(box, cells_to_run(rebuilt)) as notebook:
                problems = tuple(
                    judge(problem, _proxy(notebook, problem.name), (secret, self.name, student))
                    for problem in assignment.problems
                )
        provenance = self._provenance(assignment, student, rebuilt)
        provenance["seconds"] = round(time.monotonic() - started, 3)
        return Verdict(
            student=student,
            assignment=self.name,
            problems=problems,
            cells=clean_outputs(notebook.outputs, assignment.limits.output_kb * 1024),
            notes=tuple(rebuilt.notes),
            provenance=provenance,
        )

    def key(self, student: str, rebuilt: Rebuilt) -> str:
        """The hash that names a verdict."""
        return self._provenance(self.course.assignment(self.name), student, rebuilt)["key"]

    def _provenance(self, assignment: Assignment, student: str, rebuilt: Rebuilt) -> dict[str, Any]:
        parts = {
            "submission": hash_of(c.source for c in rebuilt.notebook.cells),
            "release": hash_of([self.course.release(self.name).read_bytes()]),
            "checks": hash_of([self.course.checks(self.name).read_bytes()]),
            "library": hash_of_tree(Path(cs_infer.__file__).parent),
            "seed": fingerprint(f"{self.course.secret()}\x1f{self.name}\x1f{student}"),
            "limits": json.dumps(asdict(assignment.limits), sort_keys=True),
            "sandbox": "none (trusted submissions)" if self.trusted else "bubblewrap",
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
        key = hash_of([student, *rebuilt.notes, *(f"{k}={v}" for k, v in sorted(parts.items()))])
        return parts | {"key": key}


@dataclass
class ClassRun:
    """The verdicts of a class.

    Attributes:
        verdicts: one for each student graded, by id.
        ungraded: those who could not be graded.
        rebuilt: the rebuilt notebooks, by id.
        reused: how many verdicts were taken from an earlier run.
    """

    verdicts: dict[str, Verdict] = field(default_factory=dict)
    ungraded: list[Ungraded] = field(default_factory=list)
    rebuilt: dict[str, Rebuilt] = field(default_factory=dict)
    reused: int = 0


def grade_class(
    grader: Grader,
    students: list[str] | None = None,
    workers: int = 1,
    progress: Callable[[str, int, int], None] = lambda student, done, total: None,
) -> ClassRun:
    """Judge every submission of an assignment, in parallel.

    Verdicts are written as they are reached, so that a killed run loses
    nothing and the next run takes up where it stopped.

    Args:
        grader: the assignment to grade.
        students: only these; everyone by default.
        workers: how many processes.
        progress: called with (student, done, total) after each.

    Returns:
        The verdicts.

    Raises:
        CourseError: there are no submissions, or a student has none.
    """
    folders = submission_folders(grader.course, grader.name, students)
    template = read_release(grader.course.release(grader.name))
    run, waiting = ClassRun(), []
    for student, folder in folders.items():
        rebuilt = _taken(grader, student, folder, template)
        if isinstance(rebuilt, Ungraded):
            run.ungraded.append(rebuilt)
            continue
        run.rebuilt[student] = rebuilt
        kept = kept_verdict(grader.course, grader.name, student, grader.key(student, rebuilt))
        if kept is None:
            waiting.append(student)
        else:
            run.verdicts[student] = kept
    run.reused = len(run.verdicts)
    done = run.reused + len(run.ungraded)
    for student, outcome in _judged(grader, run.rebuilt, waiting, workers):
        done += 1
        if isinstance(outcome, Verdict):
            write_json(verdict_path(grader.course, grader.name, student), outcome.as_json())
            run.verdicts[student] = outcome
        else:
            run.ungraded.append(outcome)
        progress(student, done, len(folders))
    return run


def class_so_far(course: Course, name: str, run: ClassRun) -> ClassRun:
    """This run's verdicts, with the latest ones of everybody it did not look at."""
    failed = {u.student for u in run.ungraded}
    whole = ClassRun(dict(run.verdicts), list(run.ungraded), reused=run.reused)
    for student in submission_folders(course, name).keys() - run.verdicts.keys() - failed:
        kept = kept_verdict(course, name, student, None)
        if kept is None:
            whole.ungraded.append(Ungraded(student, name, "not graded yet"))
        else:
            whole.verdicts[student] = kept
    return whole


def drop_departed(course: Course, name: str) -> list[str]:
    """Delete the verdicts of students without a submission; returns who they are."""
    present = submission_folders(course, name).keys()
    gone = [
        p for p in verdict_path(course, name, "x").parent.glob("*.json") if p.stem not in present
    ]
    for path in gone:
        path.unlink()
    return [path.stem for path in gone]


def submission_folders(
    course: Course, name: str, students: list[str] | None = None
) -> dict[str, Path]:
    """The submissions of an assignment, by student, in alphabetical order.

    Raises:
        CourseError: there is no submission, or a named student has none.
    """
    if not course.release(name).is_file():
        raise CourseError(f"no release at {course.release(name)}; run: cs-infer release {name}")
    if not course.submitted.is_dir():
        raise CourseError(f"submissions lie in {course.submitted}; there is no such folder")
    found = {p.parent.name: p for p in sorted(course.submitted.glob(f"*/{name}")) if p.is_dir()}
    missing = sorted(set(students or ()) - found.keys())
    if missing:
        raise CourseError(f"no submission of {name} by {', '.join(missing)} in {course.submitted}")
    if not found:
        raise CourseError(f"no submissions of {name} in {course.submitted}/<student>/{name}/")
    return {s: p for s, p in found.items() if students is None or s in students}


def _taken(
    grader: Grader, student: str, folder: Path, template: NotebookNode
) -> Rebuilt | Ungraded:
    """The submission on the release's terms, or why it cannot be graded."""
    if folder.is_symlink() or folder.parent.is_symlink():
        reason = "the folder is a symbolic link, which might lead to another's work"
    elif not _STUDENT.fullmatch(student) or not student.isprintable():
        reason = (
            "the folder's name must be a student's id: at most 100 characters, none of "
            '[]*?{}\\," in it, no space at an end, none of =+-@ in front; rename the folder'
        )
    else:
        try:
            data, notes = find_submission(folder, grader.name)
            rebuilt = rebuild(template, data)
            rebuilt.notes[:0] = notes
            return rebuilt
        except Exception as error:  # one odd submission must not stop the class
            reason = f"it could not be read: {error!r}"
    return Ungraded(student, grader.name, reason)


def _judged(
    grader: Grader, rebuilt: dict[str, Rebuilt], students: list[str], workers: int
) -> Iterator[tuple[str, Verdict | Ungraded]]:
    if workers == 1:
        for student in students:
            yield student, _grade_one(grader, student, rebuilt[student])
        return
    with ProcessPoolExecutor(max_workers=workers) as pool:
        pending: dict[Future[Verdict | Ungraded], str] = {
            pool.submit(_grade_one, grader, student, rebuilt[student]): student
            for student in students
        }
        while pending:
            finished, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                student = pending.pop(future)
                try:
                    yield student, future.result()
                except BrokenProcessPool as error:
                    yield student, Ungraded(student, grader.name, f"a worker died ({error})")


def _grade_one(grader: Grader, student: str, rebuilt: Rebuilt) -> Verdict | Ungraded:
    reason = ""
    for _ in range(_TRIES):
        try:
            return grader.grade(student, rebuilt)
        except (SandboxError, OSError) as error:
            reason = str(error)
        except Exception as error:  # a fault of ours must neither stop the class nor be a zero
            return Ungraded(student, grader.name, f"internal error: {error!r}")
    return Ungraded(student, grader.name, reason)


def _proxy(notebook: StudentNotebook, name: str) -> Callable[[Inputs], Any]:
    return lambda inputs: notebook.call(name, inputs)
