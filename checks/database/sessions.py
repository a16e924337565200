"""What goes on in the database: its connections, and the sessions that work, wait, or hold a transaction open."""

from __future__ import annotations

import json
from dataclasses import dataclass

from checks.database import catalogue_sql
from checks.database.psql import in_database
from checks.formats.ages import Ago
from checks.formats.units import percent
from runbook.model.outcome import Undetermined
from runbook.observation.snapshot import Snapshot, reading

SESSIONS = in_database(catalogue_sql.SESSIONS)

DUMPING = "pg_dump"
"""What a backup calls its session: that it takes long is no trouble."""


@dataclass(frozen=True)
class Session:
    """Somebody else's session in the service's database.

    Attributes:
        state: What it does, in PostgreSQL's words: ``active``, ``idle``, ``idle in transaction``.
        query_seconds: How long ago its last query began.
        state_seconds: How long it has been doing what it does.
        waits_for: What it waits for; None where it does not wait.
        blocked_by: The processes whose locks it waits for.
    """

    pid: int
    state: str
    query_seconds: float
    state_seconds: float
    waits_for: tuple[str, str] | None
    application: str
    blocked_by: tuple[int, ...]

    @property
    def waits_for_lock(self) -> bool:
        """It waits for a lock on rows or tables; who waits for an advisory one has asked to wait for his turn."""
        return self.waits_for is not None and self.waits_for[0] == "Lock" and self.waits_for[1] != "advisory"

    @property
    def works(self) -> bool:
        """A query of it is running, and neither a backup's nor one that waits for a lock."""
        waits = self.waits_for is not None and self.waits_for[0] == "Lock"
        return self.state == "active" and not waits and self.application != DUMPING

    @property
    def holds_transaction(self) -> bool:
        """A transaction of it is open and it does nothing."""
        return self.state.startswith("idle in transaction")

    def __str__(self) -> str:
        return f"process {self.pid} ({self.application or 'without a name'})"


@dataclass(frozen=True)
class Sessions:
    """The database's connections.

    Attributes:
        allowed: How many there may be, without those that are kept for its superuser.
        taken: How many there are.
        others: The sessions in the service's database, without the one that asked.
    """

    allowed: int
    taken: int
    others: tuple[Session, ...]

    @property
    def taken_percent(self) -> float:
        """Of the connections that there may be."""
        return percent(self.taken, self.allowed)


def sessions(snapshot: Snapshot) -> Sessions:
    """The database's sessions, as it tells of them."""
    told = snapshot.ask(SESSIONS).required("the database's sessions")
    with reading("the database's sessions"):
        return read_sessions(told.out)


def read_sessions(text: str) -> Sessions:
    """Read the answer to `SESSIONS`.

    Raises:
        LookupError, TypeError, ValueError: It is another answer.
        Undetermined: The account may not see what others do.
    """
    allowed, taken, rows = json.loads(text)
    if int(allowed) <= 0 or int(taken) <= 0:  # the one that asks is one itself
        raise ValueError(f"{taken} of {allowed} connections are not counts")
    return Sessions(int(allowed), int(taken), tuple(_session(*row) for row in rows or ()))


def _session(
    pid: object,
    state: object,
    query_seconds: object,
    state_seconds: object,
    wait_type: object,
    wait: object,
    application: object,
    blocked_by: object,
) -> Session:
    if state is None:
        raise Undetermined("the database does not show this account what other sessions do")
    return Session(
        pid=int(str(pid)),
        state=str(state),
        query_seconds=_seconds(query_seconds),
        state_seconds=_seconds(state_seconds),
        waits_for=(str(wait_type), str(wait)) if wait_type is not None else None,
        application=str(application or ""),
        blocked_by=tuple(int(str(one)) for one in blocked_by) if isinstance(blocked_by, list) else (),
    )


def _seconds(value: object) -> float:
    """A session that has asked nothing yet has no time."""
    return 0.0 if value is None else Ago(float(str(value))).past("what a session of the database began").seconds
