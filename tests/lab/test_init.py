"""`runbook init` looks at the lab and writes a target file that is as good as the lab's own."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.offsite import BUCKET
from lab.server import Server
from runbook.model.target_file import load
from tests.lab.looking import runbook, verify
from tests.lab.test_untouched import STATE

pytestmark = pytest.mark.only_looks

ACCOUNTS = {"root": "", "deploy": 'become = "sudo -n"', "guest": ""}


def options(lab: Server) -> list[str]:
    """What an operator knows of the lab, and the lab does not: how it is reached, and whom to trust."""
    own = load(str(lab.state / "target.toml"))
    return [
        *("--host", own.address, "--port", str(own.ssh.port), "--ssh-config", str(lab.state / "ssh_config")),
        *("--https-port", str(own.edge.https_port), "--http-port", str(own.edge.http_port)),
        *("--ca-file", str(lab.state / "ca.pem"), "--encryption-key", str(lab.state / "backup-key.asc")),
        *("--set", f"edge.database_page={own.edge.database_page}", "--set", f"backups.keyring={own.backups.keyring}"),
        *("--set", f"probe.slow_page={own.probe.slow_page}", "--set", f"probe.post_path={own.probe.post_path}"),
        *("--set", f"objectives.rto_seconds={own.objectives.rto_seconds}"),
        *("--set", f"attestations={own.attestations}"),
        *("--set", f"dns.resolver={own.dns.resolver}", "--set", f"dns.port={own.dns.port}"),
        *("--set", f"offsite.endpoint={own.offsite.endpoint}", "--set", f"offsite.region={own.offsite.region}"),
        *("--set", f"offsite.credentials={own.offsite.credentials}"),
        *("--set", f"github.api={own.github.api}", "--set", f"github.repository={own.github.repository}"),
    ]


def init(lab: Server, account: str, path: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return runbook("init", *options(lab), "--user", account, "--output", str(path), "--name", lab.name, *more)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_what_it_writes_gives_the_same_outcomes_as_the_labs_own_file(
    account: str, lab: Server, as_account: Callable[..., Path], reports: Path, tmp_path: Path
) -> None:
    path = tmp_path / "made.toml"
    bucket = ("--set", f"offsite.bucket={BUCKET}") if account == "guest" else ()  # which the crontab tells the others
    told = init(lab, account, path, *bucket)
    assert told.returncode == (3 if account == "guest" else 0), told.stdout + told.stderr
    assert "Traceback" not in told.stderr
    wanted = verify(as_account(account, ACCOUNTS[account]), reports)
    seen = verify(path, reports)
    assert {one.id: (one.outcome, one.missing_right) for one in seen.run.scenarios} == {
        one.id: (one.outcome, one.missing_right) for one in wanted.run.scenarios
    }


@pytest.mark.parametrize("account", ["root", "deploy"])
def test_who_may_look_everywhere_gets_every_fact(account: str, lab: Server, tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    init(lab, account, path)
    made, own = load(str(path)), load(str(lab.state / "target.toml"))
    assert "# could not be determined: " not in path.read_text()
    assert made.ssh.become == ("sudo -n" if account == "deploy" else None)
    assert set(own.backups.freshness_columns) <= set(made.backups.freshness_columns)
    assert set(made.backups.encrypted_columns) == set(own.backups.encrypted_columns)
    columns = {"freshness_columns": own.backups.freshness_columns, "encrypted_columns": own.backups.encrypted_columns}
    assert made.backups.model_copy(update=columns) == own.backups
    assert made.model_copy(update={"ssh": own.ssh, "backups": own.backups}) == own


def test_each_missing_right_is_named_with_the_line_that_grants_it_and_what_it_takes(
    lab: Server, tmp_path: Path
) -> None:
    told = " ".join(init(lab, "guest", tmp_path / "made.toml").stdout.split())
    assert "missing right: docker" in told
    assert "grant: usermod -aG docker guest (the docker group is as good as root)" in told
    assert "missing right: root" in told
    assert "> /etc/sudoers.d/runbook (whoever holds the account's key is then root)" in told


def test_what_could_not_be_told_is_marked_and_the_usual_value_holds(lab: Server, tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    init(lab, "guest", path)
    marked = re.findall(r"^# could not be determined: (\w+): .*", path.read_text(), re.MULTILINE)
    assert {"db", "proxy", "web_prefix", "backups", "account", "freshness_columns"} <= set(marked)
    assert load(str(path)).containers.db == "psyfit-db"
    assert load(str(path)).domain == "psytech.jp"


def test_without_the_key_it_names_the_one_that_the_backups_are_for(lab: Server, tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    without = [one for one in options(lab) if one != "--encryption-key" and not one.endswith("backup-key.asc")]
    told = runbook("init", *without, "--user", "root", "--output", str(path))
    assert told.returncode == 3
    assert re.search(
        r"encryption_key: the newest encrypted backup is for key [0-9A-F]{16}; .*gpg --armor --export", path.read_text()
    )


def test_nothing_on_the_server_differs_before_and_after(lab: Server, tmp_path: Path) -> None:
    before = lab.run(STATE).required().out
    init(lab, "deploy", tmp_path / "made.toml")
    assert lab.run(STATE).required().out.splitlines() == before.splitlines()


def test_no_secret_of_the_server_stands_in_the_file(lab: Server, tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    told = init(lab, "root", path)
    secrets = lab.run("sed 's/^[^=]*=//' /var/www/psyfit/.kamal/secrets").required().out.split()
    assert secrets
    assert not [one for one in secrets if one in path.read_text() + told.stdout + told.stderr]


def test_a_bad_line_writes_nothing_and_tells_what_is_down(lab: Server, tmp_path: Path) -> None:
    path = tmp_path / "made.toml"
    told = runbook("init", *options(lab), "--user", "nobody", "--output", str(path))
    assert told.returncode == 3
    assert (
        told.stderr.splitlines()[0]
        == "nothing was written: no SSH connection to the server: the server refused the login"
    )
    assert "22022 login refused" in told.stderr
    assert not path.exists()
