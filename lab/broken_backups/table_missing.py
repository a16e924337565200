"""A table is not in the dump, nor anything that belongs to it."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "table check_ins is missing"

EDIT = r"""
awk '
  /^-- (Data for )?Name: / { skipping = /Name: (COLUMN )?check_ins/ }
  !skipping'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "table-missing", EDIT)
