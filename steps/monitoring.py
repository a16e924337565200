"""Section 6: what is monitored holds, and cron runs what the runbook says."""

from __future__ import annotations

from datetime import timedelta

from pytest_bdd import parsers, then

from checks.formats.crontab import Crontab, schedule_of
from checks.formats.file_modes import FileMode
from checks.formats.shell_words import appends_all_to
from checks.server.cron_environment import JobSettings
from checks.server.cron_jobs import MINUTES, CronProcess, Job
from checks.server.disk_space import Disks
from checks.server.job_log import LastRuns
from checks.server.mail_alerts import MailLog, Programs
from runbook.model.outcome import NotApplicable, require
from runbook.observation.snapshot import Snapshot


@then(parsers.parse("every file system of the service is less than {limit:d} % full"))
def every_file_system_has_room(disks: Disks, limit: int) -> None:
    found = disks.file_systems
    full = [f"{one.mount} {one.used_percent:.0f} %" for one in found if one.used_percent >= limit]
    require(found and not full, expected=f"less than {limit} % everywhere", actual=full, section="10")
    _all_seen(disks)


@then(parsers.parse("every file system of the service has used less than {limit:d} % of its inodes"))
def every_file_system_has_inodes(disks: Disks, limit: int) -> None:
    found = disks.file_systems
    full = [f"{one.mount} {one.used_inodes_percent:.0f} %" for one in found if one.used_inodes_percent >= limit]
    require(found and not full, expected=f"less than {limit} % of inodes everywhere", actual=full, section="10")
    _all_seen(disks)


def _all_seen(disks: Disks) -> None:
    """A full disk is told in any case; that none is, only where it is known which there are."""
    if disks.unseen is not None:
        raise disks.unseen


@then("monitor.sh checks each of these against its threshold")
def the_monitor_watches(watched_words: frozenset[str], datatable: list[list[str]]) -> None:
    missing = [
        f"{item}{f' at {threshold}' if threshold else ''}"
        for item, words, threshold in datatable[1:]
        if not watched_words & set(words.split(" or ")) or not {threshold} - {""} <= watched_words
    ]
    require(watched_words and not missing, expected="every row of 6.3's table in it", actual=missing, section="6.3")


@then(parsers.parse("{name} is set in the environment of cron's monitor"))
def the_alerts_have_an_address(job_settings: JobSettings, name: str) -> None:
    elsewhere = [f"set in {one.file} alone" for one in job_settings.for_shells if one.name == name]
    require(
        job_settings.set_by(name),
        expected="an address in the crontab, or in .env where the script reads it",
        actual=elsewhere or "none",
        section="6.3",
    )


@then(parsers.parse("{script} finds sendmail or mail"))
def the_script_can_mail(programs: Programs, script: str) -> None:
    names = ("sendmail", "mail")
    require(
        len(programs.missing(script, names)) < len(names),
        expected=f"one of them in {':'.join(programs.paths[script])}",
        actual="neither",
        section="6.3",
    )


@then("the server's mail queue is empty")
def no_mail_waits(waiting_mails: int) -> None:
    require(waiting_mails == 0, expected="an empty queue", actual=f"{waiting_mails} in it", section="6.3")


@then(parsers.parse("the last mail to {name} was delivered, according to the server's mail log"))
def the_last_mail_was_delivered(last_delivery: MailLog | None, name: str) -> None:
    if last_delivery is None:
        raise NotApplicable(f"no mail to {name} was sent as far back as the mail log goes")
    require(
        last_delivery.last == "delivered",
        expected="a delivery",
        actual=f"the last of {last_delivery.lines} was {last_delivery.last}, by {last_delivery.path}",
        section="6.3",
    )


@then("monitor.sh finds curl, docker, openssl and df")
def the_monitor_finds_its_programs(programs: Programs) -> None:
    _finds(programs, "monitor.sh", ("curl", "docker", "openssl", "df"))


@then("backup.sh finds docker, gzip and gpg")
def the_backup_finds_its_programs(programs: Programs) -> None:
    _finds(programs, "backup.sh", ("docker", "gzip", "gpg"))


def _finds(programs: Programs, script: str, names: tuple[str, ...]) -> None:
    missing = [
        f"{name} is in {' and '.join(programs.places.get(name, ('none',)))}" for name in programs.missing(script, names)
    ]
    require(not missing, expected=f"all in {':'.join(programs.paths[script])}", actual=missing, section="6.4")


@then("a cron process is running on the server")
def cron_is_running(cron_processes: tuple[CronProcess, ...]) -> None:
    seen = [f"a cron process in state {one.state}" for one in cron_processes] or "no cron process"
    require(any(one.alive for one in cron_processes), expected="a running cron", actual=seen, section="6.4")


@then("cron can read every line of the crontab")
def crontab_is_well_formed(crontab: Crontab) -> None:
    require(not crontab.flaws, expected="lines that cron can read", actual=crontab.flaws, section="6.4")


@then(parsers.parse('the crontab runs {script} at "{expression}"'))
def crontab_runs_script(crontab: Crontab, cron_jobs: dict[str, Job], script: str, expression: str) -> None:
    path = cron_jobs[script].script
    found = crontab.running(path)
    require(
        any(line.schedule == schedule_of(expression) for line in found),
        expected=f"an active line that runs {path} at {expression}",
        actual=[line.text for line in found] or f"no active line that runs it among {len(crontab.lines)}",
        section="6.4",
    )


@then(parsers.parse("the output of {script} is appended to its log"))
def output_is_appended(crontab: Crontab, cron_jobs: dict[str, Job], script: str) -> None:
    job = cron_jobs[script]
    found = crontab.running(job.script)
    require(
        found and all(appends_all_to(line.command, job.log) for line in found),
        expected=f">> {job.log} 2>&1",
        actual=[line.text for line in found],
        section="6.4",
    )


@then(parsers.parse("{script} is executable"))
def script_can_be_executed(
    snapshot: Snapshot, scripts: dict[str, FileMode], cron_jobs: dict[str, Job], script: str
) -> None:
    found = scripts.get(cron_jobs[script].script)
    account = snapshot.target.cron.account
    require(
        found and found.executable_by(account),
        expected=f"{cron_jobs[script].script}, executable by {account}",
        actual=f"mode {found.mode:04o}, owner {found.owner}" if found else "no such file",
        section="6.4",
    )


@then(
    parsers.re(
        r"the log of (?P<script>\S+) ends with a successful run, "
        r"or with one that was still writing less than (?P<usual>\d+) minutes? ago"
    )
)
def last_run_ended_well(last_runs: LastRuns, cron_jobs: dict[str, Job], script: str, usual: str) -> None:
    run, log = last_runs.of(script), cron_jobs[script].log
    last = run.last if run else None
    require(
        run and (run.ended or run.in_progress(int(usual))),
        expected=f"a last line “{cron_jobs[script].ending}” in {log}",
        actual=f"“{last.text}”" if last else f"no line in {log}",
        section="6.4",
    )


@then(
    parsers.re(r"the last successful run of (?P<script>\S+) ended less than (?P<limit>\d+) (?P<unit>minute|hour)s? ago")
)
def last_run_is_recent(last_runs: LastRuns, cron_jobs: dict[str, Job], script: str, limit: str, unit: str) -> None:
    run = last_runs.of(script)
    ended = run.good_run if run else None
    require(
        ended and ended.less_than(timedelta(minutes=int(limit) * MINUTES[unit])),
        expected=f"a successful run less than {limit} {unit}s ago",
        actual=f"the last one {ended}" if ended else f"none in {cron_jobs[script].log}",
        section="6.4",
    )
