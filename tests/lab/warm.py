"""Our command line in a process that has already loaded everything: a look between two tests starts at once.

What a test itself looks at is looked at as a user does, in a process that starts from nothing (`tests.lab.looking`).
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120
LOADED = ("conftest", "runbook.transport.ssh", "runbook.observation.observer", "reporting.bundle", "reporting.history")


class Warm:
    """A process that waits with everything loaded, and splits itself for each command."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.warm"], cwd=ROOT, stdin=pipe, stdout=pipe, text=True, bufsize=1
        )
        atexit.register(self._process.kill)

    def runbook(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one command line of ours; both streams are in ``stdout``.

        Raises:
            TimeoutError: It took longer than any command may.
            OSError: The process that waits has ended.
        """
        assert self._process.stdin
        assert self._process.stdout
        with tempfile.NamedTemporaryFile("r+") as screen, selectors.DefaultSelector() as ready:
            self._process.stdin.write(json.dumps([screen.name, *arguments]) + "\n")
            ready.register(self._process.stdout, selectors.EVENT_READ)
            if not ready.select(SECONDS):
                self._process.kill()
                raise TimeoutError(f"runbook {' '.join(arguments)} took longer than {SECONDS} s")
            code = self._process.stdout.readline()
            if not code:
                raise BrokenPipeError("the process with everything loaded has ended")
            return subprocess.CompletedProcess(arguments, int(code), Path(screen.name).read_text(), "")


@cache
def warm() -> Warm:
    """The one process of this session."""
    return Warm()


def _wait_for_commands() -> None:
    import importlib

    for name in LOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        screen, *arguments = json.loads(line)
        if (child := os.fork()) == 0:
            _run(screen, arguments)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _run(screen: str, arguments: list[str]) -> NoReturn:
    from commands.main import run

    said = os.open(screen, os.O_WRONLY)
    for stream, number in ((os.open(os.devnull, os.O_RDONLY), 0), (said, 1), (said, 2)):
        os.dup2(stream, number)
    sys.exit(run(arguments))


if __name__ == "__main__":
    _wait_for_commands()
