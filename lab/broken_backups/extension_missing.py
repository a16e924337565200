"""An extension and the index that rests on it are not in the dump."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "extension pg_trgm is missing"

EDIT = r"""
sed '/^CREATE EXTENSION/d; /^COMMENT ON EXTENSION/d; /trigrams/d'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "extension-missing", EDIT)
