"""The release to roll back to was created with a short BLIND_INDEX_KEY of one character."""

from __future__ import annotations

from lab import held_locks
from lab.server import Server

section = "8.1"
fails = {"both-releases-have-the-same-secrets", "the-required-secrets-are-strong"}
undetermined: set[str] = set()

FAULT = "release-has-weak-variable"


def inject(server: Server) -> None:
    held_locks.replace_old_release(server, FAULT, "sed 's/^BLIND_INDEX_KEY=.*/BLIND_INDEX_KEY=aaaaaaaa/'")


def heal(server: Server) -> None:
    held_locks.put_old_release_back(server, FAULT)
