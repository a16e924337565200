"""data:verify: do the keys of this release open rows that come from elsewhere, such as a restored backup?

Only counts are printed, never a value.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from hmac import compare_digest

from .ciphers import BlindIndex, Cipher
from .refusal import Refused
from .settings import Keys

PURPOSES = {
    ("people", "name_ciphertext"): "people.name",
    ("people", "email_ciphertext"): "people.email",
    ("staff", "email_ciphertext"): "staff.email",
    ("messages", "body_ciphertext"): "messages.body",
}
INDEXES = {("people", "email_bidx"): "email_ciphertext", ("staff", "email_bidx"): "email_ciphertext"}
"""Each blind index, and the column of the same row that it is of."""

Row = dict[str, str | None]


def verify(lines: Iterable[str], keys: Keys) -> None:
    """Print how many values of each column open, or match what they index, and how many do not.

    Args:
        lines: A row each, as JSON: its table, and its columns as PostgreSQL writes them.

    Raises:
        Refused: A line is not of that form, or a column is not one that this release encrypts.
    """
    ciphers = {column: Cipher(keys.attributes, purpose) for column, purpose in PURPOSES.items()}
    index = BlindIndex(keys.blind_index)
    found: Counter[str] = Counter()
    for line in lines:
        found.update(_judged(*_row(line), ciphers, index))
    for said, count in sorted(found.items()):
        print(said, count)


def _row(line: str) -> tuple[str, Row]:
    try:
        told = json.loads(line)
        return told["table"], told["row"]
    except (ValueError, LookupError, TypeError):
        raise Refused("a line on standard input is not a row") from None


def _judged(table: str, row: Row, ciphers: dict[tuple[str, str], Cipher], index: BlindIndex) -> Iterator[str]:
    for name, value in row.items():
        column = (table, name)
        if value is None:
            continue
        if column in ciphers:
            word = "refused" if _opened(ciphers[column], value) is None else "opened"
        elif column in INDEXES:
            indexed = INDEXES[column]
            plain = _opened(ciphers[table, indexed], row.get(indexed) or "")
            matches = plain is not None and compare_digest(index.fingerprint(plain), _bytes(value))
            word = "matched" if matches else "unmatched"
        else:
            raise Refused(f"{table}.{name} is not a column that this release encrypts")
        yield f"{word} {table}.{name}"


def _opened(cipher: Cipher, value: str) -> str | None:
    try:
        return cipher.decrypt(_bytes(value))
    except Refused:
        return None


def _bytes(value: str) -> bytes:
    """A value of the type bytea, as PostgreSQL writes it."""
    try:
        return bytes.fromhex(value.removeprefix("\\x"))
    except ValueError:
        return b""
