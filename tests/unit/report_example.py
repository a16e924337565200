"""Runs made up for the reports' tests: a healthy one, one with everything that can go wrong, one of nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from runbook.model.changes import Change, Changes, Earlier
from runbook.model.outcome import Outcome, ReasonCode
from runbook.model.record import Control, Difference, Exchange, Origin, Run, Scenario, Server, Severity, Step
from runbook.observation.evidence import Evidence
from runbook.observation.redaction import Redactor

BEGUN = datetime(2026, 2, 24, 8, 0, 12, 345000, tzinfo=UTC)
HOSTILE = "</pre><script>alert(1)</script>\x1b[31m\x00\u202etxt.exe\u2066 ]]> \ufffe & \"'"
JAPANESE = "[2026-02-24 02:00:00] バックアップ　成功：予約テーブルを含む"


def exchanges(file: Path | None = None) -> tuple[Exchange, ...]:
    """What a small run asks, in true form: chained, and written to ``file`` where one is given."""
    evidence = Evidence(Redactor(), file)

    def ask(question: str, asked: str, answer: str = "", status: int | None = 0, **more: Any) -> None:
        sent = BEGUN + timedelta(milliseconds=40 * len(evidence.exchanges))
        inside = "inside" if question.split(".")[0] != "health" else "outside"
        evidence.record(
            question=question,
            asked=asked,
            vantage="inside" if inside == "inside" else "outside",
            started=sent,
            seconds=0.031,
            status=status,
            answer=answer,
            **more,
        )

    df = "Filesystem 1-blocks Used Available Capacity Mounted on\n"
    ask("disk.DISKS", "df -P -B1 -- / /var/www/psyfit /var/backups/psyfit", df + "/dev/vda1 100 87 13 87% /\n")
    ask("disk.PLACES", "df -P -i -- /var/backups/psyfit /var/lib/docker", df + "/dev/vda1 100 7 93 7% /\n")
    ask("health.API", "GET https://psytech.jp/api/v1/health", '{"status": "success"}', 200)
    ask("containers.ALL", "GET /containers/json?all=1", '[{"Id": "' + "0123456789abcdef" * 1200 + '"}]', 200)
    ask("proxy.LIST", "docker exec kamal-proxy kamal-proxy list", HOSTILE, errors="\x1b]0;owned\x07")
    ask("backups.LOG", "tail -n 20 -- /var/log/psyfit-backup.log", f"{JAPANESE}\n" * 3)
    for day in range(17, 24):
        name = f"psyfit_production_202602{day}_020000.sql.gz"
        ask("backups.WHOLE", f"gzip -t -- /var/backups/psyfit/{name}")
    ask("backups.CONTENT", "zcat … | tail -n 3", status=None, error="no answer within 120 s")
    evidence.close()
    return evidence.exchanges


def step(text: str, outcome: Outcome | None = Outcome.PASSED, *evidence: int, keyword: str = "Then") -> Step:
    return Step(keyword=keyword, text=text, outcome=outcome, seconds=0.0312, evidence=evidence)


def scenario(
    name: str,
    section: str,
    outcome: Outcome = Outcome.PASSED,
    *,
    steps: Sequence[Step] = (),
    severity: Severity = "major",
    feature: str = "Monitoring and alerts",
    reason: str | None = None,
    because: str | None = None,
    own_fault: bool = False,
    missing_right: str | None = None,
    reason_code: ReasonCode | None = None,
) -> Scenario:
    return Scenario(
        id="-".join(name.lower().split()),
        name=name,
        section=section,
        section_title=feature,
        file="features/06-monitoring.feature",
        line=7,
        severity=severity,
        kind="check",
        tags=("check", severity, f"rb-{section}"),
        outcome=outcome,
        reason=reason,
        reason_code=reason_code,
        because=because,
        own_fault=own_fault,
        missing_right=missing_right,
        started=BEGUN,
        seconds=0.064,
        steps=tuple(steps),
    )


def run(
    scenarios: Sequence[Scenario] = (),
    exchanges: Sequence[Exchange] = (),
    *,
    exit_code: int = 0,
    selected: int | None = None,
    collected: int | None = None,
    clock_offset_seconds: float | None = 0.02,
    uncommitted_changes: bool = False,
    controls: Sequence[Control] = (),
    changes: Changes | None = None,
) -> Run:
    selected = len(scenarios) if selected is None else selected
    return Run(
        id="2026-02-24T080012Z-verify-lab",
        kind="verify",
        server=Server(
            name="lab",
            environment="lab",
            address="127.77.0.1",
            domain="psytech.jp",
            account="deploy",
            clock_offset_seconds=clock_offset_seconds,
        ),
        origin=Origin(
            command="runbook verify --target lab",
            operator="hanako",
            runner="laptop",
            suite_version="0.1.0",
            commit="66577a7b2f0c4f3f9a1e8f2f6f2a7f1f0e9d8c7b",
            uncommitted_changes=uncommitted_changes,
            python="3.11.2",
        ),
        started=BEGUN,
        ended=BEGUN + timedelta(seconds=4.2),
        exit_code=exit_code,
        selected=selected,
        collected=selected if collected is None else collected,
        scenarios=tuple(scenarios),
        exchanges=tuple(exchanges),
        controls=tuple(controls),
        changes=changes,
    )


CONTROLS = (
    Control(
        framework="ISO/IEC 27001:2022, Annex A",
        id="A.8.13",
        title="Information backup",
        beyond="how long they have to be kept",
        sections={"5.2": 4, "5.4": 0, "6.4": 2},
    ),
    Control(
        framework="ISO/IEC 27001:2022, Annex A",
        id="A.8.24",
        title="Use of cryptography",
        beyond="how keys are made",
        sections={"7": 1},
    ),
    Control(
        framework="ISO/IEC 27001:2022, Annex A", id="A.8.2", title="Privileged access rights", beyond="all", sections={}
    ),
    Control(
        framework="NIST SP 800-53 r5",
        id="IA-5(7)",
        title="No Embedded Unencrypted Static Authenticators",
        beyond="all",
        sections={"8.3": 0},
    ),
)

YESTERDAY = Earlier(id="2026-02-23T080011Z-verify-lab", started=BEGUN - timedelta(days=1), digest="5e" * 32)


def change(
    name: str, section: str, before: Outcome | None, now: Outcome | None, since: datetime | None = None
) -> Change:
    return Change(id="-".join(name.lower().split()), name=name, section=section, before=before, now=now, since=since)


CHANGES = Changes(
    earlier=YESTERDAY,
    passed_over=("2026-02-24T075903Z-verify-lab has no run.json: that run was cut off, or is still running",),
    scenarios=(
        change("The service says that it is healthy", "2.1", Outcome.PASSED, Outcome.UNDETERMINED),
        change("The proxy sends requests to the running release", "2.3", Outcome.PASSED, Outcome.FAILED),
        change("The newest backup is complete", "5.2", Outcome.PASSED, Outcome.UNDETERMINED),
        change("The log agrees", "5.2", Outcome.FAILED, Outcome.PASSED),
        change("Every encrypted backup is intact", "5.2", Outcome.PASSED, Outcome.NOT_APPLICABLE),
        change("Every disk has room", "6.3", Outcome.FAILED, Outcome.FAILED, BEGUN - timedelta(days=4)),
        change("Every job ended well", "6.4", Outcome.UNDETERMINED, Outcome.UNDETERMINED, BEGUN - timedelta(hours=25)),
        change("The operator rehearsed the call list", "10", None, Outcome.ATTESTED),
        change("The off-site copy is there", "5.5", Outcome.FAILED, Outcome.WAIVED),
        change("Every key is in the keyring", "8.1", Outcome.PASSED, None),
    ),
)
HEALTH = "Health and liveness"
BACKUPS = "Backup and restore"


def healthy(file: Path | None = None) -> Run:
    """Everything is as the runbook says."""
    return run(
        [
            scenario(
                "The service says that it is healthy",
                "2.1",
                feature=HEALTH,
                severity="critical",
                steps=[
                    step("the health page answers with 200", Outcome.PASSED, 3),
                    step("its time stamp is at most 60 s old", Outcome.PASSED, 3, keyword="And"),
                ],
            ),
            scenario(
                "Every container is up",
                "2.2",
                feature=HEALTH,
                steps=[
                    step("the containers psyfit-web, psyfit-db and psyfit-redis are running", Outcome.PASSED, 4),
                ],
            ),
            scenario(
                "Every disk has room",
                "6.3",
                steps=[
                    step("every file system of the service is less than 80 % full", Outcome.PASSED, 1, 2),
                ],
            ),
        ],
        exchanges(file),
    )


def troubled(file: Path | None = None) -> Run:
    """One scenario of every kind: failed, undetermined, following from another, the suite's own fault, hostile text."""
    full = Step(
        keyword="Then",
        text="every file system of the service is less than 80 % full",
        outcome=Outcome.FAILED,
        seconds=0.0312,
        difference=Difference(
            expected="less than 80 % everywhere", seen="/ 87 %, /var/backups/psyfit 91 %", go_to="10"
        ),
        evidence=(1, 2),
    )
    routed = Step(
        keyword="Then",
        text="the proxy sends psytech.jp to the running container",
        outcome=Outcome.FAILED,
        seconds=0.0312,
        difference=Difference(expected="a route to psyfit-web-1771913000", seen=HOSTILE, go_to="2.3"),
        evidence=(4, 5),
    )
    return run(
        [
            scenario(
                "The service says that it is healthy",
                "2.1",
                Outcome.UNDETERMINED,
                feature=HEALTH,
                severity="critical",
                because="the-proxy-sends-requests-to-the-running-release",
                reason="depends on “the-proxy-sends-requests-to-the-running-release”, which failed",
                steps=[step("the health page answers with 200", None)],
            ),
            scenario(
                "Every container is up",
                "2.2",
                feature=HEALTH,
                severity="critical",
                steps=[step("the containers psyfit-web, psyfit-db and psyfit-redis are running", Outcome.PASSED, 4)],
            ),
            scenario(
                "No container restarts again and again",
                "2.2",
                feature=HEALTH,
                severity="minor",
                steps=[step("no container was restarted more than 3 times", Outcome.PASSED, 4)],
            ),
            scenario(
                "The proxy sends requests to the running release",
                "2.3",
                Outcome.FAILED,
                feature=HEALTH,
                severity="critical",
                steps=[routed, step("the route terminates TLS", None, keyword="And")],
            ),
            scenario(
                "Every backup is whole",
                "5.2",
                feature=BACKUPS,
                severity="critical",
                steps=[step("every compressed backup can be read to its end", Outcome.PASSED, *range(7, 14))],
            ),
            scenario(
                "The newest backup is complete",
                "5.2",
                Outcome.UNDETERMINED,
                feature=BACKUPS,
                severity="critical",
                reason="the newest backup could not be read: no answer within 120 s",
                steps=[step("the newest dump ends with its last line", Outcome.UNDETERMINED, 14)],
            ),
            scenario(
                "The log agrees",
                "5.2",
                feature=BACKUPS,
                steps=[step(f"the log's last line is “{JAPANESE}”", Outcome.PASSED, 6)],
            ),
            scenario(
                "Every encrypted backup is intact",
                "5.2",
                Outcome.NOT_APPLICABLE,
                feature=BACKUPS,
                reason="no backup of this server is encrypted",
                steps=[step("every encrypted backup is encrypted to the right key", Outcome.NOT_APPLICABLE, 6)],
            ),
            scenario("Every disk has room", "6.3", Outcome.FAILED, steps=[full]),
            scenario(
                "Every disk has inodes left",
                "6.3",
                steps=[
                    step("every file system of the service has used less than 80 % of its inodes", Outcome.PASSED, 1, 2)
                ],
            ),
            scenario(
                "Every job of the runbook is in the crontab",
                "6.4",
                Outcome.UNDETERMINED,
                reason="root's crontab could not be read (missing right: root; sudo -n for the account)",
                missing_right="root",
                steps=[step("the crontab has each of the runbook's lines", Outcome.UNDETERMINED)],
            ),
            scenario(
                "Every job ended well",
                "6.4",
                Outcome.UNDETERMINED,
                own_fault=True,
                severity="minor",
                reason="an internal error of the suite: KeyError: 'last'",
                steps=[step("the last run of each job ended well", Outcome.UNDETERMINED)],
            ),
            scenario(
                "The operator rehearsed the call list",
                "10",
                Outcome.ATTESTED,
                feature="When in doubt",
                severity="minor",
                steps=[step("the call list was rehearsed this quarter", Outcome.ATTESTED)],
            ),
            scenario(
                "The off-site copy is there",
                "5.5",
                Outcome.WAIVED,
                feature=BACKUPS,
                reason="waived by the operations lead until 2026-04-01: the bucket is being moved",
                steps=[step("the newest backup is in the bucket", Outcome.WAIVED)],
            ),
        ],
        exchanges(file),
        exit_code=1,
        collected=41,
        clock_offset_seconds=-97.0,
        uncommitted_changes=True,
        controls=CONTROLS,
        changes=CHANGES,
    )


def empty() -> Run:
    """No scenario was selected."""
    return run(exit_code=2, collected=41)
