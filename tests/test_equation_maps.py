"""Book, library and tests must tell the same story about every equation."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import equation_maps as maps  # noqa: E402  (the book's extensions are no package)

# The real tree.


def test_library_and_tests_know_the_same_equations():
    assert set(maps.code_map(ROOT)) == set(maps.test_map(ROOT))


def test_book_and_library_know_the_same_equations():
    assert set(maps.book_map(ROOT)) == set(maps.code_map(ROOT))


def test_book_and_library_name_the_same_function_for_each_equation():
    assert maps.book_map(ROOT) == maps.code_map(ROOT)


def test_each_claim_of_a_test_is_about_the_equation_above_it():
    claims = {each.label: each.tested for each in maps.equations(ROOT)}
    assert claims == {label: {label} for label in maps.code_map(ROOT)}


def test_no_equation_is_labelled_twice():
    labels = [each.label for each in maps.equations(ROOT)]
    assert sorted(labels) == sorted(set(labels))


def test_every_marked_test_is_one_that_pytest_collects():
    for tests in maps.test_map(ROOT).values():
        for test in tests:
            path, _, name = test.partition("::")
            assert (ROOT / path).is_file()
            assert name.startswith("test_")


# A tree made for the purpose, with one fault at a time.

PAGE = """\
---
title: A page
---

# Two equations

```{math}
:label: eq-first
x = 1
```

Implemented by {py:func}`~cs_infer.part.first`, {tested}`eq-first`.

::::{admonition} Inside a box
$$
y = 2
$$ (eq-second)

Implemented by {py:func}`~cs_infer.part.second` and
{py:func}`third <cs_infer.part.third>`, {tested}`eq-second`.
::::

```{code-cell}
text = "Implemented by {py:func}`~cs_infer.part.nothing`, {tested}`eq-nothing`."
```

~~~markdown
$$ z = 3 $$ (eq-quoted)
~~~
"""

CODE = '''\
def first():
    """One.

    Implements eq-first: a sentence that also mentions eq-second.
    """


def second():
    """Two. Implements eq-second."""


def third():
    """Three.

    Implements
    eq-second. See eq-first as well.
    """
'''

TESTS = """\
import pytest

@pytest.mark.equation("eq-first")
def test_one(): ...

class TestSecond:
    @pytest.mark.parametrize("x", [1])
    @pytest.mark.equation("eq-second")
    def test_two(self, x): ...
"""


def tree(root, *, page=PAGE, code=CODE, tests=TESTS):
    files = {"book/page.md": page, "cs_infer/part.py": code, "tests/test_part.py": tests}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def agree(root):
    claims = {each.label: set(each.tested) for each in maps.equations(root)}
    return (
        maps.book_map(root) == maps.code_map(root)
        and set(maps.code_map(root)) == set(maps.test_map(root))
        and claims == {label: {label} for label in maps.code_map(root)}
    )


def test_a_good_tree_is_read_as_it_was_written(tmp_path):
    root = tree(tmp_path)
    functions = {
        "eq-first": {"cs_infer.part.first"},
        "eq-second": {"cs_infer.part.second", "cs_infer.part.third"},
    }
    assert maps.book_map(root) == maps.code_map(root) == functions
    assert maps.test_map(root) == {
        "eq-first": ["tests/test_part.py::test_one"],
        "eq-second": ["tests/test_part.py::TestSecond::test_two"],
    }
    assert agree(root)


FAULTS = {
    "labels swapped in the book": {
        "page": PAGE.replace(":label: eq-first", ":label: eq-swap")
        .replace("(eq-second)", "(eq-first)")
        .replace(":label: eq-swap", ":label: eq-second")
    },
    "functions swapped in the book": {
        "page": PAGE.replace("part.first", "part.swap").replace("part.second", "part.first")
    },
    "labels swapped in the library": {
        "code": CODE.replace("Implements eq-first", "Implements eq-swap")
        .replace("Implements eq-second", "Implements eq-first")
        .replace("eq-swap", "eq-second")
    },
    "claim about another equation": {
        "page": PAGE.replace("{tested}`eq-first`", "{tested}`eq-second`")
    },
    "claim left out": {"page": PAGE.replace(", {tested}`eq-first`", "")},
    "equation left out of the book": {"page": PAGE.replace("(eq-second)", "")},
    "equation without a function": {"page": PAGE.replace("Implemented by", "See")},
    "test left out": {"tests": TESTS.replace('@pytest.mark.equation("eq-first")', "")},
    "test with a misspelt label": {"tests": TESTS.replace('"eq-first"', '"eq-frist"')},
    "docstring left out": {"code": CODE.replace("Implements eq-first: a", "A")},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_each_fault_is_seen(tmp_path, fault):
    assert all(
        fault[name] != original
        for name, original in (("page", PAGE), ("code", CODE), ("tests", TESTS))
        if name in fault
    )
    assert not agree(tree(tmp_path, **fault))


def test_the_table_has_one_row_for_each_equation_and_escapes_its_text(tmp_path):
    root = tree(tmp_path, page=PAGE.replace("eq-first", "eq-<b>"))
    table = maps.table(root)
    assert table.count("<tr id=") == 2
    assert 'id="test-eq-second"' in table
    assert 'href="page.html#equation-eq-second"' in table
    assert "<b>" not in table
    assert "&lt;b&gt;" in table
    assert "cs_infer.part.third" in table
    assert "two" in table


def test_every_equation_has_faults_that_its_test_must_notice():
    from break_each_function import FAULTS

    assert {fault.label for fault in FAULTS} == set(maps.code_map(ROOT))


def test_every_fault_can_still_be_made():
    """Its old text must occur exactly once in the file it names."""
    from break_each_function import FAULTS

    for fault in FAULTS:
        text = (ROOT / "cs_infer" / f"{fault.file}.py").read_text(encoding="utf-8")
        assert text.count(fault.old) == 1, f"{fault.label}, {fault.what}: mend it in FAULTS"
