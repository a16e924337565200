"""Where the runbook's own commands say that all is well, and it is not (``misleading.toml``)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).resolve().parent.parent / "misleading.toml"


@dataclass(frozen=True)
class Misleading:
    """One place of the runbook that misleads.

    Attributes:
        section: Its section, or those that do not fit together.
        says: What it says.
        really: How it really is.
        command: Its own command, run on the server.
        well: What that says where all is well, as a regular expression; it then ends with 0.
        fault: The fault on which the command says so nevertheless.
        scenario: The id of the scenario that fails there.
    """

    section: str
    says: str
    really: str
    command: str
    well: str
    fault: str
    scenario: str

    def __str__(self) -> str:
        return f"{self.section}-{self.fault}".replace(" ", "-")


def table() -> list[Misleading]:
    """All of them, in the runbook's order."""
    return [Misleading(**row) for row in tomllib.loads(TABLE.read_text())["misleading"]]
