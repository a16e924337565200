"""What a recovery says while it undoes, line by line, and what came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runbook.drill.journal import PATIENCE_SECONDS
from runbook.model.action import SOMEBODY_ELSE
from runbook.model.question import Output

_BEGIN = re.compile(r"begin: (\d{1,4}) to undo, at most (\d{1,6}) s")
_END = re.compile(r"end: (\d+) undone, (\d+) interfered, (\d+) failed")
_ENTRY = re.compile(r"(undone|interfered|failed) (\d+\.sh) ?(.*)")


@dataclass(frozen=True)
class UndoResult:
    """What came of one undo.

    Attributes:
        status: ``undone``, ``interfered`` (somebody else had changed it, and it was let be) or ``failed``.
        entry: Its name in the journal.
        said: The last line that it said.
    """

    status: str
    entry: str
    said: str

    def __str__(self) -> str:
        return f"{self.status}: {self.entry} {self.said}".rstrip()


@dataclass(frozen=True)
class Recovery:
    """What came of all that was open.

    Attributes:
        entries: In the order in which they were undone, newest first.
        ended_before: Whether somebody else's recovery had ended the drill that undoes itself here.
    """

    entries: tuple[UndoResult, ...]
    ended_before: bool = False


def seconds_in(line: str) -> float | None:
    """How long what follows may take, where this is the line with which a recovery begins."""
    begun = _BEGIN.fullmatch(line.strip())
    return float(begun[2]) + PATIENCE_SECONDS if begun else None


def in_words(line: str) -> str | None:
    """A line of a recovery as it is shown to a person; None where it says nothing that a person is not told anyway."""
    begun = _BEGIN.fullmatch(line)
    if _END.fullmatch(line) or (begun and int(begun[1]) == 0):
        return None
    told = _ENTRY.fullmatch(line)
    return str(_undone(told)) if told else line


def read_recovery(output: Output) -> Recovery:
    """What came of each entry.

    Raises:
        ValueError: It does not end as a recovery ends, so nobody knows what was undone; or it is something else.
    """
    *lines, last = output.lines or ("",)
    ended = _END.fullmatch(last)
    if ended is None:
        said = (output.err.strip() or last or "nothing").splitlines()[-1]
        raise ValueError(f"it did not finish (status {output.status}) and said last: {said}")
    found = tuple(_undone(told) for line in lines if (told := _ENTRY.fullmatch(line)))
    counted = tuple(sum(one.status == word for one in found) for word in ("undone", "interfered", "failed"))
    if counted != tuple(int(count) for count in ended.groups()):
        raise ValueError(f"its lines are not those that it counts: {last}")
    return Recovery(found, any(line.startswith("ended: ") for line in lines))


def _undone(told: re.Match[str]) -> UndoResult:
    word, entry, said = told.groups()
    return UndoResult(word, entry, said.removeprefix(SOMEBODY_ELSE))
