"""The way of an alert: programs, the monitor's words, the queue and the mail log, by the questions' own scripts."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.alerts import (
    PROGRAMS,
    WATCHED,
    MailLog,
    read_deliveries,
    read_programs,
    read_queue,
)
from runbook.question import Command

SCRIPT = """\
#!/bin/bash
# looks at psyfit-redis once in 99 days
export PATH=/opt/own/bin:/usr/bin
curl -s https://psytech.jp/api/v1/health; docker ps | grep PSYFIT-DB; [ "$used" -ge 80 ]
"""


def told(question: Command, app: Path) -> str:
    """What the question's script prints on this machine."""
    return subprocess.run(
        ["sh", "-c", question.told({"app": str(app)})], capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """The service's folder, with a monitor in it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "monitor.sh").write_text(SCRIPT)
    return tmp_path


def test_what_stands_in_a_comment_is_not_watched(app: Path) -> None:
    words = set(told(WATCHED, app).split())
    assert {"/api/v1/health", "psyfit-db", "80"} <= words
    assert not {"psyfit-redis", "99"} & words


def test_a_script_looks_where_it_says_else_where_cron_does(app: Path) -> None:
    found = read_programs(told(PROGRAMS, app), "/usr/bin:/bin")
    assert found.paths == {"monitor.sh": ("/opt/own/bin", "/usr/bin"), "backup.sh": ("/usr/bin", "/bin")}
    assert "gzip" in found.places


def test_a_program_elsewhere_is_missing() -> None:
    found = read_programs("path monitor.sh $PATH:/sbin\nprogram curl /opt/x/bin\nprogram df /bin\n", "/usr/bin:/bin")
    assert found.missing("monitor.sh", ("curl", "df", "gpg")) == ("curl", "gpg")
    assert found.paths["monitor.sh"] == ("/usr/bin", "/bin", "/sbin")


@pytest.mark.parametrize(
    ("printed", "waiting"),
    [
        ("", 0),
        ("Mail queue is empty\n", 0),
        ("/var/spool/mqueue is empty\n\t\tTotal requests: 0\n", 0),
        (" 0m   287 1xVwHC-0009W4-01 <root@x.example>\n          alerts@x.example\n\n", 1),
        ("25h   1.2K 1xVwHC-0009W4-01 <> *** frozen ***\n          alerts@x.example\n\n", 1),
        ("-Queue ID-  --Size-- ---Arrival Time----\nA1B2 1 Mon a@b.example\n-- 1 Kbytes in 3 Requests.\n", 3),
    ],
)
def test_mails_that_wait_are_counted(printed: str, waiting: int) -> None:
    assert read_queue(printed) == waiting


def test_a_mail_log_says_how_the_last_one_went() -> None:
    told = "log\t/var/log/mail.log.1\t3\tdelivered\nlog\t/var/log/mail.log\t0\t\n"
    assert read_deliveries(told) == [
        MailLog("/var/log/mail.log.1", 3, "delivered"),
        MailLog("/var/log/mail.log", 0, None),
    ]


FOREIGN = st.lists(
    st.text(max_size=12)
    | st.lists(st.sampled_from(["log", "path", "program", "monitor.sh", "1", "x", "delivered", ""]), max_size=4).map(
        "\t".join
    )
    | st.lists(st.sampled_from(["--", "in", "3", "path", "program", "x"]), max_size=4).map(" ".join),
    max_size=4,
).map("\n".join)


@given(FOREIGN)
def test_a_foreign_answer_is_read_or_refused(foreign: str) -> None:
    for read in (read_queue, read_deliveries, lambda text: read_programs(text, "/bin")):
        with contextlib.suppress(ValueError, LookupError):
            read(foreign)
