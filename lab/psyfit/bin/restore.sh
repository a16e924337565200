#!/usr/bin/env bash
# Replaces the production database by a backup, after a typed yes.
#
#   restore.sh FILE       this backup
#   restore.sh --latest   the newest one, plain or encrypted
#   restore.sh --list     which there are
#
# The backup is read whole before anything is asked, and loaded into a database beside the one in use; the two change
# places only when all of it is in. What was there before is dumped to pre_restore_psyfit_production_*.sql.gz.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
become_root "$0" "$@"

incoming='' # the database that is being filled, while there is one
locked=''
outcome="$DB_NAME is as it was"

usage() {
  echo "usage: restore.sh FILE | --latest | --list" >&2
  exit 2
}

finish() {
  local status=$?
  if [ -n "$incoming" ]; then
    postgres --quiet --command "DROP DATABASE IF EXISTS \"$incoming\"" || error "The database $incoming is left over"
    postgres --quiet --command "ALTER DATABASE \"$DB_NAME\" ALLOW_CONNECTIONS true" || true
  fi
  [ -z "$locked" ] || remove_parts
  [ "$status" -eq 0 ] || error "Restore did not end well; $outcome"
}

# postgres OPTIONS…: psql on the maintenance database.
postgres() {
  docker exec "$DB_CONTAINER" psql --username="$DB_USER" --dbname=postgres --no-psqlrc --set=ON_ERROR_STOP=1 "$@"
}

list() {
  local name
  for name in $(dumps "$BACKUP_NAME"); do
    case $name in
      *.gpg) printf '%8s  %s  (encrypted)\n' "$(size_of "$BACKUPS/$name")" "$name" ;;
      *) printf '%8s  %s\n' "$(size_of "$BACKUPS/$name")" "$name" ;;
    esac
  done
}

# Whether the key ring here has the private half of a key that the file is encrypted to.
can_decrypt() {
  local key
  for key in $(gpg --batch --no-tty --list-only --status-fd 1 --decrypt "$1" 2> /dev/null |
    sed --quiet 's/^\[GNUPG:\] ENC_TO \([0-9A-F]*\) .*/\1/p'); do
    ! gpg --batch --no-tty --list-secret-keys "$key" > /dev/null 2>&1 || return 0
  done
  return 1
}

# plain FILE: the dump as it is read by psql. The key agent that gpg may start has to outlive no lock of ours.
plain() {
  case $1 in
    *.gpg) gpg --batch --quiet --no-tty --decrypt "$1" 9>&- 8>&- | gzip --decompress --stdout ;;
    *) gzip --decompress --stdout "$1" ;;
  esac
}

chosen() {
  local name
  case $1 in
    --latest)
      name=$(dumps "$BACKUP_NAME" | sed --quiet 1p)
      [ -n "$name" ] || die "There is no backup in $BACKUPS"
      printf '%s' "$BACKUPS/$name"
      ;;
    *)
      [ -f "$1" ] || die "There is no file $1"
      readlink -f "$1"
      ;;
  esac
}

load() {
  postgres --quiet --command "CREATE DATABASE \"$incoming\" TEMPLATE template0 OWNER \"$DB_USER\""
  plain "$1" | docker exec --interactive "$DB_CONTAINER" psql --username="$DB_USER" --dbname="$incoming" --no-psqlrc \
    --quiet --set=ON_ERROR_STOP=1 --single-transaction --output=/dev/null
  docker exec "$DB_CONTAINER" psql --username="$DB_USER" --dbname="$incoming" --no-psqlrc --quiet --command ANALYZE
}

# Nobody gets in between the end of the old connections and the new name.
change_places() {
  local old=$1
  postgres --quiet --output=/dev/null \
    --command "ALTER DATABASE \"$DB_NAME\" ALLOW_CONNECTIONS false" \
    --command "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '$DB_NAME'" \
    --command "BEGIN; ALTER DATABASE \"$DB_NAME\" RENAME TO \"$old\";
               ALTER DATABASE \"$incoming\" RENAME TO \"$DB_NAME\"; COMMIT"
}

[ $# -eq 1 ] || usage
case $1 in
  --list)
    list
    exit
    ;;
  --latest) ;;
  -*) usage ;;
esac

trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

file=$(chosen "$1")
case $file in
  *.gpg)
    can_decrypt "$file" ||
      die "$file is encrypted, and no private key that opens it is on this server: decrypt it where that key is"
    ;;
esac
info "Reading $file"
plain "$file" | complete_dump || die "$file is not a whole dump"

exec 9> "$BACKUP_LOCK" 8> "$DEPLOY_LOCK"
flock --nonblock 9 || die "A backup or another restore is running"
flock --nonblock 8 || die "A deploy is running"
locked=yes

printf 'This replaces the database %s by %s. Type yes to go on: ' "$DB_NAME" "$(basename "$file")"
answer=''
read -r answer || true
[ "$answer" = yes ] || die "The answer was not yes"

stamp=$(date +%Y%m%d_%H%M%S)
recipient=$(setting BACKUP_ENCRYPT_KEY)
before=$BACKUPS/pre_restore_${DB_NAME}_$stamp.sql.gz${recipient:+.gpg}
write_dump "$before" "$recipient" || die "What is there now could not be dumped"
info "Dumped what is there now: $before ($(size_of "$before"))"

incoming=${DB_NAME}_incoming_$stamp
load "$file"
change_places "${DB_NAME}_outgoing_$stamp"
incoming=''
outcome="$DB_NAME is the restored one"
info "Restored $file"
postgres --quiet --command "DROP DATABASE \"${DB_NAME}_outgoing_$stamp\""
warn "Roles and grants are in no backup: grant anew what other accounts need"
info "Restore finished"
