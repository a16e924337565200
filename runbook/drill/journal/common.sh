# The words that the scripts of the journal share. Each script knows its folder as $1.
LC_ALL=C
export LC_ALL
umask 077

# The first line of what is run within a limit: such a shell outlives the signal that asks its commands to end, so that
# one which does not heed it is ended by the signal after that, and nothing goes on unseen.
ends_last="trap 'exit 143' TERM"

# Says $1 and ends with $2: 75, or 76 where somebody else is at work and it may be tried again.
refuse() {
  printf 'runbook: %s\n' "$1" >&2
  exit "${2:-75}"
}

enter() {
  cd "$1" 2> /dev/null || refuse "$1 is not there, or cannot be entered by $(id -un)"
}

# All that changes who holds the server is done one after another.
one_at_a_time() {
  exec 9>> mutex || exit
  flock --wait "$1" 9 || refuse 'a recovery is in progress on this server' 76
}

# Sets $generation and $phase; both are empty where nobody holds the server.
read_generation() {
  generation='' phase=''
  [ ! -e generation ] || read -r generation phase < generation
}

write_generation() {
  printf '%s\n' "$1" > generation.part && sync generation.part && mv generation.part generation && sync .
}

# Seconds since this boot: a clock that nobody sets. The second word is of no use here.
uptime() {
  cat /proc/uptime | {
    read -r seconds _ && printf '%s' "${seconds%%.*}"
  }
}

boot() {
  cat /proc/sys/kernel/random/boot_id
}

# Written over what is there, always as long, so that a full disk does not stop the heart.
beat() {
  now=$(uptime) && this_boot=$(boot) && [ -n "$now" ] && printf '%-79s\n' "$1 $this_boot $now" 1<> beat
}

# Whether the heart of generation $1 has beaten lately, on this boot; $age says how many seconds ago.
beats() {
  whose='' on='' at=''
  [ ! -e beat ] || read -r whose on at < beat
  [ "$whose" = "$1" ] && [ "$on" = "$(boot)" ] || return
  case $at in '' | *[!0-9]* | 0?* | ???????????*) return 1 ;; esac
  now=$(uptime) || return
  age=$((now - at))
  [ "$age" -ge 0 ] && [ "$age" -lt "$stale" ]
}

# Sets $entries to what waits to be undone, newest first, and $open to how many that are: of generation $1, or of all,
# those of earlier versions' journals among them. What could not be looked for is not taken for nothing.
find_entries() {
  entries='' open=0
  [ -d "journal${1:+/$1}" ] || return 0
  entries=$(find "journal${1:+/$1}" -maxdepth 2 -type f -regex 'journal\(/[0-9A-Za-z]+\)?/[0-9]+\.sh') &&
    entries=$(printf '%s' "$entries" | sort -r) || refuse 'the journal could not be read'
  for entry in $entries; do open=$((open + 1)); done
}
