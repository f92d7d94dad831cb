"""What an instructor reads: figures of a class, similar submissions, the trail of a verdict."""

import csv
import io
from dataclasses import replace

import nbformat
import numpy as np
import pytest
from reporting import assignment, output, problem, result, verdict

from cs_infer.judge.class_run import ClassRun
from cs_infer.judge.ledger import Ungraded
from cs_infer.judge.reports import grade_table
from cs_infer.judge.reports.class_report import class_report
from cs_infer.judge.reports.histogram import histogram
from cs_infer.judge.reports.page import page, shown
from cs_infer.judge.reports.report_page import report_page
from cs_infer.judge.reports.similarity import own_code, similar_pairs

F, G = problem("f", 3, 1), problem("g", 6)
ASKED = assignment(F, G)
ANN = verdict("ann", result(F, True, True), result(G, True))
BEN = verdict("ben", result(F, True, False), result(G, True))
CAT = verdict("cat", result(F, False, True), result(G, False, misconception="squared"))
DAN = verdict("dan", result(F, False, False), result(G, False, misconception="squared"))
CLASS = [ANN, BEN, CAT, DAN]


def test_the_share_that_earns_a_property_is_its_difficulty():
    items = class_report(ASKED, [ANN, BEN]).items
    assert [(i.problem, i.name, i.share) for i in items] == [
        ("f", "p0", 1.0),
        ("f", "p1", 0.5),
        ("g", "p0", 1.0),
    ]


def test_discrimination_is_the_correlation_with_the_points_of_the_other_properties():
    found = {(i.problem, i.name): i.discrimination for i in class_report(ASKED, CLASS).items}
    earned = np.array([[3, 1, 6], [3, 0, 6], [0, 1, 0], [0, 0, 0]], dtype=float)
    for column, value in enumerate(found.values()):
        rest = earned.sum(axis=1) - earned[:, column]
        x, y = earned[:, column] - earned[:, column].mean(), rest - rest.mean()
        assert value == pytest.approx((x @ y) / np.sqrt((x @ x) * (y @ y)))
    assert found["f", "p1"] == pytest.approx(0.0)


def test_there_is_no_discrimination_where_everybody_earns_the_same():
    everybody = [replace(ANN, student=name) for name in ("a", "b", "c")]
    assert {i.discrimination for i in class_report(ASKED, everybody).items} == {None}
    assert {i.discrimination for i in class_report(ASKED, [ANN, DAN]).items} == {None}


def test_a_property_that_an_older_verdict_does_not_know_is_counted_without_it():
    old = replace(ANN, problems=(result(G, True),))
    items = class_report(ASKED, [old, BEN, CAT]).items
    assert [i.share for i in items] == [0.5, 0.5, pytest.approx(2 / 3)]


