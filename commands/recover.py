"""``runbook recover``: undo what a drill has left on a server, from any machine."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from commands.front import Server
from runbook import exits, journal
from runbook.connection import Connection
from runbook.outcome import Undetermined
from runbook.question import Output
from runbook.screen import clean
from runbook.target import Target, load

RECOVER_SECONDS = 120.0
SCRIPT = f"[ -d {journal.FOLDER} ] || exit 0; exec {journal.FOLDER}/recover.sh"


def recover(*, target: Server) -> int:
    """Undo, newest first, what a drill that was killed or cut off has left. Right to run twice."""
    console = Console(highlight=False)
    try:
        output = _run(load(target))
        undone = journal.read_recovery(output)
    except (Undetermined, ValueError) as error:
        console.print(Text(f"it could not be told what is open: {error}"), soft_wrap=True)
        return exits.UNDETERMINED
    if output.status == journal.REFUSED:
        console.print(Text(clean(output.err.strip())), soft_wrap=True)
        return exits.REFUSED
    for one in undone:
        console.print(Text(clean(f"{one.word}: {one.entry} {one.said}".rstrip())), soft_wrap=True)
    failed = [one for one in undone if one.word == "failed"]
    console.print(f"{len(undone) - len(failed)} undone, {len(failed)} failed" if undone else "nothing was open")
    return exits.FAILED if failed or output.status else exits.COMPLIANT


def _run(target: Target) -> Output:
    connection = Connection(target)
    try:
        return connection.run(SCRIPT, RECOVER_SECONDS).result()
    finally:
        connection.close()
