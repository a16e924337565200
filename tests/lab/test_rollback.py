"""The rollback drill: back and forward without a lost request; where something forbids it, nothing is touched."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from drills.rollback.switch_actions import SWITCH
from lab import fault_helpers, faults
from lab.server import Server
from runbook.model.outcome import Outcome
from runbook.model.record import Run, Scenario
from runbook.model.target_file import load
from runbook.model.template import template_values
from tests.lab.looking import runbook

ROUTE = "docker exec kamal-proxy cat /home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state"
RELEASES = "docker ps --all --filter name=^/psyfit-web-[0-9]+$ --format '{{.Names}} {{.ID}} {{.State}}' | sort"
TOKENS = (
    "docker exec psyfit-db psql -XAtq -U psyfit_prod -d psyfit_production "
    "-c \"SELECT count(*) FROM check_ins WHERE starts_with(token, 'runbook-drill-')\""
)
TLS = "curl --silent --output /dev/null --write-out '%{http_code}' https://psytech.jp/api/v1/health"
JOURNAL = "ls /var/lib/psyfit-runbook/journal 2> /dev/null || true"
STATE = "; ".join((ROUTE, "echo", RELEASES, TOKENS, TLS, JOURNAL))
"""What the drill changes and must leave as it was."""

NEVER_HEALTHY = """
set -e
old={release}
docker cp "$old":/rails/app/application.py /run/application.py
sed 's|"/up": {{"GET": self._up}},||' /run/application.py > /run/application.broken.py
docker cp /run/application.broken.py "$old":/rails/app/application.py
"""
HEALTHY_AGAIN = "docker cp /run/application.py {release}:/rails/app/application.py && rm /run/application*.py"


@pytest.fixture(autouse=True)
def as_before(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test sees, the server is afterwards as it was before."""
    server = request.getfixturevalue("nginx_lab" if request.node.get_closest_marker("nginx") else "lab")
    before = server.run(STATE).required().out
    yield
    assert server.run(STATE).required().out == before


def drilled(server: Server, reports: Path, name: str = "rollback") -> tuple[Run, Scenario]:
    """Run the drill; its record and its one scenario."""
    before = set(reports.iterdir())
    target = str(server.state / "target.toml")
    done = runbook("drill", name, "--target", target, "--reports", str(reports))
    made = set(reports.iterdir()) - before
    assert len(made) == 1, done.stdout + done.stderr
    run = Run.model_validate_json((made.pop() / "run.json").read_text())
    assert run.exit_code == done.returncode, done.stdout + done.stderr
    (scenario,) = run.scenarios
    return run, scenario


def figures_of(scenario: Scenario) -> dict[str, str]:
    return {one.name: one.value for one in scenario.figures}


def acts_of(run: Run) -> list[str]:
    """The acts that were done to the server, in order."""
    return [one.question for one in run.exchanges if one.question.startswith("rollback.") and one.vantage == "inside"]


def went_well(run: Run, scenario: Scenario) -> None:
    assert scenario.outcome is Outcome.PASSED, f"{scenario.reason} {figures_of(scenario)}"
    assert run.exit_code == 0
    figures = figures_of(scenario)
    assert figures["requests lost"].startswith("0 of ")
    assert figures["requests left unsent"] == "0"
    once, _, posted = figures["POSTs that counted exactly once"].partition(" of ")
    assert once == posted != "0"


def test_back_and_forward_no_request_is_lost(lab: Server, reports: Path) -> None:
    run, scenario = drilled(lab, reports)

    went_well(run, scenario)
    (timeline,) = scenario.timelines
    assert {one.name for one in timeline.series} == {"1.0.0", "1.1.0", "lost"}
    assert all(sum(one.counts) for one in timeline.series if one.name != "lost")


@pytest.mark.soak
def test_five_times_in_a_row(lab: Server, reports: Path) -> None:
    for _ in range(5):
        went_well(*drilled(lab, reports))


def test_as_it_is_written_it_takes_tls_away(lab: Server, reports: Path) -> None:
    _, scenario = drilled(lab, reports, "rollback-as-written")

    assert scenario.outcome is Outcome.PASSED, scenario.reason
    (lost,) = scenario.figures
    assert {"options.tls_enabled", "target_options.buffer_requests"} <= set(lost.value.split(", "))


@pytest.mark.nginx
@pytest.mark.soak
def test_behind_nginx_no_request_is_lost_either(nginx_lab: Server, reports: Path) -> None:
    went_well(*drilled(nginx_lab, reports))


