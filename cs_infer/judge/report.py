"""What a student reads about one problem, as text and as HTML.

Everything that came from outside is escaped. The test's code is never shown:
a report has the property, the idea behind the fault, a small example of its
own, and the section to read.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from cs_infer.judge.verdict import ProblemResult, PropertyResult

_MOST_TEXT = 1500

_STYLE = (
    "border:1px solid currentColor;border-left-width:6px;border-radius:4px;"
    "padding:.6em 1em;margin:.5em 0;max-width:46em"
)


def as_text(result: ProblemResult, heading: str, warnings: Iterable[str] = ()) -> str:
    """The report in plain text."""
    lines = [heading, f"{_number(result.earned)} of {_number(result.points)} points"]
    lines += [f"  {_mark(p)} {_line(p)}" for p in result.properties]
    for title, body in _advice(result):
        lines += [title, *(f"    {line}" for line in body.splitlines())]
    lines += [f"warning: {warning}" for warning in warnings]
    return "\n".join(lines)


def as_html(result: ProblemResult, heading: str, warnings: Iterable[str] = ()) -> str:
    """The report as a fragment of HTML, escaped throughout."""
    points = f"{_number(result.earned)} of {_number(result.points)} points"
    items = "".join(f"<li>{escape(_mark(p))} {escape(_line(p))}</li>" for p in result.properties)
    advice = "".join(
        f"<p><strong>{escape(title)}</strong></p>"
        f'<pre style="white-space:pre-wrap">{escape(body)}</pre>'
        for title, body in _advice(result)
    )
    notes = "".join(f"<p><strong>Warning:</strong> {escape(w)}</p>" for w in warnings)
    return (
        f'<div style="{_STYLE}"><p><strong>{escape(result.title)}: {points}</strong><br>'
        f"<small>{escape(heading)}</small></p>"
        f'<ul style="list-style:none;padding-left:0">{items}</ul>{advice}{notes}</div>'
    )


def _mark(result: PropertyResult) -> str:
    return "✓" if result.fault is None else "✗"


def _line(result: PropertyResult) -> str:
    points = f"({_number(result.earned)} of {_number(result.points)})"
    fault = f" — {result.fault[:_MOST_TEXT]}" if result.fault else ""
    return f"{result.statement} {points}{fault}"


def _advice(result: ProblemResult) -> list[tuple[str, str]]:
    if result.passed:
        return []
    advice = []
    if result.message:
        advice.append(("What this looks like", result.message))
        if result.illustration:
            advice.append(("On a small example", result.illustration))
    elif result.practice_seed is not None:
        call = f'check("{result.name}", {result.name}, seed={result.practice_seed})'
        advice.append(("To see it fail in your notebook", call))
    advice.append(("To read", result.message_section or result.section))
    return advice


def _number(points: float) -> str:
    return f"{points:g}"
