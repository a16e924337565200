"""An encrypted backup breaks off."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "gpg cannot decrypt it to its last byte"

SCRIPT = r"""
size=$(stat -c %s "$sealed")
head -c $((size * 2 / 3)) "$sealed" > "$file"
"""


def make(server: Server) -> str:
    return bad_copies.written(server, "gpg-truncated", SCRIPT, sealed=True)
