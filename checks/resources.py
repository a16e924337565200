"""What the running containers use of memory and CPU time, against their limits, as the kernel counts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import PurePosixPath

from checks.containers import CONTAINERS, Container, fleet
from checks.disk import percent
from runbook.look import Look, reading
from runbook.outcome import Undetermined
from runbook.question import Command, lines_of

CGROUPS = Command(
    cleandoc(
        r"""sed -n 's/^MemTotal: *\([0-9]*\) kB$/memory \1/p' /proc/meminfo
    for pid in {pids}; do
      echo "pid $pid"
      one=$(sed -n 's,^0::,/sys/fs/cgroup,p' "/proc/$pid/cgroup")
      memory=$(sed -n 's,^[0-9]*:memory:,/sys/fs/cgroup/memory,p' "/proc/$pid/cgroup")
      cpu=$(sed -nE 's;^[0-9]+:([a-z]+,)*cpu(,[a-z]+)*:;/sys/fs/cgroup/cpu;p' "/proc/$pid/cgroup")
      for file in current max events usage_in_bytes limit_in_bytes oom_control stat; do
        grep -sHE '^(-?[0-9]+|max|(total_)?inactive_file [0-9]+|oom_kill [0-9]+)$' "${{memory:-$one}}/memory.$file"
      done
      for file in cpu.max cpu.cfs_quota_us cpu.stat; do
        grep -sHE '^(-?[0-9]+|max [0-9]+|[0-9]+ [0-9]+|nr_(periods|throttled) [0-9]+)$' "${{cpu:-$one}}/$file"
      done
    done || :"""
    )
)
"""The files of both versions of cgroups; a container that ended meanwhile has none any more."""

NO_LIMIT_BYTES = 1 << 60
"""From here on a limit is the kernel's way to say that there is none."""


@dataclass(frozen=True)
class Counted:
    """What one group of processes uses.

    Attributes:
        memory_bytes: Without what the kernel keeps of files and gives back at once.
        limit_bytes: None where there is none.
        out_of_memory_kills: Processes that were killed for want of memory since the container started.
        cpu_limited: It has a limit of CPU time.
        periods: How many of the limit's periods it has worked in.
        held_back: In how many of them it had to wait for the next.
    """

    memory_bytes: int
    limit_bytes: int | None
    out_of_memory_kills: int
    cpu_limited: bool
    periods: int
    held_back: int


@dataclass(frozen=True)
class Usage:
    """What a running container uses, and the memory that it may have: its limit, else the server's."""

    container: Container
    counted: Counted
    may_have_bytes: int

    @property
    def memory_percent(self) -> float:
        """Of what it may have."""
        return percent(self.counted.memory_bytes, self.may_have_bytes)

    @property
    def held_back_percent(self) -> float:
        """Of the periods of its limit of CPU time; 0 where it has none."""
        return percent(self.counted.held_back, self.counted.periods) if self.counted.cpu_limited else 0.0


def usage(look: Look) -> tuple[Usage, ...]:
    """What each running container of the service uses."""
    found, inspected = look.see(fleet), look.ask(CONTAINERS)
    with reading("the containers' processes"):
        pids = {str(one["Id"]): int(one["State"]["Pid"]) for one in inspected}
    running = {str(pid): one for one in found.running if (pid := pids[one.id])}
    if not running:
        return ()
    told = look.ask(CGROUPS.about(pids=tuple(running))).required("what the containers use")
    with reading("what the containers use"):
        server_bytes, groups = read_groups(told.out)
        counted = {pid: read_counted(files) for pid, files in groups.items() if files}
    if not counted:
        raise Undetermined("the kernel's files about the containers could not be read")
    return tuple(
        Usage(one, counted[pid], min(counted[pid].limit_bytes or server_bytes, server_bytes))
        for pid, one in running.items()
        if pid in counted
    )


def read_groups(text: str) -> tuple[int, dict[str, dict[str, str]]]:
    """The server's memory in bytes, and for each process its group's files: a value by the file's name and its key.

    Raises:
        ValueError, LookupError: It is another answer.
    """
    first, *lines = lines_of(text)
    groups: dict[str, dict[str, str]] = {}
    files: dict[str, str] = {}
    for line in lines:
        if line.startswith("pid "):
            files = groups[line.removeprefix("pid ")] = {}
        else:
            path, _, value = line.rpartition(":")
            name, (key, _, number) = PurePosixPath(path).name, value.partition(" ")
            if number and name != "cpu.max":
                files[f"{name} {key}"] = number
            else:
                files[name] = value
    return int(first.removeprefix("memory ")) * 1024, groups


def read_counted(files: Mapping[str, str]) -> Counted:
    """What the files of one group tell.

    Raises:
        ValueError, LookupError: They are not those of a group.
    """
    used = int(files.get("memory.current") or files["memory.usage_in_bytes"])
    cached = int(files.get("memory.stat total_inactive_file") or files.get("memory.stat inactive_file") or 0)
    limit = files.get("memory.max") or files["memory.limit_in_bytes"]
    quota = files.get("cpu.max", files.get("cpu.cfs_quota_us", "-1")).split()[0]
    return Counted(
        memory_bytes=max(0, used - cached),
        limit_bytes=None if limit == "max" or int(limit) >= NO_LIMIT_BYTES else int(limit),
        out_of_memory_kills=int(files.get("memory.events oom_kill") or files.get("memory.oom_control oom_kill") or 0),
        cpu_limited=quota not in ("max", "-1"),
        periods=int(files.get("cpu.stat nr_periods", 0)),
        held_back=int(files.get("cpu.stat nr_throttled", 0)),
    )
