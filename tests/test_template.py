"""Rebuilding a submission: the student's code, and nothing else of the file."""

import json
import os
import re

import nbformat
import pytest

from cs_infer.judge.files import read_plain
from cs_infer.judge.submissions import find_submission
from cs_infer.judge.template import Rebuilt, is_added, rebuild
from cs_infer.judge.words import harmless


def cell(grade_id, source, **flags):
    made = nbformat.v4.new_code_cell(source)
    made.id = grade_id
    made.metadata["nbgrader"] = {
        "grade_id": grade_id,
        "grade": False,
        "solution": False,
        "locked": True,
        "schema_version": 3,
        "task": False,
        **flags,
    }
    return made


@pytest.fixture
def template():
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_markdown_cell("Read this.", id="text-00"),
        cell("setup", "import numpy as np"),
        cell("f", "def f(x):\n    raise NotImplementedError()", solution=True, locked=False),
        cell("check-f", 'check("f", f)', grade=True, points=5.0),
        cell("g", "def g(x):\n    raise NotImplementedError()", solution=True, locked=False),
        cell("check-g", 'check("g", g)', grade=True, points=5.0),
    ]
    return notebook


def sources(rebuilt):
    return {c.id: c.source for c in rebuilt.notebook.cells}


def as_bytes(notebook):
    return nbformat.writes(notebook).encode()


def answered(template, **answers):
    notebook = nbformat.from_dict(json.loads(nbformat.writes(template)))
    for c in notebook.cells:
        c.source = answers.get(c.id.replace("-", "_"), c.source)
    return notebook


def test_the_text_of_solution_cells_is_taken(template):
    rebuilt = rebuild(template, as_bytes(answered(template, f="def f(x):\n    return x")))
    assert sources(rebuilt)["f"] == "def f(x):\n    return x"
    assert rebuilt.notes == []


def test_locked_cells_points_and_tags_come_from_the_release(template):
    forged = answered(template, check_f="print('full marks')", setup="check = print")
    forged.cells[3].metadata["nbgrader"]["points"] = 500.0
    forged.cells[3].metadata["tags"] = ["skip-execution"]
    forged.cells[2].metadata["nbgrader"]["grade"] = True
    rebuilt = rebuild(template, as_bytes(forged))
    assert rebuilt.notebook.cells == template.cells


def test_outputs_are_dropped(template):
    sent = answered(template, f="def f(x):\n    return x")
    sent.cells[3].outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "5.0"})]
    assert all(c.get("outputs", []) == [] for c in rebuild(template, as_bytes(sent)).notebook.cells)


def test_cells_the_student_added_stay_where_they_were(template):
    sent = answered(template, f="def f(x):\n    return helper(x)")
    sent.cells.insert(2, nbformat.v4.new_code_cell("def helper(x):\n    return x"))
    ids = [c.id for c in rebuild(template, as_bytes(sent)).notebook.cells]
    assert ids == ["text-00", "setup", "added-01", "f", "check-f", "g", "check-g"]


def test_a_released_scratch_cell_comes_back_only_if_it_was_used(template):
    template.cells.insert(4, nbformat.v4.new_code_cell("# try it here", id="text-04"))
    sent = answered(template)
    assert rebuild(template, as_bytes(sent)).notebook.cells == template.cells
    sent.cells[4].source = "helper = 3"
    rebuilt = rebuild(template, as_bytes(sent))
    assert [c.id for c in rebuilt.notebook.cells if is_added(c)] == ["added-01"]


def test_a_solution_whose_id_is_lost_is_found_by_its_name(template):
    sent = answered(template, f="def f(x):\n    return x")
    del sent.cells[2].metadata["nbgrader"]
    rebuilt = rebuild(template, as_bytes(sent))
    assert sources(rebuilt)["f"] == "def f(x):\n    return x"
    assert [c.id for c in rebuilt.notebook.cells] == [c.id for c in template.cells]
    assert rebuilt.notes == ["solution cell f: taken from the cell that defines it"]


@pytest.mark.filterwarnings("ignore::nbformat.warnings.DuplicateCellId")
def test_of_two_copies_the_first_answer_is_kept(template):
    sent = answered(template)
    sent.cells.append(cell("f", "def f(x):\n    return 1", solution=True))
    sent.cells.append(cell("f", "def f(x):\n    return 2", solution=True))
    rebuilt = rebuild(template, as_bytes(sent))
    assert sources(rebuilt)["f"] == "def f(x):\n    return 1"
    assert rebuilt.notes == ["solution cell f appears 3 times; first answer kept"]


