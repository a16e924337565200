"""The containers' logs: how they are rotated, and what of them lies on the disk."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from checks.containers import CONTAINERS, Container, fleet
from runbook import rights
from runbook.look import Look, reading
from runbook.question import Command, Inspection, lines_of

LOG_FILES = Command("find {folders} -maxdepth 1 -name '*-json.log*' -printf '%s %p\\n'", needs=rights.ROOT)

SIZE = re.compile(r"(\d+(?:\.\d+)?)\s?([kMGTP]?)i?B?", re.IGNORECASE | re.ASCII)
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
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
    """The files of one container's log."""

    log: KeptLog
    sizes_bytes: tuple[int, ...]


def kept_logs(look: Look) -> tuple[KeptLog, ...]:
    """How the running containers of the service keep their logs."""
    found, inspected = look.see(fleet), look.ask(CONTAINERS)
    with reading("the containers' log options"):
        by_id = {str(one["Id"]): one for one in inspected}
        return tuple(read_kept_log(one, by_id[one.id]) for one in found.running)


def logs_on_disk(look: Look) -> tuple[LogOnDisk, ...]:
    """The log files of the running containers whose logs are rotated."""
    limited = [one for one in look.see(kept_logs) if one.path is not None and one.max_bytes is not None]
    if not limited:
        return ()
    folders = [str(PurePosixPath(str(one.path)).parent) for one in limited]
    told = look.ask(LOG_FILES.about(folders=folders)).required("the log files")
    with reading("the log files"):
        sizes = read_sizes(told.out)
        return tuple(LogOnDisk(one, _sizes_of(str(one.path), sizes)) for one in limited)


def read_kept_log(container: Container, inspected: Inspection) -> KeptLog:
    """Read what ``docker inspect`` says of a container's log.

    Raises:
        LookupError, TypeError, ValueError: It is not an inspection, or a limit in it cannot be read.
    """
    config = inspected["HostConfig"]["LogConfig"]
    options = config["Config"] or {}
    if not isinstance(options, dict):
        raise TypeError("the log's options are no table")
    size, files = options.get("max-size"), options.get("max-file")
    return KeptLog(
        container=container,
        driver=str(config["Type"]),
        max_bytes=read_size(size) if size else None,
        max_files=int(files) if files else 1,
        path=str(inspected["LogPath"]) if config["Type"] == ROTATED and inspected["LogPath"] else None,
    )


def read_size(text: str) -> int:
    """A size as Docker takes and tells it, in bytes: ``50m``, ``209.5kB``; its units are decimal.

    Raises:
        ValueError: It is no size.
    """
    found = SIZE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no size")
    return round(float(found[1]) * 1000.0 ** POWERS[found[2].lower()])


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
