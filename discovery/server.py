"""What a server says of itself, so that its target file can be written: each fact, or why it could not be told."""

from __future__ import annotations

from checks.docker.containers import CONTAINERS
from discovery.backups import facts_of_backups
from discovery.crontab import facts_of_cron
from discovery.edge import domain_in_files, facts_of_nginx, facts_of_proxy
from discovery.engine import DOCKER_ROOT, facts_in_containers, others_among, volumes_of
from discovery.facts import Fact, Who, ask
from runbook.observation.snapshot import Snapshot


def facts_of_server(snapshot: Snapshot, who: Who) -> dict[str, Fact]:
    """Each key of a target file that a server can tell, by its dotted name."""
    facts = {**facts_of_cron(snapshot, who), **_of_engine(snapshot)}
    facts |= facts_of_backups(snapshot, facts)
    if facts["domain"].value is None:
        facts["domain"] = domain_in_files(snapshot, facts)
    return facts


def _of_engine(snapshot: Snapshot) -> dict[str, Fact]:
    inspected = ask(snapshot, CONTAINERS)
    if inspected.answer is None:
        keys = ("proxy", "db", "redis", "web_prefix", "proxy_service", "web_port")
        missing = [f"containers.{key}" for key in keys]
        missing += ["domain", "edge.https_port", "edge.http_port", "backups.volumes"]
        return {key: Fact(None, inspected.why) for key in (*missing, "paths.docker")}
    root = ask(snapshot, DOCKER_ROOT)
    facts = facts_in_containers(inspected.answer)
    facts["paths.docker"] = Fact(root.answer.out.strip(), "from docker info") if root.answer else Fact(None, root.why)
    facts |= facts_of_proxy(snapshot, facts["containers.proxy"], inspected.answer)
    if facts["edge.https_port"].value is None and facts["domain"].value is not None:
        facts |= facts_of_nginx(snapshot, str(facts["domain"].value))
    facts["backups.volumes"] = volumes_of(inspected.answer, facts["containers.web_prefix"])
    others = others_among(inspected.answer, facts)
    if others:
        facts["containers.allowed"] = Fact(
            None, f"{', '.join(others)} is on the server too; name here what belongs there"
        )
    return facts
