"""The feedback page: what a student reads, and that nothing on it is more than text."""

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from html import unescape
from pathlib import Path

import nbformat
import pytest
from browser import Visit
from nbgrader.apps.api import NbGraderAPI
from reporting import (
    NAME,
    ROOT,
    SECRET,
    STUDENTS,
    assignment,
    cs_infer,
    here,
    output,
    problem,
    result,
    small_class,
    verdict,
    written,
)
from test_accessibility import grave_faults
from traitlets.config import PyFileConfigLoader

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.records.recorded import Points, Recorded, gradebook_of, recorded
from cs_infer.judge.reports.book_links import Book
from cs_infer.judge.reports.feedback import write_pages
from cs_infer.judge.reports.feedback_page import Submission, feedback_page
from cs_infer.judge.sandbox import sandbox_works

WORKS, WHY = sandbox_works()
needs_a_class = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.xdist_group("feedback"),
    pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}"),
]
F, G = problem("f", 3, 1), problem("g", 6)
BOOK = Book(ROOT / "book", "https://example.org/course/")
RIGHT = Points(automatic=4.0, manual=None, extra=0.0, most=4.0, waiting=False)


def notebook(*cells):
    """A rebuilt notebook: (grade id or None for an added cell, source, written or not)."""
    made = nbformat.v4.new_notebook()
    for number, (grade_id, source, words) in enumerate(cells):
        make = nbformat.v4.new_markdown_cell if words else nbformat.v4.new_code_cell
        cell = make(source)
        cell.id = grade_id or f"added-{number:02d}"
        if grade_id:
            cell.metadata.nbgrader = {"grade_id": grade_id, "solution": True, "grade": words}
        made.cells.append(cell)
    return made


def html_of(found, work=None, kept=None, book=BOOK):
    """The page of a verdict on f and g."""
    asked = assignment(F, G, written=[written()])
    return feedback_page(Submission(asked, found, work or notebook(), kept or Recorded(), book))


def words_of(html):
    """What a reader sees of a page."""
    html = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


# What it says


def test_the_page_has_the_points_each_property_and_what_went_wrong():
    found = verdict("ann", result(F, True, False, fault="it is 7"), result(G, True))
    points = {"check-f": Points(3.0, None, 0.0, 4.0, False), "check-g": RIGHT}
    words = words_of(html_of(found, kept=Recorded(points)))
    assert "Assignment <1> ann 7 of 8 points" in words
    assert "Problem f 3 of 4 property 0 of f (3 of 3) property 1 of f (0 of 1) it is 7" in words


def test_an_idea_is_told_with_its_example_and_the_section_is_linked_by_its_heading():
    wrong = result(
        F,
        False,
        False,
        misconception="squared",
        message="You <squared> it.",
        illustration="x = 3\nright answer: 6",
        message_section="messages.html#mc-thirty-two",
    )
    html = html_of(verdict("ann", wrong, result(G, True)))
    assert "What this looks like You <squared> it." in words_of(html)
    assert "<pre>x = 3\nright answer: 6</pre>" in html
    link = r'<a href="https://example.org/course/book/messages.html#mc-thirty-two">([^<]+)</a>'
    assert ".html" not in re.search(link, html)[1]


def test_without_an_address_the_section_is_named_and_not_linked():
    wrong = verdict("ann", result(F, False, False), result(G, True))
    html = html_of(wrong, book=Book(ROOT / "nowhere"))
    assert "<p>messages.html#the-backward-pass</p>" in html
    assert "<a " not in html


def test_what_a_person_gave_stands_beside_what_the_check_gave():
    points = {
        "check-f": Points(3.0, 4.0, 0.5, 4.0, False),
        "check-g": Points(6.0, None, 0.0, 6.0, False),
    }
    found = verdict("ann", result(F, True, False), result(G, True))
    dates = {"timestamp": datetime(2026, 11, 20, 10, 5), "due": datetime(2026, 11, 20)}
    kept = Recorded(points, {"f": "Well <tried>."}, penalty=2.5, **dates)
    html = html_of(found, kept=kept)
    assert "Set by hand to 4; the check gave 3. Extra credit: 0.5." in html
    assert '<p class="words">Well &lt;tried&gt;.</p>' in html
    assert "<strong>8</strong> of 10" in html
    assert "10.5 points less 2.5, because it came late." in html
    assert "Handed in: 2026-11-20 10:05 UTC. Due: 2026-11-20 00:00 UTC." in words_of(html)


