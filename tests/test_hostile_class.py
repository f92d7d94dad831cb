"""A class in which nearly everybody cheats: nobody gains a point, nobody else loses one."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from hostile import CANARY, HONEST, NAME, POINTS, Attack, attacks, kinds
from hostile_course import (
    CURIOUS,
    LOOKS_UP,
    ODD,
    QUIET,
    command_lines,
    cs_infer,
    graded,
    hand_in,
    marks,
    page,
    told,
    verdict,
)
from hostile_files import FILES
from nbconvert import HTMLExporter

from cs_infer.judge.ledger import verdict_path
from cs_infer.judge.sandbox import sandbox_works

WORKS, WHY = sandbox_works()
pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.xdist_group("hostile"),
    pytest.mark.skipif(not WORKS, reason=f"no sandbox: {WHY}"),
]

EVERYBODY = {attack.student: attack for kind in kinds() for attack in attacks(kind)}
NEIGHBOURS = {name for name, attack in EVERYBODY.items() if attack.kind == "neighbours"}


@pytest.fixture(scope="module")
def afternoon(tmp_path_factory):
    """Everybody in one class, on more workers than processors: most of them wait."""
    crowd = [a for name, a in EVERYBODY.items() if name not in NEIGHBOURS]
    return graded(
        tmp_path_factory.mktemp("afternoon"),
        [*crowd, *QUIET.values(), *ODD.values()],
        workers=4,
        files=True,
    )


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory):
    """Those who leave something and those who look for it, one after another on one worker."""
    crowd = [CURIOUS, *(EVERYBODY[name] for name in sorted(NEIGHBOURS))]
    return graded(tmp_path_factory.mktemp("neighbours"), [*crowd, *QUIET.values()], workers=1)


@pytest.fixture
def classes(afternoon, neighbours):
    return (afternoon, neighbours)


def test_there_are_enough_attacks_and_each_has_a_name_of_its_own():
    every = [attack.student for kind in kinds() for attack in attacks(kind)]
    assert len(every) == len(set(every)) > 100


@pytest.mark.parametrize("student", sorted(EVERYBODY.keys() - NEIGHBOURS))
def test_an_attack_earns_what_the_work_is_worth(afternoon, student):
    course, _ = afternoon
    assert marks(course)[student] == EVERYBODY[student].earns, told(course, student)


@pytest.mark.parametrize("student", FILES)
def test_an_odd_file_earns_what_can_be_read_of_it(afternoon, student):
    course, _ = afternoon
    assert marks(course)[student] == FILES[student][1], told(course, student)


@pytest.mark.parametrize("student", sorted(NEIGHBOURS))
def test_nothing_passes_from_one_student_to_the_next(neighbours, student):
    course, _ = neighbours
    assert marks(course)[student] == EVERYBODY[student].earns, told(course, student)


def test_the_honest_keep_their_points(classes):
    for course, _ in classes:
        assert {name: marks(course)[name] for name in QUIET} == dict.fromkeys(QUIET, POINTS)


def test_names_that_look_alike_are_two_students_also_in_the_export(afternoon):
    course, _ = afternoon
    assert {name: marks(course)[name] for name in ODD} == {n: a.earns for n, a in ODD.items()}
    assert cs_infer(course, "export").returncode == 0
    with open(course.build / "grading" / "gradebook.csv", encoding="utf-8") as file:
        scores = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert scores == {name: sum(points.values()) for name, points in marks(course).items()}


def test_no_two_students_draw_the_same_numbers(neighbours):
    course, _ = neighbours
    drawn = [
        verdict(course, f"{s}-draws-a-number")["cells"]["softmax"]["text"].split() for s in "mn"
    ]
    assert len(drawn[0]) == len(drawn[1]) > 4
    assert not set(drawn[0][1:]) & set(drawn[1][1:])


def test_no_secret_is_in_anything_that_was_written(classes):
    for course, said in classes:
        assert not CANARY.search(said)
        for student in marks(course):
            assert not CANARY.search(told(course, student)), student
            if student not in QUIET:
                assert not CANARY.search(page(course, student)), student


def test_no_page_runs_what_a_student_wrote(classes):
    for course, _ in classes:
        for student in marks(course):
            assert not obeys(page(course, student)), student
        assert "<script" not in (course.grading(NAME) / "grades.html").read_text()


def obeys(text):
    """What a browser would take for more than text, of what an attacker wrote."""
    return re.findall(r"<[a-zA-Z/!][^>]*attack[^>]*>|<script>alert", text)


def test_what_formgrader_shows_runs_nothing_either(afternoon):
    course, _ = afternoon
    for attack in attacks("shows"):
        folder = course.build / "nbgrader" / "autograded" / attack.student / NAME
        text, _ = HTMLExporter().from_filename(str(folder / f"{NAME}.ipynb"))
        assert not obeys(text), attack.student


def test_the_terminal_obeys_nobody(classes):
    for course, said in classes:
        assert all(c.isprintable() or c in "\n\t" for c in said)
        table = (course.grading(NAME) / "grades.csv").read_text(encoding="utf-8")
        assert all(c.isprintable() or c == "\n" for c in table)
        assert not any(
            cell.startswith(tuple("=+-@")) for row in csv.reader(table.splitlines()) for cell in row
        )


def test_neither_report_nor_audit_trail_obeys_anybody(afternoon):
    course, _ = afternoon
    for command in (("report", NAME), ("explain", "raises-terminal-codes", NAME)):
        run = cs_infer(course, *command)
        assert run.returncode == 0, run.stderr
        assert all(c.isprintable() or c == "\n" for c in run.stdout + run.stderr)
        assert not CANARY.search(run.stdout)
    text = (course.grading(NAME) / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert not obeys(text)


def test_nobody_fills_the_disk(classes):
    for course, _ in classes:
        for student in marks(course):
            assert verdict_path(course, NAME, student).stat().st_size < 6 * 2**20, student
            assert len(page(course, student)) < 8 * 2**20, student


def test_nothing_is_left_behind(classes):
    here = [
        *Path("/tmp").glob("*left-behind*"),
        *Path("/dev/shm").glob("*gift*"),
        *Path("/tmp").glob("gift*"),
    ]
    assert here == []
    assert not [line for line in command_lines() if b"left-behind" in line]


def test_what_the_feedback_reveals_is_of_no_use_when_handing_in_again(neighbours):
    course, _ = neighbours
    faults = [p["fault"] for p in verdict(course, "curious")["problems"][0]["properties"]]
    table = [json.loads(re.search(r"\[(\[.*\])\]", fault)[1])[-1] for fault in faults]
    assert len(table[0]) > 1
    shutil.rmtree(course.submitted / "curious")
    again = Attack("curious", "", {}, HONEST | {"softmax": LOOKS_UP.format(table=table)})
    hand_in(course, json.loads(course.release(NAME).read_text()), again)
    assert cs_infer(course, "grade", "--student", "curious").returncode == 0
    assert "never seen" in told(course, "curious")
    assert "seen before" not in told(course, "curious")
