"""Section 5.4: the backups are encrypted, to the backup key, and a drill has looked inside."""

from __future__ import annotations

from datetime import timedelta

from pytest_bdd import parsers, then

from checks.backups.backup_files import Backup
from checks.backups.drill_history import Passed
from checks.backups.encrypted_backups import EncryptedBackup
from checks.backups.encryption_key import KeyInRing
from checks.formats.ages import ago
from checks.server.cron_environment import JobSettings
from runbook.model.outcome import NotApplicable, Undetermined, require
from runbook.observation.snapshot import Snapshot


@then("every encrypted backup has all its packets, to its last byte")
def packets_are_whole(snapshot: Snapshot, encrypted_backups: tuple[EncryptedBackup, ...]) -> None:
    _some_encrypted(encrypted_backups, wanted=snapshot.target.backups.encryption_key is not None)
    broken = [f"{one.file.name}: {one.flaw}" for one in encrypted_backups if one.flaw]
    require(not broken, expected="every encrypted backup intact", actual=broken, section="5.4")


@then("every encrypted backup is encrypted to the backup key")
def encrypted_to_the_backup_key(
    encrypted_backups: tuple[EncryptedBackup, ...], backup_key: frozenset[str] | None
) -> None:
    key = wanted_key(encrypted_backups, backup_key)
    others = [recipients_of(one) for one in _with_beginning(encrypted_backups) if not key & set(one.recipients)]
    require(not others, expected=f"encrypted to one of {', '.join(sorted(key))}", actual=others, section="5.4")


@then("no encrypted backup is also encrypted to a passphrase or another key")
def encrypted_to_nobody_else(encrypted_backups: tuple[EncryptedBackup, ...], backup_key: frozenset[str] | None) -> None:
    key = wanted_key(encrypted_backups, backup_key)
    open_to_others = [
        recipients_of(one)
        for one in _with_beginning(encrypted_backups)
        if one.by_passphrase or set(one.recipients) - key
    ]
    require(not open_to_others, expected="the backup key alone", actual=open_to_others, section="5.4")


def _with_beginning(encrypted_backups: tuple[EncryptedBackup, ...]) -> list[EncryptedBackup]:
    """Those whose beginning says who can open them; the others are not whole, which is told elsewhere."""
    hidden = [one.file.name for one in encrypted_backups if one.hides_recipients]
    if hidden:
        raise Undetermined(f"{', '.join(hidden)} do not reveal their recipient key")
    readable = [one for one in encrypted_backups if one.recipients or one.by_passphrase]
    if not readable:
        raise Undetermined("no encrypted backup can be read", because="the-encrypted-backups-are-intact")
    return readable


def recipients_of(one: EncryptedBackup) -> str:
    openers = [*one.recipients, *(["a passphrase"] if one.by_passphrase else [])]
    return f"{one.file.name} to {' and '.join(openers)}"


def _some_encrypted(found: tuple[EncryptedBackup, ...], *, wanted: bool) -> None:
    if not found and not wanted:
        raise NotApplicable("no backup is encrypted, and the target names no backups.encryption_key")
    require(
        found, expected="at least one encrypted backup, as the target names a backup key", actual="none", section="5.4"
    )


def wanted_key(found: tuple[EncryptedBackup, ...], key: frozenset[str] | None) -> frozenset[str]:
    """The key's ids, where there is something to compare with."""
    _some_encrypted(found, wanted=key is not None)
    if key is None:
        raise Undetermined("the target file names no backups.encryption_key to compare with")
    return key


@then("every BACKUP_ variable that is set for shells is set in cron's environment")
def cron_sees_the_settings(job_settings: JobSettings) -> None:
    own = [one for one in (*job_settings.for_shells, *job_settings.for_cron) if one.name.startswith("BACKUP_")]
    if not own:
        raise NotApplicable("no BACKUP_ variable is set on this server")
    unseen = [f"{one.name} is set in {one.file} alone" for one in job_settings.unseen if one in own]
    require(not unseen, expected="in the crontab, or in .env where the script reads it", actual=unseen, section="5.4")


@then(parsers.parse("every backup made since cron's job has {name} is encrypted"))
def all_encrypted_since(
    backups: tuple[Backup, ...], encrypted_backups: tuple[EncryptedBackup, ...], job_settings: JobSettings, name: str
) -> None:
    recipient = job_settings.set_by(name)
    if recipient is None:
        raise NotApplicable(f"cron's job has no {name}: its backups are meant to be plain")
    if recipient.since is None:
        raise Undetermined(f"it is not known since when {recipient.file} sets {name}")
    for one in backups[-1:]:
        ago(recipient.since, one.seen_at).past(f"the time when {recipient.file} was last written to")
    since = [one for one in backups if one.made_at > recipient.since]
    if not since:
        raise NotApplicable(f"no backup was made since {recipient.file} was last written to")
    misnamed = {one.file.name for one in encrypted_backups if one.plain}
    plain = [one.name for one in since if not one.encrypted or one.name in misnamed]
    require(not plain, expected=f"encrypted ones alone, as {recipient.file} sets {name}", actual=plain, section="5.4")


@then(parsers.parse("the server can encrypt to the backup key for {days:d} more days"))
def the_key_lasts(backup_key: frozenset[str] | None, key_in_ring: KeyInRing | None, days: int) -> None:
    if backup_key is None:
        raise NotApplicable("the target names no backups.encryption_key")
    left = key_in_ring.days_left if key_in_ring else None
    require(
        key_in_ring and key_in_ring.usable and (left is None or left > days),
        expected=f"a key in the server's keyring that can be encrypted to for {days} days",
        actual="no such key"
        if key_in_ring is None
        else f"it expires in {left:.0f} days"
        if left
        else "it cannot be used",
        section="5.4",
    )


@then("a restore drill with an encrypted backup passed within the required interval")
def a_drill_has_looked_inside(snapshot: Snapshot, backups: tuple[Backup, ...], passed_drills: Passed) -> None:
    if not any(one.encrypted for one in backups):
        raise NotApplicable("no backup is encrypted")
    cadence, last = snapshot.target.drills.restore_interval_days, passed_drills.last_sealed
    require(
        last and last.passed.at_most(timedelta(days=cadence)),
        expected=f"one within the last {cadence} days: `runbook drill restore`",
        actual=filter(None, (str(last or "none is noted on the server"), passed_drills.passed_over)),
        section="5.3",
    )
