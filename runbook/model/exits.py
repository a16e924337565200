"""Exit codes, decided in one place: under `runbook` and under plain `pytest` alike."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from runbook.model.outcome import Outcome


class Event(StrEnum):
    """What can befall a run besides the outcomes of its scenarios."""

    WRONG_USE = "usage error"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"
    INTERNAL_ERROR = "internal error"
    NOTHING_RUN = "nothing run"


class UsageError(Exception):
    """A command cannot begin with what it was given: one sentence that names it and says what was expected."""


COMPLIANT = 0
FAILED = 1
WRONG_USE = 2
UNDETERMINED = 3
REFUSED = 4
INTERNAL_ERROR = 70
INTERRUPTED = 130

_WORST_FIRST = (WRONG_USE, REFUSED, INTERRUPTED, FAILED, INTERNAL_ERROR, UNDETERMINED, COMPLIANT)


def exit_code(happened: Collection[Outcome | Event]) -> int:
    """The exit code of a run in which all this happened; the worst decides.

    Nothing run at all is wrong use: nothing found is never green.
    """
    if Event.WRONG_USE in happened or Event.NOTHING_RUN in happened or not happened:
        return WRONG_USE
    if Event.REFUSED in happened:
        return REFUSED
    if Event.INTERRUPTED in happened:
        return INTERRUPTED
    if Outcome.FAILED in happened:
        return FAILED
    if Event.INTERNAL_ERROR in happened:
        return INTERNAL_ERROR
    if Outcome.UNDETERMINED in happened:
        return UNDETERMINED
    return COMPLIANT


def worst(*codes: int) -> int:
    """Of several exit codes the one that decides, by the same order."""
    return min(codes, key=_WORST_FIRST.index)
