"""A commit of an old branch had .env in it, with the database's password."""

from __future__ import annotations

from lab.provisioning import OWNER
from lab.server import Server

section = "8.1"
fails = {"the-secrets-are-not-in-git"}
undetermined: set[str] = set()

COMMIT = r"""
set -eu
cd /var/www/psyfit
file=$(git hash-object -w --stdin)
tree=$(printf '100644 blob %s\t.env\n' "$file" | git mktree)
export GIT_AUTHOR_NAME=PsyFit GIT_AUTHOR_EMAIL=dev@psyfit.example
export GIT_COMMITTER_NAME=PsyFit GIT_COMMITTER_EMAIL=dev@psyfit.example
git update-ref refs/heads/old "$(git commit-tree -m 'As it was once' "$tree")"
"""


def inject(server: Server) -> None:
    secret = server.run("grep '^POSTGRES_PASSWORD=' /var/www/psyfit/.kamal/secrets").required().out
    server.run(COMMIT, user=OWNER, stdin=secret.encode()).required()


def heal(server: Server) -> None:
    script = "cd /var/www/psyfit && git update-ref -d refs/heads/old && git prune --expire=now"
    server.run(script, user=OWNER).required()
