"""The ``self-check`` directive: a question whose every option explains itself.

    :::{self-check} Which of these is a **distribution**?
    :name: check-soft-maximum

    - [ ] the soft maximum
      It is a number: $\\log \\mathbb{E} \\exp(x)$.
    - [x] the softmax
      Its entries sum to one.
    :::

An option is one line and its explanation follows. With a blank line between
the two, the option may be longer. Each option becomes a ``<details>``, so it
opens from the keyboard and without JavaScript. A question without a right
option, or an option without an explanation, is a warning.
"""

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)

VERDICT = {True: "Right.", False: "Not quite."}


class self_check(nodes.General, nodes.Element):
    """The whole question: a ``self_check_question``, then its options."""


class self_check_question(nodes.General, nodes.TextElement):
    """What is asked."""


class self_check_option(nodes.General, nodes.Element):
    """One option, ``right`` or not: its ``self_check_summary``, then the explanation."""


class self_check_summary(nodes.General, nodes.TextElement):
    """The text of an option."""


class SelfCheck(SphinxDirective):
    """Read the question and its task list."""

    has_content = True
    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"name": directives.unchanged}  # noqa: RUF012 - docutils asks for a dict

    def run(self):
        body = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, body)
        items = [item for item in body.findall(nodes.list_item) if item.parent.parent is body]
        question = self_check_question()
        question += self.state.inline_text(self.arguments[0], self.lineno)[0]
        check = self_check("", question)
        self.set_source_info(check)
        self.add_name(check)
        if not check["ids"]:
            check["ids"].append(f"self-check-{self.env.new_serialno('self-check') + 1}")
        question["ids"].append(f"{check['ids'][0]}-question")
        check += [option for item in items if (option := self.option(item))]
        if any(not isinstance(block, nodes.bullet_list) for block in body.children):
            self.warn("holds something besides its task list")
        if not any(option["right"] for option in check.findall(self_check_option)):
            self.warn("has no right option, written - [x]")
        return [check]

    def option(self, item):
        """A ``self_check_option`` from an item of the task list, or None with a warning."""
        first = item.next_node(nodes.paragraph)
        box = first and next(first.findall(nodes.raw), None)
        if box is None or "checkbox" not in box.astext():
            return self.warn("has an item that is not an option, - [ ] or - [x]", item)
        first.remove(box)
        text, explanation = split(first, blocks=item.children[1:])
        if not any(block.astext().strip() or block.children for block in explanation):
            return self.warn(f"does not explain the option “{first.astext().strip()}”", item)
        option = self_check_option("", self_check_summary("", "", *text), *explanation)
        option["right"] = "checked" in box.astext().replace("checkbox", "")
        return option

    def warn(self, fault, where=None):
        line = getattr(where, "line", None) or self.lineno
        logger.warning(
            "self-check “%s” %s", self.arguments[0], fault, location=(self.env.docname, line)
        )


def split(paragraph, blocks):
    """The nodes of an option's text, and the blocks that explain it."""
    inline = trimmed(paragraph.children)
    if blocks:
        return inline, blocks
    for i, node in enumerate(inline):
        if isinstance(node, nodes.Text) and "\n" in node:
            before, after = node.split("\n", 1)
            explanation = nodes.paragraph("", "", nodes.Text(after), *inline[i + 1 :])
            return [*inline[:i], nodes.Text(before)], [explanation]
    return inline, []


def trimmed(inline):
    """The nodes without the space that follows the check box."""
    if inline and isinstance(inline[0], nodes.Text):
        return [nodes.Text(inline[0].lstrip()), *inline[1:]]
    return inline


def visit_check(self, node):
    identity = node["ids"][0]
    self.body.append(
        f'<section class="self-check" id="{identity}" aria-labelledby="{identity}-question">\n'
        '<p class="self-check-label">Self-check</p>\n'
    )


def depart_check(self, node):
    self.body.append("</section>\n")


def visit_question(self, node):
    self.body.append(self.starttag(node, "p", "", CLASS="self-check-question"))


def depart_question(self, node):
    self.body.append("</p>\n")


def visit_option(self, node):
    self.body.append(f'<details class="option {"right" if node["right"] else "wrong"}">\n')


def depart_option(self, node):
    self.body.append("</div></details>\n")


def visit_summary(self, node):
    self.body.append("<summary><span>")


def depart_summary(self, node):
    right = node.parent["right"]
    self.body.append(
        '</span></summary>\n<div class="option-explanation">'
        f'<p class="option-verdict">{VERDICT[right]}</p>\n'
    )


def plain(before="", after="\n\n"):
    """Visitors for a builder that only needs the text."""
    return (
        lambda self, node: self.body.append(before),
        lambda self, node: self.body.append(after),
    )


def setup(app):
    app.add_node(self_check, html=(visit_check, depart_check), latex=plain())
    app.add_node(
        self_check_question,
        html=(visit_question, depart_question),
        latex=plain("\\textbf{Self-check.} "),
    )
    app.add_node(self_check_option, html=(visit_option, depart_option), latex=plain())
    app.add_node(
        self_check_summary,
        html=(visit_summary, depart_summary),
        latex=(
            lambda self, node: self.body.append("\\emph{"),
            lambda self, node: self.body.append(f"}} {VERDICT[node.parent['right']]} "),
        ),
    )
    app.add_directive("self-check", SelfCheck)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
