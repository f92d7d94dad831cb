"""What a student reads about one problem, as text and as HTML.

Everything that came from outside is escaped. The test's code is never shown:
a report has the property, the idea behind the fault, a small example of its
own, and the section to read.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from cs_infer.judge.verdict import ProblemResult

_MOST_TEXT = 1500

_STYLE = (
    "border:1px solid currentColor;border-left-width:6px;border-radius:4px;"
    "padding:.6em 1em;margin:.5em 0;max-width:46em"
)


_ITEM = "margin:.3em 0;padding-left:1.3em;text-indent:-1.3em;overflow-wrap:anywhere"

_LOOKS, _SHOWN, _TRIED, READ = (
    "What this looks like",
    "On a small example",
    "To see it fail in your notebook",
    "To read",
)
PROSE = (_LOOKS, READ)


def as_text(result: ProblemResult, heading: str, warnings: Iterable[str] = ()) -> str:
    """The report in plain text."""
    text = [heading, f"{_number(result.earned)} of {_number(result.points)} points"]
    for mark, statement, points, fault in lines(result):
        text += [f"  {mark} {statement} ({points})", *([f"      {fault}"] if fault else [])]
    for title, body in advice(result):
        text += [title, *(f"    {line}" for line in body.splitlines())]
    text += [f"warning: {warning}" for warning in warnings]
    return "\n".join(text)


def as_html(result: ProblemResult, heading: str, warnings: Iterable[str] = ()) -> str:
    """The report as a fragment of HTML, escaped throughout."""
    points = f"{_number(result.earned)} of {_number(result.points)} points"
    items = "".join(
        f'<li style="{_ITEM}">{mark} {escape(statement)} ({escape(scored)})'
        + (f"<br><small>{escape(fault)}</small>" if fault else "")
        + "</li>"
        for mark, statement, scored, fault in lines(result)
    )
    help_given = "".join(
        f"<p><strong>{escape(title)}</strong></p>"
        + (
            f"<p>{escape(body)}</p>"
            if title in PROSE
            else f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere">{escape(body)}</pre>'
        )
        for title, body in advice(result)
    )
    notes = "".join(f"<p><strong>Warning:</strong> {escape(w)}</p>" for w in warnings)
    return (
        f'<div class="tex2jax_ignore mathjax_ignore" style="{_STYLE}">'
        f"<p><strong>{escape(result.title)}: {points}</strong><br>"
        f"<small>{escape(heading)}</small></p>"
        f'<ul style="list-style:none;margin:0;padding-left:0">{items}</ul>{help_given}{notes}</div>'
    )


def lines(result: ProblemResult) -> list[tuple[str, str, str, str]]:
    """For each property its mark, its statement, its points, and its fault, told once in a row."""
    found, told = [], None
    for p in result.properties:
        points = f"{_number(p.earned)} of {_number(p.points)}"
        fault = "the same" if p.fault and p.fault == told else (p.fault or "")[:_MOST_TEXT]
        found.append(("✓" if p.fault is None else "✗", p.statement, points, fault))
        told = p.fault or told
    return found


def advice(result: ProblemResult) -> list[tuple[str, str]]:
    """What helps to find the fault: titles, each with its text."""
    if result.passed:
        return []
    found = []
    if result.message:
        found.append((_LOOKS, result.message))
    if result.illustration:
        found.append((_SHOWN, result.illustration))
    if result.practice_seed is not None:
        call = f'check("{result.name}", {result.name}, seed={result.practice_seed})'
        found.append((_TRIED, f"inputs = {call}.inputs\n{result.name}(**inputs)"))
    found.append((READ, result.message_section or result.section))
    return found


def _number(points: float) -> str:
    return f"{points:g}"
