"""What ssh says when there is no connection, and what that means for a person."""

from __future__ import annotations

import re

from runbook.model.port_state import PortState
from runbook.transport.connection_lost import ConnectionLost

SSH_SECONDS = 8
"""Until ssh gives up connecting; less than `CONNECT_SECONDS`, so that it is ssh that says why."""

_BEFORE_ITS_LOG = {
    r"Couldn't open logfile": "there is no folder here in which ssh could keep its own files",
    r"No user exists for uid": "ssh itself refuses an account here that has no name",
}
"""What ssh says before there is a log of its own: nobody else has said anything then."""

_SAYINGS = {
    r"[^ ]+: Permission denied \(": ("the server refused the login", PortState.LOGIN_REFUSED),
    r"(Received disconnect|Disconnected) from .*: Too many authentication failures": (
        "the server refused the login",
        PortState.LOGIN_REFUSED,
    ),
    r"Host key verification failed": ("the server's host key does not match known_hosts", PortState.OTHER_KEY),
    r"@ +WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED": (
        "the server's host key does not match known_hosts",
        PortState.OTHER_KEY,
    ),
    r"ssh: connect to host .*: Connection refused": ("the SSH port is closed", PortState.REFUSED),
    r"Connection timed out during banner exchange": (
        f"the server accepted the connection but sent no SSH banner for {SSH_SECONDS} s",
        PortState.SILENT,
    ),
    r"ssh: connect to host .*: (Connection|Operation) timed out": (
        f"the SSH port did not answer within {SSH_SECONDS} s",
        PortState.TIMED_OUT,
    ),
    r"Connection to .* timed out": (f"the SSH port did not answer within {SSH_SECONDS} s", PortState.TIMED_OUT),
    r"mux_client_request_session: .* refused": ("the server allows no further session on it", PortState.CUT),
    r"(banner exchange: )?Connection (closed by|reset by|to) UNKNOWN port": (
        "what ssh goes through to reach it, such as a jump host, gave no connection",
        PortState.FAILED,
    ),
    r"Timeout, server .* not responding": ("the server stopped answering", PortState.STOPPED),
    r"Connection to .* closed by remote host": ("the server closed it", PortState.CUT),
    r"\w+_exchange_identification: Connection closed by remote host": ("the server closed it", PortState.CUT),
    r"ssh: connect to host .*: No route to host": ("there is no route to the server", PortState.NO_ROUTE),
    r"ssh: connect to host .*: Network is unreachable": ("there is no route to the server", PortState.NO_ROUTE),
    r"ssh: Could not resolve hostname": ("the server's address does not resolve", PortState.NO_ADDRESS),
}
"""What ssh itself says at the beginning of a line of its log, what it means, and what the line has met."""

CUT = re.compile(r"Connection to \S+ closed by remote host\.")
"""What ssh says among what the server's command says; it means no more than that nothing else is known."""

NO_PASSWORD_FOR_SUDO = re.compile(r"^sudo: .*password is required", re.MULTILINE)


def line_lost(log: str, said: str, become: str | None = None) -> ConnectionLost:
    """Why the line is lost, as one sentence.

    Args:
        log: What ssh itself said. What it means is looked for here alone: whatever else is said may be the server's.
        said: What else was said last, by the server or by sudo; it is quoted where ssh's own words mean nothing known.
        become: How root is become, if at all.
    """
    for words, (sentence, port_state) in _SAYINGS.items():
        if re.search(f"^{words}", log, re.MULTILINE):
            return ConnectionLost(f"no SSH connection to the server: {sentence}", port_state)
    for words, sentence in _BEFORE_ITS_LOG.items():
        if not log.strip() and re.search(f"^{words}", said, re.MULTILINE):
            return ConnectionLost(f"no SSH connection to the server: {sentence}", PortState.FAILED)
    if become and NO_PASSWORD_FOR_SUDO.search(said):
        return ConnectionLost(
            "no SSH connection to the server: sudo asks for a password, and the target file says that it does not",
            PortState.NO_SUDO,
        )
    lines = (said.strip() or log.strip()).splitlines()  # where the server closed it, ssh does not always say so
    last = lines[-1].strip() if lines else ""
    reason = last if last and not CUT.fullmatch(last) else "the server closed it"
    return ConnectionLost(f"no SSH connection to the server: {reason}")
