"""The checks of a small assignment that hostile submissions are tried on."""

import numpy as np

from cs_infer.judge.answers import as_array, as_function, as_number
from cs_infer.judge.problem import Assignment, Limits, Misconception, Problem, Property
from cs_infer.log_space import logsumexp


def _softmax(x):
    return np.exp(x - logsumexp(x))


def _not_normalised(x):
    with np.errstate(over="ignore"):
        return np.exp(x)


def _log_total(x):
    return float(logsumexp(x))


def _draw(scale):
    return lambda rng: {"x": scale * rng.normal(size=rng.integers(2, 7))}


def _properties():
    return (
        Property("values", "it is right for ordinary numbers", 6.0, _draw(2.0), repeats=3),
        Property("large", "it is right for large numbers", 4.0, _draw(2000.0), repeats=3),
    )


SOFTMAX = Problem(
    name="softmax",
    title="Numbers into probabilities",
    reference=_softmax,
    read=lambda inputs, answer: as_array(answer, inputs["x"].shape),
    properties=_properties(),
    misconceptions=(
        Misconception("not normalised", _not_normalised, "Divide by the sum.", "messages.html#normalise"),
    ),
    example={"x": np.array([0.0, 1.0])},
    section="messages.html#normalise",
)

LOG_TOTAL = Problem(
    name="log_total",
    title="The logarithm of a sum",
    reference=_log_total,
    read=lambda inputs, answer: as_number(answer),
    properties=_properties(),
    misconceptions=(
        Misconception("the largest", lambda x: np.max(x), "That is the largest.", "messages.html#normalise"),
    ),
    example={"x": np.array([0.0, 1.0])},
    section="messages.html#normalise",
)

class _Line:
    """A function that is handed to the student: y = slope x + offset."""

    def __init__(self, slope, offset):
        self._slope, self._offset = slope, offset

    def __call__(self, x):
        return self._slope * as_number(x, "x") + self._offset


def _draw_line(rng):
    return {"f": _Line(*rng.uniform(1.0, 9.0, size=2)), "_points": rng.normal(size=3)}


def _inverse(f):
    offset, slope = f(0.0), f(1.0) - f(0.0)
    return lambda y: (y - offset) / slope


def _values(inputs, answer):
    function = as_function(answer)
    return np.array([as_number(function(y)) for y in inputs["_points"]])


INVERSE = Problem(
    name="inverse",
    title="A function from a function",
    reference=_inverse,
    read=_values,
    properties=(
        Property("values", "it takes back what f does", 10.0, _draw_line, repeats=3),
    ),
    misconceptions=(
        Misconception("f itself", lambda f: f, "That is f.", "messages.html#normalise"),
    ),
    example={"f": _Line(2.0, 1.0), "_points": np.array([0.0, 1.0])},
    section="messages.html#normalise",
)

ASSIGNMENT = Assignment(
    name="locked",
    title="A small assignment, under siege",
    problems=(SOFTMAX, LOG_TOTAL, INVERSE),
    withheld=("log_space",),
    limits=Limits(
        cell_seconds=2.0,
        call_seconds=1.0,
        cpu_seconds=20,
        memory_mb=1024,
        disk_mb=16,
        output_kb=10,
        total_seconds=12.0,
    ),
)
