"""Section 3.4: the manual rollback, and the way forward again."""

from __future__ import annotations

import re
import sys
from collections.abc import Generator

import pytest
from pytest_bdd import given, parsers, then, when

from checks.deploy import rollback_target as targets
from checks.deploy.rollback_target import RollbackTarget
from checks.docker.containers import fleet
from checks.edge import tls_termination as edges
from checks.edge.health_api import PLAIN_HTTP
from checks.edge.kamal_proxy import LIST, host_of, read_list
from drills.rollback import measurements, proxy_route, switch_actions, switching
from drills.rollback.probe import PER_SECOND
from drills.rollback.proxy_route import ROUTE
from drills.rollback.samples import summary
from drills.rollback.switching import Change, Rolling
from runbook.drill.executor import DrillExecutor
from runbook.model.action import Action
from runbook.model.outcome import NotApplicable, Undetermined, require
from runbook.model.outside_questions import TlsHandshake
from runbook.observation.snapshot import reading
from steps.deploy import none_found

ROLLING = pytest.StashKey[Rolling]()
IN_ORDER = (0, 143)
HANDSHAKE = TlsHandshake(trusted=True)


@pytest.hookimpl(wrapper=True)
def pytest_bdd_after_scenario(request: pytest.FixtureRequest) -> Generator[None, object, object]:
    """The requests go on until all is undone; only the POSTs, whose rows the undo takes away, end before."""
    rolling = request.node.stash.get(ROLLING, None)
    if rolling is None:
        return (yield)
    try:
        try:
            rolling.probe.post_no_more()
        finally:
            undone = yield
    finally:
        seen = measurements.finish(rolling)
    if not isinstance(sys.exc_info()[1], KeyboardInterrupt):
        measurements.none_lost(seen)
    return undone


# What must hold before anything is touched


@given("the proxy itself terminates TLS for the domain")
def the_proxy_itself_ends_tls(executor: DrillExecutor) -> None:
    if executor.snapshot().observe(edges.edge).who == "nginx":
        raise NotApplicable("nginx terminates TLS in front of the proxy, so section 3.4 breaks no TLS here")


@given(
    "a stopped release that was created before the running one",
    target_fixture="rollback_target",
)
def a_release_is_kept(executor: DrillExecutor) -> RollbackTarget:
    found = executor.snapshot().observe(targets.rollback_target)
    require(
        found, expected="one release that runs, and an older one that is stopped", actual="no such pair", section="2.2"
    )
    assert found is not None
    return found


@given("its image still exists, and it exited cleanly when it was last stopped")
def it_can_be_started(rollback_target: RollbackTarget) -> None:
    one = rollback_target.release
    require(rollback_target.image_there, expected=f"the image of {one.name}", actual="no such image", section="9.3")
    require(
        one.exit_code in IN_ORDER and not one.out_of_memory,
        expected="exit code 0 or 143",
        actual=f"{one.name} ended with {one.exit_code}{' (OOM-killed)' if one.out_of_memory else ''}",
        section="10",
    )


@given(parsers.parse("its {names} match those of the running release"))
def its_keys_are_todays(rollback_target: RollbackTarget, names: str) -> None:
    unlike = rollback_target.unlike(re.split(r", | and ", names))
    require(
        not unlike,
        expected=f"the same values in {rollback_target.release.name} and {rollback_target.running.name}",
        actual=[f"another {name}, or none" for name in unlike],
        section="8.2",
    )


@given("the database has every migration that is in its image")
def the_database_serves_it(rollback_target: RollbackTarget) -> None:
    require(
        not rollback_target.not_applied,
        expected="each migration of its image applied",
        actual=[f"{version} is not applied" for version in rollback_target.not_applied],
        section="4.3",
    )
    if rollback_target.none_found:
        raise none_found(f"the image of {rollback_target.release.name}")


@given(
    "the proxy routes to the running release by name, with options that can all be preserved", target_fixture="change"
)
def the_route_can_be_kept(executor: DrillExecutor, rollback_target: RollbackTarget) -> Change:
    snapshot = executor.snapshot()
    change = switching.planned(snapshot, rollback_target)
    owner = snapshot.observe(fleet).by_host(host_of(change.before.target))
    require(
        owner and owner.name == rollback_target.running.name and not change.before.by_address,
        expected=f"a route to {rollback_target.running.name} by its name or id",
        actual=change.before.target,
        section="2.3",
    )
    return change


@given(
    parsers.parse(
        "at least {rate:d} requests a second are sent through the edge at a fixed rate, and none is lost for {s:d} s"
    ),
    target_fixture="rolling",
)
def the_requests_go(
    executor: DrillExecutor, change: Change, request: pytest.FixtureRequest, rate: int, s: int
) -> Rolling:
    rolling = request.node.stash[ROLLING] = switching.begin(executor, change)
    rolling.probe.wait_until(lambda _: rolling.probe.clock() >= s, 2 * s)
    samples = rolling.probe.samples()
    seen = summary(samples)
    require(
        rate <= PER_SECOND and seen.sent >= rate * (s - 1),
        expected=f"{rate} requests a second",
        actual=f"{seen.sent} in {s} s",
        section="3.3",
    )
    measurements.none_lost(seen)
    versions = {one.release for one in samples}
    if len(versions) != 1 or None in versions:
        raise Undetermined("the answers do not name one release (key probe.version_header of the target)")
    rolling.newer_version = str(versions.pop())
    if change.older.version == rolling.newer_version:
        raise Undetermined("both releases have the same version, so nothing shows which one answered")
    return rolling


