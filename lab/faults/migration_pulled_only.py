"""The clone has a pulled migration that the running image does not have: `db:migrate` there says all is well."""

from __future__ import annotations

from lab import fault_helpers
from lab.provisioning import OWNER
from lab.server import Server

section = "4.3"
fails = {"no-migration-is-pending", "the-running-release-is-the-one-deployed"}
undetermined: set[str] = set()

FAULT = "migration-pulled-only"
GIT = "git -C /var/www/psyfit -c user.name=Somebody -c user.email=somebody@psyfit.example"
PULL = f"""
set -e
umask 022
cd /var/www/psyfit
echo 'ALTER TABLE people ADD COLUMN nickname text;' > db/migrate/20990101000000_add_nickname.sql
{GIT} add db/migrate
{GIT} commit --quiet --message='Add a nickname'
{GIT} push --quiet origin main
"""
BACK = f"umask 022; {GIT} reset --quiet --hard %s && {GIT} push --quiet --force origin main"


def inject(server: Server) -> None:
    fault_helpers.keep(server, FAULT, "commit", f"sudo -n -u {OWNER} {GIT} rev-parse HEAD")
    server.run(PULL, user=OWNER).required()


def heal(server: Server) -> None:
    commit = fault_helpers.kept(server, FAULT, "commit")
    if commit:
        server.run(BACK % commit.strip(), user=OWNER).required()
    fault_helpers.forget(server, FAULT)
