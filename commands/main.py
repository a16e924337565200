"""The command ``runbook``."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from lab import LabError, NotInstalled, Refused
from runbook import __version__
from runbook.model import exits
from runbook.model.exits import UsageError
from runbook.process import signals, standard_streams

app = App(
    name="runbook",
    help="PsyFit's operations runbook, executable: verify and rehearse what it says of the server.",
    version=__version__,
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,  # it would end the process without a word
    help_format="plaintext",  # to read Markdown takes a fifth of the time until the help is there
)
# By name, so that a command imports only what it needs; by place, so that whoever was woken finds the first ones first.
app.command(
    "commands.triage:triage",
    name="triage",
    help="Show what is broken and what to do, within 10 seconds. Read-only.",
    sort_key=0,
)
app.command(
    "commands.show:show",
    name="show",
    help="Show what the runbook says, section by section, with the exact commands; no server is needed.",
    sort_key=1,
)
app.command(
    "commands.recover:recover",
    name="recover",
    help="Undo what a killed or interrupted drill left on a server.",
    sort_key=3,
)
app.command(
    "commands.verify:verify",
    name="verify",
    help="Verify that the server is as the runbook says. Read-only.",
    sort_key=4,
)
app.command(
    "commands.drill:drill",
    name="drill",
    help="Carry out a procedure of the runbook, then undo it: restore, rollback.",
    sort_key=6,
)
app.command(
    "commands.gate:gate",
    name="gate",
    help="Check whether it is safe to deploy now. Read-only.",
    sort_key=5,
)
app.command(
    "commands.rehearse:rehearse",
    name="rehearse",
    help="Run the whole runbook on a disposable server: lab up, report, lab down.",
    sort_key=8,
)
app.command(
    "commands.init:init",
    name="init",
    help="Inspect a server and write its target file; nothing on it is changed.",
    sort_key=7,
)
app.command(
    "commands.doctor:doctor",
    name="doctor",
    help="Show which permissions are missing and what cannot be checked without them.",
    sort_key=12,
)
app.command(
    "commands.lint:lint_all",
    name="lint",
    help="Check the runbook's own files for mistakes; no server is needed.",
    sort_key=10,
)
app.command(
    "commands.coverage:coverage",
    name="coverage",
    help="Show the scenarios and faults of each section, and which scenario covers each line of a runbook.",
    sort_key=11,
)
app.command(
    "commands.lab:app",
    name="lab",
    help="Make, break, heal and remove the disposable server.",
    sort_key=13,
)


def main() -> None:
    """Run the command line of this process and exit with its code, whoever still reads what it says."""
    standard_streams.open_all()
    signals.may_come()
    try:
        with standard_streams.lasting():
            code = run(sys.argv[1:])
        signals.may_come_no_more()
    except KeyboardInterrupt:  # it came when all was done
        code = exits.INTERRUPTED
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; returns its exit code (`runbook.model.exits`)."""
    try:
        _let_docstrings_speak(arguments)
        code = app(arguments, exit_on_error=False, result_action="return_value")
    except CycloptsError:
        return exits.WRONG_USE  # cyclopts has said what is wrong
    except (UsageError, NotInstalled) as error:
        return _said(str(error), exits.WRONG_USE)
    except Refused as error:
        return _said(str(error), exits.REFUSED)
    except LabError as error:
        return _said("\n".join(filter(None, (error.tail, str(error)))), exits.INTERNAL_ERROR)
    except KeyboardInterrupt:
        return _said("Interrupted", exits.INTERRUPTED)
    except Exception as error:
        from runbook.suite.run import internal_error  # what has broken has its engine loaded already

        return _said(internal_error(error), exits.INTERNAL_ERROR)
    return code if isinstance(code, int) else exits.COMPLIANT


def _let_docstrings_speak(arguments: Sequence[str]) -> None:
    """On a command's own page show its whole docstring, where cyclopts would repeat the one line of the list."""
    if not {"--help", "-h"}.isdisjoint(arguments):
        _, (_, *commands), _ = app.parse_commands(arguments)
        for command in commands:
            if command.default_command is not None:
                command.help = _in_whole_paragraphs(inspect.getdoc(command.default_command) or "")


def _in_whole_paragraphs(text: str) -> str:
    """The text without the line breaks within its paragraphs: cyclopts would keep each of them."""
    return re.sub(r"(?<!\n)\n(?![\n*])", " ", text)


def _said(sentence: str, code: int) -> int:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, highlight=False).print(Text(sentence), soft_wrap=True)
    return code


if __name__ == "__main__":
    main()
