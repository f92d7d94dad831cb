"""The gradebook: one fast writer, whose rows and files are those of nbgrader itself."""

import os
import shutil
import sqlite3
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from gradebooks import NAME, ROOT, class_of, hand_in, make_course, opened, record
from nbconvert.exporters import HTMLExporter
from nbgrader.apps.api import NbGraderAPI
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import PyFileConfigLoader

from cs_infer.judge import ledger
from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.records import gradebook
from cs_infer.judge.records.recorded import recorded, recorded_class
from cs_infer.judge.sandbox import sandbox_works

WORKS, WHY_NOT = sandbox_works()
pytestmark = [
    pytest.mark.xdist_group("gradebook"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
RIGHT = {"double": "def double(x):\n    return 2 * x", "triple": "def triple(x):\n    return 3 * x"}
WHY = {"why": "Because $2 = 2$. <b>Really</b>"}
TABLES = """
select s.student_id, s.timestamp, s.extension, n.late_submission_penalty, n.flagged, c.name,
       g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade
  from submitted_assignment s join submitted_notebook n on n.assignment_id = s.id
  join grade g on g.notebook_id = n.id join base_cell c on c.id = g.cell_id order by 1, 6;
select s.student_id, c.name, m.auto_comment, m.manual_comment
  from submitted_assignment s join submitted_notebook n on n.assignment_id = s.id
  join comment m on m.notebook_id = n.id join base_cell c on c.id = m.cell_id order by 1, 2;
select id, first_name, last_name, email, lms_user_id from student order by 1;
select name, duedate from assignment
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("released"))


@pytest.fixture
def course(released, tmp_path, monkeypatch):
    """A course of one's own, and the place to stand in for nbgrader."""
    monkeypatch.setenv("CS_INFER_SECRET", "a secret for tests")
    shutil.copytree(released.root, tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    return Course(tmp_path / "course")


@pytest.fixture
def mixed(course):
    """A class with what classes have; the points of each."""
    hand_in(course, "all-right", RIGHT | WHY, "2026-01-01 10:00:00 UTC")
    hand_in(course, "no-words", RIGHT, "2026-01-02 10:00 +0200")
    hand_in(course, "blank")
    hand_in(course, "late", RIGHT | WHY, "2026-01-08 12:00:00")
    hand_in(course, "wrong-name", RIGHT, file="my final (2).ipynb")
    hand_in(course, "utf16", RIGHT, edit=lambda data: data.decode().encode("utf-16"))
    hand_in(course, "corrupt", edit=lambda data: data[: len(data) // 2])
    hand_in(course, "Åsa öl", RIGHT)
    (course.submitted / "all-right" / NAME / "diary.txt").write_text("not for the gradebook")
    (course.submitted / "blank" / NAME / "sub").mkdir()
    (course.submitted / "blank" / NAME / "sub" / "link").symlink_to(course.checks(NAME))
    full, half, none = (40.0, 40.0), (40.0, 0.0), (0.0, 0.0)
    return {
        "all-right": full, "no-words": full, "blank": none, "late": half, "wrong-name": half,
        "utf16": (13.5, 40.0), "corrupt": none, "Åsa öl": full,
    }  # fmt: skip


def rows(course):
    with sqlite3.connect(course.gradebook) as database:
        return [database.execute(query).fetchall() for query in TABLES.split(";")]


def files(course):
    folder = course.build / "nbgrader" / "autograded"
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def due(course, text):
    from cs_infer.judge.records.late import read_date, set_due_date

    with opened(course) as book:
        set_due_date(book, NAME, read_date(text))


def nbgraders_own(course):
    """nbgrader as formgrader has it: the course's own configuration, in the course's folder."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    return NbGraderAPI(config=config)


def test_rows_and_files_are_those_that_formgraders_button_writes(course, mixed, tmp_path):
    due(course, "2026-01-05")
    ours = Course(shutil.copytree(course.root, tmp_path / "ours"))
    class_of(course, mixed)  # keeps the verdicts, which nbgrader's side then finds
    for student in mixed:
        result = nbgraders_own(course).autograde(NAME, student)
        assert result["success"], result.get("log")
    assert record(ours, mixed) == len(mixed)
    assert rows(ours) == rows(course)
    assert files(ours) == files(course)
    assert len(files(ours)) == 2 * len(mixed) + 3
    assert any("diary" in p.name for p in ours.submitted.rglob("*"))


def test_a_second_recording_finds_nothing_to_do_and_changes_nothing(course, mixed):
    record(course, mixed)
    before = rows(course), files(course)
    assert record(course, mixed) == 0
    assert (rows(course), files(course)) == before


def test_a_changed_verdict_is_recorded_alone(course, mixed):
    record(course, mixed)
    assert record(course, mixed | {"blank": (40.0, 0.0)}) == 1
    with opened(course) as book:
        assert recorded(book, NAME, "blank").raw == 40.0


def test_a_gradebook_that_was_put_back_is_filled_again(course, mixed):
    empty = course.gradebook.read_bytes()
    record(course, mixed)
    before = rows(course)
    course.gradebook.write_bytes(empty)
    assert record(course, mixed) == len(mixed)
    assert rows(course) == before


def test_a_new_time_of_handing_in_is_recorded(course):
    hand_in(course, "one", RIGHT, "2026-01-01 10:00:00 UTC")
    record(course, {"one": (40.0, 40.0)})
    hand_in(course, "one", RIGHT, "2026-01-03 10:00:00 UTC")
    assert record(course, {"one": (40.0, 40.0)}) == 1
    with opened(course) as book:
        assert recorded(book, NAME, "one").timestamp.day == 3


@pytest.mark.parametrize("text", ["soon", "10:00", "9999999-01-01", "", "2026-13-40", "\ud7ff\x00"])
def test_a_time_that_cannot_be_read_is_no_time(course, text):
    hand_in(course, "one", RIGHT, text)
    assert record(course, {"one": (40.0, 40.0)}) == 1
    with opened(course) as book:
        assert recorded(book, NAME, "one").timestamp is None


def test_another_release_than_the_gradebooks_is_refused(course):
    hand_in(course, "one", RIGHT)
    text = course.release(NAME).read_text()
    course.release(NAME).write_text(text.replace('"points": 40.0', '"points": 50.0'))
    with pytest.raises(CourseError, match=r"Run: cs-infer release small"):
        record(course, {"one": (40.0, 40.0)})
    assert rows(course)[0] == []


def test_an_assignment_that_was_never_released_is_refused(course):
    with opened(course) as book:
        book.remove_assignment(NAME)
    hand_in(course, "one", RIGHT)
    with pytest.raises(CourseError, match=r"small is not in the gradebook"):
        record(course, {"one": (40.0, 40.0)})


def test_a_failed_write_leaves_whole_batches_and_the_next_run_the_rest(course, monkeypatch):
    monkeypatch.setattr(gradebook, "_BATCH", 2)
    points = {f"s{i}": (40.0, 0.0) for i in range(5)}
    for student in points:
        hand_in(course, student, RIGHT)
    write = gradebook._record_one

    def full_disk(course, rows, verdict, rebuilt):
        if verdict.student == "s3":
            raise OSError(28, "No space left on device")
        write(course, rows, verdict, rebuilt)

    monkeypatch.setattr(gradebook, "_record_one", full_disk)
    with pytest.raises(OSError, match="No space"):
        record(course, points)
    assert [row[0] for row in rows(course)[2]] == ["s0", "s1"]
    monkeypatch.setattr(gradebook, "_record_one", write)
    assert record(course, points) == 3
    assert len(rows(course)[0]) == 15


def test_a_gradebook_that_cannot_be_read_is_one_clear_line(course):
    hand_in(course, "one", RIGHT)
    course.gradebook.write_bytes(b"no database" * 100)
    with pytest.raises(CourseError, match=r"gradebook.db: file is not a database"):
        record(course, {"one": (40.0, 40.0)})


# A person's work


def person_grades(course, student, manual=None, extra=None, comment=None, cell="why"):
    with opened(course) as book:
        grade = book.find_grade(cell, NAME, NAME, student)
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = manual, extra, False
        book.find_comment(cell.removeprefix("check-"), NAME, NAME, student).manual_comment = comment
        book.db.commit()


def test_written_answers_wait_for_a_person_in_formgrader(course, mixed):
    record(course, mixed)
    found = nbgraders_own(course).get_notebook_submissions(NAME, NAME)
    waiting = {one["student"] for one in found if one["needs_manual_grade"]}
    assert waiting == {"all-right", "late"}
    with opened(course) as book:
        whole = recorded_class(book, NAME)
    assert whole["all-right"].missing == whole["all-right"].waiting == ["why"]
    assert whole["all-right"].score is None
    assert whole["no-words"].score == 80.0


def test_what_a_person_gave_survives_a_regrade(course):
    hand_in(course, "one", RIGHT | WHY)
    record(course, {"one": (40.0, 0.0)})
    person_grades(course, "one", manual=15.0, extra=2.0, comment="Well said.")
    person_grades(course, "one", manual=35.0, cell="check-triple")
    hand_in(course, "one", RIGHT | {"why": "Another answer."})
    assert record(course, {"one": (40.0, 40.0)}) == 1
    with opened(course) as book:
        after = recorded(book, NAME, "one")
    assert (after.raw, after.comments) == (92.0, {"why": "Well said."})
    assert set(after.waiting) == {"why", "check-triple"}, "a person should look again"


def test_what_a_person_gave_survives_a_submission_that_cannot_be_graded(course):
    for student in ("one", "two"):
        hand_in(course, student, RIGHT | WHY)
    record(course, {"one": (40.0, 40.0), "two": (40.0, 40.0)})
    person_grades(course, "one", manual=15.0, comment="Well said.")
    record(course, {"one": None, "two": None})
    with opened(course) as book:
        whole = recorded_class(book, NAME)
        assert list(whole) == ["one"], "nothing was given to the other"
    assert whole["one"].score is None
    assert whole["one"].cells["why"].manual == 15.0
    assert files(course).keys().isdisjoint({f"one/{NAME}/{NAME}.ipynb"})
    record(course, {"one": (40.0, 0.0), "two": (0.0, 0.0)})
    with opened(course) as book:
        assert recorded(book, NAME, "one").score == 55.0


def test_an_extension_survives_a_submission_that_cannot_be_graded(course):
    hand_in(course, "one", RIGHT, "2026-01-07 12:00:00")
    record(course, {"one": (40.0, 40.0)})
    due(course, "2026-01-05")
    with opened(course) as book:
        book.grant_extension(NAME, "one", days=7)
    record(course, {"one": None})
    record(course, {"one": (40.0, 40.0)})
    with opened(course) as book:
        assert (recorded(book, NAME, "one").due.day, recorded(book, NAME, "one").penalty) == (12, 0)


def test_points_given_by_hand_for_every_part_make_a_grade(course):
    hand_in(course, "one", RIGHT | WHY)
    record(course, {"one": (40.0, 40.0)})
    person_grades(course, "one", manual=15.0)
    record(course, {"one": None})
    for cell in ("check-double", "check-triple"):
        person_grades(course, "one", manual=30.0, cell=cell)
    with opened(course) as book:
        assert recorded(book, NAME, "one").score == 75.0


def test_a_written_answer_does_nothing_in_formgraders_page(course):
    evil = "<script>alert(1)</script>\n\n<img src=x onerror=alert(2)>\n\n[x](javascript:alert(3))"
    hand_in(course, "one", RIGHT | {"why": f"{evil}\n\nfine"})
    record(course, {"one": (40.0, 40.0)})
    page = formgraders_page(course, "one")
    found = Tags()
    found.feed(page)
    assert "fine" in page
    assert not [tag for tag in found.tags if "alert" in str(tag)]


def formgraders_page(course, student):
    """The page on which a person grades, as formgrader makes it."""
    config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    path = course.build / "nbgrader" / "autograded" / student / NAME / f"{NAME}.ipynb"
    about = {"base_url": "", "assignment_id": NAME, "notebook_id": NAME, "index": 0, "total": 1}
    return HTMLExporter(config=config).from_filename(str(path), resources=about)[0]


class Tags(HTMLParser):
    """The elements of a page, with their attributes and the text of scripts."""

    def __init__(self):
        super().__init__()
        self.tags, self._script = [], False

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, attrs))
        self._script = tag == "script"

    def handle_data(self, data):
        if self._script:
            self.tags.append(("script", data))

    def handle_endtag(self, tag):
        self._script = False


@pytest.mark.sandbox
@pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY_NOT}")
def test_nbgraders_command_judges_and_keeps_the_verdict(course):
    hand_in(course, "one", RIGHT | WHY | {"triple": "def triple(x):\n    return x"})
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    run = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", NAME],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    with opened(course) as book:
        cells = recorded(book, NAME, "one").cells
    points = {"check-double": 40.0, "check-triple": 0.0, "why": None}
    assert {name: cell.automatic for name, cell in cells.items()} == points
    assert ledger.kept_verdict(course, NAME, "one", None).earned == 40.0
