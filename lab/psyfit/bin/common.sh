# shellcheck shell=bash disable=SC2034  # names that only the other scripts use
# What the scripts beside this file share: names, log lines, settings, the release's environment, whole dumps.

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
umask 077

readonly APP_DIR=/var/www/psyfit
readonly DOMAIN=psytech.jp
readonly NETWORK=kamal
readonly PROXY=kamal-proxy
readonly PROXY_STATE=/home/kamal-proxy/.config/kamal-proxy/kamal-proxy.state
readonly SERVICE=psyfit-web
readonly WEB_NAME='^psyfit-web-[0-9]+$' # neither …-exec-… nor …_replaced_…
readonly DB_CONTAINER=psyfit-db
readonly DB_NAME=psyfit_production
readonly DB_USER=psyfit_prod
readonly FILES_VOLUME=psyfit_storage # what people upload: the database has the names alone
readonly FILES_PATH=/rails/storage
readonly BACKUPS=/var/backups/psyfit
readonly BACKUP_NAME='psyfit_production_[0-9]{8}_[0-9]{6}\.sql\.gz(\.gpg)?'
readonly FILES_NAME='psyfit_storage_[0-9]{8}_[0-9]{6}\.tar\.gz(\.gpg)?'
readonly KEYS_NAME='psyfit_keys_[0-9]{8}_[0-9]{6}\.tar\.gpg'
readonly DEPLOY_LOCK=/run/lock/psyfit-deploy.lock
readonly BACKUP_LOCK=/run/lock/psyfit-backup.lock
readonly SECRETS=$APP_DIR/.kamal/secrets
readonly SECRET_NAMES='RAILS_MASTER_KEY SECRET_KEY_BASE ATTR_ENCRYPTED_KEY BLIND_INDEX_KEY POSTGRES_PASSWORD REDIS_PASSWORD'

log() { printf '[%s] [%s] %s\n' "$(date '+%F %T')" "$1" "$2"; }
info() { log INFO "$1"; }
warn() { log WARN "$1"; }
error() { log ERROR "$1" >&2; }

die() {
  error "$1"
  exit 1
}

# become_root SCRIPT ARGUMENTS…: goes on as root; settings that were exported stay.
become_root() {
  [ "$(id -u)" -eq 0 ] ||
    exec sudo --non-interactive --preserve-env=BACKUP_ENCRYPT_KEY,BACKUP_KEYS_RECIPIENT,BACKUP_S3_BUCKET,ALERT_EMAIL -- "$@"
}

# git_in_clone ARGUMENTS…: git as the account that the clone belongs to. Whoever may write a clone's configuration says
# there what git starts, so that root never asks in a clone that is not its own.
git_in_clone() {
  local owner
  owner=$(stat --dereference --format=%U "$APP_DIR") || return
  if [ "$(id -un)" = "$owner" ]; then
    git -C "$APP_DIR" "$@"
  else
    setpriv --reuid "$owner" --regid "$(id -g "$owner")" --clear-groups --no-new-privs --reset-env \
      git -C "$APP_DIR" "$@"
  fi
}

# setting NAME: from the environment, even if empty, else from .env, which is read and never executed (cron's jobs see
# nothing that somebody exported).
setting() {
  if [ -n "${!1+set}" ]; then
    printf '%s' "${!1}"
  elif [ -r "$APP_DIR/.env" ]; then
    sed --quiet "s/^\(export \)\?$1=[\"']\?\([^\"']*\)[\"']\?\$/\2/p" "$APP_DIR/.env" | tail -n 1
  fi
}

