"""Room on the file systems that the service lives on."""

from __future__ import annotations

from dataclasses import dataclass

from runbook.look import Look, reading
from runbook.question import Command

PATHS = "/ {app} {backups} {docker_root} /var/log /tmp"
SPACE = Command(f"df -P -B1 -- {PATHS}")
INODES = Command(f"df -P -i -- {PATHS}")


@dataclass(frozen=True)
class FileSystem:
    """One mounted file system. ``inodes`` is 0 where it has no fixed number of them."""

    mount: str
    size_bytes: int
    used_bytes: int
    free_bytes: int
    inodes: int
    used_inodes: int

    @property
    def used_percent(self) -> float:
        """Of what an ordinary account can use, as df counts it."""
        return percent(self.used_bytes, self.used_bytes + self.free_bytes)

    @property
    def used_inodes_percent(self) -> float:
        return percent(self.used_inodes, self.inodes)


def file_systems(look: Look) -> tuple[FileSystem, ...]:
    """Each file system that holds a path of the service, once."""
    space, inodes = look.ask(SPACE, INODES)
    with reading("the file systems"):
        return tuple(read_df(space.required("the disk space").out, inodes.required("the inodes").out))


def read_df(space: str, inodes: str) -> list[FileSystem]:
    """Read ``df -P -B1`` and ``df -P -i`` of the same paths.

    Raises:
        ValueError: A line is not df's, or the two do not tell of the same mounts.
    """
    of_inodes = {fields[-1]: fields for fields in _rows(inodes)}
    found = {fields[-1]: fields for fields in _rows(space)}
    return [
        FileSystem(
            mount=mount,
            size_bytes=int(size),
            used_bytes=int(used),
            free_bytes=int(free),
            inodes=_count(of_inodes[mount][1]),
            used_inodes=_count(of_inodes[mount][2]),
        )
        for mount, (_, size, used, free, _, _) in found.items()
    ]


def _rows(text: str) -> list[list[str]]:
    rows = [line.split(maxsplit=5) for line in text.splitlines()[1:]]
    if not rows or any(len(row) != 6 for row in rows):
        raise ValueError("these are not the lines of df -P")
    return rows


def _count(inodes: str) -> int:
    """File systems that make inodes as they need them say ``-``."""
    return 0 if inodes == "-" else int(inodes)


def percent(part: int, whole: int) -> float:
    """``part`` in percent of ``whole``; 0 where there is no whole."""
    return 100 * part / whole if whole else 0.0
