"""How the backups are kept and encrypted: what is read of modes, devices, settings and the key ring."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backups.backup_permissions import Place, read_devices
from checks.backups.drill_history import read_passed
from checks.backups.encryption_key import RING, key_in_ring, read_ring
from checks.formats.ages import Ago
from checks.formats.crontab import settings_of
from checks.formats.file_modes import FileMode, read_file_modes
from checks.formats.openpgp import key_ids
from checks.server.cron_environment import SETTINGS, job_settings, read_settings
from checks.server.cron_jobs import CRONTAB
from runbook.drill import journal
from runbook.model.question import Output
from runbook.model.target import Target
from tests.unit.answering import looking

NOW = 1_790_000_000
DAY = 86400
TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")


def test_a_file_is_told_with_its_mode_and_owner() -> None:
    folder, file = read_file_modes("700 root /var/backups/psyfit\n644 deploy /var/backups/psyfit/a b.sql.gz\n")
    assert folder == FileMode("/var/backups/psyfit", 0o700, "root")
    assert str(file) == "/var/backups/psyfit/a b.sql.gz has mode 0644, owner deploy"


def test_a_path_lies_on_a_device() -> None:
    assert read_devices("64 /var/back ups\n7 /\n") == [Place("/var/back ups", 64), Place("/", 7)]


@pytest.mark.parametrize(
    ("mode", "account", "may"),
    [
        (0o100, "deploy", True),
        (0o011, "deploy", False),
        (0o001, "other", True),
        (0o112, "other", False),
        (0o001, "root", True),
        (0o666, "root", False),
    ],
)
def test_who_may_execute_a_file(mode: int, account: str, may: bool) -> None:
    assert FileMode("/x", mode, "deploy").executable_by(account) is may


def test_a_variable_that_only_shells_have_is_unseen() -> None:
    told = (
        "written 100 /root/.profile\nshell BACKUP_S3_BUCKET /root/.profile\nshell BACKUP_ENCRYPT_KEY /root/.profile\n"
    )
    found = read_settings(f"{told}written 200 the crontab\n", {"BACKUP_ENCRYPT_KEY"})
    assert [one.name for one in found.unseen] == ["BACKUP_S3_BUCKET"]
    recipient = found.set_by("BACKUP_ENCRYPT_KEY")
    assert recipient is not None
    assert recipient.since == datetime.fromtimestamp(200, UTC)


def test_a_variable_in_env_is_seen_and_its_file_says_since_when() -> None:
    told = "written 300 /var/www/psyfit/.env\ncron ALERT_EMAIL /x\ncron BACKUP_ENCRYPT_KEY /var/www/psyfit/.env\n"
    found = read_settings(told, {"BACKUP_DAYS"})
    assert found.unseen == ()
    assert [one.name for one in found.for_cron] == ["BACKUP_DAYS", "ALERT_EMAIL", "BACKUP_ENCRYPT_KEY"]
    recipient = found.set_by("BACKUP_ENCRYPT_KEY")
    assert recipient is not None
    assert (recipient.file, recipient.since) == ("/var/www/psyfit/.env", datetime.fromtimestamp(300, UTC))


def test_a_crontabs_settings_are_its_active_lines() -> None:
    text = '# MAILTO=nobody\n#X=1\nPATH=/usr/bin\n MAILTO = "a b"\n*/5 * * * * X=1 job\n'
    assert settings_of(text) == {"PATH": "/usr/bin", "MAILTO": "a b"}


def _set_for_cron(crontab: Output) -> list[str]:
    found = looking(TARGET, {SETTINGS: Output(0, "", ""), CRONTAB: crontab}).observe(job_settings)
    return [one.name for one in found.for_cron]


def test_a_crontab_sets_variables_for_all_jobs_and_within_the_lines_of_ours() -> None:
    backup = f"{TARGET.paths.app}/bin/backup.sh"
    lines = f"PATH=/bin\nALERT_EMAIL=a\n@daily BACKUP_A=1 PAGER=x {backup}\n@daily BACKUP_B=1 /other\n"
    assert _set_for_cron(Output(0, lines, "")) == ["ALERT_EMAIL", "BACKUP_A"]
    assert _set_for_cron(Output(1, "ALERT_EMAIL=a\n", "no crontab for root")) == []


def ring(*keys: str) -> str:
    """What is told of a ring with these lines in it."""
    return "\n".join([f"now:{NOW}", "tru::1:1:0:3:1:5", *keys, ""])


def key(kind: str, identity: str, ends: int | None, uses: str, validity: str = "u", begun: int = 1500000000) -> str:
    """A key or subkey as gpg lists it."""
    return f"{kind}:{validity}:255:22:{identity}:{begun}:{ends or ''}::u:::{uses}::::::23::0:"


OTHER = key("pub", "00000000000000FF", NOW + DAY, "scESC")


@pytest.mark.parametrize(
    ("keys", "usable", "days"),
    [
        ([key("pub", "A", None, "scESC"), key("sub", "B", None, "e")], True, None),
        ([key("pub", "A", NOW + 40 * DAY, "scESC"), key("sub", "B", NOW + 10 * DAY, "e")], True, 10),
        ([key("pub", "A", NOW + 5 * DAY, "scESC"), key("sub", "B", None, "e")], True, 5),
        ([key("pub", "A", None, "scESC"), key("sub", "C", NOW + DAY, "e"), key("sub", "B", None, "e")], True, None),
        ([key("pub", "A", None, "scESC"), key("sub", "B", NOW + 10 * DAY, "e")], True, 10),
        ([key("pub", "A", None, "s"), key("sub", "C", NOW + DAY, "e"), key("sub", "B", NOW + 9 * DAY, "e")], True, 9),
        ([key("pub", "A", None, "scESC"), key("sub", "C", None, "e", "r"), key("sub", "B", None, "e")], True, None),
        ([key("pub", "A", None, "scESC"), key("sub", "B", None, "e", "r")], False, None),
        ([key("pub", "A", None, "scESC", "r"), key("sub", "B", None, "e")], False, None),
        ([key("pub", "A", None, "scSC"), key("sub", "B", None, "s")], False, None),
        ([key("pub", "A", None, "scESC", begun=NOW + DAY), key("sub", "B", None, "e")], False, None),
        ([key("pub", "A", None, "scESC"), key("sub", "B", None, "e", begun=NOW + 61)], False, None),
        ([key("pub", "A", None, "scESC"), key("sub", "B", None, "e", begun=NOW + 60)], True, None),
    ],
)
def test_a_key_lasts_as_long_as_something_can_be_encrypted_to_it(
    keys: list[str], usable: bool, days: float | None
) -> None:
    found = read_ring(ring(OTHER, *keys), frozenset({"B"}))
    assert found is not None
    assert (found.usable, found.days_left) == (usable, days)


def test_a_key_that_is_disabled_cannot_be_encrypted_to() -> None:
    found = read_ring(ring(key("pub", "A", None, "scESCD"), key("sub", "B", None, "e")), frozenset({"B"}))
    assert found is not None
    assert not found.usable


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of the account that makes the backups: with a ring of one key, and options that gpg would heed."""
    if shutil.which("gpg") is None:
        pytest.skip("there is no gpg here")
    made, folder = tmp_path / "made", tmp_path / "home"
    made.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", str(made), "--batch", "--quiet", "--passphrase", ""]
    subprocess.run([*gpg, "--quick-generate-key", "Hanako <hanako@x.example>", "default", "default"], check=True)
    subprocess.run(["gpgconf", "--homedir", str(made), "--kill", "all"], check=True)
    (folder / ".gnupg").mkdir(mode=0o700, parents=True)
    for name in ("pubring.kbx", "trustdb.gpg"):
        shutil.copy(made / name, folder / ".gnupg")
    (folder / ".gnupg" / "gpg.conf").write_text(f"log-file {tmp_path}/written\nlogger-file {tmp_path}/written\n")
    return folder


