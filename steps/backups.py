"""Section 5: the backups are there, new, whole and for the right eyes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import TypeVar

from pytest_bdd import parsers, then

from checks.backups.backup_files import Backup, PlainBackup
from checks.backups.backup_permissions import Place
from checks.backups.drill_history import Passed
from checks.backups.encrypted_backups import EncryptedBackup
from checks.backups.encryption_key import KeyInRing
from checks.backups.newest_backup import NewestBackup
from checks.backups.offsite_copies import SETTING, NoBucket, ObjectMetadata, OffsiteCopy, PublicAccess
from checks.formats.ages import ago
from checks.formats.file_modes import FileMode
from checks.server.cron_environment import JobSettings
from checks.server.cron_jobs import Job
from checks.server.job_log import LastRuns
from runbook.model.outcome import NotApplicable, Undetermined, require
from runbook.observation.snapshot import Snapshot

FEWEST_FOR_USUAL = 2
HAS_ITS_COPY = "every-backup-has-an-off-site-copy"

A = TypeVar("A")


@then("there is at least one backup of the database")
def there_is_a_backup(backups: tuple[Backup, ...]) -> None:
    require(backups, expected="at least one backup", actual="none", section="10")


@then(parsers.parse("the content of the newest backup is less than {limit:d} hours old"))
def content_is_fresh(newest_backup: NewestBackup | None, limit: int) -> None:
    age = newest_backup.age if newest_backup else None
    require(
        age and age.made.less_than(timedelta(hours=limit)),
        expected=f"content that is less than {limit} h old",
        actual=str(age or "no time stamp in its rows"),
        section="10",
    )


@then("the newest backup is intact to its last byte")
def newest_is_whole(newest_backup: NewestBackup | None) -> None:
    require(
        newest_backup and not newest_backup.flaw,
        expected="a newest backup that is intact",
        actual=f"{newest_backup.file.name}: {newest_backup.flaw}" if newest_backup else "no backup",
        section="5.1",
    )


@then("no backup holds older content than the one before it")
def content_moves_on(plain_backups: tuple[PlainBackup, ...]) -> None:
    whole = [one for one in plain_backups if one.dump.gzip_whole and one.dump.complete]
    dated = [(one.file.name, row.at) for one in whole if (row := one.dump.newest_row)]
    if len(dated) < 2:
        raise NotApplicable("fewer than two intact plain backups have rows that show their age")
    back = [
        f"{later[0]} holds older rows than {earlier[0]}" for earlier, later in pairwise(dated) if later[1] < earlier[1]
    ]
    require(
        not back, expected="newest rows that are no older than those of the backup before", actual=back, section="10"
    )
    for one in whole:
        _newest_row_has_been(one)


def _newest_row_has_been(one: PlainBackup) -> None:
    """A row that is dated ahead of the clock stays the newest, whatever else is in a backup: then nothing is told.

    Raises:
        Undetermined: The newest row is such a one.
    """
    row = one.dump.newest_row
    if row is not None:
        zone = "" if row.zoned else " (a time without a zone, taken as UTC)"
        ago(row.at, one.file.seen_at).past(f"the newest row of {one.file.name} in {row.column}{zone}")


@then("every plain backup can be decompressed to its last byte")
def gzip_is_whole(plain_backups: tuple[PlainBackup, ...]) -> None:
    _some(plain_backups)
    broken = [one.file.name for one in plain_backups if not one.dump.gzip_whole]
    require(not broken, expected="every gzip intact", actual=_named("not whole", broken), section="10")


@then("every plain backup that can be decompressed is one complete dump, from its first line to its last")
def dump_is_complete(plain_backups: tuple[PlainBackup, ...]) -> None:
    _some(plain_backups)
    readable = [one for one in plain_backups if one.dump.gzip_whole]
    if not readable:
        raise Undetermined("no plain backup can be decompressed", because="the-plain-backups-are-intact")
    broken = [f"{one.file.name}: {one.dump.flaw}" for one in readable if not one.dump.complete]
    require(not broken, expected="one dump each, from pg_dump's first line to its last", actual=broken, section="10")


@then(parsers.parse("the newest dump has at least {percent:d} % of the usual size"))
def size_is_not_smaller(plain_backups: tuple[PlainBackup, ...], percent: int) -> None:
    newest, usual = _sizes(plain_backups)
    require(
        newest >= usual * percent / 100,
        expected=f"at least {percent} % of {usual:.0f} bytes, the median of those before",
        actual=f"{newest} bytes, {100 * newest / usual:.0f} %",
        section="10",
    )


@then(parsers.parse("the newest dump has at most {percent:d} % of the usual size"))
def size_is_not_larger(plain_backups: tuple[PlainBackup, ...], percent: int) -> None:
    newest, usual = _sizes(plain_backups)
    require(
        newest <= usual * percent / 100,
        expected=f"at most {percent} % of {usual:.0f} bytes, the median of those before",
        actual=f"{newest} bytes, {100 * newest / usual:.0f} %",
        section="10",
    )


def _sizes(plain_backups: tuple[PlainBackup, ...]) -> tuple[int, float]:
    """The newest dump's size and the median of those before it, in bytes without compression."""
    sizes = [one.dump.size_bytes for one in plain_backups if one.dump.gzip_whole]
    if len(sizes) <= FEWEST_FOR_USUAL:
        raise NotApplicable(
            f"{len(sizes)} plain backups that can be decompressed are not enough history to compare with"
        )
    usual = median(sizes[:-1])
    if usual == 0:
        raise Undetermined("the dumps before the newest one are empty: there is no usual size")
    return sizes[-1], usual


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


