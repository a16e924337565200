"""An index is not in the dump."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "index index_messages_on_person_id is missing"

EDIT = r"""
sed '/^CREATE INDEX index_messages_on_person_id/d'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "index-missing", EDIT)
