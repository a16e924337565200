"""The backups: which there are, what the plain ones hold, and how the encrypted ones are sealed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from inspect import cleandoc
from pathlib import PurePosixPath
from typing import Literal

from checks.ages import Ago, ago
from checks.clock import instant_of
from checks.dump import READ, SECONDS_PER_FILE, Dump, read_dump
from checks.openpgp import (
    ANYBODY,
    HEAD_BYTES,
    JUDGED_ON_SERVER,
    PLAIN,
    CutOff,
    Message,
    NotOpenPgp,
    Part,
    end_of_parts,
    key_ids,
    read_message,
)
from runbook import rights
from runbook.look import Look, reading
from runbook.outcome import Undetermined
from runbook.question import Command, lines_of

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

HEADS = Command(
    f"""for file in {{files}}; do
  exec < "$file" || exit
  printf 'head %s ' "$file"; {JUDGED_ON_SERVER.replace("{data}", "without")}
done""",
    needs=rights.ROOT,
    lane="slow",
    keep_answer=False,
)
"""How each file begins, or that it is plain: whether it is encrypted is judged where it lies."""

NOT_ENCRYPTED = "it is not encrypted, despite its name"

PARTS = Command(
    cleandoc(
        r"""exec < {file} || exit
    size=$(stat -c %s -- {file}); at={first}; width={width}
    set -- $(tail -c +$((at + 1)) | tr '\n' '\0' | fold -b -w "$width" | cut -b 1 |
      od -An -v -tu1 -w2 | uniq -c | head -n 1)
    at=$((at + $1 * width)); [ "$at" -lt "$size" ] || at=$((at - width))
    while [ "$at" -lt "$size" ]; do
      set -- $(od -An -v -tu1 -j "$at" -N 5 -- {file})
      echo "part $at $*"
      [ "$1" -ge 224 ] && [ "$1" -lt 255 ] || break
      at=$((at + 1 + (1 << ($1 - 224))))
    done"""
    ),
    needs=rights.ROOT,
    seconds=SECONDS_PER_FILE,
    lane="slow",
)
"""The lengths of a packet in parts, the equal ones at its beginning passed over: every width-th byte is read."""

AgeBy = Literal["its newest row", "its start", "its name", "its modification time"]


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


@dataclass(frozen=True)
class EncryptedBackup:
    """One encrypted backup, as far as it can be told without the private key.

    Attributes:
        recipients: Ids of the keys that can open it.
        by_passphrase: A passphrase can open it.
        flaw: What is wrong with its packets; None where they are whole.
    """

    file: Backup
    recipients: tuple[str, ...]
    by_passphrase: bool
    flaw: str | None

    @property
    def hides_recipients(self) -> bool:
        """It keeps to itself who can open it."""
        return ANYBODY in self.recipients

    @property
    def plain(self) -> bool:
        """Whoever has the file has what is in it, whatever its name says."""
        return self.flaw == NOT_ENCRYPTED


@dataclass(frozen=True)
class NewestBackup:
    """The newest backup by its name, the one that is gone back to, read whole.

    Attributes:
        flaw: What is wrong with it, as far as it can be told without the private key; None where nothing is.
        age: None where its rows should tell how old it is, and there are none.
    """

    file: Backup
    flaw: str | None
    age: Age | None


@dataclass(frozen=True)
class Age:
    """How old a backup is, and what says so.

    Attributes:
        zone_assumed: The column says no zone with its times, so they were taken as UTC: so Rails keeps them, unless it
            was told otherwise.
    """

    backup: str
    made: Ago
    by: AgeBy
    column: str | None = None
    zone_assumed: bool = False

    def __str__(self) -> str:
        zone = ", whose times have no zone and are taken as UTC" if self.zone_assumed else ""
        by = f"{self.by} ({self.column}{zone})" if self.column else self.by
        return f"{self.backup} was made {self.made}, by {by}"


def backups(look: Look) -> tuple[Backup, ...]:
    """Every backup of the database, oldest first by its name."""
    begins = f"{look.target.backups.database}_"
    return tuple(one for one in look.see(saved_files) if one.name.startswith(begins) and one.name.endswith(DUMPS))


def saved_files(look: Look) -> tuple[Backup, ...]:
    """Every dump of the database and every archive in the folder of the backups, oldest first by its name."""
    told = look.ask(LIST)
    gone = "no such file" in told.err.lower()
    with reading("the list of backups"):
        return tuple(read_list(told.out if gone else told.required("the list of backups").out))


def plain_backups(look: Look) -> tuple[PlainBackup, ...]:
    """Every plain backup, each read whole, oldest first by its name."""
    return _read_plain(look, [one for one in look.see(backups) if not one.encrypted])


def encrypted_backups(look: Look) -> tuple[EncryptedBackup, ...]:
    """Every encrypted backup by its packets, oldest first by its name."""
    return read_encrypted(look, [one for one in look.see(backups) if one.encrypted])


def newest_backup(look: Look) -> NewestBackup | None:
    """The newest backup by its name; None where there is none. Only this one is read."""
    newest = next(reversed(look.see(backups)), None)
    if newest is None:
        return None
    if newest.encrypted:
        (sealed,) = read_encrypted(look, [newest])
        return NewestBackup(newest, sealed.flaw, _age_by_name(newest))
    (plain,) = _read_plain(look, [newest])
    return NewestBackup(newest, plain.dump.flaw, _age_of(look, plain))


def _read_plain(look: Look, plain: Sequence[Backup]) -> tuple[PlainBackup, ...]:
    answers = look.ask_each(READ.about(file=one.path) for one in plain)
    found = []
    for one, answer in zip(plain, answers, strict=True):
        with reading(f"the backup {one.name}"):
            dump = read_dump(answer.required(f"the backup {one.name}").out)
        if one.may_be_unfinished and not dump.gzip_whole:
            raise Undetermined(f"the backup {one.name} is not intact, but was written to less than a minute ago")
        found.append(PlainBackup(one, dump))
    return tuple(found)


def read_encrypted(look: Look, sealed: Sequence[Backup]) -> tuple[EncryptedBackup, ...]:
    """Each of these encrypted files, as far as its packets tell."""
    if not sealed:
        return ()
    heads = look.ask(HEADS.about(files=[one.path for one in sealed])).required("the encrypted backups")
    with reading("the encrypted backups"):
        found = [_opened(one, read_heads(heads.out)[one.path]) for one in sealed]
    in_parts = [one for one in found if one.in_parts]
    answers = look.ask_each(_parts_of(one) for one in in_parts)
    with reading("the encrypted backups' parts"):
        ends = {
            one.file.path: _end(read_parts(answer.required(one.file.name).out))
            for one, answer in zip(in_parts, answers, strict=True)
        }
        judged = tuple(_judged(one, ends.get(one.file.path)) for one in found)
    for one in judged:
        if one.flaw and one.file.may_be_unfinished:
            raise Undetermined(f"the backup {one.file.name} is not intact, but was written to less than a minute ago")
    return judged


def backup_key(look: Look) -> frozenset[str] | None:
    """The ids of the key to which backups must be encrypted, and of its subkeys; None where no key is named."""
    path = look.target.backups.encryption_key
    if path is None:
        return None
    try:
        certificate = path.read_bytes()
    except OSError as error:
        raise Undetermined(f"the backup key's public half, {path}, cannot be read here: {error.strerror}") from None
    with reading(f"the backup key's public half, {path},"):
        return key_ids(certificate)


def _age_of(look: Look, one: PlainBackup) -> Age | None:
    """By its newest row where the target names columns; a dump without any row in them shows nothing."""
    if not look.target.backups.freshness_columns:
        return _age_by_start(one)
    newest = one.dump.newest_row
    if newest is None:
        return None
    made = ago(newest.at, one.file.seen_at)
    return Age(one.file.name, made, "its newest row", newest.column, zone_assumed=not newest.zoned)


def _age_by_start(one: PlainBackup) -> Age:
    if one.dump.started is None:
        return _age_by_name(one.file)
    return Age(one.file.name, ago(one.dump.started, one.file.seen_at), "its start")


def _age_by_name(one: Backup) -> Age:
    return Age(one.name, one.made, "its name" if one.named_at else "its modification time")


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


@dataclass(frozen=True)
class _Opened:
    """An encrypted backup whose first bytes have been read."""

    file: Backup
    message: Message | None
    flaw: str | None
    first_length: int

    @property
    def in_parts(self) -> bool:
        return self.message is not None and self.message.data is not None and self.message.data.length is None


def read_heads(text: str) -> dict[str, bytes | None]:
    """How each file begins, by its path; None where it is not encrypted.

    Raises:
        ValueError: A line of it is not of its form.
    """
    heads: dict[str, bytes | None] = {}
    for line in lines_of(text):
        word, _, rest = line.partition(" ")
        path, found, octets = rest.rpartition(" ")
        if word != "head" or not found:
            raise ValueError("there is an unexpected line")
        heads[path] = None if octets == PLAIN else bytes.fromhex(octets)
    return heads


def _opened(one: Backup, octets: bytes | None) -> _Opened:
    if octets is None:
        return _Opened(one, None, NOT_ENCRYPTED, 0)
    if octets.startswith(b"-----BEGIN PGP"):
        raise Undetermined(f"{one.name} is armoured: its packets are not read")
    read_whole = one.size_bytes <= len(octets)
    try:
        message = read_message(octets)
    except CutOff as error:
        if read_whole:
            return _Opened(one, None, str(error), 0)
        raise Undetermined(f"{one.name} has more before its data than the {HEAD_BYTES} bytes that are read") from None
    except NotOpenPgp as error:
        return _Opened(one, None, str(error), 0)
    if message.data is None and not read_whole:
        raise Undetermined(f"{one.name} has more before its data than the {HEAD_BYTES} bytes that are read")
    at = message.data.body if message.data else 0
    return _Opened(one, message, None, octets[at] if at < len(octets) else 0)


def _parts_of(one: _Opened) -> Command:
    assert one.message is not None
    assert one.message.data is not None
    width = 1 + (1 << (one.first_length - 224))
    return PARTS.about(file=one.file.path, first=str(one.message.data.body), width=str(width))


def read_parts(text: str) -> list[Part]:
    """Read the answer to `PARTS`.

    Raises:
        ValueError: A line of it is not of its form.
    """
    parts = []
    for line in lines_of(text):
        word, at, *octets = line.split()
        if word != "part":
            raise ValueError("there is an unexpected line")
        parts.append(Part(int(at), bytes(int(octet) for octet in octets)))
    return parts


def _end(parts: Iterable[Part]) -> int | None:
    try:
        return end_of_parts(list(parts))
    except NotOpenPgp:
        return None


def _judged(one: _Opened, end_of_parts: int | None) -> EncryptedBackup:
    if one.message is None:
        return EncryptedBackup(one.file, (), False, one.flaw)
    data = one.message.data
    if data is None:
        flaw: str | None = "it ends before its data"
    elif not one.message.sealed:
        flaw = "it has no integrity protection"
    else:
        end = end_of_parts if data.length is None else data.body + data.length
        flaw = _flaw(one.file.size_bytes, end)
    return EncryptedBackup(one.file, one.message.recipients, one.message.by_passphrase, flaw)


def _flaw(size: int, end: int | None) -> str | None:
    if end is None:
        return "it breaks off inside its data"
    if end > size:
        return f"{end - size} bytes are missing at its end"
    if end < size:
        return f"{size - end} bytes follow after its end"
    return None
