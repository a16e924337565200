"""The off-site bucket: what is asked of it, with whose key, and what is read of its answers."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backups.backup_files import LIST, Backup
from checks.backups.offsite_copies import (
    BLOCKS,
    COPY,
    ENCRYPTION,
    GRANTS,
    POLICY,
    PUBLIC_ACCESS_BLOCK,
    SUMS,
    VERSIONING,
    NoBucket,
    ObjectMetadata,
    OffsiteCopy,
    PublicAccess,
    backup_sums,
    offsite_copies,
    offsite_default_encryption,
    offsite_openness,
    offsite_versioning,
    read_encryption,
    read_grants,
    read_policy,
    read_stored,
    read_sums,
    read_unblocked,
)
from checks.formats.ages import Ago
from checks.server.cron_environment import SETTINGS
from checks.server.cron_jobs import CRONTAB
from discovery.crontab import facts_of_copies
from linting.questions import faults_of
from runbook.model import rights
from runbook.model.outcome import Mismatch, NotApplicable, Undetermined
from runbook.model.outside_questions import S3Answer
from runbook.model.question import Output, Question
from runbook.model.target import OffsiteSettings
from runbook.model.target_file import TargetError, validated
from runbook.observation.snapshot import Snapshot
from runbook.transport.s3 import Key, OffSiteBucket, key_of
from steps import offsite
from steps.offsite import copies_are_the_same, each_has_its_copy
from tests.unit.answering import looking

ERROR = "<Error><Code>{}</Code><Message>Said by S3</Message></Error>"
ANSWERS = {
    "/kept?versioning": (200, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
    "/kept?acl": (
        200,
        "<AccessControlPolicy><Owner><ID>1</ID><DisplayName>hanako</DisplayName></Owner></AccessControlPolicy>",
    ),
    "/denied?versioning": (403, ERROR.format("AccessDenied")),
    "/none?versioning": (404, ERROR.format("NoSuchBucket")),
    "/down?versioning": (503, ERROR.format("SlowDown")),
    "/other?versioning": (200, "<html>a page of somebody else"),
}
SECRET = "a/secret+of+forty+characters+0123456789"  # noqa: S105 - made up
NOW = datetime(2026, 2, 14, tzinfo=UTC)
SOMEBODY_ELSES = {
    "AWS_PROFILE": "one-that-is-not-there",
    "AWS_ACCESS_KEY_ID": "AKIDOTHER",
    "AWS_SECRET_ACCESS_KEY": "other",
    "AWS_SESSION_TOKEN": "other",
    "AWS_DEFAULT_REGION": "nowhere",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_CA_BUNDLE": "/nonexistent",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "HTTP_PROXY": "http://127.0.0.1:9",
}
"""What this machine's environment says, which has no part in what is asked."""
FACTS = {"name": "x", "environment": "staging", "address": "127.0.0.1", "domain": "service.example"}


class Bucket(BaseHTTPRequestHandler):
    """Says of each bucket what `ANSWERS` says, and keeps what was asked."""

    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.asked.append((self.command, self.headers["Authorization"]))
        status, body = ANSWERS.get(self.path, (404, ""))
        octets = body.encode() if self.command == "GET" else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    do_HEAD = do_GET  # noqa: N815 - by this name it is called

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of a server that answers like this."""
    Bucket.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def keyed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The keys of a target file that lead to a key in variables; this machine's own settings are of no use."""
    monkeypatch.setenv("ITS_KEY", "AKIDOFFSITE")
    monkeypatch.setenv("ITS_SECRET", SECRET)
    for name, value in SOMEBODY_ELSES.items():
        monkeypatch.setenv(name, value)
    return {"key_variable": "ITS_KEY", "secret_variable": "ITS_SECRET"}


def bucket(s3: str, name: str, keyed: dict[str, str], learned: list[str] | None = None) -> OffSiteBucket:
    """The bucket of this name there."""
    offsite = OffsiteSettings(bucket=name, endpoint=s3, **keyed)
    return OffSiteBucket(offsite, (learned if learned is not None else []).append)


def test_what_s3_tells_is_told_by_its_own_names(s3: str, keyed: dict[str, str]) -> None:
    assert bucket(s3, "kept", keyed).ask(VERSIONING) == S3Answer(200, None, {"Status": "Enabled"})


