"""The interlock: what must hold before a drill may touch a server, and what must hold again when it has.

Until it is whole, a drill runs only on a server that says itself that it is a lab. It hands out the `Operator`; there
is no other way to one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from runbook import journal, rights
from runbook.look import Look
from runbook.operator import Operator
from runbook.outcome import Undetermined
from runbook.question import Command

LAB_MARK = "/etc/psyfit-lab"
STATE = Command(
    f"id -u; [ -f {LAB_MARK} ] && echo lab || echo other; "
    f"if cd {journal.FOLDER} 2>/dev/null; then ls journal; "
    "[ ! -e lock ] || flock --nonblock lock true || echo held; fi",
    needs=rights.ROOT,
)


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


def engage(operator: Operator, steady_state: Callable[[Look], SteadyState]) -> SteadyState:
    """Take the target's lock for a drill; returns the steady state that must hold again at its end.

    Raises:
        Refused: Something is missing; all of it is named.
        Undetermined: It could not be told whether the drill may run.
    """
    look = operator.look()
    before = look.see(steady_state)
    missing = (*_missing(look), *before.wrong)
    if missing:
        raise Refused(missing)
    try:
        operator.hold()
    except Undetermined as error:
        raise Refused((error.reason,)) from None
    return before


def _missing(look: Look) -> tuple[str, ...]:
    account, server, *entries = look.ask(STATE).required("what the server says of drills").lines
    found = []
    if server != "lab":
        found.append(f"the server does not say that it is a lab ({LAB_MARK} is not there)")
    if account != "0":
        found.append("the account does not become root (key ssh.become of the target)")
    if "held" in entries:
        found.append("another drill holds the target's lock")
    elif entries:
        heal = f"`runbook recover --target {look.target.name}` undoes them"
        found.append(f"a drill has left {len(entries)} changes to undo: {heal}")
    return tuple(found)
