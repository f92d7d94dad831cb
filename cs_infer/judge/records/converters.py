"""nbgrader's own steps, started from here: it makes the release."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from cs_infer.judge.course import Course, CourseError


def generate_assignment(course: Course, name: str) -> Path:
    """Let nbgrader make the release; returns the folder it was made in."""
    folder = course.build / "nbgrader" / "release"
    config = Config()
    # nbgrader's own default, said here because the release must not change with it.
    config.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
    with _nbgrader(course, name) as (directory, log):
        directory.release_directory = str(folder)
        converter = GenerateAssignment(coursedir=directory, parent=None, config=config)
        converter.force, converter.create_assignment = True, True
        _start(converter, log, f"nbgrader could not release {name}")
    return folder / name


@contextlib.contextmanager
def _nbgrader(course: Course, name: str) -> Iterator[tuple[CourseDirectory, logging.Logger]]:
    """nbgrader's view of the course, quiet, with this environment's programs on PATH."""
    course.gradebook.parent.mkdir(parents=True, exist_ok=True)
    directory = CourseDirectory()
    directory.root = str(course.root)
    directory.source_directory = str(course.build / "nbgrader" / "source")
    directory.db_url = f"sqlite:///{course.gradebook}"
    directory.student_id, directory.assignment_id = ".", name
    log = logging.getLogger("cs_infer.nbgrader")
    log.handlers, log.propagate = [_Kept()], False
    before, here = os.environ.get("PATH", ""), Path.cwd()
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    os.chdir(course.root)
    try:
        yield directory, log
    finally:
        os.chdir(here)
        os.environ["PATH"] = before


class _Kept(logging.Handler):
    """Keeps what nbgrader says, for the case that it fails."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _start(converter: Any, log: logging.Logger, what: str) -> None:
    converter.log = log
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own, and no one's to mend
            converter.start()
    except (Exception, SystemExit) as error:
        said = next((h.lines for h in log.handlers if isinstance(h, _Kept)), [])
        raise CourseError(f"{what}: {error}; {' | '.join(said[-3:])}") from error