def test_the_request_is_signed_with_the_key_and_the_secret_is_never_to_be_written(
    s3: str, keyed: dict[str, str]
) -> None:
    learned: list[str] = []
    bucket(s3, "kept", keyed, learned).ask(VERSIONING)
    method, authorization = Bucket.asked[-1]
    assert method == "GET"
    assert re.search("Credential=AKIDOFFSITE/[0-9]{8}/ap-northeast-1/s3/", authorization)
    assert "x-amz-security-token" not in authorization
    assert learned == [SECRET]
    assert SECRET not in repr(Key("AKIDOFFSITE", SECRET, "and a token"))


def test_a_refusal_names_the_permission_that_is_missing(s3: str, keyed: dict[str, str]) -> None:
    with pytest.raises(Undetermined, match="403 AccessDenied where s3:GetBucketVersioning is needed") as told:
        bucket(s3, "denied", keyed).ask(VERSIONING)
    assert told.value.right is rights.S3


def test_what_is_not_there_is_an_answer(s3: str, keyed: dict[str, str]) -> None:
    assert bucket(s3, "none", keyed).ask(VERSIONING).code == "NoSuchBucket"
    assert bucket(s3, "kept", keyed).ask(COPY.of("a.sql.gz")).status == 404


def test_trouble_of_s3s_own_tells_nothing(s3: str, keyed: dict[str, str]) -> None:
    with pytest.raises(Undetermined, match="503 SlowDown"):
        bucket(s3, "down", keyed).ask(VERSIONING)


def test_a_page_of_somebody_else_is_no_answer_of_s3(s3: str, keyed: dict[str, str]) -> None:
    with pytest.raises(Undetermined, match="S3 answers 500"):  # so botocore calls what is no XML
        bucket(s3, "other", keyed).ask(VERSIONING)


def test_nobody_answering_is_undetermined(keyed: dict[str, str]) -> None:
    with pytest.raises(Undetermined, match=r"no answer of S3 at http://127\.0\.0\.1:9: Could not connect"):
        bucket("http://127.0.0.1:9", "kept", keyed).ask(VERSIONING)


def test_who_owns_the_bucket_is_kept_as_a_number_and_not_by_name(s3: str, keyed: dict[str, str]) -> None:
    assert bucket(s3, "kept", keyed).ask(GRANTS).fields == {"Owner": {"ID": "1"}}


def test_a_read_alone_can_be_asked(s3: str, keyed: dict[str, str]) -> None:
    question = VERSIONING.of("")
    object.__setattr__(question, "read", "delete_bucket")
    assert list(faults_of(question)) == ["delete_bucket is more than reading"]
    with pytest.raises(ValueError, match="more than reading"):
        bucket(s3, "kept", keyed).ask(question)


def test_a_key_in_a_file_is_read_as_the_aws_cli_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "credentials"
    path.write_text("[default]\naws_access_key_id = AKID\naws_secret_access_key = a%b=c\n")
    assert key_of(OffsiteSettings(bucket="kept", credentials=path)) == Key("AKID", "a%b=c")


@pytest.mark.parametrize("text", ["", "[other]\naws_access_key_id = x\n", "aws_secret_access_key = hush\n", "[default"])
def test_a_file_without_a_key_is_a_right_that_is_missing_and_is_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "credentials"
    path.write_text(text)
    with pytest.raises(Undetermined, match=r"holds no key in a section \[default\]") as told:
        key_of(OffsiteSettings(bucket="kept", credentials=path))
    assert told.value.right is rights.S3
    assert "hush" not in str(told.value)


def test_a_key_that_is_nowhere_is_a_right_that_is_missing(tmp_path: Path) -> None:
    for settings, said in (
        (OffsiteSettings(bucket="kept"), "names no key for its off-site bucket"),
        (
            OffsiteSettings(bucket="kept", **dict.fromkeys(("key_variable", "secret_variable"), "NOT_SET")),
            "NOT_SET is not set",
        ),
        (OffsiteSettings(bucket="kept", credentials=tmp_path / "none"), "cannot be read here: No such file"),
    ):
        with pytest.raises(Undetermined, match=said) as told:
            key_of(settings)
        assert told.value.right is rights.S3


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("bucket", "Not_A_Bucket", "the name of an S3 bucket"),
        ("prefix", "/backups/", "what the names of objects begin with, such as 'backups/psyfit/'"),
        ("prefix", "backups", "what the names of objects begin with, such as 'backups/psyfit/'"),
        ("endpoint", "s3.example", "an address that begins with https:// or http://"),
        ("region", "Tokyo!", "a region, such as 'ap-northeast-1'"),
        ("key_variable", "AKID-1", "the name of an environment variable"),
        ("secret", "x", "one of bucket, credentials, endpoint, key_variable, prefix, region, secret_variable"),
    ],
)
def test_a_wrong_key_of_the_target_is_named_with_what_is_expected(key: str, value: str, expected: str) -> None:
    with pytest.raises(TargetError, match=rf"key offsite\.{key} is .*; expected ") as told:
        validated({**FACTS, "offsite": {key: value}}, Path("x.toml"))
    assert expected in str(told.value)


