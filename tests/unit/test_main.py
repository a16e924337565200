"""The command line is quick because it imports only what a command needs."""

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

HEAVY = (
    *("_pytest", "pytest_bdd", "docker", "httpcore", "dns", "boto3", "botocore"),
    *("cryptography", "pydantic", "markdown_it", "jinja2", "gherkin"),
)
"""What takes long to import; `runbook --help` has 0.15 s."""


def imported(*arguments: str) -> set[str]:
    """What of the heavy ones a command line imports, in a process of its own."""
    code = (
        "import sys; from commands.main import run; code = run(sys.argv[1:]); "
        f"print('imported', *[one for one in {HEAVY!r} if one in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=30, check=True
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [(["--help"], set()), (["--version"], set()), (["show", "--help"], {"gherkin"}), (["show"], {"gherkin"})],
)
def test_a_command_imports_what_it_needs(arguments: list[str], needed: set[str]) -> None:
    assert imported(*arguments) == needed


def test_whoever_was_woken_finds_the_first_commands_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == exits.COMPLIANT
    listed = re.findall(r"^│ ([a-z]+) ", capsys.readouterr().out, re.MULTILINE)
    assert listed[:3] == ["triage", "show", "recover"]


def test_what_breaks_in_a_command_is_ours_and_says_where(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("no chapter")

    monkeypatch.setattr("runbook.features.read", broken)
    assert run(["show"]) == exits.OWN_FAULT
    said = capsys.readouterr().err
    assert re.fullmatch(r"the suite's own fault at .*/test_main\.py:\d+: RuntimeError: no chapter\n", said)


def test_a_command_that_is_interrupted_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("runbook.features.read", interrupted)
    assert run(["show"]) == exits.INTERRUPTED
    assert capsys.readouterr().err == "Interrupted\n"


# Where the lab's libraries are not installed


def test_they_are_what_the_extra_brings() -> None:
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
