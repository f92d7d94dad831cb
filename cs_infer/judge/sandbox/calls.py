"""Inside the box: calling functions of the student, within their time.

A function crosses the border as a number. So the grader can call what a
function returned, and student code can call what it was handed: while a call
is open, it asks, and the grader gives.
"""

import contextlib
import signal
import threading
import time
import traceback

from frames import FrameError, plain, read_message, write_message

_MOST_TRACEBACK = 4000
_ALARM = {signal.SIGALRM}


class OutOfTime(BaseException):
    """Raised inside student code when its time is up; not an Exception, so `except Exception`
    does not swallow it."""


class Border:
    """The box's end of the border.

    Args:
        shell: what the student's cells ran in.
        read: returns exactly that many bytes, or raises.
        write: takes bytes.
    """

    def __init__(self, shell, read, write):
        self._shell, self._read, self._write = shell, read, write
        self._functions = []  # those that the grader was given the number of
        self._open = 0

    def receive(self):
        """The next request."""
        return read_message(self._read, self._grader_function)

    def send(self, reply):
        """Send a reply; an answer that cannot cross is told so."""
        try:
            write_message(self._write, reply, self._number)
        except FrameError as error:
            refused = {"status": "bad answer", "message": str(error)}
            write_message(self._write, refused)

    def call(self, request):
        """The reply to a call: a status with an answer or a message."""
        name = request["function"]
        function = self._function(name)
        if function is None:
            return {"status": "missing", "message": f"the notebook defines no function {name}"}
        if not isinstance(name, str):
            name = "the function that was returned"
        from IPython.utils.capture import capture_output

        self._open += 1
        with capture_output(display=False):
            result = within(request["seconds"], lambda: _guarded(function, request))
        self._open -= 1
        return _reply(name, result, request["seconds"])

    def _function(self, name):
        function = self._shell.user_ns.get(name) if isinstance(name, str) else self._functions[name]
        return function if callable(function) else None

    def _number(self, function):
        self._functions.append(function)
        return len(self._functions) - 1

    def _grader_function(self, number):
        return lambda *args, **inputs: self._ask(number, args, inputs)

    def _ask(self, number, args, inputs):
        """The answer of a function of the grader, who may call ours before giving it."""
        if not self._open or threading.current_thread() is not threading.main_thread():
            raise RuntimeError("the grader's functions answer while it calls yours, in one thread")
        message = plain({"status": "asks", "function": number, "args": args, "inputs": inputs})
        with _blocked_alarm():  # time may be up only between two messages, not amid them
            write_message(self._write, message, self._number)
            while (given := self.receive())["do"] == "call":
                self.send(self.call(given))
        if "error" in given:
            raise ValueError(given["error"])
        return given["answer"]


def _reply(name, result, seconds):
    if isinstance(result, OutOfTime):
        message = f"{name} took longer than {seconds:g} s on one input"
        return {"status": "time-out", "message": message}
    if not isinstance(result, _Raised):
        return {"status": "answered", "answer": result}
    if isinstance(result.error, NotImplementedError):
        return {"status": "not answered", "message": f"{name} is not written yet"}
    status = "memory" if isinstance(result.error, MemoryError) else "run-time error"
    return {"status": status, "message": f"{name} raised {describe(result.error, 600)}"}


class _Raised:
    def __init__(self, error):
        self.error = error


def _guarded(function, request):
    try:
        return plain(function(*request["args"], **request["inputs"]))
    except OutOfTime:
        raise
    except BaseException as error:
        return _Raised(error)


def within(seconds, work):
    """What ``work`` returns, or the :class:`OutOfTime` that stopped it.

    It may be called while it is at work; the time that is left outside still counts.
    """
    left, began = signal.getitimer(signal.ITIMER_REAL)[0], time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, min(seconds, left) if left else seconds)
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, _ALARM)
    try:
        return work()
    except OutOfTime as late:
        return late
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)  # first: what is outside may be late too
        left -= time.monotonic() - began if left else 0
        signal.setitimer(signal.ITIMER_REAL, max(left, 1e-6) if left else 0)


@contextlib.contextmanager
def _blocked_alarm():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ALARM)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def out_of_time(signum, frame):
    """The handler of the alarm."""
    raise OutOfTime


def describe(error, most=_MOST_TRACEBACK):
    """The last line of a traceback, as far as the error can say it."""
    try:
        text = "".join(traceback.format_exception_only(type(error), error)).strip()
    except BaseException:
        text = type(error).__name__
    return text[:most]
