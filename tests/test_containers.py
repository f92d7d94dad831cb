"""A container engine in bubblewrap's place: its command line, the choice, a whole conversation.

The engine is a stand-in that keeps a record of what it is asked and runs the runner as a process
of this machine, so nothing here shows that an engine keeps its walls.
"""

import itertools
import json
import os
import sys
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
    box_for,
    sandbox_works,
)
from cs_infer.judge.sandbox.containers import Container
from cs_infer.judge.sandbox.edition import build_edition

LIMITS = Limits(cell_seconds=5, call_seconds=2, cpu_seconds=60, memory_mb=2048, disk_mb=16)
STAND_IN = f"""#!{sys.executable}
import json, os, sys
with open({{record!r}}, "a") as record:
    record.write(json.dumps(sys.argv[1:]) + "\\n")
match sys.argv[1:]:
    case ["image", "inspect", "graders/python:3"]:
        sys.exit(0)
    case ["image", "inspect", name]:
        sys.exit(f"Error: No such image: {{{{name}}}}")
    case ["rm", *_]:
        sys.exit(0)
mounts = [dict(p.split("=", 1) for p in a.split(",") if "=" in p)
          for o, a in zip(sys.argv, sys.argv[1:]) if o == "--mount"]
inside = {{{{m["target"]: m["source"] for m in mounts}}}}
environment = dict(a.split("=", 1) for o, a in zip(sys.argv, sys.argv[1:]) if o == "--env")
environment["CS_INFER_EDITION"] = inside[environment["CS_INFER_EDITION"]]
command = sys.argv[sys.argv.index("graders/python:3") + 1:]
command = [sys.executable, *(inside.get(word, word) for word in command[1:])]
os.execve({sys.executable!r}, command, environment)
"""


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    return build_edition(tmp_path_factory.mktemp("edition"), ("messages",))


@pytest.fixture
def record(tmp_path, monkeypatch):
    """No bubblewrap, and a docker that has one image; what it is asked is recorded."""
    record, programs = tmp_path / "record", tmp_path / "bin"
    programs.mkdir()
    (programs / "docker").write_text(STAND_IN.format(record=str(record)))
    (programs / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("CS_INFER_IMAGE", "graders/python:3")
    return record


def asked(record):
    return [json.loads(line) for line in record.read_text().splitlines()]


def test_a_whole_conversation_goes_through_a_container(record, edition):
    box = box_for(edition, LIMITS)
    assert box.describe() == "docker, image graders/python:3"
    assert sandbox_works() == (True, "")
    with Nursery(box) as nursery, Session(nursery.place_for("import torch")) as session:
        assert session.run_cell("print('hello')\ndef f(x):\n    return x + 1")["text"] == "hello\n"
        assert session.call("f", {"x": np.arange(2.0)})["answer"].tolist() == [1.0, 2.0]
        assert "holds answers" in session.run_cell("import cs_infer.messages")["error"]
        with pytest.raises(SandboxDied, match="exit status 3"):
            session.run_cell("import os; os._exit(3)")


def test_a_container_is_removed_when_its_session_ends(record, edition):
    with Session(box_for(edition, LIMITS)) as session:
        session.run_cell("1")
    *_, run, removed = asked(record)
    assert run[0] == "run"
    assert removed == ["rm", "--force", run[run.index("--name") + 1]]


def test_a_container_has_no_network_no_privileges_and_limits(edition):
    command = Container(edition, LIMITS, "/usr/bin/docker", "image").command("name")
    pairs = set(itertools.pairwise(command))
    assert pairs >= {
        ("--network", "none"),
        ("--user", "65534:65534"),
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--pids-limit", "100"),
        ("--memory", "2048m"),
        ("--memory-swap", "2048m"),
        ("--pull", "never"),
        ("--tmpfs", "/scratch:rw,nosuid,nodev,size=16m,mode=1777"),
    }
    assert {"--read-only", "--rm"} < set(command)
    mounts = [after for option, after in pairs if option == "--mount"]
    assert all(mount.endswith(",readonly") for mount in mounts)
    assert not any("secret" in word for word in command)
    assert command[command.index("image") :][:4] == ["image", "python", "-I", "-B"]


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("", "bubblewrap .* not installed; CS_INFER_IMAGE names no image"),
        ("other", "docker does not have the image other: Error: No such image: other"),
    ],
)
def test_without_an_image_a_container_is_refused(record, edition, monkeypatch, image, says):
    monkeypatch.setenv("CS_INFER_IMAGE", image)
    with pytest.raises(SandboxError, match=says):
        box_for(edition, LIMITS)
    works, why = sandbox_works()
    assert not works
    assert "CS_INFER_IMAGE" in why or "no such image" in why.lower()


def test_the_edition_can_be_read_by_the_user_in_the_container(tmp_path):
    before = os.umask(0o077)
    try:
        edition = build_edition(tmp_path / "edition", ())
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o005 for path in [edition, *edition.rglob("*")]}
    assert modes <= {0o004, 0o005}
    assert edition.stat().st_mode & 0o005 == 0o005


def test_without_any_engine_the_reason_is_given(record, edition, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxError, match="neither docker nor podman is installed"):
        box_for(edition, LIMITS)


def test_podman_is_taken_where_docker_does_not_work(record, edition):
    docker = Path(os.environ["PATH"]) / "docker"
    docker.with_name("podman").write_text(docker.read_text())
    docker.with_name("podman").chmod(0o755)
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    assert box_for(edition, LIMITS).describe() == "podman, image graders/python:3"


def test_an_engine_that_fails_is_no_fault_of_the_student(record, edition):
    box = Container(edition, LIMITS, "/bin/false", "graders/python:3")
    with pytest.raises(SandboxError, match="did not start"):
        Session(box)


def test_bubblewrap_is_taken_where_it_works(edition, monkeypatch):
    monkeypatch.setattr("cs_infer.judge.sandbox.box.bubblewrap_works", lambda: (True, ""))
    assert box_for(edition, LIMITS, hidden=(edition,)) == Box(edition, LIMITS, False, (edition,))


def test_trusted_work_needs_no_engine(record, edition, monkeypatch):
    monkeypatch.setenv("CS_INFER_IMAGE", "")
    assert box_for(edition, LIMITS, trusted=True).trusted
