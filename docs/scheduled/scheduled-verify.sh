#!/bin/sh
# Verify a server on a schedule, and report only when the exit code changes: see docs/scheduled.md.
#
#   scheduled-verify.sh TARGET
#
# Needs `runbook` and `flock` on PATH. When the exit code differs from that of the last run, prints what the run printed,
# and otherwise nothing, because cron mails whatever a job prints. If RUNBOOK_MAILTO is set, `mail` sends it there
# instead. Exits with the code of `runbook verify`, or with 75 if the last run is still in progress.
set -u
umask 077

if [ $# -ne 1 ] || [ -z "$1" ]; then
    echo "usage: scheduled-verify.sh TARGET" >&2
    exit 2
fi
target=$1
name=$(basename -- "$target" .toml)
state=${STATE_DIRECTORY:-${XDG_STATE_HOME:-$HOME/.local/state}/psyfit-runbook}

# report SUBJECT < BODY
report() {
    if [ -n "${RUNBOOK_MAILTO:-}" ]; then
        mail -s "$1" "$RUNBOOK_MAILTO"
    else
        printf '%s\n\n' "$1" && cat
    fi
}

mkdir -p -- "$state" || exit 73
exec 9>>"$state/$name.lock"
if ! flock --nonblock 9; then
    echo "Nothing was verified. $state/$name.lock is held." | report "runbook $name: the last run is still in progress"
    exit 75
fi

# The lock is not handed down: an ssh process that outlives its run must not hold it.
runbook verify --target "$target" >"$state/$name.output" 2>&1 9>&-
code=$?

# Before the first run everything counts as well, so a first run reports whatever is not.
last=$(cat -- "$state/$name.exit" 2>/dev/null) || last=0
if [ "$code" != "$last" ]; then
    # What could not be reported is not remembered, so the next run reports it again.
    report "runbook $name: exit $code (was $last)" <"$state/$name.output" || exit "$code"
fi
printf '%s\n' "$code" >"$state/$name.exit.new" && mv -f -- "$state/$name.exit.new" "$state/$name.exit"
exit "$code"
