"""Control groups: what the kernel counts for all processes of a submission together."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cs_infer.judge.problem import Limits
from cs_infer.judge.sandbox import Box, Nursery, SandboxDied, Session, cgroups, sandbox_works
from cs_infer.judge.sandbox.edition import build_edition

HIERARCHY = cgroups.hierarchy()
WORKS, WHY = sandbox_works()
needs_groups = pytest.mark.skipif(HIERARCHY is None, reason="no control group can be made here")
needs_sandbox = pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}")

LIMITS = Limits(cell_seconds=10, call_seconds=2, cpu_seconds=60, memory_mb=600, disk_mb=64)


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    return Box(build_edition(tmp_path_factory.mktemp("edition"), ()), LIMITS)


@pytest.fixture(scope="module", params=["a box each", "a nursery"])
def place(request, box):
    with Nursery(box) as nursery:
        yield box if request.param == "a box each" else nursery.place_for("")


@pytest.fixture
def group():
    group = cgroups.Group(HIERARCHY, memory_mb=200, processes=8)
    yield group
    group.remove()
    assert not any(folder.exists() for folder in group._folders)


def in_group(group, source):
    """The exit status and output of a Python that was started in the group."""
    done = subprocess.run(
        [sys.executable, "-c", source],
        check=False,
        capture_output=True,
        text=True,
        preexec_fn=lambda: group.add(0),
    )
    return done.returncode, done.stdout + done.stderr


@needs_groups
def test_a_group_counts_the_memory_of_all_its_processes(group):
    half = "x = b'x' * (120 * 2**20)"
    code, _ = in_group(group, half)
    assert code == 0
    assert 120 < group.memory_mb < 200
    assert not group.ran_out_of_memory
    in_group(group, f"import os\nos.fork()\n{half}\nimport time; time.sleep(3)")
    assert group.ran_out_of_memory


@needs_groups
def test_a_group_counts_its_processes(group):
    fork = "import os, time\nfor _ in range(9):\n    if os.fork() == 0: time.sleep(2); os._exit(0)"
    code, says = in_group(group, fork)
    assert code == 1
    assert "BlockingIOError" in says


@needs_groups
def test_a_group_counts_the_processor_time_of_processes_that_have_ended(group):
    in_group(group, "import time\nwhile time.process_time() < 0.5: pass")
    assert 0.4 < group.cpu_seconds < 2


@needs_groups
@needs_sandbox
@pytest.mark.sandbox
def test_memory_that_no_single_process_has_too_much_of_is_told_apart(place):
    source = (
        "import os, time\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        x = b'x' * (250 * 2**20); time.sleep(60)\n"
        "time.sleep(5)"
    )
    with Session(place) as session, pytest.raises(SandboxDied, match="600 MB in all") as died:
        session.run_cell(source)
    assert died.value.status == "memory"


@needs_groups
@needs_sandbox
@pytest.mark.sandbox
def test_a_runner_that_the_kernel_ends_for_its_memory_ran_out_of_memory(box):
    roomy = replace(box, limits=replace(LIMITS, memory_mb=500, disk_mb=400))
    fill = "for name in 'abc':\n    open(f'/dev/shm/{name}', 'wb').write(bytes(120 * 2**20))"
    source = f"{fill}\nx = b'x' * (200 * 2**20)"
    with (
        Nursery(roomy) as nursery,
        Session(nursery.place_for("")) as session,
        pytest.raises(SandboxDied) as died,
    ):
        session.run_cell(source)
    assert died.value.status == "memory"
    assert session.usage["memory_mb"] > 450


@needs_groups
@needs_sandbox
@pytest.mark.sandbox
def test_a_fork_bomb_stays_within_its_number_and_leaves_nothing_behind(place):
    bomb = (
        "import os, time\n"
        "for n in range(1000):\n"
        "    try:\n"
        "        if os.fork() == 0: time.sleep(60); os._exit(0)\n"
        "    except BlockingIOError: break\n"
    )
    with Session(place) as session, pytest.raises(SandboxDied, match="more than 100 processes"):
        session.run_cell(bomb)
    left = [p for f in HIERARCHY.folders for p in f.glob(f"cs-infer-{os.getpid()}-*")]
    assert left == []


@needs_sandbox
@pytest.mark.sandbox
def test_without_groups_the_grader_looks_at_the_processes(box, monkeypatch):
    monkeypatch.setattr(cgroups, "hierarchy", lambda: None)
    source = (
        "import os, time\n"
        "for _ in range(3):\n"
        "    if os.fork() == 0:\n"
        "        x = b'x' * (250 * 2**20); time.sleep(60)\n"
        "time.sleep(5)"
    )
    with Nursery(box) as nursery:
        place = nursery.place_for("")
        with Session(place) as session, pytest.raises(SandboxDied, match="600 MB in all"):
            session.run_cell(source)
        assert 600 < session.usage["memory_mb"] < 1200
        bomb = "import os, time\nfor _ in range(150):\n    if os.fork() == 0: time.sleep(60)"
        with Session(place) as session, pytest.raises(SandboxDied, match="more than 100 processes"):
            session.run_cell(f"{bomb}\ntime.sleep(5)")
        assert "control groups" not in place.describe()


@needs_groups
def test_groups_of_graders_that_were_killed_are_removed():
    ended = subprocess.Popen(["true"])
    ended.wait()
    folder = HIERARCHY.folders[0] / f"cs-infer-{ended.pid}-0123"
    folder.mkdir()
    cgroups.hierarchy.__wrapped__()
    assert not folder.exists()


def test_version_two_is_found_where_a_group_above_can_be_divided(tmp_path, monkeypatch):
    own = tmp_path / "user.slice" / "app.slice" / "grader.scope"
    own.mkdir(parents=True)
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    monkeypatch.setattr(cgroups, "_ROOT", tmp_path)
    lines = "0::/user.slice/app.slice/grader.scope\n"
    read = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda p: lines if p == Path("/proc/self/cgroup") else read(p)
    )
    folders = [h.folders[0] for h in cgroups._candidates()]
    assert folders == [own, own.parent, own.parent.parent, tmp_path]
    assert cgroups.hierarchy.__wrapped__() is None  # these folders are no control groups
    assert not list(tmp_path.rglob("cs-infer-*"))


def test_the_files_of_version_two_are_read_as_the_kernel_writes_them(tmp_path, monkeypatch):
    def mkdir(path, make=Path.mkdir):
        make(path)
        for name in ("memory.max", "memory.swap.max", "pids.max"):
            (path / name).write_text("max\n")
        (path / "memory.peak").write_text("314572800\n")
        (path / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n")
        (path / "cpu.stat").write_text("usage_usec 1500000\nuser_usec 1\nsystem_usec 2\n")

    monkeypatch.setattr(Path, "mkdir", mkdir)
    group = cgroups.Group(cgroups.Hierarchy(2, (tmp_path,)), memory_mb=300, processes=9)
    (folder,) = group._folders
    assert (folder / "memory.max").read_text() == str(300 * 2**20)
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "pids.max").read_text() == "9"
    assert (group.memory_mb, group.cpu_seconds, group.ran_out_of_memory) == (300.0, 1.5, True)
