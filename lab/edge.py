"""Who ends TLS on a lab: kamal-proxy itself, or nginx in front of it with a certificate of certbot's."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Literal, get_args

from lab.keys import DOMAIN, Keys
from lab.server import Server

Edge = Literal["kamal-proxy", "nginx"]
EDGES: tuple[Edge, ...] = get_args(Edge)
KAMAL_PROXY, NGINX = EDGES

HERE = Path(__file__).resolve().parent / "nginx"
PUBLISHED = {KAMAL_PROXY: "--publish 80:80 --publish 443:443", NGINX: "--publish 127.0.0.1:8080:80"}
"""How the proxy's container is reached: by everybody, or by nginx alone."""

LETS_ENCRYPT = "/etc/letsencrypt"
LIVE = f"{LETS_ENCRYPT}/live/{DOMAIN}"
ARCHIVE = f"{LETS_ENCRYPT}/archive/{DOMAIN}"
RENEWAL = f"{LETS_ENCRYPT}/renewal/{DOMAIN}.conf"
HOOK = f"{LETS_ENCRYPT}/renewal-hooks/deploy/reload-nginx"
SITE = f"/etc/nginx/sites-available/{DOMAIN}"
ENABLED = f"/etc/nginx/sites-enabled/{DOMAIN}"

FURNISH = f"""
set -e
umask 022
install -d -m 0700 {LETS_ENCRYPT}/live {LETS_ENCRYPT}/archive
install -d -m 0755 {LIVE} {ARCHIVE} {LETS_ENCRYPT}/renewal {LETS_ENCRYPT}/renewal-hooks/deploy /var/www/letsencrypt
tar --extract --no-same-owner --directory=/ --file=-
for name in cert chain fullchain privkey; do
  ln -s ../../archive/{DOMAIN}/${{name}}1.pem {LIVE}/$name.pem
done
rm -f /etc/nginx/sites-enabled/default
ln -s {SITE} {ENABLED}
nginx
"""


def of(server: Server) -> Edge:
    """The edge that a lab was made with."""
    return NGINX if server.run(f"test -e {ENABLED}").status == 0 else KAMAL_PROXY


def proxy_options(edge: Edge, text: str) -> str:
    """The repository's options of the proxy on this edge: behind nginx it ends no TLS, and believes its headers."""
    if edge == KAMAL_PROXY:
        return text
    lines = (line for line in text.splitlines() if not line.startswith("--tls"))
    return "".join(f"{line.replace('--forward-headers=false', '--forward-headers')}\n" for line in lines)


def furnish(server: Server, keys: Keys) -> None:
    """Put certbot's folders and nginx's configuration where they belong, and start nginx."""
    files = {
        f"{ARCHIVE}/cert1.pem": (keys.certificate, 0o644),
        f"{ARCHIVE}/chain1.pem": (keys.authority, 0o644),
        f"{ARCHIVE}/fullchain1.pem": (keys.certificate + keys.authority, 0o644),
        f"{ARCHIVE}/privkey1.pem": (keys.certificate_key, 0o600),
        RENEWAL: ((HERE / "renewal.conf").read_bytes(), 0o644),
        HOOK: ((HERE / "reload-nginx").read_bytes(), 0o755),
        SITE: ((HERE / "site").read_bytes(), 0o644),
    }
    server.run(FURNISH, stdin=_tar(files)).required()


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, (content, mode) in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
