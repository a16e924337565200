"""The line to a server: one authenticated OpenSSH session per run, or this machine itself, with one interface.

The session's first channel is the ssh process itself, with the Docker Engine's socket forwarded beside it; further
lanes ride on it through its control socket and authenticate no more. Host keys are always checked, and whatever
the ssh configuration says of jumps, agents and hardware keys holds. The line is tried once.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from runbook import folders
from runbook.channel import LAST_WORDS_SECONDS, Channel, LineLost
from runbook.met import Met
from runbook.question import Lane, Output
from runbook.target import Target

CONNECT_SECONDS = 10
SSH_SECONDS = 8
"""Until ssh gives up connecting; less than `CONNECT_SECONDS`, so that it is ssh that says why."""

ALIVE_EVERY_SECONDS = 3
ALIVE_MISSED_AT_MOST = 2
"""A server that has said nothing for 9 s, asked whether it is there, is gone."""

DOCKER_SOCKET = "/var/run/docker.sock"
AT_LOWEST_PRIORITY = "renice -n 19 $$ >/dev/null 2>&1; ionice -c 3 -p $$ >/dev/null 2>&1; exec sh"

SHELLS: dict[Lane, int] = {"quick": 3, "docker": 3, "slow": 1}
"""How many share a lane's work once a command has hung; sshd carries ten sessions on one line by default."""

_SAYINGS = {
    "couldn't open logfile": ("there is no folder here in which ssh could keep its own files", Met.FAILED),
    "no user exists for uid": ("ssh itself refuses an account here that has no name", Met.FAILED),
    "permission denied (": ("the server refused the login", Met.LOGIN_REFUSED),
    "too many authentication failures": ("the server refused the login", Met.LOGIN_REFUSED),
    "host key verification failed": ("the server's host key is not the known one", Met.OTHER_KEY),
    "remote host identification has changed": ("the server's host key is not the known one", Met.OTHER_KEY),
    "connection refused": ("the ssh port is closed", Met.REFUSED),
    "timed out during banner exchange": (
        f"the server took the connection and said nothing for {SSH_SECONDS} s",
        Met.SILENT,
    ),
    "timed out": (f"the ssh port did not answer within {SSH_SECONDS} s", Met.TIMED_OUT),
    "not responding": ("the server stopped answering", Met.STOPPED),
    "closed by remote host": ("the server cut it", Met.CUT),
    "no route to host": ("there is no route to the server", Met.NO_ROUTE),
    "network is unreachable": ("there is no route to the server", Met.NO_ROUTE),
    "could not resolve": ("the server's address does not resolve", Met.NO_ADDRESS),
    "password is required": ("sudo asks for a password, and the target file says that it does not", Met.NO_SUDO),
}


