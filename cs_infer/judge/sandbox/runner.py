"""The program inside the sandbox: it runs a student's cells and answers calls.

It holds no answer, no test and no secret. It is started as a script, beside
``frames.py``, and talks to the grader over the two pipes it was born with.
Student code can reach those pipes; all it can do with them is give answers,
which is what it is asked for anyway.
"""

import contextlib
import os
import resource
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from calls import Border, OutOfTime, describe, out_of_time, within
from namespaces import refuse_system_calls

_MOST_PICTURE = 300_000
_MOST_PICTURES = 4


def main() -> None:
    """Serve requests until the grader closes the pipe."""
    *limits, boxed = map(int, sys.argv[1:])
    sys.path.insert(0, os.environ["CS_INFER_EDITION"])
    serve(make_shell(), limits, boxed)


def serve(shell, limits, boxed):
    """Serve requests from the pipes at 0 and 1, within limits that nothing can raise."""
    _limit(*limits)
    if boxed:
        refuse_system_calls()
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    replies = os.dup(1)
    _silence_standard_streams()
    signal.signal(signal.SIGALRM, out_of_time)
    border = Border(shell, lambda count: _read_exactly(requests, count), _writer(replies))
    border.send({"status": "ready"})
    with contextlib.suppress(EOFError):
        while True:
            border.send(_serve(shell, border, border.receive()))


def _serve(shell, border, request):
    if request["do"] == "cell":
        return _run_cell(shell, request["source"], request["seconds"], request["output_bytes"])
    return border.call(request)


def _run_cell(shell, source, seconds, most):
    from IPython.utils.capture import capture_output

    with capture_output() as captured:
        result = within(seconds, lambda: shell.run_cell(source, store_history=True))
    error = (
        None if isinstance(result, OutOfTime) else result.error_before_exec or result.error_in_exec
    )
    status = "ran"
    if isinstance(result, OutOfTime) or isinstance(error, OutOfTime):
        status = "time-out"
    elif isinstance(error, MemoryError):
        status = "memory"
    elif error is not None:
        status = "run-time error"
    return {
        "status": status,
        "text": (captured.stdout + captured.stderr)[:most],
        "error": describe(error) if error is not None else "",
        "pictures": _pictures(captured.outputs),
    }


def _pictures(outputs):
    import base64

    found = []
    for output in outputs:
        data = getattr(output, "data", None)
        png = data.get("image/png") if isinstance(data, dict) else None
        if isinstance(png, bytes):
            png = base64.b64encode(png).decode()
        if isinstance(png, str) and len(png) <= _MOST_PICTURE and len(found) < _MOST_PICTURES:
            found.append(png)
    return found


def reseed():
    """Random numbers of this process's own, where Python was started for several."""
    import numpy

    seed = int.from_bytes(os.urandom(4))
    numpy.random.seed(seed)  # noqa: NPY002 - the state that notebooks share
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def make_shell():
    """An interactive shell, as in a notebook, that keeps no history and has no screen."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        def enable_gui(self, gui=None):
            """There is no screen; `%matplotlib inline` needs none."""

    settings = Config({"HistoryManager": {"enabled": False}})  # else it starts a thread
    shell = Shell.instance(config=settings)
    shell.colors = "NoColor"
    shell.showtraceback = lambda *args, **kwargs: None
    shell.showsyntaxerror = lambda *args, **kwargs: None
    return shell


def _limit(cpu_seconds, memory_mb, disk_mb):
    """Hard limits, set before any student code runs; they cannot be raised again."""
    for what, most in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, memory_mb * 2**20),
        (resource.RLIMIT_FSIZE, disk_mb * 2**20),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # macOS does not know them all
            continue


def _silence_standard_streams():
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


def _writer(descriptor):
    def write(data):
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    return write


def _read_exactly(stream, count):
    parts = []
    while count:
        part = stream.read(min(count, 2**20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


if __name__ == "__main__":
    main()
