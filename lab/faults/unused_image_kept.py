"""An image that no container uses takes more than 10 % of the Docker Engine's disk, which is small."""

from __future__ import annotations

from lab import fault_helpers, small_disk
from lab.server import Server

section = "9.3"
fails = {"reclaimable-docker-data-stays-small"}
undetermined: set[str] = set()

FAULT = "unused-image-kept"
IMAGE = "psyfit:left-over"
IMPORT = f"""
set -eu
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
truncate --size=260M "$folder"/layer
tar --create --directory="$folder" layer | docker import - {IMAGE} > /dev/null
"""


def inject(server: Server) -> None:
    server.run(IMPORT).required()
    small_disk.put(server, FAULT, megabytes=2000)


def heal(server: Server) -> None:
    small_disk.take_away(server, FAULT)
    fault_helpers.attempt(server, f"docker rmi {IMAGE} 2> /dev/null")
