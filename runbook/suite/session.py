"""What the parts of the plugin have in common while pytest is in session."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from runbook.drill.session import DrillSession
from runbook.observation.catalogue import Catalogue
from runbook.suite import terminal
from runbook.suite.attestation import Attestation
from runbook.suite.run import ActiveRun

ATTESTED = pytest.StashKey[Mapping[str, Attestation]]()
RUNNING = pytest.StashKey[ActiveRun]()
DRILLING = pytest.StashKey[DrillSession]()


@dataclass
class Session:
    """One session of pytest.

    Attributes:
        errors: The process's own standard error, past whatever pytest captures while a scenario runs.
        ending: What holds until the process ends.
        there_are_scenarios: Some were collected, selected or not.
        collected: How many there are, drills left out of a run that only looks.
    """

    config: pytest.Config
    catalogue: Catalogue
    screen: terminal.Screen
    errors: int
    ending: ExitStack = field(default_factory=ExitStack)
    there_are_scenarios: bool = False
    collected: int = 0

    @classmethod
    def begun(cls, config: pytest.Config) -> Session:
        """A session that lets go of what it holds when pytest does."""
        catalogue: Catalogue = config.hook.pytest_runbook_catalogue() or Catalogue({}, {})
        session = cls(config, catalogue, terminal.Screen(config), os.dup(2))
        config.add_cleanup(lambda: os.close(session.errors))
        config.add_cleanup(session.ending.close)
        return session
