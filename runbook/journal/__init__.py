"""The journal of a drill, on the server itself: what there is to undo, written down before it is done.

It lies in a folder that survives a restart. Beside it lies ``recover.sh``, plain sh without arguments, which undoes
all that is open, newest first, for a server that has to be healed without this suite.

A drill holds the server under a *generation*, a random word that its runner alone knows. The file ``generation`` on the
server fences: an act, a beat of the heart or an undo of any other generation is refused there, under a lock. So a
runner that was frozen, cut off or forgotten can wake at any time without harm. The heart's age is told by the clock of
this boot, which nobody can set; after a restart no heart beats.

========== ================== ====== ============= =============== ============== ================= ==================
state      ``generation``     heart  entries       an act of it    its own undo   anyone's recovery another drill
========== ================== ====== ============= =============== ============== ================= ==================
idle       none               --     none          refused         nothing to do  nothing to do     takes it: held
held       the drill's        beats  any           registered      to closing     refused           refused
closing    the drill's,       beats  whose undo    refused         tried again    refused           refused
           ``closing``               failed
deserted   the drill's        still  any           as before       to closing     to left open      refused; takes it
                                                                                                    where none is open
left open  none               --     some          refused         of its own     undoes all: idle  refused
                                                                   entries
========== ================== ====== ============= =============== ============== ================= ==================

Entries lie in ``journal/GENERATION/NNNN.sh`` and are never deleted: what was undone is moved to ``undone/``, what
somebody else has changed meanwhile to ``interfered/``, and what failed stays. Only what stands there whole, under its
last name, is ever run. A recovery counts only with its last line, which says what came of it. Three files carry the
locks and are never removed: ``mutex`` (who changes who holds the server), ``acting`` (an undo waits for the act that
has begun), and ``lock``, which a heart holds while it lives, as a sign to others.

Entries of earlier versions lie in ``journal/`` itself; they are undone as well.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runbook import rights
from runbook.act import SOMEBODY_ELSE, Act
from runbook.question import Command, Output, Question, lines_of
from runbook.record import OpenJournal

FOLDER = "/var/lib/psyfit-runbook"
HEARTBEAT_SECONDS = 2.0
STALE_SECONDS = 15

PATIENCE_SECONDS = 10
"""How long a lock is waited for that is held for a moment."""

LONGEST_ACT_SECONDS = 100
"""How long an undo waits for an act that has begun: it would do again what was just undone."""

LONGEST_RECOVERY_SECONDS = 1800
"""How long the heart waits for the end of an undo."""

USUAL_UNDO_SECONDS = 120
"""The limit of an entry that names none: those of earlier versions."""

GRACE_SECONDS = 5
"""Between the signal that asks a command to end and the one that ends it."""

PASSED = f"{FOLDER}/passed"
"""A line for each scenario of a drill that has passed and was undone: when, its id, the backup that it was about."""

WHOLE = "# whole"
"""The last line of recover.sh: without it, it is not put on a server."""

REFUSED = 75
BUSY = 76
"""What a script here ends with where it has refused; the second while another recovery, or that of a line that was
lost, is at work."""

REFUSAL = "runbook: "
"""How the line begins in which one of the scripts here says why it has refused."""

_LIMITS = {
    "stale": STALE_SECONDS,
    "patience": PATIENCE_SECONDS,
    "longest_act": LONGEST_ACT_SECONDS,
    "long": LONGEST_RECOVERY_SECONDS,
    "usual_limit": USUAL_UNDO_SECONDS,
    "grace": GRACE_SECONDS,
}
_HERE = Path(__file__).parent
_COMMON = (_HERE / "common.sh").read_text()


def _text(script: str, *arguments: str) -> str:
    """One of the scripts beside this module, with its arguments, as it is given to sh."""
    limits = " ".join(f"{name}={value}" for name, value in _LIMITS.items())
    head = f"set -- {shlex.join((FOLDER, *arguments))}\n{limits}\n"
    return head + _COMMON + "\n" + (_HERE / f"{script}.sh").read_text()


OPEN = Command(
    f"""\
[ ! -e {FOLDER} ] || find {FOLDER} -maxdepth 3 -type f -regex '{FOLDER}/journal\\(/[0-9A-Za-z]+\\)?/[0-9]+\\.sh' \
  -printf 'change\\t%T@\\n' || exit
