"""The library's own lines in the page, so that no copy can drift."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Code:
    """Python source that a page shows with its usual colours.

    Attributes:
        text: the source.
    """

    text: str

    def _repr_markdown_(self) -> str:
        """The source as a fenced block."""
        return f"```python\n{self.text}\n```"

    def __repr__(self) -> str:
        return self.text


def show_code(function: Callable[..., Any]) -> Code:
    """The source of a function without its docstring.

    Args:
        function: a function written in Python.

    Returns:
        Its source.
    """
    source = textwrap.dedent(inspect.getsource(function))
    lines = source.splitlines()
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    if ast.get_docstring(node) is not None:
        first = node.body[0]
        del lines[first.lineno - 1 : first.end_lineno]
    return Code("\n".join(lines))
