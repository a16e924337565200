"""What a check makes of an answer that says that a thing is not there, and of one that is of no known form."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from checks.backups import backup_files, backup_permissions, data_regression, drill_history, encrypted_backups
from checks.database import account_lockout, schema, sessions
from checks.deploy import crash_causes, git_clone, in_progress
from checks.docker import resource_usage
from checks.edge import certificate, kamal_proxy, tls_termination
from checks.edge.tls_termination import Published
from checks.formats import crontab, pg_dump, units
from checks.secrets import environment, github_secrets
from checks.server import cron_jobs, disk_users, job_log, mail_alerts, ports_and_logs
from runbook.model import rights
from runbook.model.outcome import NotApplicable, Undetermined
from runbook.model.outside_questions import HttpAnswer
from runbook.model.question import Output, Question
from runbook.model.target import Target
from tests.unit.answering import looking
from tests.unit.test_containers import container

TARGET = Target(name="t", environment="lab", address="127.0.0.1", domain="example.test")
GONE, BROKEN = "stat: cannot statx 'x': No such file or directory", "Permission denied"


def _seen(check: Any, **answers: object) -> Any:
    """What a check sees where its questions, by their names in its module, have these answers."""
    module = importlib.import_module(check.__module__)
    asked: dict[Question[Any], object] = {getattr(module, name): answer for name, answer in answers.items()}
    return looking(TARGET, asked).observe(check)


@pytest.mark.parametrize(
    ("check", "question", "gone", "nothing"),
    [
        (cron_jobs.crontab, "CRONTAB", Output(1, "", "no crontab for root"), crontab.Crontab((), ())),
        (cron_jobs.scripts, "SCRIPTS", Output(1, "", GONE), {}),
        (environment.secret_files, "SECRET_FILES", Output(1, "", GONE), ()),
        (git_clone.deploy_script, "DEPLOY_SCRIPT", Output(1, "", GONE), None),
        (git_clone.origin_commit, "ORIGIN", Output(2, "", ""), None),
    ],
    ids=["crontab", "scripts", "secrets", "deploy script", "branch"],
)
def test_what_is_not_there_is_told_from_what_cannot_be_read(
    check: Any, question: str, gone: Output, nothing: object
) -> None:
    assert _seen(check, **{question: gone}) == nothing
    with pytest.raises(Undetermined):
        _seen(check, **{question: Output(1, "", BROKEN)})


def test_a_log_that_is_not_there_is_no_run() -> None:
    answers: dict[Question[Any], object] = {
        job_log.LAST_RUN.with_values(log=job.log, ending=job.ending): Output(1, "", GONE)
        for job in cron_jobs.jobs_of(TARGET).values()
    }
    assert looking(TARGET, answers).observe(job_log.last_runs).of("backup.sh") is None


def test_a_log_that_cannot_be_read_is_not_taken_for_one_that_is_not_there() -> None:
    told = [Output(0, "now 1\n", GONE), Output(1, "", BROKEN), Output(1, "", GONE)]
    asked = [job_log.LAST_RUN.with_values(log=job.log, ending=job.ending) for job in cron_jobs.jobs_of(TARGET).values()]
    monitor, backup, _ = looking(TARGET, dict(zip(asked, told, strict=True))).observe(job_log.last_runs).found.values()
    assert isinstance(monitor, job_log.LastRun)
    assert isinstance(backup, Undetermined)


def test_what_is_there_is_read_whatever_is_said_beside_it() -> None:
    assert _seen(cron_jobs.crontab, CRONTAB=Output(0, "0 2 * * * /a\n", "no crontab for deploy")).lines
    assert _seen(git_clone.deploy_script, DEPLOY_SCRIPT=Output(0, "81ed\n", "No such file")) == 0o100755
    assert [*_seen(cron_jobs.scripts, SCRIPTS=Output(0, "", ""))] == []
    assert _seen(environment.secret_files, SECRET_FILES=Output(0, "600 root /x\n", "No such file"))
    commit = "a" * 40
    assert _seen(git_clone.origin_commit, ORIGIN=Output(0, f"{commit}\trefs/heads/main\n", "")) == commit
    with pytest.raises(Undetermined, match="git ended with 2 and said: fatal: no"):
        _seen(git_clone.origin_commit, ORIGIN=Output(2, "advice\nfatal: no\nmore\n", ""))


def _github(own: int, shared: int) -> Any:
    body = '{"total_count": 1, "secrets": [{"name": "%s"}]}'
    target = TARGET.model_copy(update={"github": TARGET.github.model_copy(update={"repository": "a/b"})})
    return looking(
        target,
        {
            github_secrets.OF_REPOSITORY: HttpAnswer(own, {}, body % "OWN"),
            github_secrets.OF_ORGANIZATION: HttpAnswer(shared, {}, body % "SHARED"),
        },
    ).observe(github_secrets.actions_secrets)


def test_secrets_of_the_organization_count_where_there_is_one() -> None:
    assert _github(200, 200) == {"OWN", "SHARED"}
    assert _github(200, 404) == {"OWN"}


@pytest.mark.parametrize(
    ("own", "shared", "right"),
    [(401, 200, rights.GITHUB), (200, 403, rights.GITHUB), (404, 200, rights.GITHUB), (500, 200, None)],
)
def test_secrets_that_github_does_not_show_cannot_be_told(own: int, shared: int, right: object) -> None:
    with pytest.raises(Undetermined) as told:
        _github(own, shared)
    assert told.value.right is right


def test_mails_that_wait() -> None:
    assert (
        _seen(mail_alerts.waiting_mails, QUEUE=Output(0, "program /usr/sbin/sendmail\nMail queue is empty\n", "")) == 0
    )
    with pytest.raises(Undetermined, match="no mailq"):
        _seen(mail_alerts.waiting_mails, QUEUE=Output(127, "", "not found"))
    with pytest.raises(Undetermined, match="could not be read"):
        _seen(mail_alerts.waiting_mails, QUEUE=Output(1, "", "not allowed"))


def test_the_last_delivery_is_that_of_the_newest_log_that_tells_of_one() -> None:
    told = "log\t/a\t3\tbounced\nlog\t/b\t2\tdelivered\nlog\t/c\t0\t\n"
    assert _seen(mail_alerts.last_delivery, DELIVERIES=Output(0, told, "")).path == "/b"
    with pytest.raises(Undetermined, match="no mail log"):
        _seen(mail_alerts.last_delivery, DELIVERIES=Output(0, "", ""))
    assert _seen(mail_alerts.last_delivery, DELIVERIES=Output(0, "log\t/a\t0\t\n", "")) is None
    with pytest.raises(Undetermined, match="/a mentions the alerts' address, but in no known form of line"):
        _seen(mail_alerts.last_delivery, DELIVERIES=Output(0, "log\t/a\t3\t\nlog\t/b\t0\t\n", ""))


@pytest.mark.parametrize(
    ("listed", "folders"),
    [
        (Output(0, "PATH=/opt/bin\n", "no crontab for x"), ("/opt/bin",)),
        (Output(1, "", "no crontab for root"), ("/usr/bin", "/bin")),
    ],
    ids=["the crontab's", "cron's own"],
)
def test_the_folders_in_which_a_job_looks(listed: Output, folders: tuple[str, ...]) -> None:
    found = _seen(mail_alerts.programs, PROGRAMS=Output(0, "program df /bin\n", ""), CRONTAB=listed)
    assert found.paths["backup.sh"] == folders


def test_a_crontab_that_cannot_be_read_is_not_taken_for_one_that_sets_nothing() -> None:
    with pytest.raises(Undetermined, match="the crontab could not be read"):
        _seen(mail_alerts.programs, PROGRAMS=Output(0, "program df /bin\n", ""), CRONTAB=Output(1, "", BROKEN))


def test_a_path_of_a_script_may_hold_blanks() -> None:
    assert mail_alerts.read_programs('path backup.sh "/a b:$PATH"\n', "/bin").paths["backup.sh"] == ("/a b", "/bin")


def test_tables_of_production_have_names() -> None:
    assert _seen(backup_permissions.tables_of_production, TABLES=Output(0, "public.a\n\npublic.b\n", "")) == {
        "public.a",
        "public.b",
    }


def _rows(*production: str, dumped: tuple[str, ...] = ("00:00", "02:00")) -> data_regression.NewestRows:
    """What is seen of the newest rows in two columns, beside a backup without rows and others with one of each time."""
    whole = "begins 1\ncompletes 1\nafter 0\nbytes 1\ngzip 0\n"
    rows = ["", *(f"newest a.at 2026-02-14 {at}:00+00\n" for at in dumped)]
    dumps = {f"/b/psyfit_production_2026021{day}_010000.sql.gz": row for day, row in enumerate(rows)}
    own = TARGET.backups.model_copy(update={"freshness_columns": ("a.at", "b.at")})
    answers: dict[Question[Any], object] = {
        **{
            schema.NEWEST.with_values(table=table, column="at"): Output(0, f"{at}\n", "")
            for table, at in zip("ab", production, strict=True)
        },
        backup_files.LIST: Output(0, "now 1771002000\n" + "".join(f"file 1 1 {file}\n" for file in dumps), ""),
        **{pg_dump.READ.with_values(file=file): Output(0, whole + row, "") for file, row in dumps.items()},
    }
    return looking(TARGET.model_copy(update={"backups": own}), answers).observe(data_regression.newest_rows)


def test_how_far_production_is_behind_a_backup() -> None:
    at = datetime(2026, 2, 14, 2, tzinfo=UTC).timestamp()
    assert _rows(str(at - 7200), "").hours_behind == 2
    assert _rows(str(at - 7200), str(at - 3600)).hours_behind == 1
    assert _rows(str(at + 3600), str(at)).hours_behind == -1
    assert _rows("", "").hours_behind is None
    with pytest.raises(Undetermined, match="no plain backup with rows"):
        _rows("1", "1", dumped=())
    with pytest.raises(NotApplicable, match="names no columns"):
        looking(TARGET, {}).observe(data_regression.newest_rows)


def test_only_a_sealed_backup_makes_a_sealed_drill() -> None:
    told = "now 1790000000\npassed 1780000000 restore x.sql.gz.gpg\npassed 1785000000 restore y.sql.gz\n"
    assert _seen(drill_history.passed_drills, PASSED=Output(0, told, "")).last_sealed.backup == "x.sql.gz.gpg"


NO_ADDRESS = {"HostConfig": {"PortBindings": {"80/tcp": [{"HostIp": "nowhere", "HostPort": "1"}]}}}


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (ports_and_logs.read_service_logs, "now 1\nanything"),
        (ports_and_logs.read_writers, "open\tx"),
        (ports_and_logs.read_writers, "open\tx\t/y (deleted)\nelse\tx\t/y (deleted)"),
        (encrypted_backups.read_parts, "else 1 2"),
    ],
)
def test_a_line_of_another_form_is_told_as_such(read: Callable[[str], object], given: str) -> None:
    with pytest.raises(ValueError, match="there is an unexpected line"):
        read(given)


REFUSED: list[tuple[Callable[..., object], tuple[Any, ...]]] = [
    (ports_and_logs.read_service_logs, ("now 1\nanything",)),
    (ports_and_logs.read_writers, ("open\tx",)),
    (ports_and_logs.read_writers, ("else\tx\t/y (deleted)",)),
    (account_lockout.read_counts, ('["1", 2]',)),
    (account_lockout.read_counts, ('[1, "2"]',)),
    (account_lockout.read_counts, ("[3, 2]",)),
    (account_lockout.read_counts, ("[-1, 2]",)),
    (backup_files.read_list, ("folder\n",)),
    (encrypted_backups.read_heads, ("tail /x 00",)),
    (encrypted_backups.read_heads, ("head",)),
    (certificate.read_at_address, ("127.0.0.1 AB:CD",)),
    (drill_history.read_passed, ("passed 1 a b",)),
    (drill_history.read_passed, ("now 1 2",)),
    (drill_history.read_passed, ("",)),
    (drill_history.read_passed, ("then 1\n",)),
    (lambda *given: [*tls_termination.published(*given)], (NO_ADDRESS, "80/tcp")),
    (crash_causes.read_last_words, ("words of nobody",)),
    (kamal_proxy.read_list, ("Service  Host  Path  Target  State  TLS\nweb  a  /  b  asleep  no",)),
    (
        kamal_proxy.read_list,
        ("Service  Host  Path  Target  State    TLS\nweb      a     /     b       running  maybe",),
    ),
    (git_clone._path, ("1", "too few")),
    (lambda files: resource_usage.read_counted(files, limited=False), ({},)),
]  # fmt: skip


@pytest.mark.parametrize(("read", "given"), REFUSED)
def test_what_is_of_no_known_form_is_refused(read: Callable[..., Any], given: tuple[Any, ...]) -> None:
    with pytest.raises((ValueError, LookupError, TypeError)):
        read(*given)


def test_counts_of_accounts_may_be_all_of_them() -> None:
    assert account_lockout.read_counts("[2, 2]") == (2, 2)
    assert account_lockout.read_counts("[0, 0]") == (0, 0)


@pytest.mark.parametrize(
    ("dumped", "flaw"),
    [
        ({"gzip_whole": False}, "it cannot be decompressed to its last byte"),
        ({"begins": False}, "it does not begin as a dump"),
        ({"completes": 2}, "2 dumps in one file"),
        ({"completes": 0}, "its last line is missing"),
        ({"ends": False}, "lines after its last one"),
        ({}, None),
    ],
)
def test_why_a_dump_is_not_whole(dumped: dict[str, Any], flaw: str | None) -> None:
    whole: dict[str, Any] = {"gzip_whole": True, "begins": True, "completes": 1, "ends": True}
    one = pg_dump.Dump(**{**whole, **dumped}, size_bytes=1, newest=(), started=None, tables=())
    assert one.flaw == flaw


@pytest.mark.parametrize(
    ("address", "host", "reached", "everybody"),
    [
        ("", "10.0.0.1", True, True),
        ("0.0.0.0", "localhost", True, True),  # noqa: S104 - what Docker says
        ("127.0.0.1", "localhost", True, False),
        ("127.0.0.1", "127.0.0.2", True, False),
        ("::1", "[::1]", True, False),
        ("10.0.0.1", "10.0.0.1", True, True),
        ("10.0.0.1", "localhost", False, True),
        ("127.0.0.1", "10.0.0.1", False, False),
    ],
)
def test_where_a_published_port_is_reached(address: str, host: str, reached: bool, everybody: bool) -> None:
    one = Published(address, 8080)
    assert one.is_reached_at(host, 8080) is reached
    assert one.is_reached_at(host, 8081) is False
    assert one.to_everybody is everybody


def test_targets_of_the_proxy() -> None:
    assert (kamal_proxy.host_of("web:3000"), kamal_proxy.port_of("web:3000")) == ("web", 3000)
    assert (kamal_proxy.host_of("web"), kamal_proxy.port_of("web")) == ("web", 80)
    assert (kamal_proxy.host_of("fe80::a"), kamal_proxy.port_of("fe80::a")) == ("fe80::a", 80)
    assert (kamal_proxy.host_of("3000"), kamal_proxy.port_of("3000")) == ("3000", 80)
    with pytest.raises(Undetermined, match="no curl"):
        kamal_proxy.http_status_of(Output(127, "", ""))
    assert kamal_proxy.http_status_of(Output(7, "000", "")) is None


def test_what_a_group_of_the_kernel_tells() -> None:
    first = {"memory.usage_in_bytes": "900", "memory.limit_in_bytes": str(1 << 60), "memory.oom_control oom_kill": "2"}
    second = {"memory.current": "900", "memory.max": str((1 << 60) - 1), "memory.events oom_kill": "3"}
    told = resource_usage.read_counted({**first, "memory.stat total_inactive_file": "100"}, limited=False)
    assert (told.memory_bytes, told.limit_bytes, told.out_of_memory_kills) == (800, None, 2)
    told = resource_usage.read_counted({**second, "memory.stat inactive_file": "200"}, limited=False)
    assert (told.memory_bytes, told.limit_bytes, told.out_of_memory_kills) == (700, (1 << 60) - 1, 3)
    files = {"memory.current": "5", "memory.max": "max", "memory.stat inactive_file": "9"}
    told = resource_usage.read_counted(files, limited=False)
    assert (told.memory_bytes, told.out_of_memory_kills, told.periods, told.held_back) == (0, None, 0, 0)
    assert not told.cpu_limited


@pytest.mark.parametrize(
    ("word", "program", "kind"),
    [
        ("backup.sh", "bash", "backup"),
        ("backup.sh", "backup.sh", "backup"),
        ("backup.sh", "vi", None),
        ("", "bash", None),
        ("backup.sh", "", None),
        ("other.sh", "bash", None),
        ("pg_dump", "bash", None),
        ("db:migrate", "ruby", "migration"),
    ],
)
def test_what_a_process_is_about(word: str, program: str, kind: str | None) -> None:
    found = in_progress.process(word, program)
    assert (found and (found.kind, found.word)) == (kind and (kind, word))


def test_what_is_under_way_is_told_by_its_kind() -> None:
    work = in_progress.read_work("lock\t/run/x (deleted)\t\nprocess\t/a/backup.sh\tbash\nopen /j/7\n")
    assert work.holders == {"/run/x": ("a process",)}
    assert (len(work.running("backup")), len(work.running("deploy"))) == (1, 0)
    assert work.undo == ("7",)


def test_a_session_that_has_asked_nothing_has_no_time() -> None:
    assert sessions._seconds(None) == 0.0
    told = sessions.read_sessions('[97, 1, [[7, "idle", null, null, null, null, null, null]]]').others[0]
    assert (told.waits_for, told.application, told.query_seconds) == (None, "", 0.0)
    assert not told.waits_for_lock


@pytest.mark.parametrize(
    ("at", "seen_at", "writing"),
    [(0, 0, True), (0, 3599, True), (0, 3600, False), (61, 0, False)],
    ids=["now", "within its time", "at its end", "from the future"],
)
def test_a_run_is_in_progress_within_its_time(at: int, seen_at: int, writing: bool) -> None:
    line = job_log.LogLine("begun", datetime.fromtimestamp(at, UTC))
    run = job_log.LastRun(None, (line,), ended=False, backup=None, seen_at=datetime.fromtimestamp(seen_at, UTC))
    assert run.in_progress(60) is writing
    assert run.good_run is None


@pytest.mark.parametrize(
    ("own", "is_failing"),
    [
        ({"running": True, "restarts": 0, "up_seconds": None}, False),
        ({"running": True, "restarts": 1, "up_seconds": None}, True),
        ({"running": True, "restarts": 1, "up_seconds": 599.0}, True),
        ({"running": True, "restarts": 1, "up_seconds": 600.0}, False),
        ({"running": True, "restarting": True, "restarts": 0, "up_seconds": 900.0}, True),
        ({"running": False, "exit_code": 1}, True),
        ({"running": False, "exit_code": 0}, False),
    ],
)
def test_a_release_that_fails(own: dict[str, Any], is_failing: bool) -> None:
    plain = {"restarting": False, "exit_code": 0, "out_of_memory": False}
    assert crash_causes.is_failing(replace(container(), **{**plain, **own})) is is_failing


def test_sizes_that_docker_tells() -> None:
    assert [units.read_size(text) for text in ("5", "5k", "5kB", "5m", "5g", "5t", "1.5kB")] == [
        5, 5_000, 5_000, 5_000_000, 5_000_000_000, 5_000_000_000_000, 1_500
    ]  # fmt: skip
    assert units.read_size("5PB") == 5_000_000_000_000_000


def test_users_of_a_disk_are_the_largest_first() -> None:
    one, two = disk_users.read_users("5\t/a\n9\t/b\tc\n\n3\t/b\tc\n")
    assert (one.path, one.used_bytes, one.inodes) == ("/b\tc", 9, 3)
    assert (two.path, two.inodes) == ("/a", 0)
