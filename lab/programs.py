"""Programs of this machine, run with a time limit; none outlives what it was run for."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from lab import LabError

ENDING_SECONDS = 5.0

_running: set[subprocess.Popen[bytes]] = set()


def run(
    command: Sequence[str],
    *,
    seconds: float,
    stdin: bytes | BinaryIO = b"",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Run a program to its end; returns what it printed.

    Raises:
        LabError: It failed or took too long; the error carries the last lines of what it said.
    """
    given = stdin if isinstance(stdin, bytes) else None
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if isinstance(stdin, bytes) else stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )
    _running.add(process)
    try:
        out, err = process.communicate(given, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise LabError(f"{command[0]} took longer than {seconds:.0f} s") from None
    finally:
        _end(process)
        _running.discard(process)
    if process.returncode != 0:
        said = (out + err).decode(errors="replace")
        raise LabError(f"{' '.join(command[:3])} failed ({process.returncode})", said)
    return out


def end_all() -> None:
    """End what still runs, in whatever thread it was begun."""
    for process in list(_running):
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End this program and its children, who share its session; it may tidy up first."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, ending)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(ENDING_SECONDS)
