#!/usr/bin/env bash
# Dumps the database to /var/backups/psyfit and removes what is past its time. Encrypts to BACKUP_ENCRYPT_KEY and
# copies to BACKUP_S3_BUCKET where these are set, in the environment or in .env.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
become_root "$0" "$@"

readonly KEEP_DAYS=30
readonly KEEP_NEWEST=7 # whatever their age: when no new ones come, the old ones are all there is

finish() {
  local status=$?
  if [ "$status" -ne 0 ]; then
    [ -z "${locked:-}" ] || remove_parts
    error "Backup failed"
  fi
}

remove_old() {
  local name
  for name in $(dumps "$BACKUP_NAME" | tail -n "+$((KEEP_NEWEST + 1))") $(dumps "pre_restore_$BACKUP_NAME"); do
    if [ -n "$(find "$BACKUPS/$name" -mtime "+$KEEP_DAYS")" ]; then
      rm "$BACKUPS/$name"
      info "Removed $name: older than $KEEP_DAYS days"
    fi
  done
}

upload() {
  local path=$1 bucket=$2
  command -v aws > /dev/null || die "BACKUP_S3_BUCKET is set, but there is no aws command here: $path was not copied"
  timeout 900 aws s3 cp --only-show-errors "$path" "s3://$bucket/backups/psyfit/$(basename "$path")" ||
    die "Copying $path to s3://$bucket/backups/psyfit/ failed"
  info "Copied to s3://$bucket/backups/psyfit/$(basename "$path")"
}

trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

[ -d "$BACKUPS" ] || die "$BACKUPS is missing"
exec 9> "$BACKUP_LOCK"
flock --nonblock 9 || die "Another backup or a restore is running"
locked=yes
remove_parts

recipient=$(setting BACKUP_ENCRYPT_KEY)
bucket=$(setting BACKUP_S3_BUCKET)
path=$BACKUPS/psyfit_production_$(date +%Y%m%d_%H%M%S).sql.gz${recipient:+.gpg}

info "Backup of $DB_NAME started${recipient:+, encrypted to $recipient}"
write_dump "$path" "$recipient" || die "The dump did not become whole; nothing was kept of it"
info "Backup successful: $path ($(size_of "$path"))"
remove_old
if [ -n "$bucket" ]; then
  upload "$path" "$bucket"
fi
info "Backup completed successfully."
