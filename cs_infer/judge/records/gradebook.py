"""nbgrader's part: it keeps the gradebook, the feedback and the export.

The judge takes the place of nbgrader's ``Execute``. Two preprocessors, named
in ``nbgrader_config.py``, do it: one rebuilds the submission from the
release, the other writes each verdict into the graded cells, in the form in
which nbgrader's own ``SaveAutoGrades`` reads it. So ``nbgrader autograde``
and the button in formgrader give the same grades as ``cs-infer grade``.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins.export import CsvExportPlugin
from nbgrader.preprocessors import NbGraderPreprocessor
from sqlalchemy.exc import SAWarning
from traitlets import Bool
from traitlets.config import Config

from cs_infer.judge.course import Course, CourseError
from cs_infer.judge.files import write_whole
from cs_infer.judge.grader import ClassRun, Grader
from cs_infer.judge.problem import check_id
from cs_infer.judge.records.ledger import Ungraded, Verdict, kept_verdict
from cs_infer.judge.reports.card import as_html
from cs_infer.judge.template import Rebuilt, read_release, rebuild

SANITIZE = [
    "cs_infer.judge.records.gradebook.RebuildSubmission",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
AUTOGRADE = [
    "cs_infer.judge.records.gradebook.RecordVerdict",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]


class RebuildSubmission(NbGraderPreprocessor):
    """Take only the student's code; everything else comes from the release."""

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Rebuild the notebook from the release."""
        course = Course.find()
        template = read_release(course.release(resources["nbgrader"]["assignment"]))
        return rebuild(template, nbformat.writes(nb).encode()).notebook, resources


class RecordVerdict(NbGraderPreprocessor):
    """Write the verdict into the graded cells, where nbgrader reads it.

    The verdict comes from the latest ``cs-infer grade`` if that judged this
    very submission, and is computed now if not.
    """

    trusted = Bool(False, help="Run without a sandbox: the submissions are trusted.").tag(
        config=True
    )

    judged = Bool(False, help="The verdicts on disk are those of these submissions.").tag(
        config=True
    )

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Attach outputs and scores."""
        names = resources["nbgrader"]
        verdict = self._verdict(nb, names["student"], names["assignment"])
        _attach(nb, verdict)
        return nb, resources

    def _verdict(self, nb: NotebookNode, student: str, name: str) -> Verdict:
        course, rebuilt = Course.find(), Rebuilt(nb)
        grader = Grader(course, name, self.trusted)
        key = None if self.judged else grader.key(student, rebuilt)
        return kept_verdict(course, name, student, key) or grader.grade(student, rebuilt)


def generate_assignment(course: Course, name: str) -> Path:
    """Let nbgrader make the release; returns the folder it was made in."""
    folder = course.build / "nbgrader" / "release"
    with _nbgrader(course, student_id=".", assignment_id=name) as (directory, log):
        directory.release_directory = str(folder)
        converter = GenerateAssignment(coursedir=directory, parent=None, config=_config(course))
        converter.force, converter.create_assignment = True, True
        _start(converter, log, f"nbgrader could not release {name}")
    return folder / name


def record(
    course: Course, name: str, run: ClassRun, progress: Callable[[str, int, int], None]
) -> int:
    """Let nbgrader record the verdicts of a class.

    One process writes, one student after another. A student whose verdict is
    recorded already is passed over.

    Args:
        course: the course.
        name: the assignment.
        run: the verdicts.
        progress: called with (student, done, total) after each.

    Returns:
        How many were recorded now.
    """
    staging = course.build / "nbgrader" / "rebuilt"
    todo = [s for s, v in sorted(run.verdicts.items()) if not _is_recorded(course, v)]
    for done, student in enumerate(todo, start=1):
        verdict = run.verdicts[student]
        _stage(course, staging / student / name, student, name, run)
        with _nbgrader(course, student, name) as (directory, log):
            directory.submitted_directory = str(staging)
            converter = Autograde(coursedir=directory, parent=None, config=_config(course))
            converter.force = True
            try:
                _start(converter, log, f"nbgrader could not record {student}")
            except CourseError as error:  # the others are recorded all the same
                forget(course, name, [student])
                run.ungraded.append(Ungraded(student, name, str(error)))
                del run.verdicts[student]
                continue
        write_whole(_receipt(course, name, student), verdict.provenance["key"] + "\n")
        progress(student, done, len(todo))
    return len(todo)


def feedback(
    course: Course, name: str, students: Iterable[str], progress: Callable[[str, int, int], None]
) -> int:
    """Let nbgrader write the feedback pages of the students given.

    Returns:
        How many pages were written now; up-to-date ones are passed over.
    """
    todo = [s for s in students if not _feedback_is_fresh(course, name, s)]
    for done, student in enumerate(todo, start=1):
        with _nbgrader(course, student, name) as (directory, log):
            converter = GenerateFeedback(coursedir=directory, parent=None, config=_config(course))
            converter.force = True
            _start(converter, log, f"nbgrader could not write feedback for {student}")
        progress(student, done, len(todo))
    return len(todo)


