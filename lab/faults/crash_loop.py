"""Redis ends as it starts, and Docker restarts it: a restart loop."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "2.2"
fails = {"no-container-is-in-a-restart-loop"}
undetermined = hands.STANDS_ON_REDIS

FAULT = "crash-loop"
SETTINGS = "/var/www/psyfit/.kamal/redis.conf"


def inject(server: Server) -> None:
    hands.keep(server, FAULT, "redis.conf", f"cat {SETTINGS}")
    server.run(f"echo 'no-such-setting yes' >> {SETTINGS} && docker restart psyfit-redis").required()
    server.wait_until('[ "$(docker inspect --format "{{.RestartCount}}" psyfit-redis)" -ge 3 ]', seconds=20)


def heal(server: Server) -> None:
    kept = f"{hands.KEPT}/{FAULT}/redis.conf"
    server.run(f"[ ! -e {kept} ] || cat {kept} > {SETTINGS}; docker restart psyfit-redis").required()
    server.wait_until("docker exec psyfit-redis redis-cli ping", seconds=10)
    hands.forget(server, FAULT)
