"""The line to a server: one authenticated OpenSSH session per run, or this machine itself, with one interface.

The session's first channel is the ssh process itself, with the Docker Engine's socket forwarded beside it; further
lanes ride on it through its control socket and authenticate no more. Host keys are always checked, and whatever
the ssh configuration says of jumps, agents and hardware keys holds. The line is tried once.

Whoever hangs up leaves nothing behind. On the server what still runs for a lane is ended over a last session, for sshd
tells no command that its line is gone; here each process is ended with its whole group. A runner that is killed has no
time for the first; its ssh ends with it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

from runbook.model.port_state import PortState
from runbook.model.question import Lane, Output
from runbook.model.target import Target
from runbook.process import private_files
from runbook.process.child_processes import Closed, Processes, popen
from runbook.process.daemon_threads import in_background, settle
from runbook.transport.connection_lost import ConnectionLost
from runbook.transport.remote_shell import EXIT_GRACE_SECONDS, RemoteShell
from runbook.transport.ssh_errors import SSH_SECONDS, line_lost

CONNECT_SECONDS = 10
ALIVE_EVERY_SECONDS = 3
ALIVE_MISSED_AT_MOST = 2
"""A server that has said nothing for 9 s, asked whether it is there, is gone."""

LINE_LOST = 255
"""What ssh itself ends with."""

DOCKER_SOCKET = "/var/run/docker.sock"
AT_LOWEST_PRIORITY = "renice -n 19 $$ >/dev/null 2>&1; ionice -c 3 -p $$ >/dev/null 2>&1; exec sh"

SHELLS: dict[Lane, int] = {"quick": 3, "docker": 3, "slow": 1}
"""How many share a lane's work once a command has hung; sshd carries ten sessions on one line by default."""

LAST_SESSION_SECONDS = 2.0
"""How long hanging up may take to end on the server what still runs there."""

END_GROUPS = """\
for group in {groups}; do kill -TERM -$group; done
for tenth in 1 2 3 4 5 6 7 8 9 10; do
  left=
  for group in {groups}; do kill -0 -$group && left=yes; done
  [ "$left" ] || exit 0
  sleep 0.1
done
for group in {groups}; do kill -KILL -$group; done
"""


