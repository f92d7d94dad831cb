"""Every kind of answer: graded in the sandbox, practised without it, diagnosed, told in words."""

import contextlib
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from cs_infer.judge import sandbox
from cs_infer.judge.answers import (
    AnswerError,
    CallFailed,
    as_function,
    as_index,
    as_parameters,
)
from cs_infer.judge.class_run import grade_class
from cs_infer.judge.course import Course
from cs_infer.judge.grader import Grader
from cs_infer.judge.notebook import StudentNotebook
from cs_infer.judge.problem import Fresh, Limits, Misconception, Problem, Property
from cs_infer.judge.release import release
from cs_infer.judge.rollouts import (
    TabularEnvironment,
    actions_of,
    as_policy,
    functions_of,
    roll_out,
)
from cs_infer.judge.sample_class import build_class, expected_marks, read_submissions
from cs_infer.judge.sandbox import Box, Nursery, sandbox_works, session
from cs_infer.judge.sandbox.edition import build_edition
from cs_infer.judge.verdict import judge
from cs_infer.practice import check

SMALL_COURSE = Path(__file__).resolve().parent / "every_answer"
NAME = "every_answer"
CLASS = {s.student: s for s in read_submissions(Course(SMALL_COURSE).sample_class(NAME))}
ASSIGNMENT = Course(SMALL_COURSE).assignment(NAME)
PROBLEMS = {p.name: p for p in ASSIGNMENT.problems}
WORKS, WHY = sandbox_works()
boxed = [
    pytest.mark.sandbox,
    pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}"),
    pytest.mark.xdist_group("answer kinds"),
]


def in_a_box(test):
    for mark in boxed:
        test = mark(test)
    return test


# The small course, graded


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """The small course, released, handed in and judged."""
    course = Course(tmp_path_factory.mktemp("course") / "small")
    shutil.copytree(SMALL_COURSE, course.root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CS_INFER_SECRET", "a secret for tests")
        release(course, NAME)
        build_class(course.sample_class(NAME), course.release(NAME), course.submitted)
        run = grade_class(Grader(course, NAME))
    assert not run.ungraded
    return course, run


@in_a_box
@pytest.mark.parametrize("student", CLASS)
def test_every_kind_of_answer_earns_what_it_should(graded, student):
    _, run = graded
    marks = {p.name: p.earned for p in run.verdicts[student].problems}
    assert marks == expected_marks(Course(SMALL_COURSE).sample_class(NAME))[student]


@in_a_box
def test_for_every_kind_of_answer_the_mistake_is_named_and_shown(graded):
    problems = graded[1].verdicts["mistaken"].problems
    assert tuple(p.misconception for p in problems) == CLASS["mistaken"].ideas
    for problem in problems:
        right, wrong = problem.illustration.splitlines()[-2:]
        assert right.startswith("right answer: ")
        assert wrong.startswith("this idea:    ")
        assert right[14:] != wrong[14:]
        assert "_" not in "".join(line.split(" = ")[0][:1] for line in right)


@in_a_box
@pytest.mark.parametrize(
    ("problem", "says"),
    [
        ("log_total", "ValueError: i must be a whole number from 0 to"),
        ("best_arm", "must be one number; it is a function: call it"),
        ("soft_policy", "takes 0 positional arguments but 1 was given"),
        ("way_home", "the function that was returned raised KeyError: 'home'"),
        ("fit", "must be a dict of arrays named weight, bias; entry weight is missing"),
    ],
)
def test_for_every_kind_of_answer_a_fault_is_told_in_words(graded, problem, says):
    found = {p.name: p for p in graded[1].verdicts["careless"].problems}[problem]
    assert says in found.properties[0].fault
    assert "right answer:" in found.illustration


@in_a_box
def test_words_are_for_a_person_to_grade(graded):
    from nbgrader.utils import determine_grade

    course, run = graded
    cells = {
        student: next(c for c in rebuilt.notebook.cells if c.id == "why")
        for student, rebuilt in run.rebuilt.items()
    }
    assert cells["honest"].source.startswith(r"Because $\exp(-5000)$ is $0$")
    assert cells["mistaken"].source == "YOUR ANSWER HERE"
    assert determine_grade(cells["honest"]) == (None, 10.0)
    assert determine_grade(cells["mistaken"]) == (0, 10.0)
    assert (ASSIGNMENT.points, ASSIGNMENT.automatic_points) == (60.0, 50.0)
    assert "Taking out the largest term" not in course.release(NAME).read_text()


# Practice, where there is no box


def by_name(function):
    return lambda inputs: function(**inputs)


def functions_of_student(student):
    space = {"np": np}
    for name, text in CLASS[student].solutions.items():
        if name in PROBLEMS:
            exec(text, space)
    return space


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("student", CLASS)
def test_practice_finds_what_grading_finds(student, name):
    function = functions_of_student(student)[name]
    report = check(name, function, seed=7, checks=Course(SMALL_COURSE).checks(NAME))
    assert report.result.earned == CLASS[student].expected[name]
    if CLASS[student].ideas:
        assert (
            report.result.misconception
            == dict(zip(PROBLEMS, CLASS[student].ideas, strict=True))[name]
        )
    assert report.passed or report.inputs is not None


def test_inputs_that_fail_can_be_tried_by_hand():
    function = functions_of_student("careless")["log_total"]
    report = check("log_total", function, seed=7, checks=Course(SMALL_COURSE).checks(NAME))
    assert report.inputs.keys() == {"log_weight", "n"}
    with pytest.raises(AnswerError, match="a whole number"):
        function(**report.inputs)


@pytest.mark.parametrize("seed", range(3))
def test_right_answers_of_every_kind_earn_everything(seed):
    for problem in PROBLEMS.values():
        result = judge(problem, by_name(problem.reference), (seed,))
        assert result.passed, result


@pytest.mark.parametrize("seed", range(3))
def test_every_mistake_of_every_kind_costs_points_and_is_named(seed):
    for problem in PROBLEMS.values():
        for idea in problem.misconceptions:
            result = judge(problem, by_name(idea.wrong), (seed,), hint=False)
            assert (result.misconception, result.passed) == (idea.name, False)


# Inputs that stay with the checker, and inputs made anew


def counting(**changes):
    """A problem on whose inputs everything can be seen: how often may a counter be used?"""

    def counter():
        used = []
        return lambda: used.append(1) or len(used)

    settings = {
        "name": "last",
        "title": "The last number",
        "reference": lambda count, times: [count() for _ in range(times)][-1],
        "read": lambda inputs, answer: as_index(answer, 1 + inputs["_most"]),
        "properties": (
            Property(
                "values",
                "it is the last number",
                1.0,
                lambda rng: {"count": Fresh(counter), "times": 3, "_most": 9},
            ),
        ),
        "misconceptions": (
            Misconception("first", lambda count, times: count(), "The first.", "book.html"),
        ),
        "example": {"count": Fresh(counter), "times": 2, "_most": 9},
        "section": "book.html",
    }
    return Problem(**(settings | changes))


def test_what_begins_with_an_underscore_stays_with_the_checker():
    seen = []

    def call(inputs):
        seen.append(inputs)
        return inputs["count"]()

    result = judge(counting(), call, ("a key",))
    assert result.misconception == "first"
    assert all(inputs.keys() == {"count", "times"} for inputs in seen)
    assert "_most" not in result.illustration


def test_what_is_used_up_is_made_anew_for_every_call_and_for_the_reference():
    def call(inputs):
        return [inputs["count"]() for _ in range(inputs["times"])][-1]

    assert judge(counting(), call, ("a key",)).passed


def test_an_answer_is_asked_for_once():
    asked = []

    def call(inputs):
        def policy(state):
            asked.append(state)
            return [0.5, 0.5]

        return policy

    problem = PROBLEMS["soft_policy"]
    result = judge(problem, call, ("a key",), hint=False)
    assert not result.passed
    assert len(asked) <= 5 * sum(p.repeats for p in problem.properties)
    assert len(asked) == len(set(enumerate(asked)))


def test_without_an_idea_the_smallest_failing_input_of_a_few_is_shown():
    def answer(inputs):
        n = inputs["n"]
        return 0.0 if n > 2 else PROBLEMS["log_total"].reference(**inputs)

    result = judge(PROBLEMS["log_total"], answer, ("a key",))
    assert result.misconception is None
    assert result.illustration.startswith("log_weight = i -> [")
    assert "n = 3" in result.illustration
    assert "your answer:  0" in result.illustration
    assert not judge(
        PROBLEMS["log_total"], answer, ("practice", result.practice_seed), hint=False
    ).passed


# Readers


def test_parameters_are_read_by_name_and_shape():
    shapes = {"w": (2,), "b": ()}
    read = as_parameters({"b": 1, "w": [1, 2]}, shapes)
    assert list(read) == ["w", "b"]
    assert all(part.dtype == np.float64 for part in read.values())
    for answer, says in [
        (None, "the function returned None"),
        ([1, 2], "it is a list"),
        ({"w": [1, 2]}, "entry b is missing"),
        ({"w": [1, 2], "b": 1, "c": 2}, "entry c should not be there"),
        ({"w": [1, 2, 3], "b": 1}, "entry w must have shape (2,); it has (3,)"),
        ({"w": [1, np.nan], "b": 1}, "entry w holds NaN"),
        ({"w": ["1", "2"], "b": 1}, "entry w must be an array of real numbers"),
    ]:
        with pytest.raises(AnswerError) as caught:
            as_parameters(answer, shapes)
        assert says in str(caught.value)


def test_what_torch_calls_a_state_dict_is_read_as_parameters():
    torch = pytest.importorskip("torch")
    from cs_infer.practice import _crossed

    state = torch.nn.Linear(3, 1).state_dict()
    read = as_parameters(_crossed(state, None), {"weight": (1, 3), "bias": (1,)})
    assert np.allclose(read["weight"], state["weight"].numpy())


@pytest.mark.parametrize("answer", [-1, 3, 0.5, np.inf, "1", None, [0, 1]])
def test_an_index_is_a_whole_number_in_range(answer):
    with pytest.raises(AnswerError):
        as_index(answer, 3)
    assert as_index(np.float32(2), 3) == 2


def test_what_is_no_function_is_said():
    with pytest.raises(AnswerError, match="must be a function; it is a float"):
        as_function(1.0)
    with pytest.raises(AnswerError, match="must be a function; the function returned None"):
        as_function(None)


def test_many_texts_take_no_memory():
    from cs_infer.judge.answers import as_array

    with pytest.raises(AnswerError, match="holds a text"):
        as_array([["x" * 10**6], *[[""]] * 10**6], (10**6 + 1, 1))


# Policies, rolled out

LINE = np.zeros((3, 2, 3))
LINE[range(3), 0, [0, 0, 1]] = LINE[range(3), 1, [1, 2, 2]] = 1.0
AT_THE_END = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]])


def line():
    return TabularEnvironment(LINE, AT_THE_END, np.eye(3)[0])


@pytest.mark.parametrize(
    "answer",
    [[1, 1, 1], np.ones(3), [[0, 1]] * 3, np.eye(2)[[1, 1, 1]], lambda s: 1, lambda s: np.int8(1)],
    ids=["list", "array", "rows", "matrix", "function", "numpy"],
)
def test_a_policy_is_a_table_or_a_function(answer):
    policy = as_policy(answer, num_actions=2, num_states=3)
    assert roll_out(policy, line(), seed=1, episodes=2, horizon=5).tolist() == [3.0, 3.0]
    assert actions_of(answer, 3, 2).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "must be an array"),
        ([1, 1], "must have shape (3,)"),
        ([1, 1, 2], "a whole number from 0 to 1; it is 2"),
        ([[0.5, 0.6]] * 3, "probabilities that add up to one"),
        ([[1.5, -0.5]] * 3, "probabilities that add up to one"),
        ([["a", "b"]] * 3, "text"),
        (lambda s: 0.5, "a whole number from 0 to 1; it is 0.5"),
        (lambda s: None, "returned None"),
    ],
)
def test_what_is_no_policy_is_said(answer, says):
    with pytest.raises(AnswerError) as caught:
        roll_out(as_policy(answer, 2, 3), line(), 1, 1, 5)
    assert says in str(caught.value)


def test_returns_of_a_random_policy_have_the_mean_that_the_chain_gives():
    """Ahead with probability p at each of two steps, then rewards until the horizon."""
    p, episodes = 0.3, 4000
    returns = roll_out(as_policy([[1 - p, p]] * 3, 2, 3), line(), 5, episodes, 3)
    expected = p * p
    assert abs(returns.mean() - expected) < 5 * np.sqrt(expected / episodes)
    again = roll_out(as_policy([[1 - p, p]] * 3, 2, 3), line(), 5, episodes, 3)
    assert np.array_equal(returns, again)


def test_the_luck_of_an_environment_comes_from_the_seed_alone():
    noisy = TabularEnvironment(np.full((3, 2, 3), 1 / 3), AT_THE_END, np.full(3, 1 / 3))
    first, other = (roll_out(lambda seen, rng: 0, noisy, seed, 20, 9) for seed in (1, 2))
    assert np.array_equal(first, roll_out(lambda seen, rng: 0, noisy, 1, 20, 9))
    assert not np.array_equal(first, other)


def test_an_environment_of_gymnasium_is_used_as_it_is():
    gymnasium = pytest.importorskip("gymnasium")
    policy = as_policy(lambda x: int(x[2] + x[3] > 0), num_actions=2)
    returns = roll_out(policy, gymnasium.make("CartPole-v1"), seed=3, episodes=3, horizon=100)
    assert np.all(returns > 60)


