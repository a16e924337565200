"""pg_dump died and gzip did not: an empty dump in a good gzip."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "it does not begin as a dump"

SCRIPT = r"""
gzip < /dev/null > "$file"
"""


def make(server: Server) -> str:
    return bad_copies.written(server, "dump-empty", SCRIPT)
