"""What must stay on the server is masked, however it is written."""

from __future__ import annotations

import base64
import json
from itertools import combinations
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.observation.redaction import MASK, SHORTEST_SECRET, Redactor

secret = st.text(alphabet=st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=SHORTEST_SECRET)


@given(value=secret, before=st.binary(max_size=6), after=st.binary(max_size=6))
def test_a_known_value_is_masked_in_every_writing(value: str, before: bytes, after: bytes) -> None:
    redactor = Redactor()
    redactor.learn(value)
    for text in (
        value,
        json.dumps({"x": value}),
        f"https://x/?q={quote(value, safe='')}",
        base64.b64encode(value.encode()).decode(),
        base64.b64encode(before + value.encode() + after).decode(),
    ):
        redacted = redactor.redact(text)
        assert value not in redacted
        assert MASK in redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("postgres://psyfit:sesame-open@db/x", f"postgres://{MASK}@db/x"),
        ("Authorization: Bearer abcdefgh1234", f"Authorization: Bearer {MASK}"),
        ("POSTGRES_PASSWORD=sesame-open", f"POSTGRES_PASSWORD={MASK}"),
        ('"secret_key_base": "0123456789abcdef"', f'"secret_key_base": "{MASK}"'),
        ("from someone@mail.example: hello", f"from {MASK}: hello"),
        ("GET /?mail=someone%40mail.example HTTP/1.1", f"GET /?mail={MASK} HTTP/1.1"),
        (f"mail={base64.b64encode(b'someone@mail.example').decode()}", f"mail={MASK}="),
        (f"x/{base64.b64encode(b'{1: someone@mail.example}').decode()}", f"{MASK}=="),
        ("a@mail.example._b@mail.example", f"{MASK}{MASK}"),
        ("-----BEGIN PRIVATE KEY-----\nMIIx\n-----END PRIVATE KEY-----", MASK),
        ("-----BEGIN RSA PRIVATE KEY-----\ncut off", MASK),
    ],
)
def test_what_looks_like_a_secret_or_an_address_is_masked(text: str, redacted: str) -> None:
    assert Redactor().redact(text) == redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("curl -fsS -u deploy:s3same https://x.example/", f"curl -fsS -u {MASK} https://x.example/"),
        ("curl --user=deploy:s3same x", f"curl --user={MASK} x"),
        ("mysqldump -u root -ps3same psyfit > /tmp/x", f"mysqldump -u root -p{MASK} psyfit > /tmp/x"),
        ("redis-cli -h x -a s3same ping", f"redis-cli -h x -a {MASK} ping"),
        ("sshpass -p s3same ssh x", f"sshpass -p {MASK} ssh x"),
        ("Authorization: Basic ZGVwbG95OnM=", f"Authorization: Basic {MASK}"),
        ('-H "Authorization: s3same"', f'-H "Authorization: {MASK}"'),
        ("https://hc-ping.com/6ba7b810-9dad-11d1-80b4-00c04fd430c8/start", f"https://hc-ping.com/{MASK}"),
        ("https://checks.healthchecks.io/ping/abc", f"https://checks.healthchecks.io/{MASK}"),
        ("'https://hooks.slack.com/services/T0/B0/XyZ'", f"'https://hooks.slack.com/{MASK}'"),
        ("https://discord.com/api/webhooks/1/abc", f"https://discord.com/api/webhooks/{MASK}"),
        ("https://api.telegram.org/bot123:AA/sendMessage", f"https://api.telegram.org/{MASK}"),
        (f"bot 123456789:{'Ab1-' * 9}", f"bot {MASK}"),
        ("https://own.example/hook/6ba7b810-9dad-11d1-80b4-00c04fd430c8", f"https://own.example/hook/{MASK}"),
        ("GET /export?page=2&sig=abc&x=1", f"GET /export?page=2&sig={MASK}&x=1"),
        ('set $api_token "s3same";', f'set $api_token "{MASK}";'),
        ('if ($http_x_token != "s3same") {', f'if ($http_x_token != "{MASK}") {{'),
        ("admin:$apr1$abc$0123456789", f"admin:{MASK}"),
        ("ALERT_PIN=1234 GPG_PASSPHRASE='a b'", f"ALERT_PIN={MASK} GPG_PASSPHRASE='{MASK} b'"),
        ("SLACK_WEBHOOK=x PASSWORD_PEPPER=p", f"SLACK_WEBHOOK={MASK} PASSWORD_PEPPER={MASK}"),
        ("x --token s3same", f"x --token {MASK}"),
        (f"ghp_{'a1' * 18}", MASK),
    ],
)
def test_a_secret_is_masked_as_it_is_written_in_jobs_and_configurations(text: str, redacted: str) -> None:
    assert Redactor().redact(text) == redacted
    assert Redactor().redact(redacted) == redacted


def test_a_short_value_is_masked_as_a_word_of_its_own() -> None:
    redactor = Redactor()
    for value in ("1234", "a-b!", "true", "plain"):
        redactor.learn(value)
    assert redactor.redact("pin=1234, 12345 bytes, 0.1234, a-b!") == f"pin={MASK}, 12345 bytes, 0.1234, {MASK}"
    assert redactor.redact("true: the plain backups") == "true: the plain backups"


@pytest.mark.parametrize(
    "text",
    [
        "/dev/sda1 100 80 20 80% /var/backups/psyfit",
        "[2026-02-14 02:00:00] [INFO] Backup successful: /var/backups/psyfit/psyfit_production_20260214_020000.sql.gz",
        f"ssh-ed25519 {base64.b64encode(bytes(range(200))).decode()}",
        "-----BEGIN CERTIFICATE-----\nMIIx\n-----END CERTIFICATE-----",
        "crontab -l -u root; docker run --user 1000:1000 x; mkdir -p /var/backups; ps -u deploy",
        "https://psytech.jp/api/v1/health?page=2 https://s3.example/psyfit/psyfit_production_20260214_020000.sql.gz",
        "Authorization is missing; a passphrase can open it; set -e; PIN=$PIN",
        "BACKUP_ENCRYPT_KEY is set in .env alone",
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert Redactor().redact(text) == text


HOSTILE = (
    "_",
    "a.",
    "a@",
    "a@a.",
    "password",
    "password ",
    "password=",
    "://a:",
    "-----BEGIN A",
    "bearer ",
    "A-a.",
    "-",
)


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_long_hostile_text_is_redacted_in_one_go(piece: str) -> None:
    text = piece * (64 * 1024 // len(piece))
    assert Redactor().redact(text)


@settings(deadline=None)
@given(pieces=st.lists(st.sampled_from(HOSTILE), max_size=6), times=st.integers(1, 300))
def test_hostile_texts_of_all_kinds_are_redacted_once_and_for_all(pieces: list[str], times: int) -> None:
    redactor = Redactor()
    once = redactor.redact("".join(pieces) * times)
    assert redactor.redact(once) == once


def test_a_value_too_short_to_be_a_secret_is_not_learned() -> None:
    redactor = Redactor()
    redactor.learn(" yes ")
    assert redactor.redact("yes and no") == "yes and no"


@given(text=st.text(max_size=300))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    redactor = Redactor()
    once = redactor.redact(text)
    assert redactor.redact(once) == once


def test_a_value_that_is_a_piece_of_the_mask_hides_nothing_and_is_not_masked_for_ever() -> None:
    for begin, end in combinations(range(len(MASK) + 1), 2):
        redactor = Redactor()
        redactor.learn(value := MASK[begin:end])
        assert redactor.redact(f"TOKEN {value} {MASK}") == f"TOKEN {value} {MASK}"