def export(course: Course, target: Path) -> Path:
    """Let nbgrader export the gradebook as CSV.

    Work that was not handed in, or could not be graded, is left out: a missing
    grade must not be read as a zero.

    Args:
        course: the course.
        target: the file to write.

    Returns:
        The file.
    """
    if not course.gradebook.is_file():
        raise CourseError(f"no gradebook at {course.gradebook}; run: cs-infer release")
    with tempfile.TemporaryDirectory(prefix="cs-infer-") as folder:
        whole = Path(folder) / "grades.csv"
        with Gradebook(_db_url(course)) as gradebook:
            plugin = CsvExportPlugin()
            plugin.log.setLevel(logging.WARNING)
            plugin.to = str(whole)
            plugin.export(gradebook)
            recorded = _recorded(gradebook)
        header, *rows = whole.read_text().splitlines(keepends=True)
    write_whole(target, "".join([header, *(row for row in rows if _whose(row) in recorded)]))
    return target


def forget(course: Course, name: str, students: Iterable[str]) -> None:
    """Drop what is recorded of students who left, or whose work could not be graded."""
    for student in students:
        for part in ("autograded", "feedback", "rebuilt"):
            shutil.rmtree(course.build / "nbgrader" / part / student / name, ignore_errors=True)
        _receipt(course, name, student).unlink(missing_ok=True)
        unknown = MissingEntry, UnicodeEncodeError  # a folder's name need not be text
        with Gradebook(_db_url(course)) as gradebook, contextlib.suppress(*unknown):
            gradebook.remove_submission(name, student)


def _attach(nb: NotebookNode, verdict: Verdict) -> None:
    results = {check_id(p.name): p for p in verdict.problems}
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id in results:
            result = results[grade_id]
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
        page.id = "about-the-file"
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


def _is_recorded(course: Course, verdict: Verdict) -> bool:
    receipt = _receipt(course, verdict.assignment, verdict.student)
    return receipt.is_file() and receipt.read_text().strip() == verdict.provenance["key"]


def _receipt(course: Course, name: str, student: str) -> Path:
    """The file that says which verdict of a student the gradebook holds."""
    return course.build / "nbgrader" / "receipts" / student / f"{name}.txt"


def _recorded(gradebook: Gradebook) -> set[tuple[str, str]]:
    """(assignment, student) of the submissions the gradebook knows of."""
    return {
        (assignment.name, submission.student_id)
        for assignment in gradebook.assignments
        for submission in gradebook.assignment_submissions(assignment.name)
    }


def _feedback_is_fresh(course: Course, name: str, student: str) -> bool:
    folder = course.build / "nbgrader"
    page = folder / "feedback" / student / name / f"{name}.html"
    source = folder / "autograded" / student / name / f"{name}.ipynb"
    return page.is_file() and page.stat().st_mtime >= source.stat().st_mtime


def _stage(course: Course, folder: Path, student: str, name: str, run: ClassRun) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    write_whole(folder / f"{name}.ipynb", nbformat.writes(run.rebuilt[student].notebook) + "\n")
    stamp = course.submitted / student / name / "timestamp.txt"
    if stamp.is_file() and not stamp.is_symlink() and stamp.stat().st_size < 200:
        text = stamp.read_text(errors="replace").strip()
        if _is_timestamp(text):
            write_whole(folder / "timestamp.txt", text + "\n")


def _is_timestamp(text: str) -> bool:
    from nbgrader.utils import parse_utc

    if not text[:4].isdecimal():  # nor a time of day, which would be read as today's
        return False
    try:
        return parse_utc(text) is not None
    except (ValueError, OverflowError, TypeError):
        return False


def _whose(line: str) -> tuple[str, str]:
    parts = line.split(",")
    return (parts[0], parts[3]) if len(parts) > 3 else ("", "")


def _db_url(course: Course) -> str:
    return f"sqlite:///{course.gradebook}"


def _config(course: Course) -> Config:
    config = Config()
    config.Autograde.sanitize_preprocessors = SANITIZE
    config.Autograde.autograde_preprocessors = AUTOGRADE
    config.RecordVerdict.judged = True
    # nbgrader's own default, said here because the release must not change with it.
    config.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError()"}
    return config


@contextlib.contextmanager
def _nbgrader(
    course: Course, student_id: str, assignment_id: str
) -> Iterator[tuple[CourseDirectory, logging.Logger]]:
    """nbgrader's view of the course, quiet, with this environment's programs on PATH."""
    course.gradebook.parent.mkdir(parents=True, exist_ok=True)
    directory = CourseDirectory()
    directory.root = str(course.root)
    build = course.build / "nbgrader"
    directory.source_directory = str(build / "source")
    directory.submitted_directory = str(course.submitted)
    directory.autograded_directory = str(build / "autograded")
    directory.feedback_directory = str(build / "feedback")
    directory.db_url = _db_url(course)
    directory.student_id, directory.assignment_id = student_id, assignment_id
    log = logging.getLogger(f"cs_infer.nbgrader.{student_id}")
    log.handlers, log.propagate = [_Kept()], False
    before, here = os.environ.get("PATH", ""), Path.cwd()
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    os.chdir(course.root)
    try:
        yield directory, log
    finally:
        os.chdir(here)
        os.environ["PATH"] = before


class _Kept(logging.Handler):
    """Keeps what nbgrader says, for the case that it fails."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _start(converter: Any, log: logging.Logger, what: str) -> None:
    converter.log = log
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own, and no one's to mend
            converter.start()
    except (Exception, SystemExit) as error:
        said = next((h.lines for h in log.handlers if isinstance(h, _Kept)), [])
        raise CourseError(f"{what}: {error}; {' | '.join(said[-3:])}") from error
