"""The line to a server: one authenticated OpenSSH session per run, or this machine itself, with one interface.

The session's first channel is the ssh process itself, with the Docker Engine's socket forwarded beside it; further
lanes ride on it through its control socket and authenticate no more. Host keys are always checked, and whatever
the ssh configuration says of jumps, agents and hardware keys holds. The line is tried once.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from runbook.channel import Channel
from runbook.question import Lane, Output
from runbook.target import Target

CONNECT_SECONDS = 10
DOCKER_SOCKET = "/var/run/docker.sock"
AT_LOWEST_PRIORITY = "renice -n 19 $$ >/dev/null 2>&1; ionice -c 3 -p $$ >/dev/null 2>&1; exec sh"

_SAYINGS = {
    "permission denied (": "the server refused the login",
    "host key verification failed": "the server's host key is not the known one",
    "remote host identification has changed": "the server's host key is not the known one",
    "connection refused": "the ssh port is closed",
    "timed out": f"the ssh port did not answer within {CONNECT_SECONDS} s",
    "no route to host": "there is no route to the server",
    "could not resolve": "the server's name does not resolve",
    "password is required": "sudo asks for a password, and the target file says that it does not",
}


class Connection:
    """The server's shells by lane, and its Docker Engine's socket. Nothing is opened before the first question."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._folder = Path(tempfile.mkdtemp(prefix="runbook-"))
        self._lanes: dict[Lane, Channel] = {}
        self._hello: Future[Output] | None = None
        self._greeted_at: list[float] = []
        self._master: subprocess.Popen[bytes] | None = None
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

    def greeted_at(self) -> float:
        """When the greeting came, by our own clock, in seconds since 1970."""
        self.ready().exception()
        return self._greeted_at[0]

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

    def close(self) -> None:
        """Hang up and leave nothing behind, here or there."""
        with self._lock:
            for channel in self._lanes.values():
                channel.close()
            if self._master is not None:
                _kill(self._master)
            shutil.rmtree(self._folder, ignore_errors=True)

    def _channel(self, lane: Lane) -> Channel:
        return Channel(lambda: self._start(lane), self._end, CONNECT_SECONDS, _explain, self._reap)

    def _start(self, lane: Lane) -> subprocess.Popen[bytes]:
        shell = ["sh", "-c", AT_LOWEST_PRIORITY] if lane == "slow" else ["sh"]
        if self._target.ssh.become:
            shell = [*shlex.split(self._target.ssh.become), *shell]
        if self._target.ssh.local:
            return _popen(shell)
        if self._master is not None:
            return _popen([*self._ssh(), *self._beside(), self._target.address, shlex.join(shell)])
        self._master = _popen([*self._ssh(), *self._first(), self._target.address, shlex.join(shell)])
        return self._master

    def _ssh(self) -> list[str]:
        ssh = self._target.ssh
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": str(CONNECT_SECONDS),
            "ConnectionAttempts": "1",
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "LogLevel": "ERROR",
            "RemoteCommand": "none",
            "RequestTTY": "no",
            "ControlPath": str(self._folder / "control"),
            "ControlPersist": "no",
        }
        return [
            "ssh",
            *(["-F", str(ssh.config)] if ssh.config else []),
            *(f"-o{name}={value}" for name, value in options.items()),
            *(["-l", ssh.user] if ssh.user else []),
            "-p",
            str(ssh.port),
        ]

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

    def _reap(self, process_group: int) -> None:
        self.run(f"kill -TERM -- -{process_group}", CONNECT_SECONDS)


def _popen(arguments: list[str]) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    return subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    threading.Thread(target=process.wait, daemon=True).start()


def _explain(said: str) -> str:
    known = next((sentence for words, sentence in _SAYINGS.items() if words in said.lower()), None)
    last = said.splitlines()[-1] if said else "it was cut"
    return f"no line to the server: {known or last}"
