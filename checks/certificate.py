"""The certificate that the edge shows, and the key on the server that it rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from checks.proxy import proxy_state
from runbook import rights
from runbook.look import Look, reading
from runbook.outcome import NotApplicable, Undetermined
from runbook.question import Command, Tls

SHOWN = Tls()
VERIFIED = Tls(trusted=True)
OLD_VERSIONS_ONLY = Tls(at_most="TLSv1.1")
CERTIFICATE_FILE = Command("docker exec {proxy} cat -- {certificate}", needs=rights.DOCKER, lane="docker")
PUBLIC_HALF_OF_KEY = Command(
    "docker exec {proxy} cat -- {key} | openssl pkey -pubout", needs=rights.DOCKER, lane="docker"
)


@dataclass(frozen=True)
class Certificate:
    """The certificate that is shown for the domain.

    Attributes:
        names: The names that it is for (subject alternative names: no client reads others).
        days_left: Until it ends, by this machine's clock, since its readers judge it by theirs.
        days_since_begin: Negative where it has not begun.
        fingerprint: SHA-256 of the whole.
        key: SHA-256 of its public key.
    """

    names: tuple[str, ...]
    days_left: float
    days_since_begin: float
    fingerprint: str
    key: str

    def covers(self, domain: str) -> bool:
        """Whether one of its names is the domain's; a wildcard stands for exactly one label."""
        return any(matches(name, domain) for name in self.names)


@dataclass(frozen=True)
class Encryption:
    """How the edge speaks TLS.

    Attributes:
        protocol: What it agrees on with a client of today; None where it agrees on nothing.
        old_protocol: What it agrees on with a client that knows nothing newer than TLS 1.1; None where it refuses.
        chain_error: Why the chain does not verify, in OpenSSL's words; None where it does.
        error: Why there was no handshake at all; None where there was one.
    """

    protocol: str | None
    old_protocol: str | None
    chain_error: str | None
    error: str | None


@dataclass(frozen=True)
class KeyPair:
    """The proxy's files. Only the public half of the key ever leaves the server.

    Attributes:
        key: SHA-256 of the public half of the private key's file.
        fingerprint: SHA-256 of the certificate's file: of its first certificate.
    """

    key: str
    fingerprint: str


def encryption(look: Look) -> Encryption:
    """How the edge shakes hands, asked from outside."""
    shown, verified, old = look.ask(SHOWN, VERIFIED, OLD_VERSIONS_ONLY)
    return Encryption(shown.protocol, old.protocol, verified.error, shown.error)


def certificate(look: Look) -> Certificate:
    """The certificate that the edge shows for the domain.

    Raises:
        Undetermined: It shows none.
    """
    shown = look.ask(SHOWN)
    if shown.certificate is None:
        raise Undetermined(f"no certificate was shown: {shown.error}")
    with reading("the certificate"):
        return read_certificate(shown.certificate, datetime.now(UTC))


def key_pair(look: Look) -> KeyPair:
    """The key and the certificate that the proxy would load if it were started now.

    Raises:
        NotApplicable: The proxy gets its certificates by itself, and keeps each with its key in one file.
        Undetermined: The files could not be read.
    """
    saved = look.see(proxy_state)
    if saved is None or not saved.tls:
        raise Undetermined("the proxy ends no TLS for the service, so no key is in use")
    if saved.certificate_path is None or saved.key_path is None:
        raise NotApplicable("the proxy gets its certificates by itself (ACME), each in one file with its key")
    certificate_file, public_half = look.ask(
        CERTIFICATE_FILE.about(certificate=saved.certificate_path), PUBLIC_HALF_OF_KEY.about(key=saved.key_path)
    )
    with reading("the proxy's certificate and key"):
        return read_key_pair(
            certificate_file.required("the certificate's file").out, public_half.required("the key's file").out
        )


def read_certificate(der: bytes, now: datetime) -> Certificate:
    """Read a certificate in DER.

    Raises:
        ValueError: It is none.
    """
    read = x509.load_der_x509_certificate(der)
    return Certificate(
        names=tuple(_names(read)),
        days_left=(read.not_valid_after_utc - now).total_seconds() / 86400,
        days_since_begin=(now - read.not_valid_before_utc).total_seconds() / 86400,
        fingerprint=hashlib.sha256(der).hexdigest(),
        key=_digest_of(read.public_key()),
    )


def read_key_pair(certificate_pem: str, public_key_pem: str) -> KeyPair:
    """Read a certificate file and the public half of a key, both in PEM.

    Raises:
        ValueError: One of them is none.
    """
    first = x509.load_pem_x509_certificates(certificate_pem.encode())[0]
    return KeyPair(
        key=_digest_of(load_pem_public_key(public_key_pem.encode())),
        fingerprint=hashlib.sha256(first.public_bytes(Encoding.DER)).hexdigest(),
    )


def matches(name: str, domain: str) -> bool:
    """Whether a certificate's name is this domain's: letter by letter, or by a wildcard for the first label."""
    name, domain = name.lower().rstrip("."), domain.lower().rstrip(".")
    first, _, rest = domain.partition(".")
    return name == domain or (bool(first) and "." in rest and name == f"*.{rest}")


def _names(read: x509.Certificate) -> Iterable[str]:
    try:
        extension = read.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return extension.value.get_values_for_type(x509.DNSName)


def _digest_of(key: PublicKeyTypes) -> str:
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
