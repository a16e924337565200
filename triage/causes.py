"""From a run's record and its look to the causes: what is broken, what follows from it, what to do next.

Nothing is asked here that the scenarios, and the check `container_history` beside them, have not asked already.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from checks.database.service_logins import database_login
from checks.docker.container_history import ContainerTimeline, LogLine, container_history
from checks.docker.containers import fleet
from checks.edge.kamal_proxy import STATE, proxy_state
from checks.edge.tls_termination import edge
from drills.rollback.proxy_route import Route, read_route
from runbook.model.outcome import NotApplicable, Outcome, ReasonCode, Undetermined
from runbook.model.port_state import PortState
from runbook.model.record import Run, Scenario
from runbook.model.verdict import consequences, root_causes
from runbook.observation.snapshot import Check, Snapshot, reading
from triage.advice import ADVICE, SYMPTOMS, Advice, Seen

A = TypeVar("A")

AT_MOST = 5
OUT_OF_REACH = "The server cannot be reached over SSH"
NO_SSH = {
    PortState.REFUSED: "start its sshd in the provider's console: systemctl start ssh",
    PortState.TIMED_OUT: "check it in the provider's console: is it running, and does a firewall keep you out?",
    PortState.NOT_YET: "check it in the provider's console: is it running, and how high is its load?",
    PortState.NO_ROUTE: "try it from another network; then check it in the provider's console",
    PortState.NO_ADDRESS: "put its number in place of the name (key address of the target)",
    PortState.SILENT: "check it in the provider's console: its load, its memory; restart its sshd there",
    PortState.CUT: "try again; if it is cut again, look at its sshd and its memory in the provider's console",
    PortState.STOPPED: "try again; if it stops again, look at its load in the provider's console",
    PortState.OTHER_KEY: "ask who set up the server again; until that is known, log in to nothing",
    PortState.LOGIN_REFUSED: "see which key ssh offers, and whether the account is still there",
    PortState.NO_SUDO: "let the account become root without a password, or take ssh.become out of the target",
    PortState.FAILED: "try it by hand: ssh says more",
}
"""What to do where there is no line, by what it met."""


@dataclass(frozen=True)
class Cause:
    """One thing that is broken.

    Attributes:
        title: What is not as the runbook says, or could not be told.
        seen: What was seen, or why it could not be told.
        section: Where the runbook says what to do.
        advice: What is known of it; None where nothing is.
        lived: The latest of the container that it is about.
        with_it: What else fails and is healed by the same command.
        folded: How many more could not be told because of it.
        out_of_reach: Whether it is that there is no connection to the server at all.
    """

    outcome: Outcome
    title: str
    seen: str
    section: str
    advice: Advice | None = None
    lived: ContainerTimeline | None = None
    with_it: tuple[str, ...] = ()
    folded: int = 0
    out_of_reach: bool = False

    @property
    def last_line(self) -> LogLine | None:
        """Of the log of the thing concerned."""
        return self.lived.last_line if self.lived else None


@dataclass(frozen=True)
class Findings:
    """What is broken, worst first.

    Attributes:
        causes: What failed, what others stand on first; then what could not be told.
        symptoms: What users see of it, where something behind it is broken.
        still_open: What had no answer when the time was over.
        passed: How many scenarios are as the runbook says.
    """

    causes: tuple[Cause, ...]
    symptoms: tuple[str, ...]
    still_open: tuple[str, ...]
    passed: int


def seen_by(snapshot: Snapshot) -> Seen:
    """What the run has seen of what advice rests on."""
    return Seen(
        snapshot.target,
        _seen(snapshot, fleet),
        _seen(snapshot, container_history),
        _seen(snapshot, proxy_state),
        _seen(snapshot, _route),
        _seen(snapshot, edge),
        _seen(snapshot, database_login),
    )


def find(run: Run, seen: Seen, port_state: PortState | None) -> Findings:
    """The causes of what is broken.

    Args:
        run: Its scenarios are those of sections 2 and 3.
        seen: What was seen.
        port_state: What the ssh line has met; None where none is needed.
    """
    untold = [one for one in run.scenarios if one.outcome is Outcome.UNDETERMINED]
    still_open = [one for one in untold if one.reason_code is ReasonCode.OUT_OF_TIME]
    failed = _in_order(one for one in run.scenarios if one.outcome is Outcome.FAILED)
    behind = [one for one in failed if one.id not in SYMPTOMS]
    others = [one for one in root_causes(run) if one in untold and one not in still_open]
    symptoms = [one for one in (*failed, *others) if one.id in SYMPTOMS] if behind else []
    causes = [_unreachable(run, port_state)] if port_state not in (None, PortState.OK) else []
    causes += _without_doubles(_cause(one, run, seen) for one in behind or failed)
    if port_state in (None, PortState.OK):
        causes += [_untold(one, run) for one in others if one not in symptoms]
    return Findings(
        causes=tuple(causes),
        symptoms=tuple(f"{one.name}: {_seen_in(one)}" for one in symptoms),
        still_open=tuple(one.name for one in still_open),
        passed=sum(one.outcome is Outcome.PASSED for one in run.scenarios),
    )


def _cause(scenario: Scenario, run: Run, seen: Seen) -> Cause:
    advise = ADVICE.get(scenario.id)
    advice = advise(seen) if advise else None
    return Cause(
        outcome=scenario.outcome,
        title=scenario.name,
        seen=_seen_in(scenario),
        section=next((step.difference.go_to for step in scenario.steps if step.difference), scenario.section),
        advice=advice,
        lived=seen.lived(advice.thing) if advice and advice.thing else None,
        folded=len(consequences(run, scenario)),
    )


def _without_doubles(causes: Iterable[Cause]) -> list[Cause]:
    """What the same command heals is one cause, with the name of the first."""
    found: dict[object, Cause] = {}
    for one in causes:
        key: object = one.advice.remedy if one.advice and one.advice.heals else one.title
        first = found.setdefault(key, one)
        if first is not one:
            found[key] = _joined(first, one)
    return list(found.values())


def _joined(first: Cause, other: Cause) -> Cause:
    return replace(first, with_it=(*first.with_it, other.title), folded=first.folded + other.folded)


def _untold(scenario: Scenario, run: Run) -> Cause:
    return Cause(
        outcome=scenario.outcome,
        title=scenario.name,
        seen=scenario.reason or "it could not be determined",
        section=scenario.section,
        folded=len(consequences(run, scenario)),
    )


def _unreachable(run: Run, port_state: PortState | None) -> Cause:
    lost = [one for one in run.scenarios if one.reason_code is ReasonCode.NO_CONNECTION]
    why = next((one.reason for one in lost if one.reason), f"its SSH port: {port_state}")
    waiting = sum(one.outcome is Outcome.UNDETERMINED for one in run.scenarios)
    return Cause(Outcome.UNDETERMINED, OUT_OF_REACH, why, "1", folded=waiting, out_of_reach=True)


def _in_order(scenarios: Iterable[Scenario]) -> list[Scenario]:
    places = {one: place for place, one in enumerate(ADVICE)}
    return sorted(scenarios, key=lambda one: places.get(one.id, len(places)))


def _seen_in(scenario: Scenario) -> str:
    told = next((step.difference.seen for step in scenario.steps if step.difference), scenario.reason)
    return told or "it could not be determined"


def _seen(snapshot: Snapshot, check: Check[A]) -> A | None:
    try:
        return snapshot.observe(check)
    except (Undetermined, NotApplicable):
        return None


def _route(snapshot: Snapshot) -> Route | None:
    """The route with the flags that keep its options, from the state file that the checks have read."""
    told = snapshot.ask(STATE).required("the proxy's state file")
    with reading("the proxy's state file"):
        named = {one["name"]: one for one in json.loads(told.out)}
        entry = named.get(snapshot.target.containers.proxy_service)
        return read_route(json.dumps(entry)) if entry else None
