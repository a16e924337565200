"""The encrypted backups: how they are sealed and for whom, as their OpenPGP packets say it without a key."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from inspect import cleandoc

from checks.backups.backup_files import Backup, backups
from checks.formats.openpgp import (
    ANYBODY,
    HEAD_BYTES,
    JUDGED_ON_SERVER,
    PLAIN,
    CutOff,
    Message,
    NotOpenPgp,
    Part,
    end_of_parts,
    read_message,
)
from checks.formats.pg_dump import SECONDS_PER_FILE
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

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


def encrypted_backups(snapshot: Snapshot) -> tuple[EncryptedBackup, ...]:
    """Every encrypted backup by its packets, oldest first by its name."""
    return read_encrypted(snapshot, [one for one in snapshot.observe(backups) if one.encrypted])


def read_encrypted(snapshot: Snapshot, sealed: Sequence[Backup]) -> tuple[EncryptedBackup, ...]:
    """Each of these encrypted files, as far as its packets tell."""
    if not sealed:
        return ()
    heads = snapshot.ask(HEADS.with_values(files=[one.path for one in sealed])).required("the encrypted backups")
    with reading("the encrypted backups"):
        found = [_opened(one, read_heads(heads.out)[one.path]) for one in sealed]
    in_parts = [one for one in found if one.in_parts]
    answers = snapshot.ask_all(_parts_of(one) for one in in_parts)
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
    return PARTS.with_values(file=one.file.path, first=str(one.message.data.body), width=str(width))


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
