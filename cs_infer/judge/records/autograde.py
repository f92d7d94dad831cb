"""What ``nbgrader autograde`` and formgrader's button do: the judge in ``Execute``'s place.

``configure.py``, through ``nbgrader_config.py``, puts three things from here
into nbgrader's ``Autograde``. An exporter reads a submission, whatever it is,
and rebuilds it from the release. A preprocessor writes each verdict into the
graded cells, in the form in which nbgrader's own ``SaveAutoGrades`` reads it.
A hook sees to it that a notebook with another name is read, too. So they give
the same grades as ``cs-infer grade``.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Bool

from cs_infer.judge import ledger
from cs_infer.judge.card import as_html
from cs_infer.judge.course import Course
from cs_infer.judge.grader import Grader
from cs_infer.judge.ledger import Verdict
from cs_infer.judge.problem import check_id
from cs_infer.judge.submissions import find_submission
from cs_infer.judge.template import ABOUT_THE_FILE, Rebuilt, grade_id_of, read_release, rebuild

_NOTES = "cs_infer"  # where the rebuilt notebook carries the notes on the file


def read_the_expected_notebook(assignment: str, student: str, notebooks: list[str]) -> None:
    """Whatever a submission's notebooks are called, the exporter reads it as the expected one."""
    notebooks[:] = [str(Path(notebooks[0]).with_name(f"{assignment}.ipynb"))]


class SubmissionExporter(NotebookExporter):
    """Take only the student's code; everything else comes from the release."""

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **kw: Any
    ) -> tuple[str, ResourcesDict]:
        """Rebuild a submission; a notebook that is rebuilt already is read as it is."""
        course, path = Course.find(), Path(filename).resolve()
        if not path.is_relative_to(course.submitted.resolve()):
            return super().from_filename(filename, resources, **kw)
        assert resources is not None
        rebuilt = _rebuilt(course, resources["nbgrader"]["assignment"], path.parent)
        self._drop_other_files(course, resources["nbgrader"])
        return self.from_notebook_node(rebuilt.notebook, resources, **kw)

    def _drop_other_files(self, course: Course, names: dict[str, str]) -> None:
        """nbgrader copies what else was sent beside the notebook; it must not go further."""
        made = course.autograded / names["student"] / names["assignment"]
        source = course.nbgrader_source(names["assignment"])
        for path in sorted(made.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                if not any(path.iterdir()):
                    path.rmdir()
            elif path.name != "timestamp.txt" and not (source / path.relative_to(made)).is_file():
                path.unlink()


class RecordVerdict(NbGraderPreprocessor):
    """Write the verdict into the graded cells, where nbgrader reads it.

    The verdict comes from the latest ``cs-infer grade`` if that judged this
    very submission; if not, it is computed now, and kept.
    """

    trusted = Bool(False, help="Run without a sandbox: the submissions are trusted.").tag(
        config=True
    )

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Attach outputs and scores."""
        names = resources["nbgrader"]
        notes = nb.metadata.pop(_NOTES, {}).get("notes", [])
        verdict = self._verdict(Rebuilt(nb, notes), names["student"], names["assignment"])
        attach(nb, verdict)
        return nb, resources

    def _verdict(self, rebuilt: Rebuilt, student: str, name: str) -> Verdict:
        course = Course.find()
        grader = Grader(course, name, self.trusted)
        kept = ledger.kept_verdict(course, name, student, grader.key(student, rebuilt))
        if kept is not None:
            return kept
        verdict = grader.grade(student, rebuilt)
        ledger.keep(course, verdict)
        return verdict


def attach(nb: NotebookNode, verdict: Verdict) -> None:
    """Write outputs, scores and notes into a rebuilt notebook."""
    results = {check_id(p.name): p for p in verdict.problems}
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        result = results.get(grade_id_of(cell) or "")
        if result is not None:
            heading = f"graded on fresh inputs; {_fate(result.status)}"
            cell.outputs = [
                nbformat.v4.new_output("display_data", {"text/html": as_html(result, heading)}),
                nbformat.v4.new_output(
                    "execute_result", {"text/plain": repr(float(result.earned))}
                ),
            ]
        else:
            cell.outputs = list(_outputs(verdict.cells.get(cell.id, {})))
    if verdict.notes:
        notes = escape("\n".join(verdict.notes))
        plain = f'<pre style="white-space:pre-wrap">{notes}</pre>'  # neither Markdown nor formulas
        page = nbformat.v4.new_markdown_cell(f"**About the file you sent**\n\n{plain}")
        page.id = ABOUT_THE_FILE
        nb.cells.insert(0, page)


def _fate(status: str) -> str:
    return "every call was answered" if status == "graded" else f"it ended with a {status}"


def _outputs(output: dict[str, Any]) -> Iterator[NotebookNode]:
    if output.get("text"):
        yield nbformat.v4.new_output("stream", name="stdout", text=output["text"])
    for picture in output.get("pictures", []):
        yield nbformat.v4.new_output("display_data", {"image/png": picture})
    if output.get("error"):
        text = f"{output['status']}: {output['error']}\n"
        yield nbformat.v4.new_output("stream", name="stderr", text=text)


def _rebuilt(course: Course, name: str, folder: Path) -> Rebuilt:
    data, notes = find_submission(folder, name)
    rebuilt = rebuild(read_release(course.release(name)), data)
    rebuilt.notebook.metadata[_NOTES] = {"notes": notes + rebuilt.notes}
    return rebuilt
