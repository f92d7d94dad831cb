"""The class report as a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from statistics import mean, median

from cs_infer.judge.reports.class_report import ClassReport, Failure, Idea, Item
from cs_infer.judge.reports.histogram import histogram
from cs_infer.judge.reports.page import number, page, scrolling, shown
from cs_infer.judge.reports.similarity import Pair

Named = Callable[[str], str]  # a student's id as HTML, linked to the feedback page

_MOST_NAMES = 12
_MOST_PAIRS = 30
_STYLE = """
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; text-anchor: middle; }
svg rect { fill: var(--link); }
svg line { stroke: var(--line); }
mark { background: var(--mark); color: inherit; }
.two { display: grid; gap: 0 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
.two > * { min-width: 0; }
"""


def report_page(
    report: ClassReport, texts: Mapping[str, str], pages: Mapping[str, str] | None = None
) -> str:
    """The whole page.

    Args:
        report: the figures.
        texts: the students' own code, in which alike passages are marked.
        pages: addresses of feedback pages, by student.
    """

    def named(student: str) -> str:
        address = (pages or {}).get(student)
        return f'<a href="{shown(address)}">{shown(student)}</a>' if address else shown(student)

    title = f"{report.title}: class report"
    parts = (
        f"<h1>{shown(title)}</h1>",
        _scores(report),
        _items(report.items),
        _ideas(report.ideas, named),
        _failures(report, named),
        _usage(report, named),
        _pairs(report.pairs, texts, named),
    )
    return page(title, "\n".join(parts), _STYLE)


def _scores(report: ClassReport) -> str:
    scores = report.scores.values()
    if not scores:
        return "<p>Nobody is graded yet.</p>"
    return (
        f"<p>{len(scores)} graded, {len(report.ungraded)} not graded. Of {number(report.most)} "
        f"points by the checks, the mean is {number(mean(scores))} and the median "
        f"{number(median(scores))}. Points given by hand and late penalties are not in these "
        f"figures.</p><h2>Scores</h2>{histogram(report.counts, report.most)}"
    )


def _items(items: Iterable[Item]) -> str:
    heads = ("property", "points", "earned", "discrimination")
    rows: list[tuple[str, ...]] = []
    for problem, its_items in groupby(items, key=lambda item: item.problem):
        rows.append((shown(problem),))
        rows += [(shown(i.statement), number(i.points), f"{i.share:.0%}", _r(i)) for i in its_items]
    return (
        "<h2>Properties</h2><p>Earned: the share of submissions that have its points. "
        "Discrimination: the correlation between having them and the points of all other "
        "properties. Near zero or below, those who earn it are not those who earn the rest: look "
        "at the property again. A dash: one of the two is the same for everybody.</p>"
        + _table("Properties", heads, rows, 1)
    )


def _r(item: Item) -> str:
    return "–" if item.discrimination is None else f"{item.discrimination:.2f}"


def _ideas(ideas: list[Idea], named: Named) -> str:
    rows = [
        (shown(i.problem), shown(i.name), str(len(i.students)), _names(i.students, named))
        for i in ideas
    ]
    heads = ("problem", "misconception", "submissions", "whose")
    return "<h2>Misconceptions</h2>" + (
        _table("Misconceptions", heads, rows, 2, 3) if rows else "<p>None was recognised.</p>"
    )


def _failures(report: ClassReport, named: Named) -> str:
    failures = [(shown(f.kind), str(len(_who(f))), _names(_who(f), named)) for f in report.failures]
    found = (
        _table("Failures", ("what happened", "submissions", "whose"), failures, 1, 2)
        if failures
        else "<p>Every call was answered.</p>"
    )
    ungraded = "".join(
        f"<li>{shown(u.student)}: {shown(u.status)}: {shown(u.reason)}</li>"
        for u in report.ungraded
    )
    apart = (
        "<h2>Not graded</h2><p>These have no grade. It is no fault of the students, and no "
        f"zero.</p><ul>{ungraded}</ul>"
    )
    return f"<h2>Where no answer came</h2>{found}{apart if ungraded else ''}"


def _who(failure: Failure) -> list[str]:
    return list(dict.fromkeys(student for student, _ in failure.places))


def _usage(report: ClassReport, named: Named) -> str:
    rows = [
        (
            f"{shown(u.what)} ({shown(u.unit)})",
            *(number(x) for x in (u.median, u.ninetieth, u.most)),
            named(u.student),
        )
        for u in report.usage
    ]
    heads = ("used", "median", "90% use at most", "most", "by")
    return "<h2>Time and memory</h2>" + _table("Time and memory", heads, rows, 1, 4)


def _pairs(pairs: list[Pair], texts: Mapping[str, str], named: Named) -> str:
    opening = (
        "<h2>Similar submissions</h2><p>Pairs in which most of one submission's code is found in "
        "the other, whatever the names, the comments and the spacing. The released text does not "
        "count. This is a reason to look, and no proof: short problems have few solutions, and "
        "people may learn together. Read both before you say anything.</p>"
    )
    listed = "".join(_pair(pair, texts, named) for pair in pairs[:_MOST_PAIRS])
    more = len(pairs) - _MOST_PAIRS
    return (
        opening
        + (listed or "<p>There are none.</p>")
        + (f"<p>{more} more pairs are in report.json.</p>" if more > 0 else "")
    )


def _pair(pair: Pair, texts: Mapping[str, str], named: Named) -> str:
    (one, two), (first, second) = pair.students, pair.shares
    codes = "".join(
        f"<div><p>{named(student)}</p><pre>{_marked(texts.get(student, ''), passages)}</pre></div>"
        for student, passages in zip(pair.students, pair.passages, strict=True)
    )
    return (
        f"<details><summary>{shown(one)} ({first:.0%} found in the other) and {shown(two)} "
        f'({second:.0%})</summary><div class="two">{codes}</div></details>'
    )


def _marked(text: str, passages: list[tuple[int, int]]) -> str:
    """The text with its passages marked; what overlaps is marked once."""
    parts, at = [], 0
    for start, end in sorted(passages):
        start = max(start, at)
        if end > start:
            parts += [shown(text[at:start]), f"<mark>{shown(text[start:end])}</mark>"]
            at = end
    return "".join([*parts, shown(text[at:])])


def _names(students: list[str], named: Named) -> str:
    more = len(students) - _MOST_NAMES
    return ", ".join(map(named, students[:_MOST_NAMES])) + (f" and {more} more" if more > 0 else "")


def _table(
    name: str, heads: tuple[str, ...], rows: list[tuple[str, ...]], first: int, last: int = 99
) -> str:
    """A table; columns from ``first`` up to ``last`` hold numbers; one cell alone is a heading."""

    def cells(tag: str, texts: Iterable[str]) -> str:
        return "".join(
            f"<{tag}{' class=number' if first <= i < last else ''}>{text}</{tag.split()[0]}>"
            for i, text in enumerate(texts)
        )

    head = cells('th scope="col"', heads)
    body = "".join(
        f"<tr>{cells('td', row)}</tr>"
        if len(row) > 1
        else f'<tr><th colspan="{len(heads)}" scope="rowgroup">{row[0]}</th></tr>'
        for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return scrolling(table, name)