def told_of_ring(home: Path) -> str:
    """What the question's own script prints of the ring in this home, to root."""
    (home.parent / "passwd").write_text(f"deploy:x:1000:1000::{home}:/bin/sh\n")
    as_root = home.parent / "id"
    as_root.write_text("#!/bin/sh\necho 0\n")
    as_root.chmod(0o755)
    script = RING.render({"cron_account": "deploy"}).replace("/etc/passwd", str(home.parent / "passwd"))
    environment = {"LC_ALL": "C", "PATH": f"{home.parent}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env=environment).stdout


@pytest.mark.parametrize("trusts", [True, False])
def test_nothing_is_written_where_the_key_ring_is(home: Path, trusts: bool) -> None:
    folder = home / ".gnupg"
    if not trusts:
        (folder / "trustdb.gpg").unlink()
    before = {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}
    assert "pub:" in told_of_ring(home)
    assert {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]} == before
    assert not (home.parent / "written").exists()


def test_whose_the_keys_in_the_ring_are_stays_on_the_server(home: Path) -> None:
    told = told_of_ring(home)
    assert {line.partition(":")[0] for line in told.splitlines()} == {"now", "pub", "sub"}
    assert "anako" not in told


def test_another_key_is_not_the_backup_key() -> None:
    assert read_ring(ring(OTHER), frozenset({"B"})) is None
    assert read_ring(f"now:{NOW}\n", frozenset({"B"})) is None


