"""What a lab's operator holds: login key, certificate authority, backup key, and the secrets planted on the server.

All is made anew with each lab and lies in its state folder, which only the operator may read.
"""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.programs import run

DOMAIN = "psytech.jp"
BACKUP_IDENTITY = "PsyFit backups <backup@psyfit.example>"
CERTIFICATE_AGE = timedelta(days=30)
CERTIFICATE_LIFE = timedelta(days=90)
AUTHORITY_LIFE = timedelta(days=3650)
BACKUP_KEY_AGE = timedelta(days=200)
GPG_SECONDS = 30.0

# Older than every backup that is encrypted to it.
BACKUP_KEY = f"""\
%no-protection
Key-Type: EDDSA
Key-Curve: ed25519
Subkey-Type: ECDH
Subkey-Curve: cv25519
Name-Real: {BACKUP_IDENTITY.partition(" <")[0]}
Name-Email: {BACKUP_IDENTITY.partition("<")[2].rstrip(">")}
Creation-Date: {{created}}
Expire-Date: 0
%commit
"""


@dataclass(frozen=True)
class Keys:
    """What the server is given of them. Only the secrets and ``certificate_key`` are secret there.

    Attributes:
        login: The public half of the operator's ssh key, as in authorized_keys.
        authority: The lab's certificate authority, PEM.
        certificate: The service's certificate, PEM.
        certificate_key: Its private key, PEM.
        backup_key: The public half of the backup key, armoured.
        backup_fingerprint: That key's fingerprint.
        secrets: What stands in ``.kamal/secrets``, by name.
    """

    login: str
    authority: bytes
    certificate: bytes
    certificate_key: bytes
    backup_key: bytes
    backup_fingerprint: str
    secrets: dict[str, str]


def make(state: Path) -> Keys:
    """Make all keys and secrets of a lab and keep the operator's part of them in its state folder."""
    login_key = ed25519.Ed25519PrivateKey.generate()
    login_public = login_key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    login_private = login_key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    _keep(state / "id_ed25519", login_private)
    _keep(state / "id_ed25519.pub", f"{login_public} operator\n".encode())

    authority_key, authority = _authority()
    _keep(state / "ca-key.pem", _private(authority_key))
    _keep(state / "ca.pem", authority.public_bytes(Encoding.PEM))
    now = datetime.now(UTC)
    key, certificate = issue(
        authority_key, authority, (DOMAIN, f"www.{DOMAIN}"), now + CERTIFICATE_LIFE - CERTIFICATE_AGE
    )

    planted = _secrets()
    _keep(state / "secrets.json", json.dumps(planted, indent=2).encode())
    backup_key, fingerprint = _backup_key(state / "gnupg")
    _keep(state / "backup-key.asc", backup_key)
    return Keys(
        login=f"{login_public} operator",
        authority=authority.public_bytes(Encoding.PEM),
        certificate=certificate,
        certificate_key=key,
        backup_key=backup_key,
        backup_fingerprint=fingerprint,
        secrets=planted,
    )


def issue(
    authority_key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, names: tuple[str, ...], until: datetime
) -> tuple[bytes, bytes]:
    """A certificate for these names by this authority, begun 90 days before it ends; key and certificate, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(names[0]), authority.subject, key.public_key(), until - CERTIFICATE_LIFE, until)
    certificate = (
        builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return _private(key), certificate.public_bytes(Encoding.PEM)


def backup_key_for_days(state: Path, days: int) -> bytes:
    """The public half of the backup key as it were with so many days left; the operator's own ring stays as it is."""
    with tempfile.TemporaryDirectory() as folder:
        ring = Path(folder) / "gnupg"
        shutil.copytree(state / "gnupg", ring, ignore=shutil.ignore_patterns("S.*"))
        try:
            listed = _gpg(ring, "--with-colons", "--list-keys").decode()
            fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
            _gpg(ring, "--quick-set-expire", fingerprint, f"{days}d")
            return _gpg(ring, "--armor", "--export")
        finally:
            stop_gpg(Path(folder))


def stop_gpg(state: Path) -> None:
    """End the background processes that gpg started for the operator's key ring."""
    if (state / "gnupg").exists():
        run(["gpgconf", "--homedir", str(state / "gnupg"), "--kill", "all"], seconds=GPG_SECONDS)


def _secrets() -> dict[str, str]:
    return {
        "POSTGRES_PASSWORD": secrets.token_urlsafe(24),
        "REDIS_PASSWORD": secrets.token_urlsafe(24),
        "RAILS_MASTER_KEY": secrets.token_hex(16),
        "SECRET_KEY_BASE": secrets.token_hex(64),
        "ATTR_ENCRYPTED_KEY": secrets.token_hex(32),
        "BLIND_INDEX_KEY": secrets.token_hex(32),
    }


def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("PsyFit lab authority")
    begun = datetime.now(UTC) - CERTIFICATE_AGE - timedelta(days=1)
    certificate = (
        _builder(name, name, key.public_key(), begun, begun + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    return key, certificate


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begun: datetime, until: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begun)
        .not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _backup_key(ring: Path) -> tuple[bytes, str]:
    ring.mkdir(mode=0o700)
    created = (datetime.now(UTC) - BACKUP_KEY_AGE).date().isoformat()
    _gpg(ring, "--generate-key", stdin=BACKUP_KEY.format(created=created).encode())
    listed = _gpg(ring, "--with-colons", "--list-keys").decode()
    fingerprint = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))
    armoured = _gpg(ring, "--armor", "--export")
    stop_gpg(ring.parent)
    return armoured, fingerprint


def _gpg(ring: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    return run(["gpg", "--homedir", str(ring), "--batch", *arguments], seconds=GPG_SECONDS, stdin=stdin)


def _keep(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)
