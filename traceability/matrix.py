"""The account: each line of the runbook beside its entry in the table, and what is new, changed or gone since."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import zip_longest

from traceability.runbook_lines import Line
from traceability.table import Entry


class State(StrEnum):
    """What became of a line."""

    BY_SCENARIOS = "by scenarios"
    ASIDE = "aside"
    NO_SCENARIO = "no scenario"
    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"


SETTLED = (State.BY_SCENARIOS, State.ASIDE)


@dataclass(frozen=True)
class Accounted:
    """One line of the runbook, or one that was there.

    Attributes:
        line: As it stands there; None where it is gone.
        entry: What the table has of it; None where it is new.
        missing: Ids in its entry that are no scenario's.
    """

    state: State
    line: Line | None
    entry: Entry | None
    missing: tuple[str, ...] = ()

    @property
    def section(self) -> str:
        """The section that it stands in, or stood in."""
        return self.line.section if self.line else self.entry.section if self.entry else ""

    @property
    def settled(self) -> bool:
        """Whether it is accounted for."""
        return self.state in SETTLED


def account(lines: Sequence[Line], entries: Sequence[Entry], ids: Collection[str]) -> tuple[Accounted, ...]:
    """Every line and every entry, section by section in the runbook's order."""
    sections = dict.fromkeys([*(one.section for one in lines), *(one.section for one in entries)])
    return tuple(
        accounted
        for section in sections
        for accounted in _of_section(
            [one for one in lines if one.section == section], [one for one in entries if one.section == section], ids
        )
    )


def _of_section(lines: Sequence[Line], entries: Sequence[Entry], ids: Collection[str]) -> Iterator[Accounted]:
    """What stands where another line stood is that line, changed; one line may stand in a section twice."""
    alike = SequenceMatcher(None, [one.digest for one in entries], [one.digest for one in lines], autojunk=False)
    for word, entry_from, entry_to, line_from, line_to in alike.get_opcodes():
        there = zip_longest(lines[line_from:line_to], entries[entry_from:entry_to])
        for line, entry in there:
            if word == "equal" and entry:
                yield _known(line, entry, ids)
            else:
                state = State.GONE if line is None else State.NEW if entry is None else State.CHANGED
                yield Accounted(state, line, entry)


def _known(line: Line | None, entry: Entry, ids: Collection[str]) -> Accounted:
    missing = tuple(one for one in entry.by if one not in ids)
    if entry.by and not missing:
        return Accounted(State.BY_SCENARIOS, line, entry)
    return Accounted(State.ASIDE if entry.aside and not missing else State.NO_SCENARIO, line, entry, missing)
