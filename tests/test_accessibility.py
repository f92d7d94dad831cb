"""The pages against WCAG 2.1 AA, as far as axe-core can tell, in both themes and on a phone."""

import pytest
from browser import MODES, WIDTHS, Visit, page_names

pytestmark = [pytest.mark.slow, pytest.mark.browser]

RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
GRAVE = ("moderate", "serious", "critical")

# An animation that another one replaces is cancelled, and its promise is then rejected.
OPEN_EVERYTHING = """() => {
  document.querySelectorAll('article details').forEach(node => { node.open = true; });
  document.querySelectorAll('button.toggle-button-hidden').forEach(node => node.click());
  return Promise.all(document.getAnimations().map(each => each.finished.catch(() => {})));
}"""


def grave_faults(page):
    """What axe-core calls worse than minor: rule, and the elements that break it."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, options={"runOnly": RULES, "resultTypes": ["violations"]})
    return {
        each["id"]: [(node["html"][:160], node["failureSummary"]) for node in each["nodes"]][:4]
        for each in found.response["violations"]
        if each["impact"] in GRAVE
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", page_names())
def test_a_page_has_no_accessibility_fault_worse_than_minor(book, chromium, name, width, mode):
    with Visit(chromium, book.html / name, width=width, mode=mode) as visit:
        visit.page.evaluate(OPEN_EVERYTHING)
        assert grave_faults(visit.page) == {}


def test_a_picture_without_a_name_is_a_fault(chromium, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<html lang="en"><title>t</title><img src="a.png"></html>')
    with Visit(chromium, page) as visit:
        assert "image-alt" in grave_faults(visit.page)
