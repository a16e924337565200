"""Certificates as the edge shows them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

import checks.edge.certificate
from checks.docker.containers import CONTAINERS
from checks.edge.certificate import (
    AT_EVERY_ADDRESS,
    IN_PROXY,
    KEY_IN_PROXY,
    KEY_ON_SERVER,
    ON_SERVER,
    AtAddress,
    Certificate,
    at_every_address,
    key_pairs,
    matches,
    read_at_address,
    read_certificate,
    read_key_pair,
)
from checks.edge.kamal_proxy import STATE
from checks.edge.nginx_files import CONFIGURATION
from checks.edge.tls_termination import LISTENING
from runbook.model.outcome import Undetermined
from runbook.model.outside_questions import Handshake
from runbook.model.question import Command, Output, Question
from runbook.model.target_file import load
from tests.unit.answering import looking
from tests.unit.test_kamal_proxy import SERVICE
from tests.unit.test_nginx_config import LAB, PAIR, told
from tests.unit.test_tls_termination import proxy

NOW = datetime(2026, 2, 24, 8, 0, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(*names: str, days: float = 90) -> x509.Certificate:
    """A self-signed certificate that began a day ago."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "psytech.jp")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
    )
    if names:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False
        )
    return builder.sign(KEY, hashes.SHA256())


def read(*names: str, days: float = 90) -> Certificate:
    """The same, as it is read from a handshake."""
    return read_certificate(certificate(*names, days=days).public_bytes(Encoding.DER), NOW)


def test_days_are_counted_from_now() -> None:
    shown = read("psytech.jp", days=13.5)

    assert shown.days_left == pytest.approx(13.5)
    assert shown.days_since_begin == pytest.approx(1)


def test_the_common_name_is_no_name() -> None:
    assert not read().names
    assert not read().covers("psytech.jp")


@pytest.mark.parametrize("name", ["psytech.jp", "PSYTECH.jp", "psytech.jp."])
def test_a_name_is_the_domains_letter_by_letter(name: str) -> None:
    assert matches(name, "psytech.jp")


def test_a_wildcard_stands_for_one_label() -> None:
    assert matches("*.psytech.jp", "www.psytech.jp")


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("*.psytech.jp", "psytech.jp"),
        ("*.psytech.jp", "a.b.psytech.jp"),
        ("*.jp", "psytech.jp"),
        ("w*.psytech.jp", "www.psytech.jp"),
        ("xpsytech.jp", "psytech.jp"),
        ("*.psytech.jp", ".psytech.jp"),
        ("", ""),
    ],
)
def test_other_names_are_not_the_domains(name: str, domain: str) -> None:
    assert matches(name, domain) is (name == domain)


def test_a_key_is_known_by_its_public_half() -> None:
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    chain = certificate("psytech.jp").public_bytes(Encoding.PEM).decode()

    pair = read_key_pair(chain * 2, public)
    shown = read("psytech.jp")

    assert pair.key == shown.key


def test_the_first_certificate_of_the_file_is_the_one_that_is_shown() -> None:
    first, second = certificate("psytech.jp"), certificate("other.jp")
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    pair = read_key_pair((first.public_bytes(Encoding.PEM) + second.public_bytes(Encoding.PEM)).decode(), public)

    assert pair.fingerprint == first.fingerprint(hashes.SHA256()).hex()


def _pairs(proxy_: dict[str, Any], asked: tuple[Command, Command]) -> int:
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    answers: dict[Question[Any], object] = {
        CONTAINERS: (proxy_,),
        LISTENING: Output(0, "", ""),
        CONFIGURATION: Output(0, told(site=LAB), ""),
        STATE: Output(0, json.dumps([SERVICE]), ""),
        asked[0]: Output(0, certificate("psytech.jp").public_bytes(Encoding.PEM).decode(), ""),
        asked[1]: Output(0, public, ""),
    }
    return len(looking(load("lab"), answers).observe(key_pairs))


