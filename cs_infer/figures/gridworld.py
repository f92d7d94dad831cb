"""Small gridworlds: the problem as arrays, and its trajectories as a drawing.

Cells are numbered row by row from the top left. The five actions are up,
right, down, left and stay; a move into the wall stays where it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cs_infer.figures.theme import ACCENT, SECOND, PageFigure, canvas, finish
from cs_infer.mdp import TabularMDP

Array = np.ndarray

MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1), (0, 0))
"""Row and column steps of up, right, down, left and stay."""


@dataclass(frozen=True)
class Grid:
    """A rectangle of cells with marked places.

    Attributes:
        rows: the number of rows.
        columns: the number of columns.
        marks: a short text for a cell, keyed by (row, column).
        hatched: cells drawn with hatching, as (row, column).
    """

    rows: int
    columns: int
    marks: Mapping[tuple[int, int], str]
    hatched: Sequence[tuple[int, int]] = ()

    def index(self, cell: tuple[int, int]) -> int:
        """The state number of a (row, column) cell."""
        return cell[0] * self.columns + cell[1]


def grid_transition(rows: int, columns: int, *, slip: float = 0.0) -> Array:
    """``P(s' | s, a)`` of a gridworld with five moves.

    Args:
        rows: the number of rows.
        columns: the number of columns.
        slip: the probability that a random one of the five moves is made.

    Returns:
        Probabilities, shape (S, 5, S).
    """
    exact = np.zeros((rows * columns, len(MOVES), rows * columns))
    for s in range(rows * columns):
        for a, (down, right) in enumerate(MOVES):
            row = min(max(s // columns + down, 0), rows - 1)
            column = min(max(s % columns + right, 0), columns - 1)
            exact[s, a, row * columns + column] = 1.0
    return (1 - slip) * exact + slip * exact.mean(axis=1, keepdims=True)


def reach_problem(
    grid: Grid,
    *,
    start: tuple[int, int],
    goal: tuple[int, int],
    horizon: int,
    temperature: float,
    step_cost: float = 1.0,
    hazard_cost: float = 0.0,
    slip: float = 0.0,
) -> TabularMDP:
    """Walk from a start to a goal and stay there; hatched cells cost extra.

    Args:
        grid: the cells; its hatched cells are the hazard.
        start: the first cell.
        goal: the cell where every action earns 0 and nothing moves.
        horizon: the number of steps T.
        temperature: ``alpha``.
        step_cost: what each step outside the goal costs.
        hazard_cost: what each step begun in a hatched cell costs on top.
        slip: see :func:`grid_transition`.

    Returns:
        The problem; all rewards are at most 0.
    """
    P = grid_transition(grid.rows, grid.columns, slip=slip)
    home = grid.index(goal)
    P[home] = np.eye(len(P))[home]
    reward = np.full(P.shape[:2], -step_cost)
    for cell in grid.hatched:
        reward[grid.index(cell)] -= hazard_cost
    reward[home] = 0.0
    return TabularMDP.from_arrays(
        transition=P,
        reward=reward,
        initial=np.eye(len(P))[grid.index(start)],
        horizon=horizon,
        temperature=temperature,
    )


def draw_paths(
    grid: Grid,
    bundles: Sequence[tuple[str, Array]],
    *,
    alt: str,
    caption: str = "",
    columns: int = 2,
    width: float = 7.6,
    seed: int = 0,
) -> PageFigure:
    """Draw bundles of state sequences, one panel each.

    Args:
        grid: the cells.
        bundles: pairs of a title and states of shape (N, T). The first row
            of each bundle is drawn heavy.
        alt: the alternative text.
        caption: the caption.
        columns: how many panels side by side.
        width: in inches.
        seed: of the small sidestep that keeps paths apart.

    Returns:
        The figure.
    """
    rows = -(-len(bundles) // columns)
    height = rows * (0.42 + width / columns * grid.rows / grid.columns)
    rng = np.random.default_rng(seed)
    with canvas(width, height, nrows=rows, ncols=columns, squeeze=False) as (figure, axes):
        for ax in axes.flat[len(bundles) :]:
            ax.axis("off")
        for ax, (title, states) in zip(axes.flat, bundles, strict=False):
            draw_cells(ax, grid)
            for i, path in reversed(list(enumerate(states))):
                _path(ax, grid, path, rng, heavy=i == 0)
            ax.set_title(title)
        return finish(figure, alt, caption)


def draw_heat(
    grid: Grid,
    panels: Sequence[tuple[str, Array]],
    *,
    alt: str,
    caption: str = "",
    width: float = 7.6,
) -> PageFigure:
    """Shade each cell by a probability and print it, one panel a distribution.

    Args:
        grid: the cells.
        panels: pairs of a title and values in [0, 1] of shape (S,).
        alt: the alternative text.
        caption: the caption.
        width: in inches.

    Returns:
        The figure.
    """
    n = len(panels)
    height = 0.42 + width / n * grid.rows / grid.columns
    with canvas(width, height, ncols=n, squeeze=False) as (figure, axes):
        for ax, (title, value) in zip(axes[0], panels, strict=True):
            _shade(ax, grid, np.asarray(value))
            draw_cells(ax, grid)
            ax.set_title(title)
        return finish(figure, alt, caption)


def draw_cells(ax: Any, grid: Grid) -> None:
    """Draw the empty grid with its hatching and marks."""
    from matplotlib.patches import Rectangle

    for row in range(grid.rows):
        for column in range(grid.columns):
            hatch = "////" if (row, column) in grid.hatched else None
            ax.add_patch(
                Rectangle(
                    (column - 0.5, row - 0.5), 1, 1, facecolor="none", edgecolor="#000000",
                    linewidth=0.5, alpha=0.45, hatch=hatch,
                )
            )  # fmt: skip
    for (row, column), text in grid.marks.items():
        ax.text(column - 0.42, row - 0.42, text, ha="left", va="top", fontsize=9, weight="bold")
    ax.set_xlim(-0.55, grid.columns - 0.45)
    ax.set_ylim(grid.rows - 0.45, -0.55)
    ax.set_aspect("equal")
    ax.axis("off")


def _path(ax: Any, grid: Grid, states: Array, rng: np.random.Generator, *, heavy: bool) -> None:
    moved = np.flatnonzero(np.diff(states, prepend=-1))
    row, column = np.divmod(states[moved], grid.columns)
    shift = np.zeros((len(moved), 2)) if heavy else rng.uniform(-0.2, 0.2, size=2)[None, :]
    x, y = column + shift[:, 0], row + shift[:, 1]
    ax.plot(
        x, y, color=ACCENT if heavy else SECOND, linewidth=3.0 if heavy else 1.1,
        alpha=1.0 if heavy else 0.75, solid_joinstyle="round",
    )  # fmt: skip
    ax.plot(x[-1:], y[-1:], marker="o", markersize=5, color=ACCENT if heavy else SECOND)


def _shade(ax: Any, grid: Grid, value: Array) -> None:
    from matplotlib.patches import Rectangle

    top = max(float(value.max()), 1e-12)
    for s, v in enumerate(value):
        row, column = divmod(s, grid.columns)
        corner = (column - 0.5, row - 0.5)
        ax.add_patch(
            Rectangle(corner, 1, 1, facecolor=SECOND, alpha=0.65 * float(v) / top, linewidth=0)
        )
        if v >= 0.0005:
            text = f"{100 * v:.0f}" if v >= 0.005 else "<1"
            ax.text(column, row + 0.05, text, ha="center", va="center", fontsize=9)