class Connection:
    """The server's shells by lane, and its Docker Engine's socket. Nothing is opened before the first question."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._folder = private_files.make()
        self._lanes: dict[Lane, RemoteShell] = {}
        self._hello: Future[Output] | None = None
        self._greeted_at: list[float] = []
        self._master: subprocess.Popen[bytes] | None = None
        self._master_lost: ConnectionLost | None = None
        self._logs: dict[subprocess.Popen[bytes], Path] = {}
        self._processes = Processes()
        self._until_greeted: list[Callable[[], None]] | None = []
        self._lock = threading.RLock()

    @property
    def docker_socket(self) -> Path:
        """Where the server's Docker Engine is reached from here; it is there once the line stands."""
        return Path(DOCKER_SOCKET) if self._target.ssh.local else self._folder / "docker.sock"

    def ready(self) -> Future[Output]:
        """What the server says of us and its clock: account, and seconds since 1970."""
        with self._lock:
            if self._hello is None:
                self._lanes["quick"] = self._channel("quick")
                greeting = self._lanes["quick"].submit("id -un; date +%s.%N", CONNECT_SECONDS)
                self._hello = Future()
                greeting.add_done_callback(self._greeted)
            return self._hello

    def _greeted(self, greeting: Future[Output]) -> None:
        self._greeted_at.append(time.time())
        assert self._hello is not None
        settle(self._hello, greeting.result)
        in_background(self._greet)  # not here: whoever tells of the greeting holds the channel's lock

    @property
    def greeted(self) -> bool:
        """Whether the greeting has come, or it is known that none will."""
        return self._hello is not None and self._hello.done()

    def greeted_at(self) -> float:
        """When the greeting came, by our own clock, in seconds since 1970."""
        self.ready().exception()
        return self._greeted_at[0]

    def port_state(self) -> PortState | None:
        """What the ssh line has met so far; None where none is needed, or nobody has asked for one."""
        if self._target.ssh.local or self._hello is None:
            return None
        if not self._hello.done():
            return PortState.NOT_YET
        error = self._hello.exception() or self._master_lost
        return error.port_state if isinstance(error, ConnectionLost) else PortState.OK

    def run(self, script: str, seconds: float, lane: Lane = "quick") -> Future[Output]:
        """Run a command on the server; nobody waits here.

        The future ends when the answer is there, when the command has had its time, or when the line is lost.
        """
        hello = self.ready()
        if lane == "quick":
            return self._lanes["quick"].submit(script, seconds)
        answer: Future[Output] = Future()

        def begin() -> None:
            try:
                running = self._in_lane(lane, script, seconds, hello)
            except Exception as error:
                answer.set_exception(error)
            else:
                running.add_done_callback(lambda ended: settle(answer, ended.result))

        self._once_greeted(begin)
        return answer

    def _in_lane(self, lane: Lane, script: str, seconds: float, hello: Future[Output]) -> Future[Output]:
        """Run it in a lane that rides on the standing line; where there is none, that is the answer."""
        if hello.exception() is not None:
            return hello
        with self._lock:
            if lane not in self._lanes:
                self._lanes[lane] = self._channel(lane)
            channel = self._lanes[lane]
        return channel.submit(script, seconds)

    def _once_greeted(self, work: Callable[[], None]) -> None:
        """Do it once the greeting has come, or it is known that none will."""
        with self._lock:
            if self._until_greeted is not None:
                self._until_greeted.append(work)
                return
        work()

    def _greet(self) -> None:
        """Do what has waited for the greeting, in its order."""
        while True:
            with self._lock:
                waiting, self._until_greeted = self._until_greeted, []
                if not waiting:
                    self._until_greeted = None
                    return
            for work in waiting:
                work()

    def start(self, script: str) -> subprocess.Popen[bytes]:
        """Start a drill's command in a session of its own on the standing line; its streams are the caller's.

        Nothing is ever started twice: where the line is lost, the process ends with what ssh says.

        Raises:
            Undetermined: There is no line.
        """
        self.ready().result()
        way = self._way_to(["sh", "-c", script])
        try:
            return popen(way)
        except OSError as error:
            raise ConnectionLost(
                f"no SSH connection to the server: {way[0]} cannot be started: {error.strerror}"
            ) from None

    def close(self) -> None:
        """Hang up and leave nothing behind, here or there. It takes `LAST_SESSION_SECONDS` at the most, or a little."""
        with self._lock:
            channels = tuple(self._lanes.values())
        at_work = [group for channel in channels for group in channel.stop()]
        if at_work and not self._ends_with_us:
            self._end_there(at_work)
        for channel in channels:
            channel.hang_up()
        self._processes.close()
        private_files.remove(self._folder)

    @property
    def _ends_with_us(self) -> bool:
        """Whether what runs there is ours to end as it stands."""
        return self._target.ssh.local and not self._target.ssh.become

    def _end_there(self, groups: Iterable[int]) -> None:
        """End what still runs on the server, as far as the line carries that."""
        script = END_GROUPS.format(groups=" ".join(map(str, groups)))
        with suppress(OSError, Closed, subprocess.TimeoutExpired):
            last = self._processes.start(self._way_to(["sh", "-c", f"exec 2>/dev/null\n{script}"]))
            last.wait(LAST_SESSION_SECONDS)

    def _channel(self, lane: Lane) -> RemoteShell:
        return RemoteShell(lambda: self._start(lane), self._end, CONNECT_SECONDS, self._explain, shells=SHELLS[lane])

    def _start(self, lane: Lane) -> subprocess.Popen[bytes]:
        """A shell; what ssh itself says goes to a log, apart from what the server's commands say."""
        shell = ["sh", "-c", AT_LOWEST_PRIORITY] if lane == "slow" else ["sh"]
        log = self._folder / f"ssh-{len(self._logs)}.log"
        way = self._way_to(shell, "-oLogLevel=INFO", "-E", str(log))
        try:
            process = self._processes.start(way)
        except OSError as error:
            why = error.strerror or error
            raise ConnectionLost(f"no SSH connection to the server: {way[0]} cannot be started: {why}") from None
        except Closed:
            raise ConnectionLost("the connection was closed") from None
        self._logs[process] = log
        if self._master is None and not self._target.ssh.local:
            self._master = process
        return process

    def _way_to(self, command: list[str], *options: str) -> list[str]:
        """What has to be started here so that this command runs there; the first one opens the line."""
        if self._target.ssh.become:
            command = [*shlex.split(self._target.ssh.become), *command]
        if self._target.ssh.local:
            return command
        part = self._first() if self._master is None else self._beside()
        return ["ssh", *options, *self._options(), *part, self._target.address, shlex.join(command)]

    def _options(self) -> list[str]:
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": str(SSH_SECONDS),
            "ConnectionAttempts": "1",
            "ServerAliveInterval": str(ALIVE_EVERY_SECONDS),
            "ServerAliveCountMax": str(ALIVE_MISSED_AT_MOST),
            "LogLevel": "ERROR",
            "RemoteCommand": "none",
            "RequestTTY": "no",
            "ControlPath": str(self._folder / "control"),
            "ControlPersist": "no",
        }
        return [*(f"-o{name}={value}" for name, value in options.items()), *self._target.ssh.way()]

    def _first(self) -> list[str]:
        forward = f"{self.docker_socket}:{DOCKER_SOCKET}"
        return ["-oControlMaster=yes", "-oExitOnForwardFailure=no", "-L", forward]

    def _beside(self) -> list[str]:
        """Only over the standing session: where that is gone, this fails and does not log in again."""
        return ["-oControlMaster=no", "-oProxyCommand=false", "-oClearAllForwardings=yes"]

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """The first process carries all lanes, so it lives until `close` even where its own shell is given up."""
        if process is not self._master:
            self._processes.end(process)

    def _explain(self, process: subprocess.Popen[bytes], said: str) -> ConnectionLost:
        """Why this process has ended; where the line that carries all is gone, that is the reason of each."""
        master = self._master
        if master is None or (process is not master and not _has_ended(master)):
            return line_lost(_text(self._logs[process]), said, self._target.ssh.become)
        with self._lock:
            if self._master_lost is None:
                self._master_lost = line_lost(
                    _text(self._logs[master]), said if process is master else "", self._target.ssh.become
                )
            return self._master_lost


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended, or does within a moment: of two that end together one is seen first."""
    try:
        process.wait(EXIT_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _text(log: Path) -> str:
    """What ssh said in its log, without what it said of the Docker Engine's socket, which rides on the line."""
    said = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(line for line in said.splitlines() if not re.match(r"channel \d+: ", line))
