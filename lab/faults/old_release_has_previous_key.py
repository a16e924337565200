"""The release to roll back to was created before a key was rotated."""

from __future__ import annotations

from lab import held_locks
from lab.server import Server

section = "8.1"
fails = {"both-releases-have-the-same-secrets"}
undetermined: set[str] = set()

FAULT = "old-release-has-previous-key"


def inject(server: Server) -> None:
    held_locks.replace_old_release(server, FAULT, "sed 's/^ATTR_ENCRYPTED_KEY=./ATTR_ENCRYPTED_KEY=x/'")


def heal(server: Server) -> None:
    held_locks.put_old_release_back(server, FAULT)
