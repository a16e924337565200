"""The blind index is of another key than today's: nobody could log in."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "people.email_bidx: 200 of 200 do not"

EDIT = r"""
awk -F '\t' -v OFS='\t' '
  /^COPY public.people / { copying = 1 }
  $0 == "\\." { copying = 0 }
  copying && NF > 3 { $5 = substr($5, 1, 3) substr($5, 6) substr($5, 4, 2) }
  { print }'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "blind-index-of-another-key", EDIT)
