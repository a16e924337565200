"""A run's record: what was asked, what came of it. The one source of every report; `run.json` is this, verbatim."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import model_validator

from runbook.model.changes import Changes
from runbook.model.outcome import Outcome, ReasonCode
from runbook.model.recorded import Recorded

Severity = Literal["critical", "major", "minor"]
Vantage = Literal["inside", "outside"]
SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor")


class Verdict(StrEnum):
    """What a run comes to, with the words in which a reader is told."""

    NOTHING_RUN = "nothing was run"
    AS_IT_SAYS = "as the runbook says"
    NOT_AS_IT_SAYS = "not as the runbook says"
    UNDETERMINED = "could not be determined"
    INCOMPLETE = "incomplete"
    SAFE = "safe to deploy"
    NOT_SAFE = "not safe to deploy"
    NOT_KNOWN_TO_BE_SAFE = "undetermined: do not deploy"
    LET_THROUGH = "let through by an override"


class Difference(Recorded):
    """What a failing sentence says: expected, seen, and the runbook's section to go to."""

    expected: str
    seen: str
    go_to: str


class Step(Recorded):
    """One sentence of a scenario.

    ``outcome`` is None for a sentence that was not reached. ``evidence`` are sequence numbers of the run's exchanges.
    """

    keyword: str
    text: str
    outcome: Outcome | None
    seconds: float
    difference: Difference | None = None
    reason: str | None = None
    evidence: tuple[int, ...] = ()


class Measurement(Recorded):
    """One thing that a drill measured, with its unit; ``within`` is None where there is no objective for it."""

    name: str
    value: str
    objective: str | None = None
    within: bool | None = None


class Series(Recorded):
    """One line of a timeline: how often a thing was seen in each bin; ``lost`` is true of what went wrong."""

    name: str
    counts: tuple[int, ...]
    lost: bool = False

    @model_validator(mode="before")
    @classmethod
    def _was_known_by_its_name(cls, given: Any) -> Any:
        """Records from before there was ``lost`` call that series so, and no other."""
        return {"lost": given.get("name") == "lost", **given} if isinstance(given, dict) else given


class Timeline(Recorded):
    """What a drill saw over time, from its beginning on, in bins of ``bin_seconds``."""

    title: str
    bin_seconds: float
    series: tuple[Series, ...]


HowItRan = Literal["completed", "stopped", "interrupted", "refused", "not started"]


class Scenario(Recorded):
    """One scenario and its outcome. A drill also tells how it ran, apart from what it showed.

    ``reason`` is for people; what a program goes by stands in ``reason_code``, ``missing_right`` and ``because``.
    ``because`` is the id of the scenario on which this one stands, where that one's outcome decided this one's.
    ``internal_error`` is true where the suite itself broke: its outcome is then undetermined.
    """

    id: str
    name: str
    section: str
    section_title: str
    file: str
    line: int
    severity: Severity
    kind: Literal["check", "drill"]
    tags: tuple[str, ...]
    outcome: Outcome
    reason: str | None = None
    reason_code: ReasonCode | None = None
    missing_right: str | None = None
    because: str | None = None
    own_fault: bool = False
    started: datetime
    seconds: float
    steps: tuple[Step, ...]
    how_it_ran: HowItRan | None = None
    figures: tuple[Measurement, ...] = ()
    timelines: tuple[Timeline, ...] = ()


class Exchange(Recorded):
    """One exchange with the server, redacted: the question, and the answer or why none came.

    ``status`` is a command's exit status or an HTTP status; None where no answer came, and ``error`` then says why.
    ``previous`` and ``digest`` chain the exchanges by SHA-256, in the order in which they were written.
    """

    sequence: int
    question: str
    asked: str
    vantage: Vantage
    started: datetime
    seconds: float
    status: int | None
    answer: str
    errors: str
    error: str | None
    truncated: bool
    previous: str
    digest: str


