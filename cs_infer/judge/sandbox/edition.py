"""The student edition: the ``cs_infer`` that a graded notebook may import.

It is the library without the modules that hold the assignment's answers and
without the judge. Importing a withheld module says so in plain words.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import cs_infer

_NEVER = ("judge", "cli", "py.typed")

_WITHHELD = '''"""Withheld while this assignment is graded."""

raise ImportError(
    "cs_infer.{name} holds answers to this assignment, so it cannot be imported "
    "where the assignment is graded; write that part yourself"
)
'''

_PRACTICE = '''"""Where a notebook is graded, the grader does the checking, from outside."""


def check(name, function, seed=None):
    """Say that grading happens elsewhere."""
    print(f"{name}: checked by the grader on fresh inputs")
'''


def build_edition(folder: Path, withheld: tuple[str, ...]) -> Path:
    """Write the student edition.

    Args:
        folder: an empty or missing folder.
        withheld: modules and folders that hold the answers, such as ``"trajectories"``.

    Returns:
        ``folder``, which then holds a package ``cs_infer``.
    """
    source = Path(cs_infer.__file__).parent
    target = folder / "cs_infer"
    shutil.copytree(
        source, target, ignore=shutil.ignore_patterns("__pycache__", *_NEVER), dirs_exist_ok=True
    )
    (target / "practice.py").write_text(_PRACTICE)
    for name in withheld:
        folded = (target / name).is_dir()
        file = target / name / "__init__.py" if folded else target / f"{name}.py"
        file.write_text(_WITHHELD.format(name=name))
    for path in (folder, target, *target.rglob("*")):  # in a container, another user reads it
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder
