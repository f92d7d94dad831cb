"""Answers, verdicts, practice and reports, on a problem of one line: double a number."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from cs_infer.judge.answers import AnswerError, CallFailed, as_array, as_number, differ
from cs_infer.judge.card import as_html, as_text
from cs_infer.judge.examples import failing_inputs
from cs_infer.judge.problem import Misconception, Problem, Property
from cs_infer.judge.trial import draws
from cs_infer.judge.verdict import judge

KEY = ("a secret", "a student")


def doubling(**changes):
    settings = {
        "name": "double",
        "title": "Doubling",
        "reference": lambda x: 2 * x,
        "read": lambda inputs, answer: as_array(answer, inputs["x"].shape),
        "properties": (
            Property("values", "values are doubled", 3.0, lambda rng: {"x": rng.random(4)}),
            Property("zero", "zero stays zero", 1.0, lambda rng: {"x": np.zeros(2)}, repeats=1),
            Property("one", "one value is right", 1.0, lambda rng: {"x": rng.random(1)}),
        ),
        "misconceptions": (
            Misconception("square", lambda x: x**2, "You squared it.", "book.html#square"),
            Misconception("add two", lambda x: x + 2, "You added <two>.", "book.html#add"),
            Misconception("half", lambda x: x / 2, "You halved it.", "book.html#half"),
        ),
        "example": {"x": np.array([3.0, -0.0])},
        "section": "book.html#double",
    }
    return Problem(**(settings | changes))


# Answers


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "returned None"),
        ("a", "real numbers"),
        ([1j, 2j], "real numbers"),
        ([1, [2]], "must be an array"),
        ([1, 2, 3], "must have shape (2,); it has (3,)"),
        ([1, np.nan], "holds NaN"),
        ({"x": 1}, "it is a dict"),
        ([Fraction(1, 2), 0], "holds a Fraction"),
    ],
)
def test_an_array_of_the_wrong_kind_is_explained(answer, sentence):
    with pytest.raises(AnswerError) as caught:
        as_array(answer, (2,))
    assert sentence in str(caught.value)


def test_an_object_whose_conversion_fails_is_explained():
    class Odd:
        def __array__(self, *args, **kwargs):
            raise RuntimeError("no")

    with pytest.raises(AnswerError):
        as_array(Odd(), (2,))


@pytest.mark.parametrize("answer", [1, True, 1.0, np.float32(1), np.array([1.0]), np.array([[1]])])
def test_one_number_comes_in_many_forms(answer):
    assert as_number(answer) == 1.0


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (None, "returned None"),
        ([1.0], "it is a list"),
        ("1", "it is a str"),
        (np.zeros(3), "shape (3,)"),
        (np.nan, "NaN"),
        (1j, "it is a complex"),
    ],
)
def test_what_is_not_one_number_is_explained(answer, sentence):
    with pytest.raises(AnswerError) as caught:
        as_number(answer, "the number")
    assert sentence in str(caught.value)
    assert str(caught.value).startswith("the number")


@pytest.mark.parametrize(
    ("answer", "expected", "same"),
    [
        (1.0, 1.0 + 1e-9, True),
        (1.0, 1.1, False),
        (-np.inf, -np.inf, True),
        (-1e300, -np.inf, False),
        (-np.inf, -1e300, False),
        (np.inf, -np.inf, False),
        (np.nan, 1.0, False),
        ((1.0, 2.0), (1.0, 2.0), True),
        ((1.0,), (1.0, 2.0), False),
        ({(0, 1): 0.5}, {(0, 1): 0.5}, True),
        ({(0, 1): 0.5}, {(1, 1): 0.5}, False),
        (np.zeros(2), np.zeros(3), False),
        (np.zeros(0), np.zeros(0), True),
    ],
)
def test_differ_knows_infinity_nan_tuples_and_dicts(answer, expected, same):
    assert (differ(answer, expected, 1e-6, 1e-9) is None) == same


def test_differ_names_the_place():
    assert "index [1, 0]" in differ(np.array([[0.0], [1.0]]), np.zeros((2, 1)), 0.0, 0.1)
    assert "part 2" in differ((0.0, 1.0), (0.0, 2.0), 0.0, 0.1)
    assert "entry b is missing" in differ({"a": 1.0}, {"a": 1.0, "b": 2.0}, 0.0, 0.1)
    assert "entry c should not" in differ({"a": 1.0, "c": 1.0}, {"a": 1.0}, 0.0, 0.1)


# Verdicts


def test_a_right_function_gets_everything():
    result = judge(doubling(), lambda inputs: 2 * inputs["x"], KEY)
    assert (result.earned, result.points, result.passed) == (5, 5, True)
    assert result.misconception is None


def test_each_property_earns_its_own_points():
    problem = doubling()
    result = judge(problem, lambda inputs: inputs["x"] * (1 + (len(inputs["x"]) == 4)), KEY)
    assert [p.earned for p in result.properties] == [3, 1, 0]
    assert result.misconception is None


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_wrong_idea_is_recognised(index):
    problem = doubling()
    idea = problem.misconceptions[index]
    result = judge(problem, lambda inputs: idea.wrong(**inputs), KEY)
    assert result.misconception == idea.name
    assert result.message_section == idea.section
    assert "x = [3., 0.]" in result.illustration
    assert "right answer: [6., 0.]" in result.illustration


def test_the_first_idea_that_explains_everything_is_chosen():
    square, *others = doubling().misconceptions
    again = replace(square, name="squared again")
    problem = doubling(misconceptions=(*others, square, again))
    assert judge(problem, lambda inputs: inputs["x"] ** 2, KEY).misconception == "square"


def test_of_two_mistakes_the_one_that_shows_first_is_named():
    def two_mistakes(inputs):
        x = inputs["x"]
        return x / 2 if len(x) == 4 else np.full(len(x), np.nan)

    result = judge(doubling(), two_mistakes, KEY)
    assert result.misconception == "half"


def test_an_idea_that_fails_where_the_function_is_right_is_not_its_idea():
    def only_the_single_value_is_squared(inputs):
        x = inputs["x"]
        return x**2 if len(x) == 1 else 2 * x

    assert judge(doubling(), only_the_single_value_is_squared, KEY).misconception is None


def test_an_idea_that_is_right_there_does_not_explain_a_fault():
    """As for an answer that is off by a little more than is allowed."""
    coarse = Misconception("coarse", lambda x: 2 * x + (len(x) == 1), "Off.", "book.html#off")
    problem = doubling(
        misconceptions=(coarse,),
        rtol=0.1,
        properties=tuple(
            Property(
                p.name,
                p.statement,
                p.points,
                p.draw,
                holds=lambda inputs, answer: differ(answer, 2 * inputs["x"], 1e-6, 1e-6),
            )
            for p in doubling().properties
        ),
    )
    assert judge(problem, lambda inputs: 2.01 * inputs["x"], KEY).misconception is None


def test_a_lone_infinity_is_not_enough_to_name_an_idea():
    infinite = Misconception("log", lambda x: np.log(0 * x), "Logs.", "book.html#log")

    def infinite_at_one_value(inputs):
        x = inputs["x"]
        return np.full(1, -np.inf) if len(x) == 1 else 7 * x + 1

    with np.errstate(divide="ignore"):
        result = judge(doubling(misconceptions=(infinite,)), infinite_at_one_value, KEY)
    assert result.misconception is None


def test_an_error_that_comes_first_is_told_first():
    def fails_then_squares(inputs):
        if len(inputs["x"]) == 4:
            raise CallFailed("run-time error", "four")
        return inputs["x"] ** 2 if len(inputs["x"]) == 1 else inputs["x"] + 1

    assert judge(doubling(), fails_then_squares, KEY).misconception is None


def test_an_idea_that_explains_a_part_says_so():
    def half_and_seven(inputs):
        x = inputs["x"]
        return x / 2 if len(x) == 4 else 7 * x + 1

    whole = judge(doubling(), lambda inputs: inputs["x"] / 2, KEY)
    part = judge(doubling(), half_and_seven, KEY)
    assert whole.misconception == part.misconception == "half"
    assert whole.message == "You halved it."
    assert part.message.startswith("Part of what goes wrong")
    assert part.message.endswith("You halved it.")


def test_where_an_idea_explains_a_later_fault_the_first_one_is_shown():
    lonely = Misconception(
        "lonely", lambda x: x**2 if len(x) == 1 else 2 * x, "You squared it.", "book.html#one"
    )

    def seven_then_squared(inputs):
        x = inputs["x"]
        return x**2 if len(x) == 1 else 7 * x + 1

    result = judge(doubling(misconceptions=(lonely,)), seven_then_squared, KEY)
    assert result.misconception == "lonely"
    assert "“one value is right”" in result.message
    assert "your answer:  [22.," in result.illustration
    assert result.practice_seed is not None


def test_nan_in_a_later_fault_names_no_idea():
    blank = Misconception("blank", lambda x: x + np.nan * (len(x) == 1), "NaN.", "book.html#nan")

    def nan_at_one_value(inputs):
        x = inputs["x"]
        return np.full(1, np.nan) if len(x) == 1 else 7 * x

    problem = doubling(misconceptions=(blank,))
    assert judge(problem, nan_at_one_value, KEY).misconception is None


def test_zeros_in_the_wrong_part_of_an_answer_name_no_idea():
    """As where one part was not written yet, and an idea ends in zeros there."""
    zero = Misconception("zero", lambda x: (0 * x, 2 * x), "Zeros.", "book.html#zero")

    def reads(inputs, answer):
        return tuple(as_array(part, inputs["x"].shape) for part in answer)

    problem = doubling(
        misconceptions=(zero,), reference=lambda x: (x, 2 * x), read=reads, rtol=1e-6
    )
    whole = judge(problem, lambda inputs: zero.wrong(**inputs), KEY)
    part = judge(
        problem, lambda inputs: (0 * inputs["x"], (2 + (len(inputs["x"]) == 1)) * inputs["x"]), KEY
    )
    assert (whole.misconception, part.misconception) == ("zero", None)


def test_an_answer_of_several_parts_is_shown_as_it_was_returned():
    def table(inputs, answer):
        keys, values = answer
        return dict(zip(keys, values, strict=True))

    problem = doubling(misconceptions=(), reference=lambda x: ([0, 1], [0.5, 0.5]), read=table)
    shown = judge(problem, lambda inputs: [[1, 0], [0.2, 0.8]], KEY).illustration
    assert "right answer: ([0, 1], [0.5, 0.5])" in shown
    assert "your answer:  ([1, 0], [0.2, 0.8])" in shown
    assert "which means:  entry 0: it is 0.8 where 0.5 is expected" in shown


def test_an_error_is_no_part_of_an_idea():
    def halves_or_fails(inputs):
        if len(inputs["x"]) == 1:
            raise CallFailed("run-time error", "one")
        return inputs["x"] / 2

    def fails_or_halves(inputs):
        if len(inputs["x"]) == 4:
            raise CallFailed("run-time error", "four")
        return inputs["x"] / 2

    late = judge(doubling(), halves_or_fails, KEY)
    assert late.misconception == "half"
    assert late.message.startswith("Part of what goes wrong")
    assert judge(doubling(), fails_or_halves, KEY).misconception is None


def test_the_problems_own_example_is_shown_where_it_fails_as_well():
    def small_numbers_only(inputs):
        return 2 * np.minimum(inputs["x"], 0.1)

    def by_length(inputs):
        return (2 + (len(inputs["x"]) == 4)) * inputs["x"]

    assert "x = [3., 0.]" in judge(doubling(), small_numbers_only, KEY).illustration
    assert "x = [3., 0.]" not in judge(doubling(), by_length, KEY).illustration


def test_answers_of_the_wrong_shape_are_explained_by_ideas_of_that_shape():
    flat = Misconception("sum", lambda x: x.sum(), "You summed.", "book.html#sum")
    problem = doubling(misconceptions=(flat,))
    assert judge(problem, lambda inputs: 2 * inputs["x"].sum(), KEY).misconception == "sum"


def test_the_example_of_an_idea_replaces_that_of_the_problem():
    idea = Misconception(
        "half", lambda x: x / 2, "Halved.", "book.html#half", example={"x": np.array([8.0])}
    )
    result = judge(doubling(misconceptions=(idea,)), lambda inputs: inputs["x"] / 2, KEY)
    assert "this idea:    [4.]" in result.illustration


@pytest.mark.parametrize("status", ["time-out", "memory", "killed", "missing", "not answered"])
def test_after_a_fatal_status_nothing_more_is_called(status):
    calls = []

    def fails(inputs):
        calls.append(inputs)
        raise CallFailed(status, "gone")

    result = judge(doubling(), fails, KEY)
    assert len(calls) == 1
    assert (result.earned, result.status) == (0, status)
    assert result.properties[0].fault == "gone"
    assert status in result.properties[1].fault


def test_after_a_run_time_error_the_other_properties_are_tried():
    def fails_on_four(inputs):
        if len(inputs["x"]) == 4:
            raise CallFailed("run-time error", "four")
        return 2 * inputs["x"]

    result = judge(doubling(), fails_on_four, KEY)
    assert [p.earned for p in result.properties] == [0, 1, 1]
    assert result.misconception is None


def test_an_unknown_fault_gets_a_public_seed_that_shows_it():
    result = judge(doubling(), lambda inputs: inputs["x"] * 7, KEY)
    assert result.practice_seed is not None
    again = judge(
        doubling(), lambda inputs: inputs["x"] * 7, ("practice", result.practice_seed), hint=False
    )
    assert not again.passed
    assert again.practice_seed is None


def test_the_student_gets_copies():
    def vandal(inputs):
        answer = 2 * inputs["x"]
        inputs["x"][:] = 99
        return answer

    assert judge(doubling(), vandal, KEY).passed


def test_inputs_depend_on_the_whole_key_and_on_nothing_else():
    problem = doubling()
    prop = problem.properties[0]
    first = [d["x"] for d in draws(problem, prop, KEY)]
    assert np.array_equal(first, [d["x"] for d in draws(problem, prop, KEY)])
    for other in (("a secret", "b student"), ("a secreta", " student"), ("b secret", "a student")):
        assert not np.array_equal(first, [d["x"] for d in draws(problem, prop, other)])


def test_failing_inputs_are_the_first_that_fail():
    problem = doubling()
    found = failing_inputs(problem, lambda inputs: inputs["x"] * 7, KEY)
    assert np.array_equal(found["x"], next(draws(problem, problem.properties[0], KEY))["x"])
    assert failing_inputs(problem, lambda inputs: inputs["x"] * 2, KEY) is None


# Reports


def test_a_report_shows_properties_advice_and_what_to_read():
    text = as_text(judge(doubling(), lambda inputs: inputs["x"] + 2, KEY), "heading", ["careful"])
    for part in ("heading", "0 of 5 points", "✗ values are doubled", "You added <two>."):
        assert part in text
    assert "book.html#add" in text
    assert "warning: careful" in text


def test_a_report_without_an_idea_gives_the_seed_and_the_problems_section():
    text = as_text(judge(doubling(), lambda inputs: inputs["x"] * 7, KEY), "heading")
    assert 'check("double", double, seed=' in text
    assert "book.html#double" in text


def test_a_fault_is_told_once():
    text = as_text(judge(doubling(), lambda inputs: None, KEY), "heading")
    assert text.count("returned None") == 1
    assert text.count("the same") == 2


def test_a_report_of_success_gives_no_advice():
    text = as_text(judge(doubling(), lambda inputs: inputs["x"] * 2, KEY), "heading")
    assert "5 of 5 points" in text
    assert "✗" not in text
    assert "book.html" not in text


def test_html_is_escaped_throughout():
    def hostile(inputs):
        raise CallFailed("run-time error", "<script>alert('1')</script>")

    html = as_html(judge(doubling(), hostile, KEY), "<b>heading</b>", ["<i>warning</i>"])
    html += as_html(judge(doubling(), lambda inputs: inputs["x"] + 2, KEY), "heading")
    for tag in ("<script", "<b>", "<i>", "<two>"):
        assert tag not in html
    assert "&lt;script&gt;" in html
    assert "&lt;two&gt;" in html


def test_a_very_long_fault_is_cut():
    def wordy(inputs):
        raise CallFailed("run-time error", "x" * 10**6)

    assert len(as_html(judge(doubling(), wordy, KEY), "heading")) < 20_000
