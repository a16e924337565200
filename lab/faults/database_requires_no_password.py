"""The database lets everybody in who reaches it."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "8.1"
fails = {"the-database-requires-a-password"}
undetermined: set[str] = set()

FAULT = "database-requires-no-password"
RULES = "/var/lib/postgresql/data/pg_hba.conf"
RELOAD = (
    "docker exec psyfit-db psql --quiet --username=psyfit_prod --dbname=psyfit_production "
    "--command='SELECT pg_reload_conf()'"
)


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "rules", f"docker exec psyfit-db cat {RULES}")
    _put(server, "host all all all trust\n" + (fault_helpers.kept(server, FAULT, "rules") or ""))


def heal(server: Server) -> None:
    rules = fault_helpers.kept(server, FAULT, "rules")
    if rules is not None:
        _put(server, rules)
    fault_helpers.forget(server, FAULT)


def _put(server: Server, rules: str) -> None:
    server.run(f"docker exec -i psyfit-db sh -c 'cat > {RULES}' && {RELOAD}", stdin=rules.encode()).required()
