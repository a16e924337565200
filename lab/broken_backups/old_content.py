"""The file is new, its rows are of a week ago."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "newest row: "

SCRIPT = r"""
cp "$oldest" "$file"
"""


def make(server: Server) -> str:
    return bad_copies.written(server, "old-content", SCRIPT)
