"""Each fault gives exactly the outcomes that it names and no others, on its edge; healed, all pass again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab import faults
from lab.edge import KAMAL_PROXY, NGINX
from lab.server import Server
from runbook.model.outcome import Outcome
from runbook.model.verdict import consequences, root_causes
from tests.lab.health import LABS
from tests.lab.looking import Verified
from tests.lab.sampling import sampled

SAMPLE = 20
NGINX_SAMPLE = 2

CAUSES = {
    "backup-late-by-cron": "cron: no line of the crontab runs /var/www/psyfit/bin/backup.sh",
    "backup-late-by-disk": "disk: /var/backups/psyfit has 1.0 MB left",
    "backup-late-by-script": "[ERROR] Backup failed",
    "disk-full-backups": "/var/backups/psyfit uses",
    "health-degraded": "could not translate host name",
    "inodes-full-backups": "files and folders",
    "release-has-wrong-database-host": "could not translate host name",
    "release-has-wrong-master-key": "AEAD authentication tag verification failed",
    "release-lacks-encryption-key": "ATTR_ENCRYPTED_KEY environment variable must be set",
}
"""What is said, beside which sentences fail, where a sentence is there to name the cause."""


def options_for(fault: faults.Fault) -> tuple[str, ...]:
    """What is under way for a moment is a fault before a deploy only, and is looked at as before one."""
    return ("--", "--run-kind=gate") if any(one.endswith("-is-in-progress") for one in fault.fails) else ()


def names(*edges: str | None) -> list[str]:
    """The faults that need one of these edges; None stands for those that need none."""
    return [name for name in faults.names() if faults.describe(name).edge in edges]


@pytest.mark.parametrize("fault", sampled(names(None, KAMAL_PROXY), SAMPLE))
def test_the_fault_is_seen_for_what_it_is(fault: str, lab: Server, look: Callable[..., Verified]) -> None:
    seen_for_what_it_is(fault, lab, look)


@pytest.mark.nginx
@pytest.mark.parametrize("fault", [*sampled(names(NGINX), NGINX_SAMPLE), *sampled(names(None), 0)])
def test_the_fault_is_seen_behind_nginx_too(
    fault: str, nginx_lab: Server, look_at_nginx: Callable[..., Verified]
) -> None:
    seen_for_what_it_is(fault, nginx_lab, look_at_nginx)


def seen_for_what_it_is(fault: str, server: Server, look: Callable[..., Verified]) -> None:
    """Put it on a lab, look, take it off, and look again."""
    expected = faults.describe(fault)
    try:
        faults.inject(server, fault)
        broken = look(*options_for(expected))
    finally:
        faults.heal(server, fault)
    still_wrong = LABS.whole_look(server)
    assert broken.ids(Outcome.FAILED) == expected.fails, broken.told()
    if expected.passes is None:
        assert broken.ids(Outcome.UNDETERMINED) == expected.undetermined, broken.told()
    else:
        assert broken.ids(Outcome.PASSED) == expected.passes, broken.told()
    assert CAUSES.get(fault, "") in broken.told()
    assert broken.code == (1 if expected.fails else 3)
    assert not any(scenario.own_fault for scenario in broken.run.scenarios), broken.told()
    assert still_wrong == ""


def test_a_stopped_database_is_the_first_line_and_all_else_is_folded_under_it(
    lab: Server, look: Callable[..., Verified]
) -> None:
    try:
        faults.inject(lab, "db-down")
        broken = look()
    finally:
        faults.heal(lab, "db-down")
    (cause,) = root_causes(broken.run)
    assert cause.id == "the-database-is-up"
    assert {one.id for one in consequences(broken.run, cause)} == broken.ids(Outcome.UNDETERMINED), broken.told()
    first, *others = [line for line in broken.screen.splitlines() if line.startswith(("✗", "?"))]
    assert "The database is up" in first
    assert len(others) == 1, "the verdict alone follows"
