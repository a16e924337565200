"""The database was started by hand and keeps ten times as much of its log."""

from __future__ import annotations

from lab import swapped_container
from lab.server import Server

section = "9.2"
fails = {"the-log-of-the-database-is-rotated"}
undetermined: set[str] = set()

FAULT = "db-log-limit-wrong"
LOG = "--log-driver json-file --log-opt max-size=100m --log-opt max-file=3"
DATA = "--volume psyfit-db-data:/var/lib/postgresql/data"
READY = "docker exec psyfit-db pg_isready --quiet --host=127.0.0.1 --username=psyfit_prod --dbname=psyfit_production"


def inject(server: Server) -> None:
    swapped_container.instead(server, FAULT, "psyfit-db", f"{LOG} {DATA}", READY)


def heal(server: Server) -> None:
    swapped_container.put_back(server, FAULT)
