"""Redis has another password than the application."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "3.2"
fails = {"the-application-can-log-in-to-redis"}
undetermined: set[str] = set()

FAULT = "redis-password-wrong"
SETTINGS = "/var/www/psyfit/.kamal/redis.conf"
ANSWERS = "docker exec psyfit-redis redis-cli ping"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "redis.conf", f"cat {SETTINGS}")
    server.run(f"sed -i 's/^requirepass .*/requirepass another/' {SETTINGS} && docker restart psyfit-redis").required()
    server.wait_until(ANSWERS, seconds=10)


def heal(server: Server) -> None:
    kept = f"{fault_helpers.KEPT}/{FAULT}/redis.conf"
    server.run(f"[ ! -e {kept} ] || cat {kept} > {SETTINGS}; docker restart psyfit-redis").required()
    server.wait_until(ANSWERS, seconds=10)
    fault_helpers.forget(server, FAULT)
