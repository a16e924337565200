"""Section 8: the variables that everything depends on are there, and the same where they must be."""

from __future__ import annotations

import re

from pytest_bdd import parsers, then

from checks.database.service_logins import PasswordAttempt
from checks.formats.file_modes import FileMode
from checks.secrets.environment import Release, SecretsInRelease, differing, shared
from checks.secrets.secret_leaks import GitSearch, Search
from runbook.model.outcome import NotApplicable, Undetermined, require
from runbook.observation.snapshot import Snapshot


@then(parsers.parse("the running release and the one to roll back to have a valid value for {names}"))
def the_releases_have_the_variables(running_and_rollback_releases: tuple[Release, ...], names: str) -> None:
    flaws = [
        f"{name} of {one.name}: {flaw}"
        for one in running_and_rollback_releases
        for name in _listed(names)
        if (flaw := one.flaw_of(name))
    ]
    require(
        running_and_rollback_releases and not flaws,
        expected="a value for each, without white space around it",
        actual=flaws or "no web release",
        section="8.1",
    )


@then(parsers.parse("{names} are the same in the running release and the one to roll back to"))
def the_variables_are_equal(running_and_rollback_releases: tuple[Release, ...], names: str) -> None:
    if len(running_and_rollback_releases) == 1:
        raise NotApplicable(f"{running_and_rollback_releases[0].name} is the only web release")
    differ = differing(running_and_rollback_releases, _listed(names))
    require(
        running_and_rollback_releases and not differ,
        expected=f"the same values in {' and '.join(one.name for one in running_and_rollback_releases)}",
        actual=[f"another {name}" for name in differ],
        section="8.2",
    )


@then(parsers.parse(".kamal/secrets gives a value to {names}"))
def the_secrets_are_complete(secret_names: tuple[str, ...], names: str) -> None:
    missing = [f"no {name}" for name in _listed(names) if name not in secret_names]
    twice = [f"{name} twice" for name in _listed(names) if secret_names.count(name) > 1]
    require(not missing and not twice, expected="one value for each", actual=missing + twice, section="8.1")


@then("each of them has at least the length and the number of distinct characters in the table")
def the_variables_are_strong(running_and_rollback_releases: tuple[Release, ...], datatable: list[list[str]]) -> None:
    weak = [
        f"{name} of {one.name}: {found.length} characters, {found.different_characters} different ones"
        for one in running_and_rollback_releases
        for name, characters, different in datatable[1:]
        if (found := one.variables[name]).length < int(characters) or found.different_characters < int(different)
    ]
    least = [f"{name} {characters}, {different} different" for name, characters, different in datatable[1:]]
    require(
        running_and_rollback_releases and not weak, expected=f"at least {'; '.join(least)}", actual=weak, section="8.2"
    )


@then(parsers.parse("no two of {names} are the same"))
def no_secret_serves_twice(running_and_rollback_releases: tuple[Release, ...], names: str) -> None:
    twice = [f"{pair} of {one.name}" for one in running_and_rollback_releases for pair in shared(one, _listed(names))]
    require(
        running_and_rollback_releases and not twice, expected="a value of its own for each", actual=twice, section="8.2"
    )


@then("POSTGRES_PASSWORD of .kamal/secrets logs in to the database over TCP")
def the_secrets_password_is_taken(log_in_of_secrets: PasswordAttempt) -> None:
    if not log_in_of_secrets.taken and not log_in_of_secrets.tried:
        raise Undetermined(".kamal/secrets gives POSTGRES_PASSWORD by reference: its value is not known here")
    require(
        log_in_of_secrets.taken, expected="a password that the database accepts", actual="it is refused", section="8.1"
    )


@then("the database accepts no login over TCP without a password")
def the_database_asks(passwordless_login: PasswordAttempt) -> None:
    require(
        not passwordless_login.taken, expected="a refusal", actual="a login without a password succeeded", section="8.1"
    )


@then("every variable of .kamal/secrets has the same value in the running release")
def the_secrets_took_effect(secrets_in_release: SecretsInRelease) -> None:
    require(
        (secrets_in_release.same or secrets_in_release.by_reference) and not secrets_in_release.other,
        expected=f"the values of .kamal/secrets in {secrets_in_release.release}, "
        "which has to be recreated after a change",
        actual=[f"another {name}" for name in secrets_in_release.other] or "no variable in .kamal/secrets",
        section="8.2",
    )
    if secrets_in_release.by_reference:
        names = ", ".join(secrets_in_release.by_reference)
        raise Undetermined(f".kamal/secrets gives {names} by reference: their values are not known here")


@then(parsers.parse(".kamal/secrets, and .env if there is one, are readable by their owner only, mode {mode}"))
def the_files_are_closed(snapshot: Snapshot, secret_files: tuple[FileMode, ...], mode: str) -> None:
    allowed = int(mode, 8)
    there = f"{snapshot.target.paths.app}/.kamal/secrets" in {one.path for one in secret_files}
    open_ones = [f"{one.path} has mode {one.mode:04o}" for one in secret_files if one.mode & ~allowed]
    require(
        there and not open_ones,
        expected=f"mode {mode} or less",
        actual=open_ones or "no .kamal/secrets",
        section="8.1",
    )


@then("git does not track .kamal/secrets or .env, and no commit of any branch ever did")
def the_files_are_not_in_git(leaks_in_git: GitSearch) -> None:
    seen = [f"git tracks {path}" for path in leaks_in_git.tracked]
    if leaks_in_git.commits:
        seen.append(f"commits that changed one of them: {leaks_in_git.commits}")
    require(not seen, expected="neither of them, in no commit", actual=seen, section="8.2")


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
def the_actions_secrets_are_there(snapshot: Snapshot, actions_secrets: frozenset[str] | None, names: str) -> None:
    if actions_secrets is None:
        raise NotApplicable("the target names no github.repository")
    missing = [f"no {name}" for name in _listed(names) if name not in actions_secrets]
    require(not missing, expected=f"each of them in {snapshot.target.github.repository}", actual=missing, section="8.3")


def _nowhere(found: Search) -> None:
    """A secret that was somewhere else has to be changed: it is known to whoever could read that."""
    require(
        found.places and not found.sightings,
        expected="none of them; rotate any that appears",
        actual=found.sightings or "nothing was checked",
        section="8.2",
    )


def _listed(names: str) -> list[str]:
    """The names of a sentence: ``A, B and C``."""
    return re.split(r", | and ", names)
