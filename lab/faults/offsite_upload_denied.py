"""The server's key may not write to the off-site bucket any more: the nightly backup ends with an error."""

from __future__ import annotations

from lab import LabError, aside, hands, offsite
from lab.server import Server

section = "5.5"
fails = {"the-last-backup-run-succeeded"}
undetermined = {"the-backup-log-matches-the-backups"}

FAULT = "offsite-upload-denied"
LOG = "/var/log/psyfit-backup.log"
NIGHTLY = f"BACKUP_S3_BUCKET={offsite.BUCKET} /var/www/psyfit/bin/backup.sh"
REMOVE_NEW = f"""
set -eu
cd {aside.BACKUPS}
[ ! -e {hands.KEPT}/{FAULT}/before ] || ls | grep -vxF -f {hands.KEPT}/{FAULT}/before | xargs -r rm --
"""


def inject(server: Server) -> None:
    aside.edit_log(server, FAULT, LOG, "cat")
    hands.keep(server, FAULT, "before", f"ls {aside.BACKUPS}")
    offsite.administrator(server, "iam").delete_user_policy(UserName="backup", PolicyName="own")
    done = server.run(f"{NIGHTLY} >> {LOG} 2>&1", seconds=60)
    if done.status == 0:
        raise LabError("the backup ended well, although its copy was refused")


def heal(server: Server) -> None:
    offsite.heal(server)
    hands.attempt(server, REMOVE_NEW)
    aside.restore_log(server, FAULT, LOG)
