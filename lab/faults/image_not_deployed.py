"""The server's clone is at a commit that was never deployed."""

from __future__ import annotations

from lab import contents, hands
from lab.server import Server

section = "2.2"
fails = {"the-clone-is-up-to-date-with-its-origin", "the-running-release-is-the-one-deployed"}
undetermined: set[str] = set()

FAULT = "image-not-deployed"
GIT = f"{contents.GIT} -c core.logAllRefUpdates=false -c user.name=Somebody -c user.email=somebody@psyfit.example"
COMMIT = f"{GIT} commit-tree -p HEAD -m 'Not deployed yet' 'HEAD^{{tree}}'"


def inject(server: Server) -> None:
    hands.keep(server, FAULT, "commit", f"{GIT} rev-parse HEAD")
    server.run(f'umask 022; {GIT} update-ref refs/heads/main "$({COMMIT})"').required()


def heal(server: Server) -> None:
    commit = hands.kept(server, FAULT, "commit")
    if commit:
        server.run(f"umask 022; {GIT} update-ref refs/heads/main {commit.strip()}").required()
    hands.forget(server, FAULT)
