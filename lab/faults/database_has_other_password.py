"""The database's password was changed, and nowhere else: inside its container psql still succeeds."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "8.1"
fails = {
    "the-api-is-healthy",
    "the-database-takes-the-password-of-the-next-release",
}
undetermined = {"a-page-that-reads-the-database-answers"}

SET = r"""
sed -n "s/^POSTGRES_PASSWORD=\(.*\)/ALTER ROLE psyfit_prod PASSWORD '\1{more}'/p" /var/www/psyfit/.kamal/secrets |
  docker exec -i psyfit-db psql --quiet --username=psyfit_prod --dbname=psyfit_production
"""


def inject(server: Server) -> None:
    server.run(SET.format(more="x")).required()


def heal(server: Server) -> None:
    server.run(SET.format(more="")).required()
    hands.wait_until_well(server)
