"""The key that nginx would load is another than the certificate's: it would not start again."""

from __future__ import annotations

from lab import front
from lab.edge import NGINX
from lab.server import Server

section = "7"
edge = NGINX
fails = {"private-key-matches-the-certificate"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    front.another_key(server)


def heal(server: Server) -> None:
    front.first_certificate(server)
