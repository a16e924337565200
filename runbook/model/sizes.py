"""Sizes in bytes, and how they are said."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB


def in_words(size: int) -> str:
    """A number of bytes as it is said."""
    return f"{size // MIB} MiB" if size >= MIB else f"{size // KIB} KiB"
