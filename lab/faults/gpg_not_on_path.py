"""gpg is where a shell of root's may find it, and no job of cron's does."""

from __future__ import annotations

from lab.server import Server

section = "6.4"
fails = {"cron-jobs-find-their-programs-on-path"}
undetermined = {"the-backup-key-does-not-expire-soon"}


def inject(server: Server) -> None:
    server.run("mkdir -p /opt/gnupg/bin && mv /usr/bin/gpg /opt/gnupg/bin/").required()


def heal(server: Server) -> None:
    server.run("[ ! -e /opt/gnupg/bin/gpg ] || mv /opt/gnupg/bin/gpg /usr/bin/; rm -rf /opt/gnupg").required()
