"""Section 6: what is monitored holds, and cron runs what the runbook says."""

from __future__ import annotations

from pytest_bdd import parsers, then

from checks.cron import (
    MINUTES,
    CronProcess,
    Crontab,
    Job,
    LastRuns,
    Script,
    appends_all_to,
    schedule_of,
)
from checks.disk import Disks
from runbook.look import Look
from runbook.outcome import require


@then(parsers.parse("every file system of the service is less than {limit:d} % full"))
def every_file_system_has_room(disks: Disks, limit: int) -> None:
    found = disks.file_systems
    full = [f"{one.mount} {one.used_percent:.0f} %" for one in found if one.used_percent >= limit]
    require(found and not full, expected=f"less than {limit} % everywhere", seen=full, go_to="10")
    _all_seen(disks)


@then(parsers.parse("every file system of the service has used less than {limit:d} % of its inodes"))
def every_file_system_has_inodes(disks: Disks, limit: int) -> None:
    found = disks.file_systems
    full = [f"{one.mount} {one.used_inodes_percent:.0f} %" for one in found if one.used_inodes_percent >= limit]
    require(found and not full, expected=f"less than {limit} % of inodes everywhere", seen=full, go_to="10")
    _all_seen(disks)


def _all_seen(disks: Disks) -> None:
    """A full disk is told in any case; that none is, only where it is known which there are."""
    if disks.unseen is not None:
        raise disks.unseen


@then("a cron process is alive on the server")
def cron_is_running(cron_processes: tuple[CronProcess, ...]) -> None:
    seen = [f"a cron process in state {one.state}" for one in cron_processes] or "no cron process"
    require(any(one.alive for one in cron_processes), expected="a running cron", seen=seen, go_to="6.4")


@then("cron can read every line of the crontab")
def crontab_is_well_formed(crontab: Crontab) -> None:
    require(not crontab.flaws, expected="lines that cron takes as they look", seen=crontab.flaws, go_to="6.4")


@then(parsers.parse('the crontab runs {script} at "{expression}"'))
def crontab_runs_script(crontab: Crontab, cron_jobs: dict[str, Job], script: str, expression: str) -> None:
    path = cron_jobs[script].script
    found = crontab.running(path)
    require(
        any(line.schedule == schedule_of(expression) for line in found),
        expected=f"an active line that runs {path} at {expression}",
        seen=[line.text for line in found] or f"no active line that runs it among {len(crontab.lines)}",
        go_to="6.4",
    )


@then(parsers.parse("what {script} prints is appended to its log"))
def output_is_appended(crontab: Crontab, cron_jobs: dict[str, Job], script: str) -> None:
    job = cron_jobs[script]
    found = crontab.running(job.script)
    require(
        found and all(appends_all_to(line.command, job.log) for line in found),
        expected=f">> {job.log} 2>&1",
        seen=[line.text for line in found],
        go_to="6.4",
    )


@then(parsers.parse("{script} can be executed"))
def script_can_be_executed(look: Look, scripts: dict[str, Script], cron_jobs: dict[str, Job], script: str) -> None:
    found = scripts.get(cron_jobs[script].script)
    account = look.target.cron.account
    require(
        found and found.executable_by(account),
        expected=f"{cron_jobs[script].script}, executable by {account}",
        seen=f"mode {found.mode:04o}, owner {found.owner}" if found else "no such file",
        go_to="6.4",
    )


@then(
    parsers.re(
        r"the log of (?P<script>\S+) ends with a run that ended well, "
        r"or with one that was writing less than (?P<usual>\d+) minutes? ago"
    )
)
def last_run_ended_well(last_runs: LastRuns, cron_jobs: dict[str, Job], script: str, usual: str) -> None:
    run, log = last_runs.of(script), cron_jobs[script].log
    last = run.last if run else None
    require(
        run and (run.ended or run.in_progress(int(usual))),
        expected=f"a last line “{cron_jobs[script].ending}” in {log}",
        seen=f"“{last.text}”" if last else f"no line in {log}",
        go_to="6.4",
    )


@then(parsers.re(r"the last good run of (?P<script>\S+) ended less than (?P<limit>\d+) (?P<unit>minute|hour)s? ago"))
def last_run_is_recent(last_runs: LastRuns, cron_jobs: dict[str, Job], script: str, limit: str, unit: str) -> None:
    run = last_runs.of(script)
    minutes = run.minutes_ago if run else None
    require(
        minutes is not None and -1 < minutes < int(limit) * MINUTES[unit],
        expected=f"a run that ended well less than {limit} {unit}s ago",
        seen=_ago(minutes) if minutes is not None else f"none in {cron_jobs[script].log}",
        go_to="6.4",
    )


def _ago(minutes: float) -> str:
    if minutes < 0:
        return f"one that ended {-minutes:.0f} minutes from now by the server's own clock"
    return f"the last one {minutes / 60:.1f} h ago" if minutes >= 120 else f"the last one {minutes:.0f} minutes ago"
