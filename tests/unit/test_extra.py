"""Where the lab's libraries are not installed: who wants a lab is told how they come, and all else goes on."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from commands.main import run
from lab import extra
from runbook import exits


def test_the_labs_libraries_are_what_the_extra_brings() -> None:
    project = tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text())["project"]
    named = {re.split("[^a-z-]", one)[0] for one in project["optional-dependencies"]["lab"]}
    assert named == set(extra.LIBRARIES)


@pytest.mark.parametrize(
    "arguments",
    [["lab", "up"], ["lab", "down"], ["lab", "status"], ["lab", "shell"], ["lab", "heal"], ["rehearse"]],
    ids=" ".join,
)
def test_whoever_wants_a_lab_is_told_how_they_come(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        if name != "packaging":
            raise PackageNotFoundError(name)

    monkeypatch.setattr("lab.extra.distribution", missing)
    monkeypatch.setattr("lab.machine._answering", lambda: pytest.fail("the engine was asked"))
    assert run(arguments) == exits.WRONG_USE
    assert capsys.readouterr().err == (
        "a lab needs libraries that are not installed here (docker, flask, flask-cors, moto): "
        "`pip install --editable '.[lab]'` brings them\n"
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["show"], ["lab", "--help"], ["lab", "break", "--list"], ["coverage"]], ids=" ".join
)
def test_what_asks_no_lab_does_without_them(arguments: list[str]) -> None:
    code = (
        "import sys; sys.modules |= dict.fromkeys(('docker', 'flask', 'flask_cors', 'moto')); "
        "from commands.main import run; sys.exit(run(sys.argv[1:]))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (exits.COMPLIANT, "")