def sum_of(octets: bytes) -> str:
    return base64.b64encode(hashlib.sha256(octets).digest()).decode()


def test_a_copy_is_known_by_its_size_its_sum_and_its_encryption() -> None:
    told = {"ContentLength": 5, "ChecksumSHA256": sum_of(b"hello"), "ServerSideEncryption": "AES256"}
    assert read_stored(S3Answer(200, None, told)) == ObjectMetadata(5, hashlib.sha256(b"hello").hexdigest(), "AES256")
    assert read_stored(S3Answer(200, None, {"ContentLength": 5})) == ObjectMetadata(5, None, None)
    assert read_stored(S3Answer(404, "404", {})) is None


def test_a_sum_of_the_sums_of_parts_is_none_of_the_whole() -> None:
    told = {"ContentLength": 5, "ChecksumSHA256": f"{sum_of(b'hello')}-2"}
    assert read_stored(S3Answer(200, None, told)) == ObjectMetadata(5, None, None)


def test_an_empty_answer_is_not_a_yes() -> None:
    empty = S3Answer(200, None, {})
    for read in (read_encryption, read_unblocked, read_policy, read_grants, read_stored):
        with pytest.raises(LookupError):
            read(empty)
    with pytest.raises(LookupError):
        read_grants(S3Answer(200, None, {"Owner": {}, "Grants": []}))


def test_what_was_never_set_is_told_by_s3s_own_word() -> None:
    assert read_encryption(S3Answer(404, "ServerSideEncryptionConfigurationNotFoundError", {})) is None
    assert read_unblocked(S3Answer(404, "NoSuchPublicAccessBlockConfiguration", {})) == BLOCKS
    assert read_policy(S3Answer(404, "NoSuchBucketPolicy", {})) is False


def test_a_bucket_that_is_not_there_follows_from_the_copies_that_are_missing() -> None:
    asked: tuple[Question[Any], ...] = (ENCRYPTION, PUBLIC_ACCESS_BLOCK, POLICY, GRANTS, VERSIONING)
    gone: dict[Question[Any], object] = dict.fromkeys(asked, S3Answer(404, "NoSuchBucket", {}))
    snapshot = looking(validated({**FACTS, "offsite": {"bucket": "kept"}}, Path("x.toml")), gone)
    for check in (offsite_default_encryption, offsite_openness, offsite_versioning):
        assert snapshot.observe(check) == NoBucket()
    judged: tuple[Callable[[], None], ...] = (
        lambda: offsite.bucket_encrypts((), NoBucket()),
        lambda: offsite.bucket_blocks(NoBucket()),
        lambda: offsite.bucket_is_not_public(NoBucket()),
        lambda: offsite.bucket_keeps_versions(NoBucket()),
    )
    for judge in judged:
        with pytest.raises(Undetermined) as told:
            judge()
        assert told.value.because == "every-backup-has-an-off-site-copy"


