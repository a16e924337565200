"""The variables that releases were created with, and those that the next one will get; never their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from checks.containers import CONTAINERS, fleet
from checks.owned import Owned, read_owned
from runbook import rights
from runbook.look import Look, reading
from runbook.outcome import Undetermined
from runbook.question import Command, Inspection, lines_of

SECRET_NAMES = Command(
    r"sed -n -e '/^[^=]*=[[:space:]]*$/d' -e '/^[^=]*=\(\"\"\|'\'\''\)[[:space:]]*$/d' "
    r"-e 's/^[[:space:]]*\(export[[:space:]]\{{1,\}}\)\{{0,1\}}\([A-Za-z_][A-Za-z0-9_]*\)=.*$/\2/p' "
    "-- {app}/.kamal/secrets",
    needs=rights.ROOT,
)
"""The names of what has a value; the values stay where they are."""

SECRET_FILES = Command(
    "stat -L -c '%a %U %n' -- {app}/.kamal/secrets || exit; [ ! -e {app}/.env ] || stat -L -c '%a %U %n' -- {app}/.env",
    needs=rights.ROOT,
)

TAKEN_OVER = Command(
    "docker inspect --format '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' {release} | awk '"
    r"""
    part == 1 {{
      sub(/^[ \t]*(export[ \t]+)?/, ""); at = index($0, "="); if (!at || /^#/) next
      name = substr($0, 1, at - 1); value = substr($0, at + 1); sub(/[ \t]+$/, "", value)
      if (value ~ /^(".*"|\047.*\047)$/) value = substr(value, 2, length(value) - 2)
      if (value != "") wanted[name] = value
      next
    }}
    {{ at = index($0, "="); has[substr($0, 1, at - 1)] = substr($0, at + 1) }}
    END {{
      for (name in wanted)
        print (wanted[name] ~ /^[$]/ ? "reference" : has[name] == wanted[name] ? "same" : "other"), name
    }}' part=1 {app}/.kamal/secrets part=2 -""",
    needs=rights.ROOT,
    lane="docker",
)
"""Of each variable in .kamal/secrets whether the release has that value; compared there, only names come back."""


@dataclass(frozen=True)
class Variable:
    """What may be known of a variable's value. Equal values have equal fingerprints within one run."""

    fingerprint: str
    length: int
    stray_white_space: bool
    different_characters: int

    @property
    def flaw(self) -> str | None:
        """What is wrong with the value, whatever it is for; None where nothing is."""
        if not self.length:
            return "it is empty"
        return "it has white space around it" if self.stray_white_space else None


@dataclass(frozen=True)
class Release:
    """A web release and the variables that it was created with."""

    name: str
    running: bool
    variables: Mapping[str, Variable]

    def flaw_of(self, name: str) -> str | None:
        """Why this variable is not sound; None where it is."""
        return self.variables[name].flaw if name in self.variables else "it is not there"


@dataclass(frozen=True)
class TakenOver:
    """How the running release's variables compare with .kamal/secrets, by their names.

    Attributes:
        other: Those that have another value in the release, or are not there.
        by_reference: Those whose value is not written out, so that it cannot be compared.
    """

    release: str
    same: tuple[str, ...]
    other: tuple[str, ...]
    by_reference: tuple[str, ...]


def releases_in_use(look: Look) -> tuple[Release, ...]:
    """The releases that run, and the newest stopped one: that is the one to roll back to."""
    found = look.see(fleet)
    inspected = look.ask(CONTAINERS)
    stopped = [one for one in found.releases if not one.running]
    with reading("the releases' variables"):
        variables = {one["Id"]: read_variables(one) for one in inspected}
        return tuple(
            Release(one.name, one.running, variables[one.id]) for one in (*found.running_releases, *stopped[:1])
        )


def secret_names(look: Look) -> tuple[str, ...]:
    """The variables to which .kamal/secrets gives a value, in its order."""
    return look.ask(SECRET_NAMES).required("the names in .kamal/secrets").lines


def secret_files(look: Look) -> tuple[Owned, ...]:
    """.kamal/secrets, and .env where there is one."""
    told = look.ask(SECRET_FILES)
    if told.status != 0 and "no such file" in told.err.lower():
        return ()
    with reading("the secrets' files"):
        return tuple(read_owned(told.required("the secrets' files").out))


def taken_over(look: Look) -> TakenOver:
    """What of .kamal/secrets the running release has."""
    running = look.see(fleet).running_releases
    if not running:
        raise Undetermined("no web release runs")
    told = look.ask(TAKEN_OVER.about(release=running[0].id)).required("the comparison with .kamal/secrets")
    with reading("the comparison with .kamal/secrets"):
        return read_taken_over(running[0].name, told.out)


def read_taken_over(release: str, text: str) -> TakenOver:
    """Read the answer to `TAKEN_OVER`.

    Raises:
        ValueError: A line is of another form.
        LookupError: A line begins with another word.
    """
    found: dict[str, list[str]] = {"same": [], "other": [], "reference": []}
    for line in lines_of(text):
        word, name = line.split(" ")
        found[word].append(name)
    same, other, by_reference = (tuple(sorted(found[word])) for word in ("same", "other", "reference"))
    return TakenOver(release, same, other, by_reference)


def read_variables(inspected: Inspection) -> dict[str, Variable]:
    """The variables of one container.

    Raises:
        LookupError, TypeError, ValueError: It is not an inspection, or its environment has values in it.
    """
    return {
        str(one["name"]): Variable(
            str(one["fingerprint"]),
            int(one["length"]),
            bool(one["stray_white_space"]),
            int(one["different_characters"]),
        )
        for one in inspected["Config"]["Env"] or ()
    }


def shared(release: Release, names: Iterable[str]) -> tuple[str, ...]:
    """The pairs of these variables that have one value in this release: a secret that leaks takes the other along."""
    present = [name for name in names if name in release.variables]
    return tuple(
        f"{one} and {other}"
        for one, other in combinations(present, 2)
        if release.variables[one].fingerprint == release.variables[other].fingerprint
    )


def differing(releases: Iterable[Release], names: Iterable[str]) -> tuple[str, ...]:
    """Those of these variables that have not one and the same value in all of the releases that have them."""
    listed = tuple(releases)
    values = {name: {one.variables[name].fingerprint for one in listed if name in one.variables} for name in names}
    return tuple(name for name, seen in values.items() if len(seen) > 1)
