"""Section 7: the domain's certificate."""

from __future__ import annotations

from pytest_bdd import parsers, then

from checks.edge.certificate import AtAddress, Certificate, Encryption, KeyPair
from checks.edge.certificate_renewal import Acme, Certbot
from checks.edge.kamal_proxy_commands import ProxyCommands
from runbook.model.outcome import NotApplicable, require
from runbook.observation.snapshot import Snapshot

OF_TODAY = ("TLSv1.2", "TLSv1.3")


@then("the domain serves a certificate in the TLS handshake")
def the_domain_shows_a_certificate(encryption: Encryption) -> None:
    require(
        encryption.error is None,
        expected="a TLS handshake with a certificate",
        actual=f"no handshake: {encryption.error}",
        section="2.3",
    )


@then("the certificate's validity has started")
def the_certificate_has_begun(certificate: Certificate) -> None:
    require(
        certificate.days_since_begin >= 0,
        expected="a certificate whose validity has started",
        actual=f"it starts in {-certificate.days_since_begin:.1f} days",
        section="7",
    )


@then(parsers.parse("the certificate is valid for at least {days:d} more days"))
def the_certificate_is_valid_for(certificate: Certificate, days: int) -> None:
    require(
        certificate.days_left >= days,
        expected=f"at least {days} days left",
        actual=f"{certificate.days_left:.1f} days left",
        section="7",
    )


@then("the certificate's names cover the domain")
def the_certificate_covers_the_domain(certificate: Certificate, snapshot: Snapshot) -> None:
    require(
        certificate.covers(snapshot.target.domain),
        expected=f"a certificate for {snapshot.target.domain}",
        actual=certificate.names or "a certificate without names",
        section="7",
    )


@then("the certificate chains up to an authority that clients trust")
def the_certificate_is_trusted(encryption: Encryption) -> None:
    require(
        encryption.chain_error is None,
        expected="a chain that verifies",
        actual=encryption.chain_error or "",
        section="7",
    )


@then("the private key on the server matches the served certificate")
def the_key_belongs_to_the_certificate(key_pairs: tuple[KeyPair, ...], certificate: Certificate) -> None:
    require(
        certificate.key in [one.key for one in key_pairs],
        expected=f"the key of the served certificate (public half {certificate.key[:16]})",
        actual=f"another key (public half {', '.join(one.key[:16] for one in key_pairs)})",
        section="7",
    )


@then("the certificate file on the server holds the served certificate")
def the_file_is_the_certificate(key_pairs: tuple[KeyPair, ...], certificate: Certificate) -> None:
    require(
        certificate.fingerprint in [one.fingerprint for one in key_pairs],
        expected=f"certificate {certificate.fingerprint[:16]}, which is served",
        actual=f"certificate {', '.join(one.fingerprint[:16] for one in key_pairs)}, which has not been reloaded",
        section="7",
    )


@then("every address of the server that answers serves the certificate that is served to the outside")
def every_address_shows_the_same(at_every_address: tuple[AtAddress, ...], certificate: Certificate) -> None:
    answering = [one for one in at_every_address if one.fingerprint]
    others = [f"{one.address}: {one.fingerprint}" for one in answering if one.fingerprint != certificate.fingerprint]
    require(
        answering and not others,
        expected=f"certificate {certificate.fingerprint} at every address",
        actual=others or "no address answers the server itself",
        section="7",
    )


@then("the certificate files in use are the ones that the renewal writes")
def the_renewal_writes_what_is_used(renewal: Certbot | Acme, snapshot: Snapshot) -> None:
    if isinstance(renewal, Acme):
        require(
            snapshot.target.domain in renewal.cached,
            expected=f"a certificate for {snapshot.target.domain} in the proxy's cache",
            actual="none",
            section="7",
        )
        return
    used = ", ".join(min(names) for names in renewal.used)
    require(
        renewal.of_this,
        expected=f"certbot set up to write {used}",
        actual=[f"{one.path} writes {', '.join(sorted(one.files))}" for one in renewal.configured]
        or "nothing in /etc/letsencrypt/renewal",
        section="7",
    )


@then("the renewal runs on a schedule")
def the_renewal_is_started(renewal: Certbot | Acme) -> None:
    if isinstance(renewal, Acme):
        return
    require(
        renewal.runs,
        expected="an active line of cron or an enabled timer that runs certbot renew",
        actual="neither",
        section="7",
    )
    kept = renewal.of_this
    require(kept is None or kept.by_itself, expected="an automatic renewal", actual="autorenew = False", section="7")


@then("nothing that it needs is missing")
def the_renewal_can_work(renewal: Certbot | Acme) -> None:
    if isinstance(renewal, Acme):
        require(renewal.port_80, expected="port 80 published by the proxy", actual="it is not", section="7")
        return
    require(renewal.program, expected="the program certbot", actual="no such program", section="7")
    kept = renewal.of_this
    if kept is None:
        return
    require(
        kept.authenticator != "webroot" or kept.webroot in renewal.folders,
        expected=f"the folder {kept.webroot}, into which certbot puts its proof",
        actual="no such folder",
        section="7",
    )
    require(
        kept.authenticator != "standalone" or kept.stops_before,
        expected="port 80 free for certbot's own server, or a pre_hook that frees it",
        actual="nginx is on it, and nothing stops nginx",
        section="7",
    )


@then("whatever terminates TLS reloads a renewed certificate")
def a_renewed_one_is_loaded(renewal: Certbot | Acme) -> None:
    if isinstance(renewal, Certbot):
        require(
            renewal.loaded_by,
            expected="a hook of certbot's, or a line of cron, that makes nginx load the new certificate",
            actual="none that can be run",
            section="7",
        )


@then("every kamal-proxy command that a job or a script of the server calls exists")
def nobody_calls_what_is_not_there(proxy_commands: ProxyCommands) -> None:
    if not proxy_commands.called:
        raise NotApplicable("no job and no script of the server calls kamal-proxy")
    require(
        not proxy_commands.unknown,
        expected=f"only {', '.join(sorted(proxy_commands.offered))}; certificates it renews without a command",
        actual=proxy_commands.unknown,
        section="7",
    )


@then("the domain accepts TLS 1.2 or newer")
def the_domain_speaks_tls_of_today(encryption: Encryption) -> None:
    require(
        encryption.protocol in OF_TODAY,
        expected="TLS 1.2 or newer",
        actual=encryption.protocol or "no agreement",
        section="7",
    )


@then("the domain refuses TLS 1.1")
def the_domain_refuses_old_tls(encryption: Encryption) -> None:
    require(
        encryption.old_protocol is None,
        expected="TLS 1.1 and older refused",
        actual=f"{encryption.old_protocol} spoken",
        section="7",
    )
