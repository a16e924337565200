"""Redis ends as it starts, and Docker restarts it: a restart loop."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.2"
fails = {"no-container-is-in-a-restart-loop"}
undetermined = fault_helpers.STANDS_ON_REDIS

FAULT = "crash-loop"
SETTINGS = "/var/www/psyfit/.kamal/redis.conf"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "redis.conf", f"cat {SETTINGS}")
    server.run(f"echo 'no-such-setting yes' >> {SETTINGS} && docker restart psyfit-redis").required()
    server.wait_until('[ "$(docker inspect --format "{{.RestartCount}}" psyfit-redis)" -ge 3 ]', seconds=20)


def heal(server: Server) -> None:
    kept = f"{fault_helpers.KEPT}/{FAULT}/redis.conf"
    server.run(f"[ ! -e {kept} ] || cat {kept} > {SETTINGS}; docker restart psyfit-redis").required()
    server.wait_until("docker exec psyfit-redis redis-cli ping", seconds=10)
    fault_helpers.forget(server, FAULT)
