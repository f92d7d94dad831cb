"""Links into the book: where a section is, and what its heading says."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.reports.page import shown


@dataclass(frozen=True)
class Book:
    """The book, as far as a page links to it.

    Attributes:
        sources: the folder of its chapters.
        address: where readers find its first page, such as
            ``https://example.org/course/``; None if it is not published.
    """

    sources: Path
    address: str | None = None

    @classmethod
    def of(cls, course: Course, address: str | None = None) -> Book:
        """The course's book, at this address or at ``html: baseurl:`` of ``_config.yml``.

        Raises:
            CourseError: the address is no web address.
        """
        address = address or _configured(course.root / "_config.yml")
        if address is not None and not re.match(r"https?://[^\s/]", address):
            raise CourseError(f"the book's address must begin with https://; it is {address!r}")
        return cls(course.root / "book", address)

    def link(self, section: str) -> str:
        """A section, given as ``page.html#anchor``, as HTML: its heading, linked if we can."""
        heading = _headings(self.sources, section.partition(".html")[0]).get(
            section.partition("#")[2]
        )
        if self.address is None:
            return shown(f"{heading} ({section})" if heading else section)
        target = f"{self.address.rstrip('/')}/book/{section}"
        return f'<a href="{shown(target)}">{shown(heading or section)}</a>'


def _configured(config: Path) -> str | None:
    if not config.is_file():
        return None
    try:
        settings = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
        return (settings.get("html") or {}).get("baseurl") or None
    except (yaml.YAMLError, AttributeError) as error:
        raise CourseError(f"{config.name} cannot be read: {error}") from None


@functools.cache
def _headings(sources: Path, chapter: str) -> dict[str, str]:
    """The headings of a chapter by anchor: a label before it, or its own words joined by -."""
    path = sources / f"{chapter}.md"
    if not path.is_file():
        return {}
    text = path.read_text(encoding="utf-8")
    found = {}
    for label, heading in re.findall(r"(?:^\(([\w-]+)\)=\n+)?^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"[`$*]", "", heading).strip()
        found[re.sub(r"[^\w\s-]", "", plain.lower()).replace(" ", "-")] = plain
        if label:
            found[label] = plain
    return found
