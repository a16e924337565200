"""What the faults do alike that make a container like another one: its image and variables, and something else changed.

The variables go through a pipe, so that they are in no argument list and in no file.
"""

from __future__ import annotations

import shlex

from lab import fault_helpers
from lab.server import Server

ASIDE = "psyfit-web-exec-"
"""Begins the name of what is put aside: kamal calls so what it runs once, and nobody takes it for a release."""

EARLIER = "psyfit-web-1000000000"
"""A release by its name, and an earlier one than all others."""

MAKE = """
set -eu
docker inspect --format '{{{{range .Config.Env}}}}{{{{println .}}}}{{{{end}}}}' {like} | grep . | ( {change} ) |
  docker {how} --name {name} --network kamal --env-file /dev/stdin {options} \
  "$(docker inspect --format '{{{{.Config.Image}}}}' {like})" {command}
"""
RESTARTS = "--restart unless-stopped"
LOGS = "--log-driver json-file --log-opt max-size=50m --log-opt max-file=5"
"""How a release is told to keep its log."""


def beside(server: Server, fault: str, options: str) -> None:
    """Put another container in the place of the running release, which runs on under another name until `put_back`."""
    name = server.running_web()
    _put_aside(server, fault, name)
    _make(server, f"{ASIDE}{fault}", name, "run --detach", options=f"{RESTARTS} {options}")
    fault_helpers.wait_until_well(server)


def instead(server: Server, fault: str, name: str, options: str, ready: str) -> None:
    """Stop a container and start another in its place, until `put_back`; ``ready`` is what then must end well."""
    server.run(f"docker stop --time 10 {shlex.quote(name)}").required()
    _put_aside(server, fault, name)
    _make(server, f"{ASIDE}{fault}", name, "run --detach", options=f"{RESTARTS} {options}")
    server.wait_until(ready, seconds=20)


def put_back(server: Server, fault: str) -> None:
    """Put the container itself back in its place, and wait until the service is well."""
    name = fault_helpers.kept(server, fault, "container")
    if name is not None:
        aside, quoted = f"{ASIDE}{fault}", shlex.quote(name.strip())
        server.run(
            f"! docker inspect {aside} > /dev/null 2>&1 || "
            f"{{ docker rm --force {quoted} > /dev/null 2>&1; docker rename {aside} {quoted}; }}; docker start {quoted}"
        ).required()
    fault_helpers.wait_until_well(server)
    fault_helpers.forget(server, fault)


def add_failed(server: Server, name: str, change: str = "cat", command: str = "") -> None:
    """Add a release that ends as it starts, its environment changed by a filter, until `take_failed`."""
    _make(server, server.running_web(), name, "create", options="--restart no", change=change, command=command)
    server.run(f"docker start {name}").required()
    server.wait_until(f'[ "$(docker inspect --format "{{{{.State.Status}}}}" {name})" = exited ]', seconds=10)


def take_failed(server: Server, name: str) -> None:
    """Take it away."""
    fault_helpers.attempt(server, f"docker rm --force {name}")


def _put_aside(server: Server, fault: str, name: str) -> None:
    fault_helpers.keep(server, fault, "container", f"echo {shlex.quote(name)}")
    server.run(f"docker rename {shlex.quote(name)} {ASIDE}{fault}").required()


def _make(
    server: Server, like: str, name: str, how: str, *, options: str, change: str = "cat", command: str = ""
) -> None:
    server.run(MAKE.format(like=like, name=name, how=how, options=options, change=change, command=command)).required()
