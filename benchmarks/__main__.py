"""``python -m benchmarks [case …]``: measure, print, write."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks import report
from benchmarks.cases import NAMES, case
from benchmarks.floor import loops


def main() -> int:
    """Run the cases, each in a process of its own for each number of threads."""
    options = _options()
    if options.child:
        return _run_here(*options.child)
    start = time.perf_counter()
    names = options.cases or [n for n in NAMES if not getattr(case(n), "ON_REQUEST", False)]
    if options.students and names != ["grading"]:
        sys.exit("--students is the size of the class of: python -m benchmarks grading")
    sizes = {"students": options.students} if options.students else {}
    jobs = [(name, threads) for name in names for threads in case(name).THREADS]
    if options.threads:
        jobs = [job for job in jobs if job[1] == options.threads]
    fresh: list[report.Row] = []
    for i, (name, threads) in enumerate(jobs, 1):
        spent = time.perf_counter() - start
        print(f"[{i}/{len(jobs)}] {name}, threads: {threads} … ({spent:.0f} s)", file=sys.stderr)
        fresh += _run_in_child(name, threads, options.seconds, sizes)
    print(report.table(fresh))
    missing = sorted({r.status for r in fresh if r.status.startswith("missing")})
    for status in missing:
        print(status)
    if options.write:
        old = report.read_rows() if report.RESULTS.exists() else []
        old = [row for row in old if row.case.split(" ")[0] in NAMES]
        rows = report.merge(old, fresh)
        report.write_rows(rows)
        report.write_readme(report.read_rows())
        facts = json.dumps(report.machine(loops().how), indent=2, ensure_ascii=False)
        report.MACHINE.write_text(facts + "\n", encoding="utf-8")
        print(f"\nwritten: {report.RESULTS.name}, {report.MACHINE.name}, the table in README.md")
    wrong = [row for row in fresh if row.status.startswith(("wrong", "failed"))]
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("cases", nargs="*", choices=[*NAMES, []], help="some of the cases")
    parser.add_argument("--threads", type=int, help="only runs with this many threads")
    parser.add_argument("--seconds", type=float, default=1.0, help="scale the time of every case")
    parser.add_argument("--students", type=int, help="the size of the class, for grading")
    parser.add_argument("--no-write", dest="write", action="store_false", help="only print")
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    return parser.parse_args()


def _run_in_child(name: str, threads: int, scale: float, sizes: dict[str, int]) -> list[report.Row]:
    """Threads are chosen when libraries are loaded, so each choice needs a process."""
    count = {
        f"{who}_NUM_THREADS": str(threads) for who in ("OMP", "OPENBLAS", "MKL", "NUMBA", "BLIS")
    }
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "benchmarks", "--child", name, str(threads), str(scale)]
        command += [json.dumps(sizes), str(out)]
        done = subprocess.run(command, env={**os.environ, **count})
        if done.returncode == 0:
            return [report.Row(**row) for row in json.loads(out.read_text(encoding="utf-8"))]
    status = f"failed: exit status {done.returncode}"
    return [report.Row(case=name, implementation="all", threads=threads, status=status)]


def _run_here(name: str, threads: str, scale: str, sizes: str, out: str) -> int:
    module = case(name)
    found = module.rows(int(threads), module.SECONDS * float(scale), **json.loads(sizes))
    Path(out).write_text(json.dumps([asdict(row) for row in found]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
