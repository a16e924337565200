"""What uses a disk that is short of room."""

from __future__ import annotations

from dataclasses import dataclass

from checks.server.disk_space import Disks, disks
from runbook.model import rights
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

USERS = Command(
    "for count in -B1 --inodes; do du -xs $count -- {docker_root} {backups} /var/log {app} /tmp; echo; done",
    needs=rights.ROOT,
    lane="slow",
    seconds=120,
)
"""It walks through all of it, so it is asked only where a disk is short. What vanishes meanwhile is no matter."""

WORTH_ASKING_PERCENT = 70


@dataclass(frozen=True)
class User:
    """A folder and all that is below it on its own disk."""

    path: str
    used_bytes: int
    inodes: int

    def __str__(self) -> str:
        return f"{self.path} uses {self.used_bytes / 1e6:.0f} MB in {self.inodes} files and folders"


@dataclass(frozen=True)
class Filling:
    """The disks, and the folders that use them, the largest first; those are not known where no disk is short."""

    disks: Disks
    users: tuple[User, ...]


def filling(snapshot: Snapshot) -> Filling:
    """What uses the disks of the service, where one is short of room or of inodes."""
    found = snapshot.observe(disks)
    if not any(max(one.used_percent, one.used_inodes_percent) >= WORTH_ASKING_PERCENT for one in found.file_systems):
        return Filling(found, ())
    told = snapshot.ask(USERS)
    with reading("what uses the disks"):
        return Filling(found, read_users(told.out))


def read_users(text: str) -> tuple[User, ...]:
    """Read the bytes of each folder, an empty line, and the inodes of each.

    Raises:
        ValueError: A line is not a number and a path.
    """
    sizes, _, inodes = text.partition("\n\n")
    counted = _numbers(inodes.removesuffix("\n"))
    users = [User(path, size, counted.get(path, 0)) for path, size in _numbers(sizes).items()]
    return tuple(sorted(users, key=lambda one: one.used_bytes, reverse=True))


def _numbers(text: str) -> dict[str, int]:
    return {path: int(number) for number, path in (line.split("\t", 1) for line in lines_of(text))}
