"""One process with a shell behind it, and the commands that wait for their answers."""

from __future__ import annotations

import queue
import secrets
import subprocess
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

from runbook.model.question import Output

PREAMBLE = "LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH; umask 077\n"
TELL_PROCESS_GROUP = "read -r stat </proc/$$/stat; set -- ${stat##*) }; echo $3"


@dataclass(eq=False)
class Waiting:
    script: str
    seconds: float
    future: Future[Output] = field(default_factory=Future)
    handshake: bool = False
    begun: float | None = None
    status: int = 0
    out: str | None = None
    err: str | None = None


@dataclass
class Shell:
    """One process with a shell behind it, what is still to be written to it, and the marker that ends its answers.

    ``on_trial`` is true until a shell that follows a hung command has answered: nothing else is sent to it.
    """

    process: subprocess.Popen[bytes]
    on_trial: bool
    to_write: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)
    marker: str = field(default_factory=lambda: secrets.token_hex(12))
    process_group: int | None = None
    last_words: str = ""
    answers_ended: threading.Event = field(default_factory=threading.Event)
