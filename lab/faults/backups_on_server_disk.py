"""The backups' file system is not mounted: they are on the server's own."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "5.2"
fails = {"backups-are-on-a-separate-file-system"}
undetermined: set[str] = set()

DISK = "/var/lib/docker/backups.ext4"

MOVE = f"""
set -eu
install --directory --mode=0700 /var/backups/.moved
cp --archive {stashed_files.BACKUPS}/psyfit_* /var/backups/.moved/
umount {stashed_files.BACKUPS}
mv /var/backups/.moved/* {stashed_files.BACKUPS}/
rmdir /var/backups/.moved
chmod 0700 {stashed_files.BACKUPS}
"""

MOVE_BACK = f"""
rm -rf /var/backups/.moved
mountpoint --quiet {stashed_files.BACKUPS} ||
  {{ rm -f {stashed_files.BACKUPS}/* && mount -o loop {DISK} {stashed_files.BACKUPS}; }}
"""


def inject(server: Server) -> None:
    server.run(MOVE).required()


def heal(server: Server) -> None:
    server.run(MOVE_BACK).required()
