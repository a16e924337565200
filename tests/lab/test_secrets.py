"""No secret and no person leaves the server: not into a report, not into a process list of either side."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from lab.server import Server
from tests.lab.looking import Verified, verify

PERSON = ("架空 花子", "架空花子", "hanako.kakuu@example.jp", "hanako.kakuu")
PLANTED_MAIL = "MAILTO=hanako.kakuu@example.jp"


@pytest.fixture(scope="module")
def secrets(lab: Server) -> dict[str, str]:
    """Every secret that was planted on the lab, and those of the off-site bucket's keys, by name."""
    found: dict[str, str] = json.loads((lab.state / "secrets.json").read_text())
    assert {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "RAILS_MASTER_KEY", "ATTR_ENCRYPTED_KEY"} <= found.keys()
    keys = json.loads((lab.state / "offsite.json").read_text())
    return found | {f"S3 key of the {name}": keys[name]["secret"] for name in ("administrator", "auditor", "backup")}


@pytest.fixture
def address_in_the_crontab(lab: Server) -> Iterator[None]:
    """A person's address where an answer carries it: in the crontab that section 6.4 reads."""
    lab.run(f"crontab -l > /run/crontab.before && {{ echo '{PLANTED_MAIL}'; crontab -l; }} | crontab -").required()
    yield
    lab.run("crontab /run/crontab.before && rm /run/crontab.before").required()


class ProcessLists:
    """Everything seen in the process lists of this machine and of the server while the body runs."""

    def __init__(self, lab: Server) -> None:
        self._lab = lab
        self._over = threading.Event()
        self._watching = [threading.Thread(target=self._here), threading.Thread(target=self._there)]
        self.seen = set[bytes]()

    def __enter__(self) -> ProcessLists:
        for thread in self._watching:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._watching:
            thread.join()

    def _here(self) -> None:
        while not self._over.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes())
                except OSError:
                    continue  # it has ended meanwhile

    def _there(self) -> None:
        while not self._over.is_set():
            listed = self._lab.run("for i in 1 2 3 4 5 6 7 8; do ps axww -o args=; done", seconds=10).out
            self.seen.update(line.encode() for line in listed.splitlines())


def forms(value: str) -> set[bytes]:
    """The value as bytes may show it."""
    plain = {value, json.dumps(value)[1:-1], quote(value, safe=""), base64.b64encode(value.encode()).decode()}
    return {form.encode() for form in plain}


@pytest.fixture(scope="module")
def run_and_processes(lab: Server, reports: Path) -> tuple[Verified, set[bytes]]:
    """One run as root, and all that was in the process lists meanwhile."""
    with ProcessLists(lab) as processes:
        seen = verify(lab.state / "target.toml", reports)
    return seen, processes.seen


def test_no_secret_is_in_a_report(run_and_processes: tuple[Verified, set[bytes]], secrets: dict[str, str]) -> None:
    seen, _ = run_and_processes
    for path in seen.folder.rglob("*"):
        content = path.read_bytes()
        leaked = [name for name, value in secrets.items() for form in forms(value) if form in content]
        assert not leaked, f"{path.name} holds {leaked}"


def test_no_secret_is_in_a_process_list(
    run_and_processes: tuple[Verified, set[bytes]], secrets: dict[str, str]
) -> None:
    _, processes = run_and_processes
    assert any(b"sshd" in line for line in processes), "the server's processes were not seen"
    assert any(b"commands.main" in line for line in processes), "our own processes were not seen"
    leaked = [name for name, value in secrets.items() if any(value.encode() in line for line in processes)]
    assert not leaked


@pytest.mark.usefixtures("address_in_the_crontab")
def test_no_person_is_in_a_report(lab: Server, reports: Path) -> None:
    seen = verify(lab.state / "target.toml", reports)
    assert seen.code == 0, seen.told()
    everything = b"".join(path.read_bytes() for path in seen.folder.rglob("*"))
    assert b"MAILTO=[redacted]" in everything
    assert [form for value in PERSON for form in forms(value) if form in everything] == []


def test_every_container_is_told_with_its_environments_names_only(
    run_and_processes: tuple[Verified, set[bytes]],
) -> None:
    seen, _ = run_and_processes
    evidence = (seen.folder / "evidence.jsonl").read_text()
    assert "POSTGRES_PASSWORD" in evidence
    assert "fingerprint" in evidence
