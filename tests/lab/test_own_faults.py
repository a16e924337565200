"""Trouble of our own is told as ours: no disk, screen or signal here decides what is said of the server."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pytest

from lab.server import Server
from runbook.model.outcome import Outcome
from runbook.model.record import Run
from tests.lab.looking import ROOT, RUNBOOK, runbook
from tests.lab.sampling import sampled
from tests.lab.test_interruptions import nothing_is_left, steady

SECONDS = 120
SOON_SECONDS = 30
NOBODY = 65534
WITHOUT_A_NAME = 54321
QUICK = ("verify", "--section", "2.1")
LOOKS = {"verify": ("verify",), "triage": ("triage", "--within", "60"), "gate": ("gate",)}
"""What looks, and how: triage patiently, for a busy machine of ours is no fault of the server's."""

MARK = "RUNBOOK_TEST_MARK"
AS_ROOT = os.geteuid() == 0


@dataclass
class Started:
    """One command of ours under way, with a folder for temporary files of its own."""

    process: subprocess.Popen[str]
    temporary: Path
    mark: str

    @property
    def left_here(self) -> list[str]:
        """What is left of it on this machine: its processes, those that it has started, and its folders."""
        marked = f"{MARK}={self.mark}".encode()
        processes = []
        for one in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if marked in (one / "environ").read_bytes():
                    processes.append((one / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        return [*processes, *(one.name for one in self.temporary.iterdir())]

    def wait_for(self, what: Callable[[], object]) -> None:
        """Until that is so; it fails where the process ends before."""
        until = time.monotonic() + SECONDS
        while not what():
            assert time.monotonic() < until, "it never came"
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.01)
                assert what(), f"the process ended before, and said: {self.process.communicate()[0]}"
                return

    @property
    def own_folders(self) -> list[Path]:
        """The folders that it has made for itself; Python itself tries a file there, too."""
        return list(self.temporary.glob("runbook-*"))

    @property
    def can_be_ended(self) -> bool:
        """Whether it handles a signal by now: before that there is nothing that could be left."""
        with suppress(OSError, StopIteration):
            status = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
            caught = next(line for line in status if line.startswith("SigCgt:")).split()[1]
            return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)
        return False


@pytest.fixture
def start() -> Iterator[Callable[..., Started]]:
    """Start a command of ours on the lab, before it words of another's, such as a change of account."""
    begun: list[Started] = []

    def started(*arguments: str, before: tuple[str, ...] = (), **options: object) -> Started:
        temporary = Path(tempfile.mkdtemp(prefix="t", dir="/tmp"))  # short: a socket's path has little room
        temporary.chmod(0o777)
        mark = uuid.uuid4().hex
        process = subprocess.Popen(
            [*before, *RUNBOOK, *arguments],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(temporary), MARK: mark},
            text=True,
            preexec_fn=_default_signals,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options},  # type: ignore[call-overload]
        )
        begun.append(Started(process, temporary, mark))
        return begun[-1]

    yield started
    for one in begun:
        with one.process as process:
            process.kill()
        shutil.rmtree(one.temporary, ignore_errors=True)


@pytest.fixture
def target(lab: Server) -> tuple[str, str]:
    return "--target", str(lab.state / "target.toml")


def _default_signals() -> None:
    """A shell lets what runs behind it ignore Ctrl-C; here it must be heard."""
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, signal.SIG_DFL)


def read(reports: Path) -> Run:
    (record,) = reports.glob("*/run.json")
    return Run.model_validate_json(record.read_text())


# Nowhere to write


def unshared(script: str) -> tuple[str, ...]:
    """Run the command in mounts of its own, after this script; they go with it."""
    as_root = () if AS_ROOT else ("--user", "--map-root-user")
    return ("unshare", *as_root, "--mount", "sh", "-c", f'{script}\n"$@"; code=$?; kept; exit $code', "sh")


def as_nobody(number: int = NOBODY) -> tuple[str, ...]:
    """As an account that can read the suite and the lab's key, and write nothing; our own where we are not root."""
    reads = ("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search")
    return ("setpriv", f"--reuid={number}", "--clear-groups", *reads) if AS_ROOT else ()


NO_FOLDER = {
    "no inode free": "mount -t tmpfs -o nr_inodes=1 none {reports}",
    "read-only": "mount --bind {reports} {reports} && mount -o remount,ro,bind {reports}",
}


