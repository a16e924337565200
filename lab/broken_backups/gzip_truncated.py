"""The gzip breaks off."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "it cannot be decompressed to its last byte"

SCRIPT = r"""
size=$(stat -c %s "$plain")
head -c $((size * 2 / 3)) "$plain" > "$file"
"""


def make(server: Server) -> str:
    return bad_copies.written(server, "gzip-truncated", SCRIPT)
