"""The way of an alert: programs, the monitor's words, the queue and the mail log, by the questions' own scripts."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.server.mail_alerts import (
    DELIVERIES,
    PROGRAMS,
    QUEUE,
    WATCHED,
    MailLog,
    read_deliveries,
    read_program,
    read_programs,
    read_queue,
    waiting_mails,
)
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Output
from runbook.model.target_file import load
from tests.unit.answering import looking

SCRIPT = """\
#!/bin/bash
# looks at psyfit-redis once in 99 days
export PATH=/opt/own/bin:/usr/bin
curl -s https://psytech.jp/api/v1/health; docker ps | grep PSYFIT-DB; [ "$used" -ge 80 ]
"""


def told(question: Command, app: Path) -> str:
    """What the question's script prints on this machine."""
    return subprocess.run(
        ["sh", "-c", question.render({"app": str(app)})], capture_output=True, text=True, check=True
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


EXIM = " 0m   287 1xVwHC-0009W4-01 <root@x.example>\n          alerts@x.example\n        D other@x.example\n\n"
POSTFIX = """\
-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------
A1B2C3D4E5*     287 Mon Nov 23 03:00:01  root@x.example
(connect to mx.x.example[192.0.2.1]:25: Connection timed out)
                                         alerts@x.example

-- 1 Kbytes in 3 Requests.
"""
SENDMAIL = """\
\t\t/var/spool/mqueue (2 requests)
-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------
5AN301x1012345      287 Mon Nov 23 03:00 <root@x.example>
                 (Deferred: Connection timed out)
\t\t\t\t\t <alerts@x.example>
\t\tTotal requests: 2
"""
DMA = "ID\t: 5ab1.55d0c\nFrom\t: root@x.example\nTo\t: alerts@x.example\n"
OPENSMTPD = (
    "8b1f7c6a4a5d9e10|local|mta||root@x.example|alerts@x.example|alerts@x.example"
    "|1771900000|1772245600|0|0|pending|12|Network error\n"
)


@pytest.mark.parametrize(
    ("program", "printed", "waiting"),
    [
        ("exim4", "", 0),
        ("exim4", EXIM, 1),
        ("exim4", EXIM * 2, 2),
        ("exim4", "25h   1.2K 1xVwHC-0009W4-01 <> *** frozen ***\n          alerts@x.example\n\n", 1),
        ("exim4", " 3d       1xVwHC-00000009W4A-01AB *** spool format error: size=0 ***\n", 1),
        ("sendmail", "Mail queue is empty\n", 0),
        ("sendmail", POSTFIX, 3),
        ("sendmail", "-Queue ID-  --Size-- ---Arrival Time----\nA1 1 Mon a@b.example\n-- 1 Kbytes in 1 Request.\n", 1),
        ("mailq.sendmail", "/var/spool/mqueue is empty\n\t\tTotal requests: 0\n", 0),
        ("mailq.sendmail", SENDMAIL, 2),
        ("mailq.sendmail", f"/var/spool/mqueue/q1 is empty\n{SENDMAIL}", 2),
        ("dma", "Mail queue is empty\n", 0),
        ("dma", f"{DMA}--\n{DMA}", 2),
        ("smtpctl", "", 0),
        ("smtpctl", OPENSMTPD * 3, 3),
        ("nullmailer", "", 0),
        ("nullmailer", "2026-11-23 03:00:01  287 bytes\n2026-11-23 03:05:01  ????? bytes\n", 2),
        ("ssmtp", "", 0),
    ],
)
def test_mails_that_wait_are_counted_in_each_form_that_is_known(program: str, printed: str, waiting: int) -> None:
    assert read_queue(program, printed) == waiting


@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("mailq", ""),
        ("sendmail", ""),
        ("busybox", ""),
        ("mailq", "mailq: not supported by this transfer agent\n"),
        ("sendmail", "postqueue: warning: Mail system is down\n"),
        ("sendmail", "-Queue ID-  --Size-- ----Arrival Time----\nA1 1 Mon a@b.example\n"),
        ("sendmail", "Mail queue is empty\nA1 1 Mon a@b.example\n"),
        ("exim4", f"{EXIM}exim: could not open the spool\n"),
        ("exim4", "          alerts@x.example\n"),
        ("smtpctl", f"{OPENSMTPD}smtpctl: lost\n"),
        ("mailq.sendmail", "/var/spool/mqueue is empty\nmqueue2: Permission denied\n"),
        ("sendmail", "Die Warteschlange ist leer\n"),
        ("sendmail", "A1 1 Mon a@b.example\n-- 1 Kbytes in 3 Requests.\n"),
        ("dma", "From\t: root@x.example\nTo\t: alerts@x.example\n"),
        ("dma", f"{DMA}dma: the rest is locked\n"),
        ("nullmailer", "2026-11-23 03:00:01  287 bytes\nCannot open queue directory.\n"),
    ],
)
def test_what_is_printed_in_no_known_form_is_not_taken_for_an_empty_queue(program: str, printed: str) -> None:
    first = printed.strip().split("\n")[0]
    with pytest.raises(ValueError, match=re.escape(first or "it is empty")):
        read_queue(program, printed)


@pytest.mark.parametrize(
    ("told", "program"),
    [
        ("program /usr/sbin/exim4\n", "exim4"),
        ("program /usr/bin/mailq\nbeside nullmailer\n", "nullmailer"),
        ("program /usr/sbin/exim4\nbeside nullmailer\n", "exim4"),
    ],
)
def test_whose_queue_it_is_is_told_by_the_file_that_is_run(told: str, program: str) -> None:
    assert read_program(f"{told}x\n") == (program, "x\n")


def test_a_queue_of_no_program_is_not_read() -> None:
    with pytest.raises(ValueError, match="which program"):
        read_program("Mail queue is empty\n")


@pytest.mark.parametrize(("body", "waiting"), [("exit 0", None), ("echo 'Mail queue is empty'", 0), ("exit 69", None)])
def test_the_queue_is_asked_of_whichever_program_is_found(body: str, waiting: int | None, tmp_path: Path) -> None:
    (tmp_path / "some-mailer").write_text(f"#!/bin/sh\n{body}\n")
    (tmp_path / "some-mailer").chmod(0o755)
    (tmp_path / "mailq").symlink_to("some-mailer")
    path = f"{tmp_path}:/usr/bin:/bin"
    ended = subprocess.run(["sh", "-c", QUEUE.render({})], env={"PATH": path}, capture_output=True, text=True)
    snapshot = looking(load("lab"), {QUEUE: Output(ended.returncode, ended.stdout, ended.stderr)})
    if waiting is None:
        with pytest.raises(Undetermined):
            snapshot.observe(waiting_mails)
    else:
        assert snapshot.observe(waiting_mails) == waiting


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
    script = DELIVERIES.render({"app": str(tmp_path), "cron_account": "nobody"})
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
    for read in (read_program, read_deliveries, lambda text: read_programs(text, "/bin")):
        with contextlib.suppress(ValueError, LookupError):
            read(foreign)


@given(FOREIGN | st.text(), st.sampled_from(["exim4", "sendmail", "mailq", "smtpctl", "dma"]))
def test_a_queue_is_empty_only_by_words_that_say_so(foreign: str, program: str) -> None:
    with contextlib.suppress(ValueError):
        if read_queue(program, foreign) == 0 and foreign.strip():
            assert re.search(r"Mail queue is empty|Total requests: 0+|in 0+ Request", foreign)
