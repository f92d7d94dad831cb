"""The hostile afternoon: points nobody earned, graders that wait for ever, classes that stop."""

import dataclasses
import json
import os
import struct
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest

from cs_infer.judge import submissions
from cs_infer.judge.answers import CallFailed
from cs_infer.judge.class_run import ClassRun, grade_class
from cs_infer.judge.course import Course
from cs_infer.judge.grader import Grader
from cs_infer.judge.ledger import Ungraded, Verdict
from cs_infer.judge.notebook import StudentNotebook, clean_outputs
from cs_infer.judge.problem import Limits
from cs_infer.judge.records.autograde import attach
from cs_infer.judge.reports import grade_table
from cs_infer.judge.sandbox import Box, SandboxDied, Session, sandbox_works
from cs_infer.judge.sandbox.edition import build_edition
from cs_infer.judge.sandbox.frames import MOST_ARRAY_BYTES, FrameError, read_message, write_message
from cs_infer.judge.submissions import find_submission, is_student_id
from cs_infer.judge.verdict import ProblemResult, PropertyResult

ROOT = Path(__file__).resolve().parents[1]
WORKS, WHY = sandbox_works()
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}"),
]

LIMITS = Limits(
    cell_seconds=1,
    call_seconds=1,
    cpu_seconds=30,
    memory_mb=1024,
    disk_mb=16,
    total_seconds=60,
)
SOON = 20  # seconds, on a busy machine; without the limit it would be 30 and more

# What an attacker needs to speak on the grader's own pipe.
FORGER = """
import fcntl, json, os, struct, time

def frames(body, headers=(), *blocks):
    parts = [json.dumps({"body": body, "arrays": list(headers)}).encode(), *blocks]
    return b"".join(struct.pack(">Q", len(part)) + part for part in parts)

def message(**fields):
    return frames({"dict": fields})

def is_reply(f):
    try:
        pipe = os.readlink(f"/proc/self/fd/{f}").startswith("pipe:")
        return pipe and fcntl.fcntl(f, fcntl.F_GETFL) & 3 == os.O_WRONLY
    except OSError:
        return False

REPLIES = next(f for f in range(3, 64) if is_reply(f))

def send(data):
    while data:
        data = data[os.write(REPLIES, data):]
"""


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch):
    monkeypatch.setattr("cs_infer.judge.sandbox.session._GRACE_SECONDS", 0.5)


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    return Box(build_edition(tmp_path_factory.mktemp("edition"), ("messages",)), LIMITS)


@pytest.fixture
def session(box):
    with Session(box) as running:
        yield running


def asked(box, function, *cells):
    """What a call of a notebook's function comes to: an answer, or the failure's status."""
    sources = [(f"cell-{i}", source) for i, source in enumerate(cells)]
    with StudentNotebook(box, sources) as notebook:
        try:
            return notebook.call(function, {"x": 1.0}), notebook
        except CallFailed as failure:
            return failure, notebook


# The wait: nobody keeps the grader


def test_code_that_stops_reading_does_not_keep_the_grader(box):
    untimed = "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)\ntime.sleep(60)"
    deaf = f"{FORGER}send(message(status='ran'))\n{untimed}"
    with Session(box) as session:
        session.run_cell(deaf)
        started = time.monotonic()
        with pytest.raises(SandboxDied, match="did not stop") as died:
            session.run_cell("#" + "x" * 199_000)
    assert died.value.status == "time-out"
    assert time.monotonic() - started < SOON


def test_the_total_limit_holds_when_every_call_keeps_to_its_own(box):
    slow = "import time\ndef f(x):\n    time.sleep(0.8)"
    limits = dataclasses.replace(LIMITS, call_seconds=30, total_seconds=3)
    brief, calls = dataclasses.replace(box, limits=limits), 0
    used_up = pytest.raises(CallFailed, match="whole notebook is used up")
    with StudentNotebook(brief, [("f", slow)]) as notebook, used_up:
        while calls < 9:
            notebook.call("f", {"x": 1.0})
            calls += 1
    assert calls < 6


