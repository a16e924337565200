"""A run's record: what was asked, what came of it. The one source of every report; `run.json` is this, verbatim."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, model_validator

from runbook.outcome import Outcome, ReasonCode

Severity = Literal["critical", "major", "minor"]
Vantage = Literal["inside", "outside"]
SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor")
ChangeKind = Literal[
    "newly failing",
    "newly undetermined",
    "healed",
    "otherwise changed",
    "still failing",
    "still undetermined",
    "only in this run",
    "only in that run",
]
CHANGE_KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)


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


_SURROGATES = re.compile("[\ud800-\udfff]")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _takes_any_text(cls, given: Any) -> Any:
        """Half a character is one legal string in JSON and in Python, and no file or screen can hold it."""
        return {name: sound(value) for name, value in given.items()} if isinstance(given, dict) else given


def sound(value: Any) -> Any:
    """The value; of a text, or several, what stands for no character replaced."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value)
    return tuple(map(sound, value)) if isinstance(value, tuple) else value


class Difference(_Model):
    """What a failing sentence says: expected, seen, and the runbook's section to go to."""

    expected: str
    seen: str
    go_to: str


class Step(_Model):
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


class Figure(_Model):
    """One thing that a drill measured, with its unit; ``within`` is None where there is no objective for it."""

    name: str
    value: str
    objective: str | None = None
    within: bool | None = None


class Series(_Model):
    """One line of a timeline: how often a thing was seen in each bin; ``lost`` is true of what went wrong."""

    name: str
    counts: tuple[int, ...]
    lost: bool = False

    @model_validator(mode="before")
    @classmethod
    def _was_known_by_its_name(cls, given: Any) -> Any:
        """Records from before there was ``lost`` call that series so, and no other."""
        return {"lost": given.get("name") == "lost", **given} if isinstance(given, dict) else given


class Timeline(_Model):
    """What a drill saw over time, from its beginning on, in bins of ``bin_seconds``."""

    title: str
    bin_seconds: float
    series: tuple[Series, ...]


HowItRan = Literal["completed", "stopped", "interrupted", "refused", "not started"]


