"""Section 3.4: the manual rollback, and the way forward again."""

from __future__ import annotations

import re
import sys
from collections.abc import Generator

import pytest
from pytest_bdd import given, parsers, then, when

from checks import edge as edges
from checks import rollback_target as targets
from checks.containers import fleet
from checks.health import PLAIN_HTTP
from checks.proxy import LIST, host_of, read_list
from checks.rollback_target import RollbackTarget
from drills import rollback, route
from drills.probe import PER_SECOND, summary
from drills.rollback import Change, Rolling
from drills.route import ROUTE
from runbook.act import Act
from runbook.look import reading
from runbook.operator import Operator
from runbook.outcome import NotApplicable, Undetermined, require
from runbook.question import Tls
from steps.deploy import none_found

ROLLING = pytest.StashKey[Rolling]()
IN_ORDER = (0, 143)
HANDSHAKE = Tls(trusted=True)


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
        seen = rollback.finish(rolling)
    if not isinstance(sys.exc_info()[1], KeyboardInterrupt):
        rollback.none_lost(seen)
    return undone


# What must hold before anything is touched


@given("the proxy itself terminates TLS for the domain")
def the_proxy_itself_ends_tls(operator: Operator) -> None:
    if operator.look().see(edges.edge).who == "nginx":
        raise NotApplicable("nginx terminates TLS in front of the proxy, so section 3.4 breaks no TLS here")


@given(
    "a stopped release that was created before the running one",
    target_fixture="rollback_target",
)
def a_release_is_kept(operator: Operator) -> RollbackTarget:
    found = operator.look().see(targets.rollback_target)
    require(found, expected="one release that runs, and an older one that is stopped", seen="no such pair", go_to="2.2")
    assert found is not None
    return found


@given("its image still exists, and it exited cleanly when it was last stopped")
def it_can_be_started(rollback_target: RollbackTarget) -> None:
    one = rollback_target.release
    require(rollback_target.image_there, expected=f"the image of {one.name}", seen="no such image", go_to="9.3")
    require(
        one.exit_code in IN_ORDER and not one.out_of_memory,
        expected="exit code 0 or 143",
        seen=f"{one.name} ended with {one.exit_code}{' (OOM-killed)' if one.out_of_memory else ''}",
        go_to="10",
    )


@given(parsers.parse("its {names} match those of the running release"))
def its_keys_are_todays(rollback_target: RollbackTarget, names: str) -> None:
    unlike = rollback_target.unlike(re.split(r", | and ", names))
    require(
        not unlike,
        expected=f"the same values in {rollback_target.release.name} and {rollback_target.running.name}",
        seen=[f"another {name}, or none" for name in unlike],
        go_to="8.2",
    )


@given("the database has every migration that is in its image")
def the_database_serves_it(rollback_target: RollbackTarget) -> None:
    require(
        not rollback_target.not_applied,
        expected="each migration of its image applied",
        seen=[f"{version} is not applied" for version in rollback_target.not_applied],
        go_to="4.3",
    )
    if rollback_target.none_found:
        raise none_found(f"the image of {rollback_target.release.name}")


@given(
    "the proxy routes to the running release by name, with options that can all be preserved", target_fixture="change"
)
def the_route_can_be_kept(operator: Operator, rollback_target: RollbackTarget) -> Change:
    look = operator.look()
    change = rollback.planned(look, rollback_target)
    owner = look.see(fleet).called(host_of(change.before.target))
    require(
        owner and owner.name == rollback_target.running.name and not change.before.by_address,
        expected=f"a route to {rollback_target.running.name} by its name or id",
        seen=change.before.target,
        go_to="2.3",
    )
    return change


@given(
    parsers.parse(
        "at least {rate:d} requests a second are sent through the edge at a fixed rate, and none is lost for {s:d} s"
    ),
    target_fixture="rolling",
)
def the_requests_go(operator: Operator, change: Change, request: pytest.FixtureRequest, rate: int, s: int) -> Rolling:
    rolling = request.node.stash[ROLLING] = rollback.begin(operator, change)
    rolling.probe.wait_until(lambda _: rolling.probe.clock() >= s, 2 * s)
    samples = rolling.probe.samples()
    seen = summary(samples)
    require(
        rate <= PER_SECOND and seen.sent >= rate * (s - 1),
        expected=f"{rate} requests a second",
        seen=f"{seen.sent} in {s} s",
        go_to="3.3",
    )
    rollback.none_lost(seen)
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
    _do(rolling, rollback.START, "older")


@when("the proxy is switched to the older release with every option that the service has")
def the_proxy_is_switched(rolling: Rolling) -> None:
    rolling.mark("switch back")
    _do(rolling, rollback.SWITCH, "older")


@when("the newer release is stopped")
def the_newer_is_stopped(rolling: Rolling) -> None:
    _do(rolling, rollback.STOP, "newer")


