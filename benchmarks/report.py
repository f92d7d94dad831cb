"""Rows of results, the table, and what the machine is."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
MACHINE = HERE / "machine.json"
PACKAGES = ("numpy", "torch", "scipy", "quantecon", "numba", "hmmlearn", "pgmpy")


@dataclass
class Row:
    """One measurement.

    Attributes:
        case: what is done.
        implementation: by whom.
        threads: how many threads it may use.
        seconds: the median for one ``unit``; None where nothing was measured.
        ratio_to_floor: ``seconds`` over those of a plain streaming loop.
        ratio_to_tuned_loop: over those of a loop that reads four places at once.
        status: "measured", "missing: …", "wrong: …", "not run: …".
        computes: which answer it gives.
        unit: what the seconds are for.
        steps: how many steps were timed together.
        rounds: how many times.
        bytes: what one unit must move.
        error: the largest difference from the reference, relative to its largest value.
        value: what was measured, where that is not a time (see ``unit``).
        note: what a reader should know.
    """

    case: str
    implementation: str
    threads: int = 1
    seconds: float | None = None
    ratio_to_floor: float | None = None
    ratio_to_tuned_loop: float | None = None
    status: str = "not run"
    computes: str = ""
    unit: str = "step"
    steps: int | None = None
    rounds: int | None = None
    bytes: int | None = None
    error: float | None = None
    value: float | None = None
    note: str = ""


def write_rows(rows: Iterable[Row], path: Path = RESULTS) -> None:
    """Write the rows as a JSON list, one row a line."""
    lines = [json.dumps(_rounded(asdict(row)), ensure_ascii=False) for row in rows]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


def read_rows(path: Path = RESULTS) -> list[Row]:
    """Read what :func:`write_rows` wrote."""
    known = {field.name for field in fields(Row)}
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [Row(**{k: v for k, v in row.items() if k in known}) for row in rows]


def merge(old: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """The old rows, with those cases replaced that were run again, in the order of the old."""
    new = list(new)
    again = {row.case for row in new}
    merged, placed = [], set()
    for row in old:
        if row.case not in again:
            merged.append(row)
        elif row.case not in placed:
            placed.add(row.case)
            merged.extend(each for each in new if each.case == row.case)
    return merged + [row for row in new if row.case not in placed]


def table(rows: Iterable[Row]) -> str:
    """The rows as text: a block for each case."""
    blocks: dict[str, list[Row]] = {}
    for row in rows:
        blocks.setdefault(row.case, []).append(row)
    return "\n\n".join(_block(case, block) for case, block in blocks.items())


def machine(how_compiled: str) -> dict[str, object]:
    """What the numbers depend on besides the programs."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "streaming loop": how_compiled,
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(x.split(":")[1].strip() for x in lines if x.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _rounded(row: dict[str, object]) -> dict[str, object]:
    return {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in row.items()}


def _block(case: str, rows: list[Row]) -> str:
    width = max(len(row.implementation) for row in rows)
    head = f"{'':{width}}  threads       time   x floor  x tuned"
    lines = [case, "-" * len(head), head]
    for row in rows:
        line = f"{row.implementation:{width}}  {row.threads:7d} {_time(row)}"
        if row.ratio_to_floor is not None:
            line += f"  {row.ratio_to_floor:8.2f}"
            if row.ratio_to_tuned_loop is not None:
                line += f" {row.ratio_to_tuned_loop:8.2f}"
        lines.append(line if row.status == "measured" else f"{line}  {row.status}")
    return "\n".join(lines)


def _time(row: Row) -> str:
    if row.seconds is None and row.value is None:
        return f"{'–':>10}"
    return f"{quantity(row):>10}"


def quantity(row: Row) -> str:
    """What was measured, with its unit: ``"377 us"``; a dash where nothing was."""
    if row.seconds is not None:
        return readable_seconds(row.seconds)
    if row.value is None:
        return "–"
    if row.unit == "bytes":
        return f"{row.value / 1e6:.2f} MB"
    return f"{row.value:.1e}" if abs(row.value) < 1e-2 else f"{row.value:.2f}"


def readable_seconds(seconds: float) -> str:
    """A time of three digits with the unit that suits it."""
    for scale, unit in ((1.0, "s"), (1e-3, "ms")):
        if seconds >= scale:
            return f"{seconds / scale:#.3g}".rstrip(".") + f" {unit}"
    return f"{seconds / 1e-6:.0f} us"


README = HERE.parent / "README.md"
MARKS = ("<!-- measured: written by `make bench` -->", "<!-- end of what was measured -->")
FLOOR, TUNED = "floor: plain streaming loop", "tuned streaming loop"
QUOTED = {
    "dense": (
        "one step, dense, 500 states, 10 actions",
        (
            FLOOR,
            TUNED,
            "cs_infer, variational",
            "cs_infer, exact",
            "numpy, one product",
            "recurrences of imitation",
            "QuantEcon, Bellman sweep",
        ),
    ),
    "sparse": (
        "one step, grid of 316 × 316, 5 actions, 3 successors",
        (
            FLOOR,
            TUNED,
            "cs_infer, variational",
            "cs_infer, exact",
            "cs_infer compiled, variational",
            "C, compiled here",
            "QuantEcon, Bellman sweep",
            "scipy CSR and logsumexp",
            "scipy CSR, actions first",
        ),
    ),
    "soft_iteration": (
        "discounted soft values of that grid to 1e-8, discount 0.99, × floor in passes over it",
        (
            "cs_infer, sweeps",
            "cs_infer, policy iteration",
            "Anderson's extrapolation",
            "QuantEcon, value iteration",
            "QuantEcon, modified policy iteration",
        ),
    ),
    "batch": (
        "one step of 500 grids of 8 × 8",
        (
            "cs_infer, one batch, variational",
            "cs_infer, a loop over problems, variational",
            "cs_infer, one batch, exact",
            "cs_infer, a loop over problems, exact",
        ),
    ),
    "hidden_markov": (
        "all smoothed marginals of an 8 × 8 grid, 50 steps",
        ("cs_infer, smoothed_marginals", "hmmlearn, scaling", "hmmlearn, log"),
    ),
}


def readme_block(rows: Iterable[Row]) -> str:
    """What the README quotes: a few rows on one thread, as a Markdown table."""
    by_name = {(r.case, r.implementation): r for r in rows if r.threads == 1}
    lines = ["| one thread | time | × floor |", "| --- | --- | --- |"]
    for case, (title, names) in QUOTED.items():
        lines.append(f"| **{title}** | | |")
        for name in names:
            row = by_name.get((case, name))
            if row is not None:
                ratio = "" if row.ratio_to_floor is None else f"{row.ratio_to_floor:.2f}"
                told = quantity(row) if row.status == "measured" else row.status
                lines.append(f"| {name} | {told} | {ratio} |")
    gpu = [r for r in by_name.values() if r.case == "gpu"]
    if gpu and all(r.status != "measured" for r in gpu):
        lines += ["", "The GPU case is ready, and was not run: no GPU was at hand."]
    return "\n".join([*lines, *_grading_table(by_name.values())])


def _grading_table(rows: Iterable[Row]) -> list[str]:
    """Whole classes graded, beside nbgrader as it comes."""
    whole = [r for r in rows if r.case == "grading" and r.computes == "marks" and r.seconds]
    if not whole:
        return []
    head = f"| a class of {whole[0].steps}, for each notebook | time | × as fast as nbgrader |"
    ratios = ["1.0" if r.value is None else f"{r.value:.1f}" for r in whole]
    lines = [
        f"| {r.implementation} | {quantity(r)} | {ratio} |"
        for r, ratio in zip(whole, ratios, strict=True)
    ]
    return ["", head, "| --- | --- | --- |", *lines]


def write_readme(rows: Iterable[Row], path: Path = README) -> None:
    """Put the block between its two marks."""
    text = path.read_text(encoding="utf-8")
    start, end = MARKS
    before, rest = text.split(start)
    _, after = rest.split(end)
    block = f"{before}{start}\n\n{readme_block(rows)}\n\n{end}{after}"
    path.write_text(block, encoding="utf-8")
