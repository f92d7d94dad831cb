"""What a graded problem is. One folder an assignment; its ``checks.py`` says all.

A problem asks the student for one function, whose answer is a number, arrays,
trained parameters, a policy or a function. Its *reference* is the library.
Its *properties* are what a right answer must satisfy, each on freshly drawn
inputs and each worth points of its own. Its *misconceptions* are wrong
solutions, kept so that a wrong answer can be told which idea it came from,
and so that a test can prove that the properties notice every one of them.

A *written* question is answered in words, and graded by a person.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

Inputs = Mapping[str, Any]
"""What a function is tried on, by name. Names that begin with ``_`` stay with the checker."""

Draw = Callable[[np.random.Generator], Inputs]


@dataclass(frozen=True)
class Fresh:
    """An input that using it changes, such as an environment: made anew for every call.

    Attributes:
        make: makes it; the same each time, whoever asks.
    """

    make: Callable[[], Any]


def handed_over(inputs: Inputs) -> dict[str, Any]:
    """The inputs that a function gets: what is public, and new where it has to be."""
    return {
        name: value.make() if isinstance(value, Fresh) else value
        for name, value in inputs.items()
        if not name.startswith("_")
    }


@dataclass(frozen=True)
class Property:
    """Something a right answer must satisfy, and what it is worth.

    Attributes:
        name: a short name, unique in the problem.
        statement: the property in one sentence, as the student reads it.
        points: what it earns.
        draw: fresh inputs from a random generator, argument by name: numbers,
            texts, arrays, functions, and tuples, lists and dicts of them.
        repeats: how many inputs are drawn; all of them must pass.
        holds: ``(inputs, answer) -> sentence or None``: what is wrong with an
            answer that was already read by the problem's ``read``. By default
            the answer is compared with what ``read`` makes of the reference's.
    """

    name: str
    statement: str
    points: float
    draw: Draw
    repeats: int = 5
    holds: Callable[[Inputs, Any], str | None] | None = None


@dataclass(frozen=True)
class Misconception:
    """A wrong idea, as a wrong solution.

    Attributes:
        name: a short name, unique in the problem.
        wrong: the solution that the idea leads to; takes the problem's
            arguments by name.
        message: what the student reads: the idea, and why it fails.
        section: where the book treats it, as ``page.html#anchor``.
        example: small inputs on which it goes wrong, where the problem's own
            example does not show that.
    """

    name: str
    wrong: Callable[..., Any]
    message: str
    section: str
    example: Inputs | None = None


@dataclass(frozen=True)
class Problem:
    """One function that the student writes.

    Attributes:
        name: the function's name.
        title: the problem's title.
        reference: the right function; takes the arguments by name.
        read: ``(inputs, answer) -> answer`` in canonical form, raising
            :class:`cs_infer.judge.answers.AnswerError` with a sentence when the
            answer has the wrong type, shape or values. A function that the
            student returned is called here, so that what is compared are numbers.
        properties: what a right answer satisfies.
        misconceptions: the catalogue of wrong solutions.
        example: one small input for illustrations, never used for grading.
        section: where the book treats the problem, as ``page.html#anchor``.
        rtol: relative tolerance of comparisons.
        atol: absolute tolerance of comparisons.
    """

    name: str
    title: str
    reference: Callable[..., Any]
    read: Callable[[Inputs, Any], Any]
    properties: tuple[Property, ...]
    misconceptions: tuple[Misconception, ...]
    example: Inputs
    section: str
    rtol: float = 1e-6
    atol: float = 1e-9

    @property
    def points(self) -> float:
        """What the whole problem is worth."""
        return sum(p.points for p in self.properties)


@dataclass(frozen=True)
class Written:
    """One question that is answered in words, and graded by a person.

    Attributes:
        name: the id of the answer's cell, unique in the assignment.
        title: the question's title.
        points: what it is worth.
        section: where the book treats it, as ``page.html#anchor``.
    """

    name: str
    title: str
    points: float
    section: str = ""


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        cell_seconds: wall-clock time for one cell of the notebook.
        call_seconds: wall-clock time for one call of a student's function, or
            of a function that it returned.
        cpu_seconds: processor time for the whole submission.
        memory_mb: address space of one process, and memory of all together.
        disk_mb: what may be written, in total, to its scratch folder.
        output_kb: printed output that is kept, for one cell.
        total_seconds: wall-clock time for the whole submission.
    """

    cell_seconds: float = 20.0
    call_seconds: float = 10.0
    cpu_seconds: int = 120
    memory_mb: int = 4096
    disk_mb: int = 64
    output_kb: int = 20
    total_seconds: float = 180.0


@dataclass(frozen=True)
class Assignment:
    """A set of problems with what graded notebooks may not import.

    Attributes:
        name: the assignment's id, also its folder and notebook name.
        title: its title.
        problems: the problems, in the order of the notebook.
        withheld: modules and folders of cs_infer that hold the answers, such as
            ``"trajectories"``; a graded notebook that imports one is told so.
        limits: what a submission may use.
        written: the questions that a person grades.
    """

    name: str
    title: str
    problems: tuple[Problem, ...]
    withheld: tuple[str, ...] = ()
    limits: Limits = Limits()
    written: tuple[Written, ...] = ()

    @property
    def points(self) -> float:
        """What the whole assignment is worth."""
        return self.automatic_points + sum(w.points for w in self.written)

    @property
    def automatic_points(self) -> float:
        """What the problems are worth, without the written questions."""
        return sum(p.points for p in self.problems)

    def problem(self, name: str) -> Problem:
        """The problem called ``name``.

        Raises:
            KeyError: there is none; the message lists those there are.
        """
        for problem in self.problems:
            if problem.name == name:
                return problem
        names = ", ".join(p.name for p in self.problems)
        raise KeyError(f"{name!r} is no problem of {self.name}; the problems are {names}")


def check_id(problem: str) -> str:
    """The id of the notebook cell that checks a problem, and carries its points."""
    return f"check-{problem}"


def load_assignment(checks: Path) -> Assignment:
    """Read an assignment from its ``checks.py``, which defines ``ASSIGNMENT``.

    Args:
        checks: path of the file.

    Returns:
        The assignment.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file does not define ``ASSIGNMENT``.
    """
    path = Path(checks).resolve()
    if not path.is_file():
        raise FileNotFoundError(f"no checks at {path}")
    module = _import_file(path)
    assignment = getattr(module, "ASSIGNMENT", None)
    if not isinstance(assignment, Assignment):
        raise ValueError(f"{path} must define ASSIGNMENT, an Assignment")
    return assignment


def _import_file(path: Path) -> ModuleType:
    name = f"_cs_infer_checks_{path.parent.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
