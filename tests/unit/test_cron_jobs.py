"""Crontabs are read as cron reads them, and logs as what they say of the last run."""

from __future__ import annotations

import contextlib
import gzip
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.formats.ages import Ago
from checks.formats.crontab import read_crontab, schedule_of
from checks.formats.file_modes import FileMode, read_file_modes
from checks.formats.shell_words import appends_all_to, words_of
from checks.server.cron_jobs import jobs_of, read_processes
from checks.server.job_log import LAST_RUN, LastRun, last_runs, read_last_run
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Output
from runbook.model.target import Target
from runbook.model.template import template_values
from tests.unit.answering import looking

MONITOR = "/var/www/psyfit/bin/monitor.sh"
LOG = "/var/log/psyfit-monitor.log"
ENDING = "=== Monitor check completed"
NOW = datetime(2026, 2, 14, 2, 7, tzinfo=UTC)


# The crontab


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("*/5 * * * *", "0,5,10,15,20,25,30,35,40,45,50,55 * * * *"),
        ("0 2 * * *", "00 02 * * *"),
        ("0 3 * * 0", "0 3 * * sun"),
        ("0 3 * * 0", "0 3 * * 7"),
        ("0 0 * * 0", "0\t0  * * 0"),
    ],
)
def test_one_schedule_may_be_written_in_several_ways(written: str, same: str) -> None:
    assert schedule_of(written) == schedule_of(same)


@pytest.mark.parametrize(("written", "other"), [("0 2 * * *", "0 14 * * *"), ("0 3 * * 0", "0 3 * * *")])
def test_other_schedules_differ(written: str, other: str) -> None:
    assert schedule_of(written) != schedule_of(other)


@pytest.mark.parametrize("nickname", ["@daily", "@midnight"])
@pytest.mark.parametrize("blank", [" ", "\t", " \t "])
def test_nicknames_are_schedules(nickname: str, blank: str) -> None:
    (line,) = read_crontab(f"{nickname}{blank}{MONITOR}\n").lines
    assert (line.schedule, line.command) == (schedule_of("0 0 * * *"), MONITOR)


@pytest.mark.parametrize("sign", ["\r", "\v", "\f", "\x85", "\u2028"])
def test_only_a_line_feed_ends_a_line(sign: str) -> None:
    (line,) = read_crontab(f"0 2 * * * echo {sign}x\n").lines
    assert sign in line.text
    (_, script) = read_file_modes(f"755 root /a{sign}b.sh\n755 root /c.sh\n")
    assert script.path == "/c.sh"


def test_at_boot_is_no_schedule() -> None:
    (line,) = read_crontab(f"@reboot {MONITOR}\n").lines
    assert line.schedule is None


@pytest.mark.parametrize(
    "line",
    [
        "0 25 * * * true",
        "60 2 * * * true",
        "0 2 * * true",
        "0 2 * * *",
        "0 2 * * * ",
        "@never true",
        "@daily",
        "5/15 * * * * true",
        "0 2 L * * true",
        "0 2 * * 1#2 true",
        "hello",
        "0 2 * * * true\r",
        r"0 2 * * * true\r",
    ],
)
def test_what_cron_does_not_take_is_a_flaw(line: str) -> None:
    read = read_crontab(f"{line}\n")
    assert [flaw.number for flaw in read.flaws] == [1]
    assert not read.lines


def test_a_last_line_without_an_end_is_a_flaw() -> None:
    read = read_crontab(f"MAILTO=ops\n0 2 * * * {MONITOR}")
    assert [flaw.number for flaw in read.flaws] == [2]
    assert not read.running(MONITOR)


def test_comments_settings_and_empty_lines_are_no_jobs() -> None:
    read = read_crontab("# 0 2 * * * a\n\n  # b\nMAILTO=ops\nPATH = /bin\n'A B'=c\nSHELL=\"/bin/sh\"\n")
    assert read == read_crontab("")


def test_an_assignment_in_a_command_is_no_setting() -> None:
    (line,) = read_crontab(f"*/5 * * * * A=1 {MONITOR}\n").lines
    assert line.command == f"A=1 {MONITOR}"


def test_a_bare_percent_sign_ends_the_command() -> None:
    first, second = read_crontab("0 2 * * * a +%F >> log\n0 2 * * * a +\\%F >> log\n").lines
    assert (first.command, second.command) == ("a +", "a +%F >> log")


