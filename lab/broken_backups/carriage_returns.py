"""A dump came through a terminal: every line ends with a carriage return."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "it does not begin as a dump"

EDIT = r"""
sed 's/$/\r/'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "carriage-returns", EDIT)
