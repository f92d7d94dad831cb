"""The built book: it builds without a warning, and its pages stand alone."""

import io
import re
import shutil
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from browser import MODES, ROOT, WIDTHS, Visit, build, page_names

pytestmark = [pytest.mark.slow]

PAGES = page_names()

UNNAMED_PICTURES = """() => {
  const named = '[role=img][aria-label]:not([aria-label=""]), [aria-hidden=true], button, ' +
    'mjx-container';
  return [...document.querySelectorAll('article :is(img, svg, canvas)')]
    .filter(node => !(node.alt || node.closest(named))).map(node => node.outerHTML.slice(0, 200));
}"""

RAW_MATH = r"""() => [...document.querySelectorAll('article .math')]
  .filter(node => !node.querySelector('mjx-container') || node.querySelector('mjx-merror'))
  .map(node => node.textContent.slice(0, 120))"""

UNREADABLE_SIDEWAYS = """() => [...document.querySelectorAll('article *')]
  .filter(node => node.getBoundingClientRect().right > innerWidth + 1)
  .filter(node => { for (let up = node.parentElement; up; up = up.parentElement)
    if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(up).overflowX)) return false;
    return getComputedStyle(node).position !== 'absolute'; })
  .map(node => node.outerHTML.slice(0, 200))"""


def test_the_book_builds_from_a_clean_folder_without_a_warning(book):
    assert book.returncode == 0, book.log[-6000:]
    assert set(PAGES) <= set(book.pages())


def test_only_the_folder_of_the_book_is_read(book):
    top = {path.name for path in book.html.iterdir() if path.is_dir()}
    assert top <= {"book", "_static", "_sources", "_images", "_modules", "_downloads"}


class Links(HTMLParser):
    """The ids a page has and the places it links to."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.targets = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        place = attributes.get("href") or attributes.get("src")
        if place and tag != "base":
            self.targets.append(place)


def test_every_link_inside_the_book_leads_somewhere(book):
    paths = [path for path in book.html.rglob("*.html") if "_static" not in path.parts]
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in paths}
    lost = []
    for path, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            place = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            known = pages.get(place)
            if not place.exists() or (
                known and parts.fragment and unquote(parts.fragment) not in known.ids
            ):
                lost.append(f"{path.relative_to(book.html)} -> {target}")
    assert lost == []


@pytest.mark.browser
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_stands_alone_and_fits_the_screen(book, chromium, name, width, mode):
    with Visit(chromium, book.html / name, width=width, mode=mode) as visit:
        page = visit.page
        assert page.evaluate("document.documentElement.dataset.theme") == mode
        assert page.evaluate(RAW_MATH) == []
        assert page.evaluate(UNNAMED_PICTURES) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        assert page.evaluate(UNREADABLE_SIDEWAYS) == []
        assert (visit.outside, visit.errors) == ([], [])


@pytest.mark.browser
def test_self_checks_open_from_the_keyboard_and_say_their_verdict(book, chromium):
    with Visit(chromium, book.html / "book/graphical_model.html") as visit:
        checks = visit.page.locator("section.self-check")
        assert checks.count() > 0
        option = checks.first.locator("details").first
        assert option.get_attribute("open") is None
        option.locator("summary").focus()
        visit.page.keyboard.press("Enter")
        assert option.get_attribute("open") is not None
        verdict = option.locator(".option-verdict").inner_text()
        assert ("Right." in verdict) == ("right" in option.get_attribute("class").split())
        assert ("Not quite." in verdict) == ("wrong" in option.get_attribute("class").split())


# ---- a small book that is broken on purpose -------------------------------------


CHAPTER = """---
kernelspec: {{name: python3, display_name: Python 3}}
jupytext: {{text_representation: {{extension: .md, format_name: myst}}}}
---
# One page

Some text.

