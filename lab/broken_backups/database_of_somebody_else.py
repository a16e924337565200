"""The backup is of another database."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "table appointments is missing"

SCRIPT = r"""
psql() { docker exec -i psyfit-db sh -c 'exec psql -XAtq -U "$POSTGRES_USER" "$@"' sh "$@"; }
trap 'psql -d postgres -c "DROP DATABASE IF EXISTS staging"' EXIT
psql -d postgres -c "CREATE DATABASE staging"
psql -d staging -c "CREATE TABLE notes (id bigserial PRIMARY KEY, note text)"
docker exec psyfit-db sh -c 'exec pg_dump -U "$POSTGRES_USER" --no-owner --no-privileges staging' | gzip > "$file"
"""


def make(server: Server) -> str:
    return bad_copies.written(server, "database-of-somebody-else", SCRIPT)
