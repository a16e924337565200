"""Who runs this, as this machine knows them."""

from __future__ import annotations

import getpass
import os


def operator() -> str:
    """The account's name; in a container it may have none, and is then its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
