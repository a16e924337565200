"""Section 5: the backups are there, new, whole and for the right eyes."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from pytest_bdd import parsers, then

from checks.backups import Backup, EncryptedBackup, NewestBackup, PlainBackup
from checks.cron import Job, LastRuns
from runbook.look import Look
from runbook.outcome import NotApplicable, Undetermined, require

CLOCK_SLACK_HOURS = 1 / 60
FEWEST_FOR_USUAL = 2


@then("there is at least one backup of the database")
def there_is_a_backup(backups: tuple[Backup, ...]) -> None:
    require(backups, expected="at least one backup", seen="none", go_to="10")


@then(parsers.parse("the content of the newest backup is less than {limit:d} hours old"))
def content_is_fresh(newest_backup: NewestBackup | None, limit: int) -> None:
    age = newest_backup.age if newest_backup else None
    require(
        age is not None and -CLOCK_SLACK_HOURS <= age.hours < limit,
        expected=f"content that is less than {limit} h old",
        seen=str(age or "no time stamp in its rows"),
        go_to="10",
    )


@then("the newest backup is whole, to its last byte")
def newest_is_whole(newest_backup: NewestBackup | None) -> None:
    require(
        newest_backup and not newest_backup.flaw,
        expected="a newest backup that is whole",
        seen=f"{newest_backup.file.name}: {newest_backup.flaw}" if newest_backup else "no backup",
        go_to="5.1",
    )


@then("no backup holds older content than the one before it")
def content_moves_on(plain_backups: tuple[PlainBackup, ...]) -> None:
    whole = [one for one in plain_backups if one.dump.gzip_whole and one.dump.complete]
    dated = [(one.file.name, row.at) for one in whole if (row := one.dump.newest_row)]
    if len(dated) < 2:
        raise NotApplicable("there are no two whole plain backups whose rows tell their age")
    back = [
        f"{later[0]} holds older rows than {earlier[0]}" for earlier, later in pairwise(dated) if later[1] < earlier[1]
    ]
    require(
        not back, expected="newest rows that are as new as those of the backup before, or newer", seen=back, go_to="10"
    )


@then("every plain backup can be decompressed to its last byte")
def gzip_is_whole(plain_backups: tuple[PlainBackup, ...]) -> None:
    _some(plain_backups)
    broken = [one.file.name for one in plain_backups if not one.dump.gzip_whole]
    require(not broken, expected="every gzip whole", seen=_named("not whole", broken), go_to="10")


@then("every plain backup that can be decompressed is one complete dump, from its first line to its last")
def dump_is_complete(plain_backups: tuple[PlainBackup, ...]) -> None:
    _some(plain_backups)
    readable = [one for one in plain_backups if one.dump.gzip_whole]
    if not readable:
        raise Undetermined("no plain backup can be decompressed", because="the-plain-backups-are-whole")
    broken = [f"{one.file.name}: {one.dump.flaw}" for one in readable if not one.dump.complete]
    require(not broken, expected="one dump each, from pg_dump's first line to its last", seen=broken, go_to="10")


@then(parsers.parse("the newest dump has at least {percent:d} % of the usual size"))
def size_is_not_smaller(plain_backups: tuple[PlainBackup, ...], percent: int) -> None:
    newest, usual = _sizes(plain_backups)
    require(
        newest >= usual * percent / 100,
        expected=f"at least {percent} % of {usual:.0f} bytes, the median of those before",
        seen=f"{newest} bytes, {100 * newest / usual:.0f} %",
        go_to="10",
    )


@then(parsers.parse("the newest dump has at most {percent:d} % of the usual size"))
def size_is_not_larger(plain_backups: tuple[PlainBackup, ...], percent: int) -> None:
    newest, usual = _sizes(plain_backups)
    require(
        newest <= usual * percent / 100,
        expected=f"at most {percent} % of {usual:.0f} bytes, the median of those before",
        seen=f"{newest} bytes, {100 * newest / usual:.0f} %",
        go_to="10",
    )


def _sizes(plain_backups: tuple[PlainBackup, ...]) -> tuple[int, float]:
    """The newest dump's size and the median of those before it, in bytes without compression."""
    sizes = [one.dump.size_bytes for one in plain_backups if one.dump.gzip_whole]
    if len(sizes) <= FEWEST_FOR_USUAL:
        raise NotApplicable(f"{len(sizes)} plain backups that can be decompressed are no history to compare with")
    usual = median(sizes[:-1])
    if usual == 0:
        raise Undetermined("the dumps before the newest one are empty: there is no usual size")
    return sizes[-1], usual


