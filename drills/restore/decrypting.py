"""A sample of the encrypted columns, opened with the running release's key; only counts leave the server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from itertools import groupby
from string import Template

from drills.restore.scratch_database import ENDS_WITH_THE_THROWAWAY
from runbook.drill.executor import DrillExecutor
from runbook.model.action import Action
from runbook.model.outcome import Undetermined
from runbook.observation.snapshot import reading

DECRYPT = Action(
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
class Column:
    """A column that the service encrypts, as the running release can read it.

    Attributes:
        good: How many values open with today's key, or match what they index.
        bad: How many do not.
    """

    name: str
    good: int
    bad: int


def decrypted(executor: DrillExecutor, columns: Sequence[str], count: int, release: str) -> tuple[Column, ...]:
    """What the running release makes of so many rows of each of these columns, taken at random.

    Raises:
        Undetermined: The release cannot tell.
    """
    done = executor.do(DECRYPT.with_values(statement=sample(columns, count), release=release))
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
