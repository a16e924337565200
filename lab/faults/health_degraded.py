"""The application cannot reach its database: the database lost the network that the two share."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.1"
fails = {
    "the-api-is-healthy",
    "the-application-can-log-in-to-the-database",
    "the-releases-reach-their-database",
}
undetermined = {
    "a-page-that-reads-the-database-responds",
    "the-database-requires-a-password",
    "the-database-accepts-the-password-of-the-next-release",
}


def inject(server: Server) -> None:
    server.run("docker network disconnect kamal psyfit-db").required()


def heal(server: Server) -> None:
    fault_helpers.attempt(server, "docker network connect kamal psyfit-db")
    fault_helpers.wait_until_well(server)
