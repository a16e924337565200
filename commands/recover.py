"""``runbook recover``: undo what a drill has left on a server, from any machine."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from commands.pytest_runner import Server
from runbook.drill import journal
from runbook.drill.journal import recovery_log
from runbook.model import exits
from runbook.model.outcome import Undetermined
from runbook.model.question import Output
from runbook.model.target import Target
from runbook.model.target_file import load
from runbook.process import communicate, signals
from runbook.process.communicate import TooLate, TooMuch
from runbook.suite.terminal import clean
from runbook.transport.ssh import LINE_LOST, Connection

GOES_ON = "what was started continues on the server; run `runbook recover` again for the result"


def recover(*, target: Server) -> int:
    """Undo, newest first, what a drill that was killed or cut off has left. Right to run twice."""
    console = Console(highlight=False)
    try:
        output = _run(load(target), console)
        if refused := journal.refusal(output):
            console.print(Text(clean(refused)), soft_wrap=True)
            return exits.REFUSED
        undone = recovery_log.read_recovery(output).entries
    except (Undetermined, ValueError) as error:
        console.print(Text(clean(f"it is not known what is open now: {error}")), soft_wrap=True)
        return exits.UNDETERMINED
    failed = sum(one.status == "failed" for one in undone)
    interfered = sum(one.status == "interfered" for one in undone)
    beside = f", {interfered} left alone, because somebody else has changed it since" if interfered else ""
    done = f"{len(undone) - failed - interfered} undone{beside}, {failed} failed"
    console.print(Text(done if undone else "nothing was open"), soft_wrap=True)
    return exits.FAILED if failed else exits.COMPLIANT


def _run(target: Target, console: Console) -> Output:
    """Undo on the server, and say each line as it comes.

    Raises:
        Undetermined: There is no SSH connection to the server, or it did not come to an end in time.
    """

    def heard(line: str) -> float | None:
        if (words := recovery_log.in_words(line)) is not None:
            console.print(Text(clean(words)), soft_wrap=True)
        return recovery_log.seconds_in(line)

    connection = Connection(target)
    try:
        process = connection.start(journal.recovery())
        out, err = communicate.whole(process, b"", journal.recovery_seconds(()), heard)
    except (TooLate, TooMuch):
        raise Undetermined(f"it did not end in time; {GOES_ON}") from None
    except KeyboardInterrupt:
        console.print(Text(GOES_ON), soft_wrap=True)
        raise
    finally:
        with signals.deferred():
            connection.close()
    if process.returncode == LINE_LOST:
        raise Undetermined(f"the connection was lost: {err.strip()}")
    return Output(process.returncode, out, err)
