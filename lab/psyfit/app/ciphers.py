"""Encryption of personal data (AES-256-GCM), and the blind index by which an address is found again."""

from __future__ import annotations

import hashlib
import hmac

from .refusal import Refused

NONCE_BYTES = 12
TAG_BYTES = 16
WRONG_KEY = "AEAD authentication tag verification failed"


class Cipher:
    """Encrypts the values of one purpose, such as a column, under a secret.

    The nonce is derived from the value. A value so always has the same ciphertext, which makes the made-up data and
    its dumps the same on every build, and a nonce comes back only with the value that it was used for.
    """

    def __init__(self, secret: str, purpose: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._purpose = purpose.encode()
        self._nonces = _derived(secret, "nonce")
        self._cipher = AESGCM(_derived(secret, "encryption"))

    def encrypt(self, value: str) -> bytes:
        """Nonce, ciphertext and tag of a value."""
        plain = value.encode()
        nonce = hmac.digest(self._nonces, self._purpose + b"\0" + plain, "sha256")[:NONCE_BYTES]
        return nonce + self._cipher.encrypt(nonce, plain, self._purpose)

    def decrypt(self, sealed: bytes) -> str:
        """The value that was encrypted.

        Raises:
            Refused: Another key or purpose, or the bytes were changed.
        """
        from cryptography.exceptions import InvalidTag

        if len(sealed) < NONCE_BYTES + TAG_BYTES:
            raise Refused(WRONG_KEY)
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._purpose).decode()
        except InvalidTag:
            raise Refused(WRONG_KEY) from None


class BlindIndex:
    """The keyed fingerprint under which an address is stored and found."""

    def __init__(self, secret: str) -> None:
        self._key = _derived(secret, "blind index")

    def fingerprint(self, address: str) -> bytes:
        """HMAC-SHA256 of an address, however its owner writes it."""
        return hmac.digest(self._key, address.strip().lower().encode(), "sha256")


def _derived(secret: str, use: str) -> bytes:
    """A key of 32 bytes for one use of a secret, whatever form the secret has."""
    return hmac.new(secret.encode(), use.encode(), hashlib.sha256).digest()