@pytest.mark.parametrize(
    "command",
    [
        MONITOR,
        f"nice {MONITOR} -v",
        f"A=1 flock -n /x {MONITOR}",
        "cd /var/www/psyfit && bin/monitor.sh",
        f"{MONITOR};",
        f"bash -lc '{MONITOR} >> {LOG} 2>&1'",
        "su - deploy -c 'cd /var/www/psyfit && bin/monitor.sh'",
        f"flock -n /x -c \"bash -c '{MONITOR} -v'\"",
    ],
)
def test_the_script_is_found_in_its_command(command: str) -> None:
    assert MONITOR in words_of(command)


@pytest.mark.parametrize(
    "command",
    [
        "bin/monitor.sh",
        "/var/www/psyfit/monitor.sh",
        f"{MONITOR}.old",
        f"echo '{MONITOR} '",
        f"/x{MONITOR}",
        f"bash -l '{MONITOR} '",
        f"bash -c '{MONITOR}.old x'",
    ],
)
def test_another_script_is_not_taken_for_it(command: str) -> None:
    assert MONITOR not in words_of(command)


@pytest.mark.parametrize(
    "redirection",
    [
        f">> {LOG} 2>&1",
        f">>{LOG} 2>&1",
        f'>> "{LOG}" 2>&1',
        f">> {LOG} 2>> {LOG}",
        f"-v >> {LOG} 2>&1",
        f">> {LOG} 2>&1 || true",
        f"2>> {LOG} >> {LOG} x",
    ],
)
def test_output_is_appended(redirection: str) -> None:
    assert appends_all_to(f"{MONITOR} {redirection}", LOG)


@pytest.mark.parametrize(
    "command",
    [
        f"bash -lc '{MONITOR} >> {LOG} 2>&1'",
        f"/bin/bash -l -c '{MONITOR} x' >> {LOG} 2>&1",
        f"sh -c '{MONITOR} >> {LOG} 2>&1' || true",
    ],
)
def test_output_of_a_command_within_is_appended(command: str) -> None:
    assert appends_all_to(command, LOG)


@pytest.mark.parametrize(
    "command", [f"bash -lc '{MONITOR} >> {LOG}' 2>&1", f"bash -lc '{MONITOR} > {LOG} 2>&1'", f"bash -lc '{MONITOR} x'"]
)
def test_output_of_a_command_within_is_not_or_not_all_appended(command: str) -> None:
    assert not appends_all_to(command, LOG)


@pytest.mark.parametrize(
    "redirection",
    [
        "",
        f"> {LOG} 2>&1",
        f">> {LOG}",
        f"2>&1 >> {LOG}",
        f"&>> {LOG}",
        ">> /var/log/other.log 2>&1",
        f">> {LOG}.1 2>&1",
        f"2>> {LOG}",
        f">> {LOG} 2>/dev/null",
        f">> {LOG} && echo done >> {LOG}",
    ],
)
def test_output_is_not_or_not_all_appended(redirection: str) -> None:
    assert not appends_all_to(f"{MONITOR} {redirection}", LOG)


@pytest.mark.parametrize("text", ["nonsense\n", "State\n", "State:\n"])
def test_what_is_no_status_of_a_process_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a line of a process's status"):
        read_processes(text)


@pytest.mark.parametrize(
    "expression", ["0 2 * *", "0 2 * * * *", "0 2 * * 1#1", "0 2 L * *", "0 2 l * *", "0 2 * * 5l"]
)
def test_what_cron_would_not_take_is_no_schedule(expression: str) -> None:
    with pytest.raises(ValueError, match="is not a schedule"):
        schedule_of(expression)


def test_a_relative_path_is_taken_from_the_folder_before_it() -> None:
    assert words_of("cd /srv && bin/a.sh x") == ["cd", "/srv", "&&", "/srv/bin/a.sh", "x"]
    assert words_of("cd /srv && /bin/a.sh") == ["cd", "/srv", "&&", "/bin/a.sh"]
    assert words_of("bin/a.sh") == ["bin/a.sh"]


def test_a_path_that_is_taken_from_nowhere_stays_as_it_is_written() -> None:
    assert words_of("./a.sh") == ["./a.sh"]
    assert words_of("cd /srv && ls /var/") == ["cd", "/srv", "&&", "ls", "/var/"]


def test_what_follows_a_c_is_a_command_where_it_has_several_words() -> None:
    assert words_of("-c 'a b'") == ["-c", "a", "b"]
    assert words_of("grep -c 'a|b' log") == ["grep", "-c", "a|b", "log"]


def test_only_the_lines_with_a_script_run_it() -> None:
    read = read_crontab(f"@daily {MONITOR} -v\n@daily /other\n")
    assert [line.command for line in read.running(MONITOR)] == [f"{MONITOR} -v"]


def test_a_line_without_a_command_says_so() -> None:
    (flaw,) = read_crontab("0 2 * * *\n").flaws
    assert str(flaw) == "line 1: it has no command"


