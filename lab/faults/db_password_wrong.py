"""The application has another password than the database: psql in the container sees nothing of it."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "3.2"
fails = {
    "the-api-is-healthy",
    "the-application-can-log-in-to-the-database",
    "the-database-accepts-the-password-of-the-next-release",
    "the-releases-reach-their-database",
}
undetermined = {"a-page-that-reads-the-database-responds"}

SECRETS = "/var/www/psyfit/.kamal/secrets"
PSQL = "docker exec -i psyfit-db psql --username=psyfit_prod --dbname=psyfit_production --quiet --set=ON_ERROR_STOP=1"


def inject(server: Server) -> None:
    server.run(f"echo \"ALTER ROLE psyfit_prod PASSWORD 'another'\" | {PSQL}").required()


def heal(server: Server) -> None:
    setting = f"sed -n \"s/^POSTGRES_PASSWORD=\\(.*\\)/ALTER ROLE psyfit_prod PASSWORD '\\1'/p\" {SECRETS}"
    server.run(f"{setting} | {PSQL}").required()
    fault_helpers.wait_until_well(server)
