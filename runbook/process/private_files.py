"""What this process writes for itself alone: files that no other account can read, and folders that do not stay.

A folder under the machine's own for temporary files does not outlive its process for long.

A folder's name says whose it is: the process, when that was started, and the namespace that counts it. A process takes
its own away as it ends. One that was killed leaves them, and the next that makes one takes them away: those of the same
account, of the same namespace, whose process is gone.
"""

from __future__ import annotations

import atexit
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

PREFIX = "runbook"
_NAME = re.compile(rf"{PREFIX}-(?P<namespace>\d+)-(?P<process>\d+)-(?P<started>\d+)-[0-9a-f]+")
_made: set[Path] = set()


def opened(file: Path) -> TextIO:
    """A text file, made empty, that only this account can read: what a server says of itself is for whoever asked it.

    Raises:
        OSError: It cannot be made.
    """
    number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    return os.fdopen(number, "w", encoding="utf-8", errors="replace", newline="\n")


def make() -> Path:
    """A new folder that only this account can enter.

    Where none can be made, the path of one that is not there: whoever needs it says so by itself, and all that can do
    without goes on.
    """
    place = Path(_place())
    if not _made:
        atexit.register(_remove_ours)
        _sweep(place)
    namespace, started = _namespace(), _started(os.getpid())
    folder = place / f"{PREFIX}-{namespace}-{os.getpid()}-{started}-{secrets.token_hex(4)}"
    _made.add(folder)
    with suppress(OSError):
        folder.mkdir(mode=0o700)
    return folder


def remove(folder: Path) -> None:
    """Take it away with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    _made.discard(folder)


def _place() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:  # it looks for a folder in which it can write, and there is none
        return "/tmp"  # noqa: S108  (nothing is written there)


def _remove_ours() -> None:
    for folder in tuple(_made):
        remove(folder)


def _sweep(place: Path) -> None:
    for folder in _abandoned(place):
        shutil.rmtree(folder, ignore_errors=True)


def _abandoned(place: Path) -> Iterator[Path]:
    with suppress(OSError):
        for entry in os.scandir(place):
            named = _NAME.fullmatch(entry.name)
            if named is None or int(named["namespace"]) != _namespace():
                continue
            with suppress(OSError):
                own = entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_uid == os.getuid()
                if own and _started(int(named["process"])) != int(named["started"]):
                    yield Path(entry.path)


def _namespace() -> int:
    """Which namespace counts our processes: under one /tmp the numbers of another one say nothing."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return 0


def _started(process: int) -> int | None:
    """When it was started, in the kernel's ticks since the machine was; None where it is gone."""
    try:
        stat = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return None
    state, *fields = stat.rpartition(b")")[2].split()
    return None if state in (b"Z", b"X") else int(fields[18])
