"""Section 5.3: a backup brings the database back, in a throw-away beside production that is gone afterwards.

The backup is read twice, each time as a stream: once to see that it is whole, before anything of it is used, and once
into the throw-away. No plaintext comes to a disk, and no line of a dump comes back: counts, times and names do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from inspect import cleandoc
from itertools import groupby
from math import ceil
from string import Template
from typing import TypeVar

from checks.backups import Backup, backups, read_list
from checks.containers import CONTAINERS
from checks.dump import READ, READING, Dump, read_dump
from checks.schema import (
    NEWEST,
    ROWS,
    SCHEMA,
    SEQUENCES,
    SYSTEM,
    Schema,
    read_behind,
    read_newest,
    read_rows,
    read_schema,
)
from drills.sealed import UNSEAL, SessionKey, session_key
from drills.throwaway import NAME, START, Place
from runbook import rights
from runbook.act import Act
from runbook.look import Look, reading
from runbook.operator import Operator
from runbook.outcome import Differs, Undetermined
from runbook.question import Command, Output

T = TypeVar("T")

DESCRIBE = Command("date '+now %s'; stat -c 'file %s %Y %n' -- {file}", needs=rights.ROOT)
DIGEST = Command("sha256sum < {file}", needs=rights.ROOT, seconds=600, lane="slow")

ENDS_WITH_THE_THROWAWAY = ": all that it makes goes with the scratch database, and it ends by itself"

OPEN = Act(
    "{{ {{ " + UNSEAL + ' 4>&3; echo "gpg $?" >&3; }} | {{\n' + READING + "\n}}; }} 3>&1",
    ENDS_WITH_THE_THROWAWAY,
    seconds=600,
    confined=True,
)
"""Reads an encrypted backup whole. Its key comes through standard input."""

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

LOAD = Act("exec < {file} || exit\n{{ " + LOADING + "\n}} 3>&1", ENDS_WITH_THE_THROWAWAY, seconds=7200, confined=True)
LOAD_SEALED = Act(
    "{{ {{ " + UNSEAL + ' 4>&3; echo "gpg $?" >&3; }} | {{\n' + LOADING + "\n}}; }} 3>&1",
    ENDS_WITH_THE_THROWAWAY,
    seconds=7200,
    confined=True,
)

DECRYPT = Act(
    cleandoc(
        r"""{{
      docker exec runbook-drill-restore sh -c 'exec psql -XAtq -U "${{POSTGRES_USER:-postgres}}" -d "$1" -c "$2"' \
        sh {database} {statement} |
      {{ docker exec -i {release} bin/rails data:verify 2>/dev/null; echo "rails $?" >&3; }} |
      grep -E '^(opened|refused|matched|unmatched) [a-z0-9_.]+ [0-9]+$'
    }} 3>&1"""
    ),
    ENDS_WITH_THE_THROWAWAY,
    seconds=60,
    confined=True,
)
"""Rows go from the throw-away to the release without leaving the server; counts come back, and nothing else may."""

SAMPLE = Template(
    "(SELECT json_build_object('table', '$table', 'row', to_json(one)) "
    "FROM (SELECT $columns FROM $table ORDER BY random() LIMIT $count) one)"
)

USAGE = 2
"""What ``bin/rails`` ends with where it does not know the command."""


@dataclass(frozen=True)
class Identity:
    """What tells that production is the same, and was not even restarted.

    Attributes:
        container: The id of the database's container.
        started: When it was started, in Docker's words.
        system: The number of its cluster.
    """

    container: str
    started: str
    system: str
    schema: Schema

    def differs_from(self, before: Identity) -> tuple[str, ...]:
        """What is not as before, in phrases."""
        facts = {
            "another container": self.container != before.container,
            "started again": self.started != before.started,
            "another cluster": self.system != before.system,
            "another schema": self.schema != before.schema,
        }
        return tuple(phrase for phrase, is_true in facts.items() if is_true)


@dataclass(frozen=True)
class Opened:
    """A backup that has been read to its last byte.

    Attributes:
        digest: SHA-256 of the file.
        key: The key of an encrypted one.
        flaw: Why it is not one whole dump; None where it is.
        production: What production was then.
    """

    backup: Backup
    digest: str
    dump: Dump
    key: SessionKey | None
    flaw: str | None
    fetch_seconds: float
    open_seconds: float
    production: Identity


@dataclass(frozen=True)
class Contents:
    """What stands in a database.

    Attributes:
        rows: How many, by table.
        behind: The sequences that would give a number again.
        newest: When its newest row is of, of the columns that the target names; None where there is no row.
    """

    schema: Schema
    rows: Mapping[str, int]
    behind: tuple[str, ...]
    newest: datetime | None


@dataclass(frozen=True)
class Restored:
    """A backup in the throw-away, beside production at the same time."""

    opened: Opened
    contents: Contents
    production: Contents
    seconds: Mapping[str, float]


def latest(operator: Operator) -> Backup:
    """The latest backup, plain or encrypted.

    Raises:
        Differs: There is none.
    """
    found = operator.look().see(backups)
    if not found:
        raise Differs(expected="at least one backup", seen="none", go_to="10")
    return found[-1]


def latest_encrypted(operator: Operator) -> Backup | None:
    """The latest of the encrypted backups; None where there is none."""
    sealed = [one for one in operator.look().see(backups) if one.encrypted]
    return sealed[-1] if sealed else None


def named(operator: Operator, file: str) -> Backup:
    """The backup of this name in the backups' folder, or of this path.

    Raises:
        Undetermined: There is no such file on the server, or its name is not that of a backup.
    """
    path = file if file.startswith("/") else f"{operator.target.paths.backups}/{file}"
    told = operator.look().ask(DESCRIBE.about(file=path)).required(f"the backup {file}")
    with reading(f"the backup {file}"):
        found = read_list(told.out)
    if not found:
        raise Undetermined(f"{file} does not have a backup's file name: .sql.gz or .sql.gz.gpg")
    return found[0]


def identity(operator: Operator) -> Identity:
    """What production is now."""
    inspected, system, schema = operator.look().ask(CONTAINERS, SYSTEM, SCHEMA)
    with reading("production's database"):
        container = next(one for one in inspected if one["Name"] == f"/{operator.target.containers.db}")
        return Identity(
            container["Id"],
            container["State"]["StartedAt"],
            system.required("the number of production's cluster").out.strip(),
            read_schema(schema.required("production's schema").out),
        )


def opened(operator: Operator, backup: Backup) -> Opened:
    """Read a backup to its last byte, before anything of it is used.

    Raises:
        Differs: It is encrypted, and nobody here can open it.
        Undetermined: It could not be read.
    """
    look = operator.look()
    production = identity(operator)
    key = session_key(look, backup) if backup.encrypted else None
    fetch_seconds, digest = _timed(lambda: look.ask(DIGEST.about(file=backup.path)))
    open_seconds, told = _timed(lambda: _read(operator, look, backup, key))
    with reading(f"the backup {backup.name}"):
        dump = read_dump(told.out)
        return Opened(
            backup,
            digest.required(f"the backup {backup.name}").out.split()[0],
            dump,
            key,
            (flaw_of_seal(told.lines) if key else None) or dump.flaw,
            fetch_seconds,
            open_seconds,
            production,
        )


def _read(operator: Operator, look: Look, backup: Backup, key: SessionKey | None) -> Output:
    if key is None:
        return look.ask(READ.about(file=backup.path)).required(f"the backup {backup.name}")
    return operator.do(OPEN.about(file=backup.path), bytes(key)).required(f"the backup {backup.name}")


def flaw_of_seal(lines: Iterable[str]) -> str | None:
    """Why what gpg gave out is not to be trusted; None where it says that it is whole and unchanged."""
    said = {line.removeprefix("[GNUPG:] ").split(" ")[0] for line in lines if line.startswith("[GNUPG:] ")}
    if "DECRYPTION_OKAY" in said and "GOODMDC" in said and "gpg 0" in lines:
        return None
    if "BADMDC" in said:
        return "it was changed or damaged after it was encrypted: its integrity check failed"
    return "gpg cannot decrypt it to its last byte"


def restore(operator: Operator, backup: Opened, place: Place) -> Restored:
    """Load it into the throw-away, and look at what then stands there and in production.

    Raises:
        Differs: It cannot be loaded; psql's first error says why.
        Undetermined: The throw-away did not start, or could not be looked at.
    """
    values = {"memory": str(place.memory_bytes), "cpus": str(place.cpus), "mount": place.mount}
    operator.do(START.about(**values)).required("the scratch database")
    _require_empty(operator.look(), backup.production)
    load_seconds, told = _timed(lambda: _load(operator, backup))
    flaw = flaw_of_load(told.lines)
    if flaw is not None:
        raise Differs(expected=f"{backup.backup.name} loaded without an error", seen=flaw, go_to="5.1")
    verify_seconds, (found, production) = _timed(lambda: _contents_of_both(operator.look()))
    seconds = {
        "fetch": backup.fetch_seconds,
        "decrypt and decompress": backup.open_seconds,
        "load": load_seconds,
        "verify": verify_seconds,
    }
    return Restored(backup, found, production, seconds)


def _require_empty(look: Look, production: Identity) -> None:
    """That nothing stands in the throw-away, and that it is not production."""
    schema, system = look.ask(SCHEMA.about(db=NAME), SYSTEM.about(db=NAME))
    with reading("the scratch database"):
        empty = read_schema(schema.required("the scratch database").out).is_empty
    if not empty:
        raise Undetermined("the scratch database is not empty before anything was loaded")
    if system.required("the scratch database").out.strip() == production.system:
        raise Undetermined("the scratch database is production's own cluster")


def _load(operator: Operator, backup: Opened) -> Output:
    file = backup.backup.path
    if backup.key is None:
        return operator.do(LOAD.about(file=file))
    return operator.do(LOAD_SEALED.about(file=file), bytes(backup.key))


def flaw_of_load(lines: Sequence[str]) -> str | None:
    """What psql said first, or which part of the pipe ended badly; None where all was loaded."""
    ended = dict(line.split(" ", 1) for line in lines if line.startswith(("gpg ", "gzip ", "psql ")))
    said = next((line.removeprefix("said ") for line in lines if line.startswith("said ")), None)
    if ended.get("psql") != "0":
        return said or f"psql ended with {ended.get('psql', 'nothing')} and said nothing"
    bad = [f"{program} ended with {status}" for program, status in ended.items() if status != "0"]
    return bad[0] if bad else None


def _contents_of_both(look: Look) -> tuple[Contents, Contents]:
    """The throw-away and production, asked together."""
    looked = [_contents(look, NAME), _contents(look, look.target.containers.db)]
    return looked[0], looked[1]


def _contents(look: Look, container: str) -> Contents:
    schema, rows, behind = look.ask(*(one.about(db=container) for one in (SCHEMA, ROWS, SEQUENCES)))
    pairs = [column.split(".") for column in look.target.backups.freshness_columns]
    newest = look.ask_each(NEWEST.about(db=container, table=table, column=column) for table, column in pairs)
    with reading(f"the contents of {container}"):
        return Contents(
            read_schema(schema.required(f"the schema in {container}").out),
            read_rows(rows.required(f"the rows in {container}").out),
            read_behind(behind.required(f"the sequences in {container}").out),
            max((at for one in newest if (at := read_newest(one.out)) is not None), default=None),
        )


def rows_apart(found: Mapping[str, int], expected: Mapping[str, int], within: Callable[[str], int]) -> tuple[str, ...]:
    """The tables whose rows are not as many as in production, as phrases.

    Args:
        found: How many rows each restored table has.
        expected: How many rows each table of production has.
        within: How many percent of production's rows a table may have more or fewer, rounded up to a row.
    """

    def is_apart(table: str) -> bool:
        few, many = found.get(table, 0), expected[table]
        return abs(few - many) > ceil(many * within(table) / 100) or (few == 0 < many)

    return tuple(
        f"{table} has {found.get(table, 0)} rows in the backup, {expected[table]} in production"
        for table in expected
        if is_apart(table)
    )


@dataclass(frozen=True)
class Column:
    """A column that the service encrypts, as the running release can read it.

    Attributes:
        good: How many values open with today's key, or match what they index.
        bad: How many do not.
    """

    name: str
    good: int
    bad: int


def decrypted(operator: Operator, columns: Sequence[str], count: int, release: str) -> tuple[Column, ...]:
    """What the running release makes of so many rows of each of these columns, taken at random.

    Raises:
        Undetermined: The release cannot tell.
    """
    done = operator.do(DECRYPT.about(statement=sample(columns, count), release=release))
    if f"rails {USAGE}" in done.lines:
        raise Undetermined(f"the release {release} has no `bin/rails data:verify`, which opens rows that it is given")
    if "rails 0" not in done.lines:
        raise Undetermined(f"`bin/rails data:verify` of the release {release} failed")
    with reading("what `bin/rails data:verify` says"):
        return tuple(read_decrypted(columns, done.lines))


def sample(columns: Iterable[str], count: int) -> str:
    """The statement that takes so many rows at random of each table, only these columns of it, as JSON."""
    pairs = sorted(column.split(".") for column in columns)
    return " UNION ALL ".join(
        SAMPLE.substitute(table=table, columns=", ".join(column for _, column in of_table), count=count)
        for table, of_table in groupby(pairs, key=lambda pair: pair[0])
    )


def read_decrypted(columns: Iterable[str], lines: Iterable[str]) -> Iterator[Column]:
    """What the release says of each column.

    Raises:
        ValueError: A line is not of its form.
    """
    counts = {
        (name, word): int(count) for word, name, count in (line.split() for line in lines if line.count(" ") == 2)
    }
    for column in columns:
        good, bad = (
            sum(counts.get((column, word), 0) for word in words)
            for words in (("opened", "matched"), ("refused", "unmatched"))
        )
        yield Column(column, good, bad)


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    """How many seconds a piece of work took, and what came of it."""
    started = time.monotonic()
    result = work()
    return time.monotonic() - started, result
