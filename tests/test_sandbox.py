"""The box: what student code may do, what it may not, and what it costs when it tries."""

import os
import platform
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cs_infer.judge.problem import Limits
from cs_infer.judge.sandbox import (
    Box,
    Nursery,
    SandboxDied,
    SandboxError,
    Session,
    sandbox_works,
)
from cs_infer.judge.sandbox.box import _SYSTEM_FOLDERS
from cs_infer.judge.sandbox.edition import build_edition

WORKS, WHY = sandbox_works()
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}"),
]

LIMITS = Limits(cell_seconds=3, call_seconds=1, cpu_seconds=60, memory_mb=2048, disk_mb=16)
SOON = 30  # seconds, on a busy machine; without the limit it would be 60


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    return Box(build_edition(tmp_path_factory.mktemp("edition"), ("messages",)), LIMITS)


@pytest.fixture(scope="module", params=["a box each", "a nursery"])
def place(request, box):
    """Both ways to start: what is allowed and what it costs must not depend on them."""
    if request.param == "a box each":
        yield box
    else:
        with Nursery(box) as nursery:
            yield nursery.place_for("")


@pytest.fixture
def session(place):
    with Session(place) as running:
        yield running


def ran(session, source):
    return session.run_cell(source)


def test_a_cell_prints_and_a_function_answers(session):
    assert ran(session, "print('hello')\ndef f(x):\n    return x + 1")["text"] == "hello\n"
    reply = session.call("f", {"x": np.arange(3.0)})
    assert reply["status"] == "answered"
    assert reply["answer"].tolist() == [1.0, 2.0, 3.0]


def test_magics_warnings_and_plots_work_as_in_a_notebook(session):
    source = (
        "%matplotlib inline\nimport warnings, matplotlib.pyplot as plt\n"
        "warnings.warn('careful')\nplt.plot([1, 2]);\nplt.show()\n%time 1 + 1"
    )
    output = ran(session, source)
    assert output["status"] == "ran", output
    assert len(output["pictures"]) == 1
    assert "careful" in output["text"]


def test_tensors_come_back_as_arrays(box):
    pytest.importorskip("torch")
    patient = replace(box, limits=Limits(cell_seconds=60, call_seconds=20))
    with Session(patient) as session:
        ran(session, "import torch\ndef f(x):\n    return torch.as_tensor(x) * 2")
        assert session.call("f", {"x": np.ones(2)})["answer"].tolist() == [2.0, 2.0]


def test_a_withheld_module_says_so(session):
    output = ran(session, "from cs_infer import backward_messages")
    assert output["status"] == "run-time error"
    assert "cs_infer.messages holds answers" in output["error"]


def test_what_is_not_withheld_can_be_imported(session):
    assert ran(session, "from cs_infer import TabularMDP\nimport cs_infer.figures")["error"] == ""


@pytest.mark.parametrize(
    "source",
    [
        "import cs_infer.judge",
        "from cs_infer.judge.verdict import judge",
        "import cs_infer.cli",
    ],
)
def test_the_judge_is_not_in_the_box(session, source):
    assert "ModuleNotFoundError" in ran(session, source)["error"]


@pytest.mark.parametrize(
    "source",
    [
        "import socket; socket.create_connection(('127.0.0.1', 22), timeout=1)",
        "import socket; socket.getaddrinfo('localhost.invalid', 80)",
        "open('/usr/new', 'w')",
        "open('/edition/cs_infer/mdp.py', 'a')",
        "open('/box/runner.py', 'a')",
        "import os; os.setuid(0)",
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
        "if libc.mount(b'x', b'/tmp', b'tmpfs', 0, None): raise OSError(ctypes.get_errno())",
        "open('/proc/sys/kernel/core_pattern', 'w')",
        "open('/proc/self/oom_score_adj', 'w')",
        "import socket; socket.socket(40, socket.SOCK_STREAM)",
        "import os; os.memfd_create('memory that nobody counts')",
    ],
)
def test_what_is_out_of_bounds_raises(session, source):
    output = ran(session, source)
    assert output["status"] == "run-time error", output


