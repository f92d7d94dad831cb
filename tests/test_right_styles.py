"""A right answer is right in every style: as array, list or tensor, noisy, reordered, in parts.

Each style is put around the right solution of each problem, and what it
returns crosses the border of the sandbox before it is judged. The ways to
compute it are in the sample classes: loops, arrays, recursion, 32 bits, torch.
"""

import ast
import functools
import io
import random
import sys
import warnings

import numpy as np
import pytest
from judging import COURSE, FOLDERS, MEMORY, STUDENT_WARNINGS

from cs_infer.judge import trial
from cs_infer.judge.sandbox.frames import plain, read_message, write_message

EACH_PROBLEM = pytest.mark.parametrize(
    ("folder", "name"),
    [
        pytest.param(f, n, id=f"{f}: {n}", marks=pytest.mark.xdist_group(f"assignment {f}"))
        for f in FOLDERS.values()
        for n in f.problems
    ],
)
EACH = pytest.mark.parametrize("folder", list(FOLDERS.values()), ids=repr)


@pytest.fixture(autouse=True, scope="module")
def memory():
    with MEMORY:
        yield MEMORY


def each_part(change):
    """A style that changes every array of an answer."""

    def style(function):
        def styled(**inputs):
            answer = function(**inputs)
            return tuple(map(change, answer)) if isinstance(answer, tuple) else change(answer)

        return styled

    return style


def _tensor(value):
    torch = pytest.importorskip("torch")
    return torch.tensor(np.asarray(value, dtype=float), requires_grad=True)


def _nested(array):
    """Tuples of lists of numpy numbers."""
    return tuple(map(_as_numbers, array)) if np.ndim(array) else array


def _as_numbers(row):
    return [_as_numbers(x) for x in row] if np.ndim(row) else row


def _strided(value):
    """Every second entry of a larger array, so that the memory has gaps."""
    array = np.asarray(value)
    wide = np.repeat(array[..., None], 2, axis=-1)
    return wide[..., 0]


def _noisy(function):
    def styled(**inputs):
        print("here", inputs)
        print("\x1b[31mred\x1b[0m", file=sys.stderr)
        warnings.warn("dividing by nothing", RuntimeWarning, stacklevel=1)
        np.log(np.zeros(2))
        return function(**inputs)

    return styled


def _plotting(function):
    def styled(**inputs):
        plots = pytest.importorskip("matplotlib.pyplot")
        figure, axis = plots.subplots()
        axis.plot([0, 1])
        plots.close(figure)
        return function(**inputs)

    return styled


def _changing_its_inputs(function):
    def styled(**inputs):
        answer = function(**inputs)
        for value in inputs.values():
            if isinstance(value, np.ndarray):
                value[...] = 0
        return answer

    return styled


def _on_lists(function):
    """Inputs turned into lists and back, as by a student who does not like arrays."""

    def styled(**inputs):
        plain_inputs = {
            k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in inputs.items()
        }
        back = {k: np.array(v) if isinstance(v, list) else v for k, v in plain_inputs.items()}
        return function(**back)

    return styled


def _global_seed(function):
    def styled(**inputs):
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        return function(**inputs)

    return styled


class _Object:
    def __init__(self, function):
        self._function = function

    def __call__(self, **inputs):
        return self._function(**inputs)


def _other_order(function):
    """The arguments in alphabetical order from behind, and one more with a default."""

    def styled(**inputs):
        names = ", ".join(sorted(inputs, reverse=True))
        given = ", ".join(f"{name}={name}" for name in inputs)
        space = {"function": function}
        exec(f"def again({names}, verbose=False): return function({given})", space)
        return space["again"](**inputs)

    return styled


