"""Bars and lines that compare a belief before with a belief after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cs_infer.figures.theme import ACCENT, SECOND, PageFigure, canvas, finish

Array = np.ndarray

_STYLES = (
    {"facecolor": "none", "edgecolor": "#000000", "linewidth": 1.2},
    {"facecolor": ACCENT, "edgecolor": "#000000", "linewidth": 0.8},
    {"facecolor": SECOND, "edgecolor": "#000000", "linewidth": 0.8, "hatch": "///"},
)
_LINES = (
    {"color": "#000000", "linestyle": "--", "marker": "s"},
    {"color": ACCENT, "linestyle": "-", "marker": "o"},
    {"color": SECOND, "linestyle": ":", "marker": "^"},
)


def draw_bars(
    labels: Sequence[str],
    series: Mapping[str, Array],
    *,
    alt: str,
    caption: str = "",
    ylabel: str = "probability",
    width: float = 7.0,
    height: float = 2.9,
) -> PageFigure:
    """Draw up to three series of bars side by side, with their values.

    Args:
        labels: one a group.
        series: values of shape (len(labels),), keyed by their legend.
        alt: the alternative text.
        caption: the caption.
        ylabel: the name of the vertical axis.
        width: in inches.
        height: in inches.

    Returns:
        The figure.
    """
    x, wide = np.arange(len(labels)), 0.8 / len(series)
    with canvas(width, height) as (figure, ax):
        for i, (name, value) in enumerate(series.items()):
            at = x + (i - (len(series) - 1) / 2) * wide
            ax.bar(at, value, width=wide * 0.92, label=name, **_STYLES[i])
            for where, v in zip(at, np.asarray(value), strict=True):
                ax.text(where, v, f"{v:.2f}".lstrip("0"), ha="center", va="bottom", fontsize=8.5)
        ax.set_xticks(x, labels)
        ax.set_ylabel(ylabel)
        ax.margins(y=0.16)
        ax.legend(loc="upper left", bbox_to_anchor=(0, 1.16), ncols=len(series))
        return finish(figure, alt, caption)


def draw_lines(
    x: Array,
    series: Mapping[str, Array],
    *,
    xlabel: str,
    ylabel: str,
    alt: str,
    caption: str = "",
    log_y: bool = False,
    width: float = 7.0,
    height: float = 3.0,
) -> PageFigure:
    """Draw up to three lines, told apart by dash and marker.

    Args:
        x: the horizontal positions, shape (N,).
        series: values of shape (N,), keyed by their legend.
        xlabel: the name of the horizontal axis.
        ylabel: the name of the vertical axis.
        alt: the alternative text.
        caption: the caption.
        log_y: whether the vertical axis is logarithmic.
        width: in inches.
        height: in inches.

    Returns:
        The figure.
    """
    with canvas(width, height) as (figure, ax):
        for (name, value), style in zip(series.items(), _LINES, strict=False):
            ax.plot(x, value, label=name, markersize=5, linewidth=1.6, **style)
        if log_y:
            ax.set_yscale("log")
        ax.set_xlabel(xlabel)
        ax.set_ylabel(ylabel)
        ax.legend()
        return finish(figure, alt, caption)