@pytest.mark.parametrize(
    "call",
    [
        "unshare(0x10000000)",
        "mount(b'x', b'/tmp', b'tmpfs', 0, None)",
        "umount2(b'/scratch', 2)",
        "ptrace(0, 0, None, None)",
        "syscall(250, 0, -3, 1)",
        "shmget(0, 1024, 0o1600)",
        "prctl(24, 0, 0, 0, 0)",
    ],
    ids=["namespace", "mount", "unmount", "trace", "keyring", "shared memory", "still privileged"],
)
def test_the_kernel_refuses_what_no_notebook_asks(session, call):
    if platform.machine() != "x86_64" and "syscall" in call:
        pytest.skip("the number is another one here")
    source = f"import ctypes; print(ctypes.CDLL(None).{call})"
    assert int(ran(session, source)["text"]) < 0


def test_neither_the_course_nor_its_secret_can_be_seen(session):
    root = Path(__file__).resolve().parents[1]
    source = f"""
import glob, os
seen = [p for p in ({str(root)!r} + "/solutions", {str(root)!r} + "/tests",
        {str(root)!r} + "/.grading-secret", "/etc/passwd", "/etc/shadow") if os.path.exists(p)]
seen += glob.glob("/home/*") + glob.glob("/root/.[a-z]*rc") + glob.glob("/**/checks.py")
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        environment = open(f"/proc/{{process}}/environ").read()
        seen += [environment] if "SECRET" in environment else []
    except PermissionError:
        pass
print(seen)
"""
    os.environ["CS_INFER_TEST_SECRET"] = "hidden"
    assert ran(session, source)["text"] == "[]\n"


def test_only_its_own_processes_can_be_seen(session):
    source = "import os; print(len([p for p in os.listdir('/proc') if p.isdigit()]))"
    assert int(ran(session, source)["text"]) <= 4  # bubblewrap, nursery, guard, runner


def test_an_endless_loop_ends_at_its_limit_and_the_session_goes_on(session):
    started = time.monotonic()
    assert ran(session, "while True:\n    pass")["status"] == "time-out"
    assert time.monotonic() - started < SOON
    assert ran(session, "print(1)")["text"] == "1\n"


def test_a_loop_that_swallows_every_exception_is_killed(session):
    source = """
while True:
    try:
        while True:
            x = 1
            x = x + 1
    except BaseException:
        continue
"""
    started = time.monotonic()
    try:
        status = ran(session, source)["status"]
    except SandboxDied as died:
        status = died.status
    assert status == "time-out"
    assert time.monotonic() - started < SOON


def test_a_function_that_takes_too_long_is_stopped(session):
    ran(session, "import time\ndef f(x):\n    time.sleep(60)")
    reply = session.call("f", {"x": 1})
    assert reply["status"] == "time-out"
    assert reply["message"] == "f took longer than 1 s on one input"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import os; os._exit(3)", "exit status 3"),
        ("import ctypes; ctypes.string_at(0)", "exit status"),
        ("import os, signal; os.abort()", "exit status"),
        ("import os\nos.closerange(3, 30)", "exit status|closed"),
    ],
    ids=["exit", "segmentation fault", "abort", "closed pipes"],
)
def test_a_crash_is_told_apart(session, source, says):
    with pytest.raises(SandboxDied, match=says) as died:
        ran(session, source)
    assert died.value.status == "killed"


def test_sys_exit_is_an_error_like_another(session):
    assert ran(session, "import sys; sys.exit(0)")["status"] == "run-time error"
    assert ran(session, "print(1)")["text"] == "1\n"


def test_a_memory_bomb_is_told_apart(session):
    assert ran(session, "x = bytearray(8 * 2**30)")["status"] == "memory"


def test_a_disk_bomb_stays_in_its_scratch_folder(session):
    output = ran(session, "open('/scratch/big', 'wb').write(b'0' * 200 * 2**20)")
    assert output["status"] == "run-time error"
    assert "No space left" in output["error"] or "too large" in output["error"]


def test_much_output_is_cut(session):
    output = ran(session, "print('x' * 50_000_000)")
    assert len(output["text"]) == LIMITS.output_kb * 1024


