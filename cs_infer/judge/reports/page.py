"""The frame of every page we write: one file that runs nothing and fetches nothing.

What a page may do is said in its content security policy: show itself, in the
one style it carries, with the pictures it carries. So a line of markup that
slipped through would still be dead text.
"""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_UNSHOWN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_STYLE = """
:root { color-scheme: light dark; --ink: #1a1d21; --ground: #fff; --soft: #555c66;
  --line: #c3c9d1; --code: #f4f5f7; --link: #0b57b0; --right: #1b7a3d; --wrong: #a3521c;
  --mark: #ffe7ad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --ground: #14181d;
  --soft: #a9b1bb; --line: #3f4853; --code: #1d232b; --link: #8ab4ff; --right: #6fcf8f;
  --wrong: #f0a574; --mark: #54410f; } }
* { box-sizing: border-box; }
body { background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, sans-serif;
  margin: 0 auto; max-width: 60rem; overflow-wrap: anywhere; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
a { color: var(--link); }
small, .soft { color: var(--soft); font-size: .9rem; }
pre { background: var(--code); border-radius: 4px; font: .85rem/1.45 ui-monospace, monospace;
  margin: .4rem 0; padding: .6rem .8rem; white-space: pre-wrap; }
summary { cursor: pointer; padding: .25rem 0; }
img, svg { height: auto; max-width: 100%; }
img { background: #fff; }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left;
  vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
.scroll { overflow-x: auto; overflow-wrap: normal; }
.scroll pre { overflow-wrap: normal; white-space: pre; width: max-content; min-width: 100%; }
"""


def page(title: str, body: str, style: str = "") -> str:
    """A whole page.

    Args:
        title: plain text.
        body: HTML, escaped where it came from outside.
        style: CSS on top of what all pages share.

    Returns:
        The page; lone halves of characters are replaced, so that it can be
        written as UTF-8.
    """
    css = _STYLE + style
    hashed = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{hashed}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    text = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{shown(title)}</title><style>{css}</style></head>\n"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )
    return text.encode("utf-8", "replace").decode()


def shown(text: str) -> str:
    """Text from outside as HTML: no markup, no terminal colours, nothing invisible."""
    text = _ANSI.sub("", text.replace("\r\n", "\n")).replace("\r", "\n")
    return escape(_UNSHOWN.sub("\ufffd", text))


def scrolling(html: str, name: str) -> str:
    """Something wide, which scrolls in a box of its own, by keyboard as well."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{shown(name)}">{html}</div>'


def number(value: float) -> str:
    """A number of points."""
    return f"{value:.4g}"