@given(st.text())
def test_any_crontab_is_read(text: str) -> None:
    for line in read_crontab(text).lines:
        words_of(line.command)
        appends_all_to(line.command, LOG)


# Processes and scripts


def test_cron_on_the_server_itself_counts_and_one_in_a_container_does_not() -> None:
    told = "Name:\tcron\nState:\tS (sleeping)\nNSpid:\t58\nName:\tcrond\nState:\tR (running)\nNSpid:\t900\t7\n"
    (process,) = read_processes(told)
    assert process.alive


@pytest.mark.parametrize("state", ["T (stopped)", "Z (zombie)", "X (dead)"])
def test_a_stopped_or_dead_process_is_not_alive(state: str) -> None:
    (process,) = read_processes(f"Name:\tcron\nState:\t{state}\nNSpid:\t58\n")
    assert not process.alive


def test_no_process_is_none() -> None:
    assert read_processes("") == []


@pytest.mark.parametrize(
    ("mode", "owner", "account", "executable"),
    [
        (0o755, "root", "root", True),
        (0o644, "root", "root", False),
        (0o700, "deploy", "root", True),
        (0o700, "root", "deploy", False),
        (0o744, "deploy", "deploy", True),
        (0o655, "deploy", "deploy", False),
    ],
)
def test_who_may_execute(mode: int, owner: str, account: str, executable: bool) -> None:
    assert FileMode("/x", mode, owner).executable_by(account) is executable


def test_scripts_are_read() -> None:
    assert read_file_modes("755 root /a b.sh\n") == [FileMode("/a b.sh", 0o755, "root")]


@given(st.text())
def test_any_listing_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError, LookupError):
        read_file_modes(text)
    with contextlib.suppress(ValueError, LookupError):
        read_processes(text)


# The last run


def _log(*lines: str, ended: str = "", made: str = "") -> str:
    told = [f"now {int(NOW.timestamp())}"]
    told += [f"ended {ended}"] if ended else []
    told += [f"made {made}"] if made else []
    told += [f"last {line}" for line in lines]
    for minute in range(7):
        told.append(f"stamp 2026-02-14 02:0{minute}:00 {int(NOW.timestamp()) - 60 * (7 - minute)}")
    return "\n".join(told) + "\n"


FINISHED = "[2026-02-14 02:05:00] [WARN] === Monitor check completed with 1 issue(s) ==="


def test_a_run_that_ended_well() -> None:
    run = read_last_run(_log("[2026-02-14 02:05:00] [WARN] disk: 80 %", FINISHED, ended=FINISHED), ENDING)
    assert run.ended
    assert run.good_run == Ago(120)


def test_a_run_that_is_going_on() -> None:
    begun = "[2026-02-14 02:06:00] [INFO] Monitor started"
    run = read_last_run(_log(FINISHED, begun, ended=FINISHED), ENDING)
    assert not run.ended
    assert run.in_progress(2)
    assert not run.in_progress(1)


@pytest.mark.parametrize(
    "last", ["[2026-02-14 02:06:00] [ERROR] Monitor failed", "sh: 1: /var/www/psyfit/bin/monitor.sh: not found"]
)
def test_a_run_that_failed(last: str) -> None:
    run = read_last_run(_log(FINISHED, last, ended=FINISHED), ENDING)
    assert not run.ended
    assert not run.in_progress(60)


def test_an_empty_log_tells_of_no_run() -> None:
    run = read_last_run(_log(), ENDING)
    assert (run.ended, run.last, run.good_run, run.in_progress(60)) == (False, None, None, False)


def test_a_run_that_has_just_ended_is_not_going_on() -> None:
    assert not read_last_run(_log(FINISHED, ended=FINISHED), ENDING).in_progress(60)


def test_an_empty_line_is_not_the_last_word() -> None:
    assert read_last_run(_log(FINISHED, " ", ended=FINISHED), ENDING).ended


def test_a_line_is_of_the_time_that_it_begins_with_in_brackets() -> None:
    run = read_last_run(_log(ended=FINISHED.replace("[", "(", 1)), ENDING)
    assert run.good_run is None


def test_a_line_that_names_no_backup_names_none() -> None:
    assert read_last_run(_log(made="[2026-02-14 02:05:00] [INFO] Backup successful: "), ENDING).backup is None


def test_the_last_backup_is_named() -> None:
    made = "[2026-02-14 02:05:00] [INFO] Backup successful: /var/backups/psyfit/a b.sql.gz (3.1M)"
    assert read_last_run(_log(made=made), ENDING).backup == "/var/backups/psyfit/a b.sql.gz"


