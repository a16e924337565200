"""A row has a value that its column cannot hold."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = 'ERROR:  22P02: invalid input syntax for type integer: "…"'

EDIT = r"""
awk -F '\t' -v OFS='\t' '
  /^COPY public.people / { copying = 1 }
  copying && $1 == 1234 { $6 = "hanako.kakuu@example.jp"; copying = 0 }
  { print }'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "row-of-another-type", EDIT)
