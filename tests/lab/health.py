"""Whether a lab is known to be healthy, so that no test fails because of the one before it.

It is known where a whole look at it has passed after the last test that could have changed it, or where its state is
the one that it had after such a look (`tests.lab.state`). Every test that uses a lab is taken for one that could have,
unless it is marked ``only_looks`` or has ended with a whole look itself (`Labs.whole_look`). A test that has failed is
taken for one whatever it says of itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import SubprocessError

from lab import LabError, fault_helpers, faults
from lab.server import Server
from runbook.model.outcome import Outcome
from runbook.model.record import Scenario
from tests.lab.looking import runbook, verified
from tests.lab.state import state_of
from tests.lab.warm import warm

RECOVERED_SECONDS = 60.0
NOTHING_STARTS = '[ -z "$(docker ps --quiet --filter health=starting --filter health=unhealthy)" ]'


class Unhealthy(Exception):
    """A lab is not healthy and cannot be made so; the sentence names the test that had it before."""


@dataclass
class Known:
    """What is known of one lab.

    Attributes:
        changed_by: The test that could have changed it since it was last known to be healthy; None where none could.
        state: Its state while it was known to be healthy; None where that was not taken since the last whole look.
        held: Why it is left as it is between two tests, where a fixture of theirs has broken it for both.
    """

    changed_by: str | None
    state: str | None = None
    held: str | None = None


@dataclass
class Labs:
    """The labs that stand, by the name of their fixture, and what had to be done between the tests.

    Attributes:
        well: Looks at a lab as a whole; returns what is wrong, or an empty text.
        state: Its state, of which only is asked whether it is the same.
        mend: Takes off whatever a test may have left.
        told: One line for each time that a lab was not as it should be between two tests.
    """

    well: Callable[[Server], str]
    state: Callable[[Server], str]
    mend: Callable[[Server], None]
    standing: dict[str, Server] = field(default_factory=dict)
    known: dict[str, Known] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    _ended_healthy: set[str] = field(default_factory=set)

    @contextmanager
    def stands(self, name: str, server: Server, before: str) -> Iterator[Server]:
        """Hand a lab out after a first look at it, for as long as it stands.

        Raises:
            Unhealthy: It is not healthy from the start.
        """
        if wrong := self.well(server):
            raise Unhealthy(f"the lab {server.name} was not healthy before its first test ({before}): {wrong}")
        self.standing[name], self.known[name] = server, Known(None, self.state(server))
        try:
            yield server
        finally:
            del self.standing[name], self.known[name]

    def whole_look(self, server: Server) -> str:
        """A test's own last act: what is wrong with its lab, or an empty text, and then there is no look after it."""
        wrong = self.well(server)
        if not wrong:
            self._ended_healthy.update(name for name, one in self.standing.items() if one.name == server.name)
        return wrong

    @contextmanager
    def held_broken(self, server: Server, why: str) -> Iterator[None]:
        """Leave a lab as it is between tests that share what was done to it."""
        names = [name for name, one in self.standing.items() if one.name == server.name]
        for name in names:
            self.known[name].held = why
        try:
            yield
        finally:
            for name in names:
                self.known[name] = Known(why)

    def was_used(self, test: str, names: set[str], *, passed: bool, only_looks: bool) -> None:
        """A test of these labs has ended."""
        for name in names & self.known.keys():
            if passed and name in self._ended_healthy:
                self.known[name] = Known(None)
            elif not (passed and only_looks):
                self.known[name].changed_by = test
        self._ended_healthy.clear()

    def beyond_mending(self, names: set[str]) -> str:
        """Look at these labs where that is due, and mend what is wrong; what is still wrong, or an empty text."""
        return " · ".join(sentence for name in sorted(names & self.known.keys()) if (sentence := self._still(name)))

    def _still(self, name: str) -> str:
        server, known = self.standing[name], self.known[name]
        if known.held:
            return ""
        if known.changed_by is not None and (known.state is None or known.state != self.state(server)):
            if wrong := self.well(server):
                self.told.append(f"the lab {server.name} was not healthy after {known.changed_by}: {wrong}")
                self.mend(server)
                if wrong := self.well(server):
                    return f"the lab {server.name} could not be healed after {known.changed_by}: {wrong}"
            known.state = None
        known.changed_by = None
        known.state = known.state or self.state(server)
        return ""


def well(server: Server) -> str:
    """A whole look at a lab, as its operator would: what is wrong, or an empty text."""
    with tempfile.TemporaryDirectory(prefix="healthy-") as folder:
        try:
            seen = verified(warm().runbook, server.state / "target.toml", Path(folder))
        except (AssertionError, OSError, SubprocessError) as error:
            return f"it could not be looked at: {error}"
    if seen.code == 0:
        return ""
    wrong = [one for one in seen.run.scenarios if one.outcome in (Outcome.FAILED, Outcome.UNDETERMINED)]
    return f"exit {seen.code}: " + "; ".join(_why(one) for one in wrong if one.because is None)


def _why(scenario: Scenario) -> str:
    seen = [step.difference.seen for step in scenario.steps if step.difference]
    return f"{scenario.id} {scenario.outcome}: {' '.join(seen) or scenario.reason}"


def mend(server: Server) -> None:
    """Take the faults off, undo what a drill has left, wait for the service; what that was worth a look tells."""
    with suppress(LabError):
        faults.heal(server)
    with suppress(SubprocessError):
        runbook("recover", "--target", str(server.state / "target.toml"))
    with suppress(LabError):
        fault_helpers.wait_until_well(server)
        server.wait_until(NOTHING_STARTS, seconds=RECOVERED_SECONDS, what="every container is healthy")


def used_by(fixtures: Mapping[str, object] | list[str]) -> set[str]:
    """The labs among the fixtures of a test."""
    return {"lab", "nginx_lab"} & set(fixtures)


LABS = Labs(well, state_of, mend)
"""The labs of this session."""
