"""Room on the file systems that the service lives on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from checks.docker.containers import CONTAINERS, fleet
from checks.formats.units import percent
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Inspection, lines_of
from runbook.observation.snapshot import Snapshot, reading

MOUNTS = Command(
    "readlink -f -- / {app} {backups} {docker_root} {monitor_log} {backup_log} {cleanup_log} /tmp || exit; "
    'for path in {sources}; do readlink -f -- "$path"; done; echo; cat /proc/self/mountinfo'
)
DISKS = Command("df -P -B1 -- {mounts} && echo && df -P -i -- {mounts}")
PLACES = Command(
    'for path in {backups} {docker_root}; do echo "$path"; df -P -B1 -- "$path"; echo; df -P -i -- "$path"; echo; done'
)
"""Asked once by all that need one of these places: where df hangs, it is waited for once."""

NOT_ON_DISK = frozenset(
    {"cgroup", "cgroup2", "devpts", "devtmpfs", "mqueue", "nsfs", "overlay", "proc", "squashfs", "sysfs", "tmpfs"}
)
"""What is mounted below a path of the service without holding anything of it: the engine's own and the kernel's."""


@dataclass(frozen=True)
class FileSystem:
    """One mounted file system. ``inodes`` is 0 where it has no fixed number of them."""

    mount: str
    used_bytes: int
    free_bytes: int
    inodes: int
    used_inodes: int

    @property
    def size_bytes(self) -> int:
        """What an ordinary account can use, as df counts it."""
        return self.used_bytes + self.free_bytes

    @property
    def used_percent(self) -> float:
        """Of what an ordinary account can use."""
        return percent(self.used_bytes, self.size_bytes)

    @property
    def used_inodes_percent(self) -> float:
        """Of all inodes."""
        return percent(self.used_inodes, self.inodes)


@dataclass(frozen=True)
class Mount:
    """One line of the kernel's table of mounts. ``device`` is the same wherever a file system is mounted."""

    path: str
    device: str
    kind: str
    writable: bool


@dataclass(frozen=True)
class Disks:
    """The disks of the service.

    Attributes:
        file_systems: Each that holds a path of the service or is mounted below one, once.
        unseen: Why it is not known where the containers keep what is theirs; None where that is known.
    """

    file_systems: tuple[FileSystem, ...]
    unseen: Undetermined | None


def disks(snapshot: Snapshot) -> Disks:
    """The file systems of what the target names, of the containers' mounts and of the Docker Engine itself."""
    unseen, sources = None, tuple[str, ...]()
    try:
        sources = snapshot.observe(container_paths)
    except Undetermined as error:
        unseen = error
    return Disks(_file_systems(snapshot, sources), unseen)


def container_paths(snapshot: Snapshot) -> tuple[str, ...]:
    """Where on the server the Docker Engine, and the mounts of the service's containers, keep what is theirs."""
    inspected, known = snapshot.ask(CONTAINERS), snapshot.observe(fleet).known
    with reading("the containers' paths"):
        return tuple(dict.fromkeys([*engine_roots(inspected), *(path for one in known for path in one.sources)]))


def engine_roots(inspected: Iterable[Inspection]) -> Iterator[str]:
    """The folder of the Docker Engine, as each container that ever ran tells it.

    Raises:
        LookupError, TypeError: It is not an inspection.
    """
    for one in inspected:
        path, own = str(one["ResolvConfPath"]), f"/containers/{one['Id']}/resolv.conf"
        if path.endswith(own):
            yield path.removesuffix(own)


def _file_systems(snapshot: Snapshot, sources: tuple[str, ...]) -> tuple[FileSystem, ...]:
    told = snapshot.ask(MOUNTS.with_values(sources=sources)).required("the mounts")
    with reading("the mounts"):
        paths, mounts = read_mounts(told.out)
        of_service = [mount.path for mount in chosen(paths, mounts)]
    answer = snapshot.ask(DISKS.with_values(mounts=of_service)).required("the file systems")
    with reading("the file systems"):
        return tuple(read_df(answer.out))


