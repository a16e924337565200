"""How fast the suite looks at a server that is 50 ms away, beside other ways to ask the same in the same run."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

import testinfra
import testinfra.host
from rich.console import Console
from rich.table import Table

from lab.disposable import disposable
from lab.server import Server
from runbook.connection import Connection
from runbook.target import load
from tests.bench_report import report_of_10_000_results
from tests.lab.looking import verify
from tests.relay import Relay

FAR_SECONDS = 0.050
QUESTIONS = 100
RUNS = 5
AT_ONCE = 8
PORTS = (22022, 22443, 22080, 22030, 22900)
RELAY_ADDRESS = "127.77.1.1"
STANDING = os.environ.get("RUNBOOK_TEST_LAB")


@dataclass(frozen=True)
class Line:
    """A way to the lab: its target file and its ssh_config."""

    target: Path
    ssh_config: Path


def main() -> None:
    """Measure and print."""
    console = Console(highlight=False)
    console.print(report_of_10_000_results())
    with ExitStack() as stack:
        server = Server(STANDING) if STANDING else stack.enter_context(disposable("bench"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        near = stack.enter_context(line_to(server, folder / "near", 0))
        far = stack.enter_context(line_to(server, folder / "far", FAR_SECONDS))
        console.print(_questions(far))
        console.print(_whole_runs(near, far, folder / "reports"))


@contextmanager
def line_to(server: Server, folder: Path, round_trip_seconds: float) -> Iterator[Line]:
    """A relay to the lab that adds this round trip."""
    folder.mkdir()
    listen = RELAY_ADDRESS if round_trip_seconds else "127.77.1.2"
    text = (server.state / "target.toml").read_text()
    address = load(str(server.state / "target.toml")).address
    config = (server.state / "ssh_config").read_text()
    known_hosts = (server.state / "known_hosts").read_text()
    (folder / "known_hosts").write_text(known_hosts.replace(address, listen))
    (folder / "ssh_config").write_text(
        config.replace(address, listen).replace(str(server.state / "known_hosts"), str(folder / "known_hosts"))
    )
    (folder / "target.toml").write_text(
        re.sub(r"\[dns\]\n(.+\n)*", "", text)
        .replace(address, listen)
        .replace(str(server.state / "ssh_config"), str(folder / "ssh_config"))
    )
    with Relay(listen, address, {port: port for port in PORTS}, round_trip_seconds):
        yield Line(folder / "target.toml", folder / "ssh_config")


def _questions(far: Line) -> Table:
    ours, connect = _ours(far)
    peers = {
        f"ssh with a control master, {AT_ONCE} at a time": _control_master(far, AT_ONCE),
        "ssh with a control master, one after the other": _control_master(far, 1),
        "testinfra over ssh with a control master": _testinfra(far),
    }
    table = Table(
        "way",
        "seconds",
        "times ours",
        title=f"{QUESTIONS} small questions at {FAR_SECONDS * 1000:.0f} ms",
        title_justify="left",
    )
    table.add_row("runbook, once the connection stands (budget 0.300)", f"{ours:.3f}", "1.0")
    for name, seconds in peers.items():
        table.add_row(name, f"{seconds:.3f}", f"{seconds / ours:.1f}")
    table.add_row("to connect, beside that", f"{connect:.3f}", "")
    return table


def _ours(line: Line) -> tuple[float, float]:
    asked, connected = [], []
    for _ in range(RUNS):
        connection = Connection(load(str(line.target)))
        connected.append(_seconds(connection.ready().result))
        asked.append(_seconds(partial(_ask, connection)))
        connection.close()
    return median(asked), median(connected)


def _ask(connection: Connection) -> None:
    waiting = [connection.run(f"stat -c %s /etc/hosts; echo {number}", 5) for number in range(QUESTIONS)]
    for number, one in enumerate(waiting):
        assert one.result().lines[-1] == str(number)


def _control_master(line: Line, at_once: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        ssh = ["ssh", "-F", str(line.ssh_config), "-S", f"{folder}/control", "-l", "root"]
        subprocess.run([*ssh, "-M", "-f", "-N", RELAY_ADDRESS], check=True, timeout=30)

        def ask(number: int) -> None:
            command = f"stat -c %s /etc/hosts; echo {number}"
            done = subprocess.run(
                [*ssh, RELAY_ADDRESS, command], capture_output=True, text=True, check=True, timeout=30
            )
            assert done.stdout.splitlines()[-1] == str(number)

        with ThreadPoolExecutor(at_once) as pool:
            seconds = _seconds(lambda: list(pool.map(ask, range(QUESTIONS))))
        subprocess.run([*ssh, "-O", "exit", RELAY_ADDRESS], capture_output=True, check=True, timeout=30)
    return seconds


def _testinfra(line: Line) -> float:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "ssh_config"
        control = f"  ControlMaster auto\n  ControlPath {folder}/control\n  ControlPersist 30\n"
        config.write_text(line.ssh_config.read_text() + control)
        host = testinfra.host.get_host(f"ssh://root@{RELAY_ADDRESS}", ssh_config=str(config))
        host.run("true")
        seconds = _seconds(lambda: [host.run(f"stat -c %s /etc/hosts; echo {number}") for number in range(QUESTIONS)])
        subprocess.run(
            ["ssh", "-F", str(config), "-l", "root", "-O", "exit", RELAY_ADDRESS], capture_output=True, timeout=30
        )
    return seconds


def _whole_runs(near: Line, far: Line, reports: Path) -> Table:
    """Pairs, one after the other, so that whatever else the machine does falls on both."""
    taken: dict[Line, list[float]] = {near: [], far: []}
    for _ in range(RUNS):
        for line, seconds in taken.items():
            seconds.append(_seconds(partial(_verified, line, reports)))
    at_zero, at_far = median(taken[near]), median(taken[far])
    table = Table("way", "seconds", title=f"runbook verify, as a whole process, median of {RUNS}", title_justify="left")
    table.add_row("at 0 ms", f"{at_zero:.2f}")
    table.add_row(f"at {FAR_SECONDS * 1000:.0f} ms", f"{at_far:.2f}")
    table.add_row("longer by (budget 1.00)", f"{at_far - at_zero:.2f}")
    return table


def _verified(line: Line, reports: Path) -> None:
    seen = verify(line.target, reports)
    assert seen.code == 0, seen.told()


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
