"""Nothing starts certbot any more: its line of cron is commented out."""

from __future__ import annotations

from lab.edge import NGINX
from lab.server import Server

section = "7"
edge = NGINX
fails = {"certificate-renewal-runs-automatically"}
undetermined: set[str] = set()


def inject(server: Server) -> None:
    server.run("sed -i 's,^0 ,#0 ,' /etc/cron.d/certbot").required()


def heal(server: Server) -> None:
    server.run("sed -i 's,^#0 ,0 ,' /etc/cron.d/certbot").required()
