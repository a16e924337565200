"""The lab's server as its makers and its faults reach it: past sshd, through the machine's own Docker Engine."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab import LabError, Refused

DEFAULT_NAME = "lab"
NAME_FORM = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
LABEL = "runbook.lab"
MARGIN_SECONDS = 10.0

# Cron's own surroundings, and its way of reading a line: settings first, then five fields and the command.
CRON_JOBS = r"""
set -- $(crontab -l | sed -nE 's/^([A-Za-z_][A-Za-z0-9_]*)=/\1=/p')
crontab -l | grep -E '^[^#[:space:]]+([[:space:]]+[^[:space:]]+){5,}' | grep -vE '^[A-Za-z_]+[[:space:]]*=' | tac |
while read -r minute hour day month weekday job; do
  ( cd /root && env -i HOME=/root LOGNAME=root SHELL=/bin/sh PATH=/usr/bin:/bin "$@" sh -c "$job" < /dev/null ) ||
    { echo "the cron job failed ($?): $job" >&2; exit 1; }
done
"""


@dataclass(frozen=True)
class Completed:
    """How a script on the server ended. ``status`` is 124 where it took too long."""

    script: str
    status: int
    out: str
    err: str

    def required(self) -> Completed:
        """This result, where the script ended well.

        Raises:
            LabError: It did not; the error carries the last lines of what it said.
        """
        if self.status != 0:
            first = self.script.strip().partition("\n")[0]
            raise LabError(f"a command on the lab failed ({self.status}): {first[:120]}", self.out + self.err)
        return self


def state_folder() -> Path:
    """Where the keys and facts of all labs are kept on this machine."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "psyfit-lab"


def container_of(name: str) -> str:
    """The name of a lab's outer container, its volume and its network."""
    return f"runbook-lab-{name}"


@dataclass(frozen=True)
class Server:
    """One lab's server, by the lab's name.

    Raises:
        Refused: No lab can have this name.
    """

    name: str = DEFAULT_NAME

    def __post_init__(self) -> None:
        if not NAME_FORM.fullmatch(self.name):
            raise Refused(f"{self.name!r} cannot name a lab: expected at most 31 small letters, digits and '-'")

    @property
    def container(self) -> str:
        """The outer container, which is the server."""
        return container_of(self.name)

    @property
    def state(self) -> Path:
        """The operator's side: keys, certificate authority, the target file."""
        return state_folder() / self.name

    def run(self, script: str, *, user: str = "root", stdin: bytes = b"", seconds: float = 30.0) -> Completed:
        """Run a script by sh on the server. Secrets belong into ``stdin``, never into the script.

        Raises:
            LabError: There is no lab of this name, or the machine's engine does not answer.
        """
        limit = ["timeout", "--kill-after=2", f"{seconds:g}"]
        command = ["docker", "exec", "-i", "--user", user, self.container, *limit, "sh", "-c", script]
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, timeout=seconds + MARGIN_SECONDS, start_new_session=True
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"the lab {self.name} did not answer within {seconds + MARGIN_SECONDS:g} s") from None
        out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if done.returncode == 1 and f"No such container: {self.container}" in err:
            raise LabError(f"there is no lab {self.name}: `runbook lab up --name {self.name}` makes it", err)
        return Completed(script, done.returncode, out, err)

    def wait_until(self, script: str, *, seconds: float, what: str = "") -> None:
        """Wait until a script on the server exits with 0.

        Args:
            what: What is waited for, in words, where the script's first line does not say it.

        Raises:
            LabError: It still did not after so many seconds; the error says for what, and what the script said last.
        """
        polling = (
            f"attempt() (\n{script}\n)\n"
            "trap 'echo \"$said\" >&2; exit 124' TERM\n"
            "until now=$(attempt 2>&1); do said=$now; sleep 0.1; done"
        )
        done = self.run(polling, seconds=seconds)
        if done.status != 0:
            awaited = what or script.strip().partition("\n")[0][:120]
            last = (done.err.strip().splitlines() or ["nothing"])[-1]
            raise LabError(f"waited {seconds:g} s in vain until, on the lab: {awaited}; it said last: {last}", done.err)

    def running_web(self) -> str:
        """The name of the release that runs.

        Raises:
            LabError: None runs.
        """
        return self._web("running")

    def stopped_web(self) -> str:
        """The name of the release that was stopped last.

        Raises:
            LabError: None is stopped.
        """
        return self._web("exited")

    def run_cron_jobs(self) -> None:
        """Run each job of root's crontab once, as cron would; the rarest first, so that the monitor sees the rest.

        Raises:
            LabError: A job failed.
        """
        self.run(CRON_JOBS, seconds=120).required()

    def _web(self, status: str) -> str:
        listing = (
            f"docker ps --all --filter name=^/psyfit-web-[0-9]+$ --filter status={status} --format '{{{{.Names}}}}'"
        )
        names = self.run(listing).required().out.split()
        if not names:
            raise LabError(f"no release on the lab {self.name} is {status}")
        return max(names)
