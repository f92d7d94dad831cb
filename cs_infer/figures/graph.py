"""The graphical model, drawn the same way in every chapter.

States lie in a row; the action of a step hangs above it to the right, its
optimality variable above it. What a chapter adds is drawn in the accent and
with a double rim, so that it stands out in print as well.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from cs_infer.figures.theme import ACCENT, PageFigure, canvas, finish

_STEP, _RADIUS = 2.0, 0.33
_OFFSET = {"s": (0.0, 0.0), "a": (0.8, 1.05), "o": (0.0, 2.1)}
_LABEL = {"s": "s_{%s}", "a": "a_{%s}", "o": r"\mathcal{O}_{%s}"}


def draw_graph(
    *,
    num_steps: int = 4,
    optimality: bool = False,
    observed: Collection[str] = (),
    new: Collection[str] = (),
    factors: bool = False,
    alt: str,
    caption: str = "",
) -> PageFigure:
    """Draw states and actions, and optionally optimality, over some steps.

    Args:
        num_steps: how many steps; the last one is labelled T.
        optimality: whether to draw the optimality variables.
        observed: kinds of node ("s", "a", "o") that are filled: known values.
        new: kinds of node in the accent, with a double rim.
        factors: whether to write the factor beside the edges of one step.
        alt: the alternative text.
        caption: the caption.

    Returns:
        The figure.
    """
    kinds = ("s", "a", "o") if optimality else ("s", "a")
    height = 2.9 if optimality else 2.0
    with canvas(width=1.9 * num_steps, height=height) as (figure, ax):
        for t in range(num_steps):
            for start, end, ahead in _edges(optimality):
                if t + ahead < num_steps:
                    _edge(ax, _at(start, t), _at(end, t + ahead), _color({start, end} & set(new)))
            for kind in kinds:
                _node(ax, kind, t, num_steps, filled=kind in observed, new=kind in new)
        if factors:
            _write_factors(ax, optimality)
        ax.set_xlim(-0.6, _STEP * (num_steps - 1) + 1.5)
        ax.set_ylim(-0.7, 2.6 if optimality else 1.6)
        ax.set_aspect("equal")
        ax.axis("off")
        return finish(figure, alt, caption)


def _edges(optimality: bool) -> list[tuple[str, str, int]]:
    chain = [("s", "a", 0), ("s", "s", 1), ("a", "s", 1)]
    return chain + ([("s", "o", 0), ("a", "o", 0)] if optimality else [])


def _at(kind: str, t: int) -> tuple[float, float]:
    dx, dy = _OFFSET[kind]
    return _STEP * t + dx, dy


def _color(is_new: object) -> str:
    return ACCENT if is_new else "#000000"


def _name(kind: str, t: int, num_steps: int) -> str:
    return f"${_LABEL[kind] % ('T' if t == num_steps - 1 else t + 1)}$"


def _node(ax: Any, kind: str, t: int, num_steps: int, *, filled: bool, new: bool) -> None:
    from matplotlib.patches import Circle

    center, color = _at(kind, t), _color(new)
    if filled:
        ax.add_patch(Circle(center, _RADIUS, facecolor=color, alpha=0.22, linewidth=0))
    ax.add_patch(Circle(center, _RADIUS, facecolor="none", edgecolor=color, linewidth=1.4))
    if new:
        ax.add_patch(
            Circle(center, _RADIUS - 0.05, facecolor="none", edgecolor=color, linewidth=0.8)
        )
    ax.text(*center, _name(kind, t, num_steps), ha="center", va="center", fontsize=14)


def _edge(ax: Any, start: tuple[float, float], end: tuple[float, float], color: str) -> None:
    from matplotlib.patches import FancyArrowPatch

    trim = 72 * _RADIUS * 0.93
    ax.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=12, linewidth=1.2, color=color,
            shrinkA=trim, shrinkB=trim,
        )
    )  # fmt: skip


def _write_factors(ax: Any, optimality: bool) -> None:
    ax.text(0.0, -0.55, r"$\mu_0(s_1)$", ha="center", fontsize=11)
    ax.text(0.28, 0.62, r"$\rho$", ha="right", fontsize=12)
    ax.text(1.35, -0.27, r"$P$", ha="center", fontsize=12)
    if optimality:
        ax.text(0.62, 1.72, r"$e^{r/\alpha}$", ha="left", fontsize=13, color=ACCENT)
