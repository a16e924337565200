"""config/credentials.yml.enc: settings that stand in the repository, encrypted under the master key."""

from __future__ import annotations

from base64 import b64decode, b64encode

from .ciphers import NONCE_BYTES, TAG_BYTES, WRONG_KEY, Cipher
from .refusal import Refused
from .settings import ROOT

PATH = ROOT / "config" / "credentials.yml.enc"
CONTENT = "service: psyfit\nlocale: ja\ntime_zone: Asia/Tokyo\n"


def init(master_key: str) -> None:
    """Write the file.

    Raises:
        Refused: It is there already.
    """
    if PATH.exists():
        raise Refused(f"{PATH} is there already, and another would not open with the key of this one")
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(sealed(CONTENT, master_key) + "\n")


def check(master_key: str) -> None:
    """Open the file.

    Raises:
        Refused: It is missing, or the key is not its key.
    """
    if not PATH.exists():
        raise Refused(f"{PATH} is missing; bin/rails credentials:init writes it")
    opened(PATH.read_text().strip(), master_key)


def sealed(content: str, master_key: str) -> str:
    """Encrypt, in Rails' form: ciphertext, nonce and tag in base64, with two dashes between them."""
    blob = _cipher(master_key).encrypt(content)
    parts = (blob[NONCE_BYTES:-TAG_BYTES], blob[:NONCE_BYTES], blob[-TAG_BYTES:])
    return "--".join(b64encode(part).decode() for part in parts)


def opened(text: str, master_key: str) -> str:
    """Decrypt what ``sealed`` made.

    Raises:
        Refused: Another key, or the text was changed.
    """
    try:
        ciphertext, nonce, tag = (b64decode(part, validate=True) for part in text.split("--"))
    except ValueError:
        raise Refused(WRONG_KEY) from None
    return _cipher(master_key).decrypt(nonce + ciphertext + tag)


def _cipher(master_key: str) -> Cipher:
    return Cipher(master_key, "credentials")
