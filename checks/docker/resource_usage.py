"""What the running containers use of memory and CPU time, against their limits, as the kernel counts it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import PurePosixPath

from checks.docker.containers import CONTAINERS, Container, fleet
from checks.formats.units import percent
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Inspection, lines_of
from runbook.observation.snapshot import Snapshot, reading

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
      [ -d "/proc/$pid" ] || [ ! -d /proc/1 ] || echo ended
    done || :"""
    )
)
"""The files of both versions of cgroups; a container that ended meanwhile has none any more.

Where even process 1 is hidden from the account, so are others, and one that is not seen may well be there.
"""

NO_LIMIT_BYTES = 1 << 60
"""From here on a limit is the kernel's way to say that there is none."""
NO_CPU_LIMIT = (None, 0, -1)
"""What Docker says of the limit where there is none."""


@dataclass(frozen=True)
class Counted:
    """What one group of processes uses.

    Attributes:
        memory_bytes: Without what the kernel keeps of files and gives back at once.
        limit_bytes: None where there is none.
        out_of_memory_kills: Processes that were killed for want of memory since the container started; None where the
            kernel does not count them.
        cpu_limited: It has a limit of CPU time.
        periods: How many of the limit's periods it has worked in.
        held_back: In how many of them it had to wait for the next.
    """

    memory_bytes: int
    limit_bytes: int | None
    out_of_memory_kills: int | None
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


@dataclass(frozen=True)
class Usages:
    """What the running containers of the service use.

    Attributes:
        untold: Those of which the kernel's files do not tell it.
    """

    found: tuple[Usage, ...]
    untold: tuple[Container, ...]

    def require_all(self) -> None:
        """Hold that every container was seen: what some use says nothing of the others.

        Raises:
            Undetermined: One was not.
        """
        if self.untold:
            names = ", ".join(one.name for one in self.untold)
            raise Undetermined(f"what {names} uses is not known: the kernel's files about it could not be read")


def usage(snapshot: Snapshot) -> Usages:
    """What each running container of the service uses; one that ends meanwhile uses nothing."""
    found, inspected = snapshot.observe(fleet), snapshot.ask(CONTAINERS)
    with reading("the containers' processes"):
        pids = {str(one["Id"]): int(one["State"]["Pid"]) for one in inspected}
        limited = {str(one["Id"]) for one in inspected if _has_cpu_limit(one)}
    running = {str(pid): one for one in found.running if (pid := pids[one.id])}
    if not running:
        return Usages((), ())
    told = snapshot.ask(CGROUPS.with_values(pids=tuple(running))).required("what the containers use")
    with reading("what the containers use"):
        server_bytes, groups, ended = read_groups(told.out)
    counted = {
        pid: counts
        for pid, one in running.items()
        if (files := groups.get(pid)) and (counts := _counted(files, limited=one.id in limited))
    }
    return Usages(
        tuple(
            Usage(running[pid], one, min(one.limit_bytes or server_bytes, server_bytes)) for pid, one in counted.items()
        ),
        tuple(one for pid, one in running.items() if pid not in counted and pid not in ended),
    )


def _counted(files: Mapping[str, str], *, limited: bool) -> Counted | None:
    """What the files of one group tell; None where they do not: that of others is told all the same."""
    try:
        return read_counted(files, limited=limited)
    except (LookupError, ValueError):
        return None


def _has_cpu_limit(inspected: Inspection) -> bool:
    """Whether it was created with a limit of CPU time.

    Raises:
        LookupError, TypeError: It is not an inspection.
    """
    host = inspected["HostConfig"]
    return any(host.get(key) not in NO_CPU_LIMIT for key in ("NanoCpus", "CpuQuota"))


def read_groups(text: str) -> tuple[int, dict[str, dict[str, str]], frozenset[str]]:
    """The server's memory in bytes, for each process its group's files, and the processes that have ended.

    Of the files a value stands by the file's name and its key.

    Raises:
        ValueError, LookupError: It is another answer.
    """
    first, *lines = lines_of(text)
    groups: dict[str, dict[str, str]] = {}
    ended, pid, files = set[str](), "", dict[str, str]()
    for line in lines:
        if line.startswith("pid "):
            pid, files = line.removeprefix("pid "), {}
            groups[pid] = files
        elif line == "ended":
            ended.add(pid)
        else:
            path, _, value = line.rpartition(":")
            name, (key, _, number) = PurePosixPath(path).name, value.partition(" ")
            if number and name != "cpu.max":
                files[f"{name} {key}"] = number
            else:
                files[name] = value
    return int(first.removeprefix("memory ")) * 1024, groups, frozenset(ended)


def read_counted(files: Mapping[str, str], *, limited: bool) -> Counted:
    """What the files of one group tell.

    Args:
        files: By name and key.
        limited: The container was created with a limit of CPU time: then one has to be found.

    Raises:
        ValueError, LookupError: They are not those of a group.
    """
    used = int(files.get("memory.current") or files["memory.usage_in_bytes"])
    cached = int(files.get("memory.stat total_inactive_file") or files.get("memory.stat inactive_file") or 0)
    limit = files.get("memory.max") or files["memory.limit_in_bytes"]
    quota = (files.get("cpu.max") or files.get("cpu.cfs_quota_us") or ("" if limited else "-1")).split()[0]
    cpu_limited = quota not in ("max", "-1")
    unlimited = {} if cpu_limited else {"periods": 0}
    kills = files.get("memory.events oom_kill") or files.get("memory.oom_control oom_kill")
    return Counted(
        memory_bytes=max(0, used - cached),
        limit_bytes=None if limit == "max" or int(limit) >= NO_LIMIT_BYTES else int(limit),
        out_of_memory_kills=None if kills is None else int(kills),
        cpu_limited=cpu_limited,
        periods=int(files.get("cpu.stat nr_periods") or unlimited["periods"]),
        held_back=int(files.get("cpu.stat nr_throttled") or unlimited["periods"]),
    )
