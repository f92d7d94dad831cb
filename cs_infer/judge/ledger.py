"""The verdicts that are kept: what each submission earned, and how."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from cs_infer.judge.course import Course
from cs_infer.judge.files import write_json, write_whole
from cs_infer.judge.verdict import ProblemResult, PropertyResult


@dataclass(frozen=True)
class Verdict:
    """What a submission earned, and how.

    Attributes:
        student: the student's id.
        assignment: the assignment.
        problems: the result of each problem.
        cells: status, text, error and pictures of each code cell that ran.
        notes: what was unusual about the file.
        provenance: hashes, limits and timing.
    """

    student: str
    assignment: str
    problems: tuple[ProblemResult, ...]
    cells: dict[str, dict[str, Any]]
    notes: tuple[str, ...]
    provenance: dict[str, Any]

    @property
    def earned(self) -> float:
        """Points earned."""
        return sum(p.earned for p in self.problems)

    def as_json(self) -> dict[str, Any]:
        """The verdict as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """The verdict read back."""
        problems = tuple(
            ProblemResult(
                **(p | {"properties": tuple(PropertyResult(**q) for q in p["properties"])})
            )
            for p in value["problems"]
        )
        return cls(**(value | {"problems": problems, "notes": tuple(value["notes"])}))


@dataclass
class Ungraded:
    """A submission that could not be graded, through no fault of the student.

    Attributes:
        student: the student's id.
        assignment: the assignment.
        reason: why, in one line.
        status: the kind of reason: ``"sandbox failed"``, ``"worker killed"``,
            ``"time-out"``, ``"internal error"``, ``"not accepted"``,
            ``"not readable"``, ``"not recorded"`` or ``"not graded yet"``.
    """

    student: str
    assignment: str
    reason: str
    status: str = "internal error"


def verdict_path(course: Course, name: str, student: str) -> Path:
    """Where a verdict is kept."""
    return _verdicts(course, name) / f"{student}.json"


def kept_verdict(course: Course, name: str, student: str, key: str | None) -> Verdict | None:
    """The verdict of an earlier run, if its key is this one (any key, for None)."""
    verdict = _read(verdict_path(course, name, student))
    return verdict if verdict and key in (None, verdict.provenance["key"]) else None


def earlier_verdicts(course: Course, name: str, student: str) -> list[Verdict]:
    """The verdicts that were replaced, the oldest first."""
    files = sorted(_history(course, name, student).glob("*.json"))
    kept = kept_verdict(course, name, student, None)  # a killed run may leave it there, too
    return [v for v in map(_read, files) if v is not None and v != kept]


def students(course: Course, name: str) -> list[str]:
    """Those with a verdict, in alphabetical order."""
    return sorted(path.stem for path in _verdicts(course, name).glob("*.json"))


def keep(course: Course, verdict: Verdict) -> None:
    """Write a verdict; one that stands in its place goes into the history.

    Raises:
        OSError: the disk is full; the earlier verdict is then still there.
    """
    name, student = verdict.assignment, verdict.student
    _remember(course, name, student)
    write_json(verdict_path(course, name, student), verdict.as_json())


def put_aside(course: Course, name: str, student: str) -> None:
    """Move a verdict that holds no longer into the history."""
    if _remember(course, name, student):
        verdict_path(course, name, student).unlink()


def _remember(course: Course, name: str, student: str) -> bool:
    path = verdict_path(course, name, student)
    old = _read(path)
    if old is None:
        return False
    when = str(old.provenance.get("graded_at", "")).replace(":", "")
    folder = _history(course, name, student)
    write_whole(folder / f"{when}-{old.provenance['key'][:16]}.json", path.read_bytes())
    return True


def _read(path: Path) -> Verdict | None:
    """The verdict in a file, or None where there is none that is whole."""
    try:
        verdict = Verdict.from_json(json.loads(path.read_text()))
        return verdict if isinstance(verdict.provenance["key"], str) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _verdicts(course: Course, name: str) -> Path:
    return course.grading(name) / "verdicts"


def _history(course: Course, name: str, student: str) -> Path:
    return course.grading(name) / "history" / student
