"""Section 8: the variables that everything depends on are there, and the same where they must be."""

from __future__ import annotations

import re

from pytest_bdd import parsers, then

from checks.environment import Release, differing
from runbook.outcome import NotApplicable, require


@then(parsers.parse("the running release and the one to roll back to have a sound value for {names}"))
def the_releases_have_the_variables(releases_in_use: tuple[Release, ...], names: str) -> None:
    flaws = [
        f"{name} of {one.name}: {flaw}"
        for one in releases_in_use
        for name in _listed(names)
        if (flaw := one.flaw_of(name))
    ]
    require(
        releases_in_use and not flaws,
        expected="a value for each, without white space around it",
        seen=flaws or "no web release",
        go_to="8.1",
    )


@then(parsers.parse("{names} are the same in the running release and the one to roll back to"))
def the_variables_are_equal(releases_in_use: tuple[Release, ...], names: str) -> None:
    if len(releases_in_use) == 1:
        raise NotApplicable(f"{releases_in_use[0].name} is the only web release")
    differ = differing(releases_in_use, _listed(names))
    require(
        releases_in_use and not differ,
        expected=f"the same values in {' and '.join(one.name for one in releases_in_use)}",
        seen=[f"another {name}" for name in differ],
        go_to="8.2",
    )


@then(parsers.parse(".kamal/secrets gives a value to {names}"))
def the_secrets_are_complete(secret_names: tuple[str, ...], names: str) -> None:
    missing = [f"no {name}" for name in _listed(names) if name not in secret_names]
    twice = [f"{name} twice" for name in _listed(names) if secret_names.count(name) > 1]
    require(not missing and not twice, expected="one value for each", seen=missing + twice, go_to="8.1")


def _listed(names: str) -> list[str]:
    """The names of a sentence: ``A, B and C``."""
    return re.split(r", | and ", names)
