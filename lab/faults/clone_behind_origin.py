"""The origin's main has a commit that the clone on the server has not pulled."""

from __future__ import annotations

from lab import fault_helpers
from lab.provisioning import OWNER
from lab.server import Server

section = "4.2"
fails = {"the-clone-is-up-to-date-with-its-origin"}
undetermined: set[str] = set()

FAULT = "clone-behind-origin"
GIT = f"sudo -n -u {OWNER} git -C /srv/git/psyfit.git -c user.name=Somebody -c user.email=somebody@psyfit.example"
COMMIT = f"{GIT} commit-tree -p main -m Later 'main^{{tree}}'"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "commit", f"{GIT} rev-parse main")
    server.run(f'umask 022; {GIT} update-ref refs/heads/main "$({COMMIT})"').required()


def heal(server: Server) -> None:
    commit = fault_helpers.kept(server, FAULT, "commit")
    if commit:
        server.run(f"umask 022; {GIT} update-ref refs/heads/main {commit.strip()}").required()
    fault_helpers.forget(server, FAULT)