def test_one_that_was_encrypted_is_named_as_it_is_then() -> None:
    made = "[2026-02-14 02:05:00] [INFO] Backup encrypted: /var/backups/psyfit/a b.sql.gz.gpg"
    assert read_last_run(_log(made=made), ENDING).backup == "/var/backups/psyfit/a b.sql.gz.gpg"


TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")
NEVER_ENCRYPTED = """[2026-02-13 02:00:00] [INFO] Backup successful: /b/1.sql.gz (4.0K)
[2026-02-13 02:00:00] [INFO] Backup encrypted: /b/1.sql.gz.gpg
[2026-02-13 02:00:00] [INFO] Backup completed successfully.
[2026-02-14 02:00:00] [INFO] Starting backup: psyfit_production -> /b/2.sql.gz
[2026-02-14 02:00:00] [INFO] Backup successful: /b/2.sql.gz (4.0K)
"""
ENCRYPTED = NEVER_ENCRYPTED + "[2026-02-14 02:00:00] [INFO] Backup encrypted: /b/2.sql.gz.gpg\n"
COMPLETED = "[2026-02-14 02:00:00] [INFO] Backup completed successfully.\n"


def _answer_for(log: Path) -> Output:
    """What the declared command answers for this log of the backup."""
    command = LAST_RUN.with_values(log=str(log), ending=jobs_of(TARGET)["backup.sh"].ending).render(
        template_values(TARGET)
    )
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
    return Output(done.returncode, done.stdout, done.stderr)


def _last_backup(log: Path) -> LastRun:
    return read_last_run(_answer_for(log).required("the log").out, jobs_of(TARGET)["backup.sh"].ending)


@pytest.mark.parametrize(("text", "backup"), [(NEVER_ENCRYPTED, "/b/2.sql.gz"), (ENCRYPTED, "/b/2.sql.gz.gpg")])
def test_the_log_of_the_published_script_is_read(tmp_path: Path, text: str, backup: str) -> None:
    log = tmp_path / "psyfit-backup.log"
    log.write_text(text)
    assert not _last_backup(log).ended
    log.write_text(text + COMPLETED)
    run = _last_backup(log)
    assert (run.ended, run.backup) == (True, backup)


@pytest.mark.parametrize("name", ["log.1", "log.1.gz", "log-20260215", "log-20260215.gz"])
@pytest.mark.parametrize("now", [None, ""])
def test_a_log_that_was_rotated_is_read_whatever_it_is_called(tmp_path: Path, name: str, now: str | None) -> None:
    told = (ENCRYPTED + COMPLETED).encode()
    rotated, older = tmp_path / name, tmp_path / "log.2.gz"
    rotated.write_bytes(gzip.compress(told) if name.endswith(".gz") else told)
    older.write_bytes(gzip.compress(b"[2026-01-01 02:00:00] [ERROR] Backup failed\n"))
    os.utime(older, (0, 0))
    (tmp_path / "log.save").write_text("something else\n")
    if now is not None:
        (tmp_path / "log").write_text(now)
    run = _last_backup(tmp_path / "log")
    assert (run.ended, run.backup) == (True, "/b/2.sql.gz.gpg")


def test_of_a_log_its_last_word_leaves_the_server_and_no_line_before_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(f"{ENCRYPTED}{COMPLETED}Key (email)=(SECRET) already exists.\nthe end\n \n")
    answer = _answer_for(log)
    assert "SECRET" not in answer.out
    last = _last_backup(log).last
    assert last is not None
    assert last.text == "the end"


def test_no_log_and_no_rotated_one_is_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "log.save").write_text("something else\n")
    answer = _answer_for(tmp_path / "log")
    assert answer.status != 0
    assert "no such file" in answer.err.lower()


def test_a_log_that_cannot_be_read_takes_no_other_with_it() -> None:
    jobs = jobs_of(TARGET)
    denied = Undetermined("not allowed: Permission denied", right=rights.ROOT)
    answers: list[object] = [denied, Output(0, _log(FINISHED), ""), Output(2, "", "sh: cannot open x: No such file")]
    asked = [LAST_RUN.with_values(log=job.log, ending=job.ending) for job in jobs.values()]
    found = looking(TARGET, dict(zip(asked, answers, strict=True))).observe(last_runs)
    run = found.of("backup.sh")
    assert run is not None
    assert run.last is not None
    assert found.of("cleanup-docker.sh") is None
    with pytest.raises(Undetermined, match="not allowed"):
        found.of("monitor.sh")


@given(st.text())
def test_any_answer_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError, LookupError, TypeError):
        read_last_run(text, ENDING)
    with contextlib.suppress(ValueError, LookupError, TypeError):
        read_last_run(f"now 1\n{text}", ENDING)
