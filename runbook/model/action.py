"""Actions: all that a drill can do to a server, as frozen values, each with the sentence that undoes it.

An action is to a drill what a question is to a check: declared at module level, a template over the target's facts and
over what was seen, so that `drill --plan` can print it and a test can read it. Nothing is done without its undo, which
stands in the journal on the server before the act begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from runbook.model.template import Facts, render_shell


@dataclass(frozen=True)
class Action:
    """One change of a server.

    Attributes:
        script: Template of the shell text that does it, run as root by sh; ``{name}`` stands for a fact or a value of
            `with_values`, quoted for the shell. What must not stand in a process list comes through its standard input.
        undo: Template of the shell text that undoes it. It is right to run twice, also where the act never began, and
            sets only what is as the act left it. Where somebody else has changed that meanwhile, its last line
            begins with `SOMEBODY_ELSE` and says what it saw, and it exits with `INTERFERED`: only on a finding, never
            because a command of its own has failed.
        seconds: How long the act may take; the server itself ends it then.
        undo_seconds: How long its undo may take.
        confined: It changes nothing but what an earlier act has made, and ends with that: no undo has to wait for it.
    """

    script: str
    undo: str
    seconds: float = 30.0
    undo_seconds: float = 30.0
    confined: bool = False
    values: tuple[tuple[str, str | tuple[str, ...]], ...] = ()

    def with_values(self, **values: str | Sequence[str]) -> Action:
        """The same act with values that an observation told."""
        frozen = ((name, value if isinstance(value, str) else tuple(value)) for name, value in values.items())
        return replace(self, values=(*self.values, *frozen))

    def template(self) -> Action:
        """The act as it was declared."""
        return replace(self, values=())

    def render(self, facts: Facts) -> str:
        """The shell text; values that are not known yet (in a plan) stand as ``<name>``."""
        return render_shell(self.script, {**facts, **dict(self.values)})

    def render_undo(self, facts: Facts) -> str:
        """The shell text of its undo."""
        return render_shell(self.undo, {**facts, **dict(self.values)})


SOMEBODY_ELSE = "interfered: "
INTERFERED = 3
"""Exit status of an undo that found something else than the act had left, and let it be."""
