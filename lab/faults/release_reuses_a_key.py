"""In the release to roll back to, BLIND_INDEX_KEY is the same as ATTR_ENCRYPTED_KEY."""

from __future__ import annotations

from lab import held_locks
from lab.server import Server

section = "8.1"
fails = {"both-releases-have-the-same-secrets", "the-required-secrets-are-strong"}
undetermined: set[str] = set()

FAULT = "release-reuses-a-key"
COPY = r"""sort | awk -F= '
  /^ATTR_ENCRYPTED_KEY=/ { key = $2 }
  /^BLIND_INDEX_KEY=/ { $0 = "BLIND_INDEX_KEY=" key }
  { print }'"""


def inject(server: Server) -> None:
    held_locks.replace_old_release(server, FAULT, COPY)


def heal(server: Server) -> None:
    held_locks.put_old_release_back(server, FAULT)
