"""Mutants of an assignment's own solutions: one small change each, judged as a student's work.

A mutant that keeps full marks shows a hole in the checks, unless it computes
the same thing. Those that do are listed in ``equivalent_mutants.toml`` of the
assignment's folder, each with the reason; ``test_mutants.py`` demands that the
list and the survivors are the same.

    python tests/mutation.py messages            # print the survivors of one assignment
    python tests/mutation.py messages forward    # of one problem's cell
"""

import contextlib
import functools
import resource
import signal
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from judging import COURSE, FOLDERS, MEMORY
from mutants import mutate

from cs_infer.judge import trial
from cs_infer.judge.answers import CallFailed

SEEDS = range(3)
SECONDS = 10.0  # for one call of a mutant; a right solution takes a hundredth of this
MOST_BYTES = 4 * 2**30


class Mutant(NamedTuple):
    """One change of one cell.

    Attributes:
        cell: the problem whose cell it is.
        change: ``function: statement -> changed statement``.
        source: the cell with the change.
    """

    cell: str
    change: str
    source: str


def survivors(name: str, cell: str | None = None) -> list[Mutant]:
    """The mutants of an assignment that keep full marks on at least one of the seeds."""
    trial = Trial(name)
    return [m for m in mutants_of(name) if cell in (None, m.cell) and trial.survives(m)]


def equivalent(name: str) -> dict[str, str]:
    """The mutants that may survive: the change, and why it changes nothing.

    Raises:
        ValueError: a change is listed twice.
    """
    listed = tomllib.loads(_list_of(name).read_text(encoding="utf-8"))["equivalent"]
    pairs = [(change, entry["why"]) for entry in listed for change in entry["changes"]]
    if len(dict(pairs)) < len(pairs):
        raise ValueError(f"each mutant is listed once; {_list_of(name)} has one twice")
    return dict(pairs)


def mutants_of(name: str) -> list[Mutant]:
    """Every mutant of an assignment's solution cells, each text once."""
    found = {}
    for problem, source in _solutions(name).items():
        for change, changed in mutate(source):
            found.setdefault((problem, changed), Mutant(problem, change, changed))
    return list(found.values())


class Trial:
    """An assignment's solutions, in which one cell at a time is replaced."""

    def __init__(self, name: str) -> None:
        self.given = FOLDERS[name].given
        self.problems = dict(FOLDERS[name].problems)
        self.sources = _solutions(name)

    def survives(self, mutant: Mutant) -> bool:
        """Whether the changed solutions earn full marks on at least one of the seeds."""
        space: dict = {}
        exec(self.given, space)
        for problem, source in self.sources.items():
            exec(mutant.source if problem == mutant.cell else source, space)
        names = sorted(self.problems, key=lambda name: name != mutant.cell)  # its own one first
        return any(
            all(_passes(self.problems[name], space[name], seed) for name in names) for seed in SEEDS
        )


def _passes(problem, function, seed) -> bool:
    """Whether a function earns all points; as ``judge`` does it, up to the first fault."""
    known = MEMORY.problem(problem)
    for prop in known.properties:
        for inputs in MEMORY.draws(known, prop, ("mutation", seed)):
            try:
                answer = trial.ask(known, functools.partial(_called, function), inputs)
            except CallFailed:
                return False
            if trial.fault(known, prop, answer) is not None:
                return False
    return True


def _called(function, inputs):
    try:
        with _time_limit(), _nothing_by_luck(), np.errstate(all="ignore"):
            return function(**inputs)
    except Exception as error:
        raise CallFailed("run-time error", repr(error)) from None


@contextlib.contextmanager
def _time_limit():
    def too_slow(signum, frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, too_slow)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _nothing_by_luck():
    """Memory that nobody wrote holds NaN, and not the right answer of an earlier call."""
    empty = np.empty
    np.empty = lambda shape, dtype=float: np.full(shape, np.nan if dtype is float else -1, dtype)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", "'where' used without 'out'")
            yield
    finally:
        np.empty = empty


def _solutions(name: str) -> dict[str, str]:
    cells = FOLDERS[name].cells
    return {c.metadata["solution"]: c.source for c in cells if "solution" in c.metadata}


def _list_of(name: str) -> Path:
    return COURSE.root / "solutions" / name / "equivalent_mutants.toml"


def survivors_apart(name: str) -> list[str]:
    """The changes that keep full marks, found in a process whose memory is bounded.

    A mutant that enumerates too much asks for more memory than there is.
    """
    command = [sys.executable, __file__, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line.partition(": ")[2] for line in done.stdout.splitlines()]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    with MEMORY:
        for mutant in survivors(*sys.argv[1:]):
            print(f"{mutant.cell}: {mutant.change}")