# What is done


@when("the older release is started")
def the_older_is_started(rolling: Rolling) -> None:
    rolling.mark("back")
    _do(rolling, switch_actions.START, "older")


@when("the proxy is switched to the older release with every option that the service has")
def the_proxy_is_switched(rolling: Rolling) -> None:
    rolling.mark("switch back")
    _do(rolling, switch_actions.SWITCH, "older")


@when("the newer release is stopped")
def the_newer_is_stopped(rolling: Rolling) -> None:
    _do(rolling, switch_actions.STOP, "newer")


@when("the newer release is started again")
def the_newer_is_started_again(rolling: Rolling) -> None:
    rolling.mark("forward")
    _do(rolling, switch_actions.START_AGAIN, "newer")


@when("the proxy is switched back to the newer release with every option that the service has")
def the_proxy_is_switched_back(rolling: Rolling) -> None:
    rolling.mark("switch forward")
    _do(rolling, switch_actions.SWITCH_BACK, "newer")


@when("the older release is stopped again")
def the_older_is_stopped_again(rolling: Rolling) -> None:
    _do(rolling, switch_actions.STOP_AGAIN, "older")


@when("the older release is started and the proxy switched as section 3.4 is written")
def it_is_done_as_written(executor: DrillExecutor, change: Change) -> None:
    older = change.older
    executor.do(change.action_on(switch_actions.START, older)).required("the start of the older release")
    address = switching.address_as_written(executor.snapshot(), older.name)
    executor.do(change.action_on(switch_actions.AS_WRITTEN, older).with_values(address=address)).required(
        "what the command did"
    )


# What must be seen


@then(parsers.re("the (?P<word>older|newer) release is healthy and reports its version"))
def it_is_healthy(rolling: Rolling, word: str) -> None:
    version = switching.wait_until_healthy(rolling.executor, rolling.release(word).name)
    if word == "older":
        rolling.older_version = version
    require(
        (version == rolling.newer_version) == (word == "newer"),
        expected=f"the version of the {word} release",
        actual=f"version {version}",
        section="2.1",
    )


@then("every option of the service is as it was before")
def the_options_are_kept(rolling: Rolling) -> None:
    now = rolling.executor.snapshot().observe(proxy_route.route)
    differ = proxy_route.differences(rolling.change.before, now)
    require(not differ, expected="no option changed", actual=differ, section="2.3")


@then(parsers.re("only the (?P<word>older|newer) release answers the requests"))
def the_requests_are_answered(rolling: Rolling, word: str) -> None:
    switching.wait_until_answering(rolling, word)
    rolling.mark("back seen" if word == "older" else "forward seen")


@then(parsers.re("the (?P<word>older|newer) release has exited cleanly"))
def it_ended_in_order(rolling: Rolling, word: str) -> None:
    one = rolling.executor.snapshot().observe(fleet).by_host(rolling.release(word).name)
    require(
        one and not one.running and one.exit_code in IN_ORDER,
        expected="stopped, with exit code 0 or 143",
        actual=f"exit code {one.exit_code}" if one else "no such container",
        section="10",
    )


@then("no request was lost and none was left unsent")
def none_was_lost(rolling: Rolling) -> None:
    measurements.none_lost(summary(rolling.probe.samples()))


@then("every POST was counted exactly once, if the target names one")
def every_post_counted_once(rolling: Rolling) -> None:
    if rolling.executor.target.probe.post_path is None:
        return
    switching.count_posts(rolling)
    posts = [one for one in rolling.probe.samples() if one.stream.posts and one.sent is not None]
    new = sum(one.code == 201 for one in posts)
    require(
        posts and rolling.counts == (len(posts), len(posts)) and new == len(posts),
        expected=f"{len(posts)} rows, one for each POST",
        actual=f"{rolling.counts} rows and tokens; {new} of {len(posts)} POSTs were answered as new",
        section="3.2",
    )


@then("the proxy no longer terminates TLS for the service: a handshake fails")
def a_handshake_fails(executor: DrillExecutor) -> None:
    snapshot = executor.snapshot()
    listed, handshake = snapshot.ask(LIST, HANDSHAKE)
    with reading("the proxy's list"):
        one = read_list(listed.required("the proxy's list").out).get(snapshot.target.containers.proxy_service)
    require(
        one and not one.tls and handshake.error is not None,
        expected="TLS no, and no handshake",
        actual=f"TLS {'yes' if one and one.tls else 'no'}, {handshake.error or handshake.protocol}",
        section="3.4",
    )


@then("plain HTTP is answered without a redirect")
def plain_http_is_answered(executor: DrillExecutor) -> None:
    answer = executor.snapshot().ask(PLAIN_HTTP)
    require(answer.status == 200, expected="HTTP status 200", actual=f"HTTP status {answer.status}", section="3.4")


@then(parsers.parse("at least {least:d} options of the service are lost as well"))
def options_are_lost(executor: DrillExecutor, change: Change, least: int) -> None:
    told = executor.snapshot().ask(ROUTE).required("the proxy's state file")
    with reading("the service's route"):
        lost = proxy_route.lost(change.before, told.out)
    executor.measure("options lost by section 3.4 as it is written", ", ".join(lost))
    require(len(lost) >= least, expected=f"{least} options lost", actual=lost, section="3.4")


def _do(rolling: Rolling, act: Action, word: str) -> None:
    release = rolling.release(word)
    done = rolling.executor.do(rolling.change.action_on(act, release))
    require(done.status == 0, expected="the command to succeed", actual=done.err or done.out, section="3.4")
