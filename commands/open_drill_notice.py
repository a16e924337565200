"""What every command that contacts a server says first: that a drill has left something open there.

A run of the features says it by itself; this is for the commands that ask in another way.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from runbook.drill import journal
from runbook.model.outcome import Undetermined
from runbook.model.question import Output
from runbook.observation.observer import Observer
from runbook.observation.snapshot import reading
from runbook.suite.terminal import say_journal


def asked(observer: Observer, given: str) -> Callable[[], None]:
    """Ask what is open, with whatever is asked next; the returned function waits for the answer and says it.

    Args:
        observer: What asks.
        given: What ``--target`` was given, for the command that heals.
    """
    waiting = observer.put(journal.OPEN)
    return lambda: _say(lambda: waiting().required(), given)


def say(output: Output, given: str, what: str = "") -> None:
    """Say it where the answer is there; ``what`` stands before it."""
    _say(lambda: output, given, what)


def _say(answer: Callable[[], Output], given: str, what: str = "") -> None:
    console = Console(highlight=False)
    try:
        with reading("the journal of drills"):
            left = journal.read_open(answer(), given)
    except Undetermined as error:
        say_journal(console, None, error)
        return
    if left is not None and what:
        console.print(what, markup=False, end=" ")
    say_journal(console, left)
