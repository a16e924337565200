"""Section 7: the domain's certificate."""

from __future__ import annotations

from pytest_bdd import parsers, then

from checks.certificate import AtAddress, Certificate, Encryption, KeyPair
from checks.proxy_commands import ProxyCommands
from checks.renewal import Acme, Certbot
from runbook.look import Look
from runbook.outcome import NotApplicable, require

OF_TODAY = ("TLSv1.2", "TLSv1.3")


@then("the domain serves a certificate in the TLS handshake")
def the_domain_shows_a_certificate(encryption: Encryption) -> None:
    require(
        encryption.error is None,
        expected="a TLS handshake with a certificate",
        seen=f"no handshake: {encryption.error}",
        go_to="2.3",
    )


@then("the certificate's validity has started")
def the_certificate_has_begun(certificate: Certificate) -> None:
    require(
        certificate.days_since_begin >= 0,
        expected="a certificate whose validity has started",
        seen=f"it starts in {-certificate.days_since_begin:.1f} days",
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


@then("the certificate chains up to an authority that clients trust")
def the_certificate_is_trusted(encryption: Encryption) -> None:
    require(
        encryption.chain_error is None,
        expected="a chain that verifies",
        seen=encryption.chain_error or "",
        go_to="7",
    )


@then("the private key on the server matches the served certificate")
def the_key_belongs_to_the_certificate(key_pairs: tuple[KeyPair, ...], certificate: Certificate) -> None:
    require(
        certificate.key in [one.key for one in key_pairs],
        expected=f"the key of the served certificate (public half {certificate.key[:16]})",
        seen=f"another key (public half {', '.join(one.key[:16] for one in key_pairs)})",
        go_to="7",
    )


@then("the certificate file on the server holds the served certificate")
def the_file_is_the_certificate(key_pairs: tuple[KeyPair, ...], certificate: Certificate) -> None:
    require(
        certificate.fingerprint in [one.fingerprint for one in key_pairs],
        expected=f"certificate {certificate.fingerprint[:16]}, which is served",
        seen=f"certificate {', '.join(one.fingerprint[:16] for one in key_pairs)}, which has not been reloaded",
        go_to="7",
    )


@then("every address of the server that answers serves the certificate that is served to the outside")
def every_address_shows_the_same(at_every_address: tuple[AtAddress, ...], certificate: Certificate) -> None:
    answering = [one for one in at_every_address if one.fingerprint]
    others = [f"{one.address}: {one.fingerprint}" for one in answering if one.fingerprint != certificate.fingerprint]
    require(
        answering and not others,
        expected=f"certificate {certificate.fingerprint} at every address",
        seen=others or "no address answers the server itself",
        go_to="7",
    )


@then("the certificate files in use are the ones that the renewal writes")
def the_renewal_writes_what_is_used(renewal: Certbot | Acme, look: Look) -> None:
    if isinstance(renewal, Acme):
        require(
            look.target.domain in renewal.cached,
            expected=f"a certificate for {look.target.domain} in the proxy's cache",
            seen="none",
            go_to="7",
        )
        return
    used = ", ".join(min(names) for names in renewal.used)
    require(
        renewal.of_this,
        expected=f"certbot set up to write {used}",
        seen=[f"{one.path} writes {', '.join(sorted(one.files))}" for one in renewal.configured]
        or "nothing in /etc/letsencrypt/renewal",
        go_to="7",
    )


@then("the renewal runs on a schedule")
def the_renewal_is_started(renewal: Certbot | Acme) -> None:
    if isinstance(renewal, Acme):
        return
    require(
        renewal.runs,
        expected="an active line of cron or an enabled timer that runs certbot renew",
        seen="neither",
        go_to="7",
    )
    kept = renewal.of_this
    require(kept is None or kept.by_itself, expected="an automatic renewal", seen="autorenew = False", go_to="7")


@then("nothing that it needs is missing")
def the_renewal_can_work(renewal: Certbot | Acme) -> None:
    if isinstance(renewal, Acme):
        require(renewal.port_80, expected="port 80 published by the proxy", seen="it is not", go_to="7")
        return
    require(renewal.program, expected="the program certbot", seen="no such program", go_to="7")
    kept = renewal.of_this
    if kept is None:
        return
    require(
        kept.authenticator != "webroot" or kept.webroot in renewal.folders,
        expected=f"the folder {kept.webroot}, into which certbot puts its proof",
        seen="no such folder",
        go_to="7",
    )
    require(
        kept.authenticator != "standalone" or kept.stops_before,
        expected="port 80 free for certbot's own server, or a pre_hook that frees it",
        seen="nginx is on it, and nothing stops nginx",
        go_to="7",
    )


@then("whatever terminates TLS reloads a renewed certificate")
def a_renewed_one_is_loaded(renewal: Certbot | Acme) -> None:
    if isinstance(renewal, Certbot):
        require(
            renewal.loaded_by,
            expected="a hook of certbot's, or a line of cron, that makes nginx load the new certificate",
            seen="none that can be run",
            go_to="7",
        )


@then("every kamal-proxy command that a job or a script of the server calls exists")
def nobody_calls_what_is_not_there(proxy_commands: ProxyCommands) -> None:
    if not proxy_commands.called:
        raise NotApplicable("no job and no script of the server calls kamal-proxy")
    require(
        not proxy_commands.unknown,
        expected=f"only {', '.join(sorted(proxy_commands.offered))}; certificates it renews without a command",
        seen=proxy_commands.unknown,
        go_to="7",
    )


@then("the domain accepts TLS 1.2 or newer")
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
