"""The benchmark of grading: the same code for both graders, and no time for wrong marks."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import grading, report  # noqa: E402
from benchmarks.cases import grading as case  # noqa: E402
from cs_infer.judge.sandbox import sandbox_works  # noqa: E402

pytest.importorskip("nbgrader")
WORKS, WHY = sandbox_works()


@pytest.mark.parametrize("kind", grading.CLASSES)
def test_no_two_submissions_are_the_same_and_some_are_wrong(kind):
    people = grading.students(kind, 12)
    assert len({tuple(p.solutions.values()) for p in people if p.solutions}) == sum(
        bool(p.solutions) for p in people
    )
    totals = {sum(p.expected.values()) for p in people}
    assert max(totals) == 100
    assert min(totals) < 100


def test_the_torch_class_answers_with_torch():
    assert all("torch" in "".join(p.solutions.values()) for p in grading.students("torch", 6))


def test_a_wrong_mark_gets_no_time():
    people = grading.students("numpy", 2)
    right = {p.student: 100.0 for p in people}
    wrong = right | {people[0].student: 75.0}
    assert case._row("x", lambda: grading.Run(3.0, right), people).seconds == 1.5
    row = case._row("x", lambda: grading.Run(3.0, wrong), people)
    assert row.seconds is None
    assert row.status == f"wrong: {people[0].student} has 75.0 and earned 100"


def test_of_a_stock_course_only_the_right_submissions_are_compared():
    people = grading.students("numpy", 3)
    marks = {p.student: 100.0 for p in people}
    assert grading.wrong_marks(grading.Run(1.0, marks), people, stock=True) == []
    assert len(grading.wrong_marks(grading.Run(1.0, marks), people, stock=False)) == 1


def test_a_program_that_fails_is_a_row_that_says_so():
    def fail():
        raise RuntimeError("no such program")

    row = case._row("x", fail, grading.students("numpy", 1))
    assert (row.seconds, row.status) == (None, "failed: no such program")


def test_the_readme_says_how_many_times_as_fast_as_nbgrader():
    rows = [
        report.Row("grading", case.STOCK, seconds=1.0, steps=40, computes="marks"),
        report.Row("grading", "ours", seconds=0.25, steps=40, computes="marks", value=4.0),
    ]
    assert "| ours | 250 ms | 4.0 |" in report.readme_block(rows)
    assert "a class of 40" in report.readme_block(rows)


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}")
@pytest.mark.filterwarnings("ignore")  # the students' own
def test_a_small_class_gets_its_marks_from_both_graders(monkeypatch):
    monkeypatch.setattr(case, "ROUNDS", 2)
    rows = case.rows(1, 0.0, students=2, kinds=("numpy",))
    assert {row.implementation: row.status for row in rows if row.status != "measured"} == {}
    assert len(rows) == 6
    assert all(row.seconds is not None for row in rows)
