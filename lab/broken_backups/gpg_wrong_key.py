"""A backup is encrypted to a key of which nobody has the private half."""

from __future__ import annotations

from lab import bad_copies
from lab.server import Server

says = "nothing in that key ring opens it"

SCRIPT = r"""
ring=$(mktemp -d)
trap 'gpgconf --homedir "$ring" --kill all; rm -r "$ring"' EXIT
gpg --homedir "$ring" --batch --quiet --passphrase '' \
  --quick-generate-key somebody@example.com default default never 2> /dev/null
gpg --homedir "$ring" --batch --quiet --no-tty --trust-model always --recipient somebody@example.com \
  --output "$file" --encrypt "$plain"
"""


def make(server: Server) -> str:
    return bad_copies.written(server, "gpg-wrong-key", SCRIPT, sealed=True)