```{{code-cell}} ipython3
{code}
```
"""


@pytest.fixture
def small_book(tmp_path):
    """A book of one page with the settings of the real one; returns a builder."""
    for name in ("_config.yml", "cs_infer", "book/_ext", "book/_static"):
        target = tmp_path / name
        target.parent.mkdir(exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n")
    (tmp_path / "book" / "references.bib").write_text("")

    def built(text):
        (tmp_path / "book" / "intro.md").write_text(text, encoding="utf-8")
        return build(tmp_path, tmp_path)

    pytest.importorskip("jupyter_book")
    return built


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (CHAPTER.format(code="1 / 0"), "ZeroDivisionError"),
        (CHAPTER.format(code="import sys; print('oh', file=sys.stderr)"), "stderr"),
        ("# One page\n\nSee {eq}`eq-nowhere`.\n", "eq-nowhere"),
        ("# One page\n\nSee {py:func}`cs_infer.nowhere`.\n", "cs_infer.nowhere"),
        ("# One page\n\nSee {cite}`nobody1900`.\n", "nobody1900"),
        ("# One page\n\nClaimed: {tested}`eq-nowhere`.\n", "eq-nowhere"),
    ],
    ids=["error", "stderr", "equation", "function", "citation", "untested"],
)
def test_a_fault_in_a_page_fails_the_build(small_book, text, complaint):
    ended = small_book(text)
    assert ended.returncode != 0
    assert complaint in ended.stdout


def test_a_page_without_a_fault_passes_the_build(small_book):
    ended = small_book(CHAPTER.format(code="print(6 * 7)"))
    assert ended.returncode == 0, ended.stdout[-3000:]


def test_a_change_in_the_library_runs_an_unchanged_chapter_again(small_book, tmp_path):
    library = tmp_path / "cs_infer" / "marked.py"
    code = "import sys; sys.path.insert(0, '../cs_infer')\nimport marked\nprint(marked.NUMBER)"
    chapter = CHAPTER.format(code=code)
    for number in ("1111", "2222"):
        library.write_text(f"NUMBER = {number}\n")
        assert small_book(chapter).returncode == 0
        shown = (tmp_path / "_build/html/book/intro.html").read_text(encoding="utf-8")
        assert number in re.sub(r"<[^>]+>", "", shown)


# ---- the directive and the role, without the book -------------------------------


@pytest.fixture
def sphinx(tmp_path, monkeypatch):
    """Build pages with the book's extensions alone: returns (html of index, warnings)."""
    application = pytest.importorskip("sphinx.application")
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))

    def built(text, **files):
        pages = {"index.md": text, "book/equations.md": ORPHAN, **files}
        for name, content in pages.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        settings = {
            "extensions": ["myst_parser", "sphinx.ext.mathjax", "self_check", "tested_role"],
            "myst_enable_extensions": ["colon_fence", "dollarmath", "tasklist"],
            "suppress_warnings": ["toc.not_included"],
            "exclude_patterns": ["out", "tests"],
        }
        warnings = io.StringIO()
        with patch_docutils(str(tmp_path)), docutils_namespace():
            application.Sphinx(
                str(tmp_path), None, str(tmp_path / "out"), str(tmp_path / "out/doctrees"),
                "html", settings, status=None, warning=warnings, freshenv=True,
            ).build()  # fmt: skip
        html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
        return html, re.sub(r"\x1b\[[0-9;]*m", "", warnings.getvalue())

    yield built
    for name in ("self_check", "tested_role", "equation_maps"):
        sys.modules.pop(name, None)


CHECK = """# Page

:::{{self-check}} What is $1 + 1$?
:name: check-sum

{options}
:::
"""


def test_a_self_check_holds_each_option_with_its_verdict_and_explanation(sphinx):
    options = (
        "- [ ] $3$, perhaps\n  One too *many*.\n- [x] two or\n  more words\n\n  As $1 + 1 = 2$.\n"
    )
    html, warnings = sphinx(CHECK.format(options=options.rstrip()))
    assert warnings == ""
    wrong, right = re.findall(r'<details class="option (?:right|wrong)">.*?</details>', html, re.S)
    assert 'class="option wrong"' in wrong
    assert 'class="option right"' in right
    assert "Not quite." in wrong
    assert "Right." in right
    assert re.search(r"<summary>.*\\\(3\\\).*, perhaps.*</summary>", wrong)
    assert "<em>many</em>" in wrong.partition("</summary>")[2]
    assert re.search(r"<summary>.*two or\s+more words.*</summary>", right, re.S)
    assert r"\(1 + 1 = 2\)" in right.partition("</summary>")[2]
    assert 'id="check-sum"' in html
    assert "checkbox" not in html


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ("- [ ] three\n  No.\n- [ ] four\n  No.\n", ":3: WARNING: .*has no right option"),
        ("- [x] two\n  Yes.\n- [ ] three\n", ":8: WARNING: .*does not explain .*three"),
        ("- [x] two\n  Yes.\n- three\n  No.\n", ":8: WARNING: .*not an option"),
        ("Some prose.\n\n- [x] two\n  Yes.\n", ":3: WARNING: .*besides its task list"),
        ("", ":3: WARNING: .*has no right option"),
    ],
    ids=["no-right", "unexplained", "no-box", "prose", "empty"],
)
def test_a_malformed_self_check_is_a_warning_with_file_and_line(sphinx, options, fault):
    _, warnings = sphinx(CHECK.format(options=options.rstrip()))
    assert re.search(r"index\.md" + fault, warnings), warnings


ORPHAN = "---\norphan: true\n---\n# Equations\n"
MARKED = 'import pytest\n\n@pytest.mark.equation("eq-a")\ndef test_a():\n    pass\n'


def test_the_role_links_a_tested_equation_to_its_row(sphinx):
    html, warnings = sphinx("# P\n\n{tested}`eq-a`.\n", **{"tests/test_a.py": MARKED})
    assert warnings == ""
    assert 'href="book/equations.html#test-eq-a"' in html
    assert "tested on both sides" in html


def test_the_role_warns_where_no_test_is_marked(sphinx):
    _, warnings = sphinx("# P\n\n{tested}`eq-b`.\n", **{"tests/test_a.py": MARKED})
    assert re.search(r"index\.md:3: WARNING: no test is marked .*eq-b", warnings), warnings
