"""The backup is chosen and read through once, as a stream: it is whole, and of this database, before it is used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from checks.backups.backup_files import Backup, backups, read_list
from checks.database.schema import (
    SCHEMA,
    SYSTEM,
    Schema,
    read_schema,
)
from checks.docker.containers import CONTAINERS
from checks.formats.pg_dump import READ, READING, Dump, read_dump
from drills.restore.scratch_database import ENDS_WITH_THE_THROWAWAY
from drills.restore.session_key import UNSEAL, SessionKey, session_key
from runbook.drill.executor import DrillExecutor
from runbook.model import rights
from runbook.model.action import Action
from runbook.model.outcome import Mismatch, Undetermined
from runbook.model.question import Command, Output
from runbook.observation.snapshot import Snapshot, reading

T = TypeVar("T")

DESCRIBE = Command("date '+now %s'; stat -c 'file %s %Y %n' -- {file}", needs=rights.ROOT)
DIGEST = Command("sha256sum < {file}", needs=rights.ROOT, seconds=600, lane="slow")

OPEN = Action(
    "{{ {{ " + UNSEAL + ' 4>&3; echo "gpg $?" >&3; }} | {{\n' + READING + "\n}}; }} 3>&1",
    ENDS_WITH_THE_THROWAWAY,
    seconds=600,
    confined=True,
)
"""Reads an encrypted backup whole. Its key comes through standard input."""


@dataclass(frozen=True)
class Identity:
    """What tells that production is the same, and was not even restarted.

    Attributes:
        container: The id of the database's container.
        started: When it was started, in Docker's words.
        system: The number of its cluster.
    """

    container: str
    started: str
    system: str
    schema: Schema

    def differs_from(self, before: Identity) -> tuple[str, ...]:
        """What is not as before, in phrases."""
        facts = {
            "another container": self.container != before.container,
            "started again": self.started != before.started,
            "another cluster": self.system != before.system,
            "another schema": self.schema != before.schema,
        }
        return tuple(phrase for phrase, is_true in facts.items() if is_true)


@dataclass(frozen=True)
class Opened:
    """A backup that has been read to its last byte.

    Attributes:
        digest: SHA-256 of the file.
        key: The key of an encrypted one.
        flaw: Why it is not one whole dump; None where it is.
        production: What production was then.
    """

    backup: Backup
    digest: str
    dump: Dump
    key: SessionKey | None
    flaw: str | None
    fetch_seconds: float
    open_seconds: float
    production: Identity


def latest(executor: DrillExecutor) -> Backup:
    """The latest backup, plain or encrypted.

    Raises:
        Mismatch: There is none.
    """
    found = executor.snapshot().observe(backups)
    if not found:
        raise Mismatch(expected="at least one backup", actual="none", section="10")
    return found[-1]


def latest_encrypted(executor: DrillExecutor) -> Backup | None:
    """The latest of the encrypted backups; None where there is none."""
    sealed = [one for one in executor.snapshot().observe(backups) if one.encrypted]
    return sealed[-1] if sealed else None


def named(executor: DrillExecutor, file: str) -> Backup:
    """The backup of this name in the backups' folder, or of this path.

    Raises:
        Undetermined: There is no such file on the server, or its name is not that of a backup.
    """
    path = file if file.startswith("/") else f"{executor.target.paths.backups}/{file}"
    told = executor.snapshot().ask(DESCRIBE.with_values(file=path)).required(f"the backup {file}")
    with reading(f"the backup {file}"):
        found = read_list(told.out)
    if not found:
        raise Undetermined(f"{file} does not have a backup's file name: .sql.gz or .sql.gz.gpg")
    return found[0]


def identity(executor: DrillExecutor) -> Identity:
    """What production is now."""
    inspected, system, schema = executor.snapshot().ask(CONTAINERS, SYSTEM, SCHEMA)
    with reading("production's database"):
        container = next(one for one in inspected if one["Name"] == f"/{executor.target.containers.db}")
        return Identity(
            container["Id"],
            container["State"]["StartedAt"],
            system.required("the number of production's cluster").out.strip(),
            read_schema(schema.required("production's schema").out),
        )


def opened(executor: DrillExecutor, backup: Backup) -> Opened:
    """Read a backup to its last byte, before anything of it is used.

    Raises:
        Mismatch: It is encrypted, and nobody here can open it.
        Undetermined: It could not be read.
    """
    snapshot = executor.snapshot()
    production = identity(executor)
    key = session_key(snapshot, backup) if backup.encrypted else None
    fetch_seconds, digest = timed(lambda: snapshot.ask(DIGEST.with_values(file=backup.path)))
    open_seconds, told = timed(lambda: _read(executor, snapshot, backup, key))
    with reading(f"the backup {backup.name}"):
        dump = read_dump(told.out)
        return Opened(
            backup,
            digest.required(f"the backup {backup.name}").out.split()[0],
            dump,
            key,
            (flaw_of_seal(told.lines) if key else None) or dump.flaw,
            fetch_seconds,
            open_seconds,
            production,
        )


def _read(executor: DrillExecutor, snapshot: Snapshot, backup: Backup, key: SessionKey | None) -> Output:
    if key is None:
        return snapshot.ask(READ.with_values(file=backup.path)).required(f"the backup {backup.name}")
    return executor.do(OPEN.with_values(file=backup.path), bytes(key)).required(f"the backup {backup.name}")


def flaw_of_seal(lines: Iterable[str]) -> str | None:
    """Why what gpg gave out is not to be trusted; None where it says that it is whole and unchanged."""
    said = {line.removeprefix("[GNUPG:] ").split(" ")[0] for line in lines if line.startswith("[GNUPG:] ")}
    if "DECRYPTION_OKAY" in said and "GOODMDC" in said and "gpg 0" in lines:
        return None
    if "BADMDC" in said:
        return "it was changed or damaged after it was encrypted: its integrity check failed"
    return "gpg cannot decrypt it to its last byte"


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """How many seconds a piece of work took, and what came of it."""
    started = time.monotonic()
    result = work()
    return time.monotonic() - started, result
