"""The verdicts that are kept: what each submission earned, and how."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from cs_infer.judge.course import Course
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
    """A submission that could not be graded, through no fault of the student."""

    student: str
    assignment: str
    reason: str


def verdict_path(course: Course, name: str, student: str) -> Path:
    """Where a verdict is kept."""
    return course.grading(name) / "verdicts" / f"{student}.json"


def kept_verdict(course: Course, name: str, student: str, key: str | None) -> Verdict | None:
    """The verdict of an earlier run, if its key is this one (any key, for None)."""
    try:
        verdict = Verdict.from_json(json.loads(verdict_path(course, name, student).read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return verdict if key in (None, verdict.provenance.get("key")) else None
