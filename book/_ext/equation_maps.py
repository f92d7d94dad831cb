"""Which function implements an equation, and which test checks it: three readings.

The book says it under each labelled equation ("Implemented by …"), the library
in its docstrings ("Implements eq-…"), the tests by their marks. Each is read
here from the text alone, importing nothing, so that they can be compared.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

LABEL = re.compile(r"\beq-[a-z0-9]+(?:-[a-z0-9]+)*")
FENCE = re.compile(r"^\s*(`{3,}|~{3,}|:{3,})\s*(.*?)\s*$")
DOLLARS = re.compile(r"\$\$\s*\((eq-[^)\s]+)\)\s*$")
SENTENCE = re.compile(r"\bImplements\s+(.*?)[.:](?:\s|$)", re.DOTALL)
FUNCTION = re.compile(r"\{(?:py:)?(?:func|meth)\}`(?:[^`<]*<)?~?([\w.]+)>?`")
TESTED = re.compile(r"\{tested\}`(?:[^`<]*<)?([^`>\s]+)>?`")

NO_DIRECTIVE_INSIDE = ("{code", "{literalinclude", "{eval-rst", "{math")


class Equation(NamedTuple):
    """A labelled equation of the book, and what the line below it claims."""

    label: str
    page: str
    functions: frozenset[str]
    tested: frozenset[str]


def equations(root: Path) -> list[Equation]:
    """Every labelled equation, in the order of pages and of lines.

    A paragraph "Implemented by …" speaks of the nearest equation above it.
    """
    found = []
    pages = (root / "book").rglob("*.md")
    for page in sorted(p for p in pages if not _hidden(p.relative_to(root))):
        name = page.relative_to(root / "book").with_suffix("").as_posix()
        for kind, text in _pieces(page.read_text(encoding="utf-8")):
            if kind == "equation":
                found.append(Equation(text, name, frozenset(), frozenset()))
            elif found and found[-1].page == name:
                found[-1] = found[-1]._replace(
                    functions=found[-1].functions | set(FUNCTION.findall(text)),
                    tested=found[-1].tested | set(TESTED.findall(text)),
                )
    return found


def book_map(root: Path) -> dict[str, set[str]]:
    """For each label, the functions that the book names below the equation."""
    return {each.label: set(each.functions) for each in equations(root)}


def code_map(root: Path) -> dict[str, set[str]]:
    """For each label, the functions whose docstring says "Implements" it."""
    found = defaultdict(set)
    for path in sorted((root / "cs_infer").rglob("*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        module = module.removesuffix(".__init__")
        for name, node in _functions(ast.parse(path.read_text(encoding="utf-8"))):
            for sentence in SENTENCE.findall(ast.get_docstring(node) or ""):
                for label in LABEL.findall(sentence):
                    found[label].add(f"{module}.{name}")
    return dict(found)


def test_map(root: Path) -> dict[str, list[str]]:
    """For each label, the tests marked ``@pytest.mark.equation(label)``."""
    found = defaultdict(list)
    for path in sorted((root / "tests").rglob("test_*.py")):
        module = path.relative_to(root).as_posix()
        for name, node in _functions(ast.parse(path.read_text(encoding="utf-8"))):
            for label in _marks(node):
                found[label].append(f"{module}::{name.replace('.', '::')}")
    return dict(found)


def table(root: Path) -> str:
    """The three maps side by side, as an HTML table; row ids are ``test-eq-…``."""
    code, tests = code_map(root), test_map(root)
    rows = [_row(each, code, tests) for each in equations(root)]
    head = "".join(f'<th scope="col">{word}</th>' for word in ("Equation", "Function", "Tests"))
    return (
        f'<table class="equations"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _row(each: Equation, code: dict[str, set[str]], tests: dict[str, list[str]]) -> str:
    label = escape(each.label, quote=True)
    link = f'<a href="{escape(each.page, quote=True)}.html#equation-{label}">{label}</a>'
    functions = _lines(f"<code>{escape(name)}</code>" for name in sorted(code.get(each.label, ())))
    checks = _lines(
        f'<span title="{escape(test, quote=True)}">{escape(_sentence(test))}</span>'
        for test in tests.get(each.label, ())
    )
    cells = f'<th scope="row">{link}</th><td>{functions}</td><td>{checks}</td>'
    return f'<tr id="test-{label}">{cells}</tr>'


def _lines(items: Iterator[str]) -> str:
    return "<br>".join(items) or "none"


def _sentence(test: str) -> str:
    return test.rpartition("::")[2].removeprefix("test_").replace("_", " ")


def _hidden(path: Path) -> bool:
    return any(part.startswith(("_", ".")) for part in path.parts)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """("equation", label) and ("claim", paragraph), in order, outside code."""
    open_fences, paragraph, front_matter = [], [], False
    for number, line in enumerate([*text.splitlines(), ""]):
        if line.strip() == "---" and (number == 0 or front_matter):
            front_matter = not front_matter
            continue
        fence = FENCE.match(line)
        inside = open_fences[-1] if open_fences else ("", "")
        closes = fence and not fence[2] and inside[0] and fence[1].startswith(inside[0])
        if closes:
            open_fences.pop()
        elif inside[1] == "math":
            if line.strip().startswith(":label:"):
                yield "equation", line.split(":label:", 1)[1].strip()
        elif inside[1] != "literal" and not front_matter:
            if fence:
                open_fences.append((fence[1], _kind(fence[2])))
            elif ends := DOLLARS.search(line):
                yield "equation", ends[1]
            elif line.strip():
                paragraph.append(line.strip())
                continue
        if paragraph:
            claim = " ".join(paragraph)
            paragraph = []
            if claim.startswith("Implemented by"):
                yield "claim", claim


def _kind(info: str) -> str:
    if info.startswith("{math}"):
        return "math"
    literal = not info.startswith("{") or info.startswith(NO_DIRECTIVE_INSIDE)
    return "literal" if literal else "container"


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions, and methods as ``Class.method``."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


def _marks(node: ast.FunctionDef) -> list[str]:
    calls = [d for d in node.decorator_list if isinstance(d, ast.Call)]
    marks = [d for d in calls if ast.unparse(d.func).endswith("mark.equation")]
    return [a.value for d in marks for a in d.args if isinstance(a, ast.Constant)]
