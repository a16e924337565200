"""Known problems are known by their causes, in whatever words these are told."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.backups.backup_files import Backup
from checks.deploy.crash_causes import LAST_WORDS, UNREADABLE, cause_of, is_failing, last_words, read_last_words
from checks.docker.containers import CONTAINERS, NOW
from checks.edge.health_api import HEALTH
from checks.formats.crontab import read_crontab
from checks.formats.file_modes import FileMode
from checks.server.cron_jobs import CronProcess, jobs_of
from checks.server.disk_space import Disks, FileSystem
from checks.server.disk_users import Filling, User, read_users
from checks.server.job_log import LastRun, LastRuns, LogLine
from runbook.model.outcome import Mismatch, Undetermined
from runbook.model.outside_questions import HttpAnswer
from runbook.model.question import Output, Question
from runbook.model.target import Target
from runbook.model.template import template_values
from steps.problems import (
    no_backup_is_late,
    no_release_has_a_wrong_key,
    nothing_fills_a_disk,
    nothing_uses_up_the_inodes,
    the_releases_reach_their_database,
)
from tests.unit.answering import looking
from tests.unit.test_containers import container, inspection

TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")
WEB = "psyfit-web-1771900000"

# Logs

SAID = {
    "ActiveSupport… AEAD authentication tag verification failed (x)": (
        "AEAD authentication tag verification failed",
        "a wrong key",
    ),
    "AEAD authentication tag verification failed: ATTR_ENCRYPTED_KEY is not the key of Hanako": (
        "AEAD authentication tag verification failed: ATTR_ENCRYPTED_KEY is not the key",
        "a wrong key",
    ),
    "[ERROR] ATTR_ENCRYPTED_KEY environment variable must be set": (
        "ATTR_ENCRYPTED_KEY environment variable must be set",
        "a missing key",
    ),
    "Missing encryption key to decrypt config/credentials.yml.enc with": (
        "Missing encryption key to decrypt",
        "a missing key",
    ),
    "could not connect to server: Connection refused": (
        "could not connect to server: Connection refused",
        "the database is unreachable",
    ),
    'connection to server at "psyfit-db" (10.0.0.2), port 5432 failed: Connection refused': (
        'connection to server at "psyfit-db" (10.0.0.2), port 5432 failed: Connection refused',
        "the database is unreachable",
    ),
    'connection to server at "db", port 5432 failed: FATAL:  password authentication failed for user "psyfit_prod"': (
        'connection to server at "db", port 5432 failed: FATAL:  password authentication failed for user ',
        "the database is unreachable",
    ),
    'connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory': (
        'connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory',
        "the database is unreachable",
    ),
    'could not translate host name "psyfit-db" to address: Name or service not known': (
        "could not translate host name",
        "the database is unreachable",
    ),
}


def _asked(tmp_path: Path, docker: str) -> dict[str, str]:
    """What the question brings from a server on which `docker` is this script."""
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\n{docker}\n")
    program.chmod(0o755)
    script = LAST_WORDS.with_values(containers=[WEB]).render(template_values(TARGET))
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LC_ALL": "C"}
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True)
    return read_last_words(done.stdout)


@pytest.mark.parametrize("line", SAID)
def test_known_words_are_found_in_a_log_and_nothing_else_of_it(line: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(f"[INFO] hanako@example.jp\n{line}\n[INFO] hanako@example.jp\n")
    words, cause = SAID[line]
    assert _asked(tmp_path, f"cat {tmp_path}/log") == {WEB: words}
    assert cause_of(words) == cause


def test_what_is_said_on_standard_error_counts(tmp_path: Path) -> None:
    assert _asked(tmp_path, "echo 'could not connect to server' >&2") == {WEB: "could not connect to server"}


def test_a_log_without_known_words_brings_nothing(tmp_path: Path) -> None:
    assert _asked(tmp_path, "echo '[INFO] GET /up 200'") == {}


def test_a_log_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    assert _asked(tmp_path, "echo 'does not support reading' >&2; exit 1") == {WEB: UNREADABLE}


@pytest.mark.parametrize(
    ("state", "failing"),
    [
        ({}, False),
        ({"Running": False, "ExitCode": 0}, False),
        ({"Running": False, "ExitCode": 143}, False),
        ({"Running": False, "ExitCode": 1}, True),
        ({"Running": False, "ExitCode": 137, "OOMKilled": True}, True),
        ({"Running": False, "Restarting": True}, True),
        ({"Health": {"Status": "unhealthy"}}, False),
    ],
)
def test_only_a_release_that_is_not_well_is_failing(state: dict[str, Any], failing: bool) -> None:
    assert is_failing(container(**state)) is failing


def test_one_that_was_restarted_just_now_is_failing() -> None:
    young = replace(container(), restarts=3, up_seconds=30)
    assert is_failing(young)
    assert not is_failing(replace(young, up_seconds=3600))


def _look(database: str, said: str = "", *, envelope: str = "data", **state: Any) -> Any:
    body = (
        f'{{"status": "success", "{envelope}": {{"health_status": "x", "timestamp": "x", "version": "1", '
        f'"checks": {{"database": "{database}"}}}}}}'
    )
    answers: dict[Question[Any], object] = {
        CONTAINERS: (inspection(**state),),
        NOW: Output(0, "1790000000\n", ""),
        HEALTH: HttpAnswer(200, {}, body),
        LAST_WORDS.with_values(containers=[WEB]): Output(0, f"container\t{WEB}\n{said}", ""),
    }
    return looking(TARGET, answers)


AWAY = "could not translate host name\n"


def test_what_a_running_release_said_is_past_when_it_reaches_its_database() -> None:
    assert _look("ok", AWAY).observe(last_words) == ()


def test_a_running_release_that_does_not_reach_it_says_why() -> None:
    with pytest.raises(Mismatch, match="says “could not translate host name”: the database is unreachable"):
        the_releases_reach_their_database(_look("error", AWAY).observe(last_words))


def test_another_answer_says_nothing_of_the_database() -> None:
    assert _look("error", AWAY, envelope="else").observe(last_words) == ()


def test_a_release_says_it_once_and_one_without_known_words_nothing() -> None:
    (one,) = _look("error", AWAY, Restarting=True).observe(last_words)
    assert str(one) == f"{WEB} says “could not translate host name”"
    assert _look("error").observe(last_words) == ()


def test_words_are_told_from_the_container_that_says_them() -> None:
    assert read_last_words("container\ta\nx\ty\ncontainer\tb\ncontainer\n") == {"a": "x\ty", "b": "container"}


def test_a_release_that_failed_says_why() -> None:
    said = "AEAD authentication tag verification failed\n"
    seen = _look("ok", said, Running=False, ExitCode=1).observe(last_words)
    the_releases_reach_their_database(seen)
    with pytest.raises(Mismatch, match=r"AEAD.*a wrong key"):
        no_release_has_a_wrong_key(seen)


def test_a_log_that_cannot_be_read_is_undetermined() -> None:
    with pytest.raises(Undetermined, match="the log of psyfit-web-1771900000 could not be read"):
        _look("error", f"{UNREADABLE}\n").observe(last_words)


@given(st.text() | st.lists(st.sampled_from(["container\ta", "container", "x", "", UNREADABLE])).map("\n".join))
def test_whatever_comes_of_the_logs_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        for said in read_last_words(text).values():
            cause_of(said)


# A late backup

AT = datetime(2026, 2, 14, 12, tzinfo=UTC)
JOBS = jobs_of(TARGET)
LINE = f"0 2 * * * {JOBS['backup.sh'].script} >> /var/log/psyfit-backup.log 2>&1\n"
ROOMY = FileSystem("/b", 10, 10**9, 100, 10)
WELL = LastRun(None, (LogLine("[x] [INFO] Backup completed successfully.", AT),), True, None, AT)


def _judge(hours: float, **changed: Any) -> None:
    """The sentence, of a server where all is well but for what is changed."""
    backup = Backup("/b/x.sql.gz", 5_000_000, AT, AT, AT + timedelta(hours=hours))
    script = FileMode(JOBS["backup.sh"].script, 0o755, "root")
    seen: dict[str, Any] = {
        "cron_processes": (CronProcess("S"),),
        "crontab": read_crontab(LINE),
        "scripts": {script.path: script},
        "last_runs": LastRuns({"backup.sh": WELL}),
        "backups_disk": ROOMY,
    }
    no_backup_is_late(looking(TARGET, {}), (backup,), cron_jobs=JOBS, limit=25, **{**seen, **changed})


def test_a_backup_of_this_night_needs_no_cause() -> None:
    _judge(10, cron_processes=())


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"cron_processes": ()}, "cron: it is not running"),
        ({"cron_processes": (CronProcess("T"),)}, "cron: it is not running"),
        ({"crontab": read_crontab("")}, "cron: no line of the crontab runs /var/www/psyfit/bin/backup.sh"),
        ({"scripts": {}}, "cron: root cannot execute"),
        (
            {"backups_disk": FileSystem("/b", 10, 4_000_000, 0, 0)},
            "disk: /b has 4.0 MB left, and a backup takes 5.0 MB",
        ),
        ({"backups_disk": FileSystem("/b", 10, 10**9, 100, 100)}, "disk: /b has no inode left"),
        ({"last_runs": LastRuns({"backup.sh": None})}, "script: it has never written to its log"),
        (
            {"last_runs": LastRuns({"backup.sh": replace(WELL, lines=(LogLine("[x] [ERROR] Backup failed", AT),))})},
            "script: the last line of its log is “[x] [ERROR] Backup failed”",
        ),
    ],
)
def test_a_late_backup_is_told_with_its_cause(changed: dict[str, Any], cause: str) -> None:
    with pytest.raises(Mismatch, match=re.escape(cause)):
        _judge(30, **changed)


def test_a_late_backup_without_a_cause_is_undetermined() -> None:
    with pytest.raises(Undetermined, match=r"30\.0 h ago, and neither"):
        _judge(30)


# A full disk


def _filling(used: int, inodes: int) -> Filling:
    disk = FileSystem("/b", used, 100 - used, 100, inodes)
    return Filling(Disks((disk,), None), (User("/b/x", 70_000_000, 3),))


def test_a_full_disk_is_told_with_what_uses_it() -> None:
    nothing_uses_up_the_inodes(_filling(85, 10), 80)
    with pytest.raises(Mismatch, match="/b is 85 % full, /b/x uses 70 MB in 3 files and folders"):
        nothing_fills_a_disk(_filling(85, 10), 80)


def test_so_are_its_inodes() -> None:
    nothing_fills_a_disk(_filling(10, 85), 80)
    with pytest.raises(Mismatch, match="/b has used 85 % of its inodes, /b/x uses"):
        nothing_uses_up_the_inodes(_filling(10, 85), 80)


def test_the_largest_comes_first() -> None:
    told = "10\t/a\n200\t/b c\n\n1\t/a\n7\t/b c\n\n"
    assert read_users(told) == (User("/b c", 200, 7), User("/a", 10, 1))


@given(st.text())
def test_whatever_du_says_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        read_users(text)