def test_where_no_key_is_named_none_is_found() -> None:
    assert looking(TARGET, {RING: Output(0, ring(OTHER), "")}).observe(key_in_ring) is None


def test_the_key_that_is_named_is_found(tmp_path: Path) -> None:
    public = b"\x98\x01\x04"  # a packet with a key of version 4
    (tmp_path / "key").write_bytes(public)
    backups = TARGET.backups.model_copy(update={"encryption_key": tmp_path / "key"})
    (identity,) = key_ids(public)
    told = ring(OTHER, key("pub", identity, None, "scESC"))
    snapshot = looking(TARGET.model_copy(update={"backups": backups}), {RING: Output(0, told, "")})
    assert snapshot.observe(key_in_ring) is not None


def test_the_drills_that_passed_are_read_by_their_dates() -> None:
    lines = [f"now {NOW}", f"passed {NOW - DAY} b psyfit_2.sql.gz", f"passed {NOW - 3 * DAY} a psyfit_1.sql.gz.gpg", ""]
    earlier, later = read_passed("\n".join(lines)).noted
    assert (later.scenario, later.passed) == ("b", Ago(DAY))
    assert str(earlier).endswith(", 3 days ago")


def test_a_scenario_that_passed_is_noted_with_its_backup(tmp_path: Path) -> None:
    script = journal.passed("the-latest", "a b.gpg; echo").replace(journal.FOLDER, str(tmp_path))
    subprocess.run(["sh", "-c", script], check=True)
    assert (tmp_path / "passed").read_text().split("\t", 1)[1] == "the-latest\ta b.gpg; echo\n"


WORDS = st.sampled_from(["now", "pub", "sub", "folder", "file", "shell", "written", "passed", "5", "x", "", "9" * 30])
FOREIGN = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.lists(WORDS, max_size=13).map(":".join),
        st.lists(WORDS, max_size=5).map(" ".join),
    ),
    max_size=4,
).map("\n".join)


@given(FOREIGN)
def test_a_foreign_answer_is_read_or_refused(foreign: str) -> None:
    for read in (
        read_file_modes,
        read_devices,
        read_passed,
        lambda text: read_settings(text, {"BACKUP_X"}),
        lambda text: read_ring(text, frozenset({"x"})),
        settings_of,
    ):
        with contextlib.suppress(ValueError, LookupError, TypeError):
            read(foreign)
