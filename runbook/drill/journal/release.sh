# Give the server back: generation $2 is over.
enter "$1"
one_at_a_time "$long"
read_generation
[ "$generation" = "$2" ] || exit 0
rm -f generation && sync . || exit
rmdir "journal/$2" "undone/$2" "interfered/$2" 2> /dev/null
exit 0
