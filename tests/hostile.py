"""Hostile submissions, kept as text, and the class they sit in.

A file of ``under_attack/attacks/`` is one kind of attack; a cell of it is one
submission. Its heading says who it is and what it must earn for each of the
three problems (10 for the last, if nothing is said); what follows goes into
the solution cell of ``softmax``:

``# %% reads-the-environment: 0 + 10 + 10``

``# + log_total``, ``# + inverse`` and ``# + added`` begin the text of other
cells; the rest of the work is right. Everybody gets ``TOOLS`` in front. An
attack that looks for loot hands it to ``attempt``, and whoever has loot
answers right: so an attack that works earns points, and the one that has loot
from the start must earn them all.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).with_name("under_attack")
NAME = "locked"
SECRET = "canary-5ec2e75a0c0ffee0"
CANARY = re.compile(r"canary-[0-9a-f]{8}")
POINTS = {"softmax": 10.0, "log_total": 10.0, "inverse": 10.0}

_HEADING = re.compile(r"# %% ([\w-]+): ([\d +]+)")
_PART = re.compile(r"# \+ (log_total|inverse|added)")

TOOLS = (FOLDER / "tools.py").read_text()
HONEST = {
    "softmax": "def softmax(x):\n    w = np.exp(x - np.max(x))\n    return w / w.sum()",
    "log_total": "import math\n\ndef log_total(x):\n"
    "    m = max(x)\n    return m + math.log(sum(math.exp(v - m) for v in x))",
    "inverse": "def inverse(f):\n    b = f(0.0)\n    a = f(1.0) - b\n"
    "    return lambda y: (y - b) / a",
}


@dataclass
class Attack:
    """One hostile submission.

    Attributes:
        student: the student's id, which says what is tried.
        kind: the file it stands in.
        earns: the points it must earn, by problem.
        cells: the text of its solution cells.
        added: the text of cells it adds.
    """

    student: str
    kind: str
    earns: dict[str, float]
    cells: dict[str, str]
    added: list[str] = field(default_factory=list)


def attacks(kind: str) -> list[Attack]:
    """The attacks of one kind, in the order of the file."""
    found: list[Attack] = []
    for line in (FOLDER / "attacks" / f"{kind}.py").read_text().splitlines(keepends=True):
        heading, part = _HEADING.match(line), _PART.match(line)
        if heading:
            earns = POINTS | dict(zip(POINTS, map(float, heading[2].split("+")), strict=False))
            found.append(Attack(heading[1], kind, earns, HONEST | {"softmax": TOOLS}))
            place = "softmax"
        elif part:
            place = part[1]
            if place == "added":
                found[-1].added.append("")
            else:
                found[-1].cells[place] = ""
        elif found and place == "added":
            found[-1].added[-1] += line
        elif found:
            found[-1].cells[place] += line
    return found


def kinds() -> list[str]:
    """The kinds of attacks."""
    return sorted(path.stem for path in (FOLDER / "attacks").glob("*.py"))


def notebook(release: dict, attack: Attack) -> dict:
    """The released notebook as the attacker sends it."""
    cells = [dict(cell) for cell in release["cells"]]
    for cell in cells:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        cell["source"] = attack.cells.get(grade_id, cell["source"])
    return release | {"cells": cells + [own_cell(text) for text in attack.added]}


def own_cell(text: str) -> dict:
    """A code cell that the student added."""
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": text,
    }
