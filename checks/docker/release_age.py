"""When a release was made."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from runbook.model.question import Inspection


def created_at(inspected: Inspection, prefix: str) -> datetime:
    """When a release was made: the time in its name, since a container may be made again; else its container's.

    Raises:
        LookupError, TypeError, ValueError: It does not say so.
    """
    seconds = str(inspected["Name"]).removeprefix("/").removeprefix(prefix)
    if re.fullmatch(r"[0-9]{10}", seconds):
        return datetime.fromtimestamp(int(seconds), UTC)
    return datetime.fromisoformat(inspected["Created"])
