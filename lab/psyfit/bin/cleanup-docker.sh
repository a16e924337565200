#!/usr/bin/env bash
# Frees the room that old releases take: their stopped containers, their images, layers without a name, build cache.
# The releases that one could go back to stay. (`docker system prune` would take them, and unused networks with them.)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$(readlink -f "$0")")/common.sh"
become_root "$0" "$@"

readonly KEEP_RELEASES=2
readonly LOCK_SECONDS=120

finish() { [ "$1" -eq 0 ] || error "Cleanup failed"; }

# Stopped releases, newest first. One that was stopped in an orderly way has ended with 0: it had been serving. One that
# failed while starting has not, however new it is.
stopped() { { web_containers exited && web_containers created && web_containers dead; } | sort --reverse; }

ended_well() { [ "$(docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$1")" = "exited 0" ]; }

remove_containers() {
  local name kept=0 fallback=''
  local -a doomed=()
  for name in $(stopped); do
    if ended_well "$name" && [ "$kept" -lt "$KEEP_RELEASES" ]; then
      kept=$((kept + 1))
    else
      doomed+=("$name")
    fi
  done
  if [ "$kept" -eq 0 ] && [ "${#doomed[@]}" -gt 0 ]; then
    fallback=${doomed[0]}
    warn "No stopped release has ended well: kept $fallback, the newest"
  fi
  for name in "${doomed[@]}"; do
    [ "$name" != "$fallback" ] || continue
    docker rm "$name" > /dev/null
    info "Removed the container $name"
  done
}

remove_images() {
  local image used
  # shellcheck disable=SC2046  # one argument a container
  used=$(docker inspect --format '{{.Config.Image}}' $(docker ps --all --quiet))
  for image in $(docker image ls --filter "reference=psyfit" --format '{{.Repository}}:{{.Tag}}'); do
    grep --quiet --line-regexp --fixed-strings "$image" <<< "$used" || {
      docker image rm "$image" > /dev/null
      info "Removed the image $image"
    }
  done
}

trap 'finish $?' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# While a deploy runs, an image that no container uses may be the one that is about to be started.
exec 9> "$DEPLOY_LOCK"
flock --wait "$LOCK_SECONDS" 9 || die "A deploy has been running for more than $LOCK_SECONDS s"

info "Cleanup started"
if [ -n "$(web_containers running)" ]; then
  remove_containers
  remove_images
else
  warn "No release is running: the stopped ones were not touched"
fi
info "Layers without a name: $(docker image prune --force | tail -n 1)"
info "Build cache: $(docker builder prune --force | tail -n 1)"
info "=== Docker cleanup completed ==="
