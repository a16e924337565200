"""A backup of some days ago was deleted off-site."""

from __future__ import annotations

from lab import offsite
from lab.server import Server

section = "5.5"
fails = {"every-backup-has-an-off-site-copy"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    bucket = offsite.administrator(server)
    bucket.delete_object(Bucket=offsite.BUCKET, Key=offsite.oldest_copy(server))


def heal(server: Server) -> None:
    offsite.heal(server)
