"""The server's key may not write to the off-site bucket any more: the nightly backup ends with an error."""

from __future__ import annotations

from lab import LabError, fault_helpers, offsite, stashed_files
from lab.server import Server

section = "5.5"
fails = {"the-last-backup-run-succeeded"}
undetermined = {"the-backup-log-matches-the-backups"}

FAULT = "offsite-upload-denied"
LOG = "/var/log/psyfit-backup.log"
NIGHTLY = f"BACKUP_S3_BUCKET={offsite.BUCKET} /var/www/psyfit/bin/backup.sh"
REMOVE_NEW = f"""
set -eu
cd {stashed_files.BACKUPS}
[ ! -e {fault_helpers.KEPT}/{FAULT}/before ] || ls | grep -vxF -f {fault_helpers.KEPT}/{FAULT}/before | xargs -r rm --
"""


def inject(server: Server) -> None:
    stashed_files.edit_log(server, FAULT, LOG, "cat")
    fault_helpers.keep(server, FAULT, "before", f"ls {stashed_files.BACKUPS}")
    offsite.administrator(server, "iam").delete_user_policy(UserName="backup", PolicyName="own")
    done = server.run(f"{NIGHTLY} >> {LOG} 2>&1", seconds=60)
    if done.status == 0:
        raise LabError("the backup ended well, although its copy was refused")


def heal(server: Server) -> None:
    offsite.heal(server)
    fault_helpers.attempt(server, REMOVE_NEW)
    stashed_files.restore_log(server, FAULT, LOG)