STYLES = {
    "as lists": each_part(lambda x: np.asarray(x).tolist()),
    "as tuples of lists of numpy numbers": each_part(_nested),
    "as tensors with gradients": each_part(_tensor),
    "in 32 bits": each_part(np.float32),
    "in 80 bits": each_part(np.longdouble),
    "in the other byte order": each_part(lambda x: np.asarray(x, dtype=">f8")),
    "in Fortran's order": each_part(np.asfortranarray),
    "with gaps in memory": each_part(_strided),
    "read only": each_part(lambda x: np.broadcast_to(x, np.shape(x))),
    "masked": each_part(np.ma.asarray),
    "as an object that is called": _Object,
    "as a partial": functools.partial,
    "arguments in another order": _other_order,
    "prints and warns": _noisy,
    "plots": _plotting,
    "changes its inputs": _changing_its_inputs,
    "works on lists": _on_lists,
    "sets the global seed": _global_seed,
}


@STUDENT_WARNINGS
@pytest.mark.parametrize("style", STYLES)
@EACH_PROBLEM
def test_a_right_answer_keeps_full_marks_in_every_style(folder, name, style):
    function = STYLES[style](folder.solutions[name])
    problem = MEMORY.problem(folder.problems[name])
    for prop in problem.properties:
        inputs = next(iter(MEMORY.draws(problem, prop, ("seed", 0))))
        answer = trial.ask(problem, lambda given: crossed(function(**given)), inputs)
        assert trial.fault(problem, prop, answer) is None, prop.name


def crossed(answer):
    """The answer as it arrives on the other side of the sandbox's border."""
    sent = io.BytesIO()
    write_message(sent.write, {"answer": plain(answer)})
    sent.seek(0)
    return read_message(sent.read)["answer"]


@EACH_PROBLEM
def test_the_sample_class_computes_each_answer_in_many_ways(folder, name):
    texts = {folder.students[s].solutions[name] for s in folder.honest}
    assert len(texts) >= 6
    assert len({_depth_of_loops(_parsed(text)) for text in texts}) >= 2


@EACH
def test_the_sample_class_has_loops_recursion_32_bits_torch_and_helpers(folder):
    whole = ["\n".join(folder.students[s].solutions.values()) for s in folder.honest]
    assert any(_depth_of_loops(_parsed(text)) >= 3 for text in whole)
    assert any(_calls_itself(_parsed(text)) for text in whole)
    for word in ("float32", "import torch", "print("):
        assert any(word in text for text in whole), word


def _parsed(text):
    lines = text.splitlines()
    return ast.parse("\n".join(line for line in lines if not line.lstrip().startswith(("%", "!"))))


def _depth_of_loops(node):
    inner = max(map(_depth_of_loops, ast.iter_child_nodes(node)), default=0)
    return inner + isinstance(node, (ast.For, ast.While, ast.comprehension))


def _calls_itself(tree):
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    calls = [(f, node) for f in functions for node in ast.walk(f) if isinstance(node, ast.Call)]
    return any(isinstance(c.func, ast.Name) and c.func.id == f.name for f, c in calls)


# Chance


@pytest.fixture
def no_chance(monkeypatch):
    """Nothing random can be drawn."""

    def refuse(*args, **kwargs):
        raise AssertionError("a comparison draws random numbers")

    monkeypatch.setattr(np.random, "default_rng", refuse)
    for name in ("random", "rand", "uniform", "normal", "choice", "randint", "dirichlet"):
        monkeypatch.setattr(np.random, name, refuse)
    monkeypatch.setattr(random, "random", refuse)


@EACH_PROBLEM
def test_comparisons_draw_nothing_so_a_right_answer_is_never_failed_by_chance(
    folder, name, request
):
    """Given its inputs, every verdict is certain: the false-fail rate is 0 and needs no bound."""
    assert "statistics" not in COURSE.checks(folder.name).read_text(encoding="utf-8")
    problem = folder.problems[name]
    drawn = [(p, next(trial.draws(problem, p, ("chance", 0)))) for p in problem.properties]
    request.getfixturevalue("no_chance")
    for prop, inputs in drawn:
        answer = trial.ask(problem, lambda given: folder.solutions[name](**given), inputs)
        assert trial.fault(problem, prop, answer) is None
