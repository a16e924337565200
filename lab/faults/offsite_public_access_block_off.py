"""One of the four Block Public Access settings of the off-site bucket is off."""

from __future__ import annotations

from lab import offsite
from lab.server import Server

section = "5.5"
fails = {"the-off-site-bucket-is-not-public"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    lifted = {**offsite.BLOCKED, "RestrictPublicBuckets": False}
    offsite.administrator(server).put_public_access_block(Bucket=offsite.BUCKET, PublicAccessBlockConfiguration=lifted)


def heal(server: Server) -> None:
    offsite.heal(server)
