"""``runbook lint``: what is wrong with the runbook's own files. No server is needed."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from commands import rooms
from commands.front import ROOT
from linting import glossary
from linting.everything import House, lint
from runbook import controls, exits, features


def lint_all() -> int:
    """Check features, steps, checks, the table of controls and the words of the glossary: file, line and rule."""
    house = House(features.FEATURES, rooms.meanings(), rooms.declaring(), controls.CONTROLS)
    found = sorted({*lint(house), *glossary.findings(ROOT)})
    console = Console(highlight=False)
    for finding in found:
        console.print(Text(finding.told(ROOT)), soft_wrap=True)
    console.print(f"{len(found)} finding{'' if len(found) == 1 else 's'}" if found else "nothing is wrong")
    return exits.FAILED if found else exits.COMPLIANT
