"""A file that is called encrypted is something else."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "no packet begins at byte 0"

SCRIPT = r"""
printf "gpg: no valid addressees\n" > "$file"
"""


def make(server: Server) -> str:
    return bad_copies.written(server, "gpg-not-encrypted", SCRIPT, sealed=True)
