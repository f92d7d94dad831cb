"""The grade table of a class: for the terminal, for a browser, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections import Counter

from cs_infer.judge.class_run import ClassRun
from cs_infer.judge.ledger import Ungraded, Verdict
from cs_infer.judge.problem import Assignment
from cs_infer.judge.reports.page import page, scrolling, shown
from cs_infer.judge.verdict import ProblemResult
from cs_infer.judge.words import inert

_STYLE = "body { max-width: 75rem; } table { width: 100%; } td:last-child { min-width: 22rem; }"


def rows(assignment: Assignment, run: ClassRun) -> list[dict[str, str]]:
    """One row for each student: points by problem, total, status, and what was found.

    The status is ``"graded"``, or why some answer did not come, or why there
    is no grade.
    """
    found = [_row(assignment, verdict) for _, verdict in sorted(run.verdicts.items())]
    found += [_ungraded_row(assignment, ungraded) for ungraded in run.ungraded]
    return [{name: _writable(value) for name, value in row.items()} for row in found]


def as_csv(assignment: Assignment, run: ClassRun) -> str:
    """The table as CSV."""
    out = io.StringIO()
    names = ["student", *(p.name for p in assignment.problems), "total", "status", "found"]
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: inert(v) for k, v in row.items()} for row in rows(assignment, run))
    return out.getvalue()


def as_page(assignment: Assignment, run: ClassRun) -> str:
    """The table as a page: the class at a glance, then each student."""
    heads = ["student", *(f"{p.name} /{p.points:g}" for p in assignment.problems)]
    heads += [f"total /{assignment.automatic_points:g}", "status", "found"]
    head = "".join(f'<th scope="col">{shown(h)}</th>' for h in heads)
    table = rows(assignment, run)
    body = "".join(_html_row(row, assignment) for row in table)
    html = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    counts = Counter(row["status"] for row in table)
    counts["every call was answered"] = counts.pop("graded", 0)
    ends = "".join(f"<li>{shown(status)}: {n}</li>" for status, n in counts.most_common())
    title = f"{assignment.title}: grades"
    return page(
        title,
        f"<h1>{shown(title)}</h1><p>{len(run.verdicts)} have a grade, {len(run.ungraded)} have "
        "none. Points are by the checks; points by hand and late penalties are in the export."
        f"</p><ul>{ends}</ul>" + scrolling(html, "Grades"),
        _STYLE,
    )


def _row(assignment: Assignment, verdict: Verdict) -> dict[str, str]:
    results = {p.name: p for p in verdict.problems}
    ended = [f"cell {name}: {o['status']}" for name, o in verdict.cells.items() if o.get("error")]
    found = [f"{name}: {_fault(p)}" for name, p in results.items() if not p.passed]
    earned = {name: f"{result.earned:g}" for name, result in results.items()}
    points = {p.name: earned.get(p.name, "") for p in assignment.problems}  # a new problem
    return {
        "student": verdict.student,
        **points,
        "total": f"{verdict.earned:g}",
        "status": next((p.status for p in verdict.problems if p.status != "graded"), "graded"),
        "found": "; ".join([*verdict.notes, *ended, *found]),
    }


def _ungraded_row(assignment: Assignment, ungraded: Ungraded) -> dict[str, str]:
    points = {p.name: "" for p in assignment.problems}
    told = {"total": "ungraded", "status": ungraded.status, "found": ungraded.reason}
    return {"student": ungraded.student} | points | told


def _fault(result: ProblemResult) -> str:
    status = [] if result.status == "graded" else [result.status]
    if result.misconception:
        return ", ".join([*status, result.misconception])
    if status:
        return result.status
    return next(f"{p.name} ({p.fault[:80]})" for p in result.properties if p.fault is not None)


def _html_row(row: dict[str, str], assignment: Assignment) -> str:
    points = [row[p.name] for p in assignment.problems] + [row["total"]]
    cells = "".join(f'<td class="number">{shown(p)}</td>' for p in points)
    words = "".join(f"<td>{shown(row[name])}</td>" for name in ("status", "found"))
    return f'<tr><th scope="row">{shown(row["student"])}</th>{cells}{words}</tr>'


def _writable(value: str) -> str:
    """Text that a file can hold; the name of a folder need not be such."""
    return value.encode("utf-8", "replace").decode()