class Scenario(_Model):
    """One scenario and its outcome. A drill also tells how it ran, apart from what it showed.

    ``reason`` is for people; what a program goes by stands in ``reason_code``, ``missing_right`` and ``because``.
    ``because`` is the id of the scenario on which this one stands, where that one's outcome decided this one's.
    ``own_fault`` is true where the suite itself broke: its outcome is then undetermined.
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
    figures: tuple[Figure, ...] = ()
    timelines: tuple[Timeline, ...] = ()


class Exchange(_Model):
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


class Override(_Model):
    """Somebody lets a deploy through although something failed. What could not be told still blocks it."""

    reason: str
    by: str


class Origin(_Model):
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


class Server(_Model):
    """The target as it was when it was looked at."""

    name: str
    environment: Literal["lab", "staging", "production"]
    address: str
    domain: str
    account: str
    clock_offset_seconds: float | None


class OpenJournal(_Model):
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


class Control(_Model):
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


class Change(_Model):
    """One scenario beside the run before.

    Attributes:
        before: What it came to then; None where that run did not have it.
        now: What it came to now; None where this run does not have it.
        since: When the first run began that came to the same, and all between that one and this; of what failed or
            could not be told both times.
    """

    id: str
    name: str
    section: str
    before: Outcome | None
    now: Outcome | None
    since: datetime | None = None

    @property
    def kind(self) -> ChangeKind:
        """The change in a word; "otherwise changed" is one between two outcomes that none of the others names."""
        if self.before is None:
            return "only in this run"
        if self.now is None:
            return "only in that run"
        again = self.before is self.now
        if self.now is Outcome.FAILED:
            return "still failing" if again else "newly failing"
        if self.now is Outcome.UNDETERMINED:
            return "still undetermined" if again else "newly undetermined"
        amiss = self.before in (Outcome.FAILED, Outcome.UNDETERMINED)
        return "healed" if amiss and self.now in (Outcome.PASSED, Outcome.ATTESTED) else "otherwise changed"


class Earlier(_Model):
    """The run that another is compared with; ``digest`` is the SHA-256 of its ``run.json``."""

    id: str
    started: datetime
    digest: str


class Changes(_Model):
    """What is different from the run before.

    Attributes:
        earlier: That run; None where there is none that can be compared.
        passed_over: Later runs that were not taken for it because they cannot be read, one sentence each.
        renamed: The scenarios that had another name then, one sentence each.
        scenarios: Those that came to something else, those that only one of the two runs has, and those that failed
            or could not be told both times.
    """

    earlier: Earlier | None
    passed_over: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    scenarios: tuple[Change, ...] = ()

    def by_kind(self) -> dict[ChangeKind, tuple[Change, ...]]:
        """The changes of each kind that occurs, in the order of `CHANGE_KINDS`."""
        found: dict[ChangeKind, list[Change]] = {kind: [] for kind in CHANGE_KINDS}
        for change in self.scenarios:
            found[change.kind].append(change)
        return {kind: tuple(changes) for kind, changes in found.items() if changes}

    def summary(self) -> str:
        """The changes in a few words: ``2 newly failing, 1 healed``."""
        return ", ".join(f"{len(changes)} {kind}" for kind, changes in self.by_kind().items()) or "nothing changed"


class Run(_Model):
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

    def deciding(self) -> tuple[Scenario, ...]:
        """The scenarios on which the verdict and the exit code rest: all, but before a deploy those of the gate."""
        return tuple(one for one in self.scenarios if decides(self.kind, one))

    def let_through(self) -> tuple[Scenario, ...]:
        """The scenarios that failed and, by an override, do not block."""
        return tuple(one for one in self.deciding() if self.override and one.outcome is Outcome.FAILED)

    def verdict(self) -> Verdict:
        """What the run comes to: the first thing a reader sees."""
        if self.kind == "gate":
            return self._gate_verdict()
        counts = self.counts()
        if counts[Outcome.FAILED]:
            return Verdict.NOT_AS_IT_SAYS
        if counts[Outcome.UNDETERMINED] or not self.scenarios:
            return Verdict.UNDETERMINED
        if self.exit_code and not self.saw_all():
            return Verdict.INCOMPLETE
        return Verdict.AS_IT_SAYS

    def saw_all(self) -> bool:
        """Whether every scenario came to an outcome, and what broke of the suite broke beside them."""
        return bool(self.own_faults) and len(self.scenarios) >= self.selected

    def _gate_verdict(self) -> Verdict:
        outcomes = {one.outcome for one in self.deciding()}
        if Outcome.FAILED in outcomes and self.override is None:
            return Verdict.NOT_SAFE
        if Outcome.UNDETERMINED in outcomes or not outcomes:
            return Verdict.NOT_KNOWN_TO_BE_SAFE
        if self.exit_code:
            return Verdict.INCOMPLETE
        return Verdict.LET_THROUGH if self.let_through() else Verdict.SAFE

    def explained(self) -> tuple[tuple[Scenario, tuple[Scenario, ...]], ...]:
        """Each cause, worst first, with the other scenarios that could not be told because of it.

        A cause is a failed or undetermined scenario that does not follow from another; of several that could not be
        told for one and the same reason the worst stands for all. What stands on one of them, at any depth, follows.
        The time that this takes grows with the number of scenarios, however many of them are causes.
        """
        alike: dict[str, list[Scenario]] = {}
        for scenario in self._open_ones():
            alike.setdefault(_reason_of(scenario), []).append(scenario)
        standing_on: dict[str, list[Scenario]] = {}
        for scenario in self.scenarios:
            if scenario.because is not None:
                standing_on.setdefault(scenario.because, []).append(scenario)
        return tuple((cause, _following(cause, same, standing_on)) for cause, *same in alike.values())

    def causes(self) -> tuple[Scenario, ...]:
        """The causes alone, worst first."""
        return tuple(cause for cause, _ in self.explained())

    def following(self, cause: Scenario) -> tuple[Scenario, ...]:
        """The scenarios that could not be told because of one of the causes."""
        return next((following for one, following in self.explained() if one is cause), ())

    def _open_ones(self) -> list[Scenario]:
        named = {scenario.id for scenario in self.scenarios}
        open_ones = [
            scenario
            for scenario in self.scenarios
            if scenario.outcome in (Outcome.FAILED, Outcome.UNDETERMINED)
            and (scenario.because is None or scenario.because not in named)
        ]
        return sorted(open_ones, key=lambda one: (not decides(self.kind, one), *_worst_first(one)))


def decides(kind: str, scenario: Scenario) -> bool:
    """Whether a run of this kind rests on this scenario; else it is shown beside."""
    return kind != "gate" or "gate" in scenario.tags


def _reason_of(scenario: Scenario) -> str:
    """What two undetermined scenarios have in common where one thing is the matter; a failed one stands alone."""
    if scenario.outcome is Outcome.FAILED:
        return scenario.id
    return f"right {scenario.missing_right}" if scenario.missing_right else f"reason {scenario.reason}"


def _following(
    cause: Scenario, same: list[Scenario], standing_on: Mapping[str, list[Scenario]]
) -> tuple[Scenario, ...]:
    found = {one.id: one for one in same}
    above = deque([cause, *same])
    while above:
        direct = [one for one in standing_on.get(above.popleft().id, ()) if one.id not in found]
        found.update({one.id: one for one in direct})
        above += direct
    return tuple(found.values())


def _worst_first(scenario: Scenario) -> tuple[int, int]:
    return (
        0 if scenario.outcome is Outcome.FAILED else 1,
        SEVERITIES.index(scenario.severity),
    )
