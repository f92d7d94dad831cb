"""Inside the box: calling one function of the student, within its time.

What it returns is made plain: tensors become arrays, anything odd stays as it
is and is refused at the border.
"""

import signal
import traceback

_MOST_TRACEBACK = 4000


class OutOfTime(BaseException):
    """Raised inside student code when its time is up; not an Exception, so `except Exception`
    does not swallow it."""


def call_function(shell, name, inputs, seconds):
    """The reply to a call: a status with an answer or a message."""
    function = shell.user_ns.get(name)
    if not callable(function):
        return {"status": "missing", "message": f"the notebook defines no function {name}"}
    from IPython.utils.capture import capture_output

    with capture_output(display=False):
        result = within(seconds, lambda: _guarded(function, inputs))
    if isinstance(result, OutOfTime):
        message = f"{name} took longer than {seconds:g} s on one input"
        return {"status": "time-out", "message": message}
    if isinstance(result, _Raised) and isinstance(result.error, NotImplementedError):
        return {"status": "not answered", "message": f"{name} is not written yet"}
    if isinstance(result, _Raised):
        status = "memory" if isinstance(result.error, MemoryError) else "run-time error"
        return {"status": status, "message": f"{name} raised {describe(result.error, 600)}"}
    return {"status": "answered", "answer": _plain(result)}


class _Raised:
    def __init__(self, error):
        self.error = error


def _guarded(function, inputs):
    try:
        return function(**inputs)
    except OutOfTime:
        raise
    except BaseException as error:
        return _Raised(error)


def _plain(value, depth=8):
    """Tensors and the like as arrays; ragged or odd values as they are."""
    if depth == 0:
        return value
    if type(value) in (list, tuple):
        parts = [_plain(part, depth - 1) for part in value]
        return tuple(parts) if type(value) is tuple else parts
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        return value.detach().cpu().numpy()
    if isinstance(value, tuple):
        return tuple(_plain(part, depth - 1) for part in value)
    return value


def within(seconds, work):
    """What ``work`` returns, or the :class:`OutOfTime` that stopped it."""
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return work()
    except OutOfTime as late:
        return late
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


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
