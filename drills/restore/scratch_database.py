"""The scratch database: a PostgreSQL of production's own image that runs next to it for a while, without a network.

It has no published port and no restart policy; its memory is limited, it swaps nothing, is the OOM killer's first
choice and runs at low CPU priority. What it holds is removed with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any

from checks.database.schema import SIZE
from checks.server.disk_space import PLACES, docker_disk
from runbook.drill.executor import DrillExecutor
from runbook.model import rights
from runbook.model.action import Action
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import reading

NAME = "runbook-drill-restore"

ENDS_WITH_THE_THROWAWAY = ": all that it makes goes with the scratch database, and it ends by itself"

MEBIBYTE = 1 << 20
GROWTH = 2.5
"""How many times its plain dump or its present size a database may take while it is loaded and indexed."""
CLUSTER_BYTES = 256 * MEBIBYTE
"""What PostgreSQL itself takes on a disk: an empty cluster and its log of changes."""
WORK_BYTES = 512 * MEBIBYTE
"""What its processes take in memory."""
RESERVE_BYTES = 512 * MEBIBYTE
"""What is left to everybody else, of memory and of disk."""

MEMORY = Command("grep '^MemAvailable:' /proc/meminfo; grep -c '^processor' /proc/cpuinfo")

CONFINEMENT = Command(
    "docker inspect --format '{{{{json .HostConfig}}}}\n{{{{json .NetworkSettings.Networks}}}}' runbook-drill-restore",
    needs=rights.DOCKER,
    lane="docker",
)

START = Action(
    cleandoc(
        r"""
    image=$(docker inspect --format '{{{{.Image}}}}' {db}) || exit
    {{
      printf 'POSTGRES_PASSWORD=%s\n' "$(od -An -v -tx1 -N16 /dev/urandom | tr -d ' \n')"
      docker exec {db} env | grep -E '^POSTGRES_(USER|INITDB_ARGS)='
    }} |
    docker run --detach --name runbook-drill-restore --label runbook.drill=restore --network none --restart no \
      --memory {memory} --memory-swap {memory} --cpus {cpus} --cpu-shares 64 --pids-limit 256 \
      --oom-score-adj 1000 --security-opt no-new-privileges --log-driver json-file --log-opt max-size=1m \
      --env-file /dev/stdin --env POSTGRES_DB={database} --env PGDATA=/restored/data --mount {mount} \
      "$image" postgres -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off \
      -c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=2GB -c checkpoint_timeout=1h \
      -c shared_buffers=128MB -c maintenance_work_mem=128MB -c max_parallel_maintenance_workers=0 \
      -c lc_messages=C -c log_min_messages=fatal -c log_min_error_statement=panic > /dev/null || exit
    for attempt in $(seq 300); do
      docker exec runbook-drill-restore pg_isready --quiet --host=127.0.0.1 && exit
      [ "$(docker inspect --format '{{{{.State.Running}}}}' runbook-drill-restore)" = true ] || break
      sleep 0.2
    done
    docker logs --tail 5 runbook-drill-restore; exit 1"""
    ),
    cleandoc(
        r"""
    found=$(docker ps --all --quiet --no-trunc --filter 'name=^/runbook-drill-restore$') || exit 1
    if [ -n "$found" ]; then
      label=$(docker inspect --format '{{{{index .Config.Labels "runbook.drill"}}}}' "$found") || exit 1
      [ "$label" = restore ] ||
        {{ echo 'interfered: the container runbook-drill-restore is not one of this drill'; exit 3; }}
      docker rm --force --volumes "$found" > /dev/null || exit 1
    fi"""
    ),
    seconds=90,
    undo_seconds=60,
)
"""Its log holds only why it did not start: no statement, and so no row, is ever written there."""


@dataclass(frozen=True)
class Place:
    """What the throw-away needs, and what there is.

    Attributes:
        database_bytes: What the database may take while it is loaded.
        disk_free_bytes: What is free where the Docker Engine keeps its volumes.
        memory_free_bytes: What the kernel can give without taking it from somebody.
        cores: How many processors there are.
    """

    database_bytes: int
    disk_free_bytes: int
    memory_free_bytes: int
    cores: int

    @property
    def in_memory(self) -> bool:
        """It fits into half of the free memory: then nothing of it ever comes to a disk, and it cannot fill one."""
        return self.database_bytes + WORK_BYTES <= self.memory_free_bytes // 2

    @property
    def memory_bytes(self) -> int:
        """The most memory that the throw-away may take."""
        return WORK_BYTES + (self.database_bytes if self.in_memory else 0)

    @property
    def cpus(self) -> int:
        """How many processors it may take."""
        return max(1, self.cores // 2)

    @property
    def mount(self) -> str:
        """What is mounted for the database, in the words of ``docker run --mount``."""
        if self.in_memory:
            return f"type=tmpfs,destination=/restored,tmpfs-size={self.database_bytes}"
        return "type=volume,destination=/restored"

    def missing(self) -> tuple[str, ...]:
        """What there is too little of, in phrases."""
        return tuple(self._missing())

    def _missing(self) -> Iterator[str]:
        if self.memory_bytes + RESERVE_BYTES > self.memory_free_bytes:
            yield f"{_mib(self.memory_free_bytes)} of memory, {_mib(self.memory_bytes + RESERVE_BYTES)} needed"
        if not self.in_memory and self.database_bytes + RESERVE_BYTES > self.disk_free_bytes:
            yield f"{_mib(self.disk_free_bytes)} of disk, {_mib(self.database_bytes + RESERVE_BYTES)} needed"


def _mib(count: int) -> str:
    return f"{count / MEBIBYTE:.0f} MiB"


def place(executor: DrillExecutor, plain_bytes: int) -> Place:
    """The room for a database whose plain dump has so many bytes.

    Raises:
        Undetermined: It could not be told.
    """
    snapshot = executor.snapshot()
    _, memory, size = snapshot.ask(PLACES, MEMORY, SIZE)
    disk = snapshot.observe(docker_disk)
    with reading("the room for the scratch database"):
        present = int(size.required("production's size").out)
        available, cores = read_memory(memory.required("the free memory").out)
        needed = int(max(plain_bytes, present) * GROWTH) + CLUSTER_BYTES
        return Place(needed, disk.free_bytes, available, cores)


def read_memory(text: str) -> tuple[int, int]:
    """The free bytes of memory and the number of processors, from the answer to `MEMORY`.

    Raises:
        ValueError: It is not of that form.
    """
    memory, cores = lines_of(text)
    _, kibibytes, _ = memory.split()
    return int(kibibytes) * 1024, int(cores)


def unconfined(executor: DrillExecutor) -> tuple[str, ...]:
    """What the throw-away can do that it must not, in phrases.

    Raises:
        Undetermined: It is not there, or cannot be read.
    """
    told = executor.snapshot().ask(CONFINEMENT).required("the scratch database")
    with reading("the scratch database"):
        host, networks = (json.loads(line) for line in told.lines)
        return tuple(_openings(host, networks))


def _openings(host: dict[str, Any], networks: dict[str, Any]) -> Iterator[str]:
    if host["NetworkMode"] != "none" or set(networks) != {"none"}:
        yield f"it is on the network {', '.join(sorted(networks))}"
    if host["PortBindings"] or host["PublishAllPorts"]:
        yield "it has published ports"
    if host["RestartPolicy"]["Name"] not in ("", "no"):
        yield "it would be started again"
    if not host["Memory"] or host["MemorySwap"] != host["Memory"]:
        yield "its memory is not limited"
    if not host["NanoCpus"]:
        yield "its processors are not limited"
    if host["Privileged"] or host["Binds"]:
        yield "it reaches the server's own files"
