"""Which commit of the suite a run was made with."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

GIT_SECONDS = 10.0


@dataclass(frozen=True)
class Checkout:
    """The suite's own repository: its commit, and whether it has changes beside it; None where git does not tell."""

    commit: str | None = None
    uncommitted_changes: bool | None = None


def checkout() -> Checkout:
    changes = _git("status", "--porcelain")
    return Checkout(commit=_git("rev-parse", "HEAD"), uncommitted_changes=None if changes is None else bool(changes))


def _git(*arguments: str) -> str | None:
    """What git says of this checkout; None where it does not say."""
    root = Path(__file__).resolve().parents[2]
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):  # the second where it says what is no text
        return None
    return done.stdout.strip() if done.returncode == 0 else None
