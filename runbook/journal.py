"""The journal of a drill, on the server itself: what there is to undo, written down before it is done.

It lies in a folder that survives a restart. Beside it lies ``recover.sh``, plain sh without arguments, which undoes
all that is open, newest first, for a server that has to be healed without this suite. The lock says that a drill is
under way; its holder is a process on the server that ends with the runner's session, and whose heartbeat tells one
that is alive from one that a cut line has left behind.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runbook import rights
from runbook.act import INTERFERED
from runbook.question import Command, Output, Question, lines_of
from runbook.record import OpenJournal

FOLDER = "/var/lib/psyfit-runbook"
HEARTBEAT_SECONDS = 2.0
STALE_SECONDS = 15
ACT_SECONDS = 30
"""How long an undo waits for an act that its runner has left behind: it would do again what was just undone."""

PASSED = f"{FOLDER}/passed"
"""A line for each scenario of a drill that has passed and was undone: when, its id, the backup that it was about."""

REFUSED = 75

RECOVER = f"""\
#!/bin/sh
# Undoes, newest first, what a drill has left to undo. Right to run twice. Needs nothing but sh, as root.
cd {FOLDER} || exit 0
if [ -z "${{RUNBOOK_DRILL-}}" ] && ! flock --nonblock lock true; then
  age=$(( $(date +%s) - $(stat -c %Y beat) ))
  if [ "$age" -lt {STALE_SECONDS} ]; then
    echo "a drill is under way on this server: its heart beat $age s ago" >&2
    exit {REFUSED}
  fi
  kill -TERM "-$(cat holder)" 2> /dev/null
fi
[ -n "${{RUNBOOK_DRILL-}}" ] || {{ exec 9> lock; flock --wait 10 9 || exit {REFUSED}; }}
exec 8> acting
flock --wait {ACT_SECONDS} 8 || echo "an act has not ended after {ACT_SECONDS} s, and is undone beside it" >&2
failed=0
for entry in $(ls journal | sort -r); do
  said=$(sh "journal/$entry" 2>&1 < /dev/null)
  status=$?
  case $status in
    0) word=undone ;;
    {INTERFERED}) word=interfered ;;
    *) word=failed; failed=1 ;;
  esac
  [ "$word" = failed ] || rm -f "journal/$entry"
  printf '%s %s %s\\n' "$word" "$entry" "$(printf %s "$said" | tail -n 1)"
done
sync journal
exit $failed
"""

PREPARE = f"""\
umask 077; mkdir -p {FOLDER}/journal && cat > {FOLDER}/recover.sh.part && chmod 700 {FOLDER}/recover.sh.part &&
mv {FOLDER}/recover.sh.part {FOLDER}/recover.sh && sync {FOLDER}
"""

HOLD = f"""\
cd {FOLDER} || exit; exec 9> lock; flock --nonblock 9 || exit {REFUSED}
ps -o pgid= -p $$ | tr -d ' ' > holder; : > beat; echo held
while read -r beat; do : > beat; done
"""


OPEN = Command(
    f"""\
[ ! -e {FOLDER} ] ||
  find {FOLDER} -mindepth 2 -maxdepth 2 -path '{FOLDER}/journal/*.sh' -printf 'change\t%T@\\n' || exit
[ ! -e {FOLDER}/beat ] || stat -c 'beat\t%Y' {FOLDER}/beat
date '+now\t%s'
[ ! -e {FOLDER}/journal ] || grep -hs '^# drill' {FOLDER}/journal/*.sh | head -n 1""",
    needs=rights.ROOT,
)
"""What is open: when each change was registered, the last beat of the heart, the time, and whose drill it is."""

NAMES: dict[Question[Any], str] = {OPEN: "journal.OPEN"}
"""Its name for plan and evidence: every run asks it first."""


@dataclass(frozen=True)
class Whose:
    """A drill as its journal says it: its name, who runs it from where, and when it began."""

    drill: str
    by: str
    since: datetime

    def __str__(self) -> str:
        by = "".join(one for one in self.by if one.isprintable() and not one.isspace())
        return f"# drill\t{self.drill}\t{self.since:%Y-%m-%dT%H:%M:%SZ}\t{by}"


@dataclass(frozen=True)
class Undone:
    """What came of one undo.

    Attributes:
        word: ``undone``, ``interfered`` (somebody else had changed it, and it was let be) or ``failed``.
        entry: Its name in the journal.
        said: The last line that it said.
    """

    word: str
    entry: str
    said: str


def registered(number: int, what: str, undo: str, whose: Whose) -> str:
    """The shell text that writes one undo into the journal, on the disk before it returns, and whose drill it is of.

    The shell holds the lock ``acting`` from then on, until it and all that it started have ended.
    """
    entry = f"{FOLDER}/journal/{number:04d}.sh"
    text = f"# {what}\n{whose}\n{undo}\n"
    return (
        f"exec 8> {FOLDER}/acting; flock --shared 8; "
        f"umask 077; printf %s {shlex.quote(text)} > {entry}.part && sync {entry}.part && "
        f"mv {entry}.part {entry} && sync {FOLDER}/journal"
    )


def passed(scenario: str, backup: str) -> str:
    """The shell text that notes that a scenario of a drill has passed."""
    return f"umask 077; printf '%s %s %s\\n' \"$(date +%s)\" {shlex.quote(scenario)} {shlex.quote(backup)} >> {PASSED}"


def read_recovery(output: Output) -> tuple[Undone, ...]:
    """What ``recover.sh`` said.

    Raises:
        ValueError: A line is not one of its own.
    """
    found = []
    for line in output.lines:
        word, entry, said = (*line.split(" ", 2), "")[:3]
        if word not in ("undone", "interfered", "failed"):
            raise ValueError(f"this is not a line of recover.sh: {line}")
        found.append(Undone(word, entry, said))
    return tuple(found)


def read_open(output: Output, target: str) -> OpenJournal | None:
    """What the answer to `OPEN` says; None where nothing is open.

    Args:
        output: The answer.
        target: What a command is to be given as ``--target``.

    Raises:
        Undetermined: The question could not be answered.
        ValueError, LookupError: It is another answer.
    """
    told = list(_told(output.required("the journal of drills").out))
    changes = [float(words[0]) for word, *words in told if word == "change"]
    if not changes:
        return None
    (now,) = [float(words[0]) for word, *words in told if word == "now"]
    beat = next((now - float(words[0]) for word, *words in told if word == "beat"), None)
    drill, since, by = next((words for word, *words in told if word == "# drill"), (None, None, None))
    return OpenJournal(
        drill=drill,
        by=by,
        since=datetime.fromisoformat(since) if since else _instant(min(changes)),
        changes=len(changes),
        under_way=beat is not None and beat < STALE_SECONDS,
        heal=(f"runbook recover --target {shlex.quote(target)}", f"{FOLDER}/recover.sh"),
    )


def _instant(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError):
        raise ValueError(f"{seconds} is not a time") from None


def _told(text: str) -> Iterator[list[str]]:
    return (line.split("\t") for line in lines_of(text))