@pytest.mark.parametrize(
    "source",
    [
        "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0)\nwhile True: pass",
        "import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\ntime.sleep(60)",
        "import signal, time\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
        "time.sleep(60)",
        "class E(Exception):\n    def __str__(self):\n        while True: pass\nraise E",
    ],
    ids=["timer reset", "signal ignored", "signals blocked", "a message without end"],
)
def test_the_hard_limit_needs_nothing_inside_the_box(session, source):
    started = time.monotonic()
    try:
        status = session.run_cell(source)["status"]
    except SandboxDied as died:
        status = died.status
    assert status == "time-out"
    assert time.monotonic() - started < SOON


# The machine: what the box takes together


@pytest.mark.parametrize("folder", ["/", "/box", "/dev", "/dev/shm", "/tmp", "/scratch"])
def test_no_folder_takes_more_than_the_scratch_space(session, folder):
    source = (
        f"written = 0\ntry:\n    for i in range(8):\n"
        f"        open(f'{folder}/fill{{i}}', 'wb').write(bytes(5 * 2**20))\n"
        "        written += 5\nexcept OSError:\n    pass\nprint(written)"
    )
    assert int(session.run_cell(source)["text"]) <= LIMITS.disk_mb


def test_many_processes_are_too_many(session):
    source = (
        "import os, time\nfor i in range(150):\n    if os.fork() == 0:\n"
        "        time.sleep(30)\n        os._exit(0)\ntime.sleep(1)"
    )
    with pytest.raises(SandboxDied, match="more than 100 processes"):
        session.run_cell(source)


def test_processes_share_one_allowance_of_memory(box):
    source = (
        "import os, time\nfor i in range(5):\n    if os.fork() == 0:\n"
        "        x = b'1' * (80 * 2**20)\n        time.sleep(9)\n        os._exit(0)\n"
        "time.sleep(8)"
    )
    limits = dataclasses.replace(LIMITS, memory_mb=320, cell_seconds=9)
    small = dataclasses.replace(box, limits=limits)
    match = "320 MB in all its processes"
    with Session(small) as session, pytest.raises(SandboxDied, match=match) as died:
        session.run_cell(source)
    assert died.value.status == "memory"


def test_when_memory_runs_out_the_box_goes_first(session):
    assert session.run_cell("print(open('/proc/self/oom_score_adj').read())")["text"] == "1000\n\n"


def test_arrays_of_one_message_share_one_allowance():
    size = MOST_ARRAY_BYTES // 2 + 8
    header = {"dtype": "|u1", "shape": [size]}
    text = json.dumps({"body": {"array": 0}, "arrays": [header, header]}).encode()
    stream = iter([len(text), text, size, bytes(size), size])

    def read(count):
        part = next(stream)
        return part if isinstance(part, bytes) else struct.pack(">Q", part)

    with pytest.raises(FrameError, match="a frame has at most"):
        read_message(read)
    half = np.zeros(size, np.uint8)
    with pytest.raises(FrameError, match="together"):
        write_message(lambda data: None, {"one": half, "two": half})


# The points: forged, early, late and odd answers


FORGED = {
    "a verdict": "send(message(status='graded', message='')); os._exit(0)",
    "points": "send(message(status='answered', earned=25.0, points=25.0)); os._exit(0)",
    "a status of a megabyte": "send(message(status='=x' * 500_000, message='m' * 500_000)); "
    "os._exit(0)",
    "an array that is none": "send(message(status='answered', answer={'array': 7})); os._exit(0)",
    "a dict in a status": "send(message(status={'dict': {}})); os._exit(0)",
    "a frame without end": "send(struct.pack('>Q', 2**60)); os._exit(0)",
    "objects": "send(frames({'array': 0}, [{'dtype': '|O8', 'shape': [1]}], bytes(8))); "
    "os._exit(0)",
    "half a frame": "send(struct.pack('>Q', 100) + b'{'); os._exit(0)",
    "closed pipes": "os.closerange(3, 64); time.sleep(9)",
    "two processes": "os.fork() and os._exit(0); time.sleep(9)",
    "a weird exception": "raise type('E', (BaseException,), {'__str__': lambda s: 1 / 0})",
    "an interrupt": "raise KeyboardInterrupt",
    "a tensor that exits": "return type('T', (), {'cpu': 1, 'detach': lambda s: exit_now()})()",
}


