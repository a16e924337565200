"""The copies of the backups off-site: which there are, with what bytes, and how their bucket is kept."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from checks.backups.backup_files import Backup, backups
from checks.backups.volume_archives import archives
from checks.formats.ages import Ago
from checks.formats.pg_dump import SECONDS_PER_FILE
from checks.server.cron_environment import job_settings
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import S3Answer, S3Get
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

COPY = S3Get("head_object")
ENCRYPTION = S3Get("get_bucket_encryption")
PUBLIC_ACCESS_BLOCK = S3Get("get_public_access_block")
POLICY = S3Get("get_bucket_policy_status")
GRANTS = S3Get("get_bucket_acl")
VERSIONING = S3Get("get_bucket_versioning")
SUMS = Command("sha256sum -- {files}", needs=rights.ROOT, seconds=SECONDS_PER_FILE, lane="slow")

SETTING = "BACKUP_S3_BUCKET"
NOT_FOUND = 404
NO_SUCH_BUCKET = "NoSuchBucket"
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
EVERYBODY = ("/AllUsers", "/AuthenticatedUsers")
"""Groups of S3's, at the end of their addresses; of the second is whoever has any account at Amazon."""


@dataclass(frozen=True)
class NoBucket:
    """The bucket that the target names is not there."""


@dataclass(frozen=True)
class ObjectMetadata:
    """What S3 says of one object.

    Attributes:
        sha256: Of the whole object, in hexadecimal digits; None where S3 keeps no such sum of it.
        encrypted_by: How it is encrypted where it lies, such as ``AES256``; None where it is not.
    """

    size_bytes: int
    sha256: str | None
    encrypted_by: str | None


@dataclass(frozen=True)
class OffsiteCopy:
    """A backup, and what S3 has of it; None where it has nothing."""

    backup: Backup
    stored: ObjectMetadata | None

    @property
    def made(self) -> Ago:
        """How long ago the backup was."""
        return self.backup.made


@dataclass(frozen=True)
class PublicAccess:
    """What lets the public in.

    Attributes:
        unblocked: Those of S3's four blocks of public access that are not on.
        by_policy: The bucket's policy does.
        by_grants: What its list of grants lets everybody do.
    """

    unblocked: tuple[str, ...]
    by_policy: bool
    by_grants: tuple[str, ...]


def expected_copies(snapshot: Snapshot) -> tuple[Backup, ...]:
    """Every backup of the database, and every archive of what has to be saved beside it."""
    return (*snapshot.observe(backups), *(one for found in snapshot.observe(archives).values() for one in found))


def offsite_copies(snapshot: Snapshot) -> tuple[OffsiteCopy, ...] | None:
    """Each backup with its copy, those of the database first; None where the target names no bucket."""
    if not _is_named(snapshot):
        return None
    local = snapshot.observe(expected_copies)
    answers = snapshot.ask_all(COPY.of(one.name) for one in local)
    with reading("what S3 says about the copies"):
        return tuple(OffsiteCopy(one, read_stored(answer)) for one, answer in zip(local, answers, strict=True))


def backup_sums(snapshot: Snapshot) -> dict[str, str]:
    """The SHA-256 of each backup on the server, by its path; none where the target names no bucket."""
    local = snapshot.observe(expected_copies) if _is_named(snapshot) else ()
    if not local:
        return {}
    told = snapshot.ask(SUMS.with_values(files=[one.path for one in local])).required("the backups' checksums")
    with reading("the backups' checksums"):
        return read_sums(told.out)


def offsite_default_encryption(snapshot: Snapshot) -> str | NoBucket | None:
    """How the bucket encrypts what comes without saying how; None where it does not, or the target names none."""
    if not _is_named(snapshot):
        return None
    answer = snapshot.ask(ENCRYPTION)
    if _is_missing(answer):
        return NoBucket()
    with reading("the bucket's encryption"):
        return read_encryption(answer)


def offsite_openness(snapshot: Snapshot) -> PublicAccess | NoBucket | None:
    """What lets the public into the bucket; None where the target names none."""
    if not _is_named(snapshot):
        return None
    block, policy, grants = snapshot.ask(PUBLIC_ACCESS_BLOCK, POLICY, GRANTS)
    if _is_missing(block, policy, grants):
        return NoBucket()
    with reading("the public access of the bucket"):
        return PublicAccess(read_unblocked(block), read_policy(policy), read_grants(grants))


