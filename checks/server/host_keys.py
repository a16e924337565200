"""The server's host keys beside those by which this machine knows it.

A key that is not the known one ends the line itself where it is the one that ssh takes. Here the others are seen too.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection
from dataclasses import dataclass

from runbook.model.outcome import NotApplicable, Undetermined
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading
from runbook.transport.known_hosts import known_keys

KEYS = Command("grep -H . /etc/ssh/ssh_host_*_key.pub")


@dataclass(frozen=True)
class HostKey:
    """The public half of one host key.

    Attributes:
        kind: Such as ``ssh-ed25519``.
        fingerprint: As ssh shows it.
        known: It is among those known here.
        compared: One of its kind is known here.
    """

    file: str
    kind: str
    fingerprint: str
    known: bool
    compared: bool

    def __str__(self) -> str:
        return f"{self.file} is {self.fingerprint}"


def host_keys(snapshot: Snapshot) -> tuple[HostKey, ...]:
    """Each host key of the server.

    Raises:
        NotApplicable: There is no ssh between the two.
        Undetermined: The server is known by something else than its keys.
    """
    if snapshot.target.ssh.local:
        raise NotApplicable("it is this machine itself, without ssh")
    told = snapshot.ask(KEYS).required("the host keys")
    known = known_keys(snapshot.target)
    if not known:
        raise Undetermined("known_hosts has no key of the server: it may be trusted through an authority")
    with reading("the host keys"):
        return tuple(read_host_keys(told.out, known))


def read_host_keys(text: str, known: Collection[tuple[str, str]]) -> list[HostKey]:
    """Read the answer to `KEYS`.

    Raises:
        ValueError: A line is of another form.
    """
    kinds = {kind for kind, _ in known}
    found = []
    for line in lines_of(text):
        file, _, rest = line.partition(":")
        kind, key, *_ = rest.split()
        digest = hashlib.sha256(base64.b64decode(key, validate=True)).digest()
        fingerprint = f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
        found.append(HostKey(file, kind, fingerprint, (kind, key) in known, kind in kinds))
    return found
