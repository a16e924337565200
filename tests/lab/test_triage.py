"""At 3 a.m.: the cause comes first, with a command that heals it when it is pasted; and whatever happens, in time."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import fault_helpers, faults
from lab.server import Server
from runbook.model.record import Run
from tests.lab.looking import ROOT, RUNBOOK
from tests.lab.sampling import sampled
from triage.page import MORE_TO_READ, PASTE_HERE

IN_TIME_SECONDS = 10.0
PATIENTLY = ("--within", "60")
"""Where it is not the time that is looked at: a busy machine of ours is no fault of the server's."""

PASTED_SECONDS = 90
FIRST_CAUSE = re.compile(r"^1\. ✗ FAILED  (?P<title>.+?): .* → runbook section (?P<section>[\d.]+)$", re.MULTILINE)
SINCE = re.compile(r"^ {4}since: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \(\d+ (s|min) ago\)", re.MULTILINE)

LAST_LINE = re.compile(r" · exit \d+$")


@dataclass(frozen=True)
class Triaged:
    """One triage: its exit code, what was on the screen, when the page was there, and the record."""

    code: int
    screen: str
    seconds: float
    run: Run

    @property
    def lines(self) -> list[str]:
        return self.screen.splitlines()

    @property
    def command(self) -> str:
        """The first command that is to be pasted, exactly as it is printed."""
        return self.lines[next(place for place, one in enumerate(self.lines) if one.strip() == PASTE_HERE) + 1]


Triage = Callable[..., Triaged]


def triaged(target: Path, reports: Path, *options: str) -> Triaged:
    """``runbook triage`` in a process of its own, held to its time: the page, and not the report after it."""
    before = set(reports.iterdir()) if reports.exists() else set()
    began, seconds = time.monotonic(), None
    command = [*RUNBOOK, "triage", "--target", str(target), "--reports", str(reports), *options]
    lines = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            lines.append(line)
            if LAST_LINE.search(line):
                seconds = time.monotonic() - began
    screen = "".join(lines)
    assert seconds is not None, screen
    assert options or seconds <= IN_TIME_SECONDS, f"the page came after {seconds:.1f} s\n{screen}"
    assert "Traceback" not in screen
    (folder,) = set(reports.iterdir()) - before
    run = Run.model_validate_json((folder / "run.json").read_text())
    assert run.exit_code == process.returncode
    return Triaged(process.returncode, screen, seconds, run)


@pytest.fixture
def triage(lab: Server, tmp_path: Path) -> Triage:
    """Triage of the lab; with options it may take longer."""
    return lambda *options: triaged(lab.state / "target.toml", tmp_path, *options)


