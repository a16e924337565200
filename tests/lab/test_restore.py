"""The restore drill: it passes whole backups, finds what is wrong with each other one, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import bad_copies, broken_backups
from lab.server import Server
from runbook.model.outcome import Outcome
from runbook.model.record import Run, Scenario
from tests.lab.looking import runbook
from tests.lab.sampling import sampled
from tests.lab.test_untouched import STATE

LATEST, ENCRYPTED = "the-latest-backup-can-be-restored", "the-latest-encrypted-backup-can-be-restored"
CANARY = ("架空", "hanako.kakuu")


@pytest.fixture(scope="module")
def server(lab: Server) -> Iterator[Server]:
    """The lab, without the broken backups that these tests put on it."""
    yield lab
    bad_copies.remove(lab)


def drilled(server: Server, reports: Path, *options: str) -> tuple[Run, Path]:
    """Run the restore drill; its record and the folder of its reports."""
    before = set(reports.iterdir())
    done = runbook(
        "drill", "restore", "--target", str(server.state / "target.toml"), "--reports", str(reports), *options
    )
    made = set(reports.iterdir()) - before
    assert len(made) == 1, done.stdout + done.stderr
    (folder,) = made
    run = Run.model_validate_json((folder / "run.json").read_text())
    assert run.exit_code == done.returncode, done.stdout + done.stderr
    return run, folder


def scenario(run: Run, scenario_id: str) -> Scenario:
    return next(one for one in run.scenarios if one.id == scenario_id)


def told(run: Run) -> str:
    return "\n".join(f"{one.outcome}: {one.id}: {one.reason}" for one in run.scenarios)


def left_on(server: Server) -> str:
    """What a drill may have left: containers, open undos, locks, processes."""
    return server.run(
        "docker ps --all --quiet --filter label=runbook.drill; ls /var/lib/psyfit-runbook/journal; "
        "ls -d /run/lock/runbook* 2>/dev/null; pgrep -a -x 'gpg|gzip|psql'"
    ).out


def test_whole_backups_plain_and_encrypted_bring_the_database_back(server: Server, reports: Path) -> None:
    before = server.run(STATE).required().out
    run, _ = drilled(server, reports)
    assert run.exit_code == 0, told(run)
    assert {one.id: one.outcome for one in run.scenarios} == {LATEST: "passed", ENCRYPTED: "passed"}
    assert server.run(STATE).required().out.splitlines() == before.splitlines()
    assert left_on(server) == ""


def test_the_time_is_told_phase_by_phase_and_the_age_by_the_newest_row(server: Server, reports: Path) -> None:
    run, _ = drilled(server, reports)
    figures = {figure.name: figure for figure in scenario(run, LATEST).figures}
    assert {"fetch", "decrypt and decompress", "load", "verify", "rows", "backup"} <= figures.keys()
    assert figures["time to restore the database (RTO)"].objective == "60 s"
    assert figures["time to restore the database (RTO)"].within
    assert figures["newest row (RPO)"].objective == "25 h"
    assert figures["newest row (RPO)"].within


@pytest.mark.parametrize("name", sampled(broken_backups.names(), 5))
def test_a_broken_backup_is_found_and_named(name: str, server: Server, reports: Path) -> None:
    path = broken_backups.make(server, name)
    run, folder = drilled(server, reports, "--", f"--backup={path}")
    found = scenario(run, LATEST)
    differences = [step.difference.seen for step in found.steps if step.difference]
    assert found.outcome is Outcome.FAILED, told(run)
    assert broken_backups.says(name) in "".join(differences)
    assert scenario(run, ENCRYPTED).outcome is Outcome.NOT_APPLICABLE
    assert left_on(server) == ""
    written = "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())
    assert not [word for word in CANARY if word in written]


def test_a_backup_that_is_named_may_be_an_older_encrypted_one(server: Server, reports: Path) -> None:
    oldest = server.run("ls /var/backups/psyfit/*.sql.gz.gpg | head -n 1 | xargs basename").required().out.strip()
    run, _ = drilled(server, reports, "--", f"--backup={oldest}")
    found = scenario(run, LATEST)
    (failing,) = [step for step in found.steps if step.difference]
    assert failing.text == "its newest row meets the RPO"


def test_a_backup_that_is_not_there_cannot_be_told(server: Server, reports: Path) -> None:
    run, _ = drilled(server, reports, "--", "--backup=psyfit_production_20200101_020000.sql.gz")
    assert scenario(run, LATEST).outcome is Outcome.UNDETERMINED
    assert "No such file" in (scenario(run, LATEST).reason or "")


def test_the_key_of_a_backup_stays_off_the_disk_and_out_of_the_evidence(server: Server, reports: Path) -> None:
    run, folder = drilled(server, reports)
    (loading,) = [one for one in run.exchanges if one.question.endswith(".LOAD_SEALED")]
    written = "".join(path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())
    assert "GOODMDC" in loading.answer
    assert "seskey" not in written
    assert "session key" not in written
    assert server.run("grep -rl 'PRIVATE KEY' /root/.gnupg /var/lib/psyfit-runbook").out == ""
