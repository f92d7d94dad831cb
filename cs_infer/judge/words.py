"""Words from outside that a person reads: they must be able to do nothing there.

nbgrader's pages render Markdown, and pass on the HTML in it. What would become
HTML, a link that runs code, or a formula that makes such a link, is broken by
one space, which changes nothing for who reads it.
"""

from __future__ import annotations

import re

MOST_WORDS = 20_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BROKEN = (
    (re.compile(r"<(?=[A-Za-z/!?])"), "< "),  # a tag
    (re.compile(r"&(?=[#A-Za-z])"), "& "),  # an entity, which would spell what is broken below
    (re.compile(r"!(?=\[)"), "! "),  # a picture: fetched from anywhere, or missing, which nbgrader
    # takes for a broken notebook
    (re.compile(r"(javascript|vbscript|data|file):(?=\S)", re.IGNORECASE), r"\1 :"),
    (re.compile(r"\\(?=(?:href|require|csname|style|class|cssId)(?![A-Za-z]))"), r"\\ "),
)


def harmless(text: str) -> str:
    """The text as Markdown that is nothing but text, formulas and plain links.

    Args:
        text: what the student wrote.

    Returns:
        At most ``MOST_WORDS`` characters. The same again for a harmless text.
    """
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    for pattern, broken in _BROKEN:
        text = pattern.sub(broken, text)
    return text[:MOST_WORDS]


def printable(text: str) -> str:
    """Text on one line that cannot move the cursor or colour the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def inert(value: str) -> str:
    """A cell of a table that no spreadsheet takes for a formula."""
    return f"'{value}" if value[:1] in tuple("=+-@\t\r") and value != "-" else value
