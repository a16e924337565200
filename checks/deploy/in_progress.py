"""What is under way on the server that a deploy must not meet: another deploy, a migration, a backup, a drill."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import PurePosixPath
from typing import Literal

from checks.database.psql import in_database
from runbook.model import rights
from runbook.model.question import Command, lines_of
from runbook.observation.snapshot import Snapshot, reading

WORK = Command(
    cleandoc(
        r"""find /proc/1/fd -maxdepth 1 -lname '*' >/dev/null || exit
    grep -qszE -e grep /proc/self/cmdline || {{ echo "grep tells no words of command lines here" >&2; exit 1; }}
    locks='/run/lock/psyfit-*.lock*'
    drills='/var/lib/psyfit-runbook/lock*'
    for open in $(find /proc/[0-9]*/fd -maxdepth 1 -lname "$locks" -o -lname "$drills" 2>/dev/null); do
      process=${{open%/fd/*}}
      grep -qs '^lock:' "$process/fdinfo/${{open##*/}}" || process=
      [ -z "$process" ] || printf 'lock\t%s\t%s\n' "$(readlink -- "$open")" "$(cat "$process/comm" 2>/dev/null)"
    done
    words='^([^ ]*/)?((deploy|backup|restore|cleanup-docker)[.]sh|pg_(dump|dumpall|restore|basebackup))$'
    words="$words|^db:(migrate(:(up|down|redo|reset))?|rollback|prepare|schema:load)\$"
    for line in $(grep -szlE -e "$words" /proc/[0-9]*/cmdline); do
      word=$(grep -szoE -e "$words" "$line" | tr '\0' '\n' | head -n 1)
      printf 'process\t%s\t%s\n' "$word" "$(cat "${{line%/*}}/comm" 2>/dev/null)"
    done
    [ ! -d /var/lib/psyfit-runbook/journal ] ||
      find /var/lib/psyfit-runbook/journal -mindepth 1 -maxdepth 2 -type f -name '*.sh' \
        -exec stat -c 'open %n' -- {{}} +"""
    ),
    needs=rights.ROOT,
)
"""Who holds a lock is told by his open files: /proc/locks hides a lock whose taker has ended and left it to others.

Of command lines only the words that are looked for come back.
"""

LOCKS_IN_DATABASE = in_database(
    "SELECT coalesce(json_agg(json_build_array(classid::bigint, objid::bigint)), json_build_array()) "
    "FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)

DEPLOY_LOCK = "/run/lock/psyfit-deploy.lock"
BACKUP_LOCK = "/run/lock/psyfit-backup.lock"
DRILL_LOCK = "/var/lib/psyfit-runbook/lock"
RAILS_SALT = 2053462845
SHELLS = frozenset({"ash", "bash", "dash", "ksh", "sh", "zsh"})
ONLY_READ_IT = frozenset({"cat", "git", "grep", "less", "man", "more", "nano", "tail", "vi", "vim", "watch"})
"""Programs that have a task's name among their words without doing it."""

Kind = Literal["deploy", "clean-up", "migration", "backup", "restore"]
KINDS: dict[str, Kind] = {
    "deploy.sh": "deploy",
    "cleanup-docker.sh": "clean-up",
    "backup.sh": "backup",
    "pg_dump": "backup",
    "pg_dumpall": "backup",
    "pg_basebackup": "backup",
    "restore.sh": "restore",
    "pg_restore": "restore",
}


@dataclass(frozen=True)
class Process:
    """A process on the server, in a container or not, that does one of these things.

    Attributes:
        word: What it was called by.
    """

    kind: Kind
    word: str

    def __str__(self) -> str:
        return f"{self.word} is running"


@dataclass(frozen=True)
class InProgress:
    """What is under way.

    Attributes:
        holders: For each lock that is held, by its path, the programs that hold it.
        undo: Entries of drills' journals that are still open: changes that wait to be undone.
    """

    holders: dict[str, tuple[str, ...]]
    processes: tuple[Process, ...]
    undo: tuple[str, ...]

    def running(self, *kinds: Kind) -> tuple[Process, ...]:
        """The processes of these kinds."""
        return tuple(one for one in self.processes if one.kind in kinds)


def under_way(snapshot: Snapshot) -> InProgress:
    """What holds the locks of deploys, backups and drills, what runs, and what a drill has left to undo."""
    told = snapshot.ask(WORK).required("what is in progress")
    with reading("what is in progress"):
        return read_work(told.out)


def migrations_locked(snapshot: Snapshot) -> bool:
    """Whether somebody holds the lock that a migration takes in the database, from wherever."""
    told = snapshot.ask(LOCKS_IN_DATABASE).required("the database's locks")
    with reading("the database's locks"):
        return migration_lock(snapshot.target.backups.database) in read_locks(told.out)


def read_work(text: str) -> InProgress:
    """Read the answer to `WORK`.

    Raises:
        ValueError: A line of it is not of its form.
    """
    holders: dict[str, set[str]] = {}
    processes, undo = set(), []
    for line in lines_of(text):
        match line.split("\t"):
            case ["lock", path, program]:
                holders.setdefault(path.removesuffix(" (deleted)"), set()).add(program or "a process")
            case ["process", word, program]:
                if found := process(PurePosixPath(word).name, program):
                    processes.add(found)
            case [one] if one.startswith("open "):
                undo.append(PurePosixPath(one).name)
            case _:
                raise ValueError("there is an unexpected line")
    return InProgress(
        {path: tuple(sorted(programs)) for path, programs in holders.items()},
        tuple(sorted(processes, key=lambda one: (one.kind, one.word))),
        tuple(sorted(undo)),
    )


def process(word: str, program: str) -> Process | None:
    """What a process does that has this word among its own; None where it only names it.

    Args:
        word: A script, a program or a task of Rails.
        program: The process's own name, of which the kernel keeps 15 characters.
    """
    if not word or not program:
        return None  # it ended while it was looked at
    if word.startswith("db:"):
        return None if program in ONLY_READ_IT else Process("migration", word)
    runs = word.startswith(program) or (word.endswith(".sh") and program in SHELLS)
    kind = KINDS.get(word)
    return Process(kind, word) if kind and runs else None


def read_locks(text: str) -> frozenset[int]:
    """The keys of the advisory locks that are held, from a list of pairs: the upper and the lower 32 bits of each.

    Raises:
        ValueError, TypeError: It is no such list; nothing is none either.
    """
    locks = json.loads(text)
    if not isinstance(locks, list):
        raise TypeError("these are not locks")
    return frozenset(_key(*halves) for halves in locks)


def migration_lock(database: str) -> int:
    """The key of the advisory lock that Rails takes while it migrates a database of this name."""
    return RAILS_SALT * zlib.crc32(database.encode())


def _key(upper: object, lower: object) -> int:
    if not isinstance(upper, int) or not isinstance(lower, int):
        raise TypeError("this is not a key of a lock")
    return (upper << 32) + lower
