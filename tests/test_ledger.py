"""The verdicts that are kept: none is lost when another takes its place."""

import json
import stat

import nbformat
import pytest

from cs_infer.judge import ledger
from cs_infer.judge.class_run import ClassRun, class_so_far
from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.files import BlockedByAnother, alone
from cs_infer.judge.ledger import Verdict, earlier_verdicts, keep, kept_verdict, put_aside
from cs_infer.judge.reports.audit import audit
from cs_infer.judge.submissions import is_student_id
from cs_infer.judge.verdict import ProblemResult, PropertyResult


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.delenv("CS_INFER_SECRET", raising=False)
    return Course(tmp_path)


def verdict(day, earned=1.0, student="ann"):
    found = PropertyResult("p", "It is right.", earned, 2.0)
    return Verdict(
        student=student,
        assignment="a",
        problems=(ProblemResult("f", "F", "page.html", (found,)),),
        cells={"f": {"status": "ran"}},
        notes=("a note",),
        provenance={"key": f"key-{earned}", "graded_at": f"2026-01-{day:02d}T10:00:00+00:00"},
    )


def test_a_verdict_is_read_as_it_was_written(course):
    keep(course, verdict(1))
    assert kept_verdict(course, "a", "ann", None) == verdict(1)
    assert kept_verdict(course, "a", "ann", "key-1.0") == verdict(1)
    assert kept_verdict(course, "a", "ann", "key-2.0") is None
    assert kept_verdict(course, "a", "bob", None) is None


def test_verdicts_that_are_replaced_are_kept_in_order(course):
    for day, earned in ((1, 1.0), (2, 2.0), (3, 2.0), (4, 0.0)):
        keep(course, verdict(day, earned))
    assert kept_verdict(course, "a", "ann", None) == verdict(4, 0.0)
    earlier = [verdict(1, 1.0), verdict(2, 2.0), verdict(3, 2.0)]
    assert earlier_verdicts(course, "a", "ann") == earlier
    assert earlier_verdicts(course, "a", "bob") == []


def test_a_verdict_that_holds_no_longer_is_history(course):
    keep(course, verdict(1))
    put_aside(course, "a", "ann")
    put_aside(course, "a", "ann")
    assert kept_verdict(course, "a", "ann", None) is None
    assert earlier_verdicts(course, "a", "ann") == [verdict(1)]
    assert ledger.students(course, "a") == []


def test_a_run_killed_between_two_writes_shows_nothing_twice(course, monkeypatch):
    keep(course, verdict(1))

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            keep(course, verdict(2, 2.0))
    assert kept_verdict(course, "a", "ann", None) == verdict(1)
    assert earlier_verdicts(course, "a", "ann") == []
    keep(course, verdict(2, 2.0))
    assert earlier_verdicts(course, "a", "ann") == [verdict(1)]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", json.dumps(verdict(1).as_json() | {"provenance": {}})]
)
def test_half_a_verdict_is_none_and_is_replaced(course, content):
    path = ledger.verdict_path(course, "a", "ann")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert kept_verdict(course, "a", "ann", None) is None
    keep(course, verdict(2))
    assert kept_verdict(course, "a", "ann", None) == verdict(2)
    assert earlier_verdicts(course, "a", "ann") == []


def test_who_has_no_verdict_is_told_with_the_reason(course):
    course.release("a").parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(), course.release("a"))
    for student in ("ann", "=tom", "zoe"):
        (course.submitted / student / "a").mkdir(parents=True)
    keep(course, verdict(1, student="zoe"))
    told = {u.student: (u.status, u.reason) for u in class_so_far(course, "a", ClassRun()).ungraded}
    assert told["ann"] == ("not graded yet", "run: cs-infer grade a")
    assert told["=tom"][0] == "not accepted"
    assert told.keys() == {"ann", "=tom"}
    with pytest.raises(CourseError, match="no verdict on =tom in a; the folder's name must be"):
        audit(course, "a", "=tom")


def test_a_lock_is_held_by_one_and_ends_with_it(course):
    lock = course.build / "lock"
    refused = pytest.raises(BlockedByAnother, match=r"^one at a time \(process \d+\)$")
    with alone(lock, "one at a time"), refused, alone(lock, "one at a time"):
        pass
    with alone(lock, "one at a time"):
        pass


def test_a_secret_is_made_once_and_for_the_owner_alone(course):
    secret = course.secret()
    assert len(secret) == 64
    assert Course(course.root).secret() == secret
    assert stat.S_IMODE((course.root / ".grading-secret").stat().st_mode) == 0o600
    assert [p.name for p in course.root.iterdir()] == [".grading-secret"]


@pytest.mark.parametrize("text", ["ann", "ann.b-2", "Ärger", "学生", "a b", "ann@uni", "x" * 100])
def test_ids_of_students(text):
    assert is_student_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ann",
        "ann ",
        "=1+1",
        "+1",
        "-1",
        "@x",
        "a/b",
        "a\\b",
        "a*b",
        "a?b",
        "a,b",
        'a"b',
        "a\nb",
        "a\x1b[31mb",
        "a\u202eb",
        "a\udcffb",
        "[a]",
        "{a}",
        "x" * 101,
        "学" * 70,
    ],
)
def test_what_is_no_id_of_a_student(text):
    assert not is_student_id(text)
