"""What must hold before the server starts: the keys are there, are the right ones, and the database answers."""

from __future__ import annotations

import hmac

from . import credentials, settings
from .ciphers import BlindIndex, Cipher
from .database import DatabaseFailed, transaction
from .refusal import Refused
from .settings import DatabaseSettings, Keys

WRONG_BLIND_INDEX = "BLIND_INDEX_KEY does not match the blind index stored with people: nobody could log in"


def check() -> None:
    """Look at the environment, the credentials and one stored person.

    Raises:
        Refused: With the reason that the log shall have.
    """
    keys = settings.keys()
    settings.required("SECRET_KEY_BASE")
    credentials.check(settings.master_key())
    check_keys(keys, settings.database())


def check_keys(keys: Keys, database: DatabaseSettings) -> None:
    """Try the keys on a stored person; a database without people is as good as a right key.

    Raises:
        Refused: The database cannot be reached, or a key is not the one that the data was written with.
    """
    try:
        with transaction(database) as cursor:
            cursor.execute("SELECT to_regclass('people')")
            if cursor.fetchone() == (None,):
                return
            cursor.execute("SELECT email_ciphertext, email_bidx FROM people ORDER BY id LIMIT 1")
            row = cursor.fetchone()
    except DatabaseFailed as failure:
        raise Refused(f"Database connection not established: {failure}") from None
    if row is not None:
        check_person(keys, bytes(row[0]), bytes(row[1]))


def check_person(keys: Keys, email_ciphertext: bytes, email_bidx: bytes) -> None:
    """Try both keys on one person's stored address.

    Raises:
        Refused: Naming the key that is not the right one.
    """
    try:
        address = Cipher(keys.attributes, "people.email").decrypt(email_ciphertext)
    except Refused as refusal:
        raise Refused(f"{refusal}: ATTR_ENCRYPTED_KEY is not the key of the stored people") from None
    if not hmac.compare_digest(BlindIndex(keys.blind_index).fingerprint(address), email_bidx):
        raise Refused(WRONG_BLIND_INDEX)
