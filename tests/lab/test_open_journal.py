"""A drill that was killed left its journal open: every command that contacts the server says so first."""

from __future__ import annotations

import getpass
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.server import Server
from runbook.drill.journal import STALE_SECONDS
from runbook.model.record import Run
from tests.lab.health import LABS
from tests.lab.looking import runbook
from tests.lab.sampling import sampled
from tests.lab.test_interruptions import JOURNAL, SECONDS, drill, wait_for_acts

STALE = (
    f"read -r whose boot at < {JOURNAL}/beat && read -r now _ < /proc/uptime && "
    f'[ "$(( ${{now%.*}} - at ))" -gt {STALE_SECONDS} ]'
)
COMMANDS = ["verify", "triage", "gate", "drill rollback", "doctor", "init", "lab status"]
RUNS = ("verify", "triage", "gate", "drill")


@pytest.fixture(scope="module")
def left_open(lab: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A drill is killed after its first act; how it is healed is handed out."""
    target = str(lab.state / "target.toml")
    process = drill("rollback", lab.state / "target.toml", tmp_path_factory.mktemp("drill"))
    wait_for_acts(lab, 1)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=SECONDS)
    lab.wait_until(STALE, seconds=STALE_SECONDS + 10, what="the killed drill's last heartbeat is old enough")
    with LABS.held_broken(lab, "a drill that was killed on purpose"):
        yield f"`runbook recover --target {target}` from here, or {JOURNAL}/recover.sh on the server"
    recovered = runbook("recover", "--target", target)
    assert recovered.returncode == 0, recovered.stdout
    assert runbook("lab", "status").stdout.count("left open") == 0


def arguments(command: str, server: Server, folder: Path) -> list[str]:
    match command:
        case "lab status":
            return command.split()
        case "init":
            way = ("--ssh-config", str(server.state / "ssh_config"), "--port", "22022", "--user", "root")
            address = re.search(r'^address = "(.+)"$', (server.state / "target.toml").read_text(), re.MULTILINE)
            assert address
            return ["init", "--host", address[1], *way, "--output", str(folder / "new.toml")]
        case "doctor":
            return ["doctor", "--target", str(server.state / "target.toml")]
    more = ["--section", "2.2"] if command == "verify" else []
    return [*command.split(), "--target", str(server.state / "target.toml"), "--reports", str(folder), *more]


@pytest.mark.parametrize("command", sampled(COMMANDS, 2))
def test_a_command_says_first_that_a_drill_is_open_whose_it_is_and_how_to_heal(
    command: str, left_open: str, lab: Server, tmp_path: Path
) -> None:
    told = runbook(*arguments(command, lab, tmp_path))
    banner = next((one for one in told.stdout.splitlines()[:3] if "A drill was left open on this server: " in one), "")
    assert re.search(r"the drill rollback, started \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC by ", banner), told.stdout
    assert f" by {getpass.getuser()}@" in banner
    assert re.search(r"; \d+ changes? waits? to be undone\. ", banner)
    how = left_open if command != "init" else f"{JOURNAL}/recover.sh on the server"
    assert banner.endswith(f"{how}.")
    if command.split()[0] in RUNS:
        (folder,) = (one for one in tmp_path.iterdir() if one.is_dir())
        run = Run.model_validate_json((folder / "run.json").read_text())
        assert run.journal is not None
        assert run.journal.drill == "rollback"
        assert run.journal.sentence() in banner
        assert "A drill was left open on this server" in (folder / "report.html").read_text()
        asked = [one.question for one in run.exchanges]
        assert asked.count("journal.OPEN") == (2 if run.kind == "drill" else 1), "a drill asks again as it is to begin"
    if command == "drill rollback":
        assert told.returncode == 4


@pytest.mark.usefixtures("left_open")
def test_an_account_that_may_not_look_says_that_it_could_not_be_told(lab: Server, tmp_path: Path) -> None:
    target = tmp_path / "guest.toml"
    target.write_text((lab.state / "target.toml").read_text().replace('user = "root"', 'user = "deploy"'))
    told = runbook("triage", "--target", str(target), "--reports", str(tmp_path / "reports"))
    assert told.stdout.startswith("Whether a drill was left open could not be determined: not allowed: ")
    assert "(missing right: root; " in told.stdout.splitlines()[0]
