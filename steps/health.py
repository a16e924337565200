"""Section 2.1: the application answers, is healthy, and says so in the documented form."""

from __future__ import annotations

from pytest_bdd import parsers, then

from checks.docker.containers import SHORTEST_COMMIT, Fleet
from checks.edge.health_api import Health, Page, Redirect
from runbook.model.outcome import NotApplicable, Undetermined, listing, require
from runbook.observation.snapshot import Snapshot

WORD_AND_STATUS = (("healthy", 200), ("degraded", 503))


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
        expected=f"version {listing(labels)}, as the running release's image says",
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
