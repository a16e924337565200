"""What each sentence makes of what was seen: at its limit and beside it, and where there is nothing to see.

A step reads a few fields of an observation; here these are given as they are. How the fields are read from a server's
answers is the subject of the tests named after the checks.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

import checks.edge.certificate
from checks.docker.container_logs import ROTATED
from checks.docker.resource_usage import Usages
from checks.edge.certificate_renewal import Acme, Certbot
from checks.formats.ages import Ago
from checks.formats.crontab import schedule_of
from runbook.model.outcome import Attested, Mismatch, NotApplicable, Undetermined
from runbook.model.port_state import PortState
from steps import (
    access,
    backups,
    certificate,
    containers,
    deploy,
    encryption,
    health,
    incidents,
    logs,
    manual,
    monitoring,
    offsite,
    problems,
    proxy,
    saved,
    secrets,
)

PASSES, FAILS, UNTOLD, NOT = "passes", "fails", "cannot be determined", "is not applicable"
Step = Callable[..., object]
Case = tuple[Step, dict[str, Any], str]

seen: Any = SimpleNamespace
"""An observation by those of its fields that a sentence reads."""


def _look(**fields: Any) -> Any:
    return seen(target=seen(**fields))


def came_to(step: Step, given: dict[str, Any]) -> str:
    try:
        step(**given)
    except Mismatch:
        return FAILS
    except Undetermined:
        return UNTOLD
    except NotApplicable:
        return NOT
    return PASSES


def _all(step: Step, parameter: str, outcomes: Iterable[tuple[Any, str]], /, **given: Any) -> list[Case]:
    """Several values of one parameter, each with its outcome."""
    return [(step, {**given, parameter: value}, outcome) for value, outcome in outcomes]


def check(cases: Sequence[Case]) -> None:
    """Every case, told by its number where one is not so."""
    wrong = [
        f"case {number} of {step.__name__}: {found} and not {outcome}: {given}"
        for number, (step, given, outcome) in enumerate(cases)
        if (found := came_to(step, given)) != outcome
    ]
    assert wrong == []


# 2 Health

HTTPS = _look(domain="service.example")


def _health(status: int = 200, word: str | None = "healthy", database: str = "ok", version: str | None = None) -> Any:
    return seen(http_status=status, status=word, database=database, version=version)


def _container(**fields: Any) -> Any:
    well = {"running": True, "paused": False, "restarting": False, "health": "healthy", "exit_code": 0, "restarts": 0}
    return seen(
        **{"name": "web", "restart_policy": "always", "up_seconds": 9e9, "out_of_memory": False, **well, **fields}
    )


def _fleet(*known: Any, **fields: Any) -> Any:
    running = tuple(one for one in known if one.running)
    return seen(
        **{"known": known, "running": running, "unexpected": (), "db": None, "redis": None, "proxy": None, **fields}
    )


def test_the_health_check() -> None:
    check(
        [
            *_all(health.the_health_check_answers, "health", [(_health(), PASSES), (_health(503), FAILS)], status=200),
            *_all(health.the_health_status_is, "word", [("healthy", PASSES), ("ok", FAILS)], health=_health()),
            *_all(health.the_database_check_is, "word", [("ok", PASSES), ("error", FAILS)], health=_health()),
            *_all(
                health.the_status_says_what_the_words_say,
                "health",
                [
                    (_health(200, "healthy"), PASSES),
                    (_health(503, "degraded"), PASSES),
                    (_health(503, "healthy"), FAILS),
                    (_health(504, "degraded"), FAILS),
                ],
            ),
            *_all(
                health.the_health_answer_is_fresh,
                "health_age_seconds",
                [(None, UNTOLD), (60, PASSES), (-60, PASSES), (60.1, FAILS), (-60.1, FAILS)],
                limit=60,
            ),
            *_all(
                health.the_page_answers,
                "database_page",
                [
                    (seen(path="/x", http_status=200, rows=1), PASSES),
                    (seen(path="/x", http_status=500, rows=1), FAILS),
                    (seen(path="/x", http_status=200, rows=0), FAILS),
                    (seen(path="/x", http_status=200, rows=None), FAILS),
                ],
            ),
            *_all(
                health.plain_http_redirects,
                "plain_http",
                [
                    *(
                        (seen(http_status=status, location="https://service.example/up"), outcome)
                        for status, outcome in {
                            **dict.fromkeys((301, 302, 307, 308), PASSES),
                            **dict.fromkeys((200, 303, 309), FAILS),
                        }.items()
                    ),
                    (seen(http_status=301, location="https://elsewhere.example/up"), FAILS),
                    (seen(http_status=301, location=None), FAILS),
                ],
                snapshot=HTTPS,
            ),
        ]
    )


def test_the_health_answer_as_a_whole() -> None:
    def labelled(version: str) -> Any:
        return seen(running_releases=(seen(version=version),))

    check(
        [
            *_all(
                health.the_application_answers,
                "health",
                [(seen(from_application=own, answered="x"), PASSES if own else FAILS) for own in (True, False)],
            ),
            *_all(
                health.every_documented_field_is_there,
                "health",
                [(seen(unlike_form=()), PASSES), (seen(unlike_form=("no version",)), FAILS)],
            ),
            *_all(
                health.the_version_is_the_releases,
                "fleet",
                [(labelled("1.1"), PASSES), (labelled("1.2"), FAILS)],
                health=_health(version="1.1"),
            ),
        ]
    )


def test_the_version_by_the_commit_in_a_name() -> None:
    def fleet(*commits: str | None) -> Any:
        return seen(running_releases=tuple(seen(version=None, made_from=lambda _, one=one: one) for one in commits))

    step = health.the_version_is_the_releases
    check(
        [
            (step, {"health": _health(version="abcdef0"), "fleet": fleet("abcdef0123")}, PASSES),
            (step, {"health": _health(version="abcdef0"), "fleet": fleet(None, "abcdef0123")}, PASSES),
            (step, {"health": _health(version="abcdef"), "fleet": fleet("abcdef0123")}, NOT),
            (step, {"health": _health(version="abcdef1"), "fleet": fleet("abcdef0123")}, NOT),
            (step, {"health": _health(version=None), "fleet": fleet("abcdef0123")}, NOT),
            (step, {"health": _health(version="abcdef0"), "fleet": fleet(None)}, NOT),
        ]
    )


def test_containers() -> None:
    stopped = _container(running=False, exit_code=1)
    check(
        [
            *_all(
                containers.it_is_running,
                "fleet",
                [(_fleet(db=None), FAILS), (_fleet(db=stopped), FAILS), (_fleet(db=_container()), PASSES)],
                who="the database",
            ),
            *_all(
                containers.it_is_not_paused,
                "fleet",
                [(_fleet(db=None), PASSES), (_fleet(db=_container(paused=True)), FAILS)],
                who="the database",
            ),
            *_all(
                containers.every_container_is_healthy,
                "fleet",
                [
                    (_fleet(_container()), PASSES),
                    (_fleet(_container(health="unhealthy")), FAILS),
                    (_fleet(_container(health="starting")), UNTOLD),
                    (_fleet(_container(health=None)), NOT),
                    (_fleet(_container(health="unhealthy", paused=True)), NOT),
                    (_fleet(_container(health="unhealthy", restarting=True)), NOT),
                    (_fleet(), NOT),
                ],
                word="healthy",
            ),
            *_all(
                containers.none_waits_for_a_restart,
                "fleet",
                [(_fleet(), FAILS), (_fleet(_container()), PASSES), (_fleet(_container(restarting=True)), FAILS)],
            ),
            *_all(
                containers.none_is_in_a_crash_loop,
                "fleet",
                [
                    (_fleet(_container(restarts=3, up_seconds=599)), FAILS),
                    (_fleet(_container(restarts=3, up_seconds=600)), PASSES),
                    (_fleet(_container(restarts=3, up_seconds=None)), PASSES),
                    (_fleet(_container(restarts=2, up_seconds=1)), PASSES),
                ],
                times=3,
                minutes=10,
            ),
            *_all(
                containers.none_ran_out_of_memory,
                "fleet",
                [(_fleet(_container()), PASSES), (_fleet(_container(out_of_memory=True)), FAILS)],
            ),
            *_all(
                containers.every_container_comes_back,
                "fleet",
                [(_fleet(), FAILS), (_fleet(_container()), PASSES), (_fleet(_container(restart_policy="no")), FAILS)],
            ),
            *_all(
                containers.no_unexpected_container,
                "fleet",
                [
                    (_fleet(), FAILS),
                    (_fleet(_container()), PASSES),
                    (_fleet(_container(), unexpected=(_container(),)), FAILS),
                ],
            ),
        ]
    )


def test_releases() -> None:
    up, down = _container(name="up"), _container(name="down", running=False, exit_code=1)
    ended = seen(**{**vars(down), "ended_in_order": True})
    failed = seen(**{**vars(down), "ended_in_order": False})

    def releases(*every: Any) -> Any:
        return seen(releases=every, running_releases=tuple(one for one in every if one.running))

    def backends(*containers: Any) -> Any:
        return tuple(seen(target="web:80", container=one) for one in containers)

    check(
        [
            *_all(
                containers.it_is_running,
                "fleet",
                [(releases(up, down), PASSES), (releases(down), FAILS), (releases(), FAILS)],
                who="the web release",
            ),
            (containers.it_is_not_paused, {"fleet": _fleet(db=up), "who": "the database"}, PASSES),
            *_all(
                containers.one_release_runs,
                "fleet",
                [(releases(down), FAILS), (releases(up, down), PASSES), (releases(up, up), FAILS)],
            ),
            *_all(
                containers.there_is_a_release_to_go_back_to,
                "fleet",
                [
                    (releases(seen(**{**vars(up), "ended_in_order": True})), FAILS),
                    (releases(ended, failed), PASSES),
                    (releases(failed), FAILS),
                ],
            ),
            *_all(
                proxy.the_route_leads_to_the_running_release,
                "backends",
                [
                    ((), FAILS),
                    (backends(up), PASSES),
                    (backends(up, down), FAILS),
                    (backends(None), FAILS),
                ],
                fleet=releases(up, down),
            ),
        ]
    )


def test_a_stopped_release_is_told_by_its_exit_code() -> None:
    stopped = _container(running=False, exit_code=7)
    with pytest.raises(Mismatch, match="web ended with 7"):
        containers.it_is_running(_fleet(running_releases=(), releases=(stopped,)), "the web release")


def test_of_two_releases_both_have_to_be_the_deployed_one() -> None:
    def fleet(*commits: str | None) -> Any:
        return seen(
            running_releases=tuple(
                seen(name=f"web-{number}", made_from=lambda _, one=one: one) for number, one in enumerate(commits)
            )
        )

    outcomes = [(fleet("abc"), PASSES), (fleet("abc", None), FAILS), (fleet("abd"), FAILS), (fleet(None), NOT)]
    check(_all(containers.the_release_is_the_deployed_one, "fleet", outcomes, deployed_revision="abc"))


def _listed(state: str = "running", **fields: Any) -> Any:
    plain = {"hosts": ("service.example",), "targets": ("web:80",), "tls": True}
    return seen(state=state, serves=lambda host: host == "service.example", **{**plain, **fields})


def test_the_proxy() -> None:
    listed = _listed()
    site = seen(passes_to=("127.0.0.1:8080",))
    check(
        [
            *_all(
                proxy.the_proxy_lists_the_service,
                "proxy_list",
                [(None, FAILS), (listed, PASSES), (_listed("paused"), FAILS)],
                state="running",
            ),
            *_all(
                proxy.the_state_file_says,
                "proxy_state",
                [(None, FAILS), (seen(state="running"), PASSES), (seen(state="paused"), FAILS)],
                state="running",
            ),
            *_all(
                proxy.the_state_file_agrees,
                "proxy_state",
                [(None, FAILS), (seen(as_listed=listed), PASSES), (seen(as_listed=_listed("paused")), FAILS)],
                proxy_list=listed,
            ),
            (proxy.the_state_file_agrees, {"proxy_list": None, "proxy_state": None}, FAILS),
            *_all(
                proxy.the_proxy_serves_the_domain,
                "proxy_list",
                [(None, FAILS), (listed, PASSES)],
                snapshot=HTTPS,
            ),
            (
                proxy.the_proxy_serves_the_domain,
                {"proxy_list": listed, "snapshot": _look(domain="other.example")},
                FAILS,
            ),
            *_all(
                proxy.tls_is_ended,
                "proxy_list",
                [(None, FAILS), (listed, PASSES), (_listed(tls=False), FAILS)],
                edge=seen(who="kamal-proxy"),
            ),
            *_all(
                proxy.tls_is_ended,
                "edge",
                [
                    (seen(who=None), FAILS),
                    (seen(who="nginx", listened=True, port=443), PASSES),
                    (seen(who="nginx", listened=False, port=443), FAILS),
                ],
                proxy_list=listed,
            ),
            *_all(
                proxy.what_comes_in_reaches_the_proxy,
                "edge",
                [
                    (seen(who=None, site=None), UNTOLD),
                    (seen(who="kamal-proxy", site=None), PASSES),
                    (seen(who="nginx", site=seen(passes_to=()), plain=(), leads_to_proxy=bool), FAILS),
                    (seen(who="nginx", site=site, plain=(), leads_to_proxy=lambda _: True), PASSES),
                    (seen(who="nginx", site=site, plain=(), leads_to_proxy=lambda _: False), FAILS),
                ],
            ),
            (
                proxy.the_route_leads_to_the_running_release,
                {"backends": (), "fleet": seen(running_releases=(_container(),))},
                FAILS,
            ),
            *_all(
                proxy.every_target_answers,
                "backends",
                [
                    ((), FAILS),
                    ((seen(target="web:80", http_status=200),), PASSES),
                    ((seen(target="web:80", http_status=503),), FAILS),
                    ((seen(target="web:80", http_status=None),), FAILS),
                ],
                status=200,
            ),
        ]
    )


# 3 Incidents


def _sessions(**fields: Any) -> Any:
    plain = {"works": False, "holds_transaction": False, "waits_for_lock": False, "blocked_by": (3,)}
    return (
        seen(others=(seen(query_seconds=0.0, state_seconds=0.0, **{**plain, **fields}),)) if fields else seen(others=())
    )


def test_incidents() -> None:
    web = seen(name="web")

    def used(*found: Any) -> Usages:
        return Usages(found, ())

    quiet = seen(container=web, memory_percent=1, counted=seen(out_of_memory_kills=0), held_back_percent=1)
    check(
        [
            *_all(
                incidents.the_logs_are_written_to,
                "read_logs",
                [
                    ((seen(container=web, characters=0),), FAILS),
                    ((seen(container=web, characters=1),), PASSES),
                    ((seen(container=seen(name="kept"), characters=0),), PASSES),
                ],
                fleet=seen(running_releases=(web,)),
            ),
            *_all(
                incidents.nobody_waits_for_a_lock,
                "sessions",
                [
                    (seen(others=(seen(waits_for_lock=True, query_seconds=5.0, blocked_by=()),)), FAILS),
                    (seen(others=(seen(waits_for_lock=True, query_seconds=4.9, blocked_by=()),)), PASSES),
                    (seen(others=(seen(waits_for_lock=False, query_seconds=600.0, blocked_by=()),)), PASSES),
                ],
                limit=5,
            ),
            *_all(
                incidents.no_query_is_slow,
                "sessions",
                [
                    (seen(others=(seen(works=True, query_seconds=5.0),)), FAILS),
                    (seen(others=(seen(works=True, query_seconds=4.9),)), PASSES),
                    (seen(others=(seen(works=False, query_seconds=600.0),)), PASSES),
                ],
                limit=5,
            ),
            *_all(
                incidents.no_transaction_is_left_open,
                "sessions",
                [
                    (seen(others=(seen(holds_transaction=True, state_seconds=5.0),)), FAILS),
                    (seen(others=(seen(holds_transaction=True, state_seconds=4.9),)), PASSES),
                    (seen(others=(seen(holds_transaction=False, state_seconds=600.0),)), PASSES),
                ],
                limit=5,
            ),
            (incidents.every_container_has_memory_left, {"usage": used(), "limit": 90}, FAILS),
            *_all(incidents.nothing_was_killed_for_want_of_memory, "usage", [(used(), FAILS), (used(quiet), PASSES)]),
            *_all(incidents.no_container_is_held_back, "usage", [(used(), FAILS), (used(quiet), PASSES)], limit=25),
        ]
    )


# 4 Deploying


def test_deploying() -> None:
    ten, file = 10**10, stat.S_IFREG
    check(
        [
            *_all(
                deploy.there_is_room,
                "room",
                [
                    (seen(image_bytes=ten, free_bytes=ten + 10**9), PASSES),
                    (seen(image_bytes=ten, free_bytes=ten + 10**9 - 1), FAILS),
                ],
                reserve=1,
            ),
            *_all(
                deploy.the_clone_stands_at_its_origin,
                "clone",
                [(seen(commit="abc"), FAILS), (seen(commit=None), FAILS)],
                origin_commit=None,
                branch="main",
            ),
            (
                deploy.the_clone_stands_at_its_origin,
                {"clone": seen(commit="abc"), "origin_commit": "abc", "branch": "main"},
                PASSES,
            ),
            *_all(
                deploy.the_deploy_script_can_be_run,
                "deploy_script",
                [(None, FAILS), (file | 0o644, FAILS), (stat.S_IFDIR | 0o755, FAILS), (file | 0o744, PASSES)],
            ),
            *_all(
                deploy.the_releases_migrations_are_applied,
                "migrations",
                [
                    (seen(releases={"web": ("2026",)}, without=("old",)), FAILS),
                    (seen(releases={"web": ()}, without=()), PASSES),
                    (seen(releases={"web": ()}, without=("web",)), UNTOLD),
                ],
            ),
            *_all(
                deploy.the_database_is_not_migrated,
                "run_kind",
                [("gate", FAILS), ("verify", NOT)],
                migrations_locked=True,
            ),
            *_all(
                deploy.the_database_is_not_migrated,
                "run_kind",
                [("gate", PASSES), ("verify", PASSES)],
                migrations_locked=False,
            ),
        ]
    )


def test_the_clone() -> None:
    def clone(*changed: str, hidden: tuple[str, ...] = ()) -> Any:
        return seen(branch="main", changed=changed, hidden=hidden)

    check(
        [
            *_all(
                deploy.nothing_is_left_to_undo, "under_way", [(seen(undo=()), PASSES), (seen(undo=("0001",)), FAILS)]
            ),
            *_all(deploy.the_branch_is_checked_out, "branch", [("main", PASSES), ("other", FAILS)], clone=clone()),
            *_all(
                deploy.the_clone_is_clean,
                "clone",
                [(clone(), PASSES), (clone("a"), FAILS), (clone(hidden=("a",)), FAILS)],
            ),
            *_all(
                deploy.the_clones_migrations_are_applied,
                "migrations",
                [
                    (seen(clone=(), clone_without=False), PASSES),
                    (seen(clone=(), clone_without=True), UNTOLD),
                    (seen(clone=("2026",), clone_without=False), FAILS),
                ],
            ),
        ]
    )


# 5 Backups

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def _plain(
    size: int = 100, hour: int | None = None, *, whole: bool = True, complete: bool = True, tables: str = ""
) -> Any:
    row = None if hour is None else seen(at=NOW + timedelta(hours=hour), zoned=True, column="users.created_at")
    dump = seen(
        gzip_whole=whole, complete=complete, newest_row=row, size_bytes=size, flaw=None, tables=tuple(tables.split())
    )
    return seen(file=seen(name=f"{size}.gz", seen_at=NOW + timedelta(hours=3)), dump=dump)


def _sealed(*recipients: str, passphrase: bool = False, hides: bool = False, flaw: str | None = None) -> Any:
    return seen(
        file=seen(name="x.gpg"),
        recipients=recipients,
        by_passphrase=passphrase,
        hides_recipients=hides,
        flaw=flaw,
        plain=flaw == "plain",
    )


def test_the_newest_backup() -> None:
    ages = {0.0: PASSES, 24.9: PASSES, 25.0: FAILS, -1 / 60: PASSES, -1.5 / 60: FAILS}
    check(
        [
            *_all(
                backups.content_is_fresh,
                "newest_backup",
                [
                    (None, FAILS),
                    (seen(age=None), FAILS),
                    *((seen(age=seen(made=Ago(3600 * hours))), outcome) for hours, outcome in ages.items()),
                ],
                limit=25,
            ),
            *_all(
                backups.newest_is_whole,
                "newest_backup",
                [
                    (None, FAILS),
                    (seen(flaw=None, file=seen(name="x")), PASSES),
                    (seen(flaw="cut off", file=seen(name="x")), FAILS),
                ],
            ),
        ]
    )


def test_plain_backups() -> None:
    hundred = [*map(str, range(100))]
    check(
        [
            *_all(
                backups.content_moves_on,
                "plain_backups",
                [
                    ((_plain(hour=1), _plain(hour=1)), PASSES),
                    ((_plain(hour=4), _plain(hour=4)), UNTOLD),
                    ((_plain(hour=4), _plain(hour=3)), FAILS),
                    ((_plain(hour=2), _plain(hour=1)), FAILS),
                    ((_plain(hour=1),), NOT),
                    ((_plain(hour=1), _plain()), NOT),
                    ((_plain(hour=1), _plain(hour=2), _plain(hour=0, whole=False)), PASSES),
                    ((_plain(hour=1), _plain(hour=2), _plain(hour=0, complete=False)), PASSES),
                ],
            ),
            *_all(backups.there_is_a_backup, "backups", [((), FAILS), ((_plain(),), PASSES)]),
            *_all(
                backups.gzip_is_whole,
                "plain_backups",
                [((), NOT), ((_plain(complete=False),), PASSES), ((_plain(), _plain(whole=False)), FAILS)],
            ),
            *_all(
                backups.dump_is_complete,
                "plain_backups",
                [
                    ((), NOT),
                    ((_plain(whole=False),), UNTOLD),
                    ((_plain(), _plain(whole=False, complete=False)), PASSES),
                    ((_plain(complete=False),), FAILS),
                ],
            ),
            *_all(
                backups.size_is_not_smaller,
                "plain_backups",
                [
                    ((_plain(100), _plain(100)), NOT),
                    ((_plain(1000), _plain(1000), _plain(500)), PASSES),
                    ((_plain(1000), _plain(1000), _plain(499)), FAILS),
                    ((_plain(100), _plain(300), _plain(99)), FAILS),
                    ((_plain(100), _plain(100), _plain(100), _plain(1, whole=False)), PASSES),
                    ((_plain(0), _plain(0), _plain(5)), UNTOLD),
                    ((_plain(1), _plain(1), _plain(1)), PASSES),
                ],
                percent=50,
            ),
            *_all(
                backups.size_is_not_larger,
                "plain_backups",
                [
                    ((_plain(100), _plain(100), _plain(200)), PASSES),
                    ((_plain(100), _plain(100), _plain(201)), FAILS),
                ],
                percent=200,
            ),
            *_all(
                backups.the_tables_are_in_it,
                "plain_backups",
                [
                    ((), NOT),
                    ((_plain(whole=False, tables="a b c d e"),), UNTOLD),
                    ((_plain(complete=False, tables="a b c d e"),), UNTOLD),
                    ((_plain(tables="a b c d"),), PASSES),
                    ((_plain(tables="a b c"),), FAILS),
                    ((_plain(tables="a b c d e"), _plain(whole=False)), PASSES),
                    ((_plain(tables="a b c d e"), _plain(complete=False)), PASSES),
                ],
                tables_of_production=frozenset("abcde"),
                percent=80,
            ),
            *_all(
                backups.the_tables_are_in_it,
                "plain_backups",
                [((_plain(tables=" ".join(hundred[:80])),), PASSES), ((_plain(tables=" ".join(hundred[:79])),), FAILS)],
                tables_of_production=frozenset(hundred),
                percent=80,
            ),
            (
                backups.the_tables_are_in_it,
                {"plain_backups": (_plain(),), "tables_of_production": frozenset(), "percent": 80},
                FAILS,
            ),
            *_all(
                backups.the_tables_are_in_it,
                "percent",
                [(99, PASSES), (100, FAILS)],
                plain_backups=(_plain(tables=" ".join(map(str, range(99)))),),
                tables_of_production=frozenset(map(str, range(100))),
            ),
        ]
    )


def test_encrypted_backups() -> None:
    key = frozenset({"A"})
    named, unnamed = _look(backups=seen(encryption_key="key.asc")), _look(backups=seen(encryption_key=None))
    check(
        [
            *_all(
                encryption.packets_are_whole,
                "encrypted_backups",
                [((), FAILS), ((_sealed("A"),), PASSES), ((_sealed("A", flaw="cut off"),), FAILS)],
                snapshot=named,
            ),
            *_all(
                encryption.packets_are_whole,
                "encrypted_backups",
                [((), NOT), ((_sealed("A"),), PASSES)],
                snapshot=unnamed,
            ),
            *_all(
                encryption.encrypted_to_the_backup_key,
                "encrypted_backups",
                [
                    ((), FAILS),
                    ((_sealed("A"),), PASSES),
                    ((_sealed("B"),), FAILS),
                    ((_sealed(passphrase=True),), FAILS),
                    ((_sealed("A"), _sealed()), PASSES),
                    ((_sealed(),), UNTOLD),
                    ((_sealed("A"), _sealed("A", hides=True)), UNTOLD),
                ],
                backup_key=key,
            ),
            *_all(
                encryption.encrypted_to_the_backup_key,
                "encrypted_backups",
                [((), NOT), ((_sealed("A"),), UNTOLD)],
                backup_key=None,
            ),
            *_all(
                encryption.encrypted_to_nobody_else,
                "encrypted_backups",
                [
                    ((_sealed("A"),), PASSES),
                    ((_sealed("A", "B"),), FAILS),
                    ((_sealed("A", passphrase=True),), FAILS),
                ],
                backup_key=key,
            ),
            *_all(
                encryption.the_key_lasts,
                "key_in_ring",
                [
                    (None, FAILS),
                    (seen(usable=False, days_left=None), FAILS),
                    (seen(usable=True, days_left=None), PASSES),
                    (seen(usable=True, days_left=30.1), PASSES),
                    (seen(usable=True, days_left=30.0), FAILS),
                ],
                backup_key=key,
                days=30,
            ),
            (encryption.the_key_lasts, {"key_in_ring": None, "backup_key": None, "days": 30}, NOT),
        ]
    )


def test_copies_in_a_bucket() -> None:
    def copy(minutes: int, stored: Any) -> Any:
        return seen(made=Ago(60 * minutes), stored=stored, backup=seen(name="x"))

    sealed, plain = seen(encrypted_by="AES256"), seen(encrypted_by=None)
    check(
        [
            *_all(
                offsite.each_has_its_copy,
                "offsite_copies",
                [
                    (None, NOT),
                    ((), NOT),
                    ((copy(60, None),), NOT),
                    ((copy(61, None),), FAILS),
                    ((copy(-61, None),), FAILS),
                    ((copy(61, sealed), copy(1, None)), PASSES),
                ],
                snapshot=_look(offsite=seen(bucket="b", prefix="p")),
                minutes=60,
            ),
            *_all(
                offsite.copies_are_encrypted,
                "offsite_copies",
                [((copy(1, None),), UNTOLD), ((copy(1, sealed),), PASSES), ((copy(1, sealed), copy(1, plain)), FAILS)],
            ),
            *_all(
                offsite.bucket_encrypts,
                "offsite_default_encryption",
                [(None, FAILS), ("AES256", PASSES)],
                offsite_copies=(),
            ),
            *_all(
                offsite.bucket_blocks,
                "offsite_openness",
                [(None, NOT), (seen(unblocked=()), PASSES), (seen(unblocked=("one",)), FAILS)],
            ),
            *_all(
                offsite.bucket_is_not_public,
                "offsite_openness",
                [
                    (seen(by_policy=False, by_grants=()), PASSES),
                    (seen(by_policy=True, by_grants=()), FAILS),
                    (seen(by_policy=False, by_grants=("READ",)), FAILS),
                ],
            ),
            *_all(offsite.bucket_keeps_versions, "offsite_versioning", [("Enabled", PASSES), ("Suspended", FAILS)]),
        ]
    )


def test_what_is_saved_beside_the_database() -> None:
    def archive(hours: float, *, encrypted: bool = False) -> Any:
        return seen(name="a.tar", made=Ago(3600 * hours), encrypted=encrypted)

    def contents(**fields: Any) -> Any:
        return seen(**{"whole": True, "kept": 0, "files": 0, "missing": (), **fields})

    key = frozenset({"A"})
    keys, named, unnamed = (_look(backups=seen(keys="k", volumes=volumes)) for volumes in ((), ("v",), ()))
    ages = {0.0: PASSES, 24.9: PASSES, 25.0: FAILS, -1 / 60: PASSES, -1.5 / 60: FAILS}
    check(
        [
            *_all(
                saved.old_archives_are_removed,
                "archives",
                [
                    ({"v": (archive(48), archive(1))}, PASSES),
                    ({"v": (archive(48.1), archive(1))}, FAILS),
                    ({"v": (archive(99),)}, PASSES),
                ],
                days=2,
                kept=1,
            ),
            *_all(
                saved.every_volume_is_named,
                "volumes_of_releases",
                [({}, NOT), ({"v": ("web",)}, FAILS)],
                snapshot=unnamed,
            ),
            *_all(
                saved.every_volume_is_named,
                "volumes_of_releases",
                [({}, PASSES), ({"v": ("web",)}, PASSES), ({"w": ("web",)}, FAILS)],
                snapshot=named,
            ),
            *_all(
                saved.the_archives_are_whole,
                "contents_of_archives",
                [((), NOT), ((contents(),), PASSES), ((contents(), contents(whole=False)), FAILS)],
            ),
            *_all(
                saved.the_files_are_in_it,
                "contents_of_archives",
                [
                    ((), NOT),
                    ((contents(),), NOT),
                    ((contents(), contents(files=1)), PASSES),
                    ((contents(kept=1),), PASSES),
                    ((contents(files=1), contents(files=1, missing=("x",))), FAILS),
                ],
            ),
            *_all(
                saved.the_keys_are_saved,
                "archives",
                [({"k": ()}, FAILS), *(({"k": (archive(hours),)}, outcome) for hours, outcome in ages.items())],
                snapshot=keys,
                limit=25,
            ),
            *_all(
                saved.the_keys_are_sealed_rightly,
                "sealed_archives",
                [
                    ({}, FAILS),
                    ({"k": _sealed("A")}, PASSES),
                    ({"k": _sealed("A", hides=True)}, UNTOLD),
                    ({"k": _sealed("A", flaw="cut off")}, FAILS),
                    ({"k": _sealed("A", "B")}, FAILS),
                    ({"k": _sealed("A", passphrase=True)}, FAILS),
                    ({"k": _sealed()}, FAILS),
                ],
                snapshot=keys,
                backup_key=key,
            ),
        ]
    )


def test_who_can_open_a_backup_is_told() -> None:
    with pytest.raises(Mismatch, match=r"x\.gpg to A and B and a passphrase"):
        encryption.encrypted_to_nobody_else((_sealed("A", "B", passphrase=True),), frozenset({"A"}))
    with pytest.raises(Mismatch, match=r"x\.gpg to A and B;"):
        encryption.encrypted_to_nobody_else((_sealed("A", "B"),), frozenset({"A"}))


def test_keeping_backups() -> None:
    def aged(**age: float) -> Any:
        old = timedelta(**age)
        times = {"made_at": NOW - old, "seen_at": NOW}
        return seen(name="old", **times, made=Ago(old.total_seconds()), path="/b/old", encrypted=False)

    young, jobs = aged(hours=1), {"backup.sh": seen(log="/var/log/backup.log")}
    owner, file, group = seen(mode=0o700), seen(mode=0o600), seen(mode=0o640)
    own, other = seen(path="/b", device="1"), seen(path="/", device="2")
    since = seen(since=NOW - timedelta(days=1), file=".env")
    check(
        [
            *_all(
                backups.old_ones_are_removed,
                "backups",
                [
                    ((aged(days=32), young), PASSES),
                    ((aged(days=32, seconds=1), young), FAILS),
                    ((aged(days=33),), PASSES),
                    ((aged(days=-1), young), UNTOLD),
                    ((aged(days=-1), aged(days=33), young), FAILS),
                ],
                days=32,
                kept=1,
            ),
            *_all(backups.there_is_a_backup, "backups", [((), FAILS), ((young,), PASSES)]),
            *_all(backups.enough_are_kept, "backups", [((young,) * 7, PASSES), ((young,) * 6, FAILS)], fewest=7),
            *_all(
                backups.log_agrees,
                "last_runs",
                [
                    (seen(of=lambda _: None), FAILS),
                    (seen(of=lambda _: seen(backup="/b/old")), PASSES),
                    (seen(of=lambda _: seen(backup="/b/new")), FAILS),
                ],
                backups=(young,),
                cron_jobs=jobs,
            ),
            *_all(
                backups.folder_is_closed,
                "backup_modes",
                [((owner, group), PASSES), ((group,), FAILS), ((), FAILS)],
                mode="0700",
            ),
            *_all(
                backups.files_are_closed,
                "backup_modes",
                [((owner, file), PASSES), ((owner, file, group), FAILS), ((owner,), FAILS)],
                mode="0600",
            ),
            *_all(
                backups.own_file_system,
                "backup_places",
                [((own,), FAILS), ((own, other), PASSES), ((own, other, seen(path="/srv", device="1")), FAILS)],
            ),
            *_all(
                encryption.all_encrypted_since,
                "backups",
                [
                    ((young,), FAILS),
                    ((aged(days=1),), NOT),
                    ((aged(days=2), seen(name="new", made_at=NOW, seen_at=NOW, encrypted=True)), PASSES),
                    ((seen(name="x.gpg", made_at=NOW, seen_at=NOW, encrypted=True),), FAILS),
                ],
                encrypted_backups=(_sealed(flaw="plain"), _sealed("A")),
                job_settings=seen(set_by=lambda _: since),
                name="KEY",
            ),
            *_all(
                encryption.all_encrypted_since,
                "job_settings",
                [
                    (seen(set_by=lambda _: None), NOT),
                    (seen(set_by=lambda _: seen(since=None, file=".env")), UNTOLD),
                    (seen(set_by=lambda _: seen(since=NOW + timedelta(hours=1), file=".env")), UNTOLD),
                ],
                backups=(young,),
                encrypted_backups=(),
                name="KEY",
            ),
            *_all(
                encryption.a_drill_has_looked_inside,
                "passed_drills",
                [
                    (seen(last_sealed=last, passed_over=None), outcome)
                    for last, outcome in (
                        (None, FAILS),
                        (seen(passed=Ago(90 * 86400)), PASSES),
                        (seen(passed=Ago(90 * 86400 + 1)), FAILS),
                        (seen(passed=Ago(-60)), PASSES),
                        (seen(passed=Ago(-61)), FAILS),
                    )
                ],
                snapshot=_look(drills=seen(restore_interval_days=90)),
                backups=(seen(encrypted=True), seen(encrypted=False)),
            ),
            (
                encryption.a_drill_has_looked_inside,
                {"snapshot": None, "backups": (seen(encrypted=False),), "passed_drills": None},
                NOT,
            ),
        ]
    )


def test_copies_off_site() -> None:
    same = seen(size_bytes=5, sha256="s", encrypted_by="AES256")

    def copies(*stored: Any, minutes: float = 61) -> Any:
        backup = seen(name="x", path="/x", size_bytes=5)
        return tuple(seen(made=Ago(60 * minutes), stored=one, backup=backup) for one in stored)

    def openness(*unblocked: str, by_policy: bool = False, by_grants: tuple[str, ...] = ()) -> Any:
        return seen(unblocked=unblocked, by_policy=by_policy, by_grants=by_grants)

    check(
        [
            *_all(
                offsite.each_has_its_copy,
                "offsite_copies",
                [
                    (None, NOT),
                    (copies(None, minutes=60), NOT),
                    (copies(None, minutes=60.1), FAILS),
                    (copies(same), PASSES),
                    (copies(same, None), FAILS),
                ],
                snapshot=_look(offsite=seen(bucket="kept", prefix="")),
                minutes=60,
            ),
            *_all(
                offsite.copies_are_the_same,
                "offsite_copies",
                [
                    (None, NOT),
                    (copies(None), UNTOLD),
                    (copies(same, None), PASSES),
                    (copies(same, seen(size_bytes=4, sha256="s")), FAILS),
                    (copies(same, seen(size_bytes=5, sha256="t")), FAILS),
                    (copies(same, seen(size_bytes=5, sha256=None)), UNTOLD),
                ],
                backup_sums={"/x": "s"},
            ),
            *_all(
                offsite.copies_are_encrypted,
                "offsite_copies",
                [(copies(same, None), PASSES), (copies(same, seen(encrypted_by=None)), FAILS)],
            ),
            *_all(
                offsite.bucket_encrypts,
                "offsite_default_encryption",
                [("AES256", PASSES), (None, FAILS)],
                offsite_copies=(),
            ),
            (offsite.bucket_encrypts, {"offsite_copies": None, "offsite_default_encryption": None}, NOT),
            *_all(
                offsite.bucket_blocks,
                "offsite_openness",
                [(None, NOT), (openness(by_policy=True), PASSES), (openness("BlockPublicAcls"), FAILS)],
            ),
            *_all(
                offsite.bucket_is_not_public,
                "offsite_openness",
                [
                    (None, NOT),
                    (openness("BlockPublicAcls"), PASSES),
                    (openness(by_policy=True), FAILS),
                    (openness(by_grants=("READ",)), FAILS),
                ],
            ),
            *_all(
                offsite.bucket_keeps_versions,
                "offsite_versioning",
                [(None, NOT), ("Enabled", PASSES), ("Suspended", FAILS), ("never", FAILS)],
            ),
        ]
    )


def test_a_setting_that_is_not_the_backups_own_does_not_matter() -> None:
    own, strange = seen(name="BACKUP_KEEP", file=".profile"), seen(name="PAGER", file=".profile")
    outcomes = [
        (seen(for_shells=(own, strange), for_cron=(), unseen=(strange,)), PASSES),
        (seen(for_shells=(own, strange), for_cron=(), unseen=(own,)), FAILS),
        (seen(for_shells=(strange,), for_cron=(), unseen=(strange,)), NOT),
    ]
    check(_all(encryption.cron_sees_the_settings, "job_settings", outcomes))


# 6 Monitoring


def test_monitoring() -> None:
    def disks(**percent: float) -> Any:
        one = seen(mount="/", used_percent=0, used_inodes_percent=0)
        return seen(file_systems=(seen(**{**vars(one), **percent}),), unseen=None)

    table = [["what", "word", "at"], ["disk", "df or du", "80"]]
    right, wrong = (
        seen(schedule=schedule_of("0 2 * * *"), text="a", command="x"),
        seen(schedule=schedule_of("0 3 * * *"), text="b", command="x"),
    )
    jobs = {"a.sh": seen(script="/bin/a.sh", log="/a.log", ending="ended")}

    def crontab(*lines: Any) -> Any:
        return seen(running=lambda _: list(lines), lines=lines)

    good, bad = seen(command="a.sh >> /a.log 2>&1", text="good"), seen(command="a.sh", text="bad")

    def runs(**fields: Any) -> Any:
        return seen(of=lambda _: seen(**fields))

    check(
        [
            *_all(
                monitoring.every_file_system_has_room,
                "disks",
                [
                    (disks(used_percent=80), FAILS),
                    (disks(used_percent=79.9), PASSES),
                    (seen(file_systems=(), unseen=None), FAILS),
                ],
                limit=80,
            ),
            *_all(
                monitoring.every_file_system_has_inodes,
                "disks",
                [
                    (disks(used_inodes_percent=80), FAILS),
                    (disks(used_inodes_percent=79.9), PASSES),
                    (seen(file_systems=(), unseen=None), FAILS),
                ],
                limit=80,
            ),
            *_all(
                monitoring.the_monitor_watches,
                "watched_words",
                [
                    (frozenset({"df", "80"}), PASSES),
                    (frozenset({"80"}), FAILS),
                    (frozenset({"du"}), FAILS),
                    (frozenset(), FAILS),
                ],
                datatable=table,
            ),
            (monitoring.the_monitor_watches, {"watched_words": frozenset(), "datatable": table[:1]}, FAILS),
            (monitoring.the_last_mail_was_delivered, {"last_delivery": None, "name": "X"}, NOT),
            *_all(
                monitoring.crontab_runs_script,
                "crontab",
                [(crontab(), FAILS), (crontab(wrong), FAILS), (crontab(wrong, right), PASSES)],
                cron_jobs=jobs,
                script="a.sh",
                expression="0 2 * * *",
            ),
            *_all(
                monitoring.output_is_appended,
                "crontab",
                [(crontab(), FAILS), (crontab(good), PASSES), (crontab(good, bad), FAILS)],
                cron_jobs=jobs,
                script="a.sh",
            ),
            (
                monitoring.script_can_be_executed,
                {"snapshot": _look(cron=seen(account="root")), "scripts": {}, "cron_jobs": jobs, "script": "a.sh"},
                FAILS,
            ),
            *_all(
                monitoring.last_run_ended_well,
                "last_runs",
                [
                    (seen(of=lambda _: None), FAILS),
                    (runs(last=None, ended=True, in_progress=lambda _: False), PASSES),
                    (runs(last=None, ended=False, in_progress=lambda minutes: minutes == 59), PASSES),
                    (runs(last=None, ended=False, in_progress=lambda _: False), FAILS),
                ],
                cron_jobs=jobs,
                script="a.sh",
                usual="59",
            ),
            *_all(
                monitoring.last_run_is_recent,
                "last_runs",
                [
                    (seen(of=lambda _: None), FAILS),
                    (runs(good_run=None), FAILS),
                    (runs(good_run=Ago(0)), PASSES),
                    (runs(good_run=Ago(-59)), PASSES),
                    (runs(good_run=Ago(-60)), PASSES),
                    (runs(good_run=Ago(-61)), FAILS),
                    (runs(good_run=Ago(60 * 7 - 1)), PASSES),
                    (runs(good_run=Ago(60 * 7)), FAILS),
                ],
                cron_jobs=jobs,
                script="a.sh",
                limit="7",
                unit="minute",
            ),
            *_all(
                monitoring.last_run_is_recent,
                "last_runs",
                [(runs(good_run=Ago(3600 * 25 - 1)), PASSES), (runs(good_run=Ago(3600 * 25)), FAILS)],
                cron_jobs=jobs,
                script="a.sh",
                limit="25",
                unit="hour",
            ),
        ]
    )


def test_ports() -> None:
    check(_all(access.the_ports_answer, "ports", [((), FAILS), ((seen(met=PortState.OK),), PASSES)]))


def test_what_the_jobs_need() -> None:
    def programs(*missing: str) -> Any:
        return seen(
            missing=lambda _, names: [one for one in names if one in missing], places={}, paths={"a.sh": ("/bin",)}
        )

    def executable(by: str) -> Any:
        return {"/bin/a.sh": seen(executable_by=lambda account: account == by, mode=0o644, owner="x")}

    alive, dead = seen(alive=True, state="S"), seen(alive=False, state="Z")
    check(
        [
            *_all(
                monitoring.the_script_can_mail,
                "programs",
                [(programs(), PASSES), (programs("mail"), PASSES), (programs("mail", "sendmail"), FAILS)],
                script="a.sh",
            ),
            *_all(monitoring.no_mail_waits, "waiting_mails", [(0, PASSES), (1, FAILS)]),
            *_all(
                monitoring.the_last_mail_was_delivered,
                "last_delivery",
                [
                    (seen(last=last, lines=1, path="/x"), outcome)
                    for last, outcome in {"delivered": PASSES, "bounced": FAILS, "deferred": FAILS}.items()
                ],
                name="X",
            ),
            *_all(
                monitoring._finds,
                "programs",
                [(programs(), PASSES), (programs("df"), FAILS)],
                script="a.sh",
                names=("df", "curl"),
            ),
            *_all(
                monitoring.cron_is_running,
                "cron_processes",
                [((), FAILS), ((dead,), FAILS), ((dead, alive), PASSES)],
            ),
            *_all(
                monitoring.crontab_is_well_formed,
                "crontab",
                [(seen(flaws=()), PASSES), (seen(flaws=("line 1",)), FAILS)],
            ),
            *_all(
                monitoring.script_can_be_executed,
                "scripts",
                [(executable("deploy"), PASSES), (executable("root"), FAILS)],
                snapshot=_look(cron=seen(account="deploy")),
                cron_jobs={"a.sh": seen(script="/bin/a.sh")},
                script="a.sh",
            ),
        ]
    )


def test_a_log_of_a_script() -> None:
    def log(minutes: float, *, regular: bool = True) -> Any:
        return (seen(path="/a.log", regular=regular, written=Ago(60 * minutes), size_bytes=1),)

    check(
        _all(
            access.the_log_is_written_to,
            "service_logs",
            [
                ((), FAILS),
                (log(6.9), PASSES),
                (log(7.0), FAILS),
                (log(-1.0), PASSES),
                (log(-1.1), FAILS),
                (log(1.0, regular=False), FAILS),
            ],
            cron_jobs={"a.sh": seen(log="/a.log")},
            script="a.sh",
            limit="7",
            unit="minute",
        )
    )


def test_what_was_there_for_shells_alone_is_told() -> None:
    strange, own = seen(name="PAGER", file=".bashrc"), seen(name="ALERT", file=".profile")
    with pytest.raises(Mismatch, match=r"seen: set in \.profile alone;"):
        monitoring.the_alerts_have_an_address(seen(for_shells=(strange, own), set_by=lambda _: None), "ALERT")


# 7 The certificate


def _certbot(**kept: Any) -> Any:
    one = seen(
        path="/etc/a", files=frozenset({"/a"}), by_itself=True, authenticator="nginx", webroot=None, stops_before=False
    )
    configured = (seen(**{**vars(one), **kept}),) if kept != {"nothing": True} else ()
    return Certbot((frozenset({"/a"}),), configured, ("cron",), (), (), "/usr/bin/certbot", frozenset({"/var/www"}))


def test_the_certificate() -> None:
    shown = seen(fingerprint="F", key="K", names=("service.example",), covers=lambda name: name == "service.example")
    pairs = [(), (seen(key="L", fingerprint="G"),), (seen(key="L", fingerprint="G"), seen(key="K", fingerprint="F"))]
    acme, empty = Acme(frozenset({"service.example"}), True, 301), Acme(frozenset(), False, 301)
    nothing = Certbot((), (), (), (), (), None, frozenset())
    check(
        [
            *_all(
                certificate.the_certificate_has_begun,
                "certificate",
                [(seen(days_since_begin=0), PASSES), (seen(days_since_begin=-0.1), FAILS)],
            ),
            *_all(
                certificate.the_certificate_is_valid_for,
                "certificate",
                [(seen(days_left=14), PASSES), (seen(days_left=13.9), FAILS)],
                days=14,
            ),
            *_all(
                certificate.the_domain_shows_a_certificate,
                "encryption",
                [(seen(error=None), PASSES), (seen(error="no route"), FAILS)],
            ),
            *_all(
                certificate.the_certificate_covers_the_domain,
                "snapshot",
                [(HTTPS, PASSES), (_look(domain="other.example"), FAILS)],
                certificate=shown,
            ),
            *_all(
                certificate.the_certificate_is_trusted,
                "encryption",
                [(seen(chain_error=None), PASSES), (seen(chain_error="self-signed"), FAILS)],
            ),
            *_all(
                certificate.the_key_belongs_to_the_certificate,
                "key_pairs",
                zip(pairs, (FAILS, FAILS, PASSES), strict=True),
                certificate=shown,
            ),
            *_all(
                certificate.the_file_is_the_certificate,
                "key_pairs",
                zip(pairs, (FAILS, FAILS, PASSES), strict=True),
                certificate=shown,
            ),
            *_all(
                certificate.every_address_shows_the_same,
                "at_every_address",
                [
                    ((), FAILS),
                    ((seen(address="a", fingerprint=None),), FAILS),
                    ((seen(address="a", fingerprint=None), seen(address="b", fingerprint="F")), PASSES),
                    ((seen(address="a", fingerprint="G"),), FAILS),
                ],
                certificate=shown,
            ),
            *_all(
                certificate.the_renewal_writes_what_is_used,
                "renewal",
                [(acme, PASSES), (empty, FAILS), (_certbot(), PASSES), (_certbot(nothing=True), FAILS)],
                snapshot=HTTPS,
            ),
            *_all(
                certificate.the_renewal_is_started,
                "renewal",
                [
                    (acme, PASSES),
                    (_certbot(), PASSES),
                    (_certbot(by_itself=False), FAILS),
                    (_certbot(nothing=True), PASSES),
                    (nothing, FAILS),
                ],
            ),
            *_all(
                certificate.a_renewed_one_is_loaded,
                "renewal",
                [(acme, PASSES), (nothing, FAILS), (replace(nothing, loading=("a hook",)), PASSES)],
            ),
            *_all(
                certificate.the_domain_refuses_old_tls,
                "encryption",
                [(seen(old_protocol=None), PASSES), (seen(old_protocol="TLSv1.1"), FAILS)],
            ),
            *_all(
                certificate.the_renewal_can_work,
                "renewal",
                [
                    (acme, PASSES),
                    (empty, FAILS),
                    (_certbot(), PASSES),
                    (_certbot(nothing=True), PASSES),
                    (_certbot(authenticator="webroot", webroot="/var/www"), PASSES),
                    (_certbot(authenticator="webroot", webroot="/gone"), FAILS),
                    (_certbot(authenticator="standalone"), FAILS),
                    (_certbot(authenticator="standalone", stops_before=True), PASSES),
                    (nothing, FAILS),
                ],
            ),
            *_all(
                certificate.the_domain_speaks_tls_of_today,
                "encryption",
                [(seen(protocol="TLSv1.3"), PASSES), (seen(protocol="TLSv1.1"), FAILS), (seen(protocol=None), FAILS)],
            ),
        ]
    )


def test_the_certificate_that_is_shown() -> None:
    def pairs(*names: str) -> Any:
        return tuple(seen(key=name, fingerprint=name) for name in names)

    shown = seen(key="F", fingerprint="F", names=("service.example",), covers=lambda one: one == "service.example")
    check(
        [
            *_all(
                certificate.the_domain_shows_a_certificate,
                "encryption",
                [(seen(error=None), PASSES), (seen(error="reset"), FAILS)],
            ),
            *_all(
                certificate.the_certificate_covers_the_domain,
                "snapshot",
                [(HTTPS, PASSES), (_look(domain="other.example"), FAILS)],
                certificate=shown,
            ),
            *_all(
                certificate.the_certificate_is_trusted,
                "encryption",
                [(seen(chain_error=None), PASSES), (seen(chain_error="self-signed"), FAILS)],
            ),
            *(
                case
                for step in (certificate.the_key_belongs_to_the_certificate, certificate.the_file_is_the_certificate)
                for case in _all(
                    step, "key_pairs", [((), FAILS), (pairs("G"), FAILS), (pairs("G", "F"), PASSES)], certificate=shown
                )
            ),
            (certificate.the_renewal_is_started, {"renewal": replace(_certbot(), runs=())}, FAILS),
            *_all(
                certificate.a_renewed_one_is_loaded,
                "renewal",
                [
                    (Acme(frozenset(), False, 301), PASSES),
                    (_certbot(installer="nginx"), PASSES),
                    (_certbot(installer=None, hook="systemctl reload nginx"), PASSES),
                    (_certbot(installer=None, hook=""), FAILS),
                ],
            ),
            *_all(
                certificate.the_domain_refuses_old_tls,
                "encryption",
                [(seen(old_protocol=None), PASSES), (seen(old_protocol="TLSv1.1"), FAILS)],
            ),
        ]
    )


def test_whose_key_is_in_use() -> None:
    def looked(saved: Any) -> Any:
        return seen(observe=lambda _: saved)

    files = {"certificate_path": "/a", "key_path": "/b"}
    check(
        [
            *_all(
                checks.edge.certificate._proxys_pair,
                "snapshot",
                [
                    (looked(None), UNTOLD),
                    (looked(seen(tls=False, **files)), UNTOLD),
                    (looked(seen(tls=True, certificate_path=None, key_path="/b")), NOT),
                    (looked(seen(tls=True, certificate_path="/a", key_path=None)), NOT),
                ],
            ),
            *_all(
                checks.edge.certificate._nginxs_pairs,
                "seen",
                [(seen(site=None), UNTOLD), (seen(site=seen(pairs=())), UNTOLD)],
                snapshot=None,
            ),
        ]
    )


# 8 Secrets


def test_secrets() -> None:
    def release(length: int = 8, different: int = 4) -> Any:
        return seen(name="web", variables={"A": seen(length=length, different_characters=different)})

    table = [["name", "characters", "different"], ["A", "8", "4"]]
    taken = {"release": "web"}
    nothing = seen(places=(), sightings=())
    app = _look(paths=seen(app="/srv"), github=seen(repository="a/b"))
    own = seen(path="/srv/.kamal/secrets", mode=0o600)
    check(
        [
            (secrets.the_releases_have_the_variables, {"running_and_rollback_releases": (), "names": "A"}, FAILS),
            *_all(
                secrets.the_variables_are_equal,
                "running_and_rollback_releases",
                [((), FAILS), ((release(),), NOT)],
                names="A and B",
            ),
            *_all(
                secrets.the_secrets_are_complete,
                "secret_names",
                [(("A", "B"), PASSES), (("A",), FAILS), (("A", "B", "B"), FAILS)],
                names="A and B",
            ),
            *_all(
                secrets.the_variables_are_strong,
                "running_and_rollback_releases",
                [((), FAILS), ((release(),), PASSES), ((release(7, 4),), FAILS), ((release(8, 3),), FAILS)],
                datatable=table,
            ),
            (secrets.no_secret_serves_twice, {"running_and_rollback_releases": (), "names": "A and B"}, FAILS),
            *_all(
                secrets.the_secrets_password_is_taken,
                "log_in_of_secrets",
                [
                    (seen(taken=True, tried=False), PASSES),
                    (seen(taken=False, tried=True), FAILS),
                    (seen(taken=False, tried=False), UNTOLD),
                ],
            ),
            *_all(
                secrets.the_secrets_took_effect,
                "secrets_in_release",
                [
                    (seen(same=("A",), by_reference=(), other=(), **taken), PASSES),
                    (seen(same=(), by_reference=("A",), other=(), **taken), UNTOLD),
                    (seen(same=("A",), by_reference=("B",), other=(), **taken), UNTOLD),
                    (seen(same=(), by_reference=(), other=(), **taken), FAILS),
                    (seen(same=("A",), by_reference=(), other=("B",), **taken), FAILS),
                ],
            ),
            *_all(
                secrets.the_files_are_closed,
                "secret_files",
                [((), FAILS), ((own,), PASSES), ((own, seen(path="/srv/.env", mode=0o640)), FAILS)],
                snapshot=app,
                mode="0600",
            ),
            *_all(
                secrets.the_files_are_not_in_git,
                "leaks_in_git",
                [
                    (seen(tracked=(), commits=0), PASSES),
                    (seen(tracked=(".env",), commits=0), FAILS),
                    (seen(tracked=(), commits=1), FAILS),
                ],
            ),
            (secrets.no_value_in_images, {"leaks_in_images": nothing}, FAILS),
            (secrets.no_value_in_log_files, {"leaks_in_log_files": nothing}, NOT),
            *_all(
                secrets.the_actions_secrets_are_there,
                "actions_secrets",
                [(None, NOT), (frozenset({"A", "B"}), PASSES), (frozenset({"A"}), FAILS)],
                snapshot=app,
                names="A and B",
            ),
        ]
    )


def test_the_values_of_secrets() -> None:
    def release(**values: str) -> Any:
        variables = {name: seen(fingerprint=value) for name, value in values.items()}
        return seen(name="web", variables=variables, flaw_of=lambda name: None if values.get(name) else "it is empty")

    one, other = release(A="1", B="2"), release(A="1", B="3")
    found = seen(places=("the history",), sightings=("A in 1 line of it",))
    check(
        [
            *_all(
                secrets.the_releases_have_the_variables,
                "running_and_rollback_releases",
                [((one,), PASSES), ((one, release(A="1", B="")), FAILS)],
                names="A and B",
            ),
            *_all(
                secrets.the_variables_are_equal,
                "running_and_rollback_releases",
                [((one, one), PASSES), ((one, other), FAILS)],
                names="A and B",
            ),
            *_all(
                secrets.no_secret_serves_twice,
                "running_and_rollback_releases",
                [((one,), PASSES), ((one, release(A="1", B="1")), FAILS)],
                names="A and B",
            ),
            *_all(
                secrets.the_database_asks,
                "passwordless_login",
                [(seen(taken=False), PASSES), (seen(taken=True), FAILS)],
            ),
            *_all(
                secrets.no_value_in_images,
                "leaks_in_images",
                [(seen(places=("x",), sightings=()), PASSES), (found, FAILS)],
            ),
        ]
    )


# 9 Logs


def test_logs() -> None:
    mb = 10**6
    limit = seen(max_bytes=10 * mb, max_files=3, container=seen(name="web"))
    rotated = seen(driver=ROTATED, **vars(limit))

    def on_disk(*sizes: int, **log: Any) -> Any:
        return seen(sizes_bytes=sizes, log=seen(**{**vars(limit), **log}))

    check(
        [
            *_all(
                logs._require_rotated,
                "logs",
                [((), FAILS), ((rotated,), PASSES), ((rotated, seen(**{**vars(rotated), "max_files": 4})), FAILS)],
                files=3,
                size=10,
            ),
            *_all(
                logs.no_log_file_is_too_large,
                "logs_on_disk",
                [
                    ((), FAILS),
                    ((on_disk(),), FAILS),
                    ((on_disk(), on_disk(11 * mb)), UNTOLD),
                    ((on_disk(11 * mb), on_disk(11 * mb)), PASSES),
                    ((on_disk(), on_disk(11 * mb + 1)), FAILS),
                    ((on_disk(11 * mb + 1),), FAILS),
                    ((on_disk(99 * mb, max_bytes=None),), PASSES),
                ],
                slack=1,
            ),
            *_all(
                logs.there_are_not_too_many_log_files,
                "logs_on_disk",
                [
                    ((on_disk(1, 1, 1),), PASSES),
                    ((on_disk(1, 1, 1, 1),), FAILS),
                    ((on_disk(1), on_disk()), UNTOLD),
                ],
            ),
            *_all(
                logs.little_waits_for_the_clean_up,
                "reclaimable",
                [
                    (seen(percent=50, images_bytes=0, build_cache_bytes=0), FAILS),
                    (seen(percent=49.9, images_bytes=0, build_cache_bytes=0), PASSES),
                ],
                limit=50,
            ),
            *_all(
                logs.the_kept_releases_image_is_there,
                "retained_release",
                [
                    (None, FAILS),
                    (seen(image_named=True, release=seen(name="kept")), PASSES),
                    (seen(image_named=False, release=seen(name="kept")), FAILS),
                ],
            ),
        ]
    )


# What only a person can do


@pytest.mark.parametrize(
    ("result", "ended", "raised"),
    [("passed", False, Attested), ("passed", True, Undetermined), ("failed", False, Mismatch)],
)
def test_what_a_person_has_attested(result: str, ended: bool, raised: type[Exception]) -> None:
    told = seen(by="ann", on="1 May", proof="a call", expires="1 June", result=result, has_ended=lambda _: ended)
    with pytest.raises(raised):
        manual.a_person_has_attested(told, "1")


def test_what_nobody_has_attested_cannot_be_told() -> None:
    with pytest.raises(Undetermined, match="nobody has attested it"):
        manual.a_person_has_attested(None, "1")


# 10 Problems


def test_problems() -> None:
    def policy(attempts: int) -> Any:
        return (seen(release="web", attempts=attempts),)

    def filling(unseen: Undetermined | None = None, **percent: float) -> Any:
        one = {"mount": "/", "used_percent": 0, "used_inodes_percent": 0, **percent}
        return seen(disks=seen(file_systems=(seen(**one),), unseen=unseen), users=())

    nothing = seen(disks=seen(file_systems=(), unseen=None), users=())
    check(
        [
            *_all(
                problems.an_account_is_locked,
                "log_in_policies",
                [((), FAILS), (policy(0), FAILS), (policy(1), PASSES), (policy(10), PASSES), (policy(11), FAILS)],
                limit=10,
            ),
            *_all(
                problems.nothing_fills_a_disk,
                "filling",
                [
                    (nothing, FAILS),
                    (filling(used_percent=90), FAILS),
                    (filling(used_percent=89.9), PASSES),
                    (filling(Undetermined("not seen")), UNTOLD),
                ],
                limit=90,
            ),
            *_all(
                problems.nothing_uses_up_the_inodes,
                "filling",
                [
                    (nothing, FAILS),
                    (filling(used_inodes_percent=90), FAILS),
                    (filling(used_inodes_percent=89.9), PASSES),
                ],
                limit=90,
            ),
        ]
    )


def test_why_a_backup_is_late() -> None:
    def late(hours: float, **changed: Any) -> dict[str, Any]:
        plain = {
            "snapshot": _look(cron=seen(account="root")),
            "backups": (seen(name="x", made_at=NOW - timedelta(hours=hours), made=Ago(3600 * hours), size_bytes=5),),
            "cron_processes": (seen(alive=True),),
            "crontab": seen(running=lambda _: ["a line"]),
            "scripts": {"/bin/backup.sh": seen(executable_by=lambda _: True)},
            "last_runs": seen(of=lambda _: seen(last=seen(is_error=False, text="well"))),
            "cron_jobs": {"backup.sh": seen(script="/bin/backup.sh")},
            "backups_disk": seen(free_bytes=6, inodes=10, used_inodes=9, mount="/b"),
            "limit": 25,
        }
        return {**plain, **changed}

    causes: list[dict[str, Any]] = [
        {"cron_processes": (seen(alive=False),)},
        {"crontab": seen(running=lambda _: [])},
        {"scripts": {}},
        {"scripts": {"/bin/backup.sh": seen(executable_by=lambda _: False)}},
        {"last_runs": seen(of=lambda _: None)},
        {"last_runs": seen(of=lambda _: seen(last=None))},
        {"last_runs": seen(of=lambda _: seen(last=seen(is_error=True, text="[ERROR]")))},
        {"backups_disk": seen(free_bytes=4, inodes=10, used_inodes=9, mount="/b")},
        {"backups_disk": seen(free_bytes=6, inodes=10, used_inodes=10, mount="/b")},
    ]
    no_causes: list[dict[str, Any]] = [
        {},
        {"backups_disk": seen(free_bytes=5, inodes=10, used_inodes=9, mount="/b")},
        {"backups_disk": seen(free_bytes=6, inodes=0, used_inodes=0, mount="/b")},
    ]
    step = problems.no_backup_is_late
    check(
        [
            (step, late(24.9), PASSES),
            (step, late(-1), UNTOLD),
            (step, late(24.9, backups=(*late(30)["backups"], *late(24.9)["backups"])), PASSES),
            *((step, late(24.9, **one), PASSES) for one in causes),
            *((step, late(25, **one), FAILS) for one in causes),
            *((step, late(25, **one), UNTOLD) for one in no_causes),
        ]
    )
