# Register the undo $4 of act $3 of generation $2, and then do the act $6 within $5 seconds.
# A $7 says that an undo need not wait for the end of the act.
enter "$1"
exec 8>> acting || exit
flock --shared --wait "$patience" 8 || refuse 'a recovery is in progress, so no act begins'
read_generation
[ "$generation $phase" = "$2 " ] || refuse 'this drill has been ended, so no act of it begins'
printf '%s' "$4" > "journal/$2/.$3" && sync "journal/$2/.$3" && mv "journal/$2/.$3" "journal/$2/$3.sh" &&
  sync "journal/$2" || refuse 'the undo could not be written into the journal, so the act was not begun'
[ -z "$7" ] || exec 8>&-
cd / || exit
timeout --kill-after="$grace" "$5" sh -c "$ends_last
$6"
exit # with 137 where it had to be killed: whoever is killed himself is a lost line to ssh
