"""The health that the runbook's section 2.1 asks for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from . import clock, log
from .answer import Answer, html, json_answer
from .database import DatabaseFailed, transaction
from .settings import ROOT, DatabaseSettings

FAULT = ROOT / "tmp" / "health-fault"
"""A file that a fault of the lab puts here: ``stale`` or ``not-json``."""

STALE = timedelta(minutes=10)


def health(database: DatabaseSettings, version: str) -> Answer:
    """Healthy with 200, or degraded with 503 when the database cannot be reached; nothing else degrades."""
    fault = FAULT.read_text().strip() if FAULT.exists() else ""
    if fault == "not-json":
        return html(200, "<!DOCTYPE html><html><body><h1>PsyFit</h1></body></html>")
    at = clock.now() - (STALE if fault == "stale" else timedelta())
    reached = _reached(database)
    body: dict[str, Any] = {
        "status": "success",
        "data": {
            "health_status": "healthy" if reached else "degraded",
            "timestamp": at.isoformat(timespec="seconds"),
            "version": version,
            "checks": {"database": "ok" if reached else "error"},
        },
    }
    return json_answer(200 if reached else 503, body)


def _reached(database: DatabaseSettings) -> bool:
    """Whether the service's own user can log in now and be answered."""
    try:
        with transaction(database) as cursor:
            cursor.execute("SELECT 1")
    except DatabaseFailed as failure:
        log.error(f"Health: {failure}")
        return False
    return True
