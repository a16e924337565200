"""What is different between two runs."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from runbook.model.outcome import Outcome
from runbook.model.recorded import Recorded

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


class Change(Recorded):
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


class Earlier(Recorded):
    """The run that another is compared with; ``digest`` is the SHA-256 of its ``run.json``."""

    id: str
    started: datetime
    digest: str


class Changes(Recorded):
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
