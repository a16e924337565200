"""What is stored in place of a password."""

from __future__ import annotations

import hashlib
import hmac

SALT_BYTES = 16
KEY_BYTES = 32
COST, BLOCK, LANES = 2**14, 8, 1
"""What one attempt costs, by scrypt: 16 MB, and some 50 ms."""

NOBODYS = f"scrypt${COST}${BLOCK}${LANES}${'00' * SALT_BYTES}${'00' * KEY_BYTES}"
"""What an attempt is compared with where there is no account, so that it takes as long."""


def digest(password: str, salt: bytes) -> str:
    """The digest of a password, with all that is needed to try another one on it."""
    return f"scrypt${COST}${BLOCK}${LANES}${salt.hex()}${_key(password, salt, COST, BLOCK, LANES).hex()}"


def matches(password: str, stored: str) -> bool:
    """Whether a digest is this password's."""
    _, cost, block, lanes, salt, key = stored.split("$")
    tried = _key(password, bytes.fromhex(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(tried, bytes.fromhex(key))


def _key(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=cost, r=block, p=lanes, dklen=KEY_BYTES)
