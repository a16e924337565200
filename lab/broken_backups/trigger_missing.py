"""A trigger is not in the dump."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "trigger people.people_touch_updated_at is missing"

EDIT = r"""
sed '/^CREATE TRIGGER people_touch_updated_at/d'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "trigger-missing", EDIT)
