"""What people have attested of the lab: its operator's file, beside its target file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

SCENARIOS = (
    "the-emergency-contact-answers",
    "a-change-reaches-production-through-a-pull-request",
    "a-new-secret-key-base-ends-every-session",
    "login-works-with-cleared-cookies",
)
COUNTS_FOR = timedelta(days=30)

TABLE = """\
[{scenario}]
by = "The maker of the lab"
on = {on}
result = "{result}"
proof = "made up: on a lab there is nobody to do it"
expires = {expires}
"""


def write(state: Path, *, on: date | None = None, result: str = "passed") -> None:
    """Write the file, as of today unless another day is given."""
    day = on or datetime.now(UTC).date()
    tables = [TABLE.format(scenario=one, on=day, result=result, expires=day + COUNTS_FOR) for one in SCENARIOS]
    (state / "attestations.toml").write_text("\n".join(tables))