def test_the_files_are_those_of_whoever_ends_tls() -> None:
    (file, key), options = PAIR[0], SERVICE["options"]
    assert (
        _pairs(
            proxy(None, "127.0.0.1:8080"), (ON_SERVER.with_values(certificate=file), KEY_ON_SERVER.with_values(key=key))
        )
        == 1
    )
    in_proxy = IN_PROXY.with_values(certificate=options["tls_certificate_path"])
    assert _pairs(proxy(":443", ":80"), (in_proxy, KEY_IN_PROXY.with_values(key=options["tls_private_key_path"]))) == 1


def test_where_no_certificate_is_shown_it_is_told_why() -> None:
    refused = looking(load("lab"), {checks.edge.certificate.SHOWN: Handshake(None, None, "alert number 112")})
    with pytest.raises(Undetermined, match="no certificate was served: alert number 112"):
        refused.observe(checks.edge.certificate.certificate)


@given(st.binary(max_size=200))
def test_foreign_bytes_are_no_certificate(der: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_certificate(der, NOW)


@given(st.text(max_size=100), st.text(max_size=100))
def test_foreign_text_is_no_pair(certificate_pem: str, public_key_pem: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_key_pair(certificate_pem, public_key_pem)


def test_an_address_that_shows_a_certificate_and_one_that_does_not() -> None:
    assert read_at_address(f"127.0.0.1 {':'.join(['AB'] * 32)}") == AtAddress("127.0.0.1", "ab" * 32)
    assert read_at_address("[::1] ") == AtAddress("[::1]", None)


@pytest.mark.parametrize("others", ["", "[::1] \n"])
def test_where_no_address_shook_hands_in_time_it_could_not_be_told(others: str) -> None:
    with pytest.raises(Undetermined, match=r"no address shook hands in time: 10\.0\.0\.1 did not within 3 s"):
        addresses(f"{others}10.0.0.1 late\n")


def test_an_address_at_which_everything_is_dropped_shows_nothing() -> None:
    whole = ":".join(["AB"] * 32)
    assert [one.fingerprint for one in addresses(f"127.0.0.1 {whole}\n10.0.0.1 late\n")] == ["ab" * 32, None]


def addresses(said: str) -> tuple[AtAddress, ...]:
    """What the server's addresses show, where they say this to the server itself."""
    answers: dict[Question[Any], object] = {
        CONTAINERS: (proxy(":443", ":80"),),
        LISTENING: Output(0, "", ""),
        CONFIGURATION: Output(0, "", ""),
        AT_EVERY_ADDRESS.with_values(port="443"): Output(0, said, ""),
    }
    return looking(load("lab"), answers).observe(at_every_address)


@given(st.text())
def test_any_line_of_an_address_is_read_or_refused(line: str) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(read_at_address(line), AtAddress)


# What of a file leaves the server

WHOLE = certificate("psytech.jp").public_bytes(Encoding.PEM)
OTHER = certificate("ca.example").public_bytes(Encoding.PEM)
SECRET = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    "combined", [WHOLE + SECRET, SECRET + WHOLE, SECRET + WHOLE + certificate("ca").public_bytes(Encoding.PEM)]
)
@pytest.mark.parametrize("question", [ON_SERVER, IN_PROXY])
def test_of_a_certificate_and_its_key_in_one_file_the_key_stays_on_the_server(
    question: Command, combined: bytes, tmp_path: Path
) -> None:
    (tmp_path / "both.pem").write_bytes(combined)
    docker = tmp_path / "docker"
    docker.write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    docker.chmod(0o755)
    script = question.with_values(certificate=str(tmp_path / "both.pem")).render({"proxy": "kamal-proxy"})
    environment = {"LC_ALL": "C", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert "PRIVATE KEY" not in done.stdout
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    fingerprint = hashlib.sha256(x509.load_pem_x509_certificate(WHOLE).public_bytes(Encoding.DER)).hexdigest()
    assert read_key_pair(done.stdout, public).fingerprint == fingerprint