@pytest.fixture
def fault(lab: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """The fault that the test is about, for as long as it runs."""
    try:
        faults.inject(lab, request.param.id)
        yield request.param
    finally:
        faults.heal(lab, request.param.id)


@dataclass(frozen=True)
class Broken:
    """A fault, the cause that comes first, what is said of since when, and what the command says."""

    id: str
    title: str
    section: str
    command: str
    since: bool = True

    def __str__(self) -> str:
        return self.id


AS_BEFORE = (
    "curl --silent --fail --output /dev/null https://psytech.jp/api/v1/health && "
    '[ -z "$(docker ps --quiet --filter health=starting --filter health=unhealthy)" ]'
)
"""What was started or let go on just now has not looked at itself again yet."""

HEALED = [
    Broken("proxy-paused", "The proxy forwards requests", "3.1", "kamal-proxy resume psyfit-web"),
    Broken("proxy-stopped-service", "The proxy forwards requests", "3.1", "kamal-proxy resume psyfit-web"),
    Broken("proxy-down", "The proxy is up", "3.1", "docker start kamal-proxy"),
    Broken("tls-option-lost", "TLS is terminated for the domain", "3.4", "--tls-certificate-path="),
    Broken("route-to-dead-backend", "The web release is up", "3.1", "docker start psyfit-web-"),
    Broken("route-to-closed-port", "The release behind the proxy answers", "3.1", "--tls=true"),
    Broken("route-to-reused-address", "The proxy routes to the running release", "3.4", "--tls=true"),
    Broken("web-container-paused", "The web release is up", "3.1", "docker unpause psyfit-web-"),
    Broken("container-paused", "Redis is up", "3.1", "docker unpause psyfit-redis"),
    Broken("redis-down", "Redis is up", "3.1", "docker start psyfit-redis"),
    Broken("db-down", "The database is up", "3.1", "docker start psyfit-db"),
    Broken(
        "db-password-wrong",
        "The application can log in to the database",
        "3.2",
        "ALTER ROLE",
        since=False,
    ),
    Broken(
        "health-degraded",
        "The application can log in to the database",
        "3.2",
        "docker network connect kamal psyfit-db",
    ),
]


@pytest.mark.parametrize("fault", sampled(HEALED, 3), indirect=True)
def test_the_cause_comes_first_and_its_command_heals_it(fault: Broken, lab: Server, triage: Triage) -> None:
    seen = triage(*PATIENTLY)
    assert seen.code == 1, seen.screen
    assert seen.lines[0].startswith("psytech.jp: DNS ok · ")
    first = FIRST_CAUSE.search(seen.screen)
    assert first, seen.screen
    assert (first["title"], first["section"]) == (fault.title, fault.section), seen.screen
    assert not re.search(r"^2\. ", seen.screen, re.MULTILINE), seen.screen
    assert bool(SINCE.search(seen.screen)) == fault.since, seen.screen
    assert "last log line: " in seen.screen
    assert "could not be read" not in seen.screen
    assert fault.command in seen.command
    pasted = subprocess.run(["sh", "-c", seen.command], capture_output=True, text=True, timeout=PASTED_SECONDS)
    assert pasted.returncode == 0, f"{seen.command}\n{pasted.stderr}"
    lab.wait_until(AS_BEFORE, seconds=30, what="what the pasted command started is healthy")
    after = triage(*PATIENTLY)
    assert after.code == 0, after.screen
    assert "15 of 15 critical scenarios of sections 2 and 3 hold" in after.screen


@pytest.mark.nginx
def test_nginx_that_is_down_is_started_by_the_command(nginx_lab: Server, tmp_path: Path) -> None:
    target = nginx_lab.state / "target.toml"
    try:
        faults.inject(nginx_lab, "nginx-stopped")
        seen = triaged(target, tmp_path, *PATIENTLY)
        first = FIRST_CAUSE.search(seen.screen)
        assert first, seen.screen
        assert (first["title"], first["section"]) == ("TLS is terminated for the domain", "3.1")
        assert re.match(r"psytech\.jp: DNS ok · \d+ (refused|no TLS)", seen.lines[0]), seen.screen
        subprocess.run(["sh", "-c", seen.command], check=True, capture_output=True, timeout=PASTED_SECONDS)
        after = triaged(target, tmp_path, *PATIENTLY)
    finally:
        faults.heal(nginx_lab, "nginx-stopped")
    assert after.code == 0, after.screen


CRASH_LOOP = Broken("crash-loop", "No container is in a restart loop", "10", "docker logs --tail 50 psyfit-redis")


@pytest.mark.parametrize("fault", [CRASH_LOOP], ids=str, indirect=True)
def test_what_no_command_heals_is_told_by_the_last_word_of_its_log(fault: Broken, triage: Triage) -> None:
    seen = triage(*PATIENTLY)
    first = FIRST_CAUSE.search(seen.screen)
    assert first, seen.screen
    assert (first["title"], first["section"]) == (fault.title, fault.section)
    assert "last log line: psyfit-redis" in seen.screen
    place = next(number for number, one in enumerate(seen.lines) if one.strip() == MORE_TO_READ)
    assert fault.command in seen.lines[place + 1]


@pytest.mark.only_looks
@pytest.mark.timed
def test_a_healthy_server_is_said_to_be_so(triage: Triage) -> None:
    seen = triage()
    assert seen.code == 0, seen.screen
    assert seen.lines[0].endswith("→ the host is up, and everything answers now")
    assert not FIRST_CAUSE.search(seen.screen)
    assert seen.run.kind == "triage"
    assert seen.run.line == seen.lines[0]


HOSTILE = r"\033]0;owned\007\033[2J ::error:: hanako@psyfit.example password=hunter2hunter2\n"


def test_what_a_log_says_is_redacted_steers_nothing_and_is_in_no_record(lab: Server, triage: Triage) -> None:
    """The last line of Redis is what an operator's own command made it."""
    shout = f"docker exec psyfit-redis sh -c \"printf '{HOSTILE}' > /proc/1/fd/1\" && docker pause psyfit-redis"
    lab.run(shout).required()
    try:
        seen = triage(*PATIENTLY)
    finally:
        lab.run("docker unpause psyfit-redis").required()
    assert "::error::" in seen.screen
    assert "[redacted] password=[redacted]" in seen.screen
    assert "\033" not in seen.screen
    assert "owned" not in seen.run.model_dump_json()


@pytest.fixture
def full_disks(lab: Server) -> Iterator[None]:
    """Next to nothing is left on the disks of the engine, of temporary files and of the backups."""
    try:
        faults.inject(lab, "docker-disk-too-small")
        lab.run(FILL).required()
        yield
    finally:
        lab.run(UNFILL)
        faults.heal(lab, "docker-disk-too-small")


FILL = """
mount -t tmpfs -o size=1m tmpfs /tmp
for disk in /var/lib/docker /tmp /var/backups/psyfit; do
  cat /dev/zero > $disk/.filler 2> /dev/null
  left=$(df --output=avail --block-size=1024 $disk | tail -n 1)
  [ "$left" -le 512 ] || { echo "$disk still has $left KB, filled until it took no more" >&2; exit 1; }
done
"""
UNFILL = "umount --lazy /tmp; rm -f /var/backups/psyfit/.filler /var/lib/docker/.filler"


@pytest.mark.usefixtures("full_disks")
@pytest.mark.timed
def test_a_server_with_full_disks_is_told_of_in_time(lab: Server, triage: Triage) -> None:
    lab.run("docker stop psyfit-redis").required()
    try:
        seen = triage()
    finally:
        lab.run("docker start psyfit-redis")
    first = FIRST_CAUSE.search(seen.screen)
    assert first, seen.screen
    assert first["title"] == "Redis is up"
    assert "docker start psyfit-redis" in seen.command


@pytest.fixture
def busy(lab: Server) -> Iterator[None]:
    """More than 20 processes want the processor at the same time."""
    lab.run(f"for one in $(seq {BUSY}); do {IDLE} & done > /dev/null 2>&1 < /dev/null").required()
    lab.wait_until(f"[ $(cut -d' ' -f4 /proc/loadavg | cut -d/ -f1) -gt {BUSY - 4} ]", seconds=20, what=ALL_BUSY)
    yield
    lab.run("pkill -f '[p]syfit-busy'").required()


BUSY = 26
ALL_BUSY = f"more than {BUSY - 4} processes want the processor"
IDLE = "setsid timeout 40 sh -c 'while :; do :; done' psyfit-busy"


@pytest.mark.usefixtures("busy")
@pytest.mark.timed
def test_a_server_with_a_load_above_20_is_told_of_in_time(lab: Server, triage: Triage) -> None:
    """What had no answer by then is named; that the line is not yet there is a cause as well."""
    lab.run("docker pause psyfit-redis").required()
    try:
        seen = triage()
    finally:
        lab.run("docker unpause psyfit-redis").required()
    assert seen.code in (1, 3), seen.screen
    assert re.search(r"^1\. [✗?] |^\? still open", seen.screen, re.MULTILINE), seen.screen


@pytest.mark.soak
@pytest.mark.timed
def test_an_engine_that_hangs_holds_the_page_up_no_longer(lab: Server, triage: Triage) -> None:
    lab.run("pkill -STOP -x dockerd").required()
    try:
        seen = triage()
    finally:
        lab.run("pkill -CONT -x dockerd").required()
    assert seen.code in (1, 3), seen.screen
    assert "? still running when the time was up" in seen.screen
    lab.wait_until(fault_helpers.EDGE_ANSWERS, seconds=30, what="the service answers again after its engine hung")
