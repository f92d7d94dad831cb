"""From a matplotlib figure to an SVG that lives in the page.

Black becomes ``currentColor``: the figure takes the colour of the text around
it. Two accents have a contrast of at least 3 to 1 on white and on ``#121212``.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

ACCENT = "#D2691E"
"""The first accent, an orange: what is new, or what is known afterwards."""

SECOND = "#2F80C8"
"""The second accent, a blue: what a figure compares the first with."""

_INK = "#000000"
_CAPTION = '"color:inherit;font-weight:400;font-size:0.92em;max-width:42em;margin:0.4em auto 0"'
_SETTINGS = {
    "svg.fonttype": "path",
    "svg.hashsalt": "control-as-inference",
    "font.family": "DejaVu Sans",
    "font.size": 11.0,
    "mathtext.fontset": "cm",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11.0,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "hatch.linewidth": 0.8,
}


@dataclass(frozen=True)
class PageFigure:
    """An SVG with the text that says what it shows.

    Attributes:
        svg: the drawing, one ``<svg>`` element.
        alt: what the figure shows, for a reader who does not see it.
        caption: one or two sentences under the figure; may be empty.
    """

    svg: str
    alt: str
    caption: str = ""

    def _repr_html_(self) -> str:
        """The figure as an HTML element with its alternative text."""
        caption = f"<figcaption style={_CAPTION}>{html.escape(self.caption)}</figcaption>"
        caption = caption if self.caption else ""
        return (
            '<figure class="cai-figure" style="margin:1.2em 0;text-align:center">'
            f'<div role="img" aria-label="{html.escape(self.alt, quote=True)}">{self.svg}</div>'
            f"{caption}</figure>"
        )

    def __repr__(self) -> str:
        return self.alt


@contextmanager
def canvas(width: float = 7.0, height: float = 3.0, **options: Any) -> Iterator[tuple[Any, Any]]:
    """A transparent matplotlib figure under the book's settings.

    Args:
        width: in inches.
        height: in inches.
        **options: passed to ``Figure.subplots``, for example ``ncols=2``.

    Yields:
        The figure and its axes.
    """
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained")
        figure.patch.set_alpha(0.0)
        axes = figure.subplots(**options)
        for ax in getattr(axes, "flat", [axes]):
            ax.patch.set_alpha(0.0)
        yield figure, axes


def finish(figure: Any, alt: str, caption: str = "") -> PageFigure:
    """Turn a matplotlib figure into a figure of the page.

    Args:
        figure: what :func:`canvas` yielded.
        alt: the alternative text; required.
        caption: the caption, plain text.

    Returns:
        The figure, equal byte for byte whenever the drawing is equal.

    Raises:
        ValueError: the alternative text is empty.
    """
    if not alt.strip():
        raise ValueError("a figure needs an alternative text; alt is empty")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return PageFigure(_for_the_page(buffer.getvalue(), alt), alt, caption)


def _for_the_page(source: str, alt: str) -> str:
    svg = source[source.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = svg.replace(_INK, "currentColor")
    svg = _with_unique_ids(svg, "f" + sha256((alt + svg).encode()).hexdigest()[:8])
    width = re.search(r'width="([\d.]+)pt"', svg)
    points = float(width.group(1)) if width else 500.0
    svg = re.sub(r'(<svg\b[^>]*?)\swidth="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg\b[^>]*?)\sheight="[^"]*"', r"\1", svg, count=1)
    style = f"width:{points * 4 / 3:.0f}px;max-width:100%;height:auto"
    return svg.replace("<svg", f'<svg aria-hidden="true" fill="currentColor" style="{style}"', 1)


def _with_unique_ids(svg: str, prefix: str) -> str:
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'href="#', f'href="#{prefix}-', svg)
    return re.sub(r"url\(#", f"url(#{prefix}-", svg)
