"""The nursery: boxes that start fast, and through which nothing passes from one to the next."""

import os
import signal

import pytest

from cs_infer.judge.problem import Limits
from cs_infer.judge.sandbox import Box, Nursery, SandboxDied, SandboxError, Session, sandbox_works
from cs_infer.judge.sandbox.edition import build_edition

WORKS, WHY = sandbox_works()
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}"),
]

LIMITS = Limits(cell_seconds=5, call_seconds=2, cpu_seconds=60, memory_mb=2048, disk_mb=16)


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    return Box(build_edition(tmp_path_factory.mktemp("edition"), ("messages",)), LIMITS)


@pytest.fixture(scope="module")
def nursery(box):
    with Nursery(box) as running:
        yield running


@pytest.fixture(scope="module")
def place(nursery):
    place = nursery.place_for("")
    with Session(place):
        pass
    if "nested" not in place.describe():
        pytest.skip("this system does not nest namespaces")
    return place


def said(place, *cells):
    """What the last of these cells prints, in a session of its own."""
    with Session(place) as session:
        outputs = [session.run_cell(cell) for cell in cells]
    assert outputs[-1]["status"] == "ran", outputs[-1]
    return outputs[-1]["text"]


def test_a_box_in_a_nursery_begins_with_the_packages_that_take_long_to_load(box, place):
    """How much that saves is measured by ``python -m benchmarks grading``."""
    loaded = (
        "import sys; print({'numpy.random', 'matplotlib.pyplot', 'gymnasium'} <= {*sys.modules})"
    )
    assert [said(p, loaded).strip() for p in (box, place)] == ["False", "True"]


@pytest.mark.parametrize(
    ("leave", "find"),
    [
        (
            "open('/tmp/left', 'w')",
            "import os; print([n for n in os.listdir('/tmp') if n == 'left'])",
        ),
        (
            "open('/scratch/left', 'w')",
            "import os; print([n for n in os.listdir('/scratch') if n == 'left'])",
        ),
        (
            "open('/dev/shm/left', 'w')",
            "import os; print([n for n in os.listdir('/dev/shm') if n == 'left'])",
        ),
        (
            "import numpy; numpy.left = 1",
            "import numpy; print([n for n in dir(numpy) if n == 'left'])",
        ),
        (
            "import os; os.environ['LEFT'] = 'x'",
            "import os; print([n for n in os.environ if n == 'LEFT'])",
        ),
        (
            "import IPython\nIPython.core.interactiveshell.InteractiveShell.left = 1",
            "print([n for n in dir(get_ipython()) if n == 'left'])",
        ),
        (
            "import subprocess; subprocess.Popen(['sleep', '98'], start_new_session=True)",
            "import glob; print([n for n in glob.glob('/proc/[0-9]*/cmdline') "
            "if '98' in open(n).read().split(chr(0))])",
        ),
        (
            "import os, socket; s = socket.socket(socket.AF_UNIX)\n"
            "s.bind(chr(0) + 'left'); s.listen(); os.fork()",
            "import socket; s = socket.socket(socket.AF_UNIX)\n"
            "print([e for e in [s.connect_ex(chr(0) + 'left')] if e == 0])",
        ),
        ("x = 1", "print([n for n in globals() if n == 'x'])"),
    ],
    ids=["tmp", "scratch", "shm", "module", "environment", "shell", "process", "socket", "name"],
)
def test_nothing_is_left_for_the_next(place, leave, find):
    said(place, leave)
    assert said(place, find) == "[]\n"


@pytest.mark.parametrize(
    "draw", ["random.random()", "numpy.random.rand()", "numpy.random.default_rng().random()"]
)
def test_no_two_submissions_draw_the_same_random_numbers(place, draw):
    source = f"import random, numpy; print({draw})"
    assert said(place, source) != said(place, source)


def test_torch_is_there_for_those_that_name_it_only(nursery, place):
    pytest.importorskip("torch")
    source = "import sys; print('torch' in sys.modules)"
    assert said(place, source) == "False\n"
    wanted = nursery.place_for("import torch")
    assert said(wanted, source) == "True\n"
    draw = "print(torch.rand(1).item())"
    assert said(wanted, "import torch", draw) != said(wanted, "import torch", draw)
    wanted.close()


def test_what_is_withheld_stays_withheld(place):
    with Session(place) as session:
        error = session.run_cell("from cs_infer.messages import backward_messages")["error"]
    assert "cs_infer.messages holds answers" in error


def test_neither_the_nursery_nor_the_guard_can_be_looked_into(place):
    source = (
        "import os\n"
        "own = os.readlink('/proc/self')\n"
        "others = [p for p in os.listdir('/proc') if p.isdigit() and p != own]\n"
        "for p in others:\n"
        "    for what in ('environ', 'mem', 'maps', 'fd/0'):\n"
        "        try: open(f'/proc/{p}/{what}', 'rb').read(1); print(p, what)\n"
        "        except PermissionError: pass\n"
        "print('looked')"
    )
    assert said(place, source) == "looked\n"


def test_a_submission_that_kills_everything_it_can_ends_alone(place):
    source = "import contextlib, os\nfor p in [*range(2, 300), -1]:\n"
    said(place, source + "    with contextlib.suppress(OSError):\n        os.kill(p, 9)")
    with Session(place) as session, pytest.raises(SandboxDied, match="exit status 3"):
        session.run_cell("import os; os._exit(3)")
    assert said(place, "print(1)") == "1\n"


def test_a_nursery_that_dies_is_no_fault_of_the_student_and_starts_again(box):
    with Nursery(box) as nursery:
        place = nursery.place_for("")
        with Session(place) as session:
            os.killpg(place._process.pid, signal.SIGKILL)
            with pytest.raises(SandboxError, match="died"):
                session.run_cell("import time; time.sleep(5)")
        assert said(place, "print(1)") == "1\n"


def test_where_namespaces_are_not_nested_each_submission_gets_a_box_of_its_own(box, monkeypatch):
    command = Box.command

    def without(self, program, *more):
        bubblewrap, *rest = command(self, program, *more)
        return [bubblewrap, "--unshare-user", "--disable-userns", *rest]

    monkeypatch.setattr(Box, "command", without)
    with Nursery(box) as nursery:
        place = nursery.place_for("")
        assert said(place, "print(1)") == "1\n"
        assert "nested" not in place.describe()
        assert place._process is None


def test_a_python_that_lies_in_a_folder_of_its_own_kind_is_kept(box, monkeypatch):
    folders = Box._folders
    below = ["--ro-bind", "/usr/share", "/tmp/à b/shown"]
    monkeypatch.setattr(Box, "_folders", lambda self: [*folders(self), *below])
    source = "open('/tmp/own', 'w'); import os; print(os.listdir('/tmp/à b/shown'))"
    with Nursery(box) as nursery:
        place = nursery.place_for("")
        assert said(place, source) == f"{os.listdir('/usr/share')}\n"
        assert said(place, "import os; print(os.path.exists('/tmp/own'))") == "False\n"


def test_trusted_work_runs_without_a_nursery(box):
    trusted = Box(box.edition, LIMITS, trusted=True)
    assert Nursery(trusted).place_for("import torch") is trusted