@when("the newer release is started again")
def the_newer_is_started_again(rolling: Rolling) -> None:
    rolling.mark("forward")
    _do(rolling, rollback.START_AGAIN, "newer")


@when("the proxy is switched back to the newer release with every option that the service has")
def the_proxy_is_switched_back(rolling: Rolling) -> None:
    rolling.mark("switch forward")
    _do(rolling, rollback.SWITCH_BACK, "newer")


@when("the older release is stopped again")
def the_older_is_stopped_again(rolling: Rolling) -> None:
    _do(rolling, rollback.STOP_AGAIN, "older")


@when("the older release is started and the proxy switched as section 3.4 is written")
def it_is_done_as_written(operator: Operator, change: Change) -> None:
    older = change.older
    operator.do(change.about(rollback.START, older)).required("the start of the older release")
    address = rollback.address_as_written(operator.look(), older.name)
    operator.do(change.about(rollback.AS_WRITTEN, older).about(address=address)).required("what the command did")


# What must be seen


@then(parsers.re("the (?P<word>older|newer) release is healthy and reports its version"))
def it_is_healthy(rolling: Rolling, word: str) -> None:
    version = rollback.wait_until_healthy(rolling.operator, rolling.release(word).name)
    if word == "older":
        rolling.older_version = version
    require(
        (version == rolling.newer_version) == (word == "newer"),
        expected=f"the version of the {word} release",
        seen=f"version {version}",
        go_to="2.1",
    )


@then("every option of the service is as it was before")
def the_options_are_kept(rolling: Rolling) -> None:
    now = rolling.operator.look().see(route.route)
    differ = route.differences(rolling.change.before, now)
    require(not differ, expected="no option changed", seen=differ, go_to="2.3")


@then(parsers.re("only the (?P<word>older|newer) release answers the requests"))
def the_requests_are_answered(rolling: Rolling, word: str) -> None:
    rollback.wait_until_answering(rolling, word)
    rolling.mark("back seen" if word == "older" else "forward seen")


@then(parsers.re("the (?P<word>older|newer) release has exited cleanly"))
def it_ended_in_order(rolling: Rolling, word: str) -> None:
    one = rolling.operator.look().see(fleet).called(rolling.release(word).name)
    require(
        one and not one.running and one.exit_code in IN_ORDER,
        expected="stopped, with exit code 0 or 143",
        seen=f"exit code {one.exit_code}" if one else "no such container",
        go_to="10",
    )


@then("no request was lost and none was left unsent")
def none_was_lost(rolling: Rolling) -> None:
    rollback.none_lost(summary(rolling.probe.samples()))


@then("every POST was counted exactly once, if the target names one")
def every_post_counted_once(rolling: Rolling) -> None:
    if rolling.operator.target.probe.post_path is None:
        return
    rollback.count_posts(rolling)
    posts = [one for one in rolling.probe.samples() if one.stream.posts and one.sent is not None]
    new = sum(one.code == 201 for one in posts)
    require(
        posts and rolling.counts == (len(posts), len(posts)) and new == len(posts),
        expected=f"{len(posts)} rows, one for each POST",
        seen=f"{rolling.counts} rows and tokens; {new} of {len(posts)} POSTs were answered as new",
        go_to="3.2",
    )


@then("the proxy no longer terminates TLS for the service: a handshake fails")
def a_handshake_fails(operator: Operator) -> None:
    look = operator.look()
    listed, handshake = look.ask(LIST, HANDSHAKE)
    with reading("the proxy's list"):
        one = read_list(listed.required("the proxy's list").out).get(look.target.containers.proxy_service)
    require(
        one and not one.tls and handshake.error is not None,
        expected="TLS no, and no handshake",
        seen=f"TLS {'yes' if one and one.tls else 'no'}, {handshake.error or handshake.protocol}",
        go_to="3.4",
    )


@then("plain HTTP is answered without a redirect")
def plain_http_is_answered(operator: Operator) -> None:
    answer = operator.look().ask(PLAIN_HTTP)
    require(answer.status == 200, expected="HTTP status 200", seen=f"HTTP status {answer.status}", go_to="3.4")


@then(parsers.parse("at least {least:d} options of the service are lost as well"))
def options_are_lost(operator: Operator, change: Change, least: int) -> None:
    told = operator.look().ask(ROUTE).required("the proxy's state file")
    with reading("the service's route"):
        lost = route.lost(change.before, told.out)
    operator.figure("options lost by section 3.4 as it is written", ", ".join(lost))
    require(len(lost) >= least, expected=f"{least} options lost", seen=lost, go_to="3.4")


def _do(rolling: Rolling, act: Act, word: str) -> None:
    release = rolling.release(word)
    done = rolling.operator.do(rolling.change.about(act, release))
    require(done.status == 0, expected="the command to succeed", seen=done.err or done.out, go_to="3.4")
