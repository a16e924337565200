"""The database answers, but a table that a page is made from is not there: a migration went wrong."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.1"
fails = {"a-page-that-reads-the-database-responds"}
undetermined: set[str] = set()

PSQL = "docker exec psyfit-db psql --quiet --username=psyfit_prod --dbname=psyfit_production --set=ON_ERROR_STOP=1"


def inject(server: Server) -> None:
    server.run(f"{PSQL} --command='ALTER TABLE clinics RENAME TO clinics_away'").required()


def heal(server: Server) -> None:
    fault_helpers.attempt(server, f"{PSQL} --command='ALTER TABLE clinics_away RENAME TO clinics'")
