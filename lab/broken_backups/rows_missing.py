"""Half of a table's rows are not in the dump."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "messages has 2500 rows in the backup, 5000 in production"

EDIT = r"""
awk '
  /^COPY public.messages / { copying = 1; print; next }
  copying && $0 == "\\." { copying = 0 }
  !copying || ++row % 2'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "rows-missing", EDIT)
