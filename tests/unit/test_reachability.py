"""The line that tells what is down, from what each part of it met."""

from __future__ import annotations

import pytest

from runbook.model.outside_questions import Resolution
from runbook.model.port_state import PortState
from runbook.transport.reachability import edge_part, line_of, name_part, ssh_part

ADDRESS = "192.0.2.1"
NOT_ASKED = name_part(ADDRESS, None, None)
GOOD_NAME = name_part(ADDRESS, Resolution((ADDRESS,), None), None)


@pytest.mark.parametrize(
    ("edge", "ssh", "line"),
    [
        (PortState.OK, PortState.REFUSED, "443 ok · 22 refused → the host is up, its sshd alone is down"),
        (
            PortState.OK,
            PortState.TIMED_OUT,
            "443 ok · 22 timed out → the host is up, its SSH port alone does not answer",
        ),
        (
            PortState.OK,
            PortState.NOT_YET,
            "443 ok · 22 no answer yet → the host is up, its SSH port alone has not answered yet",
        ),
        (
            PortState.OK,
            PortState.LOGIN_REFUSED,
            "443 ok · 22 login refused → the host is up, its sshd alone refuses this login",
        ),
        (PortState.REFUSED, PortState.OK, "443 refused · 22 ok → the host is up, its edge alone is down"),
        (
            PortState.REFUSED,
            PortState.TIMED_OUT,
            "443 refused · 22 timed out → the host is up, its edge is down, its SSH port does not answer",
        ),
        (
            PortState.REFUSED,
            PortState.REFUSED,
            "443 refused · 22 refused → the host is up, its edge is down, its sshd is down",
        ),
        (
            PortState.TIMED_OUT,
            PortState.TIMED_OUT,
            "443 timed out · 22 timed out → the host is down or cut off from here",
        ),
        (PortState.NO_ROUTE, PortState.NO_ROUTE, "443 no route · 22 no route → the host is down or cut off from here"),
        (
            PortState.TIMED_OUT,
            PortState.STOPPED,
            "443 timed out · 22 stopped answering → the host is down or cut off from here",
        ),
        (PortState.OK, PortState.OK, "443 ok · 22 ok → the host is up, and everything answers now"),
    ],
)
def test_each_pair_has_its_conclusion(edge: PortState, ssh: PortState, line: str) -> None:
    parts = (GOOD_NAME, edge_part(443, edge), ssh_part(22, ssh))
    assert line_of("service.example", parts) == f"service.example: DNS ok · {line}"
    assert line_of(None, parts) == f"DNS ok · {line}"


@pytest.mark.parametrize("edge", PortState)
@pytest.mark.parametrize("ssh", PortState)
def test_every_pair_has_a_conclusion(edge: PortState, ssh: PortState) -> None:
    _, conclusion = line_of("service.example", (NOT_ASKED, edge_part(443, edge), ssh_part(22, ssh))).split(" → ")
    assert conclusion.startswith(("the host is up, ", "the host is down or cut off from here"))


@pytest.mark.parametrize(
    ("address", "resolved", "error", "shown", "fault"),
    [
        (ADDRESS, None, None, "DNS not asked", None),
        (ADDRESS, Resolution((ADDRESS, "192.0.2.9"), None), None, "DNS ok", None),
        ("2001:db8::1", Resolution(("2001:db8:0:0::1",), None), None, "DNS ok", None),
        ("host.example", Resolution(("192.0.2.9",), None), None, "DNS ok", None),
        (
            ADDRESS,
            Resolution(("192.0.2.9",), None),
            None,
            "DNS 192.0.2.9",
            ("its name", "resolves to 192.0.2.9 instead of 192.0.2.1"),
        ),
        (ADDRESS, Resolution((), None), None, "DNS without address", ("its name", "has no address")),
        (
            ADDRESS,
            Resolution((), "no such name"),
            None,
            "DNS no such name",
            ("its name", "does not resolve (no such name)"),
        ),
        (ADDRESS, None, "no answer", "DNS without answer", ("its resolver", "does not answer")),
    ],
)
def test_a_name_is_held_to_the_targets_address(
    address: str, resolved: Resolution | None, error: str | None, shown: str, fault: tuple[str, str] | None
) -> None:
    part = name_part(address, resolved, error)
    assert (part.shown, part.fault, part.life) == (shown, fault, False)


def test_a_certificate_alone_is_told_with_its_reason() -> None:
    parts = (GOOD_NAME, edge_part(443, PortState.UNTRUSTED, "certificate has expired"), ssh_part(22, PortState.OK))
    assert line_of("service.example", parts) == (
        "service.example: DNS ok · 443 certificate not trusted (certificate has expired) · 22 ok → "
        "the host is up, its certificate alone is not trusted"
    )
