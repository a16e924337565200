"""The keys are among the backups, unencrypted."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"the-keys-are-backed-up-encrypted"}
undetermined: set[str] = set()

FAULT = "keys-backed-up-plain"
PLAIN = f"{stashed_files.BACKUPS}/psyfit_keys_$(date +%Y%m%d_%H%M%S).tar"


def inject(server: Server) -> None:
    server.run(f"umask 077; tar --create --file={PLAIN} --directory=/var/www/psyfit .kamal/secrets .env").required()


def heal(server: Server) -> None:
    server.run(f"rm -f {stashed_files.BACKUPS}/psyfit_keys_*.tar").required()
