#!/usr/bin/env bash
# Saves the database, the uploaded files and the keys in /var/backups/psyfit, and removes what is past its time. Encrypts
# to BACKUP_ENCRYPT_KEY and copies to BACKUP_S3_BUCKET where these are set, in the environment or in .env. The keys are
# encrypted always, to BACKUP_KEYS_RECIPIENT where no BACKUP_ENCRYPT_KEY is set.
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

but_newest() { dumps "$1" | tail -n "+$((KEEP_NEWEST + 1))"; }

remove_old() {
  local name
  for name in $(but_newest "$BACKUP_NAME") $(but_newest "$FILES_NAME") $(but_newest "$KEYS_NAME") \
    $(dumps "pre_restore_$BACKUP_NAME"); do
    if [ -n "$(find "$BACKUPS/$name" -mtime "+$KEEP_DAYS")" ]; then
      rm "$BACKUPS/$name"
      info "Removed $name: older than $KEEP_DAYS days"
    fi
  done
}

# After the dump: a file that no row names does no harm, a row whose file is missing does.
save_the_rest() {
  local stamp=$1 recipient=$2 files keys
  files=$BACKUPS/${FILES_VOLUME}_$stamp.tar.gz${recipient:+.gpg}
  write_files "$files" "$recipient" || die "The archive of the files did not become whole; nothing was kept of it"
  info "Files saved: $files ($(size_of "$files"))"
  keys=$BACKUPS/psyfit_keys_$stamp.tar.gpg
  [ -n "$recipient" ] || recipient=$(setting BACKUP_KEYS_RECIPIENT)
  [ -n "$recipient" ] || die "The keys were not saved: neither BACKUP_ENCRYPT_KEY nor BACKUP_KEYS_RECIPIENT is set"
  write_keys "$keys" "$recipient" || die "The keys could not be saved; nothing was kept of them"
  info "Keys saved: $keys, encrypted to $recipient"
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
stamp=$(date +%Y%m%d_%H%M%S)
path=$BACKUPS/psyfit_production_$stamp.sql.gz${recipient:+.gpg}

info "Backup of $DB_NAME started${recipient:+, encrypted to $recipient}"
write_dump "$path" "$recipient" || die "The dump did not become whole; nothing was kept of it"
info "Backup successful: $path ($(size_of "$path"))"
save_the_rest "$stamp" "$recipient"
remove_old
if [ -n "$bucket" ]; then
  for path in "$BACKUPS"/*_"$stamp".*; do
    upload "$path" "$bucket"
  done
fi
info "Backup completed successfully."
