"""The server's clone is at a commit that was never deployed."""

from __future__ import annotations

from lab import fault_helpers, provisioning
from lab.server import Server

section = "2.2"
fails = {"the-clone-is-up-to-date-with-its-origin", "the-running-release-is-the-one-deployed"}
undetermined: set[str] = set()

FAULT = "image-not-deployed"
GIT = f"{provisioning.GIT} -c core.logAllRefUpdates=false -c user.name=Somebody -c user.email=somebody@psyfit.example"
COMMIT = f"{GIT} commit-tree -p HEAD -m 'Not deployed yet' 'HEAD^{{tree}}'"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "commit", f"{GIT} rev-parse HEAD")
    server.run(f'umask 022; {GIT} update-ref refs/heads/main "$({COMMIT})"').required()


def heal(server: Server) -> None:
    commit = fault_helpers.kept(server, FAULT, "commit")
    if commit:
        server.run(f"umask 022; {GIT} update-ref refs/heads/main {commit.strip()}").required()
    fault_helpers.forget(server, FAULT)
