"""The files for a verify every hour: the script as dash runs it with a stand-in `runbook`, the crontab, the units."""

from __future__ import annotations

import configparser
import fcntl
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from checks.formats.crontab import read_crontab, settings_of
from commands.pytest_runner import ROOT
from reporting import bundle
from runbook.model import exits
from tests.unit import report_example as example

SCHEDULED = ROOT / "docs" / "scheduled"
SCRIPT = SCHEDULED / "scheduled-verify.sh"
CRONTAB = SCHEDULED / "crontab"
CLONE = "/opt/psyfit-runbook"

RUNBOOK = """#!/bin/sh
echo "$*" >> {folder}/asked
echo "what the run said"
echo "and what it complained of" >&2
exit "$(cat {folder}/code)"
"""
MAIL = """#!/bin/sh
printf '%s\\n' "$@" > {folder}/mailed
cat >> {folder}/mailed
exit "$(cat {folder}/mailer)"
"""


@dataclass
class Machine:
    """Where the script runs: a stand-in `runbook` and a stand-in `mail` come first on its PATH."""

    folder: Path

    def run(self, code: int = 0, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the script, with a `runbook` that ends with this code."""
        (self.folder / "code").write_text(f"{code}\n")
        return subprocess.run(
            ["dash", SCRIPT, *(arguments or ("production",))],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "HOME": str(self.folder), **environment},
        )

    def breaks_mail(self, broken: bool) -> None:
        (self.folder / "mailer").write_text("1" if broken else "0")

    @property
    def state(self) -> Path:
        return self.folder / ".local/state/psyfit-runbook"

    @property
    def asked(self) -> list[str]:
        """The arguments of each call of `runbook`."""
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def mailed(self) -> list[str]:
        """The lines of the last mail: `-s`, the subject, the address, then the text."""
        path = self.folder / "mailed"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in (("runbook", RUNBOOK), ("mail", MAIL)):
        (programs / name).write_text(text.format(folder=tmp_path))
        (programs / name).chmod(0o755)
    one = Machine(tmp_path)
    one.breaks_mail(False)
    return one


def said(subject: str) -> str:
    return f"{subject}\n\nwhat the run said\nand what it complained of\n"


# The script


def test_a_first_run_that_is_well_is_silent(machine: Machine) -> None:
    done = machine.run(0)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.asked == ["verify --target production"]


@pytest.mark.parametrize("code", [exits.FAILED, exits.WRONG_USE, exits.UNDETERMINED, exits.INTERNAL_ERROR])
def test_a_first_run_that_is_not_well_is_reported(machine: Machine, code: int) -> None:
    done = machine.run(code)
    assert (done.returncode, done.stdout, done.stderr) == (code, said(f"runbook production: exit {code} (was 0)"), "")


def test_a_changed_exit_code_is_reported_once_and_so_is_the_recovery(machine: Machine) -> None:
    codes = (0, 1, 1, 1, 3, 3, 0, 0)
    reported = [(machine.run(code).stdout.partition("\n")[0]) for code in codes]
    assert reported == [
        "",
        "runbook production: exit 1 (was 0)",
        "",
        "",
        "runbook production: exit 3 (was 1)",
        "",
        "runbook production: exit 0 (was 3)",
        "",
    ]


def test_an_exit_code_that_has_not_changed_is_handed_on_all_the_same(machine: Machine) -> None:
    assert [machine.run(1).returncode for _ in range(3)] == [1, 1, 1]


def test_each_target_has_a_last_exit_code_of_its_own(machine: Machine) -> None:
    machine.run(1, "production")
    assert machine.run(0, "staging").stdout == ""
    assert machine.run(1, "production").stdout == ""
    assert machine.run(1, "/etc/runbook/staging.toml").stdout.startswith("runbook staging: exit 1 (was 0)\n")
    assert machine.asked[-1] == "verify --target /etc/runbook/staging.toml"


def test_where_runbook_is_missing_that_is_reported(machine: Machine) -> None:
    (machine.folder / "bin" / "runbook").unlink()
    done = machine.run(0)
    assert done.returncode == 127
    assert done.stdout.startswith("runbook production: exit 127 (was 0)\n\n")
    assert "not found" in done.stdout


def test_while_the_last_run_is_in_progress_none_begins_and_that_is_reported_each_time(machine: Machine) -> None:
    machine.run(0)
    with (machine.state / "production.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for _ in range(2):
            done = machine.run(1)
            assert done.returncode == 75
            assert done.stdout.startswith(
                "runbook production: the last run is still in progress\n\nNothing was verified."
            )
    assert len(machine.asked) == 1
    assert machine.run(1).stdout == said("runbook production: exit 1 (was 0)")


def test_what_a_run_leaves_behind_does_not_hold_the_lock(machine: Machine) -> None:
    """As the process of a shared SSH connection may: this one stays until the test writes to its pipe."""
    pipe = machine.folder / "pipe"
    os.mkfifo(pipe)
    (machine.folder / "bin" / "runbook").write_text(f"#!/bin/sh\ncat {pipe} >/dev/null 2>&1 &\n")
    try:
        assert [machine.run(0).returncode for _ in range(2)] == [0, 0]
    finally:
        os.close(os.open(pipe, os.O_RDWR))  # which never waits for a reader


def test_its_files_are_for_the_account_alone(machine: Machine) -> None:
    machine.run(1)
    assert {path.name: path.stat().st_mode & 0o777 for path in machine.state.iterdir()} == dict.fromkeys(
        ("production.exit", "production.lock", "production.output"), 0o600
    )
    assert machine.state.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_systemd_made_for_it_is_used(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / "var/lib/psyfit-runbook"
    machine.run(1, STATE_DIRECTORY=str(folder))
    assert (folder / "production.exit").read_text() == "1\n"


@pytest.mark.parametrize("arguments", [("",), ("a", "b")], ids=["an empty name", "two names"])
def test_without_one_target_nothing_is_asked(machine: Machine, arguments: tuple[str, ...]) -> None:
    done = machine.run(0, *arguments)
    assert (done.returncode, done.stderr) == (2, "usage: scheduled-verify.sh TARGET\n")
    assert machine.asked == []


# Mail


def test_with_an_address_a_change_is_mailed_and_nothing_printed(machine: Machine) -> None:
    done = machine.run(1, RUNBOOK_MAILTO="ops@psyfit.example")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert machine.mailed == [
        "-s",
        "runbook production: exit 1 (was 0)",
        "ops@psyfit.example",
        "what the run said",
        "and what it complained of",
    ]


def test_without_a_change_no_mail_is_sent(machine: Machine) -> None:
    machine.run(0, RUNBOOK_MAILTO="ops@psyfit.example")
    assert machine.mailed == []


def test_a_change_that_could_not_be_mailed_is_mailed_by_the_next_run(machine: Machine) -> None:
    machine.breaks_mail(True)
    assert machine.run(1, RUNBOOK_MAILTO="ops@psyfit.example").returncode == 1
    machine.breaks_mail(False)
    (machine.folder / "mailed").unlink()
    assert machine.run(1, RUNBOOK_MAILTO="ops@psyfit.example").returncode == 1
    assert machine.mailed[1] == "runbook production: exit 1 (was 0)"


# The crontab


def test_cron_can_read_every_line_and_runs_the_script_once_an_hour() -> None:
    table = read_crontab(CRONTAB.read_text())
    assert not table.flaws
    (verify,) = table.running(f"{CLONE}/docs/scheduled/{SCRIPT.name}")
    assert verify.text.startswith("7 * * * * ")
    assert verify.command == f"{CLONE}/docs/scheduled/{SCRIPT.name} production"


def test_the_script_can_be_executed() -> None:
    assert os.access(SCRIPT, os.X_OK)


def test_cron_finds_runbook_and_says_where_mail_goes() -> None:
    settings = settings_of(CRONTAB.read_text())
    assert settings["PATH"].split(":")[0] == f"{CLONE}/.venv/bin"
    assert "@" in settings["MAILTO"]


def run_folder(reports: Path, name: str, *, code: int, days: float) -> None:
    """The folder of a run that ended so many days ago with this exit code."""
    folder = reports / name
    folder.mkdir()
    bundle.write_record(example.run([], exit_code=code), folder)
    done = folder.stat().st_mtime - days * 86400
    os.utime(folder, (done, done))


def test_of_old_reports_the_first_of_a_day_and_those_in_which_something_failed_are_kept(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "README.md").touch()
    run_folder(reports, "2026-01-01T000704Z-verify-production", code=0, days=50)
    run_folder(reports, "2026-01-01T010704Z-verify-production", code=0, days=50)
    run_folder(reports, "2026-01-01T020704Z-verify-production", code=1, days=50)
    run_folder(reports, "2026-01-01T030704Z-verify-production", code=3, days=50)
    run_folder(reports, "2026-01-01T070704Z-verify-production", code=70, days=50)
    run_folder(reports, "2026-01-01T080704Z-verify-production", code=130, days=50)
    run_folder(reports, "2026-01-01T040704Z-verify-staging", code=0, days=50)
    run_folder(reports, "2026-01-01T050704Z-gate-production", code=0, days=50)
    run_folder(reports, "2026-01-01T060704Z-drill-production", code=0, days=50)
    run_folder(reports, "2026-02-01T010704Z-verify-production", code=0, days=20)
    before = {path.name for path in reports.iterdir()}
    (line,) = [one for one in read_crontab(CRONTAB.read_text()).lines if one.command.startswith("find ")]
    subprocess.run(["dash", "-c", line.command.replace(f"{CLONE}/reports", str(reports))], check=True)
    assert before - {path.name for path in reports.iterdir()} == {
        "2026-01-01T010704Z-verify-production",
        "2026-01-01T030704Z-verify-production",
    }


# The systemd units


def unit(name: str) -> configparser.ConfigParser:
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign]
    read.read(SCHEDULED / name)
    return read


def test_the_service_runs_the_script_for_the_target_that_its_instance_names() -> None:
    service = unit("psyfit-runbook@.service")["Service"]
    assert service["ExecStart"] == f"{CLONE}/docs/scheduled/{SCRIPT.name} %i"
    assert service["Type"] == "oneshot"


def test_the_timer_starts_it_every_hour_and_makes_up_for_a_missed_run() -> None:
    timer = unit("psyfit-runbook@.timer")["Timer"]
    assert (timer["OnCalendar"], timer["Persistent"]) == ("*:07", "yes")