def _some(plain_backups: tuple[PlainBackup, ...]) -> None:
    if not plain_backups:
        raise NotApplicable("every backup is encrypted: the restore drill checks what is in them")


@then("the backup that the log names last exists")
def log_agrees(backups: tuple[Backup, ...], last_runs: LastRuns, cron_jobs: dict[str, Job]) -> None:
    run = last_runs.of("backup.sh")
    named = run.backup if run else None
    require(
        named in {one.path for one in backups},
        expected="the file of the last “Backup successful” or “Backup encrypted” line",
        actual=f"{named} is not among the backups" if named else f"no such line in {cron_jobs['backup.sh'].log}",
        section="5.2",
    )


@then(parsers.parse("no backup is more than {days:d} days old, not counting the newest {kept:d}"))
def old_ones_are_removed(backups: tuple[Backup, ...], days: int, kept: int) -> None:
    require_none_older(backups[:-kept], days, kept)


def require_none_older(removable: Iterable[Backup], days: int, kept: int) -> None:
    """Hold those that may be removed, the newest of their kind left aside, to their time."""
    found, limit = list(removable), timedelta(days=days)
    old = [one.name for one in found if not one.made.in_future and not one.made.at_most(limit)]
    require(not old, expected=f"only the newest {kept} older than {days} days", actual=old, section="10")
    for one in found:
        one.made.past(f"the time of {one.name}")


@then(parsers.parse("there are at least {fewest:d} backups"))
def enough_are_kept(backups: tuple[Backup, ...], fewest: int) -> None:
    require(len(backups) >= fewest, expected=f"at least {fewest}", actual=f"{len(backups)} backups", section="5.1")


@then(parsers.parse("the backup folder is accessible to its owner only, mode {mode}"))
def folder_is_closed(backup_modes: tuple[FileMode, ...], mode: str) -> None:
    _closed(backup_modes[:1], mode)


@then(parsers.parse("every backup is readable by its owner only, mode {mode}"))
def files_are_closed(backup_modes: tuple[FileMode, ...], mode: str) -> None:
    _closed(backup_modes[1:], mode)


def _closed(found: tuple[FileMode, ...], mode: str) -> None:
    open_ones = [one for one in found if one.mode & ~int(mode, 8)]
    require(
        found and not open_ones, expected=f"mode {mode} or less", actual=open_ones or "nothing there", section="5.2"
    )


@then("the backups share no file system with the root, the service or Docker")
def own_file_system(backup_places: tuple[Place, ...]) -> None:
    own, *others = backup_places
    shared = [one.path for one in others if one.device == own.device]
    require(
        others and not shared,
        expected="a file system of their own: a full disk then stops neither the service nor the backups",
        actual=f"{own.path} is on one with {' and '.join(shared)}",
        section="10",
    )


@then(parsers.parse("the newest intact plain backup has at least {percent:d} % of production's tables"))
def the_tables_are_in_it(
    plain_backups: tuple[PlainBackup, ...], tables_of_production: frozenset[str], percent: int
) -> None:
    _some(plain_backups)
    whole = [one for one in plain_backups if one.dump.gzip_whole and one.dump.complete]
    if not whole:
        raise Undetermined("no plain backup is intact", because="the-plain-backups-are-intact")
    missing = sorted(tables_of_production - set(whole[-1].dump.tables))
    require(
        tables_of_production and 100 * len(missing) <= (100 - percent) * len(tables_of_production),
        expected=f"{percent} % of production's {len(tables_of_production)} tables in {whole[-1].file.name}",
        actual=_named("not in it", missing) if missing else "production has no table",
        section="5.1",
    )


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


