"""One submission's feedback, as a page: points, why, and the work itself.

Read on a phone, so nothing is wider than the page; what came from the
student is text, whatever it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

from cs_infer.judge import card
from cs_infer.judge.ledger import Verdict
from cs_infer.judge.problem import Assignment, check_id
from cs_infer.judge.records.recorded import Points, Recorded
from cs_infer.judge.reports.book_links import Book
from cs_infer.judge.reports.page import number, page, scrolling, shown
from cs_infer.judge.template import grade_id_of, is_added, is_written
from cs_infer.judge.verdict import ProblemResult

_MOST_CODE = 20_000
_MOST_TEXT = 200_000
_MOST_PICTURES = 4_000_000
_LEFT_OUT = "The rest is left out: there is too much of it."

_STYLE = """
.total { font-size: 1.25rem; }
.words { border-left: 4px solid var(--line); padding-left: .8rem; white-space: pre-wrap; }
section { border-top: 1px solid var(--line); margin-top: 1.5rem; }
h2 { display: flex; flex-wrap: wrap; gap: 0 1rem; justify-content: space-between; }
.points { white-space: nowrap; }
ul.properties { list-style: none; margin: .5rem 0; padding: 0; }
ul.properties li { display: flex; margin: .4rem 0; }
ul.properties li::before { flex: 0 0 1.4rem; font-weight: bold; }
li.holds::before { color: var(--right); content: "✓"; content: "✓" / "holds:"; }
li.fails::before { color: var(--wrong); content: "✗"; content: "✗" / "fails:"; }
ul.properties small { display: block; }
"""

Outputs = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Submission:
    """Everything a feedback page is made of.

    Attributes:
        assignment: what was asked.
        verdict: what the checks found.
        notebook: the rebuilt notebook.
        recorded: what the gradebook has.
        book: where to read on.
    """

    assignment: Assignment
    verdict: Verdict
    notebook: NotebookNode
    recorded: Recorded
    book: Book


def feedback_page(work: Submission) -> str:
    """The whole page."""
    outputs = _within_limits(work.verdict.cells)
    problems = "".join(_problem(work, result, outputs) for result in work.verdict.problems)
    written = "".join(_written(work, cell) for cell in work.notebook.cells if is_written(cell))
    body = _head(work) + _about_the_file(work.verdict) + problems + written + _rest(work, outputs)
    return page(f"{work.assignment.title}: {work.verdict.student}", body, _STYLE)


def _head(work: Submission) -> str:
    recorded = work.recorded
    lines = []
    if recorded.penalty:
        before = number(recorded.raw)
        lines.append(f"{before} points less {number(recorded.penalty)}, because it came late.")
    if unread := len(recorded.missing):
        what = "1 answer is" if unread == 1 else f"{unread} answers are"
        lines.append(f"{what} still to be read by a person; the total will change.")
    dates = (("Handed in", recorded.timestamp), ("Due", recorded.due))
    lines += [f"{what}: {date:%Y-%m-%d %H:%M} UTC." for what, date in dates if date]
    return (
        f"<h1>{shown(work.assignment.title)}</h1><p>{shown(work.verdict.student)}</p>"
        f'<p class="total"><strong>{number(recorded.total)}</strong> of {number(recorded.most)} '
        f"points</p>{''.join(f'<p>{line}</p>' for line in lines)}"
    )


def _about_the_file(verdict: Verdict) -> str:
    if not verdict.notes:
        return ""
    items = "".join(f"<li>{shown(note)}</li>" for note in verdict.notes)
    return f"<section><h2>About the file you sent</h2><ul>{items}</ul></section>"


def _problem(work: Submission, result: ProblemResult, outputs: Outputs) -> str:
    points = work.recorded.cells.get(check_id(result.name))
    earned = points.earned if points else result.earned
    cell = next((c for c in work.notebook.cells if grade_id_of(c) == result.name), None)
    return (
        f"<section>{_heading(result.title, f'{number(earned)} of {number(result.points)}')}"
        f"{_by_hand(points)}{_comment(work.recorded, result.name)}{_properties(result)}"
        f"{_advice(result, work.book)}"
        f"{_cell(cell, outputs, f'Your {result.name}') if cell else ''}</section>"
    )


def _heading(title: str, points: str) -> str:
    return f'<h2>{shown(title)} <span class="points">{points}</span></h2>'


def _by_hand(points: Points | None) -> str:
    if points is None:
        return ""
    said = []
    if points.manual is not None and points.automatic is not None:
        check = number(points.automatic)
        said.append(f"Set by hand to {number(points.manual)}; the check gave {check}.")
    said += [f"Extra credit: {number(points.extra)}."] if points.extra else []
    return f"<p>{' '.join(said)}</p>" if said else ""


def _comment(recorded: Recorded, name: str) -> str:
    comment = recorded.comments.get(name)
    return f'<h3>Comment</h3><p class="words">{shown(comment)}</p>' if comment else ""


def _properties(result: ProblemResult) -> str:
    items = "".join(
        f'<li class="{"holds" if mark == "✓" else "fails"}"><span>{shown(statement)} '
        f'<span class="points">({points})</span>'
        + (f"<small>{shown(fault)}</small>" if fault else "")
        + "</span></li>"
        for mark, statement, points, fault in card.lines(result)
    )
    return f'<ul class="properties">{items}</ul>'


def _advice(result: ProblemResult, book: Book) -> str:
    parts = []
    for title, text in card.advice(result):
        if title == card.READ:
            body = f"<p>{book.link(text)}</p>"
        elif title in card.PROSE:
            body = f"<p>{shown(text)}</p>"
        else:
            body = f"<pre>{shown(text)}</pre>"
        parts.append(f"<h3>{title}</h3>{body}")
    return "".join(parts)


def _written(work: Submission, cell: NotebookNode) -> str:
    name = cell.metadata.nbgrader.grade_id
    asked = next((w for w in work.assignment.written if w.name == name), None)
    points = work.recorded.cells.get(name)
    earned = "not read yet"
    if points is not None and points.given is not None:  # it stands, even if it is to be read again
        earned = f"{number(points.earned)} of {number(points.most)}"
    read = f"<h3>{card.READ}</h3><p>{work.book.link(asked.section)}</p>" if asked else ""
    return (
        f"<section>{_heading(asked.title if asked else name, earned)}"
        f"{_comment(work.recorded, name)}{read}<h3>Your answer</h3>"
        f'<p class="words">{shown(cell.source)}</p></section>'
    )


def _rest(work: Submission, outputs: Outputs) -> str:
    """The student's other cells, and given cells that failed."""
    problems = {p.name for p in work.assignment.problems}
    cells = [
        cell
        for cell in work.notebook.cells
        if cell.cell_type == "code"
        and grade_id_of(cell) not in problems
        and (_is_own(cell) or outputs.get(cell.id, {}).get("error"))
    ]
    if not cells:
        return ""
    parts = (_cell(cell, outputs, f"Cell {i}") for i, cell in enumerate(cells, start=1))
    return f"<section><h2>The rest of your notebook</h2>{''.join(parts)}</section>"