def test_a_penalty_never_makes_a_total_negative():
    assert Recorded({"check-f": RIGHT}, penalty=9.0).total == 0.0


@pytest.mark.parametrize(
    ("points", "says"),
    [
        (Points(None, None, 0.0, 10.0, True), "Why is it so? not read yet"),
        (Points(None, 7.0, 1.0, 10.0, False), "Why is it so? 8 of 10"),
        (Points(None, 7.0, 1.0, 10.0, True), "Why is it so? 8 of 10"),  # after a regrade
    ],
)
def test_a_written_answer_is_shown_as_text_with_a_persons_points(points, says):
    found = verdict("ann", result(F, True, True), result(G, True))
    work = notebook(("why", "Because <b>of</b> [this](javascript:alert(1)).", True))
    kept = Recorded({"why": points}, {"why": "Which?"})
    html = html_of(found, work, kept)
    assert ">Because &lt;b&gt;of&lt;/b&gt; [this](javascript:alert(1)).</p>" in html
    assert says in words_of(html)
    assert ("1 answer is still to be read" in html) == (points.given is None)
    assert ">Which?</p>" in html


def test_own_cells_are_shown_and_given_cells_only_when_they_failed():
    cells = [("f", "def f(): 1", False), (None, "mine = 1", False)]
    found = verdict(
        "ann",
        result(F, True, True),
        result(G, True),
        cells={"given": output(error="boom", status="time-out"), "fine": output("hello")},
        notes=["the file is in UTF-16"],
    )
    work = notebook(*cells)
    for name, source in (("given", "setup()"), ("fine", "import numpy")):
        cell = nbformat.v4.new_code_cell(source)
        cell.id = name
        work.cells.insert(0, cell)
    html = html_of(found, work)
    for shown in ("def f(): 1", "mine = 1", "setup()", "<h3>time-out</h3><pre>boom</pre>"):
        assert html.count(shown) == 1
    assert "import numpy" not in html
    assert "the file is in UTF-16" in html


def test_the_page_stays_small_whatever_a_notebook_holds_prints_and_draws():
    cells = {
        f"added-{i:02d}": output("x" * 20_000, pictures=["A" * 300_000] * 4) for i in range(100)
    }
    found = verdict("ann", result(F, True, True), result(G, True), cells=cells)
    work = notebook(*((None, f"cell = {i}", False) for i in range(100)))
    html = html_of(found, work)
    assert 4_000_000 < len(html) < 4_500_000
    assert html.count("The rest is left out") > 80
    flood = notebook(*((None, "x = 1\n" * 40_000, False) for _ in range(100)))
    html = html_of(verdict("ann", result(F, True, True), result(G, True)), flood)
    assert 2_000_000 < len(html) < 2_200_000
    assert html.count("The rest is left out") == 100


# Where the book is


def test_the_books_address_comes_from_its_configuration_or_the_command(tmp_path):
    course = Course(tmp_path)
    assert Book.of(course).address is None
    (tmp_path / "_config.yml").write_text("html:\n  baseurl: https://example.org/book\n")
    assert Book.of(course).address == "https://example.org/book"
    assert Book.of(course, "http://localhost:8000").address == "http://localhost:8000"
    with pytest.raises(CourseError, match="must begin with https://; it is 'javascript:"):
        Book.of(course, "javascript:alert(1)")


def test_every_section_that_an_assignment_names_has_a_heading_in_the_book():
    course = Course(ROOT)
    for name in course.assignment_names():
        for asked in course.assignment(name).problems:
            for section in (asked.section, *(m.section for m in asked.misconceptions)):
                assert f">{section}<" not in BOOK.link(section), section


# Of a class that was graded


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    made = small_class(tmp_path_factory.mktemp("feedback"))
    for command in ("feedback", "report"):
        run = here(made, command)
        assert run.exit_code == 0, run.output
    return made


def page_of(course, student):
    return course.build / "nbgrader" / "feedback" / student / NAME / f"{NAME}.html"


