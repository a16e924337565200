"""One of the server's host keys has changed, of a type that ssh does not use here: the connection still works."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "1"
fails = {"the-host-keys-match-known-hosts"}
undetermined: set[str] = set()

FAULT = "host-key-of-another-type-changed"
KEY = "/etc/ssh/ssh_host_ecdsa_key"
KEPT = f"{fault_helpers.KEPT}/{FAULT}"


def inject(server: Server) -> None:
    for name, file in (("key", KEY), ("key.pub", f"{KEY}.pub")):
        fault_helpers.keep(server, FAULT, name, f"cat {file}")
    server.run(f"rm {KEY} {KEY}.pub && ssh-keygen -q -t ecdsa -N '' -f {KEY}").required()


def heal(server: Server) -> None:
    server.run(f"[ ! -e {KEPT}/key ] || {{ cat {KEPT}/key > {KEY} && cat {KEPT}/key.pub > {KEY}.pub; }}").required()
    fault_helpers.forget(server, FAULT)