def test_every_score_is_in_one_bin_and_full_marks_are_in_the_last():
    report = class_report(ASKED, CLASS)
    assert report.scores == {"ann": 10, "ben": 9, "cat": 1, "dan": 0}
    assert report.counts == [1, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert class_report(ASKED, [BEN, CAT]).counts == [0, 1, 0, 0, 0, 0, 0, 0, 0, 1]


def test_the_figure_says_in_words_what_it_draws():
    figure = histogram([1, 0, 3], 30)
    assert 'aria-label="Submissions by points: 1 from 0 to 10, 0 from 10 to 20, 3 from 20' in figure
    heights = [float(bar.split('"')[0]) for bar in figure.split('height="')[1:]]
    assert heights == pytest.approx([heights[2] / 3, 0, heights[2]])


def test_the_most_frequent_misconception_comes_first():
    eve = verdict("eve", result(F, False, True, misconception="added"), result(G, True))
    ideas = class_report(ASKED, [eve, *CLASS]).ideas
    assert [(i.problem, i.name, i.students) for i in ideas] == [
        ("g", "squared", ["cat", "dan"]),
        ("f", "added", ["eve"]),
    ]


def test_failures_are_told_apart_and_faults_of_the_grader_stand_for_themselves():
    slow = verdict("slow", result(F, False, False, status="time-out"), result(G, True))
    cells = {"added-01": output(error="boom", status="run-time error")}
    broken = verdict("broken", result(F, True, True), result(G, True), cells=cells)
    lost = Ungraded("lost", "a1", "a worker died", "worker killed")
    report = class_report(ASKED, [slow, broken], [lost])
    assert {f.kind: f.places for f in report.failures} == {
        "time-out": [("slow", "f")],
        "run-time error in a cell": [("broken", "added-01")],
    }
    text = report_page(report, {})
    assert "lost: worker killed: a worker died" in text
    assert "lost" not in report.scores


def test_usage_has_the_median_the_ninetieth_percentile_and_who_used_most():
    students = [replace(ANN, student=f"s{i}", provenance={"cpu_seconds": i}) for i in range(11)]
    (usage,) = class_report(ASKED, students).usage
    assert (usage.what, usage.median, usage.ninetieth, usage.most) == ("processor time", 5, 9, 10)
    assert usage.student == "s10"


def test_a_class_of_nobody_has_a_report():
    assert "Nobody is graded yet" in report_page(class_report(ASKED, []), {})


def test_names_and_code_of_students_are_text_on_the_page():
    eve = replace(ANN, student="<b>eve")
    code = {"<b>eve": LOOP + "# <script>", "ben": LOOP}
    pairs = similar_pairs(code, "")
    text = report_page(class_report(ASKED, [eve, BEN], pairs=pairs), code, {"<b>eve": 'a"b'})
    assert len(pairs) == 1
    assert "<b>eve" not in text
    assert "<script>" not in text
    assert 'href="a&quot;b"' in text


# Similar submissions

LOOP = """
def total(P, R, rho):
    states, actions = rho.shape
    value = np.zeros(states)
    for t in range(len(R) - 1, -1, -1):
        for s in range(states):
            terms = [rho[s, a] * (R[t, s, a] + P[s, a] @ value) for a in range(actions)]
            if max(terms) > 0:
                value[s] = sum(terms) / len(terms)
            else:
                value[s] = min(terms) - np.log(1 + np.exp(-max(terms)))
    return value
"""
RENAMED = (
    LOOP.replace("states", "n").replace("value", "v").replace("terms", "q").replace("    ", "\t")
)
OTHER = """
def total(P, R, rho):
    backward = lambda v, r: np.einsum("sa,sa->s", rho, r + np.einsum("sat,t->sa", P, v))
    return functools.reduce(backward, reversed(R), np.zeros(P.shape[0]))

class Cache(dict):
    def __missing__(self, key):
        self[key] = result = {k: v for k, v in key if v is not None} or {"none": [1, 2, 3]}
        return result
"""


def test_renaming_commenting_and_spacing_hide_nothing():
    (pair,) = similar_pairs({"ann": LOOP, "ben": "# my own work\n" + RENAMED}, "")
    assert pair.students == ("ann", "ben")
    assert min(pair.shares) > 0.95


def test_different_solutions_are_not_alike():
    assert similar_pairs({"ann": LOOP, "ben": OTHER}, "") == []


def test_code_that_was_added_hides_nothing():
    (pair,) = similar_pairs({"ann": LOOP, "ben": OTHER + LOOP + OTHER.upper()}, "")
    assert pair.shares[0] > 0.9
    assert pair.shares[1] < 0.7


def test_what_was_released_does_not_count():
    assert similar_pairs({"ann": LOOP, "ben": LOOP}, LOOP) == []


def test_short_and_empty_answers_are_never_alike():
    line = "def f(x, y):\n    return np.log(x[0]) + np.log(y[1:]) - np.logaddexp(x, y).sum(axis=1)"
    assert similar_pairs({"a": "", "b": "", "c": line, "d": line}, "") == []
    assert len(similar_pairs({"a": "", "b": "", "c": line, "d": line}, "", least=1)) == 1


def test_the_students_own_code_is_compared_and_not_a_flood_of_it():
    made = nbformat.v4.new_notebook()
    for grade_id, solution, source in (
        ("setup", False, "given = 1"),
        (None, False, "mine = 1"),
        ("f", True, "def f(): 1"),
        (None, False, "x = 1\n" * 100_000),
    ):
        cell = nbformat.v4.new_code_cell(source)
        cell.id = grade_id or f"added-{len(made.cells):02d}"
        if grade_id:
            cell.metadata.nbgrader = {"grade_id": grade_id, "solution": solution}
        made.cells.append(cell)
    code = own_code(made)
    assert code.startswith("def f(): 1\n\nmine = 1\n\nx = 1")
    assert "given" not in code
    assert len(code) == 50_000


def test_the_passages_are_where_the_texts_are_alike():
    opening = "import collections\n" * 10
    (pair,) = similar_pairs({"ann": opening + LOOP, "ben": LOOP}, "")
    (start, end), *_ = pair.passages[0]
    assert LOOP[50:-50] in (opening + LOOP)[start:end]


# Pages


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("<b>&'\"", "&lt;b&gt;&amp;&#x27;&quot;"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("50%\r100%\r\nend", "50%\n100%\nend"),
        ("a\x00b\x07\u202e\ud800", "a" + "b".join(["\ufffd"] * 2) + "\ufffd\ufffd"),
        ("tab\tnew\nβ ✓", "tab\tnew\nβ ✓"),
    ],
)
def test_text_from_outside_is_shown_without_markup_or_control(text, html):
    assert shown(text) == html