class Connection:
    """The server's shells by lane, and its Docker Engine's socket. Nothing is opened before the first question."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._folder = folders.make()
        self._lanes: dict[Lane, Channel] = {}
        self._hello: Future[Output] | None = None
        self._greeted_at: list[float] = []
        self._master: subprocess.Popen[bytes] | None = None
        self._master_lost: LineLost | None = None
        self._logs: dict[subprocess.Popen[bytes], Path] = {}
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
                self._hello = self._lanes["quick"].submit("id -un; date +%s.%N", CONNECT_SECONDS)
                self._hello.add_done_callback(lambda _: self._greeted_at.append(time.time()))
            return self._hello

    @property
    def greeted(self) -> bool:
        """Whether the greeting has come, or it is known that none will."""
        return self._hello is not None and self._hello.done()

    def greeted_at(self) -> float:
        """When the greeting came, by our own clock, in seconds since 1970."""
        self.ready().exception()
        return self._greeted_at[0]

    def met(self) -> Met | None:
        """What the ssh line has met so far; None where none is needed, or nobody has asked for one."""
        if self._target.ssh.local or self._hello is None:
            return None
        if not self._hello.done():
            return Met.NOT_YET
        error = self._hello.exception() or self._master_lost
        return error.met if isinstance(error, LineLost) else Met.OK

    def run(self, script: str, seconds: float, lane: Lane = "quick") -> Future[Output]:
        """Run a command on the server.

        The future ends when the answer is there, when the command has had its time, or when the line is lost.
        """
        hello = self.ready()
        if lane != "quick" and hello.exception() is not None:
            return hello
        with self._lock:
            if lane not in self._lanes:
                self._lanes[lane] = self._channel(lane)
            channel = self._lanes[lane]
        return channel.submit(script, seconds)

    def start(self, script: str) -> subprocess.Popen[bytes]:
        """Start a drill's command in a session of its own on the standing line; its streams are the caller's.

        Nothing is ever started twice: where the line is lost, the process ends with what ssh says.

        Raises:
            Undetermined: There is no line.
        """
        self.ready().result()
        return self._process(["sh", "-c", script])

    def close(self) -> None:
        """Hang up and leave nothing behind, here or there."""
        with self._lock:
            channels = tuple(self._lanes.values())
        for channel in channels:
            channel.close()
        if self._master is not None:
            _kill(self._master)
        folders.remove(self._folder)

    def _channel(self, lane: Lane) -> Channel:
        return Channel(lambda: self._start(lane), self._end, CONNECT_SECONDS, self._explain, shells=SHELLS[lane])

    def _start(self, lane: Lane) -> subprocess.Popen[bytes]:
        """A shell; what ssh itself says goes to a log, apart from what the server's commands say."""
        shell = ["sh", "-c", AT_LOWEST_PRIORITY] if lane == "slow" else ["sh"]
        log = self._folder / f"ssh-{len(self._logs)}.log"
        try:
            process = self._process(shell, "-oLogLevel=INFO", "-E", str(log))
        except OSError as error:
            raise LineLost(f"no line to the server: {error.filename} cannot be started: {error.strerror}") from None
        self._logs[process] = log
        return process

    def _process(self, command: list[str], *options: str) -> subprocess.Popen[bytes]:
        if self._target.ssh.become:
            command = [*shlex.split(self._target.ssh.become), *command]
        if self._target.ssh.local:
            return _popen(command)
        ssh = ["ssh", *options, *self._options()]
        if self._master is not None:
            return _popen([*ssh, *self._beside(), self._target.address, shlex.join(command)])
        self._master = _popen([*ssh, *self._first(), self._target.address, shlex.join(command)])
        return self._master

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
            _kill(process)

    def _explain(self, process: subprocess.Popen[bytes], said: str) -> LineLost:
        """Why this process has ended; where the line that carries all is gone, that is the reason of each."""
        master = self._master
        if master is None or (process is not master and not _has_ended(master)):
            return _line_lost(f"{_text(self._logs[process])}\n{said}")
        with self._lock:
            if self._master_lost is None:
                self._master_lost = _line_lost(f"{_text(self._logs[master])}\n{said if process is master else ''}")
            return self._master_lost


def _popen(arguments: list[str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    threading.Thread(target=process.wait, daemon=True).start()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has ended, or does within a moment: of two that end together one is seen first."""
    try:
        process.wait(LAST_WORDS_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _text(log: Path) -> str:
    """What ssh said in its log, without what it said of the Docker Engine's socket, which rides on the line."""
    said = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(line for line in said.splitlines() if not re.match(r"channel \d+: ", line))


def _line_lost(said: str) -> LineLost:
    """What ssh and the server said last, as one sentence."""
    for words, (sentence, met) in _SAYINGS.items():
        if words in said.lower():
            return LineLost(f"no line to the server: {sentence}", met)
    last = said.strip().splitlines()[-1:] or ["the server cut it"]  # ssh does not always come to say so
    return LineLost(f"no line to the server: {last[0].strip()}")
