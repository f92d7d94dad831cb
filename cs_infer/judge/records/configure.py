"""nbgrader's settings that send every grade through the judge; read by ``nbgrader_config.py``."""

from __future__ import annotations

from traitlets.config import Config

_OURS = "cs_infer.judge.records.autograde"
_THEIRS = "nbgrader.preprocessors"


def configure(config: Config) -> None:
    """Let nbgrader grade, and write feedback, through the judge."""
    config.Autograde.exporter_class = f"{_OURS}.SubmissionExporter"
    config.Autograde.pre_convert_hook = f"{_OURS}.read_the_expected_notebook"
    config.Autograde.sanitize_preprocessors = [
        f"{_THEIRS}.OverwriteKernelspec",
        f"{_THEIRS}.OverwriteCells",
        f"{_THEIRS}.CheckCellMetadata",
    ]
    config.Autograde.autograde_preprocessors = [
        f"{_OURS}.RecordVerdict",
        f"{_THEIRS}.SaveAutoGrades",
        f"{_THEIRS}.AssignLatePenalties",
        f"{_THEIRS}.CheckCellMetadata",
    ]
    config.GenerateFeedback.exporter_class = "cs_infer.judge.reports.feedback.FeedbackExporter"
    config.GenerateFeedback.preprocessors = []
