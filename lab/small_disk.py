"""A small disk in the place of the Docker Engine's, and in it all that the engine has: it goes on as before."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

ROOT = "/var/lib/docker"

PUT = """
set -eu
mkdir -p {real}
mount --rbind {root} {real}
mount --make-rprivate {real}
mount --types tmpfs --options size={megabytes}m,mode=0711 tmpfs {root}
for one in {real}/*/; do
  mkdir {root}/"$(basename "$one")"
  mount --rbind "$one" {root}/"$(basename "$one")"
done
mount --make-rprivate {root}
"""

TAKE = """
set -eu
if grep -q ' {root} .* - tmpfs ' /proc/self/mountinfo; then
  umount --lazy {root}
fi
if grep -q ' {real} ' /proc/self/mountinfo; then
  umount --lazy {real}
fi
rmdir {real} 2> /dev/null || [ ! -e {real} ]
"""


def put(server: Server, fault: str, megabytes: int) -> None:
    """Put a disk of this size in the place of the engine's, until `take_away`."""
    server.run(PUT.format(root=ROOT, real=_real(fault), megabytes=megabytes)).required()


def take_away(server: Server, fault: str) -> None:
    """Take it away, so that the engine's own is seen again."""
    server.run(TAKE.format(root=ROOT, real=_real(fault))).required()
    fault_helpers.forget(server, fault)


def _real(fault: str) -> str:
    return f"{fault_helpers.KEPT}/{fault}/real"