def offsite_versioning(snapshot: Snapshot) -> str | NoBucket | None:
    """Whether the bucket keeps versions, in S3's own word; ``never`` where it was never asked to.

    None where the target names no bucket.
    """
    if not _is_named(snapshot):
        return None
    answer = snapshot.ask(VERSIONING)
    if _is_missing(answer):
        return NoBucket()
    with reading("the bucket's versioning"):
        return str(_told(answer).get("Status", "never"))


def _is_named(snapshot: Snapshot) -> bool:
    """Whether the target names a bucket.

    Raises:
        Undetermined: It names none, and cron's job copies the backups to one.
    """
    if snapshot.target.offsite.bucket is None and (setting := snapshot.observe(job_settings).set_by(SETTING)):
        raise Undetermined(
            f"{setting.file} sets {SETTING} for cron's job, and the target names no offsite.bucket to look into"
        )
    return snapshot.target.offsite.bucket is not None


def _is_missing(*answers: S3Answer) -> bool:
    return any(one.code == NO_SUCH_BUCKET for one in answers)


def read_stored(answer: S3Answer) -> ObjectMetadata | None:
    """Read the answer to `COPY`.

    Raises:
        LookupError, TypeError, ValueError: It is of another form.
    """
    if answer.status == NOT_FOUND:
        return None
    told = _told(answer)
    by = told.get("ServerSideEncryption")
    return ObjectMetadata(int(told["ContentLength"]), _whole_sum(told.get("ChecksumSHA256")), str(by) if by else None)


def _whole_sum(written: str | None) -> str | None:
    """S3's SHA-256 in hexadecimal digits. A sum of the sums of parts ends in their number, and is none of the whole."""
    if written is None or re.search(r"-\d+$", written):
        return None
    octets = base64.b64decode(written, validate=True)
    if len(octets) != 32:
        raise ValueError("a SHA-256 has 32 bytes")
    return octets.hex()


def read_sums(text: str) -> dict[str, str]:
    """Read the answer to `SUMS`.

    Raises:
        ValueError: A line of it is not of its form.
    """
    sums = {}
    for line in lines_of(text):
        found = re.fullmatch(r"([0-9a-f]{64})  (/.*)", line)
        if not found:
            raise ValueError("there is an unexpected line")
        sums[found[2]] = found[1]
    return sums


def read_encryption(answer: S3Answer) -> str | None:
    """Read the answer to `ENCRYPTION`.

    Raises:
        LookupError, TypeError: It is of another form.
    """
    if answer.code == "ServerSideEncryptionConfigurationNotFoundError":
        return None
    (rule,) = _told(answer)["ServerSideEncryptionConfiguration"]["Rules"]
    return str(rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])


def read_unblocked(answer: S3Answer) -> tuple[str, ...]:
    """Read the answer to `PUBLIC_ACCESS_BLOCK`. One that names not all four is none.

    Raises:
        LookupError, TypeError: It is of another form.
    """
    if answer.code == "NoSuchPublicAccessBlockConfiguration":
        return BLOCKS
    blocks = _told(answer)["PublicAccessBlockConfiguration"]
    return tuple(name for name in BLOCKS if blocks[name] is not True)


def read_policy(answer: S3Answer) -> bool:
    """Read the answer to `POLICY`: whether S3 takes the bucket's policy for a public one.

    Raises:
        LookupError, TypeError: It is of another form.
    """
    if answer.code == "NoSuchBucketPolicy":
        return False
    return _told(answer)["PolicyStatus"]["IsPublic"] is not False


def read_grants(answer: S3Answer) -> tuple[str, ...]:
    """Read the answer to `GRANTS`: what everybody may do.

    Raises:
        LookupError, TypeError: It is of another form.
    """
    told = _told(answer)
    if not told["Grants"] and not told["Owner"]:
        raise LookupError("it names neither an owner nor a grant")
    groups = [one for one in told["Grants"] if "URI" in one["Grantee"]]
    return tuple(str(one["Permission"]) for one in groups if str(one["Grantee"]["URI"]).endswith(EVERYBODY))


def _told(answer: S3Answer) -> Mapping[str, Any]:
    """What S3 tells, where nothing is wrong."""
    if answer.code is not None:
        raise Undetermined(f"S3 answers {answer.status} {answer.code}")
    return answer.fields
