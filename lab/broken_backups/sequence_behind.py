"""Sequences begin again at numbers that are taken."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "people_id_seq is behind its column"

EDIT = r"""
sed '/^SELECT pg_catalog.setval/d'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "sequence-behind", EDIT)
