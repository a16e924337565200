"""What happened lately: since when a container is as it is, and the last line of its log."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from checks.docker.container_history import Since, read_lately
from runbook.model.question import Inspection

DB, WEB = "d" * 64, "e" * 64
TOLD = f"""\
now\t1771905600
event 1771904000 pause {DB} <no value>
event 1771905000 pause {DB} <no value>
event 1771905100 die {WEB} <no value>
event 1771905200 disconnect {"f" * 64} {DB}
event 1771905300 die {WEB} <no value>
route\t1771900000
log\tpsyfit-db\t2026-02-24T03:59:59.123456789Z LOG:  ready to accept connections
log\tpsyfit-web\tError response from daemon: configured logging driver does not support reading
"""


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def inspection(number: str, health: Any = None) -> Inspection:
    return {
        "Id": number,
        "State": {
            "StartedAt": "2026-02-24T01:00:00.5Z",
            "FinishedAt": "0001-01-01T00:00:00Z",
            **({"Health": health} if health else {}),
        },
        "NetworkSettings": {"Networks": {"kamal": {}}},
    }


def checks(*statuses: int) -> dict[str, Any]:
    log = [{"Start": f"2026-02-24T03:0{minute}:00+09:00", "ExitCode": one} for minute, one in enumerate(statuses)]
    return {"Status": "unhealthy", "Log": log}


def test_the_events_are_those_of_each_container() -> None:
    seen = read_lately(TOLD, {"psyfit-db": inspection(DB), "psyfit-web": inspection(WEB)}, ["psyfit-db", "psyfit-web"])
    db, web = seen.containers["psyfit-db"], seen.containers["psyfit-web"]
    assert (seen.now, seen.route_saved) == (at(1771905600), at(1771900000))
    assert (db.paused, db.died, db.disconnected) == (at(1771905000), (), (at(1771905200),))
    assert (web.paused, web.died, web.disconnected) == (None, (at(1771905100), at(1771905300)), ())
    assert (db.started, db.ended) == (datetime(2026, 2, 24, 1, 0, 0, 500000, tzinfo=UTC), None)
    assert db.networks == {"kamal"}


def test_a_line_comes_with_its_time_and_dockers_own_word_without() -> None:
    seen = read_lately(TOLD, {"psyfit-db": inspection(DB), "psyfit-web": inspection(WEB)}, ["psyfit-db", "psyfit-web"])
    line = seen.containers["psyfit-db"].last_line
    assert line is not None
    assert (line.text, line.at) == (
        "LOG:  ready to accept connections",
        datetime(2026, 2, 24, 3, 59, 59, 123456, tzinfo=UTC),
    )
    other = seen.containers["psyfit-web"].last_line
    assert other is not None
    assert (other.text[:27], other.at) == ("Error response from daemon:", None)


def test_a_container_is_unhealthy_since_the_first_check_in_a_row_that_failed() -> None:
    def unhealthy(*statuses: int) -> Since | None:
        told = read_lately("now\t1771905600\nroute\t\n", {"db": inspection(DB, checks(*statuses))}, ["db"])
        return told.containers["db"].unhealthy

    third = datetime(2026, 2, 23, 18, 2, tzinfo=UTC)
    assert unhealthy(0, 0, 1, 1) == Since(third, exact=True)
    assert unhealthy(1, 1) == Since(datetime(2026, 2, 23, 18, 0, tzinfo=UTC), exact=False)
    assert unhealthy(1, 0) is None
    assert unhealthy() is None


def test_what_docker_does_not_say_is_none() -> None:
    one = inspection(DB)
    del one["State"]["FinishedAt"]
    db = read_lately("now\t1771905600\nroute\t\nlog\tdb\t\n", {"db": one}, ["db"]).containers["db"]
    assert (db.ended, db.last_line) == (None, None)


WORDS = st.sampled_from(
    ["now\t1", "now\tx", "event 1 die", "event 1 die a b", "route\t", "route\t-1e9", "log\tdb", "log\tdb\tx"]
)


@given(
    told=st.text() | st.lists(WORDS).map("\n".join),
    inspected=st.dictionaries(
        st.sampled_from(["Id", "State", "NetworkSettings"]), st.dictionaries(st.text(), st.none())
    ),
)
def test_whatever_the_server_says_it_is_read_or_refused(told: str, inspected: dict[str, Any]) -> None:
    with suppress(ValueError, LookupError, TypeError):
        read_lately(told, {"db": inspected}, ["db"])
