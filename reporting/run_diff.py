"""What is different between two runs of one target: a plain function over their records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict

from runbook.model import renamed
from runbook.model.changes import Change, Changes, Earlier
from runbook.model.outcome import Outcome
from runbook.model.record import Run

AMISS = (Outcome.FAILED, Outcome.UNDETERMINED)
WORST_FIRST = (
    Outcome.FAILED,
    Outcome.UNDETERMINED,
    Outcome.WAIVED,
    Outcome.ATTESTED,
    Outcome.PASSED,
    Outcome.NOT_APPLICABLE,
)


class _Part(BaseModel):
    """A part of a record: what else stands in it is passed over unread, an exchange's answer of 64 Ki as well."""

    model_config = ConfigDict(frozen=True)


class PastScenario(_Part):
    id: str
    name: str
    section: str
    outcome: Outcome


class _PastChange(_Part):
    id: str
    since: AwareDatetime | None = None


class _PastChanges(_Part):
    scenarios: tuple[_PastChange, ...] = ()


class _PastServer(_Part):
    name: str


class Past(_Part):
    """What is read of an earlier run's record.

    Attributes:
        renamed: The scenarios that had another name then, one sentence each.
    """

    schema_version: Literal[1]
    id: str
    kind: str
    server: _PastServer
    started: AwareDatetime
    exit_code: int
    selected: int
    scenarios: tuple[PastScenario, ...]
    changes: _PastChanges | None = None
    renamed: tuple[str, ...] = ()

    def today(self) -> Past:
        """The same run with each scenario under its id of today."""
        listed = [one.model_copy(update={"id": renamed.scenario(one.id)}) for one in self.scenarios]
        old_names = renamed.sentences(one.id for one in self.scenarios)
        return self.model_copy(update={"scenarios": tuple(listed), "renamed": old_names})

    def since(self) -> Mapping[str, AwareDatetime]:
        """Of what was amiss before that run already: since when."""
        listed = self.changes.scenarios if self.changes else ()
        return {renamed.scenario(one.id): one.since for one in listed if one.since is not None}


class _Told(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def section(self) -> str: ...
    @property
    def outcome(self) -> Outcome: ...


_One = TypeVar("_One", bound=_Told)


def changes(now: Run, before: Past, *, digest: str, passed_over: Sequence[str] = ()) -> Changes:
    """The changes since ``before``, in the order of this run, then what only that one had.

    Since when something is amiss goes from record to record: that of the run before says it of what was amiss then,
    so that no older one has to be read.

    Args:
        now: This run.
        before: The run that it is compared with.
        digest: The SHA-256 of that run's ``run.json``.
        passed_over: Why later runs were not taken, one sentence each.
    """
    here, there = _by_id(now.scenarios), _by_id(before.scenarios)
    since = before.since()
    found = []
    for one in here.values():
        then = there[one.id].outcome if one.id in there else None
        still = then is one.outcome and then in AMISS
        if then is not one.outcome or still:
            first = since.get(one.id, before.started) if still else None
            found.append(
                Change(id=one.id, name=one.name, section=one.section, before=then, now=one.outcome, since=first)
            )
    found += [
        Change(id=gone.id, name=gone.name, section=gone.section, before=gone.outcome, now=None)
        for gone in there.values()
        if gone.id not in here
    ]
    return Changes(
        earlier=Earlier(id=before.id, started=before.started, digest=digest),
        passed_over=tuple(passed_over),
        renamed=before.renamed,
        scenarios=tuple(found),
    )


def _by_id(scenarios: Iterable[_One]) -> dict[str, _One]:
    """Each scenario once: of an outline the row that came off worst."""
    found: dict[str, _One] = {}
    for one in scenarios:
        other = found.get(one.id)
        if other is None or WORST_FIRST.index(one.outcome) < WORST_FIRST.index(other.outcome):
            found[one.id] = one
    return found
