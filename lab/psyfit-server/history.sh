#!/usr/bin/env bash
# Lets the week before now pass on a server that has just been set up: each night's rows and then its backup, three
# encrypted ones of afternoons, last Sunday's clean-up. These are made by the service's own scripts, at faked times; only
# the monitor's past log lines are written here, in its form.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR/../psyfit/bin source=common.sh
. /var/www/psyfit/bin/common.sh

readonly WORKER=psyfit-history
readonly BUCKET=psyfit-offsite # as in the crontab
readonly BACKUP_LOG=/var/log/psyfit-backup.log CLEANUP_LOG=/var/log/psyfit-cleanup.log MONITOR_LOG=/var/log/psyfit-monitor.log
readonly HOUR=3600 DAY=86400 # the service's time zone knows no other lengths

now=$(date +%s)
today=$(date --date="$(date --date="@$now" +%F)" +%s)

finish() { docker rm --force "$WORKER" > /dev/null 2>&1 || true; }

day_of() { date --date="@$1" +%F; }
time_of() { date --date="@$1" +%FT%T; }

# as_of SECONDS COMMAND…: the command, for which it is then.
as_of() { NO_FAKE_STAT=1 faketime "$(date --date="@$1" '+%F %T')" "${@:2}"; }

# add_rows DAY INSTANT: what happened on that day, and on the instant's own until then. One container serves all calls.
add_rows() { docker exec "$WORKER" bin/rails db:day "$@" > /dev/null; }

# back_up SECONDS RECIPIENT: the backup of that moment; a plain one for no recipient.
back_up() {
  add_rows "$(day_of $(($1 - DAY)))" "$(time_of "$1")"
  BACKUP_S3_BUCKET=$BUCKET BACKUP_ENCRYPT_KEY=$2 as_of "$1" "$APP_DIR/bin/backup.sh" >> "$BACKUP_LOG"
  stamp=$(sed --quiet 's/.*Backup successful: .*_\([0-9]*_[0-9]*\)[.].*/\1/p' "$BACKUP_LOG" | tail -n 1)
  touch --date="@$1" "$BACKUPS"/*_"$stamp".*
}

trap finish EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
touch "$BACKUP_LOG" "$CLEANUP_LOG" "$MONITOR_LOG"
chmod 0644 "$BACKUP_LOG" "$CLEANUP_LOG" "$MONITOR_LOG"

recipient=$(gpg --batch --trust-model always --list-keys --with-colons | awk -F: '$1 == "uid" { print $10; exit }' | sed 's/.*<\(.*\)>/\1/')

release=$(web_containers running | head -n 1)
release_run --detach --rm --name "$WORKER" "$(docker inspect --format '{{.Config.Image}}' "$release")" sleep infinity > /dev/null

# The last seven nights that are over, and three afternoons.
moments=()
night=$((today + 2 * HOUR))
[ "$night" -lt "$now" ] || night=$((night - DAY))
for days in 6 5 4 3 2 1 0; do
  moments+=("$((night - days * DAY)):")
done
for days in 5 3 1; do
  moments+=("$((today + 14 * HOUR - days * DAY)):$recipient")
done
while IFS=: read -r moment sealed_for <&3; do
  back_up "$moment" "$sealed_for"
done 3< <(printf '%s\n' "${moments[@]}" | sort --numeric-sort)
add_rows "$(day_of $((now - DAY)))" "$(time_of "$now")"

sunday=$((today + 3 * HOUR - $(date --date="@$now" +%w) * DAY))
[ "$sunday" -lt "$now" ] || sunday=$((sunday - 7 * DAY))
as_of "$sunday" "$APP_DIR/bin/cleanup-docker.sh" >> "$CLEANUP_LOG"

# The monitor's last hours, in which there was nothing to tell: not runs of it, but what they would have said.
for ((run = now / 300 * 300 - 6 * 3600; run <= now; run += 300)); do
  printf '[%s] [INFO] === Monitor check completed: all OK ===\n' "$(date --date="@$((run + 1))" '+%F %T')"
done >> "$MONITOR_LOG"

# The mail with which the monitor told that there was something once.
printf 'To: %s\nSubject: [PsyFit] backup\n\n%s\n' "$(setting ALERT_EMAIL)" 'the newest backup is 26 hours old' | sendmail -t

# The restore drill that was held a month ago, as it would have been noted.
install --directory --mode=0700 /var/lib/psyfit-runbook
printf '%s the-latest-encrypted-backup-can-be-restored psyfit_production_%s_140000.sql.gz.gpg\n' \
  "$((now - 30 * DAY))" "$(date --date="@$((now - 31 * DAY))" +%Y%m%d)" > /var/lib/psyfit-runbook/passed
