"""The earlier runs of a target, as they lie beside a new one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from reporting.run_diff import Past, changes
from runbook.model.changes import Changes
from runbook.model.exits import COMPLIANT, FAILED, UNDETERMINED
from runbook.model.record import Run

RUNS_READ = 20
"""How far back it is looked for a run that can be compared."""

CAME_TO_ITS_END = (COMPLIANT, FAILED, UNDETERMINED)
_BEGUN = r"(?P<begun>\d{4}-\d\d-\d\dT\d{6}Z)"


class Unreadable(Exception):
    """A folder without a record that can be read: one sentence that names it."""


def changes_of(run: Run, reports: Path) -> Changes:
    """The run beside the newest earlier one of the same target and kind.

    That is one that came to its end and looked at more than half of what this one looked at: a look at one section is
    compared with the whole run before it, and the next whole run is not compared with the look at one section.
    """
    passed_over: list[str] = []
    try:
        folders = _earlier(run, reports)
    except OSError as error:
        return Changes(earlier=None, passed_over=(f"{reports} cannot be listed: {error.strerror}",))
    for folder in folders[:RUNS_READ]:
        try:
            past, digest = read(folder)
        except Unreadable as error:
            passed_over.append(str(error))
            continue
        if _can_be_compared(run, past):
            return changes(run, past, digest=digest, passed_over=passed_over)
    return Changes(earlier=None, passed_over=tuple(passed_over))


def read(folder: Path) -> tuple[Past, str]:
    """What is needed of a run's record, and the record's SHA-256.

    Raises:
        Unreadable: It is not there, cannot be read, or is no record of a schema that is known here.
    """
    try:
        record = (folder / "run.json").read_bytes()
        return Past.model_validate_json(record).today(), hashlib.sha256(record).hexdigest()
    except FileNotFoundError:
        raise Unreadable(f"{folder.name} has no run.json: that run was cut off, or is still running") from None
    except OSError as error:
        raise Unreadable(f"{folder.name}/run.json cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise Unreadable(f"{folder.name}/run.json is not a record of schema 1: {where}: {first['msg']}") from None


def _earlier(run: Run, reports: Path) -> Sequence[Path]:
    """The folders of earlier runs of this target and kind, newest first; a run's folder is named by `run.id`."""
    named = re.compile(rf"{_BEGUN}-{re.escape(f'{run.kind}-{run.server.name}')}(-(?P<number>\d+))?", re.ASCII)

    def place(name: str) -> tuple[str, int] | None:
        found = named.fullmatch(name)
        return (found["begun"], int(found["number"] or 1)) if found else None

    own = place(run.id)
    if own is None:
        return ()
    folders = {at: folder for folder in reports.iterdir() if (at := place(folder.name)) and at < own}
    return [folders[at] for at in sorted(folders, reverse=True)]


def _can_be_compared(run: Run, past: Past) -> bool:
    """Whether it was of the same target and kind, came to its end, and looked at most of what this one looked at.

    The folder's name alone does not tell: the second run of a target in one second is called as the first of another.
    """
    looked_at = {one.id for one in run.scenarios}
    return (
        (past.kind, past.server.name) == (run.kind, run.server.name)
        and past.started < run.started
        and past.exit_code in CAME_TO_ITS_END
        and len(past.scenarios) >= past.selected
        and 2 * len(looked_at & {one.id for one in past.scenarios}) > len(looked_at)
    )
