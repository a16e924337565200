"""The service is degraded and still answers with HTTP status 200."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "2.1"
edge = KAMAL_PROXY
fails = {"the-health-check-s-http-status-matches-its-body", "the-api-is-healthy"}
undetermined = {"a-page-that-reads-the-database-responds"}

FAULT = "degraded-with-200"


def inject(server: Server) -> None:
    fault_helpers.put_in_front(
        server,
        FAULT,
        "TLSv1_2",
        '"success","data":{"health_status":"healthy"',
        '"succes","data":{"health_status":"degraded"',
    )


def heal(server: Server) -> None:
    fault_helpers.take_from_front(server, FAULT)
