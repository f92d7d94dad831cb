"""The checks check: whoever changes a right solution by one step loses points.

``mutants.py`` makes the changes and ``mutation.py`` tries them. What keeps full
marks all the same computes the same, and ``equivalent_mutants.toml`` of the
assignment says why.
"""

from dataclasses import replace

import pytest
from judging import FOLDERS, MEMORY
from mutants import mutate
from mutation import Mutant, Trial, equivalent, mutants_of, survivors_apart

EACH = pytest.mark.parametrize("name", list(FOLDERS))


@pytest.fixture(autouse=True, scope="module")
def memory():
    with MEMORY:
        yield MEMORY


@EACH
def test_every_mutant_loses_points_or_is_listed_with_the_reason_why_not(name):
    kept = set(survivors_apart(name))
    listed = equivalent(name)
    assert kept - listed.keys() == set(), "holes in the checks, or new equivalent mutants"
    assert listed.keys() - kept == set(), "listed, but these lose points or are gone"
    assert all(len(why) > 20 for why in listed.values())


@EACH
def test_the_unchanged_solutions_keep_full_marks(name):
    trial = Trial(name)
    for cell, source in trial.sources.items():
        assert trial.survives(Mutant(cell, "nothing", source))


@EACH
def test_mutants_are_many_and_each_has_a_name_of_its_own(name):
    mutants = mutants_of(name)
    assert len(mutants) > 500
    assert len({m.change for m in mutants}) == len(mutants)
    assert {m.cell for m in mutants} == set(FOLDERS[name].problems)


def test_a_hole_in_the_checks_lets_a_mutant_through():
    name, cell = "graphical_model", "posterior_enumerate"
    shifts = [m for m in mutants_of(name) if m.change.endswith("log_joint.min())")]
    trial = Trial(name)
    assert len(shifts) == 1
    assert not trial.survives(shifts[0])
    problem = trial.problems[cell]
    fewer = tuple(p for p in problem.properties if p.name != "large")
    trial.problems[cell] = replace(problem, properties=fewer)
    assert trial.survives(shifts[0])


SOURCE = '''
def mean(x, p, t=0):
    """The docstring stays."""
    total = x[1:] * np.log(p) + 2
    while total.min() > 0:
        total -= 1
    return np.einsum("sa,s->a", total, p).sum(axis=1)
'''


@pytest.mark.parametrize(
    "change",
    [
        "total = x[1:] * np.log(p) + 2 -> total = x[1:] * np.log(p) - 2",
        "total = x[1:] * np.log(p) + 2 -> total = x[1:] / np.log(p) + 2",
        "total = x[1:] * np.log(p) + 2 -> total = x[1:] * np.log(p)",
        "total = x[1:] * np.log(p) + 2 -> total = np.log(p) + 2",
        "total = x[1:] * np.log(p) + 2 -> total = x[1:] * p + 2",
        "total = x[1:] * np.log(p) + 2 -> total = x[:] * np.log(p) + 2",
        "total = x[1:] * np.log(p) + 2 -> total = x[2:] * np.log(p) + 2",
        "total = x[1:] * np.log(p) + 2 -> total = x[1:] * np.log(x) + 2",
        "total = x[1:] * np.log(p) + 2 -> total = x[1:] * np.log(p) + 3",
        "total = x[1:] * np.log(p) + 2 -> pass",
        "while total.min() > 0: -> while total.max() > 0:",
        "while total.min() > 0: -> while total.min() >= 0:",
        "while total.min() > 0: -> while False:",
        "while total.min() > 0: -> pass",
        "total -= 1 -> total += 1",
        "total -= 1 -> pass",
        "return np.einsum('sa,s->a', total, p).sum(axis=1) -> "
        "return np.einsum('as,s->a', total, p).sum(axis=1)",
        "return np.einsum('sa,s->a', total, p).sum(axis=1) -> "
        "return np.einsum('sa,s->a', p, total).sum(axis=1)",
        "return np.einsum('sa,s->a', total, p).sum(axis=1) -> "
        "return np.einsum('sa,s->a', total, p).sum(axis=0)",
        "return np.einsum('sa,s->a', total, p).sum(axis=1) -> "
        "return np.einsum('sa,s->a', total, p).sum()",
        "return np.einsum('sa,s->a', total, p).sum(axis=1) -> "
        "return np.einsum('sa,s->a', total, p)",
    ],
)
def test_mutants_have_the_mistakes_that_people_make(change):
    assert f"mean: {change}" in dict(mutate(SOURCE))


def test_a_mutant_differs_in_one_place_and_the_source_comes_back():
    before, *_ = [line for line in SOURCE.strip().splitlines() if "total =" in line]
    for change, text in mutate(SOURCE):
        lines = text.splitlines()
        assert '    """The docstring stays."""' in lines
        if "total = " not in change:
            assert before in lines
