"""What faults of the edge with nginx do alike: another certificate in certbot's folders, nginx told of it or not."""

from __future__ import annotations

from lab import fault_helpers
from lab.edge import ARCHIVE, LIVE
from lab.server import Server

RENEW = (
    f"openssl x509 -in {ARCHIVE}/cert1.pem -signkey {ARCHIVE}/privkey1.pem -days 80 -out {ARCHIVE}/cert2.pem "
    f"&& cp {ARCHIVE}/cert2.pem {ARCHIVE}/fullchain2.pem && cp {ARCHIVE}/chain1.pem {ARCHIVE}/chain2.pem "
    f"&& cp --preserve=mode {ARCHIVE}/privkey1.pem {ARCHIVE}/privkey2.pem"
)
"""Certbot's second certificate, for the key of the first."""


def renew(server: Server) -> None:
    """Renew the certificate as certbot does, but for nginx, which is not told of it."""
    server.run(f"{RENEW} && {_linked(2)}").required()


def another_key(server: Server) -> None:
    """Put another key in the place of the certificate's."""
    key, _ = fault_helpers.certificate_for(server, "psytech.jp", days=60)
    server.run(f"umask 077; cat > {ARCHIVE}/privkey2.pem", stdin=key).required()
    server.run(f"ln -sfn ../../archive/psytech.jp/privkey2.pem {LIVE}/privkey.pem").required()


def first_certificate(server: Server) -> None:
    """The certificate and the key that were there first."""
    server.run(f"{_linked(1)}; rm -f {ARCHIVE}/*2.pem").required()
    reload(server)


def reload(server: Server) -> None:
    """Make nginx read its files, and wait until the service is well."""
    server.run("nginx -t -q && nginx -s reload").required()
    fault_helpers.wait_until_well(server)


def _linked(number: int) -> str:
    names = "cert chain fullchain privkey"
    return f"for n in {names}; do ln -sfn ../../archive/psytech.jp/${{n}}{number}.pem {LIVE}/$n.pem; done"
