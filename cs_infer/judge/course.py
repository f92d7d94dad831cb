"""Where the parts of a course lie."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cs_infer.judge.files import hash_of
from cs_infer.judge.problem import Assignment, load_assignment


class CourseError(ValueError):
    """The course, or a part of it, is not where it should be."""


@dataclass(frozen=True)
class Course:
    """A course on disk.

    Attributes:
        root: the folder that holds ``nbgrader_config.py``.
    """

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Course:
        """The course around ``start`` (here, by default).

        Raises:
            CourseError: neither that folder nor one above it is a course.
        """
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / "nbgrader_config.py").is_file() and (folder / "solutions").is_dir():
                return cls(folder)
        raise CourseError(
            "a course has nbgrader_config.py and solutions/ in its folder; "
            f"neither {start} nor a folder above it does"
        )

    @property
    def build(self) -> Path:
        """What is made; with it the submissions and the gradebook, which cannot be made again."""
        return self.root / "_build"

    @property
    def gradebook(self) -> Path:
        """nbgrader's database."""
        return self.build / "nbgrader" / "gradebook.db"

    @property
    def submitted(self) -> Path:
        """nbgrader's folder of submissions: ``<student>/<assignment>/*.ipynb``."""
        return self.build / "nbgrader" / "submitted"

    @property
    def autograded(self) -> Path:
        """nbgrader's folder of rebuilt notebooks with their outputs, laid out in the same way."""
        return self.build / "nbgrader" / "autograded"

    @property
    def feedback(self) -> Path:
        """nbgrader's folder of feedback pages, laid out in the same way."""
        return self.build / "nbgrader" / "feedback"

    @property
    def lock(self) -> Path:
        """Held by the one process that may grade or collect."""
        return self.build / "grading" / "lock"

    @property
    def book(self) -> Path:
        """The built book."""
        return self.build / "html"

    def assignment_names(self) -> list[str]:
        """The assignments that have a source, in alphabetical order."""
        return sorted(p.parent.name for p in (self.root / "solutions").glob("*/checks.py"))

    def assignment(self, name: str) -> Assignment:
        """The assignment called ``name``, with its checks.

        Raises:
            CourseError: there is none; the message lists those there are.
        """
        if name not in self.assignment_names():
            known = ", ".join(self.assignment_names()) or "none yet"
            raise CourseError(f"no assignment {name!r} in solutions/; there are: {known}")
        path = self.checks(name)
        return _assignment(path, path.read_bytes())

    def source(self, name: str) -> Path:
        """The text source of an assignment."""
        return self.root / "solutions" / name / f"{name}.py"

    def checks(self, name: str) -> Path:
        """The checks of an assignment."""
        return self.root / "solutions" / name / "checks.py"

    def sample_class(self, name: str) -> Path:
        """The sample submissions of an assignment."""
        return self.root / "solutions" / name / "sample_class"

    def nbgrader_source(self, name: str) -> Path:
        """The folder nbgrader makes a release from."""
        return self.build / "nbgrader" / "source" / name

    def release(self, name: str) -> Path:
        """The notebook students get."""
        return self.root / "assignments" / name / f"{name}.ipynb"

    def grading(self, name: str) -> Path:
        """What grading an assignment writes: verdicts and tables."""
        return self.build / "grading" / name

    def secret(self) -> str:
        """The secret that graded inputs are drawn from, made on first use.

        It is read from the environment variable ``CS_INFER_SECRET``, or from
        ``.grading-secret`` in the course's folder. Keep it: the same secret
        gives the same verdicts.
        """
        given = os.environ.get("CS_INFER_SECRET")
        if given:
            return given
        path = self.root / ".grading-secret"
        if not path.exists():
            _write_secret(path)
        secret = path.read_text().strip()
        if not secret:
            raise CourseError(f"{path} must hold the grading secret; it is empty")
        return secret


def _write_secret(path: Path) -> None:
    """Make a secret, whole or not at all; if another process was quicker, theirs stands."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        os.unlink(temporary)


@functools.lru_cache(maxsize=32)
def _assignment(path: Path, content: bytes) -> Assignment:
    """The assignment that these checks define, read once while they do not change."""
    return load_assignment(path)


def fingerprint(secret: str) -> str:
    """What may be shown of a secret: enough to tell two apart, no more."""
    return hash_of(["cs-infer secret", secret])[:12]
