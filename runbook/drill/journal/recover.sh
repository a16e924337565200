# Undo, newest first, what a drill has left to undo, each entry within its own limit. Right to run twice, as root.
# Needs sh, flock, timeout, GNU coreutils and findutils. $2 is the generation that undoes what it has done itself.
trap '' HUP PIPE
own=${2-}
say_ended() {
  [ -z "$own" ] || echo 'ended: this drill was ended by a recovery before'
}
if ! cd "$1" 2> /dev/null; then
  { [ ! -e "$1" ] && cd "${1%/*}" 2> /dev/null; } || refuse "$1 cannot be entered by $(id -un): it takes root"
  say_ended
  echo 'end: 0 undone, 0 interfered, 0 failed'
  exit
fi

# 1. Whoever holds the server alive is let be. A heart whose runner has just ended gets a moment to stop.
one_at_a_time "$patience"
read_generation
looks=0
while [ -n "$generation" ] && [ "$generation" != "$own" ]; do
  [ -z "$own" ] || refuse 'this drill has been ended by a recovery, and another one holds the server'
  beats "$generation" || break
  looks=$((looks + 1))
  [ "$looks" -lt 3 ] || refuse "a drill is in progress on this server: its heart beat $age s ago"
  exec 9>&-
  sleep 1
  one_at_a_time "$patience"
  read_generation
done
if [ -z "$own$generation" ] && [ -f beat ] && [ ! -s beat ] && ! flock --nonblock lock true; then
  # An earlier version's drill, whose heart only touched the file.
  age=$(($(date +%s) - $(stat -c %Y beat)))
  [ "$age" -lt 0 ] || [ "$age" -ge "$stale" ] || refuse "a drill is in progress on this server: its heart beat $age s ago"
fi

# 2. From here on no act of the generation begins; one that has begun is waited for.
if [ -n "$generation" ]; then
  { [ -n "$own" ] && write_generation "$own closing"; } || { rm -f generation && sync .; } || exit
fi
exec 8>> acting || exit
flock --wait "$longest_act" 8 || refuse "an act of the drill has not ended within $longest_act s: nothing was undone yet"
rm -f journal/*/.[0-9]* journal/*.part

# 3. Each entry is run, and then moved: none is ever lost.
limit_of() {
  limit=$(sed -n 's/^# seconds \([1-9][0-9]\{0,3\}\)$/\1/p' "$1" | head -n 1)
  printf '%s' "${limit:-$usual_limit}"
}

# Nothing that an undo leaves behind may hold up the rest: its words go by way of a file, a new one for each and only
# where there is room for them, and the locks are held by its `timeout`, so that it is alone also where this was killed.
run() {
  words=said
  rm -f said
  { printf '%4096s' '' > said; } 2> /dev/null && : > said || words=/dev/null
  (
    trap - HUP PIPE
    exec timeout --kill-after="$grace" "$(limit_of "$1")" sh -c "exec 8>&- 9>&-; $ends_last; . \"\$1\"" sh "./$1"
  ) > "$words" 2>&1 < /dev/null
  status=$?
  [ "$status" -ne 124 ] && [ "$status" -ne 137 ] || echo "it did not end within $(limit_of "$1") s" >> "$words"
  last=$(tail -n 1 "$words" | cut -c 1-500)
}

# Somebody else's change is told by what the undo says of it, never by a status alone.
outcome() {
  case $1:$2 in
    0:*) echo undone ;;
    3:'interfered: '* | 3:'somebody else has changed '* | 3:*' is not one of this drill') echo interfered ;;
    *) echo failed ;;
  esac
}

# On the disk in its new place before it is gone from the old one.
move() {
  to=$2${1#journal}
  mkdir -p "${to%/*}" && mv "$1" "$to" && sync "${to%/*}" "$2" . && sync "${1%/*}"
}

[ "$generation" = "$own" ] || say_ended
total=0
find_entries "$own"
for entry in $entries; do
  total=$((total + $(limit_of "$entry") + grace + 1))
done
echo "begin: $open to undo, at most $total s"
undone=0 interfered=0 failed=0
for entry in $entries; do
  run "$entry"
  word=$(outcome "$status" "$last")
  if [ "$word" = interfered ] && [ "$failed" -gt 0 ]; then
    # What it found may be a newer change of this very drill, which still waits to be undone.
    word=failed last="a newer change is still open, and so it is not known who has changed this: $last"
  fi
  if [ "$word" != failed ] && ! move "$entry" "$word"; then
    word=failed last='it ran, and could not be moved out of the journal'
  fi
  case $word in
    undone) undone=$((undone + 1)) ;;
    interfered) interfered=$((interfered + 1)) ;;
    failed) failed=$((failed + 1)) ;;
  esac
  printf '%s %s %s\n' "$word" "${entry##*/}" "$last"
done
rm -f said
[ -n "$own" ] || rmdir journal/*/ undone/*/ interfered/*/ 2> /dev/null
echo "end: $undone undone, $interfered interfered, $failed failed"
[ "$failed" -eq 0 ]
