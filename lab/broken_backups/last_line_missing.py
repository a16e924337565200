"""A dump breaks off before its last line, in a whole gzip."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "its last line is missing"

EDIT = r"""
sed '/^-- PostgreSQL database dump complete/,$d'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "last-line-missing", EDIT)
