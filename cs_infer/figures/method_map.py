"""The map of methods: a tree of questions, read from the top, drawn as a list with branches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from cs_infer.figures.theme import ACCENT, PageFigure, canvas, finish

_INDENT, _LINE = 0.62, 0.42


class Branch(NamedTuple):
    """A place on the map.

    Attributes:
        answer: what leads here; empty at the root.
        question: what is asked here; empty at a method.
        method: what stands here; empty at a question.
        branches: where the answers lead.
    """

    answer: str = ""
    question: str = ""
    method: str = ""
    branches: tuple[Branch, ...] = ()


def draw_map(root: Branch, *, alt: str, caption: str = "", width: float = 6.2) -> PageFigure:
    """Draw a tree of questions and methods.

    Args:
        root: the first question.
        alt: the alternative text.
        caption: the caption.
        width: in inches.

    Returns:
        The figure.
    """
    rows = list(_rows(root))
    lines = sum(_height(branch) for _, branch in rows)
    with canvas(width, _LINE * 0.72 * lines) as (figure, ax):
        y, open_at = 0.0, {}
        for level, branch in rows:
            _connect(ax, level, y, open_at)
            y = _write(ax, level, y, branch)
            open_at[level + 1] = y + 0.5 * _LINE
        ax.set_xlim(-0.1, width * 1.02)
        ax.set_ylim(y - 0.2 * _LINE, 0.8 * _LINE)
        ax.axis("off")
        return finish(figure, alt, caption)


def _rows(branch: Branch, level: int = 0) -> Iterator[tuple[int, Branch]]:
    yield level, branch
    for each in branch.branches:
        yield from _rows(each, level + 1)


def _height(branch: Branch) -> int:
    return sum(map(bool, branch[:3]))


def _connect(ax: Any, level: int, y: float, open_at: dict[int, float]) -> None:
    """The elbow from the question above to this answer."""
    if level:
        x = (level - 1) * _INDENT + 0.12
        elbow = ([x, x, x + _INDENT - 0.2], [open_at[level], y, y])
        ax.plot(*elbow, color="#000000", linewidth=1.0)


def _write(ax: Any, level: int, y: float, branch: Branch) -> float:
    """The lines of one place; returns where the next one begins."""
    x = level * _INDENT
    for text, style in (
        (branch.answer, {"style": "italic"}),
        (branch.question, {"weight": "bold"}),
        (branch.method, {"color": ACCENT, "weight": "bold"}),
    ):
        if text:
            ax.text(x, y, text, va="center", fontsize=10.5, **style)
            y -= _LINE
    return y
