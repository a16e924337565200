"""A small table has come into the dump without its rows."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "exercises has 0 rows in the backup, 120 in production"

EDIT = r"""
sed '/^COPY public.program_exercises /,/^\\\.$/{/^[0-9]/d}; /^COPY public.exercises /,/^\\\.$/{/^[0-9]/d}'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "rows-all-missing", EDIT)
