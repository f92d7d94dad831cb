"""A page's commands, run one after another in one shell, as a reader would type them.

A block of ``console`` holds lines that begin with ``$ ``, each a command, and
under each what it prints, as far as the page shows it; ``…`` stands for
anything. A block of Python whose first line is ``# nbgrader_config.py`` is
added to that file where it stands.
"""

import os
import re
import subprocess
from typing import NamedTuple

_BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CONFIG = "# nbgrader_config.py\n"
_BEGIN, _END = "\x1e", "\x1f"


class Command(NamedTuple):
    """A command of the page: its text, and the lines shown under it."""

    text: str
    shown: tuple[str, ...] = ()


class Outcome(NamedTuple):
    """What a command printed, and its exit status; None where the shell stopped before."""

    output: str
    status: int | None


def commands(page):
    """The commands of a page, in order."""
    found = []
    for kind, block in _BLOCK.findall(page):
        if kind == "console":
            found += map(_command, re.split(r"^\$ ", block, flags=re.MULTILINE)[1:])
        elif block.startswith(_CONFIG):
            found.append(Command(f"cat >> nbgrader_config.py <<'LINES'\n{block}LINES"))
    return found


def _command(text):
    lines = text.replace("\\\n", "").splitlines()
    return Command(lines[0], tuple(line for line in lines[1:] if line.strip()))


def run(todo, around, cwd, environment):
    """Run commands in one shell, until one fails.

    Args:
        todo: the commands.
        around: makes of a command's text what the shell is given.
        cwd: where the shell starts.
        environment: its environment.

    Returns:
        An :class:`Outcome` for each command.
    """
    steps = [
        f"printf '{_BEGIN}'\n{around(c.text)}\nended=$?\nprintf '{_END}%d' $ended\n"
        "[ $ended = 0 ] || exit 1\n"
        for c in todo
    ]
    done = subprocess.run(
        ["bash", "-c", "".join(steps)],
        stdin=subprocess.DEVNULL,
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    parts = [part.split(_END) for part in done.stdout.split(_BEGIN)[1:]]
    ended = [Outcome(p[0], int(p[1]) if len(p) > 1 else None) for p in parts]
    return ended + [Outcome("", None)] * (len(todo) - len(ended))


def missing_lines(shown, output):
    """The lines a page shows that the output does not have, in this order."""
    lines = iter([_plain(line) for line in output.splitlines()])
    return [s for s in shown if not any(_pattern(s).fullmatch(line) for line in lines)]


def _plain(text):
    return " ".join(text.split())


def _pattern(shown):
    return re.compile(".*".join(map(re.escape, _plain(shown).split("…"))))
