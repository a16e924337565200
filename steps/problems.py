"""Section 10: the problems that the runbook knows, each with its cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pytest_bdd import parsers, then

from checks.backups.backup_files import Backup
from checks.database.account_lockout import LockedAccounts, LogInPolicy
from checks.deploy.crash_causes import Cause, LastWords, saying
from checks.formats.crontab import Crontab
from checks.formats.file_modes import FileMode
from checks.server.cron_jobs import CronProcess, Job
from checks.server.disk_space import FileSystem
from checks.server.disk_users import Filling
from checks.server.job_log import LastRun, LastRuns
from runbook.model.outcome import NotApplicable, Undetermined, require
from runbook.observation.snapshot import Snapshot

BACKUP = "backup.sh"


@then("no failed release logs a decryption error")
def no_release_has_a_wrong_key(last_words: tuple[LastWords, ...]) -> None:
    _require_none(last_words, "a wrong key", "the keys with which everything was encrypted, above all RAILS_MASTER_KEY")


@then("no failed release logs a missing environment variable")
def no_release_lacks_a_key(last_words: tuple[LastWords, ...]) -> None:
    _require_none(last_words, "a missing key", "every key in the release's environment")


@then("no release logs a failed database connection")
def the_releases_reach_their_database(last_words: tuple[LastWords, ...]) -> None:
    _require_none(last_words, "the database is unreachable", "a database that the releases reach", go_to="3.2")


def _require_none(words: tuple[LastWords, ...], cause: Cause, expected: str, go_to: str = "8.1") -> None:
    said = saying(words, cause)
    require(not said, expected=expected, actual=[f"{one}: {cause}" for one in said], section=go_to)


@then(parsers.parse("the running release ends a user's session after {minutes:d} minutes of inactivity"))
def a_users_session_ends(log_in_policies: tuple[LogInPolicy, ...], minutes: int) -> None:
    other = [f"{one.release}: after {one.user_minutes} min" for one in log_in_policies if one.user_minutes != minutes]
    require(
        log_in_policies and not other, expected=f"a user's session ends after {minutes} min", actual=other, section="10"
    )


@then(parsers.parse("a staff member's after {minutes:d} minutes"))
def a_staff_members_session_ends(log_in_policies: tuple[LogInPolicy, ...], minutes: int) -> None:
    other = [f"{one.release}: after {one.staff_minutes} min" for one in log_in_policies if one.staff_minutes != minutes]
    expected = f"a staff member's session ends after {minutes} min"
    require(log_in_policies and not other, expected=expected, actual=other, section="10")


@then(parsers.parse("the running release locks an account after at most {limit:d} failed logins"))
def an_account_is_locked(log_in_policies: tuple[LogInPolicy, ...], limit: int) -> None:
    other = [f"{one.release}: after {one.attempts}" for one in log_in_policies if not 1 <= one.attempts <= limit]
    expected = f"an account is locked after 1 to {limit} failed logins"
    require(log_in_policies and not other, expected=expected, actual=other, section="10")


@then(parsers.parse("for at least {minutes:d} minutes"))
def it_stays_locked(log_in_policies: tuple[LogInPolicy, ...], minutes: int) -> None:
    other = [
        f"{one.release}: for {one.lockout_minutes} min" for one in log_in_policies if one.lockout_minutes < minutes
    ]
    expected = f"it stays locked for {minutes} min or longer"
    require(log_in_policies and not other, expected=expected, actual=other, section="10")


@then(parsers.parse("less than {limit:d} % of the accounts are locked now"))
def few_accounts_are_locked(locked_accounts: LockedAccounts | None, limit: int) -> None:
    if locked_accounts is None:
        raise NotApplicable("the target names no column of locked accounts (key login_policy.locked_at)")
    require(
        locked_accounts.all and locked_accounts.locked_percent < limit,
        expected=f"less than {limit} % of the accounts are locked",
        actual=f"{locked_accounts.locked} of {locked_accounts.all} are, each for {locked_accounts.minutes} min",
        section="10",
    )


@then(parsers.parse("the newest backup is less than {limit:d} hours old"))
def no_backup_is_late(
    snapshot: Snapshot,
    backups: tuple[Backup, ...],
    cron_processes: tuple[CronProcess, ...],
    crontab: Crontab,
    scripts: dict[str, FileMode],
    last_runs: LastRuns,
    cron_jobs: dict[str, Job],
    backups_disk: FileSystem,
    limit: int,
) -> None:
    newest = max(backups, key=lambda one: one.made_at)
    in_time = newest.made.past(f"the time of {newest.name}").less_than(timedelta(hours=limit))
    job, account = cron_jobs[BACKUP], snapshot.target.cron.account
    causes = [
        *_causes_in_cron(cron_processes, crontab, scripts.get(job.script), job, account),
        *_causes_on_disk(backups_disk, newest),
        *_causes_in_script(last_runs.of(BACKUP)),
    ]
    late = f"the newest backup was made {newest.made}"
    if not in_time and not causes:
        raise Undetermined(f"{late}, and neither cron, the disk nor the script says why")
    require(in_time, expected=f"a backup less than {limit} h old", actual=[late, *causes], section="10")


def _causes_in_cron(
    processes: tuple[CronProcess, ...], crontab: Crontab, script: FileMode | None, job: Job, account: str
) -> Iterator[str]:
    if not any(one.alive for one in processes):
        yield "cron: it is not running"
    if not crontab.running(job.script):
        yield f"cron: no line of the crontab runs {job.script}"
    if script is None or not script.executable_by(account):
        yield f"cron: {account} cannot execute {job.script}"


def _causes_on_disk(disk: FileSystem, newest: Backup) -> Iterator[str]:
    if disk.free_bytes < newest.size_bytes:
        free, size = disk.free_bytes / 1e6, newest.size_bytes / 1e6
        yield f"disk: {disk.mount} has {free:.1f} MB left, and a backup takes {size:.1f} MB"
    if disk.inodes and disk.used_inodes >= disk.inodes:
        yield f"disk: {disk.mount} has no inode left"


def _causes_in_script(run: LastRun | None) -> Iterator[str]:
    if run is None or run.last is None:
        yield "script: it has never written to its log"
    elif run.last.is_error:
        yield f"script: the last line of its log is “{run.last.text}”"


@then(parsers.parse("no file system of the service is {limit:d} % full or more"))
def nothing_fills_a_disk(filling: Filling, limit: int) -> None:
    found = filling.disks.file_systems
    full = [f"{one.mount} is {one.used_percent:.0f} % full" for one in found if one.used_percent >= limit]
    _require_room(filling, full, f"less than {limit} % everywhere")


@then(parsers.parse("none has used {limit:d} % of its inodes or more"))
def nothing_uses_up_the_inodes(filling: Filling, limit: int) -> None:
    found = filling.disks.file_systems
    full = [
        f"{one.mount} has used {one.used_inodes_percent:.0f} % of its inodes"
        for one in found
        if one.used_inodes_percent >= limit
    ]
    _require_room(filling, full, f"less than {limit} % of inodes everywhere")


def _require_room(filling: Filling, full: list[str], expected: str) -> None:
    require(filling.disks.file_systems and not full, expected=expected, actual=[*full, *filling.users], section="9.3")
    if filling.disks.unseen is not None:
        raise filling.disks.unseen
