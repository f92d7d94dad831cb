"""What the commands say: how long it will take, and nothing that moves the cursor."""

import os
import shutil
import sys

import pytest

from cs_infer.cli import console
from cs_infer.cli.console import progress
from cs_infer.judge.words import printable


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves when it is told to."""
    now = [100.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    return now


def test_elsewhere_than_on_a_terminal_progress_is_plain_lines(capsys):
    show = progress("grade")
    show("ann", 1, 2)
    show("b\x1b[31mob", 2, 2)
    assert capsys.readouterr().out == "grade 1/2 ann\ngrade 2/2 b?[31mob\n"


def test_on_a_terminal_progress_tells_the_rate_and_the_time_that_is_left(
    capsys, clock, monkeypatch
):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show = progress("grade")
    clock[0] += 2.0
    show("ann", 5, 185)  # four were there already
    assert capsys.readouterr().out == "\r\x1b[Kgrade 5/185  0.5/s, 6:00 left  ann"
    clock[0] += 0.0
    show("bob", 185, 185)
    assert capsys.readouterr().out == "\r\x1b[Kgrade 185/185  1.0/s, 0:00 left  bob\n"


def test_a_line_of_progress_fits_into_the_terminal(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((40, 20)))
    progress("grade")("a" * 100, 1, 10)
    assert len(capsys.readouterr().out.removeprefix("\r\x1b[K")) == 39


@pytest.mark.parametrize("text", ["\x1b[2J", "\r", "\u202e", "\x9b31m", "\udcff"])
def test_what_moves_the_cursor_is_not_printed(text):
    assert "?" in printable(text)
    assert printable(text).isprintable()
