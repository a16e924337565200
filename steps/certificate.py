"""Section 7: the domain's certificate."""

from __future__ import annotations

from pytest_bdd import parsers, then

from checks.certificate import Certificate, Encryption, KeyPair
from runbook.look import Look
from runbook.outcome import require

OF_TODAY = ("TLSv1.2", "TLSv1.3")


@then("the domain answers a TLS handshake with a certificate")
def the_domain_shows_a_certificate(encryption: Encryption) -> None:
    require(
        encryption.error is None,
        expected="a TLS handshake with a certificate",
        seen=f"no handshake: {encryption.error}",
        go_to="2.3",
    )


@then("the certificate has begun")
def the_certificate_has_begun(certificate: Certificate) -> None:
    require(
        certificate.days_since_begin >= 0,
        expected="a certificate that has begun",
        seen=f"it begins in {-certificate.days_since_begin:.1f} days",
        go_to="7",
    )


@then(parsers.parse("the certificate is valid for at least {days:d} more days"))
def the_certificate_is_valid_for(certificate: Certificate, days: int) -> None:
    require(
        certificate.days_left >= days,
        expected=f"at least {days} days left",
        seen=f"{certificate.days_left:.1f} days left",
        go_to="7",
    )


@then("the certificate's names cover the domain")
def the_certificate_covers_the_domain(certificate: Certificate, look: Look) -> None:
    require(
        certificate.covers(look.target.domain),
        expected=f"a certificate for {look.target.domain}",
        seen=certificate.names or "a certificate without names",
        go_to="7",
    )


@then("the certificate's chain leads to an authority that clients trust")
def the_certificate_is_trusted(encryption: Encryption) -> None:
    require(
        encryption.chain_error is None,
        expected="a chain that verifies",
        seen=encryption.chain_error or "",
        go_to="7",
    )


@then("the private key on the server belongs to the certificate that is shown")
def the_key_belongs_to_the_certificate(key_pair: KeyPair, certificate: Certificate) -> None:
    require(
        key_pair.key == certificate.key,
        expected=f"the key of the certificate that is shown (public half {certificate.key[:16]})",
        seen=f"another key (public half {key_pair.key[:16]})",
        go_to="7",
    )


@then("the certificate's file on the server is the certificate that is shown")
def the_file_is_the_certificate(key_pair: KeyPair, certificate: Certificate) -> None:
    require(
        key_pair.fingerprint == certificate.fingerprint,
        expected=f"certificate {certificate.fingerprint[:16]}, which is shown",
        seen=f"certificate {key_pair.fingerprint[:16]}, which was not loaded",
        go_to="7",
    )


@then("the domain speaks TLS 1.2 or newer")
def the_domain_speaks_tls_of_today(encryption: Encryption) -> None:
    require(
        encryption.protocol in OF_TODAY,
        expected="TLS 1.2 or newer",
        seen=encryption.protocol or "no agreement",
        go_to="7",
    )


@then("the domain refuses TLS 1.1")
def the_domain_refuses_old_tls(encryption: Encryption) -> None:
    require(
        encryption.old_protocol is None,
        expected="TLS 1.1 and older refused",
        seen=f"{encryption.old_protocol} spoken",
        go_to="7",
    )
