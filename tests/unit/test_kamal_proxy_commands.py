"""Which commands kamal-proxy has and which are called is read rightly, whatever is told."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.edge.kamal_proxy_commands import ProxyCommands, read_calls, read_help
from runbook.model.outcome import Mismatch, NotApplicable
from steps.certificate import nobody_calls_what_is_not_there

HELP = """HTTP proxy for zero downtime deployments

Usage:
  kamal-proxy [command]

Available Commands:
  deploy      Deploy a target host
  list        List the services currently running

Flags:
  -h, --help   help for kamal-proxy
""".splitlines()


def test_the_help_names_the_commands() -> None:
    assert read_help(HELP) == {"deploy", "list"}


@pytest.mark.parametrize(
    ("line", "called"),
    [
        ("docker exec kamal-proxy kamal-proxy renew-ssl > /dev/null", ("renew-ssl",)),
        ('docker exec -i "$PROXY" kamal-proxy deploy "$SERVICE"', ("deploy",)),
        ("docker exec a kamal-proxy ls && docker exec a kamal-proxy rm x", ("ls", "rm")),
        ("docker exec kamal-proxy cat /state", ()),
        ("docker restart kamal-proxy", ()),
        ('check_container "$PROXY" kamal-proxy', ()),
    ],
)
def test_a_call_is_known_by_its_form(line: str, called: tuple[str, ...]) -> None:
    assert read_calls([line]) == called


def test_a_call_of_what_is_not_there_is_told() -> None:
    nobody_calls_what_is_not_there(ProxyCommands(frozenset({"list"}), ("list", "ls")))
    with pytest.raises(Mismatch, match="seen: renew-ssl;"):
        nobody_calls_what_is_not_there(ProxyCommands(frozenset({"list"}), ("list", "renew-ssl")))
    with pytest.raises(NotApplicable):
        nobody_calls_what_is_not_there(ProxyCommands(frozenset({"list"}), ()))


@given(st.one_of(st.text(), st.just("Available Commands:\n  ").flatmap(lambda head: st.text().map(head.__add__))))
def test_a_foreign_help_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(LookupError):
        assert read_help(text.split("\n"))
    read_calls([text])
