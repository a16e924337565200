"""More than 80 % of the inodes of the backups' disk are used."""

from __future__ import annotations

from lab.server import Server

section = "6.3"
fails = {"every-disk-has-inodes-left", "no-disk-is-full-the-largest-users-are-named"}
undetermined: set[str] = set()

FAULT = "inodes-full-backups"
FILLERS = "/var/backups/psyfit/.fillers"


def inject(server: Server) -> None:
    count = "$(( $(df --output=itotal /var/backups/psyfit | tail -n 1) * 82 / 100 ))"
    server.run(f"mkdir -p {FILLERS} && cd {FILLERS} && seq {count} | xargs touch").required()


def heal(server: Server) -> None:
    server.run(f"rm -rf {FILLERS}").required()
