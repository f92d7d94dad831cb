"""The program in a nursery: Python with its packages, forked for each submission.

Starting Python, numpy and IPython costs more than judging most submissions.
This program starts them once, and never runs student code. For each
submission it forks a guard, which enters fresh namespaces and forks the
runner as their first process; when that one ends, the kernel ends everything
that it has started. Nothing can pass from one submission to the next.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import select
import signal
import socket
import sys
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import namespaces
import runner

_PACKAGES = ("matplotlib.pyplot", "matplotlib_inline.backend_inline", "gymnasium")


def main() -> None:
    """Fork a guard for each message, until the grader closes the socket."""
    *limits, packages = sys.argv[1:]
    limits = [*map(int, limits)]
    control = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    shell = _preload(packages.split(","))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a guard: it reports itself
    gc.collect()
    gc.freeze()  # what is shared stays shared
    control.send(b"ready")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 16, 3)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            _guard(shell, limits, *descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _preload(packages):
    """Import what notebooks import, and draw once, so that the fonts are found."""
    sys.path.insert(0, os.environ["CS_INFER_EDITION"])
    import cs_infer

    parts = [f"cs_infer.{part.name}" for part in pkgutil.iter_modules(cs_infer.__path__)]
    for name in (*_PACKAGES, *parts, *filter(None, packages)):
        with contextlib.suppress(ImportError):  # not installed, or withheld: says so later
            importlib.import_module(name)
    with contextlib.suppress(ImportError):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        FigureCanvasAgg(Figure()).figure.subplots().figure.savefig(io.BytesIO(), format="png")
    return runner.make_shell()


def _guard(shell, limits, requests, replies, control):
    """Wall a runner in, wait for its end or for the grader's word, and report. Never returns."""
    try:
        with socket.socket(fileno=control) as line:
            _watch(line, _walled_in(line, shell, limits, requests, replies), (requests, replies))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _walled_in(line, shell, limits, requests, replies):
    """Start a runner in new namespaces, once the grader has seen who we are; its process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    line.send(b"here")
    refused = ""
    try:
        os.close(os.pidfd_open(os.getpid()))
        namespaces.enter_new_namespaces()
        namespaces.mount_fresh_folders(limits[2] * 2**20)
    except OSError as error:
        refused = str(error)
    line.send(json.dumps({"refused": refused}).encode())
    if line.recv(16) != b"go":
        os._exit(0)
    child = os.fork()
    if child == 0:
        line.close()
        _run(shell, limits, requests, replies)
    return child


def _watch(line, child, pipes):
    for pipe in pipes:
        os.close(pipe)
    poll = select.poll()
    poll.register(line, select.POLLIN)
    poll.register(os.pidfd_open(child), select.POLLIN)
    if any(descriptor == line.fileno() for descriptor, _ in poll.poll()):
        os.kill(child, signal.SIGKILL)
    _, status, used = os.wait4(child, 0)
    report = {
        "code": os.waitstatus_to_exitcode(status),
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "memory_mb": used.ru_maxrss / 1024,
    }
    with contextlib.suppress(OSError):  # the grader has gone
        line.send(json.dumps(report).encode())


def _run(shell, limits, requests, replies):
    """Become the runner: no privileges, no descriptor but its pipes. Never returns."""
    try:
        os.setsid()  # kill(0, …) reaches a whole group, also outside the namespace
        os.dup2(requests, 0)
        os.dup2(replies, 1)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        namespaces.mount_own_processes()
        namespaces.go_first()
        namespaces.lock_proc()
        namespaces.drop_privileges()
        os.chdir("/scratch")
        runner.reseed()
        runner.serve(shell, limits, boxed=True)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
