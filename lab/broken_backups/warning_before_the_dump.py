"""A warning of pg_dump's has been written into the dump."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "it does not begin as a dump"

EDIT = r"""
sed '1i pg_dump: warning: there are circular foreign-key constraints'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "warning-before-the-dump", EDIT)
