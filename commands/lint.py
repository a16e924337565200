"""``runbook lint``: what is wrong with the runbook's own files. No server is needed."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from commands import packages
from commands.pytest_runner import ROOT
from linting import glossary
from linting.all_rules import Project, lint
from runbook.model import exits
from runbook.suite import controls, features


def lint_all() -> int:
    """Check features, steps, checks, the table of controls and the words of the glossary: file, line and rule."""
    house = Project(features.FEATURES, packages.meanings(), packages.declaring(), controls.CONTROLS)
    found = sorted({*lint(house), *glossary.findings(ROOT)})
    console = Console(highlight=False)
    for finding in found:
        console.print(Text(finding.one_line(ROOT)), soft_wrap=True)
    console.print(f"{len(found)} finding{'' if len(found) == 1 else 's'}" if found else "nothing is wrong")
    return exits.FAILED if found else exits.COMPLIANT