@pytest.mark.only_looks
@pytest.mark.nginx
def test_behind_nginx_no_tls_is_taken_away_and_nothing_is_touched(nginx_lab: Server, reports: Path) -> None:
    run, scenario = drilled(nginx_lab, reports, "rollback-as-written")

    assert scenario.outcome is Outcome.NOT_APPLICABLE
    assert scenario.reason == "nginx terminates TLS in front of the proxy, so section 3.4 breaks no TLS here"
    assert acts_of(run) == []


def test_an_old_release_that_never_becomes_healthy_ends_in_undo_and_nothing_is_lost(lab: Server, reports: Path) -> None:
    old = lab.stopped_web()
    lab.run(NEVER_HEALTHY.format(release=old)).required()
    try:
        run, scenario = drilled(lab, reports)
    finally:
        lab.run(HEALTHY_AGAIN.format(release=old)).required()

    failing = next(step for step in scenario.steps if step.outcome is Outcome.FAILED)
    assert failing.text == "the older release is healthy and reports its version"
    assert scenario.how_it_ran == "stopped"
    assert figures_of(scenario)["requests lost"].startswith("0 of ")
    assert figures_of(scenario)["requests left unsent"] == "0"
    assert "switch_actions.SWITCH" not in acts_of(run)


# What forbids it


@contextmanager
def faulty(server: Server, fault: str) -> Iterator[None]:
    faults.inject(server, fault)
    try:
        yield
    finally:
        faults.heal(server, fault)


@contextmanager
def image_gone(server: Server) -> Iterator[None]:
    image = server.run(f"docker inspect --format '{{{{.Config.Image}}}}' {server.stopped_web()}").required().out.strip()
    server.run(f"docker save --output /var/tmp/image.tar {image} && docker rmi --force {image}").required()
    try:
        yield
    finally:
        server.run("docker load --quiet --input /var/tmp/image.tar && rm /var/tmp/image.tar", seconds=60).required()


@contextmanager
def route_by_address(server: Server) -> Iterator[None]:
    fault = "route-by-address"
    fault_helpers.keep_route(server, fault)
    address = "$(docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' %s)"
    options = f"$({ROUTE} | {fault_helpers.PROXY_OPTIONS} flags)"
    target = address % server.running_web()
    server.run(
        f"docker exec kamal-proxy kamal-proxy deploy psyfit-web --target={target}:3000 {options} --drain-timeout=1s"
    ).required()
    try:
        yield
    finally:
        fault_helpers.restore_route(server, fault)


FORBIDDING: dict[str, tuple[Callable[[Server], AbstractContextManager[None]], str, str]] = {
    "another-key": (
        lambda server: faulty(server, "old-release-has-previous-key"),
        "its RAILS_MASTER_KEY, SECRET_KEY_BASE, ATTR_ENCRYPTED_KEY, BLIND_INDEX_KEY and POSTGRES_PASSWORD match those "
        "of the running release",
        "another ATTR_ENCRYPTED_KEY, or none",
    ),
    "killed": (
        lambda server: faulty(server, "no-release-to-roll-back-to"),
        "its image still exists, and it exited cleanly when it was last stopped",
        "ended with",
    ),
    "schema": (
        lambda server: faulty(server, "migration-not-applied"),
        "the database has every migration that is in its image",
        "20251001000000 is not applied",
    ),
    "image": (
        image_gone,
        "its image still exists, and it exited cleanly when it was last stopped",
        "no such image",
    ),
    "address": (
        route_by_address,
        "the proxy routes to the running release by name, with options that can all be preserved",
        ":3000",
    ),
}


@pytest.mark.parametrize("reason", FORBIDDING)
def test_where_something_forbids_it_nothing_is_touched(reason: str, lab: Server, reports: Path) -> None:
    forbidding, sentence, seen = FORBIDDING[reason]
    with forbidding(lab):
        run, scenario = drilled(lab, reports)

    (failing,) = (step for step in scenario.steps if step.outcome is Outcome.FAILED)
    assert failing.text == sentence
    assert failing.difference is not None
    assert seen in failing.difference.seen
    assert acts_of(run) == []


@pytest.mark.only_looks
def test_who_has_changed_the_route_meanwhile_is_not_overruled(lab: Server) -> None:
    """The undo's own sentence, run where the proxy leads to neither of the two places that the drill knows."""
    facts = template_values(load(str(lab.state / "target.toml")))
    act = SWITCH.with_values(to="old:1", target="new:1", flags=(), before="{}", left='{"name":"old"}')
    undone = lab.run(act.render_undo(facts))

    assert (undone.status, undone.out.strip()) == (3, "interfered: somebody else has changed the route of the proxy")
