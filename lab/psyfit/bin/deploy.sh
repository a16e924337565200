#!/usr/bin/env bash
# Builds the release that is checked out, migrates with it, starts it beside the running one and switches the proxy.
# The running release is stopped only after the new one has answered through the proxy. Whatever fails before that
# leaves the running one in place and takes the new one away.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
become_root "$0" "$@"
cd "$APP_DIR"

readonly READY_SECONDS=45
readonly ANSWER_SECONDS=15
readonly STOP_SECONDS=30

new='' # the new release's container, from before it is there
switched=''
finished=''

finish() {
  local status=$?
  [ -z "$finished" ] || return 0
  if [ -n "$switched" ]; then
    route_back
  fi
  if [ -n "$new" ] && docker inspect "$new" > /dev/null 2>&1; then
    info "Last log lines of $new:"
    docker logs --tail 20 "$new" 2>&1 | redacted || true
    docker rm --force "$new" > /dev/null || error "$new could not be removed"
  fi
  error "Deploy failed${previous:+; the proxy still routes to $previous}"
  exit $((status ? status : 1))
}

# redacted: standard input without any value of the secrets, by builtins alone.
redacted() {
  local text name value
  text=$(< /dev/stdin)
  while IFS='=' read -r name value; do
    [ "${#value}" -lt 4 ] || text=${text//"$value"/[$name]}
  done < <(grep --extended-regexp '^[A-Z_]+=.' "$SECRETS")
  printf '%s\n' "$text"
}

require_secrets() {
  local name
  for name in $SECRET_NAMES; do
    grep --quiet "^$name=." "$SECRETS" || die "$name is missing in $SECRETS"
  done
}

build() {
  local output
  # Only what is committed: an image named after a commit has to be that commit.
  output=$(git_in_clone archive HEAD |
    docker build --force-rm --tag "$image" \
      --build-arg "REVISION=$revision" --build-arg "VERSION=$version" \
      --label service=psyfit --label role=web --label destination=production \
      - 2>&1) || {
    printf '%s\n' "$output" | tail -n 30
    die "Building $image failed"
  }
}

version_in() { python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["version"])' 2> /dev/null; }

# The release's own answer, before anybody else gets one from it.
wait_until_ready() {
  local until=$((SECONDS + READY_SECONDS)) state answered=''
  while [ "$SECONDS" -lt "$until" ]; do
    state=$(docker inspect --format '{{.State.Running}} {{.RestartCount}}' "$new")
    [ "$state" = "true 0" ] || die "$new ended while starting"
    answered=$(docker exec "$new" curl --silent --fail --max-time 3 http://127.0.0.1:3000/api/v1/health | version_in) ||
      answered=''
    [ "$answered" != "$version" ] || return 0
    sleep 0.3
  done
  die "$new was not healthy with version $version within $READY_SECONDS s (but ${answered:-none at all})"
}

# route TARGET OPTIONS…
route() { docker exec "$PROXY" kamal-proxy deploy "$SERVICE" --target="$1" "${@:2}"; }

route_back() {
  if [ -z "$previous" ]; then
    docker exec "$PROXY" kamal-proxy remove "$SERVICE" || error "The route to $new could not be removed"
  elif ! route "$previous" "${options[@]}"; then
    error "The proxy could not be routed back to $previous"
    previous=''
  fi
}

# The version may be the same as before, so the proxy's own route is looked at too.
wait_until_answering() {
  local until=$((SECONDS + ANSWER_SECONDS)) answered=''
  while [ "$SECONDS" -lt "$until" ]; do
    answered=$(curl --silent --fail --max-time 5 --resolve "$DOMAIN:443:127.0.0.1" "https://$DOMAIN/api/v1/health" |
      version_in) || answered=''
    if [ "$answered" = "$version" ] && [ "$(proxy_state | bin/proxy-options "$SERVICE" target)" = "$new:3000" ]; then
      return 0
    fi
    sleep 0.3
  done
  die "https://$DOMAIN does not answer with version $version (but ${answered:-none at all})"
}

stop_others() {
  local name
  for name in $(web_containers running) $(web_containers restarting) $(web_containers paused); do
    [ "$name" != "$new" ] || continue
    if docker stop --time "$STOP_SECONDS" "$name" > /dev/null; then
      info "Stopped $name; it stays as the release to go back to"
    else
      warn "$name could not be stopped"
    fi
  done
}

trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

exec 9> "$DEPLOY_LOCK"
flock --nonblock 9 || die "Another deploy, a clean-up or a restore is running"

revision=$(git_in_clone rev-parse HEAD)
image=psyfit:$(git_in_clone rev-parse --short HEAD)
version=$(git_in_clone show HEAD:VERSION)
previous=''
require_secrets
state=$(proxy_state) || die "$PROXY does not answer"
previous=$(bin/proxy-options "$SERVICE" target <<< "$state")
kept=$(bin/proxy-options "$SERVICE" flags <<< "$state") || die "The proxy's options cannot be kept"
if [ -z "$kept" ]; then
  mapfile -t options < config/proxy-options # the first deploy of all
else
  # A route that somebody made without its options is not one to go on with.
  ! grep --quiet --line-regexp -e --tls config/proxy-options || [[ $kept == *--tls=true* ]] ||
    die "The proxy ends no TLS for $SERVICE: route $previous again with the options in config/proxy-options first"
  mapfile -t options < <(
    printf '%s\n' "$kept"
    grep --extended-regexp '^--(deploy|drain)-timeout=' config/proxy-options # these are in no state
  )
fi
trap finish EXIT

info "Deploying version $version as $image"
build
release_run --rm --name "psyfit-migrate-$(date +%s)" "$image" bin/rails db:migrate || die "The migration failed"

new=$SERVICE-$(date +%s)
release_run --detach --name "$new" --restart unless-stopped --volume "$FILES_VOLUME:$FILES_PATH" \
  --log-driver json-file --log-opt max-size=50m --log-opt max-file=5 "$image" > /dev/null ||
  die "$new could not be started"
wait_until_ready
info "$new is ready"

switched=yes
route "$new:3000" "${options[@]}" || {
  switched='' # a refused deploy changes nothing
  die "The proxy refused $new"
}
wait_until_answering
info "$new answers at https://$DOMAIN with version $version"

finished=yes
stop_others
info "Deploy finished"
