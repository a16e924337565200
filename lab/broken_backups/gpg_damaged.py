"""One byte of an encrypted backup has changed."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "its integrity check failed"

SCRIPT = r"""
cp "$sealed" "$file"
byte=$(tail -c 2000 "$sealed" | head -c 1 | od -An -tu1)
printf "\\$(printf %o $(((byte + 1) % 256)))" |
  dd of="$file" bs=1 seek=$(($(stat -c %s "$file") - 2000)) conv=notrunc status=none
"""


def make(server: Server) -> str:
    return bad_copies.written(server, "gpg-damaged", SCRIPT, sealed=True)
