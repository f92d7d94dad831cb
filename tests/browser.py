"""The built book and a browser to read it with, for the tests of pages.

``CS_INFER_BOOK`` may name a folder of built HTML to read instead of building
one. Where no Chromium is installed the browser's tests are skipped, and say so.
``conftest.py`` imports the fixtures, so that a run has one book and one browser.
"""

import fcntl
import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTHS = (1440, 390)
MODES = ("light", "dark")


class Book(NamedTuple):
    """A built book: its pages, and how the build ended."""

    html: Path
    returncode: int
    log: str

    def pages(self):
        """Every page of the book itself, by its path from the root."""
        found = (self.html / "book").glob("*.html")
        return sorted(path.relative_to(self.html).as_posix() for path in found)


def page_names():
    """The pages of the table of contents, for parameters; no build is needed."""
    lines = (ROOT / "_toc.yml").read_text(encoding="utf-8").splitlines()
    entries = [line.split(":", 1) for line in lines if "book/" in line]
    return [path.strip() + ".html" for _, path in entries]


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """The book, built once a run from a clean folder, every chapter executed."""
    if given := os.environ.get("CS_INFER_BOOK"):
        return Book(Path(given).resolve(), 0, "")
    if importlib.util.find_spec("jupyter_book") is None:
        pytest.skip("jupyter-book is not installed (extra: book)")
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent  # the workers of one run build one book
    return build_once(shared / "built-book")


@functools.cache
def build_once(folder):
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "build.json"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            ended = build(ROOT, folder)
            done.write_text(json.dumps([ended.returncode, ended.stdout]), encoding="utf-8")
    return Book(folder / "_build" / "html", *json.loads(done.read_text(encoding="utf-8")))


def build(source, target):
    """Build strictly: a warning is an error, a dangling reference is a warning."""
    program = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", program, "build", str(source)]
    command += ["--path-output", str(target), "-W", "-n", "--keep-going"]
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "NO_COLOR": "1",
        "CS_INFER_EXECUTION_CACHE": str(target / "cache"),
    }
    return subprocess.run(
        command,
        cwd=source,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=900,
        check=False,
    )


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no Chromium on PATH (looked for {', '.join(NAMES)})")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        yield running
        running.close()


class Visit:
    """A page opened from the disk with the network off, and what went wrong on it."""

    def __init__(self, browser, path, *, width=1440, mode="light"):
        self.outside, self.errors = [], []
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=mode
        )
        self.context.route("**/*", self._let_through)
        self.page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(Path(path).as_uri(), wait_until="load")
        self.page.evaluate("window.MathJax?.startup?.promise?.then(() => true)")

    def _let_through(self, route):
        if route.request.url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def _heard(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()
