"""The files of the backups' folder: which there are, of what age and size, and what the plain ones hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from inspect import cleandoc
from pathlib import PurePosixPath

from checks.formats.ages import Ago, ago
from checks.formats.instants import instant_of
from checks.formats.pg_dump import READ, Dump, read_dump
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

DUMPS = (".sql.gz", ".sql.gz.gpg")
ARCHIVES = (".tar", ".tar.gz", ".tar.gpg", ".tar.gz.gpg")
STILL_WRITTEN = timedelta(minutes=1)
"""A file that was written to so lately may be one that is being written."""

LIST = Command(
    cleandoc(
        r"""date '+now %s'
    echo '2001-09-09 01:46:40' | date -f - +%s >/dev/null || exit
    stat -L -c folder -- {backups} || exit
    find -H {backups} -maxdepth 1 -type f -regex '.*_.*[.]\(sql[.]gz\|tar\).*' -exec stat -c 'file %s %Y %n' -- {{}} +
    status=$?
    find -H {backups} -maxdepth 1 -type f -name '*_*' |
      sed -nE 's/.*_(....)(..)(..)_(..)(..)(..)[.](sql|tar).*/\1-\2-\3 \4:\5:\6/p' |
      date -f - '+named %Y%m%d_%H%M%S %s'
    exit $status"""
    ),
    needs=rights.ROOT,
)
"""The dumps, and the archives of what is saved beside them. The folder may be a link. A file that is rotated away while
it is listed makes the listing end with an error. Whether this `date` reads times is tried first: that a name holds
none is no error."""


@dataclass(frozen=True)
class Backup:
    """One file of the backups.

    Attributes:
        named_at: The time in its name, by the server's zone; None where the name holds none.
        seen_at: The server's own time when it was listed.
    """

    path: str
    size_bytes: int
    modified_at: datetime
    named_at: datetime | None
    seen_at: datetime

    @property
    def name(self) -> str:
        """Its name without the folder."""
        return PurePosixPath(self.path).name

    @property
    def encrypted(self) -> bool:
        """It is encrypted, by its name; whether that is true is told by `EncryptedBackup.plain`."""
        return self.name.endswith(".gpg")

    @property
    def made_at(self) -> datetime:
        """By its name, else by when it was last written to."""
        return self.named_at or self.modified_at

    @property
    def made(self) -> Ago:
        """How long ago it was made."""
        return ago(self.made_at, self.seen_at)

    @property
    def may_be_unfinished(self) -> bool:
        """It was written to so lately that it may still be."""
        return ago(self.modified_at, self.seen_at).less_than(STILL_WRITTEN)


@dataclass(frozen=True)
class PlainBackup:
    """One plain backup and what is in it."""

    file: Backup
    dump: Dump


def backups(snapshot: Snapshot) -> tuple[Backup, ...]:
    """Every backup of the database, oldest first by its name."""
    begins = f"{snapshot.target.backups.database}_"
    return tuple(
        one for one in snapshot.observe(saved_files) if one.name.startswith(begins) and one.name.endswith(DUMPS)
    )


def saved_files(snapshot: Snapshot) -> tuple[Backup, ...]:
    """Every dump of the database and every archive in the folder of the backups, oldest first by its name."""
    told = snapshot.ask(LIST)
    gone = "no such file" in told.err.lower()
    with reading("the list of backups"):
        return tuple(read_list(told.out if gone else told.required("the list of backups").out))


def plain_backups(snapshot: Snapshot) -> tuple[PlainBackup, ...]:
    """Every plain backup, each read whole, oldest first by its name."""
    return read_plain(snapshot, [one for one in snapshot.observe(backups) if not one.encrypted])


def read_plain(snapshot: Snapshot, plain: Sequence[Backup]) -> tuple[PlainBackup, ...]:
    answers = snapshot.ask_all(READ.with_values(file=one.path) for one in plain)
    found = []
    for one, answer in zip(plain, answers, strict=True):
        with reading(f"the backup {one.name}"):
            dump = read_dump(answer.required(f"the backup {one.name}").out)
        if one.may_be_unfinished and not dump.gzip_whole:
            raise Undetermined(f"the backup {one.name} is not intact, but was written to less than a minute ago")
        found.append(PlainBackup(one, dump))
    return tuple(found)


def read_list(text: str) -> list[Backup]:
    """Read the answer to `LIST`.

    Raises:
        ValueError: A line of it is not of its form.
        LookupError: The server's time is missing.
    """
    now: datetime | None = None
    named: dict[str, datetime] = {}
    files: list[tuple[str, int, datetime]] = []
    for line in lines_of(text):
        match line.split(" ", 3):
            case ["now", seconds]:
                now = instant_of(seconds)
            case ["folder"]:
                pass
            case ["file", size, modified, path]:
                files.append((path, int(size), instant_of(modified)))
            case ["named", name, seconds]:
                named[name] = instant_of(seconds)
            case _:
                raise ValueError("there is an unexpected line")
    if now is None:
        raise LookupError("the server's time is missing")
    found = [
        Backup(path, size, modified, named.get(_stamp_of(path)), now)
        for path, size, modified in files
        if path.endswith((*DUMPS, *ARCHIVES))
    ]
    return sorted(found, key=lambda one: (one.made_at, one.path))


def _stamp_of(path: str) -> str:
    found = re.search(r"_(\d{8}_\d{6})\.(?:sql|tar)", path)
    return found[1] if found else ""