@then("every encrypted backup has all its packets, to its last byte")
def packets_are_whole(look: Look, encrypted_backups: tuple[EncryptedBackup, ...]) -> None:
    _some_encrypted(encrypted_backups, wanted=look.target.backups.encryption_key is not None)
    broken = [f"{one.file.name}: {one.flaw}" for one in encrypted_backups if one.flaw]
    require(not broken, expected="every encrypted backup whole", seen=broken, go_to="5.4")


@then("every encrypted backup is encrypted to the backup key")
def encrypted_to_the_backup_key(
    encrypted_backups: tuple[EncryptedBackup, ...], backup_key: frozenset[str] | None
) -> None:
    key = _key(encrypted_backups, backup_key)
    others = [_recipients(one) for one in _with_beginning(encrypted_backups) if not key & set(one.recipients)]
    require(not others, expected=f"encrypted to one of {', '.join(sorted(key))}", seen=others, go_to="5.4")


@then("no encrypted backup is encrypted to a passphrase or another key as well")
def encrypted_to_nobody_else(encrypted_backups: tuple[EncryptedBackup, ...], backup_key: frozenset[str] | None) -> None:
    key = _key(encrypted_backups, backup_key)
    open_to_others = [
        _recipients(one) for one in _with_beginning(encrypted_backups) if one.by_passphrase or set(one.recipients) - key
    ]
    require(not open_to_others, expected="the backup key alone", seen=open_to_others, go_to="5.4")


def _with_beginning(encrypted_backups: tuple[EncryptedBackup, ...]) -> list[EncryptedBackup]:
    """Those whose beginning says who can open them; the others are not whole, which is told elsewhere."""
    hidden = [one.file.name for one in encrypted_backups if one.hides_recipients]
    if hidden:
        raise Undetermined(f"{', '.join(hidden)} keep to themselves which key opens them")
    readable = [one for one in encrypted_backups if one.recipients or one.by_passphrase]
    if not readable:
        raise Undetermined("no encrypted backup can be read", because="the-encrypted-backups-are-whole")
    return readable


def _recipients(one: EncryptedBackup) -> str:
    openers = [*one.recipients, *(["a passphrase"] if one.by_passphrase else [])]
    return f"{one.file.name} to {' and '.join(openers)}"


def _some_encrypted(found: tuple[EncryptedBackup, ...], *, wanted: bool) -> None:
    if not found and not wanted:
        raise NotApplicable("no backup is encrypted, and the target names no backups.encryption_key")
    require(found, expected="at least one encrypted backup, as the target names a backup key", seen="none", go_to="5.4")


def _key(found: tuple[EncryptedBackup, ...], key: frozenset[str] | None) -> frozenset[str]:
    """The key's ids, where there is something to compare with."""
    _some_encrypted(found, wanted=key is not None)
    if key is None:
        raise Undetermined("the target file names no backups.encryption_key to compare with")
    return key


def _some(plain_backups: tuple[PlainBackup, ...]) -> None:
    if not plain_backups:
        raise NotApplicable("every backup is encrypted: what is in them is told by the restore drill")


@then("the backup that the log names last is there")
def log_agrees(backups: tuple[Backup, ...], last_runs: LastRuns, cron_jobs: dict[str, Job]) -> None:
    run = last_runs.of("backup.sh")
    named = run.backup if run else None
    require(
        named in {one.path for one in backups},
        expected="the file of the last “Backup successful” or “Backup encrypted” line",
        seen=f"{named} is not among the backups" if named else f"no such line in {cron_jobs['backup.sh'].log}",
        go_to="5.2",
    )


def _named(what: str, names: list[str]) -> str:
    return f"{what}: {', '.join(names)}"
