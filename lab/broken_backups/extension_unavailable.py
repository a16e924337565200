"""The dump wants an extension that the image does not have."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = 'extension "postgis" is not available'

EDIT = r"""
sed '0,/^CREATE EXTENSION/s//CREATE EXTENSION postgis;\n&/'
"""


def make(server: Server) -> str:
    return bad_copies.edited(server, "extension-unavailable", EDIT)