# release_run OPTIONS… IMAGE COMMAND…: `docker run` with a release's environment. The secrets go through a pipe, so
# that they are in no argument list and in no second file.
release_run() {
  local names=${SECRET_NAMES// /|}
  docker run --network "$NETWORK" \
    --env "DATABASE_HOST=$DB_CONTAINER" --env "DATABASE_NAME=$DB_NAME" --env "DATABASE_USER=$DB_USER" \
    --env-file <(grep --extended-regexp "^($names)=" "$SECRETS") "$@"
}

# web_containers STATUS: the names of the releases' containers with this status, newest first.
web_containers() {
  docker ps --all --filter "name=^/$SERVICE-" --filter "status=$1" --format '{{.Names}}' |
    { grep --extended-regexp "$WEB_NAME" || true; } | sort --reverse
}

# proxy_state: what the proxy keeps of its services, as JSON.
proxy_state() {
  # shellcheck disable=SC2016  # the inner shell's own variables
  docker exec "$PROXY" sh -c 'if [ -e "$1" ]; then cat "$1"; else echo "[]"; fi' sh "$PROXY_STATE"
}

# dumps REGEX: the names of the backups that are here, newest first.
dumps() {
  find "$BACKUPS" -maxdepth 1 -type f -regextype posix-extended -regex ".*/$1" -printf '%f\n' | sort --reverse
}

# complete_dump: whether standard input, uncompressed, is a whole plain dump. Newer releases of pg_dump write a line
# after the one that says so.
complete_dump() {
  local last
  last=$(tail -n 12) && [[ $last == *"-- PostgreSQL database dump complete"* ]]
}

# part_of PATH: where a file is made that is to appear at this path when it is known to be whole.
part_of() { printf '%s/.%s.part' "$BACKUPS" "$(basename "$1")"; }

# put_in_place PATH: what was made beside it, once it is on the disk.
put_in_place() { sync "$(part_of "$1")" && mv --no-clobber "$(part_of "$1")" "$1" && [ ! -e "$(part_of "$1")" ]; }

# seal PATH RECIPIENT [FILE]: encrypts the file, or standard input, to what is to appear at this path, which ends in
# .gpg. A key that is not here is an error, never a search on the network.
seal() {
  gpg --batch --quiet --no-tty --no-auto-key-locate --trust-model always --recipient "$2" \
    --set-filename "$(basename "$1" .gpg)" --output "$(part_of "$1")" --encrypt "${@:3}"
}

# seal_if_wanted PLAIN PATH RECIPIENT: what was made for the path PLAIN comes to PATH; encrypted if there is a recipient.
seal_if_wanted() {
  if [ -n "$3" ]; then
    seal "$2" "$3" "$(part_of "$1")" || return
    rm "$(part_of "$1")"
  fi
  put_in_place "$2"
}

# write_dump PATH RECIPIENT: the database to PATH, which appears only when it is known to be whole; encrypted if there
# is a recipient (then PATH ends in .gpg).
write_dump() {
  local path=$1 recipient=$2 plain=${1%.gpg}
  docker exec "$DB_CONTAINER" pg_dump --username="$DB_USER" --dbname="$DB_NAME" --no-owner --no-privileges \
    < /dev/null | gzip > "$(part_of "$plain")" || return
  gzip --decompress --stdout "$(part_of "$plain")" | complete_dump || return
  seal_if_wanted "$plain" "$path" "$recipient"
}

# write_files PATH RECIPIENT: the same of the volume with the files. A file that somebody changes meanwhile (1) is in the
# next archive as it is then.
write_files() {
  local path=$1 recipient=$2 plain=${1%.gpg} root
  root=$(docker volume inspect --format '{{.Mountpoint}}' "$FILES_VOLUME") || return
  tar --create --gzip --numeric-owner --warning=no-file-changed --file="$(part_of "$plain")" --directory="$root" . ||
    [ $? -eq 1 ] || return
  tar --list --gzip --file="$(part_of "$plain")" > /dev/null || return
  seal_if_wanted "$plain" "$path" "$recipient"
}

# write_keys PATH RECIPIENT: what the database and the files cannot be used without. Plain it lies on no disk but in its
# own place.
write_keys() {
  local keys=(.kamal/secrets)
  [ ! -e "$APP_DIR/.env" ] || keys+=(.env)
  tar --create --numeric-owner --directory="$APP_DIR" "${keys[@]}" | seal "$1" "$2" && put_in_place "$1"
}

# remove_parts: what a dump that was killed left behind. Only under the backups' lock.
remove_parts() { rm --force "$BACKUPS"/.*.part; }

size_of() { numfmt --to=iec "$(stat --format=%s "$1")"; }
