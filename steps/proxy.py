"""Section 2.3: the proxy passes requests on, and its saved state matches its live state."""

from __future__ import annotations

from pytest_bdd import parsers, then

from checks.docker.containers import Fleet
from checks.edge.kamal_proxy import Backend, Listed, Saved
from checks.edge.tls_termination import Edge
from runbook.model.outcome import Undetermined, listing, require
from runbook.observation.snapshot import Snapshot


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
        expected=f"nginx passing to the proxy, which is reached at {listing(map(str, edge.plain))}",
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
        expected=f"a route to {listing(one.name for one in running)}",
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


def _route(listed: Listed | None) -> str:
    if listed is None:
        return "no such service"
    tls = "yes" if listed.tls else "no"
    return f"{','.join(listed.hosts)} to {','.join(listed.targets)}, {listed.state}, TLS {tls}"
