"""Versioning of the off-site bucket is suspended: whoever overwrites a copy destroys it."""

from __future__ import annotations

from lab import offsite
from lab.server import Server

section = "5.5"
fails = {"the-off-site-bucket-has-versioning-enabled"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    suspended = {"Status": "Suspended"}
    offsite.administrator(server).put_bucket_versioning(Bucket=offsite.BUCKET, VersioningConfiguration=suspended)


def heal(server: Server) -> None:
    offsite.heal(server)