@pytest.mark.parametrize("group", ["global/AllUsers", "global/AuthenticatedUsers"])
def test_a_grant_to_everybody_is_told_from_one_to_the_owner(group: str) -> None:
    owner = {"Grantee": {"ID": "1", "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    public = {"Grantee": {"URI": f"http://acs.amazonaws.com/groups/{group}", "Type": "Group"}, "Permission": "READ"}
    assert read_grants(S3Answer(200, None, {"Owner": {"ID": "1"}, "Grants": [owner, public]})) == ("READ",)


@pytest.mark.parametrize("told", [{"Owner": {"ID": "1"}, "Grants": []}, {"Owner": {}, "Grants": [{"Grantee": {}}]}])
def test_an_owner_or_a_grant_to_somebody_is_enough_to_tell(told: dict[str, Any]) -> None:
    assert read_grants(S3Answer(200, None, told)) == ()


def test_what_keeps_the_public_out_is_told_from_what_does_not() -> None:
    group = {"Grantee": {"URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}, "Permission": "WRITE"}
    assert read_grants(S3Answer(200, None, {"Owner": {"ID": "1"}, "Grants": [group]})) == ()
    blocks = {**dict.fromkeys(BLOCKS, True), BLOCKS[2]: False}
    assert read_unblocked(S3Answer(200, None, {"PublicAccessBlockConfiguration": blocks})) == (BLOCKS[2],)
    for public in (True, False):
        assert read_policy(S3Answer(200, None, {"PolicyStatus": {"IsPublic": public}})) is public


def test_an_error_of_s3s_is_no_answer() -> None:
    with pytest.raises(Undetermined, match="S3 answers 503 SlowDown"):
        read_policy(S3Answer(503, "SlowDown", {"PolicyStatus": {"IsPublic": False}}))


def test_a_sum_that_is_no_sha_256_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        read_stored(S3Answer(200, None, {"ContentLength": 5, "ChecksumSHA256": base64.b64encode(b"1" * 31).decode()}))


# With a bucket and without

OF_THE_BUCKET = (offsite_copies, backup_sums, offsite_default_encryption, offsite_openness, offsite_versioning)
DUMP, KEYS = "/b/psyfit_production_1.sql.gz", "/b/psyfit_keys_1.tar.gpg"


def _seeing(crontab: str, listed: str = "", **offsite: str) -> Snapshot:
    """A look at a server with this crontab and these backups, and at a bucket in which all is well."""
    answers: dict[Question[Any], object] = {
        SETTINGS: Output(0, "", ""),
        CRONTAB: Output(0, crontab, ""),
        LIST: Output(0, f"now 1771002000\nfolder\n{listed}", ""),
        SUMS.with_values(files=[DUMP, KEYS]): Output(0, f"{'a' * 64}  {DUMP}\n{'b' * 64}  {KEYS}\n", ""),
        COPY.of("psyfit_production_1.sql.gz"): S3Answer(200, None, {"ContentLength": 10}),
        COPY.of("psyfit_keys_1.tar.gpg"): S3Answer(404, "404", {}),
        ENCRYPTION: S3Answer(
            200,
            None,
            {
                "ServerSideEncryptionConfiguration": {
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                }
            },
        ),
        PUBLIC_ACCESS_BLOCK: S3Answer(200, None, {"PublicAccessBlockConfiguration": dict.fromkeys(BLOCKS, True)}),
        POLICY: S3Answer(404, "NoSuchBucketPolicy", {}),
        GRANTS: S3Answer(200, None, {"Owner": {"ID": "1"}, "Grants": []}),
        VERSIONING: S3Answer(200, None, {}),
    }
    return looking(validated({**FACTS, "offsite": offsite}, Path("x.toml")), answers)


def test_without_a_bucket_there_is_nothing_off_site() -> None:
    snapshot = _seeing("0 2 * * * /srv/bin/backup.sh\n")
    assert [snapshot.observe(one) for one in OF_THE_BUCKET] == [None, {}, None, None, None]


def test_a_bucket_that_cron_alone_knows_cannot_be_looked_into() -> None:
    for one in OF_THE_BUCKET:
        with pytest.raises(Undetermined, match=r"the crontab sets BACKUP_S3_BUCKET .* names no offsite\.bucket"):
            _seeing("BACKUP_S3_BUCKET=kept\n").observe(one)


def test_the_bucket_of_the_target_is_looked_into() -> None:
    listed = f"file 10 1770998400 {DUMP}\nfile 9 1770998400 {KEYS}\n"
    snapshot = _seeing("BACKUP_S3_BUCKET=kept\n", listed, bucket="kept")
    copies = snapshot.observe(offsite_copies)
    assert copies is not None
    assert [(one.backup.path, one.stored) for one in copies] == [(DUMP, ObjectMetadata(10, None, None)), (KEYS, None)]
    assert [one.made for one in copies] == [Ago(3600)] * 2
    assert snapshot.observe(backup_sums) == {DUMP: "a" * 64, KEYS: "b" * 64}
    assert snapshot.observe(offsite_default_encryption) == "AES256"
    assert snapshot.observe(offsite_openness) == PublicAccess((), by_policy=False, by_grants=())
    assert snapshot.observe(offsite_versioning) == "never"


def test_without_a_backup_there_is_nothing_to_sum() -> None:
    assert _seeing("", bucket="kept").observe(backup_sums) == {}


# The sentences


def a_copy(stored: ObjectMetadata | None, minutes: int = 90) -> OffsiteCopy:
    """A backup of five bytes that was made so many minutes ago, and this copy of it."""
    made = NOW - timedelta(minutes=minutes)
    return OffsiteCopy(Backup("/backups/psyfit_production_1.sql.gz", 5, made, made, NOW), stored)


OF_BACKUPS = {"/backups/psyfit_production_1.sql.gz": hashlib.sha256(b"hello").hexdigest()}
SAME = ObjectMetadata(5, OF_BACKUPS["/backups/psyfit_production_1.sql.gz"], "AES256")


class Named:
    """A look at a target that names a bucket."""

    target = validated({**FACTS, "offsite": {"bucket": "kept"}}, Path("x.toml"))


def test_a_copy_may_be_on_its_way_for_an_hour() -> None:
    each_has_its_copy(Named(), (a_copy(SAME), a_copy(None, minutes=59)), 60)  # type: ignore[arg-type]
    with pytest.raises(Mismatch, match="not there: psyfit_production_1"):
        each_has_its_copy(Named(), (a_copy(None, minutes=61),), 60)  # type: ignore[arg-type]
    with pytest.raises(NotApplicable, match="the target names no offsite"):
        each_has_its_copy(Named(), None, 60)  # type: ignore[arg-type]


def test_other_bytes_fail_even_where_no_sum_would_tell() -> None:
    copies_are_the_same((a_copy(SAME), a_copy(None)), OF_BACKUPS)
    with pytest.raises(Mismatch, match="has 4 bytes there and 5 here"):
        copies_are_the_same((a_copy(ObjectMetadata(4, None, None)),), OF_BACKUPS)
    with pytest.raises(Mismatch, match="has other bytes there"):
        copies_are_the_same((a_copy(ObjectMetadata(5, "0" * 64, None)),), OF_BACKUPS)
    with pytest.raises(Undetermined, match="keeps no SHA-256 of the whole"):
        copies_are_the_same((a_copy(ObjectMetadata(5, None, None)), a_copy(SAME)), OF_BACKUPS)
    with pytest.raises(Undetermined, match="no copy of a backup"):
        copies_are_the_same((a_copy(None),), OF_BACKUPS)


def test_the_crontab_tells_where_the_copies_go_and_nobody_which_key_may_look() -> None:
    facts = facts_of_copies("BACKUP_S3_BUCKET=kept\n0 2 * * * /srv/bin/backup.sh\n", "root")
    assert facts["offsite.bucket"].value == "kept"
    assert facts["offsite.credentials"].value is None
    assert facts_of_copies("# BACKUP_S3_BUCKET=kept\n", "root") == {}


def test_sums_are_read_by_path() -> None:
    digest = hashlib.sha256(b"").hexdigest()
    assert read_sums(f"{digest}  /a b.sql.gz\n") == {"/a b.sql.gz": digest}
    with pytest.raises(ValueError, match="an unexpected line"):
        read_sums(f"\\{digest}  /a\\nb.sql.gz\n")


NAMES = st.sampled_from(
    [
        *("PublicAccessBlockConfiguration", "PolicyStatus", "IsPublic", "Grants", "Grantee", "URI", "Owner"),
        *("ServerSideEncryptionConfiguration", "Rules", "ApplyServerSideEncryptionByDefault", "SSEAlgorithm"),
        *("ContentLength", "ChecksumSHA256", "ServerSideEncryption", "Permission", *BLOCKS),
    ]
)
FOREIGN = st.dictionaries(
    NAMES,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda one: st.lists(one, max_size=2) | st.dictionaries(NAMES, one, max_size=4),
        max_leaves=6,
    ),
    max_size=4,
)


@given(FOREIGN, st.text(max_size=90))
def test_a_foreign_answer_is_read_or_refused(foreign: dict[str, Any], text: str) -> None:
    for read in (read_stored, read_encryption, read_unblocked, read_policy, read_grants):
        with contextlib.suppress(ValueError, LookupError, TypeError):
            read(S3Answer(200, None, foreign))
    with contextlib.suppress(ValueError):
        read_sums(text)


def test_the_questions_say_what_they_are_about() -> None:
    facts = {"offsite_bucket": "kept", "offsite_prefix": "backups/psyfit/"}
    assert COPY.of("a.sql.gz").render(facts) == "HeadObject of s3://kept/backups/psyfit/a.sql.gz"
    assert COPY.render({}) == "HeadObject of s3://<bucket>/<backup>"
    assert GRANTS.render(facts) == "GetBucketAcl of s3://kept"
    assert COPY.of("a.sql.gz").template() == COPY
