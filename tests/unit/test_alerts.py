"""The way of an alert: programs, the monitor's words, the queue and the mail log, by the questions' own scripts."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.alerts import (
    DELIVERIES,
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


ADDRESS = "alerts@psyfit.example"


def test_the_address_of_the_alerts_stands_in_no_argument_on_the_server(tmp_path: Path) -> None:
    arguments, logs = tmp_path / "arguments", tmp_path / "log"
    logs.mkdir()
    (tmp_path / ".env").write_text(f'ALERT_EMAIL="{ADDRESS}"\n')
    (logs / "mail.log").write_text(f"x to=<{ADDRESS}>, status=sent\ny to=<other@x.example>, status=bounced\n")
    for program in ("awk", "sed", "tail", "cat"):
        noting = tmp_path / program
        noting.write_text(f'#!/bin/sh\nprintf "%s\\n" "$0" "$@" >> {arguments}\nexec {shutil.which(program)} "$@"\n')
        noting.chmod(0o755)
    script = DELIVERIES.told({"app": str(tmp_path), "cron_account": "nobody"})
    for real, own in (("/var/log", logs), ("/etc/environment", tmp_path / "none"), ("/var/spool", tmp_path / "none")):
        script = script.replace(real, str(own))
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=True, env={"LC_ALL": "C", "PATH": path}
    )
    assert read_deliveries(done.stdout) == [MailLog(f"{logs}/mail.log", 1, "delivered")]
    assert "awk" in arguments.read_text()
    assert ADDRESS not in arguments.read_text()


def test_of_the_monitors_numbers_only_those_that_may_be_thresholds_leave_the_server(app: Path) -> None:
    with (app / "bin" / "monitor.sh").open("a") as script:
        script.write("call 09012345678; curl https://api.telegram.org/bot123456789:AA-1234; [ $days -lt 14 ]\n")
    words = set(told(WATCHED, app).split())
    assert {"14", "80"} <= words
    assert not {"09012345678", "123456789", "1234"} & words


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
