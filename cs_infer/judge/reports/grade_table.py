"""The grade table of a class: for the terminal, for a browser, for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections import Counter
from html import escape

from cs_infer.judge.grader import ClassRun
from cs_infer.judge.problem import Assignment
from cs_infer.judge.records.ledger import Verdict
from cs_infer.judge.verdict import ProblemResult

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #8888; padding: .35rem .6rem; text-align: left;
  vertical-align: top; }
tbody th, td:last-child { overflow-wrap: anywhere; min-width: 8rem; }
td.points { text-align: right; white-space: nowrap; }
.scroll { overflow-x: auto; }
"""


def rows(assignment: Assignment, run: ClassRun) -> list[dict[str, str]]:
    """One row for each student: points by problem, total, and what was found."""
    found = [_row(assignment, verdict) for _, verdict in sorted(run.verdicts.items())]
    for ungraded in run.ungraded:
        row = {"student": ungraded.student} | {p.name: "" for p in assignment.problems}
        found.append(row | {"total": "ungraded", "found": ungraded.reason})
    return [{name: _writable(value) for name, value in row.items()} for row in found]


def as_csv(assignment: Assignment, run: ClassRun) -> str:
    """The table as CSV."""
    out = io.StringIO()
    names = ["student", *(p.name for p in assignment.problems), "total", "found"]
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: _inert(v) for k, v in row.items()} for row in rows(assignment, run))
    return out.getvalue()


def as_page(assignment: Assignment, run: ClassRun) -> str:
    """The table as a page: the class at a glance, then each student."""
    heads = ["student", *(f"{p.name} /{p.points:g}" for p in assignment.problems)]
    heads += [f"total /{assignment.points:g}", "found"]
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    body = "".join(_html_row(row, assignment) for row in rows(assignment, run))
    ideas = Counter(
        f"{p.name}: {p.misconception}"
        for verdict in run.verdicts.values()
        for p in verdict.problems
        if p.misconception
    )
    common = "".join(f"<li>{escape(idea)}: {n}</li>" for idea, n in ideas.most_common())
    title = escape(f"{assignment.title}: grades")
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main><h1>{title}</h1>"
        f"<p>{len(run.verdicts)} graded, {len(run.ungraded)} not graded.</p>"
        f'<div class="scroll" tabindex="0" role="region" aria-label="Grades"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f"<h2>Misconceptions found</h2><ul>{common or '<li>none</li>'}</ul>"
        "</main></body></html>\n"
    )


def _row(assignment: Assignment, verdict: Verdict) -> dict[str, str]:
    results = {p.name: p for p in verdict.problems}
    found = [f"{name}: {_fault(p)}" for name, p in results.items() if not p.passed]
    points = {p.name: f"{results[p.name].earned:g}" for p in assignment.problems}
    told = "; ".join([*found, *verdict.notes])
    return {"student": verdict.student} | points | {"total": f"{verdict.earned:g}", "found": told}


def _fault(result: ProblemResult) -> str:
    if result.misconception:
        return result.misconception
    if result.status != "graded":
        return result.status
    return next(f"{p.name} ({p.fault[:80]})" for p in result.properties if p.fault is not None)


def _html_row(row: dict[str, str], assignment: Assignment) -> str:
    points = [row[p.name] for p in assignment.problems] + [row["total"]]
    cells = "".join(f'<td class="points">{escape(p)}</td>' for p in points)
    student = f'<th scope="row">{escape(row["student"])}</th>'
    return f"<tr>{student}{cells}<td>{escape(row['found'])}</td></tr>"


def _writable(value: str) -> str:
    """Text that a file can hold; the name of a folder need not be such."""
    return value.encode("utf-8", "replace").decode()


def _inert(value: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if value[:1] in tuple("=+-@\t\r") else value
