"""The disk of the backups is more than 80 % full."""

from __future__ import annotations

from lab.server import Server

section = "6.3"
fails = {"every-disk-has-room", "no-disk-is-full-the-largest-users-are-named"}
undetermined: set[str] = set()

FAULT = "disk-full-backups"
FILLER = "/var/backups/psyfit/.filler"


FILL = f"""
set -eu
set -- $(df --output=size,used --block-size=1 /var/backups/psyfit | tail -n 1)
fallocate --length "$(($1 * 86 / 100 - $2))" {FILLER}
"""


def inject(server: Server) -> None:
    server.run(FILL).required()


def heal(server: Server) -> None:
    server.run(f"rm -f {FILLER}").required()
