"""``cs-infer``: the course, step by step, from the command line.

Exit status 0: done. 1: some submission could not be graded. 2: the command
could not be carried out; one line says why, and nothing is half-written.
130: grading was stopped by Ctrl-C; the same command goes on.
"""

from __future__ import annotations

from pathlib import Path

import click

from cs_infer import __version__
from cs_infer.cli.console import fail
from cs_infer.cli.everything import everything
from cs_infer.cli.exchange import collect, due, export
from cs_infer.cli.grading import grade
from cs_infer.cli.publishing import book, release, sample_class
from cs_infer.cli.results import explain, feedback, report
from cs_infer.cli.validate import validate
from cs_infer.judge.course import Course


class _Group(click.Group):
    """Turns expected faults into one line and an exit status of 2."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (FileNotFoundError, KeyError, ValueError) as error:
            text = error.args[0] if isinstance(error, KeyError) and error.args else error
            fail(str(text))
        except OSError as error:
            fail(f"{error.strerror or error}: {error.filename or 'while writing'}")


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cs-infer")
@click.option(
    "--course",
    "folder",
    type=click.Path(path_type=Path),
    help="The course's folder; found from here by default.",
)
@click.pass_context
def main(ctx: click.Context, folder: Path | None) -> None:
    """Release, grade and publish the course Control as Inference."""
    # A student validates without a course; everything else happens in one.
    ctx.obj = folder if ctx.invoked_subcommand == "validate" else Course.find(folder)


for command in (
    release,
    sample_class,
    grade,
    feedback,
    report,
    explain,
    due,
    collect,
    export,
    validate,
    book,
    everything,
):
    main.add_command(command)