[ ! -e {FOLDER}/generation ] || sed 's/^/generation\\t/' {FOLDER}/generation
[ ! -s {FOLDER}/beat ] || sed 's/^/beat\\t/' {FOLDER}/beat
[ ! -e {FOLDER}/beat ] || stat -c 'touched\t%s\t%Y' {FOLDER}/beat
date '+now\t%s'
printf 'boot\\t%s\\t%s\\n' "$(cat /proc/sys/kernel/random/boot_id)" "$(cat /proc/uptime)"
[ ! -e {FOLDER}/journal ] || grep -hsr --include='*.sh' '^# drill' {FOLDER}/journal | head -n 1""",
    needs=rights.ROOT,
)
"""What is open: when each change was registered, who holds the server, the heart's last beat, the time and the time
since this boot, and whose drill it is."""

NAMES: dict[Question[Any], str] = {OPEN: "journal.OPEN"}
"""Its name for plan and evidence: every run asks it first."""

_BEGIN = re.compile(r"begin: (\d{1,4}) to undo, at most (\d{1,6}) s")
_END = re.compile(r"end: (\d+) undone, (\d+) interfered, (\d+) failed")
_ENTRY = re.compile(r"(undone|interfered|failed) (\d+\.sh) ?(.*)")


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

    def __str__(self) -> str:
        return f"{self.word}: {self.entry} {self.said}".rstrip()


@dataclass(frozen=True)
class Recovery:
    """What came of all that was open.

    Attributes:
        entries: In the order in which they were undone, newest first.
        ended_before: Whether somebody else's recovery had ended the drill that undoes itself here.
    """

    entries: tuple[Undone, ...]
    ended_before: bool = False


@dataclass(frozen=True)
class State:
    """The journal as it stands.

    Attributes:
        held: Whether a drill is under way: somebody holds the server, and his heart beats.
        changes: When each change was registered that waits to be undone.
        whose: The name of the drill that left them, its begin and who ran it, as far as the entries say so.
    """

    held: bool
    changes: tuple[datetime, ...]
    whose: tuple[str, str, str] | None


def held(generation: str) -> str:
    """The shell text that takes the server; it reads `recover_sh` and says ``held`` at its end."""
    return _text("hold", generation)


def beating(generation: str) -> str:
    """The shell text that says ``beating``, and keeps the drill alive while it reads a ``b`` now and then."""
    return _text("heart", generation)


def acted(generation: str, number: int, what: str, act: Act, script: str, undo: str, whose: Whose) -> str:
    """The shell text of an act, its undo on the disk before it begins, and whose drill it is of.

    Args:
        number: Counted from 1 within the generation.
        what: The act's name.
        script: What it does, as told to this server; ``undo`` likewise.
    """
    entry = f"# {what}\n# seconds {act.undo_seconds:g}\n{whose}\n{undo}\n"
    beside = "yes" if act.confined else ""
    return _text("act", generation, f"{number:04d}", entry, f"{act.seconds:g}", script, beside)


def recovery(generation: str = "") -> str:
    """The shell text that undoes what this generation has left, or what anyone has."""
    return _text("recover", generation)


def recover_sh() -> str:
    """The same as a file for the server: plain sh without arguments."""
    head = "#!/bin/sh\n# Undoes what a drill has left on this server. Right to run twice, as root.\n"
    return f"{head}{_text('recover')}{WHOLE}\n"


def released(generation: str) -> str:
    """The shell text that gives the server back."""
    return _text("release", generation)


def let_be(generation: str) -> str:
    """The shell text that names the entries of a generation of which an undo has found somebody else's change."""
    folder = f"{FOLDER}/interfered/{generation}"
    return f"[ ! -d {folder} ] || ls {folder}"


def passed(scenario: str, backup: str) -> str:
    """The shell text that notes that a scenario of a drill has passed: a line of its own, also after half a line."""
    return (
        f'umask 077; [ -z "$(tail -c 1 {PASSED} 2> /dev/null)" ] || echo >> {PASSED}; '
        f"printf '%s\\t%s\\t%s\\n' \"$(date +%s)\" {shlex.quote(scenario)} {shlex.quote(backup)} >> {PASSED}"
    )


