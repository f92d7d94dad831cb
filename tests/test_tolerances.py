"""Tolerances come from conditioning: 32 bits pass with room to spare, and no wrong idea is near.

The checks are loaded a second time with every tolerance multiplied. Whoever
passes with half of each tolerance has a margin of two; whoever earns the same
with a third and with three times as much is not near any of them.
"""

import ast
import functools
import sys
import types
from dataclasses import replace

import numpy as np
import pytest
from judging import COURSE, FOLDERS, MEMORY, STUDENT_WARNINGS

from cs_infer.judge import trial

MARGIN = 2.0
DISTANCE = 3.0

EACH_PROBLEM = pytest.mark.parametrize(
    ("folder", "name"),
    [
        pytest.param(f, n, id=f"{f}: {n}", marks=pytest.mark.xdist_group(f"assignment {f}"))
        for f in FOLDERS.values()
        for n in f.problems
    ],
)


@pytest.fixture(autouse=True, scope="module")
def memory():
    with MEMORY:
        yield MEMORY


@functools.cache
def scaled(name, factor):
    """An assignment's problems, with every tolerance multiplied; the references are remembered."""
    tree = ast.parse(COURSE.checks(name).read_text(encoding="utf-8"))
    pairs = [pair for value in _module_values(tree) for pair in _tolerances(value)]
    assert pairs, name
    for number in (number for pair in pairs for number in pair.elts):
        number.value *= factor
    module = types.ModuleType(f"{name}_with_{factor:g}_times_the_tolerance")
    exec(compile(tree, module.__name__, "exec"), module.__dict__)
    for problem in FOLDERS[name].problems.values():
        original = sys.modules[problem.reference.__module__]
        for function in {"_expected", problem.reference.__name__} & vars(original).keys():
            setattr(module, function, getattr(original, function))
    return {
        p.name: replace(p, reference=MEMORY.problem(FOLDERS[name].problems[p.name]).reference)
        for p in module.ASSIGNMENT.problems
    }


def _module_values(tree):
    return [statement.value for statement in tree.body if isinstance(statement, ast.Assign)]


def _tolerances(value):
    """The pairs of floats, relative and absolute, in a module's constant."""
    values = value.values if isinstance(value, ast.Dict) else [value]
    return [v for v in values if isinstance(v, ast.Tuple) and all(map(_is_small, v.elts))]


def _is_small(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, float) and node.value < 0.1


def earned(factor, folder, name, function, seed):
    """The properties that a function earns with so many times the tolerance."""
    usual, variant = folder.problems[name], scaled(folder.name, factor)[name]
    return {
        mine.name
        for mine, theirs in zip(variant.properties, usual.properties, strict=True)
        if all(
            trial.fault(variant, mine, _answer(variant, function, inputs)) is None
            for inputs in MEMORY.draws(usual, theirs, ("seed", seed))
        )
    }


def _answer(problem, function, inputs):
    with np.errstate(all="ignore"):
        return trial.read(problem, inputs, function(**inputs))


def everything(folder, name):
    return {p.name for p in folder.problems[name].properties}


@STUDENT_WARNINGS
@EACH_PROBLEM
def test_32_bits_pass_with_half_of_every_tolerance(folder, name):
    function = folder.functions_of("honest-float32")[name]
    for seed in range(8):
        assert earned(1 / MARGIN, folder, name, function, seed) == everything(folder, name), seed


@EACH_PROBLEM
def test_64_bits_pass_with_a_thousandth(folder, name):
    function = folder.solutions[name]
    for seed in range(3):
        assert earned(1e-3, folder, name, function, seed) == everything(folder, name), seed


@EACH_PROBLEM
def test_wrong_ideas_earn_the_same_with_a_third_and_with_thrice_the_tolerance(folder, name):
    for idea in MEMORY.problem(folder.problems[name]).misconceptions:
        for seed in range(3):
            points = [
                earned(factor, folder, name, idea.wrong, seed)
                for factor in (1 / DISTANCE, 1.0, DISTANCE)
            ]
            assert points[0] == points[1] == points[2], (idea.name, seed)


@EACH_PROBLEM
def test_one_digit_is_not_enough(folder, name):
    """The tolerances are no wider than they have to be."""
    reference = folder.problems[name].reference
    answers = earned(1.0, folder, name, lambda **given: _one_digit(reference(**given)), 0)
    assert len(answers) < len(everything(folder, name)) / 2


def _one_digit(answer):
    if isinstance(answer, tuple):
        return tuple(map(_one_digit, answer))
    return np.vectorize(lambda x: float(f"{x:.0e}"))(answer)
