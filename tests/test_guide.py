"""The instructor's guide: every command on the page does what the page says."""

import csv
import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from guide_session import Command, commands, missing_lines, run

from cs_infer.cli import main
from cs_infer.judge.course import Course
from cs_infer.judge.sample_class import build_class
from cs_infer.judge.sandbox import sandbox_works

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
COMMANDS = commands(PAGE)
NAME = "graphical_model"
WORKS, WHY = sandbox_works()


# The class that the learning platform's zip holds: the file's name, and whose work it is.
FILES = {
    "almeidaana_2041_90001_graphical_model.ipynb": "honest-loops",
    "barnabela_2042_90002_graphical_model-1.ipynb": "no-dynamics",
    "chenlin_LATE_2043_90003_graphical_model.ipynb": "honest-vectorised",
    "diazeva_2044_90004_graphical_model.ipynb": "blank",
    "fischerjan_2045_90005_graphical_model.ipynb": "corrupt-file",
}
ROSTER = """Student,ID,SIS User ID,SIS Login ID,Section,graphical_model (77001)
    Points Possible,,,,,100
"Almeida, Ana",2041,s2041,ana@example.org,A,
"Barna, Bela",2042,s2042,bela@example.org,A,
"Chen, Lin",2043,s2043,lin@example.org,A,
"Diaz, Eva",2044,s2044,eva@example.org,A,
"Fischer, Jan",2045,s2045,jan@example.org,A,
"Novak, Petr",2046,s2046,petr@example.org,A,
"""


@pytest.fixture(scope="module")
def typed(tmp_path_factory):
    """The folder where the page's commands were typed, and what each of them came to."""
    if not WORKS or shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip(WHY or "there is no git, or no repository to clone")
    here = tmp_path_factory.mktemp("instructor")
    repository = _repository(here / "repository")
    _fill_downloads(here)
    (here / "desk").mkdir()

    def around(text):
        if text.startswith("git clone"):
            return f"{text.replace('REPOSITORY', str(repository))} && {_installed()}"
        return _visited(text, here) if text == "jupyter lab" else text

    environment = {"HOME": str(here), "CS_INFER_SECRET": "", "JUPYTER_CONFIG_DIR": str(here)}
    ended = run(COMMANDS, around, here / "desk", environment)
    return here, dict(zip(COMMANDS, ended, strict=True))


def _fill_downloads(home):
    """What an instructor gets from Canvas: all submissions as one zip, and the roster."""
    downloads, course = home / "Downloads", Course(ROOT)
    build_class(course.sample_class(NAME), course.release(NAME), home / "class")
    downloads.mkdir()
    (downloads / "roster.csv").write_text(ROSTER)
    with zipfile.ZipFile(downloads / "submissions.zip", "w") as archive:
        for name, student in FILES.items():
            archive.write(home / "class" / student / NAME / f"{NAME}.ipynb", name)
        archive.writestr("novakpetr_2046_90006_essay.pdf", b"%PDF-1.4")


def _visited(program, home):
    """A server's command, and a visit to formgrader, which must know the assignment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"token": "x", "open_browser": False, "allow_root": True, "port": port}
    (home / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": settings}))
    visit = home / "visit.py"
    visit.write_text(
        "import time, urllib.request as r\n"
        "for _ in range(120):\n"
        "    try:\n"
        f"        page = r.urlopen('http://127.0.0.1:{port}/formgrader/api/assignments?token=x')\n"
        f'        raise SystemExit(\'"name": "{NAME}"\' not in page.read().decode())\n'
        "    except OSError:\n"
        "        time.sleep(0.5)\n"
        "raise SystemExit('formgrader did not answer')\n"
    )
    return (
        f"{program} 2>{home}/server.log & server=$!; {sys.executable} {visit}; seen=$?; "
        "kill $server; wait $server; (exit $seen)"
    )


def _repository(folder):
    """The files of this working tree, as a repository to clone."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
    for step in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *step], cwd=folder, check=True)
    return folder


def _installed():
    """What `make environment` would install, which takes a network: this very environment."""
    binaries = shlex.quote(str(Path(sys.executable).parent))
    return (
        f"mkdir course/.venv && ln -s {binaries} course/.venv/bin && touch course/.venv/installed"
    )


RUNS = [pytest.mark.slow, pytest.mark.sandbox, pytest.mark.xdist_group("guide")]


@pytest.mark.parametrize(
    "command", [pytest.param(c, marks=RUNS, id=c.text.split("\n")[0][:70]) for c in COMMANDS]
)
def test_every_command_of_the_guide_does_what_the_page_says(typed, command):
    output, status = typed[1][command]
    assert status is not None, "a command before this one failed"
    assert status == 0, output[-3000:]
    assert missing_lines(command.shown, output) == [], output[-3000:]


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.xdist_group("guide")
def test_at_the_end_of_the_guide_a_class_is_graded_with_feedback(typed):
    here = typed[0]
    with open(here / "desk/course/canvas.csv", encoding="utf-8-sig") as file:
        rows = {row["Student"]: row["graphical_model (77001)"] for row in csv.DictReader(file)}
    assert {name: points for name, points in rows.items() if "Possible" not in name} == {
        "Almeida, Ana": "100",
        "Barna, Bela": "12",
        "Chen, Lin": "100",
        "Diaz, Eva": "0",
        "Fischer, Jan": "0",
        "Novak, Petr": "",
    }
    pages = (here / "desk/course/_build/nbgrader/feedback").glob(f"*/{NAME}/{NAME}.html")
    assert {page.parents[1].name for page in pages} == {"2041", "2042", "2043", "2044", "2045"}
    with tarfile.open(here / "desk/backup.tar.gz") as backup:
        assert {".grading-secret", "_build/nbgrader/gradebook.db"} <= set(backup.getnames())


def test_a_line_that_is_not_printed_is_noticed():
    output = "one  1.5 s\ntwo\n"
    assert missing_lines(("one … s", "two"), output) == []
    assert missing_lines(("two", "one … s"), output) == ["one … s"]
    assert missing_lines(("tw",), output) == ["tw"]


def test_after_a_command_that_fails_none_is_run(tmp_path):
    todo = [Command("echo a"), Command("false"), Command("touch b")]
    ended = run(todo, str, tmp_path, {})
    assert [e.status for e in ended] == [0, 1, None]
    assert not (tmp_path / "b").exists()


def test_the_guide_has_every_step_of_an_instructors_day():
    told = set(
        re.findall(r"^cs-infer ([a-z][a-z-]*)", "\n".join(c.text for c in COMMANDS), re.MULTILINE)
    )
    developers = {"course", "book"}
    assert told == set(main.commands) - developers
