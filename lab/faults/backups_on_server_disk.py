"""The backups' file system is not mounted: they are on the server's own."""

from __future__ import annotations

from lab import aside
from lab.server import Server

section = "5.2"
fails = {"backups-are-on-a-separate-file-system"}
undetermined: set[str] = set()

DISK = "/var/lib/docker/backups.ext4"

MOVE = f"""
set -eu
install --directory --mode=0700 /var/backups/.moved
cp --archive {aside.BACKUPS}/psyfit_* /var/backups/.moved/
umount {aside.BACKUPS}
mv /var/backups/.moved/* {aside.BACKUPS}/
rmdir /var/backups/.moved
chmod 0700 {aside.BACKUPS}
"""

MOVE_BACK = f"""
rm -rf /var/backups/.moved
mountpoint --quiet {aside.BACKUPS} || {{ rm -f {aside.BACKUPS}/* && mount -o loop {DISK} {aside.BACKUPS}; }}
"""


def inject(server: Server) -> None:
    server.run(MOVE).required()


def heal(server: Server) -> None:
    server.run(MOVE_BACK).required()
