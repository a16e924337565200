"""Another branch than main is checked out on the server."""

from __future__ import annotations

from lab import fault_helpers, provisioning
from lab.server import Server

section = "4.2"
fails = {"the-clone-is-clean"}
undetermined: set[str] = set()

FAULT = "clone-on-other-branch"
GIT = f"umask 022; {provisioning.GIT} -c core.logAllRefUpdates=false"


def inject(server: Server) -> None:
    server.run(f"{GIT} checkout --quiet -b hotfix").required()


def heal(server: Server) -> None:
    server.run(f"{GIT} checkout --quiet main").required()
    fault_helpers.attempt(server, f"{GIT} branch --quiet --delete --force hotfix")
