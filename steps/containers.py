"""Section 2.2: the containers run, are healthy, and are those that they must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_bdd import parsers, then

from checks.docker.containers import Container, Fleet
from runbook.model.outcome import NotApplicable, Undetermined, listing, require

WHO = r"the web release|the database|Redis|the proxy"
PARTS: dict[str, Callable[[Fleet], Iterable[Container | None]]] = {
    "the web release": lambda fleet: fleet.running_releases or fleet.releases,
    "the database": lambda fleet: [fleet.db],
    "Redis": lambda fleet: [fleet.redis],
    "the proxy": lambda fleet: [fleet.proxy],
}


@then(parsers.re(rf"(?P<who>{WHO}) is running"))
def it_is_running(fleet: Fleet, who: str) -> None:
    containers = [one for one in PARTS[who](fleet) if one is not None]
    stopped = [f"{one.name} ended with {one.exit_code}" for one in containers if not one.running]
    require(containers and not stopped, expected=f"{who} running", actual=stopped or "no such container", section="3.1")


@then(parsers.re(rf"(?P<who>{WHO}) is not paused"))
def it_is_not_paused(fleet: Fleet, who: str) -> None:
    paused = [f"{one.name} is paused" for one in PARTS[who](fleet) if one is not None and one.paused]
    require(not paused, expected=f"{who} not paused", actual=paused, section="3.1")


@then(parsers.parse('the health check of every running container of the service reports "{word}"'))
def every_container_is_healthy(fleet: Fleet, word: str) -> None:
    checked = [one for one in fleet.running if one.health is not None and not one.paused and not one.restarting]
    other = [f"{one.name} is {one.health}" for one in checked if one.health not in (word, "starting")]
    require(not other, expected=f"every container {word}", actual=other, section="10")
    starting = [one.name for one in checked if one.health == "starting"]
    if starting:
        raise Undetermined(f"{listing(starting)} started just now and has not checked itself yet")
    if not checked:
        raise NotApplicable("no running container of the service has a health check")


@then("no container of the service is waiting to be restarted")
def none_waits_for_a_restart(fleet: Fleet) -> None:
    waiting = [
        f"{one.name} ended with {one.exit_code}, restart {one.restarts}" for one in fleet.known if one.restarting
    ]
    require(fleet.known and not waiting, expected="no container waiting to be restarted", actual=waiting, section="10")


@then(parsers.parse("none that was restarted {times:d} times or more has been up for less than {minutes:d} minutes"))
def none_is_in_a_crash_loop(fleet: Fleet, times: int, minutes: int) -> None:
    looping = [
        f"{one.name} restarted {one.restarts} times and up for {one.up_seconds:.0f} s"
        for one in fleet.known
        if one.restarts >= times and one.up_seconds is not None and one.up_seconds < 60 * minutes
    ]
    require(not looping, expected=f"{minutes} minutes without a restart", actual=looping, section="10")


@then("no container of the service ran out of memory")
def none_ran_out_of_memory(fleet: Fleet) -> None:
    killed = [one.name for one in fleet.running if one.out_of_memory]
    require(not killed, expected="no container OOM-killed", actual=killed, section="3.3")


@then("every running container of the service has a restart policy")
def every_container_comes_back(fleet: Fleet) -> None:
    without = [f"{one.name} has {one.restart_policy}" for one in fleet.running if not _comes_back(one)]
    require(
        fleet.running and not without,
        expected="restart policy unless-stopped or always",
        actual=without or "no running container",
        section="3.1",
    )


@then("exactly one web release is running")
def one_release_runs(fleet: Fleet) -> None:
    names = [one.name for one in fleet.running_releases]
    require(len(names) == 1, expected="exactly one web release running", actual=names, section="3.4")


@then("the running release was built from the commit that is checked out in the server's clone")
def the_release_is_the_deployed_one(fleet: Fleet, deployed_revision: str) -> None:
    commits = {one.name: one.made_from(deployed_revision) for one in fleet.running_releases}
    if not any(commits.values()):
        raise NotApplicable("neither a label nor a name of the running release's image says its commit")
    require(
        set(commits.values()) == {deployed_revision},
        expected=f"a release made from {deployed_revision[:12]}",
        actual=[f"{name} made from {(commit or 'nothing')[:12]}" for name, commit in commits.items()],
        section="4.2",
    )


@then("at least one stopped web release exited cleanly")
def there_is_a_release_to_go_back_to(fleet: Fleet) -> None:
    stopped = [one for one in fleet.releases if not one.running]
    require(
        any(one.ended_in_order for one in stopped),
        expected="a stopped web release that exited cleanly",
        actual=[f"{one.name} ended with {one.exit_code}" for one in stopped] or "no stopped web release",
        section="3.4",
    )


@then("every container on the server belongs to the service")
def no_unexpected_container(fleet: Fleet) -> None:
    require(
        fleet.known and not fleet.unexpected,
        expected="only containers of the service",
        actual=[one.name for one in fleet.unexpected],
        section="2.2",
    )


def _comes_back(container: Container) -> bool:
    return container.restart_policy in ("always", "unless-stopped")
