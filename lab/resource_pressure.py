"""What the faults of an incident do alike: sessions that stay in the database, and limits put on a container."""

from __future__ import annotations

from lab import fault_helpers, held_locks
from lab.server import Server

SESSION = "lab-fault"
PSQL = "psql --username=psyfit_prod --dbname=psyfit_production --no-psqlrc --quiet --tuples-only --no-align"
STATED = f"docker exec -i --env PGAPPNAME={SESSION} psyfit-db {PSQL}"
ASK = f"docker exec psyfit-db {PSQL}"
OURS = f"FROM pg_stat_activity WHERE application_name = '{SESSION}'"

STAY = """\
#!/bin/sh
{{ echo "{sql}"; sleep 3600; }} | {psql}
"""

GROUP_OF = """
group() {{
  pid=$(docker inspect --format '{{{{.State.Pid}}}}' {container})
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    sed -n 's,^0::,/sys/fs/cgroup,p' "/proc/$pid/cgroup"
  else
    sed -nE "s;^[0-9]+:([a-z]+,)*$1(,[a-z]+)*:;/sys/fs/cgroup/$1;p" "/proc/$pid/cgroup"
  fi
}}
"""

LIMIT_MEMORY = """
set -eu
folder=$(group memory)
if [ -e "$folder/memory.max" ]; then
  used=$(cat "$folder/memory.current") file=$folder/memory.max
else
  used=$(cat "$folder/memory.usage_in_bytes") file=$folder/memory.limit_in_bytes
fi
echo $(( {bytes} )) > "$file"
"""

NO_MEMORY_LIMIT = """
folder=$(group memory)
if [ -e "$folder/memory.max" ]; then
  echo max > "$folder/memory.max"
else
  echo -1 > "$folder/memory.limit_in_bytes"
fi
"""

LIMIT_CPU = """
set -eu
folder=$(group cpu)
if [ -e "$folder/cpu.max" ]; then
  echo "{quota} 100000" > "$folder/cpu.max"
else
  echo {quota} > "$folder/cpu.cfs_quota_us"
fi
"""

NO_CPU_LIMIT = """
folder=$(group cpu)
if [ -e "$folder/cpu.max" ]; then
  echo max > "$folder/cpu.max"
else
  echo -1 > "$folder/cpu.cfs_quota_us"
fi
"""


def stay(server: Server, fault: str, sql: str, name: str = "session") -> None:
    """Open a session that runs this SQL and stays, until `leave`."""
    held_locks.begin(server, fault, STAY.format(sql=sql, psql=STATED), name=name)


def wait_for_session(server: Server, condition: str) -> None:
    """Wait until one of these sessions is as the condition on ``pg_stat_activity`` says."""
    server.wait_until(f'[ "$({ASK} --command "SELECT count(*) {OURS} AND {condition}")" -ge 1 ]', seconds=20)


def leave(server: Server, fault: str) -> None:
    """End these sessions, and what keeps them."""
    fault_helpers.attempt(server, f'{ASK} --output=/dev/null --command "SELECT pg_terminate_backend(pid) {OURS}"')
    held_locks.end(server, fault)


def limit_memory(server: Server, container: str, bytes_allowed: str) -> None:
    """Limit the memory of a container, past Docker; ``bytes_allowed`` may reckon with what is ``used``."""
    server.run(GROUP_OF.format(container=container) + LIMIT_MEMORY.format(bytes=bytes_allowed)).required()


def lift_memory(server: Server, container: str) -> None:
    """Take that limit away."""
    fault_helpers.attempt(server, GROUP_OF.format(container=container) + NO_MEMORY_LIMIT)


def limit_cpu(server: Server, container: str, quota: int) -> None:
    """Limit a container to so many microseconds of CPU time in every 100000, past Docker."""
    server.run(GROUP_OF.format(container=container) + LIMIT_CPU.format(quota=quota)).required()


def lift_cpu(server: Server, container: str) -> None:
    """Take that limit away."""
    fault_helpers.attempt(server, GROUP_OF.format(container=container) + NO_CPU_LIMIT)
