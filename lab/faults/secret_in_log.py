"""The running release wrote its encryption key to its log."""

from __future__ import annotations

from lab import fault_helpers
from lab.server import Server

section = "8.1"
fails = {"the-secrets-are-not-in-the-logs"}
undetermined: set[str] = set()

FAULT = "secret-in-log"
LOG = f"$(docker inspect --format '{{{{.LogPath}}}}' {fault_helpers.RELEASE})"
WRITE = r"""
sed -n 's/^ATTR_ENCRYPTED_KEY=/key is /p' /var/www/psyfit/.kamal/secrets |
  docker exec -i {release} sh -c 'cat > /proc/1/fd/1'
"""


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "size", f"stat --format=%s {LOG}")
    server.run(WRITE.format(release=fault_helpers.RELEASE)).required()


def heal(server: Server) -> None:
    size = fault_helpers.kept(server, FAULT, "size")
    if size is not None:
        server.run(f"truncate --size={int(size)} {LOG}").required()
    fault_helpers.forget(server, FAULT)
