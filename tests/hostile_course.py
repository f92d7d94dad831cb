"""The course that hostile submissions are handed in to, and the people who are in it."""

import csv
import ctypes
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import hostile
from hostile import FOLDER, HONEST, NAME, POINTS, SECRET, Attack
from hostile_files import FILES

from cs_infer.judge.course import Course
from cs_infer.judge.ledger import verdict_path

ROOT = Path(__file__).resolve().parents[1]
QUIET = {f"{place}-honest": Attack(f"{place}-honest", "", POINTS, HONEST) for place in "amz"}

# Names that may be taken for one another, for a command, for markup, for a place; each one's
# neighbour in the list has done other work.
ODD_NAMES = (
    *(
        "Ann",
        "ann",
        "\u0430nn",
        "ＡＮＮ",
        "émile",
        "e\u0301mile",
        "K",
        "\u212a",
        "ß",
        "ss",
        "007",
        "7",
    ),
    *("a&b<i>", "<script>alert(1)<", "x'); DROP TABLE grade;--", "$(touch left-behind)", "`id`"),
    *("a|b;c", "%s%n", "..hidden", "x.json", "nan", "None", "1e5", "history", "lock", "locked"),
    *("(a", "a^$+b", "x" * 100, "~root", "all", "名前", "\u0661\u0662", "o'brien", "a:b"),
)
WRONG = HONEST | {"softmax": "def softmax(x):\n    return None"}
ODD = {
    name: Attack(name, "", POINTS | {"softmax": 10.0 * (i % 2)}, HONEST if i % 2 else WRONG)
    for i, name in enumerate(ODD_NAMES)
}


def cs_infer(course, *arguments):
    """Run the command as an instructor would."""
    return subprocess.run(
        [sys.executable, "-m", "cs_infer.cli", *arguments],
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT), "CS_INFER_SECRET": SECRET},
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        timeout=900,
        preexec_fn=log_in,
    )


def log_in():
    """As a login does: a keyring that every process of the session inherits."""
    if os.uname().machine == "x86_64":
        ctypes.CDLL(None).syscall(250, 1, None)


def make_course(folder, students):
    """A course with secrets planted in it, and everybody's work handed in."""
    shutil.copytree(FOLDER / "solutions", folder / "solutions")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    course = Course(folder)
    assert cs_infer(course, "release").returncode == 0
    with open(course.checks(NAME), "a") as checks:
        checks.write("\n# canary-c4ec500000000000\n")
    (folder / ".grading-secret").write_text("canary-f11e000000000000\n")
    release = json.loads(course.release(NAME).read_text())
    for attack in students:
        hand_in(course, release, attack)
    return course


def hand_in_files(course):
    release = json.loads(course.release(NAME).read_text())
    for student, (write, _) in FILES.items():
        folder = course.submitted / student / NAME
        folder.mkdir(parents=True)
        write(folder, release)


def hand_in(course, release, attack):
    work = hostile.notebook(release, attack)
    if attack.student in QUIET:
        work["cells"].append(hostile.own_cell("# canary-0de0000000000000"))
    target = course.submitted / attack.student / NAME / f"{NAME}.ipynb"
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps(work))


def graded(folder, students, workers, files=False):
    course = make_course(folder, students)
    if files:
        hand_in_files(course)
    before = snapshot(course)
    run = cs_infer(course, "grade", "--workers", str(workers))
    assert run.returncode == 0, run.stderr[-3000:]
    assert snapshot(course) == before
    pages = cs_infer(course, "feedback")
    assert pages.returncode == 0, pages.stderr[-3000:]
    return course, run.stdout + run.stderr + pages.stdout + pages.stderr


def snapshot(course):
    """Every file of the course that grading has no business with."""
    files = (p for p in course.root.rglob("*") if p.is_file() and not p.is_symlink())
    ours = (course.grading(NAME).parent, course.build / "nbgrader")
    kept = (
        p
        for p in files
        if p.is_relative_to(course.submitted) or not any(map(p.is_relative_to, ours))
    )
    return {
        p: (p.stat().st_size, p.read_bytes()[: 10**6] if p.stat().st_size < 10**9 else b"")
        for p in kept
        if "__pycache__" not in p.parts
    }


def marks(course):
    with open(course.grading(NAME) / "grades.csv", encoding="utf-8") as file:
        return {row["student"]: {p: float(row[p]) for p in POINTS} for row in csv.DictReader(file)}


def verdict(course, student):
    return json.loads(verdict_path(course, NAME, student).read_text())


def told(course, student):
    """What a verdict says, without the student's own work."""
    return json.dumps({k: v for k, v in verdict(course, student).items() if k != "provenance"})


def page(course, student):
    folder = course.build / "nbgrader" / "feedback" / student / NAME
    return (folder / f"{NAME}.html").read_text(encoding="utf-8")


REVEALS = """
seen = []
def softmax(x):
    seen.append(x.tolist())
    raise ValueError(f"[{seen}]")
"""
LOOKS_UP = """
table = {table}
def softmax(x):
    known = any(np.array_equal(given, x) for given in table)
    raise LookupError("seen before" if known else "never seen")
"""


CURIOUS = Attack("curious", "", POINTS | {"softmax": 0.0}, HONEST | {"softmax": REVEALS})


def command_lines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except OSError:
            continue
