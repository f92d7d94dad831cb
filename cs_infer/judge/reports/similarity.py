"""Pairs of submissions that are alike, found by copydetect.

What is compared is the students' own code without names, comments and white
space, cut into short overlapping pieces; pieces of the released notebook do
not count. Being alike is no proof of anything: a short problem has few
solutions.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from copydetect import CodeFingerprint, compare_files
from nbformat import NotebookNode

from cs_infer.judge.template import is_added

_PIECE = 12  # symbols, where every name is one
_CERTAIN = 20  # what two texts have in common of this length is always found
_LEAST = 150  # symbols in common; below that, everybody is alike
_MOST_CODE = 50_000  # letters of a submission; cutting 20 MB into pieces takes ten minutes


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike.

    Attributes:
        students: the two.
        shares: the share of each one's code that the other has, too.
        common: how many symbols they have in common.
        passages: where in each one's text, as (start, end).
    """

    students: tuple[str, str]
    shares: tuple[float, float]
    common: int
    passages: tuple[list[tuple[int, int]], list[tuple[int, int]]]


def own_code(notebook: NotebookNode) -> str:
    """The text of a rebuilt notebook's solution cells, then of added cells; not a flood of it."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    answers = [c.source for c in cells if c.metadata.get("nbgrader", {}).get("solution")]
    added = [c.source for c in cells if is_added(c)]
    return "\n\n".join([*answers, *added])[:_MOST_CODE]


def similar_pairs(
    texts: Mapping[str, str], released: str, share: float = 0.8, least: int = _LEAST
) -> list[Pair]:
    """The pairs in which one text is mostly found in the other, the most alike first.

    Args:
        texts: the students' code, by student.
        released: the code of the released notebook.
        share: how much of the one must be found in the other.
        least: how many symbols they must have in common.

    Returns:
        The pairs; the larger of the two shares decides, so that code which was
        added hides nothing.
    """
    given = np.array(sorted(_fingerprint(released, window=1).hashes))
    prints = {student: _fingerprint(text, given) for student, text in sorted(texts.items())}
    pairs = (_compared(one, two, prints) for one, two in combinations(prints, 2))
    alike = [p for p in pairs if max(p.shares) >= share and p.common >= least]
    return sorted(alike, key=lambda p: (-max(p.shares), -min(p.shares), p.students))


def _fingerprint(
    text: str, given: np.ndarray | tuple[()] = (), window: int = _CERTAIN - _PIECE + 1
) -> CodeFingerprint:
    return CodeFingerprint(
        "own_code.py", _PIECE, window, given, language="python", fp=io.StringIO(text)
    )


def _compared(one: str, two: str, prints: Mapping[str, CodeFingerprint]) -> Pair:
    common, shares, passages = compare_files(prints[one], prints[two])
    first, second = ([(int(a), int(b)) for a, b in zip(*found, strict=True)] for found in passages)
    return Pair((one, two), (float(shares[0]), float(shares[1])), int(common), (first, second))