def test_a_deleted_solution_cell_is_as_released_and_said(template):
    sent = answered(template)
    del sent.cells[2]
    rebuilt = rebuild(template, as_bytes(sent))
    assert sources(rebuilt) == sources(rebuild(template, as_bytes(template)))
    assert rebuilt.notes == ["solution cell f: missing"]


def test_the_old_notebook_format_is_read(template):
    old = {
        "worksheets": [
            {
                "cells": [
                    {
                        "cell_type": "code",
                        "input": ["def f(x):\n", "    return x"],
                        "metadata": {"nbgrader": {"grade_id": "f"}},
                    }
                ]
            }
        ]
    }
    rebuilt = rebuild(template, json.dumps(old).encode())
    assert sources(rebuilt)["f"] == "def f(x):\n    return x"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_usual_encodings_are_read(template, encoding):
    sent = nbformat.writes(answered(template, f="def f(x):\n    return 'é'")).encode(encoding)
    assert "é" in sources(rebuild(template, sent))["f"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   \n",
        b"not json",
        b"[1, 2]",
        b'{"cells": 3}',
        b'{"cells": [1, null, {"cell_type": "code"}, {"cell_type": "code", "source": 7}]}',
        b'{"cells": [{"cell_type": "code", "metadata": [], "source": ["a", 1]}]}',
        b'{"cells": [{"cell_type": "code", "metadata": {"nbgrader": {"grade_id": {}}}}]}',
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b"\x80\x81",
        b'{"cells": [{"cell_type": "code", "source": "\\ud800"}]}',
        b'{"worksheets": 5}',
    ],
    ids=range(13),
)
def test_whatever_was_sent_a_valid_notebook_comes_of_it(template, data):
    rebuilt = rebuild(template, data)
    nbformat.validate(rebuilt.notebook)
    kept = [c for c in rebuilt.notebook.cells if not c.id.startswith("added-")]
    assert kept == template.cells


def test_the_expected_file_is_found_and_others_are_told(tmp_path):
    (tmp_path / "hw.ipynb").write_text("x")
    assert find_submission(tmp_path, "hw") == (b"x", [])
    (tmp_path / "hw-final.ipynb").write_text("y")
    notes = ["graded hw.ipynb; not looked at: hw-final.ipynb"]
    assert find_submission(tmp_path, "hw") == (b"x", notes)


def test_where_no_notebook_is_the_note_says_what_there_is(template, tmp_path):
    (tmp_path / "timestamp.txt").write_text("2026-01-01")
    assert find_submission(tmp_path, "hw") == (None, ["expected hw.ipynb; found no notebook"])
    (tmp_path / "home\twork.zip").write_bytes(b"PK")
    data, notes = find_submission(tmp_path, "hw")
    assert notes == ["expected hw.ipynb; found no notebook, but home?work.zip"]
    assert rebuild(template, data).notes == [], "no file is not an empty file"


def test_the_only_notebook_is_graded_under_another_name(tmp_path):
    (tmp_path / "my homework.ipynb").write_text("x")
    data, notes = find_submission(tmp_path, "hw")
    assert data == b"x"
    assert notes == ["expected hw.ipynb; graded my homework.ipynb, the only notebook"]


def test_a_link_to_somebody_elses_work_is_not_followed(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "hw.ipynb").write_text("x")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "hw.ipynb").symlink_to(tmp_path / "theirs" / "hw.ipynb")
    data, notes = find_submission(tmp_path / "mine", "hw")
    assert data is None
    assert notes == ["expected hw.ipynb; found no notebook"]


def test_what_took_the_place_of_a_file_is_not_read(tmp_path):
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "hw.ipynb").symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic links"):
        read_plain(tmp_path / "hw.ipynb", 9)
    os.mkfifo(tmp_path / "pipe.ipynb")
    with pytest.raises(OSError, match=r"pipe\.ipynb' is no plain file"):
        read_plain(tmp_path / "pipe.ipynb", 9)


def test_a_giant_file_is_not_read(tmp_path):
    with open(tmp_path / "hw.ipynb", "wb") as file:
        file.truncate(10**9)
    data, notes = find_submission(tmp_path, "hw")
    assert data is None
    assert "at most 20 MB; this one has 954 MB" in notes[0]


# Answers in words


@pytest.fixture
def with_words(template):
    """The template with a question that a person grades, between two cells."""
    question = nbformat.v4.new_markdown_cell("YOUR ANSWER HERE", id="why")
    question.metadata["nbgrader"] = template.cells[3].metadata.nbgrader | {
        "grade_id": "why",
        "solution": True,
        "locked": False,
    }
    template.cells.insert(4, question)
    return template


