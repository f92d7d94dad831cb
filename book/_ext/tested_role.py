"""The role ``tested``: a claim that the numbered equation is checked, made only if it is.

    {tested}`eq-evidence`

links to the equation's row on the page of equations. Where no test carries the
mark ``@pytest.mark.equation("eq-evidence")`` the build warns.
"""

from pathlib import Path

from docutils import nodes
from equation_maps import test_map
from sphinx.util import logging
from sphinx.util.docutils import SphinxRole

logger = logging.getLogger(__name__)

PAGE = "book/equations"  # its table has a row with the id test-<label> for each equation
WORDS = "tested on both sides"


class tested(nodes.General, nodes.Element):
    """Waits until every page is read, then becomes a link."""


class TestedRole(SphinxRole):
    """Check that a test is marked with the label, and leave a link to come."""

    def run(self):
        if not test_map(Path(self.env.srcdir)).get(self.text):
            logger.warning(
                "no test is marked @pytest.mark.equation(%r)",
                self.text,
                location=self.get_location(),
            )
        node = tested(label=self.text)
        self.set_source_info(node)
        return [node], []


def link(app, doctree, docname):
    for node in doctree.findall(tested):
        words = nodes.inline("", WORDS, classes=["tested"])
        if PAGE not in app.env.found_docs:
            logger.warning("the page %s, which `tested` links to, is missing", PAGE, location=node)
            node.replace_self(words)
            continue
        uri = app.builder.get_relative_uri(docname, PAGE) + f"#test-{node['label']}"
        node.replace_self(nodes.reference("", "", words, internal=True, refuri=uri))


def setup(app):
    app.add_node(tested)
    app.add_role("tested", TestedRole())
    app.connect("doctree-resolved", link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
