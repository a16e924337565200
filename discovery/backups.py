"""What the server's backups and its database show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from checks.backups.encrypted_backups import HEADS, read_heads
from checks.database.psql import in_database
from checks.formats.file_modes import read_file_modes
from checks.formats.openpgp import NotOpenPgp, read_message
from discovery.facts import Fact, ask, lines_heard, only
from runbook.model import rights
from runbook.model.outcome import Undetermined
from runbook.model.question import Command
from runbook.observation.snapshot import Snapshot, reading

FIND_BACKUPS = Command(
    "find /var/backups /var/www /srv /opt /home -maxdepth 4 -name '*_????????_??????.sql.gz*' 2>/dev/null || :",
    needs=rights.ROOT,
)
OWNERS = Command("stat -L -c '%a %U %n' -- {folders}", needs=rights.ROOT)

DATABASES = in_database("SELECT datname FROM pg_database WHERE NOT datistemplate AND datallowconn", database="postgres")
ROW_TIMES = in_database(
    "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attname IN ('created_at', 'inserted_at') "
    "AND atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype) "
    "ORDER BY pg_table_size(pg_class.oid) DESC LIMIT 3",
)
"""The columns that say when a row was made, of the largest tables: names only."""

ENCRYPTED_COLUMNS = in_database(
    "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace "
    "AND (attname LIKE '%_ciphertext' OR attname LIKE '%_bidx') "
    "ORDER BY relname, attnum",
)
"""The columns whose names say that the service encrypts them, or looks them up blindly."""

LOCK_TIMES = in_database(
    "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid "
    "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attname = 'locked_at' "
    "AND atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype) "
    "ORDER BY relname",
)
"""The columns that Rails' usual library of log-ins would have for when an account was locked."""

BACKUP_FILE = re.compile(r"(?!pre_restore_)(?P<database>.+)_\d{8}_\d{6}\.sql\.gz(\.gpg)?")

COLUMN = re.compile(r"(\w+)\|(\w+)", re.ASCII)


def facts_of_backups(snapshot: Snapshot, facts: Mapping[str, Fact]) -> dict[str, Fact]:
    listed = ask(snapshot, FIND_BACKUPS)
    paths, why = _trusted(snapshot, lines_heard(listed), facts["cron.account"])
    found = facts_in_backups(paths, listed.why or why)
    db = facts["containers.db"]
    if found["backups.database"].value is None and db.value is not None:
        names = ask(snapshot, DATABASES.with_values(db=str(db.value)))
        own = tuple(name for name in lines_heard(names) if name != "postgres")
        found["backups.database"] = Fact(None, names.why) if names.why else only(own, "database of the service")
    database = found["backups.database"]
    for key, question, told, none in (
        (
            "backups.freshness_columns",
            ROW_TIMES,
            "a guess, from the largest tables; remove those that do not get new rows every day",
            "no table has a column created_at",
        ),
        (
            "backups.encrypted_columns",
            ENCRYPTED_COLUMNS,
            "a guess, by their names",
            "no column has a name that ends in _ciphertext or _bidx",
        ),
    ):
        if db.value is None or database.value is None:
            found[key] = Fact(None, db.source if db.value is None else database.source)
            continue
        named = ask(snapshot, question.with_values(db=str(db.value), database=str(database.value)))
        columns = read_columns(lines_heard(named))
        found[key] = Fact(columns, told) if columns else Fact(None, named.why or none)
    found["login_policy.locked_at"] = _lock_times(snapshot, db, database)
    sealed = [line for line in paths if line.endswith(".gpg")]
    found["backups.encryption_key"] = _key(snapshot, max(sealed, default=None))
    return found


def _trusted(snapshot: Snapshot, paths: Sequence[str], account: Fact) -> tuple[tuple[str, ...], str]:
    """The files in folders into which root alone, or whoever makes the backups, can put one, or why there are none.

    A file that anybody else can put there is a claim of his.
    """
    folders = tuple(sorted({str(PurePosixPath(path).parent) for path in paths}))
    if not folders:
        return (), ""
    owners = {"root", str(account.value or "root")}
    try:
        with reading("whose the backups' folders are"):
            told = read_file_modes(
                snapshot.ask(OWNERS.with_values(folders=folders)).required("whose the backups' folders are").out
            )
    except Undetermined as error:
        return (), error.reason
    trusted = {one.path for one in told if one.owner in owners and not one.mode & 0o022}
    others = (
        f"others than {' and '.join(sorted(owners))} can write to the folders of the files that are named like a backup"
    )
    return tuple(path for path in paths if str(PurePosixPath(path).parent) in trusted), others


def _lock_times(snapshot: Snapshot, db: Fact, database: Fact) -> Fact:
    if db.value is None or database.value is None:
        return Fact(None, db.source if db.value is None else database.source)
    named = ask(snapshot, LOCK_TIMES.with_values(db=str(db.value), database=str(database.value)))
    if named.answer is None:
        return Fact(None, named.why)
    return only(read_columns(named.answer.lines), "column locked_at, of when an account was locked")


def facts_in_backups(paths: Iterable[str], why: str) -> dict[str, Fact]:
    """Where the backups are and of which database, guessed by the names of files: the folder that holds most."""
    seen: Counter[tuple[str, str]] = Counter()
    for line in paths:
        path = PurePosixPath(line)
        if match := BACKUP_FILE.fullmatch(path.name):
            seen[str(path.parent), match["database"]] += 1
    if not seen:
        why = why or "no file is named like a backup"
        return {"paths.backups": Fact(None, why), "backups.database": Fact(None, why)}
    ((folder, database), count), *_ = seen.most_common(1)
    told = f"a guess, by the names of {count} backups"
    return {"paths.backups": Fact(folder, told), "backups.database": Fact(database, told)}


def read_columns(lines: Iterable[str]) -> tuple[str, ...]:
    """``table.column`` for each row of psql's answer."""
    return tuple(f"{found[1]}.{found[2]}" for line in lines if (found := COLUMN.fullmatch(line)))


def _key(snapshot: Snapshot, path: str | None) -> Fact:
    if path is None:
        return Fact(None, "no encrypted backup is seen")
    head = ask(snapshot, HEADS.with_values(files=(path,)))
    try:
        octets = read_heads(head.answer.out)[path] if head.answer else b""
        if octets is None:
            return Fact(None, f"the newest backup that is called encrypted, {path}, is not")
        recipients = read_message(octets).recipients if octets else ()
    except (NotOpenPgp, ValueError, LookupError) as error:
        return Fact(None, f"the newest encrypted backup could not be read: {error}")
    if not recipients:
        return Fact(None, head.why or "the encrypted backups do not reveal their recipient key")
    ids = ", ".join(recipients)
    return Fact(
        None,
        f"the newest encrypted backup is for key {ids}; its public half is yours to name: "
        f"gpg --armor --export {recipients[0]} > backup-key.asc",
        recipients,
    )
