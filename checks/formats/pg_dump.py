"""One plain backup, read whole on the server: is its gzip whole, is the dump in it, how new are its newest rows.

Only a verdict, counts and times come back, never a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import cleandoc

from runbook.model import rights
from runbook.model.question import Command, lines_of

SECONDS_PER_FILE = 600.0

READING = cleandoc(
    r"""set -- {freshness_columns}
    {{ gzip -dc; printf '\ngzip %s\n' "$?"; }} | awk -v named="$*" '
    BEGIN {{
      pairs = split(named, pair, " ")
      for (i = 1; i <= pairs; i++) {{
        match(pair[i], /\.[^.]*$/)
        table[i] = substr(pair[i], 1, RSTART - 1); column[i] = substr(pair[i], RSTART + 1)
      }}
    }}
    {{ bytes += length($0) + 1 }}
    /^gzip [0-9]+$/ {{ status = $2; next }}
    in_rows {{
      if ($0 == "\\.") {{ in_rows = 0; next }}
      if (!wanted) next
      split($0, cell, "\t")
      for (i in place) {{
        time = substr(cell[place[i]], 1, 19); zone = substr(cell[place[i]], 20); sub(/^\.[0-9]+/, "", zone)
        if (length(time) == 19 && time > newest[i, zone] && time ~ /^[0-9]+-[0-9]+-[0-9]+ /) newest[i, zone] = time
      }}
      next
    }}
    /^COPY .* FROM stdin;$/ {{
      in_rows = 1; wanted = 0; for (i in place) delete place[i]
      name = $2; gsub(/"/, "", name); print "table", name
      list = $0; sub(/^[^(]*\(/, "", list); sub(/\).*/, "", list); gsub(/"/, "", list)
      columns = split(list, called, ", ")
      for (i = 1; i <= pairs; i++) if (name == table[i] || name ~ "[.]" table[i] "$")
        for (j = 1; j <= columns; j++) if (called[j] == column[i]) {{ place[i] = j; wanted = 1 }}
      next
    }}
    NR == 2 && $0 == "-- PostgreSQL database dump" {{ begins = 1 }}
    NR < 40 && /^-- Started on / {{ print "started", substr($0, 15) }}
    $0 == "-- PostgreSQL database dump complete" {{ completes++; after = 0; next }}
    $0 != "" && $0 != "--" && $0 !~ /^\\unrestrict [A-Za-z0-9]+$/ {{ after = 1 }}
    END {{
      for (key in newest) {{
        split(key, part, SUBSEP)
        whole = newest[key] != "" && part[2] ~ /^([+-][0-9][0-9](:[0-9][0-9])*)?$/
        if (whole) print "newest", pair[part[1]], newest[key] part[2]
      }}
      print "begins", begins + 0; print "completes", completes + 0; print "after", after + 0
      print "bytes", bytes - length("gzip " status) - 2; print "gzip", status
    }}'"""
)
"""Reads a compressed dump from its standard input."""

READ = Command(
    "exec < {file} || exit\n" + READING,
    needs=rights.ROOT,
    seconds=SECONDS_PER_FILE,
    lane="slow",
)


@dataclass(frozen=True)
class Newest:
    """The newest time stamp in one column of a dump.

    Attributes:
        zoned: It says its offset from UTC, as those of type ``timestamptz`` do; else it was taken as UTC.
    """

    column: str
    at: datetime
    zoned: bool


@dataclass(frozen=True)
class Dump:
    """What one plain backup is.

    Attributes:
        gzip_whole: Every member of its gzip is whole, and nothing else follows.
        begins: Its first lines are pg_dump's.
        completes: How often it says that it is complete; once is right.
        ends: Nothing but pg_dump's own lines follow on that.
        size_bytes: Without the compression.
        newest: The newest time stamp of each named column that holds one.
        started: When pg_dump says that it began, where it does.
        tables: The tables whose rows are in it, by schema and name.
    """

    gzip_whole: bool
    begins: bool
    completes: int
    ends: bool
    size_bytes: int
    newest: tuple[Newest, ...]
    started: datetime | None
    tables: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """From its first line to its last, one dump."""
        return self.begins and self.completes == 1 and self.ends

    @property
    def flaw(self) -> str | None:
        """Why it is not one whole dump; None where it is."""
        if not self.gzip_whole:
            return "it cannot be decompressed to its last byte"
        if not self.begins:
            return "it does not begin as a dump"
        if self.completes > 1:
            return f"{self.completes} dumps in one file"
        if self.completes == 0:
            return "its last line is missing"
        return None if self.ends else "lines after its last one"

    @property
    def newest_row(self) -> Newest | None:
        """The newest of its newest rows."""
        return max(self.newest, key=lambda one: one.at, default=None)


def read_dump(text: str) -> Dump:
    """Read the answer to `READ`.

    Raises:
        ValueError: It is not of that form.
        LookupError: A part of it is missing.
    """
    told: dict[str, list[str]] = {}
    for line in lines_of(text):
        word, _, rest = line.partition(" ")
        told.setdefault(word, []).append(rest)
    (begins,), (completes,), (after,) = told["begins"], told["completes"], told["after"]
    (size,), (status,) = told["bytes"], told["gzip"]
    return Dump(
        gzip_whole=status == "0",
        begins=begins == "1",
        completes=int(completes),
        ends=after == "0",
        size_bytes=max(0, int(size)),
        newest=tuple(_newest(line) for line in told.get("newest", ())),
        started=_started(told.get("started", [])),
        tables=tuple(told.get("table", ())),
    )


def _newest(line: str) -> Newest:
    column, _, at = line.partition(" ")
    return Newest(column, instant(at), zoned=re.search(r":\d\d(\.\d+)?[+-]", at) is not None)


def instant(text: str) -> datetime:
    """A time stamp as PostgreSQL writes it. One without an offset is UTC: so Rails keeps its times.

    Raises:
        ValueError: It is none.
    """
    at = datetime.fromisoformat(re.sub(r"([+-]\d\d)$", r"\1:00", text.strip()))
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _started(lines: list[str]) -> datetime | None:
    """Only where its zone is beyond doubt: names of zones such as IST are not."""
    for line in lines:
        stamp, _, zone = line.rpartition(" ")
        if zone in ("UTC", "GMT"):
            return instant(stamp)
    return None
