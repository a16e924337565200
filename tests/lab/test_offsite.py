"""Whose key looks at the off-site bucket, and what is said where nobody is told where to look."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import offsite, stashed_files
from lab.server import Server
from runbook.model import rights
from runbook.model.outcome import Outcome
from tests.lab.looking import Verified, verify
from tests.lab.test_secrets import ProcessLists

LOOK_WITHOUT_ROOT = {"the-off-site-bucket-is-not-public", "the-off-site-bucket-has-versioning-enabled"}
TABLE = r"(?m)^\[offsite\]\n(.+\n)*"
BY_VARIABLES = 'key_variable = "ITS_KEY"\nsecret_variable = "ITS_SECRET"'


@pytest.fixture
def off_site(lab: Server, reports: Path, tmp_path: Path) -> Callable[..., Verified]:
    """Verify 5.5 with another table of the target file; the environment by keyword."""

    def look(table: Callable[[str], str], **environment: str) -> Verified:
        path = tmp_path / "target.toml"
        text = (lab.state / "target.toml").read_text()
        path.write_text(re.sub(TABLE, lambda found: table(found[0]), text))
        return verify(path, reports, "--section", "5.5", **environment)

    return look


@pytest.fixture
def crontab_without_bucket(lab: Server) -> Iterator[None]:
    """A crontab that copies nothing."""
    stashed_files.edit_crontab(lab, "without-bucket", "grep -v BACKUP_S3_BUCKET")
    yield
    stashed_files.restore_crontab(lab, "without-bucket")


def reasons(seen: Verified) -> set[str | None]:
    return {one.reason for one in seen.run.scenarios}


def by_variables(table: str) -> str:
    return re.sub("credentials = .*", BY_VARIABLES, table)


@pytest.mark.only_looks
def test_the_key_may_stand_in_variables(lab: Server, off_site: Callable[..., Verified]) -> None:
    key = json.loads((lab.state / "offsite.json").read_text())["auditor"]
    seen = off_site(by_variables, ITS_KEY=key["id"], ITS_SECRET=key["secret"], AWS_PROFILE="not-there")
    assert seen.ids(Outcome.PASSED) == offsite.SEEN_OFF_SITE, seen.told()


def test_the_upload_shows_its_key_in_no_process_list(lab: Server) -> None:
    with ProcessLists(lab) as processes:
        said = lab.run(f"BACKUP_S3_BUCKET={offsite.BUCKET} /var/www/psyfit/bin/backup.sh", seconds=60).required().out
    found = re.search(r"Copied to s3://psyfit-offsite/backups/psyfit/(psyfit_production_\S+)", said)
    assert found
    lab.run(f"rm {stashed_files.BACKUPS}/{found[1]}").required()
    secret = json.loads((lab.state / "offsite.json").read_text())["backup"]["secret"].encode()
    assert any(b"backup.sh" in line for line in processes.seen), "the script was not seen"
    assert not any(secret in line for line in processes.seen)


@pytest.mark.only_looks
def test_a_wrong_key_is_a_right_that_is_missing(lab: Server, off_site: Callable[..., Verified]) -> None:
    key = json.loads((lab.state / "offsite.json").read_text())["auditor"]
    seen = off_site(by_variables, ITS_KEY=key["id"], ITS_SECRET="not the secret of it")  # noqa: S106 - made up
    assert seen.ids(Outcome.UNDETERMINED) == offsite.SEEN_OFF_SITE, seen.told()
    assert {one.missing_right for one in seen.run.scenarios} == {rights.S3.name}
    assert "not the secret of it" not in (seen.folder / "evidence.jsonl").read_text()


@pytest.mark.only_looks
def test_where_cron_copies_and_nobody_is_told_where_to_look_it_cannot_be_told(
    off_site: Callable[..., Verified],
) -> None:
    seen = off_site(lambda _: "")
    assert seen.ids(Outcome.UNDETERMINED) == offsite.SEEN_OFF_SITE, seen.told()
    (reason,) = reasons(seen)
    assert reason
    assert reason.startswith("the crontab sets BACKUP_S3_BUCKET for cron's job, and the target names no offsite.bucket")


@pytest.mark.usefixtures("crontab_without_bucket")
def test_where_nothing_is_copied_and_nothing_named_it_does_not_apply(off_site: Callable[..., Verified]) -> None:
    seen = off_site(lambda _: "")
    assert seen.ids(Outcome.NOT_APPLICABLE) == offsite.SEEN_OFF_SITE, seen.told()


@pytest.mark.only_looks
def test_the_bucket_itself_is_seen_without_root(as_account: Callable[..., Path], reports: Path) -> None:
    seen = verify(as_account("guest"), reports, "--section", "5.5")
    assert seen.ids(Outcome.PASSED) == LOOK_WITHOUT_ROOT, seen.told()
