"""The off-site bucket, asked through S3's own interface from where the suite runs: it is read, and nothing else.

Whatever this machine's AWS configuration says has no part in it: bucket, endpoint, region and key are the target's.
"""

from __future__ import annotations

import configparser
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from runbook import __version__
from runbook.outcome import Undetermined
from runbook.question import S3, S3Answer, S3Read
from runbook.rights import S3 as RIGHT
from runbook.target import OffSite

PERMISSIONS: dict[S3Read, str] = {
    "get_bucket_acl": "s3:GetBucketAcl",
    "get_bucket_encryption": "s3:GetEncryptionConfiguration",
    "get_bucket_policy_status": "s3:GetBucketPolicyStatus",
    "get_bucket_versioning": "s3:GetBucketVersioning",
    "get_public_access_block": "s3:GetBucketPublicAccessBlock",
    "head_object": "s3:GetObject",
}
"""What S3 wants to be granted for each read."""

ATTEMPTS = 2
AT_ONCE = 64
REFUSALS = (401, 403)
NOT_KEPT = ("DisplayName", "EmailAddress", "Metadata", "ResponseMetadata")
"""What may name a person, or is whatever somebody wrote there."""


@dataclass(frozen=True)
class Key:
    """Whose requests they are. Only ``id`` may be told."""

    id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


class OffSiteBucket:
    """Asks the bucket that a target names.

    Args:
        offsite: Where it is, and where its key is kept.
        learn: Is told what must not be written anywhere.
    """

    def __init__(self, offsite: OffSite, learn: Callable[[str], None]) -> None:
        self._offsite = offsite
        self._learn = learn
        self._lock = threading.Lock()
        self._made: Any = None

    def ask(self, question: S3) -> S3Answer:
        """Read once.

        Raises:
            Undetermined: There is no key, S3 refuses it or does not answer, or its answer is none of S3's.
        """
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        if question.read not in get_args(S3Read):
            raise ValueError(f"{question.read} is more than reading")
        wanted = {"Bucket": self._offsite.bucket}
        if question.read == "head_object":
            wanted |= {"Key": f"{self._offsite.prefix}{question.copy}", "ChecksumMode": "ENABLED"}
        try:
            told = getattr(self._client(question.seconds), question.read)(**wanted)
        except ClientError as error:
            return _wrong(error.response, question)
        except BotoCoreError as error:
            words = str(error).partition(': "')[0]  # the address of each object would make it a reason of its own
            raise Undetermined(f"no answer of S3 at {self._where}: {words}") from None
        except (ResponseParserError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise Undetermined(f"the answer of S3 could not be read: {type(error).__name__}: {error}") from None
        return S3Answer(int(told["ResponseMetadata"]["HTTPStatusCode"]), None, _impersonal(told))

    @property
    def _where(self) -> str:
        return self._offsite.endpoint or self._offsite.region

    def _client(self, seconds: float) -> Any:
        """The one client, made when it is first needed: that takes a tenth of a second, and much memory."""
        with self._lock:
            if self._made is None:
                self._made = self._client_with(key_of(self._offsite), seconds)
            return self._made

    def _client_with(self, key: Key, seconds: float) -> Any:
        from botocore.config import Config
        from botocore.session import Session

        for secret in filter(None, (key.secret, key.token)):
            self._learn(secret)
        nobodys = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
        return Session(session_vars=nobodys).create_client(
            "s3",
            region_name=self._offsite.region,
            endpoint_url=self._offsite.endpoint,
            aws_access_key_id=key.id,
            aws_secret_access_key=key.secret,
            aws_session_token=key.token,
            config=Config(
                user_agent_extra=f"psyfit-runbook/{__version__}",
                connect_timeout=0.4 * seconds,
                read_timeout=0.4 * seconds,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                max_pool_connections=AT_ONCE,
                ignore_configured_endpoint_urls=True,
                s3={"addressing_style": "path" if self._offsite.endpoint else "virtual"},
            ),
        )


def key_of(offsite: OffSite) -> Key:
    """The key that may read the bucket.

    Raises:
        Undetermined: The target does not say where it is kept, or it is not there.
    """
    if offsite.credentials is not None:
        return _key_in(offsite.credentials)
    if offsite.key_variable is None or offsite.secret_variable is None:
        ways = "offsite.credentials, or offsite.key_variable and offsite.secret_variable"
        raise Undetermined(f"the target names no key for its off-site bucket (keys {ways})", right=RIGHT)
    for variable in (offsite.key_variable, offsite.secret_variable):
        if not os.environ.get(variable):
            raise Undetermined(f"the environment variable {variable} is not set", right=RIGHT)
    return Key(os.environ[offsite.key_variable], os.environ[offsite.secret_variable])


def _key_in(path: Path) -> Key:
    """The key in a file of the AWS CLI's."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text())
        section = parser["default"]
        return Key(section["aws_access_key_id"], section["aws_secret_access_key"], section.get("aws_session_token"))
    except OSError as error:
        raise Undetermined(f"{path} cannot be read here: {error.strerror}", right=RIGHT) from None
    except (configparser.Error, UnicodeDecodeError, LookupError):  # whose own words may quote the file
        raise Undetermined(f"{path} holds no key in a section [default]", right=RIGHT) from None


def _impersonal(told: Any) -> Any:
    """What S3 tells, without what is not kept."""
    if isinstance(told, dict):
        return {name: _impersonal(value) for name, value in told.items() if name not in NOT_KEPT}
    return [_impersonal(one) for one in told] if isinstance(told, list) else told


def _wrong(response: dict[str, Any], question: S3) -> S3Answer:
    """What S3 says is wrong, where that tells something of the bucket.

    Raises:
        Undetermined: It tells nothing of it.
    """
    status, code = int(response["ResponseMetadata"]["HTTPStatusCode"]), str(response["Error"].get("Code", ""))
    said = f"{status} {code}" if code and code != str(status) else str(status)
    if status in REFUSALS:
        raise Undetermined(f"S3 answers {said} where {PERMISSIONS[question.read]} is needed", right=RIGHT)
    if not 400 <= status < 500:
        raise Undetermined(f"S3 answers {said}")
    return S3Answer(status, code, {})
