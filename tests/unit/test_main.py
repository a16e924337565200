"""The command line is quick because it imports only what a command needs."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

from commands.main import app, run
from runbook.model import exits

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


def page(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str) -> str:
    """What stands on a command's own page, whatever the width of the terminal."""
    monkeypatch.setenv("COLUMNS", "100")
    assert run([command, "--help"]) == exits.COMPLIANT
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().out).split())


def test_the_help_of_verify_says_what_goes_to_pytest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = page(capsys, monkeypatch, "verify")
    assert "What follows `--` goes to pytest as it is: `runbook verify --target production -- -k disk`" in shown
    assert "[ARGS...]" in shown.partition("Verify")[0]


COMMANDS = {name for name in app if not name.startswith("-") and name != "lab"}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_page_of_a_command_is_its_whole_docstring(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = inspect.getdoc(app[name].default_command) or ""
    assert " ".join(written.split()) in page(capsys, monkeypatch, name)


def test_what_breaks_in_a_command_is_ours_and_says_where(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("no chapter")

    monkeypatch.setattr("runbook.suite.features.read", broken)
    assert run(["show"]) == exits.INTERNAL_ERROR
    said = capsys.readouterr().err
    assert re.fullmatch(r"an internal error of the suite at .*/test_main\.py:\d+: RuntimeError: no chapter\n", said)


def test_a_command_that_is_interrupted_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("runbook.suite.features.read", interrupted)
    assert run(["show"]) == exits.INTERRUPTED
    assert capsys.readouterr().err == "Interrupted\n"