def recovery_seconds(undo_seconds: Iterable[float]) -> float:
    """How long a recovery of entries with these limits may take, waiting for locks and for an act included."""
    entries = sum(seconds + GRACE_SECONDS + 1 for seconds in undo_seconds)
    return 3 * PATIENCE_SECONDS + LONGEST_ACT_SECONDS + entries + PATIENCE_SECONDS


def seconds_in(line: str) -> float | None:
    """How long what follows may take, where this is the line with which a recovery begins."""
    begun = _BEGIN.fullmatch(line.strip())
    return float(begun[2]) + PATIENCE_SECONDS if begun else None


def in_words(line: str) -> str | None:
    """A line of a recovery as it is shown to a person; None where it says nothing that a person is not told anyway."""
    begun = _BEGIN.fullmatch(line)
    if _END.fullmatch(line) or (begun and int(begun[1]) == 0):
        return None
    told = _ENTRY.fullmatch(line)
    return str(_undone(told)) if told else line


def refusal(output: Output) -> str | None:
    """Why one of the scripts here has refused to do anything, where it has."""
    said = next((line for line in lines_of(output.err) if line.startswith(REFUSAL)), None)
    return said.removeprefix(REFUSAL) if output.status in (REFUSED, BUSY) and said else None


def read_recovery(output: Output) -> Recovery:
    """What came of each entry.

    Raises:
        ValueError: It does not end as a recovery ends, so nobody knows what was undone; or it is something else.
    """
    *lines, last = output.lines or ("",)
    ended = _END.fullmatch(last)
    if ended is None:
        said = (output.err.strip() or last or "nothing").splitlines()[-1]
        raise ValueError(f"it did not finish (status {output.status}) and said last: {said}")
    found = tuple(_undone(told) for line in lines if (told := _ENTRY.fullmatch(line)))
    counted = tuple(sum(one.word == word for one in found) for word in ("undone", "interfered", "failed"))
    if counted != tuple(int(count) for count in ended.groups()):
        raise ValueError(f"its lines are not those that it counts: {last}")
    return Recovery(found, any(line.startswith("ended: ") for line in lines))


def _undone(told: re.Match[str]) -> Undone:
    word, entry, said = told.groups()
    return Undone(word, entry, said.removeprefix(SOMEBODY_ELSE))


def read_state(output: Output) -> State:
    """What the answer to `OPEN` says.

    Raises:
        Undetermined: The question could not be answered.
        ValueError, LookupError: It is another answer.
    """
    told = list(_told(output.required("the journal of drills").out))
    changes = tuple(_instant(float(words[0])) for word, *words in told if word == "change")
    whose = next(((words[0], words[1], words[2]) for word, *words in told if word == "# drill"), None)
    return State(_is_held(told), changes, whose)


def read_open(output: Output, target: str) -> OpenJournal | None:
    """What the answer to `OPEN` says of changes that wait; None where none does.

    Args:
        output: The answer.
        target: What a command is to be given as ``--target``.

    Raises:
        Undetermined: The question could not be answered.
        ValueError, LookupError: It is another answer.
    """
    state = read_state(output)
    if not state.changes:
        return None
    drill, since, by = state.whose or (None, None, None)
    return OpenJournal(
        drill=drill,
        by=by,
        since=datetime.fromisoformat(since) if since else min(state.changes),
        changes=len(state.changes),
        under_way=state.held,
        heal=(f"runbook recover --target {shlex.quote(target)}", f"{FOLDER}/recover.sh"),
    )


def _is_held(told: list[list[str]]) -> bool:
    """Whether a heart beats: of the generation that holds the server, on this boot, lately."""
    words = {word: rest for word, *rest in told}
    generation = next(iter(words.get("generation", [""])[0].split()), None)
    boot, uptime = words["boot"]
    whose, on, at = (*words.get("beat", [""])[0].split(), "", "", "")[:3]
    if generation is not None:
        age = float(uptime.split()[0]) - float(at) if at.isdecimal() and len(at) <= 10 else -1.0
        return whose == generation and on == boot and 0 <= age < STALE_SECONDS
    size, touched = words.get("touched", ("1", "0"))  # an earlier version's heart only touches its file
    return size == "0" and 0 <= float(words["now"][0]) - float(touched) < STALE_SECONDS


def _instant(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError):
        raise ValueError(f"{seconds} is not a time") from None


def _told(text: str) -> Iterator[list[str]]:
    return (line.split("\t") for line in lines_of(text))
