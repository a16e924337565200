"""What a target looks like from outside when a line to it has failed, in one line.

It tells a dead host from a name that leads nowhere, a certificate, sshd alone or the edge alone::

    psytech.jp: DNS ok · 443 refused · 22 timed out → the host is up, its edge is down, its ssh port does not answer
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from runbook.model.outside_questions import DnsQuery, Resolution, TlsHandshake
from runbook.model.port_state import PortState
from runbook.model.question import Question

NAME = DnsQuery(seconds=4)
EDGE = TlsHandshake(seconds=4)
CHAIN = TlsHandshake(trusted=True, seconds=4)
NAMES: dict[Question[Any], str] = {
    NAME: "reachability.NAME",
    EDGE: "reachability.EDGE",
    CHAIN: "reachability.CHAIN",
}
"""What is asked for the line, with the names for plan and evidence. The ssh port is not tried a second time."""


@dataclass(frozen=True)
class Part:
    """One part of the line.

    Attributes:
        shown: As it stands before the arrow.
        fault: What the conclusion says of it, as subject and predicate; None where nothing is the matter.
        life: Whether it shows that the host is up.
    """

    shown: str
    fault: tuple[str, str] | None
    life: bool


SSH_FAULTS = {
    PortState.REFUSED: ("its sshd", "is down"),
    PortState.TIMED_OUT: ("its SSH port", "does not answer"),
    PortState.NOT_YET: ("its SSH port", "has not answered yet"),
    PortState.NO_ROUTE: ("its SSH port", "cannot be reached"),
    PortState.SILENT: ("its sshd", "accepts connections but gives no shell"),
    PortState.CUT: ("its SSH connection", "was cut"),
    PortState.STOPPED: ("its SSH connection", "stopped answering"),
    PortState.OTHER_KEY: ("its host key", "does not match known_hosts"),
    PortState.LOGIN_REFUSED: ("its sshd", "refuses this login"),
    PortState.NO_SUDO: ("its sudo", "asks for a password"),
}
EDGE_FAULTS = {
    PortState.REFUSED: ("its edge", "is down"),
    PortState.TIMED_OUT: ("its edge", "does not answer"),
    PortState.NOT_YET: ("its edge", "has not answered yet"),
    PortState.NO_ROUTE: ("its edge", "cannot be reached"),
    PortState.NO_TLS: ("its edge", "terminates no TLS for the name"),
    PortState.UNTRUSTED: ("its certificate", "is not trusted"),
}


def line_of(domain: str | None, parts: tuple[Part, ...]) -> str:
    """The line: each part, and what follows from all of them; before it the domain, where that is known."""
    name = f"{domain}: " if domain else ""
    return f"{name}{' · '.join(part.shown for part in parts)} → {', '.join(_conclusion(parts))}"


def ssh_part(port: int, port_state: PortState) -> Part:
    """The part of the ssh line, which has been tried already."""
    return Part(f"{port} {port_state}", _fault(port_state, SSH_FAULTS, "its SSH connection"), port_state.shows_life)


def edge_part(port: int, port_state: PortState, why: str | None = None) -> Part:
    """The part of the edge. ``why`` is what is the matter with its TLS, in OpenSSL's words."""
    return Part(
        f"{port} {port_state}{f' ({why})' if why else ''}",
        _fault(port_state, EDGE_FAULTS, "its edge"),
        port_state.shows_life,
    )


def name_part(address: str, resolved: Resolution | None, error: str | None) -> Part:
    """The part of the name.

    Args:
        address: The target's; what the name leads to is compared with it where it is a number.
        resolved: What the resolver says; None where it was not asked, or did not answer.
        error: Why the resolver did not answer; None where it did, or was not asked.
    """
    if error is not None:
        return Part("DNS without answer", ("its resolver", "does not answer"), life=False)
    if resolved is None:
        return Part("DNS not asked", None, life=False)
    if resolved.refusal is not None:
        return Part(f"DNS {resolved.refusal}", ("its name", f"does not resolve ({resolved.refusal})"), life=False)
    if not resolved.addresses:
        return Part("DNS without address", ("its name", "has no address"), life=False)
    wanted = _number(address)
    if wanted is not None and wanted not in map(_number, resolved.addresses):
        elsewhere = ", ".join(resolved.addresses)
        return Part(f"DNS {elsewhere}", ("its name", f"resolves to {elsewhere} instead of {address}"), life=False)
    return Part("DNS ok", None, life=False)


def _fault(port_state: PortState, known: dict[PortState, tuple[str, str]], subject: str) -> tuple[str, str] | None:
    return None if port_state is PortState.OK else known.get(port_state, (subject, "failed"))


def _conclusion(parts: tuple[Part, ...]) -> Iterator[str]:
    name, *ports = parts
    if any(part.life for part in ports):
        yield "the host is up"
        faults = [part.fault for part in parts if part.fault]
    else:
        yield "the host is down or cut off from here"
        faults = [name.fault] if name.fault else []
    alone = " alone" if len(faults) == 1 and any(part.life for part in ports) else ""
    for subject, predicate in faults:
        yield f"{subject}{alone} {predicate}"
    if not faults and all(part.fault is None for part in ports):
        yield "and everything answers now"


def _number(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address)
    except ValueError:
        return None
