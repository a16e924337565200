"""The release to roll back to was created without one of the variables."""

from __future__ import annotations

from lab import held_locks
from lab.server import Server

section = "8.1"
fails = {"the-releases-have-the-required-secrets"}
undetermined = {"both-releases-have-the-same-secrets", "the-required-secrets-are-strong"}

FAULT = "old-release-lacks-variable"


def inject(server: Server) -> None:
    held_locks.replace_old_release(server, FAULT, "grep -v ^BLIND_INDEX_KEY=")


def heal(server: Server) -> None:
    held_locks.put_old_release_back(server, FAULT)
