"""The key that looks at the off-site bucket may not see its list of grants."""

from __future__ import annotations

from lab import offsite
from lab.server import Server

section = "5.5"
fails: set[str] = set()
undetermined = {"the-off-site-bucket-is-not-public"}


def inject(server: Server) -> None:
    offsite.allow(offsite.administrator(server, "iam"), "auditor", denied="s3:GetBucketAcl")


def heal(server: Server) -> None:
    offsite.heal(server)
