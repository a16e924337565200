"""What kamal-proxy and nginx show: the domain, its ports, and the release's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from checks.docker.containers import is_release
from checks.edge.health_api import HEALTH
from checks.edge.kamal_proxy import STATE, Saved, host_of, port_of, read_state
from checks.edge.nginx_files import CONFIGURATION
from checks.edge.tls_termination import HTTP_PORT, LISTENING, read_listening
from checks.formats.nginx_config import read_site
from discovery.engine import name_of, table_in
from discovery.facts import Fact, ask, lines_heard, only
from runbook.model.outcome import Undetermined
from runbook.model.question import Command, Inspection
from runbook.observation.snapshot import Snapshot, reading

FIND_DOMAIN = Command(
    r"grep -shoE '(--host[= ]|host:[[:space:]]*|DOMAIN=|https://)[A-Za-z0-9.-]+[.][A-Za-z]+' "
    "{app}/bin/*.sh {app}/config/deploy*.yml {app}/config/proxy-options || :"
)


def facts_of_proxy(snapshot: Snapshot, proxy: Fact, inspected: Iterable[Inspection]) -> dict[str, Fact]:
    keys = ("containers.proxy_service", "containers.web_prefix", "containers.web_port", "domain")
    if proxy.value is None:
        return {key: Fact(None, proxy.source) for key in keys}
    state = ask(snapshot, STATE.with_values(proxy=str(proxy.value)))
    if state.answer is None:
        return {key: Fact(None, state.why) for key in keys}
    try:
        with reading("the proxy's state file"):
            return facts_in_state(read_state(state.answer.out), inspected)
    except Undetermined as error:
        return {key: Fact(None, error.reason) for key in keys}


def facts_in_state(services: Mapping[str, Saved], inspected: Iterable[Inspection]) -> dict[str, Fact]:
    """What the proxy's route tells; of several services that one which leads to the domain's root has to be named."""
    service = only(tuple(services), "service of the proxy")
    if service.value is None:
        keys = ("proxy_service", "web_prefix", "web_port")
        return {key: Fact(None, service.source) for key in (*(f"containers.{key}" for key in keys), "domain")}
    saved = services[str(service.value)]
    told = "from the proxy's state file"
    facts = {"containers.proxy_service": Fact(service.value, told), "domain": _domain(saved.hosts)}
    target = next(iter(saved.targets), None)
    prefix = _prefix(host_of(target), inspected) if target else None
    why = f"the proxy routes to {target or 'nothing'}, which is not a release with a name that ends in its version"
    facts["containers.web_prefix"] = Fact(prefix, told) if prefix else Fact(None, why)
    facts["containers.web_port"] = Fact(port_of(target), told) if target else Fact(None, why)
    return facts


def facts_of_nginx(snapshot: Snapshot, domain: str) -> dict[str, Fact]:
    """The ports of the edge where nginx stands in front of the proxy; nothing where it does not."""
    configuration, listening = ask(snapshot, CONFIGURATION), ask(snapshot, LISTENING)
    try:
        with reading("nginx's configuration"):
            site = read_site(configuration.answer.out, domain, HEALTH.path) if configuration.answer else None
            ports = read_listening(lines_heard(listening))
    except Undetermined as error:
        return {"edge.https_port": Fact(None, error.reason)}
    if site is None:
        return {}
    facts = {"edge.https_port": Fact(site.port, "as nginx has it, which terminates TLS in front of the proxy")}
    if HTTP_PORT in ports:
        facts["edge.http_port"] = Fact(HTTP_PORT, "as the server listens")
    return facts


def _domain(hosts: Sequence[str]) -> Fact:
    named = sorted((host for host in hosts if "*" not in host), key=lambda host: (host.startswith("www."), len(host)))
    others = f"; it serves {', '.join(named[1:])} too" if named[1:] else ""
    if not named:
        return Fact(None, "the proxy serves any host name")
    return Fact(named[0], f"from the proxy's state file{others}")


def _prefix(host: str, inspected: Iterable[Inspection]) -> str | None:
    """What the names of all releases begin with: all but the version at the end."""
    for one in inspected:
        networks = table_in(table_in(one.get("NetworkSettings")).get("Networks")).values()
        addresses = {table_in(network).get("IPAddress") for network in networks}
        if host == name_of(one) or host in addresses or (len(host) >= 12 and str(one.get("Id")).startswith(host)):
            prefix = f"{name_of(one).rpartition('-')[0]}-"
            return prefix if prefix != "-" and is_release(name_of(one), prefix) else None
    return None


def domain_in_files(snapshot: Snapshot, facts: Mapping[str, Fact]) -> Fact:
    app, without = facts["paths.app"], facts["domain"]
    if app.value is None:
        return without
    named = lines_heard(ask(snapshot, FIND_DOMAIN.with_values(app=str(app.value))))
    names = {re.split(r"[=/]|:\s*|\s", line)[-1].lower() for line in named}
    if len(names) != 1:
        return without
    return Fact(next(iter(names)), f"a guess: the only name in the files of {app.value} ({without.source})")
