"""The server shows another host key than the known one: it was reinstalled, or it is somebody else's."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "1"
fails: set[str] = set()
undetermined: set[str] = set()
passes = fault_helpers.TOLD_FROM_OUTSIDE | {"the-ports-answer"}

FAULT = "host-key-changed"
KEY = "/etc/ssh/ssh_host_ed25519_key"
KEPT = f"{fault_helpers.KEPT}/{FAULT}"
AGAIN = "pkill -x -o sshd; while pgrep -x sshd > /dev/null; do sleep 0.1; done; /usr/sbin/sshd"


def inject(server: Server) -> None:
    for name, file in (("key", KEY), ("key.pub", f"{KEY}.pub")):
        fault_helpers.keep(server, FAULT, name, f"cat {file}")
    server.run(f"rm {KEY} {KEY}.pub && ssh-keygen -q -t ed25519 -N '' -f {KEY}").required()
    server.run(AGAIN).required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT}/key ] || {{ cat {KEPT}/key > {KEY} && cat {KEPT}/key.pub > {KEY}.pub; }}").required()
    server.run(AGAIN).required()
    fault_helpers.forget(server, FAULT)
