"""The proxy's state file says something else than the proxy does: after a restart it would serve that."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.3"
fails = {"kamal-proxy-s-saved-state-matches-its-live-state"}
undetermined: set[str] = set()

FAULT = "proxy-state-file-wrong"
PATH = "/home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state"


def inject(server: Server) -> None:
    fault_helpers.keep_route(server, FAULT)
    server.run(f'docker exec kamal-proxy sed -i \'s/"psytech.jp"/"www.psytech.jp"/\' {PATH}').required()


def heal(server: Server) -> None:
    fault_helpers.restore_route(server, FAULT)
