"""The certificate that the edge shows, and the key on the server that it rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import cleandoc

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from checks.edge.kamal_proxy import proxy_state
from checks.edge.tls_termination import Edge, edge
from runbook.model import rights
from runbook.model.outcome import NotApplicable, Undetermined
from runbook.model.outside_questions import TlsHandshake
from runbook.model.question import Command
from runbook.observation.snapshot import Snapshot, reading

SHOWN = TlsHandshake()
VERIFIED = TlsHandshake(trusted=True)
OLD_VERSIONS_ONLY = TlsHandshake(at_most="TLSv1.1")
IN_PROXY = Command("docker exec {proxy} cat -- {certificate} | openssl x509", needs=rights.DOCKER, lane="docker")
KEY_IN_PROXY = Command("docker exec {proxy} cat -- {key} | openssl pkey -pubout", needs=rights.DOCKER, lane="docker")
ON_SERVER = Command("cat -- {certificate} | openssl x509", needs=rights.ROOT)
KEY_ON_SERVER = Command("cat -- {key} | openssl pkey -pubout", needs=rights.ROOT)
"""Of both files only what is public comes back: the first certificate, also of a file that holds its key as well."""

AT_EVERY_ADDRESS = Command(
    cleandoc(
        r"""for address in $(
      awk '/32 host LOCAL/ && !seen[last]++ {{ print last }} {{ last = $2 }}' /proc/net/fib_trie
      awk '$4 != "20" {{ gsub(/..../, "&:", $1); print "[" substr($1, 1, 39) "]" }}' /proc/net/if_inet6 2>/dev/null
    ); do
      {{
        told=$(timeout 3 openssl s_client -connect "$address":{port} -servername {domain} </dev/null 2>/dev/null)
        [ $? -ne 124 ] || late=late
        shown=$(printf '%s\n' "$told" | openssl x509 -noout -fingerprint -sha256 2>/dev/null)
        printf '%s %s\n' "$address" "${{late:-${{shown#*=}}}}"
      }} &
    done
    wait"""
    )
)
"""The server asks itself: each of its addresses, but for those that only its neighbours reach."""

LATE = "late"


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
    """The files of whoever ends TLS. Only the public half of the key ever leaves the server.

    Attributes:
        key: SHA-256 of the public half of the private key's file.
        fingerprint: SHA-256 of the certificate's file: of its first certificate.
    """

    key: str
    fingerprint: str


@dataclass(frozen=True)
class AtAddress:
    """What one of the server's addresses shows.

    Attributes:
        fingerprint: None where it shows no certificate.
        late: Whether it had not said so in time; where somebody drops what comes to an address, that is usual.
    """

    address: str
    fingerprint: str | None
    late: bool = False


def encryption(snapshot: Snapshot) -> Encryption:
    """How the edge shakes hands, asked from outside."""
    shown, verified, old = snapshot.ask(SHOWN, VERIFIED, OLD_VERSIONS_ONLY)
    return Encryption(shown.protocol, old.protocol, verified.error, shown.error)


def certificate(snapshot: Snapshot) -> Certificate:
    """The certificate that the edge shows for the domain.

    Raises:
        Undetermined: It shows none.
    """
    shown = snapshot.ask(SHOWN)
    if shown.certificate is None:
        raise Undetermined(f"no certificate was served: {shown.error}")
    with reading("the certificate"):
        return read_certificate(shown.certificate, datetime.now(UTC))


def key_pairs(snapshot: Snapshot) -> tuple[KeyPair, ...]:
    """The keys and certificates that whoever ends TLS would load if it were started now; most have one.

    Raises:
        NotApplicable: The proxy gets its certificates by itself, and keeps each with its key in one file.
        Undetermined: The files could not be read, or nobody ends TLS.
    """
    seen = snapshot.observe(edge)
    return (_proxys_pair(snapshot),) if seen.who == "kamal-proxy" else _nginxs_pairs(snapshot, seen)


def at_every_address(snapshot: Snapshot) -> tuple[AtAddress, ...]:
    """What each address of the server shows to the server itself."""
    told = snapshot.ask(AT_EVERY_ADDRESS.with_values(port=str(snapshot.observe(edge).port))).required(
        "the server's own addresses"
    )
    with reading("what the server's addresses show"):
        found = tuple(map(read_at_address, told.lines))
    late = [one.address for one in found if one.late]
    if late and not any(one.fingerprint for one in found):
        raise Undetermined(f"no address shook hands in time: {', '.join(late)} did not within 3 s")
    return found


def _nginxs_pairs(snapshot: Snapshot, seen: Edge) -> tuple[KeyPair, ...]:
    if seen.site is None or not seen.site.pairs:
        raise Undetermined("nothing terminates TLS for the domain, so no key is in use")
    certificates = snapshot.ask_all(ON_SERVER.with_values(certificate=path) for path, _ in seen.site.pairs)
    keys = snapshot.ask_all(KEY_ON_SERVER.with_values(key=path) for _, path in seen.site.pairs)
    with reading("nginx's certificate and key"):
        return tuple(
            read_key_pair(
                certificate_file.required("the certificate file").out, public_half.required("the key file").out
            )
            for certificate_file, public_half in zip(certificates, keys, strict=True)
        )


def _proxys_pair(snapshot: Snapshot) -> KeyPair:
    saved = snapshot.observe(proxy_state)
    if saved is None or not saved.tls:
        raise Undetermined("the proxy terminates no TLS for the service, so no key is in use")
    if saved.certificate_path is None or saved.key_path is None:
        raise NotApplicable("the proxy obtains its certificates itself (ACME), each in one file with its key")
    certificate_file, public_half = snapshot.ask(
        IN_PROXY.with_values(certificate=saved.certificate_path), KEY_IN_PROXY.with_values(key=saved.key_path)
    )
    with reading("the proxy's certificate and key"):
        return read_key_pair(
            certificate_file.required("the certificate file").out, public_half.required("the key file").out
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


def read_at_address(line: str) -> AtAddress:
    """Read one line of the answer to `AT_EVERY_ADDRESS`.

    Raises:
        ValueError: It is none.
    """
    address, fingerprint = line.split(" ")
    if fingerprint == LATE:
        return AtAddress(address, None, late=True)
    digest = fingerprint.replace(":", "").lower()
    if digest and len(bytes.fromhex(digest)) != hashlib.sha256().digest_size:
        raise ValueError(f"{digest} is not a fingerprint")
    return AtAddress(address, digest or None)


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