@pytest.mark.parametrize("trouble", [*NO_FOLDER, "not allowed"])
def test_where_no_folder_can_be_made_the_verdict_is_on_the_screen_and_it_is_our_fault(
    trouble: str, start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    reports = tmp_path / "reports"
    reports.mkdir(mode=0o755 if AS_ROOT else 0o555)
    script = NO_FOLDER.get(trouble, "").format(reports=reports)
    before = unshared(f"{script}\nkept() {{ :; }}") if script else as_nobody()

    run = start(*QUICK, *target, "--reports", str(reports), before=before)
    out, _ = run.process.communicate(timeout=SECONDS)

    assert run.process.returncode == 70, out
    assert "as the runbook says · 8 passed" in out
    assert f"the record cannot be written: {reports}" in out
    assert "Traceback" not in out
    assert run.left_here == []


def test_triage_prints_its_page_when_nothing_at_all_can_be_written(
    start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    run = start("triage", *target, "--reports", str(tmp_path), before=unshared(READ_ONLY))
    out, _ = run.process.communicate(timeout=SECONDS)

    assert run.process.returncode == 70, out
    assert out.startswith("psytech.jp: DNS ok · ")
    assert "there is no folder here in which ssh could keep its own files" in out
    assert "of 15 critical scenarios of sections 2 and 3 hold" in out
    assert "Traceback" not in out
    assert list(tmp_path.iterdir()) == []


READ_ONLY = """\
for place in /tmp /var/tmp /dev/shm "$HOME"; do
  mount --bind "$place" "$place" && mount -o remount,ro,bind "$place" || exit
done
cd / && mkdir cannot-be 2>/dev/null && { rmdir cannot-be; cd /proc; }
kept() { :; }
"""


@pytest.mark.parametrize(
    ("inodes", "left"),
    [(3, {"evidence.jsonl"}), (4, {"evidence.jsonl", "run.json"})],
    ids=["nor the record", "the record alone"],
)
def test_where_the_reports_cannot_be_written_the_verdict_is_on_the_screen_and_it_is_our_fault(
    inodes: int, left: set[str], start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    reports, kept = tmp_path / "reports", tmp_path / "kept"
    reports.mkdir()
    script = f"mount -t tmpfs -o nr_inodes={inodes} none {reports}\nkept() {{ cp -r {reports} {kept}; }}"

    run = start(*QUICK, *target, "--reports", str(reports), before=unshared(script))
    out, _ = run.process.communicate(timeout=SECONDS)

    (folder,) = kept.iterdir()
    assert run.process.returncode == 70, out
    assert "as the runbook says · 8 passed" in out
    assert f"not everything can be written in {reports / folder.name}" in out
    assert {one.name for one in folder.iterdir()} == left
    if "run.json" in left:
        record = read(kept)
        assert (record.exit_code, len(record.own_faults)) == (70, 1)


def test_where_the_folder_is_taken_from_us_on_the_way_the_verdict_is_on_the_screen(
    start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    reports = tmp_path / "reports"
    reports.mkdir()
    reports.chmod(0o777)
    run = start("verify", *target, "--reports", str(reports), before=as_nobody())
    run.wait_for(lambda: list(reports.glob("*/evidence.jsonl")))
    (folder,) = reports.iterdir()
    folder.chmod(0o500)
    out, _ = run.process.communicate(timeout=SECONDS)

    assert run.process.returncode == 70, out
    assert f"not everything can be written in {folder}" in out
    assert "Traceback" not in out
    assert run.left_here == []


def test_evidence_that_cannot_be_written_on_the_way_is_kept_in_the_record(
    start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    reports, kept = tmp_path / "reports", tmp_path / "kept"
    reports.mkdir()
    script = f"""\
mount -t tmpfs -o size=8m none {reports}
head -c 8m /dev/zero >{reports}/ballast 2>/dev/null
kept() {{ cp -r {reports} {kept}; }}
"""
    run = start("verify", *target, "--reports", str(reports), before=unshared(script))
    suite = _suite_of(run)
    inside = Path(f"/proc/{suite}/root") / reports.relative_to("/")
    run.wait_for(lambda: list(inside.glob("*/evidence.jsonl")))
    run.wait_for(lambda: not _has_open(suite, "evidence.jsonl"))
    (inside / "ballast").unlink()
    out, _ = run.process.communicate(timeout=SECONDS)

    (folder,) = [one for one in kept.iterdir() if one.is_dir()]
    record = Run.model_validate_json((folder / "run.json").read_text())
    assert run.process.returncode == record.exit_code == 0, out
    assert "Evidence incomplete: " in out
    assert "No space left on device" in (record.evidence_incomplete or "")
    assert len((folder / "evidence.jsonl").read_text().splitlines()) < len(record.exchanges)
    assert "Evidence incomplete: " in (folder / "report.html").read_text()


def _suite_of(run: Started) -> int:
    """The process of the suite itself, behind the shell that has made its mounts."""
    children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children")
    run.wait_for(lambda: any(b"commands.main" in _command_of(one) for one in children.read_text().split()))
    return next(int(one) for one in children.read_text().split() if b"commands.main" in _command_of(one))


def _command_of(process: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def _has_open(process: int, name: str) -> bool:
    for one in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            if one.readlink().name == name:
                return True
    return False


def test_an_account_without_a_name_is_its_number(
    start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    reports = tmp_path / "reports"
    reports.mkdir()
    reports.chmod(0o777)
    nameless = ("env", "-u", "HOME", "-u", "USER", "-u", "LOGNAME", "-u", "LNAME", "-u", "USERNAME")
    account = as_nobody(WITHOUT_A_NAME) or ("unshare", "--user")

    run = start("verify", *target, "--reports", str(reports), before=(*nameless, *account))
    out, _ = run.process.communicate(timeout=SECONDS)

    record = read(reports)
    assert run.process.returncode == record.exit_code == 3, out
    assert record.origin.operator.startswith("uid " if AS_ROOT else "")
    assert not any(one.own_fault for one in record.scenarios)
    assert any("ssh itself refuses an account here that has no name" in (one.reason or "") for one in record.scenarios)
    assert run.left_here == []


# Nobody who reads


def _to_nobody(run: Started) -> None:
    """Read the first line, and go."""
    assert run.process.stdout is not None
    run.process.stdout.readline()
    run.process.stdout.close()


@pytest.mark.parametrize("command", LOOKS)
@pytest.mark.parametrize("screen", ["its reader goes", "full", "a dead terminal", "closed"])
def test_whoever_reads_the_screen_decides_nothing(
    command: str, screen: str, start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    arguments = (*LOOKS[command], *target, "--reports", str(tmp_path))
    if screen == "its reader goes":
        run = start(*arguments)
        _to_nobody(run)
    elif screen == "full":
        with Path("/dev/full").open("w") as full:
            run = start(*arguments, stdout=full, stderr=full)
    elif screen == "closed":
        run = start(*arguments, before=("sh", "-c", 'exec "$@" >&- 2>&-', "sh"))
    else:
        ours, theirs = pty.openpty()
        run = start(*arguments, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        os.read(ours, 1)
        os.close(ours)
    run.process.wait(SECONDS)

    record = read(tmp_path)
    assert run.process.returncode == record.exit_code == 0
    assert len(record.scenarios) == record.selected
    assert record.own_faults == ()
    assert list(tmp_path.glob("*/report.html"))
    assert run.left_here == []


# What ends it from outside

Ending = Literal["SIGINT", "SIGTERM", "SIGHUP"]


@dataclass(frozen=True)
class Point:
    """Where a command is ended: after this part of the time that it takes."""

    command: str
    part: float
    ending: Ending

    def __str__(self) -> str:
        return f"{self.command.replace(' ', '-')}-{self.part:.2f}-{self.ending}"


OVER = {"verify": 8, "triage": 7, "gate": 7, "drill restore": 4, "drill rollback": 4}
"""How many points there are over each command; at each it is ended in three ways."""

ENDINGS: tuple[Ending, ...] = ("SIGINT", "SIGTERM", "SIGHUP")
POINTS = [
    Point(command, (number + 0.5) / points, ending)
    for command, points in OVER.items()
    for number in range(points)
    for ending in ENDINGS
]


def _words(command: str) -> tuple[str, ...]:
    return LOOKS.get(command) or tuple(command.split())


@cache
def _durations() -> dict[str, float]:
    return {}


def duration(command: str, start: Callable[..., Started], target: tuple[str, str], reports: Path) -> float:
    """How long the command takes when nothing ends it, from when it can be ended; measured once."""
    known = _durations()
    if command not in known:
        run = start(*_words(command), *target, "--reports", str(reports))
        run.wait_for(lambda: run.can_be_ended)
        began = time.monotonic()
        out, _ = run.process.communicate(timeout=SECONDS)
        assert run.process.returncode == 0, out
        known[command] = time.monotonic() - began
    return known[command]


@pytest.mark.parametrize("point", sampled(POINTS, 9))
def test_a_run_that_is_ended_says_so_once_and_leaves_nothing(
    point: Point, lab: Server, start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    moment = point.part * duration(point.command, start, target, tmp_path / "whole")
    before = steady(lab) if point.command.startswith("drill") else None
    reports = tmp_path / "ended"

    run = start(*_words(point.command), *target, "--reports", str(reports))
    run.wait_for(lambda: run.can_be_ended)
    with suppress(subprocess.TimeoutExpired):
        run.process.wait(moment)
    run.process.send_signal(signal.Signals[point.ending])
    out, _ = run.process.communicate(timeout=SECONDS)

    try:
        was_ended_right(run, reports, out)
        lab.wait_until("! pgrep -f 'sshd: [a-z]' && ! pgrep -x 'awk|gzip|od|tail'", seconds=SOON_SECONDS)
        if before is not None:
            nothing_is_left(lab)
            assert steady(lab) == before
    finally:
        if before is not None:  # so that the next one begins on a server as it should be
            runbook("recover", *target)


def was_ended_right(run: Started, reports: Path, out: str) -> None:
    """It says in one sentence that it was interrupted, and how far it came; or it had come to its end by then."""
    assert "Traceback" not in out
    assert run.left_here == []
    said = out.count("Interrupted")
    if list(reports.glob("*")):
        record = read(reports)
        assert run.process.returncode == record.exit_code, out
        assert record.own_faults == ()
        whole = len(record.scenarios) == record.selected and not said
        assert whole or record.exit_code == 130, out
        assert said == (0 if whole else 1), out
    else:
        assert (run.process.returncode, said) == (130, 1), out


def test_whoever_presses_ctrl_c_again_and_again_ends_it_once(
    start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    run = start("verify", *target, "--reports", str(tmp_path))
    run.wait_for(lambda: list(tmp_path.glob("*/evidence.jsonl")))
    while run.process.poll() is None:
        run.process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            run.process.wait(0.02)
    out, _ = run.process.communicate(timeout=SECONDS)

    was_ended_right(run, tmp_path, out)
    assert run.process.returncode == 130, out


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("command", ["doctor", "init"])
def test_a_command_without_a_record_that_is_ended_leaves_nothing(
    command: str, ending: Ending, lab: Server, start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    written = tmp_path / "target.toml"
    arguments = {"doctor": target, "init": (*_at(lab), "--output", str(written))}[command]
    run = start(command, *arguments)
    run.wait_for(lambda: run.own_folders)
    run.process.send_signal(signal.Signals[ending])
    out, _ = run.process.communicate(timeout=SECONDS)

    assert run.process.returncode == 130, out
    assert out.splitlines()[-1] == "Interrupted"
    assert "Traceback" not in out
    assert not written.exists()
    assert run.left_here == []


def _at(server: Server) -> tuple[str, ...]:
    facts = (server.state / "target.toml").read_text()
    address = next(line.partition(" = ")[2].strip('"') for line in facts.splitlines() if line.startswith("address"))
    return "--host", address, "--port", "22022", "--ssh-config", str(server.state / "ssh_config"), "--user", "root"


def test_what_a_killed_run_has_left_here_goes_with_the_next_one(
    start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    killed = start("verify", *target, "--reports", str(tmp_path / "killed"))
    killed.wait_for(lambda: killed.own_folders)
    killed.process.kill()
    killed.process.wait()
    (left,) = killed.own_folders
    alive = start("verify", *target, "--reports", str(tmp_path / "alive"))
    alive.wait_for(lambda: alive.own_folders)
    (held,) = alive.own_folders
    for one in (left, held):
        shutil.copytree(one, killed.temporary / one.name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*"))

    run = start(*QUICK, *target, "--reports", str(tmp_path / "next"), before=("env", f"TMPDIR={killed.temporary}"))
    out, _ = run.process.communicate(timeout=SECONDS)

    assert run.process.returncode == 0, out
    alone = [one.name for one in killed.temporary.iterdir()]
    assert alone == [held.name], "the one of a process that lives stays"
    alive.process.send_signal(signal.SIGTERM)
    alive.process.communicate(timeout=SECONDS)


def test_a_record_is_for_the_account_alone_that_made_it(
    start: Callable[..., Started], target: tuple[str, str], tmp_path: Path
) -> None:
    run = start(*QUICK, *target, "--reports", str(tmp_path))
    run.process.communicate(timeout=SECONDS)

    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {one.stat().st_mode & 0o777 for one in folder.iterdir()} == {0o600}
    assert read(tmp_path).counts()[Outcome.PASSED] == 8
