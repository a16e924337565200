"""Section 8: the variables that everything depends on are there, and the same where they must be."""

from __future__ import annotations

import re

from pytest_bdd import parsers, then

from checks.environment import Release, TakenOver, differing, shared
from checks.leaks import GitSearch, Search
from checks.login import LogIn
from checks.owned import Owned
from runbook.look import Look
from runbook.outcome import NotApplicable, Undetermined, require


@then(parsers.parse("the running release and the one to roll back to have a valid value for {names}"))
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


@then("each of them has at least the length and the number of distinct characters in the table")
def the_variables_are_strong(releases_in_use: tuple[Release, ...], datatable: list[list[str]]) -> None:
    weak = [
        f"{name} of {one.name}: {found.length} characters, {found.different_characters} different ones"
        for one in releases_in_use
        for name, characters, different in datatable[1:]
        if (found := one.variables[name]).length < int(characters) or found.different_characters < int(different)
    ]
    least = [f"{name} {characters}, {different} different" for name, characters, different in datatable[1:]]
    require(releases_in_use and not weak, expected=f"at least {'; '.join(least)}", seen=weak, go_to="8.2")


@then(parsers.parse("no two of {names} are the same"))
def no_secret_serves_twice(releases_in_use: tuple[Release, ...], names: str) -> None:
    twice = [f"{pair} of {one.name}" for one in releases_in_use for pair in shared(one, _listed(names))]
    require(releases_in_use and not twice, expected="a value of its own for each", seen=twice, go_to="8.2")


@then("POSTGRES_PASSWORD of .kamal/secrets logs in to the database over TCP")
def the_secrets_password_is_taken(log_in_of_secrets: LogIn) -> None:
    if not log_in_of_secrets.taken and not log_in_of_secrets.tried:
        raise Undetermined(".kamal/secrets gives POSTGRES_PASSWORD by reference: its value is not known here")
    require(log_in_of_secrets.taken, expected="a password that the database accepts", seen="it is refused", go_to="8.1")


@then("the database accepts no login over TCP without a password")
def the_database_asks(log_in_of_anybody: LogIn) -> None:
    require(not log_in_of_anybody.taken, expected="a refusal", seen="a login without a password succeeded", go_to="8.1")


@then("every variable of .kamal/secrets has the same value in the running release")
def the_secrets_took_effect(taken_over: TakenOver) -> None:
    require(
        (taken_over.same or taken_over.by_reference) and not taken_over.other,
        expected=f"the values of .kamal/secrets in {taken_over.release}, which has to be recreated after a change",
        seen=[f"another {name}" for name in taken_over.other] or "no variable in .kamal/secrets",
        go_to="8.2",
    )
    if taken_over.by_reference:
        names = ", ".join(taken_over.by_reference)
        raise Undetermined(f".kamal/secrets gives {names} by reference: their values are not known here")


@then(parsers.parse(".kamal/secrets, and .env if there is one, are readable by their owner only, mode {mode}"))
def the_files_are_closed(look: Look, secret_files: tuple[Owned, ...], mode: str) -> None:
    allowed = int(mode, 8)
    there = f"{look.target.paths.app}/.kamal/secrets" in {one.path for one in secret_files}
    open_ones = [f"{one.path} has mode {one.mode:04o}" for one in secret_files if one.mode & ~allowed]
    require(
        there and not open_ones,
        expected=f"mode {mode} or less",
        seen=open_ones or "no .kamal/secrets",
        go_to="8.1",
    )


@then("git does not track .kamal/secrets or .env, and no commit of any branch ever did")
def the_files_are_not_in_git(leaks_in_git: GitSearch) -> None:
    seen = [f"git tracks {path}" for path in leaks_in_git.tracked]
    if leaks_in_git.commits:
        seen.append(f"commits that changed one of them: {leaks_in_git.commits}")
    require(not seen, expected="neither of them, in no commit", seen=seen, go_to="8.2")


@then("no secret value appears anywhere in the git history")
def no_value_in_git(leaks_in_git: GitSearch) -> None:
    _nowhere(leaks_in_git.found)


@then("no secret value appears in the history or the configuration of a release's image")
def no_value_in_images(leaks_in_images: Search) -> None:
    _nowhere(leaks_in_images)


@then("no secret value appears in the log of a container")
def no_value_in_logs(leaks_in_logs: Search) -> None:
    _nowhere(leaks_in_logs)


@then("no secret value appears in the log of a cron job")
def no_value_in_log_files(leaks_in_log_files: Search) -> None:
    if not leaks_in_log_files.places:
        raise NotApplicable("no job of the crontab has a log yet")
    _nowhere(leaks_in_log_files)


@then("no secret value appears in the command line of a process")
def no_value_in_processes(leaks_in_processes: Search) -> None:
    _nowhere(leaks_in_processes)


@then(parsers.parse("the repository has the Actions secrets {names}"))
def the_actions_secrets_are_there(look: Look, actions_secrets: frozenset[str] | None, names: str) -> None:
    if actions_secrets is None:
        raise NotApplicable("the target names no github.repository")
    missing = [f"no {name}" for name in _listed(names) if name not in actions_secrets]
    require(not missing, expected=f"each of them in {look.target.github.repository}", seen=missing, go_to="8.3")


def _nowhere(found: Search) -> None:
    """A secret that was somewhere else has to be changed: it is known to whoever could read that."""
    require(
        found.places and not found.sightings,
        expected="none of them; rotate any that appears",
        seen=found.sightings or "nothing was checked",
        go_to="8.2",
    )


def _listed(names: str) -> list[str]:
    """The names of a sentence: ``A, B and C``."""
    return re.split(r", | and ", names)
