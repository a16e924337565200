"""Opening an encrypted backup on the server while the private key stays where the suite runs.

The beginning of the file is enough for the holder of the private key to tell the key of this one message. That goes
to the server through a pipe; it opens this file and no other.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from checks.backups.backup_files import Backup
from checks.backups.encrypted_backups import NOT_ENCRYPTED
from checks.formats.openpgp import JUDGED_ON_SERVER, PLAIN, NotOpenPgp, read_message
from runbook.model import rights
from runbook.model.outcome import Mismatch, Undetermined
from runbook.model.question import Command
from runbook.observation.snapshot import Snapshot, reading

BEGINNING = Command(
    f"exec < {{file}} || exit\n{JUDGED_ON_SERVER.replace('{data}', 'with')}", needs=rights.ROOT, keep_answer=False
)
"""Of an encrypted file what gpg wants for telling the message's key; of one that is not, that one word."""

UNSEAL = (
    "gpg --batch --no-tty --quiet --no-options --no-keyring --no-auto-key-locate --lock-never --homedir /nonexistent "
    "--status-fd 4 --override-session-key-fd 0 --decrypt -- {file} 2>/dev/null"
)
"""Takes the message's key from standard input. Its standard error is not wanted: gpg would print that key there."""

PINENTRY_SECONDS = 120
GPG_SECONDS = 10
SESSION_KEY = re.compile(r"^gpg: session key: '(\d+:[0-9A-F]+)'$", re.MULTILINE)


@dataclass(frozen=True)
class SessionKey:
    """The key of one message; nothing shows it."""

    text: str = field(repr=False)

    def __bytes__(self) -> bytes:
        return f"{self.text}\n".encode()


def session_key(snapshot: Snapshot, backup: Backup) -> SessionKey:
    """The key of an encrypted backup.

    Raises:
        Mismatch: It is not an encrypted file, or nobody with the target's key ring can open it.
        Undetermined: The target names no key ring, or gpg is missing or does not answer here.
    """
    ring = snapshot.target.backups.keyring
    if ring is None:
        raise Undetermined("the target names no backups.keyring: nobody here holds the private half of the backup key")
    told = snapshot.ask(BEGINNING.with_values(file=backup.path)).required(f"the beginning of {backup.name}")
    if told.out.strip() == PLAIN:
        raise Mismatch(expected="an encrypted file", actual=f"{backup.name}: {NOT_ENCRYPTED}", section="5.4")
    with reading(f"the beginning of {backup.name}"):
        beginning = bytes.fromhex(told.out)
    recipients = _recipients(backup, beginning)
    found = SESSION_KEY.search(_shown_by_gpg(ring, beginning))
    if found is None:
        raise Mismatch(
            expected=f"a key in {ring} that opens {backup.name}",
            actual=f"it is encrypted to {recipients}, and nothing in that key ring opens it",
            section="5.4",
        )
    return SessionKey(found[1])


def _recipients(backup: Backup, beginning: bytes) -> str:
    """To whom it is encrypted, in words."""
    try:
        message = read_message(beginning)
    except NotOpenPgp as error:
        raise Mismatch(expected="an encrypted file", actual=f"{backup.name}: {error}", section="5.4") from None
    return " and ".join([*message.recipients, *(["a passphrase"] if message.by_passphrase else [])])


def _shown_by_gpg(ring: Path, beginning: bytes) -> str:
    """What gpg says of the beginning of a message. It breaks off, so gpg ends with an error in any case.

    An agent that was started for this is ended again; one that the operator has running is not.
    """
    home = ["--homedir", str(ring)]
    running = _run(["gpg-connect-agent", *home, "--no-autostart", "GETINFO pid", "/bye"]).startswith("D ")
    try:
        return _run(
            ["gpg", *home, "--batch", "--show-session-key", "--output", "/dev/null", "--decrypt"],
            beginning,
            PINENTRY_SECONDS,
        )
    finally:
        if not running:
            _run(["gpgconf", *home, "--kill", "gpg-agent"])


def _run(command: list[str], stdin: bytes = b"", seconds: float = GPG_SECONDS) -> str:
    """Both streams of a command of GnuPG here, in English."""
    environment = {**os.environ, "LC_ALL": "C"}
    pipe, together = subprocess.PIPE, subprocess.STDOUT
    try:
        done = subprocess.run(command, input=stdin, stdout=pipe, stderr=together, timeout=seconds, env=environment)
    except subprocess.TimeoutExpired:
        raise Undetermined(f"{command[0]} did not answer here within {seconds:g} s") from None
    except FileNotFoundError:
        raise Undetermined(f"{command[0]} is not installed here, so the backup's key cannot be determined") from None
    return done.stdout.decode(errors="replace")
