# Keep generation $2 alive while letters come through standard input; without one for too long this ends by itself.
enter "$1"
exec 7>> lock || exit
flock --wait "$((stale + patience))" 7 || refuse "another drill holds the target's lock"

# A beat of a generation that has been ended is refused.
pulse() {
  flock --wait "$long" 9 || exit
  read_generation
  [ "$generation" = "$1" ] || refuse 'this drill has been ended by a recovery'
  "$2" "$1" || exit
  flock --unlock 9
}

stop_beating() {
  printf '%-79s\n' "$1 - 0" 1<> beat
}

exec 9>> mutex || exit
pulse "$2" beat
echo beating
while [ "$(timeout "$stale" head -c 1)" = b ]; do
  pulse "$2" beat
done
pulse "$2" stop_beating