@pytest.mark.parametrize("ended", [True, False], ids=["ended", "cut"])
def test_after_the_end_of_an_episode_nothing_is_earned(ended):
    class Short:
        def reset(self, seed=None):
            self.t = 0
            return 0, {}

        def step(self, action):
            self.t += 1
            return 0, 1.0, ended and self.t == 3, not ended and self.t == 3, {}

    assert roll_out(lambda seen, rng: 0, Short(), 1, 2, 9).tolist() == [3.0, 3.0]


def test_an_environment_crosses_as_two_functions():
    functions = functions_of(line())
    assert functions["reset"]() == 0
    assert functions["step"](1) == (1, 0.0, False)
    with pytest.raises(AnswerError, match="an action must be a whole number from 0 to 1"):
        functions["step"](7)


# The conversation, and what can go wrong in it

CELL = """
import os, threading, time
import numpy as np

def ask(f, *args): return f(*args)
def often(f, n): return [f(i) for i in range(n)][-1]
def nested(f): return f(lambda x: f(lambda y: x + y))
def endless(f): return f(lambda: endless(f))
def adder(n): return lambda x: x + n
def keeps(f):
    global kept
    kept = f
    return 0
def later(): return kept(1)
def in_thread(f):
    out = []
    def work():
        try:
            out.append(f(1))
        except RuntimeError as error:
            out.append(str(error))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return out[0]
def forever(f):
    while True:
        try:
            f(0)
        except Exception:
            pass
def sleeps(f): return f(lambda: time.sleep(60))
def returns_sleeper(): return lambda: time.sleep(60)
def returns_killer(): return lambda: os._exit(3)
def swallows(f):
    try:
        f("text")
    except ValueError as error:
        return str(error)
def writes(text, f, g):
    for number in range(3, 64):
        try:
            os.write(number, text.encode().replace(b"?", bytes(7)))
        except OSError:
            pass
    return 1
def tensor_like(f): return f(np.arange(3.0))
"""


@contextlib.contextmanager
def running(folder):
    box = Box(build_edition(Path(folder), ()), Limits(call_seconds=1.0))
    with (
        Nursery(box) as nursery,
        StudentNotebook(nursery.place_for(CELL), [("", CELL)]) as notebook,
    ):
        yield notebook


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    with running(tmp_path_factory.mktemp("edition")) as notebook:
        yield notebook


def failure(notebook, function, **inputs):
    with pytest.raises(CallFailed) as caught:
        notebook.call(function, inputs)
    return caught.value.status, str(caught.value)


@in_a_box
def test_functions_go_both_ways(notebook):
    assert notebook.call("often", {"f": lambda i: 2 * i, "n": 50}) == 98
    add = notebook.call("adder", {"n": 3})
    assert [add(4), add(x=5)] == [7, 8]
    assert notebook.call("nested", {"f": lambda g: 10 * g(3)}) == 600
    assert notebook.call("tensor_like", {"f": lambda x: x.sum()}) == 3.0


@in_a_box
def test_what_a_function_of_the_checker_refuses_is_an_error_in_student_code(notebook):
    def table(i):
        return as_index(i, 3, "i")

    assert "i must be one number; it is a str" in notebook.call("swallows", {"f": table})
    status, message = failure(notebook, "often", f=table, n=9)
    assert status == "run-time error"
    assert "ValueError: i must be a whole number from 0 to 2; it is 3" in message


@in_a_box
def test_what_cannot_cross_is_an_error_in_student_code(notebook):
    assert "cannot be answered" in notebook.call("swallows", {"f": lambda x: {x}})
    assert notebook.call("ask", {"f": lambda: 5}) == 5


@in_a_box
def test_an_error_of_the_checkers_own_tells_no_secret(notebook):
    secret = {"the secret": 1}
    assert "secret" not in notebook.call("swallows", {"f": lambda x: secret[f"the secret {x}"]})


@in_a_box
def test_functions_that_call_one_another_come_to_an_end(notebook):
    within = [0]

    def deeper(function):
        within.append(within[-1] + 1)
        return function()

    status, message = failure(notebook, "endless", f=deeper)
    assert (status, max(within)) == ("run-time error", 4)
    assert "cannot be answered" in message
    assert notebook.call("ask", {"f": lambda: 1}) == 1


