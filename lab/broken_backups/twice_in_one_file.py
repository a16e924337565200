"""Two dumps have come into one file."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "2 dumps in one file"

SCRIPT = r"""
cat "$oldest" "$plain" > "$file"
"""


def make(server: Server) -> str:
    return bad_copies.written(server, "twice-in-one-file", SCRIPT)