@then(parsers.parse("every backup that was made more than {minutes:d} minutes ago has a copy in the bucket"))
def each_has_its_copy(snapshot: Snapshot, offsite_copies: tuple[OffsiteCopy, ...] | None, minutes: int) -> None:
    limit = timedelta(minutes=minutes)
    due = [one for one in _off_site(offsite_copies) if not one.made.at_most(limit)]
    if not due:
        raise NotApplicable(f"no backup was made more than {minutes} minutes ago")
    missing = [one.backup.name for one in due if one.stored is None]
    place = f"s3://{snapshot.target.offsite.bucket}/{snapshot.target.offsite.prefix}"
    require(not missing, expected=f"each of {len(due)} in {place}", actual=_named("not there", missing), section="5.5")


@then("every copy has the SHA-256 of its backup")
def copies_are_the_same(offsite_copies: tuple[OffsiteCopy, ...] | None, backup_sums: dict[str, str]) -> None:
    copies = _stored(offsite_copies)
    other = [_differing(one, stored, backup_sums.get(one.backup.path)) for one, stored in copies]
    seen = [one for one in other if one]
    require(not seen, expected="the same size and SHA-256 on the server and in the bucket", actual=seen, section="5.5")
    without = [one.backup.name for one, stored in copies if stored.sha256 is None]
    if without:
        raise Undetermined(
            f"S3 keeps no SHA-256 of the whole of {', '.join(without)}: it has to be given at the upload"
        )


def _differing(copy: OffsiteCopy, stored: ObjectMetadata, sha256: str | None) -> str | None:
    """What differs in a copy; None where nothing does, as far as S3 tells."""
    if stored.size_bytes != copy.backup.size_bytes:
        return f"{copy.backup.name} has {stored.size_bytes} bytes there and {copy.backup.size_bytes} here"
    if stored.sha256 is not None and stored.sha256 != sha256:
        return f"{copy.backup.name} has other bytes there"
    return None


@then("every copy is encrypted at rest")
def copies_are_encrypted(offsite_copies: tuple[OffsiteCopy, ...] | None) -> None:
    plain = [one.backup.name for one, stored in _stored(offsite_copies) if stored.encrypted_by is None]
    require(not plain, expected="each encrypted by S3", actual=_named("not encrypted", plain), section="5.5")


@then("the bucket encrypts new objects by default")
def bucket_encrypts(
    offsite_copies: tuple[OffsiteCopy, ...] | None, offsite_default_encryption: str | NoBucket | None
) -> None:
    _off_site(offsite_copies)
    require(_there(offsite_default_encryption), expected="encryption by default", actual="none", section="5.5")


@then("the bucket has all four S3 Block Public Access settings on")
def bucket_blocks(offsite_openness: PublicAccess | NoBucket | None) -> None:
    off = _off_site(offsite_openness).unblocked
    require(
        not off, expected="all four S3 Block Public Access settings on", actual=_named("off", list(off)), section="5.5"
    )


@then("neither its policy nor its ACL grants public access")
def bucket_is_not_public(offsite_openness: PublicAccess | NoBucket | None) -> None:
    openness = _off_site(offsite_openness)
    ways = [
        *(["its policy"] if openness.by_policy else []),
        *(f"{one} granted to everybody" for one in openness.by_grants),
    ]
    require(not ways, expected="no public access", actual=ways, section="5.5")


@then("the bucket keeps the old versions of overwritten and deleted objects")
def bucket_keeps_versions(offsite_versioning: str | NoBucket | None) -> None:
    status = _off_site(offsite_versioning)
    require(status == "Enabled", expected="versioning Enabled", actual=f"versioning {status}", section="5.5")


def _off_site(seen: A | NoBucket | None) -> A:
    there = _there(seen)
    if there is None:
        raise NotApplicable(f"the target names no offsite.bucket, and cron's job has no {SETTING}")
    return there


def _there(seen: A | NoBucket) -> A:
    if isinstance(seen, NoBucket):
        raise Undetermined("there is no such bucket", because=HAS_ITS_COPY)
    return seen


def _stored(offsite_copies: tuple[OffsiteCopy, ...] | None) -> list[tuple[OffsiteCopy, ObjectMetadata]]:
    """The copies that are there; that others are missing is told elsewhere."""
    found = [(one, one.stored) for one in _off_site(offsite_copies) if one.stored is not None]
    if not found:
        raise Undetermined("no copy of a backup is in the bucket", because=HAS_ITS_COPY)
    return found


def _named(what: str, names: list[str]) -> str:
    return f"{what}: {', '.join(names)}"
