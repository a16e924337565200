"""The clone's origin does not answer."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "4.2"
fails: set[str] = set()
undetermined = {"the-clone-is-up-to-date-with-its-origin"}

FAULT = "origin-unreachable"


def inject(server: Server) -> None:
    server.run("mv /srv/git/psyfit.git /srv/git/psyfit.git.aside").required()


def heal(server: Server) -> None:
    fault_helpers.attempt(
        server, "[ ! -e /srv/git/psyfit.git.aside ] || mv /srv/git/psyfit.git.aside /srv/git/psyfit.git"
    )
