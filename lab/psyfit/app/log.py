"""The log: one line an event, on standard output, where ``docker logs`` finds it."""

from __future__ import annotations

from . import clock


def info(message: str) -> None:
    """Log what went as it should."""
    _line("INFO", message)


def error(message: str) -> None:
    """Log what did not."""
    _line("ERROR", message)


def _line(level: str, message: str) -> None:
    print(f"[{clock.now():%Y-%m-%d %H:%M:%S}] [{level}] {message}", flush=True)
