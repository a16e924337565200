"""The off-site bucket does not encrypt new objects."""

from __future__ import annotations

from lab import offsite
from lab.server import Server

section = "5.5"
fails = {"the-off-site-copies-are-encrypted-at-rest"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    offsite.administrator(server).delete_bucket_encryption(Bucket=offsite.BUCKET)


def heal(server: Server) -> None:
    offsite.heal(server)