def test_forged_answers_are_garbled_answers(session):
    ran(session, "import os\ndef f(x):\n    os.write(4, b'x' * 100)\n    return x")
    source = """
import os
for d in range(3, 10):
    try:
        os.write(d, b'forged' * 100)
    except OSError:
        pass
"""
    with pytest.raises(SandboxDied, match="garbled"):
        ran(session, source)


def test_an_answer_of_an_odd_type_is_a_bad_answer(session):
    ran(session, "def f(x):\n    return object()")
    assert session.call("f", {"x": 1})["status"] == "bad answer"


def test_an_object_that_equals_everything_is_a_bad_answer(session):
    ran(session, "class Yes:\n    __eq__ = lambda s, o: True\ndef f(x):\n    return Yes()")
    assert session.call("f", {"x": 1})["status"] == "bad answer"


def test_what_an_error_says_does_not_have_to_be_sayable(session):
    ran(session, "class E(Exception):\n    def __str__(self): raise E\ndef f(x): raise E")
    assert session.call("f", {"x": 1})["status"] == "run-time error"


def test_children_do_not_outlive_the_box(place):
    name = f"cs-infer-child-{os.getpid()}"
    source = (
        "import subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)', '{name}'], "
        "start_new_session=True)"
    )
    with Session(place) as session:
        assert ran(session, source)["status"] == "ran"
        assert _comes_true(lambda: any(name in line for line in _command_lines()))
    assert _comes_true(lambda: not any(name in line for line in _command_lines()))


def test_a_box_that_cannot_start_is_no_fault_of_the_student(box, monkeypatch):
    monkeypatch.setattr("cs_infer.judge.sandbox.box.sandbox_program", lambda: "/bin/false")
    with pytest.raises(SandboxError, match="did not start"):
        Session(box)
    with Nursery(box) as nursery, pytest.raises(SandboxError, match="did not start"):
        Session(nursery.place_for(""))


def test_without_a_sandbox_nothing_is_run(box, monkeypatch):
    monkeypatch.setattr("cs_infer.judge.sandbox.box.sandbox_program", lambda: None)
    with pytest.raises(SandboxError, match="not installed"):
        Session(box)


def test_what_a_submission_used_is_known_however_large_the_grader_is(place):
    large = bytearray(800 * 2**20)  # what the grader holds when it forks, a process inherits
    with Session(place) as session:
        ran(session, "x = bytearray(200 * 2**20)\nimport time\nend = time.process_time() + 0.5")
        ran(session, "while time.process_time() < end:\n    pass")
    assert 200 < session.usage["memory_mb"] < 700 < len(large) / 2**20, session.usage
    assert 0.4 < session.usage["cpu_seconds"] < 3
    assert session.usage["wall_seconds"] > 0.5


def test_processor_time_is_counted_for_all_processes_together(box):
    spin = "import os\nfor _ in range(3):\n    os.fork()\nwhile True:\n    pass"
    tight = replace(box, limits=replace(LIMITS, cpu_seconds=2, cell_seconds=30))
    with Session(tight) as session, pytest.raises(SandboxDied, match="processor time") as died:
        ran(session, spin)
    assert died.value.status == "time-out"


def test_a_course_among_the_programs_is_hidden(box, monkeypatch):
    root = Path(__file__).resolve().parents[1]
    shown = (*_SYSTEM_FOLDERS, str(root.parent))
    monkeypatch.setattr("cs_infer.judge.sandbox.box._SYSTEM_FOLDERS", shown)
    source = f"import os; print(os.path.exists({str(root / 'tests')!r}))"
    with Session(box) as open_box, Session(replace(box, hidden=(root,))) as session:
        assert ran(open_box, source)["text"] == "True\n"
        assert ran(session, source)["text"] == "False\n"


def test_trusted_work_has_a_folder_of_its_own(box):
    trusted = replace(box, trusted=True)
    assert "trusted" in trusted.describe()
    with Session(trusted) as session:
        assert ran(session, "open('left', 'w').write('x'); print(1)")["text"] == "1\n"
        folder = Path(ran(session, "import os; print(os.getcwd())")["text"].strip())
        assert folder.is_dir()
    assert not folder.exists()


def _comes_true(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def _command_lines():
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
