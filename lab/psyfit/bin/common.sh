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
readonly BACKUPS=/var/backups/psyfit
readonly BACKUP_NAME='psyfit_production_[0-9]{8}_[0-9]{6}\.sql\.gz(\.gpg)?'
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
    exec sudo --non-interactive --preserve-env=BACKUP_ENCRYPT_KEY,BACKUP_S3_BUCKET,ALERT_EMAIL -- "$@"
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

# write_dump PATH RECIPIENT: the database to PATH, which appears only when it is known to be whole; encrypted if there
# is a recipient (then PATH ends in .gpg).
write_dump() {
  local path=$1 recipient=$2 plain sealed
  plain=$BACKUPS/.$(basename "$path").plain.part
  sealed=$BACKUPS/.$(basename "$path").sealed.part
  docker exec "$DB_CONTAINER" pg_dump --username="$DB_USER" --dbname="$DB_NAME" --no-owner --no-privileges \
    < /dev/null | gzip > "$plain" || return
  gzip --decompress --stdout "$plain" | complete_dump || return
  if [ -n "$recipient" ]; then
    # A key that is not here is an error, never a search on the network.
    gpg --batch --quiet --no-tty --no-auto-key-locate --trust-model always --recipient "$recipient" \
      --set-filename "$(basename "$path" .gpg)" --output "$sealed" --encrypt "$plain" || return
    rm "$plain"
    plain=$sealed
  fi
  sync "$plain" && mv --no-clobber "$plain" "$path" && [ ! -e "$plain" ]
}

# remove_parts: what a dump that was killed left behind. Only under the backups' lock.
remove_parts() { rm --force "$BACKUPS"/.*.part; }

size_of() { numfmt --to=iec "$(stat --format=%s "$1")"; }
