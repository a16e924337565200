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

# configured FILE KEY: what the AWS CLI's own file of this name says under [default].
configured() {
  [ ! -r "$HOME/.aws/$1" ] || awk -v key="$2" '
    /^\[/ { here = $1 == "[default]" }
    here && $1 ~ "^" key "(=|$)" { sub(/^[^=]*= */, ""); print; exit }' "$HOME/.aws/$1"
}

# By curl, as the AWS CLI is configured: that CLI itself is 100 MB and takes a second to start, and Debian's cannot give
# S3 the SHA-256 at `s3 cp`, without which nobody can tell later whether the copy is the backup. The key goes through a
# pipe, into no argument list.
upload() {
  local path=$1 bucket=$2 name id secret region endpoint sum
  name=backups/psyfit/$(basename "$path")
  id=$(configured credentials aws_access_key_id)
  secret=$(configured credentials aws_secret_access_key)
  if [ -z "$id" ] || [ -z "$secret" ]; then
    die "BACKUP_S3_BUCKET is set, but $HOME/.aws/credentials holds no key: $path was not copied"
  fi
  region=$(configured config region)
  region=${region:-us-east-1}
  endpoint=$(configured config endpoint_url)
  sum=$(sha256sum < "$path" | cut --delimiter=' ' --fields=1)
  curl --silent --show-error --fail --output /dev/null --connect-timeout 10 --max-time 900 --retry 2 \
    --aws-sigv4 "aws:amz:$region:s3" --config <(printf 'user = "%s:%s"\n' "$id" "$secret") \
    --header "x-amz-content-sha256: $sum" --header 'x-amz-sdk-checksum-algorithm: SHA256' \
    --header "x-amz-checksum-sha256: $(printf '%b' "$(sed 's/../\\x&/g' <<< "$sum")" | base64)" \
    --upload-file "$path" "${endpoint:-https://s3.$region.amazonaws.com}/$bucket/$name" ||
    die "Copying $path to s3://$bucket/$name failed"
  info "Copied to s3://$bucket/$name"
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
