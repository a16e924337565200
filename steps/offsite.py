"""Section 5.5: every backup has its off-site copy, and its bucket is kept as it has to be."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from pytest_bdd import parsers, then

from checks.backups.offsite_copies import SETTING, NoBucket, ObjectMetadata, OffsiteCopy, PublicAccess
from runbook.model.outcome import NotApplicable, Undetermined, require
from runbook.observation.snapshot import Snapshot
from steps.backups import named

HAS_ITS_COPY = "every-backup-has-an-off-site-copy"

A = TypeVar("A")


@then(parsers.parse("every backup that was made more than {minutes:d} minutes ago has a copy in the bucket"))
def each_has_its_copy(snapshot: Snapshot, offsite_copies: tuple[OffsiteCopy, ...] | None, minutes: int) -> None:
    limit = timedelta(minutes=minutes)
    due = [one for one in _off_site(offsite_copies) if not one.made.at_most(limit)]
    if not due:
        raise NotApplicable(f"no backup was made more than {minutes} minutes ago")
    missing = [one.backup.name for one in due if one.stored is None]
    place = f"s3://{snapshot.target.offsite.bucket}/{snapshot.target.offsite.prefix}"
    require(not missing, expected=f"each of {len(due)} in {place}", actual=named("not there", missing), section="5.5")


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
    require(not plain, expected="each encrypted by S3", actual=named("not encrypted", plain), section="5.5")


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
        not off, expected="all four S3 Block Public Access settings on", actual=named("off", list(off)), section="5.5"
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
