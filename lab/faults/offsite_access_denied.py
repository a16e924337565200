"""The key that looks at the off-site bucket may do nothing there."""

from __future__ import annotations

from lab import offsite
from lab.server import Server

section = "5.5"
fails: set[str] = set()
undetermined = offsite.SEEN_OFF_SITE


def inject(server: Server) -> None:
    offsite.administrator(server, "iam").delete_user_policy(UserName="auditor", PolicyName="own")


def heal(server: Server) -> None:
    offsite.heal(server)
