"""At 3 a.m.: the cause comes first, with a command that heals it when it is pasted; and whatever happens, in time."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import faults
from lab.server import Server
from runbook.record import Run
from tests.lab.looking import runbook
from tests.lab.sampling import sampled
from triage.page import MORE_TO_READ, PASTE_HERE

IN_TIME_SECONDS = 10.0
PASTED_SECONDS = 90
FIRST_CAUSE = re.compile(r"^1\. ✗ FAILED  (?P<title>.+?): .* → runbook section (?P<section>[\d.]+)$", re.MULTILINE)
SINCE = re.compile(r"^ {4}since: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4} \(\d+ (s|min) ago\)", re.MULTILINE)


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


def triaged(target: Path, reports: Path) -> Triaged:
    """``runbook triage`` in a process of its own."""
    before = set(reports.iterdir())
    began = time.monotonic()
    done = runbook("triage", "--target", str(target), "--reports", str(reports), COLUMNS="200")
    seconds = time.monotonic() - began
    (folder,) = set(reports.iterdir()) - before
    assert "Traceback" not in done.stdout + done.stderr
    return Triaged(done.returncode, done.stdout, seconds, Run.model_validate_json((folder / "run.json").read_text()))


@pytest.fixture
def triage(lab: Server, tmp_path: Path) -> Triage:
    """Triage of the lab."""
    return lambda target=lab.state / "target.toml": triaged(target, tmp_path)


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


HEALED = [
    Broken("proxy-paused", "The proxy passes requests on", "3.1", "kamal-proxy resume psyfit-web"),
    Broken("proxy-stopped-service", "The proxy passes requests on", "3.1", "kamal-proxy resume psyfit-web"),
    Broken("proxy-down", "The proxy is up", "3.1", "docker start kamal-proxy"),
    Broken("tls-option-lost", "TLS is ended for the domain", "3.4", "--tls-certificate-path="),
    Broken("route-to-dead-backend", "The web release is up", "3.1", "docker start psyfit-web-"),
    Broken("route-to-closed-port", "The release behind the proxy answers", "3.1", "--tls=true"),
    Broken("route-to-foreign-address", "The proxy routes to the running release", "3.4", "--tls=true"),
    Broken("web-container-paused", "The web release is up", "3.1", "docker unpause psyfit-web-"),
    Broken("container-paused", "Redis is up", "3.1", "docker unpause psyfit-redis"),
    Broken("redis-down", "Redis is up", "3.1", "docker start psyfit-redis"),
    Broken("db-down", "The database is up", "3.1", "docker start psyfit-db"),
    Broken(
        "db-password-other",
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
    seen = triage()
    assert seen.code == 1, seen.screen
    assert seen.lines[0].startswith("psytech.jp: DNS ok · ")
    first = FIRST_CAUSE.search(seen.screen)
    assert first, seen.screen
    assert (first["title"], first["section"]) == (fault.title, fault.section), seen.screen
    assert "2. " not in seen.screen, "one fault is one cause"
    assert bool(SINCE.search(seen.screen)) == fault.since, seen.screen
    assert "last log line: " in seen.screen
    assert "could not be read" not in seen.screen
    assert fault.command in seen.command
    pasted = subprocess.run(["sh", "-c", seen.command], capture_output=True, text=True, timeout=PASTED_SECONDS)
    assert pasted.returncode == 0, f"{seen.command}\n{pasted.stderr}"
    lab.wait_until("curl --silent --fail --output /dev/null https://psytech.jp/api/v1/health", seconds=30)
    after = triage()
    assert after.code == 0, after.screen
    assert "15 of 15 critical scenarios of sections 2 and 3 hold" in after.screen


CRASH_LOOP = Broken("crash-loop", "No container restarts over and over", "10", "docker logs --tail 50 psyfit-redis")


@pytest.mark.parametrize("fault", [CRASH_LOOP], ids=str, indirect=True)
def test_what_no_command_heals_is_told_by_the_last_word_of_its_log(fault: Broken, triage: Triage) -> None:
    seen = triage()
    first = FIRST_CAUSE.search(seen.screen)
    assert first, seen.screen
    assert (first["title"], first["section"]) == (fault.title, fault.section)
    assert "last log line: psyfit-redis" in seen.screen
    place = next(number for number, one in enumerate(seen.lines) if one.strip() == MORE_TO_READ)
    assert fault.command in seen.lines[place + 1]


def test_a_healthy_server_is_said_to_be_so(triage: Triage) -> None:
    seen = triage()
    assert seen.code == 0, seen.screen
    assert seen.lines[0].endswith("→ the host is up, and everything answers now")
    assert not FIRST_CAUSE.search(seen.screen)
    assert seen.run.kind == "triage"
    assert seen.run.line == seen.lines[0]


HOSTILE = r"\033]0;owned\007\033[2J ::error:: hanako@psyfit.example password=hunter2hunter2"


def test_what_a_log_says_is_redacted_steers_nothing_and_is_in_no_record(lab: Server, triage: Triage) -> None:
    """The last line of Redis is what an operator's own command made it."""
    shout = f"docker exec psyfit-redis sh -c \"printf '{HOSTILE}' > /proc/1/fd/1\" && docker pause psyfit-redis"
    lab.run(shout).required()
    try:
        seen = triage()
    finally:
        lab.run("docker unpause psyfit-redis").required()
    assert "::error::" in seen.screen
    assert "[redacted] password=[redacted]" in seen.screen
    assert "\033" not in seen.screen
    assert "owned" not in seen.run.model_dump_json()
