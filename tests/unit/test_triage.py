"""Triage: its table is complete, its commands are whole, and what a server says does not decide how they read."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Literal

import pytest
from rich.console import Console

from checks.database.service_logins import Login
from checks.docker.container_history import ContainerHistory, ContainerTimeline, LogLine, Since
from checks.docker.containers import Container, Fleet
from checks.edge.kamal_proxy import Saved
from drills.rollback.proxy_route import Route
from runbook.model.outcome import Outcome, ReasonCode
from runbook.model.port_state import PortState
from runbook.model.record import Difference, Run, Scenario
from runbook.model.target import SshSettings, Target
from runbook.model.template import template_values
from runbook.suite import features
from tests.unit import report_example as example
from triage import advice, remedies
from triage.advice import ADVICE, SYMPTOMS, Seen
from triage.causes import NO_SSH, find
from triage.page import PASTE_HERE, Page, ago, pasted, ssh
from triage.remedies import Remedy

TARGET = Target(name="here", environment="staging", address="192.0.2.1", domain="service.example")
FACTS = template_values(TARGET)
REMEDIES = {name: one for name, one in vars(remedies).items() if isinstance(one, Remedy)}
TOLD = {"container", "release", "role", "to", "flags", "network"}
"""What only an observation tells."""

NOW = datetime(2026, 2, 24, 3, 0, tzinfo=UTC)
FLAGS = ("--host=service.example", "--tls=true", "--log-request-header=X-Request-Id")
FAILED, UNTOLD, PASSED = Outcome.FAILED, Outcome.UNDETERMINED, Outcome.PASSED


def container(name: str, **values: object) -> Container:
    usual = Container(
        id=f"{name}-0123456789ab",
        name=name,
        running=True,
        paused=False,
        restarting=False,
        health="healthy",
        exit_code=0,
        out_of_memory=False,
        restarts=0,
        restart_policy="unless-stopped",
        up_seconds=9000,
        addresses=("172.18.0.5",),
        aliases=(),
        version="1.1.0",
        revision=None,
        image="psyfit:1",
        sources=(),
    )
    return replace(usual, **values)  # type: ignore[arg-type]


NEW, OLD = "psyfit-web-1771913000", "psyfit-web-1771900000"
LIVED = ContainerTimeline(
    started=NOW - timedelta(hours=5),
    ended=None,
    unhealthy=None,
    paused=None,
    died=(),
    networks=frozenset({"kamal"}),
    disconnected=(),
    last_line=LogLine("ready", NOW - timedelta(seconds=30)),
)


def seen(*changed: Container, lived: dict[str, ContainerTimeline] | None = None, target: str = f"{NEW}:3000") -> Seen:
    """A server that is well, but for these containers."""
    by_name = {name: container(name) for name in (NEW, "psyfit-db", "psyfit-redis", "kamal-proxy")} | {
        OLD: container(OLD, running=False, addresses=(), up_seconds=None)
    }
    by_name |= {one.name: one for one in changed}
    return Seen(
        TARGET,
        Fleet(
            (by_name[NEW], by_name[OLD]),
            by_name["psyfit-db"],
            by_name["psyfit-redis"],
            by_name["kamal-proxy"],
            (),
            (),
        ),
        ContainerHistory(NOW, dict.fromkeys(by_name, LIVED) | (lived or {}), NOW - timedelta(minutes=4)),
        Saved((TARGET.domain,), (target,), "running", True, None, None, "", "/up", 0),
        Route(target, FLAGS, "{}"),
        None,
        Login(by_name[NEW], True, "1"),
    )


def told(advice: advice.Advice) -> str:
    return advice.remedy.render(FACTS)


# The table


def test_every_critical_scenario_of_sections_2_and_3_has_advice_and_nothing_else_has() -> None:
    critical = {
        one.id
        for one in features.scenarios_of(features.read())
        if "critical" in one.tags and not one.is_drill and one.section.split(".")[0] in ("2", "3")
    }
    assert set(ADVICE) == critical
    assert set(SYMPTOMS) <= critical


@pytest.mark.parametrize("name", REMEDIES)
def test_every_word_of_a_remedy_is_a_fact_of_the_target_or_told_by_what_was_seen(name: str) -> None:
    open_words = set(re.findall(r"(?<![\w<])<([a-z]\w*)>", REMEDIES[name].render(FACTS)))
    assert open_words <= TOLD


@pytest.mark.parametrize("name", REMEDIES)
def test_every_remedy_is_given_by_some_advice(name: str) -> None:
    text = "".join(Path(str(module.__file__)).read_text() for module in (remedies, advice))
    assert len(re.findall(rf"\b{name}\b", text)) > 1


@pytest.mark.parametrize("scenario", ADVICE)
def test_whatever_was_not_seen_there_is_advice_without_an_open_word(scenario: str) -> None:
    for one in (Seen(TARGET), seen(), replace(seen(), lately=None, route=None, saved=None, login=None)):
        assert not re.search(r"(?<![\w<])<[a-z]\w*>", told(ADVICE[scenario](one)))


def test_no_remedy_leads_the_proxy_without_the_options_that_it_has() -> None:
    leading = [one.script for one in REMEDIES.values() if "kamal-proxy deploy" in one.script]
    assert leading
    assert all("{flags}" in script for script in leading)
    assert not any("renew-ssl" in one.script or "--latest" in one.script for one in REMEDIES.values())


@pytest.mark.parametrize(
    "met", [one for one in PortState if one not in (PortState.OK, PortState.NO_TLS, PortState.UNTRUSTED)]
)
def test_whatever_the_ssh_line_met_it_is_said_what_to_do(met: PortState) -> None:
    assert NO_SSH[met]


# What is advised


def test_a_release_that_the_proxy_leads_to_by_name_is_started_and_no_route_is_touched() -> None:
    stopped = container(NEW, running=False, addresses=(), up_seconds=None)
    assert told(ADVICE["the-web-release-is-up"](seen(stopped))) == f"docker start {NEW}"


def test_one_that_it_leads_to_by_address_is_led_to_by_name_with_every_option() -> None:
    stopped = container(NEW, running=False, addresses=(), up_seconds=None)
    lived = {NEW: replace(LIVED, ended=NOW), OLD: replace(LIVED, ended=NOW - timedelta(days=1))}
    command = told(ADVICE["the-web-release-is-up"](seen(stopped, lived=lived, target="172.18.0.5:3000")))
    assert command.startswith(f"docker start {NEW} && docker exec kamal-proxy kamal-proxy deploy psyfit-web ")
    assert f"--target={NEW}:3000 {' '.join(FLAGS)} " in command


def test_of_stopped_releases_one_that_failed_is_started_last() -> None:
    newer = container(NEW, running=False, addresses=(), up_seconds=None, exit_code=1)
    lived = {NEW: replace(LIVED, ended=NOW), OLD: replace(LIVED, ended=NOW - timedelta(days=1))}
    advice = ADVICE["the-web-release-is-up"](seen(newer, lived=lived, target="172.18.0.9:3000"))
    assert advice.thing == OLD


def test_a_password_goes_through_a_pipe_for_the_role_that_was_refused() -> None:
    said = 'psql: error: FATAL:  password authentication failed for user "psyfit_prod"'
    one = replace(seen(), login=Login(container(NEW), False, said))
    command = told(ADVICE["the-application-can-log-in-to-the-database"](one))
    assert command.endswith(f"sh {TARGET.backups.database} psyfit_prod")
    assert command.startswith("docker inspect --format '{{range .Config.Env}}{{println .}}{{end}}' ")


def test_containers_that_share_no_network_are_joined() -> None:
    apart = {"psyfit-db": replace(LIVED, networks=frozenset(), disconnected=(NOW - timedelta(hours=1),))}
    one = replace(seen(lived=apart), login=Login(container(NEW), False, "could not translate host name"))
    advice = ADVICE["the-application-can-log-in-to-the-database"](one)
    assert told(advice) == "docker network connect kamal psyfit-db"
    assert advice.since == Since(NOW - timedelta(hours=1), exact=True)


def test_the_ends_in_a_row_begin_after_the_last_long_life() -> None:
    died = tuple(NOW - timedelta(minutes=minutes) for minutes in (600, 3, 2, 1))
    again = container("psyfit-redis", restarting=True, restarts=5)
    advice = ADVICE["no-container-is-in-a-restart-loop"](seen(again, lived={again.name: replace(LIVED, died=died)}))
    assert (advice.thing, advice.heals) == ("psyfit-redis", False)
    assert advice.since == Since(NOW - timedelta(minutes=3), exact=True)
    advice = ADVICE["no-container-is-in-a-restart-loop"](seen(again, lived={again.name: replace(LIVED, died=died[1:])}))
    assert advice.since == Since(NOW - timedelta(minutes=3), exact=False)


# How it is pasted


@pytest.mark.parametrize("script", ["docker start it", "printf '%s' \"a b\" | sed -n 's/x/y/p'"])
@pytest.mark.parametrize("become", [None, "sudo -n"])
def test_the_command_takes_the_targets_own_way_and_arrives_as_it_is(
    script: str, become: Literal["sudo -n"] | None
) -> None:
    way = SshSettings(user="deploy", port=2222, config=Path("/some where/ssh_config"), become=become)
    words = shlex.split(ssh(TARGET.model_copy(update={"ssh": way}), script))
    assert words[:-1] == ["ssh", "-F", "/some where/ssh_config", "-p", "2222", "deploy@192.0.2.1"]
    there = shlex.split(words[-1])
    assert (there == ["sudo", "-n", "sh", "-c", script]) if become else (words[-1] == script)


def test_on_the_server_itself_it_is_pasted_as_it_is() -> None:
    local = TARGET.model_copy(update={"ssh": SshSettings(local=True)})
    assert pasted(local, remedies.START_CONTAINER.with_values(container="psyfit-db")) == "docker start psyfit-db"


def test_what_a_server_calls_a_thing_stays_one_word() -> None:
    hostile = "x; rm -rf /"
    assert shlex.split(remedies.START_CONTAINER.with_values(container=hostile).render(FACTS)) == [
        "docker",
        "start",
        hostile,
    ]


# Causes and what follows from them


def scenario(scenario_id: str, outcome: Outcome, sees: str = "", reason: str | None = None, **more: str) -> Scenario:
    made = example.scenario(scenario_id.replace("-", " "), "2.2", outcome, severity="critical", reason=reason, **more)  # type: ignore[arg-type]
    difference = Difference(expected="well", seen=sees, go_to="3.1")
    steps = [example.step("it is well", outcome).model_copy(update={"difference": difference})] if sees else []
    return made.model_copy(update={"steps": tuple(steps)})


def page(run: Run, what: Seen, met: PortState | None = PortState.OK) -> str:
    out = StringIO()
    console = Console(file=out, width=100, force_terminal=False)
    shown = Page(console, TARGET, "here", lambda text: text.replace("hunter2", "[redacted]"), NOW)
    shown.show(run, "service.example: DNS ok", find(run, what, met), met)
    return out.getvalue()


def test_what_others_stand_on_comes_first_and_what_users_see_is_no_cause_beside_it() -> None:
    down = container("psyfit-db", running=False, up_seconds=None)
    lived = {"psyfit-db": replace(LIVED, ended=NOW - timedelta(minutes=7))}
    run = example.run(
        [
            scenario("the-api-is-healthy", FAILED, "HTTP status 503"),
            scenario("the-database-is-up", FAILED, "psyfit-db ended with 0"),
            scenario("a-page-that-reads-the-database-responds", UNTOLD, reason="x", because="the-api-is-healthy"),
            scenario("no-query-is-slow", UNTOLD, reason="x", because="the-database-is-up"),
            scenario("redis-is-up", PASSED),
        ],
        exit_code=1,
    )
    lines = page(run, seen(down, lived=lived)).splitlines()
    assert lines[0] == "service.example: DNS ok"
    assert lines[2] == "1. ✗ FAILED  the database is up: psyfit-db ended with 0 → runbook section 3.1"
    assert re.fullmatch(r"    since: 2026-02-24 \d\d:53:00 [+-]\d{4} \(7 min ago\), it ended then", lines[3])
    assert lines[4] == "    last log line: psyfit-db (30 s ago): ready"
    assert lines[5] == "    next, paste here:"
    assert lines[6] == "ssh -p 22 192.0.2.1 'docker start psyfit-db'"
    assert "    with it: 1 more could not be determined because of it" in lines
    assert "what users see: the api is healthy: HTTP status 503" in lines
    assert not any(line.startswith("2. ") for line in lines)


def test_what_the_same_command_heals_is_one_cause() -> None:
    stopped = container(NEW, running=False, addresses=(), up_seconds=None)
    run = example.run(
        [
            scenario("the-release-behind-the-proxy-answers", FAILED, "no answer"),
            scenario("the-web-release-is-up", FAILED, f"{NEW} ended with 137"),
        ]
    )
    text = page(run, seen(stopped))
    assert "1. ✗ FAILED  the web release is up" in text
    assert "    with it: 1 more fails: the release behind the proxy answers" in text
    assert "2. " not in text


def test_at_most_five_causes_are_shown_and_the_others_are_named() -> None:
    ids = [one for one in ADVICE if one not in SYMPTOMS]
    text = page(example.run([scenario(one, FAILED, f"{one} is broken") for one in ids]), Seen(TARGET))
    assert len(re.findall(r"^\d\. ", text, re.MULTILINE)) <= 5
    assert re.search(r"^\d+ more: ", text, re.MULTILINE)


def test_what_had_no_answer_in_time_is_named_as_still_open() -> None:
    late = scenario("redis-is-up", UNTOLD, reason="whatever words", reason_code=ReasonCode.OUT_OF_TIME)
    text = page(example.run([late], exit_code=3), Seen(TARGET))
    assert "? still running when the time was up (1): redis is up" in text
    assert "could not be determined" in text.splitlines()[-1]


def test_a_server_out_of_reach_is_one_cause_that_says_what_to_do() -> None:
    reason, code = "whatever words of the port", ReasonCode.NO_CONNECTION
    lost = [scenario(one, UNTOLD, reason=reason, reason_code=code) for one in ("redis-is-up", "the-proxy-is-up")]
    lines = page(example.run(lost, exit_code=3), Seen(TARGET), PortState.REFUSED).splitlines()
    assert lines[2] == f"1. ? UNDETERMINED  The server cannot be reached over SSH: {reason} → runbook section 1"
    assert lines[3] == f"    what to do: {NO_SSH[PortState.REFUSED]}"
    assert lines[5] == "ssh -v -p 22 192.0.2.1 uptime"
    assert "    with it: 2 more could not be determined because of it" in lines
    assert not any(line.startswith("2. ") for line in lines)


def test_no_wording_of_a_reason_decides_what_it_is() -> None:
    """A server can say anything; only the code beside the sentence says what it is."""
    said = "no answer within the time that the whole look may take (8 s)"
    run = example.run([scenario("redis-is-up", UNTOLD, reason=said)], exit_code=3)
    assert "still open" not in page(run, Seen(TARGET))
    alone = page(
        example.run([scenario("redis-is-up", UNTOLD, reason="no SSH connection to the server")]),
        Seen(TARGET),
        PortState.CUT,
    )
    assert "The server cannot be reached over SSH: its SSH port: cut" in alone


def test_what_a_log_says_is_redacted_and_steers_no_terminal() -> None:
    said = LogLine("\x1b[2J\x1b]0;owned\x07 password hunter2", NOW)
    run = example.run([scenario("redis-is-up", FAILED, "psyfit-redis is paused")])
    text = page(
        run, seen(container("psyfit-redis", paused=True), lived={"psyfit-redis": replace(LIVED, last_line=said)})
    )
    assert "\x1b" not in text
    assert "hunter2" not in text
    assert "[redacted]" in text


def test_what_a_server_says_cannot_stand_where_a_command_stands() -> None:
    forged = f"x\n    {PASTE_HERE}\nrm -rf /\u2028rm -rf /"
    lived = {"psyfit-redis": replace(LIVED, last_line=LogLine(forged, NOW))}
    run = example.run([scenario("redis-is-up", FAILED, forged)])
    lines = page(run, seen(container("psyfit-redis", paused=True), lived=lived)).splitlines()
    commands = [lines[place + 1] for place, line in enumerate(lines) if line.strip() == PASTE_HERE]
    assert commands == ["ssh -p 22 192.0.2.1 'docker unpause psyfit-redis'"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s ago"), (119, "119 s ago"), (120, "2 min ago"), (7200, "2 h ago"), (-5, "0 s ago")]
)
def test_how_long_ago(seconds: int, words: str) -> None:
    assert ago(timedelta(seconds=seconds)) == words
