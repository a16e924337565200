"""The variables that releases were created with, and those that the next one will get; never their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from checks.containers import CONTAINERS, fleet
from runbook import rights
from runbook.look import Look, reading
from runbook.question import Command, Inspection

SECRET_NAMES = Command(
    r"sed -n -e '/^[^=]*=[[:space:]]*$/d' -e '/^[^=]*=\(\"\"\|'\'\''\)[[:space:]]*$/d' "
    r"-e 's/^[[:space:]]*\(export[[:space:]]\{{1,\}}\)\{{0,1\}}\([A-Za-z_][A-Za-z0-9_]*\)=.*$/\2/p' "
    "-- {app}/.kamal/secrets",
    needs=rights.ROOT,
)
"""The names of what has a value; the values stay where they are."""


@dataclass(frozen=True)
class Variable:
    """What may be known of a variable's value. Equal values have equal fingerprints within one run."""

    fingerprint: str
    length: int
    stray_white_space: bool

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


def read_variables(inspected: Inspection) -> dict[str, Variable]:
    """The variables of one container.

    Raises:
        LookupError, TypeError, ValueError: It is not an inspection, or its environment has values in it.
    """
    return {
        str(one["name"]): Variable(str(one["fingerprint"]), int(one["length"]), bool(one["stray_white_space"]))
        for one in inspected["Config"]["Env"] or ()
    }


def differing(releases: Iterable[Release], names: Iterable[str]) -> tuple[str, ...]:
    """Those of these variables that have not one and the same value in all of the releases that have them."""
    listed = tuple(releases)
    values = {name: {one.variables[name].fingerprint for one in listed if name in one.variables} for name in names}
    return tuple(name for name, seen in values.items() if len(seen) > 1)
