"""No secret and no person leaves the server: not into a report or a log, not into a process list of either side."""

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
ADDRESS = PERSON[2]
WRITINGS = (
    ADDRESS,
    json.dumps({"name": PERSON[0], "email": ADDRESS}, ensure_ascii=False),
    f"https://psytech.jp/api/v1/clinics?email={quote(ADDRESS, safe='')}",
    base64.b64encode(f"to: {ADDRESS}".encode()).decode(),
)
"""As it may stand in what a server says: bare, in JSON, in a URL, in base64."""

LOGS = """
umask 077
cat > /run/canaries
grep -rlaFf /run/canaries /var/log
for container in $(docker ps --all --quiet); do
  ! docker logs "$container" 2>&1 | grep -qaFf /run/canaries || docker inspect --format '{{.Name}}' "$container"
done
rm /run/canaries
"""


@pytest.fixture(scope="module")
def secrets(lab: Server) -> dict[str, str]:
    """Every secret that was planted on the lab, and those of the off-site bucket's keys, by name."""
    found: dict[str, str] = json.loads((lab.state / "secrets.json").read_text())
    assert {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "RAILS_MASTER_KEY", "ATTR_ENCRYPTED_KEY"} <= found.keys()
    keys = json.loads((lab.state / "offsite.json").read_text())
    return found | {f"S3 key of the {name}": keys[name]["secret"] for name in ("administrator", "auditor", "backup")}


@pytest.fixture
def a_person_where_answers_come_from(lab: Server) -> Iterator[None]:
    """A person in the crontab and in the monitor's log, whose lines are read, and in what the release has logged."""
    comments = "".join(f"# {one}\n" for one in WRITINGS if PERSON[0] not in one)
    lines = "".join(f"[2026-01-01 00:00:00] [INFO] {one}\n" for one in WRITINGS if PERSON[0] not in one)
    log, spool = "/var/log/psyfit-monitor.log", "/var/spool/cron/crontabs/root"
    keep = f"cp --preserve=all {log} /run/monitor.before && crontab -l > /run/crontab.before"
    lab.run(f"{keep} && {{ echo MAILTO={ADDRESS}; cat; crontab -l; }} | crontab -", stdin=comments.encode()).required()
    lab.run(f"{{ cat; cat /run/monitor.before; }} > {log}", stdin=lines.encode()).required()
    ask = "curl --silent --output /dev/null --data-binary @- 'https://psytech.jp/api/v1/session?q={}'"
    for one in WRITINGS:
        lab.run(ask.format(quote(one, safe="")), stdin=one.encode()).required()
    yield
    lab.run(f"crontab /run/crontab.before && cat /run/monitor.before > {log} && touch {spool}").required()
    lab.run(f"touch --reference=/run/monitor.before {log} && rm /run/crontab.before /run/monitor.before").required()


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
    """The value as bytes may show it; in base64 wherever in another text it may have begun."""
    written = {value, json.dumps(value)[1:-1], quote(value, safe=""), quote(value, safe="").lower()}
    return {form.encode() for form in written} | {_inside_base64(value.encode(), offset) for offset in range(3)}


def _inside_base64(value: bytes, offset: int) -> bytes:
    """What base64 makes of the value after so many other bytes, without what its neighbours have a part in."""
    whole = base64.b64encode(b"\0" * offset + value)
    return whole[-(-offset * 8 // 6) : (offset + len(value)) * 8 // 6]


@pytest.fixture(scope="module")
def run_and_processes(lab: Server, reports: Path) -> tuple[Verified, set[bytes]]:
    """One run as root, and all that was in the process lists meanwhile."""
    with ProcessLists(lab) as processes:
        seen = verify(lab.state / "target.toml", reports)
    return seen, processes.seen


@pytest.mark.only_looks
def test_no_secret_is_in_a_report(run_and_processes: tuple[Verified, set[bytes]], secrets: dict[str, str]) -> None:
    seen, _ = run_and_processes
    for path in seen.folder.rglob("*"):
        content = path.read_bytes()
        leaked = [name for name, value in secrets.items() for form in forms(value) if form in content]
        assert not leaked, f"{path.name} holds {leaked}"


@pytest.mark.only_looks
def test_no_secret_is_in_a_process_list(
    run_and_processes: tuple[Verified, set[bytes]], secrets: dict[str, str]
) -> None:
    _, processes = run_and_processes
    assert any(b"sshd" in line for line in processes), "the server's processes were not seen"
    assert any(b"commands.main" in line for line in processes), "our own processes were not seen"
    everything = b"\n".join(processes)
    assert [name for name, value in secrets.items() for form in forms(value) if form in everything] == []


@pytest.mark.only_looks
@pytest.mark.usefixtures("run_and_processes")
def test_no_secret_is_in_a_log_of_the_server(lab: Server, secrets: dict[str, str]) -> None:
    canaries = b"".join(form + b"\n" for value in secrets.values() for form in sorted(forms(value)))
    assert lab.run(LOGS, stdin=canaries, seconds=60).required().out == ""
    seen = lab.run(LOGS, stdin=b"Monitor check completed\ndatabase system is ready\n", seconds=60).required().out
    assert {"/var/log/psyfit-monitor.log", "/psyfit-db"} <= set(seen.split()), "the logs were not searched"


@pytest.mark.usefixtures("a_person_where_answers_come_from")
def test_no_person_is_in_a_report(lab: Server, reports: Path) -> None:
    seen = verify(lab.state / "target.toml", reports)
    assert seen.code == 0, seen.told()
    everything = b"".join(path.read_bytes() for path in seen.folder.rglob("*"))
    assert b"MAILTO=[redacted]" in everything
    assert [form for value in PERSON for form in forms(value) if form in everything] == []


@pytest.mark.only_looks
def test_every_container_is_told_with_its_environments_names_only(
    run_and_processes: tuple[Verified, set[bytes]],
) -> None:
    seen, _ = run_and_processes
    evidence = (seen.folder / "evidence.jsonl").read_text()
    assert "POSTGRES_PASSWORD" in evidence
    assert "fingerprint" in evidence
