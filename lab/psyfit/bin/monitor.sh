#!/usr/bin/env bash
# Looks at the service every five minutes: one log line for each problem, one at the end, and a mail to ALERT_EMAIL (in
# the environment or in .env) at most once an hour for each kind of problem. Always exits with 0: cron has nobody to tell.
set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
become_root "$0" "$@"

readonly ALERTS=/var/lib/psyfit-monitor # one file for each kind of problem, touched when it was told last
readonly COOLDOWN_MINUTES=60
readonly CERTIFICATE_DAYS=14
readonly DISK_PERCENT=80
readonly BACKUP_HOURS=25
readonly LIMIT=2 # seconds for whatever is asked; all are asked at once

problems=0

# good KIND
good() {
  if [ -e "$ALERTS/$1" ]; then
    rm --force "$ALERTS/$1"
    info "$1: well again"
  fi
}

# bad LEVEL KIND MESSAGE
bad() {
  problems=$((problems + 1))
  log "$1" "$2: $3"
  if [ -z "$(find "$ALERTS/$2" -mmin "-$COOLDOWN_MINUTES" 2> /dev/null)" ] && tell "$2" "$3"; then
    install --directory --mode=0700 "$ALERTS" && touch "$ALERTS/$2"
  fi
}

# tell KIND MESSAGE: a mail, where there is somebody to tell and a way to do so.
tell() {
  local to
  to=$(setting ALERT_EMAIL)
  [ -n "$to" ] || return 0
  if command -v sendmail > /dev/null; then
    printf 'To: %s\nSubject: [PsyFit] %s\n\n%s\n' "$to" "$1" "$2" | timeout "$LIMIT" sendmail -t
  elif command -v mail > /dev/null; then
    printf '%s\n' "$2" | timeout "$LIMIT" mail -s "[PsyFit] $1" "$to"
  else
    warn "No mail went to $to: neither sendmail nor mail is here"
  fi
}

health_status() {
  curl --silent --max-time "$LIMIT" --output /dev/null --write-out '%{http_code}' \
    --resolve "$DOMAIN:443:127.0.0.1" "https://$DOMAIN/api/v1/health"
}

certificate_end() {
  timeout "$LIMIT" openssl s_client -servername "$DOMAIN" -connect 127.0.0.1:443 < /dev/null 2> /dev/null |
    openssl x509 -noout -enddate 2> /dev/null | sed 's/^notAfter=//'
}

up() { grep --quiet --extended-regexp "^$1 running\$" <<< "$containers"; }

check_container() {
  if [ -z "$containers" ]; then
    bad ERROR "$2" "docker does not tell what is running"
  elif up "$1"; then
    good "$2"
  else
    bad ERROR "$2" "no container $2 is running"
  fi
}

check_health() {
  if [ "$1" = 200 ]; then
    good health
  else
    bad ERROR health "https://$DOMAIN/api/v1/health answers ${1/#000/nothing} instead of 200"
  fi
}

check_route() {
  local target refusal
  target=$("$APP_DIR/bin/proxy-options" "$SERVICE" target <<< "$1" 2> /dev/null)
  refusal=$("$APP_DIR/bin/proxy-options" "$SERVICE" flags <<< "$1" 2>&1 > /dev/null)
  if [ -z "$1" ]; then
    bad ERROR route "the proxy's state could not be read"
  elif [ -n "$refusal" ]; then
    bad ERROR route "$refusal"
  elif [ -z "$target" ] || ! up "${target%:*}"; then
    bad ERROR route "$SERVICE is routed to ${target:-nothing}, which is not running"
  else
    good route
  fi
}

check_certificate() {
  local end=$1 days
  if [ -z "$end" ] || ! end=$(date --date="$end" +%s); then
    bad WARN certificate "no certificate could be read on port 443"
    return
  fi
  days=$(((end - $(date +%s)) / 86400))
  if [ "$days" -gt "$CERTIFICATE_DAYS" ]; then
    good certificate
  else
    bad WARN certificate "the certificate ends in $days days"
  fi
}

check_disks() {
  local full
  full=$(awk -v limit="$DISK_PERCENT" '$1 + 0 >= limit { printf "%s%s %s", sep, $2, $1; sep = ", " }' <<< "$1")
  if [ -z "$1" ]; then
    bad WARN disk "the disks could not be looked at"
  elif [ -n "$full" ]; then
    bad WARN disk "$DISK_PERCENT % or more: $full"
  else
    good disk
  fi
}

# By the time in the name, which copying and touching do not change.
check_backup() {
  local newest day time age
  newest=$(dumps "$BACKUP_NAME" | sed --quiet 1p)
  if [ -z "$newest" ]; then
    bad WARN backup "there is no backup in $BACKUPS"
    return
  fi
  IFS=_. read -r _ _ day time _ <<< "$newest"
  age=$(($(date +%s) - $(date --date="$day ${time:0:2}:${time:2:2}:${time:4:2}" +%s)))
  if [ ! -s "$BACKUPS/$newest" ]; then
    bad WARN backup "the newest backup, $newest, is empty"
  elif [ "$age" -lt $((BACKUP_HOURS * 3600)) ]; then
    good backup
  else
    bad WARN backup "the newest backup, $newest, is $((age / 3600)) hours old"
  fi
}

exec {health}< <(health_status)
exec {certificate}< <(certificate_end)
exec {listing}< <(timeout "$LIMIT" docker ps --all --format '{{.Names}} {{.State}}')
exec {routes}< <(timeout "$LIMIT" docker exec "$PROXY" cat "$PROXY_STATE" 2> /dev/null)
exec {disks}< <(timeout "$LIMIT" df --output=pcent,target / /var/lib/docker "$APP_DIR" "$BACKUPS" | tail -n +2 | sort --unique)

containers=$(cat <&"$listing")
check_health "$(cat <&"$health")"
check_container "$SERVICE-[0-9]+" psyfit-web
check_container psyfit-db psyfit-db
check_container psyfit-redis psyfit-redis
check_container "$PROXY" kamal-proxy
check_route "$(cat <&"$routes")"
check_certificate "$(cat <&"$certificate")"
check_disks "$(cat <&"$disks")"
check_backup
if [ "$problems" -gt 0 ]; then
  warn "=== Monitor check completed with $problems issue(s) ==="
else
  info "=== Monitor check completed: all OK ==="
fi
exit 0
