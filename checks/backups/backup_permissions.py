"""How backups are kept: who may read them, on which file system they lie, which tables a whole one must have."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import cleandoc

from checks.database.schema import TABLES
from checks.formats.file_modes import FileMode, read_file_modes
from runbook.model import rights
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

MODES = Command(
    cleandoc(
        r"""stat -L -c '%a %U %n' -- {backups} || exit
    find -H {backups} -maxdepth 1 -type f ! -name '.*' -exec stat -c '%a %U %n' -- {{}} +"""
    ),
    needs=rights.ROOT,
)
"""The folder, and whatever lies in it: dumps, archives, and what was there before a restore; hidden files are none."""

DEVICES = Command("stat -L -c '%d %n' -- {backups} / {app} {docker_root}")


@dataclass(frozen=True)
class Place:
    """A path and the device that it lies on."""

    path: str
    device: int


def backup_modes(snapshot: Snapshot) -> tuple[FileMode, ...]:
    """The backups' folder first, then each file in it, as far as who may read them goes."""
    told = snapshot.ask(MODES).required("the backups' permissions")
    with reading("the backups' permissions"):
        return tuple(read_file_modes(told.out))


def backup_places(snapshot: Snapshot) -> tuple[Place, ...]:
    """The backups' folder first, then what it must not share a file system with."""
    told = snapshot.ask(DEVICES).required("the backups' file system")
    with reading("the backups' file system"):
        return tuple(read_devices(told.out))


def tables_of_production(snapshot: Snapshot) -> frozenset[str]:
    """Every table of production, by schema and name."""
    told = snapshot.ask(TABLES).required("production's tables")
    return frozenset(line for line in told.lines if line)


def read_devices(text: str) -> list[Place]:
    """Read the answer to `DEVICES`.

    Raises:
        ValueError: A line is of another form.
    """
    rows = [line.split(" ", 1) for line in lines_of(text)]
    return [Place(path, int(device)) for device, path in rows]
