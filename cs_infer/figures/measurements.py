"""Figures and tables of what was measured: read from results, never typed.

``benchmarks/results.json`` is a list of rows; ``python -m benchmarks`` writes
it. Nothing here measures anything.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator

from cs_infer.figures.theme import ACCENT, PageFigure, canvas, finish

Row = dict[str, Any]

_OURS, _PLAIN, _TUNED = "cs_infer", "floor: plain streaming loop", "tuned streaming loop"


def read_results(path: str | Path) -> list[Row]:
    """The rows that a run of the benchmark wrote.

    Args:
        path: of ``results.json``.
    """
    return json.loads(Path(path).read_text(encoding="utf-8"))


def seconds(rows: Sequence[Row], case: str, implementation: str, threads: int = 1) -> float:
    """The time of one row.

    Raises:
        KeyError: there is no such row, or it has no time.
    """
    for row in rows:
        found = (row["case"], row["implementation"], row["threads"])
        if found == (case, implementation, threads) and row["seconds"] is not None:
            return row["seconds"]
    raise KeyError(f"no time of {implementation!r} in {case!r} on {threads} threads")


def draw_roofline(rows: Sequence[Row], cases: dict[str, str]) -> PageFigure:
    """How fast each program gets through the bytes that a step must move.

    A dot stands at the bytes of a step over the time of a step. Lines mark the
    speed at which plain and tuned loops only read them. A program that needs
    fewer bytes for the same answer can stand to the right of both.

    Args:
        rows: the results.
        cases: titles, by the name of the case, in the order of the panels.

    Returns:
        The figure: a panel for each case, filled dots for one thread.
    """
    picked = {case: _with_speed(rows, case) for case in cases}
    heights = [1 + len({row["implementation"] for row in each}) for each in picked.values()]
    with canvas(
        7.0, 0.27 * sum(heights) + 1.4, nrows=len(cases), height_ratios=heights, squeeze=False
    ) as (figure, axes):
        for ax, (case, title) in zip(axes[:, 0], cases.items(), strict=True):
            _panel(ax, picked[case], title)
        axes[-1, 0].set_xlabel("GB per second of what a step must move")
        return finish(figure, _in_words(picked, cases), _CAPTION)


_CAPTION = (
    "Each dot: the bytes that one step must move, over the time that it took. Filled, one thread; "
    "hollow, two. Solid line: a plain loop that reads the same arrays on one thread; dotted line: "
    "a loop that reads from four places at once. In colour, the library of this book."
)


def _with_speed(rows: Sequence[Row], case: str) -> list[Row]:
    return [row for row in rows if row["case"] == case and row["seconds"] and row["bytes"]]


def _speed(row: Row) -> float:
    return row["bytes"] / row["seconds"] / 1e9


def _panel(ax: Any, rows: Sequence[Row], title: str) -> None:
    names = list(dict.fromkeys(row["implementation"] for row in rows))
    names = [name for name in names if name not in (_PLAIN, _TUNED)]
    alone = {row["implementation"]: _speed(row) for row in rows if row["threads"] == 1}
    names.sort(key=lambda name: alone.get(name, 0.0))
    for row in rows:
        if row["implementation"] in names:
            ours = row["implementation"].startswith(_OURS)
            colour = ACCENT if ours else "#000000"
            filled = row["threads"] == 1
            ax.plot(
                [_speed(row)],
                [names.index(row["implementation"])],
                marker="o" if filled else "s",
                markersize=6 if filled else 5,
                color=colour,
                markerfacecolor=colour if filled else "none",
                linestyle="none",
            )
    for name, style in ((_PLAIN, "-"), (_TUNED, ":")):
        if name in alone:
            ax.axvline(alone[name], color="#000000", linewidth=1.0, linestyle=style)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter("")
    ax.set_yticks(np.arange(len(names)), names, fontsize=9)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.set_title(title)
    ax.tick_params(axis="y", length=0)


def _in_words(picked: dict[str, list[Row]], cases: dict[str, str]) -> str:
    sentences = []
    for case, title in cases.items():
        alone = [row for row in picked[case] if row["threads"] == 1]
        said = ", ".join(f"{r['implementation']} {_speed(r):.1f}" for r in alone)
        sentences.append(f"{title}, gigabytes a second on one thread: {said}.")
    return "Dot plot on a logarithmic axis. " + " ".join(sentences)


_COLUMN = 'th scope="col"'


class PageTable:
    """A table of the page, from rows of text."""

    def __init__(self, head: Sequence[str], body: Sequence[Sequence[str]]) -> None:
        """Keep the texts; every row is as long as the head."""
        self.head, self.body = list(head), [list(row) for row in body]

    def _repr_html_(self) -> str:
        def cells(tag: str, texts: Sequence[str]) -> str:
            end = tag.partition(" ")[0]
            return "".join(f"<{tag}>{html.escape(text)}</{end}>" for text in texts)

        head = f"<tr>{cells(_COLUMN, self.head)}</tr>"
        body = "".join(f"<tr>{cells('td', row)}</tr>" for row in self.body)
        table = f'<table class="table"><thead>{head}</thead><tbody>{body}</tbody></table>'
        return f'<div style="overflow-x:auto" tabindex="0">{table}</div>'

    def __repr__(self) -> str:
        return "\n".join("  ".join(row) for row in [self.head, *self.body])


def cost_table(rows: Sequence[Row], case: str) -> PageTable:
    """A row for each program of a case; for each number of threads its time, times the floor.

    Args:
        rows: the results.
        case: which of them.

    Returns:
        The table. Where nothing was measured it says why.
    """
    here = [row for row in rows if row["case"] == case]
    counts = sorted({row["threads"] for row in here})
    compared = any(row["ratio_to_floor"] is not None for row in here)
    head = ["who", "what"]
    for count in counts:
        head += [_threads(count)] + ["× floor"] * compared
    body = []
    for name in dict.fromkeys(row["implementation"] for row in here):
        cells = {row["threads"]: row for row in here if row["implementation"] == name}
        line = [name, next(iter(cells.values()))["computes"]]
        for count in counts:
            row = cells.get(count, {"seconds": None, "status": "", "ratio_to_floor": None})
            timed, ratio = row["seconds"] is not None, row["ratio_to_floor"]
            line.append(_time(row["seconds"]) if timed else row["status"])
            line += ["" if ratio is None else f"{ratio:.2f}"] * compared
        body.append(line)
    return PageTable(head, body)


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def _time(value: float) -> str:
    for scale, unit in ((1.0, "s"), (1e-3, "ms")):
        if value >= scale:
            return f"{value / scale:#.3g}".rstrip(".") + f"\u00a0{unit}"
    return f"{value / 1e-6:.0f}\u00a0µs"


def measured_values(rows: Sequence[Row], case: str) -> list[tuple[str, str]]:
    """Names and results of a case whose rows are not all times of a step.

    Args:
        rows: the results.
        case: which of them.
    """
    found = []
    for row in (row for row in rows if row["case"] == case):
        if row["seconds"] is not None:
            found.append((row["implementation"], _time(row["seconds"])))
        elif row["value"] is not None:
            small = abs(row["value"]) < 1e-2
            found.append(
                (row["implementation"], f"{row['value']:.1e}" if small else f"{row['value']:.2f}")
            )
        else:
            found.append((row["implementation"], row["status"]))
    return found
