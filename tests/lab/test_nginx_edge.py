"""A healthy server whose edge is nginx: the same scenarios pass there, for every account that may look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab import Refused, faults
from lab.server import Server
from runbook.model import rights
from runbook.model.outcome import Outcome
from runbook.model.target_file import load
from tests.lab.conftest import written
from tests.lab.looking import BUSY_RUNS, CALM_RUNS, Verified, runbook, verify

pytestmark = [pytest.mark.nginx, pytest.mark.only_looks]


def test_everything_passes(look_at_nginx: Callable[..., Verified]) -> None:
    seen = look_at_nginx()
    assert seen.code == 0, seen.told()
    of_the_edge = [one for one in seen.run.scenarios if one.section in ("2.1", "2.3", "7")]
    assert {one.outcome for one in of_the_edge} == {Outcome.PASSED}, seen.told()


@pytest.mark.soak
@pytest.mark.parametrize("_number", range(CALM_RUNS))
def test_no_run_raises_a_false_alarm(_number: int, look_at_nginx: Callable[..., Verified]) -> None:
    seen = look_at_nginx()
    assert seen.code == 0, seen.told()


@pytest.mark.soak
@pytest.mark.usefixtures("two_busy_loops")
@pytest.mark.parametrize("_number", range(BUSY_RUNS))
def test_no_run_beside_busy_loops_raises_a_false_alarm(_number: int, look_at_nginx: Callable[..., Verified]) -> None:
    seen = look_at_nginx()
    assert seen.code == 0, seen.told()


def test_an_account_with_sudo_sees_all_that_root_sees(nginx_lab: Server, reports: Path, tmp_path: Path) -> None:
    seen = verify(written(nginx_lab, tmp_path, "deploy", 'become = "sudo -n"'), reports)
    assert seen.code == 0, seen.told()


def test_an_account_without_sudo_knows_the_edge_and_lacks_what_is_certbots(
    nginx_lab: Server, reports: Path, tmp_path: Path
) -> None:
    seen = verify(written(nginx_lab, tmp_path, "deploy"), reports, "--", "-k", "tls or https or certificate or key")
    untold = [one for one in seen.run.scenarios if one.outcome is Outcome.UNDETERMINED]
    assert not seen.ids(Outcome.FAILED), seen.told()
    assert {"tls-is-terminated-for-the-domain", "https-traffic-reaches-kamal-proxy"} <= seen.ids(Outcome.PASSED)
    assert {one.missing_right for one in untold} == {rights.ROOT.name}
    assert {one.id for one in untold if one.section == "7"} == {
        "private-key-matches-the-certificate",
        "the-served-certificate-is-the-one-on-disk",
        "certificate-renewal-is-set-up",
        "certificate-renewal-runs-automatically",
        "a-renewed-certificate-is-reloaded",
        "no-job-calls-an-unknown-kamal-proxy-command",
    }


def test_init_tells_the_ports_of_nginx_and_not_those_that_only_nginx_reaches(nginx_lab: Server, tmp_path: Path) -> None:
    own = load(str(nginx_lab.state / "target.toml"))
    path = tmp_path / "made.toml"
    way_in = ("--port", str(own.ssh.port), "--ssh-config", str(nginx_lab.state / "ssh_config"), "--user", "deploy")
    runbook("init", "--host", own.address, *way_in, "--output", str(path))
    made = load(str(path))
    assert (made.edge.https_port, made.edge.http_port) == (443, 80)
    assert made.containers == own.containers


def test_a_fault_of_the_other_edge_is_refused_and_nothing_is_noted(nginx_lab: Server) -> None:
    with pytest.raises(Refused, match="needs a lab whose edge is kamal-proxy"):
        faults.inject(nginx_lab, "tls-option-lost")
    assert faults.on(nginx_lab) == []
