# Take the server for generation $2. recover.sh comes through standard input, and has run here before this ends.
mkdir -p "$1/journal" "$1/undone" "$1/interfered" && cd "$1" || exit

require_free() {
  read_generation
  if [ -n "$generation" ] && beats "$generation"; then
    refuse "another drill is in progress on this server: its heart beat $age s ago"
  fi
  flock --nonblock lock true || refuse "another drill holds the target's lock"
  find_entries
  [ "$open" -eq 0 ] || refuse "a drill has left changes to undo: $open"
}

one_at_a_time "$patience"
require_free
cat > recover.sh.part && [ "$(tail -n 1 recover.sh.part)" = '# whole' ] || refuse 'recover.sh did not come whole'
chmod 700 recover.sh.part && sync recover.sh.part && mv recover.sh.part recover.sh && sync . .. || exit
exec 9>&-

said=$(sh recover.sh < /dev/null) || exit
[ "${said##*
}" = 'end: 0 undone, 0 interfered, 0 failed' ] || refuse "recover.sh does not run here: $said"

one_at_a_time "$patience"
exec 8>> acting || exit
flock --wait "$patience" 8 || refuse 'an act of an earlier drill has not ended'
require_free
mkdir "journal/$2" "undone/$2" "interfered/$2" && sync journal undone interfered . || exit
beat "$2" && write_generation "$2" || exit
echo held
