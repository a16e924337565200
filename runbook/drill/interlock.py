"""The interlock: what must hold before a drill may touch a server, and what must hold again when it has.

Until it is whole, a drill runs only on a server that says itself that it is a lab. It hands out the `DrillExecutor`;
there is no other way to one.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from runbook.drill import journal
from runbook.drill.executor import DrillExecutor, NotGiven
from runbook.model.question import Command
from runbook.observation.snapshot import Snapshot, reading

LAB_MARK = "/etc/psyfit-lab"
WHO = Command(f"id -u; [ -f {LAB_MARK} ] && echo lab || echo other")


class Refused(Exception):
    """The drill must not run: everything that is missing, in sentences. Nothing was touched."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        super().__init__("; ".join(missing))
        self.missing = missing


@dataclass(frozen=True)
class SteadyState:
    """What must be the same before and after a drill, and what is wrong with it now.

    Attributes:
        facts: What is compared, field by field, in words.
        wrong: Why no drill may begin from here, in sentences; nothing where the service is well.
    """

    facts: Mapping[str, str]
    wrong: tuple[str, ...] = ()

    def differs_from(self, before: SteadyState) -> tuple[str, ...]:
        """Each field that is not as it was."""
        names = {**before.facts, **self.facts}
        return tuple(
            f"{name}: {before.facts.get(name, 'nothing')} before, {self.facts.get(name, 'nothing')} after"
            for name in names
            if before.facts.get(name) != self.facts.get(name)
        )


def may_begin(snapshot: Snapshot, steady_state: Callable[[Snapshot], SteadyState], given: str) -> SteadyState:
    """The steady state from which a drill may begin, and which must hold again at its end; nothing is touched.

    Args:
        given: How the run was told of the target.

    Raises:
        Refused: Something is missing; all of it is named.
        Undetermined: It could not be told whether the drill may run.
    """
    before = snapshot.observe(steady_state)
    missing = (*_missing(snapshot, given or snapshot.target.name), *before.wrong)
    if missing:
        raise Refused(missing)
    return before


def acquire_lock(executor: DrillExecutor) -> None:
    """Take the server for a drill that may begin.

    Raises:
        Refused: Somebody else has it.
        Undetermined: It could not be told whether it was given.
    """
    try:
        executor.acquire_lock()
    except NotGiven as error:
        raise Refused((error.reason,)) from None


def _missing(snapshot: Snapshot, given: str) -> Iterator[str]:
    who, opened = snapshot.ask(WHO, journal.OPEN)
    with reading("what the server says of drills"):
        account, server = who.required("what the server says of drills").lines
        state = journal.read_state(opened)
    if server != "lab":
        yield f"the server is not marked as a lab ({LAB_MARK} is not there)"
    if account != "0":
        yield "the account cannot become root (key ssh.become of the target)"
    if state.held:
        yield "another drill holds the target's lock"
    elif state.changes:
        heal = f"`runbook recover --target {shlex.quote(given)}` undoes them"
        yield f"a drill has left {len(state.changes)} changes to undo: {heal}"
