"""The containers' logs: how they are rotated, and what of them lies on the disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from checks.docker.containers import CONTAINERS, Container, fleet
from checks.formats.units import read_size
from runbook.model import rights
from runbook.model.question import Command, Inspection, lines_of
from runbook.observation.snapshot import Snapshot, reading

LOG_FILES = Command("find {folders} -maxdepth 1 -name '*-json.log*' -printf '%s %p\\n'", needs=rights.ROOT)

READABLE = Command(
    'for one in {containers}; do said=$(docker logs --tail 100 "$one" 2>&1); '
    'printf \'%s\\t%s\\t%s\\n\' "$one" "$?" "${{#said}}"; done',
    needs=rights.DOCKER,
    lane="docker",
    seconds=10,
)
"""Of each log how the reading of it ended, and how many characters came; none of them leaves the server."""

ROTATED = "json-file"


@dataclass(frozen=True)
class KeptLog:
    """How a running container keeps its log, as it was created.

    Attributes:
        max_bytes: At this size a file is rotated; None where none ever is.
        max_files: The log's file with those that were rotated.
        path: Where its newest file is on the server; None where the driver keeps none.
    """

    container: Container
    driver: str
    max_bytes: int | None
    max_files: int
    path: str | None

    def __str__(self) -> str:
        if self.max_bytes is None:
            return f"{self.container.name} keeps its log without a limit, by {self.driver}"
        size = f"{self.max_bytes / 1e6:g} MB"
        return f"{self.container.name} keeps its log in {self.max_files} files of {size}, by {self.driver}"


@dataclass(frozen=True)
class LogOnDisk:
    """The files of one container's log; none where none was found, though it has a log."""

    log: KeptLog
    sizes_bytes: tuple[int, ...]


@dataclass(frozen=True)
class ReadLog:
    """What came of reading a container's log; ``status`` is 0 where it can be read."""

    container: Container
    status: int
    characters: int


def read_logs(snapshot: Snapshot) -> tuple[ReadLog, ...]:
    """Whether the logs of the releases, running or not, and of the database can be read."""
    found = snapshot.observe(fleet)
    named = {one.name: one for one in (*found.releases, found.db) if one is not None}
    if not named:
        return ()
    told = snapshot.ask(READABLE.with_values(containers=tuple(named))).required("the containers' logs")
    with reading("the containers' logs"):
        read = {name: (status, length) for name, status, length in read_readable(told.out)}
        return tuple(ReadLog(one, *read[name]) for name, one in named.items())


def kept_logs(snapshot: Snapshot) -> tuple[KeptLog, ...]:
    """How the running containers of the service keep their logs."""
    found, inspected = snapshot.observe(fleet), snapshot.ask(CONTAINERS)
    with reading("the containers' log options"):
        by_id = {str(one["Id"]): one for one in inspected}
        return tuple(read_kept_log(one, by_id[one.id]) for one in found.running)


def logs_on_disk(snapshot: Snapshot) -> tuple[LogOnDisk, ...]:
    """The log files of the running containers whose logs are rotated."""
    limited = [one for one in snapshot.observe(kept_logs) if one.driver == ROTATED and one.max_bytes is not None]
    folders = [str(PurePosixPath(one.path).parent) for one in limited if one.path is not None]
    if not folders:
        return tuple(LogOnDisk(one, ()) for one in limited)
    told = snapshot.ask(LOG_FILES.with_values(folders=folders)).required("the log files")
    with reading("the log files"):
        sizes = read_sizes(told.out)
        return tuple(LogOnDisk(one, _sizes_of(one.path, sizes) if one.path else ()) for one in limited)


def read_kept_log(container: Container, inspected: Inspection) -> KeptLog:
    """Read what ``docker inspect`` says of a container's log.

    Raises:
        LookupError, TypeError, ValueError: It is not an inspection, or a limit in it cannot be read.
    """
    config = inspected["HostConfig"]["LogConfig"]
    options = config["Config"] or {}
    if not isinstance(options, dict):
        raise TypeError("the log's options are not a table")
    size, files = options.get("max-size"), options.get("max-file")
    return KeptLog(
        container=container,
        driver=str(config["Type"]),
        max_bytes=read_size(size) if size else None,
        max_files=int(files) if files else 1,
        path=str(inspected["LogPath"]) if config["Type"] == ROTATED and inspected["LogPath"] else None,
    )


def read_readable(text: str) -> list[tuple[str, int, int]]:
    """The name, the status and the characters of each container in the answer to `READABLE`.

    Raises:
        ValueError: A line is not of that form.
    """
    rows = [line.split("\t") for line in lines_of(text)]
    return [(name, int(status), int(length)) for name, status, length in rows]


def read_sizes(text: str) -> dict[str, int]:
    """The size of each file, by its path.

    Raises:
        ValueError: A line is not a size and a path.
    """
    return {path: int(size) for size, path in (line.split(" ", 1) for line in lines_of(text))}


def _sizes_of(path: str, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Those of the log and of what was rotated from it."""
    return tuple(size for one, size in sizes.items() if one == path or one.startswith(f"{path}."))


def of(logs: Iterable[KeptLog], containers: Iterable[Container | None]) -> tuple[KeptLog, ...]:
    """The logs of these containers."""
    wanted = {one.id for one in containers if one is not None}
    return tuple(one for one in logs if one.container.id in wanted)
