"""Cron: is it running, what does root's crontab say, and can its scripts be executed."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import cleandoc

from checks.formats.crontab import Crontab, read_crontab
from checks.formats.crontab_redaction import REDUCED
from checks.formats.file_modes import FileMode, read_file_modes
from runbook.model import rights
from runbook.model.question import Command, lines_of
from runbook.model.target import Target
from runbook.observation.snapshot import Snapshot, reading

CRONTAB = Command(
    cleandoc(
        r"""listed=$(
      if [ "$(id -un)" = {cron_account} ]; then crontab -l; else crontab -l -u {cron_account}; fi
      status=$?; echo x; exit $status
    ) || exit
    new_line='
    '
    listed=${{listed%x}}
    told=$(printf '%s' "$listed" | REDUCED)
    printf '%s' "$told"
    [ -n "${{listed##*"$new_line"}}" ] || echo"""
    ).replace("REDUCED", REDUCED),
    needs=rights.ROOT,
)
"""Its lines as far as they are read: whatever else a job is told or told by may be secret, and stays on the server."""

PROCESSES = Command(
    cleandoc(
        r"""[ -r /proc/1/status ] || {{ echo "Permission denied: other accounts' processes are hidden" >&2; exit 1; }}
    found=$(grep -slE '^Name:[[:space:]]*crond?$' /proc/[0-9]*/status)
    [ -z "$found" ] || grep -shE '^(Name|State|NSpid):' $found || :"""
    ),
    needs=rights.ROOT,
)

SCRIPTS = Command(
    "stat -L -c '%a %U %n' -- {app}/bin/monitor.sh {app}/bin/backup.sh {app}/bin/cleanup-docker.sh", needs=rights.ROOT
)

MINUTES = {"minute": 1, "hour": 60}


@dataclass(frozen=True)
class CronProcess:
    """A process of cron's on the server itself; ``state`` is the kernel's letter (S sleeping, T stopped, Z dead)."""

    state: str

    @property
    def alive(self) -> bool:
        """It can start a job."""
        return self.state in "RSDI"


@dataclass(frozen=True)
class Job:
    """One job of the runbook's crontab. ``ending`` begins what the last line says that a good run writes to ``log``."""

    script: str
    log: str
    ending: str


def jobs_of(target: Target) -> dict[str, Job]:
    """The jobs that the runbook's crontab runs, by the names of their scripts."""
    paths = target.paths
    return {
        name: Job(f"{paths.app}/bin/{name}", log, ending)
        for name, log, ending in (
            ("monitor.sh", paths.monitor_log, "=== Monitor check completed"),
            ("backup.sh", paths.backup_log, "Backup completed successfully"),
            ("cleanup-docker.sh", paths.cleanup_log, "=== Docker cleanup completed"),
        )
    }


def cron_jobs(snapshot: Snapshot) -> dict[str, Job]:
    """The jobs that the runbook's crontab runs, by the names of their scripts; nothing is asked for that."""
    return jobs_of(snapshot.target)


def crontab(snapshot: Snapshot) -> Crontab:
    """The crontab of the account that runs the jobs; one that is not there is empty."""
    told = snapshot.ask(CRONTAB)
    if told.status != 0 and "no crontab for" in told.err:
        return Crontab((), ())
    return read_crontab(told.required("the crontab").out)


def cron_processes(snapshot: Snapshot) -> tuple[CronProcess, ...]:
    """Cron's processes on the server itself; those inside containers do not count."""
    told = snapshot.ask(PROCESSES).required("the processes")
    with reading("the processes"):
        return tuple(read_processes(told.out))


def scripts(snapshot: Snapshot) -> dict[str, FileMode]:
    """The scripts that cron runs, by their paths; one that is missing is not among them."""
    told = snapshot.ask(SCRIPTS)
    if told.status != 0 and "no such file" not in told.err.lower():
        told.required("the scripts' permissions")
    with reading("the scripts' permissions"):
        return {script.path: script for script in read_file_modes(told.out)}


def read_processes(text: str) -> list[CronProcess]:
    """Read the Name, State and NSpid lines of /proc/PID/status, process after process.

    Raises:
        ValueError: A line is of another form.
    """
    found: list[CronProcess] = []
    state = ""
    for line in lines_of(text):
        key, _, value = line.partition(":")
        words = value.split()
        if not words:
            raise ValueError("this is not a line of a process's status")
        if key == "State":
            state = words[0]
        elif key == "NSpid" and len(words) == 1:
            found.append(CronProcess(state))
    return found
