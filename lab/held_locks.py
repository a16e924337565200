"""What the faults that stop a deploy do alike: something goes on until it is ended, or the old release is another."""

from __future__ import annotations

import shlex
import zlib

from lab import fault_helpers
from lab.server import Server

MIGRATION_LOCK = 2053462845 * zlib.crc32(b"psyfit_production")
"""The advisory lock of a migration, as Rails numbers it."""

SQL = "docker exec -i psyfit-db psql --username=psyfit_prod --dbname=psyfit_production --quiet --tuples-only"
OTHERS = "FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()"

BEGIN = """
set -eu
umask 077
mkdir -p {folder}
cat > {folder}/{name}
chmod 700 {folder}/{name}
setsid {folder}/{name} < /dev/null > {folder}/log 2>&1 &
echo $! > {folder}/{name}.pid
"""

END = """
for pid in {folder}/*.pid; do
  [ ! -e "$pid" ] || kill -- "-$(cat "$pid")" 2> /dev/null || true
done
"""

HOLD = """\
#!/bin/sh
exec 9> {lock}
flock --nonblock 9 || exit
exec sleep 3600
"""

LOCK_OF_MIGRATIONS = f"""\
#!/bin/sh
{{ echo 'SELECT pg_advisory_lock({MIGRATION_LOCK});'; sleep 3600; }} | {SQL}
"""

CREATE_OTHER = """
set -eu
old=$(cat {folder}/container)
docker rename "$old" psyfit-web-exec-aside
docker inspect --format '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' psyfit-web-exec-aside |
  grep . | ( {change} ) | docker create --name "$old" --network kamal --restart unless-stopped --env-file /dev/stdin \
  "$(docker inspect --format '{{{{.Config.Image}}}}' psyfit-web-exec-aside)"
"""


def begin(server: Server, fault: str, script: str, *, name: str = "work") -> None:
    """Start a script on the server under this name; it goes on until `end`."""
    server.run(BEGIN.format(folder=_folder(fault), name=name), stdin=script.encode()).required()


def end(server: Server, fault: str) -> None:
    """End what was begun, with all its processes."""
    server.run(END.format(folder=_folder(fault))).required()
    fault_helpers.forget(server, fault)


def hold(server: Server, fault: str, lock: str) -> None:
    """Hold a lock as a script does, until `let_go`."""
    begin(server, fault, HOLD.format(lock=shlex.quote(lock)))
    server.wait_until(f"! flock --nonblock {shlex.quote(lock)} true", seconds=10)


def let_go(server: Server, fault: str, lock: str) -> None:
    """Let it go."""
    end(server, fault)
    server.wait_until(f"flock --nonblock {shlex.quote(lock)} true", seconds=10)


def hold_migrations(server: Server, fault: str) -> None:
    """Hold the database's lock of migrations, until `let_migrations_go`."""
    begin(server, fault, LOCK_OF_MIGRATIONS, name="session")
    server.wait_until(f'[ "$({SQL} --no-align --command "SELECT count(*) {OTHERS}")" -ge 1 ]', seconds=10)


def let_migrations_go(server: Server, fault: str) -> None:
    """End the session that holds it; who waits for it goes on and ends."""
    fault_helpers.attempt(server, f'{SQL} --command "SELECT pg_terminate_backend(pid) {OTHERS}"')
    server.wait_until("! grep -qsz '^db:migrate$' /proc/[0-9]*/cmdline", seconds=20)
    end(server, fault)


def replace_old_release(server: Server, fault: str, change: str) -> None:
    """Put another container in the place of the release to roll back to, its environment changed by a filter."""
    fault_helpers.keep(server, fault, "container", f"echo {server.stopped_web()}")
    server.run(CREATE_OTHER.format(folder=_folder(fault), change=change)).required()


def put_old_release_back(server: Server, fault: str) -> None:
    """Put the release itself back."""
    old = fault_helpers.kept(server, fault, "container")
    if old is not None:
        aside = "docker inspect psyfit-web-exec-aside > /dev/null 2>&1"
        server.run(
            f"! {aside} || {{ docker rm --force {old.strip()} 2> /dev/null; "
            f"docker rename psyfit-web-exec-aside {old.strip()}; }}"
        ).required()
    fault_helpers.forget(server, fault)


def _folder(fault: str) -> str:
    return f"{fault_helpers.KEPT}/{fault}"
