"""What the faults do alike that put another container in the place of one that runs: made otherwise, else the same."""

from __future__ import annotations

import shlex

from lab import hands
from lab.server import Server

ASIDE = "psyfit-web-exec-"
"""Begins the name of what is put aside: kamal calls so what it runs once, and nobody takes it for a release."""

MAKE = """
set -eu
docker inspect --format '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' {aside} | grep . |
  docker {how} --name {name} --network kamal --restart unless-stopped --env-file /dev/stdin {options} \
  "$(docker inspect --format '{{{{.Config.Image}}}}' {aside})" {command}
"""


def beside(server: Server, fault: str, options: str) -> None:
    """Put another container in the place of the running release, which runs on under another name until `put_back`."""
    name = server.running_web()
    _put_aside(server, fault, name)
    _make(server, fault, name, options)
    hands.wait_until_well(server)


def instead(server: Server, fault: str, name: str, options: str, ready: str) -> None:
    """Stop a container and start another in its place, until `put_back`; ``ready`` is what then must end well."""
    server.run(f"docker stop --time 10 {shlex.quote(name)}").required()
    _put_aside(server, fault, name)
    _make(server, fault, name, options)
    server.wait_until(ready, seconds=20)


def like(server: Server, like: str, name: str, command: str = "") -> None:
    """Make a container with the image and the variables of another, and start it not."""
    server.run(MAKE.format(aside=shlex.quote(like), name=name, how="create", options="", command=command)).required()


def put_back(server: Server, fault: str) -> None:
    """Put the container itself back in its place, and wait until the service is well."""
    name = hands.kept(server, fault, "container")
    if name is not None:
        aside, quoted = f"{ASIDE}{fault}", shlex.quote(name.strip())
        server.run(
            f"! docker inspect {aside} > /dev/null 2>&1 || "
            f"{{ docker rm --force {quoted} > /dev/null 2>&1; docker rename {aside} {quoted}; }}; docker start {quoted}"
        ).required()
    hands.wait_until_well(server)
    hands.forget(server, fault)


def _put_aside(server: Server, fault: str, name: str) -> None:
    hands.keep(server, fault, "container", f"echo {shlex.quote(name)}")
    server.run(f"docker rename {shlex.quote(name)} {ASIDE}{fault}").required()


def _make(server: Server, fault: str, name: str, options: str) -> None:
    making = MAKE.format(
        aside=f"{ASIDE}{fault}", name=shlex.quote(name), how="run --detach", options=options, command=""
    )
    server.run(making).required()
