"""The disk of the Docker Engine has no room for another image."""

from __future__ import annotations

from lab import hands
from lab.server import Server

section = "4.1"
fails = {"there-is-room-for-another-release"}
undetermined: set[str] = set()

FAULT = "docker-disk-small"
ROOT = "/var/lib/docker"
REAL = f"{hands.KEPT}/{FAULT}/real"

# A small disk in its place, and in it all that the engine has: it goes on as before.
INJECT = f"""
set -eu
mkdir -p {REAL}
mount --rbind {ROOT} {REAL}
mount --make-rprivate {REAL}
mount --types tmpfs --options size=64m,mode=0711 tmpfs {ROOT}
for one in {REAL}/*/; do
  mkdir {ROOT}/"$(basename "$one")"
  mount --rbind "$one" {ROOT}/"$(basename "$one")"
done
mount --make-rprivate {ROOT}
"""

HEAL = f"""
set -eu
if grep -q ' {ROOT} .* - tmpfs ' /proc/self/mountinfo; then
  umount --lazy {ROOT}
fi
if grep -q ' {REAL} ' /proc/self/mountinfo; then
  umount --lazy {REAL}
fi
rmdir {REAL} 2> /dev/null || [ ! -e {REAL} ]
"""


def inject(server: Server) -> None:
    server.run(INJECT).required()


def heal(server: Server) -> None:
    server.run(HEAL).required()
    hands.forget(server, FAULT)
