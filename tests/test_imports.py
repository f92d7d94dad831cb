"""What importing the library costs, and that every public name is there and documented."""

import ast
import doctest
import importlib
import inspect
import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import cs_infer

PACKAGE = Path(cs_infer.__file__).parent
CORE = (
    "actor",
    "batches",
    "bound",
    "compiled",
    "cooling",
    "dynamics",
    "evaluation",
    "fixed_points",
    "hidden_markov",
    "linear_control.desirability",
    "linear_control.embedding",
    "linear_control.linearly_solvable",
    "linear_control.passive_learning",
    "linear_control.path_integral",
    "linear_control.path_sampling",
    "linear_control.reachable",
    "log_space",
    "mdp",
    "messages",
    "most_likely",
    "optimality",
    "other_divergence.entropy_search",
    "other_divergence.feature_matching",
    "other_divergence.newton",
    "other_divergence.occupancy_dual",
    "other_divergence.reweighting",
    "planning",
    "policies",
    "posterior",
    "returns",
    "sampling",
    "soft_iteration",
    "soft_policy",
    "stationary",
    "toy_text",
    "trajectories",
    "variational",
    "zero_temperature",
)
# Folders whose table names each of their files.
ROOMS = (
    "judge",
    "judge.sandbox",
    "judge.records",
    "judge.reports",
    "linear_control",
    "other_divergence",
)
HEAVY = (
    "torch",
    "array_api_compat",
    "gymnasium",
    "matplotlib",
    "nbgrader",
    "scipy",
    "pandas",
    "IPython",
)
# The parts of the judge, from the ground up.
JUDGE = (
    "answers files problem statistics words workers",
    "course rollouts template trial",
    "diagnosis examples sandbox",
    "verdict",
    "agreement card ledger mishaps notebook own_work",
    "sample_class submissions",
    "grader",
    "class_run",
    "records",
    "release reports",
)


def modules_after(code):
    """The names in ``sys.modules`` once a fresh interpreter has run ``code``."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=PACKAGE.parent,
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_library_loads_none_of_its_modules():
    loaded = modules_after("import cs_infer")
    assert not loaded & {*HEAVY, "numpy"}
    assert not {name for name in loaded if name.startswith("cs_infer.")}


def test_the_core_needs_numpy_alone():
    loaded = modules_after("from cs_infer import *")
    late = {"toy_text", "batches"}
    assert {f"cs_infer.{name}" for name in CORE if name not in late} <= loaded
    assert not loaded & set(HEAVY)
    top_level = {name.partition(".")[0] for name in loaded - modules_after("import json")}
    installed = set(packages_distributions()) - set(sys.stdlib_module_names)
    assert top_level & installed - {"cs_infer"} == {"numpy"}


def test_gymnasium_is_imported_only_to_make_an_environment():
    assert "gymnasium" not in modules_after("import cs_infer.toy_text")
    table = (
        "type('Table', (), {'P': {0: {0: [(1.0, 0, 0.0, True)]}}, 'initial_state_distrib': [1]})"
    )
    code = f"import cs_infer; cs_infer.TabularMDP.from_gymnasium({table}, horizon=2)"
    assert "gymnasium" not in modules_after(code)


def test_each_part_of_the_judge_imports_from_those_below_it_alone():
    floor = {part: i for i, parts in enumerate(JUDGE) for part in parts.split()}
    folder = PACKAGE / "judge"
    home = {p: p.relative_to(folder).parts[0].removesuffix(".py") for p in folder.rglob("*.py")}
    assert set(home.values()) == {"__init__", *floor}
    for path, part in home.items():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"from cs_infer\.(cli|practice)", text), path
        below = re.findall(r"^\s*from cs_infer\.judge(?:\.| import )(\w+)", text, re.MULTILINE)
        assert not [p for p in below if p != part and floor[p] >= floor[part]], path


@pytest.mark.parametrize("room", ROOMS)
def test_the_table_of_a_room_names_each_of_its_files(room):
    package = importlib.import_module(f"cs_infer.{room}")
    files = [*Path(package.__file__).parent.glob("*.py")]
    rooms = [path.parent for path in Path(package.__file__).parent.glob("*/__init__.py")]
    listed = re.findall(r"``(\w+)``", package.__doc__)
    assert sorted(listed) == sorted({path.stem for path in [*files, *rooms]} - {"__init__"})


@pytest.mark.parametrize("module", ["judge.verdict", "practice", "cli"])
def test_what_a_student_starts_with_loads_nothing_heavy(module):
    loaded = modules_after(f"import cs_infer.{module}")
    assert not loaded & {*HEAVY, "copydetect", "jupytext", "nbformat", "sqlalchemy"}


def test_one_name_loads_one_file_and_what_it_stands_on():
    loaded = modules_after("import cs_infer; cs_infer.TabularMDP")
    assert {name for name in loaded if name.startswith("cs_infer.")} == {
        "cs_infer.mdp",
        "cs_infer.arrays",
        "cs_infer.checks",
        "cs_infer.dynamics",
        "cs_infer.dynamics.dense",
        "cs_infer.dynamics.interface",
        "cs_infer.dynamics.layout",
        "cs_infer.dynamics.sparse",
        "cs_infer.log_space",
    }


def test_a_numpy_problem_is_solved_without_torch():
    """Every question that can be put to it, in an interpreter that has not imported torch."""
    code = """
