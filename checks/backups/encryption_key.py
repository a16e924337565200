"""The backup key as the server has it: the account that makes the backups encrypts to the copy in its own key ring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from inspect import cleandoc

from checks.formats.ages import ago
from checks.formats.instants import instant_of
from checks.formats.openpgp import key_ids
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

LIST_KEYS = (
    'gpg --no-options --homedir /nonexistent --batch --no-tty --lock-never --no-auto-check-trustdb --no-autostart "$@" '
    '--no-default-keyring --keyring "$ring" --with-colons --fixed-list-mode --list-keys'
)

RING = Command(
    cleandoc(
        rf"""[ "$(id -u)" = 0 ] || {{{{ echo "Permission denied: only root sees the key ring" >&2; exit 1; }}}}
    home=$(awk -F: -v account={{cron_account}} '$1 == account {{{{ print $6 }}}}' /etc/passwd)
    date '+now:%s'
    set -- --trust-model always
    [ ! -e "$home"/.gnupg/trustdb.gpg ] || set -- --trustdb-name "$home"/.gnupg/trustdb.gpg
    for ring in "$home"/.gnupg/pubring.kbx "$home"/.gnupg/pubring.gpg; do
      [ ! -e "$ring" ] || {{{{
        listed=$({LIST_KEYS}) || exit
        printf '%s\n' "$listed" | sed -nE '/^(pub|sub):/p'
        exit
      }}}}
    done"""
    ),
    needs=rights.ROOT,
)
"""The files of the ring are read where they lie. In a home of its own gpg would make what is missing there, and heed an
account's options as root. Whose the keys are is not asked."""

UNUSABLE = "deir"
"""Letters by which gpg says that a key is disabled, expired, invalid or revoked."""

DISABLED = "D"
"""How newer ones say the first of these, among what a key is for."""


@dataclass(frozen=True)
class KeyInRing:
    """The backup key in the ring.

    Attributes:
        usable: Something can be encrypted to it now.
        ends: When that ends; None where it does not.
        seen_at: The server's own time.
    """

    usable: bool
    ends: datetime | None
    seen_at: datetime

    @property
    def days_left(self) -> float | None:
        """None where it does not end."""
        return (self.ends - self.seen_at).total_seconds() / 86400 if self.ends else None


@dataclass(frozen=True)
class _Part:
    """A key or a subkey of it, as gpg lists it."""

    main: bool
    id: str
    usable: bool
    ends: datetime | None
    encrypts: bool


def key_in_ring(snapshot: Snapshot) -> KeyInRing | None:
    """The backup key that the target names, in the ring of the account that makes the backups; None where it is not."""
    told = snapshot.ask(RING).required("the key ring")
    wanted = snapshot.observe(backup_key) or frozenset()
    with reading("the key ring"):
        return read_ring(told.out, wanted)


def backup_key(snapshot: Snapshot) -> frozenset[str] | None:
    """The ids of the key to which backups must be encrypted, and of its subkeys; None where no key is named."""
    path = snapshot.target.backups.encryption_key
    if path is None:
        return None
    try:
        certificate = path.read_bytes()
    except OSError as error:
        raise Undetermined(f"the backup key's public half, {path}, cannot be read here: {error.strerror}") from None
    with reading(f"the backup key's public half, {path},"):
        return key_ids(certificate)


def read_ring(text: str, wanted: frozenset[str]) -> KeyInRing | None:
    """Read the answer to `RING`: the key of which an id is among those wanted.

    Raises:
        ValueError: A line is of another form.
        LookupError: The server's time or a field is missing.
    """
    rows = [line.split(":") for line in lines_of(text)]
    (now,) = [instant_of(row[1]) for row in rows if row[0] == "now"]
    keys: list[list[_Part]] = []
    for row in rows:
        if row[0] == "pub":
            keys.append([])
        if row[0] in ("pub", "sub"):
            ends = instant_of(row[6]) if row[6] else None
            begun = not row[5] or not ago(instant_of(row[5]), now).in_future  # gpg takes no key of the future
            usable = row[1] not in tuple(UNUSABLE) and DISABLED not in row[11] and begun
            keys[-1].append(_Part(row[0] == "pub", row[4], usable, ends, "e" in row[11]))
    own = next((parts for parts in keys if wanted & {part.id for part in parts}), None)
    if own is None:
        return None
    able = [part for part in own if part.encrypts and part.usable]
    can_be_used = bool(able) and own[0].usable  # a key is listed before its subkeys
    lasting = [part for part in able if part.ends is None]
    ends = None if lasting or not able else max(part.ends for part in able if part.ends)
    of_main = [part.ends for part in own if part.main and part.ends]
    return KeyInRing(can_be_used, min([*of_main, *([ends] if ends else [])], default=None), now)