@pytest.mark.parametrize("body", FORGED.values(), ids=FORGED)
def test_what_is_forged_is_no_answer(box, body):
    source = f"{FORGER}\ndef exit_now(): raise SystemExit\ndef f(x):\n    {body}"
    outcome, _ = asked(box, "f", source)
    assert isinstance(outcome, CallFailed)
    assert outcome.status in ("bad answer", "killed", "time-out", "run-time error")
    assert 0 < len(str(outcome)) < 5000


def test_an_answer_sent_early_is_not_kept_for_a_right_one(box):
    early = "for i in range(3):\n    send(message(status='answered', answer=42.0))"
    outcome, _ = asked(box, "f", FORGER + early, "def f(x):\n    return x")
    assert outcome == 42.0  # a guess is a guess: it is compared like any other answer


def test_statuses_forged_into_a_verdict_leave_the_table_standing():
    course = Course(ROOT)
    assignment = course.assignment("graphical_model")
    problems = tuple(
        ProblemResult(p.name, p.title, p.section, (PropertyResult("x", "holds", 0.0, 1.0, ""),))
        for p in assignment.problems
    )
    run = ClassRun({"a": Verdict("a", assignment.name, problems, {}, (), {})})
    run.ungraded.append(Ungraded("b\udcff", assignment.name, "its name is no text"))
    assert "traj_logprob: x ()" in grade_table.as_page(assignment, run)
    grade_table.as_csv(assignment, run).encode()


LEGITIMATE = {
    "a shell magic": "%%bash\necho hello",
    "a shell line": "!echo hello",
    "await": "import asyncio\nawait asyncio.sleep(0.01)",
    "exit": "exit",
    "reset": "%reset -f",
    "input": "input('name?')",
    "a display hook": "import sys\nsys.displayhook = lambda value: 1 / 0\n3",
    "an input transformer": "get_ipython().input_transformers_cleanup.append(lambda lines: 1 / 0)",
    "a trace": "import sys\nsys.settrace(lambda *args: None)",
    "a thread": "import threading\nthreading.Thread(target=lambda: [0 for i in range(10**9)], "
    "daemon=True).start()",
}


@pytest.mark.parametrize("source", LEGITIMATE.values(), ids=LEGITIMATE)
def test_what_a_cell_does_to_its_own_shell_ends_there(box, source):
    outcome, _ = asked(box, "f", source, "def f(x):\n    return x + 1")
    broken = "transformer" in source
    assert outcome == 2.0 or (broken and outcome.status == "missing")


# The class: nothing a student writes stops the others


@pytest.mark.parametrize(
    "body",
    ["print('\\ud800')", "raise ValueError('\\ud800')", "raise ValueError('\\x00\\x1b[2J')"],
)
def test_text_that_no_file_can_hold_does_not_come_across(box, body):
    _, notebook = asked(box, "f", body)
    text = json.dumps(clean_outputs(notebook.outputs, 1000), ensure_ascii=False)
    assert text.encode()


OUTPUTS = {
    "a number of pictures": "pictures=5",
    "a dict of pictures": "pictures={'dict': {'a': 'b'}}",
    "markup for a picture": "pictures={'list': ['\"><script>alert(1)</script>']}",
    "a huge text": "text='x' * 3_000_000, error='y' * 3_000_000",
    "lists for texts": "text={'list': []}, error={'list': [1]}",
}


@pytest.mark.parametrize("fields", OUTPUTS.values(), ids=OUTPUTS)
def test_forged_outputs_are_cut_to_what_a_page_may_hold(box, fields):
    source = FORGER + f"send(message(status='ran', {fields}))\nos._exit(0)"
    _, notebook = asked(box, "f", source)
    cleaned = clean_outputs(notebook.outputs, 1000)
    assert cleaned["cell-0"]["status"] == "ran"
    assert len(json.dumps(cleaned)) < 10_000
    assert "script" not in json.dumps(cleaned)


