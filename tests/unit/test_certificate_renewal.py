"""Who renews the certificate, and what that rests on."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.docker.containers import CONTAINERS
from checks.edge.certificate_renewal import ACME_CACHE, CERTBOT, Acme, Certbot, read_certbot, renewal
from checks.edge.health_api import PLAIN_HTTP
from checks.edge.kamal_proxy import STATE
from checks.edge.nginx_files import CONFIGURATION
from checks.edge.tls_termination import LISTENING
from runbook.model.outcome import NotApplicable, Undetermined
from runbook.model.outside_questions import HttpAnswer
from runbook.model.question import Output
from runbook.model.target_file import load
from tests.unit.answering import looking
from tests.unit.test_kamal_proxy import SERVICE
from tests.unit.test_nginx_config import LAB, LIVE, server, told
from tests.unit.test_tls_termination import proxy

TARGET = load("lab")
RENEWAL = (Path(__file__).resolve().parents[2] / "lab" / "nginx" / "renewal.conf").read_text()
CRON = (
    "/etc/cron.d/certbot:0 */12 * * * root test -x /usr/bin/certbot -a \\! -d /run/systemd/system "
    "&& perl -e 'sleep int(rand(43200))' && certbot -q renew"
)
CONF = [f"conf /etc/letsencrypt/renewal/psytech.jp.conf:{line}" for line in RENEWAL.splitlines() if " = " in line]
LINKS = [f"link {LIVE}/{name}.pem ../../archive/psytech.jp/{name}1.pem" for name in ("fullchain", "privkey")]
WELL = [*CONF, "loads /etc/letsencrypt/renewal-hooks/deploy/reload", f"cron {CRON}", "program /usr/bin/certbot", *LINKS]


def without(*beginnings: str) -> list[str]:
    return [line for line in WELL if not line.startswith(beginnings)]


def certbot(*lines: str) -> Certbot:
    return read_certbot(lines)


def test_a_healthy_one_is_read() -> None:
    read = certbot(*WELL)
    assert read.of_this is not None
    assert (read.of_this.authenticator, read.of_this.webroot) == ("webroot", "/var/www/letsencrypt")
    assert read.of_this.by_itself
    assert read.runs
    assert read.loaded_by
    assert read.program == "/usr/bin/certbot"


def test_files_in_the_archive_are_not_those_that_a_renewal_writes() -> None:
    archive = [f"link /etc/letsencrypt/archive/psytech.jp/{name}1.pem " for name in ("fullchain", "privkey")]
    assert certbot(*without("link"), *archive).of_this is None


def test_a_link_of_ones_own_to_the_live_files_will_do() -> None:
    links = [f"link /etc/nginx/tls/{name}.pem {LIVE}/{name}.pem" for name in ("fullchain", "privkey")]
    assert certbot(*without("link"), *links).of_this is not None


def test_one_of_two_files_is_not_enough() -> None:
    assert certbot(*without("link"), LINKS[0], "link /etc/ssl/key.pem ").of_this is None


def test_a_renewal_that_is_switched_off_is_seen() -> None:
    read = certbot(*WELL, "conf /etc/letsencrypt/renewal/psytech.jp.conf:autorenew = False")
    assert read.of_this is not None
    assert not read.of_this.by_itself


@pytest.mark.parametrize(
    ("lines", "runs"),
    [
        ((f"cron {CRON}",), 1),
        ((f"cron {CRON.replace(':0 ', ':#0 ')}",), 0),
        ((f"cron {CRON.replace('cron.d/certbot', 'cron.d/certbot.disabled')}",), 0),
        ((f"cron {CRON.replace(':0 */12', ':61 */12')}",), 0),
        ((f"cron {CRON.replace('renew', 'certificates')}",), 0),
        ((f"cron {CRON}", "systemd"), 0),
        (("systemd", "timer /etc/systemd/system/timers.target.wants/certbot.timer"), 1),
        (("timer /etc/systemd/system/timers.target.wants/certbot.timer",), 0),
        (("own 17 3 * * * certbot renew --quiet",), 1),
        (("own 17 3 * * * certbot renew --quiet", "systemd"), 1),
    ],
)
def test_what_starts_it_regularly(lines: tuple[str, ...], runs: int) -> None:
    assert len(certbot(*without("cron"), *lines).runs) == runs


@pytest.mark.parametrize(
    ("line", "loads"),
    [
        ("hook deploy-hook = systemctl reload nginx", True),
        ("hook deploy-hook = systemctl reload postfix", False),
        ("conf /etc/letsencrypt/renewal/psytech.jp.conf:installer = nginx", True),
        ("conf /etc/letsencrypt/renewal/psytech.jp.conf:renew_hook = nginx -s reload", True),
        ("own 17 3 * * * certbot renew --post-hook 'nginx -s reload'", True),
        ("own 17 3 * * * nginx -s reload; certbot renew", False),
        ("program /usr/bin/certbot", False),
    ],
)
def test_what_makes_nginx_load_the_new_one(line: str, loads: bool) -> None:
    assert (certbot(*without("loads"), line).loaded_by is not None) is loads


def seen(lines: list[str], site: str = LAB) -> Certbot | Acme:
    files = (
        [f"{LIVE}/fullchain.pem", f"{LIVE}/privkey.pem"] if site is LAB else ["/etc/nginx/a.pem", "/etc/nginx/a.key"]
    )
    return renewal(
        looking(
            TARGET,
            {
                CONTAINERS: (proxy(None, "127.0.0.1:8080"),),
                LISTENING: Output(0, "00000000:01BB\n", ""),
                CONFIGURATION: Output(0, told(site=site) if site else "", ""),
                CERTBOT.with_values(files=files): Output(0, "\n".join(lines), ""),
            },
        )
    )


def test_behind_nginx_certbot_renews() -> None:
    assert isinstance(seen(WELL), Certbot)


def test_files_that_are_nobodys_were_put_there_by_hand() -> None:
    with pytest.raises(NotApplicable, match="by hand"):
        seen(["link /etc/nginx/a.pem ", "link /etc/nginx/a.key "], server("psytech.jp"))


@pytest.mark.parametrize("site", ["", server("psytech.jp").replace("ssl_certificate", "#")])
def test_where_nobody_ends_tls_there_is_nothing_to_renew(site: str) -> None:
    with pytest.raises(Undetermined, match="no certificate to renew"):
        looking(
            TARGET,
            {
                CONTAINERS: (proxy(None, "127.0.0.1:8080"),),
                LISTENING: Output(0, "", ""),
                CONFIGURATION: Output(0, told(site=site), ""),
            },
        ).observe(renewal)


def test_files_elsewhere_are_not_by_hand_where_certbot_keeps_a_certificate_of_the_domain() -> None:
    read = seen([*CONF, "link /etc/nginx/a.pem ", "link /etc/nginx/a.key "], server("psytech.jp"))
    assert isinstance(read, Certbot)


def test_one_file_of_certbots_is_not_by_hand() -> None:
    assert isinstance(seen([LINKS[0], "link /etc/ssl/key.pem "]), Certbot)


def test_a_link_into_the_archive_leads_nowhere_else() -> None:
    assert certbot(*WELL).used == (frozenset({f"{LIVE}/fullchain.pem"}), frozenset({f"{LIVE}/privkey.pem"}))


def test_settings_may_name_one_file_alone() -> None:
    (kept,) = certbot(*LINKS, "conf /etc/letsencrypt/renewal/a.conf:fullchain = /a.pem").configured
    assert kept.files == {"/a.pem"}


def test_what_runs_after_a_renewal_is_known_without_certbots_settings() -> None:
    assert certbot(*without("conf")).loaded_by == "/etc/letsencrypt/renewal-hooks/deploy/reload"


def test_files_of_certbots_without_its_settings_are_not_by_hand() -> None:
    read = seen(LINKS)
    assert isinstance(read, Certbot)
    assert read.of_this is None


def on_the_proxy(state: list[dict[str, Any]] | None = None, **options: Any) -> Certbot | Acme:
    if state is None:
        state = [{**SERVICE, "options": {**SERVICE["options"], **options}}]
    both = proxy(":443", ":80")
    both["HostConfig"]["PortBindings"]["80/tcp"].append({"HostIp": "127.0.0.1", "HostPort": "8080"})
    cache = "/home/kamal-proxy/.config/kamal-proxy/certs"
    return renewal(
        looking(
            TARGET,
            {
                CONTAINERS: (both,),
                LISTENING: Output(0, "", ""),
                STATE: Output(0, json.dumps(state), ""),
                ACME_CACHE.with_values(cache=cache): Output(
                    0, f"{cache}:\nabc\n\n{cache}/abc:\nacme_account+key\npsytech.jp\n", ""
                ),
                PLAIN_HTTP: HttpAnswer(301, {}, ""),
            },
        )
    )


def test_the_proxy_with_files_has_them_by_hand() -> None:
    with pytest.raises(NotApplicable, match="by hand"):
        on_the_proxy()


def test_the_proxy_without_files_renews_by_itself() -> None:
    read = on_the_proxy(tls_certificate_path="", tls_private_key_path="")
    assert isinstance(read, Acme)
    assert "psytech.jp" in read.cached
    assert read.port_80


def test_the_proxy_without_tls_renews_nothing() -> None:
    with pytest.raises(Undetermined, match="terminates no TLS"):
        on_the_proxy(tls_enabled=False)
    with pytest.raises(Undetermined, match="terminates no TLS"):
        on_the_proxy([])


@given(st.lists(st.text() | st.sampled_from(WELL) | st.text().map(lambda one: f"conf {one}")))
def test_any_lines_are_read_or_refused(lines: list[str]) -> None:
    with contextlib.suppress(LookupError, ValueError, TypeError):
        assert isinstance(read_certbot(lines), Certbot)
