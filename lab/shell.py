"""A shell on a lab, through its sshd like any operator's."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from lab.server import Server


def shell(server: Server, account: str, command: Sequence[str] = ()) -> int:
    """Open a shell there, or run this command; returns its exit status."""
    config = str(server.state / "ssh_config")
    return subprocess.run(["ssh", "-F", config, "-l", account, server.container, *command], check=False).returncode
