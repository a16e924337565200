"""An encrypted column is of another key than today's."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "people.name_ciphertext: 200 of 200 do not"

EDIT = r"""
awk -F '\t' -v OFS='\t' '
  /^COPY public.people / { copying = 1 }
  $0 == "\\." { copying = 0 }
  copying && NF > 3 { $3 = substr($3, 1, 3) substr($3, 6) substr($3, 4, 2) }
  { print }'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "column-of-another-key", EDIT)