def test_an_array_where_pictures_belong_is_no_picture():
    assert (
        clean_outputs({"a": {"pictures": np.ones(3), "text": np.ones(3)}}, 100)["a"]["pictures"]
        == []
    )


@pytest.mark.parametrize(
    "name",
    [b"\xff\xfe.ipynb", b"a\n\n![x](http:evil)\n\n<b>$x$.ipynb", b"\x1b[2J.ipynb", b"HW.IPYNB"],
)
def test_a_file_may_have_any_name(tmp_path, name):
    (tmp_path / os.fsdecode(name)).write_bytes(b"{}")
    (tmp_path / f"._{os.fsdecode(name)}").write_bytes(b"left by a Mac")
    data, notes = find_submission(tmp_path, "hw")
    assert data == b"{}"
    assert "\n".join(notes).isprintable()
    notebook = nbformat.v4.new_notebook()
    attach(notebook, Verdict("a", "hw", (), {}, tuple(notes), {}))
    page = notebook.cells[0].source
    assert page.partition("\n\n")[2].startswith("<pre")
    assert "<b>" not in page


def test_a_notebook_one_folder_too_deep_is_found_and_links_are_not_followed(tmp_path):
    folder = tmp_path / "hw"
    (folder / "HW final").mkdir(parents=True)
    (folder / "HW final" / "hw.ipynb").write_bytes(b"mine")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "hw-checkpoint.ipynb").write_bytes(b"old")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "other.ipynb").write_bytes(b"not mine")
    (folder / "linked").symlink_to(tmp_path / "other")
    (folder / "linked.ipynb").symlink_to(tmp_path / "other" / "other.ipynb")
    (folder / "folder.ipynb").mkdir()
    os.mkfifo(folder / "pipe.ipynb")
    assert find_submission(folder, "hw")[0] == b"mine"


def test_a_file_that_becomes_a_link_between_look_and_read_is_not_followed(tmp_path, monkeypatch):
    (tmp_path / "secret").write_bytes(b"another's")
    (tmp_path / "hw").mkdir()
    sent = tmp_path / "hw" / "hw.ipynb"
    sent.write_bytes(b"mine")
    looked = submissions._notebooks

    def swapped(*args):
        found = looked(*args)
        sent.unlink()
        sent.symlink_to(tmp_path / "secret")
        return found

    monkeypatch.setattr(submissions, "_notebooks", swapped)
    with pytest.raises(OSError, match="symbolic links"):
        find_submission(tmp_path / "hw", "hw")


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "=1", "a\u202eb", "a\u200b", "x" * 101])
def test_what_could_be_a_path_or_a_disguise_is_no_student(name):
    assert not is_student_id(name)
    assert is_student_id(f"a{'b' * 40}.c")


def test_an_odd_folder_is_named_and_the_others_are_graded(tmp_path):
    course, name = Course(tmp_path), "graphical_model"
    (tmp_path / "solutions").symlink_to(ROOT / "solutions")
    (tmp_path / "assignments").symlink_to(ROOT / "assignments")
    (tmp_path / ".grading-secret").write_text("a secret for tests")
    odd = ["[x]", "a,b", "st*r", "{0}", " lead", "trail ", "=1+1", "new\nline", "x" * 230]
    for student in ("ann", "émile", "o'brien", "-rf", "__proto__", "bad\udcff", *odd):
        (course.submitted / student / name).mkdir(parents=True)
    (course.submitted / "copycat").symlink_to(course.submitted / "ann")
    run = grade_class(Grader(course, name))
    assert run.verdicts.keys() == {"ann", "émile", "o'brien", "-rf", "__proto__"} - {"-rf"}
    assert {u.student for u in run.ungraded} == {*odd, "bad\udcff", "-rf", "copycat"}
    assert all("folder" in u.reason for u in run.ungraded)