def _is_own(cell: NotebookNode) -> bool:
    return is_added(cell) or bool(cell.metadata.get("nbgrader", {}).get("solution"))


def _cell(cell: NotebookNode, outputs: Outputs, name: str) -> str:
    output = outputs.get(cell.id, {})
    code = scrolling(f"<pre><code>{shown(cell.source[:_MOST_CODE])}</code></pre>", name)
    code += f"<p>{_LEFT_OUT}</p>" if len(cell.source) > _MOST_CODE else ""
    opened = " open" if output.get("error") else ""
    return f"<details{opened}><summary>{name}</summary>{code}{_output(output)}</details>"


def _output(output: dict[str, Any]) -> str:
    parts = []
    if output.get("text"):
        parts.append(f"<h3>Printed</h3><pre>{shown(output['text'])}</pre>")
    for i, picture in enumerate(output.get("pictures", ()), start=1):
        source = f"data:image/png;base64,{shown(picture)}"
        parts.append(f'<p><img alt="Picture {i} that this cell drew" src="{source}"></p>')
    if output.get("error"):
        parts.append(f"<h3>{shown(output['status'])}</h3><pre>{shown(output['error'])}</pre>")
    if output.get("left out"):
        parts.append(f"<p>{_LEFT_OUT}</p>")
    return "".join(parts)


def _within_limits(cells: Outputs) -> Outputs:
    """The outputs, as many as a page can hold; a page of 100 MB helps nobody."""
    text, pictures, kept = _MOST_TEXT, _MOST_PICTURES, {}
    for cell_id, output in cells.items():
        fits = output["text"][:text]
        drawn = [p for p in output["pictures"] if (pictures := pictures - len(p)) >= 0]
        text -= len(fits)
        left_out = len(fits) < len(output["text"]) or len(drawn) < len(output["pictures"])
        kept[cell_id] = output | {"text": fits, "pictures": drawn, "left out": left_out}
    return kept
