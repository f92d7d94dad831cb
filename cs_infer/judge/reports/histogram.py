"""A histogram as a figure inside a page, which says in words what it draws."""

from __future__ import annotations

from cs_infer.judge.reports.page import number


def histogram(counts: list[int], most: float) -> str:
    """How many submissions lie in each bin, as a figure that says so in words, too."""
    wide, high, left = 40, 140, 16
    width, tallest = left * 2 + wide * len(counts), max(*counts, 1)
    bounds = [most * i / len(counts) for i in range(len(counts) + 1)]
    words = ", ".join(
        f"{n} from {number(a)} to {number(b)}"
        for n, a, b in zip(counts, bounds, bounds[1:], strict=False)
    )
    bars = "".join(
        f'<rect x="{left + wide * i + 3}" y="{20 + high - h:g}" width="{wide - 6}" height="{h:g}"/>'
        f'<text x="{left + wide * (i + 0.5)}" y="{14 + high - h:g}">{n}</text>'
        for i, n in enumerate(counts)
        for h in (high * n / tallest,)
    )
    marks = "".join(
        f'<text x="{left + wide * i}" y="{high + 40}">{number(b)}</text>'
        for i, b in enumerate(bounds)
    )
    return (
        f'<svg role="img" viewBox="0 0 {width} {high + 50}" width="{width}" '
        f'aria-label="Submissions by points: {words}.">{bars}'
        f'<line x1="{left}" x2="{width - left}" y1="{high + 20}" y2="{high + 20}"/>{marks}</svg>'
    )
