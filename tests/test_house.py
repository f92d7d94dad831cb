"""The house: the commands the README names exist, and the lock file is what it says it is."""

import re
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from cs_infer.cli import main

ROOT = Path(__file__).resolve().parents[1]
TRACKED = [
    ROOT / line
    for line in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
]


def locked(file="requirements.lock"):
    lines = (ROOT / file).read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [r for extra in project["optional-dependencies"].values() for r in extra]
    return [Requirement(r) for r in project["dependencies"] + extras]


def test_the_lock_file_holds_names_and_exact_versions_and_no_address():
    for line in [*locked(), *locked("requirements-bench.lock")]:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line), line


def test_the_lock_file_satisfies_what_the_project_declares():
    lines = [*locked(), *locked("requirements-bench.lock")]
    versions = {canonicalize_name(n): v for n, v in (line.split("==") for line in lines)}
    for requirement in declared():
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{name} is not locked; run: make lock"
        assert requirement.specifier.contains(versions[name]), f"{name} {versions[name]}"


def test_the_tests_run_on_the_locked_set():
    # This environment's own packages: setuptools, once imported, shows what it carries inside.
    here = distributions(path=[sysconfig.get_path("purelib")])
    installed = {canonicalize_name(d.metadata["Name"]): d.version for d in here}
    wrong = {}
    for name, version in (line.split("==") for line in locked()):
        found = installed.get(canonicalize_name(name), "missing").split("+")[0]
        if found != version:
            wrong[name] = f"{found}, locked {version}"
    assert not wrong


@pytest.mark.parametrize(
    "command", re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text())
)
def test_every_make_target_the_readme_names_exists(command):
    assert re.search(rf"^{command}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize(
    "command",
    sorted(set(re.findall(r"cs-infer ([a-z][a-z-]+)", (ROOT / "README.md").read_text()))),
)
def test_every_step_the_readme_names_has_a_help_text(command):
    shown = CliRunner().invoke(main, ["--course", str(ROOT), command, "--help"])
    assert shown.exit_code == 0
    assert len(shown.output.splitlines()) > 3


def test_the_readmes_python_runs():
    text = (ROOT / "README.md").read_text()
    space = {}
    exec("\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL)), space)
    policy = space["messages"].policy[0, 0]
    assert policy.sum() == pytest.approx(1)


def test_outside_a_course_the_command_says_so_in_one_line(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "cs_infer.cli", "grade"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert run.stderr.startswith("cs-infer: a course has nbgrader_config.py and solutions/")
    assert run.stderr.count("\n") == 1


def test_every_file_ends_with_a_newline_and_fits_on_a_page():
    for path in TRACKED:
        if path.suffix in {".py", ".md", ".toml", ".yml", ".js", ".css"} and path.is_file():
            text = path.read_text(encoding="utf-8")
            assert not text or text.endswith("\n"), path
            assert "\r" not in text, path


def test_continuous_integration_runs_the_readmes_test_command():
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert "make test" in (ROOT / "README.md").read_text()
