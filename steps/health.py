"""Section 2: the service is alive and well."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_bdd import parsers, then

from checks.docker.containers import SHORTEST_COMMIT, Container, Fleet
from checks.edge.health_api import Health, Page, Redirect
from checks.edge.kamal_proxy import Backend, Listed, Saved
from checks.edge.tls_termination import Edge
from runbook.model.outcome import NotApplicable, Undetermined, require
from runbook.observation.snapshot import Snapshot

WORD_AND_STATUS = (("healthy", 200), ("degraded", 503))
WHO = r"the web release|the database|Redis|the proxy"
PARTS: dict[str, Callable[[Fleet], Iterable[Container | None]]] = {
    "the web release": lambda fleet: fleet.running_releases or fleet.releases,
    "the database": lambda fleet: [fleet.db],
    "Redis": lambda fleet: [fleet.redis],
    "the proxy": lambda fleet: [fleet.proxy],
}


# 2.1


@then("the health check is answered by the application itself, not by the proxy")
def the_application_answers(health: Health) -> None:
    require(
        health.from_application,
        expected="the application's own answer, with its health status in JSON",
        actual=health.answered,
        section="3.1",
    )


@then(parsers.parse("the health check answers with HTTP status {status:d}"))
def the_health_check_answers(health: Health, status: int) -> None:
    require(
        health.http_status == status,
        expected=f"HTTP status {status}",
        actual=f"HTTP status {health.http_status}, health status {health.status}, database {health.database}",
        section="3.2" if health.database != "ok" else "3.1",
    )


@then(parsers.parse('the health status in it is "{word}"'))
def the_health_status_is(health: Health, word: str) -> None:
    require(
        health.status == word, expected=f"health status {word}", actual=f"health status {health.status}", section="3.1"
    )


@then(parsers.parse('the database check in it is "{word}"'))
def the_database_check_is(health: Health, word: str) -> None:
    require(health.database == word, expected=f"database {word}", actual=f"database {health.database}", section="3.2")


@then('the health check answers with 200 when it says "healthy" and with 503 when it says "degraded"')
def the_status_says_what_the_words_say(health: Health) -> None:
    require(
        (health.status, health.http_status) in WORD_AND_STATUS,
        expected=" or ".join(f"{word} with HTTP status {status}" for word, status in WORD_AND_STATUS),
        actual=f"{health.status} with HTTP status {health.http_status}",
        section="2.1",
    )


@then("the health response has every documented field, with its type")
def every_documented_field_is_there(health: Health) -> None:
    require(not health.unlike_form, expected="the documented fields", actual=health.unlike_form, section="2.1")


@then(parsers.parse("the time in the health response is within {limit:d} s of the server's clock"))
def the_health_answer_is_fresh(health_age_seconds: float | None, limit: int) -> None:
    if health_age_seconds is None:
        raise Undetermined("the health response has no time in it")
    require(
        abs(health_age_seconds) <= limit,
        expected=f"within {limit} s of the server's clock",
        actual=f"{abs(health_age_seconds):.0f} s {'behind' if health_age_seconds > 0 else 'ahead of'} it",
        section="3.1",
    )


@then("the health response reports the version of the running release's image")
def the_version_is_the_releases(health: Health, fleet: Fleet) -> None:
    labels = {one.version for one in fleet.running_releases} - {None}
    if not labels:
        _as_its_image_is_called(health, fleet)
        return
    require(
        health.version in labels,
        expected=f"version {_listing(labels)}, as the running release's image says",
        actual=f"version {health.version}",
        section="4.2",
    )


def _as_its_image_is_called(health: Health, fleet: Fleet) -> None:
    """Where no label says what should run, a release may name the commit by which its image or itself is called."""
    said = health.version or ""
    commits = [one.made_from(said) or "" for one in fleet.running_releases]
    if len(said) < SHORTEST_COMMIT or not any(commit.startswith(said) for commit in commits):
        raise NotApplicable(
            "the running release's image has no version label, and the health response does not name its commit"
        )


@then("the page that the target names returns rows from the database")
def the_page_answers(database_page: Page) -> None:
    rows = "no list" if database_page.rows is None else f"{database_page.rows} rows"
    require(
        database_page.http_status == 200 and database_page.rows,
        expected=f"{database_page.path} with HTTP status 200 and at least one row",
        actual=f"{database_page.path} with HTTP status {database_page.http_status} and {rows}",
        section="3.2",
    )


@then("the health check over plain HTTP redirects to HTTPS")
def plain_http_redirects(plain_http: Redirect, snapshot: Snapshot) -> None:
    require(
        plain_http.http_status in (301, 302, 307, 308)
        and (plain_http.location or "").startswith(f"https://{snapshot.target.domain}/"),
        expected=f"a redirect to https://{snapshot.target.domain}/",
        actual=f"HTTP status {plain_http.http_status}, redirecting to {plain_http.location or 'nowhere'}",
        section="2.3",
    )


# 2.2


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
        raise Undetermined(f"{_listing(starting)} started just now and has not checked itself yet")
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


# 2.3


@then(parsers.parse('the proxy lists the service as "{state}"'))
def the_proxy_lists_the_service(proxy_list: Listed | None, state: str) -> None:
    require(
        proxy_list and proxy_list.state == state,
        expected=f"the service listed as {state}",
        actual=proxy_list.state if proxy_list else "the service is not in the list",
        section="3.1",
    )


@then(parsers.parse('the proxy\'s state file says "{state}" too'))
def the_state_file_says(proxy_state: Saved | None, state: str) -> None:
    require(
        proxy_state and proxy_state.state == state,
        expected=f"the service saved as {state}",
        actual=proxy_state.state if proxy_state else "the service is not in the state file",
        section="3.1",
    )


@then("the proxy's state file matches its list")
def the_state_file_agrees(proxy_list: Listed | None, proxy_state: Saved | None) -> None:
    require(
        proxy_state and proxy_list == proxy_state.as_listed,
        expected=f"as listed, {_route(proxy_list)}",
        actual=f"saved, {_route(proxy_state.as_listed if proxy_state else None)}",
        section="2.3",
    )


@then("the proxy serves the domain")
def the_proxy_serves_the_domain(proxy_list: Listed | None, snapshot: Snapshot) -> None:
    require(
        proxy_list and proxy_list.serves(snapshot.target.domain),
        expected=f"host {snapshot.target.domain}",
        actual=proxy_list.hosts if proxy_list else "the service is not in the list",
        section="2.3",
    )


@then("TLS is terminated for it by the proxy itself or by nginx in front of it")
def tls_is_ended(proxy_list: Listed | None, edge: Edge) -> None:
    if edge.who == "kamal-proxy":
        require(proxy_list and proxy_list.tls, expected="TLS yes", actual="TLS no", section="3.4")
    require(
        edge.who,
        expected="port 443 published by the proxy, or a server of nginx that terminates TLS for the domain",
        actual="neither",
        section="2.3",
    )
    if edge.who == "nginx":
        require(edge.listened, expected=f"nginx listening on port {edge.port}", actual="nobody listens", section="3.1")


@then("whatever terminates TLS forwards the domain's requests to the proxy")
def what_comes_in_reaches_the_proxy(edge: Edge) -> None:
    if edge.who is None:
        raise Undetermined("nothing terminates TLS for the domain")
    if edge.site is None:
        return
    astray = [one for one in edge.site.passes_to if not edge.leads_to_proxy(one)]
    require(
        edge.site.passes_to and not astray,
        expected=f"nginx passing to the proxy, which is reached at {_listing(map(str, edge.plain))}",
        actual=astray or "it passes the requests to nobody",
        section="2.3",
    )


@then("every target of the proxy is the running release at its current address")
def the_route_leads_to_the_running_release(backends: tuple[Backend, ...], fleet: Fleet) -> None:
    running = fleet.running_releases
    astray = [
        f"{one.target} belongs to {one.container.name if one.container else 'nobody'}"
        for one in backends
        if one.container not in running
    ]
    require(
        backends and not astray,
        expected=f"a route to {_listing(one.name for one in running)}",
        actual=astray or "no route",
        section="3.4",
    )


@then(parsers.parse("every target of the proxy answers its health path with HTTP status {status:d}"))
def every_target_answers(backends: tuple[Backend, ...], status: int) -> None:
    others = [
        f"{one.target}: {f'HTTP status {one.http_status}' if one.http_status else 'no answer'}"
        for one in backends
        if one.http_status != status
    ]
    require(
        backends and not others,
        expected=f"HTTP status {status} from every target",
        actual=others or "no route",
        section="3.1",
    )


def _comes_back(container: Container) -> bool:
    return container.restart_policy in ("always", "unless-stopped")


def _listing(values: Iterable[str | None]) -> str:
    return ", ".join(sorted(str(one) for one in values)) or "nothing"


def _route(listed: Listed | None) -> str:
    if listed is None:
        return "no such service"
    tls = "yes" if listed.tls else "no"
    return f"{','.join(listed.hosts)} to {','.join(listed.targets)}, {listed.state}, TLS {tls}"
