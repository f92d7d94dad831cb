"""Worker processes: one that dies takes its own task with it, and no other."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest

from cs_infer.judge.workers import Lost, each

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the tests rely on fork")


@contextlib.contextmanager
def desk():
    yield do


def do(task):
    """What a task says: kill yourself, fail, sleep, or give back what you got."""
    kind, _, value = task.partition(" ")
    if kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif kind == "exit":
        os._exit(int(value))
    elif kind == "raise":
        raise RuntimeError(value)
    elif kind == "sleep":
        time.sleep(float(value))
    elif kind == "who":
        return os.getpid()
    elif kind == "much":
        return "x" * int(value)
    return task


def done(tasks, workers=2, patience=60.0):
    return dict(each(desk, tasks, workers, patience))


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_task_is_done_once(workers):
    tasks = [f"task {i}" for i in range(20)]
    assert sorted(each(desk, tasks, workers, 60.0)) == sorted(zip(tasks, tasks, strict=True))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_worker_loses_its_own_task_and_no_other(workers):
    tasks = [*"abc", "die", *"def", "exit 3", *"ghi"]
    results = done(tasks, workers)
    assert results.pop("die") == Lost("worker killed", "the process that graded it died (signal 9)")
    assert results.pop("exit 3").reason.endswith("(exit status 3)")
    assert results == {t: t for t in "abcdefghi"}


def test_an_error_is_told_with_its_place_and_the_process_is_not_used_again():
    results = list(each(desk, ["who 1", "raise no such luck", "who 2"], 1, 60.0))
    (_, before), (_, lost), (_, after) = results
    assert lost.status == "internal error"
    assert "RuntimeError('no such luck')" in lost.reason
    assert "test_workers.py:" in lost.reason
    assert before != after


def test_a_process_is_used_again_while_all_goes_well():
    assert len(set(done([f"who {i}" for i in range(5)], 1).values())) == 1


def test_what_takes_too_long_is_given_up_and_holds_nobody_up():
    started = time.monotonic()
    results = done(["sleep 60", "a", "b"], 2, patience=3.0)
    assert results == {
        "sleep 60": Lost("time-out", "the grader itself took too long"),
        "a": "a",
        "b": "b",
    }
    assert time.monotonic() - started < 30


def test_a_slow_task_does_not_keep_the_others_waiting():
    order = [task for task, _ in each(desk, ["sleep 3", "a", "b", "c"], 2, 60.0)]
    assert order == ["a", "b", "c", "sleep 3"]


def test_a_large_result_comes_whole():
    assert done([f"much {10**7}"])[f"much {10**7}"] == "x" * 10**7


def test_what_cannot_be_opened_is_said_of_every_task():
    @contextlib.contextmanager
    def broken():
        raise OSError("no space")
        yield

    results = dict(each(broken, ["a", "b"], 2, 60.0))
    assert {r.status for r in results.values()} == {"internal error"}
    assert "no space" in results["a"].reason


def test_nobody_is_left_behind_when_the_caller_stops_asking():
    tasks = each(desk, ["who", "sleep 60", "sleep 61"], 2, 90.0)
    _, process = next(tasks)
    tasks.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_workers_end_with_the_process_that_started_them(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(
        "import contextlib, os, time\n"
        "from cs_infer.judge.workers import each\n"
        "@contextlib.contextmanager\n"
        "def desk():\n"
        "    os.write(1, b'%d\\n' % os.getpid())\n"
        "    yield time.sleep\n"
        "list(each(desk, [60, 60], 2, 90.0))\n"
    )
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as run:
        workers = [int(run.stdout.readline()) for _ in range(2)]
        run.kill()
        run.wait()
    deadline = time.monotonic() + 10
    while any(map(_alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_alive, workers))


def _alive(process):
    try:
        with open(f"/proc/{process}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
