"""The database lacks a migration that the running release has."""

from __future__ import annotations

from lab.server import Server

section = "4.3"
fails = {"no-migration-is-pending"}
undetermined: set[str] = set()

SQL = "docker exec psyfit-db psql -XAtq -U psyfit_prod -d psyfit_production -c"
UNSAY = f"{SQL} \"DELETE FROM schema_migrations WHERE version = '20251001000000'\""  # noqa: S608
SAY = f"{SQL} \"INSERT INTO schema_migrations (version) VALUES ('20251001000000') ON CONFLICT DO NOTHING\""  # noqa: S608


def inject(server: Server) -> None:
    server.run(UNSAY).required()


def heal(server: Server) -> None:
    server.run(SAY).required()