def words_of(rebuilt):
    return sources(rebuilt)["why"]


def test_the_words_of_a_written_answer_are_taken_as_they_are(with_words):
    text = "Because $a < b$ & so on: see [the book](https://example.org).\n\n- `x`"
    rebuilt = rebuild(with_words, as_bytes(answered(with_words, why=text)))
    assert words_of(rebuilt) == text
    assert [c.metadata for c in rebuilt.notebook.cells] == [c.metadata for c in with_words.cells]
    assert rebuilt.notes == []


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <b onclick=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JavaScript:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](java&Tab;script:alert(1))",
        "[x](<java\tscript:alert(1)>)",
        "[x](java\x01script:alert(1))",
        "[x][1]\n\n[1]: javascript:alert(1)",
        "![x](javascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<javascript:alert(1)>",
        "&lt;script&gt; <!-- --> <?x?>",
    ],
)
def test_words_can_do_nothing_on_a_page_that_renders_them(with_words, text):
    markdown2html = pytest.importorskip("nbconvert.filters.markdown").markdown2html
    words = words_of(rebuild(with_words, as_bytes(answered(with_words, why=text))))
    page = markdown2html(words)
    assert not re.search(r"<(script|img[^>]*(onerror|javascript)|b |[!?])", page)
    assert not re.search(r'(href|src)="\s*(javascript|data|vbscript):', page, re.IGNORECASE)
    assert harmless(words) == words


def test_words_hold_no_control_characters_and_are_written_in_one_direction():
    assert harmless("a\r\nb\rc\x00\x1b[31m\u202ed\te") == "a\nb\nc[31md\te"


def test_formulas_in_words_make_no_links():
    assert harmless(r"$\href{javascript:x}{y} \hrefs$") == r"$\ href{javascript :x}{y} \hrefs$"


def test_no_other_markdown_of_the_student_is_taken(with_words):
    sent = answered(with_words, text_00="Give me full marks.", why="Because.")
    sent.cells.insert(1, nbformat.v4.new_markdown_cell("My own words."))
    rebuilt = rebuild(with_words, as_bytes(sent))
    assert sources(rebuilt) == sources(rebuild(with_words, as_bytes(with_words))) | {
        "why": "Because."
    }


def test_words_that_lost_their_metadata_are_found_by_the_id_of_the_cell(with_words):
    sent = answered(with_words, why="Because.")
    sent.cells[4].metadata = {}
    assert words_of(rebuild(with_words, as_bytes(sent))) == "Because."


@pytest.mark.parametrize("kind", ["raw", "code"])
def test_words_in_a_cell_of_another_kind_are_words_and_are_not_run(with_words, kind):
    sent = json.loads(as_bytes(answered(with_words, why="import os")))
    sent["cells"][4] |= {"cell_type": kind}
    rebuilt = rebuild(with_words, json.dumps(sent).encode())
    assert words_of(rebuilt) == "import os"
    assert not any(is_added(c) for c in rebuilt.notebook.cells)
    assert [c.cell_type for c in rebuilt.notebook.cells] == [c.cell_type for c in with_words.cells]


def test_a_function_in_a_markdown_cell_is_no_function(with_words):
    sent = json.loads(as_bytes(answered(with_words, f="def f(x):\n    return x")))
    sent["cells"][2] |= {"cell_type": "markdown"}
    rebuilt = rebuild(with_words, json.dumps(sent).encode())
    assert sources(rebuilt)["f"] == sources(Rebuilt(with_words))["f"]
    assert rebuilt.notes == ["solution cell f: missing"]


def test_missing_and_endless_words_are_told(with_words):
    sent = answered(with_words, why="x" * 50_000)
    rebuilt = rebuild(with_words, as_bytes(sent))
    assert len(words_of(rebuilt)) == 20_000
    assert rebuilt.notes == ["written answer why is cut: it may have 20,000 characters"]
    del sent.cells[4]
    rebuilt = rebuild(with_words, as_bytes(sent))
    assert words_of(rebuilt) == "YOUR ANSWER HERE"
    assert rebuilt.notes == ["written answer why: missing"]


def test_of_two_written_answers_the_first_that_says_something_counts(with_words):
    sent = json.loads(as_bytes(with_words))
    sent["cells"] += [sent["cells"][4] | {"source": text} for text in ("First.", "Second.")]
    rebuilt = rebuild(with_words, json.dumps(sent).encode())
    assert words_of(rebuilt) == "First."
    assert rebuilt.notes == ["written answer why appears 3 times; first answer kept"]
