"""A grant of before the block lets everybody list the off-site bucket."""

from __future__ import annotations

from lab import offsite
from lab.server import Server

section = "5.5"
fails = {"the-off-site-bucket-is-not-public"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    offsite.administrator(server).put_bucket_acl(Bucket=offsite.BUCKET, ACL="public-read")


def heal(server: Server) -> None:
    offsite.heal(server)
