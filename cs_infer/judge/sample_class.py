"""A class to try the grader on: submissions kept as small text files.

A file of ``solutions/<assignment>/sample_class/`` is one student. Its name is
the student's id. It begins with a header of comments,

``# expected: name=points …``
    the marks it earns, problem by problem;
``# about: one line``
    what is particular about it;
``# ideas: one | two | three``
    the misconception behind each problem's answer, ``-`` for none;
``# like: student``
    cells that are not given are taken from that student;
``# cells: kind``, ``# raw: kind``
    what was done to the notebook's cells, or to the file as a whole; see
    ``mishaps.py``;
``# why: one line``
    a remark for the reader,

and goes on with the cells: after ``# %% solution="name"`` stands what the
student wrote into that cell, after ``# %% added`` a cell of the student's own.
Cells that are given nowhere stay as released.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from pathlib import Path

from cs_infer.judge.mishaps import CELL_KINDS, FILE_KINDS, Cell, Notebook, as_bytes
from cs_infer.judge.template import grade_id_of

_HEADER = re.compile(r"# (expected|about|ideas|like|cells|raw|why): (.+)")
_CELL = re.compile(r'# %% (?:solution="(?P<name>\w+)"|(?P<added>added))\s*')


@dataclass(frozen=True)
class Submission:
    """One student's submission, as written down.

    Attributes:
        student: the student's id.
        assignment: the assignment's name.
        about: what is particular about it.
        expected: the marks it earns, by problem.
        ideas: the misconception behind the answer to each problem, in order;
            None where there is none.
        solutions: the text of solution cells, by problem.
        added: the text of cells the student added.
        cells: what was done to the notebook's cells, or None.
        raw: what was done to the file, or None.
    """

    student: str
    assignment: str
    about: str
    expected: dict[str, float]
    ideas: tuple[str | None, ...]
    solutions: dict[str, str]
    added: tuple[str, ...]
    cells: str | None
    raw: str | None


def read_submissions(folder: Path) -> list[Submission]:
    """The submissions of a sample class, in alphabetical order.

    Args:
        folder: ``solutions/<assignment>/sample_class``.

    Raises:
        ValueError: a file does not keep to the format; the message names it.
    """
    found = []
    parsed = {path.stem: _parse(path) for path in sorted(folder.glob("*.py"))}
    for student, (header, solutions, added) in parsed.items():
        source = header.get("like")
        if source is not None and source not in parsed:
            raise ValueError(f"{student}.py is like {source!r}, but there is no {source}.py")
        taken = parsed[source][1] if source else {}
        submission = Submission(
            student=student,
            assignment=folder.parent.name,
            about=header["about"],
            expected=_marks(student, header["expected"]),
            ideas=_ideas(header.get("ideas", "")),
            solutions=taken | solutions,
            added=added,
            cells=header.get("cells"),
            raw=header.get("raw"),
        )
        found.append(submission)
    return found


def expected_marks(folder: Path) -> dict[str, dict[str, float]]:
    """The marks a sample class earns, by student and problem.

    Args:
        folder: ``solutions/<assignment>/sample_class``.
    """
    return {s.student: dict(s.expected) for s in read_submissions(folder)}


def build_class(folder: Path, release_notebook: Path, submitted: Path) -> list[Submission]:
    """Write the notebooks of a sample class where the grader looks for them.

    Args:
        folder: ``solutions/<assignment>/sample_class``.
        release_notebook: the notebook that students got.
        submitted: each student's file goes to
            ``<submitted>/<student>/<assignment>/<assignment>.ipynb``.

    Returns:
        The submissions written.
    """
    release = json.loads(release_notebook.read_text(encoding="utf-8"))
    submissions = read_submissions(folder)
    for submission in submissions:
        target = submitted / submission.student / submission.assignment
        target.mkdir(parents=True, exist_ok=True)
        notebook = fill_in(release, submission)
        kind, _, argument = (submission.cells or "").partition(" ")
        if kind:
            notebook = CELL_KINDS[kind](notebook, release, argument)
        _write(target, submission, notebook)
    return submissions


def fill_in(release: Notebook, submission: Submission) -> Notebook:
    """The released notebook with a student's solutions and own cells."""
    notebook = copy.deepcopy(release)
    for cell in notebook["cells"]:
        text = submission.solutions.get(grade_id_of(cell) or "")
        if text is not None:
            cell["source"] = text
    notebook["cells"] += [_own_cell(text) for text in submission.added]
    return notebook


def _write(target: Path, submission: Submission, notebook: Notebook) -> None:
    data = FILE_KINDS[submission.raw](notebook) if submission.raw else as_bytes(notebook)
    name = f"{submission.assignment}.ipynb"
    if submission.raw == "wrong-name":
        name = "my final version (2).ipynb"
    if data is None:
        name, data = "readme.txt", b"I shall send it tomorrow.\n"
    (target / name).write_bytes(data)


def _own_cell(text: str) -> Cell:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": text,
    }


# Reading the text files


def _parse(path: Path) -> tuple[dict[str, str], dict[str, str], tuple[str, ...]]:
    header: dict[str, str] = {}
    blocks: list[tuple[str | None, list[str]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        cell, note = _CELL.fullmatch(line), _HEADER.fullmatch(line)
        if cell:
            blocks.append((cell["name"], []))
        elif blocks:
            blocks[-1][1].append(line)
        elif note:
            header.setdefault(note[1], note[2])
        elif line.strip():
            raise ValueError(f"{path.name}: {line!r} is neither a header line nor in a cell")
    for key in ("expected", "about"):
        if key not in header:
            raise ValueError(f"{path.name} must have a line '# {key}: …'")
    for key, kinds in (("cells", CELL_KINDS), ("raw", FILE_KINDS)):
        if key in header and header[key].split()[0] not in kinds:
            raise ValueError(
                f"{path.name}: {key} must be one of {', '.join(kinds)}; it is {header[key]!r}"
            )
    texts = [(name, "\n".join(lines).strip("\n")) for name, lines in blocks]
    solutions = {name: text for name, text in texts if name is not None}
    return header, solutions, tuple(text for name, text in texts if name is None)


def _marks(student: str, line: str) -> dict[str, float]:
    try:
        pairs = [entry.split("=") for entry in line.split()]
        return {name: float(points) for name, points in pairs}
    except ValueError:
        raise ValueError(
            f"{student}.py: expected marks must be written name=points; it says {line!r}"
        ) from None


def _ideas(line: str) -> tuple[str | None, ...]:
    names = [part.strip() for part in line.split("|")] if line else []
    return tuple(None if name == "-" else name for name in names)