@in_a_box
def test_the_number_of_questions_in_one_call_is_bounded(notebook, monkeypatch):
    monkeypatch.setattr(session, "_MOST_QUESTIONS", 100)
    assert notebook.call("often", {"f": lambda i: i, "n": 100}) == 99
    assert notebook.call("often", {"f": lambda i: i, "n": 100}) == 99
    status, message = failure(notebook, "often", f=lambda i: i, n=101)
    assert (status, "asked more than 100 times" in message) == ("time-out", True)


@in_a_box
def test_a_function_of_an_earlier_call_still_answers_in_a_later_one(notebook):
    notebook.call("keeps", {"f": lambda x: x + 41})
    assert notebook.call("later", {}) == 42


@in_a_box
def test_threads_are_told_that_they_cannot_ask(notebook):
    assert "in one thread" in notebook.call("in_thread", {"f": lambda x: x})


@in_a_box
@pytest.mark.parametrize(
    ("function", "f"), [("forever", lambda x: x), ("sleeps", lambda g: g())], ids=["asks", "sleeps"]
)
def test_time_runs_out_in_the_middle_of_questions_and_the_notebook_goes_on(notebook, function, f):
    status, message = failure(notebook, function, f=f)
    assert (status, "took longer than 1 s" in message) == ("time-out", True)
    assert notebook.call("ask", {"f": lambda: 5}) == 5


def test_a_time_limit_within_another_ends_with_it(monkeypatch):
    monkeypatch.syspath_prepend(Path(sandbox.__file__).parent)  # as it is found in the box
    calls = pytest.importorskip("calls")
    before = signal.signal(signal.SIGALRM, calls.out_of_time)
    started = time.monotonic()
    try:
        late = calls.within(0.1, lambda: (calls.within(20, lambda: time.sleep(20)), time.sleep(20)))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert isinstance(late, calls.OutOfTime)
    assert time.monotonic() - started < 10
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


@in_a_box
def test_a_function_that_was_returned_has_its_own_time_limit(notebook):
    sleeper = notebook.call("returns_sleeper", {})
    with pytest.raises(CallFailed, match="the function that was returned took longer than 1 s"):
        sleeper()


@in_a_box
def test_a_function_whose_process_has_ended_fails(notebook):
    add, killer = notebook.call("adder", {"n": 3}), notebook.call("returns_killer", {})
    with pytest.raises(CallFailed, match="exit status 3"):
        killer()
    with pytest.raises(CallFailed, match="has ended"):
        add(1)
    assert notebook.call("adder", {"n": 1})(1) == 2


def forged(body, arrays="[]"):
    text = f'{{"body": {body}, "arrays": {arrays}}}'
    return "?" + chr(len(text)) + text  # "?" stands for the seven zeros of a short length


def asks(number, args='{"tuple": []}', inputs='{"dict": {}}'):
    return forged(
        f'{{"dict":{{"status":"asks","function":{number},"args":{args},"inputs":{inputs}}}}}'
    )


@in_a_box
@pytest.mark.parametrize(
    "text",
    [
        asks(99),
        asks(-1),
        asks("true"),
        asks('"0"'),
        asks(0, args="3"),
        asks(0, inputs="3"),
        asks('{"function":0}'),
        forged('{"dict":{"do":"give","answer":1}}'),
        forged('{"dict":{"status":{"function":0}}}'),
    ],
    ids=range(9),
)
def test_forged_questions_earn_nothing_and_stop_nobody(notebook, text):
    assert all(ord(c) < 128 for c in text)
    called = []
    status, message = failure(notebook, "writes", text=text, f=called.append, g=called.append)
    assert (status, "garbled" in message) == ("killed", True)
    assert not called
    assert notebook.call("ask", {"f": lambda: 5}) == 5


@in_a_box
def test_a_function_whose_cell_failed_is_missing_for_the_reason_of_the_cell(tmp_path):
    cell = "scale = 1 / 0\ndef ask(f):\n    return f()"
    box = Box(build_edition(tmp_path, ()), Limits())
    with (
        StudentNotebook(box, [("a", cell)]) as notebook,
        pytest.raises(CallFailed, match=r"defines no function ask; .* ZeroDivisionError: division"),
    ):
        notebook.call("ask", {})


@in_a_box
def test_a_question_while_a_cell_runs_is_refused(tmp_path):
    text = asks(0)
    cell = CELL + f"\nwrites({text!r}, 0, 0)\n"
    box = Box(build_edition(tmp_path, ()), Limits())
    with StudentNotebook(box, [("good", CELL), ("bad", cell)]) as notebook:
        assert notebook.outputs["bad"]["status"] == "killed"
        assert notebook.call("ask", {"f": lambda: 5}) == 5