class Override(Recorded):
    """Somebody lets a deploy through although something failed. What could not be told still blocks it."""

    reason: str
    by: str


class Origin(Recorded):
    """Who ran what, from where: enough to run it again.

    ``commit`` and ``uncommitted_changes`` are None where git could not tell them.
    """

    command: str
    operator: str
    runner: str
    suite_version: str
    commit: str | None
    uncommitted_changes: bool | None
    python: str


class Server(Recorded):
    """The target as it was when it was looked at."""

    name: str
    environment: Literal["lab", "staging", "production"]
    address: str
    domain: str
    account: str
    clock_offset_seconds: float | None


class OpenJournal(Recorded):
    """What a drill has left to undo on the server, or would: whatever is seen meanwhile may be its doing.

    Attributes:
        drill: Its name; None where the journal does not say it. The same holds for ``by``.
        since: When it began; where the journal does not say it, when the oldest change was registered.
        changes: How many wait to be undone.
        under_way: Whether its heart has beaten just now; else it was killed or cut off.
        heal: The command that undoes them from here, and the one on the server itself.
    """

    drill: str | None
    by: str | None
    since: datetime
    changes: int
    under_way: bool
    heal: tuple[str, str]

    def sentence(self) -> str:
        """What a person has to know before anything else."""
        name = f"the drill {self.drill}" if self.drill else "a drill"
        whose = f"{name}, started {self.since:%Y-%m-%d %H:%M:%S %Z} by {self.by or 'somebody unknown'}"
        changes = f"{self.changes} change{'s' if self.changes > 1 else ''}"
        here, there = self.heal
        if self.under_way:
            return (
                f"A drill is in progress on this server: {whose}. What is seen now may be its doing. "
                f"If it was killed, `{here}` from here undoes it, or {there} on the server."
            )
        wait = "waits" if self.changes == 1 else "wait"
        return (
            f"A drill was left open on this server: {whose}; {changes} {wait} to be undone. "
            f"Heal it first: `{here}` from here, or {there} on the server."
        )


class Control(Recorded):
    """One control that the runbook supports evidence for, as the suite's own table had it.

    Attributes:
        beyond: What of it no scenario looks at.
        sections: The sections that support evidence for it, and how many scenarios the suite has for each.
    """

    framework: str
    id: str
    title: str
    beyond: str
    sections: dict[str, int]


class Run(Recorded):
    """Everything that a report needs to know of one run.

    ``line`` says what the server looks like from outside; None where no line to it failed. ``changes`` is None where
    nobody looked for an earlier run. ``journal`` is what a drill has left open there; None where nothing is open, or it
    could not be told. ``own_faults`` is what broke of the suite beside its scenarios, one sentence each.
    ``evidence_incomplete`` says why ``evidence.jsonl`` does not hold all of ``exchanges``; None where it does.
    """

    schema_version: Literal[1] = 1
    id: str
    kind: Literal["verify", "triage", "gate", "drill", "rehearse"]
    server: Server
    origin: Origin
    override: Override | None = None
    started: datetime
    ended: datetime
    exit_code: int
    selected: int
    collected: int
    line: str | None = None
    journal: OpenJournal | None = None
    scenarios: tuple[Scenario, ...]
    exchanges: tuple[Exchange, ...]
    controls: tuple[Control, ...] = ()
    changes: Changes | None = None
    own_faults: tuple[str, ...] = ()
    evidence_incomplete: str | None = None

    def counts(self) -> dict[Outcome, int]:
        """How many scenarios came to each outcome, every outcome named, in the order of `Outcome`."""
        found = Counter(scenario.outcome for scenario in self.scenarios)
        return {outcome: found[outcome] for outcome in Outcome}

    def saw_all(self) -> bool:
        """Whether every scenario came to an outcome, and what broke of the suite broke beside them."""
        return bool(self.own_faults) and len(self.scenarios) >= self.selected