def backups_disk(snapshot: Snapshot) -> FileSystem:
    """The file system that the backups are on."""
    return _place(snapshot, snapshot.target.paths.backups)


def docker_disk(snapshot: Snapshot) -> FileSystem:
    """The file system that the Docker Engine keeps everything on."""
    return _place(snapshot, snapshot.target.paths.docker)


def _place(snapshot: Snapshot, path: str) -> FileSystem:
    told = snapshot.ask(PLACES)
    with reading(f"the disk of {path}"):
        return read_place(told.out, path)


def read_place(text: str, path: str) -> FileSystem:
    """The file system of one of the `PLACES`.

    Raises:
        ValueError: df does not tell of it.
    """
    _, found, behind = f"\n\n{text}".partition(f"\n\n{path}\n")
    if not found:
        raise ValueError("df says nothing of it")
    (one,) = read_df("\n\n".join(behind.split("\n\n")[:2]))
    return one


def read_mounts(text: str) -> tuple[list[str], list[Mount]]:
    """Read the service's paths, an empty line, and /proc/self/mountinfo. Of two mounts on one path the upper counts.

    Raises:
        ValueError: A line is not of that form.
    """
    paths, _, table = text.partition("\n\n")
    mounts: dict[str, Mount] = {}
    for line in lines_of(table):
        left, found, right = line.partition(" - ")
        fields = left.split()
        if not found or len(fields) < 6 or not right.split():
            raise ValueError("this is not a line of mountinfo")
        path = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8) % 256), fields[4])
        options = {*fields[5].split(","), *right.split()[-1].split(",")}
        mounts[path] = Mount(path=path, device=fields[2], kind=right.split()[0], writable="ro" not in options)
    return lines_of(paths), list(mounts.values())


def chosen(paths: list[str], mounts: list[Mount]) -> list[Mount]:
    """The mounts on which these paths are, then those below them; each file system once.

    Read-only ones below a path are left out: nothing of the service can grow there. So is what is below ``/`` alone.
    """
    found: dict[str, Mount] = {}
    for path in paths:
        above = [mount for mount in mounts if _holds(mount.path, path)]
        if above:
            holder = max(above, key=lambda mount: len(mount.path))
            found.setdefault(holder.device, holder)
    for mount in mounts:
        below = any(path != "/" and _holds(path, mount.path) for path in paths)
        if below and mount.writable and mount.kind not in NOT_ON_DISK:
            found.setdefault(mount.device, mount)
    if not found:
        raise ValueError("no path of the service is on any mount")
    return list(found.values())


def _holds(folder: str, path: str) -> bool:
    return PurePosixPath(path).is_relative_to(folder)


def read_df(text: str) -> list[FileSystem]:
    """Read ``df -P -B1``, an empty line, and ``df -P -i`` of the same paths.

    Raises:
        LookupError: The two do not tell of the same mounts.
        ValueError: A line is not df's, or a file system has no size: one that lies elsewhere may not tell it.
    """
    space, _, inodes = text.partition("\n\n")
    of_inodes = {fields[-1]: fields for fields in _rows(inodes)}
    found = {fields[-1]: fields for fields in _rows(space)}
    systems = [
        FileSystem(
            mount=mount,
            used_bytes=int(used),
            free_bytes=int(free),
            inodes=_count(of_inodes[mount][1]),
            used_inodes=_count(of_inodes[mount][2]),
        )
        for mount, (_, _, used, free, _, _) in found.items()
    ]
    if sizeless := [one.mount for one in systems if one.size_bytes <= 0]:
        raise ValueError(f"df shows no size for {', '.join(sizeless)}")
    return systems


def _rows(text: str) -> list[list[str]]:
    rows = [line.split(maxsplit=5) for line in lines_of(text)[1:]]
    if not rows or any(len(row) != 6 for row in rows):
        raise ValueError("these are not the lines of df -P")
    return rows


def _count(inodes: str) -> int:
    """File systems that make inodes as they need them say ``-``."""
    return 0 if inodes == "-" else int(inodes)
