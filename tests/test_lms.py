"""Exchange with a learning management system: the archive it gives, the columns it takes."""

import csv
import io
import json
import shutil
import stat
import zipfile

import pytest
from click.testing import CliRunner
from gradebooks import NAME, hand_in, make_course, opened, record
from nbgrader.plugins.export import CsvExportPlugin

from cs_infer.cli import main
from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.records import archive as archives
from cs_infer.judge.records import late
from cs_infer.judge.records.collect import collect
from cs_infer.judge.records.lms import export
from cs_infer.judge.submissions import submission_folders
from cs_infer.judge.words import inert

pytestmark = [
    pytest.mark.xdist_group("gradebook"),
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
]
CANVAS_ROSTER = """\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,A Small One (77),Final Score
"    Points Possible",,,,,80,(read only)
"Doe, Ann",11,u-ann,ann,1,,90
"=cmd|' /C calc'!A0",12,u-bob,bob,1,,80
"Roe, Cy",13,u-cy,cy,2,,70
"Poe, Di",14,u-di,di,2,,60
"""
MOODLE_ROSTER = """Identifier,Full name,Email address,Status,Grade,Maximum Grade,\
Grade can be changed,Last modified (submission),Last modified (grade),Feedback comments
Participant 11,Ann Doe,ann@x.org,Submitted,,80.00,Yes,"Monday, 5 January 2026",-,
Participant 15,Zoe Zed,zoe@x.org,No submission,,80.00,Yes,-,-,
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("released"))


@pytest.fixture
def course(released, tmp_path, monkeypatch):
    monkeypatch.setenv("CS_INFER_SECRET", "a secret for tests")
    return Course(shutil.copytree(released.root, tmp_path / "course"))


@pytest.fixture
def graded(course):
    """ann has 80 less 10 %, bob an answer that waits, cy none, eve is not in the roster."""
    with opened(course) as book:
        late.set_due_date(book, NAME, late.read_date("2026-01-05 12:00"))
    hand_in(course, "ann", timestamp="2026-01-06 10:00:00 UTC")
    hand_in(course, "bob", {"why": "Because."})
    hand_in(course, "cy")
    hand_in(course, "eve")
    points = {"ann": (40.0, 40.0), "bob": (40.0, 40.0), "cy": (0.0, 0.0), "eve": (40.0, 0.0)}
    record(course, points)
    record(course, points | {"cy": None})
    return course


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


def roster(course, text):
    path = course.root / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return path


# Export


def test_nbgraders_columns_are_nbgraders_without_what_has_no_grade(graded, tmp_path):
    ours = export(graded, "nbgrader")
    with opened(graded) as book:
        plugin = CsvExportPlugin(to=str(tmp_path / "theirs.csv"))
        plugin.export(book)
    theirs = table((tmp_path / "theirs.csv").read_text())
    assert table(ours.text) == [row for row in theirs if row["student_id"] in ("ann", "eve")]
    assert ours.text.partition("\n")[0] == (tmp_path / "theirs.csv").read_text().partition("\n")[0]
    assert ours.unfinished == [(NAME, "bob")]


def test_canvas_gets_its_own_columns_back_with_scores_after_penalties(graded):
    made = export(graded, "canvas", [NAME], roster(graded, CANVAS_ROSTER))
    head, *rows = csv.reader(io.StringIO(made.text))
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "A Small One (77)"]
    assert rows[0] == ["    Points Possible", "", "", "", "", "100"]
    assert [(row[1], row[5]) for row in rows[1:]] == [
        ("11", "72"),
        ("12", ""),
        ("13", ""),
        ("14", ""),
    ]
    assert made.unfinished == [(NAME, "bob")]
    assert made.unknown == ["eve"]


def test_ids_are_looked_up_in_one_column_of_the_roster_only(graded):
    text = CANVAS_ROSTER.replace("14,u-di,di", "ann,u-di,di")  # Di calls herself ann
    made = export(graded, "canvas", [NAME], roster(graded, text))
    scores = {row["Student"]: row["A Small One (77)"] for row in table(made.text)}
    assert (scores["Doe, Ann"], scores["Poe, Di"]) == ("72", "")


def test_a_column_that_the_roster_does_not_have_is_told(graded):
    assert export(graded, "canvas", [NAME], roster(graded, CANVAS_ROSTER)).new_columns == []
    path = roster(graded, CANVAS_ROSTER.replace("A Small One (77)", "Homework 1 (77)"))
    assert export(graded, "canvas", [NAME], path).new_columns == ["A small one"]
    done = run(graded, "export", NAME, "--layout", "canvas", "--roster", path)
    assert "a new assignment for Canvas, 1: A small one" in done.output


def test_a_roster_that_names_a_student_twice_is_refused(graded):
    text = CANVAS_ROSTER.replace("14,u-di,di", "14,u-di,ann")
    with pytest.raises(CourseError, match="'SIS Login ID' has ann twice"):
        export(graded, "canvas", [NAME], roster(graded, text))


def test_moodles_worksheet_comes_back_whole_with_grades_and_comments(graded):
    text = MOODLE_ROSTER.replace("Participant 11", "Participant ann")
    with opened(graded) as book:
        book.find_comment("why", NAME, NAME, "ann").manual_comment = "More & more."
        book.db.commit()
    rows = table(export(graded, "moodle", [NAME], roster(graded, text)).text)
    before = table(text)
    assert rows[0] == before[0] | {
        "Grade": "72",
        "Feedback comments": "More &amp; more.<br>Handed in late: 8 points off.",
    }
    assert rows[1] == before[1]


@pytest.mark.parametrize("layout", ["canvas", "moodle"])
def test_without_a_roster_the_students_id_fills_the_columns_of_ids(graded, layout):
    rows = table(export(graded, layout, [NAME]).text)
    by_id = {row["ID" if layout == "canvas" else "Identifier"]: row for row in rows}
    column = "A small one" if layout == "canvas" else "Grade"
    assert {s: by_id[s][column] for s in ("ann", "bob", "eve")} == {
        "ann": "72",
        "bob": "",
        "eve": "40",
    }


def test_no_cell_is_a_formula(graded):
    made = export(graded, "canvas", [NAME], roster(graded, CANVAS_ROSTER))
    assert table(made.text)[2]["Student"] == "'=cmd|' /C calc'!A0"
    assert [inert(t) for t in ("=1", "+1", "-1", "@x", "\tx", "\rx")] == [
        "'=1", "'+1", "'-1", "'@x", "'\tx", "'\rx",
    ]  # fmt: skip
    assert [inert(t) for t in ("-", "", "1.5", "Ann")] == ["-", "", "1.5", "Ann"]


def test_a_file_that_is_no_roster_is_refused(graded):
    for layout, column in (("canvas", "ID"), ("moodle", "Identifier")):
        with pytest.raises(CourseError, match=f"must have a column '{column}'; it has: a, b"):
            export(graded, layout, [NAME], roster(graded, "a,b\n1,2\n"))


def test_points_that_a_person_gives_later_are_exported_with_their_penalty(graded):
    with opened(graded) as book:
        book.find_grade("check-double", NAME, NAME, "ann").manual_score = 20.0
        book.db.commit()
    rows = {row["student_id"]: row for row in table(export(graded, "nbgrader").text)}
    assert (rows["ann"]["late_submission_penalty"], rows["ann"]["score"]) == ("6.0", "54.0")


def test_points_by_hand_that_are_older_than_the_work_are_told(graded):
    with opened(graded) as book:
        book.find_grade("check-double", NAME, NAME, "ann").manual_score = 20.0
        book.db.commit()
    assert export(graded, "canvas").again == []
    hand_in(graded, "ann", {"double": "return 2"}, timestamp="2026-01-06 10:00:00 UTC")
    record(graded, {"ann": (0.0, 40.0)})
    assert export(graded, "canvas").again == [(NAME, "ann")]
    assert (
        "points by hand from before the last grading, 1: ann (small)"
        in run(graded, "export").output
    )


def run(course, *arguments):
    return CliRunner().invoke(main, ["--course", str(course.root), *map(str, arguments)])


def test_the_command_says_who_has_no_grade(graded):
    path = roster(graded, CANVAS_ROSTER)
    done = run(graded, "export", NAME, "--layout", "canvas", "--roster", path)
    assert done.exit_code == 0, done.output
    assert "without a grade, 1: bob (small)" in done.output
    assert "not in the roster, 1: eve" in done.output
    assert (graded.build / "grading" / NAME / "canvas.csv").is_file()


# Collect


def notebook(text="x = 1", course=None):
    release = json.loads(course.release(NAME).read_text()) if course else {"cells": []}
    release["cells"].append({"cell_type": "code", "source": text, "metadata": {}, "outputs": []})
    return json.dumps(release).encode()


def archive(course, files, times=()):
    """A zip file of these names and contents; an entry may be a ZipInfo."""
    path = course.root / "submissions.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files:
            info = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            info.date_time = dict(times).get(info.filename, (2026, 1, 5, 12, 0, 0))
            made.writestr(info, data, zipfile.ZIP_DEFLATED)
    return path


def there(course, student):
    return (course.submitted / student / NAME / f"{NAME}.ipynb").read_bytes()


def reasons(entries):
    return {entry.name: entry.reason for entry in entries if entry.reason}


def test_canvas_archives_are_collected_by_the_number_of_the_student(course):
    one, two = notebook("a = 1", course), notebook("b = 1", course)
    path = archive(course, [
        ("doeann_11_901_small.ipynb", one),
        ("roecy_LATE_13_902_my final-1.ipynb", two),
        ("roecy_LATE_13_903_notes.pdf", b"%PDF"),
    ])  # fmt: skip
    entries = collect(course, NAME, path)
    assert reasons(entries) == {"roecy_LATE_13_903_notes.pdf": "its name does not end in .ipynb"}
    assert (there(course, "11"), there(course, "13")) == (one, two)
    assert list(submission_folders(course, NAME)) == ["11", "13"]
    assert [e.student for e in entries if e.late and e.outcome] == ["13"]
    assert not list(course.submitted.rglob("timestamp.txt")), "the hour of packing is no hour"


def test_a_notebook_of_another_assignment_replaces_nothing(course):
    collect(course, NAME, archive(course, [("ann_11_901_small.ipynb", notebook("mine"))]))
    shutil.copytree(course.checks(NAME).parent, course.root / "solutions" / "large")
    path = archive(course, [
        ("ann_11_902_large-1.ipynb", notebook("another")),
        ("bob_12_903_SMALL.IPYNB", notebook("b")),
    ])  # fmt: skip
    found = reasons(collect(course, NAME, path))
    assert found == {"ann_11_902_large-1.ipynb": "it is named as a notebook of large"}
    files = [(f"{who}_{i}_90{i}_large.ipynb", notebook()) for i, who in enumerate("abc")]
    wrong = archive(course, [*files, ("d_14_904_final.ipynb", notebook())])
    with pytest.raises(CourseError, match=r"one of small; most of it is named as large\.ipynb"):
        collect(course, NAME, wrong)
    assert not (course.submitted / "14").exists()
    assert (there(course, "11"), there(course, "12")) == (notebook("mine"), notebook("b"))


@pytest.mark.parametrize("between", ["_/", "/", "_"])
def test_moodle_archives_are_collected_with_and_without_folders(course, between):
    path = archive(course, [
        (f"Ann Doe_11_assignsubmission_file{between}small.ipynb", notebook("a")),
        (f"Åsa Öl_12_assignsubmission_file{between}small.ipynb", notebook("b")),
        ("Cy_13_assignsubmission_onlinetext_/onlinetext.html", b"<p>"),
    ])  # fmt: skip
    assert len(reasons(collect(course, NAME, path))) == 1
    assert sorted(p.name for p in course.submitted.iterdir()) == ["11", "12"]


def test_of_several_files_the_latest_is_taken_and_the_expected_name_first(course):
    path = archive(
        course,
        [
            ("ann_11_901_small-1.ipynb", notebook("new")),
            ("ann_11_902_small.ipynb", notebook("old")),
            ("ann_11_903_scratch.ipynb", notebook("scratch")),
            ("bob_12_904_a.ipynb", notebook("later")),
            ("bob_12_905_b.ipynb", notebook("earlier")),
        ],
        {
            "ann_11_901_small-1.ipynb": (2026, 1, 5, 13, 0, 0),
            "ann_11_903_scratch.ipynb": (2026, 1, 5, 14, 0, 0),
            "bob_12_905_b.ipynb": (2025, 1, 1, 0, 0, 0),
        },
    )
    found = reasons(collect(course, NAME, path))
    assert (there(course, "11"), there(course, "12")) == (notebook("new"), notebook("later"))
    assert set(found.values()) == {
        "the student has another file: ann_11_901_small-1.ipynb",
        "the student has another file: bob_12_904_a.ipynb",
    }
    assert len(found) == 3


def test_a_time_in_the_name_is_the_time_of_handing_in(course):
    pattern = r"(?P<student_id>\w+?)_attempt_(?P<timestamp>[0-9-]+)_(?P<file_id>.+)"
    late_one = "ann_attempt_2026-01-06-10-00-00_small.ipynb".replace("-10-00-00", "")
    path = archive(course, [(late_one, notebook())])
    collect(course, NAME, path, pattern)
    stamp = course.submitted / "ann" / NAME / "timestamp.txt"
    assert stamp.read_text() == "2026-01-06 00:00:00\n"
    older = archive(course, [("ann_attempt_2026-01-05_small.ipynb", notebook("older"))])
    entries = collect(course, NAME, older, pattern)
    assert [e.reason for e in entries] == ["the submission that is there is later"]
    assert there(course, "ann") == notebook()


def test_the_archives_times_count_if_the_instructor_says_so(course):
    path = archive(course, [("ann_11_901_small.ipynb", notebook())])
    collect(course, NAME, path, times=True)
    stamp = course.submitted / "11" / NAME / "timestamp.txt"
    assert stamp.read_text() == "2026-01-05 12:00:00\n"


def test_collecting_again_changes_nothing_and_a_new_file_replaces_the_old(course):
    path = archive(course, [("ann_11_901_small.ipynb", notebook("a"))])
    assert [e.outcome for e in collect(course, NAME, path)] == ["new"]
    assert [e.outcome for e in collect(course, NAME, path)] == ["unchanged"]
    stamp = course.submitted / "11" / NAME / "timestamp.txt"
    stamp.write_text("2026-01-05 12:00:00\n")
    path = archive(course, [("ann_11_902_small.ipynb", notebook("b"))])
    assert [e.outcome for e in collect(course, NAME, path)] == ["replaced"]
    assert there(course, "11") == notebook("b")
    assert not stamp.exists(), "it was the time of the first file"


def link(name):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


ELSEWHERE, ODD = "its name leads elsewhere", "its name has characters that names do not have"
FORM, NONE = "its name has another form", "its name does not end in .ipynb"
HOSTILE = {
    "a name chosen to be another's": ("mallory_x_99_901_ann_11_901_small.ipynb", b"{}", FORM),
    "a name that leads out": ("../../11_901/ann_11_901_small.ipynb", b"{}", ELSEWHERE),
    "a file's name that leads out": ("ann_11_901_/../small.ipynb", b"{}", ELSEWHERE),
    "an id that leads out": ("ann_.._901_small.ipynb", b"{}", FORM),
    "an absolute name": ("/ann_11_901_small.ipynb", b"{}", ELSEWHERE),
    "a backslash": ("ann_11_901_..\\..\\small.ipynb", b"{}", ODD),
    "an escape sequence": ("ann_11_901_\x1b[2Jsmall.ipynb", b"{}", ODD),
    "other digits": ("ann_１１_901_small.ipynb", b"{}", FORM),
    "a link": (link("ann_11_901_small.ipynb"), b"/etc/passwd", "it is a link or a device"),
    "a bomb": ("ann_11_901_small.ipynb", b"0" * 15_000_000, "it is compressed as no notebook"),
    "a giant": ("ann_11_901_small.ipynb", bytes(21 * 2**20), "a notebook has at most 20 MB"),
    "a timestamp": ("ann_11_901_timestamp.txt", b"2020-01-01", NONE),
    "an archive": ("ann_11_901_small.zip", b"PK", NONE),
}


@pytest.mark.parametrize(("name", "data", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_passed_over_with_its_reason(course, name, data, reason):
    before = {p for p in course.root.rglob("*") if p.is_file()}
    path = archive(course, [(name, data), ("bob_12_902_small.ipynb", notebook())])
    assert [e.reason[: len(reason)] for e in collect(course, NAME, path) if e.reason] == [reason]
    made = {p for p in course.root.rglob("*") if p.is_file()} - before - {path}
    assert {str(p.relative_to(course.submitted)) for p in made} == {f"12/{NAME}/{NAME}.ipynb"}


def test_an_id_that_a_pattern_finds_must_be_one(course):
    path = archive(course, [("a b_small.ipynb", notebook()), ("=1+1_small.ipynb", notebook())])
    entries = collect(course, NAME, path, r"(?P<student_id>[^_]+)_(?P<file_id>.+)")
    assert [e.reason for e in entries] == [None, "its name does not say a student's id"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "names",
    [
        ("ann_11_901_small.ipynb", "ann_11_901_small.ipynb"),
        ("ann_11_901_small.ipynb", "Ann_11_901_SMALL.ipynb"),
        ("åsa_11_901_small.ipynb", "a\u030asa_11_901_small.ipynb"),
        ("ann_11_901_small.ipynb", "mallory_11_902_small.ipynb"),
    ],
)
def test_two_that_may_be_mistaken_for_one_another_are_both_passed_over(course, names):
    path = archive(course, [(names[0], notebook("a")), (names[1], notebook("b"))])
    entries = collect(course, NAME, path)
    assert all("two" in str(entry.reason) for entry in entries)
    assert not course.submitted.exists()


def test_a_damaged_entry_is_passed_over(course):
    path = archive(course, [("ann_11_901_small.ipynb", notebook("a" * 500))])
    data = bytearray(path.read_bytes())
    data[70:90] = bytes(20)
    path.write_bytes(bytes(data))
    assert str(collect(course, NAME, path)[0].reason).startswith("it cannot be read")


def test_an_encrypted_entry_is_passed_over(course):
    path = archive(course, [("ann_11_901_small.ipynb", notebook())])
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    assert "is encrypted" in str(collect(course, NAME, path)[0].reason)


def test_a_file_that_is_no_archive_and_one_that_is_too_large_are_refused(course, monkeypatch):
    path = course.root / "submissions.zip"
    path.write_bytes(b"no archive")
    with pytest.raises(CourseError, match="must be a zip archive"):
        collect(course, NAME, path)
    monkeypatch.setattr(archives, "_MOST_FILES", 1)
    path = archive(course, [("ann_1_1_a.ipynb", notebook()), ("bob_2_2_a.ipynb", notebook())])
    with pytest.raises(CourseError, match="has at most 1 files"):
        collect(course, NAME, path)
    assert not course.submitted.exists()


def test_a_link_that_stands_in_the_submissions_is_not_followed(course, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (course.submitted / "11").mkdir(parents=True)
    (course.submitted / "11" / NAME).symlink_to(tmp_path / "elsewhere")
    path = archive(course, [("ann_11_901_small.ipynb", notebook())])
    assert "must be no link" in str(collect(course, NAME, path)[0].reason)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_command_accounts_for_every_file(course):
    path = archive(course, [("ann_LATE_11_901_small.ipynb", notebook()), ("a\x1b.pdf", b"%PDF")])
    done = run(course, "collect", NAME, path)
    assert done.exit_code == 0, done.output
    assert "collected 1 of 2 files: 1 new" in done.output
    assert "not collected: a?.pdf: its name has characters" in done.output
    assert "marked as late, by an unknown time, 1: 11" in done.output
    nothing = run(course, "collect", NAME, archive(course, [("a.pdf", b"%PDF")]))
    assert nothing.exit_code == 2


def test_the_command_sets_and_shows_a_due_date(course):
    assert "small has no due date" in run(course, "due", NAME).output
    done = run(course, "due", NAME, "2026-10-31 18:00 +0200")
    assert "small is due 2026-10-31 16:00 UTC" in done.output
    assert "small is due 2026-10-31 16:00 UTC" in run(course, "due", NAME).output
    assert "small has no due date" in run(course, "due", NAME, "none").output
    assert run(course, "due", NAME, "soon").exit_code == 2


def test_the_command_shows_a_students_own_date(graded):
    done = run(graded, "due", NAME, "2026-01-08", "--student", "ann")
    assert done.output == "1 late penalties changed\nsmall is due 2026-01-08 23:59 UTC for ann\n"
    shown = run(graded, "due", NAME, "--student", "ann").output
    assert shown == "small is due 2026-01-08 23:59 UTC for ann\n"
    assert "is due 2026-01-05 12:00 UTC\n" in run(graded, "due", NAME).output
    unknown = run(graded, "due", NAME, "--student", "nobody")
    assert "no submission of small by nobody" in unknown.output
