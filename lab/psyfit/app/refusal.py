"""The one error that ends a command."""

from __future__ import annotations


class Refused(Exception):
    """One sentence for the log; the command ends with exit code 1."""
