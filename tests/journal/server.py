"""A server of the tests' own: a folder whose scripts meet its programs first, with a disk that can be full and forget.

What is written there is on the disk only when a `sync` has named it: the content of a file, the names in a folder.
Power loss keeps that, and as much of the rest as the test says.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Literal

from runbook.drill import journal
from runbook.drill.journal import DrillOwner
from runbook.model.action import Action
from runbook.model.question import Output

PROGRAMS = ["cat", "date", "docker", "flock", "head", "mkdir", "mv", "rm", "sleep", "sync", "timeout"]
DEADLINE_SECONDS = 20.0
LOOK_AGAIN_SECONDS = 0.001
DISK_BYTES = 256 * 1024

WHOSE = DrillOwner("rollback", "hanako@laptop", datetime(2026, 2, 24, 8, 0, 12, tzinfo=UTC))

LIMITS = {"patience": 0, "longest_act": 0, "long": 0, "grace": 1}
"""No lock is waited for: whoever holds one here stands still until the test lets him go on."""

Trouble = Literal["none", "kill", "power", "full", "wait"]
Kept = Literal["synced", "names", "all"]
"""What a power loss leaves: what was synced; all names, but no content that was not; everything."""


class NeverEnded(AssertionError):
    """A script went on for longer than anything here takes."""


@dataclass(frozen=True)
class Plan:
    """What befalls a script, before the program that it calls as its `at`-th, or before the first of this name."""

    trouble: Trouble = "none"
    at: int | str = 0


@dataclass
class Run:
    """A script that was started."""

    process: subprocess.Popen[bytes]
    folder: Path
    living: int

    @property
    def met(self) -> bool:
        """Whether what was planned has come to pass."""
        return (self.folder / "met").exists()

    @property
    def waits(self) -> bool:
        return (self.folder / "waits").exists()

    @property
    def called(self) -> list[str]:
        """The programs that it has called, each with its arguments."""
        return (self.folder / "called").read_text().splitlines()

    @property
    def step(self) -> int:
        return int((self.folder / "step").read_text() or 0)

    def plan(self, plan: Plan) -> None:
        """What befalls it from now on, counted from now on."""
        at = self.step + plan.at if isinstance(plan.at, int) else plan.at
        (self.folder / "plan").write_text(f"{plan.trouble} {at}\n")
        (self.folder / "met").unlink(missing_ok=True)

    def output(self) -> Output:
        assert self.process.returncode is not None
        out, err = ((self.folder / name).read_text(errors="replace") for name in ("out", "err"))
        return Output(self.process.returncode, out, err)

    def give(self, text: bytes) -> None:
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(text)
            self.process.stdin.flush()


@dataclass
class Server:
    """The server.

    Attributes:
        room: A small disk of its own where one could be mounted.
        aid: Where the test keeps what belongs to no disk: programs, clocks, the world that drills change.
    """

    room: Path
    aid: Path
    mounted: bool
    runs: list[Run] = field(default_factory=list)
    _names: dict[int, dict[str, int]] = field(default_factory=dict)
    _contents: dict[int, bytes] = field(default_factory=dict)
    _folders: set[int] = field(default_factory=set)
    _count: int = 0

    def __post_init__(self) -> None:
        self.anew()

    def anew(self) -> None:
        """A server on which no drill ever was."""
        self.close()
        self._names, self._contents, self._folders = {}, {}, set()
        for old in (*self.room.iterdir(), *self.aid.iterdir()):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        programs = self.aid / "bin"
        programs.mkdir()
        for name in PROGRAMS:
            shutil.copy(Path(__file__).parent / "program.sh", programs / name)
            (programs / name).chmod(0o755)
        (programs / "sh").symlink_to(_real("dash"))
        (self.aid / "real").mkdir()
        for name in (*PROGRAMS, "find", "cp"):
            if name != "docker":
                (self.aid / "real" / name).symlink_to(_real(name))
        self.set(uptime=1000, boot="boot-1", wall=1_700_000_000, synced=0, alive="", log="")
        if self.mounted:
            self.set(disk="")

    @property
    def folder(self) -> Path:
        return self.room / "psyfit-runbook"

    def here(self, text: str) -> str:
        """A text that names the folder of a server, for this one."""
        return text.replace(journal.FOLDER, str(self.folder))

    def set(self, **values: object) -> None:
        """Give these words to the server's programs."""
        for name, value in values.items():
            (self.aid / name).write_text(f"{value}\n" if value != "" else "")

    def unset(self, name: str) -> None:
        (self.aid / name).unlink(missing_ok=True)

    def told(self, name: str) -> str:
        return (self.aid / name).read_text().strip()

    # What is sent, as the runner sends it.

    def hold(self, generation: str, plan: Plan = Plan()) -> Run:
        return self.start(journal.held(generation), journal.recover_sh().encode(), plan)

    def heart(self, generation: str, plan: Plan = Plan()) -> Run:
        """A heart that beats, waits or has ended."""
        run = self.start(journal.beating(generation), None, plan)
        self.listens(run)
        return run

    def act(self, generation: str, number: int, script: str, undo: str, plan: Plan = Plan(), **seconds: float) -> Run:
        """An act; ``seconds`` and ``undo_seconds`` limit it and its undo, and 1 is over at once here."""
        act = Action(script, undo, **{"undo_seconds": 20, **seconds})  # type: ignore[arg-type]
        return self.start(journal.acted(generation, number, "test.ACT", act, script, undo, WHOSE), b"", plan)

    def change(self, generation: str, number: int, thing: str, plan: Plan = Plan()) -> Run:
        """An act of the toy world, as the runner would do it who has just looked."""
        about = f"{generation} {number} {thing} {self.told(f'world.{thing}')} {generation}.{number}"
        return self.act(generation, number, f"docker do {about}", f"docker undo {about}", plan)

    def recover(self, generation: str = "", plan: Plan = Plan()) -> Run:
        return self.start(journal.recovery(generation), b"", plan)

    def release(self, generation: str, plan: Plan = Plan()) -> Run:
        return self.start(journal.released(generation), b"", plan)

    # How it runs.

    def start(self, text: str, stdin: bytes | None = b"", plan: Plan = Plan()) -> Run:
        """Start a script in a session of its own; with None for its standard input that stays open."""
        self._count += 1
        folder = self.aid / f"run.{self._count}"
        folder.mkdir()
        os.mkfifo(folder / "wake")
        (folder / "step").write_text("0\n")
        (folder / "plan").write_text(f"{plan.trouble} {plan.at}\n")
        self.set(alive=" ".join(f"-{run.process.pid}" for run in self.runs if run.process.poll() is None))
        living, theirs = os.pipe()
        environment = {
            "PATH": f"{self.aid}/bin:{os.environ['PATH']}",
            "RUN": str(folder),
            "AID": str(self.aid),
            "ROOM": str(self.room),
            "REAL": str(self.aid / "real"),
        }
        with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
            process = subprocess.Popen(
                ["dash", "-c", 'echo $$ > "$RUN/pid"; exec dash -c "$0"', self.here(text)],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                env=environment,
                start_new_session=True,
                pass_fds=(theirs,),
            )
        os.close(theirs)
        run = Run(process, folder, living)
        self.runs.append(run)
        if stdin is not None:
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                process.stdin.write(self.here(stdin.decode()).encode())
            with suppress(BrokenPipeError):
                process.stdin.close()
        return run

    def ended(self, run: Run) -> Output:
        """What it answered, once it and all that it started have ended.

        Raises:
            NeverEnded: It did not.
        """
        self._until(lambda: run.process.poll() is not None, run)
        self._until(lambda: _nobody_writes(run.living), run)
        return run.output()

    def listens(self, run: Run) -> None:
        """Wait until a heart waits for a letter or for the test, or has ended."""
        mark = run.folder / "listens"
        self._until(lambda: mark.exists() or run.waits or run.process.poll() is not None, run)

    def letter(self, heart: Run, letter: bytes = b"b", plan: Plan = Plan()) -> None:
        """Give a heart one letter; one that is no ``b`` stands for the time in which none came."""
        (heart.folder / "listens").unlink(missing_ok=True)
        heart.plan(plan)
        heart.give(letter)
        self.listens(heart)

    def stands(self, run: Run) -> bool:
        """Whether it waits for the test now; False once it has ended."""
        self._until(lambda: run.waits or run.process.poll() is not None, run)
        return run.waits and run.process.poll() is None

    def wake(self, run: Run) -> None:
        """Let a script go on that waits for the test."""
        (run.folder / "waits").unlink()
        with os.fdopen(os.open(run.folder / "wake", os.O_WRONLY | os.O_NONBLOCK), "w") as pipe:
            pipe.write("\n")

    def kill(self, run: Run) -> None:
        """End a script with all that it has started."""
        for pid in _session(run.process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run.process.wait(DEADLINE_SECONDS)
        self._until(lambda: _nobody_writes(run.living), run)

    def lose_power(self, kept: Kept) -> None:
        """End everything that runs, forget what was not on the disk, and start again."""
        for run in self.runs:
            self.kill(run)
        self.make_room()
        self._note_what_is_synced()
        now = {inode: list_of for inode, _, list_of in _tree(self.room)}
        contents = {inode: path.read_bytes() for inode, path, _ in _tree(self.room) if path.is_file()}
        folders = {inode for inode, path, _ in _tree(self.room) if path.is_dir()}
        names = self._names if kept == "synced" else {inode: now[inode] for inode in folders}
        content = contents if kept == "all" else self._contents
        root = self.room.stat().st_ino
        is_folder = folders | self._folders
        shutil.rmtree(self.aid / "again", ignore_errors=True)
        _build(self.aid / "again", root, names, content, is_folder)
        for old in self.room.iterdir():
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        for new in (self.aid / "again").iterdir():
            shutil.move(new, self.room / new.name)
        self._names = {inode: dict(list_of) for inode, path, list_of in _tree(self.room) if path.is_dir()}
        self._folders = set(self._names)
        self._contents = {inode: path.read_bytes() for inode, path, _ in _tree(self.room) if path.is_file()}
        self.set(uptime=5, boot=f"boot-{int(self.told('boot').removeprefix('boot-')) + 1}")

    def fill(self) -> None:
        """Leave no room on the disk."""
        with suppress(OSError), (self.room / "ballast").open("ab", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))

    def make_room(self) -> None:
        self.unset("full")
        (self.room / "ballast").unlink(missing_ok=True)

    def is_locked(self, name: str, kind: int = fcntl.LOCK_EX) -> bool:
        """Whether somebody holds this lock in such a way that nobody else gets it in this way."""
        if not (self.folder / name).exists():
            return False
        with (self.folder / name).open("a") as lock:
            try:
                fcntl.flock(lock, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def close(self) -> None:
        """End all that still runs."""
        for run in self.runs:
            self.kill(run)
            if run.process.stdin is not None:
                with suppress(BrokenPipeError):
                    run.process.stdin.close()
            os.close(run.living)
        self.runs.clear()
        self.make_room()

    def _until(self, true: Callable[[], bool], run: Run) -> None:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not true():
            if time.monotonic() > deadline:
                said = (run.folder / "err").read_text()
                raise NeverEnded(f"a script did not come to its end within {DEADLINE_SECONDS:g} s: {said}")
            Event().wait(LOOK_AGAIN_SECONDS)

    def _note_what_is_synced(self) -> None:
        """Read what the `sync`s since the last time have put on the disk."""
        for number in range(1, int(self.told("synced")) + 1):
            done = self.aid / f"disk.{number}"
            if not done.exists():
                continue
            inodes: dict[str, int] = {}
            lists: dict[str, dict[str, int]] = {}
            for line in (self.aid / f"disk.{number}.list").read_text().splitlines():
                inode, kind, path = line.split("\t")
                inodes[path] = int(inode)
                if kind == "d":
                    lists[path] = {}
                    self._folders.add(int(inode))
                if path:
                    lists[str(Path(path).parent).removeprefix(".")][Path(path).name] = int(inode)
            for line in done.read_text().splitlines():
                path = os.path.relpath(os.path.normpath(line), self.room).removeprefix(".") if line else ""
                if path in lists:
                    self._names[inodes[path]] = lists[path]
                elif path in inodes:
                    self._contents[inodes[path]] = (self.aid / f"disk.{number}.{Path(path).name}").read_bytes()
            done.unlink()


def _real(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is needed"
    return found


def _nobody_writes(pipe: int) -> bool:
    os.set_blocking(pipe, False)
    try:
        return os.read(pipe, 1) == b""
    except BlockingIOError:
        return False


def _session(leader: int) -> Iterator[int]:
    """The processes of a session."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError, IndexError):
                if int((entry / "stat").read_text().rpartition(")")[2].split()[3]) == leader:
                    yield int(entry.name)


def _tree(top: Path) -> list[tuple[int, Path, dict[str, int]]]:
    paths = [top, *top.rglob("*")]
    return [
        (path.stat().st_ino, path, {one.name: one.stat().st_ino for one in path.iterdir()} if path.is_dir() else {})
        for path in paths
    ]


def _build(
    at: Path, inode: int, names: dict[int, dict[str, int]], contents: dict[int, bytes], folders: set[int]
) -> None:
    """Make what is on the disk of this inode, and of all that its names lead to."""
    if inode in folders:
        at.mkdir()
        for name, one in names.get(inode, {}).items():
            _build(at / name, one, names, contents, folders)
    else:
        at.write_bytes(contents.get(inode, b""))


@contextmanager
def small_disk(at: Path) -> Iterator[bool]:
    """A disk that is soon full, where one may be mounted here."""
    at.mkdir(parents=True, exist_ok=True)
    mounted = (
        os.geteuid() == 0
        and shutil.which("mount") is not None
        and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(at)], capture_output=True, check=False
        ).returncode
        == 0
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(at)], check=False)
