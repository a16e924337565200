"""The address that the proxy routes to belongs to another container now, and that one answers with an old release."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "2.3"
fails = {
    "the-api-reports-the-version-of-its-release",
    "the-proxy-routes-to-the-running-release",
    "no-unexpected-container-exists",
}
undetermined: set[str] = set()

FAULT = "route-to-reused-address"
STRANGER = "rehearsal"
ADDRESS = "docker inspect --format '{{.NetworkSettings.Networks.kamal.IPAddress}}'"

# The engine gives out the lowest free address, so the release first moves to it, and the stranger takes it from there.
TAKE_THE_LOWEST_ADDRESS = """
set -e
docker network disconnect kamal {web}
docker network connect kamal {web}
"""
LET_ANOTHER_TAKE_IT = """
set -e
docker network disconnect kamal {web}
docker run --detach --name {stranger} --network kamal --env-file /var/www/psyfit/.kamal/secrets \
  --env DATABASE_HOST=psyfit-db --env DATABASE_NAME=psyfit_production --env DATABASE_USER=psyfit_prod \
  --restart unless-stopped "$(docker inspect --format '{{{{.Config.Image}}}}' {old})" > /dev/null
docker network connect kamal {web}
[ "$({address_of} {stranger})" = {address} ]
"""


def inject(server: Server) -> None:
    fault_helpers.keep_route(server, FAULT)
    web = server.running_web()
    server.run(TAKE_THE_LOWEST_ADDRESS.format(web=web)).required()
    address = server.run(f"{ADDRESS} {web}").required().out.strip()
    fault_helpers.deploy(server, FAULT, target=f"{address}:3000")
    server.run(
        LET_ANOTHER_TAKE_IT.format(
            web=web, stranger=STRANGER, old=server.stopped_web(), address=address, address_of=ADDRESS
        )
    ).required()
    server.wait_until(fault_helpers.EDGE_ANSWERS, seconds=20)


def heal(server: Server) -> None:
    fault_helpers.attempt(server, f"docker rm --force {STRANGER}")
    fault_helpers.attempt(server, f"docker network connect kamal {server.running_web()}")
    fault_helpers.restore_route(server, FAULT)
