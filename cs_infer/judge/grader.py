"""From one submission to one verdict.

A verdict is a function of the submission, the release, the checks, the
library and the secret, and of nothing else; its key is a hash of them all.
So verdicts can be computed in parallel, kept, and taken up again after a
killed run. Nothing in this file writes to the gradebook.
"""

from __future__ import annotations

import contextlib
import functools
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import cs_infer
from cs_infer.judge.course import Course, fingerprint
from cs_infer.judge.files import hash_of, hash_of_tree
from cs_infer.judge.ledger import Verdict
from cs_infer.judge.notebook import StudentNotebook, cells_to_run, clean_outputs
from cs_infer.judge.problem import Assignment, Inputs
from cs_infer.judge.sandbox import Box, Place, box_for
from cs_infer.judge.sandbox.containers import Container
from cs_infer.judge.sandbox.edition import build_edition
from cs_infer.judge.template import Rebuilt, submission_hash
from cs_infer.judge.verdict import judge


@dataclass(frozen=True)
class Grader:
    """Everything the verdicts of one assignment depend on, besides the submissions.

    What is read from the course is read once, so a grader is for one run.

    Attributes:
        course: the course.
        name: the assignment.
        trusted: run without a sandbox, as the instructor said.
    """

    course: Course
    name: str
    trusted: bool = False

    def __reduce__(self) -> tuple[Any, ...]:
        return Grader, (self.course, self.name, self.trusted)

    @functools.cached_property
    def assignment(self) -> Assignment:
        """The assignment, with its checks."""
        return self.course.assignment(self.name)

    @contextlib.contextmanager
    def box(self) -> Iterator[Box | Container]:
        """The box that submissions of this assignment run in."""
        with tempfile.TemporaryDirectory(prefix="cs-infer-") as folder:
            edition = build_edition(Path(folder), self.assignment.withheld)
            hidden = (self.course.root,)
            yield box_for(edition, self.assignment.limits, self.trusted, hidden=hidden)

    def grade(
        self,
        student: str,
        rebuilt: Rebuilt,
        place_for: Callable[[str], Place] | None = None,
        kept: Verdict | None = None,
    ) -> Verdict:
        """Judge one rebuilt submission.

        Args:
            student: the student's id; part of what the inputs are drawn from.
            rebuilt: the submission on the release's terms.
            place_for: where code with this text runs; a box of its own by default.
            kept: a verdict whose results stand; other problems are judged.

        Returns:
            The verdict.

        Raises:
            SandboxError: the sandbox failed; that is no grade.
        """
        if place_for is None:
            with self.box() as box:
                return self.grade(student, rebuilt, lambda text: box, kept)
        started = time.monotonic()
        standing = {p.name: p for p in kept.problems} if kept else {}
        provenance = self.provenance(student, rebuilt)
        drawn_from = self._secret, self.name, student, provenance["submission"]
        cells = list(cells_to_run(rebuilt))
        place = place_for("\n".join(source for _, source in cells))
        with StudentNotebook(place, cells) as notebook:
            problems = tuple(
                standing.get(problem.name)
                or judge(problem, _proxy(notebook, problem.name), drawn_from)
                for problem in self.assignment.problems
            )
        provenance["graded_at"] = datetime.now(UTC).isoformat(timespec="microseconds")
        provenance["seconds"] = round(time.monotonic() - started, 3)
        provenance |= {"sandbox_used": place.describe(), **notebook.usage}
        if kept:
            provenance["kept"] = {"problems": sorted(standing), "key": kept.provenance["key"]}
        return Verdict(
            student=student,
            assignment=self.name,
            problems=problems,
            cells=clean_outputs(notebook.outputs, self.assignment.limits.output_kb * 1024),
            notes=tuple(rebuilt.notes),
            provenance=provenance,
        )

    def key(self, student: str, rebuilt: Rebuilt) -> str:
        """The hash that names a verdict."""
        return self.provenance(student, rebuilt)["key"]

    def provenance(self, student: str, rebuilt: Rebuilt) -> dict[str, Any]:
        """The hash of each thing that a verdict depends on, and the key of them all."""
        parts = self._parts | {
            "submission": submission_hash(rebuilt.notebook),
            "seed": fingerprint(f"{self._secret}\x1f{self.name}\x1f{student}"),
        }
        key = hash_of([student, *rebuilt.notes, *(f"{k}={v}" for k, v in sorted(parts.items()))])
        return parts | {"key": key}

    @functools.cached_property
    def _secret(self) -> str:
        return self.course.secret()

    @functools.cached_property
    def _parts(self) -> dict[str, str]:
        """What is the same for the whole class."""
        return {
            "release": hash_of([self.course.release(self.name).read_bytes()]),
            "checks": hash_of([self.course.checks(self.name).read_bytes()]),
            "library": _library(),
            "limits": json.dumps(asdict(self.assignment.limits), sort_keys=True),
            "sandbox": "none (trusted submissions)" if self.trusted else "required",
            "python": platform.python_version(),
            "numpy": np.__version__,
        }


@functools.cache
def _library() -> str:
    """The hash of the code that is running."""
    return hash_of_tree(Path(cs_infer.__file__).parent)


def _proxy(notebook: StudentNotebook, name: str) -> Callable[[Inputs], Any]:
    return lambda inputs: notebook.call(name, inputs)