@pytest.mark.browser
def test_a_page_runs_no_script_and_takes_no_other_style_even_if_markup_slips_in(chromium, tmp_path):
    from browser import Visit

    path = tmp_path / "page.html"
    slipped = (
        "<script>document.title = 'owned'</script><p id=p style='position:fixed'>x</p>"
        "<img alt='' src=x onerror=\"document.title = 'owned'\">"
    )
    path.write_text(page("mine", slipped))
    with Visit(chromium, path) as visit:
        assert visit.page.title() == "mine"
        position = "getComputedStyle(document.getElementById('p')).position"
        assert visit.page.evaluate(position) == "static"
        assert any("Content Security Policy" in error for error in visit.errors)


# The grade table


def test_the_table_tells_the_ends_apart():
    slow = verdict(
        "slow", result(F, False, False, status="time-out", misconception="m"), result(G, True)
    )
    lost = Ungraded("zoe", "a1", "a worker died", "worker killed")
    run = ClassRun({"ann": ANN, "slow": slow}, [lost])
    table = list(csv.DictReader(io.StringIO(grade_table.as_csv(ASKED, run))))
    assert [(row["student"], row["total"], row["status"]) for row in table] == [
        ("ann", "10", "graded"),
        ("slow", "6", "time-out"),
        ("zoe", "ungraded", "worker killed"),
    ]
    assert table[1]["found"] == "f: time-out, m"
    html = grade_table.as_page(ASKED, run)
    for end in ("every call was answered", "time-out", "worker killed"):
        assert f"<li>{end}: 1</li>" in html


def test_what_is_odd_about_the_file_and_the_cells_is_told_before_its_consequences():
    cells = {"f": {"status": "run-time error", "error": "NameError: x"}, "g": {"status": "ran"}}
    lost = verdict("ann", result(F, False, False, status="missing"))
    lost = replace(
        lost, notes=("expected a1.ipynb; graded b.ipynb, the only notebook",), cells=cells
    )
    (row,) = grade_table.rows(ASKED, ClassRun({"ann": lost}))
    note, cell, problem = row["found"].split("; ")[1:]
    assert note.startswith("graded b.ipynb")
    assert (cell, problem) == ("cell f: run-time error", "f: missing")


def test_a_problem_that_is_newer_than_a_verdict_has_no_points_there():
    old = replace(ANN, problems=(result(G, True),))
    (row,) = grade_table.rows(ASKED, ClassRun({"ann": old}))
    assert (row["f"], row["g"], row["total"]) == ("", "6", "6")
