"""nginx forwards the requests to a port on which nothing listens."""

from __future__ import annotations

from lab import fault_helpers, nginx_certificate
from lab.edge import NGINX, SITE
from lab.server import Server

section = "2.3"
edge = NGINX
fails = {"https-traffic-reaches-kamal-proxy", "the-application-itself-answers-the-health-check"}
undetermined = {*fault_helpers.STANDS_ON_THE_ANSWER}


def inject(server: Server) -> None:
    server.run(f"sed -i s/127.0.0.1:8080/127.0.0.1:8081/ {SITE} && nginx -s reload").required()
    server.wait_until("! curl --silent --fail --output /dev/null https://psytech.jp/up", seconds=10)


def heal(server: Server) -> None:
    server.run(f"sed -i s/127.0.0.1:8081/127.0.0.1:8080/ {SITE}").required()
    nginx_certificate.reload(server)
