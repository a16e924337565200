#!/bin/dash
# Each program of the server under test, first on the PATH of its scripts. It counts the steps of the script that has
# called it; before the step that the test has planned it kills, fills the disk, loses the power or waits.
# $RUN is the folder of this script, $AID that of the server's own things: neither can be full or lose anything.
me=${0##*/}
read -r plan at < "$RUN/plan"
read -r step < "$RUN/step"
step=$((step + 1))
echo "$step" > "$RUN/step"
echo "$me $*" >> "$RUN/called"
if [ "$step" = "$at" ] || { [ "$me" = "$at" ] && [ ! -e "$RUN/met" ]; }; then
  echo "$me $*" > "$RUN/met"
  read -r script < "$RUN/pid"
  case $plan in
    kill) kill -9 "-$script" ;;  # what an undo or an act does in a group of its own goes on
    power)
      read -r all < "$AID/alive"
      for one in $all; do kill -9 "$one" 2> /dev/null; done
      kill -9 "-$script"
      kill -9 0
      ;;
    full) : > "$AID/full"; head -c 9999999 /dev/zero 2> /dev/null > "$ROOM/ballast" ;;
    wait)
      echo "$me $*" > "$RUN/waits"
      read -r _ < "$RUN/wake"
      ;;
  esac
fi
# Where no small disk can be mounted, a full one is played by these two.
if [ -e "$AID/full" ] && [ ! -e "$AID/disk" ]; then
  case "$me $*" in 'cat ' | sync*) echo "$me: No space left on device" >&2; exit 1 ;; esac
fi

case $me in
  cat)
    case ${1-} in
      /proc/uptime) read -r seconds < "$AID/uptime"; echo "$seconds.25 1.00" ;;
      /proc/sys/kernel/random/boot_id) read -r boot < "$AID/boot"; echo "$boot" ;;
      *) exec "$REAL/cat" "$@" ;;
    esac
    ;;
  date) read -r wall < "$AID/wall"; echo "$wall" ;;
  sleep) ;;
  sync)
    # What is named is on the disk from now on: the content of a file, the names in a folder.
    read -r synced < "$AID/synced"
    synced=$((synced + 1))
    echo "$synced" > "$AID/synced"
    failed=0
    "$REAL/find" "$ROOM" -printf '%i\t%y\t%P\n' > "$AID/disk.$synced.list"
    for one; do
      [ -e "$one" ] || { echo "sync: error opening '$one': No such file or directory" >&2; failed=1; continue; }
      [ -d "$one" ] || "$REAL/cp" "$one" "$AID/disk.$synced.${one##*/}"
      printf '%s\n' "$PWD/$one"
    done > "$AID/disk.$synced"
    exit "$failed"
    ;;
  timeout)
    kill_after=''
    case $1 in --kill-after=*) kill_after=--kill-after=.1; shift ;; esac
    limit=$1
    shift
    # A heart is missed when the test says so.
    [ "$1" != head ] || exec "$@"
    # What hangs is meant to be ended, so nobody has to wait for it; anything else may be slow.
    [ ! -e "$AID/hangs" ] && [ "$limit" != 1 ] || limit=.1
    exec "$REAL/timeout" $kill_after "$limit" "$@"
    ;;
  head)
    [ "$*" != '-c 1' ] || echo "$step" > "$RUN/listens"
    exec "$REAL/head" "$@"
    ;;
  docker)
    # do|undo GENERATION NUMBER THING FROM TO
    if [ -e "$AID/down" ] || [ -e "$AID/stumbles" ]; then
      "$REAL/rm" -f "$AID/stumbles"  # this once
      echo 'Cannot connect to the Docker daemon' >&2
      exit 1
    fi
    if [ -e "$AID/hangs" ]; then
      trap '' TERM
      exec "$REAL/sleep" 1000
    fi
    read -r is < "$AID/world.$4"
    case $1:$is in
      "do:$5") echo "$6" > "$AID/world.$4"; word=did ;;
      do:*) echo "it is $is"; exit 1 ;;
      "undo:$6") echo "$5" > "$AID/world.$4"; word=undone ;;
      "undo:$5") word=undone ;;
      *) word=interfered ;;
    esac
    echo "$word $2 $3 $is" >> "$AID/log"
    [ "$word" != interfered ] || { echo "interfered: it is $is"; exit 3; }
    ;;
  *) exec "$REAL/$me" "$@" ;;
esac
