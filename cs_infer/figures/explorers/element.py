"""What every explorer is to a notebook: an element with its data and, without a script, words."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

NO_SCRIPT = "The explorer of this page needs JavaScript and the pages of the book. "


@dataclass(frozen=True)
class Explorer:
    """One explorer of a page.

    Attributes:
        kind: the name of the custom element after ``cai-``.
        problem: what the element opens with, as JSON can hold it.
        words: the same opening in words, with the library's numbers.
        about: the problem, for the ``repr``.
    """

    kind: str
    problem: dict[str, Any]
    words: str
    about: Any

    def _repr_html_(self) -> str:
        data = html.escape(json.dumps(self.problem, allow_nan=False), quote=True)
        words = html.escape(NO_SCRIPT + self.words)
        return (
            f'<cai-{self.kind} class="cai-explorer" data-problem="{data}">'
            f"<p>{words}</p></cai-{self.kind}>"
        )

    def __repr__(self) -> str:
        return f"{self.kind}_explorer({self.about!r})"


def settings_of(function: Callable[..., Any], settings: dict[str, Any]) -> dict[str, Any]:
    """The keyword settings of a function, its defaults replaced by those given, for a script.

    Args:
        function: a function whose keyword-only arguments all have defaults.
        settings: those that differ.

    Returns:
        Values JSON can hold, under their names in camel case.
    """
    chosen = dict(function.__kwdefaults__) | settings
    return {_camel(name): plain(value) for name, value in chosen.items()}


def plain(value: Any) -> Any:
    """What JSON can hold: ``-inf``, which it cannot, becomes the string ``"-inf"``."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return "-inf" if value == -np.inf else value


def between(low: float, high: float, **numbers: float) -> None:
    """Check that every number lies between two others.

    Raises:
        ValueError: one does not; the message names it.
    """
    for name, value in numbers.items():
        if not low <= value <= high:
            raise ValueError(f"{name} must lie between {low:g} and {high:g}; it is {value}")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
