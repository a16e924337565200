"""Where a lab's backups are copied to: a bucket as it should be, and a key for each who has to do with it.

The server checks signatures, and what each account may do. Its state is in its memory: it is made anew with each lab.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from typing import Any

from lab import LabError
from lab.outer_container import PORTS
from lab.server import Server

BUCKET = "psyfit-offsite"
PREFIX = "backups/psyfit/"
ARN = f"arn:aws:s3:::{BUCKET}"
REGION = "ap-northeast-1"
INSIDE = "8900/tcp"
HERE = "http://127.0.0.1:8900"
"""Where the server itself finds it."""

START_SECONDS = 30.0
CALL_SECONDS = 10.0

MAY = {
    "administrator": ["*"],
    "backup": ["s3:PutObject"],
    "auditor": ["s3:Get*", "s3:ListBucket"],
}
"""What each account may do: the server's script copies, and this suite looks."""

SEEN_OFF_SITE = frozenset(
    {
        "every-backup-has-an-off-site-copy",
        "the-off-site-bucket-is-not-public",
        "the-off-site-bucket-has-versioning-enabled",
        "the-off-site-copies-are-encrypted-at-rest",
        "off-site-copies-match-the-backups",
    }
)
"""The scenarios that look there."""

BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
ENCRYPTED = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}

FILE = """\
[default]
aws_access_key_id = {id}
aws_secret_access_key = {secret}
"""

CONFIGURED = f"""
set -e
umask 077
mkdir -p /root/.aws
cat > /root/.aws/credentials
printf '[default]\\nregion = {REGION}\\nendpoint_url = {HERE}\\n' > /root/.aws/config
"""


def endpoint(address: str) -> str:
    """Where a lab's S3 is spoken, from this machine."""
    return f"http://{address}:{PORTS[INSIDE]}"


def furnish(server: Server, address: str) -> None:
    """Make the bucket and the accounts, and give the server its key.

    Raises:
        LabError: S3 is not spoken there within half a minute.
    """
    _wait_for(endpoint(address))
    anybody = {"id": "anybody", "secret": "anything"}
    bucket, accounts = (_client(service, address, anybody) for service in ("s3", "iam"))
    keys = {name: _account(accounts, name) for name in MAY}
    bucket.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    set_right(bucket)
    _ask(f"{endpoint(address)}/moto-api/reset-auth", b"0")  # from now on nobody does anything without a key
    _keep(server, "offsite.json", json.dumps({"address": address, **keys}))
    _keep(server, "offsite-credentials", FILE.format(**keys["auditor"]))
    server.run(CONFIGURED, stdin=FILE.format(**keys["backup"]).encode()).required()


def set_right(bucket: Any) -> None:
    """Set the bucket as it should be."""
    bucket.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=BLOCKED)
    bucket.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration=ENCRYPTED)
    bucket.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    bucket.put_bucket_acl(Bucket=BUCKET, ACL="private")
    bucket.delete_bucket_policy(Bucket=BUCKET)


def administrator(server: Server, service: str = "s3") -> Any:
    """A client of a lab's S3 (or of its accounts, ``iam``) that may do everything, for faults."""
    kept = json.loads((server.state / "offsite.json").read_text())
    return _client(service, kept["address"], kept["administrator"])


def put(bucket: Any, key: str, octets: bytes, **how: str) -> None:
    """Put a new version of a copy in its place."""
    bucket.put_object(Bucket=BUCKET, Key=key, Body=octets, **how)


def bytes_of(bucket: Any, key: str) -> bytes:
    """What a copy holds."""
    octets: bytes = bucket.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return octets


def newest_copy(server: Server) -> str:
    """The key of the newest plain backup's copy."""
    return max(_copies(server))


def oldest_copy(server: Server) -> str:
    """The key of the oldest plain backup's copy."""
    return min(_copies(server))


def heal(server: Server) -> None:
    """Set everything right again: the bucket, the auditor's rights, and of each copy the first version alone."""
    bucket = administrator(server)
    set_right(bucket)
    accounts = administrator(server, "iam")
    for name in MAY:
        allow(accounts, name)
    listed = bucket.list_object_versions(Bucket=BUCKET, Prefix=PREFIX)
    for key in {one["Key"] for one in listed["Versions"]}:
        later = [one for part in ("Versions", "DeleteMarkers") for one in listed.get(part, ()) if one["Key"] == key]
        later.sort(key=lambda one: one["LastModified"])
        for one in later[1:]:
            bucket.delete_object(Bucket=BUCKET, Key=key, VersionId=one["VersionId"])


def allow(accounts: Any, name: str, denied: str | None = None) -> None:
    """Let an account do what it may, but for what is denied to it."""
    statements = [{"Effect": "Allow", "Action": MAY[name], "Resource": "*"}]
    if denied:
        statements.append({"Effect": "Deny", "Action": [denied], "Resource": "*"})
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    accounts.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)


def _account(accounts: Any, name: str) -> dict[str, str]:
    """Make an account; returns its key."""
    accounts.create_user(UserName=name)
    allow(accounts, name)
    made = accounts.create_access_key(UserName=name)["AccessKey"]
    return {"id": made["AccessKeyId"], "secret": made["SecretAccessKey"]}


def _copies(server: Server) -> list[str]:
    """The keys of the copies of the plain backups that are on the server; of one that went, its copy may be left."""
    listed = server.run("basename --multiple /var/backups/psyfit/psyfit_production_*.sql.gz").required()
    return [f"{PREFIX}{name}" for name in listed.out.splitlines()]


def _client(service: str, address: str, key: dict[str, str]) -> Any:
    import boto3  # a tenth of a second, for the few who need it
    from botocore.config import Config
    from botocore.session import Session

    nobodys = dict.fromkeys(("profile", "config_file", "credentials_file"), (None, None, None, None))
    session = boto3.Session(
        aws_access_key_id=key["id"],
        aws_secret_access_key=key["secret"],
        region_name=REGION,
        botocore_session=Session(session_vars=nobodys),
    )
    return session.client(
        service,
        endpoint_url=endpoint(address),
        config=Config(
            connect_timeout=CALL_SECONDS,
            read_timeout=CALL_SECONDS,
            retries={"mode": "standard", "total_max_attempts": 2},
            request_checksum_calculation="when_required",
            s3={"addressing_style": "path"},
        ),
    )


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return _ask(f"{url}/moto-api/data.json")
        except OSError as error:
            if time.monotonic() > deadline:
                raise LabError(f"nobody speaks S3 at {url} within {START_SECONDS:.0f} s: {error}") from None
            threading.Event().wait(0.1)


def _ask(url: str, body: bytes | None = None) -> None:
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "text/plain"})  # noqa: S310 - loopback
    urllib.request.urlopen(request, timeout=CALL_SECONDS).close()  # noqa: S310 - loopback


def _keep(server: Server, name: str, text: str) -> None:
    path = server.state / name
    path.touch(mode=0o600)
    path.write_text(text)
