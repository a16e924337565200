"""How fast the suite looks at a server, beside other tools that are asked the same in the same run."""

from __future__ import annotations

import ipaddress
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from lab.disposable import disposable
from lab.server import Server
from runbook.model.target_file import load
from runbook.transport.ssh import Connection
from tests.bench_report import report_of_10_000_results
from tests.lab.looking import verify
from tests.peers import testinfra
from tests.peers.inside import Inside
from tests.relay import Relay

NEAR_SECONDS, FAR_SECONDS = 0.0, 0.050
QUESTIONS = 100
RUNS = 5
WIDTH = 110
PORTS = (22022, 22443, 22080, 22030, 22900)
NEAR_BY, FAR_AWAY = 1 << 8, 2 << 8
"""How far the addresses of the relays to a lab are from its own, so that each lab has relays of its own."""
STANDING = os.environ.get("RUNBOOK_TEST_LAB")

OF_TESTINFRA_AT_MOST = 0.1
OF_GOSS_AT_MOST = 3.0
HELP_SECONDS_AT_MOST = 0.15
QUESTIONS_SECONDS_AT_MOST = 0.3
LONGER_SECONDS_AT_MOST = 1.0


@dataclass(frozen=True)
class Line:
    """A way to the lab: its target file, its ssh_config, and the address that both name."""

    target: Path
    ssh_config: Path
    address: str


def main() -> None:
    """Measure and print."""
    console = Console(highlight=False, width=WIDTH)
    began = time.monotonic()
    console.print(_starts())
    console.print(report_of_10_000_results())
    with ExitStack() as stack:
        server = Server(STANDING) if STANDING else stack.enter_context(disposable("bench"))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        near = stack.enter_context(line_to(server, folder / "near", NEAR_SECONDS))
        far = stack.enter_context(line_to(server, folder / "far", FAR_SECONDS))
        console.print(_questions(far))
        console.print(_beside_goss(server))
        console.print(_beside_testinfra(near, far, folder / "reports"))
    console.print(f"measured in {(time.monotonic() - began) / 60:.0f} minutes, {os.cpu_count()} cores")


@contextmanager
def line_to(server: Server, folder: Path, round_trip_seconds: float) -> Iterator[Line]:
    """A relay to the lab that adds this round trip."""
    folder.mkdir()
    text = (server.state / "target.toml").read_text()
    address = load(str(server.state / "target.toml")).address
    listen = str(ipaddress.ip_address(address) + (FAR_AWAY if round_trip_seconds else NEAR_BY))
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
        yield Line(folder / "target.toml", folder / "ssh_config", listen)


def _starts() -> Table:
    """What answers without a server."""
    table = _table("without a server", "CPU seconds", "seconds", "at most", "")
    console = [str(Path(sys.executable).with_name("runbook"))]
    for arguments, at_most in (("--help", HELP_SECONDS_AT_MOST), ("show", None), ("show 3.4", None)):
        command = [*console, *arguments.split()]
        _done(command)
        taken = [(_cpu_seconds_of_children(), _seconds(partial(_done, command))) for _ in range(RUNS)]
        begun = [cpu for cpu, _ in taken] + [_cpu_seconds_of_children()]
        cpu = median(after - before for before, after in pairwise(begun))
        seconds = median(one for _, one in taken)
        table.add_row(f"runbook {arguments}", f"{cpu:.3f}", f"{seconds:.3f}", *_held(seconds, at_most))
    return table


def _questions(line: Line) -> Table:
    """What the connection itself costs."""
    asked, connected = [], []
    for _ in range(RUNS):
        connection = Connection(load(str(line.target)))
        connected.append(_seconds(connection.ready().result))
        asked.append(_seconds(partial(_ask, connection)))
        connection.close()
    table = _table(f"the connection at {FAR_SECONDS * 1000:.0f} ms", "seconds", "at most", "")
    table.add_row("to connect", f"{median(connected):.3f}", "", "")
    seconds = median(asked)
    table.add_row(f"{QUESTIONS} questions", f"{seconds:.3f}", *_held(seconds, QUESTIONS_SECONDS_AT_MOST))
    return table


def _ask(connection: Connection) -> None:
    waiting = [connection.run(f"stat -c %s /etc/hosts; echo {number}", 5) for number in range(QUESTIONS)]
    for number, one in enumerate(waiting):
        assert one.result().lines[-1] == str(number)


def _beside_goss(server: Server) -> Table:
    """Both within the lab's machine, by turns."""
    inside = Inside(server)
    inside.put()
    try:
        pairs = [(inside.ours(), inside.goss()) for _ in range(RUNS)]
    finally:
        inside.remove()
    title = f"on the server itself, beside goss, which asks {inside.asked} of the {inside.of} questions"
    table = _table(title, "runbook verify", "goss", "ratio", "at most", "")
    for name, ours, peers, at_most in (
        (
            "without the start of the process",
            [one.look_seconds for one, _ in pairs],
            [other.look_seconds for _, other in pairs],
            OF_GOSS_AT_MOST,
        ),
        (
            "with it",
            [one.process_seconds for one, _ in pairs],
            [other.process_seconds for _, other in pairs],
            None,
        ),
    ):
        table.add_row(name, *_compared(ours, peers, at_most))
    return table


def _beside_testinfra(near: Line, far: Line, reports: Path) -> Table:
    """Pairs, one after the other, so that whatever else the machine does falls on both."""
    ours: dict[Line, list[float]] = {near: [], far: []}
    peers: dict[Line, list[float]] = {near: [], far: []}
    commands = 0
    for _ in range(RUNS):
        for line in (near, far):
            ours[line].append(_seconds(partial(_verified, line, reports)))
            began = time.perf_counter()
            commands = testinfra.ask(line.ssh_config, line.address)
            peers[line].append(time.perf_counter() - began)
    title = f"over ssh, as a whole process, beside {commands} commands of plain pytest-testinfra"
    table = _table(title, "runbook verify", "testinfra", "ratio", "at most", "")
    table.add_row("at 0 ms", *_compared(ours[near], peers[near], None))
    table.add_row(f"at {FAR_SECONDS * 1000:.0f} ms", *_compared(ours[far], peers[far], OF_TESTINFRA_AT_MOST))
    longer = median(ours[far]) - median(ours[near])
    table.add_row("longer by", f"{longer:.2f}", "", "", *_held(longer, LONGER_SECONDS_AT_MOST))
    return table


def _verified(line: Line, reports: Path) -> None:
    seen = verify(line.target, reports)
    assert seen.code == 0, seen.told()


def _table(title: str, *columns: str) -> Table:
    table = Table("", *columns, title=f"{title} (median of {RUNS})", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _compared(ours: Sequence[float], peers: Sequence[float], at_most: float | None) -> tuple[str, ...]:
    """Both medians, the median of the pairs' ratios, and whether that holds."""
    ratio = median(one / other for one, other in zip(ours, peers, strict=True))
    return (f"{median(ours):.2f}", f"{median(peers):.2f}", f"{ratio:.3f}", *_held(ratio, at_most))


def _held(figure: float, at_most: float | None) -> tuple[str, str]:
    if at_most is None:
        return "", ""
    return f"{at_most:g}", "held" if figure <= at_most else "MISSED"


def _done(command: Sequence[str]) -> None:
    subprocess.run(command, capture_output=True, check=True, timeout=60)


def _cpu_seconds_of_children() -> float:
    """What all processes that were started and have ended have used: on a busy machine they take longer than that."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
