"""A job is to renew the certificate by a command that kamal-proxy does not have."""

from __future__ import annotations

from lab import stashed_files
from lab.server import Server

section = "7"
fails = {"no-job-calls-an-unknown-kamal-proxy-command"}
undetermined: set[str] = set()

FAULT = "crontab-calls-unknown-proxy-command"
EDITING = "cat; echo '0 4 1 * * docker exec kamal-proxy kamal-proxy renew-ssl > /dev/null 2>&1'"


def inject(server: Server) -> None:
    stashed_files.edit_crontab(server, FAULT, EDITING)


def heal(server: Server) -> None:
    stashed_files.restore_crontab(server, FAULT)
