"""Practice: the checks a student runs in the notebook, on unlimited fresh inputs.

``check("name", function)`` judges a function just as the grader will: the
same properties, the same diagnosis, other inputs. A wrong answer is told
which idea it came from, when the idea is a known one.

The checks of an assignment lie beside its notebook, in ``checks.py``.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

import cs_infer
from cs_infer.judge.answers import AnswerError, CallFailed, complaint
from cs_infer.judge.examples import failing_inputs
from cs_infer.judge.problem import Assignment, Inputs, Problem, load_assignment
from cs_infer.judge.sandbox.frames import plain, read_message, write_message
from cs_infer.judge.verdict import ProblemResult, judge, practice_example


class Report:
    """What a check found; shown as text in a terminal and as a card in a notebook.

    Attributes:
        result: what was found, property by property.
        heading: what was checked, with the seed.
        warnings: what will be different where the assignment is graded, and
            what the function does to its caller.
        inputs: the first inputs on which the function fails, by name, to try
            it by hand: ``traj_logprob(**report.inputs)``; None if it passed.
    """

    def __init__(
        self,
        result: ProblemResult,
        heading: str,
        warnings: Iterable[str] = (),
        inputs: Inputs | None = None,
    ) -> None:
        self.result = result
        self.heading = heading
        self.warnings = tuple(warnings)
        self.inputs = inputs

    @property
    def passed(self) -> bool:
        """Whether every property held."""
        return self.result.passed

    def __repr__(self) -> str:
        from cs_infer.judge.card import as_text

        return as_text(self.result, self.heading, self.warnings)

    def _repr_html_(self) -> str:
        from cs_infer.judge.card import as_html

        return as_html(self.result, self.heading, self.warnings)


def check(
    name: str, function: Callable[..., Any], seed: int | None = None, checks: str = "checks.py"
) -> Report:
    """Try a function on fresh inputs, with the properties it will be graded on.

    Args:
        name: the problem's name.
        function: the student's function.
        seed: repeat the inputs of an earlier check; fresh ones by default.
        checks: path of the assignment's checks.

    Returns:
        The report; a notebook shows it when the call is a cell's last line.

    Raises:
        KeyError: the assignment has no such problem.
        FileNotFoundError: there are no checks beside the notebook.

    Example:
        ``check("traj_logprob", traj_logprob)``
    """
    assignment = load_assignment(Path(checks))
    problem = assignment.problem(name)
    seed = secrets.randbelow(10**6) + 1000 if seed is None else seed
    key = ("practice", seed)

    changed: set[str] = set()
    students_settings = np.geterr()  # np.seterr(all="raise") is for the student's own code

    def call(inputs: Inputs) -> Any:
        given = _crossed(inputs, _asking)
        with np.errstate(**students_settings):
            answer = _call(function, given, problem, inputs)
        changed.update(k for k, v in given.items() if not _same(inputs[k], v))
        return answer

    failing = None
    with np.errstate(all="ignore"):
        result = judge(problem, call, key, hint=False)
        if not result.passed:
            shown = result.illustration
            if shown is None:
                example = practice_example(problem, call, result, [seed])
                shown = example[0] if example else None
            result = replace(result, practice_seed=seed, illustration=shown)
            failing = failing_inputs(problem, call, key)
    heading = (
        f"public check of {name} on fresh inputs (seed {seed}); "
        "the grade uses the same properties on other inputs"
    )
    warnings = _withheld_uses(function, assignment)
    if changed:
        warnings.append(
            f"the function changes its arguments ({', '.join(sorted(changed))}). The check hands "
            "out copies, but in the notebook later cells see the change; work on a copy"
        )
    return Report(result, heading, warnings, failing)


def _same(before: Any, after: Any) -> bool:
    return not isinstance(before, np.ndarray) or np.array_equal(before, after, equal_nan=True)


def _call(function: Callable[..., Any], given: Inputs, problem: Problem, inputs: Inputs) -> Any:
    name = getattr(function, "__name__", "the function")
    answer = _called(name, function, (), given)
    try:
        return _crossed(answer, lambda returned: _returned(name, returned))
    except Exception as error:  # an odd object may fail in any way
        raise CallFailed("bad answer", _refusal(problem, inputs, answer, error)) from None


def _called(name: str, function: Callable[..., Any], args: Any, inputs: Inputs) -> Any:
    try:
        return function(*args, **inputs)
    except NotImplementedError:
        raise CallFailed("not answered", f"{name} is not written yet") from None
    except Exception as error:
        raise CallFailed("run-time error", f"{name} raised {error!r}") from error


def _refusal(problem: Problem, inputs: Inputs, answer: Any, error: Exception) -> str:
    """Why an answer does not reach the grader; in the problem's own words where it has some."""
    try:
        problem.read(inputs, answer)
    except AnswerError as reason:
        return str(reason)
    except Exception:  # an odd object may fail in any way
        pass
    kind = type(answer).__name__
    return f"the grader cannot read this {kind}; return floats or arrays of them ({error})"


def _crossed(value: Any, across: Callable[[Callable[..., Any]], Any]) -> Any:
    """A value as it is on the other side of the border, where numbers, texts and arrays arrive.

    Args:
        value: what is sent.
        across: what stands on the other side for a function that is sent.
    """
    functions: list[Callable[..., Any]] = []

    def number(function: Callable[..., Any]) -> int:
        functions.append(function)
        return len(functions) - 1

    sent = io.BytesIO()
    write_message(sent.write, {"value": plain(value)}, number)
    sent.seek(0)
    return read_message(sent.read, lambda k: across(functions[k]))["value"]


def _asking(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the checker, as student code sees it."""

    def asked(*args: Any, **inputs: Any) -> Any:
        args, inputs = _crossed((args, inputs), lambda f: _returned("the function", f))
        try:
            return _crossed(function(*args, **inputs), _asking)
        except Exception as error:
            raise ValueError(complaint(error)) from None

    return asked


def _returned(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that student code returned, as the checker sees it."""

    def asked(*args: Any, **inputs: Any) -> Any:
        args, inputs = _crossed((args, inputs), _asking)
        answer = _called(f"the function that {name} returned", function, args, inputs)
        try:
            return _crossed(answer, lambda f: _returned(name, f))
        except Exception as error:  # an odd object may fail in any way
            raise CallFailed("bad answer", f"{name} returned a function: {error}") from None

    return asked


def _withheld_uses(function: Callable[..., Any], assignment: Assignment) -> list[str]:
    """Warnings for the parts of cs_infer that will not be there when graded."""
    space = getattr(function, "__globals__", {})
    code = getattr(function, "__code__", None)
    withheld = {f"cs_infer.{module}" for module in assignment.withheld}
    home = {name: f"cs_infer.{module}" for name, module in cs_infer.HOME.items()}
    found = {
        getattr(value, "__name__", "")
        if isinstance(value, ModuleType)
        else getattr(value, "__module__", "")
        for value in space.values()
    }
    names = _names(code) if code is not None else set()
    if "cs_infer" in names or any(value is cs_infer for value in space.values()):
        found |= {home[name] for name in names if name in home}
    found |= names | {f"cs_infer.{name}" for name in names}
    found |= {".".join(str(module).split(".")[:2]) for module in found}  # a module's folder
    return [
        f"this notebook uses {module}, which holds answers: it cannot be imported where the "
        "assignment is graded"
        for module in sorted(found & withheld)
    ]


def _names(code: CodeType) -> set[str]:
    """Every name a function and the functions inside it refer to."""
    inner = (part for part in code.co_consts if isinstance(part, CodeType))
    return set(code.co_names).union(*(_names(part) for part in inner))
