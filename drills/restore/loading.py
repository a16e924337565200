"""The backup loaded into the scratch database, and what psql says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc

from checks.database.schema import SCHEMA, SYSTEM, read_schema
from drills.restore.comparing import Contents, contents_of_both
from drills.restore.opening import Identity, Opened, timed
from drills.restore.scratch_database import ENDS_WITH_THE_THROWAWAY, NAME, START, Place
from drills.restore.session_key import UNSEAL
from runbook.drill.executor import DrillExecutor
from runbook.model.action import Action
from runbook.model.outcome import Mismatch, Undetermined
from runbook.model.question import Output
from runbook.observation.snapshot import Snapshot, reading

FIRST_ERROR = cleandoc(
    r"""awk '
    /^psql [0-9]+$/ {{ print; next }}
    said || !/(ERROR|FATAL|PANIC|error|fatal): / {{ next }}
    {{
      said = 1
      names_things = / (0A|23|42|53|54|55|57|58)[0-9A-Z][0-9A-Z][0-9A-Z]: / && !/ 42601: /
      if (!names_things && !/invalid command .(un)?restrict$/) {{ sub(/".*"/, "\"…\""); sub(/[\\].*/, "…") }}
      print "said", $0
    }}'"""
)
"""Keeps psql's first error. Only errors of these classes quote names of things; what others quote may be of a row."""

LOADING = (
    cleandoc(
        r"""{{ gzip -dc 2>/dev/null; echo "gzip $?" >&3; }} | {{
      docker exec -i runbook-drill-restore sh -c 'exec psql -Xq -v ON_ERROR_STOP=1 -v VERBOSITY=verbose -1 \
        -U "${{POSTGRES_USER:-postgres}}" -d "$1" -f - -c ANALYZE' sh {database} 2>&1 >/dev/null
      echo "psql $?"
    }} | """
    )
    + " "
    + FIRST_ERROR
    + " >&3"
)
"""Loads a compressed dump from standard input, all of it or nothing."""

LOAD = Action(
    "exec < {file} || exit\n{{ " + LOADING + "\n}} 3>&1", ENDS_WITH_THE_THROWAWAY, seconds=7200, confined=True
)
LOAD_SEALED = Action(
    "{{ {{ " + UNSEAL + ' 4>&3; echo "gpg $?" >&3; }} | {{\n' + LOADING + "\n}}; }} 3>&1",
    ENDS_WITH_THE_THROWAWAY,
    seconds=7200,
    confined=True,
)


@dataclass(frozen=True)
class Restored:
    """A backup in the throw-away, beside production at the same time."""

    opened: Opened
    contents: Contents
    production: Contents
    seconds: Mapping[str, float]


def restore(executor: DrillExecutor, backup: Opened, place: Place) -> Restored:
    """Load it into the throw-away, and look at what then stands there and in production.

    Raises:
        Mismatch: It cannot be loaded; psql's first error says why.
        Undetermined: The throw-away did not start, or could not be looked at.
    """
    values = {"memory": str(place.memory_bytes), "cpus": str(place.cpus), "mount": place.mount}
    executor.do(START.with_values(**values)).required("the scratch database")
    _require_empty(executor.snapshot(), backup.production)
    load_seconds, told = timed(lambda: _load(executor, backup))
    flaw = flaw_of_load(told.lines)
    if flaw is not None:
        raise Mismatch(expected=f"{backup.backup.name} loaded without an error", actual=flaw, section="5.1")
    verify_seconds, (found, production) = timed(lambda: contents_of_both(executor))
    seconds = {
        "fetch": backup.fetch_seconds,
        "decrypt and decompress": backup.open_seconds,
        "load": load_seconds,
        "verify": verify_seconds,
    }
    return Restored(backup, found, production, seconds)


def _require_empty(snapshot: Snapshot, production: Identity) -> None:
    """That nothing stands in the throw-away, and that it is not production."""
    schema, system = snapshot.ask(SCHEMA.with_values(db=NAME), SYSTEM.with_values(db=NAME))
    with reading("the scratch database"):
        empty = read_schema(schema.required("the scratch database").out).is_empty
    if not empty:
        raise Undetermined("the scratch database is not empty before anything was loaded")
    if system.required("the scratch database").out.strip() == production.system:
        raise Undetermined("the scratch database is production's own cluster")


def _load(executor: DrillExecutor, backup: Opened) -> Output:
    file = backup.backup.path
    if backup.key is None:
        return executor.do(LOAD.with_values(file=file))
    return executor.do(LOAD_SEALED.with_values(file=file), bytes(backup.key))


def flaw_of_load(lines: Sequence[str]) -> str | None:
    """What psql said first, or which part of the pipe ended badly; None where all was loaded."""
    ended = dict(line.split(" ", 1) for line in lines if line.startswith(("gpg ", "gzip ", "psql ")))
    said = next((line.removeprefix("said ") for line in lines if line.startswith("said ")), None)
    if ended.get("psql") != "0":
        return said or f"psql ended with {ended.get('psql', 'nothing')} and said nothing"
    bad = [f"{program} ended with {status}" for program, status in ended.items() if status != "0"]
    return bad[0] if bad else None
