"""Section 5: what has to be saved beside the database is saved too."""

from __future__ import annotations

from datetime import timedelta

from pytest_bdd import parsers, then

from checks.backups.backup_files import Backup
from checks.backups.encrypted_backups import EncryptedBackup
from checks.backups.volume_archives import Contents
from runbook.model.outcome import NotApplicable, Undetermined, require
from runbook.observation.snapshot import Snapshot
from steps.backups import require_none_older
from steps.encryption import recipients_of, wanted_key


@then(
    parsers.parse(
        "no archive of the files or the keys is more than {days:d} days old, not counting the newest {kept:d}"
    )
)
def old_archives_are_removed(archives: dict[str, tuple[Backup, ...]], days: int, kept: int) -> None:
    require_none_older((one for found in archives.values() for one in found[:-kept]), days, kept)


@then("every volume of a web release is one that the target lists for backup")
def every_volume_is_named(snapshot: Snapshot, volumes_of_releases: dict[str, tuple[str, ...]]) -> None:
    named = snapshot.target.backups.volumes
    if not volumes_of_releases and not named:
        raise NotApplicable("no web release has a volume")
    left_out = [
        f"{volume} of {', '.join(names)}" for volume, names in volumes_of_releases.items() if volume not in named
    ]
    require(not left_out, expected="each in backups.volumes of the target file", actual=left_out, section="5.1")


@then(parsers.parse("each volume listed for backup has an archive that is less than {limit:d} hours old"))
def the_files_are_saved(snapshot: Snapshot, archives: dict[str, tuple[Backup, ...]], limit: int) -> None:
    volumes = snapshot.target.backups.volumes
    if not volumes:
        raise NotApplicable("the target names no volume to back up (key backups.volumes)")
    late = [late for volume in volumes if (late := _lateness(f"no archive of {volume}", archives[volume], limit))]
    require(not late, expected=f"an archive of each that is less than {limit} h old", actual=late, section="5.1")


@then("the newest encrypted archive of each volume, if there is one, is intact and encrypted to the backup key only")
def the_files_are_sealed_rightly(
    snapshot: Snapshot, sealed_archives: dict[str, EncryptedBackup], backup_key: frozenset[str] | None
) -> None:
    for volume in snapshot.target.backups.volumes:
        if volume in sealed_archives:
            _sealed_rightly(sealed_archives[volume], backup_key)


@then("the newest archive of each volume can be read to its last byte")
def the_archives_are_whole(contents_of_archives: tuple[Contents, ...]) -> None:
    if not contents_of_archives:
        raise NotApplicable("the archives are encrypted: what is in them only the holder of the private key can see")
    broken = [str(one) for one in contents_of_archives if not one.whole]
    require(not broken, expected="every archive intact", actual=broken, section="5.1")


@then("every file of the volume that is older than the archive is in it")
def the_files_are_in_it(contents_of_archives: tuple[Contents, ...]) -> None:
    if not any(one.kept or one.files for one in contents_of_archives):
        raise NotApplicable("the volumes are empty, and so are their archives")
    lacking = [str(one) for one in contents_of_archives if one.missing]
    require(not lacking, expected="every file of the volume, by name and size", actual=lacking, section="5.1")


@then(parsers.parse("there is an archive of the keys that is less than {limit:d} hours old"))
def the_keys_are_saved(snapshot: Snapshot, archives: dict[str, tuple[Backup, ...]], limit: int) -> None:
    late = _lateness("none", archives[snapshot.target.backups.keys], limit)
    wanted = f"an archive of .kamal/secrets and .env that is less than {limit} h old"
    require(late is None, expected=wanted, actual=late or "", section="5.1")


@then("the newest encrypted archive of the keys is intact and encrypted to the backup key only")
def the_keys_are_sealed_rightly(
    snapshot: Snapshot, sealed_archives: dict[str, EncryptedBackup], backup_key: frozenset[str] | None
) -> None:
    sealed = sealed_archives.get(snapshot.target.backups.keys)
    require(sealed, expected="an encrypted archive of the keys", actual="plain ones alone", section="5.4")
    assert sealed
    _sealed_rightly(sealed, backup_key)


@then("no archive of the keys is unencrypted")
def no_plain_keys(plain_key_archives: tuple[str, ...]) -> None:
    require(
        not plain_key_archives,
        expected="encrypted ones; rotate the keys that were stored unencrypted",
        actual=plain_key_archives,
        section="8.2",
    )


def _lateness(none: str, found: tuple[Backup, ...], limit: int) -> str | None:
    """Why the newest of these is not new enough; None where it is."""
    if not found:
        return none
    newest = found[-1]
    return None if newest.made.less_than(timedelta(hours=limit)) else f"{newest.name} was made {newest.made}"


def _sealed_rightly(one: EncryptedBackup, backup_key: frozenset[str] | None) -> None:
    require(
        not one.plain, expected="an archive that is encrypted", actual=f"{one.file.name}: {one.flaw}", section="8.2"
    )
    require(not one.flaw, expected="an archive that is intact", actual=f"{one.file.name}: {one.flaw}", section="5.4")
    key = wanted_key((one,), backup_key)
    if one.hides_recipients:
        raise Undetermined(f"{one.file.name} does not reveal its recipient key")
    require(
        set(one.recipients) <= key and one.recipients and not one.by_passphrase,
        expected=f"encrypted to one of {', '.join(sorted(key))}, and to nothing else",
        actual=recipients_of(one),
        section="5.4",
    )
