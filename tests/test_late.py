"""Late work: due dates, extensions, and what a day costs, through nbgrader's own plug-in."""

import shutil
from datetime import datetime

import pytest
from gradebooks import NAME, hand_in, make_course, opened, record
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_notebook
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import TraitError
from traitlets.config import PyFileConfigLoader

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.records import late
from cs_infer.judge.records.late import PerDay
from cs_infer.judge.records.recorded import recorded

pytestmark = [
    pytest.mark.xdist_group("gradebook"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
]
DAY = 86400
ON_TIME, LATE = "2026-01-05 12:00:00 UTC", "2026-01-07 12:00:00 UTC"


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("released"))


@pytest.fixture
def course(released, tmp_path, monkeypatch):
    monkeypatch.setenv("CS_INFER_SECRET", "a secret for tests")
    return Course(shutil.copytree(released.root, tmp_path / "course"))


def set_due(course, text, student=None):
    with opened(course) as book:
        date = None if text is None else late.read_date(text)
        if student:
            late.extend(book, NAME, student, date)
        else:
            late.set_due_date(book, NAME, date)
        return late.settle(course, book, NAME)


def penalty(course, student="one"):
    with opened(course) as book:
        return recorded(book, NAME, student).penalty


@pytest.mark.parametrize(
    ("seconds", "points"),
    [(1, None), (3600, None), (3601, 8.0), (DAY, 8.0), (DAY + 1, 16.0), (4 * DAY, 24.0)],
)
def test_each_day_that_has_begun_costs_its_share_up_to_the_most(seconds, points):
    plugin = PerDay(share=0.1, grace_hours=1, most=0.3)
    assert plugin.late_submission_penalty("one", 80.0, seconds) == (
        None if points is None else pytest.approx(points)
    )


@given(st.floats(0, 1e6), st.floats(0, 1e9), st.floats(0, 1), st.floats(0, 1))
def test_no_penalty_is_negative_or_more_than_the_most(score, seconds, share, most):
    plugin = PerDay(share=share, most=most)
    assert 0 <= (plugin.late_submission_penalty("one", score, seconds) or 0) <= most * score


@pytest.mark.parametrize("settings", [{"share": -0.1}, {"share": 10}, {"most": 50}])
def test_a_share_that_is_none_is_refused(settings):
    with pytest.raises(TraitError, match="must lie between 0 and 1; it is"):
        PerDay(**settings)


def test_late_work_loses_what_the_course_says_and_work_in_time_nothing(course):
    set_due(course, "2026-01-05")
    hand_in(course, "one", timestamp=LATE)
    hand_in(course, "two", timestamp=ON_TIME)
    hand_in(course, "three")
    record(course, dict.fromkeys(("one", "two", "three"), (40.0, 40.0)))
    assert penalty(course) == pytest.approx(16.0)  # two days have begun, a tenth each
    assert (penalty(course, "two"), penalty(course, "three")) == (0.0, 0.0)
    with opened(course) as book:
        assert recorded(book, NAME, "one").score == pytest.approx(64.0)


def test_a_new_due_date_changes_the_penalties_that_are_recorded(course):
    hand_in(course, "one", timestamp=LATE)
    record(course, {"one": (40.0, 40.0)})
    assert penalty(course) == 0.0
    assert set_due(course, "2026-01-06") == 1
    assert penalty(course) == pytest.approx(8.0)
    assert set_due(course, None) == 1
    assert penalty(course) == 0.0


def test_an_extension_is_for_one_student(course):
    for student in ("one", "two"):
        hand_in(course, student, timestamp=LATE)
    set_due(course, "2026-01-05")
    record(course, dict.fromkeys(("one", "two"), (40.0, 40.0)))
    assert set_due(course, "2026-01-08", "two") == 1
    assert (penalty(course), penalty(course, "two")) == (pytest.approx(16.0), 0.0)
    assert set_due(course, None, "two") == 1
    assert penalty(course, "two") == pytest.approx(16.0)