def nbgrader(course, *arguments):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PATH": path, "CS_INFER_SECRET": SECRET},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


class TestAClass:
    pytestmark = needs_a_class

    def test_everybody_has_a_page_that_holds_no_secret_and_no_check(self, course):
        checks = course.checks(NAME).read_text().splitlines()
        code = [line.strip() for line in checks if "rng." in line and len(line) > 40]
        assert len(code) > 5
        for student in (*STUDENTS, "<i>hostile"):
            text = page_of(course, student).read_text()
            assert SECRET not in text
            assert not [line for line in code if line in text]
            assert all(p.title in text for p in course.assignment(NAME).problems)

    def test_what_a_student_printed_is_text(self, course):
        text = page_of(course, "<i>hostile").read_text()
        for dead in ("<script", "<img", "<iframe", "<i>", "\x1b", "\u202e", "\x07"):
            assert dead not in text, dead
        assert "&lt;script&gt;document.title" in text
        assert "red" in text
        assert "&lt;i&gt;hostile" in text

    def test_a_second_run_writes_nothing_and_a_new_grade_writes_one_page(self, course):
        before = {s: page_of(course, s).stat().st_mtime_ns for s in STUDENTS}
        assert here(course, "feedback").exit_code == 0
        assert {s: page_of(course, s).stat().st_mtime_ns for s in STUDENTS} == before
        with gradebook_of(course) as gradebook:
            grade = gradebook.find_grade("check-traj_logprob", NAME, NAME, "two-mistakes")
            grade.manual_score, grade.needs_manual_grade = 12.0, False
            comment = gradebook.find_comment("traj_logprob", NAME, NAME, "two-mistakes")
            comment.manual_comment = "Nearly <there>."
            gradebook.db.commit()
            total = recorded(gradebook, NAME, "two-mistakes").total
        assert here(course, "feedback").exit_code == 0
        after = {s: page_of(course, s).stat().st_mtime_ns for s in STUDENTS}
        assert [s for s in STUDENTS if after[s] != before[s]] == ["two-mistakes"]
        text = page_of(course, "two-mistakes").read_text()
        assert f"<strong>{total:g}</strong> of 100" in text
        assert "Set by hand to 12" in text
        assert "Nearly &lt;there&gt;." in text

    def test_nbgraders_own_command_writes_the_same_page(self, course):
        ours = page_of(course, "blank").read_bytes()
        page_of(course, "blank").unlink()
        done = nbgrader(course, "generate_feedback", NAME, "--student", "blank", "--force")
        assert done.returncode == 0, done.stderr
        assert page_of(course, "blank").read_bytes() == ours

    def test_formgraders_button_writes_the_same_page(self, course, monkeypatch):
        ours = page_of(course, "blank").read_bytes()
        page_of(course, "blank").unlink()
        monkeypatch.chdir(course.root)
        config = PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
        config.CourseDirectory.root = str(course.root)
        done = NbGraderAPI(config=config).generate_feedback(NAME, "blank", force=True)
        assert done["success"], done.get("log")
        assert page_of(course, "blank").read_bytes() == ours

    def test_nbgrader_releases_the_page_to_its_student(self, course, tmp_path):
        handed_in = course.submitted / "blank" / NAME
        (handed_in / "timestamp.txt").write_text("2026-11-20 10:00:00 UTC")
        (handed_in / "submission_secret.txt").write_text("5" * 128)
        assert here(course, "feedback", NAME, "--student", "blank").exit_code == 0
        root = f"--Exchange.root={tmp_path}"
        done = nbgrader(
            course, "release_feedback", NAME, "--course", "c", "--student", "blank", root
        )
        assert done.returncode == 0, done.stderr
        (released,) = tmp_path.glob("c/feedback/*.html")
        assert released.read_bytes() == page_of(course, "blank").read_bytes()

    def test_a_page_never_shows_other_work_than_what_was_graded(self, course):
        folder = course.build / "nbgrader" / "autograded"
        recorded_work = folder / "blank" / NAME / f"{NAME}.ipynb"
        other_work = folder / "two-mistakes" / NAME / f"{NAME}.ipynb"
        kept = recorded_work.read_bytes()
        recorded_work.write_bytes(other_work.read_bytes())
        page_of(course, "two-mistakes").unlink()
        run = here(course, "feedback")
        recorded_work.write_bytes(kept)
        assert page_of(course, "two-mistakes").exists()  # one fault stops nobody else's page
        assert run.exit_code == 2
        assert "must be what was graded; it is another submission" in run.output

    def test_a_link_in_a_submission_is_not_followed(self, course, tmp_path):
        secret = tmp_path / "another's secret"
        secret.write_text("another's")
        link = course.submitted / "two-mistakes" / NAME / "submission_secret.txt"
        link.symlink_to(secret)
        write_pages(course, NAME, ["two-mistakes"], BOOK)
        link.unlink()
        assert not page_of(course, "two-mistakes").with_name(link.name).exists()

    @pytest.mark.browser
    @pytest.mark.parametrize(
        ("width", "mode"), [(1440, "light"), (390, "dark"), (320, "light"), (320, "dark")]
    )
    def test_every_page_fits_the_screen_and_is_accessible(self, course, chromium, width, mode):
        grading = course.grading(NAME)
        pages = [page_of(course, s) for s in ("honest-chatty", "two-mistakes", "<i>hostile")]
        for path in (*pages, grading / "report.html", grading / "grades.html"):
            with Visit(chromium, path, width=width, mode=mode) as visit:
                title = visit.page.title()
                visit.page.evaluate(
                    "document.querySelectorAll('details').forEach(node => { node.open = true })"
                )
                assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
                assert grave_faults(visit.page) == {}
                assert (visit.outside, visit.errors) == ([], [])
                assert visit.page.title() == title != "owned"

    def test_the_report_has_the_same_figures_as_a_page_and_as_a_file(self, course):
        figures = json.loads((course.grading(NAME) / "report.json").read_text())
        text = (course.grading(NAME) / "report.html").read_text()
        assert figures["scores"].keys() == {*STUDENTS, "<i>hostile"}
        assert sum(figures["counts"]) == 4
        for item in figures["items"]:
            assert f"<td class=number>{item['share']:.0%}</td>" in text
        assert {u["what"] for u in figures["usage"]} >= {"time from start to end"}

    def test_explain_prints_where_each_point_came_from_and_keeps_the_terminal_safe(self, course):
        run = here(course, "explain", "<i>hostile", NAME)
        assert run.exit_code == 0, run.output
        kept = json.loads((course.grading(NAME) / "verdicts" / "<i>hostile.json").read_text())
        for part in ("submission", "release", "checks", "library", "seed", "limits", "key"):
            assert kept["provenance"][part] in run.stdout, part
        for asked in kept["problems"]:
            for p in asked["properties"]:
                earned = f"{p['earned']:g} of {p['points']:g}  {p['statement']}"
                assert earned in run.stdout
        assert re.search(r"seed +\w+\n", run.stdout)
        assert "--student '<i>hostile' --again" in run.stdout
        assert "\x1b" not in run.stdout
        assert SECRET not in run.stdout

    def test_explain_says_what_has_changed_since_and_what_was_before(self, course):
        before = here(course, "explain", "blank", NAME).stdout
        assert "Earlier verdicts" not in before
        other = {"CS_INFER_SECRET": "another secret"}
        changed = here(course, "explain", "blank", NAME, **other).stdout
        assert re.search(r"seed +\w+  \(another one now\)\n", changed)
        assert cs_infer(course, "grade", NAME, "--student", "blank", **other).returncode == 0
        after = here(course, "explain", "blank", NAME, **other).stdout
        earlier = r"Earlier verdicts\n  .*: 0 points, key \w{16}; other than now: .*seed"
        assert re.search(earlier, after)

    @pytest.mark.parametrize(
        ("command", "says"),
        [
            (("explain", "nobody", NAME), "no submission of graphical_model by nobody in "),
            (("explain", "blank", "nope"), "no assignment 'nope'"),
            (("feedback", "--book", "ftp://x"), "the book's address must begin with https://"),
        ],
    )
    def test_a_wrong_command_is_answered_in_one_line(self, course, command, says):
        run = here(course, *command)
        assert run.exit_code == 2
        assert says in run.stderr
        assert run.stderr.count("\n") == 1
