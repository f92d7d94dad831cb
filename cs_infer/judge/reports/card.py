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

_LOOKS, _SHOWN, _TRIED, _READ = (
    "What this looks like",
    "On a small example",
    "To see it fail in your notebook",
    "To read",
)
_PROSE = (_LOOKS, _READ)


def as_text(result: ProblemResult, heading: str, warnings: Iterable[str] = ()) -> str:
    """The report in plain text."""
    lines = [heading, f"{_number(result.earned)} of {_number(result.points)} points"]
    for mark, statement, fault in _lines(result):
        lines += [f"  {mark} {statement}", *([f"      {fault}"] if fault else [])]
    for title, body in _advice(result):
        lines += [title, *(f"    {line}" for line in body.splitlines())]
    lines += [f"warning: {warning}" for warning in warnings]
    return "\n".join(lines)


def as_html(result: ProblemResult, heading: str, warnings: Iterable[str] = ()) -> str:
    """The report as a fragment of HTML, escaped throughout."""
    points = f"{_number(result.earned)} of {_number(result.points)} points"
    items = "".join(
        f'<li style="{_ITEM}">{mark} {escape(statement)}'
        + (f"<br><small>{escape(fault)}</small>" if fault else "")
        + "</li>"
        for mark, statement, fault in _lines(result)
    )
    advice = "".join(
        f"<p><strong>{escape(title)}</strong></p>"
        + (
            f"<p>{escape(body)}</p>"
            if title in _PROSE
            else f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere">{escape(body)}</pre>'
        )
        for title, body in _advice(result)
    )
    notes = "".join(f"<p><strong>Warning:</strong> {escape(w)}</p>" for w in warnings)
    return (
        f'<div class="tex2jax_ignore mathjax_ignore" style="{_STYLE}">'
        f"<p><strong>{escape(result.title)}: {points}</strong><br>"
        f"<small>{escape(heading)}</small></p>"
        f'<ul style="list-style:none;margin:0;padding-left:0">{items}</ul>{advice}{notes}</div>'
    )


def _lines(result: ProblemResult) -> list[tuple[str, str, str]]:
    """For each property its mark, its statement with points, and its fault, told once in a row."""
    lines, told = [], None
    for p in result.properties:
        points = f"({_number(p.earned)} of {_number(p.points)})"
        fault = "the same" if p.fault and p.fault == told else (p.fault or "")[:_MOST_TEXT]
        lines.append(("✓" if p.fault is None else "✗", f"{p.statement} {points}", fault))
        told = p.fault or told
    return lines


def _advice(result: ProblemResult) -> list[tuple[str, str]]:
    if result.passed:
        return []
    advice = []
    if result.message:
        advice.append((_LOOKS, result.message))
        if result.illustration:
            advice.append((_SHOWN, result.illustration))
    if result.practice_seed is not None:
        call = f'check("{result.name}", {result.name}, seed={result.practice_seed})'
        advice.append((_TRIED, f"inputs = {call}.inputs\n{result.name}(**inputs)"))
    advice.append((_READ, result.message_section or result.section))
    return advice


def _number(points: float) -> str:
    return f"{points:g}"
