"""The database grows far beyond what its dump lets expect, until nothing is left of its disk."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "53100"  # the SQLSTATE of a full disk; the words beside it differ with where it was full

EDIT = r"""
sed '/^-- PostgreSQL database dump complete/i \
CREATE TABLE public.log AS SELECT repeat(md5(n::text), 60) AS line FROM generate_series(1, 10000000) AS n;\n'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "disk-full-on-the-way", EDIT)
