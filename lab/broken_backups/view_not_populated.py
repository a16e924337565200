"""A materialized view comes back empty."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "view clinic_activity is"

EDIT = r"""
sed '/^REFRESH MATERIALIZED VIEW/d'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "view-not-populated", EDIT)
