"""Judging without a sandbox, for the tests of assignments; and what is read from their folders."""

import functools
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cs_infer.judge import trial, verdict
from cs_infer.judge.answers import CallFailed
from cs_infer.judge.course import Course
from cs_infer.judge.sample_class import read_submissions
from cs_infer.judge.trial import draws
from cs_infer.judge.verdict import judge

COURSE = Course(Path(__file__).resolve().parents[1])
STUDENT_WARNINGS = pytest.mark.filterwarnings("ignore")


class Folder:
    """An assignment's folder in ``solutions/``: its problems, its notebook, its class."""

    def __init__(self, name):
        self.name = name
        self.assignment = COURSE.assignment(name)
        self.problems = {p.name: p for p in self.assignment.problems}
        submissions = read_submissions(COURSE.sample_class(name))
        self.students = {s.student: s for s in submissions}
        self.honest = sorted(s for s in self.students if s.startswith("honest-"))
        self.mistaken = sorted(s.student for s in submissions if s.ideas)

    def __repr__(self):
        return self.name

    @functools.cached_property
    def cells(self):
        """The cells of the notebook's source."""
        jupytext = pytest.importorskip("jupytext")
        text = COURSE.source(self.name).read_text(encoding="utf-8")
        return jupytext.reads(text, fmt="py:percent").cells

    @property
    def given(self):
        """The cells that students get as they are, as one text."""
        return "\n".join(c.source for c in self.cells if "given" in c.metadata)

    @functools.cached_property
    def solutions(self):
        """The functions of the notebook's own solution, by problem."""
        space = {}
        exec(self.given, space)
        for cell in self.cells:
            if "solution" in cell.metadata:
                exec(cell.source, space)
        return {name: space[name] for name in self.problems}

    def functions_of(self, student):
        """What a student's cells define, run here and not in a sandbox."""
        from IPython.core.inputtransformer2 import TransformerManager

        class Shell:
            def run_line_magic(self, *args):
                pass

        space = {"get_ipython": Shell, "display": lambda *args: None}
        exec(compile(self.given, "given", "exec"), space)
        solutions = self.students[student].solutions
        for name in self.problems:
            if name in solutions:
                text = TransformerManager().transform_cell(solutions[name])
                exec(compile(text, student, "exec"), space)
        return space

    def results_of(self, student, seed):
        """What judging a student's functions finds, by problem."""
        most_calls = sys.getrecursionlimit()
        functions = self.functions_of(student)
        try:
            return {
                name: judged(problem, _plainly(functions[name]), seed)
                for name, problem in self.problems.items()
            }
        finally:
            sys.setrecursionlimit(most_calls)  # some students change it

    def expect_the_marks_of(self, student):
        """Assert that a student's marks, and the ideas named, are those written down."""
        submission = self.students[student]
        for seed in range(2):
            results = self.results_of(student, seed)
            assert {name: r.earned for name, r in results.items()} == submission.expected
            if submission.ideas:
                assert tuple(r.misconception for r in results.values()) == submission.ideas


FOLDERS = {name: Folder(name) for name in COURSE.assignment_names()}


def judged(problem, function, seed):
    """What judging finds when the function is called here."""

    def call(inputs):
        try:
            return function(**inputs)
        except Exception as error:
            raise CallFailed("run-time error", repr(error)) from None

    return judge(MEMORY.problem(problem), call, ("seed", seed), hint=False)


def _plainly(function):
    def tensors_out(value):
        if isinstance(value, tuple):
            return tuple(map(tensors_out, value))
        return value.detach().numpy() if hasattr(value, "detach") else value

    return lambda **inputs: tensors_out(function(**inputs))


class Memory:
    """What problems drew, and what the reference and the wrong ideas said to it.

    Everything is tried on the same inputs, and every wrong answer is held
    against every idea. Drawing and answering once takes a tenth of the time.
    """

    def __init__(self):
        self._drawn, self._answers, self._problems = {}, {}, {}
        self._on = False

    def __enter__(self):
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(verdict, "draws", self.draws)
        for problem in (p for f in FOLDERS.values() for p in f.problems.values()):
            checks = sys.modules[problem.reference.__module__]
            for name in ("_expected", problem.reference.__name__):
                function = getattr(checks, name, None)
                if function is not None and not hasattr(function, "remembers"):
                    self._patch.setattr(checks, name, self._remember(function))
        self._on = True
        return self

    def __exit__(self, *exc):
        self._on = False
        self._patch.undo()

    def problem(self, problem):
        """The problem, with a memory while that is on."""
        if not self._on:
            return problem
        if id(problem) not in self._problems:
            ideas = (replace(i, wrong=self._remember(i.wrong)) for i in problem.misconceptions)
            known = replace(
                problem, reference=self._remember(problem.reference), misconceptions=tuple(ideas)
            )
            self._problems[id(problem)] = (problem, known)
        return self._problems[id(problem)][1]

    def judged(self, problem, idea, seed):
        """What judging finds when the answers are those of an idea, or of the reference."""
        known = self.problem(problem)
        answer = known.reference if idea is None else known.misconceptions[idea].wrong
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trial, "_copy", lambda value: value)  # to know the inputs again
            return judged(problem, answer, seed)

    def draws(self, problem, prop, key):
        at = (id(prop), key)
        if at not in self._drawn:
            self._drawn[at] = list(draws(problem, prop, key))
        return iter(self._drawn[at])

    def _remember(self, function):
        def remembering(*args, **inputs):
            asked = (*args, *inputs.values())
            at = (id(function), *(v if isinstance(v, (int, float)) else id(v) for v in asked))
            if at not in self._answers:  # who was asked, and what, is kept: ids stay their own
                self._answers[at] = (function, asked, function(*args, **inputs))
            return self._answers[at][-1]

        remembering.remembers = True
        return remembering


MEMORY = Memory()
