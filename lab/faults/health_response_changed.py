"""The health response calls its version by another name than the runbook documents."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import KAMAL_PROXY
from lab.server import Server

section = "2.1"
edge = KAMAL_PROXY
fails = {"the-health-response-has-its-documented-fields"}
undetermined = {"the-health-response-is-fresh", "the-api-reports-the-version-of-its-release"}

FAULT = "health-response-changed"


def inject(server: Server) -> None:
    fault_helpers.put_in_front(server, FAULT, "TLSv1_2", '"version"', '"release"')


def heal(server: Server) -> None:
    fault_helpers.take_from_front(server, FAULT)