import cs_infer as ci
mdp = ci.TabularMDP.from_arrays(
    transition=[[[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0]]],
    reward=[[0.0, -1.0], [-2.0, -1.0]], initial=[1.0, 0.0], horizon=3)
policy = ci.backward_messages(mdp).policy
ci.smoothed_marginals(mdp).state_action, ci.soft_values(mdp).Q, ci.pairwise_marginals(mdp, 1)
ci.posterior_dynamics(mdp, 0).transition, ci.optimism_gap(mdp), ci.most_likely_trajectory(mdp)
ci.policy_return(mdp, policy), ci.zero_temperature_values(mdp, reading="exact")
ci.stationary_messages(mdp, discount=0.9), ci.stationary_soft_values(mdp, discount=0.9)
ci.hidden_markov_view(mdp), ci.collapsed_kernel(mdp), ci.TabularMDP.stack([mdp, mdp])[0]
"""
    assert not modules_after(code) & {"torch", "array_api_compat", "scipy"}


def test_no_public_function_is_hidden_by_a_file_of_its_name():
    """Importing ``cs_infer.x`` binds the name x in the package to that file."""
    assert not set(cs_infer.HOME) & {path.stem for path in PACKAGE.glob("*")}
    code = "import cs_infer.variational, cs_infer; assert callable(cs_infer.soft_values)"
    modules_after(code)


@pytest.mark.parametrize("name", cs_infer.__all__)
def test_every_public_name_is_there_is_at_home_and_is_documented(name):
    thing = getattr(cs_infer, name)
    home = cs_infer.HOME[name]
    assert thing is getattr(importlib.import_module(f"cs_infer.{home}"), name)
    assert thing.__module__ == f"cs_infer.{home}"
    assert inspect.getdoc(thing)
    assert name in dir(cs_infer)


def test_no_public_name_is_listed_twice():
    assert len(cs_infer.__all__) == len(set(cs_infer.__all__))


def test_every_file_of_the_core_is_in_the_table_of_the_package():
    listed = re.findall(r"^``(\w+)``", cs_infer.__doc__, flags=re.MULTILINE)
    rooms = {name.partition(".")[0] for name in CORE}
    assert sorted(listed) == sorted(rooms)
    assert {home.partition(".")[0] for home in cs_infer.HOME.values()} <= rooms


@pytest.mark.parametrize("name", CORE)
def test_every_function_that_implements_an_equation_is_public(name):
    path = PACKAGE / name.replace(".", "/")
    file = path.with_suffix(".py")
    file = file if file.is_file() else path / "__init__.py"
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and "Implements eq-" in (
            ast.get_docstring(node) or ""
        ):
            assert node.name in cs_infer.__all__


def test_the_reference_page_documents_the_home_of_every_public_name():
    page = PACKAGE.parent / "book" / "api.md"
    if not page.is_file():
        pytest.skip("the library is installed without its book")
    text = page.read_text(encoding="utf-8")
    for name, home in cs_infer.HOME.items():
        assert f"automodule:: cs_infer.{home}\n" in text or f"cs_infer.{home}.{name}" in text


def test_an_unknown_name_is_refused_by_name():
    with pytest.raises(AttributeError, match="module 'cs_infer' has no attribute 'nothing'"):
        _ = cs_infer.nothing


@pytest.mark.parametrize("name", CORE)
def test_the_examples_in_docstrings_run(name):
    if name == "toy_text" or name == "mdp":
        pytest.importorskip("gymnasium")
    module = importlib.import_module(f"cs_infer.{name}")
    result = doctest.testmod(module, raise_on_error=False)
    assert result.failed == 0


def test_there_are_examples_to_run():
    names = [importlib.import_module(f"cs_infer.{name}") for name in CORE]
    found = [test for module in names for test in doctest.DocTestFinder().find(module)]
    assert sum(bool(test.examples) for test in found) >= 8


def test_practice_can_be_imported_where_python_lacks_what_only_unix_has():
    lost = {
        "os": ("fork", "getuid", "killpg", "pidfd_open", "sysconf", "wait4", "WNOHANG"),
        "signal": ("SIGALRM", "SIGKILL", "SIGXCPU", "setitimer", "ITIMER_REAL"),
        "socket": ("AF_UNIX", "SO_PASSCRED", "send_fds"),
    }
    code = f"""
import asyncio, importlib, matplotlib, multiprocessing, numpy, subprocess, sys, tempfile, uuid
for module, names in {lost!r}.items():
    for name in names:
        vars(importlib.import_module(module)).pop(name, None)
sys.modules.update(dict.fromkeys(("fcntl", "pwd", "resource", "termios")))
import cs_infer.practice
"""
    assert "cs_infer.practice" in modules_after(code)
