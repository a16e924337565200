"""Why somebody cannot log in: when the releases end a session and lock an account, and how many are locked now.

Of a release's environment four numbers come back, and nothing that is not a short number; of the database two counts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from checks.database.psql import in_database
from checks.docker.containers import fleet
from checks.formats.units import percent
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

SETTINGS = Command(
    "docker inspect --format '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' {release} | awk '"
    r"""
    BEGIN {{ for (i = 1; i < ARGC; i++) {{ wanted[ARGV[i]] = 1; ARGV[i] = "" }} }}
    {{
      at = index($0, "="); name = substr($0, 1, at - 1); value = substr($0, at + 1)
      if (at && name in wanted) print name, (value ~ /^[0-9]+$/ && length(value) <= 5 ? value : "?")
    }}' {login_policy_variables}""",
    needs=rights.DOCKER,
    lane="docker",
)
"""A value that is no number of minutes or attempts stays where it is: it could be anything."""

LOCKED = in_database(
    "SELECT json_build_array(count(*) FILTER "
    "(WHERE {column}::timestamptz > clock_timestamp() - {minutes} * interval '1 minute'), "
    "count(*)) FROM {table}",
    settings=" -c timezone=UTC",
)
"""A time without a zone is taken as UTC: so Rails keeps its times."""


@dataclass(frozen=True)
class LogInPolicy:
    """When a running release ends a session and locks an account.

    Attributes:
        user_minutes: After how long without use a user's session ends.
        staff_minutes: After how long a staff member's.
        attempts: How many failed log-ins lock an account.
        lockout_minutes: For how long.
    """

    release: str
    user_minutes: int
    staff_minutes: int
    attempts: int
    lockout_minutes: int


@dataclass(frozen=True)
class LockedAccounts:
    """How many accounts are locked now, of how many; ``minutes`` is for how long one stays locked."""

    locked: int
    all: int
    minutes: int

    @property
    def locked_percent(self) -> float:
        """Of all accounts."""
        return percent(self.locked, self.all)


def log_in_policies(snapshot: Snapshot) -> tuple[LogInPolicy, ...]:
    """What each running release was created with."""
    running = snapshot.observe(fleet).running_releases
    if not running:
        raise Undetermined("no web release runs")
    told = snapshot.ask_all(SETTINGS.with_values(release=one.id) for one in running)
    names = snapshot.target.login_policy.variables
    policies = []
    for one, answer in zip(running, told, strict=True):
        what = f"when {one.name} ends sessions and locks accounts"
        with reading(what):
            numbers = read_settings(answer.required(what).out)
        unsaid = [name for name in names if name not in numbers]
        if unsaid:
            raise Undetermined(
                f"{one.name} has no {', '.join(unsaid)} in its environment (the target's table login_policy names them)"
            )
        policies.append(LogInPolicy(one.name, *(numbers[name] for name in names)))
    return tuple(policies)


def locked_accounts(snapshot: Snapshot) -> LockedAccounts | None:
    """How many accounts are locked now, for as long as the running release locks them; None where none is to count."""
    column = snapshot.target.login_policy.locked_at
    if column is None:
        return None
    minutes = max(one.lockout_minutes for one in snapshot.observe(log_in_policies))
    table, _, name = column.partition(".")
    asked = LOCKED.with_values(table=table, column=name, minutes=str(minutes))
    told = snapshot.ask(asked).required("how many accounts are locked")
    with reading("how many accounts are locked"):
        return LockedAccounts(*read_counts(told.out), minutes)


def read_settings(text: str) -> dict[str, int]:
    """The numbers that a release was created with, from the answer to `SETTINGS`.

    Raises:
        ValueError: A variable is no short number, or a line is of another form.
    """
    numbers = {}
    for line in lines_of(text):
        name, value = line.split(" ")
        if not value.isdecimal():
            raise ValueError(f"{name} is not a whole number")
        numbers[name] = int(value)
    return numbers


def read_counts(text: str) -> tuple[int, int]:
    """How many accounts are locked, and how many there are.

    Raises:
        ValueError, TypeError: The answer is of another form.
    """
    locked, total = json.loads(text)
    if not (isinstance(locked, int) and isinstance(total, int) and 0 <= locked <= total):
        raise ValueError("these are not counts")
    return locked, total