def test_points_that_a_person_gives_later_count_for_the_penalty(course):
    set_due(course, "2026-01-06")
    hand_in(course, "one", {"why": "Because."}, LATE)
    record(course, {"one": (40.0, 40.0)})
    with opened(course) as book:
        grade = book.find_grade("why", NAME, NAME, "one")
        grade.manual_score, grade.needs_manual_grade = 20.0, False
        book.db.commit()
        late.settle(course, book, NAME)
    assert penalty(course) == pytest.approx(10.0)


def test_the_penalty_is_the_one_that_nbgrader_itself_assigns(course):
    set_due(course, "2026-01-05")
    hand_in(course, "one", timestamp=LATE)
    record(course, {"one": (40.0, 13.0)})
    ours = penalty(course)
    with opened(course) as book:
        book.find_submission_notebook(NAME, NAME, "one").late_submission_penalty = None
        book.db.commit()
    names = {"notebook": NAME, "assignment": NAME, "student": "one"}
    resources = {"nbgrader": names | {"db_url": f"sqlite:///{course.gradebook}"}}
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    AssignLatePenalties(config=config).preprocess(new_notebook(), resources)
    assert penalty(course) == ours == pytest.approx(10.6)


def test_another_plug_in_is_asked_if_the_course_names_one(course):
    settings = course.root / "nbgrader_config.py"
    settings.write_text(
        settings.read_text()
        + '\nc.AssignLatePenalties.plugin_class = "nbgrader.plugins.LateSubmissionPlugin"\n'
        + 'c.LateSubmissionPlugin.penalty_method = "zero"\n'
    )
    set_due(course, "2026-01-06")
    hand_in(course, "one", timestamp=LATE)
    hand_in(course, "two", timestamp=ON_TIME)
    record(course, dict.fromkeys(("one", "two"), (40.0, 40.0)))
    with opened(course) as book:
        scores = {student: recorded(book, NAME, student).score for student in ("one", "two")}
    assert scores == {"one": 0.0, "two": 80.0}


@pytest.mark.parametrize(("asked", "taken"), [(1000.0, 80.0), (-5.0, 0.0)])
def test_a_penalty_is_at_least_nothing_and_at_most_the_score(course, asked, taken):
    settings = course.root / "nbgrader_config.py"
    settings.write_text(
        settings.read_text()
        + "\nfrom nbgrader.plugins import LateSubmissionPlugin\n"
        + "class Odd(LateSubmissionPlugin):\n"
        + f"    def late_submission_penalty(self, *late):\n        return {asked}\n"
        + "c.AssignLatePenalties.plugin_class = Odd\n"
    )
    set_due(course, "2026-01-06")
    hand_in(course, "one", timestamp=LATE)
    record(course, {"one": (40.0, 40.0)})
    assert penalty(course) == taken


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-10-31", datetime(2026, 10, 31, 23, 59)),
        ("2026-10-31 18:00", datetime(2026, 10, 31, 18, 0)),
        ("2026-10-31 18:00 +0200", datetime(2026, 10, 31, 16, 0)),
        ("2026-10-31T18:00:00+02:00", datetime(2026, 10, 31, 16, 0)),
        ("2026-10-31 18:00 Europe/Berlin", datetime(2026, 10, 31, 17, 0)),
    ],
)
def test_dates_are_kept_in_utc_and_a_day_means_its_end(text, date):
    assert late.read_date(text) == date


@pytest.mark.parametrize("text", ["", "soon", "18:00", "2026-02-31", "99999-01-01 10:00"])
def test_what_is_no_date_is_refused_in_one_line(text):
    with pytest.raises(CourseError, match=r"a date is written 2026-10-31, or .* this is"):
        late.read_date(text)


def test_an_extension_needs_a_due_date_and_a_submission(course):
    with pytest.raises(CourseError, match="small has no due date that could be extended"):
        set_due(course, "2026-01-08", "one")
    set_due(course, "2026-01-05")
    with pytest.raises(CourseError, match="no submission of small by one in the gradebook"):
        set_due(course, "2026-01-08", "one")
